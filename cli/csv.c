/* SPDX-License-Identifier: Apache-2.0 */
/* Comma-separated values, RFC 4180. */
#include "cli/csv.h"

#include <errno.h>

#include "cli/cli.h"
#include "common/util.h"

enum after { AFTER_FIELD, AFTER_RECORD, AFTER_TEXT };

struct reading {
        struct csv *csv;
        struct csv_record *record;
        size_t used; /* of record->text */
        const char *problem;
};

static bool at_end(const struct csv *c) {
        return c->left.n == 0;
}

static uint8_t take(struct csv *c) {
        uint8_t b = c->left.p[0];
        c->left.p++;
        c->left.n--;
        if (b == '\n')
                c->line++;
        return b;
}

/* LF, or CR with a LF behind it. */
static bool is_line_end(const struct csv *c) {
        return !at_end(c) &&
               (c->left.p[0] == '\n' || (c->left.p[0] == '\r' && c->left.n > 1 && c->left.p[1] == '\n'));
}

static void take_line_end(struct csv *c) {
        if (take(c) == '\r')
                (void) take(c);
}

static bool wrong(struct reading *r, const char *problem) {
        r->problem = problem;
        return false;
}

static bool put(struct reading *r, uint8_t b) {
        if (b == 0)
                return wrong(r, N_("There is a zero byte in this line."));
        if (r->used + 1 >= CSV_RECORD_MAX) /* the terminator must fit too */
                return wrong(r, N_("This line is too long."));
        r->record->text[r->used++] = (char) b;
        return true;
}

static bool read_quoted(struct reading *r) {
        struct csv *c = r->csv;
        (void) take(c);
        for (;;) {
                if (at_end(c))
                        return wrong(r, N_("A quote that begins in this line never ends."));
                uint8_t b = take(c);
                if (b == '"' && (at_end(c) || c->left.p[0] != '"'))
                        return true;
                if (b == '"')
                        (void) take(c);
                if (!put(r, b))
                        return false;
        }
}

static bool read_plain(struct reading *r) {
        struct csv *c = r->csv;
        while (!at_end(c) && c->left.p[0] != ',' && !is_line_end(c)) {
                if (c->left.p[0] == '"')
                        return wrong(r, N_("A field with a quote in it must be quoted as a whole, with each "
                                           "quote written twice."));
                if (!put(r, take(c)))
                        return false;
        }
        return true;
}

static bool read_field(struct reading *r, enum after *ret) {
        struct csv *c = r->csv;
        struct csv_record *record = r->record;
        if (record->n == CSV_FIELDS_MAX)
                return wrong(r, N_("This line has too many fields."));
        record->fields[record->n++] = record->text + r->used;
        if (!(!at_end(c) && c->left.p[0] == '"' ? read_quoted(r) : read_plain(r)))
                return false;
        if (r->used >= CSV_RECORD_MAX)
                return wrong(r, N_("This line is too long."));
        record->text[r->used++] = 0;
        if (at_end(c)) {
                *ret = AFTER_TEXT;
        } else if (c->left.p[0] == ',') {
                (void) take(c);
                *ret = AFTER_FIELD;
        } else if (is_line_end(c)) {
                take_line_end(c);
                *ret = AFTER_RECORD;
        } else {
                return wrong(r, N_("Something follows a quoted field; a comma should."));
        }
        return true;
}

/* To the line after a mistake: quotes are not looked at, as one that is missing would take all the rest. */
static void skip_line(struct csv *c, unsigned line) {
        while (!at_end(c) && c->line == line)
                (void) take(c);
}

void csv_begin(struct csv *c, struct bytes text) {
        static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
        if (text.n >= sizeof(mark) && memcmp(text.p, mark, sizeof(mark)) == 0)
                text = (struct bytes){text.p + sizeof(mark), text.n - sizeof(mark)};
        *c = (struct csv){.left = text, .line = 1};
}

int csv_next(struct csv *c, struct csv_record *ret, const char **ret_problem) {
        while (is_line_end(c))
                take_line_end(c);
        struct reading r = {.csv = c, .record = ret};
        const struct csv begin = *c;
        enum after after = AFTER_FIELD;
        ret->line = c->line;
        ret->n = 0;
        if (at_end(c))
                return 0;
        while (after == AFTER_FIELD) {
                if (!read_field(&r, &after)) {
                        *c = begin;
                        skip_line(c, begin.line);
                        *ret_problem = r.problem;
                        return -EBADMSG;
                }
        }
        return 1;
}

void csv_print(FILE *f, const char *field) {
        if (!field[strcspn(field, ",\"\r\n")]) {
                (void) fputs(field, f);
                return;
        }
        (void) fputc('"', f);
        for (; *field; field++) {
                if (*field == '"')
                        (void) fputc('"', f);
                (void) fputc(*field, f);
        }
        (void) fputc('"', f);
}
