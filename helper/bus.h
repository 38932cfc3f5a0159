/* SPDX-License-Identifier: Apache-2.0 */
/* org.wardtap.Station1 on the system bus: what this station's readers, taps and records are doing, for
 * status programs and the greeter. Read-only, and names nobody. wardtapd goes on without a bus and comes
 * back to it. */
#pragma once

#include "common/util.h"
#include "devices/client.h"

#include <systemd/sd-event.h>

#define BUS_ADDRESS "unix:path=/run/dbus/system_bus_socket"
#define BUS_NAME "org.wardtap.Station1"
#define BUS_PATH "/org/wardtap/Station1"

/* The properties. Text is borrowed until the next turn of the loop. */
struct bus_status {
        const char *station, *tags, *record_epoch, *policy_hash;
        const char *readers[DEVICE_READERS_MAX + 1], *slowed[DEVICE_READERS_MAX + 1]; /* end with NULL */
        uint32_t waiting_attempts, open_sessions;
        uint64_t record_sequence, records_pending, last_tap_usec;
        bool journal_connected, watching;
};

struct bus;

/* Tries to connect; it may come to that later. `status` fills in the properties when somebody asks. */
int bus_new(sd_event *event, const char *address, void (*status)(void *userdata, struct bus_status *ret),
            void *userdata, struct bus **ret);
struct bus *bus_free(struct bus *b);
DEFINE_CLEANUP(struct bus, bus_free)

/* Something in the status may have changed: says so on the bus, when the loop has time. */
void bus_changed(struct bus *b);
/* The signal ReaderChanged(s reader, b attached). */
void bus_reader_changed(struct bus *b, const char *reader, bool attached);
