/* SPDX-License-Identifier: Apache-2.0 */
/* Who has left: only whoever took away what she signed in with, and nobody because something broke. */
#include "helper/walkaway.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define SEC(n) ((uint64_t) ((n) *1000000.0))
#define ANNA "AAAAAAAA"
#define BERT "BBBBBBBB"
#define KEY_A "00ff00ff00ff00ff00ff00ff00ff00ff"
#define KEY_B "11ff00ff00ff00ff00ff00ff00ff00ff"

struct world {
        struct walkaway *w;
        char log[128]; /* who has left, and why */
        bool ends;     /* the session ends at once */
        unsigned changes, attempts;
};

static void on_left(void *userdata, const char *session, const char *reason) {
        struct world *x = userdata;
        size_t n = strlen(x->log);
        (void) snprintf(x->log + n, sizeof(x->log) - n, "%s:%s ", session, reason);
        if (x->ends)
                walkaway_gone(x->w, session);
}

static void on_changed(void *userdata) {
        ((struct world *) userdata)->changes++;
}

static const struct walkaway_events events = {on_left, on_changed};

static int setup(void **state) {
        static struct world x;
        x = (struct world){0};
        *state = &x;
        return walkaway_new(NULL, &events, &x, &x.w);
}

static int teardown(void **state) {
        struct world *x = *state;
        x->w = walkaway_free(x->w);
        return 0;
}

/* Time goes on until then, with everything that is due on the way. */
static void until(struct world *x, uint64_t usec) {
        for (uint64_t next; (next = walkaway_next(x->w)) <= usec;)
                walkaway_expire(x->w, next);
        walkaway_expire(x->w, usec);
}

static void card(struct world *x, const char *reader, const char *token, uint64_t usec) {
        until(x, usec);
        walkaway_card(x->w, reader, true, usec);
        assert_false(walkaway_card_read(x->w, reader, token, usec));
}

static void lift(struct world *x, const char *reader, uint64_t usec) {
        until(x, usec);
        walkaway_card(x->w, reader, false, usec);
}

static void sign_in(struct world *x, const char *session, const char *reader, const char *token,
                    const char *device, uint64_t usec) {
        char attempt[33];
        (void) snprintf(attempt, sizeof(attempt), "%032x", ++x->attempts);
        const struct walkaway_proof p = {reader, token, device, attempt};
        until(x, usec);
        assert_int_equal(walkaway_signed_in(x->w, session, &p, usec), 0);
        walkaway_shown(x->w, session, usec);
}

static void left(struct world *x, const char *wanted) {
        assert_string_equal(x->log, wanted);
        x->log[0] = 0;
}

static void a_badge_that_stays_and_is_taken_out_locks(void **state) {
        struct world *x = *state;
        card(x, "A", ANNA, SEC(10));
        sign_in(x, "c1", "A", ANNA, "", SEC(11));
        lift(x, "A", SEC(100));
        until(x, SEC(101) - 1);
        left(x, "");
        until(x, SEC(101));
        left(x, "c1:badge-removed ");
        until(x, SEC(1000));
        left(x, ""); /* once */
}

static void a_tap_is_no_walking_away(void **state) {
        struct world *x = *state;
        card(x, "A", ANNA, SEC(10));
        lift(x, "A", SEC(10.4));
        sign_in(x, "c1", "A", ANNA, "", SEC(11)); /* gone before */
        until(x, SEC(100));
        left(x, "");
        assert_true(walkaway_next(x->w) == UINT64_MAX); /* and no timer runs for it */

        card(x, "A", ANNA, SEC(200));
        sign_in(x, "c1", "A", ANNA, "", SEC(201));
        lift(x, "A", SEC(206) - 1); /* held a little longer */
        until(x, SEC(300));
        left(x, "");
        assert_true(walkaway_next(x->w) == UINT64_MAX);
}

/* Her desktop takes 20 s to come, and she waits for it with her hand on badge and key. */
static void a_slow_session_gives_time_to_take_badge_and_key(void **state) {
        struct world *x = *state;
        const struct walkaway_proof p = {"A", ANNA, KEY_A, ""};
        card(x, "A", ANNA, SEC(10));
        walkaway_key(x->w, KEY_A, true, SEC(10));
        assert_int_equal(walkaway_signed_in(x->w, "c1", &p, SEC(11)), 0);
        until(x, SEC(31));
        walkaway_shown(x->w, "c1", SEC(31));
        walkaway_key(x->w, KEY_A, false, SEC(34));
        lift(x, "A", SEC(35));
        until(x, SEC(100));
        left(x, "");
}

