/* SPDX-License-Identifier: Apache-2.0 */
/* Each tap has one owner; when it is whose, and when nobody's. */
#include "helper/taps.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define SECOND 1000000U
#define NOW (1000U * (uint64_t) SECOND)

static int setup(void **state) {
        struct taps *t;
        if (taps_new(&t) < 0 || taps_add_reader(t, "A") != 1 || taps_add_reader(t, "B") != 1)
                return -1;
        *state = t;
        return 0;
}

static int teardown(void **state) {
        (void) taps_free(*state);
        return 0;
}

static struct tap tap_at(const char *reader, uint64_t seen_usec) {
        struct tap t = {.seen_usec = seen_usec, .number = {1, 2, 3, 4}, .number_len = 4, .n_indexes = 1};
        (void) snprintf(t.reader, sizeof(t.reader), "%s", reader);
        return t;
}

static void tap(struct taps *t, const char *reader, uint64_t now_usec) {
        const struct tap new = tap_at(reader, now_usec);
        assert_int_equal(taps_add(t, &new, "seat0", now_usec), 0);
}

static void want(struct taps *t, uint64_t client, uint64_t now_usec) {
        assert_int_equal(taps_want(t, client, "seat0", 0, TAPS_SIGN_IN, now_usec), 0);
}

static void show(struct taps *t, unsigned vt, const char *greeter) {
        struct taps_screen screen = {.vt = vt};
        (void) snprintf(screen.greeter, sizeof(screen.greeter), "%s", greeter);
        taps_set_screen(t, &screen);
}

/* Who gets a tap now; 0 for nobody. */
static uint64_t owner(struct taps *t, uint64_t now_usec, struct tap *ret_tap) {
        uint64_t client;
        return taps_hand_out(t, now_usec, &client, ret_tap) == 1 ? client : 0;
}

static void a_tap_belongs_to_one_attempt(void **state) {
        struct taps *t = *state;
        struct tap got;
        want(t, 1, NOW);
        want(t, 2, NOW);
        tap(t, "A", NOW + 1);
        assert_int_equal(owner(t, NOW + 1, &got), 1);
        assert_string_equal(got.reader, "A");
        assert_int_equal(owner(t, NOW + 1, &got), 0);
        assert_int_equal(taps_waiting(t), 1);
}

static void who_waits_longest_gets_it(void **state) {
        struct taps *t = *state;
        struct tap got;
        for (uint64_t i = 1; i <= 5; i++)
                want(t, i, NOW);
        taps_client_gone(t, 1);
        want(t, 2, NOW + 5); /* asking again keeps the place */
        for (uint64_t i = 2; i <= 5; i++) {
                tap(t, "A", NOW + i);
                assert_int_equal(owner(t, NOW + i, &got), i);
        }
}

static void a_tap_may_come_before_the_attempt(void **state) {
        struct taps *t = *state;
        struct tap got;
        tap(t, "A", NOW);
        assert_int_equal(owner(t, NOW, &got), 0);
        want(t, 1, NOW + 3 * SECOND);
        assert_int_equal(owner(t, NOW + 3 * SECOND, &got), 1);
}

static void a_hang_up_gives_the_tap_back(void **state) {
        struct taps *t = *state;
        struct tap first, second;
        want(t, 1, NOW);
        tap(t, "A", NOW);
        assert_int_equal(owner(t, NOW, &first), 1);
        taps_client_gone(t, 1);
        want(t, 2, NOW + SECOND);
        assert_int_equal(owner(t, NOW + SECOND, &second), 2);
        assert_int_equal(first.id, second.id);
        assert_int_equal(first.seen_usec, second.seen_usec);
}

static void a_verdict_uses_the_tap_up(void **state) {
        struct taps *t = *state;
        struct tap got;
        const char *reader;
        want(t, 1, NOW);
        tap(t, "A", NOW);
        assert_int_equal(owner(t, NOW, &got), 1);
        assert_int_equal(taps_verdict(t, 1, false, NOW, &reader), 0);
        taps_client_gone(t, 1);
        want(t, 2, NOW);
        assert_int_equal(owner(t, NOW, &got), 0);
}

