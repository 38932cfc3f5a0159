/* SPDX-License-Identifier: Apache-2.0 */
/* SOCK_SEQPACKET sockets: connecting, accepting, one message at a time, and the clocks that deadlines use.
 */
#include "common/socket.h"

#include "common/util.h"

#include <errno.h>
#include <poll.h>
#include <sys/un.h>
#include <time.h>

int socket_peer(int fd, struct ucred *ret) {
        struct ucred peer = {0};
        socklen_t n = sizeof(peer);
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
                return -errno;
        if (n != sizeof(peer) || peer.pid <= 0)
                return -EBADMSG;
        *ret = peer;
        return 0;
}

int socket_connect(const char *path, uid_t listener_uid, int *ret_fd) {
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        size_t n = strlen(path);
        if (n >= sizeof(sa.sun_path))
                return -ENAMETOOLONG;
        memcpy(sa.sun_path, path, n + 1);

        _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *) &sa, sizeof(sa)) < 0)
                return -errno;
        struct ucred peer = {0};
        int r = socket_peer(fd, &peer);
        if (r < 0)
                return r;
        if (peer.uid != listener_uid)
                return -EPERM;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int socket_accept(int listener, struct ucred *ret_peer, int *ret_fd) {
        _cleanup_(closep) int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
                return -errno;
        if (ret_peer) {
                int r = socket_peer(fd, ret_peer);
                if (r < 0)
                        return r;
        }
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int socket_send(int fd, const void *p, size_t n) {
        ssize_t sent;
        do
                sent = send(fd, p, n, MSG_NOSIGNAL | MSG_EOR);
        while (sent < 0 && errno == EINTR);
        if (sent < 0)
                return -errno;
        return (size_t) sent == n ? 0 : -EMSGSIZE;
}

int socket_send_written(int fd, struct writer *w) {
        size_t n = 0;
        int r = writer_end(w, &n);
        if (r == 0)
                r = socket_send(fd, w->p, n);
        explicit_bzero(w->p, w->size);
        return r;
}

int socket_receive(int fd, void *p, size_t size, size_t *ret_n) {
        struct iovec iov = {p, size};
        struct msghdr mh = {.msg_iov = &iov,
                            .msg_iovlen = 1}; /* no control buffer: descriptors are closed by the kernel */
        ssize_t n;
        do
                n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if (n == 0)
                return -ECONNRESET;
        if (mh.msg_flags & MSG_TRUNC)
                return -EMSGSIZE;
        *ret_n = (size_t) n;
        return 0;
}

static uint64_t now_usec(clockid_t clock) {
        struct timespec ts;
        if (clock_gettime(clock, &ts) < 0)
                return 0; /* cannot happen for the clocks below */
        return (uint64_t) ts.tv_sec * 1000000U + (uint64_t) ts.tv_nsec / 1000U;
}

uint64_t now_monotonic_usec(void) {
        return now_usec(CLOCK_MONOTONIC);
}

uint64_t now_boottime_usec(void) {
        return now_usec(CLOCK_BOOTTIME);
}

uint64_t now_realtime_usec(void) {
        return now_usec(CLOCK_REALTIME);
}

int socket_wait(int fd, uint64_t deadline_usec) {
        struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};
        for (;;) {
                uint64_t now = now_monotonic_usec(), left = deadline_usec > now ? deadline_usec - now : 0;
                struct timespec ts = {(time_t) (left / 1000000U), (long) (left % 1000000U) * 1000};
                int r = ppoll(&p, 1, deadline_usec == UINT64_MAX ? NULL : &ts, NULL);
                if (r > 0)
                        return 0;
                if (r == 0)
                        return -ETIMEDOUT;
                if (errno != EINTR)
                        return -errno;
        }
}
