/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed stands in columns, is fit for a screen, and is JSON where JSON was wanted; numbers, codes
 * and times are written and read the way people do. */
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include "cli/code.h"
#include "cli/key_talk.h"
#include "cli/number.h"
#include "cli/output.h"
#include "cli/pin.h"
#include "cli/when.h"
#include "common/socket.h"
#include "common/util.h"

/* Last: it has a fail() of its own. */
#include <cmocka.h>

static char *printed(void (*f)(FILE *)) {
        char *text = NULL;
        size_t n;
        FILE *out = open_memstream(&text, &n);
        assert_non_null(out);
        f(out);
        assert_int_equal(fclose(out), 0);
        return text;
}

static void print_wide(FILE *f) {
        struct table t = {.titles = {"USER", "NAME", "STATE"}};
        const char *const rows[][3] = {
                {"anna", "Änne Ørsted", "active"}, {"li", "李小龙", "active"}, {"x", NULL, ""}};
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                table_measure(&t, rows[i]);
        table_measure(&t, t.titles);
        table_print_titles(&t, f);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                table_print(&t, f, rows[i]);
}

static void columns_stand_under_each_other_in_any_script(void **state) {
        _cleanup_(freep) char *text = printed(print_wide);
        assert_string_equal(text, "USER  NAME         STATE\n"
                                  "anna  Änne Ørsted  active\n"
                                  "li    李小龙       active\n" /* each of the three is two columns wide */
                                  "x     -            -\n");
}

static void print_hostile(FILE *f) {
        print_clean(f, "a\033[2Jb\nc\xff\xe2\x80\xae");
}

static void what_could_move_the_cursor_is_replaced(void **state) {
        _cleanup_(freep) char *text = printed(print_hostile);
        assert_null(strchr(text, '\033'));
        assert_null(strchr(text, '\n'));
        assert_memory_equal(text, "a?[2Jb?c?", 9);
        assert_int_equal(text_width("a\033b"), 3);
}

static void print_list(FILE *f) {
        struct json_list l = {0};
        for (uint64_t i = 0; i < 2; i++) {
                _cleanup_(json_putp) struct json_object *o = json_new();
                json_set_string(o, "user", i ? "a\"\n" : NULL);
                json_set_u64(o, "n", i);
                json_set_time(o, "at", 0);
                json_list_print(&l, f, o);
        }
        json_list_end(&l, f);
}

static void print_empty_list(FILE *f) {
        const struct json_list l = {0};
        json_list_end(&l, f);
}

static void a_list_is_an_array_with_one_object_on_each_line(void **state) {
        _cleanup_(freep) char *text = printed(print_list), *empty = printed(print_empty_list);
        assert_string_equal(
                text,
                "[\n{\"user\":null,\"n\":0,\"at\":null},\n{\"user\":\"a\\\"\\n\",\"n\":1,\"at\":null}\n]\n");
        assert_string_equal(empty, "[]\n");
        _cleanup_(json_putp) struct json_object *back = json_tokener_parse(text);
        assert_int_equal(json_object_array_length(back), 2);
}

static void a_number_is_shown_both_ways_round(void **state) {
        static const uint8_t four[] = {0x04, 0xa1, 0xb2, 0xc3};
        static const uint8_t ten[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
        char hex[NUMBER_HEX_MAX], decimal[NUMBER_DECIMAL_MAX];
        assert_string_equal(number_hex(four, 4, false, hex), "04 A1 B2 C3");
        assert_string_equal(number_decimal(four, 4, false, decimal), "77705923");
        assert_string_equal(number_hex(four, 4, true, hex), "C3 B2 A1 04");
        assert_string_equal(number_decimal(four, 4, true, decimal), "3283263748");
        assert_string_equal(number_hex(ten, 10, true, hex), "FF FF FF FF FF FF FF FF FF FF");
        assert_string_equal(number_decimal(ten, 10, false, decimal), "1208925819614629174706175");
        assert_string_equal(number_decimal((const uint8_t[4]){0}, 4, false, decimal), "0");
}

static void a_code_is_read_as_people_type_it(void **state) {
        static const char *const wrong[] = {"",       "7QF2M",         "7QF2M34",  "7QF2MU",
                                            "7QF2M*", "7QF2M\xc3\xa4", "pin-wrong"};
        char code[CODE_LENGTH + 1];
        assert_true(code_normalise("7QF2M3", code));
        assert_string_equal(code, "7QF2M3");
        assert_true(code_normalise("o7-il z9", code));
        assert_string_equal(code, "0711Z9");
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                assert_false(code_normalise(wrong[i], code));
}

static uint64_t moment(const char *text, bool end_of_day) {
        uint64_t at = 0;
        /* 2026-11-20 08:00 UTC, 09:00 in Berlin */
        assert_int_equal(when_parse(text, end_of_day, 1795161600ULL * 1000000U, &at), 0);
        return at;
}

static void times_are_local_and_exact(void **state) {
        char text[WHEN_TEXT_MAX];
        assert_string_equal(when_local(moment("2026-11-20 07:30", false), text), "2026-11-20 07:30:00");
        assert_string_equal(when_rfc3339(moment("2026-11-20T07:30:15", false), text),
                            "2026-11-20T07:30:15+01:00");
        assert_string_equal(when_rfc3339(moment("2026-07-01", false), text), "2026-07-01T00:00:00+02:00");
        assert_string_equal(when_local(moment("2026-12-31", true), text), "2026-12-31 23:59:59");
        assert_int_equal(moment("2026-12-31", true) % 1000000U, 999999);
        assert_string_equal(when_local(moment("03:00", false), text), "2026-11-20 03:00:00");
        assert_int_equal(moment("2026-11-20T08:00Z", false), 1795161600ULL * 1000000U);
        assert_int_equal(moment("2026-11-20 09:00+01:00", false), 1795161600ULL * 1000000U);
        assert_string_equal(when_local(0, text), "");
        assert_string_equal(when_rfc3339(0, text), "");
}

static void times_that_do_not_exist_are_refused(void **state) {
        static const char *const wrong[] = {"",
                                            "tomorrow",
                                            "2026-02-30",
                                            "2026-13-01",
                                            "2026-11-20 25:00",
                                            "2026-11-20 07:30 x",
                                            "2026-11-20x",
                                            "2026-11-20 +01:00",
                                            "2026-03-29 02:30", /* skipped by summer time in Berlin */
                                            "9026-01-01",
                                            "2026-11-20 07:30:60",
                                            "1900-01-01"};
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                uint64_t at = 7;
                assert_int_equal(when_parse(wrong[i], false, 1795161600ULL * 1000000U, &at), -EINVAL);
                assert_int_equal(at, 7);
        }
}

