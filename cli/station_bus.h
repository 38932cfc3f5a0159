/* SPDX-License-Identifier: Apache-2.0 */
/* What wardtapd says of itself on the system bus. */
#pragma once

#include <json.h>

/* All properties of org.wardtap.Station1 by their names, each as its JSON type. -ENOENT or -ECONNREFUSED: no
 * bus; another negative errno: no wardtapd on it. */
int station_ask(struct json_object **ret);
/* Who is at the screen and whose sessions are parked: an array of objects with session, user, uid, shown,
 * since_usec (CLOCK_REALTIME) and attempt ("" by the site's own way). Root only: -EACCES. As above. */
int station_ask_sessions(struct json_object **ret);