static void asking_for_another_uses_the_first_up(void **state) {
        struct taps *t = *state;
        struct tap got;
        want(t, 1, NOW);
        tap(t, "A", NOW);
        assert_int_equal(owner(t, NOW, &got), 1);
        want(t, 1, NOW + 1);
        want(t, 2, NOW + 1);
        assert_int_equal(owner(t, NOW + 1, &got), 0);
        tap(t, "B", NOW + 2);
        assert_int_equal(owner(t, NOW + 2, &got), 1);
}

static void a_tap_older_than_20_s_is_nobodys(void **state) {
        struct taps *t = *state;
        struct tap got;
        const struct tap stale = tap_at("B", NOW - 20 * SECOND);
        tap(t, "A", NOW);
        want(t, 1, NOW);
        want(t, 2, NOW);
        assert_int_equal(owner(t, NOW + 20 * SECOND - 1, &got), 1);
        taps_client_gone(t, 1);
        assert_int_equal(owner(t, NOW + 20 * SECOND, &got), 0);
        assert_int_equal(taps_add(t, &stale, "seat0", NOW), -ESTALE);
        assert_int_equal(taps_next_expiry(t), UINT64_MAX);
}

/* The time comes from wardtap-device, which is not believed: such a tap would stay fresh, and its end, once
 * it wraps round, would keep a timer busy. */
static void a_tap_of_the_future_is_none(void **state) {
        struct taps *t = *state;
        const struct tap soon = tap_at("A", NOW + 1), last = tap_at("A", UINT64_MAX);
        assert_int_equal(taps_add(t, &soon, "seat0", NOW), -ESTALE);
        assert_int_equal(taps_add(t, &last, "seat0", NOW), -ESTALE);
        assert_int_equal(taps_next_expiry(t), UINT64_MAX);
}

static void a_newer_tap_replaces_the_older(void **state) {
        struct taps *t = *state;
        struct tap got;
        tap(t, "A", NOW);
        tap(t, "A", NOW + 5);
        want(t, 1, NOW + 6);
        assert_int_equal(owner(t, NOW + 6, &got), 1);
        assert_int_equal(got.seen_usec, NOW + 5);
        want(t, 2, NOW + 6);
        assert_int_equal(owner(t, NOW + 6, &got), 0);
}

static void a_hang_up_gives_nothing_back_after_a_newer_tap(void **state) {
        struct taps *t = *state;
        struct tap got;
        want(t, 1, NOW);
        tap(t, "A", NOW);
        assert_int_equal(owner(t, NOW, &got), 1);
        tap(t, "A", NOW + 5);
        taps_client_gone(t, 1);
        want(t, 2, NOW + 6);
        assert_int_equal(owner(t, NOW + 6, &got), 2);
        assert_int_equal(got.seen_usec, NOW + 5);
        want(t, 3, NOW + 6);
        assert_int_equal(owner(t, NOW + 6, &got), 0);
}

static void two_taps_on_two_readers_have_two_owners(void **state) {
        struct taps *t = *state;
        struct tap got;
        tap(t, "B", NOW);
        tap(t, "A", NOW + 1);
        want(t, 1, NOW + 2);
        want(t, 2, NOW + 2);
        assert_int_equal(owner(t, NOW + 2, &got), 1); /* the earlier tap first */
        assert_string_equal(got.reader, "B");
        assert_int_equal(owner(t, NOW + 2, &got), 2);
        assert_string_equal(got.reader, "A");
}

static void a_tap_is_gone_with_its_reader(void **state) {
        struct taps *t = *state;
        struct tap got;
        tap(t, "A", NOW);
        assert_int_equal(taps_remove_reader(t, "A"), 1);
        assert_int_equal(taps_remove_reader(t, "A"), 0);
        assert_int_equal(taps_add_reader(t, "A"), 1);
        want(t, 1, NOW);
        assert_int_equal(owner(t, NOW, &got), 0);
}

