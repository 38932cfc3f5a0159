/* SPDX-License-Identifier: Apache-2.0 */
/* The write-ahead log: writing, reading back, putting files aside. Opening is in audit_open.c. */
#include "helper/audit_log_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

const struct audit_config audit_config_default = {
        .folder = "/var/lib/wardtap/audit",
        .rotate_bytes = 16U << 20,
        .reserve_bytes = 4U << 20,
        .keep = 8,
        .keep_unreleased = 64,
};

struct audit_log *audit_log_free(struct audit_log *log) {
        if (!log)
                return NULL;
        closep(&log->folder);
        closep(&log->fd);
        closep(&log->read_fd);
        free(log);
        return NULL;
}

const char *audit_log_epoch(const struct audit_log *log) {
        return log->epoch_hex;
}

uint64_t audit_log_last(const struct audit_log *log) {
        return log->last;
}

static int link_record(struct audit_log *log, struct record *r) {
        char prev[2 * AUDIT_HASH_SIZE + 1];
        int e;
        hex_encode(log->group_hash, AUDIT_HASH_SIZE, prev);
        if ((e = record_set(r, RECORD_FIELD_EPOCH, log->epoch_hex)) < 0 ||
            (e = record_set_u64(r, RECORD_FIELD_SEQ, log->group_last + 1)) < 0)
                return e;
        return record_set(r, RECORD_FIELD_PREV, prev);
}

int audit_log_add(struct audit_log *log, struct record *r, uint64_t *ret_seq) {
        struct writer w = {.p = log->group, .size = sizeof(log->group), .n = log->group_n};
        uint8_t hash[AUDIT_HASH_SIZE];
        int e;
        if (sizeof(log->group) - log->group_n < AUDIT_FRAME_MAX)
                return -ENOBUFS;
        if ((e = link_record(log, r)) < 0 || (e = audit_hash(r, log->group_hash, hash)) < 0)
                return e;
        audit_frame_write(&w, r, hash);
        if ((e = writer_end(&w, &log->group_n)) < 0)
                return e;
        memcpy(log->group_hash, hash, sizeof(hash));
        *ret_seq = ++log->group_last;
        return 0;
}

/* Real size with a tail of zeros: an append then changes no metadata but the extent's state, and a full disk
 * is met here rather than in the middle of a record. Where there is not so much room, less is reserved. A
 * file system without fallocate goes without. */
static int reserve(struct audit_log *log, uint64_t needed) {
        uint64_t have = log->reserved;
        if (log->end + needed + log->config.reserve_bytes / 4 <= have)
                return 0;
        for (uint64_t step = log->config.reserve_bytes;; step /= 4) {
                uint64_t want = log->end + needed + step;
                if (want <= have)
                        return 0;
                if (fallocate(log->fd, 0, (off_t) have, (off_t) (want - have)) == 0) {
                        log->reserved = want;
                        return 0;
                }
                if (errno == EOPNOTSUPP || errno == ENOSYS)
                        return 0;
                if (step == 0)
                        return -errno;
        }
}

static int write_all(int fd, const uint8_t *p, size_t n, uint64_t at) {
        while (n > 0) {
                ssize_t done = pwrite(fd, p, n, (off_t) at);
                if (done < 0 && errno == EINTR)
                        continue;
                if (done <= 0)
                        return done < 0 ? -errno : -EIO;
                p += done;
                n -= (size_t) done;
                at += (uint64_t) done;
        }
        return 0;
}

static void drop_group(struct audit_log *log) {
        log->group_n = 0;
        log->group_last = log->last;
        memcpy(log->group_hash, log->hash, sizeof(log->hash));
}

/* Nothing of a group that failed may stay in the file: a later reader would take it for a record. */
static void cut_back(struct audit_log *log) {
        if (ftruncate(log->fd, (off_t) log->end) == 0)
                log->reserved = log->end;
}

