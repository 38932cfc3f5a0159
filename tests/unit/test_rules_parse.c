/* SPDX-License-Identifier: Apache-2.0 */
/* Rules are read strictly: what is good gives exactly these values, what is bad gives exactly this line and
 * sentence, and a file that somebody else could have written is not read at all. */
#include "common/util.h"
#include "policy/rules_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <cmocka.h>

#define H(n) ((n) *UINT64_C(3600000000))
#define MIN(n) ((n) *UINT64_C(60000000))
#define SEC(n) ((n) *UINT64_C(1000000))

#define HEAD "[Site]\nRelyingParty=wardtap.example.org\n" /* 2 lines */
#define BASE HEAD "[Role nurse]\nGroups=nurses\n"         /* 4 lines */

static struct rules *must_parse(const char *text) {
        struct rules *r = NULL;
        struct rules_errors e;
        int x = rules_parse_text("t", text, strlen(text), &r, &e);
        if (x < 0)
                fail_msg("%d, %s:%u: %s\nin:\n%s", x, e.n ? e.errors[0].file : "",
                         e.n ? e.errors[0].line : 0, e.n ? e.errors[0].text : "", text);
        assert_int_equal(e.n, 0);
        rules_errors_clear(&e);
        return r;
}

static void assert_words(const struct words *w, const char *joined) {
        char buf[1024] = "";
        for (size_t i = 0; i < w->n; i++) {
                size_t at = strlen(buf);
                (void) snprintf(buf + at, sizeof(buf) - at, "%s%s", i ? "|" : "", w->words[i]);
        }
        assert_string_equal(buf, joined);
        if (w->n > 0)
                assert_null(w->words[w->n]);
}

static const char all_keys[] =
        "; a comment\n"
        "# and another: Zoë\n"
        "\n"
        "[Site]\n"
        "RelyingParty=wardtap.example.org\n"
        "Assurance=aal2\n"
        "AuditRequired=yes\n"
        "ThrottleFree=5\n"
        "ThrottleDelays=10s 1min 1h\n"
        "ThrottleMax=1h\n"
        "Recheck=10min\n"
        "Tickets=yes\n"
        "[Station]\n"
        "Name=ward3-bay2\n"
        "Tags=ward3 \tacute\n"
        "Fallback=deny\n"
        "SessionKeys=yes\n"
        "MaxSessions=4\n"
        "SwitchEngine=logind\n"
        "Lock=session\n"
        "OtherSeats=end\n"
        "\t[Role nurse]\t\n"
        "  Groups = nurses \"Domain Users\" CORP\\nurse\n"
        "Stations=ward3 \\\n"
        "# between a line and what follows it\n"
        "   ward4 \\\n"
        "or-7\n"
        "Hours=Mon-Fri 07:00-15:00, Sat,Sun 22:00-06:00, 12:00-24:00\n"
        "SignIn=badge+key+verify\n"
        "Grace=1h 30min\n"
        "GraceMode=renewed\n"
        "GraceCap=20h\n"
        "TapOut=sign-out\n"
        "WalkAway=nothing\n"
        "SessionCap=24h\n"
        "KeyModels=CB69481E-8FF7-4039-93EC-0A2729A154A8 00000000000000000000000000000001\n"
        "Approves=review-security elevate\n"
        "KeyAttested=yes\nElevateMax=30min\n"
        "-Colour=blue\n"
        "[Role second]\n"
        "Groups=others\n"
        "[Place or]\n"
        "Tags=or icu\n"
        "IdleLock=30min\n"
        "IdleCountdown=1min\n"
        "ParkedSignOut=2h\n"
        "SessionCap=8h\n"
        "-Inhibitors=no\n"
        "[Service lightdm]\n"
        "Use=sign-in\n"
        "[Service sudo]\n"
        "Use=step-up\n"
        "SignIn=badge+key+verify\n"
        "[Exception lost-key]\n"
        "Owner=ward3.lead@wardtap.example.org\n"
        "Reason=Her key is in the post: 2 days\n"
        "Until=2026-12-24 18:05\n"
        "Users=anna ben\n"
        "Groups=\"Domain Users\"\n"
        "Stations=ward3\n"
        "Services=lightdm sudo\n"
        "SignIn=key+verify\n"
        "[Exception summer]\n"
        "Owner=lead\n"
        "Reason=x\n"
        "Until=2026-06-30\n"
        "Users=anna\n"
        "SignIn=badge+key+verify\n"
        "[Check disk]\n"
        "Unit=disk-encrypted@sda1.service\n"
        "MaxAge=1d 12h\n"
        "Then=no-sign-in\n"
        "Tags=ward3 or\n"
        "[Check updates]\n"
        "Unit=updates.service\n"
        "Then=no-grace\n"
        "[Service su-l]\n"
        "Use=step-up"; /* and no line end */

static void every_key_is_read(void **state) {
        struct rules *r = must_parse(all_keys);
        assert_string_equal(r->relying_party, "wardtap.example.org");
        assert_int_equal(r->assurance, ASSURANCE_AAL2);
        assert_true(r->audit_required);
        assert_int_equal(r->throttle_free, 5);
        assert_int_equal(r->n_throttle, 3);
        assert_true(r->throttle_usec[0] == SEC(10) && r->throttle_usec[1] == MIN(1) &&
                    r->throttle_usec[2] == H(1));
        assert_true(r->throttle_max_usec == H(1) && r->recheck_usec == MIN(10));
        assert_true(r->tickets);
        assert_string_equal(r->station, "ward3-bay2");
        assert_false(r->station_from_host);
        assert_words(&r->tags, "ward3|acute");
        assert_int_equal(r->fallback, FALLBACK_DENY);
        assert_true(r->session_keys);
        assert_int_equal(r->max_sessions, 4);
        assert_int_equal(r->switch_engine, SWITCH_LOGIND);
        assert_int_equal(r->lock, LOCK_SESSION);
        assert_int_equal(r->other_seats, OTHER_SEATS_END);
        assert_int_equal(r->n_roles, 2);

        const struct rule_role *role = &r->roles[0];
        assert_string_equal(role->name, "nurse");
        assert_words(&role->groups, "nurses|Domain Users|CORP\\nurse");
        assert_words(&role->stations, "ward3|ward4|or-7");
        assert_int_equal(role->hours.n, 3);
        assert_int_equal(role->hours.spans[0].days, 0x1f);
        assert_int_equal(role->hours.spans[0].from, 7 * 60);
        assert_int_equal(role->hours.spans[0].to, 15 * 60);
        assert_int_equal(role->hours.spans[1].days, 0x60);
        assert_int_equal(role->hours.spans[1].from, 22 * 60);
        assert_int_equal(role->hours.spans[1].to, 6 * 60);
        assert_int_equal(role->hours.spans[2].days, 0x7f);
        assert_int_equal(role->hours.spans[2].to, 1440);
        assert_int_equal(role->sign_in, FACTOR_BADGE | FACTOR_KEY | FACTOR_VERIFY);
        assert_true(role->grace_usec == MIN(90) && role->grace_cap_usec == H(20));
        assert_int_equal(role->grace_mode, GRACE_RENEWED);
        assert_int_equal(role->tap_out, TAP_OUT_SIGN_OUT);
        assert_int_equal(role->walk_away, WALK_AWAY_NOTHING);
        assert_true(role->session_cap_usec == H(24));
        assert_words(&role->key_models, "cb69481e8ff7403993ec0a2729a154a8|00000000000000000000000000000001");

        assert_int_equal(r->n_places, 1);
        assert_words(&r->places[0].tags, "or|icu");
        assert_true(r->places[0].idle_lock_usec == MIN(30) && r->places[0].idle_countdown_usec == MIN(1) &&
                    r->places[0].parked_sign_out_usec == H(2) && r->places[0].session_cap_usec == H(8));
        assert_false(r->places[0].inhibitors);
        assert_int_equal(r->n_services, 3);
        assert_int_equal(rules_find_service(r, "lightdm")->use, USE_SIGN_IN);
        assert_int_equal(rules_find_service(r, "lightdm")->sign_in, 0);
        assert_int_equal(rules_find_service(r, "sudo")->use, USE_STEP_UP);
        assert_int_equal(rules_find_service(r, "sudo")->sign_in, 7);
        assert_int_equal(rules_find_service(r, "su-l")->sign_in, FACTOR_KEY | FACTOR_VERIFY);
        assert_null(rules_find_service(r, "sshd"));
        assert_int_equal(strlen(r->hash), 64);
        rules_free(r);
}

