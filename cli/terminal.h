/* SPDX-License-Identifier: Apache-2.0 */
/* The person at the keyboard during an enrolment: what is said, what is asked, and the way out (Ctrl-C),
 * which is an answer like any other: nothing is ever interrupted half-way. */
#pragma once

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

struct terminal {
        int tty;     /* -1: there is none; then nothing secret is shown or asked */
        int signals; /* signalfd: SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP */
        sigset_t before;
};

/* Opens the terminal at path (PATH_TTY) where there is one, and from here on takes those signals as answers.
 * A negative errno only when signals cannot be taken. */
#define PATH_TTY "/dev/tty"
int terminal_open(struct terminal *t, const char *path);
/* For _cleanup_(terminal_close). */
void terminal_close(struct terminal *t);

/* Waits until fd can be read or has hung up: 0, -ETIMEDOUT at deadline_usec (CLOCK_MONOTONIC), or -ECANCELED
 * when a signal said to end. */
int terminal_wait(const struct terminal *t, int fd, uint64_t deadline_usec);

/* One line of guidance on stderr. */
void terminal_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* One line on the terminal itself and nowhere else: what must not end up in a file. Nothing without one. */
void terminal_show(const struct terminal *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Asks for a line that is not echoed, and leaves the terminal as it was, whatever happens. Ends early with
 * -ESTALE when abort_fd (-1: none) can be read: the question is void. -ENOTTY without a terminal, -ECANCELED
 * for a signal or the end of input, -ETIMEDOUT, -EMSGSIZE for a line longer than size - 1 bytes. The caller
 * wipes buf. */
int terminal_read_secret(const struct terminal *t, const char *prompt, int abort_fd, uint64_t deadline_usec,
                         char *buf, size_t size);
