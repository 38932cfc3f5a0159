/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of logind on the bus, with the properties, flags and refusals of systemd 252. polkit says no
 * to everybody but root and the station's switcher, as packaging/station/40-wardtap.rules has it say. */
#include "tests/virtual/station/logind.h"

#include <sys/types.h>

static int refuse(sd_bus_error *error) {
        return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "Permission denied");
}

static bool may(struct stage *s, sd_bus_message *m) {
        uid_t uid = caller_of(m);
        return uid == 0 || uid == s->switcher;
}

/* --- sessions */

static int find_session(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret,
                        sd_bus_error *error) {
        _cleanup_(freep) char *id = NULL;
        int r = sd_bus_path_decode(path, MANAGER_PATH "/session", &id);
        if (r <= 0)
                return r;
        struct session *e = session_find(userdata, id);
        if (!e)
                return 0;
        *ret = e;
        return 1;
}

static int append_session(sd_bus_message *m, const struct session *e) {
        _cleanup_(freep) char *path = NULL;
        if (!e)
                return sd_bus_message_append(m, "(so)", "", "/");
        session_path(e, &path);
        return sd_bus_message_append(m, "(so)", e->id, path);
}

static int append_user(sd_bus_message *m, uid_t uid) {
        char path[64];
        (void) snprintf(path, sizeof(path), MANAGER_PATH "/user/_%u", (unsigned) uid);
        return sd_bus_message_append(m, "(uo)", (unsigned) uid, path);
}

static int session_pair(sd_bus *bus, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct session *e = userdata;
        if (strcmp(property, "User") == 0)
                return append_user(reply, e->uid);
        return sd_bus_message_append(reply, "(so)", e->seat, e->seat[0] ? SEAT0 : "/");
}

static int session_text(sd_bus *bus, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct session *e = userdata;
        char text[64] = "";
        if (strcmp(property, "Name") == 0)
                return sd_bus_message_append(reply, "s", e->user);
        if (strcmp(property, "State") == 0)
                (void) snprintf(text, sizeof(text), "%s",
                                strcmp(e->stage->active, e->id) == 0 ? "active" : "online");
        else if (strcmp(property, "Scope") == 0)
                (void) snprintf(text, sizeof(text), "session-%s.scope", e->id);
        else if (strcmp(property, "TTY") == 0 && strcmp(e->type, "tty") == 0)
                (void) snprintf(text, sizeof(text), "tty%u", e->vt);
        else if (strcmp(property, "Display") == 0 && strcmp(e->type, "x11") == 0)
                (void) snprintf(text, sizeof(text), ":%u", e->vt - 7);
        return sd_bus_message_append(reply, "s", text);
}

static int session_array(sd_bus *bus, const char *path, const char *interface, const char *property,
                         sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct session *e = userdata;
        const char *text = strcmp(property, "Id") == 0      ? e->id
                           : strcmp(property, "Class") == 0 ? e->class
                           : strcmp(property, "Type") == 0  ? e->type
                                                            : e->service;
        return sd_bus_message_append(reply, "s", text);
}

static int session_number(sd_bus *bus, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct session *e = userdata;
        if (strcmp(property, "VTNr") == 0)
                return sd_bus_message_append(reply, "u", e->vt);
        if (strcmp(property, "Leader") == 0)
                return sd_bus_message_append(reply, "u", (unsigned) e->leader);
        uint64_t v = strcmp(property, "Timestamp") == 0            ? e->begun_realtime_usec
                     : strcmp(property, "TimestampMonotonic") == 0 ? e->begun_usec
                                                                   : e->idle_since_usec;
        return sd_bus_message_append(reply, "t", v);
}

static int session_bool(sd_bus *bus, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct session *e = userdata;
        bool v = strcmp(property, "Active") == 0       ? strcmp(e->stage->active, e->id) == 0
                 : strcmp(property, "IdleHint") == 0   ? e->idle
                 : strcmp(property, "LockedHint") == 0 ? e->locked
                                                       : e->remote;
        return sd_bus_message_append(reply, "b", (int) v);
}