static void a_tap_that_is_held_does_not_come_back_after_its_reader_went(void **state) {
        struct taps *t = *state;
        struct tap got;
        want(t, 1, NOW);
        tap(t, "A", NOW);
        assert_int_equal(owner(t, NOW, &got), 1);
        assert_int_equal(taps_remove_reader(t, "A"), 1);
        assert_int_equal(taps_add_reader(t, "A"), 1);
        taps_client_gone(t, 1);
        want(t, 2, NOW);
        assert_int_equal(owner(t, NOW, &got), 0);
}

static void an_enrolment_gets_only_a_new_tap(void **state) {
        struct taps *t = *state;
        struct tap got;
        tap(t, "A", NOW);
        assert_int_equal(taps_want(t, 9, "seat0", 0, TAPS_ENROL, NOW), 0);
        assert_int_equal(owner(t, NOW, &got), 0);
        tap(t, "A", NOW + 1);
        assert_int_equal(owner(t, NOW + 1, &got), 9);
}

static void whether_an_enrolment_waits_for_a_tap(void **state) {
        struct taps *t = *state;
        struct tap got;
        want(t, 1, NOW);
        assert_false(taps_is_enrolling(t, "seat0", NOW + 1));
        assert_int_equal(taps_want(t, 9, "", 0, TAPS_ENROL, NOW), 0);
        assert_false(taps_is_enrolling(t, "seat0", NOW)); /* seen before it asked */
        assert_false(taps_is_enrolling(t, "seat1", NOW + 1));
        assert_true(taps_is_enrolling(t, "seat0", NOW + 1));
        tap(t, "A", NOW + 1);
        assert_int_equal(owner(t, NOW + 1, &got), 9);
        assert_false(taps_is_enrolling(t, "seat0", NOW + 2)); /* it has what it asked for */
}

static void what_a_client_holds(void **state) {
        struct taps *t = *state;
        struct tap got;
        const char *reader;
        want(t, 1, NOW);
        assert_null(taps_held(t, 1));
        tap(t, "B", NOW + 1);
        assert_null(taps_held(t, 0));
        assert_int_equal(owner(t, NOW + 1, &got), 1);
        assert_string_equal(taps_held(t, 1)->reader, "B");
        assert_null(taps_held(t, 2));
        assert_int_equal(taps_verdict(t, 1, false, NOW + 2, &reader), 0);
        assert_null(taps_held(t, 1));
}

static void an_enrolment_goes_before_attempts(void **state) {
        struct taps *t = *state;
        struct tap got;
        want(t, 1, NOW);
        assert_int_equal(taps_want(t, 9, "", 0, TAPS_ENROL, NOW + 1), 0);
        tap(t, "A", NOW + 2);
        assert_int_equal(owner(t, NOW + 2, &got), 9);
        assert_int_equal(owner(t, NOW + 2, &got), 0);
        tap(t, "A", NOW + 3); /* it asked for one */
        assert_int_equal(owner(t, NOW + 3, &got), 1);
}

static void a_badge_being_enrolled_signs_nobody_in(void **state) {
        struct taps *t = *state;
        struct tap got;
        assert_int_equal(taps_want(t, 9, "seat0", 0, TAPS_ENROL, NOW), 0);
        tap(t, "A", NOW + 1);
        assert_int_equal(owner(t, NOW + 1, &got), 9);
        taps_client_gone(t, 9);
        want(t, 1, NOW + 2);
        assert_int_equal(owner(t, NOW + 2, &got), 0);
}

static void only_an_enrolment_sees_the_number(void **state) {
        static const uint8_t zero[BADGE_NUMBER_MAX];
        struct taps *t = *state;
        struct tap got;
        want(t, 1, NOW);
        tap(t, "A", NOW + 1);
        assert_int_equal(owner(t, NOW + 1, &got), 1);
        assert_int_equal(got.number_len, 0);
        assert_memory_equal(got.number, zero, sizeof(zero));
        assert_int_equal(taps_want(t, 9, "seat0", 0, TAPS_ENROL, NOW + 1), 0);
        tap(t, "A", NOW + 2);
        assert_int_equal(owner(t, NOW + 2, &got), 9);
        assert_int_equal(got.number_len, 4);
}

