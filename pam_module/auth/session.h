/* SPDX-License-Identifier: Apache-2.0 */
/* The session hooks: tells wardtapd which process holds a session that an attempt opened, so that a badge
 * alone may resume it as long as that process lives. */
#pragma once

#include <sys/socket.h>

#include "pam_module/auth/snapshot.h"
#include "common/wire.h"

/* Who may tell: euid 0, for a service that the rules use to sign in. Said by the listener before it forks.
 */
enum wire_verdict session_may(const struct ucred *peer, const struct wire_start *start,
                              const struct rules *rules);

/* Answers one hook, in the process that the listener forked for it. Somebody whom the site's own fallback
 * let in is told to wardtapd as well, at the beginning. */
void session_run(int module, const struct ucred *peer, const struct wire_message *start,
                 const struct rules *rules);
