/* SPDX-License-Identifier: Apache-2.0 */
/* What wardtapd says: org.wardtap.Station1 on the system bus. Signals count only from the owner of that
 * name, as the bus itself names it, and only for our own session. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "common/util.h"

/* Each is called with the userdata of session_bus_new(). Text is as it came and borrowed for the call. */
struct session_bus_handler {
        void (*attended)(void *userdata); /* wardtapd knows of us; it says what is the case from now on */
        void (*lost)(void *userdata);     /* nobody has the name any more, or the bus is gone */
        void (*shown)(void *userdata);
        void (*parked)(void *userdata);
        void (*countdown)(void *userdata, uint32_t seconds);
        void (*quiet)(void *userdata, bool quiet);
        void (*notice)(void *userdata, const char *kind, const char *text, uint32_t seconds);
};

struct session_bus;

/* Connects to the system bus, now or whenever it comes to that, and attends session (borrowed for as long as
 * it lives) each time somebody takes the name. A refusal is tried again a few times, with growing pauses. */
int session_bus_new(sd_event *event, const char *session, const struct session_bus_handler *handler,
                    void *userdata, struct session_bus **ret);
struct session_bus *session_bus_free(struct session_bus *b);
DEFINE_CLEANUP(struct session_bus, session_bus_free)