static void a_tap_stays_on_its_seat(void **state) {
        struct taps *t = *state;
        struct tap got;
        assert_int_equal(taps_want(t, 1, "seat1", 0, TAPS_SIGN_IN, NOW), 0);
        tap(t, "A", NOW + 1);
        assert_int_equal(owner(t, NOW + 1, &got), 0);
        assert_int_equal(taps_want(t, 2, "", 0, TAPS_SIGN_IN, NOW), 0); /* no seat named: seat0 */
        assert_int_equal(owner(t, NOW + 1, &got), 2);
}

static void unknown(struct taps *t, const char *reader, uint64_t now_usec, int slowed) {
        struct tap got;
        const char *name = NULL;
        tap(t, reader, now_usec);
        want(t, 1, now_usec);
        assert_int_equal(owner(t, now_usec, &got), 1);
        assert_int_equal(taps_verdict(t, 1, true, now_usec, &name), slowed);
        if (slowed)
                assert_string_equal(name, reader);
}

static void ten_unknown_badges_in_a_minute_slow_the_reader(void **state) {
        struct taps *t = *state;
        const struct tap ignored = tap_at("A", NOW + 20 * SECOND);
        for (unsigned i = 1; i <= 10; i++)
                unknown(t, "A", NOW + i * SECOND, i == 10);
        uint64_t end = NOW + 40 * SECOND;
        assert_true(taps_is_slowed(t, "A", end - 1));
        assert_false(taps_is_slowed(t, "B", end - 1));
        assert_int_equal(taps_add(t, &ignored, "seat0", NOW + 20 * SECOND), -EBUSY);
        tap(t, "B", NOW + 20 * SECOND);
        assert_false(taps_is_slowed(t, "A", end));
        tap(t, "A", end);
}

static void nine_in_a_minute_do_not(void **state) {
        struct taps *t = *state;
        for (unsigned i = 0; i < 40; i++)
                unknown(t, "A", NOW + i * 7 * SECOND, 0); /* never ten within 60 s */
}

static void known_badges_never_slow_a_reader(void **state) {
        struct taps *t = *state;
        struct tap got;
        const char *name;
        for (unsigned i = 0; i < 100; i++) {
                tap(t, "A", NOW + i);
                want(t, 1, NOW + i);
                assert_int_equal(owner(t, NOW + i, &got), 1);
                assert_int_equal(taps_verdict(t, 1, false, NOW + i, &name), 0);
        }
}

/* A client that had no tap cannot slow anybody's reader by its word alone. */
static void a_verdict_without_a_tap_slows_nothing(void **state) {
        struct taps *t = *state;
        const char *name;
        for (unsigned i = 0; i < 50; i++) {
                want(t, 1, NOW + i);
                assert_int_equal(taps_verdict(t, 1, true, NOW + i, &name), 0);
        }
        assert_false(taps_is_slowed(t, "A", NOW + 60));
}

static void everything_is_bounded(void **state) {
        struct taps *t = *state;
        char name[16];
        for (unsigned i = 2; i < DEVICE_READERS_MAX; i++) {
                (void) snprintf(name, sizeof(name), "R%u", i);
                assert_int_equal(taps_add_reader(t, name), 1);
        }
        assert_int_equal(taps_add_reader(t, "one more"), -ENOSPC);
        assert_int_equal(taps_add_reader(t, "A"), 0);
        for (uint64_t i = 1; i <= TAPS_CLIENTS_MAX; i++)
                want(t, i, NOW);
        assert_int_equal(taps_want(t, 1000, "", 0, TAPS_SIGN_IN, NOW), -ENOSPC);
        taps_client_gone(t, 5);
        want(t, 1000, NOW);
}

