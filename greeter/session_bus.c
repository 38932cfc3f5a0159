/* SPDX-License-Identifier: Apache-2.0 */
/* Attending, and listening to whoever is wardtapd. */
#include "greeter/session_bus.h"

#define BUS_NAME "org.wardtap.Station1"
#define BUS_PATH "/org/wardtap/Station1"
#define DBUS "org.freedesktop.DBus"

#define RETRY_LEAST_USEC (1000U * 1000U)
#define RETRY_MOST_USEC (60U * 1000U * 1000U)
#define REFUSALS_MAX 5U /* of one owner */

struct session_bus {
        sd_event *event;
        const char *session;
        const struct session_bus_handler *handler;
        void *userdata;
        sd_bus *bus;
        sd_bus_slot *attending; /* the call under way */
        sd_event_source *retry;
        uint64_t retry_usec; /* the last pause; 0: none */
        unsigned refusals;
        char *owner; /* unique name of wardtapd; NULL: nobody */
};

static void open_bus(struct session_bus *b);
static void attend(struct session_bus *b);

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        struct session_bus *b = userdata;
        if (b->bus)
                attend(b);
        else
                open_bus(b);
        return 0;
}

static void retry_later(struct session_bus *b) {
        b->retry_usec = b->retry_usec == 0 ? RETRY_LEAST_USEC : b->retry_usec * 2;
        if (b->retry_usec > RETRY_MOST_USEC)
                b->retry_usec = RETRY_MOST_USEC;
        if (!b->retry) {
                (void) sd_event_add_time_relative(b->event, &b->retry, CLOCK_MONOTONIC, b->retry_usec, 0,
                                                  on_retry, b);
                return;
        }
        (void) sd_event_source_set_time_relative(b->retry, b->retry_usec);
        (void) sd_event_source_set_enabled(b->retry, SD_EVENT_ONESHOT);
}

static void stop_retry(struct session_bus *b) {
        b->retry_usec = 0;
        b->refusals = 0;
        if (b->retry)
                (void) sd_event_source_set_enabled(b->retry, SD_EVENT_OFF);
}

static int on_attended(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct session_bus *b = userdata;
        b->attending = sd_bus_slot_unref(b->attending);
        if (!sd_bus_message_is_method_error(m, NULL)) {
                stop_retry(b);
                b->handler->attended(b->userdata);
        } else if (b->owner && ++b->refusals <= REFUSALS_MAX) {
                /* At a sign-in we may be there before wardtapd has heard of the session. */
                retry_later(b);
        }
        return 0;
}

static void attend(struct session_bus *b) {
        b->attending = sd_bus_slot_unref(b->attending);
        if (b->owner)
                (void) sd_bus_call_method_async(b->bus, &b->attending, b->owner, BUS_PATH, BUS_NAME,
                                                "Attend", on_attended, b, "s", b->session);
}

/* The name has this owner now; NULL or "" for none. */
static void set_owner(struct session_bus *b, const char *owner) {
        bool none = !owner || !*owner, had = b->owner != NULL;
        if (!none && b->owner && strcmp(b->owner, owner) == 0)
                return;
        free(b->owner);
        b->owner = none ? NULL : strdup(owner);
        stop_retry(b);
        if (had)
                b->handler->lost(b->userdata);
        attend(b);
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *owner = NULL;
        if (!sd_bus_message_is_method_error(m, NULL) && sd_bus_message_read(m, "s", &owner) > 0)
                set_owner(userdata, owner);
        return 0;
}

/* A message that is sent to us alone meets no match on the bus: who sent it is looked at here. */
static bool is_from(sd_bus_message *m, const char *sender) {
        const char *got = sd_bus_message_get_sender(m);
        return sender && got && strcmp(got, sender) == 0;
}

static int on_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name, *before, *after;
        if (is_from(m, DBUS) && sd_bus_message_read(m, "sss", &name, &before, &after) > 0 &&
            strcmp(name, BUS_NAME) == 0)
                set_owner(userdata, after);
        return 0;
}

static void on_notice(struct session_bus *b, sd_bus_message *m) {
        const char *kind, *text;
        uint32_t seconds;
        if (sd_bus_message_read(m, "ssu", &kind, &text, &seconds) > 0)
                b->handler->notice(b->userdata, kind, text, seconds);
}

