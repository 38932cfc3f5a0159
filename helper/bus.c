/* SPDX-License-Identifier: Apache-2.0 */
/* The D-Bus interface. */
#include "helper/bus.h"

#include "helper/log.h"

#include <errno.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#define RETRY_LEAST_USEC (1000U * 1000U)
#define RETRY_MOST_USEC (60U * 1000U * 1000U)

struct bus {
        sd_event *event;
        const char *address;
        void (*status)(void *userdata, struct bus_status *ret);
        void *userdata;
        sd_bus *bus;
        sd_event_source *retry, *defer;
        uint64_t retry_usec;
        bool named;
        char *said[8]; /* values last announced, per property of `watched` */
};

static void open_bus(struct bus *b);

static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct bus *b = userdata;
        struct bus_status s = {0};
        b->status(b->userdata, &s);
        const char *v = strcmp(property, "Version") == 0       ? WARDTAP_VERSION
                        : strcmp(property, "Station") == 0     ? s.station
                        : strcmp(property, "Tags") == 0        ? s.tags
                        : strcmp(property, "RecordEpoch") == 0 ? s.record_epoch
                                                               : s.policy_hash;
        return sd_bus_message_append(reply, "s", v ? v : "");
}

static int get_list(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct bus *b = userdata;
        struct bus_status s = {0};
        b->status(b->userdata, &s);
        return sd_bus_message_append_strv(
                reply, (char **) (strcmp(property, "Readers") == 0 ? s.readers : s.slowed));
}

static int get_u32(sd_bus *bus, const char *path, const char *interface, const char *property,
                   sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct bus *b = userdata;
        struct bus_status s = {0};
        b->status(b->userdata, &s);
        return sd_bus_message_append(
                reply, "u", strcmp(property, "WaitingAttempts") == 0 ? s.waiting_attempts : s.open_sessions);
}

static int get_u64(sd_bus *bus, const char *path, const char *interface, const char *property,
                   sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct bus *b = userdata;
        struct bus_status s = {0};
        b->status(b->userdata, &s);
        uint64_t v = strcmp(property, "RecordSequence") == 0   ? s.record_sequence
                     : strcmp(property, "RecordsPending") == 0 ? s.records_pending
                                                               : s.last_tap_usec;
        return sd_bus_message_append(reply, "t", v);
}

