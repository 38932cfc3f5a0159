/* SPDX-License-Identifier: Apache-2.0 */
/* What is due when, for sessions on the screen and parked ones, and what puts it off. */
#include "helper/idle_clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define SECOND UINT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define BORN (1000 * HOUR)

static const struct idle_rules defaults = {
        .idle_lock_usec = 5 * MINUTE,
        .idle_countdown_usec = 30 * SECOND,
        .parked_sign_out_usec = 4 * HOUR,
        .session_cap_usec = 14 * HOUR,
};

static int setup(void **state) {
        return idle_clock_new(BORN, (struct idle_clock **) state);
}

static int teardown(void **state) {
        (void) idle_clock_free(*state);
        return 0;
}

static void show(struct idle_clock *c, const char *session, uint64_t now) {
        assert_int_equal(idle_clock_shown(c, session, now, now, &defaults, now), 0);
}

static void show_by(struct idle_clock *c, const struct idle_rules *rules, uint64_t now) {
        assert_int_equal(idle_clock_shown(c, "c1", now, now, rules, now), 0);
}

static void park(struct idle_clock *c, const char *session, uint64_t now) {
        assert_int_equal(idle_clock_parked(c, session, now, now, &defaults, now), 0);
}

/* Everything that is due now, as words: "lock c1, quiet c1 on". */
static const char *due(struct idle_clock *c, uint64_t now) {
        static const char *const names[] = {"countdown", "lock", "sign-out", "cap", "quiet"};
        static char text[4096];
        struct idle_action a;
        size_t n = 0;
        text[0] = '\0';
        while (idle_clock_take(c, now, &a)) {
                assert_true(n < sizeof(text) - 128);
                n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%s %s", n ? ", " : "", names[a.type],
                                       a.session);
                if (a.type == IDLE_COUNTDOWN)
                        n += (size_t) snprintf(text + n, sizeof(text) - n, " %u", a.seconds);
                if (a.type == IDLE_QUIET)
                        n += (size_t) snprintf(text + n, sizeof(text) - n, " %s", a.on ? "on" : "off");
        }
        assert_true(idle_clock_next(c, now) > now);
        return text;
}

/* The same, where the clock itself says when to look: nothing is due before, and then exactly this. */
static void next_is(struct idle_clock *c, uint64_t *now, uint64_t at, const char *text) {
        assert_string_equal(due(c, *now), "");
        assert_int_equal(idle_clock_next(c, *now), at);
        assert_string_equal(due(c, at - 1), "");
        *now = at;
        assert_string_equal(due(c, at), text);
}

static void nobody_is_never_looked_at(void **state) {
        struct idle_clock *c = *state;
        assert_true(idle_clock_next(c, BORN) == UINT64_MAX);
        assert_false(idle_clock_input(c, BORN + 1));
        idle_clock_inhibited(c, true, BORN + 2);
        idle_clock_inhibited(c, false, BORN + 3);
        assert_true(idle_clock_next(c, BORN + 4) == UINT64_MAX);
        assert_string_equal(due(c, UINT64_MAX - 1), "");
}

static void a_session_is_announced_then_locked(void **state) {
        struct idle_clock *c = *state;
        uint64_t now = BORN + HOUR, start = now;
        show(c, "c1", now);
        next_is(c, &now, start + MINUTE, "quiet c1 on");
        next_is(c, &now, start + 5 * MINUTE - 30 * SECOND, "countdown c1 30");
        next_is(c, &now, start + 5 * MINUTE, "lock c1");
        park(c, "c1", now);
        assert_string_equal(due(c, now), "quiet c1 off");
        next_is(c, &now, start + 5 * MINUTE + 4 * HOUR, "sign-out c1");
        idle_clock_gone(c, "c1");
        assert_true(idle_clock_next(c, now) == UINT64_MAX);
}