static void five_seconds_are_staying(void **state) {
        struct world *x = *state;
        card(x, "A", ANNA, SEC(10));
        sign_in(x, "c1", "A", ANNA, "", SEC(11));
        lift(x, "A", SEC(16));
        until(x, SEC(18));
        left(x, "c1:badge-removed ");
}

static void another_badge_changes_nothing(void **state) {
        struct world *x = *state;
        card(x, "A", ANNA, SEC(10));
        sign_in(x, "c1", "A", ANNA, "", SEC(11));
        card(x, "B", BERT, SEC(20));
        lift(x, "B", SEC(30));
        card(x, "B", ANNA, SEC(40)); /* nor hers, or a copy of it, on another reader */
        lift(x, "B", SEC(50));
        until(x, SEC(60));
        left(x, "");
        lift(x, "A", SEC(70));
        until(x, SEC(80));
        left(x, "c1:badge-removed ");
}

/* His badge took the place of hers while she looked for her key. */
static void a_card_that_is_not_the_one_that_was_tapped_does_not_count(void **state) {
        struct world *x = *state;
        card(x, "A", ANNA, SEC(10));
        lift(x, "A", SEC(11));
        card(x, "A", BERT, SEC(12));
        sign_in(x, "c1", "A", ANNA, "", SEC(13));
        lift(x, "A", SEC(60));
        until(x, SEC(70));
        left(x, "");
}

static void a_badge_that_slips_is_no_tap_and_no_walking_away(void **state) {
        struct world *x = *state;
        card(x, "A", ANNA, SEC(10));
        sign_in(x, "c1", "A", ANNA, "", SEC(11));
        for (unsigned i = 0; i < 50; i++) {
                lift(x, "A", SEC(20 + i));
                until(x, SEC(20.9 + i));
                walkaway_card(x->w, "A", true, SEC(20.9 + i));
                until(x, SEC(20.99 + i));
                assert_true(walkaway_card_read(x->w, "A", ANNA, SEC(20.99 + i)));
        }
        left(x, "");
        lift(x, "A", SEC(100));
        until(x, SEC(101));
        left(x, "c1:badge-removed ");
        card(x, "A", ANNA, SEC(101.1)); /* too late: this is a tap */
}

static void another_badge_in_its_place_says_that_it_was_taken(void **state) {
        struct world *x = *state;
        card(x, "A", ANNA, SEC(10));
        sign_in(x, "c1", "A", ANNA, "", SEC(11));
        lift(x, "A", SEC(20));
        walkaway_card(x->w, "A", true, SEC(20.1));
        left(x, "");
        assert_false(walkaway_card_read(x->w, "A", BERT, SEC(20.3)));
        left(x, "c1:badge-removed "); /* before anybody looks at his */
}

static void a_card_that_cannot_be_read_is_not_hers(void **state) {
        struct world *x = *state;
        card(x, "A", ANNA, SEC(10));
        sign_in(x, "c1", "A", ANNA, "", SEC(11));
        lift(x, "A", SEC(20));
        walkaway_card(x->w, "A", true, SEC(20.1));
        assert_false(walkaway_card_read(x->w, "A", NULL, SEC(20.3)));
        left(x, "c1:badge-removed ");

        card(x, "A", ANNA, SEC(30));
        sign_in(x, "c1", "A", ANNA, "", SEC(31));
        lift(x, "A", SEC(40));
        walkaway_card(x->w, "A", true, SEC(40.1)); /* and nothing is ever heard of it */
        until(x, SEC(40.1) + WALKAWAY_READ_USEC);
        left(x, "c1:badge-removed ");
}

static void only_the_session_on_the_screen_has_somebody_to_leave_it(void **state) {
        struct world *x = *state;
        card(x, "A", ANNA, SEC(10));
        sign_in(x, "c1", "A", ANNA, "", SEC(11));
        walkaway_key(x->w, KEY_B, true, SEC(12));
        sign_in(x, "c2", "", "", KEY_B, SEC(20)); /* hers is parked */
        lift(x, "A", SEC(30));
        until(x, SEC(40));
        left(x, "");
        walkaway_parked(x->w, "c2");
        walkaway_key(x->w, KEY_B, false, SEC(50));
        until(x, SEC(60));
        left(x, "");
}

