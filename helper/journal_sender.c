/* SPDX-License-Identifier: Apache-2.0 */
/* Sending to the journal. Reading back is in journal_confirm.c. */
#include "helper/journal_sender_internal.h"

#include "common/socket.h"
#include "helper/journal_entry.h"
#include "helper/log.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#define RETRY_LEAST_USEC (1000U * 1000U)
#define RETRY_MOST_USEC (60U * 1000U * 1000U)
/* Records sent in one go before other work of the loop has its turn. */
#define BURST 64U

static void send_pending(struct journal_sender *s);

void sender_changed(struct journal_sender *s) {
        if (s->config.changed)
                s->config.changed(s->config.userdata);
}

int sender_timer(struct journal_sender *s, sd_event_source **source, uint64_t after_usec,
                 sd_event_time_handler_t handler) {
        int r;
        if (*source) {
                if ((r = sd_event_source_set_time_relative(*source, after_usec)) < 0)
                        return r;
                return sd_event_source_set_enabled(*source, SD_EVENT_ONESHOT);
        }
        r = sd_event_add_time_relative(s->config.event, source, CLOCK_MONOTONIC, after_usec, 0, handler, s);
        return r < 0 ? r : sd_event_source_set_priority(*source, SENDER_PRIORITY);
}

static void want_writable(struct journal_sender *s, bool want) {
        s->blocked = want;
        if (s->io)
                (void) sd_event_source_set_enabled(s->io, want ? SD_EVENT_ON : SD_EVENT_OFF);
}

static int on_writable(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        send_pending(userdata);
        return 0;
}

static void disconnect(struct journal_sender *s) {
        s->io = sd_event_source_disable_unref(s->io);
        closep(&s->fd);
        s->blocked = false;
}

/* What was in the queue of a socket that is gone, is gone: from the first record that was not read back. */
void sender_rewind(struct journal_sender *s) {
        if (s->sent.seq > s->recheck_below)
                s->recheck_below = s->sent.seq;
        s->sent = audit_log_released(s->config.log);
}

static int connect_socket(struct journal_sender *s) {
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        int n = snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s", s->config.folder, s->config.socket);
        if (n < 0 || (size_t) n >= sizeof(sa.sun_path))
                return -ENAMETOOLONG;
        _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *) &sa, sizeof(sa)) < 0)
                return -errno;
        int r = sd_event_add_io(s->config.event, &s->io, fd, EPOLLOUT, on_writable, s);
        if (r < 0)
                return r;
        (void) sd_event_source_set_priority(s->io, SENDER_PRIORITY);
        (void) sd_event_source_set_enabled(s->io, SD_EVENT_OFF);
        s->fd = TAKE_FD(fd);
        s->retry_usec = 0;
        s->retry = sd_event_source_disable_unref(s->retry);
        sender_rewind(s);
        return 0;
}

static int on_folder(sd_event_source *source, const struct inotify_event *e, void *userdata) {
        struct journal_sender *s = userdata;
        if (e->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) {
                s->folder = sd_event_source_disable_unref(s->folder);
        } else if (e->len > 0 && strcmp(e->name, s->config.socket) == 0) {
                disconnect(s); /* another socket has taken the place of the one we know */
                send_pending(s);
                sender_changed(s);
        }
        return 0;
}

/* Without the folder, or without inotify, the retry timer does. */
static void watch_folder(struct journal_sender *s) {
        if (!s->folder)
                (void) sd_event_add_inotify(
                        s->config.event, &s->folder, s->config.folder,
                        IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR, on_folder, s);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        send_pending(userdata);
        return 0;
}

static void retry_later(struct journal_sender *s) {
        bool was = s->fd >= 0;
        disconnect(s);
        watch_folder(s);
        s->retry_usec = s->retry_usec == 0 ? RETRY_LEAST_USEC : s->retry_usec * 2;
        if (s->retry_usec > RETRY_MOST_USEC)
                s->retry_usec = RETRY_MOST_USEC;
        (void) sender_timer(s, &s->retry, s->retry_usec, on_retry);
        if (was)
                sender_changed(s);
}

