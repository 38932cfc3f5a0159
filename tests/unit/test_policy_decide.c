/* SPDX-License-Identifier: Apache-2.0 */
/* The decision, three times: named cases with their exact answer; the whole product of kinds of evidence,
 * roles, places, hours, services, histories, failures and clocks against an oracle that is written from the
 * design and not from the code; and invariants that no answer may break. */
#include "common/util.h"
#include "policy/decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

#define H(n) ((uint64_t) (n) *UINT64_C(3600000000))
#define SEC(n) ((uint64_t) (n) *UINT64_C(1000000))
#define REALTIME (UINT64_C(1795166502) * 1000000U) /* 2026-11-20T09:21:42Z, a Friday */
#define BOOTTIME H(100)

static const char rules_text[] =
        "[Site]\nRelyingParty=wardtap.example.org\n[Station]\nName=bay2\nTags=ward3\n"
        "[Role nurse]\nGroups=nurses\nStations=ward3\nHours=Mon-Fri 06:00-22:00\nSignIn=badge+key+verify\n"
        "Grace=8h\nGraceCap=10h\n"
        "[Role night]\nGroups=nurses\nStations=ward3\nHours=22:00-06:00\nSignIn=badge+key\n"
        "Grace=2h\nGraceMode=renewed\nGraceCap=10h\n"
        "[Role "
        "surgeon]\nGroups=surgeons\nStations=bay2\nKeyModels=cb69481e-8ff7-4039-93ec-0a2729a154a8\nGrace="
        "8h\n"
        "[Role porter]\nGroups=porters\nSignIn=badge\n"
        "[Role admin]\nGroups=admins\nSignIn=key+verify\n"
        "[Service lightdm]\nUse=sign-in\n"
        "[Service login]\nUse=sign-in\nSignIn=key+verify\n"
        "[Service kiosk]\nUse=sign-in\nSignIn=badge\n"
        "[Service vault]\nUse=sign-in\nSignIn=badge+key+verify\n"
        "[Service sudo]\nUse=step-up\n"
        "[Service polkit-1]\nUse=step-up\nSignIn=badge+key\n"
        "[Service broken]\nUse=step-up\n"; /* its factors become "badge" below: rules that check refuses */

enum group { NURSE, SURGEON, PORTER, ADMIN, VISITOR, GROUP_MAX };
static const char *const group_names[] = {"nurses", "surgeons", "porters", "admins", "visitors"};

enum hour { DAY, NIGHT, WEEKEND, HOUR_MAX }; /* Monday 10:00, Tuesday 02:00, Sunday 10:00 */
static const struct {
        uint8_t weekday;
        uint16_t minute;
} hours[] = {{0, 600}, {1, 120}, {6, 600}};

enum badge { NO_BADGE, NUMBER, SECRET, OTHER_OWN, OTHERS, OLD, UNKNOWN, BADGE_MAX };
enum key { NO_KEY, TOUCH, VERIFIED, ATTESTED, BAD_MODEL, KEY_MAX };
enum who { HERSELF, NOBODY, NAMED_NOBODY, OF_OTHER_USER, OF_OWN_USER, NOBODY_OF_USER, WHO_MAX };
enum fails { NONE_FAILED, FOUR_NOW, FOUR_LONG_AGO, TEN_MINUTE_AGO, OTHER_BOOT_FUTURE, FAILS_MAX };
enum past {
        NEVER,
        AN_HOUR,
        NINE_HOURS,
        ELEVEN_HOURS,
        RENEWED,           /* nine hours ago, renewed an hour ago */
        RENEWED_OLD,       /* eleven hours ago, renewed an hour ago */
        RENEWED_FUTURE,    /* an hour ago, renewed in an hour */
        OTHER_BADGE,       /* an hour ago, with another badge of hers */
        BEFORE_BOOT,       /* an hour ago on the wall, in another boot */
        FUTURE,            /* in an hour, in another boot */
        WALL_JUMPED,       /* an hour ago by the boot clock; the wall clock says in a year */
        BOOT_CLOCK_FUTURE, /* this boot, in an hour */
        RENEWED_BEFORE,    /* an hour ago; nine hours ago an earlier one was renewed */
        NEVER_STRONG,      /* as an hour ago, but it was no full sign-in */
        TOUCHED,           /* an hour ago, by a touch alone */
        PAST_MAX
};

/* All zero is the easiest case: an active nurse, at her station, by day, with a root caller. */
struct situation {
        const char *service; /* NULL = lightdm */
        enum group group;
        enum hour hour;
        enum badge badge;
        enum key key;
        enum who who;
        enum fails fails;
        enum past past;
        enum assurance assurance;
        enum person_state state;
        int window; /* -1 not yet valid, 1 expired, 2 inside its window */
        bool no_rules, remote, away, untrusted, no_account, no_keys, no_session, in_session;
};

static struct rules *rules;
static struct words no_words;

static int setup(void **state) {
        struct rules_errors e;
        if (rules_parse_text("t", rules_text, strlen(rules_text), &rules, &e) < 0)
                return -1;
        for (size_t i = 0; i < rules->n_services; i++)
                if (strcmp(rules->services[i].name, "broken") == 0)
                        rules->services[i].sign_in = FACTOR_BADGE;
        return 0;
}

static int teardown(void **state) {
        rules = rules_free(rules);
        return 0;
}

/* Everything a question borrows. */
struct built {
        struct policy_question q;
        struct policy_person person;
        struct policy_history history;
        char *group[2], *tag[2];
        struct words tags;
        char station[8];
};

static void build_evidence(const struct situation *s, struct policy_evidence *e) {
        e->badge = s->badge == NO_BADGE ? BADGE_NONE : s->badge == SECRET ? BADGE_SECRET : BADGE_NUMBER;
        e->badge_id = s->badge == NO_BADGE ? 0 : s->badge == OTHER_OWN ? 12 : s->badge == UNKNOWN ? 0 : 11;
        e->badge_person = s->badge == NO_BADGE || s->badge == UNKNOWN ? 0 : s->badge == OTHERS ? 8 : 7;
        e->badge_ended = s->badge == OLD;
        e->key_present = s->key != NO_KEY;
        e->key_verified = s->key == VERIFIED || s->key == ATTESTED || s->key == BAD_MODEL;
        e->key_attested = s->key == ATTESTED;
        e->key_id = s->key != NO_KEY ? 3 : 0;
        if (s->key != NO_KEY)
                memcpy(e->key_aaguid,
                       s->key == BAD_MODEL ? "00000000000000000000000000000000"
                                           : "cb69481e8ff7403993ec0a2729a154a8",
                       33);
}

static void build_failures(const struct situation *s, struct policy_history *h) {
        h->failures = s->fails == NONE_FAILED ? 3 : s->fails == TEN_MINUTE_AGO ? 10 : 4;
        uint64_t ago = s->fails == FOUR_LONG_AGO ? SEC(6) : s->fails == TEN_MINUTE_AGO ? SEC(60) : SEC(2);
        h->last_failure_usec = REALTIME - ago;
        h->last_failure_boottime_usec = BOOTTIME - ago;
        memcpy(h->last_failure_boot_id, "this", 5);
        if (s->fails == OTHER_BOOT_FUTURE) {
                memcpy(h->last_failure_boot_id, "past", 5);
                h->last_failure_usec = REALTIME + H(1000);
        }
}