static void a_role_says_what_it_approves_and_which_keys_it_takes(void **state) {
        struct rules *r = must_parse(all_keys);
        const struct rule_role *role = &r->roles[0];
        assert_int_equal(role->approves, 1U << APPROVE_ELEVATE | 1U << APPROVE_REVIEW_SECURITY);
        assert_true(rules_role_approves(role, APPROVE_REVIEW_SECURITY));
        assert_false(rules_role_approves(role, APPROVE_REVIEW_CLINICAL));
        assert_false(rules_role_approves(role, APPROVE_ACTION_INVALID));
        assert_false(rules_role_approves(&r->roles[1], APPROVE_ELEVATE));
        assert_false(rules_role_approves(NULL, APPROVE_ELEVATE));
        assert_true(role->elevate_max_usec == UINT64_C(30) * 60 * 1000000);
        assert_true(role->key_attested);
        assert_false(r->roles[1].key_attested);
        rules_free(r);
}

static void exceptions_and_checks_are_read(void **state) {
        assert_int_equal(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
        tzset();
        struct rules *r = must_parse(all_keys);
        assert_int_equal(r->n_exceptions, 2);
        const struct rule_exception *x = &r->exceptions[0];
        assert_string_equal(x->name, "lost-key");
        assert_string_equal(x->owner, "ward3.lead@wardtap.example.org");
        assert_string_equal(x->reason, "Her key is in the post: 2 days");
        assert_true(x->until_usec == SEC(1798131900)); /* 2026-12-24T17:05:00Z */
        assert_words(&x->users, "anna|ben");
        assert_words(&x->groups, "Domain Users");
        assert_words(&x->stations, "ward3");
        assert_words(&x->services, "lightdm|sudo");
        assert_int_equal(x->sign_in, FACTOR_KEY | FACTOR_VERIFY);
        assert_true(r->exceptions[1].until_usec == SEC(1782856800)); /* the end of 30 June, in summer time */
        assert_int_equal(r->exceptions[1].services.n + r->exceptions[1].stations.n, 0);

        assert_int_equal(r->n_checks, 2);
        assert_string_equal(r->checks[0].name, "disk");
        assert_string_equal(r->checks[0].unit, "disk-encrypted@sda1.service");
        assert_true(r->checks[0].max_age_usec == H(36) && r->checks[1].max_age_usec == 0);
        assert_int_equal(r->checks[0].then, CHECK_NO_SIGN_IN);
        assert_int_equal(r->checks[1].then, CHECK_NO_GRACE);
        assert_words(&r->checks[0].tags, "ward3|or");
        rules_free(r);
        assert_int_equal(setenv("TZ", "UTC", 1), 0);
        tzset();
}

static void what_is_not_said_to_pass_fails(void **state) {
        struct rules *r = must_parse(all_keys);
        char *ward3[] = {(char *) "ward3", NULL}, *disk[] = {(char *) "disk", NULL},
             *both[] = {(char *) "updates", (char *) "disk", NULL};
        const struct words tags = {ward3, 1}, one = {disk, 1}, all = {both, 2}, none = {0};
        assert_int_equal(rules_failing_checks(r, &tags, NULL), 3);
        assert_int_equal(rules_failing_checks(r, &tags, &none), 3);
        assert_int_equal(rules_failing_checks(r, &none, NULL), 2); /* the first is for other stations */
        assert_int_equal(rules_failing_checks(r, NULL, NULL), 2);
        assert_int_equal(rules_failing_checks(r, &tags, &one), 2);
        assert_int_equal(rules_failing_checks(r, &tags, &all), 0);
        rules_free(r);
}

/* --- what depends on the time, or is only worth a look */

#define TODAY SEC(1795166502) /* 2026-11-20T09:21:42Z */
#define EXCEPTION(until)                                                                                    \
        BASE "[Exception x]\nOwner=lead\nReason=r\nUsers=anna\nSignIn=badge\nUntil=" until "\n"

static void assert_review(const char *text, const char *error, const char *note) {
        struct rules *r = must_parse(text);
        struct rules_errors errors, notes;
        assert_int_equal(rules_review(r, TODAY, &errors, &notes), 0);
        assert_int_equal(errors.n, error != NULL);
        assert_int_equal(notes.n, note != NULL);
        if (error)
                assert_string_equal(errors.errors[0].text, error);
        if (note)
                assert_string_equal(notes.errors[0].text, note);
        rules_errors_clear(&errors);
        rules_errors_clear(&notes);
        rules_free(r);
}

static void an_exception_ends_within_ninety_days(void **state) {
        assert_int_equal(setenv("TZ", "UTC", 1), 0);
        tzset();
        assert_review(EXCEPTION("2027-02-17"), NULL, NULL);
        assert_review(EXCEPTION("2027-02-18 09:21"), NULL, NULL);
        assert_review(EXCEPTION("2027-02-18 09:22"),
                      "[Exception x] ends too late: write an Until= of at most 90 days from now, 2027-02-18 "
                      "09:21.",
                      NULL);
        assert_review(EXCEPTION("2026-11-20 09:22"), NULL, NULL);
        assert_review(
                EXCEPTION("2026-11-20 09:21"), NULL,
                "[Exception x] has ended (2026-11-20 09:21) and is of no effect: remove it, or ask its "
                "owner, lead.");
        assert_review(
                EXCEPTION("2026-11-19"), NULL,
                "[Exception x] has ended (2026-11-20 00:00) and is of no effect: remove it, or ask its "
                "owner, lead.");
}

#define TWO(first, second)                                                                                  \
        HEAD "[Role a]\nGroups=nurses\n" first "\n[Role b]\nGroups=nurses ward\n" second "\n"
#define BOTH "[Role a] and [Role b] both fit people of nurses: the first, a, counts."

static void two_roles_that_both_fit_are_noted_where_it_is_certain(void **state) {
        assert_review(TWO("", ""), NULL, BOTH);
        assert_review(TWO("Stations=ward3", "Stations=ward4"), NULL, NULL);
        assert_review(TWO("Stations=ward3 ward4", "Stations=ward4"), NULL, BOTH);
        assert_review(TWO("Hours=07:00-15:00", "Hours=15:00-23:00"), NULL, NULL);
        assert_review(TWO("Hours=07:00-15:01", "Hours=15:00-23:00"), NULL, BOTH);
        assert_review(HEAD "[Role a]\nGroups=nurses\n[Role b]\nGroups=ward\n", NULL, NULL);
}

static void hours_that_overlap_over_midnight_are_noticed(void **state) {
        assert_review(TWO("Hours=22:00-06:00", "Hours=05:00-07:00"), NULL, BOTH);
        assert_review(TWO("Hours=Sun 22:00-06:00", "Hours=Mon 05:00-07:00"), NULL, BOTH);
        assert_review(TWO("Hours=Sun 22:00-06:00", "Hours=Sun 05:00-07:00"), NULL, NULL);
        assert_review(TWO("Hours=Fri 22:00-06:00", "Hours=Fri 23:00-05:00"), NULL, BOTH);
        assert_review(TWO("Hours=Mon 22:00-06:00", "Hours=Tue 22:00-06:00"), NULL, NULL);
        assert_review(TWO("Hours=Sun 00:00-24:00", "Hours=Sat 23:00-00:01"), NULL, BOTH);
}

static void what_is_left_out_has_the_documented_default(void **state) {
        struct rules *r = must_parse(BASE "[Place p]\nTags=x\n");
        assert_int_equal(r->assurance, ASSURANCE_NONE);
        assert_false(r->audit_required);
        assert_int_equal(r->throttle_free, 3);
        assert_int_equal(r->n_throttle, 3);
        assert_true(r->throttle_usec[0] == SEC(5) && r->throttle_usec[1] == SEC(15) &&
                    r->throttle_usec[2] == SEC(60) && r->throttle_max_usec == MIN(5) &&
                    r->recheck_usec == MIN(15));
        assert_true(r->station_from_host);
        assert_int_equal(r->tags.n, 0);
        assert_int_equal(r->fallback, FALLBACK_RECORD);
        assert_false(r->session_keys);
        assert_int_equal(r->max_sessions, 0);
        assert_int_equal(r->switch_engine, SWITCH_AUTO);
        assert_int_equal(r->lock, LOCK_GREETER);
        assert_int_equal(r->other_seats, OTHER_SEATS_KEEP);
        const struct rule_role *role = &r->roles[0];
        assert_int_equal(role->sign_in, 7);
        assert_true(role->grace_usec == H(12) && role->grace_cap_usec == H(14) &&
                    role->session_cap_usec == H(14));
        assert_int_equal(role->grace_mode, GRACE_FIXED);
        assert_int_equal(role->tap_out, TAP_OUT_LOCK);
        assert_int_equal(role->walk_away, WALK_AWAY_LOCK);
        assert_int_equal(role->stations.n + role->hours.n + role->key_models.n, 0);
        const struct rule_place *places[] = {&r->places[0], rules_default_place()};
        for (size_t i = 0; i < ELEMENTSOF(places); i++)
                assert_true(places[i]->idle_lock_usec == MIN(5) &&
                            places[i]->idle_countdown_usec == SEC(30) &&
                            places[i]->parked_sign_out_usec == H(4) && places[i]->session_cap_usec == 0 &&
                            !places[i]->inhibitors);
        rules_free(r);
}

static void assurance_moves_the_defaults_it_forbids(void **state) {
        struct rules *r = must_parse(HEAD "Assurance=aal3\n[Role nurse]\nGroups=nurses\n");
        assert_true(r->roles[0].grace_usec == 0 && r->roles[0].session_cap_usec == H(12));
        rules_free(r);
        r = must_parse(HEAD "[Role admin]\nGroups=admins\nSignIn=key+verify\n");
        assert_true(r->roles[0].grace_usec == 0);
        rules_free(r);
}

static void a_place_is_the_first_whose_tags_meet_the_stations(void **state) {
        struct rules *r = must_parse(BASE "[Place a]\nTags=x y\n[Place b]\nTags=y z\n");
        char *yz[] = {(char *) "z", (char *) "y", NULL}, *z[] = {(char *) "z", NULL},
             *q[] = {(char *) "q", NULL};
        assert_string_equal(rules_find_place(r, &(struct words){yz, 2})->name, "a");
        assert_string_equal(rules_find_place(r, &(struct words){z, 1})->name, "b");
        assert_null(rules_find_place(r, &(struct words){q, 1}));
        assert_null(rules_find_place(r, &(struct words){0}));
        rules_free(r);
}

/* Good values that are easy to get wrong. */
static void these_are_good(void **state) {
        static const char *const good[] = {
                BASE "Grace=0\n",
                BASE "Grace=1d\nGraceCap=1d 12h\n",
                BASE "Grace=1h30min\n",
                BASE "Hours=00:00-24:00\n",
                BASE "Hours= Fri-Mon,Wed  23:59 - 00:00 ,05:00-05:00\n",
                BASE "# Grace=nonsense\n   ; Grace=worse\n",
                BASE "-Grace=1h\n",
                BASE "-Nonsense=\n",
                BASE "Stations=a.b@c_d-e\n",
        };
        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                rules_free(must_parse(good[i]));
}

struct bad {
        const char *text;
        unsigned line;
        const char *why;
};

static const struct bad bad_lines[] = {
        {BASE "Grace", 5, "The line is neither a heading, a comment nor Key=value: write one of them."},
        {BASE "Grace: 12h", 5, "The line is neither a heading, a comment nor Key=value: write one of them."},
        {BASE "=12h", 5, "The line is neither a heading, a comment nor Key=value: write one of them."},
        {BASE "Gra ce=12h", 5, "The line is neither a heading, a comment nor Key=value: write one of them."},
        {"Name=x\n" BASE, 1, "The line stands outside a section: write a heading such as [Site] above it."},
        {BASE "Grace=", 5, "Grace= is empty: write a value, or leave the line out."},
        {BASE "Grace=\\\n\n", 5, "Grace= is empty: write a value, or leave the line out."},
        {BASE "Grace=12h ; a shift", 5, "A comment stands behind the value: give it a line of its own."},
        {BASE "Grace=12h\t# a shift", 5, "A comment stands behind the value: give it a line of its own."},
        {BASE "Colour=blue", 5, "There is no key Colour= in [Role]: see man wardtap.conf."},
        {BASE "grace=12h", 5, "There is no key grace= in [Role]: see man wardtap.conf."},
        {BASE "--Grace=12h", 5,
         "The line is neither a heading, a comment nor Key=value: write one of them."},
        {BASE "Grace=12h\nGrace=12h", 6,
         "Grace= is there already, in line 5: write each key once in a section."},
        {BASE "Grace=12h\n-Grace=12h", 6,
         "Grace= is there already, in line 5: write each key once in a section."},
        {BASE "Grace=12h\x01", 5,
         "The line has a byte that is no UTF-8 text, or a control character: remove it."},
        {BASE "# caf\xe9", 5,
         "The line has a byte that is no UTF-8 text, or a control character: remove it."},
        {BASE "Grace=12h\r\n", 5, "The line ends as on Windows: save the file with UNIX line ends."},
        {"\xef\xbb\xbf" BASE, 1, "The file begins with a byte order mark: save it as plain UTF-8."},
        {BASE "Stations=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
              "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb "
              "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
         5, "The line is too long: end it with a backslash after at most 196 bytes."},
        {BASE "[Role nurse]\nGrace=1x", 5,
         "[Role nurse] is there already, at t line 3: write each section once."},
        {BASE "[Site]", 5, "[Site] is there already, at t line 1: write each section once."},
        {BASE "[Role]", 5, "[Role] needs a name: write [Role NAME]."},
        {BASE "[Role a/b]", 5,
         "\"a/b\" cannot be the name of a section: use at most 64 letters, digits and -_.@ ."},
        {BASE "[Role a b]", 5,
         "\"a b\" cannot be the name of a section: use at most 64 letters, digits and -_.@ ."},
        {BASE "[Role aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]", 5,
         "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" cannot be the name of a "
         "section: "
         "use at most 64 letters, digits and -_.@ ."},
        {BASE "[Station x]", 5, "[Station] takes no name: write [Station]."},
        {BASE "[Rolle x]", 5,
         "There is no section [Rolle]: use [Site], [Station], [Role NAME], [Place NAME], [Service NAME], "
         "[Exception NAME], [Check NAME] or [BreakGlass]."},
        {BASE "[Role x", 5, "The heading cannot be read: write it as in [Role nurse]."},
        {BASE "[Role x]]", 5, "The heading cannot be read: write it as in [Role nurse]."},
        {BASE "[Role x]\\", 5, "The heading cannot be read: write it as in [Role nurse]."},
        {BASE "[Role x] Grace=1h", 5, "The heading cannot be read: write it as in [Role nurse]."},
        {BASE "[]", 5, "The heading cannot be read: write it as in [Role nurse]."},
};

static const struct bad bad_values[] = {
        {BASE "Grace=12", 5, "Grace=12 is not a time: write it as 12h, 30min, 5s or 1h 30min."},
        {BASE "Grace=12 h", 5, "Grace=12 h is not a time: write it as 12h, 30min, 5s or 1h 30min."},
        {BASE "Grace=12H", 5, "Grace=12H is not a time: write it as 12h, 30min, 5s or 1h 30min."},
        {BASE "Grace=-1h", 5, "Grace=-1h is not a time: write it as 12h, 30min, 5s or 1h 30min."},
        {BASE "Grace=30min 1h", 5, "Grace=30min 1h is not a time: write it as 12h, 30min, 5s or 1h 30min."},
        {BASE "Grace=1h 1h", 5, "Grace=1h 1h is not a time: write it as 12h, 30min, 5s or 1h 30min."},
        {BASE "Grace=infinity", 5, "Grace=infinity is not a time: write it as 12h, 30min, 5s or 1h 30min."},
        {BASE "Grace=8d", 5, "Grace=8d is out of range: write a time from 1min to 7d, or 0 for none."},
        {BASE "Grace=5s", 5, "Grace=5s is out of range: write a time from 1min to 7d, or 0 for none."},
        {BASE "Grace=99999999999999999999h", 5,
         "Grace=99999999999999999999h is out of range: write a time from 1min to 7d, or 0 for none."},
        {BASE "Grace=18446744073709551615d", 5,
         "Grace=18446744073709551615d is out of range: write a time from 1min to 7d, or 0 for none."},
        {BASE "GraceCap=0", 5, "GraceCap=0 is out of range: write a time from 1min to 7d."},
        {BASE "GraceMode=rolling", 5, "GraceMode=rolling is not right: write fixed or renewed."},
        {BASE "TapOut=Lock", 5, "TapOut=Lock is not right: write lock, sign-out or nothing."},
        {BASE "ElevateMax=9h", 5, "ElevateMax=9h is out of range: write a time from 1min to 8h."},
        {BASE "Approves=everything", 5,
         "Approves=everything is not right: write elevate, temporary-badge, recover, ticket, "
         "review-clinical "
         "or review-security."},
        {BASE "Approves=elevate,recover", 5,
         "Approves=elevate,recover is not right: write elevate, temporary-badge, recover, ticket, "
         "review-clinical or review-security."},
        {BASE "Approves=recover recover", 5, "Approves= has recover twice: write it once."},
        {BASE "[Exception x]\nUntil=2026-02-30", 6,
         "Until=2026-02-30 is not a time: write it as 2026-12-24 (to the end of that day) or 2026-12-24 "
         "18:00."},
        {BASE "[Exception x]\nUntil=2026-12-24 24:00", 6,
         "Until=2026-12-24 24:00 is not a time: write it as 2026-12-24 (to the end of that day) or "
         "2026-12-24 18:00."},
        {BASE "[Exception x]\nUntil=never", 6,
         "Until=never is not a time: write it as 2026-12-24 (to the end of that day) or 2026-12-24 18:00."},
        {BASE "[Exception x]\nUntil=2026-12-24T18:00", 6,
         "Until=2026-12-24T18:00 is not a time: write it as 2026-12-24 (to the end of that day) or "
         "2026-12-24 18:00."},
        {BASE "[Exception x]\nUntil=1970-01-01", 6,
         "Until=1970-01-01 is not a time: write it as 2026-12-24 (to the end of that day) or 2026-12-24 "
         "18:00."},
        {BASE "[Exception x]\nOwner=the lead", 6,
         "Owner=the lead is not a name: use at most 64 letters, digits and -_.@ ."},
        {BASE "[Check x]\nUnit=disk.mount", 6,
         "Unit=disk.mount is not a unit that can be watched: write one as in disk-encrypted.service."},
        {BASE "[Check x]\nUnit=.service", 6,
         "Unit=.service is not a unit that can be watched: write one as in disk-encrypted.service."},
        {BASE "[Check x]\nUnit=a/b.service", 6,
         "Unit=a/b.service is not a unit that can be watched: write one as in disk-encrypted.service."},
        {BASE "[Check x]\nThen=lock", 6, "Then=lock is not right: write record, no-grace or no-sign-in."},
        {BASE "WalkAway=sign-out", 5, "WalkAway=sign-out is not right: write lock or nothing."},
        {BASE "SignIn=key", 5,
         "SignIn=key is not right: write badge, badge+key, badge+key+verify or key+verify."},
        {BASE "SignIn=key+badge", 5,
         "SignIn=key+badge is not right: write badge, badge+key, badge+key+verify or key+verify."},
        {BASE "SignIn=none", 5,
         "SignIn=none is not right: write badge, badge+key, badge+key+verify or key+verify."},
        {BASE "Stations=a a", 5, "Stations= has a twice: write it once."},
        {BASE "Stations=a,b", 5,
         "Stations= has a,b, which is not a name: use at most 64 letters, digits and -_.@ ."},
        {BASE "Stations=\"\"", 5,
         "Stations= has an empty word, which is not a name: use at most 64 letters, digits and -_.@ ."},
        {BASE "[Role r]\nGroups=\"Domain Users", 6,
         "Groups= has a word whose quotes do not match: write \"Domain Users\"."},
        {BASE "[Role r]\nGroups=\"a\"b", 6,
         "Groups= has a word whose quotes do not match: write \"Domain Users\"."},
        {BASE "[Role r]\nGroups=a,b", 6,
         "Groups= has a,b, which is not a group: separate groups by spaces, and put one that has a space "
         "into "
         "double quotes."},
        {BASE "KeyModels=123", 5,
         "KeyModels= has 123, which is not an AAGUID: write 32 hexadecimal digits, as in "
         "cb69481e-8ff7-4039-93ec-0a2729a154a8."},
        {BASE "KeyModels=cb69481e-8ff7-4039-93ec-0a2729a154ag", 5,
         "KeyModels= has cb69481e-8ff7-4039-93ec-0a2729a154ag, which is not an AAGUID: write 32 hexadecimal "
         "digits, as in cb69481e-8ff7-4039-93ec-0a2729a154a8."},
        {BASE "KeyModels=cb69481e8-ff7-4039-93ec-0a2729a154a8", 5,
         "KeyModels= has cb69481e8-ff7-4039-93ec-0a2729a154a8, which is not an AAGUID: write 32 hexadecimal "
         "digits, as in cb69481e-8ff7-4039-93ec-0a2729a154a8."},
        {BASE "KeyModels=cb69481e-8ff7-4039-93ec-0a2729a154a8 CB69481E8FF7403993EC0A2729A154A8", 5,
         "KeyModels= has cb69481e8ff7403993ec0a2729a154a8 twice: write it once."},
        {BASE "Hours=7:00-15:00", 5,
         "Hours=7:00-15:00 cannot be read: write days and times as in Mon-Fri 07:00-15:00, Sat,Sun "
         "22:00-06:00."},
        {BASE "Hours=Mon", 5,
         "Hours=Mon cannot be read: write days and times as in Mon-Fri 07:00-15:00, Sat,Sun 22:00-06:00."},
        {BASE "Hours=mon 07:00-15:00", 5,
         "Hours=mon 07:00-15:00 cannot be read: write days and times as in Mon-Fri 07:00-15:00, Sat,Sun "
         "22:00-06:00."},
        {BASE "Hours=07:00-24:01", 5,
         "Hours=07:00-24:01 cannot be read: write days and times as in Mon-Fri 07:00-15:00, Sat,Sun "
         "22:00-06:00."},
        {BASE "Hours=24:00-07:00", 5,
         "Hours=24:00-07:00 cannot be read: write days and times as in Mon-Fri 07:00-15:00, Sat,Sun "
         "22:00-06:00."},
        {BASE "Hours=07:60-08:00", 5,
         "Hours=07:60-08:00 cannot be read: write days and times as in Mon-Fri 07:00-15:00, Sat,Sun "
         "22:00-06:00."},
        {BASE "Hours=07:00-15:00,", 5,
         "Hours=07:00-15:00, cannot be read: write days and times as in Mon-Fri 07:00-15:00, Sat,Sun "
         "22:00-06:00."},
        {BASE "Hours=07:00-15:00 Sat 08:00-09:00", 5,
         "Hours=07:00-15:00 Sat 08:00-09:00 cannot be read from \"Sat 08:00-09:00\" on: separate spans by a "
         "comma."},
        {BASE "[Station]\nSessionKeys=true", 6, "SessionKeys=true is not right: write yes or no."},
        {BASE "[Station]\nMaxSessions=65", 6, "MaxSessions=65 is not right: write a number from 0 to 64."},
        {BASE "[Station]\nMaxSessions=six", 6, "MaxSessions=six is not right: write a number from 0 to 64."},
        {BASE "[Station]\nName=ward 3", 6,
         "Name=ward 3 is not a name: use at most 64 letters, digits and -_.@ ."},
        {"[Site]\nRelyingParty=Example.org\n[Role n]\nGroups=n\n", 2,
         "RelyingParty=Example.org is not a domain name: write it in lower case, as in "
         "wardtap.example.org."},
        {"[Site]\nRelyingParty=https://example.org\n[Role n]\nGroups=n\n", 2,
         "RelyingParty=https://example.org is not a domain name: write it in lower case, as in "
         "wardtap.example.org."},
        {"[Site]\nRelyingParty=192.168.1.1\n[Role n]\nGroups=n\n", 2,
         "RelyingParty=192.168.1.1 is not a domain name: write it in lower case, as in "
         "wardtap.example.org."},
        {"[Site]\nRelyingParty=a..b\n[Role n]\nGroups=n\n", 2,
         "RelyingParty=a..b is not a domain name: write it in lower case, as in wardtap.example.org."},
        {"[Site]\nRelyingParty=-a.org\n[Role n]\nGroups=n\n", 2,
         "RelyingParty=-a.org is not a domain name: write it in lower case, as in wardtap.example.org."},
        {"[Site]\nRelyingParty=a-.org\n[Role n]\nGroups=n\n", 2,
         "RelyingParty=a-.org is not a domain name: write it in lower case, as in wardtap.example.org."},
        {"[Site]\nRelyingParty=a.org.\n[Role n]\nGroups=n\n", 2,
         "RelyingParty=a.org. is not a domain name: write it in lower case, as in wardtap.example.org."},
        {HEAD "ThrottleDelays=15s 5s\n[Role n]\nGroups=n\n", 3,
         "ThrottleDelays= goes down at 5s: write the shortest delay first."},
        {HEAD "ThrottleDelays=1s 1s 1s 1s 1s 1s 1s 1s 1s\n[Role n]\nGroups=n\n", 3,
         "ThrottleDelays= is too long: at most 8 times fit."},
        {HEAD "ThrottleDelays=0\n[Role n]\nGroups=n\n", 3,
         "ThrottleDelays=0 is out of range: write a time from 1s to 1h."},
};

static const struct bad bad_wholes[] = {
        {"", 0, "There is no [Site] section: write it, with RelyingParty= in it."},
        {"[Role n]\nGroups=n\n", 0, "There is no [Site] section: write it, with RelyingParty= in it."},
        {"[Site]\nAuditRequired=no\n[Role n]\nGroups=n\n", 1,
         "[Site] has no RelyingParty=: write the site's domain name, as in "
         "RelyingParty=wardtap.example.org."},
        {HEAD, 0, "There is no [Role NAME] section: nobody could sign in."},
        {HEAD "[Role n]\nGrace=1h\n", 3,
         "[Role n] has no Groups=: write the groups whose members have this role."},
        {BASE "[Place p]\nIdleLock=1min\n", 5,
         "[Place p] has no Tags=: write the tags of the stations that are there."},
        {BASE "[Service x]\nSignIn=badge+key\n", 5,
         "[Service x] has no Use=: write Use=sign-in or Use=step-up."},
        {BASE "[Service GDM]\nUse=sign-in\n", 5,
         "[Service GDM] never applies: PAM knows services in lower case only."},
        {BASE "[Service sudo]\nUse=step-up\nSignIn=badge\n", 7,
         "SignIn=badge would let a badge alone approve something in an open session: write key+verify."},
        {BASE "[Service su]\nUse=sign-in\n", 6,
         "su asks for an approval inside an open session and is no sign-in: write Use=step-up."},
        {BASE "[Service polkit-1]\nUse=sign-in\n", 6,
         "polkit-1 asks for an approval inside an open session and is no sign-in: write Use=step-up."},
        {BASE "[Exception x]\nReason=r\nUntil=2026-12-24\nUsers=anna\nSignIn=badge\n", 5,
         "[Exception x] has no Owner=: write who answers for it."},
        {BASE "[Exception x]\nOwner=lead\nUntil=2026-12-24\nUsers=anna\nSignIn=badge\n", 5,
         "[Exception x] has no Reason=: write why it is there."},
        {BASE "[Exception x]\nOwner=lead\nReason=r\nUsers=anna\nSignIn=badge\n", 5,
         "[Exception x] has no Until=: write when it ends, at most 90 days from now."},
        {BASE "[Exception x]\nOwner=lead\nReason=r\nUntil=2026-12-24\nUsers=anna\n", 5,
         "[Exception x] has no SignIn=: write what has to be shown meanwhile."},
        {BASE "[Exception x]\nOwner=lead\nReason=r\nUntil=2026-12-24\nSignIn=badge\n", 5,
         "[Exception x] has neither Users= nor Groups=: write for whom it is."},
        {BASE "[Exception x]\nOwner=lead\nReason=r\nUntil=2026-12-24\nUsers=anna\nSignIn=badge\n"
              "Services=gdm\n",
         11, "Services= has gdm, and there is no [Service gdm]: write one, or leave it out."},
        {BASE "[Service sudo]\nUse=step-up\n"
              "[Exception x]\nOwner=lead\nReason=r\nUntil=2026-12-24\nUsers=anna\nSignIn=badge\n"
              "Services=sudo\n",
         12,
         "SignIn=badge would let a badge alone approve something by sudo in an open session: write "
         "key+verify."},
        {HEAD "Assurance=aal2\n[Role n]\nGroups=n\n"
              "[Exception x]\nOwner=lead\nReason=r\nUntil=2026-12-24\nUsers=anna\nSignIn=badge+key\n",
         11, "SignIn=badge+key does not reach Assurance=aal2: write badge+key+verify or key+verify."},
        {BASE "[Check x]\nThen=record\n", 5,
         "[Check x] has no Unit=: write the service that makes the check."},
        {BASE "[Check x]\nUnit=x.service\n", 5,
         "[Check x] has no Then=: write record, no-grace or no-sign-in."},
        {BASE "Grace=15h\n", 5,
         "Grace (15h) is longer than GraceCap (14h): shorten Grace=, or write a longer "
         "GraceCap=."},
        {BASE "GraceCap=1h\n", 5,
         "Grace (12h) is longer than GraceCap (1h): shorten Grace=, or write a longer "
         "GraceCap=."},
        {BASE "SignIn=key+verify\nGrace=1h\n", 6,
         "Grace=1h needs a badge, and SignIn=key+verify has none: write Grace=0."},
        {HEAD "ThrottleMax=30s\n[Role n]\nGroups=n\n", 3,
         "The last of ThrottleDelays= is longer than ThrottleMax=: shorten it, or write a longer "
         "ThrottleMax=."},
        {BASE "[Role late]\nGroups=nurses\nHours=07:00-08:00\n", 5,
         "Nobody ever gets the role late, since [Role nurse] takes its groups first: move it up, or remove "
         "it."},
        {BASE "[Place p]\nTags=x\nIdleLock=1min\nIdleCountdown=1min\n", 8,
         "IdleCountdown= is not shorter than IdleLock=: the countdown is its last part."},
        /* SP 800-63B-4 */
        {HEAD "Assurance=aal2\n[Role n]\nGroups=n\nSignIn=badge+key\n", 6,
         "SignIn=badge+key does not reach Assurance=aal2: write badge+key+verify or key+verify."},
        {HEAD "Assurance=aal3\n[Role n]\nGroups=n\n[Service s]\nUse=sign-in\nSignIn=badge\n", 8,
         "SignIn=badge does not reach Assurance=aal3: write badge+key+verify or key+verify."},
        {HEAD "Assurance=aal2\n[Role n]\nGroups=n\nSessionCap=25h\n", 6,
         "Assurance=aal2 wants sessions to end: write SessionCap=24h or less."},
        {HEAD "Assurance=aal2\n[Role n]\nGroups=n\nSessionCap=0\n", 6,
         "Assurance=aal2 wants sessions to end: write SessionCap=24h or less."},
        {HEAD "Assurance=aal3\n[Role n]\nGroups=n\nSessionCap=13h\n", 6,
         "Assurance=aal3 wants sessions to end: write SessionCap=12h or less."},
        {HEAD "Assurance=aal3\n[Role n]\nGroups=n\nGrace=1min\n", 6,
         "Assurance=aal3 allows no grace: write Grace=0."},
        {HEAD "Assurance=aal2\n[Role n]\nGroups=n\nGraceCap=25h\n", 6,
         "GraceCap=1d 1h is longer than Assurance=aal2 allows: write at most 24h."},
        {HEAD "Assurance=aal2\n[Role n]\nGroups=n\n[Place p]\nTags=p\nIdleLock=61min\n", 8,
         "Assurance=aal2 wants idle sessions locked: write IdleLock=1h or less."},
        {HEAD "Assurance=aal3\n[Role n]\nGroups=n\n[Place p]\nTags=p\nIdleLock=16min\n", 8,
         "Assurance=aal3 wants idle sessions locked: write IdleLock=15min or less."},
        {HEAD "Assurance=aal3\n[Role n]\nGroups=n\n[Place p]\nTags=p\nIdleLock=0\n", 8,
         "Assurance=aal3 wants idle sessions locked: write IdleLock=15min or less."},
        {HEAD "Assurance=aal2\n[Role n]\nGroups=n\n[Place p]\nTags=p\nInhibitors=yes\n", 8,
         "Inhibitors=yes lets a program put off the idle lock, and Assurance=aal2 does not: write no."},
};

static void check_bad(const struct bad *bad) {
        struct rules *r = NULL;
        struct rules_errors e;
        int x = rules_parse_text("t", bad->text, strlen(bad->text), &r, &e);
        if (x != -EBADMSG || e.n < 1 || e.errors[0].line != bad->line ||
            strcmp(e.errors[0].text, bad->why) != 0)
                fail_msg("%s\n  gave %d, %zu errors, %u: %s\n  wanted %u: %s", bad->text, x, e.n,
                         e.n ? e.errors[0].line : 0, e.n ? e.errors[0].text : "", bad->line, bad->why);
        assert_string_equal(e.errors[0].file, "t");
        assert_null(r);
        rules_errors_clear(&e);
        assert_null(e.errors);
}

static void each_mistake_has_its_line_and_its_sentence(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(bad_lines); i++)
                check_bad(&bad_lines[i]);
        for (size_t i = 0; i < ELEMENTSOF(bad_values); i++)
                check_bad(&bad_values[i]);
        for (size_t i = 0; i < ELEMENTSOF(bad_wholes); i++)
                check_bad(&bad_wholes[i]);
}

