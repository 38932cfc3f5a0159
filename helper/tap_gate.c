/* SPDX-License-Identifier: Apache-2.0 */
/* The filter, and the taps that wait until they were held for long enough. */
#include "helper/tap_gate.h"

#include "devices/client.h"
#include "helper/log.h"

#include <errno.h>
#include <systemd/sd-daemon.h>

struct held {
        struct tap_gate *gate;
        sd_event_source *timer; /* NULL: nothing is held here */
        struct tap tap;
};

struct tap_gate {
        sd_event *event;
        struct tap_gate_events events;
        void *userdata;
        struct tap_filter *filter;
        struct held held[DEVICE_READERS_MAX];
};

int tap_gate_new(sd_event *event, const struct tap_gate_events *events, void *userdata,
                 struct tap_gate **ret) {
        _cleanup_(tap_gate_freep) struct tap_gate *g = calloc(1, sizeof(*g));
        if (!g)
                return -ENOMEM;
        g->event = sd_event_ref(event);
        g->events = *events;
        g->userdata = userdata;
        for (size_t i = 0; i < DEVICE_READERS_MAX; i++)
                g->held[i].gate = g;
        int r = tap_filter_new(&g->filter);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(g);
        return 0;
}

static void drop(struct held *h) {
        h->timer = sd_event_source_disable_unref(h->timer);
        explicit_bzero(&h->tap, sizeof(h->tap));
}

struct tap_gate *tap_gate_free(struct tap_gate *g) {
        if (!g)
                return NULL;
        for (size_t i = 0; i < DEVICE_READERS_MAX; i++)
                drop(&g->held[i]);
        (void) tap_filter_free(g->filter);
        sd_event_unref(g->event);
        free(g);
        return NULL;
}

/* What is held on this reader. */
static struct held *find(struct tap_gate *g, const char *reader) {
        for (size_t i = 0; i < DEVICE_READERS_MAX; i++)
                if (g->held[i].timer && strcmp(g->held[i].tap.reader, reader) == 0)
                        return &g->held[i];
        return NULL;
}

static struct held *find_free(struct tap_gate *g) {
        for (size_t i = 0; i < DEVICE_READERS_MAX; i++)
                if (!g->held[i].timer)
                        return &g->held[i];
        return NULL;
}

static int on_held(sd_event_source *source, uint64_t usec, void *userdata) {
        struct held *h = userdata;
        struct tap_gate *g = h->gate;
        struct tap t = h->tap;
        drop(h); /* whoever takes it may ask for anything, and free us last of all */
        g->events.taken(g->userdata, &t);
        explicit_bzero(&t, sizeof(t));
        return 0;
}

static void hold(struct tap_gate *g, const struct tap *t, uint64_t until_usec) {
        struct held *h = find_free(g);
        int r = h ? sd_event_add_time(g->event, &h->timer, CLOCK_MONOTONIC, until_usec, 1, on_held, h)
                  : -ENOSPC;
        if (r < 0)
                log_line(SD_WARNING, "A badge that must be held is ignored: %s", strerror(-r));
        else
                h->tap = *t;
}

void tap_gate_tap(struct tap_gate *g, const struct tap *t, const struct tap_gate_seat *seat,
                  uint64_t now_usec) {
        const struct tap_filter_question q = {
                .reader = t->reader,
                .index = t->n_indexes > 0 ? t->indexes[0].index : NULL,
                .seen_usec = t->seen_usec,
                .seat_has_session = seat->has_session,
                .last_input_usec = seat->last_input_usec,
                .exempt = seat->exempt,
        };
        struct held *before = find(g, t->reader);
        uint64_t until;
        if (before)
                drop(before);
        switch (tap_filter_tap(g->filter, &q, now_usec, &until)) {
        case TAP_TAKE:
                g->events.taken(g->userdata, t);
                break;
        case TAP_HOLD:
                hold(g, t, until);
                break;
        case TAP_NEARBY_FIRST:
                g->events.nearby(g->userdata, t);
                break;
        case TAP_NOT_HELD:
        case TAP_SAME:
        case TAP_NEARBY:
                break;
        }
}

void tap_gate_present(struct tap_gate *g, const char *reader, bool present, uint64_t now_usec) {
        struct held *h = find(g, reader);
        if (h)
                drop(h);
        if (present)
                tap_filter_inserted(g->filter, reader, now_usec);
        else
                tap_filter_removed(g->filter, reader, now_usec);
}

void tap_gate_lost(struct tap_gate *g, uint64_t now_usec) {
        for (size_t i = 0; i < DEVICE_READERS_MAX; i++)
                drop(&g->held[i]);
        tap_filter_lost(g->filter, now_usec);
}

void tap_gate_used(struct tap_gate *g, const struct tap *t, bool proved, uint64_t now_usec) {
        if (t && t->n_indexes > 0)
                tap_filter_used(g->filter, t->indexes[0].index, proved, now_usec);
}
