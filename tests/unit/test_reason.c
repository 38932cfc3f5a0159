/* SPDX-License-Identifier: Apache-2.0 */
/* Each reason has a stable name of its own, a sentence that fits the screen, and words for the help desk. */
#include "common/bytes.h"
#include "common/util.h"
#include "policy/reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define SCREEN_MAX 90U
#define EXPLAIN_MAX 320U
#define NAME_MAX_LEN 24U

static unsigned sentences(const char *s) {
        unsigned n = 0;
        for (; *s; s++)
                n += *s == '.' && (s[1] == ' ' || s[1] == 0);
        return n;
}

static bool is_sentence(const char *s, size_t max) {
        size_t n = s ? strlen(s) : 0;
        return n > 1 && n <= max && s[n - 1] == '.' && s[0] >= 'A' && s[0] <= 'Z' && text_is_clean(s, max) &&
               !strstr(s, "  ");
}

static void each_has_a_name_of_its_own_that_leads_back(void **state) {
        for (int i = 0; i < REASON_MAX; i++) {
                const char *name = reason_name((enum reason) i);
                assert_non_null(name);
                assert_true(strlen(name) > 0 && strlen(name) <= NAME_MAX_LEN);
                assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name));
                assert_int_equal(reason_from_name(name), i);
        }
}

static void no_other_name_leads_anywhere(void **state) {
        static const char *const names[] = {"", "pin", "pin-wrong ", "PIN-WRONG", "pin-wrongx"};
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                assert_int_equal(reason_from_name(names[i]), REASON_INVALID);
}

static void names_in_records_do_not_change(void **state) {
        assert_string_equal(reason_name(REASON_PIN_WRONG), "pin-wrong");
        assert_string_equal(reason_name(REASON_UNKNOWN_BADGE), "unknown-badge");
        assert_string_equal(reason_name(REASON_NO_ROLE), "no-role");
        assert_string_equal(reason_name(REASON_KEY_COUNTER), "key-counter");
}

static void each_has_words_for_the_screen_that_fit(void **state) {
        for (int i = 0; i < REASON_MAX; i++) {
                const char *s = reason_screen((enum reason) i);
                if (!is_sentence(s, SCREEN_MAX) || sentences(s) > 2)
                        fail_msg("%s: %s", reason_name((enum reason) i), s);
        }
}

static void the_screen_uses_no_word_of_ours(void **state) {
        static const char *const jargon[] = {"FIDO",       "snapshot", "policy",  "token",
                                             "credential", "daemon",   "PAM",     "error",
                                             "relying",    "database", "service", "Sorry"};
        for (int i = 0; i < REASON_MAX; i++)
                for (size_t j = 0; j < ELEMENTSOF(jargon); j++)
                        if (strstr(reason_screen((enum reason) i), jargon[j]))
                                fail_msg("%s", reason_screen((enum reason) i));
}

static void each_has_one_to_three_sentences_for_the_help_desk(void **state) {
        for (int i = 0; i < REASON_MAX; i++) {
                const char *s = reason_explain((enum reason) i);
                if (!is_sentence(s, EXPLAIN_MAX) || sentences(s) < 1 || sentences(s) > 3)
                        fail_msg("%s: %s", reason_name((enum reason) i), s);
                for (int j = 0; j < i; j++)
                        assert_string_not_equal(s, reason_explain((enum reason) j));
        }
}

static void what_is_no_reason_is_an_error_of_ours(void **state) {
        assert_string_equal(reason_name(REASON_INVALID), "internal");
        assert_string_equal(reason_screen(REASON_MAX), reason_screen(REASON_INTERNAL));
        assert_string_equal(reason_explain((enum reason) 1000), reason_explain(REASON_INTERNAL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_has_a_name_of_its_own_that_leads_back),
                cmocka_unit_test(no_other_name_leads_anywhere),
                cmocka_unit_test(names_in_records_do_not_change),
                cmocka_unit_test(each_has_words_for_the_screen_that_fit),
                cmocka_unit_test(the_screen_uses_no_word_of_ours),
                cmocka_unit_test(each_has_one_to_three_sentences_for_the_help_desk),
                cmocka_unit_test(what_is_no_reason_is_an_error_of_ours),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
