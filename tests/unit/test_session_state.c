/* SPDX-License-Identifier: Apache-2.0 */
/* What a session shows: one thing after another, for its time, and text that is fit for a screen. */
#include "greeter/session_state.h"

#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "common/util.h"

#define S 1000000U
#define T0 (1000U * (uint64_t) S) /* some moment */

static struct passwd *account; /* what the system knows of the user */

struct passwd *__wrap_getpwuid(uid_t uid);
struct passwd *__wrap_getpwuid(uid_t uid) {
        return account;
}

static struct state anna(void) {
        return (struct state){.name = "Anna Berg"};
}

/* What is shown, from the lowest up, "|" between. */
static const char *screen(const struct state *s, uint64_t now) {
        static char all[VIEW_MAX * WORDS_TEXT_SIZE];
        char text[WORDS_TEXT_SIZE];
        all[0] = 0;
        for (int i = 0; i < VIEW_MAX; i++)
                if (state_text(s, now, (enum view) i, text)) {
                        size_t n = strlen(all);
                        (void) snprintf(all + n, sizeof(all) - n, "%s%s", n > 0 ? "|" : "", text);
                }
        return all;
}

static void nothing_is_shown_and_nothing_comes(void **state) {
        struct state s = anna();
        assert_string_equal(screen(&s, T0), "");
        assert_true(state_next(&s, T0) == STATE_NEVER);
}

static void the_name_stands_for_two_seconds_alone(void **state) {
        struct state s = anna();
        state_quiet(&s, true);
        state_countdown(&s, T0, 30);
        state_parked(&s);
        state_shown(&s, T0);
        assert_string_equal(screen(&s, T0), "Anna Berg\nSigned in");
        assert_true(state_next(&s, T0) == T0 + 2 * S);
        assert_string_equal(screen(&s, T0 + 2 * S - 1), "Anna Berg\nSigned in");
        assert_string_equal(screen(&s, T0 + 2 * S), "");
        assert_true(state_next(&s, T0 + 2 * S) == STATE_NEVER);
}

static void an_emergency_stands_above_all_until_its_time_is_over(void **state) {
        struct state s = anna();
        state_emergency(&s, T0, "EMERGENCY ACCESS until 10:42, recorded", 3600);
        state_shown(&s, T0);
        assert_string_equal(screen(&s, T0), "Anna Berg\nSigned in|EMERGENCY ACCESS until 10:42, recorded");
        state_notice(&s, T0, "Something else", 5);
        state_quiet(&s, true);
        assert_string_equal(screen(&s, T0 + 3 * S),
                            "Signed in: Anna Berg|Something else|EMERGENCY ACCESS until 10:42, recorded");
        assert_string_equal(screen(&s, T0 + 60 * S),
                            "Signed in: Anna Berg|EMERGENCY ACCESS until 10:42, recorded");
        state_parked(&s); /* nothing of the session is to be seen, this neither */
        assert_string_equal(screen(&s, T0 + 61 * S), "Locked");
        state_shown(&s, T0 + 70 * S);
        assert_string_equal(screen(&s, T0 + 73 * S), "EMERGENCY ACCESS until 10:42, recorded");
        assert_true(state_next(&s, T0 + 73 * S) == T0 + 3600ULL * S);
        assert_string_equal(screen(&s, T0 + 3600ULL * S), "");
        state_emergency(&s, T0, "EMERGENCY ACCESS", UINT32_MAX); /* none is longer than 12 h */
        assert_string_equal(screen(&s, T0 + 43200ULL * S), "");
        state_emergency(&s, T0, "EMERGENCY ACCESS", 100);
        state_emergency(&s, T0, "", 0);
        assert_string_equal(screen(&s, T0 + 80 * S), "");
}

static void a_countdown_counts_whole_seconds_and_ends(void **state) {
        struct state s = anna();
        state_countdown(&s, T0, 2);
        assert_string_equal(screen(&s, T0), "Locking in 2 s. Press any key to go on.");
        assert_true(state_next(&s, T0) == T0 + S);
        assert_string_equal(screen(&s, T0 + S), "Locking in 1 s. Press any key to go on.");
        /* Woken late, it counts on from where it should be. */
        assert_true(state_next(&s, T0 + S + 300) == T0 + 2 * S);
        assert_string_equal(screen(&s, T0 + 2 * S), "");
        assert_true(state_next(&s, T0 + 2 * S) == STATE_NEVER);
        state_countdown(&s, T0, 5);
        state_countdown(&s, T0, 0);
        assert_string_equal(screen(&s, T0), "");
        state_countdown(&s, T0, UINT32_MAX);
        assert_string_equal(screen(&s, T0), "Locking in 3600 s. Press any key to go on.");
}

