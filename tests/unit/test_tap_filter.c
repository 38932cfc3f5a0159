/* SPDX-License-Identifier: Apache-2.0 */
/* Which taps are meant: each rule, where it ends, and what a flood, a wallet or a flicker makes of it. */
#include "helper/tap_filter.h"

#include "devices/client.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MS 1000U
#define SECOND 1000000U
#define START (1000U * (uint64_t) SECOND)

static uint64_t now;
static uint64_t until;
static struct tap_filter *filter;

static int begin(void **state) {
        now = START;
        until = 0;
        return tap_filter_new(&filter);
}

static int end(void **state) {
        filter = tap_filter_free(filter);
        return 0;
}

static const uint8_t *badge(unsigned n) {
        static uint8_t index[BADGE_INDEX_SIZE];
        memset(index, 0x5a, sizeof(index));
        memcpy(index + BADGE_INDEX_SIZE - sizeof(n), &n, sizeof(n));
        return index;
}

static struct tap_filter_question question(unsigned n) {
        return (struct tap_filter_question){.reader = "A", .index = badge(n), .seen_usec = now};
}

static enum tap_filter_verdict ask(const struct tap_filter_question *q) {
        return tap_filter_tap(filter, q, now, &until);
}

/* A card comes to reader A and is read. */
static enum tap_filter_verdict lay(unsigned n) {
        const struct tap_filter_question q = question(n);
        tap_filter_inserted(filter, "A", now);
        return ask(&q);
}

static void lift(void) {
        tap_filter_removed(filter, "A", now);
}

/* It comes, and is away again 200 ms later. */
static enum tap_filter_verdict tap(unsigned n) {
        enum tap_filter_verdict v = lay(n);
        now += 200 * MS;
        lift();
        return v;
}

/* At an open session, with input that long ago. */
static enum tap_filter_verdict lay_at_session(uint64_t input_ago_usec) {
        struct tap_filter_question q = question(1);
        q.seat_has_session = true;
        q.last_input_usec = now - input_ago_usec;
        tap_filter_inserted(filter, "A", now);
        return ask(&q);
}

static void the_same_badge_is_ignored_after_it_was_used(void **state) {
        assert_int_equal(tap(1), TAP_TAKE);
        tap_filter_used(filter, badge(1), false, now);
        now += TAP_FILTER_SAME_USEC - 1;
        assert_int_equal(tap(1), TAP_SAME);
        now += 1200 * MS;
        assert_int_equal(tap(1), TAP_TAKE);
}

static void another_badge_never_is(void **state) {
        assert_int_equal(tap(1), TAP_TAKE);
        tap_filter_used(filter, badge(1), false, now);
        assert_int_equal(tap(2), TAP_TAKE);
        tap_filter_used(filter, badge(2), false, now);
        assert_int_equal(tap(3), TAP_TAKE);
        assert_int_equal(tap(1), TAP_SAME);
        assert_int_equal(tap(2), TAP_SAME);
}

static void who_was_refused_may_tap_again_at_once(void **state) {
        assert_int_equal(tap(1), TAP_TAKE);
        now += 300 * MS;
        assert_int_equal(tap(1), TAP_TAKE);
}

static void it_is_the_same_on_another_reader(void **state) {
        struct tap_filter_question q = question(1);
        assert_int_equal(tap(1), TAP_TAKE);
        tap_filter_used(filter, badge(1), false, now);
        now += SECOND;
        q.reader = "B";
        q.seen_usec = now;
        tap_filter_inserted(filter, "B", now);
        assert_int_equal(ask(&q), TAP_SAME);
}

/* Laid down after a tap-out, at the edge of the field: it must not let its owner in again by itself. */
static void what_flickers_after_its_use_is_no_tap(void **state) {
        assert_int_equal(lay(1), TAP_TAKE);
        tap_filter_used(filter, badge(1), false, now);
        for (unsigned i = 0; i < 3; i++) {
                now += 4 * SECOND;
                lift();
                now += TAP_FILTER_BOUNCE_USEC - 1;
                assert_int_equal(lay(1), TAP_SAME);
        }
        now += 4 * SECOND;
        lift();
        now += TAP_FILTER_BOUNCE_USEC;
        assert_int_equal(lay(1), TAP_NEARBY_FIRST); /* the fifth within a minute */
}

