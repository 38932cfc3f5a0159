/* SPDX-License-Identifier: Apache-2.0 */
/* Prompts on the controlling terminal; signals arrive as messages, so that no handler runs and the
 * terminal's state is always put back by the code that changed it. */
#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <termios.h>

#include "cli/output.h"
#include "common/socket.h"
#include "common/util.h"

int terminal_open(struct terminal *t, const char *path) {
        sigset_t set, before;
        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGINT);
        (void) sigaddset(&set, SIGTERM);
        (void) sigaddset(&set, SIGHUP);
        (void) sigaddset(&set, SIGQUIT);
        (void) sigaddset(&set, SIGTSTP); /* a stop while a PIN is typed would leave the shell without echo */
        if (sigprocmask(SIG_BLOCK, &set, &before) < 0)
                return -errno;
        int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (signals < 0) {
                int r = -errno;
                (void) sigprocmask(SIG_SETMASK, &before, NULL);
                return r;
        }
        *t = (struct terminal){.tty = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK),
                               .signals = signals,
                               .before = before};
        return 0;
}

void terminal_close(struct terminal *t) {
        if (t->signals < 0)
                return;
        struct signalfd_siginfo info; /* answered already, or too late: not to be delivered afterwards */
        while (read(t->signals, &info, sizeof(info)) > 0)
                ;
        closep(&t->tty);
        closep(&t->signals);
        (void) sigprocmask(SIG_SETMASK, &t->before, NULL);
}

/* -ECANCELED when one of the signals that came says to end. */
static int take_signals(const struct terminal *t) {
        struct signalfd_siginfo info;
        while (read(t->signals, &info, sizeof(info)) == (ssize_t) sizeof(info))
                if (info.ssi_signo != SIGTSTP)
                        return -ECANCELED;
        return 0;
}

/* Waits for any of a and b (each -1 for none): 1 for a, 2 for b (which goes first), or as terminal_wait().
 */
static int wait_either(const struct terminal *t, int a, int b, uint64_t deadline_usec) {
        struct pollfd p[] = {{.fd = t->signals, .events = POLLIN},
                             {.fd = a, .events = POLLIN | POLLRDHUP},
                             {.fd = b, .events = POLLIN | POLLRDHUP}};
        for (;;) {
                uint64_t now = now_monotonic_usec();
                if (now >= deadline_usec)
                        return -ETIMEDOUT;
                uint64_t left_ms = (deadline_usec - now) / 1000U + 1;
                int r = poll(p, ELEMENTSOF(p), left_ms > 60000 ? 60000 : (int) left_ms);
                if (r < 0 && errno != EINTR)
                        return -errno;
                if (r <= 0)
                        continue;
                if (p[0].revents && (r = take_signals(t)) < 0)
                        return r;
                if (p[2].revents)
                        return 2;
                if (p[1].revents)
                        return 1;
        }
}

int terminal_wait(const struct terminal *t, int fd, uint64_t deadline_usec) {
        int r = wait_either(t, fd, -1, deadline_usec);
        return r < 0 ? r : 0;
}

void terminal_say(const char *format, ...) {
        char text[1024];
        va_list ap;
        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        (void) fflush(stdout);
        print_clean(stderr, text);
        (void) fputc('\n', stderr);
}

static void write_tty(const struct terminal *t, const char *text) {
        size_t n = strlen(text);
        while (n > 0) {
                ssize_t w = write(t->tty, text, n);
                struct pollfd p = {.fd = t->tty, .events = POLLOUT};
                if (w < 0 && (errno != EAGAIN || poll(&p, 1, 1000) <= 0))
                        return;
                if (w > 0) {
                        text += w;
                        n -= (size_t) w;
                }
        }
}

void terminal_show(const struct terminal *t, const char *format, ...) {
        char text[256];
        va_list ap;
        if (t->tty < 0)
                return;
        (void) fflush(stderr);
        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        write_tty(t, text);
        write_tty(t, "\n");
        explicit_bzero(text, sizeof(text));
}

/* One line without its newline. The kernel hands out whole lines. */
static int read_line(const struct terminal *t, int abort_fd, uint64_t deadline_usec, char *buf,
                     size_t size) {
        int r = wait_either(t, t->tty, abort_fd, deadline_usec);
        if (r < 0)
                return r;
        if (r == 2)
                return -ESTALE;
        ssize_t n = read(t->tty, buf, size);
        if (n < 0)
                return errno == EAGAIN ? -ECANCELED : -errno;
        if (n == 0)
                return -ECANCELED;
        if (buf[n - 1] != '\n')
                return (size_t) n == size ? -EMSGSIZE : -ECANCELED;
        buf[n - 1] = 0;
        return strlen(buf) == (size_t) n - 1 ? 0 : -EINVAL;
}

int terminal_read_secret(const struct terminal *t, const char *prompt, int abort_fd, uint64_t deadline_usec,
                         char *buf, size_t size) {
        struct termios before, quiet;
        if (t->tty < 0 || tcgetattr(t->tty, &before) < 0)
                return -ENOTTY;
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t) (ECHO | ECHOE | ECHOK | ECHONL);
        quiet.c_lflag |= ICANON | ISIG;
        /* What was typed before the question is not its answer. */
        if (tcsetattr(t->tty, TCSAFLUSH, &quiet) < 0)
                return -errno;
        (void) fflush(stderr);
        write_tty(t, prompt);
        int r = read_line(t, abort_fd, deadline_usec, buf, size);
        (void) tcsetattr(t->tty, TCSAFLUSH, &before); /* also drops the rest of a line that was too long */
        write_tty(t, "\n");
        return r;
}
