/* SPDX-License-Identifier: Apache-2.0 */
/* Clients of the broker: accepting, reading, dropping, and giving them their taps. */
#include "helper/broker_internal.h"

#include "common/socket.h"
#include "helper/log.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>

/* Messages of one client before others have their turn, and its turns in a second: one that never stops must
 * not keep the others from their records. */
#define READ_BURST 8U
#define TURNS_PER_SECOND 256U

static struct client *client_free(struct client *c) {
        if (!c)
                return NULL;
        sd_event_source_disable_unref(c->io);
        closep(&c->fd);
        record_clear(&c->administered);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(struct client, client_free)

static void broker_changed(struct broker *b) {
        if (b->config.changed)
                b->config.changed(b->config.userdata);
}

static struct client *find(struct broker *b, uint64_t id) {
        for (size_t i = 0; i < b->n_clients; i++)
                if (b->clients[i]->id == id)
                        return b->clients[i];
        return NULL;
}

static void drop(struct client *c) {
        struct broker *b = c->broker;
        for (size_t i = 0; i < b->n_clients; i++)
                if (b->clients[i] == c) {
                        b->clients[i] = b->clients[--b->n_clients];
                        break;
                }
        taps_client_gone(b->config.taps, c->id);
        /* What it gave back may be for nobody: its greeter may still show the question that it has left. */
        if (taps_is_unheard(b->config.taps, "seat0", now_monotonic_usec()))
                greeter_tap_unheard(b->config.greeter);
        switcher_client_gone(b->config.switcher, c->id);
        (void) client_free(c);
        if (b->n_clients + 1 == BROKER_CLIENTS_MAX)
                (void) sd_event_source_set_enabled(b->accept_io, SD_EVENT_ON);
}

int broker_tell(struct client *c, const struct broker_message *m) {
        return broker_send(c->fd, m); /* never waits: one that does not read is dropped by the caller */
}

static bool is_expecting(const struct broker *b) {
        int on = SD_EVENT_OFF;
        return b->expecting && sd_event_source_get_enabled(b->expecting, &on) >= 0 && on != SD_EVENT_OFF;
}

int broker_tell_waiting(struct client *c) {
        int n = (int) taps_readers(c->broker->config.taps);
        if (n == 0 && is_expecting(c->broker))
                return 0;
        struct broker_message m = {.type = BROKER_WAITING, .waiting.readers = (uint16_t) n};
        if (c->readers_said == n)
                return 0;
        int r = broker_tell(c, &m);
        if (r == 0)
                c->readers_said = n;
        return r;
}

void broker_look(struct broker *b) {
        struct taps_screen screen;
        desk_look(b->config.desk, &screen);
        taps_set_screen(b->config.taps, &screen);
}

/* Its greeter has ended, or it began while none was on the screen and a display manager has another now. */
static bool is_orphan(const struct client *c, const struct client *next) {
        struct taps *taps = c->broker->config.taps;
        const char *greeter = taps_greeter_of(taps, c->id);
        if (*greeter)
                return greeter_is_gone(greeter);
        return c->purpose == BROKER_SIGN_IN && c->vt == 0 && strcmp(c->seat, next->seat) == 0 &&
               strcmp(c->service, next->service) == 0 && *taps_greeter_of(taps, next->id);
}

void broker_drop_orphans(const struct client *next) {
        const struct broker_message gone = {.type = BROKER_GONE};
        struct broker *b = next->broker;
        for (size_t i = 0; i < b->n_clients; i++) {
                struct client *c = b->clients[i];
                if (c == next || !taps_is_waiting(b->config.taps, c->id) || !is_orphan(c, next))
                        continue;
                taps_client_gone(b->config.taps, c->id);
                if (broker_tell(c, &gone) < 0)
                        (void) shutdown(c->fd, SHUT_RDWR);
        }
}

static void note_badge(struct client *c, const struct tap *t) {
        c->has_badge = t->n_indexes > 0;
        c->wants_again = false;
        c->sighted_usec = t->seen_usec;
        if (c->has_badge)
                memcpy(c->badge, t->indexes[0].index, sizeof(c->badge));
}

static bool is_again(const struct client *c, const struct tap *t) {
        return c->has_badge && t->n_indexes > 0 &&
               memcmp(c->badge, t->indexes[0].index, sizeof(c->badge)) == 0 &&
               taps_is_seen_judging(c->broker->config.taps, c->id);
}

bool broker_tap_again(struct broker *b, const struct tap *t) {
        const struct broker_message again = {.type = BROKER_AGAIN, .again.seen_usec = t->seen_usec};
        for (size_t i = 0; i < b->n_clients; i++) {
                struct client *c = b->clients[i];
                if (!c->wants_again || !is_again(c, t))
                        continue;
                bool meant = t->seen_usec >= c->sighted_usec + BROKER_AGAIN_USEC;
                c->sighted_usec = t->seen_usec;
                c->wants_again = !meant;
                if (meant && broker_tell(c, &again) < 0)
                        (void) shutdown(c->fd, SHUT_RDWR);
                return true;
        }
        return false;
}

static void give_taps(struct broker *b) {
        uint64_t id;
        if (taps_next_expiry(b->config.taps) == UINT64_MAX)
                return;
        broker_look(b);
        for (;;) {
                _cleanup_(broker_message_clear) struct broker_message m = {.type = BROKER_TAP};
                if (taps_hand_out(b->config.taps, now_monotonic_usec(), &id, &m.tap) != 1)
                        return;
                struct client *c = find(b, id);
                if (c)
                        note_badge(c, &m.tap);
                if (!c)
                        taps_client_gone(b->config.taps, id);
                else if (broker_tell(c, &m) < 0)
                        drop(c); /* and the tap is the next one's */
        }
}

static void tell_waiting(struct broker *b) {
        for (size_t i = b->n_clients; i-- > 0;) {
                struct client *c = b->clients[i];
                if (taps_is_waiting(b->config.taps, c->id) && broker_tell_waiting(c) < 0)
                        drop(c); /* the last one takes its place, and has been told */
        }
}

static int on_expiry(sd_event_source *source, uint64_t usec, void *userdata) {
        broker_update(userdata);
        return 0;
}

void broker_expect_readers(struct broker *b) {
        if (b->expecting) {
                (void) sd_event_source_set_time_relative(b->expecting, BROKER_READERS_USEC);
                (void) sd_event_source_set_enabled(b->expecting, SD_EVENT_ONESHOT);
                return;
        }
        (void) sd_event_add_time_relative(b->config.event, &b->expecting, CLOCK_MONOTONIC,
                                          BROKER_READERS_USEC, 0, on_expiry, b);
}

/* A tap that nobody wanted is wiped when it is no longer fresh. */
static void arm_expiry(struct broker *b) {
        uint64_t when = taps_next_expiry(b->config.taps);
        if (when == UINT64_MAX) {
                if (b->expiry)
                        (void) sd_event_source_set_enabled(b->expiry, SD_EVENT_OFF);
                return;
        }
        if (!b->expiry) {
                (void) sd_event_add_time(b->config.event, &b->expiry, CLOCK_MONOTONIC, when, 0, on_expiry,
                                         b);
                return;
        }
        (void) sd_event_source_set_time(b->expiry, when);
        (void) sd_event_source_set_enabled(b->expiry, SD_EVENT_ONESHOT);
}

void broker_update(struct broker *b) {
        if (b->expecting && taps_readers(b->config.taps) > 0)
                (void) sd_event_source_set_enabled(b->expecting, SD_EVENT_OFF); /* no timer for nothing */
        give_taps(b);
        tell_waiting(b);
        desk_consider(b->config.desk);
        arm_expiry(b);
        broker_changed(b);
}

void broker_say(struct broker *b, const char *text) {
        struct broker_message m = {.type = BROKER_WORDS};
        (void) snprintf(m.words, sizeof(m.words), "%s", text);
        broker_look(b);
        for (size_t i = 0; i < b->n_clients; i++)
                if (taps_is_seen_waiting(b->config.taps, b->clients[i]->id) &&
                    broker_tell(b->clients[i], &m) < 0)
                        (void) shutdown(b->clients[i]->fd, SHUT_RDWR);
}

void broker_recorded(struct broker *b, uint64_t client, int status, uint64_t seq) {
        struct client *c = find(b, client);
        const struct broker_message m = {.type = BROKER_RECORDED, .recorded = {status, seq}};
        if (!c)
                return;
        if (c->in_flight > 0)
                c->in_flight--;
        if (status == 0)
                broker_administered(c);
        record_clear(&c->administered);
        if (broker_tell(c, &m) < 0)
                (void) shutdown(c->fd,
                                SHUT_RDWR); /* dropped in its own turn: it may be the one being served */
}

/* Somebody was let in, as the record of that attempt says, and no session came of it. */
static void record_not_shown(struct broker *b, const struct switcher_wish *wish, int status) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_ALERT, .outcome = RECORD_FAILURE};
        const char *detail = status == -EACCES ? "The account rules refuse the person (" SWITCH_SERVICE ")."
                             : strcmp(wish->service, SWITCH_SERVICE) == 0
                                     ? "The session was not brought to the screen."
                                     : "The display manager did not show the session.";
        if (record_set(&r, RECORD_FIELD_REASON, "session-not-shown") < 0 ||
            record_set(&r, RECORD_FIELD_DETAIL, detail) < 0 ||
            record_set(&r, RECORD_FIELD_USER, wish->user) < 0 ||
            record_set_u64(&r, RECORD_FIELD_UID, wish->uid) < 0 ||
            record_set(&r, RECORD_FIELD_ATTEMPT, wish->attempt) < 0 ||
            broker_set_code(&r, wish->attempt) < 0)
                return;
        recorder_submit(b->config.recorder, &r, 0);
}

