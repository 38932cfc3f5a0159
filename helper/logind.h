/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd-logind knows of this station: sessions, what is on the screen of seat0, sleep and idle
 * inhibitors (man org.freedesktop.login1). Followed by signals alone; asked once after each connection, and
 * after each start of logind. */
#pragma once

#include "common/util.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#define LOGIND_SESSIONS_MAX 512U
#define LOGIND_ID_SIZE 65U

struct logind_session {
        char id[LOGIND_ID_SIZE], user[65], seat[65], service[65]; /* seat "": none (ssh, cron) */
        uid_t uid;
        unsigned vt; /* 0: none */
        bool greeter;
        bool person;              /* class "user": somebody works in it */
        bool remote, closing;     /* closing: its leader has ended, programs of it run on */
        bool locked, idle;        /* hints: claims of the session itself */
        uint64_t idle_since_usec; /* CLOCK_MONOTONIC, of the hint */
        uint64_t since_usec;      /* CLOCK_MONOTONIC, of its beginning */
};

/* Called from the loop. The sessions are borrowed until the next call into this file. */
struct logind_events {
        /* true: all that logind knows has been told. false: logind is gone; what was told still stands. */
        void (*ready)(void *userdata, bool ready);
        void (*session)(void *userdata, const struct logind_session *s); /* new, or something has changed */
        void (*gone)(void *userdata, const struct logind_session *s);
        /* What is on the screen of seat0 has changed; NULL: no session is. */
        void (*active)(void *userdata, const struct logind_session *s);
        void (*sleep)(void *userdata, bool begins);   /* PrepareForSleep */
        void (*inhibited)(void *userdata, bool idle); /* somebody blocks "idle" */
};

struct logind;

int logind_new(const struct logind_events *events, void *userdata, struct logind **ret);
struct logind *logind_free(struct logind *l);
DEFINE_CLEANUP(struct logind, logind_free)

/* A connection to the system bus, which is kept; NULL when it was lost. Tells nothing within the call. */
void logind_connected(struct logind *l, sd_bus *bus);

/* logind has answered, and has a seat0. */
bool logind_has_seat(const struct logind *l);
/* The session on the screen of seat0; NULL for none, or when nobody knows. */
const struct logind_session *logind_active(const struct logind *l);
const struct logind_session *logind_find(const struct logind *l, const char *id);
/* The i-th session; NULL after the last. */
const struct logind_session *logind_at(const struct logind *l, size_t i);

/* Requests, which are answered later, if at all; what is refused is a line in the log. -ENOTCONN without a
 * bus. */
int logind_terminate(struct logind *l, const char *session);
int logind_activate(struct logind *l, const char *session);
/* Shows a virtual terminal on the screen of seat0. done: when logind has answered, however; may be NULL. A
 * newer call forgets the older one's. Where it is on the screen already and no other was asked for, done is
 * called at once: asking costs logind, the bus and polkit more than all of an attempt. */
int logind_show_terminal(struct logind *l, unsigned vt, void (*done)(void *userdata), void *userdata);
/* Holds sleep up until logind_let_sleep(), for at most InhibitDelayMaxSec= of logind.conf (5 s). */
int logind_hold_sleep(struct logind *l);
void logind_let_sleep(struct logind *l);
