/* SPDX-License-Identifier: Apache-2.0 */
/* Holds each operation's connection and clock, and speaks to no device. It reads of a request only what it
 * is and how long it may take. */
#include "devices/server.h"

#include "common/socket.h"
#include "common/util.h"
#include "devices/operation.h"
#include "devices/sandbox.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

enum {
        OPERATIONS_MAX = 80,
        OPERATIONS_UID_MAX =
                56,          /* of one uid other than root. All attempts are of one: what the people of six
                                open sessions may start at once (24) must leave places for greeters */
        OPERATIONS_ROOT = 4, /* places that only root gets */
        REQUEST_MS = 2000,   /* from the connection to its request */
        BACKSTOP_MS = 1000,  /* after the deadline, which the operation keeps itself */
        CANCEL_MS = 500,     /* to cancel the key and release the card */
};

enum slot_state { SLOT_FREE, SLOT_WAITING, SLOT_RUNNING, SLOT_ENDING };

struct slot {
        enum slot_state state;
        enum device_op op;
        uid_t uid;
        int conn;
        int pidfd;
        uint64_t due_usec; /* when something must happen */
};

struct server {
        int listener;
        struct slot slots[OPERATIONS_MAX];
};

static uint64_t after_ms(uint64_t ms) {
        return now_monotonic_usec() + ms * 1000U;
}

static void send_failed(int conn, enum device_reason reason) {
        struct device_event e = {.type = DEVICE_EVENT_FAILED, .reason = reason, .retries = -1};
        uint8_t buf[16];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t n;
        device_event_write(&w, &e);
        if (writer_end(&w, &n) == 0)
                (void) socket_send(conn, buf, n); /* when this fails, the caller sees the hang-up */
}

/* Closing a socket with something unread would throw away what was sent last. */
static void drain(int conn) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        size_t n;
        for (int i = 0; i < 4; i++)
                if (socket_receive(conn, buf, sizeof(buf), &n) < 0)
                        break;
        explicit_bzero(buf, sizeof(buf));
}

static void slot_free(struct slot *s) {
        if (s->conn >= 0)
                drain(s->conn);
        closep(&s->conn);
        closep(&s->pidfd);
        s->state = SLOT_FREE;
}

static struct slot *find_place(struct server *server, uid_t uid) {
        struct slot *place = NULL;
        unsigned used = 0, own = 0;
        for (size_t i = 0; i < OPERATIONS_MAX; i++) {
                struct slot *s = &server->slots[i];
                if (s->state == SLOT_FREE) {
                        place = s;
                        continue;
                }
                used++;
                own += s->uid == uid;
        }
        if (uid != 0 && (own >= OPERATIONS_UID_MAX || used >= OPERATIONS_MAX - OPERATIONS_ROOT))
                return NULL;
        return place;
}

static int accept_one(struct server *server) {
        _cleanup_(closep) int conn = -1;
        struct ucred peer;
        int r = socket_accept(server->listener, &peer, &conn);
        if (r < 0)
                return r;
        struct slot *s = find_place(server, peer.uid);
        if (!s) {
                fprintf(stderr, "Too many operations at once, refused one for uid %u.\n", peer.uid);
                send_failed(conn, DEVICE_BUSY);
                drain(conn);
                return 0;
        }
        *s = (struct slot){.state = SLOT_WAITING,
                           .uid = peer.uid,
                           .conn = TAKE_FD(conn),
                           .pidfd = -1,
                           .due_usec = after_ms(REQUEST_MS)};
        return 0;
}

static void accept_some(struct server *server) {
        for (int i = 0; i < OPERATIONS_MAX; i++) { /* the others are served in between */
                int r = accept_one(server);
                if (r == -EAGAIN)
                        return;
                if (r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -ENOBUFS) {
                        fprintf(stderr, "Cannot accept a connection: %s\n", strerror(-r));
                        return;
                }
        }
}

/* In the new process. */
static _Noreturn void run_operation(pid_t parent, int conn, struct bytes message) {
        static struct operation op; /* 9 KB, and there is just one */
        op.fd = conn;
        int r = sandbox_enter(parent, &op.fd);
        if (r < 0) {
                fprintf(stderr, "Cannot shut a device process in: %s\n", strerror(-r));
                _exit(EXIT_FAILURE);
        }
        if (device_request_read(message, &op.request) < 0) {
                operation_fail(&op, outcome_of(DEVICE_UNSUPPORTED, 0));
                _exit(EXIT_FAILURE);
        }
        op.deadline_usec = device_op_is_watch(op.request.op) ? UINT64_MAX : after_ms(op.request.deadline_ms);
        operation_arm(&op);
        if (op.request.op == DEVICE_OP_WATCH)
                watch_run(&op);
        else if (op.request.op == DEVICE_OP_WATCH_KEYS)
                key_watch_run(&op);
        else if (op.request.op == DEVICE_OP_IDENTIFY)
                identify_run(&op);
        else
                key_run(&op);
        _exit(EXIT_SUCCESS);
}

