/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to wardtapd (input.h says what goes over it): open while devices are watched, and used to
 * say that somebody is there.
 *
 * When wardtapd goes, it is looked for once at that moment, since its socket stays; after that only when
 * there is something to say, and not more often than the pauses between, which grow from one second to 30.
 * What could not be said is forgotten: it is of no use later.
 */
#pragma once

#include "common/util.h"

#include <stdbool.h>
#include <systemd/sd-event.h>

struct report;

/* path: PATH_INPUT_SOCKET, made by listener_uid (root); borrowed. */
int report_new(sd_event *event, const char *path, uid_t listener_uid, struct report **ret);
struct report *report_free(struct report *r);
DEFINE_CLEANUP(struct report, report_free)

/* Whether there is a device to watch. */
void report_watching(struct report *r, bool watching);
void report_active(struct report *r);
