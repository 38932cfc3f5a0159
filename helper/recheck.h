/* SPDX-License-Identifier: Apache-2.0 */
/* Asks wardtap-authd whether the people whose sessions are open may still be here, one after the other. */
#pragma once

#include "helper/judge.h"
#include "helper/seat.h"

struct recheck_events {
        /* A reason of policy/reason.h, by name: this person may not sign in here any more. */
        void (*refused)(void *userdata, uid_t uid, const char *reason);
};

struct recheck;

int recheck_new(sd_event *event, const char *auth_socket, const struct recheck_events *events,
                void *userdata, struct recheck **ret);
struct recheck *recheck_free(struct recheck *r);
DEFINE_CLEANUP(struct recheck, recheck_free)

/* All whose managed sessions are in the table, for this PAM service; what was under way begins anew. */
void recheck_all(struct recheck *r, const struct seat *seat, const char *service);
