/* SPDX-License-Identifier: Apache-2.0 */
/* What a START is answered: at once by the listener, or by a process of its own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "pam_module/auth/snapshot.h"
#include "common/wire.h"

#define ANSWER_KNOWN_MAX 16U

/* What the listener remembers, to protect itself and to be quick. */
struct answer {
        uid_t wardtapd;                 /* seat_find_user() */
        uint64_t store_busy_until_usec; /* people.db was locked: it is not asked before then */
        struct stat store;              /* people.db as it was when these were found enrolled */
        char known[ANSWER_KNOWN_MAX][65];
        unsigned n_known; /* found since; the oldest gives way */
};

/* Whether people.db has this person enrolled, as far as the listener has to know: -ENOENT is a clear no.
 * Names that were found are remembered until the file changes; no other name is, for it may be a typed
 * password. Errors of store_open_people(). */
int answer_find_person(struct answer *a, const char *path, const char *user);

/* True and the verdict when no attempt is needed: nothing here waits for a person, a card or a name service.
 */
bool answer_at_once(struct answer *a, struct snapshot *snapshot, const struct ucred *peer,
                    const struct wire_start *start, enum wire_verdict *ret);

/* In the child: an attempt or a session hook, then the end. Keeps only the connection. */
_Noreturn void answer_in_child(int conn, const struct ucred *peer, const struct wire_message *start,
                               struct snapshot *snapshot);