static int fork_operation(struct slot *s, struct bytes message, uint32_t deadline_ms) {
        pid_t parent = getpid(), pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                run_operation(parent, s->conn, message);
        s->pidfd = pidfd_open(pid, 0); /* close-on-exec; the process is not reaped before */
        if (s->pidfd < 0) {
                int r = -errno;
                (void) kill(pid, SIGKILL);
                (void) waitpid(pid, NULL, 0);
                return r;
        }
        s->state = SLOT_RUNNING;
        s->due_usec =
                device_op_is_watch(s->op) ? UINT64_MAX : after_ms((uint64_t) deadline_ms + BACKSTOP_MS);
        return 0;
}

static void start_operation(struct slot *s) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        size_t n;
        uint32_t deadline_ms;
        int r = socket_receive(s->conn, buf, sizeof(buf), &n);
        if (r == -EAGAIN)
                return;
        if (r < 0) {
                slot_free(s);
                return;
        }
        r = device_request_peek((struct bytes){buf, n}, &s->op, &deadline_ms);
        if (r < 0) {
                send_failed(s->conn, DEVICE_UNSUPPORTED);
                slot_free(s);
                return;
        }
        r = fork_operation(s, (struct bytes){buf, n}, deadline_ms);
        if (r < 0) {
                fprintf(stderr, "Cannot start a device process: %s\n", strerror(-r));
                send_failed(s->conn, DEVICE_FAILED);
                slot_free(s);
        }
}

/* Asks it to end, and sees to it. */
static void end_operation(struct slot *s) {
        (void) pidfd_send_signal(s->pidfd, SIGTERM, NULL, 0);
        s->state = SLOT_ENDING;
        s->due_usec = after_ms(CANCEL_MS);
}

static void kill_operation(struct slot *s) {
        (void) pidfd_send_signal(s->pidfd, SIGKILL, NULL, 0);
        s->state = SLOT_ENDING;
        s->due_usec = UINT64_MAX; /* its pidfd says when it has gone */
}

static void reap_operation(struct slot *s) {
        siginfo_t info = {0};
        if (waitid(P_PIDFD, (id_t) s->pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
                return;
        if (info.si_code != CLD_EXITED && info.si_status != SIGTERM && info.si_status != SIGKILL)
                fprintf(stderr, "A device process was ended by signal %d.\n", info.si_status);
        slot_free(s);
}

static void slot_due(struct slot *s) {
        if (s->state == SLOT_WAITING) {
                slot_free(s);
        } else if (s->state == SLOT_RUNNING) {
                send_failed(s->conn, DEVICE_TIMED_OUT);
                kill_operation(s);
        } else if (s->state == SLOT_ENDING) {
                kill_operation(s);
        }
}

static void slot_serve(struct slot *s, short conn, short process) {
        if (s->state == SLOT_WAITING && conn)
                start_operation(s);
        else if (s->state != SLOT_WAITING && process)
                reap_operation(s);
        else if (s->state == SLOT_RUNNING && conn)
                end_operation(s);
        else if (s->state != SLOT_FREE && s->due_usec <= now_monotonic_usec())
                slot_due(s);
}

/* Two entries a slot, after the listener's. A free slot's are -1, which poll() skips. */
static int fill_polls(const struct server *server, struct pollfd *p) {
        uint64_t now = now_monotonic_usec(), due = UINT64_MAX;
        p[0] = (struct pollfd){.fd = server->listener, .events = POLLIN};
        for (size_t i = 0; i < OPERATIONS_MAX; i++) {
                const struct slot *s = &server->slots[i];
                bool waiting = s->state == SLOT_WAITING, running = s->state == SLOT_RUNNING;
                p[1 + 2 * i] = (struct pollfd){.fd = waiting || running ? s->conn : -1,
                                               .events = waiting ? POLLIN | POLLRDHUP : POLLRDHUP};
                p[2 + 2 * i] =
                        (struct pollfd){.fd = s->state == SLOT_FREE ? -1 : s->pidfd, .events = POLLIN};
                if (s->state != SLOT_FREE && s->due_usec < due)
                        due = s->due_usec;
        }
        if (due == UINT64_MAX)
                return -1;
        return due <= now ? 0 : (int) ((due - now) / 1000U) + 1;
}

int server_run(int listener) {
        static struct server server;
        server.listener = listener;
        for (size_t i = 0; i < OPERATIONS_MAX; i++)
                server.slots[i] = (struct slot){.state = SLOT_FREE, .conn = -1, .pidfd = -1};
        for (;;) {
                struct pollfd p[1 + 2 * OPERATIONS_MAX];
                int timeout_ms = fill_polls(&server, p);
                if (poll(p, ELEMENTSOF(p), timeout_ms) < 0 && errno != EINTR)
                        return -errno;
                for (size_t i = 0; i < OPERATIONS_MAX; i++)
                        slot_serve(&server.slots[i], p[1 + 2 * i].revents, p[2 + 2 * i].revents);
                if (p[0].revents & (POLLERR | POLLNVAL | POLLHUP))
                        return -EBADF;
                if (p[0].revents)
                        accept_some(&server);
        }
}
