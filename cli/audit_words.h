/* SPDX-License-Identifier: Apache-2.0 */
/* What an auditor reads of a finding. */
#pragma once

#include "cli/audit_check.h"

#define AUDIT_SENTENCE_MAX 1024U

/* "removed", "changed", ... */
const char *audit_kind_name(enum audit_kind kind);
/* One plain sentence: what was found, and between which two records. Not yet fit for a screen: see
 * print_clean(). */
void audit_say(const struct audit_finding *f, const struct audit_epoch *epochs, size_t n_epochs,
               char ret[AUDIT_SENTENCE_MAX]);
