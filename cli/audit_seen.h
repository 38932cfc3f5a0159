/* SPDX-License-Identifier: Apache-2.0 */
/* Records that stand in a journal twice, because wardtapd sends one again when it cannot tell whether the
 * journal has it: each is wanted once. */
#pragma once

#include "cli/audit_entry.h"
#include "common/util.h"

#define AUDIT_SEEN_MAX 65536U /* records in a row among which a second one is noticed */

struct audit_seen;

int audit_seen_new(struct audit_seen **ret);
struct audit_seen *audit_seen_free(struct audit_seen *s);
DEFINE_CLEANUP(struct audit_seen, audit_seen_free)

/* Forgets all: another pass over the same records begins. */
void audit_seen_reset(struct audit_seen *s);
/* False for the first entry with this epoch and number, and for one without them. */
bool audit_seen_again(struct audit_seen *s, const struct audit_entry *e);
