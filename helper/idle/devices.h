/* SPDX-License-Identifier: Apache-2.0 */
/* Reads input devices, and knows afterwards only that there was input: what is read is looked at for its
 * kind (a key, a movement, a touch), not for which key, and wiped at once.
 *
 * The first input after a quiet second is told at once. Then all devices rest for a second, in which
 * whatever is typed wakes nobody; at its end they are looked through, and what had come is told once more.
 * So while somebody types there is one wake-up a second, and without input none. A key that repeats by
 * itself is no input: what lies on a keyboard keeps no session open.
 */
#pragma once

#include "common/util.h"

#include <stdbool.h>
#include <systemd/sd-event.h>

#define DEVICES_MAX 64U
#define DEVICES_REST_USEC (1000U * 1000U)

struct devices_events {
        void (*active)(void *userdata);
        /* The first device came, or the last one went. */
        void (*watching)(void *userdata, bool watching);
};

struct devices;

int devices_new(sd_event *event, const struct devices_events *events, void *userdata, struct devices **ret);
/* Calls nothing back. */
struct devices *devices_free(struct devices *d);
DEFINE_CLEANUP(struct devices, devices_free)

/* fd yields struct input_event, does not block and is taken, also on an error. types: what counts of it, as
 * of counts_of(); not 0. It is dropped when it is unplugged. -EEXIST, -ENOSPC. */
int devices_add(struct devices *d, unsigned id, int fd, unsigned types);
/* Unknown ones are none. */
void devices_remove(struct devices *d, unsigned id);
void devices_remove_all(struct devices *d);
bool devices_has(const struct devices *d, unsigned id);
unsigned devices_count(const struct devices *d);
