/* SPDX-License-Identifier: Apache-2.0 */
/* What wardtap-idle says to wardtapd, and when it looks for it again. */
#include "common/socket.h"
#include "helper/idle/report.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <cmocka.h>

#define PAUSE_USEC 1000000U

struct world {
        sd_event *event;
        struct report *report;
        char folder[32];
        struct sockaddr_un sa;
        int listener;
};

static int listen_again(struct world *w) {
        (void) unlink(w->sa.sun_path);
        w->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (w->listener < 0 || bind(w->listener, (const struct sockaddr *) &w->sa, sizeof(w->sa)) < 0)
                return -1;
        return listen(w->listener, 4);
}

static int setup(void **state) {
        struct world *w = calloc(1, sizeof(*w));
        if (!w || sd_event_new(&w->event) < 0)
                return -1;
        (void) snprintf(w->folder, sizeof(w->folder), "/tmp/wardtap-report-XXXXXX");
        if (!mkdtemp(w->folder))
                return -1;
        w->sa.sun_family = AF_UNIX;
        (void) snprintf(w->sa.sun_path, sizeof(w->sa.sun_path), "%s/input.sock", w->folder);
        *state = w;
        return listen_again(w) < 0 ? -1 : report_new(w->event, w->sa.sun_path, geteuid(), &w->report);
}

static int teardown(void **state) {
        struct world *w = *state;
        (void) report_free(w->report);
        sd_event_unref(w->event);
        closep(&w->listener);
        (void) unlink(w->sa.sun_path);
        (void) rmdir(w->folder);
        free(w);
        return 0;
}

/* Its connection, or -1 when it did not come. */
static int take(struct world *w) {
        int fd = -1;
        int r = socket_accept(w->listener, NULL, &fd);
        return r < 0 ? -1 : fd;
}

/* How many messages there are; each must be the one there is. */
static unsigned heard(int fd) {
        uint8_t m[8];
        size_t n;
        unsigned count = 0;
        for (; socket_receive(fd, m, sizeof(m), &n) == 0; count++) {
                assert_int_equal(n, 2);
                assert_memory_equal(m, "\1\1", 2);
        }
        return count;
}

static void turn(struct world *w) {
        while (sd_event_run(w->event, 50000) > 0)
                ;
}

/* The pause between two tries is over. */
static void wait_for_pause(uint64_t usec) {
        (void) socket_wait(-1, now_monotonic_usec() + usec);
}

static void it_is_there_while_it_watches(void **state) {
        struct world *w = *state;
        assert_int_equal(take(w), -1);
        report_watching(w->report, true);
        _cleanup_(closep) int fd = take(w);
        assert_true(fd >= 0);
        assert_int_equal(heard(fd), 0);
        report_watching(w->report, false);
        uint8_t b;
        size_t n;
        assert_int_equal(socket_receive(fd, &b, 1, &n), -ECONNRESET);
}

static void each_word_is_two_bytes(void **state) {
        struct world *w = *state;
        report_watching(w->report, true);
        _cleanup_(closep) int fd = take(w);
        report_active(w->report);
        assert_int_equal(heard(fd), 1);
        report_active(w->report);
        report_active(w->report);
        assert_int_equal(heard(fd), 2);
}

static void a_restart_of_wardtapd_is_noticed_at_once(void **state) {
        struct world *w = *state;
        report_watching(w->report, true);
        int fd = take(w);
        wait_for_pause(PAUSE_USEC);
        closep(&fd);
        turn(w);
        _cleanup_(closep) int again = take(w);
        assert_true(again >= 0);
        report_active(w->report);
        assert_int_equal(heard(again), 1);
}

/* One that closes each connection is not asked again and again. */
static void a_wardtapd_that_hangs_up_is_left_alone(void **state) {
        struct world *w = *state;
        report_watching(w->report, true);
        int fd = take(w);
        closep(&fd);
        turn(w);
        assert_int_equal(take(w), -1);
        report_active(w->report);
        assert_int_equal(take(w), -1);
        wait_for_pause(PAUSE_USEC);
        assert_int_equal(sd_event_run(w->event, 0), 0); /* no timer of its own */
        assert_int_equal(take(w), -1);
        report_active(w->report);
        _cleanup_(closep) int again = take(w);
        assert_int_equal(heard(again), 1);
}

static void without_wardtapd_nothing_is_kept_for_later(void **state) {
        struct world *w = *state;
        closep(&w->listener);
        report_watching(w->report, true);
        report_active(w->report);
        report_active(w->report);
        turn(w);
        assert_int_equal(listen_again(w), 0);
        wait_for_pause(PAUSE_USEC);
        report_active(w->report);
        _cleanup_(closep) int fd = take(w);
        assert_int_equal(heard(fd), 1);
}

static void a_wardtapd_that_hangs_is_not_waited_for(void **state) {
        struct world *w = *state;
        report_watching(w->report, true);
        _cleanup_(closep) int fd = take(w);
        for (unsigned n = 0; n < 5000; n++)
                report_active(w->report);
        assert_in_range(heard(fd), 1, 4999);
        report_active(w->report);
        assert_int_equal(heard(fd), 1);
        assert_int_equal(take(w), -1);
}

static void a_socket_of_somebody_elses_is_not_told(void **state) {
        struct world *w = *state;
        _cleanup_(report_freep) struct report *other = NULL;
        assert_int_equal(report_new(w->event, w->sa.sun_path, geteuid() + 1, &other), 0);
        report_watching(other, true);
        report_active(other);
        _cleanup_(closep) int fd = take(w);
        if (fd >= 0)
                assert_int_equal(heard(fd), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(it_is_there_while_it_watches),
                T(each_word_is_two_bytes),
                T(a_restart_of_wardtapd_is_noticed_at_once),
                T(a_wardtapd_that_hangs_up_is_left_alone),
                T(without_wardtapd_nothing_is_kept_for_later),
                T(a_wardtapd_that_hangs_is_not_waited_for),
                T(a_socket_of_somebody_elses_is_not_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