static void what_is_unreadable_just_after_is_the_same_badge(void **state) {
        struct tap_filter_question q = {.reader = "A"};
        assert_int_equal(lay(1), TAP_TAKE);
        tap_filter_used(filter, badge(1), false, now);
        now += 500 * MS;
        lift();
        now += 400 * MS;
        q.seen_usec = now;
        tap_filter_inserted(filter, "A", now);
        assert_int_equal(ask(&q), TAP_SAME);
        q.reader = "B";
        tap_filter_inserted(filter, "B", now);
        assert_int_equal(ask(&q), TAP_TAKE);
        q.reader = "A";
        now += TAP_FILTER_SAME_USEC;
        q.seen_usec = now;
        assert_int_equal(ask(&q), TAP_TAKE);
        /* A badge that was lifted long before its tap had an end says nothing of who comes now. */
        assert_int_equal(tap(2), TAP_TAKE);
        now += 10 * SECOND;
        tap_filter_used(filter, badge(2), true, now);
        q.seen_usec = now;
        assert_int_equal(ask(&q), TAP_TAKE);
}

static void after_it_was_away_it_counts_again(void **state) {
        assert_int_equal(lay(1), TAP_TAKE);
        tap_filter_used(filter, badge(1), false, now);
        now += 60 * SECOND;
        lift();
        now += TAP_FILTER_BOUNCE_USEC;
        assert_int_equal(lay(1), TAP_TAKE);
        /* One that was lifted long before its tap had an end is not on the reader. */
        lift();
        now += 20 * SECOND;
        tap_filter_used(filter, badge(1), false, now);
        now += TAP_FILTER_SAME_USEC;
        assert_int_equal(lay(1), TAP_TAKE);
}

static void the_fifth_within_a_minute_lies_near_the_reader(void **state) {
        for (unsigned i = 0; i < TAP_FILTER_NEARBY_MAX; i++) {
                assert_int_equal(tap(1), TAP_TAKE);
                now += 5 * SECOND;
        }
        assert_int_equal(tap(1), TAP_NEARBY_FIRST);
        for (unsigned i = 0; i < 100; i++) {
                now += TAP_FILTER_NEARBY_AWAY_USEC - 1;
                assert_int_equal(tap(1), TAP_NEARBY);
        }
        now += TAP_FILTER_NEARBY_AWAY_USEC;
        assert_int_equal(tap(1), TAP_TAKE);
}

static void each_spell_is_one_record(void **state) {
        unsigned records = 0;
        for (unsigned spell = 0; spell < 3; spell++) {
                for (unsigned i = 0; i < 30; i++) {
                        records += tap(1) == TAP_NEARBY_FIRST;
                        now += SECOND;
                }
                now += TAP_FILTER_NEARBY_AWAY_USEC;
        }
        assert_int_equal(records, 3);
}

static void four_within_a_minute_are_meant(void **state) {
        for (unsigned i = 0; i < 50; i++) {
                assert_int_equal(lay(1), TAP_TAKE);
                lift();
                now += TAP_FILTER_NEARBY_WINDOW_USEC / TAP_FILTER_NEARBY_MAX;
        }
}

static void who_touches_her_key_each_time_means_it(void **state) {
        for (unsigned i = 0; i < 30; i++) {
                assert_int_equal(tap(1), TAP_TAKE);
                tap_filter_used(filter, badge(1), true, now);
                now += 4 * SECOND;
        }
        /* Her badge alone is no such proof. */
        for (unsigned i = 0; i < 4; i++) {
                assert_int_equal(tap(1), TAP_TAKE);
                tap_filter_used(filter, badge(1), false, now);
                now += 4 * SECOND;
        }
        assert_int_equal(tap(1), TAP_NEARBY_FIRST);
        tap_filter_used(filter, badge(1), true, now); /* of a tap before: what is ignored stays so */
        assert_int_equal(tap(1), TAP_NEARBY);
}