static void build_past(const struct situation *s, struct policy_history *h) {
        static const int ago[PAST_MAX] = {0, 1, 9, 11, 9, 11, 1, 1, 1, -1, 1, -1, 1, 1, 1};
        static const int renewed[PAST_MAX] = {
                [RENEWED] = 1, [RENEWED_OLD] = 1, [RENEWED_FUTURE] = -1, [RENEWED_BEFORE] = 9};
        if (s->past == NEVER)
                return;
        h->any_strong = s->past != NEVER_STRONG;
        h->strong_usec = REALTIME - H(ago[s->past]);
        h->strong_boottime_usec = BOOTTIME - H(ago[s->past]);
        memcpy(h->strong_boot_id, s->past == BEFORE_BOOT || s->past == FUTURE ? "past" : "this", 5);
        h->strong_aal = s->past == TOUCHED ? 1 : 2;
        h->strong_badge_id = s->past == OTHER_BADGE ? 13 : 11;
        if (s->past == WALL_JUMPED)
                h->strong_usec = REALTIME + H(8766);
        if (renewed[s->past]) {
                h->grace_from_usec = REALTIME - H(renewed[s->past]);
                h->grace_from_boottime_usec = BOOTTIME - H(renewed[s->past]);
        }
}

static void build(const struct situation *s, struct built *b) {
        *b = (struct built){0};
        rules->assurance = s->assurance;
        memcpy(rules->station, s->away ? "far1" : "bay2", 5);
        b->group[0] = (char *) group_names[s->group];
        b->tag[0] = (char *) (s->away ? "ward9" : "ward3");
        b->tags = (struct words){b->tag, 1};
        b->person = (struct policy_person){
                .id = 7,
                .state = s->state,
                .not_before_usec = s->window == -1  ? REALTIME + 1
                                   : s->window == 2 ? REALTIME
                                                    : 0,
                .not_after_usec = s->window == 1   ? REALTIME
                                  : s->window == 2 ? REALTIME + 1
                                                   : 0,
                .has_account = !s->no_account,
                .uid = 1000,
                .groups = {b->group, 1},
                .has_keys = !s->no_keys,
                .own_session = !s->no_session,
        };
        build_failures(s, &b->history);
        build_past(s, &b->history);
        bool nobody = s->who == NOBODY || s->who == NAMED_NOBODY || s->who == NOBODY_OF_USER;
        b->q = (struct policy_question){
                .rules = s->no_rules ? NULL : rules,
                .service = s->service ? s->service : "lightdm",
                .tags = &b->tags,
                .remote = s->remote,
                .caller_uid = s->who == OF_OTHER_USER                             ? 2000
                              : s->who == OF_OWN_USER || s->who == NOBODY_OF_USER ? 1000
                                                                                  : 0,
                .in_session = s->in_session,
                .user_given = s->who == NAMED_NOBODY || s->who == OF_OTHER_USER || s->who == OF_OWN_USER,
                .person = nobody ? NULL : &b->person,
                .history = nobody ? NULL : &b->history,
                .clock = {REALTIME, BOOTTIME, "this", !s->untrusted, hours[s->hour].weekday,
                          hours[s->hour].minute},
        };
        build_evidence(s, &b->q.evidence);
}

static void decide(const struct situation *s, struct policy_decision *d) {
        struct built b;
        build(s, &b);
        memset(d, 0x55, sizeof(*d));
        policy_decide(&b.q, d);
}

/* --- named cases */

struct named {
        const char *name;
        struct situation s;
        enum policy_verdict verdict;
        enum reason reason;
        const char *role; /* NULL: none */
        uint8_t aal;
        bool strong, grace;
};

#define ALLOWED(aal, strong, grace) POLICY_ALLOW, REASON_NONE, "nurse", aal, strong, grace

