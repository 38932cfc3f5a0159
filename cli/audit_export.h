/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what `journalctl -o export` writes (systemd.io/JOURNAL_EXPORT_FORMATS): fields as "NAME=value", or
 * as NAME, a length of 8 bytes (little-endian) and so many bytes; an empty line ends an entry. */
#pragma once

#include "cli/audit_entry.h"

#include <stdio.h>

/* The next entry: 1, 0 at the end, -EBADMSG when the file is not such an export or breaks off in an entry,
 * -EIO. Values of any length are passed over in constant memory. */
int audit_export_next(FILE *f, struct audit_entry *ret);
