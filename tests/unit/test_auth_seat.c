/* SPDX-License-Identifier: Apache-2.0 */
/* Who may have a tap at an open session judged, or ask whether somebody may still be here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "common/util.h"
#include "pam_module/auth/seat.h"

#define WARDTAPD 903
static struct rules *rules;

static int parse(void **state) {
        static const char text[] = "[Site]\nRelyingParty=wardtap.example.org\n[Role r]\nGroups=g\n"
                                   "[Service lightdm]\nUse=sign-in\n"
                                   "[Service sudo]\nUse=step-up\nSignIn=key+verify\n";
        struct rules_errors errors;
        int r = rules_parse_text("test", text, sizeof(text) - 1, &rules, &errors);
        rules_errors_clear(&errors);
        return r;
}

static int drop(void **state) {
        rules = rules_free(rules);
        return 0;
}

static enum wire_verdict may(uid_t peer, enum wire_hook hook, const char *service, const char *user,
                             const struct rules *r) {
        const struct ucred cred = {.pid = 1, .uid = peer, .gid = peer};
        struct wire_start start = {.hook = hook};
        (void) snprintf(start.service, sizeof(start.service), "%s", service);
        (void) snprintf(start.user, sizeof(start.user), "%s", user);
        return seat_may(&cred, WARDTAPD, &start, r);
}

static void wardtapd_and_root_may(void **state) {
        assert_int_equal(may(WARDTAPD, WIRE_SEAT, "lightdm", "", rules), WIRE_ALLOW);
        assert_int_equal(may(0, WIRE_SEAT, "lightdm", "", rules), WIRE_ALLOW);
        assert_int_equal(may(WARDTAPD, WIRE_RECHECK, "lightdm", "anna", rules), WIRE_ALLOW);
}

/* Else any program could learn whose badge lies on the reader, or who may sign in here. */
static void nobody_else_may(void **state) {
        static const uid_t others[] = {902, 904, 1000, 2001, 65534, (uid_t) -1};
        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                assert_int_equal(may(others[i], WIRE_SEAT, "lightdm", "", rules), WIRE_DENY);
                assert_int_equal(may(others[i], WIRE_RECHECK, "lightdm", "anna", rules), WIRE_DENY);
        }
}

static void a_tap_names_nobody_and_a_recheck_somebody(void **state) {
        assert_int_equal(may(WARDTAPD, WIRE_SEAT, "lightdm", "anna", rules), WIRE_DENY);
        assert_int_equal(may(WARDTAPD, WIRE_RECHECK, "lightdm", "", rules), WIRE_DENY);
}

static void only_services_that_sign_in_count(void **state) {
        assert_int_equal(may(WARDTAPD, WIRE_SEAT, "sudo", "", rules), WIRE_UNAVAIL);
        assert_int_equal(may(WARDTAPD, WIRE_SEAT, "gdm", "", rules), WIRE_UNAVAIL);
        assert_int_equal(may(WARDTAPD, WIRE_SEAT, "lightdm", "", NULL), WIRE_UNAVAIL);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(wardtapd_and_root_may),
                cmocka_unit_test(nobody_else_may),
                cmocka_unit_test(a_tap_names_nobody_and_a_recheck_somebody),
                cmocka_unit_test(only_services_that_sign_in_count),
        };
        return cmocka_run_group_tests(tests, parse, drop);
}
