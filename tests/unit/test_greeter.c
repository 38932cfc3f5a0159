/* SPDX-License-Identifier: Apache-2.0 */
/* A greeter that waits no more is ended once, and only one that has waited, is on the screen, and leaves a
 * tap unheard for as long as attempts may take to follow one another. */
#include "helper/greeter.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <systemd/sd-login.h>

#include <cmocka.h>

static struct {
        sd_event *event;
        sd_bus *here, *there; /* wardtapd's end, and that of the bus with logind on it */
        struct greeter *greeter;
        /* the world */
        const char *session, *class; /* on the screen; NULL: none, or gone */
        bool no_bus, refuse, unheard;
        /* what happened */
        unsigned asked, armed, ended;
        char which[65];
} w;

int __wrap_sd_seat_get_active(const char *seat, char **session, uid_t *uid);
int __wrap_sd_seat_get_active(const char *seat, char **session, uid_t *uid) {
        assert_string_equal(seat, "seat0");
        if (!w.session)
                return -ENODATA;
        *session = strdup(w.session);
        return *session ? 0 : -ENOMEM;
}

int __wrap_sd_session_get_class(const char *session, char **class);
int __wrap_sd_session_get_class(const char *session, char **class) {
        if (!w.session || strcmp(session, w.session) != 0 || !w.class)
                return -ENXIO;
        *class = strdup(w.class);
        return *class ? 0 : -ENOMEM;
}

/* Its patience is not ours. */
int __real_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata) {
        assert_int_equal(usec, GREETER_PATIENCE_USEC);
        w.armed++;
        return __real_sd_event_add_time_relative(e, s, clock, 1, 1, callback, userdata);
}

int __real_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec);
int __wrap_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec);
int __wrap_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec) {
        assert_int_equal(usec, GREETER_PATIENCE_USEC);
        w.armed++;
        return __real_sd_event_source_set_time_relative(s, 1);
}

static int terminate(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *session;
        assert_true(sd_bus_message_read(m, "s", &session) >= 0);
        (void) snprintf(w.which, sizeof(w.which), "%s", session);
        w.ended++;
        return w.refuse ? sd_bus_reply_method_errorf(m, SD_BUS_ERROR_ACCESS_DENIED, "no")
                        : sd_bus_reply_method_return(m, "");
}

