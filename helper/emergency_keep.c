/* SPDX-License-Identifier: Apache-2.0 */
/* Emergencies as bytes, and out of records. */
#include "helper/emergency.h"

#include "common/socket.h"

#include <errno.h>

#define MAGIC "WARDTAP-EMERGENCY1\n"
#define MAGIC_SIZE (sizeof(MAGIC) - 1)

void emergency_list_clear(struct emergency_list *l) {
        for (size_t i = 0; i < l->n_owed; i++)
                record_clear(&l->owed[i]);
        *l = (struct emergency_list){0};
}

/* --- writing */

static void write_entry(struct writer *w, const struct emergency_entry *e) {
        writer_u32(w, e->uid);
        writer_string(w, e->user);
        writer_string(w, e->person);
        writer_string(w, e->attempt);
        writer_string(w, e->review);
        writer_string(w, e->claimed);
        writer_u64(w, e->until_boot_usec);
        writer_u8(w, e->drill);
}

static void write_owed(struct writer *w, const struct record *r) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        struct writer part = {.p = buf, .size = sizeof(buf)};
        size_t n = 0;
        record_write(&part, r);
        if (writer_end(&part, &n) >= 0)
                writer_blob(w, buf, n);
}

void emergency_list_write(struct writer *w, const struct emergency_list *list) {
        writer_bytes(w, MAGIC, MAGIC_SIZE);
        writer_u64(w, list->drill_boot_usec);
        writer_u8(w, (uint8_t) list->n);
        for (size_t i = 0; i < list->n; i++)
                write_entry(w, &list->entries[i]);
        for (size_t i = 0; i < list->n_owed; i++)
                write_owed(w, &list->owed[i]);
}

/* --- reading */

static bool is_hex(const char *s, size_t n) {
        return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

static bool is_entry(const struct emergency_entry *e) {
        return e->uid != (uid_t) -1 && e->user[0] && text_is_clean(e->user, sizeof(e->user) - 1) &&
               text_is_clean(e->person, sizeof(e->person) - 1) && is_hex(e->attempt, 32) &&
               is_hex(e->review, 12) && text_is_clean(e->claimed, sizeof(e->claimed) - 1);
}

static int read_entry(struct bytes *b, struct emergency_entry *e) {
        int r;
        if ((r = bytes_take_u32(b, &e->uid)) < 0 ||
            (r = bytes_take_string(b, e->user, sizeof(e->user))) < 0 ||
            (r = bytes_take_string(b, e->person, sizeof(e->person))) < 0 ||
            (r = bytes_take_string(b, e->attempt, sizeof(e->attempt))) < 0 ||
            (r = bytes_take_string(b, e->review, sizeof(e->review))) < 0 ||
            (r = bytes_take_string(b, e->claimed, sizeof(e->claimed))) < 0 ||
            (r = bytes_take_u64(b, &e->until_boot_usec)) < 0 || (r = bytes_take_bool(b, &e->drill)) < 0)
                return r;
        return is_entry(e) ? 0 : -EBADMSG;
}

static int read_entries(struct bytes *b, struct emergency_list *l) {
        uint8_t n;
        int r = bytes_take_u8(b, &n);
        if (r < 0 || n > EMERGENCIES_MAX)
                return r < 0 ? r : -EBADMSG;
        for (; r == 0 && l->n < n; l->n += r == 0) {
                r = read_entry(b, &l->entries[l->n]);
                for (size_t i = 0; r == 0 && i < l->n; i++)
                        if (l->entries[i].uid == l->entries[l->n].uid)
                                r = -EBADMSG;
        }
        return r;
}

static int read_owed(struct bytes *b, struct emergency_list *l) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        size_t n;
        if (l->n_owed == EMERGENCY_OWED_MAX)
                return -EBADMSG;
        int r = bytes_take_blob_copy(b, 0, sizeof(buf), buf, &n);
        if (r == 0)
                r = record_read((struct bytes){buf, n}, &l->owed[l->n_owed]);
        if (r == 0)
                l->n_owed++;
        return r;
}

int emergency_list_read(struct bytes b, struct emergency_list *ret) {
        _cleanup_(emergency_list_clear) struct emergency_list l = {0};
        uint8_t magic[MAGIC_SIZE];
        int r = bytes_take_copy(&b, magic, sizeof(magic));
        if (r == 0 && memcmp(magic, MAGIC, MAGIC_SIZE) != 0)
                r = -EBADMSG;
        if (r == 0)
                r = bytes_take_u64(&b, &l.drill_boot_usec);
        if (r == 0)
                r = read_entries(&b, &l);
        while (r == 0 && b.n > 0)
                r = read_owed(&b, &l);
        if (r < 0)
                return r;
        *ret = l;
        l = (struct emergency_list){0};
        return 0;
}

/* --- records */

static int copy(const struct record *r, enum record_field f, char *buf, size_t size) {
        return text_copy(buf, size, r->fields[f] ? r->fields[f] : "");
}

int emergency_entry_read(const struct record *r, uint64_t now_real_usec, uint64_t now_boot_usec,
                         struct emergency_entry *ret) {
        struct emergency_entry e = {0};
        const char *uid = r->fields[RECORD_FIELD_UID], *until = r->fields[RECORD_FIELD_UNTIL_USEC],
                   *detail = r->fields[RECORD_FIELD_DETAIL];
        uint64_t number, end;
        if (!uid || !until || parse_u64(uid, UINT32_MAX - 1, &number) < 0 ||
            parse_u64(until, UINT64_MAX, &end) < 0 || end <= now_real_usec ||
            copy(r, RECORD_FIELD_USER, e.user, sizeof(e.user)) < 0 ||
            copy(r, RECORD_FIELD_PERSON, e.person, sizeof(e.person)) < 0 ||
            copy(r, RECORD_FIELD_ATTEMPT, e.attempt, sizeof(e.attempt)) < 0 ||
            copy(r, RECORD_FIELD_REVIEW, e.review, sizeof(e.review)) < 0 ||
            copy(r, RECORD_FIELD_CLAIMED, e.claimed, sizeof(e.claimed)) < 0)
                return -EBADMSG;
        uint64_t left = end - now_real_usec;
        e.uid = (uid_t) number;
        e.until_boot_usec = now_boot_usec + (left < EMERGENCY_MOST_USEC ? left : EMERGENCY_MOST_USEC);
        e.drill = detail && strstr(detail, "; drill");
        if (!is_entry(&e))
                return -EBADMSG;
        *ret = e;
        return 0;
}
