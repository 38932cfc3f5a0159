/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the write-ahead log: what a crash, a full disk or a hand left there is found out before the first
 * record is added. */
#include "helper/audit_log_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

/* A file of ours is never this large: it is put aside long before. */
#define WALK_MAX (256U << 20)

static int walk_fd(int fd, struct audit_walk *ret, uint64_t *ret_size) {
        struct stat st;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_size < (off_t) AUDIT_HEADER_SIZE || st.st_size > (off_t) WALK_MAX)
                return -EBADMSG;
        size_t n = (size_t) st.st_size;
        void *m = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
        if (m == MAP_FAILED)
                return -errno;
        int r = audit_walk((struct bytes){m, n}, ret);
        (void) munmap(m, n);
        *ret_size = n;
        return r;
}

/* Goes on from a walked file. */
static void adopt(struct audit_log *log, const struct audit_walk *w) {
        memcpy(log->epoch, w->header.epoch, sizeof(log->epoch));
        memcpy(log->hash, w->hash, sizeof(log->hash));
        log->first = w->header.first;
        log->last = w->last;
        log->end = w->end;
}

static int start_file(struct audit_log *log) {
        struct audit_header h = {.first = log->last + 1};
        memcpy(h.epoch, log->epoch, sizeof(h.epoch));
        memcpy(h.prev, log->hash, sizeof(h.prev));
        int r = audit_create(log->folder, "log.new", &h, &log->fd);
        if (r < 0)
                return r;
        if (renameat(log->folder, "log.new", log->folder, "log") < 0)
                return -errno;
        if (fsync(log->folder) < 0)
                return -errno;
        log->first = h.first;
        log->end = log->reserved = AUDIT_HEADER_SIZE;
        return 0;
}

static int start_epoch(struct audit_log *log, struct audit_report *report) {
        ssize_t n;
        do
                n = getrandom(log->epoch, sizeof(log->epoch), 0);
        while (n < 0 && errno == EINTR);
        if (n != (ssize_t) sizeof(log->epoch))
                return -EIO;
        log->last = 0;
        memset(log->hash, 0, sizeof(log->hash));
        report->created = true;
        return start_file(log);
}

/* There is no `log`: a crash between two renames, or the very first start. */
static int open_missing(struct audit_log *log, struct audit_report *report) {
        char name[AUDIT_NAME_MAX];
        struct audit_walk w;
        uint64_t size, newest = audit_file_newest(log->folder);
        if (newest == 0)
                return start_epoch(log, report);
        audit_file_name(newest, name);
        _cleanup_(closep) int fd = openat(log->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return -errno;
        int r = walk_fd(fd, &w, &size);
        if (r == -EBADMSG) {
                report->unusable = true;
                return start_epoch(log, report);
        }
        if (r < 0)
                return r;
        adopt(log, &w);
        return start_file(log);
}

static int open_present(struct audit_log *log, struct audit_report *report) {
        struct audit_walk w;
        uint64_t size;
        int r = walk_fd(log->fd, &w, &size);
        if (r == -EBADMSG) {
                report->unusable = true;
                closep(&log->fd);
                if (renameat(log->folder, "log", log->folder, "log.damaged") < 0)
                        return -errno;
                return start_epoch(log, report);
        }
        if (r < 0)
                return r;
        adopt(log, &w);
        report->torn = w.torn;
        report->damaged = w.damaged;
        report->breaks = w.breaks;
        log->reserved = size; /* what was reserved stays so: the disk may be full now */
        if (w.torn == 0)
                return 0;
        if (ftruncate(log->fd, (off_t) log->end) < 0 || fdatasync(log->fd) < 0)
                return -errno;
        log->reserved = log->end;
        return 0;
}

/* Back by so many records, as far as the file in use has them. */
static struct audit_position step_back(struct audit_log *log, const struct audit_position *from,
                                       uint64_t n) {
        struct audit_position p = {log->first, AUDIT_HEADER_SIZE, log->first};
        if (from->file != log->first)
                return *from; /* the journal is far behind anyway */
        while (p.seq + n < from->seq && p.offset < from->offset) {
                _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
                if (audit_log_read(log, &p, &r) != 1)
                        return *from;
        }
        return p;
}

/* Where the journal stands; and no number is used again that the journal may have already. */
static void restore_released(struct audit_log *log, struct audit_report *report) {
        struct audit_position p, start = {log->first, AUDIT_HEADER_SIZE, log->first};
        uint8_t epoch[16], boot[16];
        log->released = start;
        if (audit_load_released(log->folder, epoch, boot, &p) < 0 || memcmp(epoch, log->epoch, 16) != 0 ||
            p.seq == 0 || p.file == 0)
                return;
        if (p.seq > log->last + 1) {
                report->skipped = p.seq - 1 - log->last;
                log->last = p.seq - 1;
                log->released = audit_log_end(log);
                return;
        }
        if (p.file > log->first || p.offset < AUDIT_HEADER_SIZE)
                return;
        log->released =
                memcmp(boot, log->config.boot, sizeof(boot)) == 0 ? p : step_back(log, &p, AUDIT_DOUBTED);
}

static int open_log(struct audit_log *log, struct audit_report *report) {
        log->folder = open(log->config.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (log->folder < 0)
                return -errno;
        log->fd = openat(log->folder, "log", O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (log->fd < 0 && errno != ENOENT)
                return -errno;
        int r = log->fd < 0 ? open_missing(log, report) : open_present(log, report);
        if (r < 0)
                return r;
        hex_encode(log->epoch, sizeof(log->epoch), log->epoch_hex);
        restore_released(log, report);
        if (report->damaged || report->breaks || report->skipped)
                (void) audit_rotate(log); /* reported once: what follows is a clean file */
        log->group_last = log->last;
        memcpy(log->group_hash, log->hash, sizeof(log->hash));
        return 0;
}

int audit_log_open(const struct audit_config *c, struct audit_log **ret, struct audit_report *ret_report) {
        _cleanup_(audit_log_freep) struct audit_log *log = calloc(1, sizeof(*log));
        struct audit_report report = {0};
        if (!log)
                return -ENOMEM;
        log->config = *c;
        log->folder = log->fd = log->read_fd = -1;
        int r = open_log(log, &report);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(log);
        *ret_report = report;
        return 0;
}
