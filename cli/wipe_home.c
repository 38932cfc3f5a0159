/* SPDX-License-Identifier: Apache-2.0 */
/* The home of an account that nobody has any more. */
#include "cli/wipe_home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>

#include "common/bytes.h"
#include "common/socket.h"
#include "common/util.h"

#define SKELETON_DEPTH_MAX 8U

static void closedirp(DIR **d) {
        if (*d)
                (void) closedir(*d);
}

int home_open(const char *path, uid_t uid, int *ret_fd) {
        struct stat st;
        const char *slash = strrchr(path, '/');
        if (path[0] != '/' || !slash || slash == path || !slash[1] || uid == 0)
                return -EINVAL;
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (st.st_uid != uid)
                return -EPERM;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* --- Emptying */

struct emptying {
        int home;
        struct statx mount; /* of the home */
        unsigned next;      /* number of the next folder that is moved up */
        uint64_t deadline_usec;
};

/* Of its own, so that reading does not move the descriptor that the caller holds. */
static DIR *list(int folder) {
        int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
        if (!d && fd >= 0)
                closep(&fd);
        return d;
}

static int look_at_mount(int fd, struct statx *ret) {
        return statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_MNT_ID, ret) < 0
                       ? -errno
                       : 0;
}

/* A bind mount has the device of where it comes from, and a number of its own. */
static bool is_same_mount(const struct statx *a, const struct statx *b) {
        return a->stx_dev_major == b->stx_dev_major && a->stx_dev_minor == b->stx_dev_minor &&
               ((a->stx_mask & b->stx_mask & STATX_MNT_ID) == 0 || a->stx_mnt_id == b->stx_mnt_id);
}

static int open_inside(const struct emptying *e, int folder, const char *name, int *ret) {
        struct statx here;
        _cleanup_(closep) int fd =
                openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        int r = look_at_mount(fd, &here);
        if (r < 0)
                return r;
        if (!is_same_mount(&e->mount, &here))
                return -EXDEV;
        *ret = TAKE_FD(fd);
        return 0;
}

/* A folder in a folder goes to the top, so that depth costs nothing. */
static int move_up(struct emptying *e, int folder, const char *name) {
        char new[32];
        for (unsigned tries = 0; tries < UINT16_MAX; tries++) {
                (void) snprintf(new, sizeof(new), ".wipe-%u", e->next++);
                if (renameat2(folder, name, e->home, new, RENAME_NOREPLACE) == 0)
                        return 0;
                if (errno != EEXIST)
                        return errno == EBUSY ? -EXDEV : -errno; /* busy: something is mounted on it */
        }
        return -EEXIST;
}

static int remove_file(int folder, const char *name) {
        return unlinkat(folder, name, 0) < 0 ? -errno : 0;
}

/* Everything in one folder at the top is removed, or moved to the top. */
static int flatten(struct emptying *e, int folder) {
        _cleanup_(closedirp) DIR *d = list(folder);
        const struct dirent *entry;
        if (!d)
                return -errno;
        while ((errno = 0, entry = readdir(d))) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                int r = remove_file(folder, entry->d_name);
                if (r == -EISDIR)
                        r = move_up(e, folder, entry->d_name);
                if (r < 0)
                        return r == -EBUSY ? -EXDEV : r;
        }
        return -errno;
}

static int remove_folder(struct emptying *e, const char *name) {
        _cleanup_(closep) int fd = -1;
        int r = open_inside(e, e->home, name, &fd);
        if (r == 0)
                r = flatten(e, fd);
        if (r < 0)
                return r;
        if (unlinkat(e->home, name, AT_REMOVEDIR) < 0)
                return errno == EBUSY ? -EXDEV : -errno;
        return 0;
}

/* One pass over the top: 1 when there was something. What a listing passes over, as it changes meanwhile, is
 * the next pass's. */
static int pass(struct emptying *e) {
        _cleanup_(closedirp) DIR *d = list(e->home);
        const struct dirent *entry;
        bool any = false;
        if (!d)
                return -errno;
        while ((errno = 0, entry = readdir(d))) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                if (now_monotonic_usec() >= e->deadline_usec)
                        return -ETIMEDOUT;
                any = true;
                int r = remove_file(e->home, entry->d_name);
                if (r == -EISDIR)
                        r = remove_folder(e, entry->d_name);
                if (r < 0 && r != -ENOENT)
                        return r == -EBUSY ? -EXDEV : r;
        }
        return errno != 0 ? -errno : any;
}

int home_empty(int home, uint64_t deadline_usec) {
        struct emptying e = {.home = home, .deadline_usec = deadline_usec};
        int r = look_at_mount(home, &e.mount);
        while (r >= 0 && (r = pass(&e)) > 0)
                ;
        return r;
}

/* --- Filling */

static int copy_bytes(int from, int to) {
        char buf[65536];
        ssize_t n;
        while ((n = read(from, buf, sizeof(buf))) != 0) {
                if (n < 0)
                        return -errno;
                for (ssize_t at = 0; at < n;) {
                        ssize_t k = write(to, buf + at, (size_t) (n - at));
                        if (k < 0)
                                return -errno;
                        at += k;
                }
        }
        return 0;
}

static int copy_file(int from, int to, const char *name, const struct stat *st, uid_t uid, gid_t gid) {
        _cleanup_(closep) int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        if (in < 0)
                return -errno;
        _cleanup_(closep) int out =
                openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (out < 0)
                return -errno;
        int r = copy_bytes(in, out);
        if (r < 0)
                return r;
        return fchown(out, uid, gid) < 0 || fchmod(out, st->st_mode & 0777) < 0 ? -errno : 0;
}

