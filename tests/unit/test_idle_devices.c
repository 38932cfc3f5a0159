/* SPDX-License-Identifier: Apache-2.0 */
/* What counts as input, and how often it is told. Pipes stand for device nodes. */
#include "helper/idle/counts.h"
#include "helper/idle/devices.h"
#include "helper/idle/nodes.h"

#include "common/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define ALL (1U << EV_KEY | 1U << EV_REL | 1U << EV_ABS)
#define REST DEVICES_REST_USEC
#define SLACK_USEC 400000U /* of the loop's timers, and of a busy machine */

struct world {
        sd_event *event;
        struct devices *devices;
        unsigned active, watching, unwatching, turns;
};

static void on_active(void *userdata) {
        ((struct world *) userdata)->active++;
}

static void on_watching(void *userdata, bool watching) {
        struct world *w = userdata;
        if (watching)
                w->watching++;
        else
                w->unwatching++;
}

static const struct devices_events events = {on_active, on_watching};

static int setup(void **state) {
        struct world *w = calloc(1, sizeof(*w));
        if (!w || sd_event_new(&w->event) < 0)
                return -1;
        *state = w;
        return devices_new(w->event, &events, w, &w->devices);
}

static int teardown(void **state) {
        struct world *w = *state;
        (void) devices_free(w->devices);
        sd_event_unref(w->event);
        free(w);
        return 0;
}

/* A device that is played through the descriptor that is returned. */
static int plug(struct world *w, unsigned id, unsigned types) {
        int p[2];
        assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
        assert_int_equal(devices_add(w->devices, id, p[0], types), 0);
        return p[1];
}

static void send_event(int fd, unsigned type, int value) {
        const struct input_event e[2] = {{.type = (__u16) type, .code = 30, .value = value},
                                         {.type = EV_SYN, .code = SYN_REPORT}};
        assert_int_equal(write(fd, e, sizeof(e)), sizeof(e));
}

/* Lets the loop turn for so long, and counts how often it was woken. */
static void pass(struct world *w, uint64_t usec) {
        uint64_t end = now_monotonic_usec() + usec, now;
        while ((now = now_monotonic_usec()) < end)
                if (sd_event_run(w->event, end - now) > 0)
                        w->turns++;
}

/* Until all is quiet: a second without input has passed. */
static void settle(struct world *w) {
        unsigned before;
        do {
                before = w->turns;
                pass(w, REST + SLACK_USEC);
        } while (w->turns != before);
        w->turns = w->active = 0;
}

static void the_first_key_is_told_at_once(void **state) {
        struct world *w = *state;
        _cleanup_(closep) int keyboard = plug(w, 1, ALL);
        send_event(keyboard, EV_KEY, 1);
        assert_true(sd_event_run(w->event, 0) > 0);
        assert_int_equal(w->active, 1);
}

static void whoever_types_is_told_once_a_second(void **state) {
        struct world *w = *state;
        _cleanup_(closep) int keyboard = plug(w, 1, ALL), mouse = plug(w, 2, ALL);
        uint64_t end = now_monotonic_usec() + 3 * REST;
        for (unsigned n = 0; now_monotonic_usec() < end; n++) {
                send_event(keyboard, EV_KEY, n % 2 == 0);
                send_event(mouse, EV_REL, 1);
                pass(w, 10000);
        }
        assert_in_range(w->active, 2, 4);
        /* Its first word, and then one look a second. */
        assert_in_range(w->turns, 2, 6);
}

static void nothing_wakes_it_while_nobody_is_there(void **state) {
        struct world *w = *state;
        _cleanup_(closep) int keyboard = plug(w, 1, ALL);
        send_event(keyboard, EV_KEY, 1);
        settle(w);
        pass(w, 2 * REST);
        assert_int_equal(w->turns, 0);
        send_event(keyboard, EV_KEY, 0);
        assert_true(sd_event_run(w->event, 0) > 0);
        assert_int_equal(w->active, 1);
}

static void what_comes_in_the_rest_is_told_after_it(void **state) {
        struct world *w = *state;
        _cleanup_(closep) int keyboard = plug(w, 1, ALL), mouse = plug(w, 2, ALL);
        send_event(keyboard, EV_KEY, 1);
        pass(w, 100000);
        assert_int_equal(w->active, 1);
        send_event(mouse, EV_REL, 1);
        pass(w, 100000);
        assert_int_equal(w->active, 1);
        pass(w, REST + SLACK_USEC);
        assert_int_equal(w->active, 2);
}

/* One event after a quiet second, on a device of which only so much counts. */
static unsigned told_of(unsigned types, unsigned type, int value) {
        struct world *w;
        assert_int_equal(setup((void **) &w), 0);
        _cleanup_(closep) int fd = plug(w, 1, types);
        send_event(fd, type, value);
        assert_true(sd_event_run(w->event, 0) > 0);
        unsigned told = w->active;
        (void) teardown((void **) &w);
        return told;
}

