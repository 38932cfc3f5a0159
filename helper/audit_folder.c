/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of the write-ahead log: names, files put aside, and how far the journal is. */
#include "helper/audit_log_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/stat.h>

void audit_file_name(uint64_t first, char ret[AUDIT_NAME_MAX]) {
        (void) snprintf(ret, AUDIT_NAME_MAX, "log.%020" PRIu64, first);
}

/* The number in "log.<20 digits>", or 0. */
static uint64_t number_of(const char *name) {
        uint64_t v;
        if (strncmp(name, "log.", 4) != 0 || strlen(name) != 24 ||
            parse_u64(name + 4, UINT64_MAX - 1, &v) < 0)
                return 0;
        return v;
}

/* The numbers of files put aside: calls with each. */
static void each_file(int folder, void (*call)(uint64_t first, void *data), void *data) {
        int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
        if (!d) {
                closep(&fd);
                return;
        }
        for (struct dirent *e; (e = readdir(d));) {
                uint64_t first = number_of(e->d_name);
                if (first > 0)
                        call(first, data);
        }
        (void) closedir(d);
}

struct search {
        uint64_t after, least, most;
        unsigned n;
};

static void note_file(uint64_t first, void *data) {
        struct search *s = data;
        s->n++;
        if (first > s->most)
                s->most = first;
        if (first > s->after && (s->least == 0 || first < s->least))
                s->least = first;
}

uint64_t audit_file_after(struct audit_log *log, uint64_t first) {
        struct search s = {.after = first};
        if (first >= log->first)
                return 0;
        each_file(log->folder, note_file, &s);
        return s.least > 0 && s.least < log->first ? s.least : log->first;
}

uint64_t audit_file_newest(int folder) {
        struct search s = {0};
        each_file(folder, note_file, &s);
        return s.most;
}

int audit_create(int folder, const char *name, const struct audit_header *h, int *ret_fd) {
        uint8_t bytes[AUDIT_HEADER_SIZE];
        int r = audit_header_write(h, bytes);
        if (r < 0)
                return r;
        (void) unlinkat(folder, name, 0);
        _cleanup_(closep) int fd =
                openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        ssize_t n = pwrite(fd, bytes, sizeof(bytes), 0);
        if (n != (ssize_t) sizeof(bytes) || fsync(fd) < 0) {
                r = n >= 0 && n != (ssize_t) sizeof(bytes) ? -ENOSPC : -errno;
                (void) unlinkat(folder, name, 0);
                return r;
        }
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* Drops the oldest files until `keep` are left; of those the journal has not read yet, more are kept. */
static void drop_old(struct audit_log *log) {
        for (;;) {
                struct search s = {0};
                char name[AUDIT_NAME_MAX];
                each_file(log->folder, note_file, &s);
                bool waiting = s.least >= log->released.file;
                if (s.n <= (waiting ? log->config.keep_unreleased : log->config.keep))
                        return;
                audit_file_name(s.least, name);
                if (unlinkat(log->folder, name, 0) < 0)
                        return;
        }
}

int audit_rotate(struct audit_log *log) {
        struct audit_header h = {.first = log->last + 1};
        char name[AUDIT_NAME_MAX];
        _cleanup_(closep) int fd = -1;
        memcpy(h.epoch, log->epoch, sizeof(h.epoch));
        memcpy(h.prev, log->hash, sizeof(h.prev));
        if (h.first == log->first)
                return 0;
        int r = audit_create(log->folder, "log.new", &h, &fd);
        if (r < 0)
                return r;
        audit_file_name(log->first, name);
        if (renameat(log->folder, "log", log->folder, name) < 0)
                return -errno;
        if (renameat(log->folder, "log.new", log->folder, "log") < 0) {
                r = -errno; /* back: the file in use keeps its name */
                (void) renameat(log->folder, name, log->folder, "log");
                return r;
        }
        (void) fsync(log->folder);
        if (ftruncate(log->fd, (off_t) log->end) < 0)
                errno = 0; /* what was reserved and not used stays as zeros: harmless */
        (void) close(log->fd);
        log->fd = TAKE_FD(fd);
        log->first = h.first;
        log->end = log->reserved = AUDIT_HEADER_SIZE;
        drop_old(log);
        return 0;
}

#define RELEASED_SIZE (16U + 3U * 8U + 16U + AUDIT_HASH_SIZE)

int audit_save_released(struct audit_log *log) {
        uint8_t buf[RELEASED_SIZE];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        writer_bytes(&w, log->epoch, sizeof(log->epoch));
        writer_u64(&w, log->released.file);
        writer_u64(&w, log->released.offset);
        writer_u64(&w, log->released.seq);
        writer_bytes(&w, log->config.boot, sizeof(log->config.boot));
        if (EVP_Digest(buf, w.n, buf + w.n, NULL, EVP_sha256(), NULL) != 1)
                return -EIO;
        _cleanup_(closep) int fd =
                openat(log->folder, "released", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        /* One small write in place, not synced: what is lost here is sent again, and found to be there. */
        ssize_t n = pwrite(fd, buf, sizeof(buf), 0);
        return n == (ssize_t) sizeof(buf) ? 0 : n < 0 ? -errno : -ENOSPC;
}

int audit_load_released(int folder, uint8_t ret_epoch[16], uint8_t ret_boot[16],
                        struct audit_position *ret) {
        uint8_t buf[RELEASED_SIZE + 1], digest[AUDIT_HASH_SIZE];
        struct audit_position p;
        _cleanup_(closep) int fd =
                openat(folder, "released", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        ssize_t n = read(fd, buf, sizeof(buf));
        if (n != (ssize_t) RELEASED_SIZE)
                return -EBADMSG;
        if (EVP_Digest(buf, RELEASED_SIZE - sizeof(digest), digest, NULL, EVP_sha256(), NULL) != 1)
                return -EIO;
        if (memcmp(digest, buf + RELEASED_SIZE - sizeof(digest), sizeof(digest)) != 0)
                return -EBADMSG;
        struct bytes b = {buf + 16, 24 + 16};
        int r;
        if ((r = bytes_take_u64(&b, &p.file)) < 0 || (r = bytes_take_u64(&b, &p.offset)) < 0 ||
            (r = bytes_take_u64(&b, &p.seq)) < 0 || (r = bytes_take_copy(&b, ret_boot, 16)) < 0)
                return r;
        memcpy(ret_epoch, buf, 16);
        *ret = p;
        return 0;
}