int audit_log_commit(struct audit_log *log) {
        if (log->group_n == 0)
                return 0;
        int r = reserve(log, log->group_n);
        if (r >= 0)
                r = write_all(log->fd, log->group, log->group_n, log->end);
        if (r >= 0 && fdatasync(log->fd) < 0)
                r = -errno;
        if (r < 0) {
                cut_back(log);
                drop_group(log);
                return r;
        }
        log->end += log->group_n;
        if (log->reserved < log->end)
                log->reserved = log->end;
        log->last = log->group_last;
        memcpy(log->hash, log->group_hash, sizeof(log->hash));
        drop_group(log);
        if (log->end >= log->config.rotate_bytes)
                (void) audit_rotate(log); /* else the file grows on, and the next commit tries again */
        return 0;
}

struct audit_position audit_log_end(const struct audit_log *log) {
        return (struct audit_position){log->first, log->end, log->last + 1};
}

/* The descriptor of the file a position is in; *ret_next is the file after it, 0 for none. */
static int file_at(struct audit_log *log, uint64_t first, int *ret_fd) {
        char name[AUDIT_NAME_MAX];
        if (first == log->first) {
                *ret_fd = log->fd;
                return 0;
        }
        if (log->read_fd < 0 || log->read_first != first) {
                closep(&log->read_fd);
                audit_file_name(first, name);
                log->read_fd = openat(log->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
                if (log->read_fd < 0)
                        return -errno;
                log->read_first = first;
        }
        *ret_fd = log->read_fd;
        return 0;
}

static ssize_t read_some(int fd, uint8_t *buf, size_t size, uint64_t at) {
        size_t n = 0;
        while (n < size) {
                ssize_t got = pread(fd, buf + n, size - n, (off_t) (at + n));
                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return -errno;
                if (got == 0)
                        break;
                n += (size_t) got;
        }
        return (ssize_t) n;
}

/* Moves *p over what is not a frame, to the next one in this file. False when there is none. */
static bool pass_over(struct audit_log *log, int fd, struct audit_position *p) {
        struct stat st;
        if (fstat(fd, &st) < 0 || (uint64_t) st.st_size <= p->offset)
                return false;
        size_t size = (size_t) (fd == log->fd ? log->end : (uint64_t) st.st_size), next = size;
        void *m = size > 0 ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
        if (m == MAP_FAILED)
                return false;
        if (p->offset < size)
                next = audit_find_frame((struct bytes){m, size}, p->offset, log->epoch, p->seq);
        (void) munmap(m, size);
        if (next >= size)
                return false;
        p->offset = next;
        return true;
}

static int read_frame(struct audit_log *log, int fd, struct audit_position *p, struct record *ret) {
        uint8_t buf[AUDIT_FRAME_MAX];
        struct audit_frame f;
        ssize_t n = read_some(fd, buf, sizeof(buf), p->offset);
        if (n < 0)
                return (int) n;
        int r = audit_frame_read((struct bytes){buf, (size_t) n}, log->epoch, p->seq, &f);
        if (r < 0)
                return r;
        p->offset += f.size;
        p->seq = f.seq + 1;
        *ret = f.record;
        return 1;
}

int audit_log_read(struct audit_log *log, struct audit_position *p, struct record *ret) {
        for (;;) {
                int fd = -1, r;
                if (p->seq > log->last)
                        return 0;
                r = file_at(log, p->file, &fd);
                if (r < 0 && r != -ENOENT)
                        return r;
                if (r == 0) {
                        r = read_frame(log, fd, p, ret);
                        if (r != -EBADMSG)
                                return r;
                        if (pass_over(log, fd, p))
                                continue;
                }
                uint64_t next = audit_file_after(log, p->file);
                if (next == 0)
                        return 0;
                *p = (struct audit_position){next, AUDIT_HEADER_SIZE, p->seq};
        }
}

struct audit_position audit_log_released(const struct audit_log *log) {
        return log->released;
}

int audit_log_release(struct audit_log *log, const struct audit_position *p) {
        log->released = *p;
        return audit_save_released(log);
}