void broker_switched(struct broker *b, const struct switcher_wish *wish, int status) {
        struct client *c = find(b, wish->client);
        const struct broker_message m = {.type = BROKER_SWITCHED, .switched.status = status};
        /* At a greeter it is left to a click; at an open session the tap is used up. */
        bool is_left = (status == -EOPNOTSUPP || status == -ENOSYS) && !(c && c->purpose == BROKER_SEAT);
        if (status < 0 && !is_left)
                record_not_shown(b, wish, status);
        if (status == 0)
                desk_shows(b->config.desk, wish->attempt);
        else
                desk_shows_not(b->config.desk);
        if (c && broker_tell(c, &m) < 0)
                (void) shutdown(c->fd, SHUT_RDWR);
}

/* The descriptor that came along, if exactly one did; all others are closed. */
static int take_passed(struct msghdr *mh, int *ret_fd) {
        int first = -1;
        unsigned n = 0;
        for (struct cmsghdr *h = CMSG_FIRSTHDR(mh); h; h = CMSG_NXTHDR(mh, h)) {
                if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
                        continue;
                for (size_t at = 0; at + sizeof(int) <= h->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
                        int fd;
                        memcpy(&fd, CMSG_DATA(h) + at, sizeof(fd));
                        if (n++ == 0)
                                first = fd;
                        else
                                (void) close(fd);
                }
        }
        if (n > 1 || (mh->msg_flags & MSG_CTRUNC)) {
                closep(&first);
                return -EBADMSG;
        }
        *ret_fd = first;
        return 0;
}

