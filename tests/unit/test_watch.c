/* SPDX-License-Identifier: Apache-2.0 */
/* What wardtapd makes of wardtap-device, which is played here: it is not believed more than a card. */
#include "common/socket.h"
#include "devices/wire.h"
#include "helper/watch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* As many readers coming and going as no person could plug in. */
#define FLOOD_MAX 20000U

struct world {
        sd_event *event;
        struct watch *watch;
        int device; /* its end */
        bool floods, watching, lost;
        unsigned readers; /* heard of */
};

/* The ends that the next connection gets. */
static int pair[2] = {-1, -1};

int __wrap_socket_connect(const char *path, uid_t listener_uid, int *ret_fd);
int __wrap_socket_connect(const char *path, uid_t listener_uid, int *ret_fd) {
        if (pair[0] < 0)
                return -ECONNREFUSED;
        *ret_fd = TAKE_FD(pair[0]);
        return 0;
}

static void say(struct world *w, enum device_event_type type) {
        struct device_event e = {.type = type, .reader = "A", .reason = DEVICE_FAILED, .retries = -1};
        uint8_t buf[256];
        struct writer out = {.p = buf, .size = sizeof(buf)};
        device_event_write(&out, &e);
        assert_int_equal(socket_send(w->device, buf, out.n), 0);
}

static void on_reader(void *userdata, const char *reader, bool attached) {
        struct world *w = userdata;
        assert_string_equal(reader, "A");
        if (w->floods && ++w->readers < FLOOD_MAX)
                say(w, attached ? DEVICE_EVENT_READER_DETACHED : DEVICE_EVENT_READER_ATTACHED);
}

static void on_lost(void *userdata, const char *reason) {
        ((struct world *) userdata)->lost = true;
}

static bool on_ignored(void *userdata, const char *reader) {
        return false;
}

static void on_card(void *userdata, const char *reader, uint64_t seen_usec, const struct device_event *e) {
        fail();
}

static void on_watching(void *userdata, bool watching) {
        ((struct world *) userdata)->watching = watching;
}

static const struct watch_events events = {on_reader, on_lost, on_ignored, on_card, on_watching};

static int setup(void **state) {
        struct world *w = calloc(1, sizeof(*w));
        if (!w || sd_event_new(&w->event) < 0 ||
            socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                return -1;
        w->device = pair[1];
        *state = w;
        return watch_new(w->event, &events, w, &w->watch);
}

static int teardown(void **state) {
        struct world *w = *state;
        (void) watch_free(w->watch);
        closep(&w->device);
        sd_event_unref(w->event);
        free(w);
        return 0;
}

static int on_turn(sd_event_source *source, void *userdata) {
        return sd_event_exit(sd_event_source_get_event(source), 0);
}

static void a_device_service_that_never_stops_talking_leaves_time_for_records(void **state) {
        struct world *w = *state;
        w->floods = true;
        say(w, DEVICE_EVENT_READER_ATTACHED);
        sd_event_source *records = NULL; /* later than messages, as the recorder is */
        assert_true(sd_event_add_defer(w->event, &records, on_turn, NULL) >= 0);
        assert_true(sd_event_source_set_priority(records, SD_EVENT_PRIORITY_NORMAL + 10) >= 0);
        assert_int_equal(sd_event_loop(w->event), 0);
        assert_in_range(w->readers, 1, FLOOD_MAX / 10);
        sd_event_source_disable_unref(records);
}

static void one_that_ends_takes_its_readers_with_it(void **state) {
        struct world *w = *state;
        say(w, DEVICE_EVENT_READER_ATTACHED);
        while (!w->watching)
                assert_true(sd_event_run(w->event, 5000000) > 0);
        closep(&w->device);
        while (!w->lost)
                assert_true(sd_event_run(w->event, 5000000) > 0);
        assert_false(w->watching);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                        a_device_service_that_never_stops_talking_leaves_time_for_records, setup, teardown),
                cmocka_unit_test_setup_teardown(one_that_ends_takes_its_readers_with_it, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
