/* SPDX-License-Identifier: Apache-2.0 */
/* Tells remote callers from those at the station. */
#include "pam_module/auth/remote.h"

#include "common/util.h"

#include <systemd/sd-login.h>

bool remote_is(const char *rhost, pid_t caller) {
        _cleanup_(freep) char *session = NULL;
        if (rhost[0])
                return true;
        if (sd_pid_get_session(caller, &session) < 0)
                return false; /* in none: a display manager, a daemon */
        return sd_session_is_remote(session) != 0;
}