static void a_key_that_stays_and_is_taken_out_locks(void **state) {
        struct world *x = *state;
        walkaway_key(x->w, KEY_A, true, SEC(1));
        walkaway_key(x->w, KEY_B, true, SEC(1));
        sign_in(x, "c1", "A", ANNA, KEY_A, SEC(10));
        until(x, SEC(20));
        walkaway_key(x->w, KEY_B, false, SEC(20));
        walkaway_key(x->w, KEY_B, true, SEC(21));
        left(x, "");
        assert_true(walkaway_key_left(x->w, "c1"));
        walkaway_key(x->w, KEY_A, false, SEC(30));
        left(x, "c1:key-removed ");
        assert_false(walkaway_key_left(x->w, "c1"));
        walkaway_key(x->w, KEY_A, true, SEC(40)); /* plugged in again, it is nobody's */
        walkaway_key(x->w, KEY_A, false, SEC(50));
        left(x, "");
}

static void a_key_taken_out_after_its_touch_is_no_walking_away(void **state) {
        struct world *x = *state;
        walkaway_key(x->w, KEY_A, true, SEC(1));
        sign_in(x, "c1", "", "", KEY_A, SEC(10));
        until(x, SEC(16.9));
        walkaway_key(x->w, KEY_A, false, SEC(14.9)); /* it is said when it is certain */
        until(x, SEC(20));
        left(x, "");
        assert_false(walkaway_key_left(x->w, "c1"));
}

static void a_key_left_in_its_port_is_known_after_the_tap_out(void **state) {
        struct world *x = *state;
        walkaway_key(x->w, KEY_A, true, SEC(1));
        walkaway_key(x->w, KEY_B, true, SEC(1));
        sign_in(x, "c1", "A", ANNA, KEY_A, SEC(10));
        walkaway_parked(x->w, "c1");
        sign_in(x, "c2", "A", BERT, "", SEC(20));
        assert_true(walkaway_key_left(x->w, "c1"));
        assert_false(walkaway_key_left(x->w, "c2")); /* he used none, whatever is plugged in */
        assert_false(walkaway_key_left(x->w, "c3"));
        sign_in(x, "c1", "A", ANNA, "", SEC(30)); /* by grace, and it is still her key */
        assert_true(walkaway_key_left(x->w, "c1"));
        until(x, SEC(50));
        walkaway_key(x->w, KEY_A, false, SEC(50));
        left(x, "c1:key-removed ");
        walkaway_gone(x->w, "c1");
        assert_false(walkaway_key_left(x->w, "c1"));
}

static void a_reader_or_pcscd_that_is_lost_locks_nobody_out(void **state) {
        struct world *x = *state;
        card(x, "A", ANNA, SEC(10));
        sign_in(x, "c1", "A", ANNA, "", SEC(11));
        until(x, SEC(30));
        walkaway_reader_gone(x->w, "A");
        until(x, SEC(3600));
        left(x, "");
        walkaway_card(x->w, "A", true, SEC(3600)); /* back, and the badge lies in it */
        until(x, SEC(3700));
        left(x, "");
        lift(x, "A", SEC(3700));
        until(x, SEC(3702));
        left(x, "c1:badge-removed ");
}

static void a_reader_that_is_back_without_the_badge_says_that_it_was_taken(void **state) {
        struct world *x = *state;
        card(x, "A", ANNA, SEC(10));
        sign_in(x, "c1", "A", ANNA, "", SEC(11));
        until(x, SEC(30));
        walkaway_reader_gone(x->w, "A");
        walkaway_card(x->w, "A", false, SEC(40));
        until(x, SEC(40) + WALKAWAY_READ_USEC - 1);
        left(x, "");
        until(x, SEC(40) + WALKAWAY_READ_USEC);
        left(x, "c1:badge-removed ");
}

/* A reader that was reset finds its card a moment after it is there itself. */
static void a_reader_that_finds_its_badge_again_has_seen_no_tap(void **state) {
        struct world *x = *state;
        card(x, "A", ANNA, SEC(10));
        sign_in(x, "c1", "A", ANNA, "", SEC(11));
        until(x, SEC(30));
        walkaway_reader_gone(x->w, "A");
        walkaway_card(x->w, "A", false, SEC(40));
        until(x, SEC(42));
        walkaway_card(x->w, "A", true, SEC(42));
        assert_true(walkaway_card_read(x->w, "A", ANNA, SEC(42.5)));
        until(x, SEC(100));
        left(x, "");
}

