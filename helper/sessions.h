/* SPDX-License-Identifier: Apache-2.0 */
/* The sessions that attempts opened, each for as long as the process that opened it lives. Its pidfd goes to
 * systemd's descriptor store as well, so that a restart of wardtapd forgets nobody. */
#pragma once

#include "common/util.h"

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#define SESSIONS_MAX 256U

struct sessions;

/* The opener of a session is gone. */
typedef void (*sessions_ended)(void *userdata, uid_t uid, const char *attempt);

int sessions_new(sd_event *event, sessions_ended ended, void *userdata, struct sessions **ret);
/* Leaves the descriptor store as it is. */
struct sessions *sessions_free(struct sessions *s);
DEFINE_CLEANUP(struct sessions, sessions_free)

/* Takes the pidfd (also on an error). -EBADF when it is not one, -ESRCH when its process is gone, -EEXIST
 * when this session is known, -ENOSPC. */
int sessions_open(struct sessions *s, uid_t uid, const char *attempt, int pidfd);
/* -ENOENT when it is not known. */
int sessions_close(struct sessions *s, uid_t uid, const char *attempt);
/* Whether this person has a session that a badge alone may resume. */
bool sessions_has(const struct sessions *s, uid_t uid);
/* Whether this person has any session that an attempt opened. */
bool sessions_is_open(const struct sessions *s, uid_t uid);
/* None of the sessions that this person has now may be resumed by a badge alone any more. */
void sessions_end_grace(struct sessions *s, uid_t uid);
/* The same, because the session cap is over (SessionCap=). */
void sessions_cap(struct sessions *s, uid_t uid);
/* It is the session cap that keeps this person's badge from resuming: until sessions_begin_grace(). */
bool sessions_is_capped(const struct sessions *s, uid_t uid);
/* A full sign-in: they may again. */
void sessions_begin_grace(struct sessions *s, uid_t uid);
unsigned sessions_count(const struct sessions *s);

/* Takes back a descriptor from systemd's store under the name that sessions_open() gave it. -EINVAL for
 * another name. A session whose opener has died meanwhile is reported as ended at once. */
int sessions_restore(struct sessions *s, const char *name, int pidfd);
/* True for a name that sessions_restore() knows. */
bool sessions_is_name(const char *name);
