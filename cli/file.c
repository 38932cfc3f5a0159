/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and replacing small files. */
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#include "common/util.h"

static int read_whole(int fd, char *p, size_t size, size_t *ret_n) {
        size_t n = 0;
        while (n < size) {
                ssize_t k = read(fd, p + n, size - n);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                if (k == 0)
                        break;
                n += (size_t) k;
        }
        *ret_n = n;
        return 0;
}

int file_read(const char *path, char **ret, size_t *ret_n, struct stat *ret_stat) {
        _cleanup_(freep) char *text = NULL;
        struct stat st;
        size_t n = 0;
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if (!(text = malloc(FILE_SMALL_MAX + 1)))
                return -ENOMEM;
        int r = read_whole(fd, text, FILE_SMALL_MAX + 1, &n);
        if (r < 0)
                return r;
        if (n > FILE_SMALL_MAX)
                return -EFBIG;
        if (memchr(text, 0, n))
                return -EINVAL;
        text[n] = 0;
        *ret = TAKE_PTR(text);
        if (ret_n)
                *ret_n = n;
        if (ret_stat)
                *ret_stat = st;
        return 0;
}

static int write_whole(int fd, const char *p, size_t n) {
        while (n > 0) {
                ssize_t k = write(fd, p, n);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                p += k;
                n -= (size_t) k;
        }
        return 0;
}

/* The new file, complete and on the disk under a name that nobody reads. */
static int prepare(const char *path, const char *text, size_t n, const struct stat *like) {
        (void) unlink(path); /* left by a program that was killed */
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        int r = write_whole(fd, text, n);
        if (r < 0)
                return r;
        if (fchown(fd, like->st_uid, like->st_gid) < 0 || fchmod(fd, like->st_mode & 07777) < 0 ||
            fsync(fd) < 0)
                return -errno;
        return 0;
}

int file_replace(const char *path, const char *text, size_t n, const struct stat *like) {
        char folder[PATH_MAX], beside[PATH_MAX];
        const char *name = strrchr(path, '/');
        if (!name || name - path >= PATH_MAX - 32 || strlen(name) > 128)
                return -ENAMETOOLONG;
        (void) snprintf(folder, sizeof(folder), "%.*s", name == path ? 1 : (int) (name - path), path);
        (void) snprintf(beside, sizeof(beside), "%.*s/.%s.wardtap", (int) (name - path), path, name + 1);
        int r = prepare(beside, text, n, like);
        if (r >= 0 && rename(beside, path) < 0)
                r = -errno;
        if (r < 0) {
                (void) unlink(beside);
                return r;
        }
        _cleanup_(closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}
