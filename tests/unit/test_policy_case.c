/* SPDX-License-Identifier: Apache-2.0 */
/* The table of cases that a site keeps: what is read, what is refused and how, and what rules answer to it.
 */
#include "cli/policy_case.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "common/util.h"

static const char rules_text[] =
        "[Site]\nRelyingParty=a.org\n[Station]\nName=bay2\nTags=ward3\n"
        "[Role nurse]\nGroups=nurses \"Domain Users\"\nStations=ward3\nHours=06:00-22:00\n"
        "[Role night]\nGroups=nurses\nStations=ward3\nHours=22:00-06:00\nSignIn=badge+key\nKeyAttested=yes\n"
        "[Role far]\nGroups=nurses\nStations=ward9 bay9\nSignIn=badge\n"
        "[Service lightdm]\nUse=sign-in\n[Service sudo]\nUse=step-up\n"
        "[Exception x]\nOwner=lead\nReason=r\nUntil=2026-12-10\nUsers=anna\nSignIn=badge\n"
        "[Check disk]\nUnit=d.service\nThen=no-sign-in\n[Check scan]\nUnit=s.service\nThen=no-grace\n";

static struct rules *rules;

static int setup(void **state) {
        struct rules_errors e;
        (void) setenv("TZ", "UTC", 1);
        tzset();
        return rules_parse_text("t", rules_text, strlen(rules_text), &rules, &e);
}

static int teardown(void **state) {
        rules = rules_free(rules);
        return 0;
}

/* NULL: it came out as expected; else what differs. */
static const char *try_case(const char *line) {
        static char why[CASE_WHY_SIZE];
        _cleanup_(policy_case_clear) struct policy_case c = {0};
        struct policy_decision d;
        why[0] = 0;
        if (policy_case_parse(line, strlen(line), &c, why) != 0)
                fail_msg("%s: %s", line, why);
        assert_int_equal(policy_case_decide(&c, rules, &d), 0);
        return policy_case_agrees(&c, &d, why) ? NULL : why;
}

static void each_word_of_a_case_reaches_the_decision(void **state) {
        static const char *const good[] = {
                "service=lightdm => deny no-role",
                "service=lightdm groups=nurses => need-badge role=nurse needed=badge+key+verify",
                "service=lightdm groups=nurses evidence=badge => need-verify aal=0",
                "service=lightdm groups=nurses evidence=badge,key => need-verify aal=1",
                "service=lightdm groups=nurses evidence=badge,verify => allow aal=2 grace=no role=nurse",
                "service=lightdm groups=nurses evidence=badge,attested,verify => allow aal=3",
                "service=lightdm groups=others,nurses evidence=badge,verify => allow",
                "service=lightdm groups=\"Domain Users\" evidence=badge,verify => allow",
                "service=lightdm groups=nurses at=\"2026-11-20 23:00\" evidence=badge => need-key "
                "role=night",
                "service=lightdm groups=nurses at=2026-11-20T23:00 evidence=badge,key => deny key-unusable",
                "service=lightdm groups=nurses at=23:00 evidence=badge,attested => allow role=night",
                "service=lightdm groups=nurses tags=ward9 evidence=badge => allow role=far",
                "service=lightdm groups=nurses tags= station=bay9 evidence=badge => allow role=far",
                "service=lightdm groups=nurses tags= => deny not-this-station",
                "service=lightdm groups=nurses session=yes strong=2h evidence=badge => allow grace=yes "
                "aal=0",
                "service=lightdm groups=nurses session=no strong=2h evidence=badge => need-verify",
                "service=lightdm groups=nurses session=yes strong=13h evidence=badge => need-verify",
                "service=lightdm groups=nurses session=yes strong=2h failing=scan evidence=badge => "
                "need-verify",
                "service=lightdm groups=nurses failing=scan,disk => deny posture",
                "service=sudo groups=nurses failing=disk evidence=verify => allow",
                "service=lightdm groups=nurses user=anna evidence=badge => allow exception=x",
                "service=lightdm groups=nurses user=anna clock=untrusted evidence=badge => need-verify",
                "service=lightdm groups=nurses user=anna at=2026-12-11 => need-badge role=night",
                "service=lightdm groups=nurses user=anna at=\"2026-12-11 09:00\" evidence=badge => "
                "need-verify "
                "exception=none",
                "service=lightdm groups=nurses state=suspended => deny person-suspended",
                "service=lightdm groups=nurses state=ended => deny",
                "service=sshd groups=nurses => unavailable service-not-named",
                "  service=sudo\tgroups=nurses   evidence=badge  =>  need-verify",
        };
        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                const char *why = try_case(good[i]);
                if (why)
                        fail_msg("%s: %s", good[i], why);
        }
}