static void input_ends_the_countdown(void **state) {
        struct idle_clock *c = *state;
        uint64_t now = BORN + HOUR;
        show(c, "c1", now);
        now += 5 * MINUTE - SECOND;
        assert_string_equal(due(c, now), "quiet c1 on, countdown c1 1");
        now += SECOND - 1;
        assert_true(idle_clock_input(c, now));
        assert_int_equal(idle_clock_next(c, now), now);
        assert_string_equal(due(c, now), "countdown c1 0, quiet c1 off");
        uint64_t last = now;
        next_is(c, &now, last + MINUTE, "quiet c1 on");
        next_is(c, &now, last + 5 * MINUTE - 30 * SECOND, "countdown c1 30");
        next_is(c, &now, last + 5 * MINUTE, "lock c1");
}

/* The timer of before goes off, finds that somebody typed, and is set for the rest. */
static void typing_needs_no_timer(void **state) {
        struct idle_clock *c = *state;
        uint64_t start = BORN + HOUR, last = 0;
        show(c, "c1", start);
        for (uint64_t t = start; t < start + HOUR; t += 900000) {
                assert_false(idle_clock_input(c, t));
                last = t;
        }
        assert_int_equal(idle_clock_next(c, last), last + MINUTE);
}

static void the_seconds_are_what_is_left(void **state) {
        struct idle_clock *c = *state;
        uint64_t now = BORN + HOUR;
        show(c, "c1", now);
        assert_string_equal(due(c, now + 5 * MINUTE - 7 * SECOND - 1), "quiet c1 on, countdown c1 8");
}

static void a_look_that_comes_late_locks_at_once(void **state) {
        struct idle_clock *c = *state;
        uint64_t now = BORN + HOUR;
        show(c, "c1", now);
        assert_string_equal(due(c, now + 9 * HOUR), "lock c1");
}

static void never_is_never(void **state) {
        struct idle_clock *c = *state;
        struct idle_rules none = {.idle_countdown_usec = 30 * SECOND};
        uint64_t now = BORN + HOUR;
        show_by(c, &none, now);
        next_is(c, &now, BORN + HOUR + MINUTE, "quiet c1 on");
        assert_true(idle_clock_next(c, now) == UINT64_MAX);
        assert_int_equal(idle_clock_parked(c, "c1", now, now, &none, now), 0);
        assert_string_equal(due(c, now), "quiet c1 off");
        assert_true(idle_clock_next(c, now) == UINT64_MAX);
}

static void no_countdown_is_a_lock_without_one(void **state) {
        struct idle_clock *c = *state;
        struct idle_rules rules = {.idle_lock_usec = 45 * SECOND};
        uint64_t now = BORN + HOUR;
        show_by(c, &rules, now);
        next_is(c, &now, BORN + HOUR + 45 * SECOND, "lock c1");
}

static void a_countdown_as_long_as_the_time_is_half_of_it(void **state) {
        struct idle_clock *c = *state;
        struct idle_rules rules = {.idle_lock_usec = 30 * SECOND, .idle_countdown_usec = HOUR};
        uint64_t now = BORN + HOUR;
        show_by(c, &rules, now);
        next_is(c, &now, BORN + HOUR + 15 * SECOND, "countdown c1 15");
        next_is(c, &now, BORN + HOUR + 30 * SECOND, "lock c1");
}

static void a_countdown_may_be_the_greater_part(void **state) {
        struct idle_clock *c = *state;
        struct idle_rules rules = {.idle_lock_usec = 30 * SECOND, .idle_countdown_usec = 20 * SECOND};
        uint64_t now = BORN + HOUR;
        show_by(c, &rules, now);
        next_is(c, &now, BORN + HOUR + 10 * SECOND, "countdown c1 20");
        next_is(c, &now, BORN + HOUR + 30 * SECOND, "lock c1");
}