static void only_what_hands_do_counts(void **state) {
        assert_int_equal(told_of(ALL, EV_KEY, 0), 1);
        assert_int_equal(told_of(ALL, EV_ABS, 5), 1);
        assert_int_equal(told_of(ALL, EV_KEY, 2), 0); /* it lies on the keyboard */
        assert_int_equal(told_of(ALL, EV_SW, 1), 0);
        assert_int_equal(told_of(ALL, EV_MSC, 1), 0);
        assert_int_equal(told_of(1U << EV_KEY, EV_ABS, 5), 0); /* a stick that drifts */
        assert_int_equal(told_of(1U << EV_KEY, EV_REL, 1), 0);
        assert_int_equal(told_of(ALL, 0xffff, 1), 0);
}

static void a_key_that_repeats_wakes_it_once_a_second(void **state) {
        struct world *w = *state;
        _cleanup_(closep) int keyboard = plug(w, 1, ALL);
        for (unsigned n = 0; n < 200; n++) {
                send_event(keyboard, EV_KEY, 2);
                pass(w, 10000);
        }
        assert_int_equal(w->active, 0);
        assert_in_range(w->turns, 1, 5);
        send_event(keyboard, EV_KEY, 1);
        pass(w, REST + SLACK_USEC);
        assert_int_equal(w->active, 1);
}

static void a_device_that_is_unplugged_is_let_go(void **state) {
        struct world *w = *state;
        int keyboard = plug(w, 1, ALL);
        assert_int_equal(w->watching, 1);
        _cleanup_(closep) int mouse = plug(w, 2, ALL);
        closep(&keyboard);
        pass(w, 10000);
        assert_false(devices_has(w->devices, 1));
        assert_int_equal(devices_count(w->devices), 1);
        assert_int_equal(w->unwatching, 0);
        /* One that goes while all rest is noticed, too, and what it said before counts. */
        send_event(mouse, EV_REL, 1);
        pass(w, 10000);
        send_event(mouse, EV_REL, 1);
        closep(&mouse);
        pass(w, REST + SLACK_USEC);
        assert_int_equal(w->active, 2);
        assert_int_equal(devices_count(w->devices), 0);
        assert_int_equal(w->watching, 1);
        assert_int_equal(w->unwatching, 1);
}

static void one_that_comes_in_the_rest_is_heard_after_it(void **state) {
        struct world *w = *state;
        _cleanup_(closep) int keyboard = plug(w, 1, ALL);
        send_event(keyboard, EV_KEY, 1);
        pass(w, 10000);
        _cleanup_(closep) int mouse = plug(w, 2, ALL);
        settle(w);
        send_event(mouse, EV_REL, 1);
        assert_true(sd_event_run(w->event, 0) > 0);
        assert_int_equal(w->active, 1);
}

static void half_an_event_ends_the_device(void **state) {
        struct world *w = *state;
        _cleanup_(closep) int keyboard = plug(w, 1, ALL);
        assert_int_equal(write(keyboard, "half", 4), 4);
        pass(w, 10000);
        assert_int_equal(devices_count(w->devices), 0);
        assert_int_equal(w->active, 0);
}

static void there_is_room_for_so_many(void **state) {
        struct world *w = *state;
        int fds[DEVICES_MAX], more[2];
        for (unsigned n = 0; n < DEVICES_MAX; n++)
                fds[n] = plug(w, n, ALL);
        assert_int_equal(pipe2(more, O_CLOEXEC | O_NONBLOCK), 0);
        assert_int_equal(devices_add(w->devices, 999, more[0], ALL), -ENOSPC);
        assert_int_equal(fcntl(more[0], F_GETFD), -1);
        devices_remove(w->devices, 7);
        devices_remove(w->devices, 7);
        int again[2];
        assert_int_equal(pipe2(again, O_CLOEXEC | O_NONBLOCK), 0);
        assert_int_equal(devices_add(w->devices, 8, again[0], ALL), -EEXIST);
        assert_int_equal(fcntl(again[0], F_GETFD), -1);
        assert_int_equal(devices_count(w->devices), DEVICES_MAX - 1);
        devices_remove_all(w->devices);
        assert_int_equal(devices_count(w->devices), 0);
        assert_int_equal(w->watching + w->unwatching, 2);
        for (unsigned n = 0; n < DEVICES_MAX; n++)
                closep(&fds[n]);
        closep(&more[1]);
        closep(&again[1]);
}

/* --- which devices */

static void set(unsigned long *bits, unsigned n) {
        bits[n / WORD_BITS] |= 1UL << (n % WORD_BITS);
}

