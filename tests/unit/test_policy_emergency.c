/* SPDX-License-Identifier: Apache-2.0 */
/* Who may have emergency access, and what must be shown and said for it: named cases, and invariants over
 * the product of what may be so. */
#include "policy/decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define H(n) ((uint64_t) (n) *UINT64_C(3600000000))
#define REALTIME (UINT64_C(1795166502) * 1000000U) /* 2026-11-20T09:21:42Z, a Friday */
#define BOOTTIME H(100)

static const char text_without[] =
        "[Site]\nRelyingParty=wardtap.example.org\n[Station]\nName=bay2\nTags=ward3\n"
        "[Role nurse]\nGroups=nurses\nStations=ward9\nHours=22:00-06:00\n"
        "[Role porter]\nGroups=porters\nSignIn=badge\n"
        "[Role witness]\nGroups=doctors\n"
        "[Service lightdm]\nUse=sign-in\n[Service sudo]\nUse=step-up\n";
static const char with[] = "[BreakGlass]\nAccounts=emergency1 emergency2\nUses=2\n";

static struct rules *parse(const char *more) {
        char text[2048];
        struct rules *r = NULL;
        struct rules_errors e;
        (void) snprintf(text, sizeof(text), "%s%s", text_without, more);
        assert_int_equal(rules_parse_text("t", text, strlen(text), &r, &e), 0);
        rules_errors_clear(&e);
        return r;
}

/* An active nurse with her badge, at another ward's station by day, who has asked and said why. */
struct situation {
        struct rules *rules;
        char *group[2], *tag[2];
        struct words groups, tags, witness_groups;
        struct policy_person person, witness;
        struct policy_history history;
        struct policy_question q;
};

static void begin(struct situation *s, struct rules *rules) {
        *s = (struct situation){.rules = rules};
        s->group[0] = (char *) "nurses";
        s->tag[0] = (char *) "ward3";
        s->groups = (struct words){s->group, 1};
        s->tags = (struct words){s->tag, 1};
        s->person = (struct policy_person){.id = 1,
                                           .state = PERSON_ACTIVE,
                                           .has_account = true,
                                           .uid = 1001,
                                           .groups = s->groups,
                                           .has_keys = true,
                                           .user = "anna"};
        s->q = (struct policy_question){
                .rules = rules,
                .service = "lightdm",
                .tags = &s->tags,
                .person = &s->person,
                .history = &s->history,
                .evidence = {.badge = BADGE_NUMBER,
                             .badge_id = 7,
                             .badge_person = 1,
                             .emergency = EMERGENCY_ASKED,
                             .emergency_reason = true},
                .clock = {.realtime_usec = REALTIME,
                          .boottime_usec = BOOTTIME,
                          .boot_id = "b",
                          .trusted = true,
                          .weekday = 4,
                          .minute = 561},
        };
}

/* Kit in hand, touched, and everything said. */
static void begin_kit(struct situation *s, struct rules *rules) {
        begin(s, rules);
        s->person.emergency_account = true;
        s->person.user = "emergency1";
        s->person.groups = (struct words){0};
        s->q.evidence.emergency = EMERGENCY_NONE;
        s->q.evidence.key_present = true;
        s->q.evidence.key_id = 9;
}

/* No badge of the account; another person's key, verified. */
static void begin_witness(struct situation *s, struct rules *rules) {
        static char *doctors[] = {(char *) "doctors", NULL};
        begin_kit(s, rules);
        s->q.user_given = true;
        s->q.evidence = (struct policy_evidence){
                .emergency = EMERGENCY_WITNESS, .emergency_reason = true, .witness_verified = true};
        s->witness = (struct policy_person){.id = 2,
                                            .state = PERSON_ACTIVE,
                                            .has_account = true,
                                            .uid = 1002,
                                            .groups = {doctors, 1},
                                            .has_keys = true};
        s->q.witness = &s->witness;
}

static void expect(const struct situation *s, enum policy_verdict verdict, enum reason reason) {
        struct policy_decision d;
        policy_decide(&s->q, &d);
        assert_int_equal(d.verdict, verdict);
        assert_int_equal(d.reason, reason);
        if (verdict != POLICY_ALLOW)
                return;
        assert_int_equal(d.aal, 0);
        assert_false(d.strong);
        assert_false(d.grace);
        assert_true(d.emergency != EMERGENCY_NONE);
        assert_int_equal(d.emergency_usec, H(1));
}

static void her_badge_and_a_reason_are_enough_at_any_station_and_hour(void **state) {
        struct rules *r = parse(with);
        struct situation s;
        begin(&s, r);
        expect(&s, POLICY_ALLOW, REASON_NONE);
        s.q.evidence.emergency_reason = false;
        expect(&s, POLICY_NEED_REASON, REASON_NONE);
        s.q.evidence.emergency = EMERGENCY_NONE; /* while she would not even be let in otherwise */
        expect(&s, POLICY_DENY, REASON_NOT_THIS_STATION);
        rules_free(r);
}

