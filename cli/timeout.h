/* SPDX-License-Identifier: Apache-2.0 */
/* --timeout of the guided commands. */
#pragma once

#include "cli/cli.h"
#include "common/bytes.h"

#define TIMEOUT_DEFAULT_S 60U
#define TIMEOUT_MIN_S 5U
#define TIMEOUT_MAX_S 120U /* an operation on a key lasts no longer */

static inline int timeout_take(const struct cli_arguments *args, uint64_t *ret_usec) {
        const char *text = args->option[OPTION_TIMEOUT];
        uint64_t seconds = TIMEOUT_DEFAULT_S;
        if (text && (parse_u64(text, TIMEOUT_MAX_S, &seconds) < 0 || seconds < TIMEOUT_MIN_S))
                return fail(CLI_USAGE, _("--timeout takes %u to %u seconds, not '%s'."), TIMEOUT_MIN_S,
                            TIMEOUT_MAX_S, text);
        *ret_usec = seconds * 1000000U;
        return CLI_OK;
}
