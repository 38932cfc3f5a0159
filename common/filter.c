/* SPDX-License-Identifier: Apache-2.0 */
/* Seccomp filters as the kernel takes them. */
#include "common/filter.h"

#include "common/util.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

int filter_read(int fd, struct sock_fprog *ret) {
        off_t size = lseek(fd, 0, SEEK_END);
        if (size < 0)
                return -errno;
        size_t n = (size_t) size / sizeof(struct sock_filter);
        if (n == 0 || n > BPF_MAXINSNS || (size_t) size % sizeof(struct sock_filter) != 0)
                return -EBADMSG;
        _cleanup_(freep) struct sock_filter *code = malloc((size_t) size);
        if (!code)
                return -ENOMEM;
        ssize_t got = pread(fd, code, (size_t) size, 0);
        if (got != size)
                return got < 0 ? -errno : -EBADMSG;
        *ret = (struct sock_fprog){.len = (unsigned short) n, .filter = TAKE_PTR(code)};
        return 0;
}

int filter_enter(const struct sock_fprog *f) {
        if (f->len == 0)
                return -EINVAL;
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, f) < 0)
                return -errno;
        return 0;
}