static void a_tap_on_a_reader_that_is_not_there_is_nothing(void **state) {
        struct taps *t = *state;
        const struct tap lost = tap_at("C", NOW);
        assert_int_equal(taps_add(t, &lost, "seat0", NOW), -ENODEV);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* sudo -i in somebody's session, waiting all day. */
static void a_sign_in_goes_before_a_step_up_that_waited_longer(void **state) {
        struct taps *t = *state;
        struct tap got;
        assert_int_equal(taps_want(t, 1, "seat0", 0, TAPS_STEP_UP, NOW), 0);
        want(t, 2, NOW + 1);
        tap(t, "A", NOW + 2);
        assert_int_equal(owner(t, NOW + 2, &got), 2);
        tap(t, "A", NOW + 3);
        assert_int_equal(owner(t, NOW + 3, &got), 1); /* nobody else wants it */
        assert_int_equal(got.number_len, 0);
}

static void a_step_up_gets_no_tap_of_before(void **state) {
        struct taps *t = *state;
        struct tap got;
        tap(t, "A", NOW);
        assert_int_equal(taps_want(t, 1, "seat0", 0, TAPS_STEP_UP, NOW + 1), 0);
        assert_int_equal(owner(t, NOW + 1, &got), 0);
        want(t, 2, NOW + 2);
        assert_int_equal(owner(t, NOW + 2, &got), 2);
}

static void where_the_screen_is_not_known_who_waits_longest_gets_it(void **state) {
        struct taps *t = *state;
        struct tap got;
        want(t, 1, NOW); /* a greeter */
        assert_int_equal(taps_want(t, 2, "seat0", 2, TAPS_SIGN_IN, NOW + 1), 0);
        tap(t, "A", NOW + 2);
        assert_int_equal(owner(t, NOW + 2, &got), 1);
}

static void a_greeter_that_is_not_on_the_screen_gets_no_tap(void **state) {
        struct taps *t = *state;
        struct tap got;
        show(t, 7, "c1");
        want(t, 1, NOW);
        assert_string_equal(taps_greeter_of(t, 1), "c1");
        assert_string_equal(taps_greeter_of(t, 2), "");
        assert_int_equal(taps_waiting(t), 1);
        show(t, 8, ""); /* somebody's session */
        tap(t, "A", NOW + 1);
        assert_int_equal(owner(t, NOW + 1, &got), 0);
        assert_int_equal(taps_waiting(t), 0);
        assert_true(taps_is_unheard(t, "seat0", NOW + 1));
        show(t, 9, "c2");
        assert_int_equal(owner(t, NOW + 2, &got), 0);
        want(t, 2, NOW + 3);
        assert_int_equal(owner(t, NOW + 3, &got), 2);
        show(t, 7, "c1");
        tap(t, "B", NOW + 4);
        assert_int_equal(owner(t, NOW + 4, &got), 1);
}

static void a_tap_is_unheard_where_nobody_waits_and_nobody_is_judged(void **state) {
        struct taps *t = *state;
        struct tap got;
        assert_false(taps_is_unheard(t, "seat0", NOW));
        tap(t, "A", NOW);
        assert_true(taps_is_unheard(t, "seat0", NOW));
        assert_false(taps_is_unheard(t, "seat1", NOW));
        assert_int_equal(taps_want(t, 9, "seat0", 0, TAPS_STEP_UP, NOW + 1),
                         0); /* sudo hears no greeter's tap */
        assert_true(taps_is_unheard(t, "seat0", NOW + 1));
        assert_false(taps_is_unheard(t, "seat0", NOW + BROKER_TAP_FRESH_USEC));
        want(t, 1, NOW + 1);
        assert_false(taps_is_unheard(t, "seat0", NOW + 1));
        assert_int_equal(owner(t, NOW + 1, &got), 1);
        tap(t, "B", NOW + 2);
        assert_false(taps_is_unheard(t, "seat0", NOW + 2)); /* the other person's turn comes */
        taps_client_gone(t, 1);
        assert_true(taps_is_unheard(t, "seat0", NOW + 2));
}

static void a_tap_is_for_what_is_on_the_screen(void **state) {
        struct taps *t = *state;
        struct tap got;
        want(t, 1, NOW); /* a greeter */
        assert_int_equal(taps_want(t, 2, "seat0", 2, TAPS_SIGN_IN, NOW), 0);
        assert_int_equal(taps_want(t, 3, "seat0", 3, TAPS_SIGN_IN, NOW), 0);
        show(t, 7, "");
        tap(t, "A", NOW + 1);
        assert_int_equal(owner(t, NOW + 1, &got), 1);
        want(t, 1, NOW + 2);
        show(t, 3, "");
        tap(t, "A", NOW + 3);
        assert_int_equal(owner(t, NOW + 3, &got),
                         3); /* not the greeter, and not the one who waited longer */
        tap(t, "B", NOW + 4);
        assert_int_equal(owner(t, NOW + 4, &got), 1);
        taps_client_gone(t, 1);
        tap(t, "A", NOW + 5);
        assert_int_equal(owner(t, NOW + 5, &got), 1 - 1); /* terminal 2 is not seen */
        show(t, 2, "");
        assert_int_equal(owner(t, NOW + 6, &got), 2);
}

static void of_two_taps_at_an_open_session_the_first_counts(void **state) {
        struct taps *t = *state;
        const struct taps_screen screen = {.vt = 8, .seat = true, .manager = true, .person = true};
        struct tap got;
        taps_set_screen(t, &screen);
        tap(t, "B", NOW);
        tap(t, "A", NOW + 1);
        assert_int_equal(taps_want(t, 7, "seat0", 0, TAPS_SEAT, NOW + 2), 0);
        assert_int_equal(owner(t, NOW + 2, &got), 7);
        assert_string_equal(got.reader, "B");
        taps_client_gone(t, 7); /* without a verdict: it is judged anew */
        assert_true(taps_is_unheard(t, "seat0", NOW + 3));
        assert_int_equal(taps_want(t, 8, "seat0", 0, TAPS_SEAT, NOW + 3), 0);
        assert_int_equal(owner(t, NOW + 3, &got), 8);
        assert_string_equal(got.reader, "B");
        const char *reader;
        assert_int_equal(taps_verdict(t, 8, false, NOW + 4, &reader), 0);
        assert_false(taps_is_unheard(t, "seat0", NOW + 4)); /* the second is nobody's */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_tap_belongs_to_one_attempt),
                TEST(a_sign_in_goes_before_a_step_up_that_waited_longer),
                TEST(a_step_up_gets_no_tap_of_before),
                TEST(who_waits_longest_gets_it),
                TEST(a_tap_may_come_before_the_attempt),
                TEST(a_hang_up_gives_the_tap_back),
                TEST(a_verdict_uses_the_tap_up),
                TEST(asking_for_another_uses_the_first_up),
                TEST(a_tap_older_than_20_s_is_nobodys),
                TEST(a_tap_of_the_future_is_none),
                TEST(a_newer_tap_replaces_the_older),
                TEST(a_hang_up_gives_nothing_back_after_a_newer_tap),
                TEST(two_taps_on_two_readers_have_two_owners),
                TEST(a_tap_is_gone_with_its_reader),
                TEST(a_tap_that_is_held_does_not_come_back_after_its_reader_went),
                TEST(an_enrolment_gets_only_a_new_tap),
                TEST(whether_an_enrolment_waits_for_a_tap),
                TEST(what_a_client_holds),
                TEST(an_enrolment_goes_before_attempts),
                TEST(a_badge_being_enrolled_signs_nobody_in),
                TEST(only_an_enrolment_sees_the_number),
                TEST(a_tap_stays_on_its_seat),
                TEST(ten_unknown_badges_in_a_minute_slow_the_reader),
                TEST(nine_in_a_minute_do_not),
                TEST(known_badges_never_slow_a_reader),
                TEST(a_verdict_without_a_tap_slows_nothing),
                TEST(everything_is_bounded),
                TEST(a_tap_on_a_reader_that_is_not_there_is_nothing),
                TEST(a_tap_is_for_what_is_on_the_screen),
                TEST(where_the_screen_is_not_known_who_waits_longest_gets_it),
                TEST(a_greeter_that_is_not_on_the_screen_gets_no_tap),
                TEST(a_tap_is_unheard_where_nobody_waits_and_nobody_is_judged),
                TEST(of_two_taps_at_an_open_session_the_first_counts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