static void a_tap_whose_reader_was_lost_does_not_become_a_stay(void **state) {
        struct world *x = *state;
        card(x, "A", ANNA, SEC(10));
        sign_in(x, "c1", "A", ANNA, "", SEC(11));
        until(x, SEC(12));
        walkaway_reader_gone(x->w, "A");
        walkaway_card(x->w, "A", false, SEC(40));
        until(x, SEC(100));
        left(x, "");
}

static void keep(struct world *x) {
        uint8_t *p = NULL;
        size_t n;
        assert_int_equal(walkaway_write(x->w, &p, &n), 0);
        x->w = walkaway_free(x->w);
        assert_int_equal(walkaway_new(NULL, &events, x, &x->w), 0);
        assert_int_equal(walkaway_read(x->w, (struct bytes){p, n}), 0);
        free(p);
}

static void a_restart_removes_and_plugs_nothing(void **state) {
        struct world *x = *state;
        card(x, "A", ANNA, SEC(10));
        walkaway_key(x->w, KEY_A, true, SEC(10));
        sign_in(x, "c1", "A", ANNA, KEY_A, SEC(11));
        unsigned before = x->changes;
        until(x, SEC(16));
        assert_true(x->changes > before); /* now it is worth to be kept */
        keep(x);
        const struct walkaway_proof again = {"A", ANNA, KEY_A, "00000000000000000000000000000001"};
        assert_int_equal(walkaway_signed_in(x->w, "c1", &again, SEC(17)), 0); /* is no news */
        walkaway_shown(x->w, "c1", SEC(17));
        until(x, SEC(1000)); /* wardtap-device is slow to come */
        walkaway_key(x->w, KEY_A, true, SEC(1000));
        walkaway_keys_listed(x->w, SEC(1000));
        walkaway_card(x->w, "A", true, SEC(1000));
        until(x, SEC(2000));
        left(x, "");
        assert_true(walkaway_key_left(x->w, "c1"));
        walkaway_key(x->w, KEY_A, false, SEC(2000));
        left(x, "c1:key-removed ");
        lift(x, "A", SEC(2001));
        until(x, SEC(2003));
        left(x, "c1:badge-removed ");
}

static void what_was_taken_while_wardtapd_was_away_was_taken(void **state) {
        struct world *x = *state;
        card(x, "A", ANNA, SEC(10));
        walkaway_key(x->w, KEY_B, true, SEC(10));
        sign_in(x, "c1", "A", ANNA, "", SEC(11));
        until(x, SEC(20));
        sign_in(x, "c2", "", "", KEY_B, SEC(21));
        until(x, SEC(30));
        keep(x);
        walkaway_shown(x->w, "c2", SEC(31));
        walkaway_keys_listed(x->w, SEC(40));
        until(x, SEC(41));
        left(x, "");
        until(x, SEC(50));
        left(x, "c2:key-removed ");
        walkaway_shown(x->w, "c1", SEC(60));
        walkaway_card(x->w, "A", false, SEC(60));
        until(x, SEC(70));
        left(x, "c1:badge-removed ");
}

static void what_had_not_settled_is_not_kept(void **state) {
        struct world *x = *state;
        card(x, "A", ANNA, SEC(10));
        walkaway_key(x->w, KEY_A, true, SEC(10));
        sign_in(x, "c1", "A", ANNA, KEY_A, SEC(11));
        until(x, SEC(12));
        keep(x);
        walkaway_shown(x->w, "c1", SEC(13));
        walkaway_keys_listed(x->w, SEC(20));
        walkaway_card(x->w, "A", false, SEC(20));
        until(x, SEC(100));
        left(x, "");
}