static void a_lock_that_nobody_does_is_asked_for_again(void **state) {
        struct idle_clock *c = *state;
        uint64_t now = BORN + HOUR;
        show(c, "c1", now);
        now += 5 * MINUTE;
        assert_string_equal(due(c, now), "lock c1");
        next_is(c, &now, now + IDLE_AGAIN_USEC, "lock c1");
        next_is(c, &now, now + IDLE_AGAIN_USEC, "lock c1");
        /* And not once somebody is there. */
        assert_true(idle_clock_input(c, ++now));
        assert_string_equal(due(c, now), "");
        next_is(c, &now, now + MINUTE, "quiet c1 on");
}

static void input_after_a_lock_counts_to_the_second(void **state) {
        struct idle_clock *c = *state;
        struct idle_rules rules = {.idle_lock_usec = 30 * SECOND};
        uint64_t now = BORN + HOUR;
        show_by(c, &rules, now);
        now += 30 * SECOND;
        assert_string_equal(due(c, now), "lock c1");
        assert_true(idle_clock_input(c, now + SECOND));
        assert_false(idle_clock_input(c, now + 2 * SECOND));
        now += 2 * SECOND;
        next_is(c, &now, now + 30 * SECOND, "lock c1");
}

/* --- the screen changes hands */

static void who_comes_next_has_the_whole_time(void **state) {
        struct idle_clock *c = *state;
        uint64_t now = BORN + HOUR;
        show(c, "c1", now);
        now += 5 * MINUTE - 10 * SECOND;
        assert_string_equal(due(c, now), "quiet c1 on, countdown c1 10");
        show(c, "c2", now);
        assert_string_equal(due(c, now), "countdown c1 0, quiet c1 off");
        uint64_t start = now;
        next_is(c, &now, start + MINUTE, "quiet c2 on");
        next_is(c, &now, start + 5 * MINUTE - 30 * SECOND, "countdown c2 30");
        next_is(c, &now, start + 5 * MINUTE, "lock c2");
}

static void who_was_on_the_screen_before_is_parked(void **state) {
        struct idle_clock *c = *state;
        uint64_t now = BORN + HOUR, start = now;
        show(c, "c1", now);
        show(c, "c2", start + SECOND);
        idle_clock_gone(c, "c2");
        now = start + SECOND;
        /* The one who knows says since when; it never gets later. */
        park(c, "c1", start + 2 * SECOND);
        assert_int_equal(idle_clock_parked(c, "c1", start, start - MINUTE, &defaults, now), 0);
        park(c, "c1", start + MINUTE);
        next_is(c, &now, start - MINUTE + 4 * HOUR, "sign-out c1");
}

static void a_sign_out_that_nobody_does_is_asked_for_again(void **state) {
        struct idle_clock *c = *state;
        uint64_t now = BORN + HOUR;
        park(c, "c1", now);
        now += 4 * HOUR;
        assert_string_equal(due(c, now), "sign-out c1");
        next_is(c, &now, now + IDLE_AGAIN_USEC, "sign-out c1");
        /* Who comes back in time stays. */
        show(c, "c1", now);
        assert_string_equal(due(c, now + SECOND), "");
        park(c, "c1", now + 2 * SECOND);
        now += 2 * SECOND;
        next_is(c, &now, now + 4 * HOUR, "sign-out c1");
}

static void input_is_nothing_to_parked_sessions(void **state) {
        struct idle_clock *c = *state;
        uint64_t now = BORN + HOUR, start = now;
        park(c, "c1", now);
        assert_false(idle_clock_input(c, start + HOUR));
        next_is(c, &now, start + 4 * HOUR, "sign-out c1");
}

