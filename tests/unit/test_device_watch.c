/* SPDX-License-Identifier: Apache-2.0 */
/* Which events follow from what PC/SC says: no tap is lost, none is made up. */
#include "common/util.h"
#include "devices/pcsc.h"
#include "devices/watch_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* Events as one line: A attached (C: with a card in it), D detached, + inserted, - removed. */
static char seen[128];

static void note(void *context, const struct device_event *e) {
        static const char marks[] = {[DEVICE_EVENT_READER_ATTACHED] = 'A',
                                     [DEVICE_EVENT_READER_DETACHED] = 'D',
                                     [DEVICE_EVENT_CARD_INSERTED] = '+',
                                     [DEVICE_EVENT_CARD_REMOVED] = '-'};
        size_t n = strlen(seen);
        assert_true(n + 1 < sizeof(seen));
        assert_true(!e->present || e->type == DEVICE_EVENT_READER_ATTACHED);
        seen[n] = e->present ? 'C' : marks[e->type];
        seen[n + 1] = 0;
}

static const uint8_t atr[] = {0x3b, 0x00};

static void says(struct watch_reader *r, uint32_t flags, unsigned counter, const char *wanted) {
        seen[0] = 0;
        watch_update(r, flags | SCARD_STATE_CHANGED | counter << 16, atr, sizeof(atr), 5, note, NULL);
        assert_string_equal(seen, wanted);
}

static void lists(struct watch_state *s, const char *names, const char *wanted) {
        seen[0] = 0;
        watch_set_readers(s, names, note, NULL);
        assert_string_equal(seen, wanted);
}

static void a_tap_is_an_insertion_and_a_removal(void **state) {
        struct watch_reader r = {.name = "r"};
        says(&r, SCARD_STATE_EMPTY, 0, "A");
        says(&r, SCARD_STATE_PRESENT, 1, "+");
        says(&r, SCARD_STATE_PRESENT | SCARD_STATE_INUSE, 1, "");
        says(&r, SCARD_STATE_EMPTY, 2, "-");
}

static void a_card_that_was_there_before_is_no_tap(void **state) {
        struct watch_reader r = {.name = "r"};
        says(&r, SCARD_STATE_PRESENT, 3, "C");
        says(&r, SCARD_STATE_EMPTY, 4, "-");
}

static void cards_between_two_waits_are_not_lost(void **state) {
        struct watch_reader r = {.name = "r"};
        says(&r, SCARD_STATE_EMPTY, 0xfffe, "A");
        says(&r, SCARD_STATE_EMPTY, 0x0000, "+-"); /* the counter has 16 bits */
        says(&r, SCARD_STATE_PRESENT, 0x0003, "+-+");
        says(&r, SCARD_STATE_PRESENT, 0x0005, "-+");
        says(&r, SCARD_STATE_EMPTY, 0x0006, "-");
}

static void readers_come_and_go_by_name(void **state) {
        struct watch_state s = {.n = 0};
        lists(&s, "one\0two\0", "");
        assert_int_equal(s.n, 2);
        says(&s.readers[0], SCARD_STATE_EMPTY, 0, "A");
        says(&s.readers[1], SCARD_STATE_PRESENT, 1, "C");
        lists(&s, "two\0three\0", "D");
        assert_int_equal(s.n, 2);
        assert_string_equal(s.readers[0].name, "two");
        assert_true(s.readers[0].known && !s.readers[1].known);
        lists(&s, "", "D"); /* three was never said to be there */
        assert_int_equal(s.n, 0);
}

static void a_reader_that_was_away_for_a_moment_is_a_new_one(void **state) {
        struct watch_state s = {.n = 0};
        lists(&s, "one\0", "");
        says(&s.readers[0], SCARD_STATE_PRESENT, 1, "C");
        says(&s.readers[0], SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE, 0, "");
        lists(&s, "one\0", "D");
        says(&s.readers[0], SCARD_STATE_PRESENT, 1, "C");
}

static void names_that_are_not_for_a_screen_and_too_many_are_left_out(void **state) {
        struct watch_state s = {.n = 0};
        char names[PCSC_READERS_SIZE] = "";
        size_t n = 0;
        lists(&s, "bad\033name\0good\0", "");
        assert_int_equal(s.n, 1);
        s.n = 0;
        for (int i = 0; i < 20; i++)
                n += (size_t) snprintf(names + n, sizeof(names) - n, "reader %d", i) + 1;
        lists(&s, names, "");
        assert_int_equal(s.n, DEVICE_READERS_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_tap_is_an_insertion_and_a_removal),
                cmocka_unit_test(a_card_that_was_there_before_is_no_tap),
                cmocka_unit_test(cards_between_two_waits_are_not_lost),
                cmocka_unit_test(readers_come_and_go_by_name),
                cmocka_unit_test(a_reader_that_was_away_for_a_moment_is_a_new_one),
                cmocka_unit_test(names_that_are_not_for_a_screen_and_too_many_are_left_out),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
