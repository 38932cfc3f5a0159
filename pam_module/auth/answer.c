/* SPDX-License-Identifier: Apache-2.0 */
/* What needs no attempt is answered within milliseconds: Ansible over ssh, cron, su by an admin go on as if
 * there were no Wardtap. */
#include "pam_module/auth/answer.h"

#include "common/bytes.h"
#include "common/paths.h"
#include "common/socket.h"
#include "common/util.h"
#include "pam_module/auth/attempt.h"
#include "pam_module/auth/caller.h"
#include "pam_module/auth/sandbox.h"
#include "pam_module/auth/seat.h"
#include "pam_module/auth/session.h"

#include <errno.h>
#include <linux/close_range.h>
#include <stdio.h>

#define STORE_BUSY_USEC (30U * 1000U * 1000U)

static bool is_same_file(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
               a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
               a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool is_known(const struct answer *a, const char *user) {
        for (unsigned i = 0; i < a->n_known && i < ANSWER_KNOWN_MAX; i++)
                if (strcmp(a->known[i], user) == 0)
                        return true;
        return false;
}

int answer_find_person(struct answer *a, const char *path, const char *user) {
        _cleanup_(store_closep) struct store *people = NULL;
        struct store_person person;
        struct stat now;
        if (stat(path, &now) < 0)
                return -errno;
        if (!is_same_file(&a->store, &now))
                a->n_known = 0;
        else if (is_known(a, user))
                return 0;
        int r = store_open_people(path, false, 0, &people);
        if (r >= 0)
                r = store_find_person(people, user, &person);
        if (r >= 0 && text_copy(a->known[a->n_known % ANSWER_KNOWN_MAX], sizeof(a->known[0]), user) >= 0) {
                a->n_known++;
                a->store = now; /* of before it was read: a change meanwhile is one more change */
        }
        return r < 0 ? r : 0;
}

/* Only a clear "no" counts. A store that is locked or broken is the attempt's to judge; a locked one is left
 * alone for a while, because waiting for it here makes everybody wait. */
static bool is_nobody(struct answer *a, const char *user) {
        if (now_monotonic_usec() < a->store_busy_until_usec)
                return false;
        int r = answer_find_person(a, PATH_PEOPLE_DB, user);
        if (r == -EBUSY)
                a->store_busy_until_usec = now_monotonic_usec() + STORE_BUSY_USEC;
        return r == -ENOENT;
}

bool answer_at_once(struct answer *a, struct snapshot *snapshot, const struct ucred *peer,
                    const struct wire_start *start, enum wire_verdict *ret) {
        (void) snapshot_refresh(snapshot);
        if (start->hook == WIRE_SEAT || start->hook == WIRE_RECHECK) {
                *ret = seat_may(peer, a->wardtapd, start, snapshot->rules);
                return *ret != WIRE_ALLOW;
        }
        if (start->hook != WIRE_AUTHENTICATE) {
                *ret = session_may(peer, start, snapshot->rules);
                return *ret != WIRE_ALLOW;
        }
        *ret = WIRE_UNAVAIL;
        return !snapshot->rules || !rules_find_service(snapshot->rules, start->service) ||
               caller_is_remote(start->rhost, peer) ||
               (peer->uid == 0 && start->user[0] && is_nobody(a, start->user));
}

_Noreturn void answer_in_child(int conn, const struct ucred *peer, const struct wire_message *start,
                               struct snapshot *snapshot) {
        if (conn > 3)
                (void) close_range(3, (unsigned) conn - 1, 0);
        (void) close_range((unsigned) conn + 1, ~0U, 0);
        int r = sandbox_harden();
        if (r < 0)
                (void) fprintf(stderr, "An attempt could not be protected: %s\n", strerror(-r));
        else if (start->start.hook == WIRE_AUTHENTICATE || start->start.hook == WIRE_SEAT ||
                 start->start.hook == WIRE_RECHECK)
                attempt_run(conn, peer, start, snapshot);
        else
                session_run(conn, peer, start, snapshot->rules);
        _exit(r < 0);
}
