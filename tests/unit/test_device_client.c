/* SPDX-License-Identifier: Apache-2.0 */
/* The asking side of wardtap-device, against an other side that is played here. */
#include "common/socket.h"
#include "common/util.h"
#include "devices/client.h"
#include "devices/wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* The end that the next connection gets. */
static int ours = -1;

int __wrap_socket_connect(const char *path, uid_t listener_uid, int *ret_fd);
int __wrap_socket_connect(const char *path, uid_t listener_uid, int *ret_fd) {
        if (ours < 0)
                return -ECONNREFUSED;
        *ret_fd = TAKE_FD(ours);
        return 0;
}

/* The other side: says these and hangs up, before it was asked anything. */
static void answers(const struct device_event *events, size_t n) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
        for (size_t i = 0; i < n; i++) {
                uint8_t buf[64];
                struct writer w = {.p = buf, .size = sizeof(buf)};
                device_event_write(&w, &events[i]);
                assert_int_equal(socket_send(pair[1], buf, w.n), 0);
        }
        assert_int_equal(close(pair[1]), 0);
        ours = pair[0];
}

static void a_refusal_that_came_before_the_request_is_heard(void **state) {
        const struct device_event busy = {.type = DEVICE_EVENT_FAILED, .reason = DEVICE_BUSY, .retries = -1};
        struct device_operation *op = NULL;
        struct device_event e;
        answers(&busy, 1);
        assert_int_equal(device_key_info(1000, &op), 0);
        assert_int_equal(device_next(op, &e), 1);
        assert_int_equal(e.type, DEVICE_EVENT_FAILED);
        assert_int_equal(e.reason, DEVICE_BUSY);
        assert_int_equal(device_next(op, &e), -ENODATA);
        (void) device_operation_free(op);
}

static void a_hang_up_before_the_request_is_one(void **state) {
        struct device_operation *op = NULL;
        struct device_event e;
        answers(NULL, 0);
        assert_int_equal(device_key_info(1000, &op), 0);
        assert_int_equal(device_next(op, &e), 1);
        assert_int_equal(e.type, DEVICE_EVENT_FAILED);
        assert_int_equal(e.reason, DEVICE_GONE);
        (void) device_operation_free(op);
}

static void what_ended_it_is_heard_after_the_pin(void **state) {
        const struct device_event said[] = {
                {.type = DEVICE_EVENT_PIN_WANTED},
                {.type = DEVICE_EVENT_FAILED, .reason = DEVICE_REMOVED, .retries = -1}};
        struct device_operation *op = NULL;
        struct device_event e;
        answers(said, ELEMENTSOF(said));
        assert_int_equal(device_set_pin(1000, &op), 0);
        assert_int_equal(device_next(op, &e), 1);
        assert_int_equal(e.type, DEVICE_EVENT_PIN_WANTED);
        assert_int_equal(device_send_pin(op, "123456"), 0);
        assert_int_equal(device_next(op, &e), 1);
        assert_int_equal(e.reason, DEVICE_REMOVED);
        (void) device_operation_free(op);
}

static void nobody_there_is_an_error(void **state) {
        struct device_operation *op = NULL;
        assert_int_equal(device_watch(&op), -ECONNREFUSED);
        assert_null(op);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_refusal_that_came_before_the_request_is_heard),
                cmocka_unit_test(a_hang_up_before_the_request_is_one),
                cmocka_unit_test(what_ended_it_is_heard_after_the_pin),
                cmocka_unit_test(nobody_there_is_an_error),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
