/* SPDX-License-Identifier: Apache-2.0 */
/* wardtapd's own record file, which only root may read: no record names the last one in the journal, so
 * whether that was changed shows here alone. */
#pragma once

#include <stdint.h>

#include "common/audit_chain.h"

/* The hash of this record. -ENOENT when the file in use has no such record (it was put aside a moment ago,
 * or is of another epoch), or another negative errno: -EACCES for anybody but root. */
int audit_head_find(const char *path, const char *epoch, uint64_t seq, uint8_t ret[AUDIT_HASH_SIZE]);