/* What a case leaves out is zero: no role, no level. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
static const struct named named[] = {
        {"no rules", {.no_rules = true}, POLICY_UNAVAIL, REASON_NO_RULES},
        {"no rules and remote", {.no_rules = true, .remote = true}, POLICY_UNAVAIL, REASON_NO_RULES},
        {"remote, with everything",
         {.remote = true, .badge = SECRET, .key = ATTESTED},
         POLICY_UNAVAIL,
         REASON_REMOTE},
        {"a service nobody named", {.service = "sshd"}, POLICY_UNAVAIL, REASON_SERVICE_NOT_NAMED},
        {"no service at all", {.service = ""}, POLICY_UNAVAIL, REASON_SERVICE_NOT_NAMED},
        {"an empty greeter", {.who = NOBODY}, POLICY_NEED_BADGE, REASON_NONE},
        {"an empty greeter whose service wants a key alone",
         {.who = NOBODY, .service = "login"},
         POLICY_NEED_BADGE,
         REASON_NONE},
        {"a name nobody enrolled", {.who = NAMED_NOBODY}, POLICY_UNAVAIL, REASON_NOT_ENROLLED},
        {"a name nobody enrolled, key alone",
         {.who = NAMED_NOBODY, .service = "login"},
         POLICY_UNAVAIL,
         REASON_NOT_ENROLLED},
        {"a step-up for nobody", {.who = NOBODY, .service = "sudo"}, POLICY_UNAVAIL, REASON_NOT_ENROLLED},
        {"a user's own program waits for taps", {.who = NOBODY_OF_USER}, POLICY_DENY, REASON_NOT_OWN},
        {"a user asks for somebody else",
         {.who = OF_OTHER_USER, .badge = NUMBER, .key = VERIFIED},
         POLICY_DENY,
         REASON_NOT_OWN},
        {"a user asks for herself",
         {.who = OF_OWN_USER, .badge = NUMBER, .key = VERIFIED},
         ALLOWED(2, true, false)},
        {"a user's own program wants a badge for herself",
         {.who = OF_OWN_USER},
         POLICY_UNAVAIL,
         REASON_NO_TAPS,
         "nurse"},
        {"a user's own program with the key it needs",
         {.who = OF_OWN_USER, .service = "login", .key = VERIFIED},
         POLICY_ALLOW,
         REASON_NONE,
         "nurse",
         2,
         false,
         false},
        {"su out of somebody's login wants a badge",
         {.who = HERSELF, .in_session = true},
         POLICY_UNAVAIL,
         REASON_NO_TAPS,
         "nurse"},
        {"su out of somebody's login wants any badge",
         {.who = NOBODY, .in_session = true},
         POLICY_UNAVAIL,
         REASON_NO_TAPS},
        {"a step-up out of somebody's login wants a badge",
         {.who = HERSELF, .in_session = true, .service = "polkit-1"},
         POLICY_NEED_BADGE,
         REASON_NONE,
         "nurse"},
        {"an own account that is gone",
         {.who = OF_OWN_USER, .no_account = true},
         POLICY_DENY,
         REASON_NOT_OWN},
        {"a named person without a badge", {.who = HERSELF}, POLICY_NEED_BADGE, REASON_NONE, "nurse"},
        {"suspended",
         {.state = PERSON_SUSPENDED, .badge = NUMBER, .key = VERIFIED},
         POLICY_DENY,
         REASON_PERSON_SUSPENDED},
        {"ended",
         {.state = PERSON_ENDED, .badge = NUMBER, .key = VERIFIED},
         POLICY_DENY,
         REASON_PERSON_ENDED},
        {"not yet valid",
         {.window = -1, .badge = NUMBER, .key = VERIFIED},
         POLICY_DENY,
         REASON_PERSON_NOT_YET},
        {"expired", {.window = 1, .badge = NUMBER, .key = VERIFIED}, POLICY_DENY, REASON_PERSON_EXPIRED},
        {"in the first microsecond",
         {.window = 2, .badge = NUMBER, .key = VERIFIED},
         ALLOWED(2, true, false)},
        {"expired by a clock nobody trusts",
         {.window = 1, .untrusted = true, .badge = NUMBER, .key = VERIFIED},
         ALLOWED(2, true, false)},
        {"no account", {.no_account = true, .badge = NUMBER}, POLICY_DENY, REASON_NO_ACCOUNT},
        {"no role", {.group = VISITOR, .badge = NUMBER, .key = ATTESTED}, POLICY_DENY, REASON_NO_ROLE},
        {"a nurse at another ward",
         {.away = true, .badge = NUMBER, .key = VERIFIED},
         POLICY_DENY,
         REASON_NOT_THIS_STATION},
        {"a surgeon at another bay",
         {.group = SURGEON, .away = true, .badge = NUMBER},
         POLICY_DENY,
         REASON_NOT_THIS_STATION},
        {"a nurse on Sunday morning",
         {.hour = WEEKEND, .badge = NUMBER, .key = VERIFIED},
         POLICY_DENY,
         REASON_NOT_THIS_HOUR},
        {"another ward and another hour",
         {.hour = WEEKEND, .away = true, .badge = NUMBER},
         POLICY_DENY,
         REASON_NOT_THIS_STATION},
        {"Sunday morning by a clock nobody trusts",
         {.hour = WEEKEND, .untrusted = true, .badge = NUMBER, .key = VERIFIED},
         ALLOWED(2, true, false)},
        {"the first matching role at night",
         {.hour = NIGHT, .badge = NUMBER, .key = TOUCH},
         POLICY_ALLOW,
         REASON_NONE,
         "night",
         1,
         true,
         false},
        {"by name of the station",
         {.group = SURGEON, .badge = NUMBER, .key = VERIFIED},
         POLICY_ALLOW,
         REASON_NONE,
         "surgeon",
         2,
         true,
         false},
        {"a badge without owner", {.badge = UNKNOWN}, POLICY_DENY, REASON_UNKNOWN_BADGE},
        {"an ended badge", {.badge = OLD, .key = VERIFIED}, POLICY_DENY, REASON_BADGE_ENDED, "nurse"},
        {"somebody else's badge",
         {.badge = OTHERS, .key = VERIFIED},
         POLICY_DENY,
         REASON_BADGE_OF_ANOTHER,
         "nurse"},
        {"four failures just now",
         {.fails = FOUR_NOW, .badge = NUMBER, .key = VERIFIED},
         POLICY_MAXTRIES,
         REASON_THROTTLED,
         "nurse"},
        {"four failures six seconds ago",
         {.fails = FOUR_LONG_AGO, .badge = NUMBER, .key = VERIFIED},
         ALLOWED(2, true, false)},
        {"ten failures, a minute ago",
         {.fails = TEN_MINUTE_AGO, .badge = NUMBER, .key = VERIFIED},
         POLICY_MAXTRIES,
         REASON_THROTTLED,
         "nurse"},
        {"failures from a future boot",
         {.fails = OTHER_BOOT_FUTURE, .badge = NUMBER, .key = VERIFIED},
         ALLOWED(2, true, false)},
        {"a badge, and the key is next", {.badge = NUMBER}, POLICY_NEED_VERIFY, REASON_NONE, "nurse"},
        {"a badge with a secret is no key", {.badge = SECRET}, POLICY_NEED_VERIFY, REASON_NONE, "nurse"},
        {"a badge at night", {.hour = NIGHT, .badge = NUMBER}, POLICY_NEED_KEY, REASON_NONE, "night"},
        {"a touch where verification is needed",
         {.badge = NUMBER, .key = TOUCH},
         POLICY_NEED_VERIFY,
         REASON_NONE,
         "nurse",
         1},
        {"a key before the badge", {.key = VERIFIED}, POLICY_NEED_BADGE, REASON_NONE, "nurse", 2},
        {"badge, key, verify", {.badge = NUMBER, .key = VERIFIED}, ALLOWED(2, true, false)},
        {"badge, key, verify, attested", {.badge = NUMBER, .key = ATTESTED}, ALLOWED(3, true, false)},
        {"no key enrolled",
         {.badge = NUMBER, .no_keys = true},
         POLICY_DENY,
         REASON_NO_KEY_ENROLLED,
         "nurse"},
        {"no key enrolled, under grace",
         {.badge = NUMBER, .no_keys = true, .past = AN_HOUR},
         ALLOWED(0, false, true)},
        {"a surgeon's key of another model",
         {.group = SURGEON, .badge = NUMBER, .key = BAD_MODEL},
         POLICY_DENY,
         REASON_KEY_UNUSABLE,
         "surgeon"},
        {"a nurse's key of any model", {.badge = NUMBER, .key = BAD_MODEL}, ALLOWED(2, true, false)},
        {"a porter's badge",
         {.group = PORTER, .badge = NUMBER},
         POLICY_ALLOW,
         REASON_NONE,
         "porter",
         0,
         false,
         false},
        {"a porter's sudo",
         {.group = PORTER, .badge = NUMBER, .service = "sudo"},
         POLICY_NEED_VERIFY,
         REASON_NONE,
         "porter"},
        {"an admin without a badge", {.group = ADMIN}, POLICY_NEED_VERIFY, REASON_NONE, "admin"},
        {"an admin with her key",
         {.group = ADMIN, .key = VERIFIED},
         POLICY_ALLOW,
         REASON_NONE,
         "admin",
         2,
         true,
         false},
        {"grace after an hour", {.badge = NUMBER, .past = AN_HOUR}, ALLOWED(0, false, true)},
        {"the key while grace lasts",
         {.badge = NUMBER, .key = VERIFIED, .past = AN_HOUR},
         ALLOWED(2, true, false)},
        {"a touch while grace lasts",
         {.badge = NUMBER, .key = TOUCH, .past = AN_HOUR},
         ALLOWED(0, false, true)},
        {"grace is over", {.badge = NUMBER, .past = NINE_HOURS}, POLICY_NEED_VERIFY, REASON_NONE, "nurse"},
        {"fixed grace is not renewed",
         {.badge = NUMBER, .past = RENEWED},
         POLICY_NEED_VERIFY,
         REASON_NONE,
         "nurse"},
        {"renewed grace at night",
         {.hour = NIGHT, .badge = NUMBER, .past = RENEWED},
         POLICY_ALLOW,
         REASON_NONE,
         "night",
         0,
         false,
         true},
        {"renewed grace ends at its cap",
         {.hour = NIGHT, .badge = NUMBER, .past = RENEWED_OLD},
         POLICY_NEED_KEY,
         REASON_NONE,
         "night"},
        {"grace without a session of one's own",
         {.badge = NUMBER, .past = AN_HOUR, .no_session = true},
         POLICY_NEED_VERIFY,
         REASON_NONE,
         "nurse"},
        {"grace with another badge",
         {.badge = OTHER_OWN, .past = AN_HOUR},
         POLICY_NEED_VERIFY,
         REASON_NONE,
         "nurse"},
        {"grace that another badge earned",
         {.badge = NUMBER, .past = OTHER_BADGE},
         POLICY_NEED_VERIFY,
         REASON_NONE,
         "nurse"},
        {"grace without any badge", {.past = AN_HOUR}, POLICY_NEED_BADGE, REASON_NONE, "nurse"},
        {"no grace for sudo",
         {.badge = SECRET, .past = AN_HOUR, .service = "sudo"},
         POLICY_NEED_VERIFY,
         REASON_NONE,
         "nurse"},
        {"no grace for polkit",
         {.badge = SECRET, .past = AN_HOUR, .service = "polkit-1"},
         POLICY_NEED_KEY,
         REASON_NONE,
         "nurse"},
        {"no grace where the service wants no badge",
         {.badge = NUMBER, .past = AN_HOUR, .service = "login"},
         POLICY_NEED_VERIFY,
         REASON_NONE,
         "nurse"},
        {"no grace where the service wants more than the role",
         {.hour = NIGHT, .badge = NUMBER, .past = AN_HOUR, .service = "vault"},
         POLICY_NEED_VERIFY,
         REASON_NONE,
         "night"},
        {"grace of an earlier boot", {.badge = NUMBER, .past = BEFORE_BOOT}, ALLOWED(0, false, true)},
        {"grace of an earlier boot, clock not trusted",
         {.badge = NUMBER, .past = BEFORE_BOOT, .untrusted = true},
         POLICY_NEED_VERIFY,
         REASON_NONE,
         "nurse"},
        {"grace from the future",
         {.badge = NUMBER, .past = FUTURE},
         POLICY_NEED_VERIFY,
         REASON_NONE,
         "nurse"},
        {"the wall clock jumped", {.badge = NUMBER, .past = WALL_JUMPED}, ALLOWED(0, false, true)},
        {"the boot clock cannot jump",
         {.badge = NUMBER, .past = BOOT_CLOCK_FUTURE},
         POLICY_NEED_VERIFY,
         REASON_NONE,
         "nurse"},
        {"aal2: a number is not enough for grace",
         {.assurance = ASSURANCE_AAL2, .badge = NUMBER, .past = AN_HOUR},
         POLICY_NEED_VERIFY,
         REASON_NONE,
         "nurse"},
        {"aal2: a badge with a secret is",
         {.assurance = ASSURANCE_AAL2, .badge = SECRET, .past = AN_HOUR},
         ALLOWED(0, false, true)},
        {"aal3: nothing is",
         {.assurance = ASSURANCE_AAL3, .badge = SECRET, .past = AN_HOUR},
         POLICY_NEED_VERIFY,
         REASON_NONE,
         "nurse"},
        {"sudo with a badge and a copied past",
         {.service = "sudo", .badge = SECRET},
         POLICY_NEED_VERIFY,
         REASON_NONE,
         "nurse"},
        {"sudo with the key, which is no sign-in",
         {.service = "sudo", .key = VERIFIED},
         ALLOWED(2, false, false)},
        {"sudo with badge and key is no sign-in either",
         {.service = "sudo", .badge = NUMBER, .key = VERIFIED},
         ALLOWED(2, false, false)},
        {"a touch by night earns no grace by day",
         {.badge = NUMBER, .past = TOUCHED},
         POLICY_NEED_VERIFY,
         REASON_NONE,
         "nurse"},
        {"a touch by night earns grace by night",
         {.hour = NIGHT, .badge = NUMBER, .past = TOUCHED},
         POLICY_ALLOW,
         REASON_NONE,
         "night",
         0,
         false,
         true},
        {"grace that was never earned",
         {.badge = NUMBER, .past = NEVER_STRONG},
         POLICY_NEED_VERIFY,
         REASON_NONE,
         "nurse"},
        {"an old renewal does not shorten a new sign-in",
         {.hour = NIGHT, .badge = NUMBER, .past = RENEWED_BEFORE},
         POLICY_ALLOW,
         REASON_NONE,
         "night",
         0,
         false,
         true},
        {"rules that let a badge step up",
         {.service = "broken", .badge = SECRET},
         POLICY_DENY,
         REASON_BADGE_ALONE,
         "nurse"},
        {"a kiosk takes the badge alone", {.service = "kiosk", .badge = NUMBER}, ALLOWED(0, false, false)},
        {"a kiosk's badge and touch is no full sign-in",
         {.service = "kiosk", .badge = NUMBER, .key = TOUCH},
         ALLOWED(1, false, false)},
        {"login by key, without the badge, earns no grace",
         {.service = "login", .key = VERIFIED},
         ALLOWED(2, false, false)},
        {"login by key with the badge does",
         {.service = "login", .badge = NUMBER, .key = VERIFIED},
         ALLOWED(2, true, false)},
        {"a key that nobody enrolled cannot have signed",
         {.badge = NUMBER, .key = VERIFIED, .no_keys = true},
         POLICY_DENY,
         REASON_INTERNAL},
        {"evidence of nobody", {.who = NOBODY, .badge = NUMBER}, POLICY_DENY, REASON_INTERNAL},
};

static void each_named_case_has_its_answer(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(named); i++) {
                const struct named *n = &named[i];
                struct policy_decision d;
                decide(&n->s, &d);
                const char *role = d.role ? d.role->name : "none";
                if (d.verdict != n->verdict || d.reason != n->reason ||
                    strcmp(role, n->role ? n->role : "none") != 0 || d.aal != n->aal ||
                    d.strong != n->strong || d.grace != n->grace)
                        fail_msg("%s: verdict %d reason %d role %s aal %u strong %d grace %d", n->name,
                                 d.verdict, d.reason, role, d.aal, d.strong, d.grace);
        }
}

static void the_clock_alert_says_that_hours_or_validity_were_not_judged(void **state) {
        struct policy_decision d;
        decide(&(struct situation){.hour = WEEKEND, .untrusted = true}, &d);
        assert_true(d.clock_alert);
        decide(&(struct situation){.group = PORTER, .untrusted = true}, &d);
        assert_false(d.clock_alert);
        decide(&(struct situation){.group = PORTER, .untrusted = true, .window = 2}, &d);
        assert_true(d.clock_alert);
        decide(&(struct situation){.hour = DAY}, &d);
        assert_false(d.clock_alert);
}

static void grace_tells_its_age_and_whether_it_is_renewed(void **state) {
        struct policy_decision d;
        decide(&(struct situation){.badge = NUMBER, .past = AN_HOUR}, &d);
        assert_true(d.grace && d.grace_age_usec == H(1) && !d.grace_renew);
        decide(&(struct situation){.hour = NIGHT, .badge = NUMBER, .past = RENEWED}, &d);
        assert_true(d.grace && d.grace_age_usec == H(9) && d.grace_renew);
}

static void grace_ends_to_the_microsecond(void **state) {
        struct situation s = {.badge = NUMBER, .past = AN_HOUR};
        struct policy_decision d;
        struct built b;
        build(&s, &b);
        b.history.strong_boottime_usec = BOOTTIME - H(8);
        policy_decide(&b.q, &d);
        assert_int_equal(d.verdict, POLICY_ALLOW);
        b.history.strong_boottime_usec--;
        policy_decide(&b.q, &d);
        assert_int_equal(d.verdict, POLICY_NEED_VERIFY);
}

/* --- throttling */

