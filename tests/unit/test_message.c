/* SPDX-License-Identifier: Apache-2.0 */
/* Every event has a sentence that a person reads, and it fits, whatever the record holds. */
#include "helper/message.h"

#include "common/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const char *sentence(enum record_event event, enum record_outcome outcome, bool filled) {
        static char text[MESSAGE_SIZE];
        struct record r = {.event = event, .outcome = outcome};
        if (filled) {
                assert_int_equal(record_set(&r, RECORD_FIELD_USER, "anna"), 0);
                assert_int_equal(record_set(&r, RECORD_FIELD_REQUESTOR, "mona"), 0);
                assert_int_equal(record_set(&r, RECORD_FIELD_REASON, "because"), 0);
        }
        message_of(&r, text);
        record_clear(&r);
        return text;
}

static void every_event_has_a_sentence_of_its_own(void **state) {
        char seen[RECORD_EVENT_MAX][MESSAGE_SIZE];
        for (unsigned i = 0; i < RECORD_EVENT_MAX; i++) {
                const char *s = sentence((enum record_event) i, RECORD_SUCCESS, false);
                assert_true(*s >= 'A' && *s <= 'Z');
                assert_string_not_equal(s, record_event_name((enum record_event) i));
                assert_null(strstr(s, "%"));
                (void) snprintf(seen[i], sizeof(seen[i]), "%s", s);
                for (unsigned k = 0; k < i; k++)
                        assert_true(strcmp(seen[i], seen[k]) != 0 ||
                                    (i == RECORD_UNAVAILABLE && k == RECORD_CANCELLED));
        }
}

static void it_says_who_and_by_whom(void **state) {
        static const struct {
                enum record_event event;
                enum record_outcome outcome;
                const char *want;
        } rows[] = {
                {RECORD_PERSON_SUSPEND, RECORD_SUCCESS, "anna was suspended: because, by mona"},
                {RECORD_BADGE_END, RECORD_SUCCESS, "anna's badge was ended: because, by mona"},
                {RECORD_HOME_WIPE, RECORD_SUCCESS, "anna's home was wiped: because, by mona"},
                {RECORD_HOME_WIPE, RECORD_FAILURE, "anna's home was not wiped: because, by mona"},
                {RECORD_RECOVERY_DONE, RECORD_SUCCESS, "anna was enrolled anew: because, by mona"},
                {RECORD_RECOVERY_DONE, RECORD_FAILURE, "anna was not enrolled anew: because, by mona"},
                {RECORD_BADGE_REFUSED, RECORD_FAILURE,
                 "A badge was not enrolled for anna: because, by mona"},
                {RECORD_APPROVAL_REFUSED, RECORD_FAILURE,
                 "Something was not approved for anna: because, by mona"},
                {RECORD_SIGN_OUT, RECORD_SUCCESS, "anna's session was ended: because"},
                {RECORD_REVIEW_CLOSE, RECORD_SUCCESS, "anna closed a review of emergency access: because"},
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_string_equal(sentence(rows[i].event, rows[i].outcome, true), rows[i].want);
}

static void the_longest_fields_are_cut_and_not_written_over(void **state) {
        char text[MESSAGE_SIZE + 1], longest[512];
        for (unsigned i = 0; i < RECORD_EVENT_MAX; i++) {
                struct record r = {.event = (enum record_event) i, .outcome = RECORD_SUCCESS};
                for (unsigned f = 0; f < RECORD_FIELD_MAX; f++) {
                        size_t n = sizeof(longest) - 1;
                        do {
                                memset(longest, '7', n);
                                longest[n] = 0;
                        } while (record_set(&r, (enum record_field) f, longest) < 0 && --n > 0);
                        assert_true(n > 0);
                }
                text[MESSAGE_SIZE] = 'x';
                message_of(&r, text);
                record_clear(&r);
                assert_true(strnlen(text, sizeof(text)) < MESSAGE_SIZE);
                assert_int_equal(text[MESSAGE_SIZE], 'x');
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_event_has_a_sentence_of_its_own),
                cmocka_unit_test(it_says_who_and_by_whom),
                cmocka_unit_test(the_longest_fields_are_cut_and_not_written_over),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
