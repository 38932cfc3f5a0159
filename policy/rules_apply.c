/* SPDX-License-Identifier: Apache-2.0 */
/* Rules in force: the snapshot, the list of services beside it, and the archive of all that were ever
 * applied. Files are made whole under another name and then renamed, so a crash leaves the old or the new.
 */
#include "common/bytes.h"
#include "common/paths.h"
#include "policy/rules_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define SNAPSHOT "current"
#define SERVICES "services"
#define ARCHIVE "archive"
#define LOG "log"
#define NEW ".new" /* suffix of a file that is being made */
#define WHO_MAX 64U
#define REASON_MAX_BYTES 256U

static int write_all(int fd, const void *p, size_t n) {
        const char *at = p;
        while (n > 0) {
                ssize_t written = write(fd, at, n);
                if (written < 0 && errno == EINTR)
                        continue;
                if (written < 0)
                        return -errno;
                at += written;
                n -= (size_t) written;
        }
        return 0;
}

/* Makes a file with this content, on disk when it returns. What an apply that was killed left is removed. */
static int make_file(int dir_fd, const char *name, const void *p, size_t n, mode_t mode, gid_t gid) {
        if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
                return -errno;
        _cleanup_(closep) int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                          S_IRUSR | S_IWUSR);
        if (fd < 0)
                return -errno;
        int r = write_all(fd, p, n);
        if (r == 0 && (fchown(fd, 0, gid) < 0 || fchmod(fd, mode) < 0 || fsync(fd) < 0))
                r = -errno;
        if (r < 0)
                (void) unlinkat(dir_fd, name, 0);
        return r;
}

/* A file of the archive: made once, never changed. */
static int archive_file(int dir_fd, const char *name, const void *p, size_t n) {
        _cleanup_(freep) char *there = NULL;
        size_t there_n;
        int r = file_read_trusted(dir_fd, name, RULES_SNAPSHOT_MAX, &there, &there_n);
        if (r == 0 && there_n == n && memcmp(there, p, n) == 0)
                return 0;
        char temporary[128];
        (void) snprintf(temporary, sizeof(temporary), "%s" NEW, name);
        if ((r = make_file(dir_fd, temporary, p, n, S_IRUSR | S_IRGRP, 0)) < 0)
                return r;
        return renameat(dir_fd, temporary, dir_fd, name) < 0 ? -errno : 0;
}

static int format_time(uint64_t usec, char *buf, size_t size) {
        time_t t = (time_t) (usec / USEC_PER_SEC);
        struct tm tm;
        return gmtime_r(&t, &tm) && strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0 ? 0 : -ERANGE;
}

struct apply {
        const struct rules *r;
        const char *author, *reason;
        char time[32];
        uint8_t *snapshot; /* owned */
        size_t snapshot_n;
        char hash[65];
        int folder, archive, lock; /* owned */
};

static void apply_clear(struct apply *a) {
        free(a->snapshot);
        closep(&a->lock);
        closep(&a->archive);
        closep(&a->folder);
}

