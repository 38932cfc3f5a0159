/* SPDX-License-Identifier: Apache-2.0 */
/* The idle clock on a real loop: who is told what, and what it costs. Rules here have seconds.
 */
#include "helper/idle.h"

#include "common/socket.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define MS UINT64_C(1000)
#define WAIT_USEC (10 * UINT64_C(1000000))

static const struct idle_rules rules = {
        .idle_lock_usec = 2000 * MS, .idle_countdown_usec = 1000 * MS, .parked_sign_out_usec = 200 * MS};

struct world {
        sd_event *event;
        struct idle *idle;
        char said[256];
        bool reenters;
};

/* How often the timer was touched, and whether it runs. */
static unsigned set;
static int enabled;

int __real_sd_event_source_set_enabled(sd_event_source *s, int m);
int __wrap_sd_event_source_set_enabled(sd_event_source *s, int m);
int __wrap_sd_event_source_set_enabled(sd_event_source *s, int m) {
        set++;
        enabled = m;
        return __real_sd_event_source_set_enabled(s, m);
}

static void say(struct world *w, const char *what, const char *session, unsigned n) {
        size_t used = strlen(w->said);
        (void) snprintf(w->said + used, sizeof(w->said) - used, "%s %s %u,", what, session, n);
}

static void on_countdown(void *userdata, const char *session, unsigned seconds) {
        say(userdata, "countdown", session, seconds);
}

static void on_lock(void *userdata, const char *session) {
        struct world *w = userdata;
        say(w, "lock", session, 0);
        if (w->reenters)
                assert_int_equal(idle_parked(w->idle, session, 1, now_boottime_usec(), &rules), 0);
}

static void on_sign_out(void *userdata, const char *session, const char *reason) {
        struct world *w = userdata;
        assert_string_equal(reason, "parked");
        say(w, "sign-out", session, 0);
        if (w->reenters)
                idle_gone(w->idle, session);
}

static void on_cap(void *userdata, const char *session) {
        say(userdata, "cap", session, 0);
}

static void on_quiet(void *userdata, const char *session, bool quiet) {
        say(userdata, "quiet", session, quiet);
}

static const struct idle_callbacks callbacks = {on_countdown, on_lock, on_sign_out, on_cap, on_quiet};

static int setup(void **state) {
        struct world *w = calloc(1, sizeof(*w));
        if (!w || sd_event_new(&w->event) < 0)
                return -1;
        *state = w;
        return idle_new(w->event, &callbacks, w, &w->idle);
}

static int teardown(void **state) {
        struct world *w = *state;
        (void) idle_free(w->idle);
        sd_event_unref(w->event);
        free(w);
        return 0;
}

/* Lets the loop turn until so much was said. */
static void hear(struct world *w, const char *said) {
        uint64_t end = now_boottime_usec() + WAIT_USEC;
        while (strlen(w->said) < strlen(said) && now_boottime_usec() < end)
                assert_true(sd_event_run(w->event, WAIT_USEC) >= 0);
        assert_string_equal(w->said, said);
        w->said[0] = '\0';
}

static void show(struct world *w) {
        uint64_t now = now_boottime_usec();
        assert_int_equal(idle_shown(w->idle, "c1", now, now, &rules), 0);
}

static void a_session_is_locked_in_time(void **state) {
        struct world *w = *state;
        uint64_t start = now_boottime_usec();
        show(w);
        hear(w, "countdown c1 1,");
        assert_true(now_boottime_usec() >= start + 1000 * MS);
        hear(w, "lock c1 0,");
        assert_true(now_boottime_usec() >= start + 2000 * MS);
}

static void input_calls_the_countdown_off(void **state) {
        struct world *w = *state;
        show(w);
        hear(w, "countdown c1 1,");
        idle_input(w->idle);
        assert_string_equal(w->said, ""); /* from the loop alone */
        uint64_t input = now_boottime_usec();
        hear(w, "countdown c1 0,");
        hear(w, "countdown c1 1,");
        hear(w, "lock c1 0,");
        assert_true(now_boottime_usec() >= input + 2000 * MS - 1);
}

static void typing_touches_no_timer(void **state) {
        struct world *w = *state;
        show(w);
        unsigned before = set;
        for (unsigned n = 0; n < 1000; n++)
                idle_input(w->idle);
        assert_int_equal(set, before);
}

static void nobody_there_needs_no_timer(void **state) {
        struct world *w = *state;
        assert_int_equal(enabled, SD_EVENT_OFF);
        show(w);
        assert_int_equal(enabled, SD_EVENT_ONESHOT);
        idle_gone(w->idle, "c1");
        assert_int_equal(enabled, SD_EVENT_OFF);
        idle_inhibited(w->idle, true);
        idle_input(w->idle);
        assert_int_equal(idle_hint(w->idle, "c1", true, 1), -ENOENT);
        assert_int_equal(idle_set_rules(w->idle, "c1", &rules), -ENOENT);
        assert_int_equal(enabled, SD_EVENT_OFF);
}

static void what_is_told_may_change_what_is_known(void **state) {
        struct world *w = *state;
        w->reenters = true;
        show(w);
        hear(w, "countdown c1 1,lock c1 0,sign-out c1 0,");
        assert_int_equal(enabled, SD_EVENT_OFF);
}

/* As after a restart: what was due meanwhile is due now. */
static void what_is_overdue_is_done_at_once(void **state) {
        struct world *w = *state;
        struct idle_rules capped = rules;
        capped.session_cap_usec = 1;
        assert_int_equal(idle_parked(w->idle, "c7", 1, 1, &capped), 0);
        hear(w, "cap c7 0,sign-out c7 0,");
}

static void the_clocks_agree(void **state) {
        assert_int_equal(idle_boottime_of(0), 0);
        uint64_t before = now_boottime_usec(), at = idle_boottime_of(now_monotonic_usec());
        assert_true(at + MS >= before && at <= now_boottime_usec() + MS);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(a_session_is_locked_in_time),
                T(input_calls_the_countdown_off),
                T(typing_touches_no_timer),
                T(nobody_there_needs_no_timer),
                T(what_is_told_may_change_what_is_known),
                T(what_is_overdue_is_done_at_once),
                T(the_clocks_agree),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