static void delays_grow_and_end(void **state) {
        static const uint64_t want[] = {0, 0, 0, 0, SEC(5), SEC(15), SEC(60), SEC(300), SEC(300), SEC(300)};
        for (unsigned failures = 0; failures < 40; failures++)
                for (uint64_t age = 0; age <= SEC(301); age += SEC(1)) {
                        struct situation s = {.badge = NUMBER};
                        struct policy_decision d;
                        struct built b;
                        build(&s, &b);
                        b.history.failures = failures == 39 ? 4000000000U : failures;
                        b.history.last_failure_boottime_usec = BOOTTIME - age;
                        policy_decide(&b.q, &d);
                        uint64_t delay = want[failures < ELEMENTSOF(want) ? failures : ELEMENTSOF(want) - 1];
                        assert_int_equal(d.verdict, age < delay ? POLICY_MAXTRIES : POLICY_NEED_VERIFY);
                        assert_true(d.wait_usec == (age < delay ? delay - age : 0));
                }
}

/* Neither a reboot nor a clock that is wrong in either direction shortens a delay or makes it endless. */
static void throttling_survives_a_reboot_and_ends(void **state) {
        static const struct {
                uint64_t boottime;
                int64_t realtime_ago; /* seconds; negative = the failure lies ahead */
                bool trusted;
                uint64_t wait; /* seconds of a delay of 5 minutes */
        } cases[] = {
                {SEC(20), 30, true, 270},      {SEC(20), 30, false, 280}, {SEC(20), 100000, true, 0},
                {SEC(20), 100000, false, 280}, {SEC(20), -50, true, 280}, {SEC(20), -50000000, true, 280},
                {SEC(300), -5000, true, 0},    {SEC(0), 0, true, 300},    {SEC(299), -1, false, 1},
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct situation s = {.badge = NUMBER, .untrusted = !cases[i].trusted};
                struct policy_decision d;
                struct built b;
                build(&s, &b);
                b.history.failures = 10;
                memcpy(b.history.last_failure_boot_id, "past", 5);
                b.history.last_failure_usec = REALTIME - (uint64_t) (cases[i].realtime_ago * 1000000);
                b.q.clock.boottime_usec = cases[i].boottime;
                policy_decide(&b.q, &d);
                assert_true(d.wait_usec == SEC(cases[i].wait));
                assert_int_equal(d.verdict, cases[i].wait ? POLICY_MAXTRIES : POLICY_NEED_VERIFY);
        }
}

