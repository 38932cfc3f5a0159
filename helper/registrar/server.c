/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks the registrar, and with what each question is answered: people.db and the rules as they are then.
 */
#include "helper/registrar/server.h"

#include "common/paths.h"
#include "common/socket.h"
#include "helper/log.h"
#include "helper/registrar/registrar.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>

#define RECORD_DEADLINE_USEC (10U * 1000U * 1000U)

struct connection {
        struct registrar_server *server;
        int fd;
        sd_event_source *io, *end;
        struct registrar_case about;
};

struct registrar_server {
        sd_event *event;
        uid_t peer;
        int listener;
        sd_event_source *io, *idle;
        struct connection *connections[REGISTRAR_CONNECTIONS_MAX];
        size_t n;
};

static void arm_idle(struct registrar_server *s) {
        if (s->n > 0) {
                (void) sd_event_source_set_enabled(s->idle, SD_EVENT_OFF);
                return;
        }
        (void) sd_event_source_set_time_relative(s->idle, REGISTRAR_IDLE_USEC);
        (void) sd_event_source_set_enabled(s->idle, SD_EVENT_ONESHOT);
}

static void connection_end(struct connection *c) {
        struct registrar_server *s = c->server;
        for (size_t i = 0; i < s->n; i++)
                if (s->connections[i] == c) {
                        s->connections[i] = s->connections[--s->n];
                        break;
                }
        sd_event_source_disable_unref(c->io);
        sd_event_source_disable_unref(c->end);
        closep(&c->fd);
        explicit_bzero(c, sizeof(*c));
        free(c);
}

/* --- what a question is answered with */

static int read_clock(struct policy_clock *ret) {
        struct policy_clock c = {.realtime_usec = now_realtime_usec(), .boottime_usec = now_boottime_usec()};
        sd_id128_t boot;
        int r = sd_id128_get_boot(&boot);
        if (r < 0)
                return r;
        (void) sd_id128_to_string(boot, c.boot_id);
        *ret = c;
        return 0;
}

static int write_record(void *userdata, const char *attempt, const struct record *r) {
        struct broker_hello hello = {.purpose = BROKER_ADMIN};
        _cleanup_(closep) int fd = -1;
        memcpy(hello.attempt, attempt, sizeof(hello.attempt));
        int e = broker_connect(&hello, &fd);
        if (e >= 0)
                e = broker_record(fd, r, now_monotonic_usec() + RECORD_DEADLINE_USEC, NULL);
        if (e < 0)
                log_line(SD_WARNING, "wardtapd did not write a record (%s): %s", record_event_name(r->event),
                         strerror(-e));
        return e;
}

/* Never makes a store where there is none: there would be nobody in it. */
static int open_people(struct store **ret) {
        _cleanup_(store_closep) struct store *look = NULL;
        int r = store_open_people(PATH_PEOPLE_DB, false, (gid_t) -1, &look);
        if (r == -ENOENT)
                return r;
        return store_open_people(PATH_PEOPLE_DB, true, (gid_t) -1, ret);
}

static int answer(struct connection *c, const struct registrar_message *m, struct registrar_message *ret) {
        _cleanup_(store_closep) struct store *people = NULL;
        _cleanup_(rules_freep) struct rules *rules = NULL;
        _cleanup_(ticket_key_erase) struct ticket_key key = {0};
        _cleanup_(attestation_roots_freep) struct attestation_roots *roots = NULL;
        _cleanup_(freep) char *bad = NULL;
        struct policy_clock clock;
        int r = m->type == REGISTRAR_ENROL ? attestation_roots_load(PATH_ATTESTATION_DIR, &roots, &bad) : 0;
        if (r < 0 && r != -ENOENT)
                log_line(SD_WARNING, "No maker of a key is trusted: %s%s cannot be used (%s)",
                         bad ? bad : "", bad ? " in " PATH_ATTESTATION_DIR : PATH_ATTESTATION_DIR,
                         strerror(-r));
        if ((r = rules_load(PATH_SNAPSHOT, &rules)) < 0 || (r = open_people(&people)) < 0 ||
            (r = ticket_key_load(PATH_TICKET_KEY, true, &key)) < 0 || (r = read_clock(&clock)) < 0) {
                log_line(SD_ERR, "A ticket cannot be judged: %s", strerror(-r));
                return r;
        }
        const struct registrar with = {
                .people = people, .key = &key, .rules = rules, .roots = roots, .record = write_record};
        return registrar_answer(&with, &c->about, m, &clock, ret);
}

