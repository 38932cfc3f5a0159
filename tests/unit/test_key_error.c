/* SPDX-License-Identifier: Apache-2.0 */
/* Every number of libfido2 becomes a reason, and what the situation tells refines it. */
#include "common/socket.h"
#include "common/util.h"
#include "devices/key.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void every_number_has_a_reason_and_only_success_is_ok(void **state) {
        for (int error = -64; error < 256; error++) {
                enum device_reason reason = key_error_reason(error);
                assert_in_range(reason, DEVICE_OK, DEVICE_REASON_MAX - 1);
                assert_int_equal(reason == DEVICE_OK, error == FIDO_OK);
        }
}

static void people_are_told_what_to_do(void **state) {
        static const struct {
                int error;
                enum device_reason reason;
        } rows[] = {
                {FIDO_ERR_PIN_INVALID, DEVICE_PIN_WRONG},
                {FIDO_ERR_PIN_AUTH_BLOCKED, DEVICE_PIN_REPLUG},
                {FIDO_ERR_PIN_BLOCKED, DEVICE_PIN_BLOCKED},
                {FIDO_ERR_PIN_NOT_SET, DEVICE_PIN_NOT_SET},
                {FIDO_ERR_PIN_POLICY_VIOLATION, DEVICE_PIN_POLICY},
                {FIDO_ERR_UV_INVALID, DEVICE_UV_WRONG},
                {FIDO_ERR_UV_BLOCKED, DEVICE_UV_BLOCKED},
                {FIDO_ERR_NO_CREDENTIALS, DEVICE_NO_CREDENTIAL},
                {FIDO_ERR_CREDENTIAL_EXCLUDED, DEVICE_EXCLUDED},
                {FIDO_ERR_USER_ACTION_TIMEOUT, DEVICE_NOT_TOUCHED},
                {FIDO_ERR_KEEPALIVE_CANCEL, DEVICE_CANCELLED},
                {FIDO_ERR_OPERATION_DENIED, DEVICE_REFUSED},
                {FIDO_ERR_KEY_STORE_FULL, DEVICE_KEY_FULL},
                {FIDO_ERR_UNSUPPORTED_ALGORITHM, DEVICE_UNSUPPORTED},
                {FIDO_ERR_RX_INVALID_CBOR, DEVICE_BAD_ANSWER},
                {FIDO_ERR_ERR_OTHER, DEVICE_FAILED},
                {FIDO_ERR_INTERNAL, DEVICE_FAILED},
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_int_equal(key_error_reason(rows[i].error), rows[i].reason);
}

static void a_refusal_after_a_long_wait_is_a_touch_that_did_not_come(void **state) {
        uint64_t now = now_monotonic_usec();
        struct operation op = {.fd = -1, .deadline_usec = UINT64_MAX};
        struct key k = {.touch_wanted_usec = now - 29000000U};
        assert_int_equal(key_failed(&op, &k, FIDO_ERR_OPERATION_DENIED).reason, DEVICE_NOT_TOUCHED);
        k.touch_wanted_usec = now - 1000000U;
        assert_int_equal(key_failed(&op, &k, FIDO_ERR_OPERATION_DENIED).reason, DEVICE_REFUSED);
        k.touch_wanted_usec = 0; /* none was asked for */
        assert_int_equal(key_failed(&op, &k, FIDO_ERR_OPERATION_DENIED).reason, DEVICE_REFUSED);
}

static void a_dead_line_is_the_deadline_or_a_key_pulled_out(void **state) {
        struct operation op = {.fd = -1, .deadline_usec = now_monotonic_usec()};
        struct key k = {.entry.path = "/dev/a key that is not there"};
        assert_int_equal(key_failed(&op, &k, FIDO_ERR_RX).reason, DEVICE_TIMED_OUT);
        op.deadline_usec = UINT64_MAX;
        assert_int_equal(key_failed(&op, &k, FIDO_ERR_RX).reason, DEVICE_REMOVED);
        assert_int_equal(key_failed(&op, &k, FIDO_ERR_TX).reason, DEVICE_REMOVED);
        assert_int_equal(key_failed(&op, &k, FIDO_ERR_TX).detail, FIDO_ERR_TX);
}

static void a_key_gone_before_it_was_opened_was_pulled_out(void **state) {
        struct operation op = {.fd = -1, .deadline_usec = now_monotonic_usec() + 1000000U};
        struct key_entry entry = {.path = "/dev/a key that is not there"};
        struct key k = {.dev = NULL};
        assert_int_equal(key_open(&op, &entry, &k).reason, DEVICE_REMOVED);
        assert_null(k.dev);
}

static void a_byte_string_is_unwrapped_and_nothing_else(void **state) {
        static const uint8_t shortest[] = {0x41, 7}, longer[] = {0x58, 2, 7, 8}, longest[] = {0x59, 0, 1, 7};
        static const uint8_t wrong[][3] = {{0x42, 7}, {0x58, 2, 7}, {0x41, 7, 8}, {0x61, 7}, {0x5a, 0, 0}};
        struct bytes inner;
        assert_int_equal(key_unwrap((struct bytes){shortest, 2}, &inner), 0);
        assert_int_equal(inner.n, 1);
        assert_int_equal(inner.p[0], 7);
        assert_int_equal(key_unwrap((struct bytes){longer, 4}, &inner), 0);
        assert_int_equal(inner.n, 2);
        assert_int_equal(key_unwrap((struct bytes){longest, 4}, &inner), 0);
        assert_int_equal(inner.n, 1);
        assert_int_equal(key_unwrap((struct bytes){NULL, 0}, &inner), -EBADMSG);
        assert_int_equal(key_unwrap((struct bytes){wrong[0], 2}, &inner), -EBADMSG);
        for (size_t i = 1; i < ELEMENTSOF(wrong); i++)
                assert_int_equal(key_unwrap((struct bytes){wrong[i], 3}, &inner), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_number_has_a_reason_and_only_success_is_ok),
                cmocka_unit_test(people_are_told_what_to_do),
                cmocka_unit_test(a_refusal_after_a_long_wait_is_a_touch_that_did_not_come),
                cmocka_unit_test(a_dead_line_is_the_deadline_or_a_key_pulled_out),
                cmocka_unit_test(a_key_gone_before_it_was_opened_was_pulled_out),
                cmocka_unit_test(a_byte_string_is_unwrapped_and_nothing_else),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