/* Away since it was removed, not since it came. */
static void one_that_lies_still_is_not_away(void **state) {
        for (unsigned i = 0; i < TAP_FILTER_NEARBY_MAX; i++)
                assert_int_equal(tap(1), TAP_TAKE);
        assert_int_equal(lay(1), TAP_NEARBY_FIRST);
        now += 30 * SECOND;
        lift();
        now += TAP_FILTER_NEARBY_AWAY_USEC - 1;
        assert_int_equal(tap(1), TAP_NEARBY);
        now += TAP_FILTER_NEARBY_AWAY_USEC;
        assert_int_equal(tap(1), TAP_TAKE);
}

/* It was lifted before its number was read. */
static void a_removal_may_come_before_the_number(void **state) {
        struct tap_filter_question q = question(1);
        for (unsigned i = 0; i < TAP_FILTER_NEARBY_MAX; i++)
                assert_int_equal(tap(1), TAP_TAKE);
        q.seen_usec = now;
        tap_filter_inserted(filter, "A", now);
        now += SECOND;
        lift();
        now += 100 * MS;
        assert_int_equal(ask(&q), TAP_NEARBY_FIRST);
        now += TAP_FILTER_NEARBY_AWAY_USEC - 200 * MS; /* less since it was lifted, more since it came */
        assert_int_equal(tap(1), TAP_NEARBY);
}

static void near_one_reader_is_not_near_another(void **state) {
        struct tap_filter_question q = question(1);
        for (unsigned i = 0; i < 5; i++)
                (void) tap(1);
        assert_int_equal(tap(1), TAP_NEARBY);
        assert_int_equal(tap(2), TAP_TAKE);
        q.reader = "B";
        q.seen_usec = now;
        tap_filter_inserted(filter, "B", now);
        assert_int_equal(ask(&q), TAP_TAKE);
}

static void cards_that_cannot_be_read_count_together(void **state) {
        struct tap_filter_question q = {.reader = "A"};
        for (unsigned i = 0; i < 6; i++) {
                q.seen_usec = now;
                tap_filter_inserted(filter, "A", now);
                assert_int_equal(ask(&q), i < 4 ? TAP_TAKE : i == 4 ? TAP_NEARBY_FIRST : TAP_NEARBY);
                now += SECOND;
                lift();
        }
        assert_int_equal(tap(1), TAP_TAKE);
}

/* Random numbers from a card emulator, between the taps of the badge that is to be forgotten. */
static void a_flood_does_not_have_it_forgotten(void **state) {
        unsigned n = 1000, taken = 0;
        for (unsigned i = 0; i < 5; i++)
                (void) tap(1);
        for (unsigned round = 0; round < 60; round++) {
                for (unsigned i = 0; i < 200; i++) {
                        now += 40 * MS;
                        taken += tap(n++) == TAP_TAKE;
                        now -= 200 * MS;
                }
                assert_int_equal(tap(1), TAP_NEARBY);
        }
        assert_in_range(taken, 1, TAP_FILTER_CROWD_MAX);
}

/* The same, slow enough that nothing is a crowd: those that were seen once go first. */
static void nor_do_strangers_who_queue(void **state) {
        unsigned n = 1000;
        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(tap(1), TAP_TAKE);
        now += 4 * SECOND;
        for (unsigned i = 0; i < TAP_FILTER_BADGES_MAX; i++) {
                assert_int_equal(tap(n++), TAP_TAKE);
                now += 650 * MS;
        }
        assert_int_equal(tap(1), TAP_NEARBY_FIRST);
}

/* Every place taken by a badge that is ignored. */
static void when_all_places_are_taken_strangers_are_ignored(void **state) {
        unsigned full = 0, records = 0;
        for (unsigned n = 1; n <= TAP_FILTER_BADGES_MAX; n++) {
                for (unsigned i = 0; i < 5; i++)
                        records += tap(n) == TAP_NEARBY_FIRST;
                for (unsigned m = 1; m <= n; m++) { /* the others are still there */
                        now -= 200 * MS;
                        assert_int_equal(tap(m), TAP_NEARBY);
                }
                now += 9 * SECOND;
                for (unsigned m = 1; m <= n; m++) {
                        now -= 200 * MS;
                        assert_int_equal(tap(m), TAP_NEARBY);
                }
                full = n;
        }
        assert_int_equal(full, TAP_FILTER_BADGES_MAX);
        assert_int_equal(records, TAP_FILTER_BADGES_MAX);
        assert_int_equal(tap(5000), TAP_NEARBY);
        now += TAP_FILTER_NEARBY_AWAY_USEC;
        assert_int_equal(tap(5000), TAP_TAKE);
}