static void a_parked_session_shows_a_cover_and_words_for_who_stands_there(void **state) {
        struct state s = anna();
        state_quiet(&s, true);
        state_countdown(&s, T0, 30);
        state_parked(&s);
        assert_string_equal(screen(&s, T0), "Locked");
        state_countdown(&s, T0, 30);
        state_quiet(&s, true);
        assert_string_equal(screen(&s, T0), "Locked");
        state_notice(&s, T0, "Ben Okoro, take your key.", 5);
        assert_string_equal(screen(&s, T0), "Locked|Ben Okoro, take your key.");
        state_uncover(&s);
        assert_string_equal(screen(&s, T0 + 5 * S), "");
}

static void a_notice_is_replaced_and_waits_for_the_name(void **state) {
        struct state s = anna();
        state_notice(&s, T0, "one", 60);
        state_notice(&s, T0, "two", 1);
        assert_string_equal(screen(&s, T0), "two");
        assert_string_equal(screen(&s, T0 + S), "");
        state_shown(&s, T0);
        state_notice(&s, T0 + S, "three", 1);
        assert_string_equal(screen(&s, T0 + S), "Anna Berg\nSigned in");
        assert_string_equal(screen(&s, T0 + 2 * S), "three");
        assert_string_equal(screen(&s, T0 + 3 * S), "");
        state_notice(&s, T0 + 9 * S, "four", 60);
        state_notice(&s, T0 + 9 * S, "\x01 \x02", 60);
        assert_string_equal(screen(&s, T0 + 9 * S), "");
        state_notice(&s, T0 + 9 * S, "five", UINT32_MAX);
        assert_true(state_next(&s, T0 + 9 * S) == T0 + (9 + STATE_NOTICE_SECONDS_MAX) * (uint64_t) S);
}

static void banner_countdown_and_notice_stand_together(void **state) {
        struct state s = anna();
        state_quiet(&s, true);
        state_countdown(&s, T0, 3);
        state_notice(&s, T0, "hello", 9);
        assert_string_equal(screen(&s, T0),
                            "Signed in: Anna Berg|Locking in 3 s. Press any key to go on.|hello");
        assert_true(state_next(&s, T0) == T0 + S);
        assert_true(state_next(&s, T0 + 3 * S) == T0 + 9 * S);
        state_quiet(&s, false);
        assert_string_equal(screen(&s, T0 + 3 * S), "hello");
}

static const char *cleaned(const char *text, size_t size) {
        static char out[WORDS_TEXT_SIZE];
        words_clean(text, out, size);
        return out;
}

static void text_is_cleaned_and_cut_between_characters(void **state) {
        assert_string_equal(cleaned("  a\n\tb  c ", 99), "a b c");
        assert_string_equal(cleaned("a\xff\xfe\xe2\x80\xae"
                                    "b",
                                    99),
                            "a b");
        assert_string_equal(cleaned("\xc3\xa4\xc3\xa4\xc3\xa4", 6), "\xc3\xa4\xc3\xa4");
        assert_string_equal(cleaned("ab cd", 4), "ab");
        assert_string_equal(cleaned("ab cd", 1), "");
        assert_string_equal(cleaned("ab\xf0\x9f\x98", 99), "ab"); /* cut off in the middle */
}

static const char *own_name(const char *gecos) {
        static char name[WORDS_NAME_SIZE];
        struct passwd p = {.pw_name = (char *) "anna", .pw_gecos = (char *) gecos};
        account = &p;
        words_own_name(name);
        account = NULL;
        return name;
}

static void the_full_name_is_the_first_of_gecos_or_the_account(void **state) {
        static char name[WORDS_NAME_SIZE] = "x";
        assert_string_equal(own_name("Anna Berg,ward 3,,"), "Anna Berg");
        assert_string_equal(own_name(""), "anna");
        assert_string_equal(own_name(NULL), "anna");
        assert_string_equal(own_name(",,,"), "anna");
        assert_string_equal(own_name(" \x01,x"), "anna");
        words_own_name(name);
        assert_string_equal(name, "");
}

static void the_longest_name_still_fits(void **state) {
        struct state s = {0};
        memset(s.name, 'W', sizeof(s.name) - 1);
        state_shown(&s, T0);
        assert_int_equal(strlen(screen(&s, T0)), strlen("\nSigned in") + sizeof(s.name) - 1);
        state_quiet(&s, true);
        assert_int_equal(strlen(screen(&s, T0 + 2 * S)), strlen("Signed in: ") + sizeof(s.name) - 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_is_shown_and_nothing_comes),
                cmocka_unit_test(the_name_stands_for_two_seconds_alone),
                cmocka_unit_test(an_emergency_stands_above_all_until_its_time_is_over),
                cmocka_unit_test(a_countdown_counts_whole_seconds_and_ends),
                cmocka_unit_test(a_parked_session_shows_a_cover_and_words_for_who_stands_there),
                cmocka_unit_test(a_notice_is_replaced_and_waits_for_the_name),
                cmocka_unit_test(banner_countdown_and_notice_stand_together),
                cmocka_unit_test(text_is_cleaned_and_cut_between_characters),
                cmocka_unit_test(the_full_name_is_the_first_of_gecos_or_the_account),
                cmocka_unit_test(the_longest_name_still_fits),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