/* --- connections */

static int serve(struct connection *c) {
        _cleanup_(registrar_message_erase) struct registrar_message m = {0}, reply = {0};
        int r = registrar_receive(c->fd, &m);
        if (r >= 0)
                r = answer(c, &m, &reply);
        return r < 0 ? r : registrar_send(c->fd, &reply);
}

static int on_message(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct connection *c = userdata;
        struct registrar_server *s = c->server;
        int r = serve(c);
        if (r < 0 && r != -EAGAIN) {
                connection_end(c);
                arm_idle(s);
        }
        return 0;
}

static int on_end(sd_event_source *source, uint64_t usec, void *userdata) {
        struct connection *c = userdata;
        struct registrar_server *s = c->server;
        connection_end(c);
        arm_idle(s);
        return 0;
}

/* The socket's mode lets nobody else in; this says so once more. */
static int add(struct registrar_server *s, int taken, const struct ucred *peer) {
        _cleanup_(closep) int fd = taken;
        if (peer->uid != s->peer || s->n == REGISTRAR_CONNECTIONS_MAX) {
                log_line(SD_WARNING, "Process %d (user %u) is not listened to: %s", (int) peer->pid,
                         (unsigned) peer->uid, peer->uid != s->peer ? "it is no attempt" : "too many ask");
                return 0;
        }
        struct connection *c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        *c = (struct connection){.server = s, .fd = TAKE_FD(fd)};
        s->connections[s->n++] = c;
        int r = sd_event_add_io(s->event, &c->io, c->fd, EPOLLIN, on_message, c);
        if (r >= 0)
                r = sd_event_add_time_relative(s->event, &c->end, CLOCK_BOOTTIME, REGISTRAR_CONNECTION_USEC,
                                               0, on_end, c);
        if (r < 0)
                connection_end(c);
        return r;
}

static int on_connect(sd_event_source *source, int listener, uint32_t events, void *userdata) {
        struct registrar_server *s = userdata;
        struct ucred peer;
        int fd = -1, r = socket_accept(listener, &peer, &fd);
        if (r >= 0)
                r = add(s, fd, &peer);
        if (r < 0 && r != -EAGAIN)
                log_line(SD_WARNING, "A connection could not be taken: %s", strerror(-r));
        arm_idle(s);
        return 0;
}

static int on_idle(sd_event_source *source, uint64_t usec, void *userdata) {
        struct registrar_server *s = userdata;
        return sd_event_exit(s->event, 0);
}

int registrar_server_new(sd_event *event, int listener, uid_t peer, struct registrar_server **ret) {
        _cleanup_(closep) int fd = listener;
        _cleanup_(registrar_server_freep) struct registrar_server *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        *s = (struct registrar_server){.event = event, .peer = peer, .listener = TAKE_FD(fd)};
        int r = sd_event_add_io(event, &s->io, s->listener, EPOLLIN, on_connect, s);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &s->idle, CLOCK_MONOTONIC, REGISTRAR_IDLE_USEC, 0,
                                               on_idle, s);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

struct registrar_server *registrar_server_free(struct registrar_server *s) {
        if (!s)
                return NULL;
        while (s->n > 0)
                connection_end(s->connections[0]);
        sd_event_source_disable_unref(s->io);
        sd_event_source_disable_unref(s->idle);
        closep(&s->listener);
        free(s);
        return NULL;
}