static void all_mistakes_are_told_at_once_up_to_a_limit(void **state) {
        static const char text[] =
                "[Site]\nRelyingParty=A\nColour=1\n[Role n]\nGroups=n\nGrace=1\nx\n[Service s]\n";
        static const unsigned lines[] = {2, 3, 6, 7, 8};
        struct rules *r = NULL;
        struct rules_errors e;
        assert_int_equal(rules_parse_text("t", text, strlen(text), &r, &e), -EBADMSG);
        assert_int_equal(e.n, ELEMENTSOF(lines));
        for (size_t i = 0; i < e.n; i++)
                assert_int_equal(e.errors[i].line, lines[i]);
        rules_errors_clear(&e);

        char many[4096] = "";
        for (size_t i = 0; i < 200; i++)
                memcpy(many + 3 * i, "x=\n", 4);
        assert_int_equal(rules_parse_text("t", many, strlen(many), &r, &e), -EBADMSG);
        assert_int_equal(e.n, RULES_ERRORS_MAX + 1);
        assert_string_equal(e.errors[RULES_ERRORS_MAX].text, "There are more errors: mend these first.");
        rules_errors_clear(&e);
}

static void a_zero_byte_is_no_end_of_the_file(void **state) {
        static const char text[] = BASE "Grace=1h\0\nGrace=\n";
        struct rules *r = NULL;
        struct rules_errors e;
        assert_int_equal(rules_parse_text("t", text, sizeof(text) - 1, &r, &e), -EBADMSG);
        assert_int_equal(e.n, 2);
        assert_int_equal(e.errors[0].line, 5);
        assert_int_equal(e.errors[1].line, 6);
        rules_errors_clear(&e);
}