static int get_bool(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct bus *b = userdata;
        struct bus_status s = {0};
        b->status(b->userdata, &s);
        return sd_bus_message_append(
                reply, "b", (int) (strcmp(property, "Watching") == 0 ? s.watching : s.journal_connected));
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Version", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Station", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Tags", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Readers", "as", get_list, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("ReadersSlowed", "as", get_list, 0, 0),
        SD_BUS_PROPERTY("WaitingAttempts", "u", get_u32, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("OpenSessions", "u", get_u32, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("RecordSequence", "t", get_u64, 0, 0),
        SD_BUS_PROPERTY("RecordEpoch", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("RecordsPending", "t", get_u64, 0, 0),
        SD_BUS_PROPERTY("JournalConnected", "b", get_bool, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("PolicyHash", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Watching", "b", get_bool, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("LastTapUSec", "t", get_u64, 0, 0),
        SD_BUS_SIGNAL_WITH_ARGS("ReaderChanged", SD_BUS_ARGS("s", reader, "b", attached), 0),
        SD_BUS_VTABLE_END,
};

/* Those that are announced, in the order of `said`. */
static const char *const watched[] = {"Station",         "Tags",         "Readers",
                                      "WaitingAttempts", "OpenSessions", "JournalConnected",
                                      "PolicyHash",      "Watching"};

static char *join(const char *const *list) {
        size_t n = 1;
        for (size_t i = 0; list[i]; i++)
                n += strlen(list[i]) + 1;
        char *out = malloc(n), *at = out;
        if (!out)
                return NULL;
        for (size_t i = 0; list[i]; i++) {
                at = stpcpy(at, list[i]);
                *at++ = '\n';
        }
        *at = 0;
        return out;
}

static char *number(uint64_t v) {
        char *out = NULL;
        return asprintf(&out, "%llu", (unsigned long long) v) < 0 ? NULL : out;
}

/* The value of a watched property as text, for comparing. */
static char *value_of(size_t i, const struct bus_status *s) {
        switch (i) {
        case 0:
                return strdup(s->station ? s->station : "");
        case 1:
                return strdup(s->tags ? s->tags : "");
        case 2:
                return join(s->readers);
        case 3:
                return number(s->waiting_attempts);
        case 4:
                return number(s->open_sessions);
        case 5:
                return number(s->journal_connected);
        case 6:
                return strdup(s->policy_hash ? s->policy_hash : "");
        default:
                return number(s->watching);
        }
}

static int on_defer(sd_event_source *source, void *userdata) {
        struct bus *b = userdata;
        struct bus_status s = {0};
        char *changed[ELEMENTSOF(watched) + 1] = {NULL};
        size_t n = 0;
        b->status(b->userdata, &s);
        for (size_t i = 0; i < ELEMENTSOF(watched); i++) {
                char *value = value_of(i, &s);
                if (value && b->said[i] && strcmp(value, b->said[i]) == 0) {
                        free(value);
                        continue;
                }
                free(b->said[i]);
                b->said[i] = value;
                changed[n++] = (char *) watched[i];
        }
        if (b->named && n > 0)
                (void) sd_bus_emit_properties_changed_strv(b->bus, BUS_PATH, BUS_NAME, changed);
        return 0;
}

void bus_changed(struct bus *b) {
        (void) sd_event_source_set_enabled(b->defer, SD_EVENT_ONESHOT);
}

void bus_reader_changed(struct bus *b, const char *reader, bool attached) {
        if (b->named)
                (void) sd_bus_emit_signal(b->bus, BUS_PATH, BUS_NAME, "ReaderChanged", "sb", reader,
                                          (int) attached);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        open_bus(userdata);
        return 0;
}

static void close_bus(struct bus *b) {
        b->named = false;
        if (b->bus)
                (void) sd_bus_detach_event(b->bus);
        b->bus = sd_bus_close_unref(b->bus);
}

static void retry_later(struct bus *b) {
        close_bus(b);
        b->retry_usec = b->retry_usec == 0 ? RETRY_LEAST_USEC : b->retry_usec * 2;
        if (b->retry_usec > RETRY_MOST_USEC)
                b->retry_usec = RETRY_MOST_USEC;
        if (b->retry) {
                (void) sd_event_source_set_time_relative(b->retry, b->retry_usec);
                (void) sd_event_source_set_enabled(b->retry, SD_EVENT_ONESHOT);
        } else {
                (void) sd_event_add_time_relative(b->event, &b->retry, CLOCK_MONOTONIC, b->retry_usec, 0,
                                                  on_retry, b);
        }
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct bus *b = userdata;
        log_line(SD_NOTICE, "The system bus is gone; wardtapd goes on without it until it is back.");
        retry_later(b);
        return 0;
}

static int on_named(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct bus *b = userdata;
        if (sd_bus_message_is_method_error(m, NULL)) {
                log_line(SD_WARNING, "Cannot have the name " BUS_NAME " on the system bus: %s",
                         sd_bus_message_get_error(m)->message);
                return 0;
        }
        b->named = true;
        b->retry_usec = 0;
        bus_changed(b);
        return 0;
}

static int connect_bus(struct bus *b) {
        int r;
        if ((r = sd_bus_new(&b->bus)) < 0 || (r = sd_bus_set_address(b->bus, b->address)) < 0 ||
            (r = sd_bus_set_bus_client(b->bus, 1)) < 0 ||
            (r = sd_bus_set_watch_bind(b->bus, 1)) < 0 || /* inotify, until the socket is there */
            (r = sd_bus_start(b->bus)) < 0 ||
            (r = sd_bus_match_signal_async(b->bus, NULL, "org.freedesktop.DBus.Local",
                                           "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                           "Disconnected", on_disconnected, NULL, b)) < 0 ||
            (r = sd_bus_add_object_vtable(b->bus, NULL, BUS_PATH, BUS_NAME, vtable, b)) < 0 ||
            (r = sd_bus_request_name_async(b->bus, NULL, BUS_NAME, 0, on_named, b)) < 0)
                return r;
        return sd_bus_attach_event(b->bus, b->event, SD_EVENT_PRIORITY_IDLE);
}

static void open_bus(struct bus *b) {
        if (connect_bus(b) < 0)
                retry_later(b);
}

int bus_new(sd_event *event, const char *address, void (*status)(void *userdata, struct bus_status *ret),
            void *userdata, struct bus **ret) {
        _cleanup_(bus_freep) struct bus *b = calloc(1, sizeof(*b));
        if (!b)
                return -ENOMEM;
        b->event = sd_event_ref(event);
        b->address = address;
        b->status = status;
        b->userdata = userdata;
        int r = sd_event_add_defer(event, &b->defer, on_defer, b);
        if (r < 0)
                return r;
        (void) sd_event_source_set_priority(b->defer, SD_EVENT_PRIORITY_IDLE + 10);
        (void) sd_event_source_set_enabled(b->defer, SD_EVENT_OFF);
        open_bus(b);
        *ret = TAKE_PTR(b);
        return 0;
}

struct bus *bus_free(struct bus *b) {
        if (!b)
                return NULL;
        close_bus(b);
        sd_event_source_disable_unref(b->retry);
        sd_event_source_disable_unref(b->defer);
        for (size_t i = 0; i < ELEMENTSOF(b->said); i++)
                free(b->said[i]);
        sd_event_unref(b->event);
        free(b);
        return NULL;
}
