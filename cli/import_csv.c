/* SPDX-License-Identifier: Apache-2.0 */
/* An import as comma-separated values: the first line says what the columns are. */
#include <errno.h>

#include "cli/cli.h"
#include "cli/csv.h"
#include "cli/import_file.h"
#include "common/util.h"

enum column { USER, FULL_NAME, NOT_BEFORE, NOT_AFTER, KIND, STATE, BADGE_NUMBERS, IGNORED, COLUMN_MAX };

static const struct {
        const char *title;
        enum column column;
} titles[] = {
        {"user", USER},
        {"full_name", FULL_NAME},
        {"not_before", NOT_BEFORE},
        {"not_after", NOT_AFTER},
        {"kind", KIND},
        {"state", STATE},
        {"badge_numbers", BADGE_NUMBERS},
        /* what an export says beside these */
        {"added", IGNORED},
        {"ended", IGNORED},
        {"badge_tokens", IGNORED},
};

struct columns {
        size_t n;
        enum column of[CSV_FIELDS_MAX];
};

static bool take_title(struct import *im, const struct csv_record *r, size_t i, struct columns *ret) {
        for (size_t k = 0; k < ELEMENTSOF(titles); k++) {
                if (strcmp(r->fields[i], titles[k].title) != 0)
                        continue;
                for (size_t j = 0; j < i; j++)
                        if (strcmp(r->fields[j], r->fields[i]) == 0)
                                return import_problem(im, r->line, _("The title '%.40s' stands twice."),
                                                      r->fields[i]),
                                       false;
                ret->of[i] = titles[k].column;
                return true;
        }
        import_problem(im, r->line,
                       _("'%.40s' is no title of a column. There are: user, full_name, not_before, "
                         "not_after, kind, state, badge_numbers."),
                       r->fields[i]);
        return false;
}

static bool take_titles(struct import *im, const struct csv_record *r, struct columns *ret) {
        bool user = false, name = false;
        for (size_t i = 0; i < r->n; i++) {
                if (!take_title(im, r, i, ret))
                        return false;
                user |= ret->of[i] == USER;
                name |= ret->of[i] == FULL_NAME;
        }
        ret->n = r->n;
        if (user && name)
                return true;
        import_problem(
                im, r->line, "%s",
                _("The first line holds the titles of the columns; user and full_name must be there."));
        return false;
}

static int take_record(struct import *im, const struct columns *c, const struct csv_record *r,
                       uint64_t now_usec) {
        const char *text[COLUMN_MAX] = {NULL};
        if (r->n != c->n) {
                import_problem(im, r->line, _("This line has %zu fields, and the first one has %zu."), r->n,
                               c->n);
                return 0;
        }
        for (size_t i = 0; i < r->n; i++)
                text[c->of[i]] = r->fields[i];
        const struct import_fields f = {.user = text[USER],
                                        .full_name = text[FULL_NAME],
                                        .not_before = text[NOT_BEFORE],
                                        .not_after = text[NOT_AFTER],
                                        .kind = text[KIND],
                                        .state = text[STATE],
                                        .badge_numbers = text[BADGE_NUMBERS]};
        return import_add(im, &f, r->line, now_usec);
}

static void erase_record(struct csv_record *r) {
        explicit_bzero(r, sizeof(*r));
}

int import_read_csv(struct import *im, struct bytes text, uint64_t now_usec) {
        _cleanup_(erase_record) struct csv_record r;
        struct columns columns = {0};
        struct csv csv;
        const char *problem = NULL;
        bool titled = false;
        int e;
        csv_begin(&csv, text);
        while ((e = csv_next(&csv, &r, &problem)) != 0) {
                if (e < 0)
                        import_problem(im, r.line, "%s", _(problem));
                if (e < 0 && titled)
                        continue;
                if (e < 0 || (!titled && !take_titles(im, &r, &columns)))
                        return 0; /* nothing can be said of the rest */
                if (titled && (e = take_record(im, &columns, &r, now_usec)) < 0)
                        return e;
                titled = true;
        }
        if (!titled)
                import_problem(im, 1, "%s", _("The file is empty."));
        return 0;
}