static const sd_bus_vtable logind[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("TerminateSession", "s", "", terminate, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END};

static sd_bus *the_bus(void *userdata) {
        return w.no_bus ? NULL : w.here;
}

static bool is_unheard(void *userdata) {
        w.asked++;
        return w.unheard;
}

/* Until nothing more happens by itself. */
static void settle(void) {
        int r;
        while ((r = sd_event_run(w.event, 0)) > 0)
                continue;
        assert_int_equal(r, 0);
}

static int begin(void **state) {
        int fds[2];
        memset(&w, 0, sizeof(w));
        w.session = "c1";
        w.class = "greeter";
        w.unheard = true;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        assert_true(sd_event_new(&w.event) >= 0);
        assert_true(sd_bus_new(&w.here) >= 0 && sd_bus_set_fd(w.here, fds[0], fds[0]) >= 0);
        assert_true(sd_bus_new(&w.there) >= 0 && sd_bus_set_fd(w.there, fds[1], fds[1]) >= 0);
        assert_true(sd_bus_set_server(w.there, 1, (sd_id128_t){0}) >= 0);
        assert_true(sd_bus_start(w.there) >= 0 && sd_bus_start(w.here) >= 0);
        assert_true(sd_bus_add_object_vtable(w.there, NULL, "/org/freedesktop/login1",
                                             "org.freedesktop.login1.Manager", logind, NULL) >= 0);
        assert_true(sd_bus_attach_event(w.there, w.event, 0) >= 0 &&
                    sd_bus_attach_event(w.here, w.event, 0) >= 0);
        const struct greeter_config c = {.event = w.event, .bus = the_bus, .is_unheard = is_unheard};
        assert_int_equal(greeter_new(&c, &w.greeter), 0);
        settle();
        return 0;
}

static int end(void **state) {
        w.greeter = greeter_free(w.greeter);
        sd_bus_close_unref(w.here);
        sd_bus_close_unref(w.there);
        sd_event_unref(w.event);
        return 0;
}

/* A tap that nobody waits for, and its patience is over. */
static void tap(void) {
        unsigned asked = w.asked;
        greeter_tap_unheard(w.greeter);
        while (w.asked == asked)
                assert_true(sd_event_run(w.event, 10000000) > 0);
        settle();
}

static void one_that_waited_is_ended_once(void **state) {
        greeter_waits(w.greeter);
        tap();
        assert_int_equal(w.ended, 1);
        assert_string_equal(w.which, "c1");
        greeter_tap_unheard(w.greeter); /* it takes a moment to end */
        settle();
        assert_int_equal(w.armed, 1);
        w.session = "c2"; /* the new one waits, and later does not */
        greeter_waits(w.greeter);
        tap();
        assert_int_equal(w.ended, 2);
        assert_string_equal(w.which, "c2");
}

static void one_that_never_waited_is_left_alone(void **state) {
        greeter_tap_unheard(w.greeter);
        settle();
        assert_int_equal(w.armed, 0);
        greeter_waits(w.greeter);
        w.session = "c2"; /* another display manager's, or one that is to wait in a moment */
        tap();
        assert_int_equal(w.ended, 0);
}

static void a_tap_that_was_heard_meanwhile_ends_nobody(void **state) {
        greeter_waits(w.greeter);
        w.unheard = false;
        tap();
        assert_int_equal(w.ended, 0);
        w.unheard = true;
        tap();
        assert_int_equal(w.ended, 1);
}

static void only_greeters_are_ended(void **state) {
        w.session = "7";
        w.class = "user";
        greeter_waits(w.greeter); /* her screen saver: what waits there is no greeter */
        greeter_tap_unheard(w.greeter);
        settle();
        assert_int_equal(w.armed, 0);
        w.session = "c1";
        w.class = "greeter";
        greeter_waits(w.greeter);
        w.session = "7";
        w.class = "user";
        tap();
        assert_int_equal(w.ended, 0);
        w.session = NULL; /* a text console */
        tap();
        assert_int_equal(w.ended, 0);
}

static void a_later_tap_begins_the_wait_anew(void **state) {
        greeter_waits(w.greeter);
        greeter_tap_unheard(w.greeter);
        greeter_tap_unheard(w.greeter);
        assert_int_equal(w.armed, 2);
        while (w.asked == 0)
                assert_true(sd_event_run(w.event, 10000000) > 0);
        settle();
        assert_int_equal(w.asked, 1);
        assert_int_equal(w.ended, 1);
}

static void without_a_bus_it_is_ended_at_a_later_tap(void **state) {
        greeter_waits(w.greeter);
        w.no_bus = true;
        tap();
        assert_int_equal(w.ended, 0);
        w.no_bus = false;
        w.refuse = true; /* and a refusal of logind's is nobody's end */
        tap();
        assert_int_equal(w.ended, 1);
}

static void freed_while_it_waits(void **state) {
        greeter_waits(w.greeter);
        greeter_tap_unheard(w.greeter);
        w.greeter = greeter_free(w.greeter);
        settle();
        assert_int_equal(w.asked, 0);
}

static void a_greeter_that_logind_forgot_is_gone(void **state) {
        assert_false(greeter_is_gone("c1"));
        assert_true(greeter_is_gone("c0"));
        w.class = NULL;
        assert_true(greeter_is_gone("c1"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(one_that_waited_is_ended_once, begin, end),
                cmocka_unit_test_setup_teardown(one_that_never_waited_is_left_alone, begin, end),
                cmocka_unit_test_setup_teardown(a_tap_that_was_heard_meanwhile_ends_nobody, begin, end),
                cmocka_unit_test_setup_teardown(only_greeters_are_ended, begin, end),
                cmocka_unit_test_setup_teardown(a_later_tap_begins_the_wait_anew, begin, end),
                cmocka_unit_test_setup_teardown(without_a_bus_it_is_ended_at_a_later_tap, begin, end),
                cmocka_unit_test_setup_teardown(freed_while_it_waits, begin, end),
                cmocka_unit_test_setup_teardown(a_greeter_that_logind_forgot_is_gone, begin, end),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