static void spans_are_said_in_words(void **state) {
        char text[WHEN_TEXT_MAX];
        const uint64_t s = 1000000;
        assert_string_equal(when_span(12 * 3600 * s, text), "12 h");
        assert_string_equal(when_span((2 * 3600 + 300) * s, text), "2 h 5 min");
        assert_string_equal(when_span(40 * s, text), "40 s");
        assert_string_equal(when_span(72 * 3600 * s, text), "3 days");
        assert_string_equal(when_span(5, text), "less than a second");
}

static void a_pin_has_four_characters_not_bytes(void **state) {
        char longest[DEVICE_PIN_MAX + 2];
        memset(longest, 'x', sizeof(longest) - 1);
        longest[DEVICE_PIN_MAX + 1] = 0;
        assert_int_equal(pin_check("2468", 4), 0);
        assert_int_equal(pin_check("246", 4), -EINVAL);
        assert_int_equal(pin_check("", 0), -EINVAL);
        assert_int_equal(pin_check("ää", 4), -EINVAL); /* four bytes, two characters */
        assert_int_equal(pin_check("ääää", 4), 0);
        assert_int_equal(pin_check("24680", 6), -EINVAL); /* this key wants more */
        assert_int_equal(pin_check("24\t68", 4), -EINVAL);
        assert_int_equal(pin_check(longest, 4), -EINVAL);
        longest[DEVICE_PIN_MAX] = 0;
        assert_int_equal(pin_check(longest, 4), 0);
}

static void every_answer_of_a_key_has_a_sentence_and_an_exit_code(void **state) {
        for (int i = 0; i < DEVICE_REASON_MAX; i++) {
                const char *text = key_reason_text((enum device_reason) i);
                assert_non_null(text);
                assert_int_equal(text[strlen(text) - 1] == '.' || strstr(text, "journalctl"), 1);
                assert_int_not_equal(key_reason_exit((enum device_reason) i), CLI_OK);
        }
        assert_int_equal(key_reason_exit(DEVICE_NOT_TOUCHED), CLI_TIMED_OUT);
        assert_int_equal(key_reason_exit(DEVICE_EXCLUDED), CLI_CONFLICT);
        assert_int_equal(key_reason_exit((enum device_reason) 999), CLI_FAILED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(columns_stand_under_each_other_in_any_script),
                cmocka_unit_test(what_could_move_the_cursor_is_replaced),
                cmocka_unit_test(a_list_is_an_array_with_one_object_on_each_line),
                cmocka_unit_test(a_number_is_shown_both_ways_round),
                cmocka_unit_test(a_code_is_read_as_people_type_it),
                cmocka_unit_test(times_are_local_and_exact),
                cmocka_unit_test(times_that_do_not_exist_are_refused),
                cmocka_unit_test(spans_are_said_in_words),
                cmocka_unit_test(a_pin_has_four_characters_not_bytes),
                cmocka_unit_test(every_answer_of_a_key_has_a_sentence_and_an_exit_code),
        };
        (void) setlocale(LC_ALL, "C.UTF-8");
        (void) setenv("TZ", "Europe/Berlin", 1);
        tzset();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