static void coming_to_the_screen_is_input(void **state) {
        struct idle_clock *c = *state;
        uint64_t now = BORN + HOUR;
        show(c, "c1", now);
        now += 4 * MINUTE + 40 * SECOND;
        assert_string_equal(due(c, now), "quiet c1 on, countdown c1 20");
        show(c, "c1", now); /* resumed where it stood */
        assert_string_equal(due(c, now), "countdown c1 0, quiet c1 off");
        /* An older time that is told again changes nothing. */
        assert_int_equal(idle_clock_shown(c, "c1", BORN, BORN, &defaults, now), 0);
        next_is(c, &now, now + MINUTE, "quiet c1 on");
}

static void what_is_gone_is_called_nothing_more(void **state) {
        struct idle_clock *c = *state;
        uint64_t now = BORN + HOUR + 5 * MINUTE - SECOND;
        show(c, "c1", BORN + HOUR);
        assert_string_equal(due(c, now), "quiet c1 on, countdown c1 1");
        idle_clock_gone(c, "c1");
        idle_clock_gone(c, "c1");
        assert_string_equal(due(c, now), "");
        assert_true(idle_clock_next(c, now) == UINT64_MAX);
        assert_false(idle_clock_input(c, now));
}

/* --- the cap */

static void the_cap_is_told_once_wherever_the_session_is(void **state) {
        struct idle_clock *c = *state;
        uint64_t start = BORN + HOUR, now = start + 13 * HOUR;
        assert_int_equal(idle_clock_shown(c, "c1", start, now, &defaults, now), 0);
        assert_false(idle_clock_input(c, start + 14 * HOUR - SECOND));
        now = start + 14 * HOUR - 1;
        next_is(c, &now, start + 14 * HOUR, "cap c1");
        assert_string_equal(due(c, now + SECOND), "");
        assert_int_equal(idle_clock_parked(c, "c2", start, start + 13 * HOUR, &defaults, now), 0);
        assert_string_equal(due(c, now), "cap c2");
        assert_string_equal(due(c, now + 1), "");
}

static void a_cap_by_other_rules_is_told_again(void **state) {
        struct idle_clock *c = *state;
        struct idle_rules longer = defaults;
        longer.session_cap_usec = 20 * HOUR;
        uint64_t now = BORN + 14 * HOUR;
        assert_int_equal(idle_clock_parked(c, "c1", BORN, now, &defaults, now), 0);
        assert_string_equal(due(c, now), "cap c1");
        assert_int_equal(idle_clock_set_rules(c, "c1", &defaults, now), 0);
        assert_string_equal(due(c, now), "");
        longer.parked_sign_out_usec = 0;
        assert_int_equal(idle_clock_set_rules(c, "c1", &longer, now), 0);
        next_is(c, &now, BORN + 20 * HOUR, "cap c1");
}

static void the_shorter_cap_counts(void **state) {
        struct rule_place place = *rules_default_place();
        struct rule_role role = {.session_cap_usec = 14 * HOUR};
        struct idle_rules r;
        place.session_cap_usec = 0;
        idle_rules_of(&place, &role, &r);
        assert_int_equal(r.session_cap_usec, 14 * HOUR);
        place.session_cap_usec = 2 * HOUR;
        idle_rules_of(&place, &role, &r);
        assert_int_equal(r.session_cap_usec, 2 * HOUR);
        place.session_cap_usec = 20 * HOUR;
        idle_rules_of(&place, &role, &r);
        assert_int_equal(r.session_cap_usec, 14 * HOUR);
        role.session_cap_usec = 0;
        idle_rules_of(&place, &role, &r);
        assert_int_equal(r.session_cap_usec, 20 * HOUR);
        idle_rules_of(&place, NULL, &r);
        assert_int_equal(r.session_cap_usec, 20 * HOUR);
        assert_int_equal(r.idle_lock_usec, place.idle_lock_usec);
        assert_int_equal(r.idle_countdown_usec, place.idle_countdown_usec);
        assert_int_equal(r.parked_sign_out_usec, place.parked_sign_out_usec);
        assert_int_equal(r.inhibitors, place.inhibitors);
}

/* --- other rules */

