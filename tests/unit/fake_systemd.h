/* SPDX-License-Identifier: Apache-2.0 */
/* A bus of two ends within one process, on the far one of which a test plays systemd and the bus driver. */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/* The name that systemd answers under; what comes from another is not systemd's. */
#define FAKE_SYSTEMD ":1.1"

struct fake_systemd {
        sd_event *event;
        sd_bus *here, *there; /* the tested code's end, and systemd's */
};

/* systemd: methods of its manager. driver: more of the bus driver's than AddMatch, or NULL. userdata: NULL.
 */
void fake_systemd_begin(struct fake_systemd *f, const sd_bus_vtable *systemd, const sd_bus_vtable *driver);
void fake_systemd_end(struct fake_systemd *f);
/* Answers the call of a method with the path of a job; for the method to return. */
int fake_systemd_reply(struct fake_systemd *f, sd_bus_message *call, const char *job);
/* Tells, as this sender (NULL: nobody), that the job has ended. */
void fake_systemd_removed(struct fake_systemd *f, const char *sender, const char *job, const char *unit,
                          const char *result);
/* Until nothing more happens for so long. */
void fake_systemd_run(struct fake_systemd *f, uint64_t usec);
