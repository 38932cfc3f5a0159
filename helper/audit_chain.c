/* SPDX-License-Identifier: Apache-2.0 */
/* The text and hash of a record in the chain. */
#include "helper/audit_chain.h"

#include "common/socket.h"
#include "common/util.h"

#include <errno.h>
#include <openssl/evp.h>

struct line {
        const char *name, *value;
};

static int compare_lines(const void *a, const void *b) {
        return strcmp(((const struct line *) a)->name, ((const struct line *) b)->name);
}

static void write_line(struct writer *w, const struct line *l) {
        writer_bytes(w, l->name, strlen(l->name));
        writer_bytes(w, "=", 1);
        writer_bytes(w, l->value, strlen(l->value));
        writer_bytes(w, "\n", 1);
}

void audit_canonical(const struct record *r, struct writer *w) {
        struct line lines[RECORD_FIELD_MAX + 3] = {
                {"MESSAGE_ID", record_event_message_id(r->event)},
                {"WARDTAP_EVENT", record_event_name(r->event)},
                {"WARDTAP_OUTCOME", r->outcome == RECORD_SUCCESS ? "0" : "4"},
        };
        size_t n = 3;
        for (unsigned i = 0; i < RECORD_FIELD_MAX; i++)
                if (r->fields[i] && i != RECORD_FIELD_PREV)
                        lines[n++] = (struct line){record_field_name((enum record_field) i), r->fields[i]};
        qsort(lines, n, sizeof(lines[0]), compare_lines);
        for (size_t i = 0; i < n; i++)
                write_line(w, &lines[i]);
}

int audit_hash(const struct record *r, const uint8_t prev[AUDIT_HASH_SIZE], uint8_t ret[AUDIT_HASH_SIZE]) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t n;
        writer_bytes(&w, prev, AUDIT_HASH_SIZE);
        audit_canonical(r, &w);
        int e = writer_end(&w, &n);
        if (e < 0)
                return e;
        return EVP_Digest(buf, n, ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

int audit_links(const struct record *r, char ret_epoch[33], uint64_t *ret_seq,
                uint8_t ret_prev[AUDIT_HASH_SIZE]) {
        const char *epoch = r->fields[RECORD_FIELD_EPOCH], *seq = r->fields[RECORD_FIELD_SEQ],
                   *prev = r->fields[RECORD_FIELD_PREV];
        uint8_t bytes[AUDIT_HASH_SIZE];
        uint64_t number;
        size_t n;
        if (!epoch || !seq || !prev || strlen(epoch) != 32 || parse_u64(seq, UINT64_MAX - 1, &number) < 0 ||
            number == 0 || hex_decode(prev, bytes, sizeof(bytes), &n) < 0 || n != sizeof(bytes))
                return -EBADMSG;
        memcpy(ret_epoch, epoch, 33);
        memcpy(ret_prev, bytes, sizeof(bytes));
        *ret_seq = number;
        return 0;
}