static void what_differs_is_said(void **state) {
        assert_string_equal(try_case("service=lightdm groups=nurses => allow"),
                            "the verdict is need-badge, not allow");
        assert_string_equal(try_case("service=lightdm => deny posture"),
                            "the reason is no-role, not posture");
        assert_string_equal(try_case("service=lightdm groups=nurses => need-badge role=night"),
                            "the role is nurse, not night");
        assert_string_equal(try_case("service=lightdm groups=nurses => need-badge exception=x"),
                            "the exception is none, not x");
        assert_string_equal(try_case("service=lightdm groups=nurses => need-badge needed=badge"),
                            "what is needed is badge+key+verify, not badge");
        assert_string_equal(try_case("service=lightdm groups=nurses => need-badge grace=yes"),
                            "grace is no, not yes");
        assert_string_equal(try_case("service=lightdm groups=nurses evidence=badge,verify => allow aal=3"),
                            "AAL2 is reached, not AAL3");
}

static void what_is_no_case_is_refused_with_a_sentence(void **state) {
        static const struct {
                const char *line, *why;
        } bad[] = {
                {"service=lightdm", "There is no => with the verdict that is expected."},
                {"groups=nurses => allow", "There is no service=."},
                {"service=lightdm =>", "After => comes the verdict: allow, need-badge, need-key, "
                                       "need-verify, deny, unavailable or "
                                       "max-tries."},
                {"service=lightdm => deny because",
                 "'because' is not a reason: wardtap why lists them by their "
                 "names."},
                {"service=lightdm => deny no-role no-role",
                 "'no-role' is not a reason: wardtap why lists them by their names."},
                {"service=lightdm allow", "'allow' is neither name=value nor the arrow =>."},
                {"service=lightdm colour=blue => allow",
                 "'colour=' is not known before the arrow: see man wardtap, policy test."},
                {"service=lightdm => allow user=anna",
                 "'user=' is not known after the arrow: see man wardtap, policy test."},
                {"service=lightdm service=sudo => allow", "'service=' is there twice: write it once."},
                {"service=lightdm groups=\"a => allow", "A double quote has no second one."},
                {"service= => allow", "service= is not right: see man wardtap, policy test."},
                {"service=lightdm evidence=retina => allow",
                 "evidence=retina is not right: see man wardtap, policy test."},
                {"service=lightdm at=yesterday => allow",
                 "at=yesterday is not right: see man wardtap, policy test."},
                {"service=lightdm strong=soon => allow",
                 "strong=soon is not right: see man wardtap, policy test."},
                {"service=lightdm session=maybe => allow",
                 "session=maybe is not right: see man wardtap, policy test."},
                {"service=lightdm state=asleep => allow",
                 "state=asleep is not right: see man wardtap, policy test."},
                {"service=lightdm model=12 => allow",
                 "model=12 is not right: see man wardtap, policy test."},
                {"service=lightdm => allow aal=4", "aal=4 is not right: see man wardtap, policy test."},
                {"service=lightdm => allow\x01",
                 "The line has a byte that is no UTF-8 text, or a control character."},
        };
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                struct policy_case c;
                char why[CASE_WHY_SIZE] = "";
                assert_int_equal(policy_case_parse(bad[i].line, strlen(bad[i].line), &c, why), -EINVAL);
                assert_string_equal(why, bad[i].why);
        }
}

static void a_comment_is_no_case_and_a_line_has_an_end(void **state) {
        static char long_line[CASE_LINE_MAX + 2];
        struct policy_case c;
        char why[CASE_WHY_SIZE];
        assert_int_equal(policy_case_parse("", 0, &c, why), 1);
        assert_int_equal(policy_case_parse("  \t", 3, &c, why), 1);
        assert_int_equal(policy_case_parse(" # service=x", 12, &c, why), 1);
        assert_int_equal(policy_case_parse("a\0b", 3, &c, why), -EINVAL);
        memset(long_line, ' ', sizeof(long_line));
        assert_int_equal(policy_case_parse(long_line, CASE_LINE_MAX, &c, why), 1);
        assert_int_equal(policy_case_parse(long_line, CASE_LINE_MAX + 1, &c, why), -EINVAL);
        assert_string_equal(why, "The line is longer than 1024 bytes.");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_word_of_a_case_reaches_the_decision),
                cmocka_unit_test(what_differs_is_said),
                cmocka_unit_test(what_is_no_case_is_refused_with_a_sentence),
                cmocka_unit_test(a_comment_is_no_case_and_a_line_has_an_end),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
