/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at the seat, and what may come to the screen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "common/util.h"
#include "helper/seat.h"

#define ANNA 2001
#define BEN 2002
#define SECOND 1000000U

static struct {
        struct seat *seat;
        uint64_t now;
        char said[4096]; /* the records, one a line */
        unsigned guards, shown, parked;
} w;

static struct seat_now at(void) {
        return (struct seat_now){.mono_usec = w.now, .boot_usec = w.now};
}

static const char *get(const struct record *r, enum record_field f) {
        return r->fields[f] ? r->fields[f] : "-";
}

static void on_record(void *userdata, struct record *r) {
        size_t n = strlen(w.said);
        (void) snprintf(w.said + n, sizeof(w.said) - n, "%s %s from %s/%s to %s: %s by %s %s %s\n",
                        record_event_name(r->event), get(r, RECORD_FIELD_USER),
                        get(r, RECORD_FIELD_FROM_USER), get(r, RECORD_FIELD_FROM_SESSION),
                        get(r, RECORD_FIELD_TO_SESSION), get(r, RECORD_FIELD_REASON),
                        get(r, RECORD_FIELD_REQUESTOR), get(r, RECORD_FIELD_FACTORS),
                        get(r, RECORD_FIELD_TAP_TO_SESSION_USEC));
}

static void on_guard(void *userdata) {
        w.guards++;
}
static void on_shown(void *userdata, const struct seat_session *s) {
        w.shown++;
}
static void on_parked(void *userdata, const struct seat_session *s) {
        w.parked++;
}
static void on_gone(void *userdata, const struct seat_session *s) {
}
static void on_changed(void *userdata) {
}

static int make_seat(void) {
        static const struct seat_events events = {.record = on_record,
                                                  .guard = on_guard,
                                                  .shown = on_shown,
                                                  .parked = on_parked,
                                                  .gone = on_gone,
                                                  .changed = on_changed};
        return seat_new(&events, NULL, &w.seat);
}

static int begin(void **state) {
        memset(&w, 0, sizeof(w));
        w.now = 1000 * SECOND;
        return make_seat();
}

static int end(void **state) {
        w.seat = seat_free(w.seat);
        return 0;
}

static struct logind_session of(const char *id, uid_t uid) {
        struct logind_session l = {
                .uid = uid, .seat = "seat0", .person = uid >= 1000, .greeter = uid < 1000};
        (void) snprintf(l.id, sizeof(l.id), "%s", id);
        (void) snprintf(l.user, sizeof(l.user), "%s", uid == ANNA ? "anna" : uid == BEN ? "ben" : "lightdm");
        return l;
}

static void is_there(const char *id, uid_t uid) {
        struct logind_session l = of(id, uid);
        seat_session(w.seat, &l, at());
}

static void gone(const char *id, uid_t uid) {
        struct logind_session l = of(id, uid);
        seat_session_gone(w.seat, &l);
}

/* On the screen from now on; id NULL: nothing. */
static void screen(const char *id, uid_t uid) {
        struct logind_session l = of(id ? id : "", uid);
        w.now += SECOND;
        if (id)
                is_there(id, uid);
        seat_active(w.seat, id ? &l : NULL, at());
}

static void greeter(void) {
        screen("c9", 110);
}

static struct seat_proof proof(uid_t uid, const char *factors) {
        struct seat_proof p = {.uid = uid, .tap_usec = w.now, .aal = "2"};
        (void) snprintf(p.user, sizeof(p.user), "%s", uid == ANNA ? "anna" : "ben");
        (void) snprintf(p.attempt, sizeof(p.attempt), "%032u", (unsigned) uid);
        (void) snprintf(p.factors, sizeof(p.factors), "%s", factors);
        return p;
}

static void let_in(uid_t uid, const char *factors) {
        struct seat_proof p = proof(uid, factors);
        seat_let_in(w.seat, &p, at());
}

/* As LightDM does it: nothing on the screen while the X server starts, then the session, then our hook. */
static void signs_in(const char *id, uid_t uid) {
        struct seat_proof p = proof(uid, "key");
        seat_let_in(w.seat, &p, at());
        screen(NULL, 0);
        screen(id, uid);
        seat_opened(w.seat, id, &p, at());
}

static void assert_said(const char *text) {
        assert_string_equal(w.said, text);
        w.said[0] = 0;
}