/* All others begin with the session that they are about. */
static void on_session_signal(struct session_bus *b, sd_bus_message *m, const char *member) {
        const char *session;
        uint32_t seconds;
        int quiet;
        if (sd_bus_message_read(m, "s", &session) <= 0 || strcmp(session, b->session) != 0)
                return;
        if (strcmp(member, "SessionShown") == 0)
                b->handler->shown(b->userdata);
        else if (strcmp(member, "SessionParked") == 0)
                b->handler->parked(b->userdata);
        else if (strcmp(member, "Countdown") == 0 && sd_bus_message_read(m, "u", &seconds) > 0)
                b->handler->countdown(b->userdata, seconds);
        else if (strcmp(member, "Quiet") == 0 && sd_bus_message_read(m, "b", &quiet) > 0)
                b->handler->quiet(b->userdata, quiet);
}

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        static const struct {
                const char *member, *signature;
        } known[] = {{"SessionShown", "s"},
                     {"SessionParked", "s"},
                     {"Countdown", "su"},
                     {"Quiet", "sb"},
                     {"Notice", "ssu"}};
        struct session_bus *b = userdata;
        const char *member = sd_bus_message_get_member(m);
        if (!is_from(m, b->owner) || !member)
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(known); i++) {
                if (strcmp(member, known[i].member) != 0 ||
                    sd_bus_message_has_signature(m, known[i].signature) <= 0)
                        continue;
                if (strcmp(member, "Notice") == 0)
                        on_notice(b, m);
                else
                        on_session_signal(b, m, member);
        }
        return 0;
}

static void close_bus(struct session_bus *b) {
        b->attending = sd_bus_slot_unref(b->attending);
        if (b->bus)
                (void) sd_bus_detach_event(b->bus);
        b->bus = sd_bus_close_unref(b->bus);
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct session_bus *b = userdata;
        close_bus(b);
        set_owner(b, NULL);
        retry_later(b);
        return 0;
}

static int on_connected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct session_bus *b = userdata;
        stop_retry(b);
        return sd_bus_call_method_async(b->bus, NULL, DBUS, "/org/freedesktop/DBus", DBUS, "GetNameOwner",
                                        on_owner, b, "s", BUS_NAME);
}

static int match_all(struct session_bus *b) {
        int r;
        if ((r = sd_bus_match_signal_async(b->bus, NULL, "org.freedesktop.DBus.Local", NULL,
                                           "org.freedesktop.DBus.Local", "Disconnected", on_disconnected,
                                           NULL, b)) < 0 ||
            (r = sd_bus_match_signal_async(b->bus, NULL, BUS_NAME, BUS_PATH, BUS_NAME, NULL, on_signal, NULL,
                                           b)) < 0)
                return r;
        return sd_bus_add_match_async(b->bus, NULL,
                                      "type='signal',sender='" DBUS "',interface='" DBUS
                                      "',member='NameOwnerChanged',arg0='" BUS_NAME "'",
                                      on_owner_changed, on_connected, b);
}

static int connect_bus(struct session_bus *b) {
        int r;
        /* Set by hand, as sd_bus_open_system() does it, for the watch: inotify until the socket is there. */
        const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
        if (!address)
                address = "unix:path=/run/dbus/system_bus_socket";
        if ((r = sd_bus_new(&b->bus)) < 0 || (r = sd_bus_set_address(b->bus, address)) < 0 ||
            (r = sd_bus_set_bus_client(b->bus, 1)) < 0 || (r = sd_bus_set_watch_bind(b->bus, 1)) < 0 ||
            (r = sd_bus_start(b->bus)) < 0 || (r = match_all(b)) < 0)
                return r;
        return sd_bus_attach_event(b->bus, b->event, SD_EVENT_PRIORITY_NORMAL);
}

static void open_bus(struct session_bus *b) {
        if (connect_bus(b) < 0) {
                close_bus(b);
                retry_later(b);
        }
}

int session_bus_new(sd_event *event, const char *session, const struct session_bus_handler *handler,
                    void *userdata, struct session_bus **ret) {
        struct session_bus *b = calloc(1, sizeof(*b));
        if (!b)
                return -ENOMEM;
        b->event = sd_event_ref(event);
        b->session = session;
        b->handler = handler;
        b->userdata = userdata;
        open_bus(b);
        *ret = b;
        return 0;
}

struct session_bus *session_bus_free(struct session_bus *b) {
        if (!b)
                return NULL;
        close_bus(b);
        sd_event_source_disable_unref(b->retry);
        sd_event_unref(b->event);
        free(b->owner);
        free(b);
        return NULL;
}
