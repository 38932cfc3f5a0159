/* SPDX-License-Identifier: Apache-2.0 */
/* LightDM 1.26 with one seat, as it was seen: see the comments. Sessions that the test added count as its
 * own. */
#include "tests/virtual/station/station.h"

#include "common/bytes.h"

#include <pwd.h>

#define MANAGER "org.freedesktop.DisplayManager"
#define MANAGER_PATH "/org/freedesktop/DisplayManager"
#define SEAT0 MANAGER_PATH "/Seat0"
#define GREETER_USER "lightdm"

static bool is_greeter(const struct session *e) {
        return strcmp(e->class, "greeter") == 0;
}

static struct session *find_greeter(struct stage *s) {
        for (size_t i = 0; i < s->n_sessions; i++)
                if (s->sessions[i]->lightdm && is_greeter(s->sessions[i]))
                        return s->sessions[i];
        return NULL;
}

static struct session *find_session_of(struct stage *s, uid_t uid) {
        for (size_t i = 0; i < s->n_sessions; i++)
                if (s->sessions[i]->lightdm && s->sessions[i]->uid == uid && !is_greeter(s->sessions[i]) &&
                    strcmp(s->sessions[i]->seat, "seat0") == 0)
                        return s->sessions[i];
        return NULL;
}

/* A greeter ends with its conversation when another session is shown. */
static void end_greeters(struct stage *s) {
        struct session *e;
        while ((e = find_greeter(s))) {
                for (struct worker *w = s->workers; w; w = w->next)
                        if (strcmp(w->greeter, e->id) == 0 && !w->session[0])
                                worker_kill(w);
                session_remove(s, e);
        }
}

/* seat_real_set_active_session(): the new one in front, then the old one is asked to lock. */
static void show(struct stage *s, struct session *e) {
        struct session *old = session_find(s, s->active);
        char was[STAGE_ID_SIZE] = "";
        if (old && old != e && !is_greeter(old))
                memcpy(was, old->id, sizeof(was));
        if (!is_greeter(e))
                session_signal(e, "Unlock");
        seat_show(s, e->vt);
        if (!is_greeter(e))
                end_greeters(s);
        if (was[0] && (old = session_find(s, was)))
                session_signal(old, "Lock");
}

/* An X server of its own starts first, on a virtual terminal on which there is no session yet. */
static struct session *begin(struct stage *s, uid_t uid, const char *class, pid_t leader) {
        struct session *old = session_find(s, s->active);
        unsigned vt = vt_free(s);
        if (old && !is_greeter(old))
                session_signal(old, "Lock");
        seat_show(s, vt);
        struct session *e = session_add(s, uid, "seat0", vt, class, leader);
        if (e)
                e->lightdm = true;
        return e;
}

void lightdm_show_greeter(struct stage *s) {
        const struct passwd *pw = getpwnam(GREETER_USER);
        struct session *e = find_greeter(s);
        if (e) {
                show(s, e);
                return;
        }
        if (!pw || !(e = begin(s, pw->pw_uid, "greeter", 0)))
                die("no greeter can be shown", -ENOENT);
        struct worker *w = worker_start(s, NULL, e->id);
        e->leader = w->pid;
        seat_show(s, e->vt);
}

static void enter(struct worker *w, const char *user) {
        struct stage *s = w->stage;
        const struct passwd *pw = getpwnam(user);
        struct session *e = pw ? find_session_of(s, pw->pw_uid) : NULL;
        char command[100];
        if (e) {
                w->greeter[0] = 0;
                worker_tell(w, "resume");
                show(s, e);
                return;
        }
        if (!pw || !(e = begin(s, pw->pw_uid, "user", w->pid))) {
                say("mess: nobody is called %s", user);
                worker_kill(w);
                lightdm_show_greeter(s);
                return;
        }
        w->greeter[0] = 0;
        (void) snprintf(w->session, sizeof(w->session), "%s", e->id);
        (void) snprintf(command, sizeof(command), "open %s seat0 %u %u", e->id, e->vt, (unsigned) e->uid);
        worker_tell(w, command);
}

/* A failed SwitchToUser: an X server more for a while, and the greeter, that has selected nobody. */
static void mess(struct stage *s) {
        say("mess");
        seat_show(s, vt_free(s));
        lightdm_show_greeter(s);
}

/* "CODE PROMPTED USER". The stock GTK greeter goes on by itself only where something was typed; else it
 * waits for a click on "Log In". */
static void on_auth(struct worker *w, const char *text) {
        struct stage *s = w->stage;
        bool good = text[0] == '0', greeter = w->greeter[0];
        const char *prompted = strchr(text, ' ');
        if (!prompted || strlen(prompted) < 3)
                die("a worker says nonsense", -EBADMSG);
        if (good && greeter && prompted[1] == '0')
                say("click: the greeter waits for one, with %s let in", prompted + 3);
        else if (good)
                enter(w, prompted + 3);
        else if (!greeter)
                mess(s);
}