/* Takes the lock, which ends with the process that holds it. */
static int open_folders(struct apply *a, const char *folder) {
        int r = folder_open_trusted(folder, &a->folder);
        if (r < 0)
                return r;
        a->lock = openat(a->folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
        if (a->lock < 0)
                return -errno;
        if (flock(a->lock, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;
        if (mkdirat(a->folder, ARCHIVE, S_IRWXU | S_IRGRP | S_IXGRP) < 0 && errno != EEXIST)
                return -errno;
        a->archive = openat(a->folder, ARCHIVE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return a->archive < 0 ? -errno : 0;
}

static int write_log(const struct apply *a, const char *what) {
        _cleanup_(freep) char *line = NULL;
        _cleanup_(closep) int fd =
                openat(a->archive, LOG, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
                       S_IRUSR | S_IWUSR | S_IRGRP);
        if (fd < 0)
                return -errno;
        int n = asprintf(&line, "%s\t%s\t%s\t%s\t%s\n", a->time, what, a->hash, a->author, a->reason);
        if (n < 0) {
                line = NULL;
                return -ENOMEM;
        }
        int r = write_all(fd, line, (size_t) n);
        return r < 0 ? r : fsync(fd) < 0 ? -errno : 0;
}

/* The snapshot under its hash, and who applied it first. */
static int archive(const struct apply *a) {
        _cleanup_(freep) char *info = NULL;
        char name[80];
        (void) snprintf(name, sizeof(name), "%s.info", a->hash);
        int r = archive_file(a->archive, a->hash, a->snapshot, a->snapshot_n);
        if (r < 0)
                return r;
        if (faccessat(a->archive, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
                int n = asprintf(&info, "time=%s\nauthor=%s\nreason=%s\n", a->time, a->author, a->reason);
                if (n < 0) {
                        info = NULL;
                        return -ENOMEM;
                }
                if ((r = archive_file(a->archive, name, info, (size_t) n)) < 0)
                        return r;
        }
        return fsync(a->archive) < 0 || fsync(a->folder) < 0 ? -errno : 0;
}

/* One service name a line, for everybody: the module asks it before it asks anybody. And what it must know
 * when nobody answers, as a line that no service is called. */
static int make_services(const struct apply *a) {
        static const char deny[] = SERVICES_FALLBACK_DENY "\n";
        size_t size = sizeof(deny), n = 0;
        for (size_t i = 0; i < a->r->n_services; i++)
                size += strlen(a->r->services[i].name) + 1;
        _cleanup_(freep) char *text = malloc(size);
        if (!text)
                return -ENOMEM;
        for (size_t i = 0; i < a->r->n_services; i++) {
                size_t length = strlen(a->r->services[i].name);
                memcpy(text + n, a->r->services[i].name, length);
                text[n + length] = '\n';
                n += length + 1;
        }
        if (a->r->fallback == FALLBACK_DENY) {
                memcpy(text + n, deny, sizeof(deny) - 1);
                n += sizeof(deny) - 1;
        }
        return make_file(a->folder, SERVICES NEW, text, n, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, 0);
}

/* Puts the new file in the place of the old, which is then where the new one was, and so can come back. */
static int exchange(int dir_fd, const char *new, const char *old) {
        if (renameat2(dir_fd, new, dir_fd, old, RENAME_EXCHANGE) == 0)
                return 0;
        if (errno != ENOENT && errno != EINVAL && errno != ENOSYS)
                return -errno;
        return renameat(dir_fd, new, dir_fd, old) < 0 ? -errno : 0;
}

/* A module that reads the new list while the old snapshot is still there is told "not available" by the
 * attempt: between the two renames nothing is laxer than before or after. */
static int switch_over(const struct apply *a) {
        int r = exchange(a->folder, SERVICES NEW, SERVICES);
        if (r < 0)
                return r;
        if ((r = renameat(a->folder, SNAPSHOT NEW, a->folder, SNAPSHOT) < 0 ? -errno : 0) < 0)
                (void) exchange(a->folder, SERVICES NEW, SERVICES);
        int synced = fsync(a->folder) < 0 ? -errno : 0;
        return r < 0 ? r : synced;
}

static int apply(const struct apply *a, gid_t gid) {
        int r;
        if ((r = archive(a)) < 0 ||
            (r = make_file(a->folder, SNAPSHOT NEW, a->snapshot, a->snapshot_n, S_IRUSR | S_IWUSR | S_IRGRP,
                           gid)) < 0 ||
            (r = make_services(a)) < 0 || (r = write_log(a, "applied")) < 0)
                return r;
        if ((r = switch_over(a)) < 0)
                (void) write_log(a, "failed");
        return r;
}

int rules_apply(const struct rules *r, const char *folder, gid_t gid, const char *author, const char *reason,
                uint64_t now_usec) {
        _cleanup_(apply_clear) struct apply a = {
                .r = r, .author = author, .reason = reason, .folder = -1, .archive = -1, .lock = -1};
        int e;
        if (!*author || !text_is_clean(author, WHO_MAX) || !text_is_clean(reason, REASON_MAX_BYTES))
                return -EINVAL;
        for (size_t i = 0; i < r->n_exceptions; i++)
                if (r->exceptions[i].until_usec > now_usec &&
                    r->exceptions[i].until_usec - now_usec > RULES_EXCEPTION_MAX_USEC)
                        return -ERANGE;
        if ((e = format_time(now_usec, a.time, sizeof(a.time))) < 0 ||
            (e = rules_write(r, &a.snapshot, &a.snapshot_n)) < 0)
                return e;
        hex_encode(a.snapshot + a.snapshot_n - 32, 32, a.hash);
        if ((e = open_folders(&a, folder)) < 0)
                return e;
        e = apply(&a, gid);
        (void) unlinkat(a.folder, SNAPSHOT NEW, 0);
        (void) unlinkat(a.folder, SERVICES NEW, 0);
        return e;
}

/* A station without Name= is called as its host is, where that is a name. */
static int name_station(struct rules *r) {
        char host[RULES_NAME_MAX + 2];
        if (!r->station_from_host || gethostname(host, sizeof(host) - 1) < 0)
                return 0;
        host[sizeof(host) - 1] = 0;
        if (!name_is_valid(host))
                return 0;
        char *copy = strdup(host);
        if (!copy)
                return -ENOMEM;
        free(r->station);
        r->station = copy;
        return 0;
}

int rules_load(const char *snapshot, struct rules **ret) {
        _cleanup_(freep) char *bytes = NULL;
        _cleanup_(rules_freep) struct rules *r = NULL;
        size_t n;
        int e;
        if ((e = file_read_trusted(AT_FDCWD, snapshot, RULES_SNAPSHOT_MAX, &bytes, &n)) < 0)
                return e == -EINVAL || e == -EFBIG ? -EBADMSG : e;
        if ((e = rules_read(bytes, n, &r)) < 0 || (e = name_station(r)) < 0)
                return e;
        *ret = TAKE_PTR(r);
        return 0;
}
