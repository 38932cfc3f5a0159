/* SPDX-License-Identifier: Apache-2.0 */
/* A secret is never echoed, what was typed before the question is not its answer, and however the question
 * ends, the terminal is as it was. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <termios.h>

#include "cli/terminal.h"
#include "common/socket.h"
#include "common/util.h"

/* Last: it has a fail() of its own. */
#include <cmocka.h>

#define SECOND_USEC (1000U * 1000U)

struct pair {
        int master;
        char path[64];
        struct terminal t;
        struct termios before;
};

static void pair_open(struct pair *p) {
        int slave;
        assert_int_equal(openpty(&p->master, &slave, p->path, NULL, NULL), 0);
        assert_int_equal(tcgetattr(slave, &p->before), 0);
        assert_int_equal(terminal_open(&p->t, p->path), 0);
        assert_true(p->t.tty >= 0);
        (void) close(slave);
}

static void assert_as_before(const struct pair *p) {
        struct termios now;
        assert_int_equal(tcgetattr(p->t.tty, &now), 0);
        assert_int_equal(now.c_lflag, p->before.c_lflag);
        assert_true(now.c_lflag & ECHO);
}

static void pair_close(struct pair *p) {
        terminal_close(&p->t);
        (void) close(p->master);
}

/* What came out of the terminal so far. */
static size_t output(const struct pair *p, char *buf, size_t size) {
        size_t n = 0;
        struct pollfd f = {.fd = p->master, .events = POLLIN};
        while (n + 1 < size && poll(&f, 1, 0) > 0) {
                ssize_t r = read(p->master, buf + n, size - 1 - n);
                if (r <= 0)
                        break;
                n += (size_t) r;
        }
        buf[n] = 0;
        return n;
}

/* A person who types once the question stands there. */
static pid_t typist(const struct pair *p, const char *text) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid > 0)
                return pid;
        char seen[256] = "";
        size_t n = 0;
        while (!strstr(seen, "PIN: ") && n < sizeof(seen) - 1) {
                ssize_t r = read(p->master, seen + n, sizeof(seen) - 1 - n);
                if (r <= 0)
                        _exit(1);
                n += (size_t) r;
        }
        _exit(write(p->master, text, strlen(text)) == (ssize_t) strlen(text) ? 0 : 1);
}

static int ask(struct pair *p, const char *types, int abort_fd, unsigned seconds, char *buf, size_t size) {
        int status;
        pid_t pid = types ? typist(p, types) : -1;
        int r = terminal_read_secret(&p->t, "PIN: ", abort_fd, now_monotonic_usec() + seconds * SECOND_USEC,
                                     buf, size);
        if (pid > 0) {
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(status, 0);
        }
        assert_as_before(p);
        return r;
}

static void a_secret_is_read_and_not_echoed(void **state) {
        struct pair p;
        char buf[64], seen[256];
        pair_open(&p);
        assert_int_equal(ask(&p, "2468\n", -1, 20, buf, sizeof(buf)), 0);
        assert_string_equal(buf, "2468");
        (void) output(&p, seen, sizeof(seen));
        assert_null(strstr(seen, "2468"));
        pair_close(&p);
}

static void what_was_typed_before_is_no_answer(void **state) {
        struct pair p;
        char buf[64];
        pair_open(&p);
        assert_int_equal(write(p.master, "early\n", 6), 6);
        struct pollfd arrived = {.fd = p.t.tty,
                                 .events = POLLIN}; /* the kernel brings it there in its own time */
        assert_int_equal(poll(&arrived, 1, 20000), 1);
        assert_int_equal(ask(&p, "late\n", -1, 20, buf, sizeof(buf)), 0);
        assert_string_equal(buf, "late");
        pair_close(&p);
}

static void the_interrupt_key_and_the_end_of_input_cancel(void **state) {
        struct pair p;
        char buf[64];
        pair_open(&p);
        assert_int_equal(ask(&p, "24\x04\x04", -1, 20, buf, sizeof(buf)), -ECANCELED); /* Ctrl-D */
        assert_int_equal(raise(SIGINT), 0); /* blocked: an answer, not an end */
        assert_int_equal(ask(&p, NULL, -1, 20, buf, sizeof(buf)), -ECANCELED);
        pair_close(&p);
}

static void a_stop_is_passed_over(void **state) {
        struct pair p;
        char buf[64];
        pair_open(&p);
        assert_int_equal(raise(SIGTSTP), 0);
        assert_int_equal(ask(&p, "2468\n", -1, 20, buf, sizeof(buf)), 0);
        pair_close(&p);
}

static void a_void_question_ends_at_once(void **state) {
        struct pair p;
        char buf[64];
        int device[2];
        pair_open(&p);
        assert_int_equal(pipe2(device, O_CLOEXEC), 0);
        (void) close(device[1]); /* the key is gone */
        assert_int_equal(ask(&p, NULL, device[0], 20, buf, sizeof(buf)), -ESTALE);
        (void) close(device[0]);
        pair_close(&p);
}

static void nobody_is_waited_for_longer_than_said(void **state) {
        struct pair p;
        char buf[64];
        pair_open(&p);
        assert_int_equal(ask(&p, NULL, -1, 0, buf, sizeof(buf)), -ETIMEDOUT);
        pair_close(&p);
}

static void a_line_that_is_too_long_is_not_cut_to_fit(void **state) {
        struct pair p;
        char buf[8];
        pair_open(&p);
        assert_int_equal(ask(&p, "123456789012\n", -1, 20, buf, sizeof(buf)), -EMSGSIZE);
        assert_int_equal(ask(&p, "2468\n", -1, 20, buf, sizeof(buf)), 0); /* and its rest is no answer */
        assert_string_equal(buf, "2468");
        pair_close(&p);
}

static void without_a_terminal_nothing_is_asked(void **state) {
        struct terminal t;
        char buf[64];
        sigset_t now;
        assert_int_equal(terminal_open(&t, "/nonexistent/tty"), 0);
        assert_int_equal(terminal_read_secret(&t, "PIN: ", -1, UINT64_MAX, buf, sizeof(buf)), -ENOTTY);
        terminal_show(&t, "nothing");
        terminal_close(&t);
        assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &now), 0);
        assert_int_equal(sigismember(&now, SIGINT), 0); /* and the signals are as before */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_secret_is_read_and_not_echoed),
                cmocka_unit_test(what_was_typed_before_is_no_answer),
                cmocka_unit_test(the_interrupt_key_and_the_end_of_input_cancel),
                cmocka_unit_test(a_stop_is_passed_over),
                cmocka_unit_test(a_void_question_ends_at_once),
                cmocka_unit_test(nobody_is_waited_for_longer_than_said),
                cmocka_unit_test(a_line_that_is_too_long_is_not_cut_to_fit),
                cmocka_unit_test(without_a_terminal_nothing_is_asked),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
