/* SPDX-License-Identifier: Apache-2.0 */
/* Signals of logind, and the questions that follow from them. */
#include "helper/logind.h"

#include "helper/console.h"
#include "helper/log.h"
#include "helper/logind_read.h"

#include <errno.h>
#include <fcntl.h>
#include <systemd/sd-daemon.h>

#define LOGIND "org.freedesktop.login1"
#define MANAGER LOGIND ".Manager"
#define ROOT "/org/freedesktop/login1"
#define SEAT_PATH ROOT "/seat/seat0"
#define BUS_DRIVER "org.freedesktop.DBus"
#define ASKING_MAX 32U
#define RETRY_USEC (2U * 1000U * 1000U)
#define PROPERTIES "org.freedesktop.DBus.Properties"

struct entry {
        struct logind *all;
        struct logind_session session; /* its id is "" until logind has answered */
        char path[LOGIND_PATH_SIZE];
        sd_bus_slot *asking;
        bool again, listed; /* again: it is to be asked (once more) */
};

struct logind {
        struct logind_events events;
        void *userdata;
        sd_bus *bus;
        char owner[LOGIND_ID_SIZE]; /* the unique name of logind's connection; "": it is not there */
        sd_bus_slot *showing;
        void (*then)(void *userdata); /* once logind has shown a terminal */
        void *then_userdata;
        sd_bus_slot *signals[4], *owner_asked, *listing, *seat_asked, *inhibitors_asked, *inhibiting;
        struct entry *entries[LOGIND_SESSIONS_MAX];
        size_t n, n_asking;
        char active[LOGIND_ID_SIZE], told[LOGIND_ID_SIZE]; /* ids; "": none */
        bool has_seat, active_told, ready, hold_wanted;
        int hold_fd;
        sd_event_source *retry; /* of a question that was not answered */
};

static void ask_entry(struct entry *e);
static void retry_later(struct logind *l);
static void sync_all(struct logind *l);

static struct entry *entry_free(struct entry *e) {
        if (!e)
                return NULL;
        if (e->asking)
                e->all->n_asking--;
        sd_bus_slot_unref(e->asking);
        free(e);
        return NULL;
}

static size_t find_path(const struct logind *l, const char *path) {
        size_t i = 0;
        while (i < l->n && strcmp(l->entries[i]->path, path) != 0)
                i++;
        return i;
}

const struct logind_session *logind_find(const struct logind *l, const char *id) {
        for (size_t i = 0; *id && i < l->n; i++)
                if (strcmp(l->entries[i]->session.id, id) == 0)
                        return &l->entries[i]->session;
        return NULL;
}

const struct logind_session *logind_at(const struct logind *l, size_t i) {
        size_t n = 0;
        for (size_t k = 0; k < l->n; k++)
                if (l->entries[k]->session.id[0] && n++ == i)
                        return &l->entries[k]->session;
        return NULL;
}

const struct logind_session *logind_active(const struct logind *l) {
        return l->ready && l->has_seat ? logind_find(l, l->active) : NULL;
}

bool logind_has_seat(const struct logind *l) {
        return l->ready && l->has_seat;
}

/* Only once it is known whose session it is. */
static void tell_active(struct logind *l) {
        const struct logind_session *s = logind_find(l, l->active);
        if (!l->ready || (l->active_told && strcmp(l->active, l->told) == 0) || (l->active[0] && !s))
                return;
        memcpy(l->told, l->active, sizeof(l->told));
        l->active_told = true;
        l->events.active(l->userdata, s);
}

static void drop(struct logind *l, size_t i) {
        struct entry *e = l->entries[i];
        l->entries[i] = l->entries[--l->n];
        if (e->session.id[0])
                l->events.gone(l->userdata, &e->session);
        (void) entry_free(e);
}

/* Everything that was asked has been answered. */
static void settle(struct logind *l) {
        if (l->ready || l->listing || l->seat_asked)
                return;
        for (size_t i = 0; i < l->n; i++)
                if (l->entries[i]->asking || l->entries[i]->again)
                        return;
        for (size_t i = l->n; i-- > 0;)
                if (!l->entries[i]->listed)
                        drop(l, i);
        l->ready = true;
        l->events.ready(l->userdata, true);
        tell_active(l);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        struct logind *l = userdata;
        if (l->bus && l->owner[0])
                sync_all(l);
        return 0;
}