static void the_first_one_is_no_handoff(void **state) {
        greeter();
        signs_in("1", ANNA);
        assert_said("");
        assert_int_equal(w.shown, 1);
        assert_string_equal(seat_shown(w.seat)->id, "1");
        assert_true(seat_shown(w.seat)->managed);
}

static void one_after_the_other_is_a_handoff(void **state) {
        greeter();
        signs_in("1", ANNA);
        seat_leaves(w.seat, "tap-over", "ben");
        signs_in("2", BEN);
        assert_said("lock anna from -/1 to -: tap-over by ben - -\n"
                    "handoff ben from anna/1 to 2: - by - key 2000000\n");
        let_in(ANNA, "none");
        screen("1", ANNA);
        assert_said("handoff anna from ben/2 to 1: - by - none 1000000\n");
        assert_int_equal(w.guards, 0);
}

/* Also with a greeter, and a night, between them. */
static void a_handoff_may_have_a_pause(void **state) {
        greeter();
        signs_in("1", ANNA);
        seat_leaves(w.seat, "tap-out", "anna");
        greeter();
        assert_said("lock anna from -/1 to -: tap-out by anna - -\n");
        w.now += 3600ULL * SECOND;
        signs_in("2", BEN);
        assert_said("handoff ben from anna/1 to 2: - by - key 2000000\n");
}

static void nobody_takes_over_from_somebody_who_has_gone(void **state) {
        greeter();
        signs_in("1", ANNA);
        greeter();
        gone("1", ANNA);
        w.said[0] = 0;
        signs_in("2", BEN);
        assert_said("");
}

static void ones_own_session_comes_back(void **state) {
        greeter();
        signs_in("1", ANNA);
        seat_leaves(w.seat, "idle", "node");
        greeter();
        assert_said("idle-lock anna from -/1 to -: idle by node - -\n");
        let_in(ANNA, "none");
        screen("1", ANNA);
        assert_said("unlock anna from -/- to 1: - by - none 1000000\n");
}

static void what_nobody_was_let_in_to_is_sent_away(void **state) {
        greeter();
        signs_in("1", ANNA);
        greeter();
        w.said[0] = 0;
        screen("1", ANNA);
        assert_int_equal(w.guards, 1);
        assert_said("guard-alert anna from -/- to 1: session-shown by unknown - -\n");
        assert_null(seat_shown(w.seat));
        /* and again, each time */
        greeter();
        screen("1", ANNA);
        assert_int_equal(w.guards, 2);
}

static void being_let_in_counts_once(void **state) {
        greeter();
        signs_in("1", ANNA);
        greeter();
        let_in(ANNA, "none");
        screen("1", ANNA);
        greeter();
        screen("1", ANNA);
        assert_int_equal(w.guards, 1);
}

static void being_let_in_counts_for_ten_seconds(void **state) {
        greeter();
        signs_in("1", ANNA);
        greeter();
        let_in(ANNA, "none");
        w.now += SEAT_LET_IN_USEC;
        screen("1", ANNA);
        assert_int_equal(w.guards, 1);
}

/* A slow display manager: the grant was used late, and counts from then. */
static void a_grant_that_is_used_counts_anew(void **state) {
        struct seat_proof p = proof(ANNA, "none");
        greeter();
        signs_in("1", ANNA);
        greeter();
        let_in(ANNA, "none");
        w.now += SEAT_LET_IN_USEC - SECOND;
        seat_let_in_later(w.seat, p.attempt, at());
        w.now += SEAT_LET_IN_USEC - 2 * SECOND;
        screen("1", ANNA);
        assert_int_equal(w.guards, 0);
}

static void anothers_session_in_between_voids_it(void **state) {
        greeter();
        signs_in("1", ANNA);
        signs_in("2", BEN);
        greeter();
        let_in(ANNA, "none");
        let_in(BEN, "none");
        screen("2", BEN);
        screen("1", ANNA);
        assert_int_equal(w.guards, 1);
}

static void nobody_elses_tap_shows_it(void **state) {
        greeter();
        signs_in("1", ANNA);
        greeter();
        let_in(BEN, "key");
        screen("1", ANNA);
        assert_int_equal(w.guards, 1);
}

/* Grace gives an open session back and begins none: the hook refuses it, so nothing here counts it as hers.
 */