/* What the manager and the session itself can be asked for. */
static int do_to_session(struct session *e, sd_bus_message *m, const char *what, sd_bus_error *error) {
        struct stage *s = e->stage;
        bool own = caller_of(m) == e->uid && strncmp(what, "Activate", 8) != 0; /* chvt is nobody's own */
        say_call(m, e->id);
        if (!own && !may(s, m))
                return refuse(error);
        if (strncmp(what, "Activate", 8) == 0) {
                if (e->vt == 0)
                        return sd_bus_error_set(error, SD_BUS_ERROR_NOT_SUPPORTED,
                                                "Operation not supported");
                (void) sd_bus_reply_method_return(m, "");
                seat_show(s, e->vt);
                return 1;
        }
        if (strncmp(what, "Terminate", 9) == 0) {
                (void) sd_bus_reply_method_return(m, "");
                lightdm_terminate(s, e);
                return 1;
        }
        session_signal(e, strncmp(what, "Lock", 4) == 0 ? "Lock" : "Unlock");
        return sd_bus_reply_method_return(m, "");
}

static int session_method(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return do_to_session(userdata, m, sd_bus_message_get_member(m), error);
}

static int session_hint(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct session *e = userdata;
        int v, r = sd_bus_message_read(m, "b", &v);
        uid_t uid = caller_of(m);
        if (r < 0)
                return r;
        if (uid != 0 && uid != e->uid)
                return refuse(error);
        if (strcmp(sd_bus_message_get_member(m), "SetIdleHint") == 0)
                session_set_idle(e, v);
        else
                session_set_locked(e, v);
        return sd_bus_reply_method_return(m, "");
}

#define CONST SD_BUS_VTABLE_PROPERTY_CONST
#define EMITS SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define OPEN SD_BUS_VTABLE_UNPRIVILEGED

static const sd_bus_vtable session_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Id", "s", session_array, 0, CONST),
        SD_BUS_PROPERTY("User", "(uo)", session_pair, 0, CONST),
        SD_BUS_PROPERTY("Name", "s", session_text, 0, CONST),
        SD_BUS_PROPERTY("Timestamp", "t", session_number, 0, CONST),
        SD_BUS_PROPERTY("TimestampMonotonic", "t", session_number, 0, CONST),
        SD_BUS_PROPERTY("VTNr", "u", session_number, 0, CONST),
        SD_BUS_PROPERTY("Seat", "(so)", session_pair, 0, CONST),
        SD_BUS_PROPERTY("TTY", "s", session_text, 0, CONST),
        SD_BUS_PROPERTY("Display", "s", session_text, 0, CONST),
        SD_BUS_PROPERTY("Remote", "b", session_bool, 0, CONST),
        SD_BUS_PROPERTY("Service", "s", session_array, 0, CONST),
        SD_BUS_PROPERTY("Scope", "s", session_text, 0, CONST),
        SD_BUS_PROPERTY("Leader", "u", session_number, 0, CONST),
        SD_BUS_PROPERTY("Type", "s", session_array, 0, EMITS),
        SD_BUS_PROPERTY("Class", "s", session_array, 0, CONST),
        SD_BUS_PROPERTY("Active", "b", session_bool, 0, EMITS),
        SD_BUS_PROPERTY("State", "s", session_text, 0, EMITS),
        SD_BUS_PROPERTY("IdleHint", "b", session_bool, 0, EMITS),
        SD_BUS_PROPERTY("IdleSinceHint", "t", session_number, 0, EMITS),
        SD_BUS_PROPERTY("IdleSinceHintMonotonic", "t", session_number, 0, EMITS),
        SD_BUS_PROPERTY("LockedHint", "b", session_bool, 0, EMITS),
        SD_BUS_METHOD("Activate", "", "", session_method, OPEN),
        SD_BUS_METHOD("Lock", "", "", session_method, OPEN),
        SD_BUS_METHOD("Unlock", "", "", session_method, OPEN),
        SD_BUS_METHOD("Terminate", "", "", session_method, OPEN),
        SD_BUS_METHOD("SetIdleHint", "b", "", session_hint, OPEN),
        SD_BUS_METHOD("SetLockedHint", "b", "", session_hint, OPEN),
        SD_BUS_SIGNAL("Lock", "", 0),
        SD_BUS_SIGNAL("Unlock", "", 0),
        SD_BUS_VTABLE_END,
};

/* --- the seat */