static int receive(int fd, uint8_t *p, size_t size, size_t *ret_n, int *ret_fd) {
        union {
                struct cmsghdr header;
                char buf[CMSG_SPACE(sizeof(int))];
        } control;
        struct iovec iov = {p, size};
        struct msghdr mh = {.msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof(control)};
        ssize_t n;
        do
                n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        int passed = -1, r = take_passed(&mh, &passed);
        if (r == 0 && n == 0)
                r = -ECONNRESET;
        if (r == 0 && (mh.msg_flags & MSG_TRUNC))
                r = -EMSGSIZE;
        if (r < 0) {
                closep(&passed);
                return r;
        }
        *ret_n = (size_t) n;
        *ret_fd = passed;
        return 0;
}

static int read_client(struct client *c) {
        for (unsigned i = 0; i < READ_BURST; i++) {
                uint8_t buf[SOCKET_MESSAGE_MAX];
                size_t n = 0;
                int passed = -1, r = receive(c->fd, buf, sizeof(buf), &n, &passed);
                if (r == -EAGAIN)
                        return 0;
                if (r < 0)
                        return r;
                r = broker_serve(c, buf, n, passed);
                explicit_bzero(buf, n); /* an administrator's may hold badge numbers */
                if (r < 0)
                        return r;
        }
        return 0;
}

