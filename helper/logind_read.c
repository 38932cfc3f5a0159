/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of logind's objects (man org.freedesktop.login1). */
#include "helper/logind_read.h"

#include <errno.h>
#include <stddef.h>

/* Debian Policy 9.2.2: below, and from 60000 to 65535, are system users and those made for one service. */
static bool is_of_system(uid_t uid) {
        return uid < 1000 || (uid >= 60000 && uid <= 65535);
}

/* Keeps what does not fit out, whole: half an id would be another's. */
static void keep(char *buf, size_t size, const char *text) {
        size_t n = strlen(text);
        memset(buf, 0, size);
        if (n < size)
                memcpy(buf, text, n);
}

static int read_text(sd_bus_message *m, char *buf, size_t size) {
        const char *text;
        int r = sd_bus_message_read(m, "v", "s", &text);
        if (r >= 0)
                keep(buf, size, text);
        return r;
}

static int read_bool(sd_bus_message *m, bool *ret) {
        int v, r = sd_bus_message_read(m, "v", "b", &v);
        if (r >= 0)
                *ret = v;
        return r;
}

static int read_seat(sd_bus_message *m, struct logind_session *s) {
        const char *text;
        int r = sd_bus_message_read(m, "v", "(so)", &text, NULL);
        if (r >= 0)
                keep(s->seat, sizeof(s->seat), text);
        return r;
}

static int read_words(sd_bus_message *m, const char *name, struct logind_session *s) {
        char text[32];
        int r = read_text(m, text, sizeof(text));
        if (strcmp(name, "Class") == 0) {
                s->greeter = strcmp(text, "greeter") == 0;
                s->person = strcmp(text, "user") == 0;
        } else {
                s->closing = strcmp(text, "closing") == 0;
        }
        return r;
}

static int read_user(sd_bus_message *m, struct logind_session *s) {
        uint32_t uid;
        int r = sd_bus_message_read(m, "v", "(uo)", &uid, NULL);
        if (r >= 0)
                s->uid = uid;
        return r;
}

static int read_number(sd_bus_message *m, struct logind_session *s) {
        uint32_t vt;
        int r = sd_bus_message_read(m, "v", "u", &vt);
        if (r >= 0)
                s->vt = vt;
        return r;
}

static int read_property(sd_bus_message *m, const char *name, struct logind_session *s) {
        if (strcmp(name, "Id") == 0)
                return read_text(m, s->id, sizeof(s->id));
        if (strcmp(name, "Name") == 0)
                return read_text(m, s->user, sizeof(s->user));
        if (strcmp(name, "Service") == 0)
                return read_text(m, s->service, sizeof(s->service));
        if (strcmp(name, "User") == 0)
                return read_user(m, s);
        if (strcmp(name, "Seat") == 0)
                return read_seat(m, s);
        if (strcmp(name, "VTNr") == 0)
                return read_number(m, s);
        if (strcmp(name, "Class") == 0 || strcmp(name, "State") == 0)
                return read_words(m, name, s);
        if (strcmp(name, "Remote") == 0)
                return read_bool(m, &s->remote);
        if (strcmp(name, "LockedHint") == 0)
                return read_bool(m, &s->locked);
        if (strcmp(name, "IdleHint") == 0)
                return read_bool(m, &s->idle);
        if (strcmp(name, "IdleSinceHintMonotonic") == 0)
                return sd_bus_message_read(m, "v", "t", &s->idle_since_usec);
        if (strcmp(name, "TimestampMonotonic") == 0)
                return sd_bus_message_read(m, "v", "t", &s->since_usec);
        return sd_bus_message_skip(m, "v");
}

/* A class is what the session's own PAM environment asked for, which on some systems its owner may write
 * (pam_env's user_readenv). Display managers run their greeters as system users; whoever else is at a seat
 * is somebody at work, whatever the class says. */
static void believe_class(struct logind_session *s) {
        if (is_of_system(s->uid) || !s->seat[0])
                return;
        s->greeter = false;
        s->person = true;
}

int logind_read_session(sd_bus_message *m, struct logind_session *ret) {
        struct logind_session s = {.uid = (uid_t) -1};
        const char *name;
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r < 0)
                return -EBADMSG;
        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0)
                if (sd_bus_message_read(m, "s", &name) < 0 || read_property(m, name, &s) < 0 ||
                    sd_bus_message_exit_container(m) < 0)
                        return -EBADMSG;
        if (r < 0 || !s.id[0] || s.uid == (uid_t) -1)
                return -EBADMSG;
        believe_class(&s);
        *ret = s;
        return 0;
}

static bool is_invalidated(sd_bus_message *m) {
        const char *name;
        if (sd_bus_message_exit_container(m) < 0 || sd_bus_message_enter_container(m, 'a', "s") < 0)
                return true;
        while (sd_bus_message_read(m, "s", &name) > 0)
                if (strcmp(name, "ActiveSession") == 0)
                        return true;
        return false;
}

int logind_read_active(sd_bus_message *m, char ret[static LOGIND_ID_SIZE]) {
        const char *name, *id;
        if (sd_bus_message_skip(m, "s") < 0 || sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
                return -EBADMSG;
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                if (sd_bus_message_read(m, "s", &name) < 0)
                        return -EBADMSG;
                if (strcmp(name, "ActiveSession") == 0) {
                        if (sd_bus_message_read(m, "v", "(so)", &id, NULL) < 0 ||
                            strlen(id) >= LOGIND_ID_SIZE)
                                return -EBADMSG;
                        keep(ret, LOGIND_ID_SIZE, id);
                        return 1;
                }
                if (sd_bus_message_skip(m, "v") < 0 || sd_bus_message_exit_container(m) < 0)
                        return -EBADMSG;
        }
        return is_invalidated(m) ? -EBADMSG : 0;
}

bool logind_names_idle(const char *what) {
        while (*what) {
                size_t n = strcspn(what, ":");
                if (n == 4 && strncmp(what, "idle", 4) == 0)
                        return true;
                what += n + (what[n] == ':');
        }
        return false;
}
