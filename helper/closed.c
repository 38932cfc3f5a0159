/* SPDX-License-Identifier: Apache-2.0 */
/* The list of sessions that were ended, and its file. */
#include "helper/closed.h"

#include "helper/log.h"
#include "helper/small_file.h"

#include <errno.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#define MAGIC "WARDTAP-CLOSED1\n"
#define MAGIC_SIZE (sizeof(MAGIC) - 1)

struct closed {
        const char *path;
        struct closed_list list;
};

static size_t find(const struct closed_list *l, uid_t uid) {
        size_t i = 0;
        while (i < l->n && l->entries[i].uid != uid)
                i++;
        return i;
}

static void drop(struct closed_list *l, size_t i) {
        l->n--;
        memmove(&l->entries[i], &l->entries[i + 1], (l->n - i) * sizeof(l->entries[0]));
}

static bool is_entry(const struct closed_entry *e) {
        return e->uid != (uid_t) -1 && e->when_usec != 0 && e->reason >= CLOSED_LIMIT &&
               e->reason < CLOSED_REASON_MAX;
}

const char *closed_reason_name(enum closed_reason reason) {
        static const char *const names[] = {
                [CLOSED_LIMIT] = "limit",
                [CLOSED_MEMORY] = "memory",
                [CLOSED_PARKED] = "parked",
                [CLOSED_ENDED] = "ended",
        };
        return reason >= CLOSED_LIMIT && reason < CLOSED_REASON_MAX ? names[reason] : "";
}

enum closed_reason closed_reason_from_name(const char *name) {
        for (unsigned i = CLOSED_LIMIT; i < CLOSED_REASON_MAX; i++)
                if (strcmp(closed_reason_name((enum closed_reason) i), name) == 0)
                        return (enum closed_reason) i;
        return CLOSED_ENDED;
}

void closed_write(struct writer *w, const struct closed_list *list) {
        writer_bytes(w, MAGIC, MAGIC_SIZE);
        for (size_t i = 0; i < list->n; i++) {
                writer_u32(w, list->entries[i].uid);
                writer_u64(w, list->entries[i].when_usec);
                writer_u8(w, (uint8_t) list->entries[i].reason);
        }
}

static int read_entry(struct bytes *b, struct closed_list *l) {
        struct closed_entry e = {0};
        uint8_t reason;
        int r;
        if ((r = bytes_take_u32(b, &e.uid)) < 0 || (r = bytes_take_u64(b, &e.when_usec)) < 0 ||
            (r = bytes_take_u8(b, &reason)) < 0)
                return r;
        e.reason = (enum closed_reason) reason;
        if (l->n == CLOSED_MAX || !is_entry(&e) || find(l, e.uid) < l->n)
                return -EBADMSG;
        l->entries[l->n++] = e;
        return 0;
}

int closed_read(struct bytes b, struct closed_list *ret) {
        struct closed_list l = {.n = 0};
        uint8_t magic[MAGIC_SIZE];
        int r = bytes_take_copy(&b, magic, sizeof(magic));
        if (r >= 0 && memcmp(magic, MAGIC, MAGIC_SIZE) != 0)
                r = -EBADMSG;
        while (r >= 0 && b.n > 0)
                r = read_entry(&b, &l);
        if (r < 0)
                return r;
        *ret = l;
        return 0;
}

static int load(const char *path, struct closed_list *ret) {
        _cleanup_(freep) uint8_t *p = NULL;
        size_t n;
        int r = small_file_read(path, &p, &n);
        return r < 0 ? r : closed_read((struct bytes){p, n}, ret);
}

static int save(const struct closed *c) {
        uint8_t buf[CLOSED_BYTES_MAX];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t size = 0;
        closed_write(&w, &c->list);
        int r = writer_end(&w, &size);
        return r < 0 ? r : small_file_write(c->path, buf, size);
}

int closed_note(struct closed *c, uid_t uid, uint64_t when_usec, enum closed_reason reason) {
        const struct closed_entry e = {uid, when_usec, reason};
        if (!is_entry(&e))
                return -EINVAL;
        size_t i = find(&c->list, uid);
        if (i < c->list.n)
                drop(&c->list, i);
        else if (c->list.n == CLOSED_MAX)
                drop(&c->list, 0);
        c->list.entries[c->list.n++] = e;
        return save(c);
}

void closed_note_record(struct closed *c, const struct record *record, uint64_t when_usec) {
        const char *uid = record->fields[RECORD_FIELD_UID], *reason = record->fields[RECORD_FIELD_REASON];
        const char *requestor = record->fields[RECORD_FIELD_REQUESTOR];
        uint64_t number;
        if (record->event != RECORD_SIGN_OUT || !uid || !reason || !requestor ||
            strcmp(requestor, "node") != 0 || parse_u64(uid, UINT32_MAX - 1, &number) < 0)
                return;
        int r = closed_note(c, (uid_t) number, when_usec, closed_reason_from_name(reason));
        if (r < 0)
                log_line(SD_WARNING, "Cannot write %s: %s", c->path, strerror(-r));
}

bool closed_find(const struct closed *c, uid_t uid, uint64_t *ret_when_usec,
                 enum closed_reason *ret_reason) {
        size_t i = find(&c->list, uid);
        if (i == c->list.n)
                return false;
        *ret_when_usec = c->list.entries[i].when_usec;
        *ret_reason = c->list.entries[i].reason;
        return true;
}

bool closed_take(struct closed *c, uid_t uid, uint64_t *ret_when_usec, enum closed_reason *ret_reason) {
        if (!closed_find(c, uid, ret_when_usec, ret_reason))
                return false;
        drop(&c->list, find(&c->list, uid));
        int r = save(c);
        if (r < 0)
                log_line(SD_WARNING, "Cannot write %s: %s", c->path, strerror(-r));
        return true;
}

int closed_new(const char *path, struct closed **ret) {
        struct closed *c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->path = path;
        int r = load(path, &c->list);
        if (r < 0 && r != -ENOENT)
                log_line(SD_WARNING, "Nobody is told of a session that was closed before: %s: %s", path,
                         strerror(-r));
        *ret = c;
        return 0;
}

struct closed *closed_free(struct closed *c) {
        free(c);
        return NULL;
}