static int seat_active(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct stage *s = userdata;
        return append_session(reply, session_find(s, s->active));
}

static int seat_sessions(sd_bus *bus, const char *path, const char *interface, const char *property,
                         sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct stage *s = userdata;
        int r = sd_bus_message_open_container(reply, 'a', "(so)");
        for (size_t i = 0; r >= 0 && i < s->n_sessions; i++)
                if (strcmp(s->sessions[i]->seat, "seat0") == 0)
                        r = append_session(reply, s->sessions[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int seat_text(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        if (strcmp(property, "Id") == 0)
                return sd_bus_message_append(reply, "s", "seat0");
        return sd_bus_message_append(reply, "b", strcmp(property, "IdleHint") != 0);
}

static int seat_switch(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct stage *s = userdata;
        char text[16];
        unsigned vt;
        int r = sd_bus_message_read(m, "u", &vt);
        if (r < 0)
                return r;
        (void) snprintf(text, sizeof(text), "%u", vt);
        say_call(m, text);
        if (!may(s, m))
                return refuse(error);
        if (vt == 0 || vt > 63)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "Invalid virtual terminal");
        (void) sd_bus_reply_method_return(m, "");
        seat_show(s, vt);
        return 1;
}

static const sd_bus_vtable seat_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Id", "s", seat_text, 0, CONST),
        SD_BUS_PROPERTY("ActiveSession", "(so)", seat_active, 0, EMITS),
        SD_BUS_PROPERTY("CanTTY", "b", seat_text, 0, CONST),
        SD_BUS_PROPERTY("CanGraphical", "b", seat_text, 0, EMITS),
        SD_BUS_PROPERTY("Sessions", "a(so)", seat_sessions, 0, 0),
        SD_BUS_PROPERTY("IdleHint", "b", seat_text, 0, EMITS),
        SD_BUS_METHOD("SwitchTo", "u", "", seat_switch, OPEN),
        SD_BUS_VTABLE_END,
};

/* --- the manager */

static int list_sessions(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct stage *s = userdata;
        sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(m, &reply);
        say_call(m, "");
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(susso)");
        for (size_t i = 0; r >= 0 && i < s->n_sessions; i++) {
                const struct session *e = s->sessions[i];
                _cleanup_(freep) char *path = NULL;
                session_path(e, &path);
                r = sd_bus_message_append(reply, "(susso)", e->id, (unsigned) e->uid, e->user, e->seat,
                                          path);
        }
        if (r >= 0 && (r = sd_bus_message_close_container(reply)) >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r < 0 ? r : 1;
}

static int list_seats(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, "a(so)", 1, "seat0", SEAT0);
}

static int get_seat(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *seat;
        int r = sd_bus_message_read(m, "s", &seat);
        if (r < 0)
                return r;
        if (strcmp(seat, "seat0") != 0)
                return sd_bus_error_setf(error, LOGIND ".NoSuchSeat", "No seat '%s' known", seat);
        return sd_bus_reply_method_return(m, "o", SEAT0);
}

static int named_session(sd_bus_message *m, struct stage *s, struct session **ret, sd_bus_error *error) {
        const char *id;
        int r = sd_bus_message_read(m, "s", &id);
        if (r < 0)
                return r;
        *ret = session_find(s, id);
        return *ret ? 0 : sd_bus_error_setf(error, LOGIND ".NoSuchSession", "No session '%s' known", id);
}

static int get_session(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(freep) char *path = NULL;
        struct session *e = NULL;
        int r = named_session(m, userdata, &e, error);
        if (r < 0)
                return r;
        session_path(e, &path);
        return sd_bus_reply_method_return(m, "o", path);
}

static int manage_session(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct session *e = NULL;
        int r = named_session(m, userdata, &e, error);
        return r < 0 ? r : do_to_session(e, m, sd_bus_message_get_member(m), error);
}

static int inhibit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *text[4];
        _cleanup_(closep) int fd = -1;
        char words[200];
        int r = sd_bus_message_read(m, "ssss", &text[0], &text[1], &text[2], &text[3]);
        if (r < 0)
                return r;
        (void) snprintf(words, sizeof(words), "%s %s", text[0], text[3]);
        say_call(m, words);
        r = inhibitor_add(userdata, text, caller_of(m), &fd);
        return r < 0 ? r : sd_bus_reply_method_return(m, "h", fd);
}

