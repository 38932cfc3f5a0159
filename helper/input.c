/* SPDX-License-Identifier: Apache-2.0 */
/* Accepts whoever may say that somebody is at the seat, and hears no more of each than that. */
#include "helper/input.h"

#include "common/socket.h"
#include "helper/log.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

/* There is one wardtap-idle; a new one may come before the old one's end was seen. */
#define CONNECTIONS_MAX 4U
/* One message a second is sent. */
#define TURNS_PER_SECOND 8U
#define TURN_MESSAGES 64U

struct connection {
        struct input *input;
        int fd; /* -1: free */
        sd_event_source *io;
};

struct input {
        sd_event *event;
        int listener;
        uid_t uid; /* who may connect, beside root */
        const struct input_events *events;
        void *userdata;
        sd_event_source *io;
        struct connection connections[CONNECTIONS_MAX];
};

bool input_is_watched(const struct input *i) {
        for (size_t n = 0; n < CONNECTIONS_MAX; n++)
                if (i->connections[n].fd >= 0)
                        return true;
        return false;
}

static void tell_watched(const struct input *i, bool before) {
        bool now = input_is_watched(i);
        if (now != before && i->events->watched)
                i->events->watched(i->userdata, now);
}

static void drop(struct connection *c) {
        c->io = sd_event_source_disable_unref(c->io);
        closep(&c->fd);
}

/* 1 for a message that says that somebody is there; -EAGAIN for none, -EBADMSG for another. */
static int receive(int fd) {
        uint8_t m[INPUT_MESSAGE_LEN];
        size_t n = 0;
        int r = socket_receive(fd, m, sizeof(m), &n);
        if (r == -EMSGSIZE)
                return -EBADMSG;
        if (r < 0)
                return r;
        return n == sizeof(m) && m[0] == INPUT_VERSION && m[1] == INPUT_ACTIVE ? 1 : -EBADMSG;
}

/* What has piled up says no more than one message. */
static int on_message(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct connection *c = userdata;
        struct input *i = c->input;
        int r = 1;
        bool active = false;
        for (unsigned n = 0; n < TURN_MESSAGES && r > 0; n++) {
                r = receive(fd);
                active = active || r > 0;
        }
        if (active)
                i->events->active(i->userdata, now_monotonic_usec());
        if (r > 0 || r == -EAGAIN)
                return 0;
        if (r == -EBADMSG)
                log_line(SD_WARNING, "What came from wardtap-idle is no message of this version; its "
                                     "connection is closed.");
        drop(c);
        tell_watched(i, true);
        return 0;
}

static struct connection *find_free(struct input *i) {
        for (size_t n = 0; n < CONNECTIONS_MAX; n++)
                if (i->connections[n].fd < 0)
                        return &i->connections[n];
        return NULL;
}

static void admit(struct input *i, int fd) {
        bool before = input_is_watched(i);
        struct connection *c = find_free(i);
        if (!c) {
                (void) close(fd);
                return;
        }
        c->fd = fd;
        int r = sd_event_add_io(i->event, &c->io, fd, EPOLLIN, on_message, c);
        if (r >= 0)
                r = sd_event_source_set_ratelimit(c->io, 1000000, TURNS_PER_SECOND);
        if (r < 0)
                drop(c);
        tell_watched(i, before);
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct input *i = userdata;
        struct ucred peer;
        int connection;
        if (socket_accept(fd, &peer, &connection) < 0)
                return 0;
        if (peer.uid == 0 || peer.uid == i->uid)
                admit(i, connection);
        else
                (void) close(connection);
        return 0;
}

/* The socket's owner. No name service is asked for this. */
static int owner_of(int listener, uid_t *ret) {
        union {
                struct sockaddr sa;
                struct sockaddr_un un;
        } a = {0};
        socklen_t n = sizeof(a);
        struct stat st;
        if (getsockname(listener, &a.sa, &n) < 0)
                return -errno;
        if (a.sa.sa_family != AF_UNIX || a.un.sun_path[0] != '/' ||
            !memchr(a.un.sun_path, 0, sizeof(a.un.sun_path)))
                return -EINVAL;
        if (lstat(a.un.sun_path, &st) < 0)
                return -errno;
        *ret = st.st_uid;
        return 0;
}

int input_new(sd_event *event, int listener, const struct input_events *events, void *userdata,
              struct input **ret) {
        _cleanup_(input_freep) struct input *i = calloc(1, sizeof(*i));
        if (!i) {
                (void) close(listener);
                return -ENOMEM;
        }
        i->event = sd_event_ref(event);
        i->listener = listener;
        i->events = events;
        i->userdata = userdata;
        for (size_t n = 0; n < CONNECTIONS_MAX; n++)
                i->connections[n] = (struct connection){.input = i, .fd = -1};
        int r = owner_of(listener, &i->uid);
        if (r >= 0)
                r = sd_event_add_io(event, &i->io, listener, EPOLLIN, on_connection, i);
        if (r >= 0)
                r = sd_event_source_set_ratelimit(i->io, 1000000, TURNS_PER_SECOND);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(i);
        return 0;
}

struct input *input_free(struct input *i) {
        if (!i)
                return NULL;
        for (size_t n = 0; n < CONNECTIONS_MAX; n++)
                drop(&i->connections[n]);
        sd_event_source_disable_unref(i->io);
        closep(&i->listener);
        sd_event_unref(i->event);
        free(i);
        return NULL;
}
