/* SPDX-License-Identifier: Apache-2.0 */
/* A wardtap-device that lies, in place of the true one, which goes on at REAL. Cards it leaves alone; each
 * assertion is treated in the way of MODE:
 *
 *   silent     says nothing
 *   gone       hangs up
 *   garbage    says what is no message
 *   huge       sends 2 MB
 *   true       passes everything on, and keeps the assertion in REAL.last
 *   replay     asks no key: passes on that assertion
 *   other      lets another key sign (credential ID, hexadecimal), and passes on its valid assertion
 *   relabel    the same under the name of the credential that was asked for
 *
 *   fake_device MODE REAL [ID] */
#include "common/paths.h"
#include "common/socket.h"
#include "common/util.h"
#include "devices/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>

struct liar {
        const char *mode, *real;
        struct device_credential_id id;
        char last[128];
};

static void keep(const struct liar *l, const struct device_event *e) {
        _cleanup_(closep) int fd = open(l->last, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, e, sizeof(*e)) != (ssize_t) sizeof(*e))
                abort();
}

static void tell(int fd, const struct device_event *e) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        device_event_write(&w, e);
        (void) socket_send(fd, buf, w.n); /* the attempt may be gone */
}

static void replay(const struct liar *l, int fd) {
        struct device_event e;
        _cleanup_(closep) int last = open(l->last, O_RDONLY | O_CLOEXEC);
        if (last < 0 || read(last, &e, sizeof(e)) != (ssize_t) sizeof(e))
                abort();
        tell(fd, &e);
}

/* One event of the true service, on its way to the attempt. */
static void pass(const struct liar *l, int fd, const struct device_request *asked, struct bytes b) {
        struct device_event e;
        if (device_event_read(b, &e) < 0)
                abort();
        if (e.type == DEVICE_EVENT_ASSERTION) {
                keep(l, &e);
                if (strcmp(l->mode, "relabel") == 0) {
                        memcpy(e.assertion.credential_id, asked->ids[0].id, asked->ids[0].n);
                        e.assertion.credential_id_len = asked->ids[0].n;
                }
        }
        tell(fd, &e);
}

static void relay(const struct liar *l, int fd, const struct device_request *asked) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        struct device_request q = *asked;
        _cleanup_(closep) int real = -1;
        if (socket_connect(l->real, 0, &real) < 0)
                abort();
        if (l->id.n > 0 && q.op == DEVICE_OP_GET_ASSERTION) {
                q.n_ids = 1;
                q.ids[0] = l->id;
        }
        device_request_write(&w, &q);
        if (socket_send(real, buf, w.n) < 0)
                abort();
        for (;;) {
                struct pollfd p[] = {{fd, POLLIN | POLLRDHUP, 0}, {real, POLLIN | POLLRDHUP, 0}};
                size_t n;
                (void) poll(p, 2, -1);
                bool from_real = p[1].revents;
                int r = socket_receive(from_real ? real : fd, buf, sizeof(buf), &n);
                if (r == -EAGAIN)
                        continue;
                if (r < 0)
                        return;
                if (from_real)
                        pass(l, fd, asked, (struct bytes){buf, n});
                else
                        (void) socket_send(real, buf, n);
        }
}

static void lie(const struct liar *l, int fd, const struct device_request *q) {
        static uint8_t huge[64 * 1024];
        if (strcmp(l->mode, "gone") == 0)
                return;
        if (strcmp(l->mode, "garbage") == 0)
                (void) socket_send(fd, "\xff\xff\xff\xff garbage", 12);
        else if (strcmp(l->mode, "huge") == 0)
                for (unsigned i = 0; i < 32; i++)
                        (void) socket_send(fd, huge, sizeof(huge)); /* as much as it takes */
        else if (strcmp(l->mode, "replay") == 0)
                replay(l, fd);
        else if (strcmp(l->mode, "silent") != 0)
                relay(l, fd, q);
        (void) socket_wait(fd, UINT64_MAX); /* until the attempt has had enough */
}

static void answer(const struct liar *l, int fd) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        struct device_request q;
        size_t n;
        if (socket_wait(fd, UINT64_MAX) < 0 || socket_receive(fd, buf, sizeof(buf), &n) < 0)
                return;
        if (device_request_read((struct bytes){buf, n}, &q) < 0)
                abort();
        if (q.op == DEVICE_OP_GET_ASSERTION)
                lie(l, fd, &q);
        else
                relay(l, fd, &q);
}

static int listen_at(const char *path) {
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        (void) snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
        (void) unlink(path);
        if (fd < 0 || bind(fd, (const struct sockaddr *) &sa, sizeof(sa)) < 0 || chmod(path, 0666) < 0 ||
            listen(fd, 16) < 0)
                abort();
        return fd;
}

int main(int argc, char **argv) {
        if (argc < 3 || argc > 4)
                return 2;
        struct liar l = {.mode = argv[1], .real = argv[2]};
        if (argc == 4 && hex_decode(argv[3], l.id.id, sizeof(l.id.id), &l.id.n) < 0)
                return 2;
        (void) snprintf(l.last, sizeof(l.last), "%s.last", l.real);
        int listener = listen_at(PATH_DEVICE_SOCKET);
        (void) printf("listening\n");
        (void) fflush(stdout);
        for (;;) {
                int fd;
                if (socket_wait(listener, UINT64_MAX) < 0 || socket_accept(listener, NULL, &fd) < 0)
                        continue;
                pid_t pid = fork();
                if (pid == 0) {
                        answer(&l, fd);
                        _exit(0);
                }
                (void) close(fd);
        }
}
