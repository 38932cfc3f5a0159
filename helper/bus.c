/* SPDX-License-Identifier: Apache-2.0 */
/* The D-Bus interface. */
#include "helper/bus.h"

#include "common/bytes.h"
#include "helper/log.h"

#include <errno.h>
#include <systemd/sd-daemon.h>

#define RETRY_LEAST_USEC (1000U * 1000U)
#define ASKING_MAX 16U
#define RETRY_MOST_USEC (60U * 1000U * 1000U)

/* A program of a session that shows what is to be said there. */
struct attending {
        char session[65], name[65]; /* the unique name of its connection; "": free place */
};

/* A question that waits until the bus has said who asks. Both refer to the connection, so none may outlive
 * its time there. */
struct asking {
        struct bus *bus;
        sd_bus_message *question; /* NULL: free place */
        sd_bus_slot *slot;
        int (*answer)(struct asking *a, uid_t uid); /* -EACCES: not for this user */
};

/* A connection to the bus, which comes back when it is lost. */
struct link {
        struct bus *all;
        int (*begin)(struct link *l); /* what it is there for, once it has been started */
        int priority;                 /* of sd-event */
        sd_bus *bus;
        sd_event_source *retry;
        uint64_t retry_usec;
        bool ready; /* the bus has agreed to what `begin` asked for */
};

/* Whatever anybody sends to our name stands in the queue of `public`, and waits there for all else that
 * wardtapd has to do. What wardtapd itself asks and hears from logind and others has a connection without a
 * name, `own`: nobody can make that wait, and the screen with it. */
struct bus {
        sd_event *event;
        const char *address;
        struct bus_events events;
        void *userdata;
        struct link own, public;
        sd_event_source *defer;
        struct bus_status status;
        uint64_t status_turn; /* the turn of the loop that `status` is of */
        struct asking asking[ASKING_MAX];
        struct attending attending[BUS_ATTENDING_MAX];
        size_t attending_at; /* the next place, in turn */
        char *said[8];       /* values last announced, per property of `watched` */
};

static void open_link(struct link *l);

/* Computed once for all properties; what it borrows does not last longer than this turn. */
static const struct bus_status *look(struct bus *b) {
        uint64_t turn;
        if (sd_event_get_iteration(b->event, &turn) < 0)
                turn = UINT64_MAX;
        if (turn == UINT64_MAX || turn != b->status_turn) {
                b->status = (struct bus_status){0};
                b->events.status(b->userdata, &b->status);
                b->status_turn = turn;
        }
        return &b->status;
}

static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct bus_status *s = look(userdata);
        const char *v = strcmp(property, "Version") == 0       ? WARDTAP_VERSION
                        : strcmp(property, "Station") == 0     ? s->station
                        : strcmp(property, "Tags") == 0        ? s->tags
                        : strcmp(property, "RecordEpoch") == 0 ? s->record_epoch
                                                               : s->policy_hash;
        return sd_bus_message_append(reply, "s", v ? v : "");
}

static int get_list(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct bus_status *s = look(userdata);
        return sd_bus_message_append_strv(
                reply, (char **) (strcmp(property, "Readers") == 0 ? s->readers : s->slowed));
}

static int get_u32(sd_bus *bus, const char *path, const char *interface, const char *property,
                   sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct bus_status *s = look(userdata);
        return sd_bus_message_append(reply, "u",
                                     strcmp(property, "WaitingAttempts") == 0 ? s->waiting_attempts
                                                                              : s->open_sessions);
}

static int get_u64(sd_bus *bus, const char *path, const char *interface, const char *property,
                   sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct bus_status *s = look(userdata);
        uint64_t v = strcmp(property, "RecordSequence") == 0   ? s->record_sequence
                     : strcmp(property, "RecordsPending") == 0 ? s->records_pending
                                                               : s->last_tap_usec;
        return sd_bus_message_append(reply, "t", v);
}

static int get_bool(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct bus_status *s = look(userdata);
        bool v = strcmp(property, "Watching") == 0    ? s->watching
                 : strcmp(property, "SeesInput") == 0 ? s->sees_input
                                                      : s->journal_connected;
        return sd_bus_message_append(reply, "b", (int) v);
}

