/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions, and what changes them, with the signals in logind's order (seat_set_active(), session_start()
 * and session_finalize() of systemd 252). */
#include "tests/virtual/station/logind.h"

#include "common/socket.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/epoll.h>

/* The last one of the kernel's: nothing begins there by itself. More sessions than there are terminals get
 * numbers that no kernel has. */
#define EMPTY_VT 63U

struct session *session_find(struct stage *s, const char *id) {
        for (size_t i = 0; i < s->n_sessions; i++)
                if (strcmp(s->sessions[i]->id, id) == 0)
                        return s->sessions[i];
        return NULL;
}

struct session *session_of_vt(struct stage *s, unsigned vt) {
        for (size_t i = s->n_sessions; i > 0; i--)
                if (s->sessions[i - 1]->vt == vt && strcmp(s->sessions[i - 1]->seat, "seat0") == 0)
                        return s->sessions[i - 1];
        return NULL;
}

unsigned vt_free(const struct stage *s) {
        unsigned vt = 7;
        for (size_t i = 0; i < s->n_sessions; i++)
                if (s->sessions[i]->vt == vt || vt == EMPTY_VT) {
                        vt++;
                        i = (size_t) -1; /* from the first again */
                }
        return vt;
}

void session_path(const struct session *e, char **ret) {
        int r = sd_bus_path_encode("/org/freedesktop/login1/session", e->id, ret);
        if (r < 0)
                die("no path of a session", r);
}

static void session_changed(struct session *e, const char *property) {
        _cleanup_(freep) char *path = NULL;
        sd_bus *bus = e->stage->bus[SERVICE_LOGIND];
        session_path(e, &path);
        if (bus)
                (void) sd_bus_emit_properties_changed(bus, path, LOGIND ".Session", property, NULL);
}

static void seat_changed(struct stage *s) {
        if (s->bus[SERVICE_LOGIND])
                (void) sd_bus_emit_properties_changed(s->bus[SERVICE_LOGIND], SEAT0, LOGIND ".Seat",
                                                      "ActiveSession", NULL);
}

static void set_active(struct stage *s, struct session *e) {
        struct session *old = session_find(s, s->active);
        if (old == e)
                return;
        (void) snprintf(s->active, sizeof(s->active), "%s", e ? e->id : "");
        if (old)
                session_changed(old, "Active");
        if (e)
                session_changed(e, "Active");
        seat_changed(s);
        files_write_seat(s);
        if (e) {
                files_write_session(s, e);
                files_write_user(s, e->uid);
        }
        if (old) {
                files_write_session(s, old);
                files_write_user(s, old->uid);
        }
        say("active %s %d %s", e ? e->id : "-", e ? (int) e->uid : -1, e ? e->class : "-");
}

/* The kernel tells at once, logind a moment later. */
void seat_show(struct stage *s, unsigned vt) {
        s->vt = vt;
        if (s->vt_file) {
                _cleanup_(closep) int fd = open(s->vt_file, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0644);
                if (fd < 0 || dprintf(fd, "tty%u\n", vt) < 0)
                        die(s->vt_file, errno);
        }
        set_active(s, session_of_vt(s, vt));
}

static void send_session(struct stage *s, const struct session *e, const char *member) {
        _cleanup_(freep) char *path = NULL;
        session_path(e, &path);
        if (s->bus[SERVICE_LOGIND])
                (void) sd_bus_emit_signal(s->bus[SERVICE_LOGIND], MANAGER_PATH, LOGIND ".Manager", member,
                                          "so", e->id, path);
}

static void fill(struct session *e, const struct passwd *pw, const char *seat, const char *class) {
        e->uid = pw->pw_uid;
        e->gid = pw->pw_gid;
        e->user = strdup(pw->pw_name);
        e->begun_usec = e->idle_since_usec = now_monotonic_usec();
        e->begun_realtime_usec = now_realtime_usec();
        (void) snprintf(e->seat, sizeof(e->seat), "%s", seat);
        (void) snprintf(e->class, sizeof(e->class), "%s", class);
        (void) snprintf(e->type, sizeof(e->type), "%s", "x11");
        (void) snprintf(e->service, sizeof(e->service), "%s",
                        strcmp(class, "greeter") == 0 ? "lightdm-greeter" : "lightdm");
}