static void throttling_does_not_stop_it(void **state) {
        struct rules *r = parse(with);
        struct situation s;
        begin(&s, r);
        s.history.failures = 100;
        s.history.last_failure_boottime_usec = BOOTTIME;
        memcpy(s.history.last_failure_boot_id, "b", 2);
        expect(&s, POLICY_ALLOW, REASON_NONE);
        rules_free(r);
}

static void these_stop_it(void **state) {
        struct rules *r = parse(with), *none = parse(""), *elsewhere = parse("[BreakGlass]\nTags=or\n"),
                     *some = parse("[BreakGlass]\nGroups=doctors\n");
        struct situation s;
        begin(&s, NULL);
        expect(&s, POLICY_UNAVAIL, REASON_NO_RULES);
        begin(&s, none);
        expect(&s, POLICY_DENY, REASON_EMERGENCY_OFF);
        begin(&s, elsewhere);
        expect(&s, POLICY_DENY, REASON_EMERGENCY_OFF);
        begin(&s, some);
        expect(&s, POLICY_DENY, REASON_NO_ROLE);
        begin(&s, r);
        s.q.remote = true;
        expect(&s, POLICY_UNAVAIL, REASON_REMOTE);
        begin(&s, r);
        s.q.service = "sudo";
        expect(&s, POLICY_UNAVAIL, REASON_NO_TAPS);
        begin(&s, r);
        s.q.caller_uid = 1001;
        expect(&s, POLICY_UNAVAIL, REASON_NO_TAPS);
        begin(&s, r);
        s.q.in_session = true;
        expect(&s, POLICY_UNAVAIL, REASON_NO_TAPS);
        begin(&s, r);
        s.person.state = PERSON_SUSPENDED;
        expect(&s, POLICY_DENY, REASON_PERSON_SUSPENDED);
        begin(&s, r);
        s.person.state = PERSON_ENDED;
        expect(&s, POLICY_DENY, REASON_PERSON_ENDED);
        begin(&s, r);
        s.person.not_after_usec = REALTIME;
        expect(&s, POLICY_DENY, REASON_PERSON_EXPIRED);
        begin(&s, r);
        s.person.has_account = false;
        expect(&s, POLICY_DENY, REASON_NO_ACCOUNT);
        begin(&s, r);
        s.q.evidence.badge_ended = true;
        expect(&s, POLICY_DENY, REASON_BADGE_ENDED);
        begin(&s, r);
        s.q.evidence.badge_suspended = true;
        expect(&s, POLICY_DENY, REASON_BADGE_SUSPENDED);
        s.q.evidence.badge_reported = s.q.evidence.ticket =
                true; /* a ticket lifts that, an emergency does not */
        s.q.evidence.ticket_until_usec = REALTIME + 1;
        expect(&s, POLICY_DENY, REASON_BADGE_SUSPENDED);
        begin(&s, r);
        s.q.evidence.badge_aside = true; /* she has a temporary one, and that opens an emergency */
        expect(&s, POLICY_DENY, REASON_BADGE_ASIDE);
        begin(&s, r);
        s.q.evidence.badge_lent = true;
        s.q.evidence.lend = (struct policy_approval){REALTIME - 1, BOOTTIME - 1, "b", REALTIME + 1};
        expect(&s, POLICY_ALLOW, REASON_NONE);
        s.q.evidence.lend.until_usec = REALTIME;
        expect(&s, POLICY_DENY, REASON_BADGE_LEND_OVER);
        begin(&s, r);
        s.q.evidence.badge_person = 3;
        expect(&s, POLICY_DENY, REASON_BADGE_OF_ANOTHER);
        begin(&s, r);
        s.q.evidence.badge = BADGE_NONE;
        s.q.evidence.badge_id = s.q.evidence.badge_person = 0;
        expect(&s, POLICY_NEED_BADGE, REASON_NONE);
        begin(&s, r);
        s.group[0] = (char *) "visitors";
        expect(&s, POLICY_DENY, REASON_NO_ROLE);
        rules_free(r);
        rules_free(none);
        rules_free(elsewhere);
        rules_free(some);
}

static void only_so_often_within_a_day(void **state) {
        struct rules *r = parse(with);
        struct situation s;
        begin(&s, r);
        s.history.emergencies = 1;
        expect(&s, POLICY_ALLOW, REASON_NONE);
        s.history.emergencies = 2;
        expect(&s, POLICY_DENY, REASON_EMERGENCY_USED_UP);
        s.person.in_emergency = true; /* the one that is under way is no other */
        s.q.evidence.emergency_reason = false;
        expect(&s, POLICY_ALLOW, REASON_NONE);
        s.person.in_emergency = false;
        s.q.evidence.emergency_reason = true;
        s.history = (struct policy_history){.unknown = true}; /* the store is locked */
        expect(&s, POLICY_ALLOW, REASON_NONE);
        rules_free(r);
}

