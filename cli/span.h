/* SPDX-License-Identifier: Apache-2.0 */
/* --for and --reason of the commands that give something for a while. */
#pragma once

#include "cli/cli.h"
#include "common/bytes.h"
#include "policy/rules.h"

#define SPAN_MIN_USEC UINT64_C(60000000)
#define SPAN_REASON_MAX 118U /* bytes; with what the store puts before it, 128 */

/* --for, from a minute up to max_usec, of which `most` is the name ("14h"). An enum cli_exit, after a
 * complaint. */
static inline int span_take(const struct cli_arguments *args, uint64_t max_usec, const char *most,
                            uint64_t *ret_usec) {
        const char *text = args->option[OPTION_FOR];
        uint64_t usec = 0;
        if (duration_parse(text, &usec) < 0 || usec < SPAN_MIN_USEC || usec > max_usec)
                return fail(CLI_USAGE,
                            _("--for takes a time from 1min to %s, as 30min or 1h 30min, not '%s'."), most,
                            text);
        *ret_usec = usec;
        return CLI_OK;
}

static inline int reason_take(const struct cli_arguments *args) {
        const char *text = args->option[OPTION_REASON];
        if (!text[0] || !text_is_clean(text, SPAN_REASON_MAX))
                return fail(CLI_USAGE, _("--reason must have 1 to %u bytes of plain text."),
                            SPAN_REASON_MAX);
        return CLI_OK;
}