static int copy_link(int from, int to, const char *name, uid_t uid, gid_t gid) {
        char target[PATH_MAX];
        ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);
        if (n < 0)
                return -errno;
        target[n] = 0;
        if (symlinkat(target, to, name) < 0 || fchownat(to, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        return 0;
}

static int copy_folder(int from, int to, uid_t uid, gid_t gid, unsigned depth);

static int copy_subfolder(int from, int to, const char *name, const struct stat *st, uid_t uid, gid_t gid,
                          unsigned depth) {
        _cleanup_(closep) int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (in < 0 || mkdirat(to, name, 0700) < 0)
                return -errno;
        _cleanup_(closep) int out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (out < 0)
                return -errno;
        int r = copy_folder(in, out, uid, gid, depth + 1);
        if (r < 0)
                return r;
        return fchown(out, uid, gid) < 0 || fchmod(out, st->st_mode & 0777) < 0 ? -errno : 0;
}

static int copy_entry(int from, int to, const char *name, uid_t uid, gid_t gid, unsigned depth) {
        struct stat st;
        if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (S_ISREG(st.st_mode))
                return copy_file(from, to, name, &st, uid, gid);
        if (S_ISLNK(st.st_mode))
                return copy_link(from, to, name, uid, gid);
        if (S_ISDIR(st.st_mode))
                return copy_subfolder(from, to, name, &st, uid, gid, depth);
        return 0;
}

static int copy_folder(int from, int to, uid_t uid, gid_t gid, unsigned depth) {
        _cleanup_(closedirp) DIR *d = list(from);
        const struct dirent *entry;
        if (!d)
                return -errno;
        if (depth > SKELETON_DEPTH_MAX)
                return -ELOOP;
        while ((errno = 0, entry = readdir(d))) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                int r = copy_entry(from, to, entry->d_name, uid, gid, depth);
                if (r < 0)
                        return r;
        }
        return -errno;
}

static int close_folder(int home) {
        static const char *const lists[] = {"system.posix_acl_access", "system.posix_acl_default"};
        for (size_t i = 0; i < ELEMENTSOF(lists); i++)
                if (fremovexattr(home, lists[i]) < 0 && errno != ENODATA && errno != EOPNOTSUPP)
                        return -errno;
        return fchmod(home, 0700) < 0 ? -errno : 0;
}

int home_fill(const char *skeleton, int home, uid_t uid, gid_t gid) {
        int r = close_folder(home);
        if (r < 0)
                return r;
        _cleanup_(closep) int from = open(skeleton, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (from < 0)
                return errno == ENOENT ? 0 : -errno;
        return copy_folder(from, home, uid, gid, 0);
}

/* --- Processes */

/* As the user, and so the kernel finds them all at once, those that fork meanwhile and those that hide in
 * /proc too: 0 when there was none, 1 when there was. */
static int kill_all(uid_t uid) {
        int status;
        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                if (prctl(PR_SET_DUMPABLE, 0) < 0 || setresuid(uid, uid, uid) < 0)
                        _exit(2);
                _exit(kill(-1, SIGKILL) < 0 && errno == ESRCH ? 0 : 1);
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        if (WIFSIGNALED(status))
                return 1; /* one of them was quicker: again */
        return WEXITSTATUS(status) == 2 ? -EPERM : WEXITSTATUS(status);
}

/* The line of /proc/PID/status that begins with this title, without it; NULL when there is none. */
static const char *line_of(const char *status, const char *title) {
        const char *at = strstr(status, title);
        return at ? at + strlen(title) : NULL;
}

static bool has_uid(const char *uids, uid_t wanted) {
        char number[16];
        while (uids && *uids != '\n' && *uids) {
                uint64_t uid;
                size_t n = strcspn(uids, "\t\n ");
                if (n >= sizeof(number))
                        return false;
                memcpy(number, uids, n);
                number[n] = 0;
                if (parse_u64(number, UINT32_MAX, &uid) == 0 && uid == wanted)
                        return true;
                uids += n + (uids[n] == '\t' || uids[n] == ' ');
        }
        return false;
}

/* Runs as the user, and is more than what its parent has yet to bury. */
static bool is_alive(int proc, const char *pid, uid_t uid) {
        char path[64], status[4096];
        (void) snprintf(path, sizeof(path), "%.32s/status", pid);
        _cleanup_(closep) int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd >= 0 ? read(fd, status, sizeof(status) - 1) : -1;
        if (n <= 0)
                return false; /* it has gone */
        status[n] = 0;
        const char *state = line_of(status, "\nState:\t");
        return has_uid(line_of(status, "\nUid:\t"), uid) && !(state && strchr("ZX", *state));
}

/* 1 when one of the user's processes is there, 0 when none is. */
static int any_is_alive(uid_t uid) {
        _cleanup_(closedirp) DIR *d = opendir("/proc");
        const struct dirent *entry;
        if (!d)
                return -errno;
        while ((errno = 0, entry = readdir(d)))
                if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
                    is_alive(dirfd(d), entry->d_name, uid))
                        return 1;
        return -errno;
}

int home_end_processes(uid_t uid, uint64_t deadline_usec) {
        const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000}; /* until they have ended */
        int r;
        if (uid == 0 || uid == (uid_t) -1)
                return -EINVAL;
        while ((r = kill_all(uid)) > 0 && (r = any_is_alive(uid)) > 0) {
                if (now_monotonic_usec() >= deadline_usec)
                        return -ETIMEDOUT;
                (void) nanosleep(&pause, NULL);
        }
        return r;
}