/* --- what no attempt would ask */

/* --- tickets */

static void decide_with_ticket(const struct situation *s, uint64_t until, bool used,
                               struct policy_decision *d) {
        struct built b;
        build(s, &b);
        b.q.evidence.ticket = true;
        b.q.evidence.ticket_used = used;
        b.q.evidence.ticket_until_usec = until;
        policy_decide(&b.q, d);
}

/* What a ticket may turn into "come in": what is missing, and what comes of failures. */
static bool is_for_a_ticket(const struct policy_decision *d) {
        return d->verdict == POLICY_NEED_BADGE || d->verdict == POLICY_NEED_KEY ||
               d->verdict == POLICY_NEED_VERIFY || d->verdict == POLICY_MAXTRIES ||
               (d->verdict == POLICY_DENY &&
                (d->reason == REASON_NO_KEY_ENROLLED || d->reason == REASON_KEY_UNUSABLE));
}

static void expect_ticket(const struct situation *s, bool site, bool role) {
        struct policy_decision without, with;
        decide(s, &without);
        rules->tickets = site;
        for (size_t i = 0; i < rules->n_roles; i++)
                rules->roles[i].tickets = role;
        decide_with_ticket(s, REALTIME + 1, false, &with);
        rules->tickets = false;
        if (!is_for_a_ticket(&without)) { /* whoever may not be here at all may not by a ticket */
                assert_int_equal(with.verdict, without.verdict);
                assert_int_equal(with.reason, without.reason);
                assert_false(with.lowered);
                return;
        }
        if (with.lowered) {
                assert_true(site && role && with.service->use == USE_SIGN_IN);
                assert_int_equal(with.verdict, POLICY_ALLOW);
                assert_false(with.strong || with.grace || with.grace_renew);
                assert_int_equal(with.aal, 0);
                assert_true(with.until_usec == REALTIME + 1);
        } else if (with.verdict == POLICY_DENY) {
                assert_true(with.reason == REASON_TICKET_NOT_HERE || with.reason == REASON_BADGE_ALONE);
        } else {
                assert_true(without.verdict == POLICY_MAXTRIES); /* by her own factors */
        }
}

static void a_ticket_lets_in_whom_only_a_factor_keeps_out(void **state) {
        static const char *const services[] = {"lightdm", "login", "kiosk", "sudo", "polkit-1", "sshd"};
        size_t n = 0;
        for (size_t service = 0; service < ELEMENTSOF(services); service++)
                for (int group = 0; group < GROUP_MAX; group++)
                        for (int badge = 0; badge < BADGE_MAX; badge++)
                                for (int k = 0; k < KEY_MAX; k++)
                                        for (int fails = 0; fails < FAILS_MAX; fails++)
                                                for (int more = 0; more < 128; more++) {
                                                        const struct situation s = {
                                                                .service = services[service],
                                                                .group = (enum group) group,
                                                                .badge = (enum badge) badge,
                                                                .key = (enum key) k,
                                                                .fails = (enum fails) fails,
                                                                .hour = more & 1 ? WEEKEND : DAY,
                                                                .state = more & 2 ? PERSON_SUSPENDED
                                                                                  : PERSON_ACTIVE,
                                                                .away = more & 4,
                                                                .past = more & 8 ? AN_HOUR : NEVER,
                                                                .window = more & 16 ? 1 : 0};
                                                        expect_ticket(&s, more & 32, more & 64);
                                                        n++;
                                                }
        assert_int_equal(n, 6 * GROUP_MAX * BADGE_MAX * KEY_MAX * FAILS_MAX * 128);
}

static void a_ticket_ends_and_is_used_once(void **state) {
        const struct situation s = {0}, absent = {.no_session = true}, user = {.who = OF_OWN_USER},
                               inside = {.in_session = true}, unsure = {.untrusted = true};
        struct policy_decision d;
        rules->tickets = true;
        for (size_t i = 0; i < rules->n_roles; i++)
                rules->roles[i].tickets = true;
        decide_with_ticket(&s, REALTIME + 1, false, &d);
        assert_true(d.verdict == POLICY_ALLOW && d.lowered && !d.clock_alert);
        decide_with_ticket(&unsure, REALTIME + 1, false, &d);
        assert_true(d.verdict == POLICY_ALLOW && d.clock_alert);
        decide_with_ticket(&unsure, REALTIME, false, &d); /* its end is not a matter of trust */
        assert_int_equal(d.reason, REASON_TICKET_EXPIRED);
        decide_with_ticket(&absent, REALTIME + 1, true, &d);
        assert_int_equal(d.reason, REASON_TICKET_USED);
        decide_with_ticket(&s, REALTIME + 1, true, &d);
        assert_true(d.verdict == POLICY_ALLOW && d.lowered); /* back into the session that it began */
        decide_with_ticket(&user, REALTIME + 1, false, &d);
        assert_int_equal(d.reason, REASON_TICKET_NOT_HERE);
        decide_with_ticket(&inside, REALTIME + 1, false, &d);
        assert_int_equal(d.reason, REASON_TICKET_NOT_HERE);
        decide_with_ticket(&s, 0, false, &d); /* one without an end is none */
        assert_int_equal(d.reason, REASON_INTERNAL);
        rules->tickets = false;
}

