/* SPDX-License-Identifier: Apache-2.0 */
/* The sentences of `wardtap policy explain`: what led to a decision, for whatever may lower it or stand in
 * for the factors. */
#include "cli/explain.h"
#include "common/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#define NOW UINT64_C(1795176000000000) /* 2026-11-20 12:00 UTC, a Friday */
#define HOUR UINT64_C(3600000000)

static const char rules_text[] =
        "[Site]\nRelyingParty=a.org\nTickets=yes\n[Station]\nName=bay2\nTags=ward3\n"
        "[Role nurse]\nGroups=nurses\nGrace=12h\n"
        "[Role lead]\nGroups=leads\nSignIn=badge+key\nStations=ward3\n"
        "[Service lightdm]\nUse=sign-in\n"
        "[Exception new-key]\nOwner=jo\nReason=keys are ordered\nUntil=2026-12-10\nUsers=ben\nSignIn=badge\n"
        "[Check disk]\nUnit=d.service\nThen=no-sign-in\n[Check scan]\nUnit=s.service\nThen=no-grace\n"
        "[Check log]\nUnit=l.service\nThen=record\n"
        "[BreakGlass]\nUses=3\nBadge=fresh\nRecentStrong=2h\nMinutes=30\nAccounts=emergency1\n";

static struct rules *rules;
static struct explanation *x;
static struct policy_decision d;
static char *groups[] = {(char *) "nurses", NULL};

/* Anna, a nurse, with badge and key, in whose session 2 hours ago a full sign-in was. */
static int begin(void **state) {
        struct rules_errors errors;
        (void) setenv("TZ", "UTC", 1);
        tzset();
        x = calloc(1, sizeof(*x));
        if (!x || rules_parse_text("t", rules_text, strlen(rules_text), &rules, &errors) < 0)
                return -1;
        x->rules = rules;
        x->steps = json_new_array();
        x->person = (struct store_person){.id = 1, .user = "anna", .full_name = "Anna Berg"};
        x->groups = (struct words){groups, 1};
        x->asked = (struct policy_person){.id = 1,
                                          .user = "anna",
                                          .has_account = true,
                                          .uid = 2001,
                                          .groups = {groups, 1},
                                          .has_keys = true};
        x->history = (struct policy_history){.any_strong = true,
                                             .strong_usec = NOW - HOUR,
                                             .strong_boottime_usec = 8 * HOUR,
                                             .strong_boot_id = "b",
                                             .strong_badge_id = 5,
                                             .strong_aal = 2};
        x->question = (struct policy_question){
                .rules = rules,
                .service = "lightdm",
                .evidence = {.badge = BADGE_NUMBER, .badge_id = 5, .badge_person = 1},
                .clock = {.realtime_usec = NOW,
                          .boottime_usec = 9 * HOUR,
                          .boot_id = "b",
                          .trusted = true,
                          .weekday = 4,
                          .minute = 720},
        };
        x->tags.words = rules->tags;
        x->question.tags = &x->tags.words;
        x->question.person = &x->asked;
        x->question.history = &x->history;
        x->badge = (struct store_badge){.id = 5};
        return 0;
}

static int end(void **state) {
        json_putp(&x->steps);
        free(x);
        rules = rules_free(rules);
        return 0;
}

/* Asks, and returns all sentences, one a line, with the last one at the end. */
static const char *explain(const char *failing) {
        static char text[4096], so[512];
        static char *passing[3], *fails[3];
        size_t n_passing = 0, n_fails = 0, at = 0;
        for (size_t i = 0; i < rules->n_checks; i++) {
                bool f = failing && strcmp(failing, rules->checks[i].name) == 0;
                *(f ? &fails[n_fails++] : &passing[n_passing++]) = rules->checks[i].name;
        }
        x->passing = (struct words){passing, n_passing};
        x->failing = (struct words){fails, n_fails};
        x->question.passing = &x->passing;
        json_putp(&x->steps);
        x->steps = json_new_array();
        policy_decide(&x->question, &d);
        explain_tell(x, &d);
        for (size_t i = 0; i < json_object_array_length(x->steps); i++)
                at += (size_t) snprintf(text + at, sizeof(text) - at, "%s\n",
                                        json_object_get_string(json_object_array_get_idx(x->steps, i)));
        policy_describe(&d, so, sizeof(so));
        (void) snprintf(text + at, sizeof(text) - at, "So: %s\n", so);
        return text;
}

