/* SPDX-License-Identifier: Apache-2.0 */
/* What a card that took over its process may do to the others of wardtap-device: nothing. */
#include "devices/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Each is tried in a process that has shut itself in; 0 when it is refused. */
static int kill_parent(pid_t parent) {
        return kill(parent, 0) < 0 && errno == EPERM ? 0 : 1;
}

static int kill_thread_of_parent(pid_t parent) {
        return syscall(SYS_tgkill, parent, parent, 0) < 0 && errno == EPERM ? 0 : 1;
}

static int queue_to_parent(pid_t parent) {
        siginfo_t info = {.si_signo = SIGURG, .si_code = SI_QUEUE};
        return syscall(SYS_rt_tgsigqueueinfo, parent, parent, SIGURG, &info) < 0 && errno == EPERM ? 0 : 1;
}

static int limit_parent(pid_t parent) {
        const struct rlimit none = {1, 1};
        return prlimit(parent, RLIMIT_NOFILE, &none, NULL) < 0 && errno == EPERM ? 0 : 1;
}

static int signal_by_descriptor(pid_t parent) {
        return fcntl(3, F_SETOWN, parent) < 0 && errno == EPERM ? 0 : 1;
}

static int read_parent(pid_t parent) {
        return syscall(SYS_pidfd_open, parent, 0) < 0 && errno == EPERM ? 0 : 1;
}

static int start_a_process(pid_t parent) {
        return fork() < 0 && errno == EPERM ? 0 : 1;
}

static int reach_the_network(pid_t parent) {
        return socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM ? 0 : 1;
}

static int still_abort_itself(pid_t parent) {
        return syscall(SYS_tgkill, getpid(), getpid(), 0) == 0 ? 0 : 1;
}

static int make_filter(void **state) {
        return sandbox_prepare();
}

static void without_its_filter_nobody_goes_in(void **state) {
        int fd = -1, status;
        pid_t parent = getpid(), pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                fd = dup(0);
                _exit(sandbox_enter(parent, &fd) == -EINVAL ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static void a_taken_over_process_is_alone(void **state) {
        static int (*const tries[])(pid_t) = {kill_parent,     kill_thread_of_parent, queue_to_parent,
                                              limit_parent,    signal_by_descriptor,  read_parent,
                                              start_a_process, reach_the_network,     still_abort_itself};
        for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
                int pair[2], status;
                pid_t parent = getpid(), pid;
                assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
                assert_true((pid = fork()) >= 0);
                if (pid == 0)
                        _exit(sandbox_enter(parent, &pair[1]) < 0 ? 9 : tries[i](parent));
                assert_int_equal(waitpid(pid, &status, 0), pid);
                (void) close(pair[0]);
                (void) close(pair[1]);
                if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                        fail_msg("try %zu: status %x", i, (unsigned) status);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_taken_over_process_is_alone),
        };
        const struct CMUnitTest before[] = {cmocka_unit_test(without_its_filter_nobody_goes_in)};
        int failed = cmocka_run_group_tests(before, NULL, NULL);
        return failed + cmocka_run_group_tests(tests, make_filter, NULL);
}
