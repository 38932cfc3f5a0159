/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of giving somebody a badge or a key, for the commands that do it in their own order. Each is an
 * enum cli_exit, after a complaint. */
#pragma once

#include "cli/admin.h"
#include "cli/terminal.h"
#include "common/broker.h"

/* For _cleanup_(tap_erase). */
void tap_erase(struct tap *t);
/* The same badge, tapped twice, which nobody holds. */
int badge_hold(struct admin *a, struct terminal *t, const struct store_person *p, uint64_t timeout_usec,
               struct tap *ret);
/* Inside a transaction: stores it as that person's. The caller has filled in of *b what a lent one has. */
int badge_add(struct admin *a, const struct tap *tap, const struct store_person *p, uint64_t now_usec,
              struct store_badge *b);
/* Sets BADGE, BADGE_KIND and READER. */
int badge_record(const struct tap *tap, struct record *r);

struct key_enrolment;
/* `user` and `label` (NULL: what the key calls itself) are borrowed, and so are admin and terminal. */
int key_enrolment_new(struct admin *a, struct terminal *t, const char *user, const char *label,
                      unsigned timeout_ms, struct key_enrolment **ret);
struct key_enrolment *key_enrolment_free(struct key_enrolment *e);
DEFINE_CLEANUP(struct key_enrolment, key_enrolment_free)
/* With the key and its owner: a credential, checked, and one trial. */
int key_enrolment_make(struct key_enrolment *e);
/* Inside a transaction: stores it, and judges the trial by the row. */
int key_enrolment_add(struct key_enrolment *e, struct store_key *ret);
/* Whose it becomes, and the hash of the rules it was made by. */
const struct store_person *key_enrolment_person(const struct key_enrolment *e);
const char *key_enrolment_policy(const struct key_enrolment *e);

/* Whether root may enrol a badge (or key) for this person: not a further one where the rules have
 * Recovery=strict. */
int recovery_allows(struct admin *a, const struct store_person *p, bool key);