struct session *session_add(struct stage *s, uid_t uid, const char *seat, unsigned vt, const char *class,
                            pid_t leader) {
        const struct passwd *pw = getpwuid(uid);
        struct session *e = calloc(1, sizeof(*e));
        if (!pw || !e || s->n_sessions == STAGE_SESSIONS_MAX) {
                free(e);
                return NULL;
        }
        e->stage = s;
        (void) snprintf(e->id, sizeof(e->id), "c%u", ++s->last_id);
        e->vt = vt;
        e->leader = leader;
        fill(e, pw, seat, class);
        s->sessions[s->n_sessions++] = e;
        files_write_session(s, e);
        files_write_user(s, uid);
        files_write_seat(s);
        send_session(s, e, "SessionNew");
        say("new %s %d %s", e->id, (int) uid, class);
        return e;
}

void session_remove(struct stage *s, struct session *e) {
        size_t i = 0;
        bool active = strcmp(s->active, e->id) == 0;
        while (s->sessions[i] != e)
                i++;
        if (active)
                set_active(s, NULL);
        memmove(s->sessions + i, s->sessions + i + 1, (s->n_sessions - i - 1) * sizeof(e));
        s->n_sessions--;
        files_remove_session(s, e);
        files_write_seat(s);
        send_session(s, e, "SessionRemoved");
        say("removed %s %d %s", e->id, (int) e->uid, e->class);
        free(e->user);
        free(e);
}

void session_set_idle(struct session *e, bool idle) {
        e->idle = idle;
        e->idle_since_usec = now_monotonic_usec();
        session_changed(e, "IdleHint");
}

void session_set_locked(struct session *e, bool locked) {
        if (e->locked == locked)
                return;
        e->locked = locked;
        session_changed(e, "LockedHint");
}

void session_signal(struct session *e, const char *member) {
        _cleanup_(freep) char *path = NULL;
        session_path(e, &path);
        say("%s %s %d", strcmp(member, "Lock") == 0 ? "lock" : "unlock", e->id, (int) e->uid);
        if (e->stage->bus[SERVICE_LOGIND])
                (void) sd_bus_emit_signal(e->stage->bus[SERVICE_LOGIND], path, LOGIND ".Session", member,
                                          "");
}

static void blocked_changed(struct stage *s, const char *mode) {
        if (s->bus[SERVICE_LOGIND])
                (void) sd_bus_emit_properties_changed(
                        s->bus[SERVICE_LOGIND], MANAGER_PATH, LOGIND ".Manager",
                        strcmp(mode, "block") == 0 ? "BlockInhibited" : "DelayInhibited", NULL);
}

/* Its holder has closed the descriptor. */
static int on_released(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct inhibitor *i = userdata;
        struct stage *s = i->stage;
        char mode[16];
        memcpy(mode, i->mode, sizeof(mode));
        say("released %s %s %s", i->what, i->mode, i->who);
        for (size_t n = 0; n < ELEMENTSOF(s->inhibitors); n++)
                if (s->inhibitors[n] == i)
                        s->inhibitors[n] = NULL;
        sd_event_source_disable_unref(i->io);
        free(i);
        blocked_changed(s, mode);
        return 0;
}

int inhibitor_add(struct stage *s, const char *const text[4], uid_t uid, int *ret_fd) {
        struct inhibitor *i = calloc(1, sizeof(*i));
        size_t n = 0;
        int fds[2];
        while (n < ELEMENTSOF(s->inhibitors) && s->inhibitors[n])
                n++;
        if (!i || n == ELEMENTSOF(s->inhibitors) || pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) {
                free(i);
                return -ENOSPC;
        }
        (void) snprintf(i->what, sizeof(i->what), "%s", text[0]);
        (void) snprintf(i->who, sizeof(i->who), "%s", text[1]);
        (void) snprintf(i->why, sizeof(i->why), "%s", text[2]);
        (void) snprintf(i->mode, sizeof(i->mode), "%s", text[3]);
        i->uid = uid;
        i->stage = s;
        int r = sd_event_add_io(s->event, &i->io, fds[0], EPOLLIN, on_released, i);
        if (r < 0)
                die("cannot watch an inhibitor", r);
        (void) sd_event_source_set_io_fd_own(i->io, 1);
        s->inhibitors[n] = i;
        blocked_changed(s, i->mode);
        *ret_fd = fds[1];
        return 0;
}

void prepare_for_sleep(struct stage *s, bool begins) {
        if (s->bus[SERVICE_LOGIND])
                (void) sd_bus_emit_signal(s->bus[SERVICE_LOGIND], MANAGER_PATH, LOGIND ".Manager",
                                          "PrepareForSleep", "b", (int) begins);
}
