/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of the listener: places, their descriptors and deadlines. What START is answered is in
 * answer.c. */
#include "pam_module/auth/listener.h"

#include "common/socket.h"
#include "common/util.h"
#include "pam_module/auth/answer.h"
#include "pam_module/auth/caller.h"
#include "pam_module/auth/quota.h"
#include "pam_module/auth/relay.h"
#include "pam_module/auth/seat.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>

/* A connection that has not said START yet, or the process of one that has. */
struct place {
        int conn;  /* -1 when it is the attempt's */
        int pidfd; /* -1 before */
        struct ucred peer;
        uid_t login;            /* whose: caller_login() */
        bool lent;              /* by root, until START: its own are all taken */
        uint64_t deadline_usec; /* for START */
};

struct listener {
        int fd;
        bool tired; /* out of descriptors: no more until something ended, or a while has passed */
        struct quota quota;
        struct place places[QUOTA_PLACES];
        struct snapshot snapshot;
        struct answer answer;
};

/* Of root's places; each until its START, or the end of a session hook. */
#define LENT_MAX 8U
#define TIRED_USEC (100U * 1000U)

static void free_place(struct listener *l, unsigned i) {
        closep(&l->places[i].conn);
        closep(&l->places[i].pidfd);
        quota_give(&l->quota, i);
        l->tired = false;
}

static unsigned count_lent(const struct listener *l) {
        unsigned n = 0;
        for (unsigned i = 0; i < QUOTA_PLACES; i++)
                n += l->places[i].lent && (l->places[i].conn >= 0 || l->places[i].pidfd >= 0);
        return n;
}

/* At most a batch, so that those who already have a place are not kept waiting. */
static void accept_some(struct listener *l) {
        for (unsigned i = 0; i < LISTENER_BATCH; i++) {
                _cleanup_(closep) int conn = -1;
                struct ucred peer;
                int r = socket_accept(l->fd, &peer, &conn);
                if (r == -EMFILE || r == -ENFILE || r == -ENOBUFS || r == -ENOMEM)
                        l->tired = true;
                if (r == -EAGAIN || l->tired)
                        return;
                if (r < 0)
                        continue; /* that one is gone already */
                /* sudo and su are root's to the kernel, and the user's who runs a hundred of them to us. */
                uid_t login = caller_login(&peer);
                int place = quota_take(&l->quota, login);
                bool lent = place < 0 && peer.uid == 0 && login != 0 && count_lent(l) < LENT_MAX;
                if (lent) /* the end of a sign-in must be told, however many the person holds */
                        place = quota_take(&l->quota, 0);
                if (place < 0)
                        continue; /* a hang-up: nobody was judged */
                l->places[place] = (struct place){
                        .conn = TAKE_FD(conn),
                        .pidfd = -1,
                        .peer = peer,
                        .login = login,
                        .lent = lent,
                        .deadline_usec = now_monotonic_usec() + LISTENER_START_USEC,
                };
        }
}

/* Forks the attempt; its place is held until it has ended. */
static void begin(struct listener *l, unsigned i, const struct wire_message *m) {
        struct place *p = &l->places[i];
        pid_t pid = fork();
        if (pid == 0)
                answer_in_child(p->conn, &p->peer, m, &l->snapshot);
        if (pid > 0)
                p->pidfd = pidfd_open(pid, 0);
        if (pid > 0 && p->pidfd < 0) {
                (void) kill(pid, SIGKILL); /* ours, and not yet reaped */
                (void) waitpid(pid, NULL, 0);
        }
        if (p->pidfd < 0) {
                free_place(l, i); /* a hang-up, as for those who find no place */
                return;
        }
        closep(&p->conn);
}

