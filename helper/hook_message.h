/* SPDX-License-Identifier: Apache-2.0 */
/* A record on its way to a program of the site: its number u64 (0: it could not be written), the record. */
#pragma once

#include "common/record.h"
#include "common/util.h"

void hook_message_write(struct writer *w, const struct record *record, uint64_t seq);
/* Takes all of b. -EBADMSG for anything malformed, -ENOMEM. *ret only on success; record_clear() it. */
int hook_message_read(struct bytes b, struct record *ret, uint64_t *ret_seq);

/* The environment of the site's program: that which this process has (`from`), less every variable WARDTAP_,
 * and WARDTAP_EVENT, WARDTAP_OUTCOME (0 or 4, as in the record), WARDTAP_SEQ where there is a number, and
 * WARDTAP_FIELD per field. Ends with NULL; hook_environment_free() frees it and all in it. -ENOMEM. */
int hook_environment(const struct record *record, uint64_t seq, char *const *from, char ***ret);
char **hook_environment_free(char **environment);
DEFINE_CLEANUP(char *, hook_environment_free)
