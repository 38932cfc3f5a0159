/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's export format. */
#include "cli/audit_export.h"

#include <errno.h>

#include "common/util.h"

#define STAMP_MAX 20U

/* NAME up to "=" or the end of the line, which *ret_end then is. An empty name with a newline ends the
 * entry. -EBADMSG for what is no name; *ret_end is EOF at the end of the file. */
static int read_name(FILE *f, char ret[AUDIT_NAME_SIZE], int *ret_end) {
        size_t n = 0;
        for (;;) {
                int c = getc_unlocked(f);
                if (c == '=' || c == '\n' || c == EOF) {
                        ret[n] = 0;
                        *ret_end = c;
                        return (c == '=' || c == EOF) && n == 0 && c != EOF ? -EBADMSG : 0;
                }
                if (n == AUDIT_NAME_SIZE - 1 ||
                    !((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
                        return -EBADMSG;
                ret[n++] = (char) c;
        }
}

struct value {
        uint8_t p[AUDIT_VALUE_MAX];
        size_t n;
        bool cut;
};

static void put(struct value *v, int c) {
        if (v->n == sizeof(v->p))
                v->cut = true;
        else
                v->p[v->n++] = (uint8_t) c;
}

static int read_line(FILE *f, struct value *v) {
        for (int c; (c = getc_unlocked(f)) != '\n'; put(v, c))
                if (c == EOF)
                        return -EBADMSG;
        return 0;
}

static int read_binary(FILE *f, struct value *v) {
        uint64_t size = 0;
        for (unsigned shift = 0; shift < 64; shift += 8) {
                int c = getc_unlocked(f);
                if (c == EOF)
                        return -EBADMSG;
                size |= (uint64_t) (uint8_t) c << shift;
        }
        for (; size > 0; size--) {
                int c = getc_unlocked(f);
                if (c == EOF)
                        return -EBADMSG;
                put(v, c);
        }
        return getc_unlocked(f) == '\n' ? 0 : -EBADMSG;
}

static int read_stamp(const struct value *v, uint64_t *ret) {
        char text[STAMP_MAX + 1];
        if (v->cut || v->n > STAMP_MAX || memchr(v->p, 0, v->n))
                return -EBADMSG;
        memcpy(text, v->p, v->n);
        text[v->n] = 0;
        return parse_u64(text, UINT64_MAX, ret) < 0 ? -EBADMSG : 0;
}

static int take_field(struct audit_entry *e, const char *name, const struct value *v) {
        if (strcmp(name, "__REALTIME_TIMESTAMP") == 0)
                return read_stamp(v, &e->taken_usec);
        if (strcmp(name, "__MONOTONIC_TIMESTAMP") == 0)
                return read_stamp(v, &e->monotonic_usec);
        audit_entry_add(e, name, (struct bytes){v->p, v->n}, v->cut);
        return 0;
}

static int read_entry(FILE *f, struct audit_entry *e) {
        for (size_t fields = 0;; fields++) {
                struct value v;
                char name[AUDIT_NAME_SIZE];
                int end, r = read_name(f, name, &end);
                if (r < 0)
                        return r;
                if (!name[0] && end == '\n') {
                        if (fields > 0)
                                return 1;
                        fields--; /* more than one empty line between two */
                        continue;
                }
                if (end == EOF)
                        return fields == 0 && !name[0] ? 0 : -EBADMSG;
                v.n = 0;
                v.cut = false;
                r = end == '=' ? read_line(f, &v) : read_binary(f, &v);
                if (r >= 0)
                        r = take_field(e, name, &v);
                if (r < 0)
                        return r;
        }
}

int audit_export_next(FILE *f, struct audit_entry *ret) {
        audit_entry_reset(ret);
        int r = read_entry(f, ret);
        return ferror(f) ? -EIO : r;
}
