/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the name service, through a child with a deadline. The child's side is in account_child.c. */
#include "pam_module/auth/account.h"

#include "common/bytes.h"
#include "common/socket.h"
#include "pam_module/auth/account_child.h"
#include "pam_module/auth/relay.h"

#include <errno.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void end_child(int pidfd) {
        siginfo_t info;
        (void) pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
        (void) waitid(P_PIDFD, (id_t) pidfd, &info, WEXITED);
}

void account_stop(struct account_child *c) {
        if (c->pidfd >= 0)
                end_child(c->pidfd);
        closep(&c->fd);
        closep(&c->pidfd);
}

int account_start(struct account_child *ret) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        _cleanup_(closep) int ours = pair[0], theirs = pair[1];
        pid_t parent = getpid(), pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                account_child_run(theirs, parent);
        int pidfd = pidfd_open(pid, 0);
        if (pidfd < 0) {
                int r = -errno;
                (void) kill(pid, SIGKILL); /* ours, and not yet reaped */
                (void) waitpid(pid, NULL, 0);
                return r;
        }
        *ret = (struct account_child){TAKE_FD(ours), pidfd};
        return 0;
}

static int read_groups(struct bytes *b, struct store_account *a) {
        uint16_t n;
        int r = bytes_take_u16(b, &n);
        if (r < 0)
                return r;
        if (n > ACCOUNT_GROUPS_MAX)
                return -EBADMSG;
        a->groups = calloc((size_t) n + 1, sizeof(char *));
        if (!a->groups)
                return -ENOMEM;
        for (; a->n_groups < n; a->n_groups++) {
                char name[256];
                if ((r = bytes_take_string(b, name, sizeof(name))) < 0)
                        return r;
                a->groups[a->n_groups] = strdup(name);
                if (!a->groups[a->n_groups])
                        return -ENOMEM;
        }
        return bytes_end(b);
}

int account_read(const void *p, size_t n, struct store_account *ret) {
        _cleanup_(store_account_clear) struct store_account a = {0};
        struct bytes b = {p, n};
        uint8_t status;
        int r = bytes_take_u8(&b, &status);
        if (r < 0)
                return r;
        if (status != ACCOUNT_KNOWN)
                return bytes_end(&b) < 0 || status >= ACCOUNT_STATUS_MAX ? -EBADMSG
                       : status == ACCOUNT_UNKNOWN                       ? -ENOENT
                       : status == ACCOUNT_UNSURE                        ? -ESRCH
                                                                         : -EIO;
        if ((r = bytes_take_u32(&b, &a.uid)) < 0 ||
            (r = bytes_take_string(&b, a.full_name, sizeof(a.full_name))) < 0 ||
            (r = read_groups(&b, &a)) < 0)
                return r;
        a.at_usec = now_realtime_usec();
        *ret = a;
        a = (struct store_account){0};
        return 0;
}

static int receive_answer(struct account_child *c, int module, struct store_account *ret) {
        _cleanup_(freep) uint8_t *buf = malloc(ACCOUNT_MESSAGE_MAX);
        if (!buf)
                return -ENOMEM;
        int r = relay_wait(module, c->fd, now_monotonic_usec() + ACCOUNT_DEADLINE_USEC);
        if (r < 0)
                return r;
        size_t n;
        r = socket_receive(c->fd, buf, ACCOUNT_MESSAGE_MAX, &n);
        return r < 0 ? r : account_read(buf, n, ret);
}

static bool is_unknown(int r) {
        return r == -ENOENT || r == -ESRCH;
}

int account_ask(struct account_child *c, const char *user, int module, struct store_account *ret) {
        if (c->fd < 0)
                return -ENOTCONN;
        int r = socket_send(c->fd, user, strlen(user));
        if (r >= 0)
                r = receive_answer(c, module, ret);
        if (is_unknown(r) || r >= 0)
                return r;
        account_stop(c); /* a late answer must not be taken for that to the next question */
        return r;
}

int account_find(struct account_child *c, struct store *state, const char *user, int module,
                 struct store_account *ret, bool *ret_cached) {
        int r = account_ask(c, user, module, ret);
        *ret_cached = r < 0 && !is_unknown(r) && r != -ECANCELED;
        return *ret_cached && state ? store_load_account(state, user, ret) : r;
}