/* logind hangs, or the bus is full: without an answer nobody guards the screen, so all is asked again. */
static void retry_later(struct logind *l) {
        sd_event *event = l->bus ? sd_bus_get_event(l->bus) : NULL;
        if (!event)
                return;
        if (!l->retry) {
                (void) sd_event_add_time_relative(event, &l->retry, CLOCK_MONOTONIC, RETRY_USEC, 0, on_retry,
                                                  l);
                return;
        }
        (void) sd_event_source_set_time_relative(l->retry, RETRY_USEC);
        (void) sd_event_source_set_enabled(l->retry, SD_EVENT_ONESHOT);
}

static void end_asking(struct entry *e) {
        if (e->asking)
                e->all->n_asking--;
        e->asking = sd_bus_slot_unref(e->asking);
}

static void ask_waiting(struct logind *l) {
        for (size_t i = 0; i < l->n && l->n_asking < ASKING_MAX; i++)
                if (l->entries[i]->again && !l->entries[i]->asking)
                        ask_entry(l->entries[i]);
}

static bool is_gone(const sd_bus_error *e) {
        return sd_bus_error_has_name(e, SD_BUS_ERROR_UNKNOWN_OBJECT) ||
               sd_bus_error_has_name(e, LOGIND ".NoSuchSession");
}

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct entry *e = userdata;
        struct logind *l = e->all;
        struct logind_session s;
        const sd_bus_error *failed = sd_bus_message_get_error(m);
        end_asking(e);
        ask_waiting(l);
        if (e->again || e->asking)
                return 0;
        if (failed && !is_gone(failed)) {
                retry_later(l); /* what logind did not answer is not gone */
                return 0;
        }
        if (failed || logind_read_session(m, &s) < 0) {
                drop(l, find_path(l, e->path)); /* it has ended meanwhile */
                settle(l);
                return 0;
        }
        e->session = s;
        l->events.session(l->userdata, &e->session);
        settle(l);
        tell_active(l);
        return 0;
}

/* The bus refuses to have more than 128 questions of one connection unanswered. */
static void ask_entry(struct entry *e) {
        struct logind *l = e->all;
        e->again = e->asking || l->n_asking >= ASKING_MAX;
        if (e->again)
                return;
        if (sd_bus_call_method_async(l->bus, &e->asking, LOGIND, e->path, PROPERTIES, "GetAll",
                                     on_properties, e, "s", LOGIND ".Session") >= 0)
                l->n_asking++;
        else
                retry_later(l);
}

/* A session that is new or has changed. */
static struct entry *ask_path(struct logind *l, const char *path) {
        size_t i = find_path(l, path);
        if (i == l->n) {
                struct entry *e;
                if (strlen(path) >= LOGIND_PATH_SIZE || l->n == LOGIND_SESSIONS_MAX ||
                    !(e = calloc(1, sizeof(*e))))
                        return NULL;
                e->all = l;
                memcpy(e->path, path, strlen(path) + 1);
                l->entries[l->n++] = e;
        }
        l->entries[i]->listed = true;
        ask_entry(l->entries[i]);
        return l->entries[i];
}

static int on_list(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct logind *l = userdata;
        const char *path;
        l->listing = sd_bus_slot_unref(l->listing);
        if (sd_bus_message_get_error(m) || sd_bus_message_enter_container(m, 'a', "(susso)") < 0) {
                retry_later(l);
                return 0;
        }
        while (sd_bus_message_read(m, "(susso)", NULL, NULL, NULL, NULL, &path) > 0)
                (void) ask_path(l, path);
        settle(l);
        return 0;
}

static void take_active(struct logind *l, const char *id) {
        if (strlen(id) >= LOGIND_ID_SIZE)
                id = "";
        memset(l->active, 0, sizeof(l->active));
        memcpy(l->active, id, strlen(id));
        tell_active(l);
}

static int on_seat(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct logind *l = userdata;
        const char *id = "";
        l->seat_asked = sd_bus_slot_unref(l->seat_asked);
        const sd_bus_error *failed = sd_bus_message_get_error(m);
        if (failed && !is_gone(failed) && !sd_bus_error_has_name(failed, LOGIND ".NoSuchSeat")) {
                retry_later(l);
                return 0;
        }
        l->has_seat = !failed && sd_bus_message_read(m, "v", "(so)", &id, NULL) >= 0;
        take_active(l, l->has_seat ? id : "");
        settle(l);
        return 0;
}

static void ask_seat(struct logind *l) {
        l->seat_asked = sd_bus_slot_unref(l->seat_asked);
        (void) sd_bus_call_method_async(l->bus, &l->seat_asked, LOGIND, SEAT_PATH, PROPERTIES, "Get",
                                        on_seat, l, "ss", LOGIND ".Seat", "ActiveSession");
}