/* What a reader says that has two cards in a wallet before it, and one that claims 32 badges. */
static unsigned cards_in_turn(unsigned cards, unsigned times, unsigned *ret_records) {
        unsigned taken = 0, records = 0;
        for (unsigned i = 0; i < times; i++) {
                enum tap_filter_verdict v = tap(1 + i % cards);
                taken += v == TAP_TAKE;
                records += v == TAP_NEARBY_FIRST;
                now += 200 * MS;
        }
        *ret_records = records;
        return taken;
}

static void two_cards_in_a_wallet_are_ignored_both(void **state) {
        unsigned records;
        assert_int_equal(cards_in_turn(2, 1000, &records), 8);
        assert_int_equal(records, 2);
        assert_int_equal(tap(3), TAP_TAKE); /* and nobody else for it */
}

static void a_reader_with_32_badges_is_ignored(void **state) {
        unsigned records;
        unsigned taken = cards_in_turn(32, 3000, &records); /* 20 minutes */
        assert_int_equal(taken, TAP_FILTER_CROWD_MAX);
        assert_int_equal(records, 1);
        now += TAP_FILTER_NEARBY_AWAY_USEC;
        assert_int_equal(tap(99), TAP_TAKE);
}

static void one_badge_cannot_close_a_reader(void **state) {
        for (unsigned i = 0; i < 200; i++) {
                (void) tap(1);
                now += 50 * MS;
        }
        assert_int_equal(tap(2), TAP_TAKE);
}

static void a_queue_is_no_crowd(void **state) {
        for (unsigned n = 1; n <= 200; n++) {
                assert_int_equal(tap(n), TAP_TAKE);
                now += 650 * MS;
        }
}

static void with_input_a_badge_must_be_held(void **state) {
        assert_int_equal(lay_at_session(TAP_FILTER_INPUT_USEC - 1), TAP_HOLD);
        assert_int_equal(until, now + TAP_FILTER_HOLD_USEC);
        lift();
        now += 5 * SECOND;
        assert_int_equal(lay_at_session(TAP_FILTER_INPUT_USEC), TAP_TAKE);
}

static void input_after_it_came_counts_as_well(void **state) {
        struct tap_filter_question q = question(1);
        q.seat_has_session = true;
        tap_filter_inserted(filter, "A", now);
        now += 400 * MS; /* it took so long to read it */
        q.last_input_usec = now;
        assert_int_equal(ask(&q), TAP_HOLD);
        assert_int_equal(until, q.seen_usec + TAP_FILTER_HOLD_USEC);
}

static void where_nobody_knows_of_input_it_must_be_held(void **state) {
        struct tap_filter_question q = question(1);
        q.seat_has_session = true;
        q.last_input_usec = UINT64_MAX;
        tap_filter_inserted(filter, "A", now);
        assert_int_equal(ask(&q), TAP_HOLD);
        lift();
        now += 5 * SECOND;
        q.seen_usec = now;
        q.last_input_usec = 0; /* there was none */
        tap_filter_inserted(filter, "A", now);
        assert_int_equal(ask(&q), TAP_TAKE);
}

static void at_a_greeter_a_moment_is_enough(void **state) {
        struct tap_filter_question q = question(1);
        q.last_input_usec = now;
        tap_filter_inserted(filter, "A", now);
        assert_int_equal(ask(&q), TAP_TAKE);
}

static void one_that_was_brushed_past_is_no_tap(void **state) {
        struct tap_filter_question q = question(1);
        q.seat_has_session = true;
        q.last_input_usec = now;
        tap_filter_inserted(filter, "A", now);
        now += 300 * MS;
        lift();
        now += 10 * MS;
        assert_int_equal(ask(&q), TAP_NOT_HELD);
        /* Another card in its place does not hold it either: it was read for itself. */
        now += SECOND;
        q.seen_usec = now;
        tap_filter_inserted(filter, "A", now);
        assert_int_equal(ask(&q), TAP_HOLD);
        tap_filter_lost(filter, now);
        now += SECOND;
        q.seen_usec = now - 1;
        assert_int_equal(ask(&q), TAP_NOT_HELD);
}

