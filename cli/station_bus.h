/* SPDX-License-Identifier: Apache-2.0 */
/* What wardtapd says of itself on the system bus. */
#pragma once

#include <json.h>

/* All properties of org.wardtap.Station1 by their names, each as its JSON type. -ENOENT or -ECONNREFUSED: no
 * bus; another negative errno: no wardtapd on it. */
int station_ask(struct json_object **ret);