static void fresh_wants_a_full_sign_in_of_late(void **state) {
        struct rules *r = parse("[BreakGlass]\nBadge=fresh\nRecentStrong=2h\n");
        struct situation s;
        begin(&s, r);
        expect(&s, POLICY_DENY, REASON_EMERGENCY_NOT_FRESH);
        s.history.any_strong = true;
        s.history.strong_usec = REALTIME - H(1);
        s.history.strong_boottime_usec = BOOTTIME - H(1);
        memcpy(s.history.strong_boot_id, "b", 2);
        expect(&s, POLICY_ALLOW, REASON_NONE);
        s.history.strong_boottime_usec = BOOTTIME - H(3);
        expect(&s, POLICY_DENY, REASON_EMERGENCY_NOT_FRESH);
        memcpy(s.history.strong_boot_id, "a", 2); /* another boot, and a clock that nobody trusts */
        s.q.clock.trusted = false;
        expect(&s, POLICY_DENY, REASON_EMERGENCY_NOT_FRESH);
        s.history = (struct policy_history){.unknown = true};
        expect(&s, POLICY_ALLOW, REASON_NONE);
        rules_free(r);
}

static void a_kit_is_badge_and_touch_and_words(void **state) {
        struct rules *r = parse(with);
        struct situation s;
        begin_kit(&s, r);
        expect(&s, POLICY_ALLOW, REASON_NONE);
        s.q.evidence.emergency_reason = false;
        expect(&s, POLICY_NEED_REASON, REASON_NONE);
        s.q.evidence.key_present = false;
        expect(&s, POLICY_NEED_KEY, REASON_NONE);
        s.person.has_keys = false;
        expect(&s, POLICY_DENY, REASON_NO_KEY_ENROLLED);
        begin_kit(&s, r);
        s.person.user = "emergency9";
        expect(&s, POLICY_DENY, REASON_EMERGENCY_OFF);
        begin_kit(&s, r);
        s.person.own_session = true; /* somebody's, and not of an emergency */
        expect(&s, POLICY_DENY, REASON_EMERGENCY_IN_USE);
        s.person.in_emergency = true; /* whoever has the kit comes back, and says who that is */
        s.q.evidence.emergency_reason = false;
        expect(&s, POLICY_NEED_REASON, REASON_NONE);
        s.q.evidence.emergency_reason = true;
        expect(&s, POLICY_ALLOW, REASON_NONE);
        begin_kit(&s, r);
        s.q.service = "sudo";
        expect(&s, POLICY_UNAVAIL, REASON_NO_TAPS);
        begin_kit(&s, r);
        s.q.evidence.badge = BADGE_NONE; /* its key alone, by name */
        s.q.evidence.badge_id = s.q.evidence.badge_person = 0;
        expect(&s, POLICY_NEED_BADGE, REASON_NONE);
        rules_free(r);
}

static void a_witness_is_another_person_who_is_verified(void **state) {
        struct rules *r = parse(with);
        struct situation s;
        begin_witness(&s, r);
        expect(&s, POLICY_ALLOW, REASON_NONE);
        s.q.evidence.witness_verified = false;
        expect(&s, POLICY_NEED_VERIFY, REASON_NONE);
        s.q.evidence.emergency_reason = false; /* who and why come first */
        expect(&s, POLICY_NEED_REASON, REASON_NONE);
        begin_witness(&s, r);
        s.q.evidence.witness_is_claimed = true;
        expect(&s, POLICY_DENY, REASON_EMERGENCY_WITNESS);
        begin_witness(&s, r);
        s.witness.id = 1;
        expect(&s, POLICY_DENY, REASON_EMERGENCY_WITNESS);
        begin_witness(&s, r);
        s.witness.state = PERSON_SUSPENDED;
        expect(&s, POLICY_DENY, REASON_EMERGENCY_WITNESS);
        begin_witness(&s, r);
        s.witness.not_after_usec = REALTIME - 1;
        expect(&s, POLICY_DENY, REASON_EMERGENCY_WITNESS);
        begin_witness(&s, r);
        s.witness.emergency_account = true;
        expect(&s, POLICY_DENY, REASON_EMERGENCY_WITNESS);
        begin_witness(&s, r);
        s.witness.has_keys = false;
        expect(&s, POLICY_DENY, REASON_EMERGENCY_WITNESS);
        begin_witness(&s, r);
        s.witness.groups = s.groups; /* a role, but not here and now */
        expect(&s, POLICY_DENY, REASON_EMERGENCY_WITNESS);
        begin_witness(&s, r);
        s.q.witness = NULL;
        expect(&s, POLICY_DENY, REASON_EMERGENCY_WITNESS);
        begin_witness(&s, r);
        s.person.in_emergency = s.person.own_session = true;
        expect(&s, POLICY_DENY, REASON_EMERGENCY_IN_USE);
        rules_free(r);
}

