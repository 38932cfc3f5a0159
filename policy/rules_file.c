/* SPDX-License-Identifier: Apache-2.0 */
/* The rules' sources on disk: only what root alone can have written is read. */
#include "policy/rules_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/bytes.h"

#define FILES_MAX 100U

static bool is_roots_alone(const struct stat *st) {
        return st->st_uid == 0 && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* Reads to the end, which should come after n bytes. */
static int read_all(int fd, size_t n, char **ret) {
        _cleanup_(freep) char *p = malloc(n + 1);
        size_t at = 0;
        if (!p)
                return -ENOMEM;
        for (;;) {
                ssize_t got = read(fd, p + at, n + 1 - at);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return -errno;
                if (got == 0)
                        break;
                at += (size_t) got;
                if (at > n)
                        return -EBUSY;
        }
        if (at < n)
                return -EBUSY;
        p[n] = 0;
        *ret = TAKE_PTR(p);
        return 0;
}

int file_read_trusted(int dir_fd, const char *path, size_t max, char **ret, size_t *ret_n) {
        _cleanup_(closep) int fd =
                openat(dir_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if (!is_roots_alone(&st))
                return -EPERM;
        if (st.st_size < 0 || (uint64_t) st.st_size > max)
                return -EFBIG;
        int r = read_all(fd, (size_t) st.st_size, ret);
        if (r == 0)
                *ret_n = (size_t) st.st_size;
        return r;
}

int folder_open_trusted(const char *path, int *ret_fd) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!is_roots_alone(&st))
                return -EPERM;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* The sentence for a file or folder that cannot be read. */
static const char *explain(int r, bool folder) {
        switch (r) {
        case -ENOENT:
                return "There are no rules yet: write this file, see man wardtap.conf.";
        case -EPERM:
                return folder ? "The folder must be root's, and nobody else may write to it: chown root, "
                                "chmod go-w."
                              : "The file must be root's, and nobody else may write to it: chown root, "
                                "chmod go-w.";
        case -ELOOP:
                return "This is a symbolic link: put the file itself here.";
        case -EINVAL:
        case -ENXIO:
                return "This is not a regular file: put one here, or remove it.";
        case -ENOTDIR:
                return "This is not a folder: make it one, or remove it.";
        case -EFBIG:
                return "The file is larger than 1 MB: rules are short, so this is something else.";
        case -E2BIG:
                return "There are more than 100 files here: put their sections into fewer.";
        case -EBUSY:
                return "The file changed while it was read: try again.";
        case -EACCES:
                return "This cannot be read: be root.";
        default:
                return "This cannot be read: look for errors of the disk in the journal.";
        }
}

/* One more thing that could not be read: the first one's errno is kept. */
static int complain(struct rules_errors *errors, const char *path, int r, bool folder, int *first) {
        if (*first == 0)
                *first = r;
        return r == -ENOMEM ? r : rules_error_add(errors, path, 0, explain(r, folder));
}

static int add_file(struct rules_parser *p, struct rules_errors *errors, int dir_fd, const char *path,
                    const char *shown, int *first) {
        _cleanup_(freep) char *text = NULL;
        size_t n;
        int r = file_read_trusted(dir_fd, path, RULES_FILE_MAX, &text, &n);
        return r < 0 ? complain(errors, shown, r, false, first) : rules_parser_add(p, shown, text, n);
}

static int ends_in_conf(const struct dirent *d) {
        size_t n = strlen(d->d_name);
        return d->d_name[0] != '.' && n > 5 && strcmp(d->d_name + n - 5, ".conf") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name,
                      (*b)->d_name); /* not alphasort(): no locale decides the order of rules */
}

static int add_listed(struct rules_parser *p, struct rules_errors *errors, const char *folder, int fd,
                      const char *name, int *first) {
        _cleanup_(freep) char *shown = NULL;
        if (!text_is_clean(name, NAME_MAX)) {
                if (*first == 0)
                        *first = -EINVAL;
                return rules_error_add(errors, folder, 0,
                                       "A file here has a name with control characters: rename it.");
        }
        if (asprintf(&shown, "%s/%s", folder, name) < 0) {
                shown = NULL;
                return -ENOMEM;
        }
        return add_file(p, errors, fd, name, shown, first);
}

static int add_folder(struct rules_parser *p, struct rules_errors *errors, const char *folder, int *first) {
        _cleanup_(closep) int fd = -1;
        struct dirent **names = NULL;
        int r = folder_open_trusted(folder, &fd);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return complain(errors, folder, r, true, first);
        int n = scandirat(fd, ".", &names, ends_in_conf, by_name);
        if (n < 0)
                return complain(errors, folder, -errno, true, first);
        if (n > (int) FILES_MAX)
                r = complain(errors, folder, -E2BIG, true, first);
        for (int i = 0; i < n; i++) {
                if (r >= 0 && n <= (int) FILES_MAX)
                        r = add_listed(p, errors, folder, fd, names[i]->d_name, first);
                free(names[i]);
        }
        free(names);
        return r;
}

/* The folder the main file is in: who may rename things there decides which rules are read. */
static int check_parent(struct rules_errors *errors, const char *file, int *first) {
        _cleanup_(freep) char *parent = strdup(file);
        _cleanup_(closep) int fd = -1;
        char *slash = parent ? strrchr(parent, '/') : NULL;
        if (!parent)
                return -ENOMEM;
        if (!slash || slash == parent)
                return 0;
        *slash = 0;
        int r = folder_open_trusted(parent, &fd);
        return r < 0 && r != -ENOENT ? complain(errors, parent, r, true, first) : 0;
}

static int parse_files(const char *file, const char *folder, struct rules **ret,
                       struct rules_errors *errors) {
        _cleanup_(rules_parser_freep) struct rules_parser *p = NULL;
        int unreadable = 0, r;
        if ((r = rules_parser_new(errors, &p)) < 0 || (r = check_parent(errors, file, &unreadable)) < 0 ||
            (r = add_file(p, errors, AT_FDCWD, file, file, &unreadable)) < 0 ||
            (r = add_folder(p, errors, folder, &unreadable)) < 0)
                return r;
        /* What an unreadable file would have said is not missed. */
        return unreadable < 0 ? unreadable : rules_parser_end(p, file, ret);
}

int rules_parse(const char *file, const char *folder, struct rules **ret, struct rules_errors *ret_errors) {
        _cleanup_(rules_errors_clear) struct rules_errors errors = {0};
        int r = parse_files(file, folder, ret, &errors);
        *ret_errors = errors;
        errors = (struct rules_errors){0};
        return r;
}