static void on_open(struct worker *w, const char *text) {
        struct stage *s = w->stage;
        struct session *e = session_find(s, w->session);
        if (!e)
                return;
        if (text[0] == '0') {
                show(s, e);
                return;
        }
        w->session[0] = 0;
        session_remove(s, e);
        mess(s);
}

void lightdm_heard(struct worker *w, const char *line) {
        say("lightdm %s%s%s: %s", w->greeter[0] ? "greeter " : "", w->greeter, w->session, line);
        if (strncmp(line, "auth ", 5) == 0)
                on_auth(w, line + 5);
        else if (strncmp(line, "open ", 5) == 0)
                on_open(w, line + 5);
        else if (strncmp(line, "prompt ", 7) == 0 && w->stage->answer) {
                char command[200];
                (void) snprintf(command, sizeof(command), "answer %s", w->stage->answer);
                worker_tell(w, command);
        }
}

void lightdm_type(struct stage *s, const char *text) {
        char command[200];
        (void) snprintf(command, sizeof(command), "answer %s", text);
        for (struct worker *w = s->workers; w; w = w->next)
                if (w->greeter[0] && !w->session[0] && strcmp(w->greeter, s->active) == 0)
                        worker_tell(w, command);
}

/* A session that ends in front leaves the seat to a greeter. A greeter whose conversation has ended has a
 * password prompt now, and waits for no tap (the site's own way). */
void lightdm_lost(struct worker *w) {
        struct stage *s = w->stage;
        struct session *e = w->session[0] ? session_find(s, w->session) : NULL;
        if (w->greeter[0] && session_find(s, w->greeter))
                say("greeter %s waits no more", w->greeter);
        if (!e)
                return;
        bool front = s->vt == e->vt;
        session_remove(s, e);
        if (front && s->bus[SERVICE_LIGHTDM])
                lightdm_show_greeter(s);
}

void lightdm_terminate(struct stage *s, struct session *e) {
        struct worker *w = worker_of_session(s, e->id);
        bool front = s->vt == e->vt && e->lightdm;
        if (w) {
                worker_kill(w);
                return;
        }
        if (is_greeter(e))
                end_greeters(s);
        else
                session_remove(s, e);
        if (front && s->bus[SERVICE_LIGHTDM])
                lightdm_show_greeter(s);
}

void lightdm_switch_to_user(struct stage *s, const char *user) {
        (void) worker_start(s, user, NULL);
}

void lightdm_end(struct stage *s) {
        service_close(s, SERVICE_LIGHTDM);
        for (struct worker *w = s->workers; w; w = w->next)
                worker_kill(w);
        for (size_t i = s->n_sessions; i > 0; i--)
                if (s->sessions[i - 1]->lightdm && !worker_of_session(s, s->sessions[i - 1]->id))
                        session_remove(s, s->sessions[i - 1]);
        seat_show(s, 1);
}

/* --- on the bus */

static int refused(struct stage *s, sd_bus_error *error) {
        return s->mood == LIGHTDM_REFUSES || s->mood == LIGHTDM_REFUSES_USERS
                       ? sd_bus_error_set(error, SD_BUS_ERROR_FAILED, "Failed to switch to user")
                       : 1; /* no reply, for ever */
}

static int on_switch_to_user(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct stage *s = userdata;
        const char *user, *session;
        int r = sd_bus_message_read(m, "ss", &user, &session);
        if (r < 0)
                return r;
        say_call(m, user);
        if (s->mood != LIGHTDM_WELL)
                return refused(s, error);
        (void) sd_bus_reply_method_return(m, "");
        lightdm_switch_to_user(s, user);
        return 1;
}

/* SwitchToGreeter and Lock. */
static int on_switch_to_greeter(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct stage *s = userdata;
        say_call(m, "");
        if (s->mood != LIGHTDM_WELL && s->mood != LIGHTDM_REFUSES_USERS)
                return refused(s, error);
        (void) sd_bus_reply_method_return(m, "");
        lightdm_show_greeter(s);
        return 1;
}

static int get_seats(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "ao", 1, SEAT0);
}

static int get_can_switch(sd_bus *bus, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "b", 1);
}

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Seats", "ao", get_seats, 0, 0),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable seat_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("CanSwitch", "b", get_can_switch, 0, 0),
        SD_BUS_METHOD("SwitchToUser", "ss", "", on_switch_to_user, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("SwitchToGreeter", "", "", on_switch_to_greeter, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Lock", "", "", on_switch_to_greeter, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int lightdm_start(struct stage *s) {
        sd_bus *bus = s->bus[SERVICE_LIGHTDM];
        int r = sd_bus_add_object_vtable(bus, NULL, MANAGER_PATH, MANAGER, manager_vtable, s);
        return r < 0 ? r : sd_bus_add_object_vtable(bus, NULL, SEAT0, MANAGER ".Seat", seat_vtable, s);
}
