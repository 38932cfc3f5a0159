/* SPDX-License-Identifier: Apache-2.0 */
/* What comes through the gate, when, and what is dropped there. The filter's rules are test_tap_filter.c's.
 */
#include "helper/tap_gate.h"

#include "common/bytes.h"
#include "common/socket.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A badge came so long ago that it needs to be held only for this long from now. */
#define REST_USEC 20000U

static struct {
        sd_event *event;
        struct tap_gate *gate;
        unsigned taken, nearby;
        struct tap last;
        uint64_t taken_usec;
        bool free_then;
} w;

static void on_taken(void *userdata, const struct tap *t) {
        w.taken++;
        w.last = *t;
        w.taken_usec = now_monotonic_usec();
        if (w.free_then)
                w.gate = tap_gate_free(w.gate);
}

static void on_nearby(void *userdata, const struct tap *t) {
        w.nearby++;
        w.last = *t;
}

static int begin(void **state) {
        static const struct tap_gate_events events = {.taken = on_taken, .nearby = on_nearby};
        memset(&w, 0, sizeof(w));
        return sd_event_new(&w.event) < 0 ? -1 : tap_gate_new(w.event, &events, NULL, &w.gate);
}

static int end(void **state) {
        w.gate = tap_gate_free(w.gate);
        sd_event_unref(w.event);
        return 0;
}

static struct tap tap_of(const char *reader, uint8_t n, uint64_t seen_usec) {
        struct tap t = {.id = n, .seen_usec = seen_usec, .token = "TOKEN", .n_indexes = n != 0};
        (void) text_copy(t.reader, sizeof(t.reader), reader);
        t.indexes[0].index[0] = n;
        return t;
}

/* A badge that must be held comes to a reader, REST_USEC before it was held for long enough. */
static uint64_t lay(const char *reader, uint8_t n) {
        const struct tap_gate_seat typing = {.has_session = true, .last_input_usec = UINT64_MAX};
        uint64_t now = now_monotonic_usec(), seen = now - TAP_FILTER_HOLD_USEC + REST_USEC;
        const struct tap t = tap_of(reader, n, seen);
        tap_gate_present(w.gate, reader, true, seen);
        tap_gate_tap(w.gate, &t, &typing, now);
        return seen + TAP_FILTER_HOLD_USEC;
}

/* Until all that is held has come through. */
static void wait_for(unsigned taken) {
        while (w.taken < taken)
                assert_true(sd_event_run(w.event, 10000000) > 0);
}

static void nothing_more_comes(void) {
        assert_int_equal(sd_event_run(w.event, 3 * REST_USEC), 0);
}

static void at_a_greeter_it_comes_through_at_once(void **state) {
        const struct tap_gate_seat greeter = {.last_input_usec = UINT64_MAX};
        const struct tap t = tap_of("A", 1, now_monotonic_usec());
        tap_gate_present(w.gate, "A", true, t.seen_usec);
        tap_gate_tap(w.gate, &t, &greeter, t.seen_usec);
        assert_int_equal(w.taken, 1);
        assert_int_equal(w.last.id, 1);
}

static void a_badge_that_is_held_comes_through_in_time(void **state) {
        uint64_t until = lay("A", 1);
        assert_int_equal(w.taken, 0);
        wait_for(1);
        assert_true(w.taken_usec >= until);
        assert_string_equal(w.last.reader, "A");
        assert_int_equal(w.last.id, 1);
        nothing_more_comes();
        tap_gate_present(w.gate, "A", false, now_monotonic_usec());
        assert_int_equal(w.taken, 1);
}

static void one_that_is_removed_before_never_does(void **state) {
        (void) lay("A", 1);
        tap_gate_present(w.gate, "A", false, now_monotonic_usec());
        nothing_more_comes();
        (void) lay("A", 1);
        tap_gate_lost(w.gate, now_monotonic_usec());
        nothing_more_comes();
        assert_int_equal(w.taken, 0);
}

static void another_card_is_held_for_itself(void **state) {
        (void) lay("A", 1);
        (void) lay("A", 2);
        wait_for(1);
        assert_int_equal(w.last.id, 2);
        nothing_more_comes();
}

static void each_reader_holds_its_own(void **state) {
        (void) lay("A", 1);
        (void) lay("B", 2);
        tap_gate_present(w.gate, "A", false, now_monotonic_usec());
        wait_for(1);
        assert_string_equal(w.last.reader, "B");
        nothing_more_comes();
}

static void one_that_lies_near_is_said_once(void **state) {
        const struct tap_gate_seat quiet = {.has_session = true};
        uint64_t now = now_monotonic_usec();
        for (unsigned i = 0; i < 20; i++) {
                const struct tap t = tap_of("A", 1, now);
                tap_gate_present(w.gate, "A", true, now);
                tap_gate_tap(w.gate, &t, &quiet, now);
                tap_gate_present(w.gate, "A", false, now += 500000);
        }
        assert_int_equal(w.taken, TAP_FILTER_NEARBY_MAX);
        assert_int_equal(w.nearby, 1);
        assert_string_equal(w.last.token, "TOKEN");
}

static void the_same_badge_is_ignored_after_its_use(void **state) {
        const struct tap_gate_seat quiet = {.has_session = true};
        uint64_t now = now_monotonic_usec();
        struct tap t = tap_of("A", 1, now);
        tap_gate_used(w.gate, NULL, false, now);
        tap_gate_used(w.gate, &t, false, now);
        tap_gate_present(w.gate, "A", true, now);
        tap_gate_tap(w.gate, &t, &quiet, now);
        assert_int_equal(w.taken, 0);
        t = tap_of("A", 0, now); /* one without a number is nobody's */
        tap_gate_used(w.gate, &t, false, now);
        tap_gate_tap(w.gate, &t, &quiet, now);
        assert_int_equal(w.taken, 1);
}

static void what_is_exempt_waits_for_nothing(void **state) {
        const struct tap_gate_seat exempt = {true, UINT64_MAX, true};
        const struct tap t = tap_of("A", 1, now_monotonic_usec());
        tap_gate_present(w.gate, "A", true, t.seen_usec);
        tap_gate_tap(w.gate, &t, &exempt, t.seen_usec);
        assert_int_equal(w.taken, 1);
}

static void freed_by_who_takes_a_tap(void **state) {
        (void) lay("A", 1);
        (void) lay("B", 2);
        w.free_then = true;
        wait_for(1);
        nothing_more_comes();
        assert_int_equal(w.taken, 1);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
        const struct CMUnitTest tests[] = {
                TEST(at_a_greeter_it_comes_through_at_once),
                TEST(a_badge_that_is_held_comes_through_in_time),
                TEST(one_that_is_removed_before_never_does),
                TEST(another_card_is_held_for_itself),
                TEST(each_reader_holds_its_own),
                TEST(one_that_lies_near_is_said_once),
                TEST(the_same_badge_is_ignored_after_its_use),
                TEST(what_is_exempt_waits_for_nothing),
                TEST(freed_by_who_takes_a_tap),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
