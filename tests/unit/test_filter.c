/* SPDX-License-Identifier: Apache-2.0 */
/* A filter made once is put on by each child, and what is no filter is never taken for one. */
#include "common/filter.h"
#include "common/util.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <cmocka.h>

/* getpgid() fails, the rest goes on. */
static const struct sock_filter no_getpgid[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static int file_of(const void *p, size_t n) {
        int fd = memfd_create("test", MFD_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, p, n), n);
        return fd;
}

static void each_child_puts_on_what_was_read_once(void **state) {
        struct sock_fprog f = {0};
        _cleanup_(closep) int fd = file_of(no_getpgid, sizeof(no_getpgid));
        assert_int_equal(filter_read(fd, &f), 0);
        assert_int_equal(f.len, ELEMENTSOF(no_getpgid));
        for (int i = 0; i < 2; i++) {
                int status;
                pid_t pid = fork();
                if (pid == 0)
                        _exit(getpgid(0) < 0 || filter_enter(&f) < 0 || getpgid(0) >= 0 || errno != EPERM ||
                              prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1);
                assert_true(pid > 0);
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(status, 0);
        }
        assert_true(getpgid(0) >= 0);
        free(f.filter);
}

static void what_is_no_filter_is_refused(void **state) {
        static const uint8_t zeros[(BPF_MAXINSNS + 1) * sizeof(struct sock_filter)];
        static const size_t sizes[] = {0, 1, sizeof(struct sock_filter) + 1, sizeof(zeros)};
        struct sock_fprog f = {0};
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                _cleanup_(closep) int fd = file_of(zeros, sizes[i]);
                assert_int_equal(filter_read(fd, &f), -EBADMSG);
        }
        assert_int_equal(filter_read(-1, &f), -EBADF);
        assert_null(f.filter);
        assert_int_equal(filter_enter(&f), -EINVAL);
        assert_int_equal(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_child_puts_on_what_was_read_once),
                cmocka_unit_test(what_is_no_filter_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
