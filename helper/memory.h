/* SPDX-License-Identifier: Apache-2.0 */
/* The station's memory: how much there is, how much each session uses, and the moment in which programs wait
 * for it.
 *
 * The kernel says that moment (pressure stall information, Documentation/accounting/psi.rst) to whoever
 * holds a descriptor of /proc/pressure/memory with a trigger written into it. Writing one needs
 * CAP_SYS_RESOURCE up to Linux 6.4, which wardtapd must not have: wardtap-pressure does it before wardtapd
 * starts, and leaves the descriptor with systemd. Nobody wakes up while nothing waits.
 */
#pragma once

#include "common/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

/* Of the descriptor, in systemd's store. */
#define MEMORY_FD_NAME "pressure"
/* Some task waited for memory for 1.5 s of the last 10 s. A short wait is what starting a large program on a
 * slow disk looks like, and ends by itself; somebody's session ends only for what a person would call a
 * frozen screen. Where everything waits, the trigger comes after those 1.5 s, not after 10. The kernel tells
 * at most once in 10 s. */
#define MEMORY_TRIGGER "some 1500000 10000000"
/* After a session was ended, its memory takes a while to come back. A little less than the 10 s of the
 * trigger, so that its next word is heard. */
#define MEMORY_PAUSE_USEC (9500U * 1000U)

struct memory_config {
        sd_event *event;
        const char *cgroup; /* MEMORY_CGROUP */
        const char *info;   /* MEMORY_INFO */
        /* Programs wait and the station is short of memory: ends the largest parked session. True when it
         * did end one, and MEMORY_PAUSE_USEC go by before it is called again. */
        bool (*pressed)(void *userdata);
        void *userdata;
};
#define MEMORY_CGROUP "/sys/fs/cgroup"
#define MEMORY_INFO "/proc/meminfo"

struct memory;

int memory_new(const struct memory_config *c, struct memory **ret);
struct memory *memory_free(struct memory *m);
DEFINE_CLEANUP(struct memory, memory_free)

/* Takes the descriptor with the trigger (also on an error); it replaces an earlier one. An error of
 * sd-event, -EPERM for a descriptor that cannot be waited for. */
int memory_watch(struct memory *m, int fd);
/* Bytes of memory that the station has; 0 where /proc does not say. */
uint64_t memory_total(const struct memory *m);
/* What a session of logind uses: its own control group, and with `alone` (the person has no other session)
 * that of her user manager too, swapped-out memory included. 0 where it cannot be read, or for an id that is
 * not one. */
uint64_t memory_of_session(const struct memory *m, uid_t uid, const char *session, bool alone);

/* Reads "Name:   123 kB" out of a text of /proc/meminfo: the amount in bytes. -ENOENT when it is not there,
 * -EBADMSG when it is not a number of kB. */
int memory_read_info(const char *text, const char *name, uint64_t *ret);
