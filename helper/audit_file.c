/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing the bytes of a write-ahead file. */
#include "helper/audit_file.h"

#include "common/util.h"

#include <errno.h>
#include <openssl/evp.h>

static const char magic[] = "WARDTAP-AUDIT-1\n";
#define MAGIC_SIZE (sizeof(magic) - 1)
#define FRAME_LEAST (4U + 2U + AUDIT_HASH_SIZE)

static int header_digest(const uint8_t p[AUDIT_HEADER_SIZE], uint8_t ret[AUDIT_HASH_SIZE]) {
        return EVP_Digest(p, AUDIT_HEADER_SIZE - AUDIT_HASH_SIZE, ret, NULL, EVP_sha256(), NULL) == 1 ? 0
                                                                                                      : -EIO;
}

int audit_header_write(const struct audit_header *h, uint8_t ret[AUDIT_HEADER_SIZE]) {
        struct writer w = {.p = ret, .size = AUDIT_HEADER_SIZE};
        writer_bytes(&w, magic, MAGIC_SIZE);
        writer_bytes(&w, h->epoch, sizeof(h->epoch));
        writer_u64(&w, h->first);
        writer_bytes(&w, h->prev, sizeof(h->prev));
        return header_digest(ret, ret + w.n);
}

int audit_header_read(struct bytes b, struct audit_header *ret) {
        struct audit_header h;
        struct bytes whole = b, start;
        uint8_t digest[AUDIT_HASH_SIZE], stored[AUDIT_HASH_SIZE];
        if (b.n < AUDIT_HEADER_SIZE || bytes_take(&b, MAGIC_SIZE, &start) < 0 ||
            memcmp(start.p, magic, MAGIC_SIZE) != 0 || bytes_take_copy(&b, h.epoch, sizeof(h.epoch)) < 0 ||
            bytes_take_u64(&b, &h.first) < 0 || bytes_take_copy(&b, h.prev, sizeof(h.prev)) < 0 ||
            bytes_take_copy(&b, stored, sizeof(stored)) < 0)
                return -EBADMSG;
        int r = header_digest(whole.p, digest);
        if (r < 0)
                return r;
        if (memcmp(digest, stored, sizeof(digest)) != 0 || h.first == 0 || h.first == UINT64_MAX)
                return -EBADMSG;
        *ret = h;
        return 0;
}

void audit_frame_clear(struct audit_frame *f) {
        record_clear(&f->record);
}

void audit_frame_write(struct writer *w, const struct record *r, const uint8_t hash[AUDIT_HASH_SIZE]) {
        uint8_t buf[AUDIT_RECORD_MAX];
        struct writer part = {.p = buf, .size = sizeof(buf)};
        size_t n = 0;
        record_write(&part, r);
        if (writer_end(&part, &n) < 0)
                w->full = true;
        writer_u32(w, (uint32_t) n);
        writer_bytes(w, buf, n);
        writer_bytes(w, hash, AUDIT_HASH_SIZE);
}

static bool is_of_epoch(const char *text, const uint8_t epoch[16]) {
        char hex[33];
        hex_encode(epoch, 16, hex);
        return strcmp(text, hex) == 0;
}

int audit_frame_read(struct bytes b, const uint8_t epoch[16], uint64_t min_seq, struct audit_frame *ret) {
        _cleanup_(audit_frame_clear) struct audit_frame f = {.record.event = RECORD_EVENT_INVALID};
        uint8_t hash[AUDIT_HASH_SIZE];
        char of_epoch[33];
        struct bytes body;
        uint32_t n;
        int r;
        if ((r = bytes_take_u32(&b, &n)) < 0)
                return r;
        if (n == 0 || n > AUDIT_RECORD_MAX)
                return -EBADMSG;
        if ((r = bytes_take(&b, n, &body)) < 0 || (r = bytes_take_copy(&b, f.hash, sizeof(f.hash))) < 0 ||
            (r = record_read(body, &f.record)) < 0 ||
            (r = audit_links(&f.record, of_epoch, &f.seq, f.prev)) < 0)
                return r;
        if (f.seq < min_seq || !is_of_epoch(of_epoch, epoch))
                return -EBADMSG;
        r = audit_hash(&f.record, f.prev, hash);
        if (r < 0)
                return r;
        if (memcmp(hash, f.hash, sizeof(hash)) != 0)
                return -EBADMSG;
        f.size = 4U + n + AUDIT_HASH_SIZE;
        *ret = f;
        f.record = (struct record){0};
        return 0;
}

/* The size without its tail of zeros. */
static size_t used_size(struct bytes file) {
        size_t n = file.n;
        while (n > 0 && file.p[n - 1] == 0)
                n--;
        return n;
}

/* Cheap: is there something like the beginning of a frame? */
static bool may_be_frame(struct bytes b) {
        uint32_t n;
        if (b.n < FRAME_LEAST || bytes_take_u32(&b, &n) < 0)
                return false;
        return n >= 2 && n <= AUDIT_RECORD_MAX && n + AUDIT_HASH_SIZE <= b.n && b.p[0] < RECORD_EVENT_MAX &&
               (b.p[1] == RECORD_SUCCESS || b.p[1] == RECORD_FAILURE);
}

size_t audit_find_frame(struct bytes file, size_t from, const uint8_t epoch[16], uint64_t min_seq) {
        size_t used = used_size(file);
        for (size_t at = from; at < used; at++) {
                _cleanup_(audit_frame_clear) struct audit_frame f = {.record.event = RECORD_EVENT_INVALID};
                struct bytes rest = {file.p + at, file.n - at};
                if (may_be_frame(rest) && audit_frame_read(rest, epoch, min_seq, &f) == 0)
                        return at;
        }
        return file.n;
}

static void note_frame(struct audit_walk *w, const struct audit_frame *f) {
        if (f->seq != w->last + 1 || memcmp(f->prev, w->hash, sizeof(w->hash)) != 0)
                w->breaks++;
        w->last = f->seq;
        memcpy(w->hash, f->hash, sizeof(w->hash));
        w->end += f->size;
}

int audit_walk(struct bytes file, struct audit_walk *ret) {
        struct audit_walk w = {0};
        int r = audit_header_read(file, &w.header);
        if (r < 0)
                return r;
        w.last = w.header.first - 1;
        memcpy(w.hash, w.header.prev, sizeof(w.hash));
        w.end = AUDIT_HEADER_SIZE;
        for (;;) {
                _cleanup_(audit_frame_clear) struct audit_frame f = {.record.event = RECORD_EVENT_INVALID};
                struct bytes rest = {file.p + w.end, file.n - w.end};
                r = audit_frame_read(rest, w.header.epoch, w.last + 1, &f);
                if (r == -ENOMEM)
                        return r;
                if (r == 0) {
                        note_frame(&w, &f);
                        continue;
                }
                size_t next = audit_find_frame(file, w.end, w.header.epoch, w.last + 1);
                if (next == file.n)
                        break;
                w.damaged += next - w.end;
                w.end = next;
        }
        size_t used = used_size(file);
        w.torn = used > w.end ? used - w.end : 0;
        *ret = w;
        return 0;
}