static void a_question_that_contradicts_itself_is_denied(void **state) {
        struct situation s = {.badge = NUMBER, .key = ATTESTED};
        for (int i = 0; i < 12; i++) {
                struct policy_decision d;
                struct built b;
                build(&s, &b);
                enum reason want = REASON_INTERNAL;
                switch (i) {
                case 0:
                        b.q.evidence.badge = (enum badge_evidence) 9;
                        break;
                case 1:
                        b.q.history = NULL;
                        break;
                case 2:
                        b.person.id = 0;
                        break;
                case 3:
                        b.person.state = PERSON_STATE_MAX;
                        break;
                case 4:
                        b.q.evidence.key_present = false;
                        break;
                case 5:
                        b.q.evidence.badge = BADGE_NONE;
                        break;
                case 6:
                        b.q.clock.weekday = 7;
                        break;
                case 7:
                        b.q.clock.minute = 1440;
                        break;
                case 8:
                        b.person.has_keys = false;
                        break;
                case 9:
                        b.q.evidence.badge_person = 0;
                        want = REASON_UNKNOWN_BADGE;
                        break;
                case 10:
                        b.q.tags = NULL;
                        want = REASON_NOT_THIS_STATION;
                        break;
                default:
                        b.person.groups = no_words;
                        want = REASON_NO_ROLE;
                        break;
                }
                policy_decide(&b.q, &d);
                assert_int_equal(d.verdict, POLICY_DENY);
                assert_int_equal(d.reason, want);
                assert_false(d.strong || d.grace);
        }
}

/* --- the oracle: DESIGN sections 3, 4, 5 and 8, over the names above */

struct expected {
        enum policy_verdict verdict;
        enum reason reason;
};

enum role_id { R_NURSE, R_NIGHT, R_SURGEON, R_PORTER, R_ADMIN, R_NONE };

static enum role_id oracle_role(const struct situation *s, struct expected *e) {
        *e = (struct expected){POLICY_DENY, REASON_NO_ROLE};
        if (s->group == PORTER)
                return R_PORTER;
        if (s->group == ADMIN)
                return R_ADMIN;
        if (s->group == VISITOR)
                return R_NONE;
        e->reason = REASON_NOT_THIS_STATION;
        if (s->away)
                return R_NONE;
        if (s->group == SURGEON)
                return R_SURGEON;
        e->reason = REASON_NOT_THIS_HOUR;
        if (s->untrusted || s->hour == DAY)
                return R_NURSE;
        return s->hour == NIGHT ? R_NIGHT : R_NONE;
}

#define B FACTOR_BADGE
#define K FACTOR_KEY
#define V FACTOR_VERIFY
static const unsigned role_needs[] = {B | K | V, B | K, B | K | V, B, K | V};

static unsigned oracle_needs(const char *service, enum role_id role) {
        if (strcmp(service, "lightdm") == 0)
                return role_needs[role];
        if (strcmp(service, "login") == 0 || strcmp(service, "sudo") == 0)
                return K | V;
        if (strcmp(service, "vault") == 0)
                return B | K | V;
        return strcmp(service, "polkit-1") == 0 ? B | K : B;
}

static bool is_step_up(const char *service) {
        return strcmp(service, "sudo") == 0 || strcmp(service, "polkit-1") == 0 ||
               strcmp(service, "broken") == 0;
}

/* Is the past good for grace in this role? Nurse and surgeon: 8 h fixed (cap 10 h and 14 h); night: 2 h
 * renewed, cap 10 h. */
static bool oracle_grace(const struct situation *s, enum role_id role) {
        if (role == R_PORTER || role == R_ADMIN || s->no_session ||
            (s->badge != NUMBER && s->badge != SECRET))
                return false;
        if (s->assurance == ASSURANCE_AAL3 || (s->assurance == ASSURANCE_AAL2 && s->badge != SECRET))
                return false;
        switch (s->past) {
        case AN_HOUR:
        case WALL_JUMPED:
        case RENEWED_BEFORE:
                return true;
        case BEFORE_BOOT:
                return !s->untrusted;
        case RENEWED:
        case TOUCHED:
                return role == R_NIGHT;
        case RENEWED_FUTURE:
                return role != R_NIGHT;
        default:
                return false;
        }
}

static struct expected oracle_factors(const struct situation *s, const char *service, enum role_id role) {
        unsigned needs = oracle_needs(service, role), have = 0;
        bool key_counts = s->key != NO_KEY && !(role == R_SURGEON && s->key == BAD_MODEL);
        if (s->badge != NO_BADGE)
                have |= B;
        if (key_counts)
                have |= s->key == TOUCH ? K : K | V;
        if (is_step_up(service) && needs == B)
                return (struct expected){POLICY_DENY, REASON_BADGE_ALONE};
        if ((needs & have) == needs)
                return (struct expected){POLICY_ALLOW, REASON_NONE};
        bool service_within_role = (needs | role_needs[role]) == role_needs[role];
        if (!is_step_up(service) && (needs & B) && service_within_role && oracle_grace(s, role))
                return (struct expected){POLICY_ALLOW, REASON_NONE};
        if ((needs & B) && s->badge == NO_BADGE && s->who == OF_OWN_USER)
                return (struct expected){POLICY_UNAVAIL, REASON_NO_TAPS};
        if ((needs & B) && s->badge == NO_BADGE)
                return (struct expected){POLICY_NEED_BADGE, REASON_NONE};
        if (s->no_keys)
                return (struct expected){POLICY_DENY, REASON_NO_KEY_ENROLLED};
        if (s->key != NO_KEY && !key_counts)
                return (struct expected){POLICY_DENY, REASON_KEY_UNUSABLE};
        return (struct expected){needs & V ? POLICY_NEED_VERIFY : POLICY_NEED_KEY, REASON_NONE};
}

static struct expected oracle_person(const struct situation *s, const char *service) {
        struct expected e;
        if (s->who == OF_OTHER_USER || (s->who == OF_OWN_USER && s->no_account))
                return (struct expected){POLICY_DENY, REASON_NOT_OWN};
        if (s->state == PERSON_SUSPENDED)
                return (struct expected){POLICY_DENY, REASON_PERSON_SUSPENDED};
        if (s->state == PERSON_ENDED)
                return (struct expected){POLICY_DENY, REASON_PERSON_ENDED};
        if (!s->untrusted && s->window == -1)
                return (struct expected){POLICY_DENY, REASON_PERSON_NOT_YET};
        if (!s->untrusted && s->window == 1)
                return (struct expected){POLICY_DENY, REASON_PERSON_EXPIRED};
        if (s->no_account)
                return (struct expected){POLICY_DENY, REASON_NO_ACCOUNT};
        enum role_id role = oracle_role(s, &e);
        if (role == R_NONE)
                return e;
        if (s->badge == OLD)
                return (struct expected){POLICY_DENY, REASON_BADGE_ENDED};
        if (s->badge == OTHERS)
                return (struct expected){POLICY_DENY, REASON_BADGE_OF_ANOTHER};
        if (s->fails == FOUR_NOW || s->fails == TEN_MINUTE_AGO)
                return (struct expected){POLICY_MAXTRIES, REASON_THROTTLED};
        return oracle_factors(s, service, role);
}

