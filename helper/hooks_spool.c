/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of records for hooks. */
#include "helper/hooks_spool.h"

#include "common/socket.h"
#include "helper/hook_message.h"
#include "helper/hooks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#define SPOOL_KEEP_S 60

struct hooks_spool {
        int folder;
        char names[HOOKS_FILES_MAX][HOOKS_UNIT_SIZE]; /* a ring; "" where there is none */
        size_t at;
};

bool hooks_is_name(const char *name) {
        size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
        return *name >= 'a' && *name <= 'z' && n <= HOOKS_NAME_MAX && name[n] == 0;
}

bool hooks_is_wanted(const char *site, const char *kind, const char *name) {
        const char *const names[] = {name, HOOKS_DEFAULT};
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                char path[512];
                struct stat st;
                int n = snprintf(path, sizeof(path), "%s/%s.d/%s", site, kind, names[i]);
                if (n > 0 && (size_t) n < sizeof(path) && stat(path, &st) == 0)
                        return true;
        }
        return false;
}

static void closedirp(DIR **d) {
        if (*d)
                (void) closedir(*d);
}

/* What an earlier wardtapd left a moment ago, a unit may be about to read: "writer-stop", for one. */
static bool is_old(int folder, const char *name, time_t now) {
        struct stat st;
        return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_mtime < now - SPOOL_KEEP_S ||
               st.st_mtime > now;
}

static int remove_old(int folder) {
        int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(closedirp) DIR *d = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *e;
        time_t now = time(NULL);
        if (!d) {
                int r = -errno;
                closep(&fd);
                return r;
        }
        while ((e = readdir(d)))
                if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
                    is_old(folder, e->d_name, now) && unlinkat(folder, e->d_name, 0) < 0)
                        return -errno;
        return 0;
}

int hooks_spool_new(const char *folder, struct hooks_spool **ret) {
        _cleanup_(hooks_spool_freep) struct hooks_spool *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->folder = -1;
        if (mkdir(folder, 0700) < 0 && errno != EEXIST)
                return -errno;
        s->folder = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (s->folder < 0)
                return -errno;
        int r = remove_old(s->folder);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

struct hooks_spool *hooks_spool_free(struct hooks_spool *s) {
        if (!s)
                return NULL;
        closep(&s->folder);
        free(s);
        return NULL;
}

static int write_file(int folder, const char *name, const struct record *record, uint64_t seq) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t size = 0;
        hook_message_write(&w, record, seq);
        int r = writer_end(&w, &size);
        if (r < 0)
                return r;
        _cleanup_(closep) int fd =
                openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        ssize_t n = write(fd, buf, size);
        if (n == (ssize_t) size)
                return 0;
        r = n < 0 ? -errno : -ENOSPC;
        (void) unlinkat(folder, name, 0);
        return r;
}

int hooks_spool_put(struct hooks_spool *s, const char *kind, const char *instance,
                    const struct record *record, uint64_t seq) {
        char name[HOOKS_UNIT_SIZE];
        int n = snprintf(name, sizeof(name), "%s-%s", kind, instance);
        if (n < 0 || (size_t) n >= sizeof(name))
                return -ENAMETOOLONG;
        int r = write_file(s->folder, name, record, seq);
        if (r < 0)
                return r;
        char *place = s->names[s->at];
        s->at = (s->at + 1) % HOOKS_FILES_MAX;
        if (*place)
                (void) unlinkat(s->folder, place, 0);
        memcpy(place, name, sizeof(name));
        return 0;
}
