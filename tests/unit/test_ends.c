/* SPDX-License-Identifier: Apache-2.0 */
/* When people are judged again because something that was given for a while ends. */
#include "helper/ends.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "common/util.h"

#define NOW (UINT64_C(1795166502) * 1000000U)
#define BOOT 5000000U
#define SEC(n) ((uint64_t) (n) *1000000U)

static bool add(struct ends *e, uint64_t in_usec) {
        return ends_add(e, NOW + in_usec, NOW, BOOT);
}

static void the_next_is_told_a_second_after_its_time(void **state) {
        struct ends e = {0};
        assert_true(ends_next(&e, BOOT) == UINT64_MAX);
        assert_true(add(&e, SEC(60)) && add(&e, SEC(30)) && add(&e, SEC(90)));
        assert_false(add(&e, SEC(30))); /* known */
        assert_true(ends_next(&e, BOOT) == SEC(31));
        assert_false(ends_pass(&e, BOOT + SEC(31) - 1));
        assert_true(ends_pass(&e, BOOT + SEC(31)));
        assert_true(ends_next(&e, BOOT + SEC(31)) == SEC(30));
        assert_true(ends_next(&e, BOOT + SEC(100)) == 0); /* missed: at once */
        assert_true(ends_pass(&e, BOOT + SEC(100)));
        assert_true(ends_next(&e, BOOT + SEC(100)) == UINT64_MAX);
}

static void what_is_over_or_far_away_is_none(void **state) {
        struct ends e = {0};
        assert_false(ends_add(&e, NOW, NOW, BOOT));
        assert_false(ends_add(&e, NOW - 1, NOW, BOOT));
        assert_false(ends_add(&e, UINT64_MAX, NOW, BOOT));
        assert_false(add(&e, ENDS_LONGEST_USEC + 1));
        assert_true(add(&e, ENDS_LONGEST_USEC));
}

static void when_it_is_full_the_latest_gives_way(void **state) {
        struct ends e = {0};
        for (unsigned i = 0; i < ENDS_MAX; i++)
                assert_true(add(&e, SEC(100 + i)));
        assert_false(add(&e, SEC(500)));
        assert_true(add(&e, SEC(1)));
        assert_int_equal(e.n, ENDS_MAX);
        assert_true(ends_next(&e, BOOT) == SEC(2));
        assert_true(e.at_usec[ENDS_MAX - 1] == BOOT + SEC(100 + ENDS_MAX - 2) + SEC(1));
        for (unsigned i = 1; i < ENDS_MAX; i++)
                assert_true(e.at_usec[i] > e.at_usec[i - 1]);
}

static void it_comes_back_as_it_was_or_not_at_all(void **state) {
        struct ends e = {0}, back = {0};
        uint8_t buf[ENDS_SIZE_MAX];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t n = 0;
        assert_true(add(&e, SEC(60)) && add(&e, SEC(90)));
        ends_write(&e, &w);
        assert_int_equal(writer_end(&w, &n), 0);
        assert_int_equal(ends_read((struct bytes){buf, n}, &back), 0);
        assert_memory_equal(&back, &e, sizeof(e));
        for (size_t i = 0; i < n; i++)
                assert_int_equal(ends_read((struct bytes){buf, i}, &back), -EBADMSG);
        assert_int_equal(ends_read((struct bytes){buf, n + 1}, &back), -EBADMSG);
        buf[0]++;
        assert_int_equal(ends_read((struct bytes){buf, n}, &back), -EBADMSG);
        buf[0]--;
        memcpy(buf + 10, buf + 2, 8); /* the same time twice */
        assert_int_equal(ends_read((struct bytes){buf, n}, &back), -EBADMSG);
        assert_int_equal(back.n, 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_next_is_told_a_second_after_its_time),
                cmocka_unit_test(what_is_over_or_far_away_is_none),
                cmocka_unit_test(when_it_is_full_the_latest_gives_way),
                cmocka_unit_test(it_comes_back_as_it_was_or_not_at_all),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