static struct expected oracle(const struct situation *s) {
        const char *service = s->service ? s->service : "lightdm";
        bool nobody = s->who == NOBODY || s->who == NAMED_NOBODY || s->who == NOBODY_OF_USER;
        if (s->no_rules)
                return (struct expected){POLICY_UNAVAIL, REASON_NO_RULES};
        if (s->remote)
                return (struct expected){POLICY_UNAVAIL, REASON_REMOTE};
        if (strcmp(service, "sshd") == 0)
                return (struct expected){POLICY_UNAVAIL, REASON_SERVICE_NOT_NAMED};
        if (nobody && (s->badge != NO_BADGE || s->key != NO_KEY))
                return (struct expected){POLICY_DENY, REASON_INTERNAL};
        if (nobody && (s->who == NAMED_NOBODY || is_step_up(service)))
                return (struct expected){POLICY_UNAVAIL, REASON_NOT_ENROLLED};
        if (nobody)
                return s->who == NOBODY ? (struct expected){POLICY_NEED_BADGE, REASON_NONE}
                                        : (struct expected){POLICY_DENY, REASON_NOT_OWN};
        if (s->badge == UNKNOWN)
                return (struct expected){POLICY_DENY, REASON_UNKNOWN_BADGE};
        if (s->key != NO_KEY && s->no_keys)
                return (struct expected){POLICY_DENY, REASON_INTERNAL};
        return oracle_person(s, service);
}

/* --- invariants, which need no oracle */

