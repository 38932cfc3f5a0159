/* SPDX-License-Identifier: Apache-2.0 */
/* A tap at a session that is on the screen. wardtapd asks for it, because no application does, and nobody
 * can be asked for a PIN or a touch: what the badge alone may do is done, and the rest is a greeter's. */
#pragma once

#include <sys/socket.h>

#include "common/wire.h"
#include "policy/rules.h"

/* The system user of wardtapd. */
#define SEAT_USER "wardtapd"

/* Who may ask: ALLOW for wardtapd (or root) and a service that signs in, UNAVAIL where the rules do not name
 * it, else DENY. Said by the listener before it forks. */
enum wire_verdict seat_may(const struct ucred *peer, uid_t wardtapd, const struct wire_start *start,
                           const struct rules *rules);
/* The uid of SEAT_USER; root's where there is no such user. */
uid_t seat_find_user(void);
