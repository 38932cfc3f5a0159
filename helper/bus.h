/* SPDX-License-Identifier: Apache-2.0 */
/* org.wardtap.Station1 on the system bus: what this station's readers, taps and records are doing, for
 * status programs and the greeter, and what happens to open sessions, by logind's id of the session. It
 * names nobody: words for a person go to the program of her session alone that has asked for them with
 * Attend(). wardtapd goes on without a bus and comes back to it. It has two connections there: one has the
 * name and waits for all else, for anybody may write to it as often as she likes; the other one has none,
 * and is for what wardtapd asks and hears itself. */
#pragma once

#include "common/util.h"
#include "devices/client.h"

#include <systemd/sd-bus.h>
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
        bool journal_connected, watching, sees_input;
};

/* Programs that attend to sessions, at most. */
#define BUS_ATTENDING_MAX 64U

/* One session of the seat, for root: on its screen, or parked, since when, and by which attempt ("": by the
 * site's own way). Text is borrowed. */
struct bus_session {
        const char *id, *user, *attempt;
        uid_t uid;
        bool shown;
        uint64_t since_usec; /* CLOCK_REALTIME */
};

struct bus_events {
        void (*status)(void *userdata, struct bus_status *ret); /* fills in the properties */
        void (*connected)(void *userdata, sd_bus *bus);         /* bus_connection(); NULL: it was lost */
        /* Whether this uid owns logind's session, which is on seat0. */
        bool (*is_of)(void *userdata, const char *session, uid_t uid);
        /* The i-th session; false after the last. */
        bool (*session)(void *userdata, size_t i, struct bus_session *ret);
        /* A program attends to it from now on: it may have to be told what is so already. */
        void (*attended)(void *userdata, const char *session);
};

struct bus;

/* Tries to connect; it may come to that later. */
int bus_new(sd_event *event, const char *address, const struct bus_events *events, void *userdata,
            struct bus **ret);
struct bus *bus_free(struct bus *b);
DEFINE_CLEANUP(struct bus, bus_free)

/* Something in the status may have changed: says so on the bus, when the loop has time. */
void bus_changed(struct bus *b);
/* The connection without the name, for questions of wardtapd's own and for signals of others; borrowed until
 * the next turn of the loop. NULL while there is none, or the bus has not answered there yet. */
sd_bus *bus_connection(struct bus *b);
/* The signals SessionShown(s session) and SessionParked(s session). */
void bus_session_changed(struct bus *b, const char *session, bool shown);
/* Countdown(s session, u seconds): it is parked then, unless somebody uses it; 0: called off. */
void bus_countdown(struct bus *b, const char *session, unsigned seconds);
/* Quiet(s session, b quiet): nobody has used it for a while. */
void bus_quiet(struct bus *b, const char *session, bool quiet);
/* Notice(s kind, s text, u seconds), to the program alone that attends to the session. False when none does.
 */
bool bus_notice(struct bus *b, const char *session, const char *kind, const char *text, unsigned seconds);
/* The signal ReaderChanged(s reader, b attached). */
void bus_reader_changed(struct bus *b, const char *reader, bool attached);
