/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap stats`: how sign-ins go, from the journal's records. Nobody is named, and no count is shown that
 * says what a few people did. */
#include <errno.h>
#include <inttypes.h>

#include "cli/audit_seen.h"
#include "cli/audit_source.h"
#include "cli/output.h"
#include "cli/stats_hide.h"
#include "cli/when.h"
#include "common/socket.h"

#define MONTH_USEC ((uint64_t) 30 * 24 * 3600 * 1000000)

/* One table of counts with its sums: a row for each group and one for all. */
struct counts {
        struct hide_table table;
        struct hide_cell *cells; /* owned */
        int *of;                 /* owned: what each column is, but the last one, which is the sum */
};

struct report {
        struct audit_source source;
        struct audit_seen *seen; /* owned */
        struct stats *stats;     /* owned */
        uint64_t since_usec, until_usec;
        enum stats_by by;
        size_t rows;                          /* groups, and all */
        const struct stats_group **groups;    /* owned; the last is all */
        struct counts factors, reasons;       /* with STATS_SIGN_INS and STATS_REFUSALS as sums */
        struct counts one[STATS_MEASURE_MAX]; /* a column each */
};

static void counts_clear(struct counts *c) {
        freep(&c->cells);
        freep(&c->of);
}

static void report_clear(struct report *r) {
        audit_source_close(&r->source);
        r->seen = audit_seen_free(r->seen);
        r->stats = stats_free(r->stats);
        freep(&r->groups);
        counts_clear(&r->factors);
        counts_clear(&r->reasons);
        for (size_t i = 0; i < STATS_MEASURE_MAX; i++)
                counts_clear(&r->one[i]);
}

/* --- Reading */

static int add(struct report *r, const struct audit_entry *e) {
        const char *time = audit_entry_field(e, RECORD_FIELD_TIME_USEC);
        uint64_t usec;
        if (!e->claims || e->is_damaged || audit_trust_judge(&r->source.trust, e) != AUDIT_SENDER_OURS)
                return 0;
        if (!time || parse_u64(time, UINT64_MAX, &usec) < 0)
                usec = e->taken_usec;
        if (usec < r->since_usec || usec > r->until_usec || audit_seen_again(r->seen, e))
                return 0;
        return stats_add(r->stats, e, usec);
}

static int read_all(struct report *r) {
        _cleanup_(freep) struct audit_entry *e = malloc(sizeof(*e));
        int x = e ? 0 : -ENOMEM;
        while (x >= 0 && (x = audit_source_next(&r->source, e)) > 0)
                x = add(r, e);
        return x < 0 ? audit_source_failed(&r->source, x) : CLI_OK;
}

static int take_moment(const char *text, bool end_of_day, uint64_t now_usec, uint64_t *ret) {
        if (when_parse(text, end_of_day, now_usec, ret) >= 0)
                return CLI_OK;
        return fail(
                CLI_USAGE,
                _("'%s' is not a time. Write it as 2026-11-20, \"2026-11-20 07:30\", or 07:30 for today."),
                text);
}

static int take_span(const struct cli_arguments *args, struct report *r) {
        const char *since = args->option[OPTION_SINCE_MONTH], *until = args->option[OPTION_UP_TO];
        uint64_t now = now_realtime_usec();
        int x = CLI_OK;
        r->until_usec = UINT64_MAX;
        if (since)
                x = take_moment(since, false, now, &r->since_usec);
        else if (!args->option[OPTION_EXPORT] && !args->option[OPTION_DIRECTORY])
                r->since_usec = now - MONTH_USEC; /* what was brought from elsewhere is wanted as a whole */
        if (x == CLI_OK && until)
                x = take_moment(until, true, now, &r->until_usec);
        if (x == CLI_OK && r->until_usec < r->since_usec)
                return fail(CLI_USAGE, _("--until must be later than --since."));
        return x;
}

static int take_by(const char *text, enum stats_by *ret) {
        static const char *const names[STATS_BY_MAX] = {
                [STATS_BY_DAY] = "day", [STATS_BY_ROLE] = "role", [STATS_BY_STATION] = "station"};
        *ret = STATS_BY_NOTHING;
        for (unsigned i = 0; text && i < STATS_BY_MAX; i++)
                if (names[i] && strcmp(text, names[i]) == 0)
                        *ret = (enum stats_by) i;
        return !text || *ret != STATS_BY_NOTHING
                       ? CLI_OK
                       : fail(CLI_USAGE, _("--by takes day, role or station, not '%s'."), text);
}

/* --- Hiding */

static const struct stats_cell *cells_of(const struct stats_group *g, const struct counts *c,
                                         const struct report *r) {
        return c == &r->factors ? g->factors : c == &r->reasons ? g->reasons : g->measures;
}

/* The columns `of` of each group, and, with sum >= 0, that measure as their sum. */
static int hide(struct report *r, struct counts *c, int sum) {
        size_t n = c->table.columns;
        c->cells = calloc(r->rows * n, sizeof(*c->cells));
        if (!c->cells)
                return -ENOMEM;
        for (size_t i = 0; i < r->rows; i++)
                for (size_t j = 0; j < n; j++)
                        c->cells[i * n + j].cell = sum >= 0 && j == n - 1
                                                           ? &r->groups[i]->measures[sum]
                                                           : &cells_of(r->groups[i], c, r)[c->of[j]];
        c->table.rows = r->rows;
        c->table.cells = c->cells;
        return stats_hide(&c->table);
}

/* Only what was there at all makes a column. */
static int hide_parts(struct report *r, struct counts *c, size_t parts, int sum) {
        const struct stats_cell *all = cells_of(stats_all(r->stats), c, r);
        c->of = calloc(parts, sizeof(*c->of));
        if (!c->of)
                return -ENOMEM;
        for (size_t i = 0; i < parts; i++)
                if (all[i].n > 0)
                        c->of[c->table.columns++] = (int) i;
        c->table.columns++;
        return hide(r, c, sum);
}

static int hide_one_measure(struct report *r, unsigned measure) {
        struct counts *c = &r->one[measure];
        c->of = calloc(1, sizeof(*c->of));
        if (!c->of)
                return -ENOMEM;
        c->of[0] = (int) measure;
        c->table.columns = 1;
        return hide(r, c, -1);
}

static int hide_all(struct report *r) {
        size_t n;
        const struct stats_group *const *groups = stats_groups(r->stats, &n);
        r->rows = n + 1;
        r->groups = calloc(r->rows, sizeof(struct stats_group *));
        if (!r->groups)
                return -ENOMEM;
        for (size_t i = 0; i < r->rows; i++)
                r->groups[i] = i < n ? groups[i] : stats_all(r->stats);
        int x = hide_parts(r, &r->factors, STATS_FACTORS_MAX, STATS_SIGN_INS);
        if (x >= 0)
                x = hide_parts(r, &r->reasons, REASON_MAX, STATS_REFUSALS);
        for (unsigned i = 0; x >= 0 && i < STATS_MEASURE_MAX; i++)
                if (i != STATS_SIGN_INS && i != STATS_REFUSALS)
                        x = hide_one_measure(r, i);
        return x;
}

/* --- Numbers that may be shown. What was worked out from one that may not is not shown either. */

static const struct hide_cell *cell_at(const struct counts *c, size_t row, size_t column) {
        return &c->cells[row * c->table.columns + column];
}

static const struct hide_cell *sum_at(const struct counts *c, size_t row) {
        return cell_at(c, row, c->table.columns - 1);
}

static const struct hide_cell *measure_at(const struct report *r, size_t row, enum stats_measure m) {
        if (m == STATS_SIGN_INS)
                return sum_at(&r->factors, row);
        return m == STATS_REFUSALS ? sum_at(&r->reasons, row) : cell_at(&r->one[m], row, 0);
}

struct number {
        bool hidden, none; /* none: nothing to divide by */
        uint64_t tenths;
};

static struct number ratio(const struct hide_cell *part, uint64_t factor, uint64_t whole, bool hidden) {
        return (struct number){.hidden = part->hidden || (hidden && part->cell->n > 0),
                               .none = whole == 0,
                               .tenths = whole ? (part->cell->n * factor * 10 + whole / 2) / whole : 0};
}

/* Of all who came to sign in, those who needed the site's own way, in percent. */
static struct number fallback_share(const struct report *r, size_t row) {
        const struct hide_cell *f = measure_at(r, row, STATS_FALLBACKS),
                               *s = measure_at(r, row, STATS_SIGN_INS);
        return ratio(f, 100, f->cell->n + s->cell->n, s->hidden);
}

static struct number per_hundred(const struct report *r, size_t row, enum stats_measure m) {
        const struct hide_cell *s = measure_at(r, row, STATS_SIGN_INS);
        return ratio(measure_at(r, row, m), 100, s->cell->n, s->hidden);
}

static bool is_strong(int factors) {
        return factors == STATS_KEY || factors == STATS_BADGE_KEY || factors == STATS_KEY_VERIFY ||
               factors == STATS_BADGE_KEY_VERIFY;
}

static struct number per_strong(const struct report *r, size_t row) {
        bool hidden = false;
        for (size_t j = 0; j + 1 < r->factors.table.columns; j++)
                hidden = hidden || (is_strong(r->factors.of[j]) && cell_at(&r->factors, row, j)->hidden);
        return ratio(measure_at(r, row, STATS_REENTRIES), 1, stats_strong(r->groups[row]), hidden);
}

#define NUMBER_MAX 48U

static const char *count_text(const struct hide_cell *c, char buf[NUMBER_MAX]) {
        if (c->hidden)
                (void) snprintf(buf, NUMBER_MAX, "<%u", STATS_PEOPLE_MIN);
        else
                (void) snprintf(buf, NUMBER_MAX, "%" PRIu64, c->cell->n);
        return buf;
}

static const char *number_text(struct number n, const char *unit, char buf[NUMBER_MAX]) {
        if (n.hidden)
                (void) snprintf(buf, NUMBER_MAX, "<%u", STATS_PEOPLE_MIN);
        else if (n.none)
                buf[0] = 0;
        else
                (void) snprintf(buf, NUMBER_MAX, "%" PRIu64 ".%u%s", n.tenths / 10,
                                (unsigned) (n.tenths % 10), unit);
        return buf;
}

static const char *time_text(const struct report *r, size_t row, unsigned hundredths,
                             char buf[WHEN_TEXT_MAX]) {
        const struct hide_cell *c = measure_at(r, row, STATS_TAPS);
        buf[0] = 0;
        if (c->hidden)
                (void) snprintf(buf, WHEN_TEXT_MAX, "<%u", STATS_PEOPLE_MIN);
        else if (c->cell->n > 0)
                (void) when_short(stats_percentile(r->groups[row], hundredths), buf);
        return buf;
}

static const char *row_name(const struct report *r, size_t row) {
        return row + 1 == r->rows ? _("all") : r->groups[row]->name;
}

/* --- As text */

static void print_head(const struct report *r) {
        const struct stats_span *span = stats_span(r->stats);
        const struct hide_cell *f = measure_at(r, r->rows - 1, STATS_FALLBACKS),
                               *s = measure_at(r, r->rows - 1, STATS_SIGN_INS);
        char from[WHEN_TEXT_MAX], to[WHEN_TEXT_MAX], share[NUMBER_MAX];
        (void) printf(_("Sign-ins that needed a fallback: %s"),
                      number_text(fallback_share(r, r->rows - 1), " %", share));
        if (!f->hidden && !s->hidden)
                (void) printf(_(" (%" PRIu64 " of %" PRIu64 ")"), f->cell->n, f->cell->n + s->cell->n);
        (void) fputs("\n", stdout);
        print_clean(stdout, span->many_stations ? _("several stations") : span->station);
        (void) printf(_(", %.16s to %.16s\n\n"), when_local(span->first_usec, from),
                      when_local(span->last_usec, to));
}

static void print_rows(struct table *t, const char *const (*rows)[TABLE_COLUMNS_MAX], size_t n) {
        table_measure(t, t->titles);
        for (size_t i = 0; i < n; i++)
                table_measure(t, rows[i]);
        table_print_titles(t, stdout);
        for (size_t i = 0; i < n; i++)
                table_print(t, stdout, rows[i]);
}

#define LINES_MAX (STATS_MEASURE_MAX + STATS_FACTORS_MAX + REASON_MAX)
struct lines {
        size_t n;
        char text[LINES_MAX][3][64];
        const char *cells[LINES_MAX][TABLE_COLUMNS_MAX];
};

static void add_line(struct lines *l, const char *indent, const char *name, const struct hide_cell *c,
                     struct number per, const char *unit) {
        char(*text)[64] = l->text[l->n];
        (void) snprintf(text[0], sizeof(text[0]), "%s%.60s", indent, name);
        (void) count_text(c, text[1]);
        (void) number_text(per, unit, text[2]);
        for (size_t i = 0; i < 3; i++)
                l->cells[l->n][i] = text[i];
        l->n++;
}

static void add_parts(struct lines *l, const struct report *r, const struct counts *c) {
        for (size_t j = 0; j + 1 < c->table.columns; j++) {
                const char *name = c == &r->factors ? stats_factors_name((enum stats_factors) c->of[j])
                                                    : reason_name((enum reason) c->of[j]);
                add_line(l, "  ", name, cell_at(c, 0, j), (struct number){.none = true}, "");
        }
}

static int print_all(const struct report *r) {
        static const struct {
                enum stats_measure measure;
                const char *name;
        } kinds[] = {{STATS_EXCEPTIONS, N_("Sign-ins by an exception")},
                     {STATS_FALLBACKS, N_("Fallbacks")},
                     {STATS_TICKETS, N_("Tickets")},
                     {STATS_TEMPORARY, N_("By a temporary badge")},
                     {STATS_RECOVERIES, N_("Recoveries")},
                     {STATS_APPROVALS, N_("Approvals")},
                     {STATS_NOT_APPROVED, N_("Approvals refused")},
                     {STATS_BREAK_GLASS, N_("Break-glass")},
                     {STATS_DRILLS, N_("Break-glass, drills")},
                     {STATS_REFUSALS, N_("Refusals")}};
        _cleanup_(freep) struct lines *l = calloc(1, sizeof(*l));
        struct table t = {.titles = {_("WHAT"), _("COUNT"), _("PER 100 SIGN-INS")}};
        char p50[WHEN_TEXT_MAX], p90[WHEN_TEXT_MAX], p99[WHEN_TEXT_MAX];
        if (!l)
                return -ENOMEM;
        add_line(l, "", _("Sign-ins"), measure_at(r, 0, STATS_SIGN_INS), (struct number){.none = true}, "");
        add_parts(l, r, &r->factors);
        add_line(l, "", _("Re-entries by badge"), measure_at(r, 0, STATS_REENTRIES), per_strong(r, 0),
                 _(" per sign-in with a key"));
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                add_line(l, "", _(kinds[i].name), measure_at(r, 0, kinds[i].measure),
                         per_hundred(r, 0, kinds[i].measure), "");
        add_parts(l, r, &r->reasons);
        print_rows(&t, l->cells, l->n);
        if (r->groups[0]->measures[STATS_TAPS].n == 0)
                return 0;
        (void) printf(_("\nTap to session: half within %s, 90 %% within %s, 99 %% within %s\n"),
                      time_text(r, 0, 50, p50), time_text(r, 0, 90, p90), time_text(r, 0, 99, p99));
        return 0;
}

/* The texts of one row of the table by day, role or station. */
struct group_row {
        char number[8][NUMBER_MAX], time[3][WHEN_TEXT_MAX];
};

static void fill_group_row(const struct report *r, size_t row, struct group_row *g,
                           const char *cells[TABLE_COLUMNS_MAX]) {
        static const unsigned hundredths[] = {50, 90, 99};
        size_t n = 0;
        cells[n++] = row_name(r, row);
        cells[n++] = count_text(measure_at(r, row, STATS_SIGN_INS), g->number[0]);
        cells[n++] = number_text(fallback_share(r, row), " %", g->number[1]);
        cells[n++] = number_text(per_hundred(r, row, STATS_TICKETS), "", g->number[2]);
        cells[n++] = number_text(per_hundred(r, row, STATS_RECOVERIES), "", g->number[3]);
        cells[n++] = number_text(per_hundred(r, row, STATS_BREAK_GLASS), "", g->number[4]);
        cells[n++] = number_text(per_strong(r, row), "", g->number[5]);
        cells[n++] = count_text(measure_at(r, row, STATS_REFUSALS), g->number[6]);
        for (size_t i = 0; i < ELEMENTSOF(hundredths); i++)
                cells[n++] = time_text(r, row, hundredths[i], g->time[i]);
}

static const char *by_title(const struct report *r) {
        return r->by == STATS_BY_DAY ? _("DAY") : r->by == STATS_BY_ROLE ? _("ROLE") : _("STATION");
}

static void print_groups(const struct report *r) {
        struct table t = {.titles = {by_title(r), _("SIGN-INS"), _("FALLBACK"), _("TICKET"), _("RECOV."),
                                     _("EMERG."), _("RE-ENTRY"), _("REFUSED"), "P50", "P90", "P99"}};
        struct group_row g;
        const char *cells[TABLE_COLUMNS_MAX];
        table_measure(&t, t.titles);
        for (int pass = 0; pass < 2; pass++) {
                if (pass == 1)
                        table_print_titles(&t, stdout);
                for (size_t i = 0; i < r->rows; i++) {
                        fill_group_row(r, i, &g, cells);
                        if (pass == 0)
                                table_measure(&t, cells);
                        else
                                table_print(&t, stdout, cells);
                }
        }
        (void) printf(
                "%s\n",
                _("TICKET, RECOV., EMERG.: per 100 sign-ins. RE-ENTRY: per sign-in with a key. P50 to P99: "
                  "tap to\nsession."));
}

static void fill_factor_row(const struct report *r, size_t row, char text[][NUMBER_MAX],
                            const char *cells[TABLE_COLUMNS_MAX]) {
        cells[0] = row_name(r, row);
        for (size_t j = 0; j + 1 < r->factors.table.columns; j++)
                cells[j + 1] = count_text(cell_at(&r->factors, row, j), text[j]);
}

static void print_factors(const struct report *r) {
        struct table t = {.titles = {by_title(r)}};
        char text[STATS_FACTORS_MAX][NUMBER_MAX];
        const char *cells[TABLE_COLUMNS_MAX] = {0};
        for (size_t j = 0; j + 1 < r->factors.table.columns; j++)
                t.titles[j + 1] = stats_factors_name((enum stats_factors) r->factors.of[j]);
        (void) printf("\n%s\n", _("Sign-ins by what was proven"));
        table_measure(&t, t.titles);
        for (int pass = 0; pass < 2; pass++) {
                if (pass == 1)
                        table_print_titles(&t, stdout);
                for (size_t i = 0; i < r->rows; i++) {
                        fill_factor_row(r, i, text, cells);
                        if (pass == 0)
                                table_measure(&t, cells);
                        else
                                table_print(&t, stdout, cells);
                }
        }
}

/* A row for each group and reason there was; long, but reasons are many. */
static void print_reasons(const struct report *r) {
        struct table t = {.titles = {by_title(r), _("REASON"), _("REFUSED")}};
        const struct counts *c = &r->reasons;
        (void) printf("\n%s\n", _("Refusals by reason"));
        table_measure(&t, t.titles);
        for (size_t k = 0; k < 2 * r->rows * (c->table.columns - 1); k++) {
                size_t i = k / (c->table.columns - 1) % r->rows, j = k % (c->table.columns - 1);
                bool printing = k >= r->rows * (c->table.columns - 1);
                const struct hide_cell *cell = cell_at(c, i, j);
                char text[NUMBER_MAX];
                const char *const cells[] = {row_name(r, i), reason_name((enum reason) c->of[j]),
                                             count_text(cell, text)};
                if (k == r->rows * (c->table.columns - 1))
                        table_print_titles(&t, stdout);
                if (cell->cell->n == 0 && !cell->hidden)
                        continue;
                if (printing)
                        table_print(&t, stdout, cells);
                else
                        table_measure(&t, cells);
        }
}

static bool any_hidden(const struct counts *c) {
        for (size_t i = 0; i < c->table.rows * c->table.columns; i++)
                if (c->cells[i].hidden)
                        return true;
        return false;
}

static void print_foot(const struct report *r) {
        bool any = any_hidden(&r->factors) || any_hidden(&r->reasons);
        for (size_t i = 0; i < STATS_MEASURE_MAX; i++)
                any = any || any_hidden(&r->one[i]);
        if (any)
                (void) printf(_("\n<%u: of fewer than %u people, or hidden so that such a number cannot be "
                                "worked out\n"),
                              STATS_PEOPLE_MIN, STATS_PEOPLE_MIN);
}

static int print_text(const struct report *r) {
        if (stats_span(r->stats)->records == 0) {
                (void) printf("%s\n", _("There are no records of sign-ins in that time."));
                return 0;
        }
        print_head(r);
        if (r->by == STATS_BY_NOTHING) {
                int x = print_all(r);
                if (x < 0)
                        return x;
        } else {
                print_groups(r);
                if (r->factors.table.columns > 1)
                        print_factors(r);
                if (r->reasons.table.columns > 1)
                        print_reasons(r);
        }
        print_foot(r);
        return 0;
}

/* --- As JSON: null is what the text shows as "<5" */

static void json_count(struct json_object *o, const char *key, const struct hide_cell *c) {
        if (c->hidden)
                json_set(o, key, NULL);
        else
                json_set_u64(o, key, c->cell->n);
}

static void json_number(struct json_object *o, const char *key, struct number n) {
        if (n.hidden || n.none)
                json_set(o, key, NULL);
        else
                json_set_double(o, key, (double) n.tenths / 10);
}

static struct json_object *json_parts(const struct report *r, size_t row, const struct counts *c) {
        struct json_object *o = json_new();
        for (size_t j = 0; j + 1 < c->table.columns; j++)
                json_count(o,
                           c == &r->factors ? stats_factors_name((enum stats_factors) c->of[j])
                                            : reason_name((enum reason) c->of[j]),
                           cell_at(c, row, j));
        return o;
}

static struct json_object *json_times(const struct report *r, size_t row) {
        static const struct {
                const char *key;
                unsigned hundredths;
        } times[] = {{"p50_usec", 50}, {"p90_usec", 90}, {"p99_usec", 99}};
        const struct hide_cell *c = measure_at(r, row, STATS_TAPS);
        struct json_object *o = json_new();
        json_count(o, "count", c);
        for (size_t i = 0; i < ELEMENTSOF(times); i++)
                if (c->hidden || c->cell->n == 0)
                        json_set(o, times[i].key, NULL);
                else
                        json_set_u64(o, times[i].key, stats_percentile(r->groups[row], times[i].hundredths));
        return o;
}

static struct json_object *json_row(const struct report *r, size_t row) {
        static const char *const keys[STATS_MEASURE_MAX] = {[STATS_SIGN_INS] = "sign_ins",
                                                            [STATS_REENTRIES] = "reentries",
                                                            [STATS_EXCEPTIONS] = "exceptions",
                                                            [STATS_FALLBACKS] = "fallbacks",
                                                            [STATS_TICKETS] = "tickets",
                                                            [STATS_TEMPORARY] = "temporary_badges",
                                                            [STATS_RECOVERIES] = "recoveries",
                                                            [STATS_APPROVALS] = "approvals",
                                                            [STATS_NOT_APPROVED] = "approvals_refused",
                                                            [STATS_BREAK_GLASS] = "break_glass",
                                                            [STATS_DRILLS] = "drills",
                                                            [STATS_REFUSALS] = "refusals"};
        struct json_object *o = json_new();
        json_set_string(o, "name", row + 1 == r->rows ? NULL : r->groups[row]->name);
        json_number(o, "fallback_percent", fallback_share(r, row));
        for (unsigned i = 0; i < STATS_MEASURE_MAX; i++)
                if (keys[i])
                        json_count(o, keys[i], measure_at(r, row, (enum stats_measure) i));
        json_number(o, "reentries_per_strong", per_strong(r, row));
        json_set(o, "factors", json_parts(r, row, &r->factors));
        json_set(o, "reasons", json_parts(r, row, &r->reasons));
        json_set(o, "tap_to_session", json_times(r, row));
        return o;
}

static void print_json(const struct report *r) {
        _cleanup_(json_putp) struct json_object *o = json_new();
        const struct stats_span *span = stats_span(r->stats);
        struct json_object *groups = json_new_array();
        json_set_time(o, "first", span->first_usec);
        json_set_time(o, "last", span->last_usec);
        json_set_string(o, "station", span->many_stations ? NULL : span->station);
        json_set(o, "all", json_row(r, r->rows - 1));
        for (size_t i = 0; i + 1 < r->rows; i++)
                json_append(groups, json_row(r, i));
        json_set(o, "groups", groups);
        json_print(stdout, o);
}

int command_stats(const struct cli_arguments *args) {
        _cleanup_(report_clear) struct report r = {0};
        int x = take_by(args->option[OPTION_BY], &r.by);
        if (x == CLI_OK)
                x = take_span(args, &r);
        if (x != CLI_OK)
                return x;
        if (audit_seen_new(&r.seen) < 0 || stats_new(r.by, &r.stats) < 0)
                return fail(CLI_FAILED, _("There is not enough memory."));
        if ((x = audit_source_open(args, false, &r.source)) != CLI_OK ||
            (x = audit_source_seek(&r.source, r.since_usec)) != CLI_OK || (x = read_all(&r)) != CLI_OK)
                return x;
        x = hide_all(&r);
        if (x >= 0 && args->option[OPTION_JSON])
                print_json(&r);
        else if (x >= 0)
                x = print_text(&r);
        return x < 0 ? fail(CLI_FAILED, _("There is not enough memory.")) : CLI_OK;
}
