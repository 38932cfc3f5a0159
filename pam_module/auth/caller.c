/* SPDX-License-Identifier: Apache-2.0 */
/* Tells remote callers from those at the station, and root's own programs from those that users run. */
#include "pam_module/auth/caller.h"

#include "common/bytes.h"
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <systemd/sd-login.h>

/* Its user's processes run on after an ssh session, or beside one. */
static bool user_is_elsewhere(uid_t uid) {
        _cleanup_(freep) char *session = NULL;
        if (sd_uid_get_display(uid, &session) < 0)
                return true;
        return sd_session_is_remote(session) != 0 || sd_session_is_active(session) <= 0;
}

bool caller_is_remote(const char *rhost, const struct ucred *caller) {
        _cleanup_(freep) char *session = NULL;
        uid_t owner;
        if (rhost[0])
                return true;
        int r = sd_pid_get_session(caller->pid, &session);
        if (r >= 0)
                return sd_session_is_remote(session) != 0;
        if (r != -ENODATA && r != -ENXIO && r != -EOPNOTSUPP && r != -ENOMEDIUM)
                return true; /* it has gone, or cannot be looked at */
        /* Of the system's, which is nobody's (a display manager, a daemon) unless it is sudo in a job of
         * cron. */
        if (sd_pid_get_owner_uid(caller->pid, &owner) < 0)
                owner = caller->uid == 0 ? caller_login(caller) : 0;
        return owner != 0 && user_is_elsewhere(owner);
}

void caller_unit(pid_t caller, char *buf, size_t size) {
        _cleanup_(freep) char *unit = NULL;
        buf[0] = 0;
        if (sd_pid_get_unit(caller, &unit) >= 0 && strlen(unit) < size)
                (void) snprintf(buf, size, "%s", unit);
}

uid_t caller_login(const struct ucred *peer) {
        char path[64], text[16];
        uint64_t uid;
        if (peer->uid != 0)
                return peer->uid;
        (void) snprintf(path, sizeof(path), "/proc/%d/loginuid", (int) peer->pid);
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
        if (n <= 0)
                return 0; /* a kernel that keeps none, or the caller is gone */
        text[n] = 0;
        text[strcspn(text, "\n")] = 0;
        return parse_u64(text, UINT32_MAX - 1, &uid) < 0 ? 0 : (uid_t) uid; /* the largest means none */
}