static int send_record(struct journal_sender *s, const struct record *r) {
        uint8_t buf[JOURNAL_ENTRY_MAX];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t n;
        journal_entry_write(&w, r);
        int e = writer_end(&w, &n);
        if (e < 0)
                return e;
        if (send(s->fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                return errno == EINTR ? -EAGAIN : -errno;
        return 0;
}

/* One record: 1 when it is on its way (or there already), 0 when there is none, or a negative errno. */
static int send_next(struct journal_sender *s) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        struct audit_position p = s->sent;
        int r = audit_log_read(s->config.log, &p, &record);
        if (r <= 0)
                return r;
        if (!sender_is_there(s, p.seq - 1)) {
                r = send_record(s, &record);
                if (r == -EMSGSIZE)
                        log_line(SD_ERR, "Record %s is too large for the journal.",
                                 record.fields[RECORD_FIELD_SEQ]);
                else if (r < 0)
                        return r;
        }
        s->sent = p;
        return 1;
}

static void send_burst(struct journal_sender *s) {
        for (unsigned i = 0; i < BURST; i++) {
                int r = send_next(s);
                if (r == 1)
                        continue;
                if (r == 0) {
                        want_writable(s, false);
                } else if (r == -EAGAIN) {
                        want_writable(s, true);
                } else {
                        if (r != -ECONNREFUSED && r != -ENOTCONN && r != -ECONNRESET && r != -EPIPE)
                                log_line(SD_WARNING, "Cannot send to the journal: %s", strerror(-r));
                        retry_later(s);
                }
                return;
        }
        want_writable(s, true); /* and on in the next turn of the loop */
}

static bool ensure_connected(struct journal_sender *s) {
        if (s->fd >= 0)
                return true;
        watch_folder(s);
        if (connect_socket(s) < 0)
                return false;
        sender_changed(s);
        return true;
}

static void send_pending(struct journal_sender *s) {
        if (!ensure_connected(s)) {
                if (journal_sender_pending(s) > 0)
                        retry_later(s);
        } else if (s->sent.seq <= audit_log_last(s->config.log)) {
                send_burst(s);
                sender_expect(s);
        } else {
                want_writable(s, false);
        }
}

void sender_send(struct journal_sender *s) {
        send_pending(s);
}

void journal_sender_kick(struct journal_sender *s) {
        if (!s->blocked && !(s->fd < 0 && s->retry_usec > 0))
                send_pending(s); /* else the socket or the timer says when */
}

bool journal_sender_is_connected(const struct journal_sender *s) {
        return s->fd >= 0;
}

uint64_t journal_sender_pending(const struct journal_sender *s) {
        uint64_t last = audit_log_last(s->config.log), next = audit_log_released(s->config.log).seq;
        return next <= last ? last + 1 - next : 0;
}

int journal_sender_new(const struct journal_sender_config *c, struct journal_sender **ret) {
        _cleanup_(journal_sender_freep) struct journal_sender *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->config = *c;
        s->config.event = sd_event_ref(c->event);
        s->fd = -1;
        s->sent = audit_log_released(c->log);
        s->recheck_below = audit_log_last(c->log) + 1; /* an earlier run may have sent these */
        (void) ensure_connected(s);
        *ret = TAKE_PTR(s);
        return 0;
}

struct journal_sender *journal_sender_free(struct journal_sender *s) {
        if (!s)
                return NULL;
        disconnect(s);
        sender_close_check(s);
        sd_event_source_disable_unref(s->retry);
        sd_event_source_disable_unref(s->folder);
        sd_event_source_disable_unref(s->look);
        sd_event_unref(s->config.event);
        free(s);
        return NULL;
}