static void attend(struct bus *b, const char *session, const char *name) {
        struct attending *place = NULL;
        for (size_t i = 0; i < BUS_ATTENDING_MAX; i++)
                if (strcmp(b->attending[i].session, session) == 0)
                        place = &b->attending[i];
        if (!place) {
                place = &b->attending[b->attending_at];
                b->attending_at = (b->attending_at + 1) % BUS_ATTENDING_MAX;
        }
        *place = (struct attending){0};
        if (text_copy(place->session, sizeof(place->session), session) < 0 ||
            text_copy(place->name, sizeof(place->name), name) < 0)
                *place = (struct attending){0};
}

static void drop_asking(struct asking *a) {
        sd_bus_slot_unref(a->slot);
        sd_bus_message_unref(a->question);
        *a = (struct asking){0};
}

static int on_asker(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct asking *a = userdata;
        uint32_t uid;
        int r = -EACCES;
        if (!sd_bus_message_get_error(m) && sd_bus_message_read(m, "u", &uid) >= 0)
                r = a->answer(a, uid);
        if (r == -EACCES)
                r = sd_bus_reply_method_errorf(a->question, SD_BUS_ERROR_ACCESS_DENIED,
                                               "That is not yours to ask.");
        drop_asking(a);
        return r;
}

/* Asks without waiting: a bus that hangs must not hang wardtapd. Few at a time, because the bus lets nobody
 * have many questions open. */
static int ask_who(struct bus *b, sd_bus_message *m, int (*answer)(struct asking *a, uid_t uid)) {
        struct asking *a = NULL;
        for (size_t i = 0; i < ASKING_MAX && !a; i++)
                if (!b->asking[i].question)
                        a = &b->asking[i];
        if (!a)
                return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_LIMITS_EXCEEDED, "Ask again later.");
        *a = (struct asking){.bus = b, .question = sd_bus_message_ref(m), .answer = answer};
        int r = sd_bus_call_method_async(sd_bus_message_get_bus(m), &a->slot, "org.freedesktop.DBus",
                                         "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                         "GetConnectionUnixUser", on_asker, a, "s",
                                         sd_bus_message_get_sender(m));
        if (r < 0) {
                drop_asking(a);
                return r;
        }
        return 1;
}

static int answer_attend(struct asking *a, uid_t uid) {
        const char *session = NULL, *name = sd_bus_message_get_sender(a->question);
        if (!name || sd_bus_message_read(a->question, "s", &session) < 0 ||
            !a->bus->events.is_of(a->bus->userdata, session, uid))
                return -EACCES;
        attend(a->bus, session, name);
        int r = sd_bus_reply_method_return(a->question, NULL);
        a->bus->events.attended(a->bus->userdata, session);
        return r;
}

static int on_attend(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return ask_who(userdata, m, answer_attend);
}

