/* SPDX-License-Identifier: Apache-2.0 */
/* answer-prompts [ANSWER...] -- PROGRAM [ARGUMENT...]: runs a program with a terminal of its own, which it
 * has as /dev/tty only, and types one answer after each prompt (what ends in ": "). Standard input, output
 * and error stay the caller's. Exits as the program did; 125 when it asks more often than there are answers.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

static pid_t child = -1;

/* Whoever interrupts this means the program. */
static void forward(int signal) {
        if (child > 0)
                (void) kill(child, signal);
}

static int open_terminal(char *ret_name, size_t size) {
        _cleanup_(closep) int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 || grantpt(fd) < 0 || unlockpt(fd) < 0 || ptsname_r(fd, ret_name, size) != 0)
                return -1;
        return TAKE_FD(fd);
}

static void run_program(const char *terminal, char **argv) {
        if (setsid() < 0)
                _exit(126);
        int fd = open(terminal, O_RDWR | O_CLOEXEC); /* becomes the controlling terminal */
        if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) < 0)
                _exit(126);
        (void) execvp(argv[0], argv);
        _exit(127);
}

/* Types until the program ends: then the terminal hangs up. The descriptor of the slave that is held open
 * keeps the terminal alive before the program opens it. */
static int type_answers(int terminal, int ended, char **answers, size_t n) {
        char last[2] = {0}, buf[256];
        for (;;) {
                struct pollfd p[] = {{terminal, POLLIN, 0}, {ended, POLLIN, 0}};
                if (poll(p, 2, -1) < 0 && errno != EINTR)
                        return 125;
                if (p[0].revents & POLLIN) {
                        ssize_t got = read(terminal, buf, sizeof(buf));
                        for (ssize_t i = 0; i < got; i++) {
                                last[0] = last[1];
                                last[1] = buf[i];
                                if (last[0] != ':' || last[1] != ' ')
                                        continue;
                                if (n == 0)
                                        return 125;
                                (void) dprintf(terminal, "%s\n", *answers++);
                                n--;
                        }
                } else if (p[1].revents)
                        return 0;
        }
}

int main(int argc, char **argv) {
        char name[64];
        int first = 1, status, ended[2];
        while (first < argc && strcmp(argv[first], "--") != 0)
                first++;
        int terminal = open_terminal(name, sizeof(name));
        int slave = terminal >= 0 ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
        if (first + 1 >= argc || slave < 0 || pipe(ended) < 0 || fcntl(ended[0], F_SETFD, FD_CLOEXEC) < 0)
                return 125;
        (void) signal(SIGINT, forward);
        (void) signal(SIGTERM, forward);
        child = fork();
        if (child < 0)
                return 125;
        if (child == 0)
                run_program(name, argv + first + 1);
        (void) close(ended[1]); /* the program has the other copy: its end is the pipe's */
        int r = type_answers(terminal, ended[0], argv + 1, (size_t) first - 1);
        if (r != 0)
                (void) kill(child, SIGKILL);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
                ;
        if (r != 0)
                return r;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
