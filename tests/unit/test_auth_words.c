/* SPDX-License-Identifier: Apache-2.0 */
/* Codes that can be read out, and texts that say enough and never too much. */
#include "pam_module/auth/code.h"
#include "pam_module/auth/key_reason.h"
#include "pam_module/auth/screen.h"
#include "common/wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void a_code_is_the_first_thirty_bits(void **state) {
        char code[ATTEMPT_CODE_SIZE + 1];
        assert_int_equal(code_from_id("00000000ffffffffffffffffffffffff", code), 0);
        assert_string_equal(code, "000000");
        assert_int_equal(code_from_id("ffffffff000000000000000000000000", code), 0);
        assert_string_equal(code, "ZZZZZZ");
        /* 00001 00010 00011 00100 00101 00110 .. */
        assert_int_equal(code_from_id("08864298000000000000000000000000", code), 0);
        assert_string_equal(code, "123456");
        assert_int_equal(code_from_id("00000003000000000000000000000000", code), 0);
        assert_string_equal(code, "000000"); /* bits 31 and 32 are not in it */
}

static void a_code_has_no_letter_to_be_mistaken(void **state) {
        for (unsigned i = 0; i < 2000; i++) {
                char id[33], code[ATTEMPT_CODE_SIZE + 1];
                assert_int_equal(code_new_id(id), 0);
                assert_int_equal(strlen(id), 32);
                assert_int_equal(code_from_id(id, code), 0);
                assert_int_equal(strlen(code), 6);
                assert_int_equal(strspn(code, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 6);
        }
}

static void what_is_no_id_has_no_code(void **state) {
        char code[ATTEMPT_CODE_SIZE + 1] = "keep";
        assert_int_equal(code_from_id("", code), -EINVAL);
        assert_int_equal(code_from_id("00", code), -EINVAL);
        assert_int_equal(code_from_id("zz000000000000000000000000000000", code), -EINVAL);
        assert_int_equal(code_from_id("0000000000000000000000000000000000", code), -EINVAL);
        assert_string_equal(code, "keep");
}

static void a_question_names_the_service_and_the_person(void **state) {
        const struct screen_what sign_in = {false, "lightdm", "Nina Example"};
        const struct screen_what sudo = {true, "sudo", "Nina Example"};
        const struct screen_what nobody = {false, "lightdm", ""};
        char text[WIRE_TEXT_MAX + 1];
        screen_ask(&nobody, SCREEN_TAP, text, sizeof(text));
        assert_string_equal(text, "Tap your badge");
        screen_ask(&sign_in, SCREEN_TOUCH, text, sizeof(text));
        assert_string_equal(text, "Nina Example, touch your key to sign in");
        screen_ask(&sudo, SCREEN_TOUCH, text, sizeof(text));
        assert_string_equal(text, "Touch your key to approve sudo as Nina Example");
        screen_ask(&nobody, SCREEN_PIN, text, sizeof(text));
        assert_string_equal(text, "PIN: ");
        screen_ask(&sign_in, SCREEN_ENTER, text, sizeof(text));
        assert_string_equal(text, "Nina Example, enter the PIN of your key to sign in");
        screen_ask(&sudo, SCREEN_PIN, text, sizeof(text));
        assert_string_equal(text, "Enter the PIN of your key to approve sudo as Nina Example: ");
        screen_opening("Nina Example", text, sizeof(text));
        assert_string_equal(text, "Nina Example, your session is opening");
        screen_opening("", text, sizeof(text));
        assert_string_equal(text, "Your session is opening");
        for (int want = 0; want < SCREEN_WANT_MAX; want++) {
                screen_ask(&sudo, (enum screen_want) want, text, sizeof(text));
                assert_non_null(strstr(text, "sudo"));
                assert_non_null(strstr(text, "Nina Example"));
        }
}

static void a_closed_session_is_named_by_its_local_time(void **state) {
        const uint64_t evening = UINT64_C(1795127520000000); /* 2026-11-19 22:32 UTC */
        char text[WIRE_TEXT_MAX + 1];
        assert_int_equal(setenv("TZ", "EST5", 1), 0);
        tzset();
        screen_closed(evening, evening + 60000000U, text, sizeof(text));
        assert_string_equal(text, "Your session here was closed at 17:32: unsaved work is lost.");
        screen_closed(evening, evening + UINT64_C(6) * 3600 * 1000000, text, sizeof(text));
        assert_string_equal(text, "Your session here was closed at 17:32: unsaved work is lost.");
        screen_closed(evening, evening + UINT64_C(7) * 3600 * 1000000, text, sizeof(text));
        assert_string_equal(text,
                            "Your session here was closed on 2026-11-19 at 17:32: unsaved work is lost.");
        screen_closed(UINT64_MAX, evening, text, sizeof(text)); /* no such year */
        assert_non_null(strstr(text, "Your session here was closed"));
        assert_int_equal(unsetenv("TZ"), 0);
        tzset();
}

static void refuse(enum reason reason, bool known, int retries, char text[WIRE_TEXT_MAX + 1]) {
        const struct screen_end e = {reason, known, retries, 15000000, "7QF2M3"};
        screen_refusal(&e, text, WIRE_TEXT_MAX + 1);
}

static void a_typed_name_gets_the_same_words_for_every_cause(void **state) {
        char first[WIRE_TEXT_MAX + 1], text[WIRE_TEXT_MAX + 1];
        refuse(REASON_UNKNOWN_BADGE, false, -1, first);
        assert_non_null(strstr(first, "Code 7QF2M3"));
        for (int reason = 0; reason < REASON_MAX; reason++)
                for (int retries = -1; retries < 3; retries++) {
                        refuse((enum reason) reason, false, retries, text);
                        assert_string_equal(text, first);
                }
}

static void after_a_badge_the_class_is_named(void **state) {
        char text[WIRE_TEXT_MAX + 1];
        refuse(REASON_PIN_WRONG, true, 5, text);
        assert_string_equal(text, "PIN wrong. 5 tries left. Code 7QF2M3");
        refuse(REASON_PIN_WRONG, true, 1, text);
        assert_string_equal(text, "PIN wrong. 1 try left. Code 7QF2M3");
        refuse(REASON_THROTTLED, true, -1, text);
        assert_string_equal(text, "Too many failed tries. Try again in 15 s. Code 7QF2M3");
        for (int reason = REASON_NONE + 1; reason < REASON_MAX; reason++) {
                refuse((enum reason) reason, true, -1, text);
                assert_true(strlen(text) > strlen(" Code 7QF2M3"));
                assert_non_null(strstr(text, " Code 7QF2M3"));
                assert_true(text_is_clean(text, WIRE_TEXT_MAX));
                if (reason != REASON_THROTTLED)
                        assert_non_null(strstr(text, reason_screen((enum reason) reason)));
        }
}

static void every_failure_of_a_device_has_a_reason(void **state) {
        for (int r = 0; r < DEVICE_REASON_MAX; r++)
                assert_true(key_reason((enum device_reason) r) > REASON_NONE);
        assert_int_equal(key_reason((enum device_reason) 200), REASON_DEVICE_FAILED);
        assert_int_equal(key_reason((enum device_reason) - 1), REASON_DEVICE_FAILED);
        assert_int_equal(key_reason(DEVICE_PIN_WRONG), REASON_PIN_WRONG);
        assert_int_equal(key_reason(DEVICE_PIN_REPLUG), REASON_PIN_REPLUG);
        assert_int_equal(key_reason(DEVICE_PIN_BLOCKED), REASON_PIN_BLOCKED);
        assert_int_equal(key_reason(DEVICE_NO_CREDENTIAL), REASON_KEY_NOT_YOURS);
        assert_true(key_reason_is_own_failure(DEVICE_PIN_WRONG));
        assert_true(key_reason_is_own_failure(DEVICE_UV_WRONG));
        assert_false(key_reason_is_own_failure(DEVICE_NO_CREDENTIAL));
        assert_false(key_reason_is_own_failure(DEVICE_BAD_ANSWER));
        assert_false(key_reason_is_own_failure(DEVICE_GONE));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_closed_session_is_named_by_its_local_time),
                cmocka_unit_test(a_code_is_the_first_thirty_bits),
                cmocka_unit_test(a_code_has_no_letter_to_be_mistaken),
                cmocka_unit_test(what_is_no_id_has_no_code),
                cmocka_unit_test(a_question_names_the_service_and_the_person),
                cmocka_unit_test(a_typed_name_gets_the_same_words_for_every_cause),
                cmocka_unit_test(after_a_badge_the_class_is_named),
                cmocka_unit_test(every_failure_of_a_device_has_a_reason),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
