/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a command on a terminal of its own and answers its prompts, as a person at the keyboard would.
 *
 *   pty_say [--timeout SECONDS] RULE... -- COMMAND [ARGUMENT...]
 *
 * Rules are used up in their order; each waits for its text in what the command prints after the rule before
 * it matched:
 *   TEXT=ANSWER   types ANSWER and Enter (the answer ^C is the interrupt key, ^D the end of input, alone)
 *   TEXT!COMMAND  runs `sh -c COMMAND` beside it (hold a badge to the reader, pull a key) and does not wait
 * The whole transcript goes to stdout. Exit status: the command's (128 + N when signal N ended it), 124 when
 * it took longer than the timeout (default 60), 125 for a mistake in the arguments. A rule whose text never
 * came is named on stderr. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>

#include "common/bytes.h"
#include "common/socket.h"
#include "common/util.h"

#define SEEN_MAX 65536U

struct talk {
        char **rules;
        int n_rules, next;
        int master;
        char seen[SEEN_MAX]; /* printed since the last match */
        size_t n_seen;
};

static int usage(void) {
        (void) fprintf(stderr, "usage: pty_say [--timeout SECONDS] 'TEXT=ANSWER'|'TEXT!COMMAND'... -- "
                               "COMMAND [ARGUMENT...]\n");
        return 125;
}

static void write_all(int fd, const char *p, size_t n) {
        while (n > 0) {
                ssize_t w = write(fd, p, n);
                if (w < 0 && errno != EINTR && errno != EAGAIN)
                        return;
                if (w > 0) {
                        p += w;
                        n -= (size_t) w;
                }
        }
}

static void run_beside(const char *command) {
        pid_t pid = fork();
        if (pid != 0)
                return;
        (void) setsid();
        (void) signal(SIGPIPE, SIG_DFL);
        (void) dup2(STDERR_FILENO, STDOUT_FILENO);
        (void) execl("/bin/sh", "sh", "-c", command, (char *) NULL);
        _exit(127);
}

static void act(struct talk *t, const char *rest) {
        if (rest[0] == '!') {
                run_beside(rest + 1);
        } else if (strcmp(rest, "=^C") == 0) {
                write_all(t->master, "\x03", 1);
        } else if (strcmp(rest, "=^D") == 0) {
                write_all(t->master, "\x04", 1);
        } else {
                write_all(t->master, rest + 1, strlen(rest + 1));
                write_all(t->master, "\n", 1);
        }
}

static void match(struct talk *t) {
        while (t->next < t->n_rules) {
                const char *rule = t->rules[t->next];
                size_t n = strcspn(rule, "=!");
                char *at = memmem(t->seen, t->n_seen, rule, n);
                if (!at)
                        return;
                size_t used = (size_t) (at - t->seen) + n;
                memmove(t->seen, t->seen + used, t->n_seen - used);
                t->n_seen -= used;
                t->next++;
                act(t, rule + n);
        }
}

/* False at the end of the terminal. */
static bool take_output(struct talk *t) {
        if (t->n_seen == sizeof(t->seen)) { /* nobody waits for text so far back */
                t->n_seen /= 2;
                memmove(t->seen, t->seen + t->n_seen, t->n_seen);
        }
        ssize_t n = read(t->master, t->seen + t->n_seen, sizeof(t->seen) - t->n_seen);
        if (n < 0)
                return errno == EINTR; /* EAGAIN: drained; EIO: the command closed its terminal */
        if (n == 0)
                return false;
        write_all(STDOUT_FILENO, t->seen + t->n_seen, (size_t) n);
        t->n_seen += (size_t) n;
        match(t);
        return true;
}

static int exit_status(pid_t pid) {
        int status;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return 125;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int converse(struct talk *t, pid_t pid, uint64_t deadline) {
        _cleanup_(closep) int pidfd = pidfd_open(pid, 0);
        struct pollfd p[] = {{.fd = t->master, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
        for (;;) {
                uint64_t now = now_monotonic_usec();
                if (now >= deadline) {
                        (void) kill(pid, SIGKILL);
                        (void) exit_status(pid);
                        (void) fprintf(stderr, "pty_say: the command did not end in time\n");
                        return 124;
                }
                if (poll(p, 2, (int) ((deadline - now) / 1000U) + 1) < 0 && errno != EINTR)
                        return 125;
                if (p[0].revents && !take_output(t))
                        p[0].fd = -1; /* the end is the process's */
                if (p[1].revents) {
                        while (take_output(t))
                                ;
                        return exit_status(pid);
                }
        }
}

static int parse(int argc, char **argv, struct talk *t, uint64_t *ret_timeout, int *ret_command) {
        int i = 1;
        *ret_timeout = 60;
        if (i + 1 < argc && strcmp(argv[i], "--timeout") == 0) {
                if (parse_u64(argv[i + 1], 3600, ret_timeout) < 0)
                        return -EINVAL;
                i += 2;
        }
        t->rules = argv + i;
        for (; i < argc && strcmp(argv[i], "--") != 0; i++, t->n_rules++)
                if (argv[i][strcspn(argv[i], "=!")] == 0 || strcspn(argv[i], "=!") == 0)
                        return -EINVAL;
        if (i + 1 >= argc)
                return -EINVAL;
        *ret_command = i + 1;
        return 0;
}

int main(int argc, char **argv) {
        static struct talk t;
        uint64_t timeout;
        int command;
        if (parse(argc, argv, &t, &timeout, &command) < 0)
                return usage();

        struct winsize size = {.ws_row = 50, .ws_col = 200};
        pid_t pid = forkpty(&t.master, NULL, NULL, &size);
        if (pid < 0) {
                perror("pty_say: forkpty");
                return 125;
        }
        if (pid == 0) {
                (void) execvp(argv[command], argv + command);
                perror(argv[command]);
                _exit(127);
        }
        (void) fcntl(t.master, F_SETFD, FD_CLOEXEC);
        (void) fcntl(t.master, F_SETFL, O_NONBLOCK);
        int r = converse(&t, pid, now_monotonic_usec() + timeout * 1000000U);
        for (; t.next < t.n_rules; t.next++)
                (void) fprintf(stderr, "pty_say: never saw '%.*s'\n", (int) strcspn(t.rules[t.next], "=!"),
                               t.rules[t.next]);
        return r;
}
