/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and replacing a small file. */
#include "helper/small_file.h"

#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static int write_all(int fd, const uint8_t *p, size_t n) {
        while (n > 0) {
                ssize_t k = write(fd, p, n);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k <= 0)
                        return k < 0 ? -errno : -EIO;
                p += k;
                n -= (size_t) k;
        }
        return 0;
}

int small_file_write(const char *path, const uint8_t *p, size_t n) {
        _cleanup_(closep) int fd = -1;
        char new[256];
        if (snprintf(new, sizeof(new), "%s.new", path) >= (int) sizeof(new))
                return -ENAMETOOLONG;
        fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        int r = write_all(fd, p, n);
        if (r >= 0 && rename(new, path) < 0)
                r = -errno;
        return r;
}

int small_file_read(const char *path, uint8_t **ret, size_t *ret_n) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
                return -EPERM;
        if (st.st_size > SMALL_FILE_MAX)
                return -EFBIG;
        _cleanup_(freep) uint8_t *p = malloc((size_t) st.st_size + 1);
        if (!p)
                return -ENOMEM;
        ssize_t n = read(fd, p, (size_t) st.st_size + 1);
        if (n < 0)
                return -errno;
        if (n == 0 || n != st.st_size)
                return -EBADMSG;
        *ret = TAKE_PTR(p);
        *ret_n = (size_t) n;
        return 0;
}
