/* SPDX-License-Identifier: Apache-2.0 */
/* Services that the rules do not name, and people far away. */
#include "pam_module/gate.h"

#include "pam_module/services.h"

#include "common/paths.h"

#include <errno.h>
#include <string.h>

/* Somebody at another machine cannot tap here. An address of the loopback may be the end of a tunnel. */
static bool is_remote(const struct wire_start *s) {
        return s->rhost[0] && strcmp(s->rhost, "localhost") != 0;
}

enum outcome gate(const struct wire_start *s, const char **ret_why) {
        int r = services_name(PATH_SERVICES, s->service);
        if (r == -ENOMEM)
                return OUTCOME_NO_MEMORY;
        if (r < 0 && r != -ENOENT) {
                *ret_why = PATH_SERVICES " is not a small regular file that only root can write";
                return OUTCOME_UNAVAIL;
        }
        if (r <= 0)
                *ret_why = r < 0 ? "no rules were applied" : "the rules do not name this service";
        else if (is_remote(s))
                *ret_why = "asked from another machine";
        return r <= 0 || is_remote(s) ? OUTCOME_NOT_OURS : OUTCOME_ALLOW;
}
