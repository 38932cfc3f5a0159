/* SPDX-License-Identifier: Apache-2.0 */
/* What `wardtap policy explain` prints about a decision is one sentence that names the role and what is
 * missing. */
#include "common/util.h"
#include "policy/decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct rule_role nurse = {.name = (char *) "nurse"};

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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_decision_is_one_sentence),
                cmocka_unit_test(a_refusal_names_its_reason),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