static int on_inhibited(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct logind *l = userdata;
        const char *what = "";
        l->inhibitors_asked = sd_bus_slot_unref(l->inhibitors_asked);
        if (!sd_bus_message_get_error(m) && sd_bus_message_read(m, "v", "s", &what) >= 0)
                l->events.inhibited(l->userdata, logind_names_idle(what));
        return 0;
}

static void ask_inhibitors(struct logind *l) {
        l->inhibitors_asked = sd_bus_slot_unref(l->inhibitors_asked);
        (void) sd_bus_call_method_async(l->bus, &l->inhibitors_asked, LOGIND, ROOT, PROPERTIES, "Get",
                                        on_inhibited, l, "ss", MANAGER, "BlockInhibited");
}

/* Anybody may send a signal to wardtapd alone, and the bus looks at no match for it: only the sender tells.
 */
static bool is_from(sd_bus_message *m, const char *name) {
        const char *sender = sd_bus_message_get_sender(m);
        return sender && *name && strcmp(sender, name) == 0;
}

static int on_manager_signal(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct logind *l = userdata;
        const char *path;
        int begins;
        if (!is_from(m, l->owner))
                return 0;
        if (sd_bus_message_is_signal(m, MANAGER, "SessionNew") > 0) {
                if (sd_bus_message_read(m, "so", NULL, &path) >= 0)
                        (void) ask_path(l, path);
        } else if (sd_bus_message_is_signal(m, MANAGER, "SessionRemoved") > 0) {
                if (sd_bus_message_read(m, "so", NULL, &path) >= 0 && find_path(l, path) < l->n)
                        drop(l, find_path(l, path));
        } else if (sd_bus_message_is_signal(m, MANAGER, "PrepareForSleep") > 0) {
                if (sd_bus_message_read(m, "b", &begins) >= 0)
                        l->events.sleep(l->userdata, begins);
        }
        return 0;
}

/* Of the seat the value comes along, so that the guard loses no time; all else is asked again. */
static int on_properties_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct logind *l = userdata;
        const char *path = sd_bus_message_get_path(m);
        char id[LOGIND_ID_SIZE];
        if (!path || !is_from(m, l->owner))
                return 0;
        if (strcmp(path, SEAT_PATH) == 0) {
                int r = logind_read_active(m, id);
                if (r > 0)
                        take_active(l, id);
                else if (r < 0)
                        ask_seat(l);
        } else if (strcmp(path, ROOT) == 0) {
                ask_inhibitors(l);
        } else if (find_path(l, path) < l->n) {
                (void) ask_path(l, path);
        }
        return 0;
}

static void take_owner(struct logind *l, const char *owner) {
        l->owner_asked = sd_bus_slot_unref(l->owner_asked);
        memset(l->owner, 0, sizeof(l->owner));
        if (strlen(owner) < sizeof(l->owner))
                memcpy(l->owner, owner, strlen(owner));
        if (l->owner[0]) {
                sync_all(l);
        } else if (l->ready) {
                l->ready = false;
                l->events.ready(l->userdata, false);
        }
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *owner = "";
        if (is_from(m, BUS_DRIVER) && sd_bus_message_read(m, "sss", NULL, NULL, &owner) >= 0)
                take_owner(userdata, owner);
        return 0;
}

static int on_owner_asked(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *owner = "";
        bool known = !sd_bus_message_get_error(m) && sd_bus_message_read(m, "s", &owner) >= 0;
        take_owner(userdata, known ? owner : "");
        return 0;
}

static void sync_all(struct logind *l) {
        l->ready = false;
        for (size_t i = 0; i < l->n; i++)
                l->entries[i]->listed = false;
        l->listing = sd_bus_slot_unref(l->listing);
        (void) sd_bus_call_method_async(l->bus, &l->listing, LOGIND, ROOT, MANAGER, "ListSessions", on_list,
                                        l, NULL);
        ask_seat(l);
        ask_inhibitors(l);
        if (l->hold_wanted)
                (void) logind_hold_sleep(l);
}

static void disconnect(struct logind *l) {
        for (size_t i = 0; i < ELEMENTSOF(l->signals); i++)
                l->signals[i] = sd_bus_slot_unref(l->signals[i]);
        l->owner_asked = sd_bus_slot_unref(l->owner_asked);
        l->owner[0] = 0;
        l->listing = sd_bus_slot_unref(l->listing);
        l->seat_asked = sd_bus_slot_unref(l->seat_asked);
        l->inhibitors_asked = sd_bus_slot_unref(l->inhibitors_asked);
        l->inhibiting = sd_bus_slot_unref(l->inhibiting);
        l->showing = sd_bus_slot_unref(l->showing);
        for (size_t i = 0; i < l->n; i++) {
                end_asking(l->entries[i]);
                l->entries[i]->again = false;
        }
        l->bus = sd_bus_unref(l->bus);
}

