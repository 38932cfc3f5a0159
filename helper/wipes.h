/* SPDX-License-Identifier: Apache-2.0 */
/* Emergency accounts are fresh for whoever needs the next one: when the last session of one has ended,
 * systemd wipes its home (wardtap-wipe@USER.service, which asks the store whether it may), and nobody gets
 * the account meanwhile. */
#pragma once

#include "common/util.h"

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

/* Accounts that wait for it, or are wiped now. */
#define WIPES_MAX 16U

struct wipes;

/* bus: the system bus, borrowed; NULL while there is none. */
int wipes_new(sd_bus *(*bus)(void *userdata), void *userdata, struct wipes **ret);
struct wipes *wipes_free(struct wipes *w);
DEFINE_CLEANUP(struct wipes, wipes_free)

/* Nobody is in this account any more. What cannot be begun is a line in the log that says what to do; where
 * there is no bus it waits for the next one. */
void wipes_begin(struct wipes *w, uid_t uid, const char *user);
/* It is not to be given to anybody yet. */
bool wipes_is_busy(const struct wipes *w, uid_t uid);
/* Another connection, or none: what was asked for on the one before, and not told the end of, is asked for
 * again. */
void wipes_connected(struct wipes *w);
/* Of an account in this file, in the form of passwd(5): no name service is asked, which could take its time.
 * -ENOENT: it has none. Errors of fopen(3). */
int wipes_local_account(const char *passwd, const char *user, uid_t *ret);