/* Over everything that may be so: whoever is let in by an emergency has asked for it, with her badge or for
 * an emergency account, from a sign-in of root's at a station that has break-glass. */
/* A second tap that she never asked for is none: what lets in then is the ticket, or the temporary badge. */
static void neither_a_ticket_nor_a_temporary_badge_is_one_by_itself(void **state) {
        struct rules *r = parse(with);
        struct policy_decision d;
        struct situation s;
        r->tickets = true;
        for (unsigned lent = 0; lent < 2; lent++) {
                begin(&s, r);
                s.tag[0] = (char *) "ward9";
                s.q.clock.minute = 23 * 60;
                s.q.evidence.emergency = EMERGENCY_NONE;
                s.q.evidence.badge_lent = lent;
                s.q.evidence.lend = (struct policy_approval){REALTIME - 1, BOOTTIME - 1, "b", REALTIME + 1};
                s.q.evidence.ticket = !lent;
                s.q.evidence.ticket_until_usec = lent ? 0 : REALTIME + 1;
                policy_decide(&s.q, &d);
                assert_int_equal(d.verdict, POLICY_ALLOW);
                assert_int_equal(d.emergency, EMERGENCY_NONE);
                assert_true(lent ? d.lent : d.lowered);
        }
        rules_free(r);
}

static void nobody_gets_in_without_asking(void **state) {
        struct rules *r = parse(with), *none = parse("");
        unsigned allowed = 0;
        for (unsigned bits = 0; bits < 1U << 13; bits++)
                for (int e = 0; e < EMERGENCY_MAX; e++) {
                        struct situation s;
                        struct policy_decision d;
                        begin_witness(&s, bits & 1 ? r : none);
                        s.person.emergency_account = bits & 2;
                        s.person.groups = s.groups;
                        s.person.in_emergency = bits & 4;
                        s.person.own_session = bits & 8;
                        s.person.state = bits & 16 ? PERSON_SUSPENDED : PERSON_ACTIVE;
                        s.q.service = bits & 32 ? "sudo" : "lightdm";
                        s.q.caller_uid = bits & 64 ? 1001 : 0;
                        s.q.remote = bits & 128;
                        s.q.evidence = (struct policy_evidence){.emergency = (enum emergency) e,
                                                                .emergency_reason = bits & 256,
                                                                .key_present = bits & 512,
                                                                .witness_verified = bits & 1024};
                        if (bits & 2048) {
                                s.q.evidence.badge = BADGE_NUMBER;
                                s.q.evidence.badge_id = 7;
                                s.q.evidence.badge_person = bits & 4096 ? 1 : 3;
                        }
                        policy_decide(&s.q, &d);
                        if (d.verdict != POLICY_ALLOW || d.emergency == EMERGENCY_NONE)
                                continue;
                        allowed++;
                        bool own = s.q.evidence.badge != BADGE_NONE && s.q.evidence.badge_person == 1;
                        assert_true(s.q.rules == r && s.person.state == PERSON_ACTIVE && !s.q.remote &&
                                    s.q.caller_uid == 0 && strcmp(s.q.service, "lightdm") == 0);
                        assert_true(s.q.evidence.emergency_reason ||
                                    (s.person.in_emergency && d.emergency == EMERGENCY_ASKED));
                        assert_true(d.aal == 0 && !d.strong && !d.grace);
                        if (d.emergency == EMERGENCY_ASKED)
                                assert_true(own && !s.person.emergency_account && e == EMERGENCY_ASKED);
                        else if (d.emergency == EMERGENCY_KIT)
                                assert_true(own && s.person.emergency_account && s.q.evidence.key_present);
                        else
                                assert_true(s.person.emergency_account && s.q.evidence.witness_verified &&
                                            e == EMERGENCY_WITNESS);
                }
        assert_true(allowed > 20);
        rules_free(r);
        rules_free(none);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(her_badge_and_a_reason_are_enough_at_any_station_and_hour),
                cmocka_unit_test(throttling_does_not_stop_it),
                cmocka_unit_test(these_stop_it),
                cmocka_unit_test(only_so_often_within_a_day),
                cmocka_unit_test(fresh_wants_a_full_sign_in_of_late),
                cmocka_unit_test(a_kit_is_badge_and_touch_and_words),
                cmocka_unit_test(a_witness_is_another_person_who_is_verified),
                cmocka_unit_test(neither_a_ticket_nor_a_temporary_badge_is_one_by_itself),
                cmocka_unit_test(nobody_gets_in_without_asking),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