static void what_is_kept_is_read_strictly(void **state) {
        struct world *x = *state;
        uint8_t *p = NULL;
        size_t n;
        card(x, "A", ANNA, SEC(10));
        walkaway_key(x->w, KEY_A, true, SEC(10));
        sign_in(x, "c1", "A", ANNA, KEY_A, SEC(11));
        sign_in(x, "c2", "A", ANNA, "", SEC(11));
        until(x, SEC(30));
        assert_int_equal(walkaway_write(x->w, &p, &n), 0);
        for (size_t cut = 0; cut < n; cut++) {
                struct walkaway *other = NULL;
                assert_int_equal(walkaway_new(NULL, &events, x, &other), 0);
                assert_int_equal(walkaway_read(other, (struct bytes){p, cut}), -EBADMSG);
                assert_false(walkaway_key_left(other, "c1"));
                (void) walkaway_free(other);
        }
        p[0]++;
        struct walkaway *other = NULL;
        assert_int_equal(walkaway_new(NULL, &events, x, &other), 0);
        assert_int_equal(walkaway_read(other, (struct bytes){p, n}), -EBADMSG);
        (void) walkaway_free(other);
        free(p);
}

static void a_session_may_end_while_it_is_told(void **state) {
        struct world *x = *state;
        x->ends = true;
        walkaway_key(x->w, KEY_A, true, SEC(1));
        card(x, "A", ANNA, SEC(1));
        for (unsigned i = 0; i < 10; i++) {
                char id[8];
                (void) snprintf(id, sizeof(id), "c%u", i);
                sign_in(x, id, "A", ANNA, KEY_A, SEC(2));
        }
        until(x, SEC(20));
        lift(x, "A", SEC(20));
        walkaway_key(x->w, KEY_A, false, SEC(20.5));
        until(x, SEC(30));
        left(x, "c9:key-removed ");
}

static void everything_is_bounded(void **state) {
        struct world *x = *state;
        const struct walkaway_proof p = {"A", ANNA, KEY_A, ""};
        char id[64];
        for (unsigned i = 0; i < WALKAWAY_SESSIONS_MAX + 10; i++) {
                (void) snprintf(id, sizeof(id), "c%u", i);
                assert_int_equal(walkaway_signed_in(x->w, id, &p, SEC(1)),
                                 i < WALKAWAY_SESSIONS_MAX ? 0 : -ENOSPC);
        }
        assert_int_equal(walkaway_signed_in(x->w, "", &p, SEC(1)), -EINVAL);
        memset(id, 'x', sizeof(id) - 1);
        id[sizeof(id) - 1] = 0;
        assert_int_equal(walkaway_signed_in(x->w, id, &p, SEC(1)), -EINVAL);
        for (unsigned i = 0; i < 1000; i++) {
                (void) snprintf(id, sizeof(id), "%032x", i);
                walkaway_key(x->w, id, true, SEC(1));
                (void) snprintf(id, sizeof(id), "Reader %u", i);
                walkaway_card(x->w, id, true, SEC(1));
        }
        for (unsigned i = 0; i < WALKAWAY_SESSIONS_MAX; i++) {
                (void) snprintf(id, sizeof(id), "c%u", i);
                walkaway_gone(x->w, id);
        }
        assert_int_equal(walkaway_signed_in(x->w, "c1", &p, SEC(1)), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_badge_that_stays_and_is_taken_out_locks),
                TEST(a_tap_is_no_walking_away),
                TEST(a_slow_session_gives_time_to_take_badge_and_key),
                TEST(five_seconds_are_staying),
                TEST(another_badge_changes_nothing),
                TEST(a_card_that_is_not_the_one_that_was_tapped_does_not_count),
                TEST(a_badge_that_slips_is_no_tap_and_no_walking_away),
                TEST(another_badge_in_its_place_says_that_it_was_taken),
                TEST(a_card_that_cannot_be_read_is_not_hers),
                TEST(only_the_session_on_the_screen_has_somebody_to_leave_it),
                TEST(a_key_that_stays_and_is_taken_out_locks),
                TEST(a_key_taken_out_after_its_touch_is_no_walking_away),
                TEST(a_key_left_in_its_port_is_known_after_the_tap_out),
                TEST(a_reader_or_pcscd_that_is_lost_locks_nobody_out),
                TEST(a_reader_that_is_back_without_the_badge_says_that_it_was_taken),
                TEST(a_reader_that_finds_its_badge_again_has_seen_no_tap),
                TEST(a_tap_whose_reader_was_lost_does_not_become_a_stay),
                TEST(a_restart_removes_and_plugs_nothing),
                TEST(what_was_taken_while_wardtapd_was_away_was_taken),
                TEST(what_had_not_settled_is_not_kept),
                TEST(what_is_kept_is_read_strictly),
                TEST(a_session_may_end_while_it_is_told),
                TEST(everything_is_bounded),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