static void a_card_that_is_slow_to_read_was_held_meanwhile(void **state) {
        struct tap_filter_question q = question(1);
        q.seat_has_session = true;
        q.last_input_usec = now;
        tap_filter_inserted(filter, "A", now);
        now += TAP_FILTER_HOLD_USEC;
        assert_int_equal(ask(&q), TAP_TAKE);
}

static void what_is_exempt_passes_and_is_not_counted(void **state) {
        struct tap_filter_question q = question(1);
        q.exempt = true;
        tap_filter_used(filter, badge(1), false, now);
        for (unsigned i = 0; i < 20; i++) {
                q.seen_usec = now;
                tap_filter_inserted(filter, "A", now);
                assert_int_equal(ask(&q), TAP_TAKE);
                lift();
                now += 500 * MS;
        }
        assert_int_equal(tap(1), TAP_TAKE); /* and none of them was counted */
}

/* A USB port that is plugged in and out under ever new names. */
static void readers_may_come_and_go(void **state) {
        struct tap_filter_question q = question(1);
        char name[32];
        q.reader = name;
        for (unsigned i = 0; i < 1000; i++) {
                (void) snprintf(name, sizeof(name), "Reader %u", i);
                q.seen_usec = now;
                tap_filter_inserted(filter, name, now);
                assert_int_equal(ask(&q), TAP_TAKE);
                tap_filter_removed(filter, name, now);
                now += SECOND;
        }
        for (unsigned i = 0; i < 5; i++)
                (void) tap(1);
        assert_int_equal(tap(1), TAP_NEARBY);
        tap_filter_removed(filter, "never seen", now);
}

/* What the watch says comes from another process, and may be a little later than what follows from it. */
static void times_may_be_out_of_order(void **state) {
        struct tap_filter_question q = question(1);
        tap_filter_inserted(filter, "A", now + 10);
        q.seen_usec = now - 5;
        assert_int_equal(ask(&q), TAP_TAKE);
        tap_filter_removed(filter, "A", now + 20);
        tap_filter_used(filter, badge(1), false, now + 30);
        q.seen_usec = now + 10;
        tap_filter_inserted(filter, "A", now);
        assert_int_equal(ask(&q), TAP_SAME);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
        const struct CMUnitTest tests[] = {
                TEST(the_same_badge_is_ignored_after_it_was_used),
                TEST(another_badge_never_is),
                TEST(who_was_refused_may_tap_again_at_once),
                TEST(it_is_the_same_on_another_reader),
                TEST(what_flickers_after_its_use_is_no_tap),
                TEST(what_is_unreadable_just_after_is_the_same_badge),
                TEST(after_it_was_away_it_counts_again),
                TEST(the_fifth_within_a_minute_lies_near_the_reader),
                TEST(each_spell_is_one_record),
                TEST(four_within_a_minute_are_meant),
                TEST(who_touches_her_key_each_time_means_it),
                TEST(one_that_lies_still_is_not_away),
                TEST(a_removal_may_come_before_the_number),
                TEST(near_one_reader_is_not_near_another),
                TEST(cards_that_cannot_be_read_count_together),
                TEST(a_flood_does_not_have_it_forgotten),
                TEST(nor_do_strangers_who_queue),
                TEST(when_all_places_are_taken_strangers_are_ignored),
                TEST(two_cards_in_a_wallet_are_ignored_both),
                TEST(a_reader_with_32_badges_is_ignored),
                TEST(one_badge_cannot_close_a_reader),
                TEST(a_queue_is_no_crowd),
                TEST(with_input_a_badge_must_be_held),
                TEST(input_after_it_came_counts_as_well),
                TEST(where_nobody_knows_of_input_it_must_be_held),
                TEST(at_a_greeter_a_moment_is_enough),
                TEST(one_that_was_brushed_past_is_no_tap),
                TEST(a_card_that_is_slow_to_read_was_held_meanwhile),
                TEST(what_is_exempt_passes_and_is_not_counted),
                TEST(readers_may_come_and_go),
                TEST(times_may_be_out_of_order),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
