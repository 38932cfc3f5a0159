/* SPDX-License-Identifier: Apache-2.0 */
/* What `wardtap policy explain` prints about a decision is one sentence that names the role and what is
 * missing. */
#include "common/util.h"
#include "policy/decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct rule_role nurse = {.name = (char *) "nurse"};
static const struct rule_exception exception = {.name = (char *) "new-key", .owner = (char *) "jo"};

static const struct {
        struct policy_decision d;
        const char *text;
} cases[] = {
        {{.verdict = POLICY_ALLOW, .role = &nurse, .proven = 7, .aal = 2, .strong = true},
         "Allowed as nurse: badge+key+verify was proven, which reaches AAL2."},
        {{.verdict = POLICY_ALLOW, .role = &nurse, .grace = true, .grace_age_usec = 5400000000},
         "Allowed as nurse under grace: the badge is enough, as the last full sign-in was 1h 30min ago."},
        {{.verdict = POLICY_ALLOW, .role = &nurse, .proven = 1},
         "Allowed as nurse: the rules ask for no more than the badge, which proves little."},
        {{.verdict = POLICY_ALLOW, .role = &nurse, .lowered = true, .until_usec = 77},
         "Allowed as nurse by a ticket, which stands in for the factors and proves none: lowered, until it "
         "ends."},
        {{.verdict = POLICY_ALLOW, .role = &nurse, .lent = true, .lender = "dora"},
         "Allowed as nurse by a temporary badge: dora lent it, and it is enough until then."},
        {{.verdict = POLICY_ALLOW,
          .role = &nurse,
          .proven = 7,
          .aal = 2,
          .elevated = true,
          .approver = "dora"},
         "Allowed as nurse (which dora approved for a while): badge+key+verify was proven, which reaches "
         "AAL2."},
        {{.verdict = POLICY_ALLOW, .role = &nurse, .exception = &exception, .needed = 1, .proven = 1},
         "Allowed as nurse by the exception new-key, for which jo answers: badge was enough."},
        {{.verdict = POLICY_ALLOW,
          .role = &nurse,
          .emergency = EMERGENCY_ASKED,
          .emergency_usec = 3600000000},
         "Allowed as nurse as an emergency, which proves nothing: for 1h, and it is reviewed."},
        {{.verdict = POLICY_ALLOW, .emergency = EMERGENCY_ASKED, .resumes_emergency = true},
         "Allowed as the emergency that is under way, which proves nothing."},
        {{.verdict = POLICY_NEED_REASON, .role = &nurse}, "Emergency access as nurse, once it is said why."},
        {{.verdict = POLICY_NEED_BADGE}, "A badge is needed."},
        {{.verdict = POLICY_NEED_KEY, .role = &nurse}, "A touch of the key is needed as nurse."},
        {{.verdict = POLICY_NEED_VERIFY, .role = &nurse},
         "A touch of the key with PIN or fingerprint is needed as nurse."},
        {{.verdict = POLICY_MAXTRIES, .reason = REASON_THROTTLED, .role = &nurse, .wait_usec = 4000001},
         "Refused as nurse for 5s: too many failures a short while ago."},
};

static void each_decision_is_one_sentence(void **state) {
        char buf[512], small[8];
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                policy_describe(&cases[i].d, buf, sizeof(buf));
                assert_string_equal(buf, cases[i].text);
                policy_describe(&cases[i].d, small, sizeof(small));
                assert_memory_equal(small, buf, sizeof(small) - 1);
                assert_int_equal(small[7], 0);
        }
}

static void a_refusal_names_its_reason(void **state) {
        char buf[512];
        policy_describe(&(struct policy_decision){.verdict = POLICY_DENY, .reason = REASON_NO_ROLE}, buf,
                        sizeof(buf));
        assert_non_null(strstr(buf, reason_name(REASON_NO_ROLE)));
        assert_memory_equal(buf, "Refused (", 9);
        policy_describe(&(struct policy_decision){.verdict = POLICY_UNAVAIL, .reason = REASON_REMOTE}, buf,
                        sizeof(buf));
        assert_non_null(strstr(buf, reason_name(REASON_REMOTE)));
}

static void each_verdict_has_a_name_that_is_read_again(void **state) {
        for (int v = 0; v < POLICY_VERDICT_MAX; v++)
                assert_int_equal(policy_verdict_from_name(policy_verdict_name((enum policy_verdict) v)), v);
        assert_int_equal(policy_verdict_from_name("perhaps"), POLICY_VERDICT_MAX);
        assert_string_equal(policy_verdict_name(POLICY_VERDICT_MAX), "?");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_decision_is_one_sentence),
                cmocka_unit_test(a_refusal_names_its_reason),
                cmocka_unit_test(each_verdict_has_a_name_that_is_read_again),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