/* What a device with these keys, axes and so on counts for; each list ends with -1. */
static unsigned counts(const int *keys, const int *relative, const int *absolute, const int *properties) {
        struct device_bits b = {0};
        for (; *keys >= 0; keys++)
                set(b.keys, (unsigned) *keys);
        for (; *relative >= 0; relative++)
                set(b.relative, (unsigned) *relative);
        for (; *absolute >= 0; absolute++)
                set(b.absolute, (unsigned) *absolute);
        for (; *properties >= 0; properties++)
                set(b.properties, (unsigned) *properties);
        return counts_of(&b);
}

#define L(...)                                                                                              \
        (const int[]) {                                                                                     \
                __VA_ARGS__ __VA_OPT__(, ) - 1                                                              \
        }

static void what_hands_use_is_watched(void **state) {
        const unsigned key = 1U << EV_KEY, rel = 1U << EV_REL, abs = 1U << EV_ABS;
        assert_int_equal(counts(L(KEY_ESC, KEY_A, KEY_POWER), L(), L(), L()), key);
        assert_int_equal(counts(L(KEY_KP1), L(), L(), L()), key);       /* a PIN pad */
        assert_int_equal(counts(L(KEY_PLAYPAUSE), L(), L(), L()), key); /* a headset */
        assert_int_equal(counts(L(BTN_0), L(), L(), L()), key);         /* a foot pedal */
        assert_int_equal(counts(L(BTN_LEFT), L(REL_X, REL_Y, REL_WHEEL), L(), L()), key | rel);
        assert_int_equal(counts(L(), L(REL_DIAL), L(), L()), rel);
        assert_int_equal(counts(L(BTN_TOUCH), L(), L(ABS_X, ABS_Y), L()), key | abs);
        assert_int_equal(counts(L(), L(), L(ABS_MT_POSITION_X), L(INPUT_PROP_DIRECT)), abs);
        assert_int_equal(counts(L(), L(), L(ABS_X), L(INPUT_PROP_POINTER)), abs);
        assert_int_equal(counts(L(BTN_LEFT), L(REL_WHEEL), L(ABS_X), L()), key | rel | abs); /* of a VM */
}

static void what_moves_by_itself_is_not(void **state) {
        assert_int_equal(counts(L(), L(), L(), L()), 0);
        assert_int_equal(counts(L(KEY_POWER), L(), L(), L()), 0);
        assert_int_equal(counts(L(KEY_SLEEP, KEY_WAKEUP), L(), L(), L()), 0);
        assert_int_equal(counts(L(KEY_BRIGHTNESSUP, KEY_SWITCHVIDEOMODE), L(), L(), L()), 0);
        assert_int_equal(counts(L(), L(REL_RX), L(), L()), 0);
        assert_int_equal(counts(L(), L(REL_X), L(), L()), 0);
        assert_int_equal(counts(L(), L(), L(ABS_X, ABS_Y, ABS_Z), L()), 0);
        assert_int_equal(counts(L(BTN_TOUCH), L(), L(ABS_X, ABS_Y), L(INPUT_PROP_ACCELEROMETER)), 0);
        /* A stick's buttons are pressed by somebody; its axes drift. */
        assert_int_equal(counts(L(BTN_TRIGGER), L(), L(ABS_X, ABS_Y), L()), 1U << EV_KEY);
        assert_int_equal(counts(L(BTN_SOUTH), L(), L(ABS_X, ABS_RX), L()), 1U << EV_KEY);
}

static void a_file_of_udev_names_its_device(void **state) {
        assert_int_equal(nodes_minor_of("c13:64"), 64);
        assert_int_equal(nodes_minor_of("c13:0"), 0);
        assert_int_equal(nodes_minor_of("c13:1048575"), 1048575);
        static const char *const bad[] = {"",        "c13:",    "c13",          "c1:64",         "b13:64",
                                          "c13:-1",  "c13: 64", "c13:64x",      "+input:input5", ".#c13:64",
                                          "c130:64", "c13:+4",  "c13:99999999", "c13:6 4"};
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(nodes_minor_of(bad[i]), -EINVAL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(the_first_key_is_told_at_once),
                T(whoever_types_is_told_once_a_second),
                T(nothing_wakes_it_while_nobody_is_there),
                T(what_comes_in_the_rest_is_told_after_it),
                cmocka_unit_test(only_what_hands_do_counts),
                T(a_key_that_repeats_wakes_it_once_a_second),
                T(a_device_that_is_unplugged_is_let_go),
                T(one_that_comes_in_the_rest_is_heard_after_it),
                T(half_an_event_ends_the_device),
                T(there_is_room_for_so_many),
                cmocka_unit_test(what_hands_use_is_watched),
                cmocka_unit_test(what_moves_by_itself_is_not),
                cmocka_unit_test(a_file_of_udev_names_its_device),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