void logind_connected(struct logind *l, sd_bus *bus) {
        bool was_ready = l->ready;
        disconnect(l);
        l->ready = false;
        if (!bus) {
                if (was_ready)
                        l->events.ready(l->userdata, false);
                return;
        }
        l->bus = sd_bus_ref(bus);
        (void) sd_bus_match_signal_async(bus, &l->signals[0], LOGIND, ROOT, MANAGER, NULL, on_manager_signal,
                                         NULL, l);
        (void) sd_bus_add_match_async(bus, &l->signals[1],
                                      "type='signal',sender='" LOGIND "',interface='" PROPERTIES
                                      "',member='PropertiesChanged',path_namespace='" ROOT "'",
                                      on_properties_changed, NULL, l);
        (void) sd_bus_add_match_async(bus, &l->signals[2],
                                      "type='signal',sender='org.freedesktop.DBus',member="
                                      "'NameOwnerChanged',arg0='" LOGIND "'",
                                      on_owner, NULL, l);
        (void) sd_bus_call_method_async(bus, &l->owner_asked, BUS_DRIVER, "/org/freedesktop/DBus",
                                        BUS_DRIVER, "GetNameOwner", on_owner_asked, l, "s", LOGIND);
}

static int on_done(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(m);
        if (e)
                log_line(SD_WARNING, "systemd-logind did not do what it was asked for (%s): %s", e->name,
                         e->message ? e->message : "");
        return 0;
}

static int call(struct logind *l, const char *method, const char *session) {
        if (!l->bus)
                return -ENOTCONN;
        return sd_bus_call_method_async(l->bus, NULL, LOGIND, ROOT, MANAGER, method, on_done, NULL, "s",
                                        session);
}

int logind_terminate(struct logind *l, const char *session) {
        return call(l, "TerminateSession", session);
}

int logind_activate(struct logind *l, const char *session) {
        return call(l, "ActivateSession", session);
}

static int on_terminal(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct logind *l = userdata;
        void (*then)(void *) = l->then;
        l->showing = sd_bus_slot_unref(l->showing);
        (void) on_done(m, NULL, error);
        if (then)
                then(l->then_userdata);
        return 0;
}

int logind_show_terminal(struct logind *l, unsigned vt, void (*done)(void *userdata), void *userdata) {
        if (!l->bus)
                return -ENOTCONN;
        if (!l->showing && console_shows(vt)) {
                if (done)
                        done(userdata);
                return 0;
        }
        l->showing = sd_bus_slot_unref(l->showing);
        l->then = done;
        l->then_userdata = userdata;
        return sd_bus_call_method_async(l->bus, &l->showing, LOGIND, SEAT_PATH, LOGIND ".Seat", "SwitchTo",
                                        on_terminal, l, "u", (uint32_t) vt);
}

static int on_inhibitor(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct logind *l = userdata;
        int fd;
        l->inhibiting = sd_bus_slot_unref(l->inhibiting);
        if (sd_bus_message_get_error(m) || sd_bus_message_read(m, "h", &fd) < 0)
                return on_done(m, NULL, error);
        closep(&l->hold_fd);
        l->hold_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        return 0;
}

int logind_hold_sleep(struct logind *l) {
        l->hold_wanted = true;
        if (!l->bus)
                return -ENOTCONN;
        if (l->inhibiting)
                return 0;
        return sd_bus_call_method_async(l->bus, &l->inhibiting, LOGIND, ROOT, MANAGER, "Inhibit",
                                        on_inhibitor, l, "ssss", "sleep", "Wardtap",
                                        "The session is parked before the station sleeps", "delay");
}

void logind_let_sleep(struct logind *l) {
        l->hold_wanted = false;
        l->inhibiting = sd_bus_slot_unref(l->inhibiting);
        closep(&l->hold_fd);
}

int logind_new(const struct logind_events *events, void *userdata, struct logind **ret) {
        struct logind *l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        l->events = *events;
        l->userdata = userdata;
        l->hold_fd = -1;
        *ret = l;
        return 0;
}

struct logind *logind_free(struct logind *l) {
        if (!l)
                return NULL;
        disconnect(l);
        sd_event_source_disable_unref(l->retry);
        closep(&l->hold_fd);
        for (size_t i = 0; i < l->n; i++)
                (void) entry_free(l->entries[i]);
        free(l);
        return NULL;
}
