/* SPDX-License-Identifier: Apache-2.0 */
/* vt_watch TERMINAL: what comes to the screen, as the kernel tells it, until SIGTERM: then "seen N of M",
 * how often that terminal was there among all that came. It goes before everything else, so that nothing is
 * missed. */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* sysfs(5): poll() tells of a change by POLLPRI, and a read from the beginning takes it. */
static int read_active(int fd, char ret[static 16]) {
        ssize_t n = pread(fd, ret, 15, 0);
        if (n < 1)
                return n < 0 ? -errno : -EIO;
        ret[n - 1] = 0; /* the line's end */
        return 0;
}

static int watch(int active, int end, const char *terminal) {
        unsigned long seen = 0, looks = 0;
        char before[16] = "", now[16];
        struct pollfd p[] = {{active, POLLPRI, 0}, {end, POLLIN, 0}};
        for (;;) {
                int r = read_active(active, now);
                if (r < 0)
                        return r;
                if (strcmp(now, before) != 0) {
                        looks++;
                        seen += strcmp(now, terminal) == 0;
                        (void) printf("%s\n", now);
                        memcpy(before, now, sizeof(before));
                }
                if (p[1].revents)
                        break;
                if (poll(p, ELEMENTSOF(p), -1) < 0 && errno != EINTR)
                        return -errno;
        }
        (void) printf("seen %lu of %lu\n", seen, looks);
        return 0;
}

int main(int argc, char **argv) {
        _cleanup_(closep) int active = -1, end = -1;
        const struct sched_param first = {.sched_priority = 50};
        sigset_t signals;
        if (argc != 2)
                return 64;
        (void) setvbuf(stdout, NULL, _IOLBF, 0);
        (void) sigemptyset(&signals);
        (void) sigaddset(&signals, SIGTERM);
        (void) sigprocmask(SIG_BLOCK, &signals, NULL);
        end = signalfd(-1, &signals, SFD_CLOEXEC);
        active = open("/sys/class/tty/tty0/active", O_RDONLY | O_CLOEXEC);
        if (end < 0 || active < 0 || sched_setscheduler(0, SCHED_FIFO, &first) < 0) {
                perror("vt_watch");
                return 1;
        }
        return watch(active, end, argv[1]) < 0;
}