static void what_follows_an_unreadable_line_is_passed_over(void **state) {
        static const char text[] = BASE "Grace=12h\nSta tions=a \\\nb \\\n# c\nd\nTapOut=x\n";
        struct rules *r = NULL;
        struct rules_errors e;
        assert_int_equal(rules_parse_text("t", text, sizeof(text) - 1, &r, &e), -EBADMSG);
        assert_int_equal(e.n, 2);
        assert_int_equal(e.errors[0].line, 6);
        assert_int_equal(e.errors[1].line, 10);
        rules_errors_clear(&e);
}

static void there_is_a_limit_on_everything(void **state) {
        size_t size = 256 * 1024;
        char *text = malloc(size);
        struct rules *r = NULL;
        struct rules_errors e;
        int at = snprintf(text, size, "%s", BASE);
        for (int i = 0; i < 128; i++)
                at += snprintf(text + at, size - (size_t) at, "[Role r%d]\nGroups=g%d\n", i, i);
        assert_int_equal(rules_parse_text("t", text, (size_t) at, &r, &e), -EBADMSG);
        assert_int_equal(e.n, 1);
        assert_int_equal(e.errors[0].line, 5 + 2 * 127);
        assert_string_equal(e.errors[0].text, "There are too many [Role NAME] sections: at most 128 fit.");
        rules_errors_clear(&e);

        at = snprintf(text, size, "%sStations=", BASE);
        for (int i = 0; i < 65; i++)
                at += snprintf(text + at, size - (size_t) at, "s%d%s", i, i % 10 == 9 ? " \\\n" : " ");
        assert_int_equal(rules_parse_text("t", text, (size_t) at, &r, &e), -EBADMSG);
        assert_string_equal(e.errors[0].text, "Stations= is too long: at most 64 words fit.");
        assert_int_equal(e.errors[0].line, 5);
        rules_errors_clear(&e);

        at = snprintf(text, size, "%sHours=", BASE);
        for (int i = 0; i < 33; i++)
                at += snprintf(text + at, size - (size_t) at, "%s07:00-08:00%s", i ? "," : "",
                               i % 10 == 9 ? "\\\n" : "");
        assert_int_equal(rules_parse_text("t", text, (size_t) at, &r, &e), -EBADMSG);
        assert_string_equal(e.errors[0].text, "Hours= is too long: at most 32 spans fit.");
        rules_errors_clear(&e);

        at = snprintf(text, size, "%sGroups2=", BASE);
        for (int i = 0; i < 100; i++)
                at += snprintf(text + at, size - (size_t) at, "%0100d \\\n", i);
        assert_int_equal(rules_parse_text("t", text, (size_t) at, &r, &e), -EBADMSG);
        assert_string_equal(e.errors[0].text, "Groups2= is too long: at most 4095 bytes fit.");
        rules_errors_clear(&e);
        free(text);
}

