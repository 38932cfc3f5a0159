/* SPDX-License-Identifier: Apache-2.0 */
/* Which records were seen, by number. */
#include "cli/audit_seen.h"

#include <errno.h>

struct audit_seen {
        struct {
                uint64_t seq, epoch;
        } records[AUDIT_SEEN_MAX]; /* by number */
};

int audit_seen_new(struct audit_seen **ret) {
        struct audit_seen *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        *ret = s;
        return 0;
}

struct audit_seen *audit_seen_free(struct audit_seen *s) {
        free(s);
        return NULL;
}

void audit_seen_reset(struct audit_seen *s) {
        memset(s, 0, sizeof(*s));
}

bool audit_seen_again(struct audit_seen *s, const struct audit_entry *e) {
        char id[33];
        uint64_t seq, epoch;
        uint8_t prev[AUDIT_HASH_SIZE], bytes[16];
        size_t n;
        if (audit_read_links(audit_entry_field(e, RECORD_FIELD_EPOCH),
                             audit_entry_field(e, RECORD_FIELD_SEQ), audit_entry_field(e, RECORD_FIELD_PREV),
                             id, &seq, prev) < 0 ||
            hex_decode(id, bytes, sizeof(bytes), &n) < 0)
                return false;
        memcpy(&epoch, bytes, sizeof(epoch));
        size_t at = seq % AUDIT_SEEN_MAX;
        if (s->records[at].seq == seq && s->records[at].epoch == epoch)
                return true;
        s->records[at].seq = seq;
        s->records[at].epoch = epoch;
        return false;
}