static void other_rules_hold_at_once(void **state) {
        struct idle_clock *c = *state;
        struct idle_rules rules = defaults;
        uint64_t now = BORN + HOUR + 5 * MINUTE - SECOND;
        assert_int_equal(idle_clock_set_rules(c, "c1", &rules, now), -ENOENT);
        show(c, "c1", BORN + HOUR);
        assert_string_equal(due(c, now), "quiet c1 on, countdown c1 1");
        rules.idle_lock_usec = 30 * MINUTE;
        assert_int_equal(idle_clock_set_rules(c, "c1", &rules, now), 0);
        assert_string_equal(due(c, now), "countdown c1 0");
        rules.idle_lock_usec = 2 * MINUTE;
        assert_int_equal(idle_clock_set_rules(c, "c1", &rules, now), 0);
        assert_string_equal(due(c, now), "lock c1");
}

/* --- claims */

static void a_hint_locks_nobody_who_types(void **state) {
        struct idle_clock *c = *state;
        uint64_t now = BORN + HOUR;
        show(c, "c1", now);
        assert_int_equal(idle_clock_hint(c, "c1", true, BORN, now), 0);
        next_is(c, &now, BORN + HOUR + MINUTE, "quiet c1 on");
        assert_true(idle_clock_input(c, now));
        assert_string_equal(due(c, now), "quiet c1 off");
        assert_int_equal(idle_clock_hint(c, "c1", true, now - 30 * MINUTE, now), 0);
        next_is(c, &now, now + MINUTE, "quiet c1 on");
}

static void a_hint_puts_nothing_off(void **state) {
        struct idle_clock *c = *state;
        uint64_t start = BORN + HOUR, now = start;
        show(c, "c1", now);
        for (unsigned minute = 1; minute < 5; minute++) {
                now = start + minute * MINUTE;
                assert_int_equal(idle_clock_hint(c, "c1", true, now, now), 0);
                assert_int_equal(idle_clock_hint(c, "c1", false, 0, now), 0);
                (void) due(c, now);
        }
        assert_string_equal(due(c, start + 5 * MINUTE), "lock c1");
}

static void a_restart_counts_as_input(void **state) {
        struct idle_clock *c = *state;
        uint64_t now = BORN;
        assert_int_equal(idle_clock_shown(c, "c1", BORN - HOUR, BORN - HOUR, &defaults, now), 0);
        assert_int_equal(idle_clock_hint(c, "c1", false, 0, now), 0);
        next_is(c, &now, BORN + MINUTE, "quiet c1 on");
        next_is(c, &now, BORN + 5 * MINUTE - 30 * SECOND, "countdown c1 30");
        next_is(c, &now, BORN + 5 * MINUTE, "lock c1");
}

static void a_hint_tells_of_the_time_before_a_restart(void **state) {
        struct idle_clock *c = *state;
        uint64_t now = BORN;
        assert_int_equal(idle_clock_shown(c, "c1", BORN - HOUR, BORN - HOUR, &defaults, now), 0);
        assert_int_equal(idle_clock_hint(c, "c1", true, BORN - 3 * MINUTE, now), 0);
        assert_string_equal(due(c, now), "quiet c1 on");
        next_is(c, &now, BORN + 2 * MINUTE - 30 * SECOND, "countdown c1 30");
        assert_true(idle_clock_input(c, now)); /* and against input it counts for nothing */
        assert_string_equal(due(c, now), "countdown c1 0, quiet c1 off");
        next_is(c, &now, now + MINUTE, "quiet c1 on");
}

/* Whoever tapped a moment before the restart was there. */
static void a_hint_goes_back_to_the_last_tap_alone(void **state) {
        struct idle_clock *c = *state;
        uint64_t now = BORN;
        assert_int_equal(idle_clock_shown(c, "c1", BORN - HOUR, BORN - 10 * SECOND, &defaults, now), 0);
        assert_int_equal(idle_clock_hint(c, "c1", true, BORN - 50 * MINUTE, now), 0);
        next_is(c, &now, BORN + 50 * SECOND, "quiet c1 on");
}