/* A file of the source tree, terminated. */
static void read_source(const char *path, char *text, size_t size) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                fail_msg("%s: %s", path, strerror(errno));
        ssize_t n = read(fd, text, size - 1);
        assert_in_range(n, 100, size - 2);
        text[n] = 0;
        (void) close(fd);
}

static void the_example_is_good(void **state) {
        char text[32768];
        read_source(SOURCE_ROOT "/packaging/wardtap.conf.example", text, sizeof(text));
        struct rules *r = must_parse(text);
        assert_string_equal(r->relying_party, "wardtap.example.org");
        assert_non_null(rules_find_service(r, "lightdm"));
        rules_free(r);
}

static void break_glass_is_there_when_it_is_written(void **state) {
        struct rules *r = must_parse(BASE);
        assert_false(r->break_glass.present);
        rules_free(r);
        r = must_parse(BASE "[BreakGlass]\n");
        assert_true(r->break_glass.present);
        assert_int_equal(r->break_glass.minutes, 60);
        assert_int_equal(r->break_glass.uses, 2);
        assert_int_equal(r->break_glass.reviewers, REVIEWER_CLINICAL);
        assert_int_equal(r->break_glass.badge, BREAK_GLASS_ANY);
        assert_string_equal(break_glass_reason(r, 0), "arrest");
        assert_null(break_glass_reason(r, 4));
        rules_free(r);
        static const struct {
                const char *line, *why;
        } wrong[] = {
                {"Minutes=4", "write a number from 5 to 720"},
                {"Minutes=721", "write a number from 5 to 720"},
                {"Reasons=a b c", "has 3 reasons: write 4 of them"},
                {"Reasons=a b c a", "has a twice"},
                {"Reasons=a b c \"d, e\"", "not fit to be chosen"},
                {"Reasons=a b c 0123456789012345678901234", "not fit to be chosen"},
                {"Reviewers=nobody", "write clinical, security, or both"},
                {"Accounts=a/b", "is not a name"},
                {"Badge=old", "any"},
                {"Uses=0", "write a number from 1 to 20"},
                {"DrillEvery=1h", "is out of range"},
        };
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                char text[256];
                struct rules_errors e;
                (void) snprintf(text, sizeof(text), BASE "[BreakGlass]\n%s\n", wrong[i].line);
                assert_int_equal(rules_parse_text("t", text, strlen(text), &r, &e), -EBADMSG);
                assert_int_equal(e.n, 1);
                if (!strstr(e.errors[0].text, wrong[i].why))
                        fail_msg("%s: %s", wrong[i].line, e.errors[0].text);
                rules_errors_clear(&e);
        }
}