static void said(const char *text, const char *sentence) {
        char line[600];
        (void) snprintf(line, sizeof(line), "%s\n", sentence);
        const char *at = strstr(text, line);
        if (!at || (at > text && at[-1] != '\n'))
                fail_msg("'%s' is not in:\n%s", sentence, text);
}

static void not_said(const char *text, const char *words) {
        if (strstr(text, words))
                fail_msg("'%s' is in:\n%s", words, text);
}

static void plainly_by_badge_and_key(void **state) {
        const char *t = explain(NULL);
        said(t, "Anna Berg (anna) is enrolled, and active.");
        said(t, "Role 'nurse' by the group 'nurses'. It wants badge+key+verify.");
        said(t, "Shown: a badge.");
        said(t, "The check 'disk' is taken to pass; should it fail: no-sign-in.");
        said(t, "So: A touch of the key with PIN or fingerprint is needed as nurse.");
        not_said(t, "mergency");
        x->question.evidence.key_present = x->question.evidence.key_verified = true;
        t = explain(NULL);
        said(t, "Shown: a badge and a key with PIN or fingerprint.");
        said(t, "So: Allowed as nurse: badge+key+verify was proven, which reaches AAL2.");
}

static void a_session_by_ticket(void **state) {
        x->question.evidence.ticket = true;
        x->question.evidence.ticket_until_usec = NOW + 2 * HOUR;
        x->ticket = (struct store_ticket){
                .id = 1, .name = "T7K2M9QD", .issuer = "dora", .not_after_usec = NOW + 2 * HOUR};
        const char *t = explain(NULL);
        said(t, "Shown: a badge and the code of a ticket.");
        said(t, "Ticket T7K2M9QD, issued by dora, is good until 2026-11-20 14:00:00.");
        said(t, "It stands in for the factors; the session is lowered, and locked when the ticket ends.");
        said(t,
             "So: Allowed as nurse by a ticket, which stands in for the factors and proves none: lowered, "
             "until it ends.");
        x->question.evidence.ticket_used = true;
        x->ticket.used_usec = NOW - HOUR;
        t = explain(NULL);
        said(t, "It has been used, and no session that it began waits here (--session says there is one).");
        said(t, "So: Refused as nurse (ticket-used): This code has been used. Ask the help desk for a new "
                "one.");
        x->asked.own_session = true;
        x->question.evidence.badge_id = 6; /* not by grace */
        t = explain(NULL);
        said(t, "It has been used, and gives back the session it began.");
        assert_true(d.lowered);
}

static void a_badge_that_was_reported_lost(void **state) {
        struct policy_evidence *e = &x->question.evidence;
        e->badge_suspended = e->badge_reported = true;
        (void) snprintf(x->badge.suspend_reason, sizeof(x->badge.suspend_reason),
                        "reported: not in the locker");
        const char *t = explain(NULL);
        said(t, "The badge is suspended: reported: not in the locker.");
        said(t,
             "A ticket that was issued after that report lifts it; the owner's key does, too: wardtap badge "
             "found anna");
        said(t, "So: Refused as nurse (badge-suspended): This badge is suspended. Ask the help desk.");
}

static void a_temporary_badge(void **state) {
        struct policy_evidence *e = &x->question.evidence;
        e->badge_lent = true;
        e->lender = "dora";
        e->lend = (struct policy_approval){NOW - HOUR, 8 * HOUR, "b", NOW + 3 * HOUR};
        x->badge.not_after_usec = NOW + 3 * HOUR;
        (void) snprintf(x->badge.approver, sizeof(x->badge.approver), "dora");
        e->badge_id = x->badge.id = 9;
        const char *t = explain(NULL);
        said(t, "Shown: a temporary badge.");
        said(t, "dora lent the temporary badge until 2026-11-20 15:00:00.");
        said(t, "It stands in for the key as grace does; the session is lowered, until then.");
        said(t, "So: Allowed as nurse by a temporary badge: dora lent it, and it is enough until then.");
        e->badge_lent = false;
        e->badge_aside = true;
        x->badge.not_after_usec = 0;
        t = explain(NULL);
        said(t, "Shown: the own badge, while there is a temporary one.");
        not_said(t, "lent the temporary badge");
        assert_int_equal(d.reason, REASON_BADGE_ASIDE);
}