static void a_badge_alone_proves_no_new_session(void **state) {
        struct seat_proof p = proof(ANNA, "none");
        p.grace_only = true;
        greeter();
        seat_let_in(w.seat, &p, at());
        screen("1", ANNA);
        assert_false(seat_shown(w.seat)->managed);
}

static void what_the_site_opened_itself_may_be_shown(void **state) {
        screen("5", ANNA);
        screen("6", BEN);
        screen("5", ANNA);
        assert_int_equal(w.guards, 0);
        assert_int_equal(w.shown, 3);
}

/* A password gave her her own session back: that is recorded as a fallback, and lets her in. */
static void a_fallback_lets_in_as_well(void **state) {
        struct seat_proof p = {.uid = ANNA, .user = "anna"};
        greeter();
        signs_in("1", ANNA);
        greeter();
        w.said[0] = 0;
        seat_let_in(w.seat, &p, at());
        screen("1", ANNA);
        assert_int_equal(w.guards, 0);
        assert_said("");
        greeter();
        screen("1", ANNA); /* still guarded */
        assert_int_equal(w.guards, 1);
}

static void one_that_ends_by_itself_is_not_locked(void **state) {
        struct seat_proof p = proof(ANNA, "key");
        greeter();
        signs_in("1", ANNA);
        screen(NULL, 0);
        gone("1", ANNA);
        greeter();
        assert_said("");
        signs_in("2", ANNA);
        seat_closing(w.seat, ANNA, p.attempt);
        greeter();
        assert_said("");
}

static void leaving_without_a_reason_is_recorded_once_something_else_is_there(void **state) {
        greeter();
        signs_in("1", ANNA);
        screen(NULL, 0);
        assert_said("");
        greeter();
        assert_said("lock anna from -/1 to -: switched by unknown - -\n");
}

static void it_says_where_a_persons_session_is(void **state) {
        uint64_t before;
        assert_int_equal(seat_presence(w.seat, ANNA, w.now), BROKER_ABSENT);
        greeter();
        before = w.now;
        signs_in("1", ANNA);
        assert_int_equal(seat_presence(w.seat, ANNA, before), BROKER_JUST_SHOWN);
        assert_int_equal(seat_presence(w.seat, ANNA, w.now + SECOND), BROKER_SHOWN);
        greeter();
        assert_int_equal(seat_presence(w.seat, ANNA, w.now), BROKER_OPEN);
        assert_int_equal(seat_presence(w.seat, BEN, w.now), BROKER_ABSENT);
}

static void ending_a_session_is_recorded_once(void **state) {
        greeter();
        signs_in("1", ANNA);
        greeter();
        w.said[0] = 0;
        seat_ends(w.seat, "1", "parked", "node");
        seat_ends(w.seat, "1", "parked", "node");
        assert_said("sign-out anna from -/1 to -: parked by node - -\n");
}

/* The table as it is after a restart of wardtapd, with `id` on the screen. */
static void restart(const char *id, uid_t uid) {
        _cleanup_(freep) uint8_t *p = NULL;
        size_t n;
        struct logind_session l = of(id, uid);
        assert_int_equal(seat_write(w.seat, &p, &n), 0);
        w.seat = seat_free(w.seat);
        assert_int_equal(make_seat(), 0);
        assert_int_equal(seat_read(w.seat, (struct bytes){p, n}), 0);
        size_t whole = 0;
        for (size_t i = 0; i < n; i++) /* cut anywhere but between two sessions, it is nothing */
                whole += seat_read(w.seat, (struct bytes){p, i}) >= 0;
        assert_int_equal(whole, 2);
        assert_int_equal(seat_read(w.seat, (struct bytes){p, n}), 0);
        is_there("1", ANNA);
        is_there("2", BEN);
        seat_found_active(w.seat, &l, at());
        w.said[0] = 0;
}

static void a_restart_throws_nobody_out_and_shows_nobody(void **state) {
        greeter();
        signs_in("1", ANNA);
        signs_in("2", BEN);
        restart("2", BEN);
        assert_int_equal(w.guards, 0);
        assert_string_equal(seat_shown(w.seat)->id, "2");
        screen("1", ANNA);
        assert_int_equal(w.guards, 1);
        greeter();
        let_in(BEN, "none");
        screen("2", BEN);
        assert_int_equal(w.guards, 1);
}