static void the_manual_names_every_section_and_key(void **state) {
        char text[32768], want[64];
        read_source(SOURCE_ROOT "/man/wardtap.conf.5.scd", text, sizeof(text));
        for (unsigned kind = 0; kind < SECTION_MAX; kind++) {
                const struct section_type *type = section_type((enum section_kind) kind);
                (void) snprintf(want, sizeof(want), "\n# [%s%s]\n", type->name, type->named ? " NAME" : "");
                for (char *c = want; *c && *c != ']'; c++)
                        *c = *c >= 'a' && *c <= 'z' ? (char) (*c - 'a' + 'A') : *c;
                const char *section = strstr(text, want);
                if (!section)
                        fail_msg("the manual lacks %s", want);
                const char *end = strstr(section + 3, "\n# ");
                for (size_t i = 0; i < type->n_keys; i++) {
                        (void) snprintf(want, sizeof(want), "\n*%s=* (", type->keys[i].name);
                        const char *key = strstr(section, want);
                        if (!key || (end && key > end))
                                fail_msg("the manual lacks %s= in [%s]", type->keys[i].name, type->name);
                }
        }
}

/* --- files */

static char dir[64];

static const char *skipped;

static bool need_root(void) {
        if (geteuid() == 0)
                return true;
        skipped = "only root can own files as root does";
        skip();
        return false;
}