#define HOLDS(condition)                                                                                    \
        do                                                                                                  \
                if (!(condition))                                                                           \
                        fail_situation(s, d, #condition);                                                   \
        while (0)

static void fail_situation(const struct situation *s, const struct policy_decision *d, const char *what) {
        fail_msg("%s\n service %s group %d hour %d badge %d key %d who %d fails %d past %d assurance %d "
                 "state %d "
                 "window %d away %d untrusted %d no_account %d no_keys %d no_session %d\n gave verdict %d "
                 "reason %d",
                 what, s->service, s->group, s->hour, s->badge, s->key, s->who, s->fails, s->past,
                 s->assurance, s->state, s->window, s->away, s->untrusted, s->no_account, s->no_keys,
                 s->no_session, d->verdict, d->reason);
}

static void check_allow(const struct situation *s, const struct policy_decision *d) {
        bool own_badge = s->badge == NUMBER || s->badge == SECRET || s->badge == OTHER_OWN;
        bool step_up = is_step_up(s->service);
        HOLDS(!s->remote && !s->no_rules && s->who != OF_OTHER_USER);
        HOLDS(s->state == PERSON_ACTIVE && !s->no_account && s->group != VISITOR);
        HOLDS(s->untrusted || s->window == 0 || s->window == 2);
        HOLDS(own_badge || s->badge == NO_BADGE);
        HOLDS(own_badge || s->key == VERIFIED || s->key == ATTESTED || s->key == BAD_MODEL);
        HOLDS(!step_up || s->key != NO_KEY); /* a badge alone approves nothing in an open session */
        HOLDS(!d->grace ||
              (!step_up && !s->no_session && own_badge && s->past != NEVER && s->past != NEVER_STRONG &&
               s->past != OTHER_BADGE && s->badge != OTHER_OWN && s->assurance != ASSURANCE_AAL3));
        HOLDS(!d->grace || !d->strong);
        HOLDS(!d->strong || (s->key != NO_KEY && !step_up));
        HOLDS(!d->strong || (d->role->sign_in & ~d->proven) == 0);
        HOLDS(!d->grace || d->aal == 0);
        HOLDS(d->aal < 2 || s->key >= VERIFIED);
        HOLDS(d->aal < 3 || s->key == ATTESTED);
        HOLDS(d->grace || (d->needed & ~d->proven) == 0);
        HOLDS(s->fails != FOUR_NOW && s->fails != TEN_MINUTE_AGO);
        HOLDS(d->role && d->service);
}

static void check_any(const struct situation *s, const struct policy_decision *d) {
        HOLDS(d->verdict >= POLICY_DENY && d->verdict < POLICY_VERDICT_MAX);
        HOLDS((d->reason != REASON_NONE) ==
              (d->verdict == POLICY_DENY || d->verdict == POLICY_UNAVAIL || d->verdict == POLICY_MAXTRIES));
        HOLDS((d->wait_usec > 0) == (d->verdict == POLICY_MAXTRIES));
        HOLDS(d->verdict == POLICY_ALLOW || (!d->strong && !d->grace && !d->grace_renew));
        HOLDS(s->untrusted || !d->clock_alert);
        if (d->verdict == POLICY_ALLOW)
                check_allow(s, d);
}

/* More and better evidence never turns an ALLOW into anything else. */
static void check_more_evidence(const struct situation *s, const struct policy_decision *allowed) {
        static const enum key better[] = {TOUCH, VERIFIED, ATTESTED};
        struct situation more = *s;
        struct policy_decision d;
        if (allowed->verdict != POLICY_ALLOW)
                return;
        if (s->badge == NO_BADGE || s->badge == NUMBER) {
                more.badge = s->badge == NO_BADGE ? NUMBER : SECRET;
                decide(&more, &d);
                if (d.verdict != POLICY_ALLOW)
                        fail_situation(&more, &d, "a better badge took an ALLOW away");
                more = *s;
        }
        for (size_t i = 0; i < ELEMENTSOF(better) && !s->no_keys; i++) {
                if (better[i] <= s->key)
                        continue;
                more.key = better[i];
                decide(&more, &d);
                if (d.verdict != POLICY_ALLOW)
                        fail_situation(&more, &d, "a better key took an ALLOW away");
        }
}

static unsigned long judged, allowed_count;

static void judge(const struct situation *s) {
        struct policy_decision d;
        decide(s, &d);
        struct expected e = oracle(s);
        if (d.verdict != e.verdict || d.reason != e.reason) {
                char want[64];
                (void) snprintf(want, sizeof(want), "the oracle says verdict %d reason %d", e.verdict,
                                e.reason);
                fail_situation(s, &d, want);
        }
        check_any(s, &d);
        check_more_evidence(s, &d);
        judged++;
        allowed_count += d.verdict == POLICY_ALLOW;
}

static const char *const services[] = {"lightdm", "login",    "kiosk",  "vault",
                                       "sudo",    "polkit-1", "broken", "sshd"};

/* Who, where, when, with what: each combination with each past. */
static void walk_evidence(struct situation s) {
        for (s.badge = 0; s.badge < BADGE_MAX; s.badge++)
                for (s.key = 0; s.key < KEY_MAX; s.key++)
                        for (s.past = 0; s.past < PAST_MAX; s.past++)
                                for (s.assurance = 0; s.assurance < ASSURANCE_MAX; s.assurance++)
                                        for (int bits = 0; bits < 4; bits++) {
                                                s.no_keys = bits & 1;
                                                s.no_session = bits & 2;
                                                judge(&s);
                                        }
}

static void every_combination_agrees_with_the_oracle(void **state) {
        struct situation s = {0};
        for (size_t service = 0; service < ELEMENTSOF(services); service++) {
                s.service = services[service];
                for (s.group = 0; s.group < GROUP_MAX; s.group++)
                        for (s.hour = 0; s.hour < HOUR_MAX; s.hour++)
                                for (int bits = 0; bits < 4; bits++) {
                                        s.away = bits & 1;
                                        s.untrusted = bits & 2;
                                        walk_evidence(s);
                                }
        }
        assert_true(judged > 2000000 && allowed_count > 100000);
}

/* The rest of a situation, each combination with every evidence. */
static void every_person_and_caller_agrees_with_the_oracle(void **state) {
        static const int windows[] = {-1, 0, 1, 2};
        struct situation s = {0};
        for (size_t n = 0; n < ELEMENTSOF(services) * ELEMENTSOF(windows) * 16; n++) {
                s.service = services[n % ELEMENTSOF(services)];
                s.window = windows[n / ELEMENTSOF(services) % ELEMENTSOF(windows)];
                unsigned bits = (unsigned) (n / ELEMENTSOF(services) / ELEMENTSOF(windows));
                s.no_account = bits & 1;
                s.untrusted = bits & 2;
                s.remote = bits & 4;
                s.no_rules = bits & 8;
                for (s.state = 0; s.state < PERSON_STATE_MAX; s.state++)
                        for (s.who = 0; s.who < WHO_MAX; s.who++)
                                for (s.fails = 0; s.fails < FAILS_MAX; s.fails++)
                                        for (s.badge = 0; s.badge < BADGE_MAX; s.badge++)
                                                for (s.key = 0; s.key < KEY_MAX; s.key++)
                                                        judge(&s);
        }
}

/* --- hours */

static struct rules *with_hours(const char *text) {
        char buf[512];
        struct rules *r = NULL;
        struct rules_errors e;
        int n = snprintf(buf, sizeof(buf), "[Site]\nRelyingParty=a.org\n[Role n]\nGroups=n\nHours=%s\n",
                         text);
        assert_int_equal(rules_parse_text("t", buf, (size_t) n, &r, &e), 0);
        return r;
}

/* Minute by minute through a week, against spans that are drawn on one line of 10080 minutes. */
static void each_minute_of_the_week_is_inside_or_not(void **state) {
        static const struct {
                const char *text;
                unsigned days[7]; /* which begin the span, as a flag each */
                unsigned from, length;
        } cases[] = {
                {"Mon-Fri 07:00-15:00", {1, 1, 1, 1, 1, 0, 0}, 420, 480},
                {"Sat,Sun 22:00-06:00", {0, 0, 0, 0, 0, 1, 1}, 1320, 480},
                {"Fri-Mon 23:59-00:00", {1, 0, 0, 0, 1, 1, 1}, 1439, 1},
                {"Sun 00:00-24:00", {0, 0, 0, 0, 0, 0, 1}, 0, 1440},
                {"12:00-12:00", {1, 1, 1, 1, 1, 1, 1}, 720, 1440},
                {"Wed 12:00-12:00", {0, 0, 1, 0, 0, 0, 0}, 720, 1440},
                {"Sun 12:00-11:59", {0, 0, 0, 0, 0, 0, 1}, 720, 1439},
        };
        for (size_t c = 0; c < ELEMENTSOF(cases); c++) {
                bool inside[7 * 1440] = {false};
                for (unsigned day = 0; day < 7; day++)
                        for (unsigned m = 0; cases[c].days[day] && m < cases[c].length; m++)
                                inside[(day * 1440 + cases[c].from + m) % ELEMENTSOF(inside)] = true;
                struct rules *r = with_hours(cases[c].text);
                for (unsigned m = 0; m < ELEMENTSOF(inside); m++)
                        if (hours_contain(&r->roles[0].hours, m / 1440, m % 1440) != inside[m])
                                fail_msg("%s: day %u minute %u", cases[c].text, m / 1440, m % 1440);
                rules_free(r);
        }
}

static void set_zone(const char *zone) {
        assert_int_equal(setenv("TZ", zone, 1), 0);
}

static struct policy_clock local(uint64_t seconds) {
        struct policy_clock c = {.realtime_usec = SEC(seconds)};
        assert_int_equal(policy_clock_set_local(&c), 0);
        return c;
}

/* Central European time by its rule, so that no zone files are needed. */
#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"

static void the_wall_clock_is_that_of_the_zone(void **state) {
        set_zone("UTC");
        struct policy_clock c = local(1795166502); /* Friday 2026-11-20 09:21:42 */
        assert_int_equal(c.weekday, 4);
        assert_int_equal(c.minute, 9 * 60 + 21);
        set_zone(BERLIN);
        c = local(1795166502);
        assert_int_equal(c.minute, 10 * 60 + 21);
        set_zone("UTC-14");
        c = local(1795166502);
        assert_int_equal(c.weekday, 4);
        assert_int_equal(c.minute, 23 * 60 + 21);
        set_zone("UTC+12");
        c = local(1795166502);
        assert_int_equal(c.weekday, 3);
        assert_int_equal(c.minute, 21 * 60 + 21);
}

/* Each minute around both changes of 2026 in Berlin (29 March 01:00Z and 25 October 01:00Z): a night shift
 * 22:00-06:00 lasts seven hours in the one night and nine in the other, and has no hole. */
static void a_night_shift_has_no_hole_when_the_clocks_change(void **state) {
        static const struct {
                uint64_t from; /* Saturday 12:00Z */
                unsigned minutes, skipped, twice;
        } nights[] = {{1774699200, 7 * 60, 60, 0}, {1792843200, 9 * 60, 0, 60}};
        struct rules *r = with_hours("Sat 22:00-06:00");
        set_zone(BERLIN);
        for (size_t n = 0; n < ELEMENTSOF(nights); n++) {
                unsigned inside = 0, changes = 0, seen[1440] = {0}, none = 0, twice = 0;
                bool was = false;
                for (uint64_t m = 0; m < 24 * 60; m++) {
                        struct policy_clock c = local(nights[n].from + m * 60);
                        bool is = hours_contain(&r->roles[0].hours, c.weekday, c.minute);
                        inside += is;
                        changes += is != was;
                        was = is;
                        seen[c.minute]++;
                }
                for (size_t m = 120; m < 180; m++) { /* 02:00 to 03:00 on the wall */
                        none += seen[m] == 0;
                        twice += seen[m] == 2;
                }
                assert_int_equal(inside, nights[n].minutes);
                assert_int_equal(changes, 2);
                assert_int_equal(none, nights[n].skipped);
                assert_int_equal(twice, nights[n].twice);
        }
        rules_free(r);
        set_zone("UTC");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_named_case_has_its_answer),
                cmocka_unit_test(the_clock_alert_says_that_hours_or_validity_were_not_judged),
                cmocka_unit_test(grace_tells_its_age_and_whether_it_is_renewed),
                cmocka_unit_test(grace_ends_to_the_microsecond),
                cmocka_unit_test(delays_grow_and_end),
                cmocka_unit_test(throttling_survives_a_reboot_and_ends),
                cmocka_unit_test(a_question_that_contradicts_itself_is_denied),
                cmocka_unit_test(a_ticket_lets_in_whom_only_a_factor_keeps_out),
                cmocka_unit_test(a_ticket_ends_and_is_used_once),
                cmocka_unit_test(every_combination_agrees_with_the_oracle),
                cmocka_unit_test(every_person_and_caller_agrees_with_the_oracle),
                cmocka_unit_test(each_minute_of_the_week_is_inside_or_not),
                cmocka_unit_test(the_wall_clock_is_that_of_the_zone),
                cmocka_unit_test(a_night_shift_has_no_hole_when_the_clocks_change),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
