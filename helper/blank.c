/* SPDX-License-Identifier: Apache-2.0 */
/* wardtap-blank: takes the kernel's own ways from terminal to terminal away from the keyboard, where a
 * display manager is. Alt+Fn and Alt with an arrow lead from a terminal without an X server to that of a
 * parked session: from the empty one, and from one on which an X server is only just beginning. Where
 * "wardtap enable" has taken Ctrl+Alt+Fn from X servers, the kernel's keymap loses its keys for that; the
 * empty terminal's keyboard is off in any case. Runs as root before wardtapd starts (ExecStartPre=+), which
 * has no capability and sees no terminals. Both last until the next boot, whoever set them, and the keyboard
 * goes on by hand or with the secure attention key alone (Alt+SysRq+K, which station/sysctl.conf leaves
 * out). */
#include "helper/desk.h"
#include "helper/log.h"

#include <fcntl.h>
#include <linux/kd.h>
#include <linux/keyboard.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <systemd/sd-daemon.h>

/* Consoles are reached by exactly those keys: where there is nothing else, they must not go. */
#define DISPLAY_MANAGER "/etc/systemd/system/display-manager.service"
/* What "wardtap enable" links, so that Ctrl+Alt+Fn does nothing. */
#define NO_SWITCHING "/etc/X11/xorg.conf.d/zz-wardtap.conf"

/* 0 when there is no such terminal (a container). */
static int open_terminal(unsigned terminal) {
        char path[sizeof("/dev/tty") + 10];
        (void) snprintf(path, sizeof(path), "/dev/tty%u", terminal);
        int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT || errno == ENXIO || errno == ENODEV ? 0 : -errno;
        return fd;
}

/* keymaps(5): Console_n, Last_Console, Incr_Console, Decr_Console. */
static bool is_switch(unsigned short value) {
        return KTYP(value) == KT_CONS || value == K_CONS || value == K_INCRCONSOLE || value == K_DECRCONSOLE;
}

/* 1 for an entry that was one, 0 for another. */
static int unbind(int fd, unsigned table, unsigned index) {
        struct kbentry e = {.kb_table = (unsigned char) table, .kb_index = (unsigned char) index};
        if (ioctl(fd, KDGKBENT, &e) < 0)
                return -errno;
        if (!is_switch(e.kb_value))
                return 0;
        e.kb_value = K_HOLE;
        return ioctl(fd, KDSKBENT, &e) < 0 ? -errno : 1;
}

static bool has_table(int fd, unsigned table) {
        struct kbentry e = {.kb_table = (unsigned char) table};
        return ioctl(fd, KDGKBENT, &e) == 0 && e.kb_value != K_NOSUCHMAP;
}

/* The keymap is one for all terminals. */
static int unbind_all(int fd) {
        for (unsigned table = 0; table < MAX_NR_KEYMAPS; table++) {
                if (!has_table(fd, table))
                        continue;
                for (unsigned index = 1; index < NR_KEYS; index++) {
                        int r = unbind(fd, table, index);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static int blank(void) {
        _cleanup_(closep) int fd = open_terminal(DESK_EMPTY_TERMINAL);
        if (fd <= 0) {
                int r = fd;
                fd = -1;
                return r;
        }
        if (ioctl(fd, KDSKBMODE, K_OFF) < 0)
                return -errno;
        return access(NO_SWITCHING, F_OK) == 0 ? unbind_all(fd) : 0;
}

int main(int argc, char **argv) {
        if (argc == 1 && access(DISPLAY_MANAGER, F_OK) < 0)
                return EXIT_SUCCESS;
        int r = argc > 1 ? -EINVAL : blank();
        if (r >= 0)
                return EXIT_SUCCESS;
        log_line(SD_WARNING,
                 "Alt with an F key can lead to a parked session, as the keyboard of terminal %u and the "
                 "kernel's "
                 "keys for switching terminals cannot be turned off: %s",
                 DESK_EMPTY_TERMINAL, strerror(-r));
        return EXIT_FAILURE;
}