static int make_dir(void **state) {
        (void) snprintf(dir, sizeof(dir), "/tmp/wardtap-rules-XXXXXX");
        return mkdtemp(dir) ? chdir(dir) : -1;
}

static int drop_dir(void **state) {
        char command[128];
        (void) snprintf(command, sizeof(command), "rm -rf -- '%s'", dir);
        return chdir("/") < 0 || system(command) != 0;
}

static void put(const char *path, const char *text, mode_t mode) {
        (void) unlink(path);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        assert_int_equal(fchmod(fd, mode), 0);
        (void) close(fd);
}

static void expect(int want, const char *file, const char *why) {
        char main_file[96], folder[96], wanted[160];
        struct rules *r = NULL;
        struct rules_errors e;
        (void) snprintf(main_file, sizeof(main_file), "%s/main.conf", dir);
        (void) snprintf(folder, sizeof(folder), "%s/conf.d", dir);
        (void) snprintf(wanted, sizeof(wanted), "%s%s", dir, file);
        int x = rules_parse(main_file, folder, &r, &e);
        if (x != want || (want < 0 && (e.n != 1 || strcmp(e.errors[0].text, why) != 0 ||
                                       strcmp(e.errors[0].file, wanted) != 0)))
                fail_msg("gave %d, %zu errors, %s: %s\nwanted %d, %s: %s", x, e.n,
                         e.n ? e.errors[0].file : "", e.n ? e.errors[0].text : "", want, wanted, why);
        rules_errors_clear(&e);
        rules_free(r);
}

