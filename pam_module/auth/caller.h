/* SPDX-License-Identifier: Apache-2.0 */
/* Who is behind a caller, beyond the credentials of its socket. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

/* Whether somebody far away asks, who cannot be the one with the badge: PAM_RHOST is set, or the caller
 * belongs to a session that logind calls remote, or to one that has gone. A caller of no session (tmux, a
 * user's services, a job of cron) counts as its user: that user's graphical session, or else the one in use,
 * must be here and active. */
bool caller_is_remote(const char *rhost, const struct ucred *caller);

/* The unit of systemd that the caller belongs to ("lightdm.service"); "" when it is none's, or its name does
 * not fit. */
void caller_unit(pid_t caller, char *buf, size_t size);

/* The user whose login the caller comes from: its own uid when that is not root's; for root what the kernel
 * has kept since the login (loginuid, through sudo and su); 0 for what no login has begun, as display
 * managers and getty are. */
uid_t caller_login(const struct ucred *peer);
