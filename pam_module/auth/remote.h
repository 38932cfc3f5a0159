/* SPDX-License-Identifier: Apache-2.0 */
/* Whether somebody far away asks, who cannot be the one with the badge. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* PAM_RHOST is set, or the caller belongs to a session that logind calls remote, or to one that has gone.
 */
bool remote_is(const char *rhost, pid_t caller);
