/* SPDX-License-Identifier: Apache-2.0 */
/* Nobody can take all places, and root always finds one. */
#include "pam_module/auth/quota.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_user_gets_four_places(void **state) {
        struct quota q = {0};
        for (unsigned i = 0; i < QUOTA_PER_UID; i++)
                assert_true(quota_take(&q, 1000) >= 0);
        assert_int_equal(quota_take(&q, 1000), -EBUSY);
        assert_true(quota_take(&q, 1001) >= 0);
        quota_give(&q, 2);
        assert_int_equal(quota_take(&q, 1000), 2);
        assert_int_equal(quota_take(&q, 1000), -EBUSY);
}

static void users_together_leave_places_for_root(void **state) {
        struct quota q = {0};
        unsigned taken = 0;
        for (uid_t uid = 1; uid < 1000; uid++)
                for (unsigned i = 0; i < 10; i++)
                        taken += quota_take(&q, uid) >= 0;
        assert_int_equal(taken, QUOTA_OTHERS);
        for (unsigned i = 0; i < QUOTA_PLACES - QUOTA_OTHERS; i++)
                assert_true(quota_take(&q, 0) >= 0);
        assert_int_equal(quota_take(&q, 0), -EBUSY);
}

static void root_counts_for_nobody_else(void **state) {
        struct quota q = {0};
        for (unsigned i = 0; i < QUOTA_PLACES - 1; i++)
                assert_true(quota_take(&q, 0) >= 0);
        assert_true(quota_take(&q, 1000) >= 0);
        assert_int_equal(quota_take(&q, 0), -EBUSY);
        quota_give(&q, 0);
        assert_int_equal(quota_take(&q, 0), 0);
}

static void a_user_begins_few_attempts_a_minute(void **state) {
        struct quota q = {0};
        uint64_t now = 1000000;
        for (unsigned i = 0; i < QUOTA_BURST; i++)
                assert_true(quota_begin(&q, 1000, now));
        assert_false(quota_begin(&q, 1000, now));
        assert_true(quota_begin(&q, 1001, now));
        assert_false(quota_begin(&q, 1000, now + QUOTA_REFILL_USEC - 1));
        assert_true(quota_begin(&q, 1000, now + QUOTA_REFILL_USEC));
        assert_false(quota_begin(&q, 1000, now + QUOTA_REFILL_USEC));
        now += 1000ULL * QUOTA_REFILL_USEC; /* a rest gives no more than the burst */
        for (unsigned i = 0; i < QUOTA_BURST; i++)
                assert_true(quota_begin(&q, 1000, now));
        assert_false(quota_begin(&q, 1000, now));
        for (unsigned i = 0; i < 1000; i++)
                assert_true(quota_begin(&q, 0, now));
}

static void a_crowd_does_not_wash_out_who_was_busy(void **state) {
        struct quota q = {0};
        for (unsigned i = 0; i < QUOTA_BURST; i++)
                assert_true(quota_begin(&q, 1000, 1));
        for (uid_t uid = 2000; uid < 3000; uid++)
                assert_true(quota_begin(&q, uid, 1));
        assert_false(quota_begin(&q, 1000, 1));
}

static void a_place_out_of_range_is_nobodys(void **state) {
        struct quota q = {0};
        quota_give(&q, QUOTA_PLACES);
        quota_give(&q, ~0U);
        assert_int_equal(quota_take(&q, 0), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_user_gets_four_places),
                cmocka_unit_test(users_together_leave_places_for_root),
                cmocka_unit_test(root_counts_for_nobody_else),
                cmocka_unit_test(a_user_begins_few_attempts_a_minute),
                cmocka_unit_test(a_crowd_does_not_wash_out_who_was_busy),
                cmocka_unit_test(a_place_out_of_range_is_nobodys),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