static int on_client(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct client *c = userdata;
        struct broker *b = c->broker;
        uint64_t id = c->id;
        int r = read_client(c);
        if (r < 0) {
                if (r != -ECONNRESET)
                        log_line(SD_WARNING, "Dropped a client (process %d, user %u) that sent nonsense: %s",
                                 (int) c->peer.pid, (unsigned) c->peer.uid, strerror(-r));
                if (find(b, id))
                        drop(c);
        }
        broker_update(b);
        return 0;
}

static int add_client(struct broker *b, int fd, const struct ucred *peer) {
        _cleanup_(client_freep) struct client *c = calloc(1, sizeof(*c));
        if (!c) {
                closep(&fd);
                return -ENOMEM;
        }
        *c = (struct client){.broker = b,
                             .id = ++b->next_id,
                             .fd = fd,
                             .peer = *peer,
                             .readers_said = -1,
                             .administered.event = RECORD_EVENT_INVALID};
        int r = sd_event_add_io(b->config.event, &c->io, fd, EPOLLIN, on_client, c);
        if (r >= 0)
                r = sd_event_source_set_ratelimit(c->io, 1000000, TURNS_PER_SECOND);
        if (r < 0)
                return r;
        b->clients[b->n_clients++] = TAKE_PTR(c);
        return 0;
}

static int on_accept(sd_event_source *source, int listener, uint32_t events, void *userdata) {
        struct broker *b = userdata;
        struct ucred peer;
        int fd, r = socket_accept(listener, &peer, &fd);
        if (r == 0 && peer.uid != 0 && b->n_clients >= BROKER_CLIENTS_MAX - BROKER_ROOT_PLACES) {
                closep(&fd); /* at once, so that its stack goes on */
                r = -EUSERS;
        }
        if (r == 0)
                r = add_client(b, fd, &peer);
        if (r < 0 && r != -EAGAIN && r != -ECONNABORTED)
                log_line(SD_WARNING, "Cannot take a client: %s", strerror(-r));
        /* Full: whoever comes now waits in the listener's queue. */
        if (b->n_clients == BROKER_CLIENTS_MAX)
                (void) sd_event_source_set_enabled(b->accept_io, SD_EVENT_OFF);
        return 0;
}

int broker_new(const struct broker_config *c, struct broker **ret) {
        _cleanup_(broker_freep) struct broker *b = calloc(1, sizeof(*b));
        if (!b) {
                int fd = c->listener;
                closep(&fd);
                return -ENOMEM;
        }
        b->config = *c;
        int r = sd_event_add_io(c->event, &b->accept_io, c->listener, EPOLLIN, on_accept, b);
        if (r < 0)
                return r;
        broker_expect_readers(b);
        *ret = TAKE_PTR(b);
        return 0;
}

struct broker *broker_free(struct broker *b) {
        if (!b)
                return NULL;
        sd_event_source_disable_unref(b->accept_io);
        sd_event_source_disable_unref(b->expiry);
        sd_event_source_disable_unref(b->expecting);
        for (size_t i = 0; i < b->n_clients; i++)
                (void) client_free(b->clients[i]);
        closep(&b->config.listener);
        free(b);
        return NULL;
}