static int append_sessions(struct bus *b, sd_bus_message *reply) {
        struct bus_session s;
        int r = sd_bus_message_open_container(reply, 'a', "(susbts)");
        for (size_t i = 0; r >= 0 && b->events.session(b->userdata, i, &s); i++)
                r = sd_bus_message_append(reply, "(susbts)", s.id, (uint32_t) s.uid, s.user, (int) s.shown,
                                          s.since_usec, s.attempt);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Who is here is root's to know. */
static int answer_sessions(struct asking *a, uid_t uid) {
        sd_bus_message *reply = NULL;
        if (uid != 0)
                return -EACCES;
        int r = sd_bus_message_new_method_return(a->question, &reply);
        if (r >= 0)
                r = append_sessions(a->bus, reply);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

static int on_list_sessions(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return ask_who(userdata, m, answer_sessions);
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
        SD_BUS_PROPERTY("SeesInput", "b", get_bool, 0, 0),
        SD_BUS_PROPERTY("LastTapUSec", "t", get_u64, 0, 0),
        SD_BUS_METHOD_WITH_ARGS("Attend", SD_BUS_ARGS("s", session), SD_BUS_NO_RESULT, on_attend,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListSessions", SD_BUS_NO_ARGS, SD_BUS_ARGS("a(susbts)", sessions),
                                on_list_sessions, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL_WITH_ARGS("SessionShown", SD_BUS_ARGS("s", session), 0),
        SD_BUS_SIGNAL_WITH_ARGS("SessionParked", SD_BUS_ARGS("s", session), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Countdown", SD_BUS_ARGS("s", session, "u", seconds), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Quiet", SD_BUS_ARGS("s", session, "b", quiet), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Notice", SD_BUS_ARGS("s", kind, "s", text, "u", seconds), 0),
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
        const struct bus_status *s = look(b);
        char *changed[ELEMENTSOF(watched) + 1] = {NULL};
        size_t n = 0;
        for (size_t i = 0; i < ELEMENTSOF(watched); i++) {
                char *value = value_of(i, s);
                if (value && b->said[i] && strcmp(value, b->said[i]) == 0) {
                        free(value);
                        continue;
                }
                free(b->said[i]);
                b->said[i] = value;
                changed[n++] = (char *) watched[i];
        }
        if (b->public.ready && n > 0)
                (void) sd_bus_emit_properties_changed_strv(b->public.bus, BUS_PATH, BUS_NAME, changed);
        return 0;
}

void bus_changed(struct bus *b) {
        (void) sd_event_source_set_enabled(b->defer, SD_EVENT_ONESHOT);
}

void bus_reader_changed(struct bus *b, const char *reader, bool attached) {
        if (b->public.ready)
                (void) sd_bus_emit_signal(b->public.bus, BUS_PATH, BUS_NAME, "ReaderChanged", "sb", reader,
                                          (int) attached);
}

void bus_session_changed(struct bus *b, const char *session, bool shown) {
        if (b->public.ready)
                (void) sd_bus_emit_signal(b->public.bus, BUS_PATH, BUS_NAME,
                                          shown ? "SessionShown" : "SessionParked", "s", session);
}

void bus_countdown(struct bus *b, const char *session, unsigned seconds) {
        if (b->public.ready)
                (void) sd_bus_emit_signal(b->public.bus, BUS_PATH, BUS_NAME, "Countdown", "su", session,
                                          (uint32_t) seconds);
}

void bus_quiet(struct bus *b, const char *session, bool quiet) {
        if (b->public.ready)
                (void) sd_bus_emit_signal(b->public.bus, BUS_PATH, BUS_NAME, "Quiet", "sb", session,
                                          (int) quiet);
}

bool bus_notice(struct bus *b, const char *session, const char *kind, const char *text, unsigned seconds) {
        sd_bus_message *m = NULL;
        for (size_t i = 0; b->public.ready && i < BUS_ATTENDING_MAX; i++) {
                if (!b->attending[i].name[0] || strcmp(b->attending[i].session, session) != 0)
                        continue;
                if (sd_bus_message_new_signal(b->public.bus, &m, BUS_PATH, BUS_NAME, "Notice") >= 0 &&
                    sd_bus_message_append(m, "ssu", kind, text, (uint32_t) seconds) >= 0 &&
                    sd_bus_message_set_destination(m, b->attending[i].name) >= 0)
                        (void) sd_bus_send(b->public.bus, m, NULL);
                sd_bus_message_unref(m);
                return true;
        }
        return false;
}

sd_bus *bus_connection(struct bus *b) {
        return b->own.ready && sd_bus_is_ready(b->own.bus) > 0 ? b->own.bus : NULL;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        open_link(userdata);
        return 0;
}

static void close_link(struct link *l) {
        struct bus *b = l->all;
        bool was_ready = l->ready;
        l->ready = false;
        if (l == &b->own && was_ready)
                b->events.connected(b->userdata, NULL);
        if (l == &b->public) {
                for (size_t i = 0; i < ASKING_MAX; i++)
                        drop_asking(&b->asking[i]);
                memset(b->attending, 0, sizeof(b->attending));
        }
        if (l->bus)
                (void) sd_bus_detach_event(l->bus);
        l->bus = sd_bus_close_unref(l->bus);
}

static void retry_later(struct link *l) {
        close_link(l);
        l->retry_usec = l->retry_usec == 0 ? RETRY_LEAST_USEC : l->retry_usec * 2;
        if (l->retry_usec > RETRY_MOST_USEC)
                l->retry_usec = RETRY_MOST_USEC;
        if (l->retry) {
                (void) sd_event_source_set_time_relative(l->retry, l->retry_usec);
                (void) sd_event_source_set_enabled(l->retry, SD_EVENT_ONESHOT);
        } else {
                (void) sd_event_add_time_relative(l->all->event, &l->retry, CLOCK_MONOTONIC, l->retry_usec,
                                                  0, on_retry, l);
        }
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct link *l = userdata;
        if (l == &l->all->own)
                log_line(SD_NOTICE, "The system bus is gone; wardtapd goes on without it until it is back.");
        else if (l->all->own.ready)
                log_line(SD_NOTICE, "The system bus has dropped " BUS_NAME "; it comes back there.");
        retry_later(l);
        return 0;
}

static int on_named(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct link *l = userdata;
        if (sd_bus_message_is_method_error(m, NULL)) {
                /* The bus may not have read our policy yet: the package has just been installed. */
                log_line(SD_WARNING, "Cannot have the name " BUS_NAME " on the system bus, trying again: %s",
                         sd_bus_message_get_error(m)->message);
                retry_later(l);
                return 0;
        }
        l->ready = true;
        l->retry_usec = 0;
        bus_changed(l->all);
        return 0;
}

static int begin_public(struct link *l) {
        int r = sd_bus_add_object_vtable(l->bus, NULL, BUS_PATH, BUS_NAME, vtable, l->all);
        return r < 0 ? r : sd_bus_request_name_async(l->bus, NULL, BUS_NAME, 0, on_named, l);
}

static int on_answered(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct link *l = userdata;
        if (sd_bus_message_is_method_error(m, NULL)) {
                log_line(SD_WARNING, "The system bus does not answer, trying again: %s",
                         sd_bus_message_get_error(m)->message);
                retry_later(l);
                return 0;
        }
        l->ready = true;
        l->retry_usec = 0;
        l->all->events.connected(l->all->userdata, l->bus);
        return 0;
}

/* Any answer says that the bus has taken us in. */
static int begin_own(struct link *l) {
        return sd_bus_call_method_async(l->bus, NULL, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                        "org.freedesktop.DBus", "GetId", on_answered, l, NULL);
}

static int connect_link(struct link *l) {
        int r;
        if ((r = sd_bus_new(&l->bus)) < 0 || (r = sd_bus_set_address(l->bus, l->all->address)) < 0 ||
            (r = sd_bus_set_bus_client(l->bus, 1)) < 0 ||
            (r = sd_bus_set_watch_bind(l->bus, 1)) < 0 || /* inotify, until the socket is there */
            (r = sd_bus_start(l->bus)) < 0 ||
            (r = sd_bus_match_signal_async(l->bus, NULL, "org.freedesktop.DBus.Local",
                                           "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                           "Disconnected", on_disconnected, NULL, l)) < 0 ||
            (r = l->begin(l)) < 0)
                return r;
        return sd_bus_attach_event(l->bus, l->all->event, l->priority);
}

static void open_link(struct link *l) {
        if (connect_link(l) < 0)
                retry_later(l);
}

int bus_new(sd_event *event, const char *address, const struct bus_events *events, void *userdata,
            struct bus **ret) {
        _cleanup_(bus_freep) struct bus *b = calloc(1, sizeof(*b));
        if (!b)
                return -ENOMEM;
        b->event = sd_event_ref(event);
        b->address = address;
        b->events = *events;
        b->userdata = userdata;
        b->status_turn = UINT64_MAX;
        b->own = (struct link){.all = b, .begin = begin_own, .priority = SD_EVENT_PRIORITY_NORMAL};
        b->public = (struct link){.all = b, .begin = begin_public, .priority = SD_EVENT_PRIORITY_IDLE};
        int r = sd_event_add_defer(event, &b->defer, on_defer, b);
        if (r < 0)
                return r;
        (void) sd_event_source_set_priority(b->defer, SD_EVENT_PRIORITY_IDLE + 10);
        (void) sd_event_source_set_enabled(b->defer, SD_EVENT_OFF);
        open_link(&b->own);
        open_link(&b->public);
        *ret = TAKE_PTR(b);
        return 0;
}

struct bus *bus_free(struct bus *b) {
        if (!b)
                return NULL;
        close_link(&b->public);
        close_link(&b->own);
        sd_event_source_disable_unref(b->public.retry);
        sd_event_source_disable_unref(b->own.retry);
        sd_event_source_disable_unref(b->defer);
        for (size_t i = 0; i < ELEMENTSOF(b->said); i++)
                free(b->said[i]);
        sd_event_unref(b->event);
        free(b);
        return NULL;
}
