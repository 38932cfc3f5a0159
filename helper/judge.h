/* SPDX-License-Identifier: Apache-2.0 */
/* Has wardtap-authd judge a tap at an open session (common/wire.h, WIRE_SEAT): one attempt at a time, to
 * which nobody can be asked anything. wardtapd has no store and no rules for people, and needs none. */
#pragma once

#include "common/util.h"
#include "common/wire.h"

#include <systemd/sd-event.h>

/* From the tap to the verdict; the display manager's transaction for the person is within it. */
#define JUDGE_USEC (20U * 1000U * 1000U)

struct judge_events {
        /* Words for whoever tapped: WIRE_INFO or WIRE_ERROR. */
        void (*words)(void *userdata, enum wire_type type, const char *text);
        /* The end: 0 and a verdict, or what went wrong (nobody was judged). */
        void (*done)(void *userdata, int error, enum wire_verdict verdict);
};

struct judge;

int judge_new(sd_event *event, const char *socket, const struct judge_events *events, void *userdata,
              struct judge **ret);
/* Hangs up on one that is under way, and tells nobody. */
struct judge *judge_free(struct judge *j);
DEFINE_CLEANUP(struct judge, judge_free)

/* Begins: WIRE_SEAT for a tap at this seat, or WIRE_RECHECK for a user; the service is the PAM service that
 * would give the person her session. -EBUSY while one is under way; -EINVAL for what does not fit; errors of
 * socket_connect() and socket_send(): `done` is not called. */
int judge_begin(struct judge *j, enum wire_hook hook, const char *service, const char *seat,
                const char *user);
bool judge_is_busy(const struct judge *j);