static void what_lies_in_the_future_is_now(void **state) {
        struct idle_clock *c = *state;
        uint64_t now = BORN + HOUR;
        assert_int_equal(idle_clock_parked(c, "c1", UINT64_MAX, UINT64_MAX, &defaults, now), 0);
        assert_int_equal(idle_clock_shown(c, "c2", UINT64_MAX, UINT64_MAX, &defaults, now), 0);
        assert_int_equal(idle_clock_hint(c, "c2", true, UINT64_MAX, now), 0);
        assert_string_equal(due(c, BORN + HOUR + 5 * MINUTE), "lock c2");
        assert_string_equal(due(c, BORN + HOUR + 4 * HOUR), "sign-out c1, lock c2");
        assert_string_equal(due(c, BORN + HOUR + 14 * HOUR), "cap c1, sign-out c1, cap c2, lock c2");
}

/* --- inhibitors */

static void an_inhibitor_holds_where_rules_honour_it(void **state) {
        struct idle_clock *c = *state;
        struct idle_rules rules = defaults;
        rules.inhibitors = true;
        uint64_t now = BORN + HOUR + 5 * MINUTE - SECOND;
        show_by(c, &rules, BORN + HOUR);
        assert_string_equal(due(c, now), "quiet c1 on, countdown c1 1");
        idle_clock_inhibited(c, true, now);
        assert_string_equal(due(c, now), "countdown c1 0");
        next_is(c, &now, BORN + HOUR + 14 * HOUR, "cap c1");
        idle_clock_inhibited(c, true, now);
        now += MINUTE;
        idle_clock_inhibited(c, false, now);
        idle_clock_inhibited(c, false, now + HOUR); /* nothing new */
        uint64_t released = now;
        next_is(c, &now, released + 5 * MINUTE - 30 * SECOND, "countdown c1 30");
        next_is(c, &now, released + 5 * MINUTE, "lock c1");
}

static void an_inhibitor_is_nothing_where_rules_do_not(void **state) {
        struct idle_clock *c = *state;
        uint64_t now = BORN + HOUR;
        show(c, "c1", now);
        idle_clock_inhibited(c, true, now);
        idle_clock_inhibited(c, false, now + 4 * MINUTE);
        idle_clock_inhibited(c, true, now + 4 * MINUTE);
        assert_string_equal(due(c, now + 5 * MINUTE), "lock c1");
}

static void an_inhibitor_ends_what_was_asked_for(void **state) {
        struct idle_clock *c = *state;
        struct idle_rules rules = defaults;
        rules.inhibitors = true;
        uint64_t now = BORN + HOUR;
        show_by(c, &rules, now);
        assert_string_equal(due(c, now + 5 * MINUTE), "lock c1");
        idle_clock_inhibited(c, true, now + 6 * MINUTE);
        assert_string_equal(due(c, now + 7 * MINUTE), "quiet c1 on");
        idle_clock_inhibited(c, false, now + 8 * MINUTE);
        assert_string_equal(due(c, now + 13 * MINUTE), "lock c1");
}

/* --- bounds */

static void ids_have_a_length(void **state) {
        struct idle_clock *c = *state;
        char id[IDLE_SESSION_ID_MAX + 2];
        memset(id, 'x', sizeof(id) - 1);
        id[sizeof(id) - 1] = '\0';
        assert_int_equal(idle_clock_shown(c, id, BORN, BORN, &defaults, BORN), -EINVAL);
        assert_int_equal(idle_clock_parked(c, id, BORN, BORN, &defaults, BORN), -EINVAL);
        assert_int_equal(idle_clock_shown(c, "", BORN, BORN, &defaults, BORN), -EINVAL);
        assert_int_equal(idle_clock_hint(c, "", true, BORN, BORN), -ENOENT);
        idle_clock_gone(c, "");
        idle_clock_gone(c, id);
        assert_true(idle_clock_next(c, BORN) == UINT64_MAX);
        id[IDLE_SESSION_ID_MAX] = '\0';
        show(c, id, BORN);
        struct idle_action a;
        assert_true(idle_clock_take(c, BORN + 5 * MINUTE, &a));
        assert_string_equal(a.session, id);
}