static const char others[] =
        "The file must be root's, and nobody else may write to it: chown root, chmod go-w.";

static void only_roots_own_regular_files_are_read(void **state) {
        if (!need_root())
                return;
        expect(-ENOENT, "/main.conf", "There are no rules yet: write this file, see man wardtap.conf.");
        put("main.conf", BASE, 0644);
        expect(0, "", "");
        put("main.conf", BASE, 0664);
        expect(-EPERM, "/main.conf", others);
        put("main.conf", BASE, 0646);
        expect(-EPERM, "/main.conf", others);
        put("main.conf", BASE, 0644);
        assert_int_equal(chown("main.conf", 1, 0), 0);
        expect(-EPERM, "/main.conf", others);
        assert_int_equal(rename("main.conf", "real.conf") | chown("real.conf", 0, 0), 0);
        assert_int_equal(symlink("real.conf", "main.conf"), 0);
        expect(-ELOOP, "/main.conf", "This is a symbolic link: put the file itself here.");
        assert_int_equal(unlink("main.conf") | mkfifo("main.conf", 0644), 0);
        expect(-EINVAL, "/main.conf", "This is not a regular file: put one here, or remove it.");
        assert_int_equal(unlink("main.conf"), 0);
        put("main.conf", BASE, 0644);
        assert_int_equal(truncate("main.conf", 1024 * 1024 + 1), 0);
        expect(-EFBIG, "/main.conf",
               "The file is larger than 1 MB: rules are short, so this is something else.");
        put("main.conf", BASE, 0644);
        assert_int_equal(chmod(dir, 0775), 0);
        expect(-EPERM, "",
               "The folder must be root's, and nobody else may write to it: chown root, chmod go-w.");
        assert_int_equal(chmod(dir, 0755), 0);
}

static void the_folder_is_read_by_name_and_only_conf(void **state) {
        if (!need_root())
                return;
        put("main.conf", HEAD, 0644);
        assert_int_equal(mkdir("conf.d", 0755), 0);
        put("conf.d/20-b.conf", "[Role b]\nGroups=b\n", 0644);
        put("conf.d/10-a.conf", "[Role a]\nGroups=a\n", 0644);
        put("conf.d/30.conf.bak", "nonsense", 0644);
        put("conf.d/.40.conf", "nonsense", 0644);
        char main_file[96], folder[96];
        (void) snprintf(main_file, sizeof(main_file), "%s/main.conf", dir);
        (void) snprintf(folder, sizeof(folder), "%s/conf.d", dir);
        struct rules *r = NULL;
        struct rules_errors e;
        assert_int_equal(rules_parse(main_file, folder, &r, &e), 0);
        assert_int_equal(r->n_roles, 2);
        assert_string_equal(r->roles[0].name, "a");
        assert_string_equal(r->roles[1].name, "b");
        rules_free(r);

        put("conf.d/30-c.conf", "[Role a]\nGroups=c\n", 0644);
        char why[256];
        (void) snprintf(why, sizeof(why), "[Role a] is there already, at %s/conf.d/10-a.conf line 1: %s",
                        dir, "write each section once.");
        expect(-EBADMSG, "/conf.d/30-c.conf", why);
        put("conf.d/30-c.conf", "", 0666);
        expect(-EPERM, "/conf.d/30-c.conf", others);
        assert_int_equal(unlink("conf.d/30-c.conf"), 0);
        assert_int_equal(chmod("conf.d", 0777), 0);
        expect(-EPERM, "/conf.d",
               "The folder must be root's, and nobody else may write to it: chown root, chmod go-w.");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_key_is_read),
                cmocka_unit_test(a_role_says_what_it_approves_and_which_keys_it_takes),
                cmocka_unit_test(exceptions_and_checks_are_read),
                cmocka_unit_test(what_is_not_said_to_pass_fails),
                cmocka_unit_test(an_exception_ends_within_ninety_days),
                cmocka_unit_test(two_roles_that_both_fit_are_noted_where_it_is_certain),
                cmocka_unit_test(hours_that_overlap_over_midnight_are_noticed),
                cmocka_unit_test(what_is_left_out_has_the_documented_default),
                cmocka_unit_test(assurance_moves_the_defaults_it_forbids),
                cmocka_unit_test(a_place_is_the_first_whose_tags_meet_the_stations),
                cmocka_unit_test(these_are_good),
                cmocka_unit_test(each_mistake_has_its_line_and_its_sentence),
                cmocka_unit_test(all_mistakes_are_told_at_once_up_to_a_limit),
                cmocka_unit_test(a_zero_byte_is_no_end_of_the_file),
                cmocka_unit_test(what_follows_an_unreadable_line_is_passed_over),
                cmocka_unit_test(there_is_a_limit_on_everything),
                cmocka_unit_test(the_example_is_good),
                cmocka_unit_test(break_glass_is_there_when_it_is_written),
                cmocka_unit_test(the_manual_names_every_section_and_key),
                cmocka_unit_test_setup_teardown(only_roots_own_regular_files_are_read, make_dir, drop_dir),
                cmocka_unit_test_setup_teardown(the_folder_is_read_by_name_and_only_conf, make_dir,
                                                drop_dir),
        };
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        if (failed == 0 && skipped)
                print_message("%s\n", skipped);
        return failed == 0 && skipped ? 77 : failed;
}