static void a_role_for_a_while(void **state) {
        const struct policy_elevation e = {"lead", "dora", {NOW - HOUR, 8 * HOUR, "b", NOW + HOUR}};
        x->asked.elevations = &e;
        x->asked.n_elevations = 1;
        x->question.evidence.key_present = true;
        const char *t = explain(NULL);
        said(t, "Role 'lead' for a while, until 2026-11-20 13:00:00, approved by dora. It wants badge+key.");
        said(t, "So: Allowed as lead (which dora approved for a while): badge+key was proven, which reaches "
                "AAL1.");
        x->question.clock.realtime_usec += HOUR;
        x->question.clock.boottime_usec += HOUR;
        t = explain(NULL);
        said(t, "The role 'lead' for a while, approved by dora, is over since 2026-11-20 13:00:00.");
        said(t, "Role 'nurse' by the group 'nurses'. It wants badge+key+verify.");
        x->question.clock.realtime_usec = NOW - 8760 * HOUR; /* a clock set back a year, after a boot */
        (void) snprintf(x->question.clock.boot_id, sizeof(x->question.clock.boot_id), "c");
        said(explain(NULL), "The role 'lead' for a while, approved by dora, does not count at this time.");
}

static void an_exception(void **state) {
        x->asked.user = "ben";
        const char *t = explain(NULL);
        said(t, "Exception 'new-key' lets badge do until 2026-12-11 00:00:00; jo answers for it: keys are "
                "ordered.");
        said(t, "So: Allowed as nurse by the exception new-key, for which jo answers: badge was enough.");
        x->question.clock.realtime_usec = NOW + 21 * 24 * HOUR;
        t = explain(NULL);
        said(t, "Exception 'new-key' is over since 2026-12-11 00:00:00.");
        assert_int_equal(d.verdict, POLICY_NEED_VERIFY);
}

static void a_check_that_fails(void **state) {
        x->asked.own_session = true; /* so that grace would do */
        said(explain("log"), "The check 'log' fails, which is recorded and takes nothing away.");
        assert_true(d.grace);
        const char *t = explain("scan");
        said(t, "The check 'scan' fails, so that a badge alone is not enough.");
        said(t, "So: A touch of the key with PIN or fingerprint is needed as nurse.");
        t = explain("disk");
        said(t, "The check 'disk' fails, so that nobody signs in here.");
        assert_int_equal(d.reason, REASON_POSTURE);
}

static void an_emergency(void **state) {
        x->question.evidence.emergency = EMERGENCY_ASKED;
        x->history.emergencies = 1;
        const char *t = explain("disk"); /* which stops none */
        said(t,
             "The badge was tapped twice: an emergency. With the badge alone, 1 in the last day, of at most "
             "3.");
        said(t, "It takes a full sign-in here within the last 2 h.");
        said(t, "So: Emergency access as nurse, once it is said why.");
        x->question.evidence.emergency_reason = true;
        t = explain("disk");
        said(t, "No factor, hour, station or check is asked for; it is recorded, alerted and reviewed.");
        said(t,
             "So: Allowed as nurse as an emergency, which proves nothing: for 30min, and it is reviewed.");
        x->history.any_strong = false;
        said(explain(NULL), "No full sign-in on this station is known.");
        assert_int_equal(d.reason, REASON_EMERGENCY_NOT_FRESH);
        rules->break_glass.present = false;
        said(explain(NULL), "The rules have no [BreakGlass], so there is no emergency access.");
        assert_int_equal(d.reason, REASON_EMERGENCY_OFF);
}

static void an_emergency_account(void **state) {
        x->asked.emergency_account = true;
        x->asked.user = "emergency1";
        const char *t = explain(NULL);
        said(t, "The account is for emergencies: a sealed kit or a witness opens it.");
        said(t, "So: A touch of the key is needed.");
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
        const struct CMUnitTest tests[] = {
                T(plainly_by_badge_and_key), T(a_session_by_ticket), T(a_badge_that_was_reported_lost),
                T(a_temporary_badge),        T(a_role_for_a_while),  T(an_exception),
                T(a_check_that_fails),       T(an_emergency),        T(an_emergency_account),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
