/* SPDX-License-Identifier: Apache-2.0 */
/* Readers never look past their end and change nothing when they fail; writers never write past theirs. */
#include "common/bytes.h"
#include "common/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void numbers_are_big_endian_and_bounded(void **state) {
        const uint8_t in[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
        struct bytes b = {in, sizeof(in)};
        uint64_t v8;
        uint16_t v2 = 77;
        assert_int_equal(bytes_take_u64(&b, &v8), 0);
        assert_int_equal(v8, 0x0102030405060708);
        assert_int_equal(bytes_end(&b), -EBADMSG);
        assert_int_equal(bytes_take_u16(&b, &v2), -EBADMSG);
        assert_int_equal(v2, 77);
        assert_int_equal(b.n, 1);
}

static void a_bool_is_0_or_1(void **state) {
        const uint8_t in[] = {1, 0, 2};
        struct bytes b = {in, sizeof(in)};
        bool v = false;
        assert_int_equal(bytes_take_bool(&b, &v), 0);
        assert_true(v);
        assert_int_equal(bytes_take_bool(&b, &v), 0);
        assert_false(v);
        assert_int_equal(bytes_take_bool(&b, &v), -EBADMSG);
        assert_int_equal(b.n, 1);
        b.n = 0;
        assert_int_equal(bytes_take_bool(&b, &v), -EBADMSG);
        assert_false(v);
}

static void a_blob_that_lies_about_its_length_is_refused_and_nothing_moves(void **state) {
        const uint8_t in[] = {0, 5, 'a', 'b', 'c', 'd'};
        struct bytes b = {in, sizeof(in)}, part = {0};
        assert_int_equal(bytes_take_blob(&b, 0, 100, &part), -EBADMSG);
        assert_int_equal(b.n, sizeof(in));
        assert_null(part.p);
}

static void a_string_with_a_zero_byte_or_no_room_is_refused(void **state) {
        const uint8_t zero[] = {0, 3, 'a', 0, 'c'}, fits[] = {0, 3, 'a', 'b', 'c'};
        char buf[4] = "old";
        struct bytes b = {zero, sizeof(zero)};
        assert_int_equal(bytes_take_string(&b, buf, sizeof(buf)), -EBADMSG);
        b = (struct bytes){fits, sizeof(fits)};
        assert_int_equal(bytes_take_string(&b, buf, 3), -EBADMSG);
        assert_string_equal(buf, "old");
        assert_int_equal(bytes_take_string(&b, buf, sizeof(buf)), 0);
        assert_string_equal(buf, "abc");
        assert_int_equal(bytes_end(&b), 0);
}

static void a_writer_that_is_full_stays_full(void **state) {
        uint8_t out[4] = {0};
        struct writer w = {.p = out, .size = 3};
        size_t n;
        writer_u16(&w, 0x0102);
        writer_u16(&w, 0x0304);
        writer_u8(&w, 5);
        assert_int_equal(writer_end(&w, &n), -EMSGSIZE);
        assert_int_equal(out[2], 0);
        assert_int_equal(out[3], 0);
}

static void hexadecimal_goes_both_ways_and_nothing_else_passes(void **state) {
        uint8_t out[3];
        char text[7];
        size_t n;
        assert_int_equal(hex_decode("04aBff", out, sizeof(out), &n), 0);
        assert_int_equal(n, 3);
        hex_encode(out, n, text);
        assert_string_equal(text, "04abff");
        assert_int_equal(hex_decode("04a", out, sizeof(out), &n), -EBADMSG);
        assert_int_equal(hex_decode("04ag", out, sizeof(out), &n), -EBADMSG);
        assert_int_equal(hex_decode("04abff00", out, sizeof(out), &n), -EMSGSIZE);
}

static void text_for_people_has_no_control_and_no_disguise(void **state) {
        static const char *const clean[] = {"", "Zoë Müller", "看護師", "a b'c\"d"};
        static const char *const dirty[] = {"a\nb",     "\x1b[2J",  "\xc2\x85",     "\xe2\x80\xaeghi",
                                            "\xff",     "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80",
                                            "\xe2\x82", "\x7f"};
        for (size_t i = 0; i < ELEMENTSOF(clean); i++)
                assert_true(text_is_clean(clean[i], 100));
        for (size_t i = 0; i < ELEMENTSOF(dirty); i++)
                assert_false(text_is_clean(dirty[i], 100));
        assert_false(text_is_clean("abcd", 3));
}

static void a_text_that_does_not_fit_is_not_cut(void **state) {
        char to[4] = "old";
        assert_int_equal(text_copy(to, sizeof(to), "four"), -EINVAL);
        assert_string_equal(to, "old");
        assert_int_equal(text_copy(to, sizeof(to), "new"), 0);
        assert_string_equal(to, "new");
        assert_int_equal(text_copy(to, sizeof(to), NULL), 0);
        assert_string_equal(to, "");
}

static void numbers_in_text_are_the_whole_text(void **state) {
        static const char *const bad[] = {"", " 1", "1 ", "-1", "+1", "0x1", "1a"};
        uint64_t v = 5;
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(parse_u64(bad[i], 100, &v), -EINVAL);
        assert_int_equal(parse_u64("101", 100, &v), -ERANGE);
        assert_int_equal(parse_u64("18446744073709551616", UINT64_MAX, &v), -ERANGE);
        assert_int_equal(v, 5);
        assert_int_equal(parse_u64("18446744073709551615", UINT64_MAX, &v), 0);
        assert_true(v == UINT64_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers_are_big_endian_and_bounded),
                cmocka_unit_test(a_bool_is_0_or_1),
                cmocka_unit_test(a_blob_that_lies_about_its_length_is_refused_and_nothing_moves),
                cmocka_unit_test(a_string_with_a_zero_byte_or_no_room_is_refused),
                cmocka_unit_test(a_writer_that_is_full_stays_full),
                cmocka_unit_test(hexadecimal_goes_both_ways_and_nothing_else_passes),
                cmocka_unit_test(text_for_people_has_no_control_and_no_disguise),
                cmocka_unit_test(a_text_that_does_not_fit_is_not_cut),
                cmocka_unit_test(numbers_in_text_are_the_whole_text),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
