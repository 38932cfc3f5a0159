/* SPDX-License-Identifier: Apache-2.0 */
/* What both dresses of the key do alike: clock, signals, and the lines on standard output. */
#include "tests/virtual/key_dress.h"

#include "common/socket.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

uint64_t dress_now_ms(void) {
        return now_monotonic_usec() / 1000;
}

int dress_timeout(uint64_t deadline_ms) {
        uint64_t now = dress_now_ms();
        if (deadline_ms == UINT64_MAX)
                return -1;
        if (deadline_ms <= now)
                return 0;
        return deadline_ms - now > 60000 ? 60000 : (int) (deadline_ms - now);
}

void dress_say(const char *line) {
        (void) puts(line);
        (void) fflush(stdout);
}

void dress_touch_wanted(void *userdata) {
        dress_say("touch-wanted");
}

int dress_signals(int *ret) {
        sigset_t set;
        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGTERM);
        (void) sigaddset(&set, SIGINT);
        (void) sigaddset(&set, SIGUSR1);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (fd < 0)
                return -errno;
        *ret = fd;
        return 0;
}

bool dress_signalled(int signals, struct key *k) {
        struct signalfd_siginfo si;
        if (read(signals, &si, sizeof(si)) != (ssize_t) sizeof(si))
                return true;
        if (si.ssi_signo != SIGUSR1)
                return false;
        key_touch(k, dress_now_ms());
        return true;
}
