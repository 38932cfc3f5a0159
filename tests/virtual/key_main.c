/* SPDX-License-Identifier: Apache-2.0 */
/* key: the virtual key behind a UNIX socket. Running is plugged in, ended is unplugged: the socket goes and
 * who has it open sees the end of the file. libvirtual-key-preload.so makes libfido2 find it there. */
#include "common/socket.h"
#include "common/util.h"
#include "tests/virtual/key_dress.h"
#include "tests/virtual/key_options.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>

struct dress {
        struct key *key;
        char path[108]; /* of the socket, as long as sun_path */
        int signals, listener, client;
};

/* A socket that nobody listens on is left over from a key that was killed. */
static int remove_stale(const char *path) {
        int fd = -1, r = socket_connect(path, geteuid(), &fd);
        closep(&fd);
        if (r == -ENOENT)
                return 0;
        if (r != -ECONNREFUSED)
                return -EADDRINUSE;
        return unlink(path) < 0 ? -errno : 0;
}

/* Whoever may start a client may reach the key, as with a hidraw node that udev has opened for all. */
static int listen_at(const char *path, int *ret) {
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int r = remove_stale(path);
        if (fd < 0 || r < 0)
                return fd < 0 ? -errno : r;
        memcpy(sa.sun_path, path, strlen(path) + 1);
        if (bind(fd, (const struct sockaddr *) &sa, sizeof(sa)) < 0)
                return -errno;
        if (chmod(path, 0666) < 0 || listen(fd, 16) < 0) {
                r = -errno;
                (void) unlink(path);
                return r;
        }
        *ret = TAKE_FD(fd);
        return 0;
}

static int plug_in(struct dress *d, const struct key_options *o) {
        int n = snprintf(d->path, sizeof(d->path), "%s/%s", o->dir, o->name);
        if (n < 0 || (size_t) n >= sizeof(d->path))
                return -ENAMETOOLONG;
        int r = dress_signals(&d->signals);
        if (r < 0)
                return r;
        r = key_new(&o->config, dress_now_ms(), &d->key);
        if (r < 0)
                return r;
        if (mkdir(o->dir, 0755) < 0 && errno != EEXIST)
                return -errno;
        return listen_at(d->path, &d->listener);
}

static void hang_up(struct dress *d) {
        closep(&d->client);
        key_closed(d->key);
}

static void from_client(struct dress *d) {
        uint8_t report[KEY_REPORT_SIZE + 1];
        size_t n;
        int r = socket_receive(d->client, report, sizeof(report), &n);
        if (r == -EAGAIN)
                return;
        if (r < 0 || n != KEY_REPORT_SIZE)
                hang_up(d);
        else
                key_feed(d->key, dress_now_ms(), report);
}

/* What a client does not read in time is lost to it, as with a hidraw node. */
static void to_client(struct dress *d) {
        uint8_t report[KEY_REPORT_SIZE];
        while (key_take(d->key, report))
                if (d->client >= 0)
                        (void) socket_send(d->client, report, sizeof(report));
}

/* One client at a time; the others wait in the listener's queue, as they would for libfido2's lock. */
static int run(struct dress *d) {
        for (;;) {
                struct pollfd p[] = {{d->signals, POLLIN, 0},
                                     {d->client < 0 ? d->listener : -1, POLLIN, 0},
                                     {d->client, POLLIN, 0}};
                if (poll(p, ELEMENTSOF(p), dress_timeout(key_deadline_ms(d->key))) < 0 && errno != EINTR)
                        return -errno;
                if (p[0].revents && !dress_signalled(d->signals, d->key))
                        return 0;
                if (p[1].revents)
                        (void) socket_accept(d->listener, NULL, &d->client);
                if (p[2].revents)
                        from_client(d);
                key_tick(d->key, dress_now_ms());
                to_client(d);
        }
}

int main(int argc, char **argv) {
        struct key_options o;
        struct dress d = {.signals = -1, .listener = -1, .client = -1};
        if (key_options_parse(argc, argv, &o) < 0)
                return 2;
        o.config.on_touch_wanted = dress_touch_wanted;
        o.config.on_command = key_options_log;
        o.config.userdata = &o;
        int r = plug_in(&d, &o);
        if (r == 0) {
                dress_say("plugged");
                r = run(&d);
                (void) unlink(d.path);
        }
        if (r < 0)
                (void) fprintf(stderr, "Cannot be a key at %s with the state %s: %s\n", d.path,
                               o.config.state_path, strerror(-r));
        closep(&d.client);
        closep(&d.listener);
        closep(&d.signals);
        d.key = key_free(d.key);
        return r < 0 ? 1 : 0;
}
