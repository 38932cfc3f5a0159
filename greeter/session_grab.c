/* SPDX-License-Identifier: Apache-2.0 */
/* Active grabs on the root window: every event goes to this client, which does not look at them. */
#include "greeter/session_grab.h"

#include "common/util.h"

#define RETRY_USEC (20U * 1000U)
#define HOLD_RETRIES_USEC (5U * 1000U * 1000U)

static bool take_keyboard(const struct grab *g) {
        _cleanup_(freep) xcb_grab_keyboard_reply_t *reply =
                xcb_grab_keyboard_reply(g->x,
                                        xcb_grab_keyboard(g->x, 0, g->root, XCB_CURRENT_TIME,
                                                          XCB_GRAB_MODE_ASYNC, XCB_GRAB_MODE_ASYNC),
                                        NULL);
        return reply && reply->status == XCB_GRAB_STATUS_SUCCESS;
}

/* No event is asked for, so that a moving mouse does not wake us. */
static bool take_pointer(const struct grab *g) {
        _cleanup_(freep) xcb_grab_pointer_reply_t *reply = xcb_grab_pointer_reply(
                g->x,
                xcb_grab_pointer(g->x, 0, g->root, 0, XCB_GRAB_MODE_ASYNC, XCB_GRAB_MODE_ASYNC, XCB_NONE,
                                 XCB_NONE, XCB_CURRENT_TIME),
                NULL);
        return reply && reply->status == XCB_GRAB_STATUS_SUCCESS;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata);

static void go_on(struct grab *g) {
        uint64_t now = 0, next = g->until;
        (void) sd_event_now(g->event, CLOCK_MONOTONIC, &now);
        g->keyboard = g->keyboard || take_keyboard(g);
        g->pointer = g->pointer || take_pointer(g);
        if ((!g->keyboard || !g->pointer) && now + RETRY_USEC < g->try_until)
                next = now + RETRY_USEC;
        int r = g->timer ? sd_event_source_set_time(g->timer, next)
                         : sd_event_add_time(g->event, &g->timer, CLOCK_MONOTONIC, next, 1000, on_timer, g);
        if (r < 0 || sd_event_source_set_enabled(g->timer, SD_EVENT_ONESHOT) < 0)
                grab_end(g); /* who cannot give it back must not keep it */
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct grab *g = userdata;
        if (usec >= g->until)
                grab_end(g);
        else
                go_on(g);
        return 0;
}

static void begin(struct grab *g, uint64_t usec, uint64_t retries) {
        uint64_t now = 0;
        (void) sd_event_now(g->event, CLOCK_MONOTONIC, &now);
        g->until = usec == GRAB_FOR_GOOD ? usec : now + usec;
        g->try_until = now + retries;
        go_on(g);
}

void grab_begin(struct grab *g, uint64_t usec) {
        begin(g, usec, usec);
}

void grab_hold(struct grab *g) {
        begin(g, GRAB_FOR_GOOD, HOLD_RETRIES_USEC);
}

void grab_end(struct grab *g) {
        if (g->until == 0)
                return;
        g->until = 0;
        if (g->timer)
                (void) sd_event_source_set_enabled(g->timer, SD_EVENT_OFF);
        if (g->keyboard)
                (void) xcb_ungrab_keyboard(g->x, XCB_CURRENT_TIME);
        if (g->pointer)
                (void) xcb_ungrab_pointer(g->x, XCB_CURRENT_TIME);
        g->keyboard = g->pointer = false;
        (void) xcb_flush(g->x);
}
