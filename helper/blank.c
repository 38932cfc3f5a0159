/* SPDX-License-Identifier: Apache-2.0 */
/* wardtap-blank: takes the keyboard of the empty terminal away from the kernel, whose own Alt+Fn and Alt
 * with an arrow lead from there to the X server of a parked session. On the terminals of X servers the X
 * server has done the same. Runs as root before wardtapd starts (ExecStartPre=+), which has no capability
 * and sees no terminals. The mode belongs to the terminal, not to who set it: it stays until the next boot,
 * and goes only by hand or with the secure attention key (Alt+SysRq+K, which station/sysctl.conf leaves
 * out). */
#include "helper/desk.h"
#include "helper/log.h"

#include <fcntl.h>
#include <linux/kd.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <systemd/sd-daemon.h>

/* Consoles are reached by exactly those keys: where there is nothing else, they must not go. */
#define DISPLAY_MANAGER "/etc/systemd/system/display-manager.service"

/* 1 when keys do nothing there from now on, 0 when there is no such terminal (a container). */
static int silence(unsigned terminal) {
        char path[sizeof("/dev/tty") + 10];
        (void) snprintf(path, sizeof(path), "/dev/tty%u", terminal);
        _cleanup_(closep) int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT || errno == ENXIO || errno == ENODEV ? 0 : -errno;
        return ioctl(fd, KDSKBMODE, K_OFF) < 0 ? -errno : 1;
}

int main(int argc, char **argv) {
        if (argc == 1 && access(DISPLAY_MANAGER, F_OK) < 0)
                return EXIT_SUCCESS;
        int r = argc > 1 ? -EINVAL : silence(DESK_EMPTY_TERMINAL);
        if (r >= 0)
                return EXIT_SUCCESS;
        log_line(
                SD_WARNING,
                "Alt with an F key can lead from terminal %u to a parked session, as its keyboard cannot be "
                "turned off: %s",
                DESK_EMPTY_TERMINAL, strerror(-r));
        return EXIT_FAILURE;
}