static void what_came_to_the_screen_while_nobody_looked_is_sent_away(void **state) {
        greeter();
        signs_in("1", ANNA);
        signs_in("2", BEN);
        restart("1", ANNA);
        assert_int_equal(w.guards, 1);
        assert_null(seat_shown(w.seat));
}

static void where_nothing_was_kept_what_is_managed_counts_as_parked(void **state) {
        struct logind_session l = of("2", BEN);
        is_there("1", ANNA);
        is_there("2", BEN);
        seat_manage(w.seat, ANNA);
        seat_manage(w.seat, BEN);
        seat_found_active(w.seat, &l, at());
        assert_int_equal(w.guards, 0);
        screen("1", ANNA);
        assert_int_equal(w.guards, 1);
}

static void two_hundred_parked_sessions_are_kept_apart(void **state) {
        char id[16];
        for (unsigned i = 0; i < 200; i++) {
                (void) snprintf(id, sizeof(id), "s%u", i);
                signs_in(id, i % 2 ? ANNA : BEN);
        }
        for (unsigned i = 0; i < 199; i++) {
                (void) snprintf(id, sizeof(id), "s%u", i);
                screen(id, i % 2 ? ANNA : BEN);
        }
        assert_int_equal(w.guards, 199);
}

/* The hook is faster than logind's answer, and the X server slower than the let-in is good. */
static void a_session_that_logind_tells_of_late_is_guarded_all_the_same(void **state) {
        struct seat_proof p = proof(ANNA, "key");
        greeter();
        seat_let_in(w.seat, &p, at());
        seat_opened(w.seat, "1", &p, at());
        w.now += 11 * SECOND;
        screen("1", ANNA);
        assert_true(seat_shown(w.seat)->managed);
        greeter();
        screen("1", ANNA);
        assert_int_equal(w.guards, 1);
}

/* Whoever makes room for somebody who is then sent away, or needs no handoff, has left nevertheless. */
static void making_room_is_recorded_where_no_handoff_is(void **state) {
        greeter();
        signs_in("1", ANNA);
        signs_in("2", BEN);
        w.said[0] = 0;
        screen("1", ANNA);
        assert_non_null(strstr(w.said, "guard-alert anna"));
        assert_non_null(strstr(w.said, "lock ben from -/2 to -: switched by unknown"));
        greeter();
        let_in(BEN, "none");
        screen("2", BEN);
        is_there("5", ANNA); /* the site's own console */
        w.said[0] = 0;
        screen("5", ANNA);
        greeter(); /* it was no handoff, then */
        assert_non_null(strstr(w.said, "lock ben from -/2 to -: switched by unknown"));
}

static void a_reason_that_came_to_nothing_is_not_the_next_ones(void **state) {
        greeter();
        signs_in("1", ANNA);
        seat_leaves(w.seat, "tap-over", "ben");
        seat_leaves(w.seat, "", "");
        greeter();
        assert_said("lock anna from -/1 to -: switched by unknown - -\n");
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void) {
        static const struct CMUnitTest tests[] = {
                T(the_first_one_is_no_handoff),
                T(one_after_the_other_is_a_handoff),
                T(a_handoff_may_have_a_pause),
                T(nobody_takes_over_from_somebody_who_has_gone),
                T(ones_own_session_comes_back),
                T(what_nobody_was_let_in_to_is_sent_away),
                T(being_let_in_counts_once),
                T(being_let_in_counts_for_ten_seconds),
                T(a_grant_that_is_used_counts_anew),
                T(anothers_session_in_between_voids_it),
                T(nobody_elses_tap_shows_it),
                T(a_badge_alone_proves_no_new_session),
                T(what_the_site_opened_itself_may_be_shown),
                T(a_fallback_lets_in_as_well),
                T(one_that_ends_by_itself_is_not_locked),
                T(leaving_without_a_reason_is_recorded_once_something_else_is_there),
                T(it_says_where_a_persons_session_is),
                T(ending_a_session_is_recorded_once),
                T(a_restart_throws_nobody_out_and_shows_nobody),
                T(what_came_to_the_screen_while_nobody_looked_is_sent_away),
                T(where_nothing_was_kept_what_is_managed_counts_as_parked),
                T(two_hundred_parked_sessions_are_kept_apart),
                T(a_session_that_logind_tells_of_late_is_guarded_all_the_same),
                T(making_room_is_recorded_where_no_handoff_is),
                T(a_reason_that_came_to_nothing_is_not_the_next_ones),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
