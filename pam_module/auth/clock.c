/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the clocks. */
#include "pam_module/auth/clock.h"

#include "common/socket.h"
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/timex.h>

int clock_boot_id(char ret[33]) {
        char text[64], id[33];
        _cleanup_(closep) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        ssize_t n = read(fd, text, sizeof(text));
        if (n < 0)
                return -errno;
        size_t digits = 0;
        for (ssize_t i = 0; i < n && digits < 32; i++)
                if (strchr("0123456789abcdef", text[i]) && text[i])
                        id[digits++] = text[i];
        if (digits != 32)
                return -EBADMSG;
        id[32] = 0;
        memcpy(ret, id, sizeof(id));
        return 0;
}

static bool synchronised(void) {
        struct timex t = {0};
        return adjtimex(&t) >= 0 && !(t.status & STA_UNSYNC);
}

int clock_now(const char *boot_id, uint64_t not_before_usec, struct policy_clock *ret) {
        struct policy_clock c = {
                .realtime_usec = now_realtime_usec(),
                .boottime_usec = now_boottime_usec(),
        };
        c.trusted = synchronised() && c.realtime_usec >= not_before_usec;
        memcpy(c.boot_id, boot_id, sizeof(c.boot_id));
        int r = policy_clock_set_local(&c);
        if (r < 0)
                return r;
        *ret = c;
        return 0;
}
