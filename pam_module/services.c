/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the list of services the rules name, if it is root's. */
#include "pam_module/services.h"

#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

/* O_NONBLOCK: a FIFO that lies there must not hold up every sign-in. */
static int open_trusted(const char *path, size_t *ret_size, int *ret_fd) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return errno == ELOOP || errno == ENXIO ? -EPERM : -errno;
        struct stat st;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
                return -EPERM;
        if (st.st_size < 0 || st.st_size > (off_t) SERVICES_FILE_MAX)
                return -EFBIG;
        *ret_size = (size_t) st.st_size;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* Reads at most size bytes; fewer when the file ended sooner. */
static int read_all(int fd, char *buf, size_t size, size_t *ret_n) {
        size_t n = 0;
        while (n < size) {
                ssize_t got = read(fd, buf + n, size - n);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return -errno;
                if (got == 0)
                        break;
                n += (size_t) got;
        }
        *ret_n = n;
        return 0;
}

/* True when the line of n bytes has the service as its first word. */
static bool line_names(const char *line, size_t n, const char *service) {
        size_t len = strlen(service);
        return len > 0 && line[0] != '#' && n >= len && memcmp(line, service, len) == 0 &&
               (n == len || line[len] == ' ' || line[len] == '\t');
}

int services_name(const char *path, const char *service) {
        _cleanup_(closep) int fd = -1;
        size_t size = 0, n = 0;
        int r = open_trusted(path, &size, &fd);
        if (r < 0)
                return r;
        _cleanup_(freep) char *buf = malloc(size + 1);
        if (!buf)
                return -ENOMEM;
        r = read_all(fd, buf, size, &n);
        if (r < 0)
                return r;
        for (size_t at = 0; at < n;) {
                const char *line = buf + at, *end = memchr(line, '\n', n - at);
                size_t len = end ? (size_t) (end - line) : n - at;
                if (len > 0 && line_names(line, len, service))
                        return 1;
                at += len + 1;
        }
        return 0;
}