static int list_inhibitors(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const struct stage *s = userdata;
        sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ssssuu)");
        for (size_t n = 0; r >= 0 && n < ELEMENTSOF(s->inhibitors); n++) {
                const struct inhibitor *i = s->inhibitors[n];
                if (i)
                        r = sd_bus_message_append(reply, "(ssssuu)", i->what, i->who, i->why, i->mode,
                                                  (unsigned) i->uid, 1U);
        }
        if (r >= 0 && (r = sd_bus_message_close_container(reply)) >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r < 0 ? r : 1;
}

static int blocked(sd_bus *bus, const char *path, const char *interface, const char *property,
                   sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct stage *s = userdata;
        const char *mode = strcmp(property, "BlockInhibited") == 0 ? "block" : "delay";
        char text[512] = "";
        for (size_t n = 0; n < ELEMENTSOF(s->inhibitors); n++) {
                const struct inhibitor *i = s->inhibitors[n];
                size_t at = strlen(text);
                if (i && strcmp(i->mode, mode) == 0)
                        (void) snprintf(text + at, sizeof(text) - at, "%s%s", at ? ":" : "", i->what);
        }
        return sd_bus_message_append(reply, "s", text);
}

static int manager_number(sd_bus *bus, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct stage *s = userdata;
        return sd_bus_message_append(
                reply, "t", strcmp(property, "NCurrentSessions") == 0 ? s->n_sessions : (size_t) 5000000);
}

static int manager_bool(sd_bus *bus, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "b", 0);
}

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("BlockInhibited", "s", blocked, 0, EMITS),
        SD_BUS_PROPERTY("DelayInhibited", "s", blocked, 0, EMITS),
        SD_BUS_PROPERTY("InhibitDelayMaxUSec", "t", manager_number, 0, CONST),
        SD_BUS_PROPERTY("NCurrentSessions", "t", manager_number, 0, 0),
        SD_BUS_PROPERTY("IdleHint", "b", manager_bool, 0, EMITS),
        SD_BUS_PROPERTY("PreparingForSleep", "b", manager_bool, 0, 0),
        SD_BUS_METHOD("ListSessions", "", "a(susso)", list_sessions, OPEN),
        SD_BUS_METHOD("ListSeats", "", "a(so)", list_seats, OPEN),
        SD_BUS_METHOD("GetSeat", "s", "o", get_seat, OPEN),
        SD_BUS_METHOD("GetSession", "s", "o", get_session, OPEN),
        SD_BUS_METHOD("ActivateSession", "s", "", manage_session, OPEN),
        SD_BUS_METHOD("ActivateSessionOnSeat", "ss", "", manage_session, OPEN),
        SD_BUS_METHOD("LockSession", "s", "", manage_session, OPEN),
        SD_BUS_METHOD("UnlockSession", "s", "", manage_session, OPEN),
        SD_BUS_METHOD("TerminateSession", "s", "", manage_session, OPEN),
        SD_BUS_METHOD("ListInhibitors", "", "a(ssssuu)", list_inhibitors, OPEN),
        SD_BUS_METHOD("Inhibit", "ssss", "h", inhibit, OPEN),
        SD_BUS_SIGNAL("SessionNew", "so", 0),
        SD_BUS_SIGNAL("SessionRemoved", "so", 0),
        SD_BUS_SIGNAL("SeatNew", "so", 0),
        SD_BUS_SIGNAL("SeatRemoved", "so", 0),
        SD_BUS_SIGNAL("PrepareForSleep", "b", 0),
        SD_BUS_VTABLE_END,
};

int logind_start(struct stage *s) {
        sd_bus *bus = s->bus[SERVICE_LOGIND];
        int r = sd_bus_add_object_vtable(bus, NULL, MANAGER_PATH, LOGIND ".Manager", manager_vtable, s);
        if (r >= 0)
                r = sd_bus_add_object_vtable(bus, NULL, SEAT0, LOGIND ".Seat", seat_vtable, s);
        if (r >= 0)
                r = sd_bus_add_fallback_vtable(bus, NULL, MANAGER_PATH "/session", LOGIND ".Session",
                                               session_vtable, find_session, s);
        return r;
}
