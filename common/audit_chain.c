/* SPDX-License-Identifier: Apache-2.0 */
/* The text and hash of a record in the chain. */
#include "common/audit_chain.h"

#include "common/socket.h"
#include "common/util.h"

#include <errno.h>
#include <openssl/evp.h>

static int compare_lines(const void *a, const void *b) {
        const struct bytes *x = &((const struct audit_line *) a)->name,
                           *y = &((const struct audit_line *) b)->name;
        int r = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
        return r != 0 ? r : (x->n > y->n) - (x->n < y->n);
}

void audit_write_lines(struct audit_line *lines, size_t n, struct writer *w) {
        qsort(lines, n, sizeof(lines[0]), compare_lines);
        for (size_t i = 0; i < n; i++) {
                writer_bytes(w, lines[i].name.p, lines[i].name.n);
                writer_bytes(w, "=", 1);
                writer_bytes(w, lines[i].value.p, lines[i].value.n);
                writer_bytes(w, "\n", 1);
        }
}

int audit_hash_lines(struct audit_line *lines, size_t n, const uint8_t prev[AUDIT_HASH_SIZE],
                     uint8_t ret[AUDIT_HASH_SIZE]) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t size;
        writer_bytes(&w, prev, AUDIT_HASH_SIZE);
        audit_write_lines(lines, n, &w);
        int e = writer_end(&w, &size);
        if (e < 0)
                return e;
        return EVP_Digest(buf, size, ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

#define LINES_MAX (RECORD_FIELD_MAX + 3)

static struct bytes text(const char *s) {
        return (struct bytes){(const uint8_t *) s, strlen(s)};
}

static size_t lines_of(const struct record *r, struct audit_line ret[LINES_MAX]) {
        size_t n = 0;
        ret[n++] = (struct audit_line){text("MESSAGE_ID"), text(record_event_message_id(r->event))};
        ret[n++] = (struct audit_line){text("WARDTAP_EVENT"), text(record_event_name(r->event))};
        ret[n++] =
                (struct audit_line){text("WARDTAP_OUTCOME"), text(r->outcome == RECORD_SUCCESS ? "0" : "4")};
        for (unsigned i = 0; i < RECORD_FIELD_MAX; i++)
                if (r->fields[i] && i != RECORD_FIELD_PREV)
                        ret[n++] = (struct audit_line){text(record_field_name((enum record_field) i)),
                                                       text(r->fields[i])};
        return n;
}

void audit_canonical(const struct record *r, struct writer *w) {
        struct audit_line lines[LINES_MAX];
        audit_write_lines(lines, lines_of(r, lines), w);
}

int audit_hash(const struct record *r, const uint8_t prev[AUDIT_HASH_SIZE], uint8_t ret[AUDIT_HASH_SIZE]) {
        struct audit_line lines[LINES_MAX];
        return audit_hash_lines(lines, lines_of(r, lines), prev, ret);
}

int audit_read_links(const char *epoch, const char *seq, const char *prev, char ret_epoch[33],
                     uint64_t *ret_seq, uint8_t ret_prev[AUDIT_HASH_SIZE]) {
        uint8_t bytes[AUDIT_HASH_SIZE], id[16];
        uint64_t number;
        size_t n;
        if (!epoch || !seq || !prev || hex_decode(epoch, id, sizeof(id), &n) < 0 || n != sizeof(id) ||
            parse_u64(seq, UINT64_MAX - 1, &number) < 0 || number == 0 ||
            hex_decode(prev, bytes, sizeof(bytes), &n) < 0 || n != sizeof(bytes))
                return -EBADMSG;
        memcpy(ret_epoch, epoch, 33);
        memcpy(ret_prev, bytes, sizeof(bytes));
        *ret_seq = number;
        return 0;
}

int audit_links(const struct record *r, char ret_epoch[33], uint64_t *ret_seq,
                uint8_t ret_prev[AUDIT_HASH_SIZE]) {
        return audit_read_links(r->fields[RECORD_FIELD_EPOCH], r->fields[RECORD_FIELD_SEQ],
                                r->fields[RECORD_FIELD_PREV], ret_epoch, ret_seq, ret_prev);
}
