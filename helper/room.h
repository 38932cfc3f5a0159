/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps a station's sessions within MaxSessions= and its memory: parked ones end, with a record (sign-out,
 * reason "limit" or "memory"), and never one that is on the screen. A session that the site's own ways
 * opened counts, and is never ended: Wardtap did not let anybody into it. */
#pragma once

#include "helper/memory.h"
#include "helper/seat.h"

struct room_config {
        sd_event *event;
        /* The table, borrowed until the next turn of the loop; and what the rules say of MaxSessions=. */
        const struct seat *(*seat)(void *userdata);
        unsigned (*max_sessions)(void *userdata);
        /* Ends a session, as desk_sign_out(). */
        int (*sign_out)(void *userdata, const char *session, const char *reason);
        void *userdata;
        const char *cgroup, *info; /* MEMORY_CGROUP, MEMORY_INFO */
};

struct room;

int room_new(const struct room_config *c, struct room **ret);
struct room *room_free(struct room *r);
DEFINE_CLEANUP(struct room, room_free)

/* Somebody's session has come to the screen, or the rules have changed: ends those that are too many. */
void room_check(struct room *r);
/* As memory_watch(). */
int room_watch_memory(struct room *r, int fd);