static void read_start(struct listener *l, unsigned i) {
        struct place *p = &l->places[i];
        _cleanup_(wire_message_erase) struct wire_message m = {.type = WIRE_TYPE_INVALID};
        int r = wire_receive(p->conn, &m);
        if (r == -EAGAIN)
                return;
        if (r < 0 || m.type != WIRE_START) {
                if (r != -ECONNRESET)
                        (void) relay_verdict(p->conn, WIRE_VERSION_MIN, WIRE_UNAVAIL, "", "");
                free_place(l, i);
                return;
        }
        enum wire_verdict verdict;
        if (answer_at_once(&l->answer, &l->snapshot, &p->peer, &m.start, &verdict)) {
                (void) relay_verdict(p->conn, m.version, verdict, "", "");
                free_place(l, i);
                return;
        }
        if (m.start.hook == WIRE_AUTHENTICATE && p->lent) {
                free_place(l, i);
                return;
        }
        /* wardtapd's own are as many as people tap, which it limits itself. */
        if (m.start.hook == WIRE_AUTHENTICATE && !quota_begin(&l->quota, p->login, now_monotonic_usec())) {
                (void) relay_verdict(p->conn, m.version, WIRE_UNAVAIL, "", "");
                free_place(l, i);
                return;
        }
        begin(l, i, &m);
}

static void reap(struct listener *l, unsigned i) {
        siginfo_t info = {0};
        if (waitid(P_PIDFD, (id_t) l->places[i].pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
                return;
        if (info.si_code != CLD_EXITED || info.si_status != 0)
                (void) fprintf(stderr, "The attempt in process %d ended by %s %d\n", info.si_pid,
                               info.si_code == CLD_EXITED ? "status" : "signal", info.si_status);
        free_place(l, i);
}

static void drop_late(struct listener *l) {
        uint64_t now = now_monotonic_usec();
        for (unsigned i = 0; i < QUOTA_PLACES; i++)
                if (l->places[i].conn >= 0 && l->places[i].deadline_usec <= now)
                        free_place(l, i);
}

/* Nothing to wait for by the clock unless somebody owes a START. */
static uint64_t next_deadline(const struct listener *l) {
        uint64_t next = l->tired ? now_monotonic_usec() + TIRED_USEC : UINT64_MAX;
        for (unsigned i = 0; i < QUOTA_PLACES; i++)
                if (l->places[i].conn >= 0 && l->places[i].deadline_usec < next)
                        next = l->places[i].deadline_usec;
        return next;
}

static int wait_for_any(struct listener *l, struct pollfd p[QUOTA_PLACES + 1]) {
        uint64_t next = next_deadline(l), now = now_monotonic_usec(), left = next > now ? next - now : 0;
        struct timespec ts = {(time_t) (left / 1000000U), (long) (left % 1000000U) * 1000};
        for (unsigned i = 0; i < QUOTA_PLACES; i++)
                p[i] = (struct pollfd){
                        .fd = l->places[i].conn >= 0 ? l->places[i].conn : l->places[i].pidfd,
                        .events = POLLIN | POLLRDHUP,
                };
        p[QUOTA_PLACES] = (struct pollfd){.fd = l->tired ? -1 : l->fd, .events = POLLIN};
        int r = ppoll(p, QUOTA_PLACES + 1, next == UINT64_MAX ? NULL : &ts, NULL);
        if (r < 0 && errno != EINTR && errno != ENOMEM)
                return -errno;
        if (r == 0)
                l->tired = false;
        return r > 0;
}

/* Those with a place first, then new ones. */
static int turn(struct listener *l) {
        struct pollfd p[QUOTA_PLACES + 1];
        int r = wait_for_any(l, p);
        if (r < 0)
                return r;
        for (unsigned i = 0; r > 0 && i < QUOTA_PLACES; i++) {
                if (!p[i].revents)
                        continue;
                if (l->places[i].conn >= 0)
                        read_start(l, i);
                else
                        reap(l, i);
        }
        drop_late(l);
        if (r > 0 && p[QUOTA_PLACES].revents)
                accept_some(l);
        return 0;
}

int listener_run(int fd) {
        struct listener l = {.fd = fd, .answer.wardtapd = seat_find_user()};
        int flags = fcntl(fd, F_GETFL), r = 0;
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return -errno;
        for (unsigned i = 0; i < QUOTA_PLACES; i++)
                l.places[i] = (struct place){.conn = -1, .pidfd = -1};
        while (r >= 0)
                r = turn(&l);
        snapshot_clear(&l.snapshot);
        return r;
}
