/* SPDX-License-Identifier: Apache-2.0 */
/* One timer, and what is due handed on. */
#include "helper/idle.h"

#include "common/socket.h"

#include <errno.h>
#include <time.h>

/* So many in one turn of the loop; what is left over follows in the next. */
#define TURN_ACTIONS 32U

struct idle {
        struct idle_clock *clock;
        const struct idle_callbacks *callbacks;
        void *userdata;
        sd_event *event;
        sd_event_source *timer;
};

static void tell(struct idle *i, const struct idle_action *a) {
        switch (a->type) {
        case IDLE_COUNTDOWN:
                i->callbacks->countdown(i->userdata, a->session, a->seconds);
                break;
        case IDLE_LOCK:
                i->callbacks->lock(i->userdata, a->session);
                break;
        case IDLE_SIGN_OUT:
                i->callbacks->sign_out(i->userdata, a->session, "parked");
                break;
        case IDLE_CAP:
                i->callbacks->cap(i->userdata, a->session);
                break;
        case IDLE_QUIET:
                i->callbacks->quiet(i->userdata, a->session, a->on);
                break;
        case IDLE_ACTION_MAX:
                break;
        }
}

static void set_timer(struct idle *i) {
        uint64_t next = idle_clock_next(i->clock, now_boottime_usec());
        if (next != UINT64_MAX)
                (void) sd_event_source_set_time(i->timer, next);
        (void) sd_event_source_set_enabled(i->timer, next == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct idle *i = userdata;
        struct idle_action a;
        for (unsigned n = 0; n < TURN_ACTIONS && idle_clock_take(i->clock, now_boottime_usec(), &a); n++)
                tell(i, &a);
        set_timer(i);
        return 0;
}

static int changed(struct idle *i, int r) {
        if (r >= 0)
                set_timer(i);
        return r;
}

int idle_shown(struct idle *i, const char *session, uint64_t start_usec, uint64_t since_usec,
               const struct idle_rules *rules) {
        return changed(
                i, idle_clock_shown(i->clock, session, start_usec, since_usec, rules, now_boottime_usec()));
}

int idle_parked(struct idle *i, const char *session, uint64_t start_usec, uint64_t when_usec,
                const struct idle_rules *rules) {
        return changed(
                i, idle_clock_parked(i->clock, session, start_usec, when_usec, rules, now_boottime_usec()));
}

void idle_gone(struct idle *i, const char *session) {
        idle_clock_gone(i->clock, session);
        set_timer(i);
}

int idle_set_rules(struct idle *i, const char *session, const struct idle_rules *rules) {
        return changed(i, idle_clock_set_rules(i->clock, session, rules, now_boottime_usec()));
}

void idle_input(struct idle *i) {
        if (idle_clock_input(i->clock, now_boottime_usec()))
                set_timer(i);
}

int idle_hint(struct idle *i, const char *session, bool idle, uint64_t since_usec) {
        return changed(i, idle_clock_hint(i->clock, session, idle, since_usec, now_boottime_usec()));
}

void idle_inhibited(struct idle *i, bool inhibited) {
        idle_clock_inhibited(i->clock, inhibited, now_boottime_usec());
        set_timer(i);
}

uint64_t idle_boottime_of(uint64_t monotonic_usec) {
        uint64_t asleep = now_boottime_usec() - now_monotonic_usec();
        return monotonic_usec == 0 ? 0 : monotonic_usec + asleep;
}

int idle_new(sd_event *event, const struct idle_callbacks *callbacks, void *userdata, struct idle **ret) {
        _cleanup_(idle_freep) struct idle *i = calloc(1, sizeof(*i));
        if (!i)
                return -ENOMEM;
        i->event = sd_event_ref(event);
        i->callbacks = callbacks;
        i->userdata = userdata;
        int r = idle_clock_new(now_boottime_usec(), &i->clock);
        if (r >= 0)
                r = sd_event_add_time(event, &i->timer, CLOCK_BOOTTIME, UINT64_MAX, 0, on_timer, i);
        if (r >= 0)
                r = sd_event_source_set_enabled(i->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(i);
        return 0;
}

struct idle *idle_free(struct idle *i) {
        if (!i)
                return NULL;
        sd_event_source_disable_unref(i->timer);
        (void) idle_clock_free(i->clock);
        sd_event_unref(i->event);
        free(i);
        return NULL;
}
