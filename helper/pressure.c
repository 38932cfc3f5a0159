/* SPDX-License-Identifier: Apache-2.0 */
/* wardtap-pressure: asks the kernel to tell when programs wait for memory, and leaves the descriptor with
 * systemd, for wardtapd. Runs as root before wardtapd starts (ExecStartPre=+), since up to Linux 6.4 a
 * trigger takes CAP_SYS_RESOURCE; wardtapd itself has no capability. */
#include "helper/log.h"
#include "helper/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#define BARRIER_USEC (5U * 1000U * 1000U)

static int open_trigger(int *ret) {
        static const char trigger[] = MEMORY_TRIGGER;
        _cleanup_(closep) int fd = open("/proc/pressure/memory", O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0 || write(fd, trigger, sizeof(trigger)) < 0) /* with its zero, as psi.rst does */
                return -errno;
        *ret = TAKE_FD(fd);
        return 0;
}

/* The one of an earlier start goes: systemd keeps what it was given over a restart of wardtapd. Without
 * FDPOLL=0 systemd would look at the descriptor as well, and who looks first takes the news away. */
static int store(int fd) {
        int r = sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" MEMORY_FD_NAME);
        if (r == 0)
                return -ENOTCONN;
        if (r > 0)
                r = sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDPOLL=0\nFDNAME=" MEMORY_FD_NAME, &fd, 1);
        return r < 0 ? r : sd_notify_barrier(0, BARRIER_USEC); /* systemd must know it before we have gone */
}

int main(int argc, char **argv) {
        _cleanup_(closep) int fd = -1;
        int r = argc > 1 ? -EINVAL : open_trigger(&fd);
        if (r >= 0)
                r = store(fd);
        if (r >= 0)
                return EXIT_SUCCESS;
        log_line(SD_WARNING,
                 "The kernel will not tell when memory runs short, so no parked session ends for it: %s",
                 strerror(-r));
        return EXIT_FAILURE;
}
