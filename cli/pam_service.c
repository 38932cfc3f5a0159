/* SPDX-License-Identifier: Apache-2.0 */
/* Writing our lines into a PAM service, and taking them out. */
#include "cli/pam_service.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cli/file.h"
#include "cli/pam_block.h"
#include "cli/pam_stack.h"
#include "cli/station_files.h"
#include "common/util.h"

bool pam_service_name_is_good(const char *name) {
        return name[0] && name[0] != '.' && !strchr(name, '/') && strlen(name) <= 64;
}

static void path_of(const char *service, char ret[PATH_MAX]) {
        (void) snprintf(ret, PATH_MAX, "%s/%.100s", PAM_FOLDER, service);
}

static int read_service(const char *service, char **ret, struct stat *ret_stat) {
        char path[PATH_MAX];
        struct stat st;
        path_of(service, path);
        if (lstat(path, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022))
                return -EPERM; /* a link may lead to a file that others share */
        return file_read(path, ret, NULL, ret_stat);
}

/* For a person who wants to see, or has to mend by hand: nothing here reads it. */
static int keep_copy(const char *service, const char *text) {
        char path[PATH_MAX];
        const struct stat like = {.st_mode = 0600};
        if (mkdir(PATH_ENABLED, 0700) < 0 && errno != EEXIST)
                return -errno;
        (void) snprintf(path, sizeof(path), "%s/%.100s.before", PATH_ENABLED, service);
        return file_replace(path, text, strlen(text), &like);
}

static void forget_copy(const char *service) {
        char path[PATH_MAX];
        (void) snprintf(path, sizeof(path), "%s/%.100s.before", PATH_ENABLED, service);
        (void) unlink(path);
}

int pam_service_enable(const char *service, unsigned what) {
        _cleanup_(freep) char *text = NULL, *bare = NULL, *with = NULL;
        char path[PATH_MAX];
        struct stat st;
        int r = read_service(service, &text, &st);
        if (r < 0)
                return r;
        r = pam_block_remove(text, &bare);
        if (r < 0 && r != -ENOENT)
                return r;
        const char *before = bare ? bare : text;
        if ((r = pam_block_add(before, what, &with)) < 0)
                return r;
        if (strcmp(with, text) == 0)
                return 0;
        if ((r = keep_copy(service, before)) < 0)
                return r;
        path_of(service, path);
        return file_replace(path, with, strlen(with), &st);
}

int pam_service_disable(const char *service) {
        _cleanup_(freep) char *text = NULL, *bare = NULL;
        char path[PATH_MAX];
        struct stat st;
        int r = read_service(service, &text, &st);
        if (r < 0)
                return r;
        if ((r = pam_block_remove(text, &bare)) < 0)
                return r == -ENOENT ? 0 : r;
        path_of(service, path);
        if ((r = file_replace(path, bare, strlen(bare), &st)) < 0)
                return r;
        forget_copy(service);
        return 1;
}

int pam_service_is_enabled(const char *service) {
        _cleanup_(freep) char *text = NULL;
        int r = read_service(service, &text, NULL);
        return r < 0 ? r : pam_block_is_there(text);
}

static int is_service(const struct dirent *e) {
        return e->d_name[0] != '.' && pam_service_is_enabled(e->d_name) == 1;
}

int pam_service_each(int (*f)(const char *service, void *data), void *data) {
        struct dirent **list = NULL;
        int n = scandir(PAM_FOLDER, &list, is_service, alphasort), r = n < 0 ? -errno : 0;
        for (int i = 0; i < n; i++) {
                if (r == 0)
                        r = f(list[i]->d_name, data);
                free(list[i]);
        }
        free(list);
        return r;
}
