/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever looks at what one person did says why, and that is a record before anything is shown. */
#pragma once

#include "cli/cli.h"

#include <stdint.h>

/* By --user and --reason: CLI_OK when no one person is asked about, or it was recorded; else a complaint.
 * since_usec: from when on; 0: all there is. */
int audit_query(const struct cli_arguments *args, uint64_t since_usec);
