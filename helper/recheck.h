/* SPDX-License-Identifier: Apache-2.0 */
/* Asks wardtap-authd whether the people whose sessions are open may still be here, one after the other. */
#pragma once

#include "helper/judge.h"

#include <sys/types.h>

struct recheck_events {
        /* A reason of policy/reason.h, by name: this person may not sign in here any more. */
        void (*refused)(void *userdata, uid_t uid, const char *reason);
};

/* So many people at a time; more are asked about the next time. */
#define RECHECK_PEOPLE_MAX 512U

struct recheck;

int recheck_new(sd_event *event, const char *auth_socket, const struct recheck_events *events,
                void *userdata, struct recheck **ret);
struct recheck *recheck_free(struct recheck *r);
DEFINE_CLEANUP(struct recheck, recheck_free)

/* Asks about everybody who is added in between, each once, for this PAM service; who waits for it
 * already keeps her place. */
void recheck_begin(struct recheck *r, const char *service);
void recheck_add(struct recheck *r, uid_t uid, const char *user);
void recheck_go(struct recheck *r);
