/* SPDX-License-Identifier: Apache-2.0 */
/* Administration: who asks, the store, and the record that each change is. A change is made inside a
 * transaction, its record is written by wardtapd, and only then is it committed: what cannot be recorded
 * does not happen. */
#pragma once

#include <stdbool.h>

#include "cli/cli.h"
#include "common/record.h"
#include "policy/store.h"

#define REQUESTOR_MAX 65U

struct admin {
        struct store *store;
        int broker; /* wardtapd, for records; -1: not connected */
        bool began; /* a transaction is open */
        char requestor[REQUESTOR_MAX];
};

/* For _cleanup_(admin_close): rolls back what was begun. */
void admin_close(struct admin *a);

/* Who sits at the keyboard: the login uid's name, which sudo and su do not change; "root" where the kernel
 * knows none. */
void admin_requestor(char ret[REQUESTOR_MAX]);

/* CLI_OK when root runs this, else a complaint. */
int admin_need_root(const struct cli_arguments *args);
/* The group that may read rules and people. */
int admin_group(gid_t *ret);
/* For changes: needs root, wardtapd and the store. An enum cli_exit, after a complaint. */
int admin_open(struct admin *a, const struct cli_arguments *args);
/* For a record of what was looked at: needs root and wardtapd; of the store what there is. */
int admin_open_to_record(struct admin *a, const struct cli_arguments *args);
/* people.db for looking only, without a complaint; as root, what a killed writer left is undone first. */
int admin_open_people(struct store **ret);
/* For looking only. */
int admin_open_read(struct admin *a);
/* Connects to wardtapd: 0 or a negative errno, without a complaint. */
int admin_connect(struct admin *a);

/* The complaint for an error of the store, as an enum cli_exit. */
int admin_store_failed(int error);
/* CLI_OK when --reason is a text that the store can keep, else a complaint. */
int admin_need_reason(const struct cli_arguments *args);
/* Copies a text of 1 to size - 1 clean bytes; `what` names it in the complaint. */
int admin_take_text(const char *what, const char *text, char *ret, size_t size);
/* The time of an option, which stays as it was where it is not given; a day alone is its last moment with
 * end_of_day. */
int admin_take_time(const struct cli_arguments *args, enum cli_option option, const char *name,
                    bool end_of_day, uint64_t *ret);
/* Finds a person who is enrolled. */
int admin_find_person(struct admin *a, const char *user, struct store_person *ret);
/* The same, of somebody who has not ended. */
int admin_find_active(struct admin *a, const char *user, struct store_person *ret);

/* The complaint when a badge or key could not be found by its token, as an enum cli_exit. */
int admin_token_failed(int error, const char *token, bool key);

int admin_begin(struct admin *a);
/* Fills what every record of administration says. `person` may be NULL. */
int admin_record(struct admin *a, enum record_event event, const struct store_person *person,
                 struct record *ret);
/* Sends one record and waits until it is on disk. */
int admin_send(struct admin *a, const struct record *r);
/* Records the change, then commits it. No signal comes between the two. */
int admin_commit(struct admin *a, struct record *r);

/* Read a database through: 0, -ENOENT when there is none yet, or what is wrong with it. Checking the people
 * undoes what a killed writer left; -ECANCELED when the reason was told already. */
int store_checked_people(uint64_t *ret_version);
int store_checked_state(void);
