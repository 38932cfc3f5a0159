/* SPDX-License-Identifier: Apache-2.0 */
/* Answers the session hooks of the module. */
#include "pam_module/auth/session.h"

#include "common/broker.h"
#include "common/paths.h"
#include "common/socket.h"
#include "pam_module/auth/account.h"
#include "pam_module/auth/attempt.h"
#include "pam_module/auth/relay.h"
#include "pam_module/auth/sandbox.h"

#include <errno.h>
#include <sys/pidfd.h>

enum wire_verdict session_may(const struct ucred *peer, const struct wire_start *start,
                              const struct rules *rules) {
        const struct rule_service *s = rules ? rules_find_service(rules, start->service) : NULL;
        if (!s || s->use != USE_SIGN_IN)
                return WIRE_UNAVAIL;
        return peer->uid == 0 && start->user[0] ? WIRE_ALLOW : WIRE_DENY;
}

/* The process at the other end of the socket. Its number could be another's by now; but as long as it still
 * waits for our answer and what we hold still lives, it is the one that connected. */
static int open_peer(int module, pid_t pid, int *ret_pidfd) {
        _cleanup_(closep) int fd = pidfd_open(pid, 0);
        if (fd < 0)
                return -errno;
        int r = relay_poll(module, fd, 0); /* a pidfd can be read when its process has ended */
        if (r != -ETIMEDOUT)
                return r < 0 ? r : -ESRCH;
        *ret_pidfd = TAKE_FD(fd);
        return 0;
}

static int tell(int module, const struct wire_start *start, int pidfd, struct account_child *child,
                struct store *state) {
        _cleanup_(store_account_clear) struct store_account account = {0};
        _cleanup_(closep) int broker = -1;
        struct broker_hello hello = {.purpose = BROKER_SESSION_HOOK};
        struct broker_message m = {.type = start->hook == WIRE_CLOSE_SESSION ? BROKER_SESSION_CLOSE
                                                                             : BROKER_SESSION_OPEN};
        bool cached;
        int r = account_find(child, state, start->user, module, &account, &cached);
        if (r < 0)
                return r;
        memcpy(hello.attempt, start->attempt, sizeof(hello.attempt));
        memcpy(hello.service, start->service, sizeof(hello.service));
        memcpy(hello.seat, start->seat, sizeof(hello.seat));
        m.session_change.uid = account.uid;
        m.session_change.resumed = start->hook == WIRE_RESUME_SESSION;
        memcpy(m.session_change.attempt, start->attempt, sizeof(start->attempt));
        memcpy(m.session_change.user, start->user, sizeof(start->user));
        memcpy(m.session_change.session, start->session, sizeof(start->session));
        r = broker_connect(&hello, &broker);
        if (r < 0)
                return r;
        return broker_change_session(broker, &m, pidfd, now_monotonic_usec() + ATTEMPT_RECORD_USEC);
}

static int set_up(int module, const struct ucred *peer, const struct wire_start *start, int *ret_pidfd,
                  struct account_child *ret_child, struct store **ret_state) {
        int r = 0;
        if (start->hook == WIRE_OPEN_SESSION && start->attempt[0])
                r = open_peer(module, peer->pid, ret_pidfd);
        if (r < 0 || (r = account_start(ret_child)) < 0)
                return r;
        (void) store_open_state(PATH_STATE_DB, false, ret_state); /* the last known account, at most */
        return sandbox_enter();
}

/* A session that wardtapd refuses, or was not asked about, must not begin: what let the person in may have
 * been good for resuming only. That wardtapd could not keep account of one that may is no reason to stop it.
 */
static enum wire_verdict verdict_of(enum wire_hook hook, int error) {
        if (error >= 0)
                return WIRE_ALLOW;
        if (hook != WIRE_OPEN_SESSION || error == -EEXIST || error == -ENOSPC)
                return WIRE_UNAVAIL;
        return WIRE_DENY;
}

/* The site's own way works without Wardtap, unless the rules forbid it. */
static enum wire_verdict verdict_of_fallback(const struct rules *rules, int error) {
        if (error >= 0)
                return WIRE_ALLOW;
        bool deny = !rules || rules->fallback == FALLBACK_DENY;
        return deny || error == -EKEYREJECTED ? WIRE_DENY : WIRE_UNAVAIL;
}

void session_run(int module, const struct ucred *peer, const struct wire_message *start,
                 const struct rules *rules) {
        const struct wire_start *s = &start->start;
        bool fallback = !s->attempt[0];
        _cleanup_(account_stop) struct account_child child = ACCOUNT_CHILD_NONE;
        _cleanup_(store_closep) struct store *state = NULL;
        _cleanup_(closep) int pidfd = -1;
        int r = 0;
        if (fallback ? s->hook != WIRE_CLOSE_SESSION : s->hook != WIRE_RESUME_SESSION) {
                r = set_up(module, peer, s, &pidfd, &child, &state);
                if (r >= 0)
                        r = tell(module, s, pidfd, &child, state);
        }
        (void) relay_verdict(module, start->version,
                             fallback ? verdict_of_fallback(rules, r) : verdict_of(s->hook, r), "", "");
}
