/* SPDX-License-Identifier: Apache-2.0 */
/* What a process of wardtap-authd has left to do once it listens to somebody. */
#include "pam_module/auth/sandbox.h"

#include "common/socket.h"
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <cmocka.h>

/* How a process ends that does this inside: its exit status, or minus the signal. */
static int inside(int (*f)(void)) {
        int status;
        pid_t pid = fork();
        if (pid == 0) {
                if (sandbox_harden() < 0 || sandbox_enter() < 0)
                        _exit(99);
                _exit(f());
        }
        assert_true(pid > 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int make_filter(void **state) {
        return sandbox_prepare();
}

static void without_its_filter_nobody_goes_in(void **state) {
        int status;
        pid_t pid = fork();
        if (pid == 0)
                _exit(sandbox_harden() < 0 || sandbox_enter() != -EINVAL);
        assert_true(pid > 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static int do_fork(void) {
        return fork() >= 0 ? 0 : 1;
}
static int do_exec(void) {
        return execl("/bin/true", "true", NULL);
}
static int do_internet(void) {
        return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : 1;
}
static int do_netlink(void) {
        return socket(AF_NETLINK, SOCK_RAW, 0) >= 0 ? 0 : 1;
}
static int do_run_memory(void) {
        return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ? 0
                                                                                                         : 1;
}
static int do_kill(void) {
        return kill(1, 0) == 0 ? 0 : 1;
}
static int do_set_clock(void) {
        return settimeofday(&(struct timeval){0}, NULL) == 0 ? 0 : 1;
}
static int do_dumpable(void) {
        return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0 ? 0 : 1;
}

static void what_an_attempt_never_does_ends_it(void **state) {
        static int (*const acts[])(void) = {do_fork,       do_exec, do_internet,  do_netlink,
                                            do_run_memory, do_kill, do_set_clock, do_dumpable};
        for (size_t i = 0; i < ELEMENTSOF(acts); i++)
                assert_int_equal(inside(acts[i]), -SIGSYS);
}

static int do_sockets(void) {
        int fd = -1;
        uint8_t buf[64];
        size_t n;
        if (socket_connect("/nonexistent/socket", 0, &fd) != -ENOENT)
                return 1;
        if (socket_receive(0, buf, sizeof(buf), &n) >= 0)
                return 2;
        return now_realtime_usec() > 0 && now_boottime_usec() > 0 ? 0 : 3;
}

/* As rules_load() does, when rules that give the station no name replace those in force. */
static int do_host_name(void) {
        char host[65];
        return gethostname(host, sizeof(host)) == 0 ? 0 : 1;
}

static void what_it_does_is_allowed(void **state) {
        assert_int_equal(inside(do_sockets), 0);
        assert_int_equal(inside(do_host_name), 0);
}

#if !SANITIZED
static int do_open_shadow(void) {
        int fd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
        return fd < 0 && errno == EACCES ? 0 : 1;
}
#endif
static int do_write(void) {
        int fd = open("/var/lib/wardtap-test", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        return fd < 0 && errno == EACCES ? 0 : 1;
}

static void files_outside_the_store_are_out_of_reach(void **state) {
        assert_int_equal(inside(do_write), 0);
#if !SANITIZED
        assert_int_equal(inside(do_open_shadow), 0);
#endif
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_an_attempt_never_does_ends_it),
                cmocka_unit_test(what_it_does_is_allowed),
                cmocka_unit_test(files_outside_the_store_are_out_of_reach),
        };
        const struct CMUnitTest before[] = {cmocka_unit_test(without_its_filter_nobody_goes_in)};
        int failed = cmocka_run_group_tests(before, NULL, NULL);
        return failed + cmocka_run_group_tests(tests, make_filter, NULL);
}