static void there_is_room_for_so_many(void **state) {
        struct idle_clock *c = *state;
        char id[16];
        for (unsigned n = 0; n < IDLE_SESSIONS_MAX; n++) {
                (void) snprintf(id, sizeof(id), "s%u", n);
                assert_int_equal(idle_clock_parked(c, id, BORN, BORN, &defaults, BORN + n), 0);
        }
        assert_int_equal(idle_clock_parked(c, "more", BORN, BORN, &defaults, BORN), -ENOSPC);
        assert_int_equal(idle_clock_shown(c, "more", BORN, BORN, &defaults, BORN), -ENOSPC);
        show(c, "s7", BORN + MINUTE);
        struct idle_action a;
        unsigned n_signed_out = 0;
        while (idle_clock_take(c, BORN + 4 * HOUR, &a))
                n_signed_out += a.type == IDLE_SIGN_OUT;
        assert_int_equal(n_signed_out, IDLE_SESSIONS_MAX - 1);
        idle_clock_gone(c, "s200");
        show(c, "more", BORN + 4 * HOUR);
}

static void rules_without_end_do_not_wrap(void **state) {
        struct idle_clock *c = *state;
        struct idle_rules rules = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, true};
        uint64_t now = BORN + HOUR;
        show_by(c, &rules, now);
        next_is(c, &now, BORN + HOUR + MINUTE, "quiet c1 on");
        assert_true(idle_clock_next(c, now) == UINT64_MAX);
        assert_int_equal(idle_clock_parked(c, "c1", now, now, &rules, now), 0);
        assert_string_equal(due(c, now), "quiet c1 off");
        assert_true(idle_clock_next(c, now) == UINT64_MAX);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(nobody_is_never_looked_at),
                T(a_session_is_announced_then_locked),
                T(input_ends_the_countdown),
                T(typing_needs_no_timer),
                T(the_seconds_are_what_is_left),
                T(a_look_that_comes_late_locks_at_once),
                T(never_is_never),
                T(no_countdown_is_a_lock_without_one),
                T(a_countdown_as_long_as_the_time_is_half_of_it),
                T(a_countdown_may_be_the_greater_part),
                T(a_lock_that_nobody_does_is_asked_for_again),
                T(input_after_a_lock_counts_to_the_second),
                T(who_comes_next_has_the_whole_time),
                T(who_was_on_the_screen_before_is_parked),
                T(a_sign_out_that_nobody_does_is_asked_for_again),
                T(input_is_nothing_to_parked_sessions),
                T(coming_to_the_screen_is_input),
                T(what_is_gone_is_called_nothing_more),
                T(the_cap_is_told_once_wherever_the_session_is),
                T(a_cap_by_other_rules_is_told_again),
                T(the_shorter_cap_counts),
                T(other_rules_hold_at_once),
                T(a_hint_locks_nobody_who_types),
                T(a_hint_puts_nothing_off),
                T(a_restart_counts_as_input),
                T(a_hint_tells_of_the_time_before_a_restart),
                T(a_hint_goes_back_to_the_last_tap_alone),
                T(what_lies_in_the_future_is_now),
                T(an_inhibitor_holds_where_rules_honour_it),
                T(an_inhibitor_is_nothing_where_rules_do_not),
                T(an_inhibitor_ends_what_was_asked_for),
                T(ids_have_a_length),
                T(there_is_room_for_so_many),
                T(rules_without_end_do_not_wrap),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
