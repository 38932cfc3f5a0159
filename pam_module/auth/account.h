/* SPDX-License-Identifier: Apache-2.0 */
/* What the system knows of a user: uid, name, groups. The name service may be slow (LDAP behind SSSD) or
 * hang, and its plug-ins do what no sandbox allows; so a child asks it, which is there before the sandbox
 * is entered and can be killed. */
#pragma once

#include "common/util.h"
#include "policy/store.h"

#define ACCOUNT_DEADLINE_USEC (2U * 1000U * 1000U)
#define ACCOUNT_GROUPS_MAX 1000U

struct account_child {
        int fd, pidfd; /* -1 when there is none */
};
#define ACCOUNT_CHILD_NONE ((struct account_child){-1, -1})

/* Forks the child. It ends with the process that made it. *ret is for account_stop(); an error is that of
 * socketpair(2), fork(2) or pidfd_open(2), and then there is no child. */
int account_start(struct account_child *ret);
/* Kills and reaps it. */
void account_stop(struct account_child *c);

/* Asks the child for a user and waits for its answer with an eye on the module. 0 and *ret (for
 * store_account_clear()); -ENOENT: the system does not know the user; -ESRCH: the same, but what would know
 * may be down: glibc leaves errno at 0 only where the last name service said so itself (getpwnam_r(3));
 * -ECANCELED: the module hung up. Any other error: the name service does not answer, or not in time, and the
 * child was killed. */
int account_ask(struct account_child *c, const char *user, int module, struct store_account *ret);

/* The same, with the last known answer of the state store (NULL: there is none; then *ret_cached) where the
 * name service fails.
 */
int account_find(struct account_child *c, struct store *state, const char *user, int module,
                 struct store_account *ret, bool *ret_cached);

/* An answer of the child as bytes, for both sides: status u8 (0, 1 not known, 2 failed, 3 not known, or
 * down), then uid u32, full
 * name, number of groups u16, their names. -EBADMSG for anything malformed. */
int account_read(const void *p, size_t n, struct store_account *ret);
