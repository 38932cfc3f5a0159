/* SPDX-License-Identifier: Apache-2.0 */
/* A station's seat without a VM: what wardtapd sees of systemd-logind, LightDM and systemd on the system
 * bus, in one process. Each has a connection of its own, so that each can vanish and come back by itself.
 * What logind and LightDM do is written from what they were seen to do (systemd 252, LightDM 1.26); PAM is
 * the true one, in a process per LightDM conversation (worker.c).
 *
 * Single-threaded; everything hangs on one struct stage. */
#pragma once

#include "common/util.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#define STAGE_SESSIONS_MAX 512U
#define STAGE_ID_SIZE 24U
#define STAGE_WORDS_MAX 8U

struct stage;

/* A session as logind knows it. */
struct session {
        struct stage *stage;
        char id[STAGE_ID_SIZE], seat[16], class[16], type[8], service[32];
        char *user; /* owned */
        uid_t uid;
        gid_t gid;
        unsigned vt;
        pid_t leader;
        bool locked, idle, remote, lightdm; /* lightdm: one of its own */
        uint64_t begun_usec, begun_realtime_usec, idle_since_usec;
};

/* A conversation of LightDM with PAM: at a greeter, or for a SwitchToUser. Then, if it opens a session, the
 * one that holds it. */
struct worker {
        struct stage *stage;
        pid_t pid;
        int to;                      /* its standard input */
        FILE *from;                  /* its standard output */
        char greeter[STAGE_ID_SIZE]; /* of the greeter that it talks for; "": a SwitchToUser */
        char session[STAGE_ID_SIZE]; /* the session that it holds; "" for none */
        sd_event_source *io, *child;
        struct worker *next;
};

enum service { SERVICE_LOGIND, SERVICE_LIGHTDM, SERVICE_SYSTEMD, SERVICE_MAX };
/* LIGHTDM_REFUSES_USERS: it still shows its greeter. */
enum lightdm_mood { LIGHTDM_WELL, LIGHTDM_REFUSES, LIGHTDM_HANGS, LIGHTDM_REFUSES_USERS };

struct stage {
        sd_event *event;
        sd_bus *bus[SERVICE_MAX]; /* NULL while it has vanished */
        struct session *sessions[STAGE_SESSIONS_MAX];
        size_t n_sessions;
        char active[STAGE_ID_SIZE]; /* of seat0 */
        unsigned vt;                /* the one in front */
        unsigned last_id, last_inhibitor;
        struct worker *workers;
        enum lightdm_mood mood;
        int blocking; /* the inhibitor that the test holds; -1: none */
        char *answer; /* what is typed at every prompt of a greeter; NULL: nobody types */
        struct inhibitor {
                char what[64], who[64], why[64], mode[16];
                uid_t uid;
                sd_event_source *io;
                struct stage *stage;
        } * inhibitors[32];
        const char *worker_program, *switch_program, *cgroup, *vt_file, *runtime; /* fixed paths */
        uid_t switcher; /* who may switch the seat besides root, as the polkit rule of the station says */
};

/* One line to standard output, with the time (CLOCK_MONOTONIC, microseconds) in front. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);
/* Ends the program with a reason: the stage is broken. */
__attribute__((noreturn)) void die(const char *what, int error);

/* --- logind.c: the sessions, and what changes them */
struct session *session_find(struct stage *s, const char *id);
struct session *session_of_vt(struct stage *s, unsigned vt);
/* A new one of this user; it is not active. The id is logind's next ("c12"). */
struct session *session_add(struct stage *s, uid_t uid, const char *seat, unsigned vt, const char *class,
                            pid_t leader);
/* Ends it, with SessionRemoved; the seat then shows nobody if it was the active one. */
void session_remove(struct stage *s, struct session *e);
/* The seat shows this virtual terminal, and so the session on it, or none. */
void seat_show(struct stage *s, unsigned vt);
/* A free virtual terminal, from 7 on. */
unsigned vt_free(const struct stage *s);
void session_set_idle(struct session *e, bool idle);
void session_set_locked(struct session *e, bool locked);
void session_signal(struct session *e, const char *member);
int inhibitor_add(struct stage *s, const char *const text[4], uid_t uid, int *ret_fd);
void prepare_for_sleep(struct stage *s, bool begins);
int logind_start(struct stage *s);

/* --- files.c: what sd-login reads, as logind writes it */
void files_write_seat(const struct stage *s);
void files_write_session(const struct stage *s, const struct session *e);
void files_write_user(const struct stage *s, uid_t uid);
void files_remove_session(const struct stage *s, const struct session *e);

/* --- lightdm.c */
int lightdm_start(struct stage *s);
/* The greeter in front, as at the start of LightDM. */
void lightdm_show_greeter(struct stage *s);
void lightdm_switch_to_user(struct stage *s, const char *user);
/* It ends with all its sessions. */
void lightdm_end(struct stage *s);
/* logind was asked to end a session: its leader is killed, and LightDM sees that. */
void lightdm_terminate(struct stage *s, struct session *e);
/* What somebody types at the greeter now, at the prompt that it shows. */
void lightdm_type(struct stage *s, const char *text);

/* --- worker_run.c: the processes */
struct worker *worker_start(struct stage *s, const char *user, const char *greeter);
void worker_tell(struct worker *w, const char *command);
struct worker *worker_of_session(struct stage *s, const char *id);
void worker_kill(struct worker *w);
/* Called back: its line, and its end. */
void lightdm_heard(struct worker *w, const char *line);
void lightdm_lost(struct worker *w);

/* --- systemd.c */
int systemd_start(struct stage *s);
/* A unit of the site's is in this state from now on (ActiveState), and whoever listens is told. */
bool systemd_set_unit(struct stage *s, const char *unit, const char *state);

/* --- control.c: one command a line on standard input, one answer a line on descriptor 3 ("ok ..." or "no
 * ..."). */
int control_start(struct stage *s);

/* Connects a service to the system bus under its name, with its objects. */
int service_open(struct stage *s, enum service which);
void service_close(struct stage *s, enum service which);
/* For every method: one line with who called what. */
void say_call(sd_bus_message *m, const char *arguments);
/* The uid of the caller, as the bus says. */
uid_t caller_of(sd_bus_message *m);
