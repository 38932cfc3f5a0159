/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted of records, in how little memory, and that no hidden count can be worked out. */
#include "cli/stats_hide.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define T0 UINT64_C(1795161600000000) /* 2026-11-20 08:00 UTC */
#define DAY (UINT64_C(24) * 3600 * 1000000)

static struct audit_entry entry;

static void add(const char *name, const char *value) {
        audit_entry_add(&entry, name, (struct bytes){(const uint8_t *) value, strlen(value)}, false);
}

static void begin(const char *event, const char *outcome, const char *user) {
        audit_entry_reset(&entry);
        add("WARDTAP_EVENT", event);
        add("WARDTAP_OUTCOME", outcome);
        add("WARDTAP_STATION", "ward3-bay2");
        if (user)
                add("WARDTAP_USER", user);
}

static void count_at(struct stats *s, uint64_t usec, int wanted) {
        assert_int_equal(stats_add(s, &entry, usec), wanted);
}

static void sign_in(struct stats *s, const char *user, const char *role, const char *factors) {
        begin("sign-in", "0", user);
        add("WARDTAP_ROLE", role);
        add("WARDTAP_FACTORS", factors);
        count_at(s, T0, 1);
}

static void each_record_counts_as_what_it_is(void **state) {
        _cleanup_(stats_freep) struct stats *s = NULL;
        assert_int_equal(stats_new(STATS_BY_NOTHING, &s), 0);
        sign_in(s, "anna", "nurse", "badge+key+verify");
        sign_in(s, "anna", "nurse", "key+verify");
        sign_in(s, "ben", "porter", "none");
        sign_in(s, "ben", "porter", "retina");
        begin("resume", "0", "anna"); /* at her own locked session, with her key: no grace */
        add("WARDTAP_FACTORS", "key");
        count_at(s, T0, 1);
        begin("resume", "0", "anna");
        add("WARDTAP_GRACE", "7200s");
        count_at(s, T0, 1);
        begin("sign-in", "0", "anna");
        add("WARDTAP_FACTORS", "none");
        add("WARDTAP_TICKET", "K7Q2M3XD");
        add("WARDTAP_LOWERED", "ticket");
        count_at(s, T0, 1);
        begin("resume", "0", "anna"); /* back to it: no second ticket */
        add("WARDTAP_TICKET", "K7Q2M3XD");
        add("WARDTAP_LOWERED", "ticket");
        count_at(s, T0, 0);
        begin("recovery-done", "0", "anna");
        count_at(s, T0, 1);
        begin("recovery-done", "4", "anna"); /* it was not completed */
        count_at(s, T0, 0);
        begin("fallback", "4", "carl"); /* forbidden, and needed */
        count_at(s, T0, 1);
        begin("denied", "4", "anna");
        add("WARDTAP_REASON", "pin-wrong");
        count_at(s, T0, 1);
        begin("unknown-badge", "4", NULL);
        add("WARDTAP_REASON", "unknown-badge");
        add("WARDTAP_BADGE", "AAAAAAAA");
        count_at(s, T0, 1);
        begin("sign-in", "4", "anna"); /* no such record is written */
        count_at(s, T0, 0);
        begin("lock", "0", "anna");
        count_at(s, T0, 0);
        begin("handoff", "0", "anna"); /* without a tap */
        count_at(s, T0, 0);
        const struct stats_group *g = stats_all(s);
        assert_int_equal(g->measures[STATS_SIGN_INS].n, 5);
        assert_int_equal(g->factors[STATS_BADGE_KEY_VERIFY].n, 1);
        assert_int_equal(g->factors[STATS_KEY_VERIFY].n, 1);
        assert_int_equal(g->factors[STATS_KEY].n, 1);
        assert_int_equal(g->factors[STATS_NONE].n, 1);
        assert_int_equal(g->factors[STATS_FACTORS_OTHER].n, 1);
        assert_int_equal(stats_strong(g), 3);
        assert_int_equal(g->measures[STATS_SIGN_INS].n_people, 2);
        assert_int_equal(g->measures[STATS_REENTRIES].n, 1);
        assert_int_equal(g->measures[STATS_TICKETS].n, 1);
        assert_int_equal(g->measures[STATS_RECOVERIES].n, 1);
        assert_int_equal(g->measures[STATS_FALLBACKS].n, 1);
        assert_int_equal(g->measures[STATS_REFUSALS].n, 2);
        assert_int_equal(g->measures[STATS_REFUSALS].n_people, 2);
        assert_int_equal(g->reasons[REASON_PIN_WRONG].n, 1);
        assert_int_equal(g->reasons[REASON_UNKNOWN_BADGE].n, 1);
        assert_int_equal(stats_span(s)->records, 11);
}

/* A way in that is not as the rules want it is no sign-in, and is nobody's strong sign-in. */
static void ways_in_beside_the_rules_count_by_themselves(void **state) {
        static const struct {
                const char *event, *factors, *lowered, *ticket;
                int counted;
                unsigned measures; /* but those that came before */
        } rows[] = {
                {"sign-in", "key+verify", "", "K7Q2M3XD", 1, 1U << STATS_SIGN_INS | 1U << STATS_TICKETS},
                {"sign-in", "none", "ticket", "K7Q2M3XD", 1, 1U << STATS_TICKETS},
                {"resume", "none", "ticket", "K7Q2M3XD", 0, 0},
                {"sign-in", "none", "temporary-badge", "", 1, 1U << STATS_TEMPORARY},
                {"resume", "none", "temporary-badge", "", 1, 1U << STATS_TEMPORARY},
                {"sign-in", "badge", "exception", "", 1, 1U << STATS_SIGN_INS | 1U << STATS_EXCEPTIONS},
                {"resume", "badge", "exception", "", 1, 1U << STATS_SIGN_INS | 1U << STATS_EXCEPTIONS},
                {"resume", "none", "emergency", "", 0, 0},
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(stats_freep) struct stats *s = NULL;
                assert_int_equal(stats_new(STATS_BY_NOTHING, &s), 0);
                begin(rows[i].event, "0", "anna");
                add("WARDTAP_FACTORS", rows[i].factors);
                if (*rows[i].lowered)
                        add("WARDTAP_LOWERED", rows[i].lowered);
                if (*rows[i].ticket)
                        add("WARDTAP_TICKET", rows[i].ticket);
                count_at(s, T0, rows[i].counted);
                for (unsigned m = 0; m < STATS_MEASURE_MAX; m++)
                        assert_int_equal(stats_all(s)->measures[m].n, rows[i].measures >> m & 1U);
                assert_int_equal(stats_strong(stats_all(s)), strcmp(rows[i].factors, "key+verify") == 0);
        }
}

static void a_drill_is_no_emergency_and_to_come_back_is_no_second_one(void **state) {
        _cleanup_(stats_freep) struct stats *s = NULL;
        assert_int_equal(stats_new(STATS_BY_NOTHING, &s), 0);
        begin("break-glass-start", "0", "ben");
        add("WARDTAP_DETAIL", "DICOM 110127; reason: arrest; by: own badge");
        count_at(s, T0, 1);
        begin("break-glass-start", "0", "ben");
        add("WARDTAP_DETAIL", "DICOM 110127; reason: arrest; by: kit; drill");
        count_at(s, T0, 1);
        begin("break-glass-start", "4", "ben"); /* taken back */
        count_at(s, T0, 0);
        begin("resume", "0", "ben");
        add("WARDTAP_LOWERED", "emergency");
        count_at(s, T0, 0);
        assert_int_equal(stats_all(s)->measures[STATS_BREAK_GLASS].n, 1);
        assert_int_equal(stats_all(s)->measures[STATS_DRILLS].n, 1);
        assert_int_equal(stats_all(s)->measures[STATS_SIGN_INS].n, 0);
        assert_int_equal(stats_all(s)->measures[STATS_REENTRIES].n, 0);
}

static const struct stats_group *group_named(struct stats *s, const char *name) {
        size_t n;
        const struct stats_group *const *groups = stats_groups(s, &n);
        for (size_t i = 0; i < n; i++)
                if (strcmp(groups[i]->name, name) == 0)
                        return groups[i];
        return NULL;
}

static void a_fallback_belongs_to_the_last_role_of_its_person(void **state) {
        _cleanup_(stats_freep) struct stats *s = NULL;
        assert_int_equal(stats_new(STATS_BY_ROLE, &s), 0);
        sign_in(s, "anna", "doctor", "key+verify");
        sign_in(s, "anna", "nurse", "key+verify");
        begin("fallback", "0", "anna");
        count_at(s, T0, 1);
        begin("fallback", "0", "ben");
        count_at(s, T0, 1);
        assert_int_equal(group_named(s, "nurse")->measures[STATS_FALLBACKS].n, 1);
        assert_int_equal(group_named(s, "doctor")->measures[STATS_FALLBACKS].n, 0);
        assert_int_equal(group_named(s, "?")->measures[STATS_FALLBACKS].n, 1);
}

/* What an approval says of a role is the one that was given, or the approver's. */
static void an_approval_gives_nobody_another_role_here(void **state) {
        _cleanup_(stats_freep) struct stats *s = NULL;
        assert_int_equal(stats_new(STATS_BY_ROLE, &s), 0);
        sign_in(s, "anna", "nurse", "key+verify");
        begin("elevate", "0", "anna");
        add("WARDTAP_ROLE", "lead");
        count_at(s, T0, 1);
        begin("recovery-approve", "0", "anna");
        add("WARDTAP_ROLE", "doctor");
        count_at(s, T0, 1);
        begin("badge-lend", "0", "anna");
        count_at(s, T0, 1);
        begin("approval-refused", "4", "anna");
        count_at(s, T0, 1);
        begin("fallback", "0", "anna");
        count_at(s, T0, 1);
        assert_null(group_named(s, "lead"));
        assert_null(group_named(s, "doctor"));
        assert_int_equal(group_named(s, "nurse")->measures[STATS_APPROVALS].n, 3);
        assert_int_equal(group_named(s, "nurse")->measures[STATS_NOT_APPROVED].n, 1);
        assert_int_equal(group_named(s, "nurse")->measures[STATS_FALLBACKS].n, 1);
}

static void days_are_in_their_order(void **state) {
        _cleanup_(stats_freep) struct stats *s = NULL;
        size_t n;
        assert_int_equal(stats_new(STATS_BY_DAY, &s), 0);
        for (unsigned i = 0; i < 6; i++) {
                begin("fallback", "0", "anna");
                count_at(s, T0 + (i * 5 % 3) * DAY, 1);
        }
        const struct stats_group *const *groups = stats_groups(s, &n);
        assert_int_equal(n, 3);
        assert_string_equal(groups[0]->name, "2026-11-20");
        assert_string_equal(groups[2]->name, "2026-11-22");
        for (size_t i = 0; i < n; i++)
                assert_int_equal(groups[i]->measures[STATS_FALLBACKS].n, 2);
}

/* However many stations an export names, and however long their names are. */
static void groups_beyond_the_last_are_one(void **state) {
        _cleanup_(stats_freep) struct stats *s = NULL;
        char name[201];
        uint64_t sum = 0;
        size_t n;
        assert_int_equal(stats_new(STATS_BY_STATION, &s), 0);
        for (unsigned i = 0; i < 2 * STATS_GROUPS_MAX; i++) {
                audit_entry_reset(&entry);
                add("WARDTAP_EVENT", "fallback");
                (void) snprintf(name, sizeof(name), "bay%u-%0190u", i, i);
                add("WARDTAP_STATION", name);
                count_at(s, T0, 1);
                count_at(s, T0, 1);
        }
        const struct stats_group *const *groups = stats_groups(s, &n);
        assert_int_equal(n, STATS_GROUPS_MAX);
        for (size_t i = 0; i < n; i++)
                sum += groups[i]->measures[STATS_FALLBACKS].n;
        assert_int_equal(sum, 4 * STATS_GROUPS_MAX);
        assert_int_equal(group_named(s, STATS_REST)->measures[STATS_FALLBACKS].n, 2 * STATS_GROUPS_MAX + 2);
}

static void percentiles_are_right_to_three_percent(void **state) {
        static const struct {
                unsigned hundredths;
                double wanted;
        } cases[] = {{50, 500000}, {90, 900000}, {99, 990000}};
        _cleanup_(stats_freep) struct stats *s = NULL;
        char text[24];
        assert_int_equal(stats_new(STATS_BY_NOTHING, &s), 0);
        assert_int_equal(stats_percentile(stats_all(s), 50), 0);
        for (unsigned i = 1; i <= 1000; i++) { /* 1 ms to 1 s, in no order */
                begin(i % 2 ? "handoff" : "unlock", "0", "anna");
                (void) snprintf(text, sizeof(text), "%u", i * 7 % 1000 * 1000 + 1000);
                add("WARDTAP_TAP_TO_SESSION_USEC", text);
                count_at(s, T0, 1);
        }
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                double got = (double) stats_percentile(stats_all(s), cases[i].hundredths);
                assert_true(fabs(got - cases[i].wanted) < 0.03 * cases[i].wanted);
        }
        static const char *const extremes[] = {"0", "999", "9223372036854775807", "18446744073709551615",
                                               "x"};
        for (size_t i = 0; i < ELEMENTSOF(extremes); i++) { /* none is looked for outside the table */
                begin("handoff", "0", "anna");
                add("WARDTAP_TAP_TO_SESSION_USEC", extremes[i]);
                count_at(s, T0, i < 3);
        }
}

/* --- Hiding */

#define ROWS_MAX 9U
#define COLUMNS_MAX 7U

struct matrix {
        struct stats_cell counts[ROWS_MAX * COLUMNS_MAX];
        struct hide_cell cells[ROWS_MAX * COLUMNS_MAX];
        struct hide_table t;
};

static uint64_t seed;
static unsigned any(unsigned n) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        return (unsigned) (seed >> 33) % n;
}

static struct stats_cell *cell(struct matrix *m, size_t i, size_t j) {
        return &m->counts[i * m->t.columns + j];
}

static void add_to(struct stats_cell *sum, const struct stats_cell *c) {
        sum->n += c->n;
        stats_cell_join(sum, c);
}

/* Mostly zeros and small counts, as reasons are. */
static void fill(struct matrix *m, size_t rows, size_t columns) {
        memset(m, 0, sizeof(*m));
        m->t = (struct hide_table){rows, columns, m->cells};
        size_t n = rows > 1 ? rows - 1 : 1, k = columns > 1 ? columns - 1 : 1;
        for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < k; j++) {
                        unsigned people = any(3) == 0 ? 0 : any(any(2) ? 5 : 30), base = any(40);
                        for (unsigned p = 0; p < people; p++)
                                stats_cell_add(cell(m, i, j), 1 + (base + p) % 40);
                }
        for (size_t i = 0; columns > 1 && i < n; i++)
                for (size_t j = 0; j < k; j++)
                        add_to(cell(m, i, k), cell(m, i, j));
        for (size_t j = 0; rows > 1 && j < columns; j++)
                for (size_t i = 0; i < n; i++)
                        add_to(cell(m, n, j), cell(m, i, j));
        for (size_t i = 0; i < rows * columns; i++)
                m->cells[i].cell = &m->counts[i];
}

/* Is the hidden cell x the same in all tables with these sums? By Gauss: unknowns are the hidden cells, one
 * equation for each row and column, and whether a sum of equations leaves x alone. */
static bool is_determined(const struct matrix *m, size_t x) {
        double a[ROWS_MAX + COLUMNS_MAX][ROWS_MAX * COLUMNS_MAX] = {0};
        size_t rows = m->t.rows, columns = m->t.columns, n = 0;
        bool used[ROWS_MAX + COLUMNS_MAX] = {0};
        for (size_t i = 0; columns > 1 && i < rows; i++, n++)
                for (size_t j = 0; j < columns; j++)
                        a[n][i * columns + j] = j == columns - 1 ? -1 : 1;
        for (size_t j = 0; rows > 1 && j < columns; j++, n++)
                for (size_t i = 0; i < rows; i++)
                        a[n][i * columns + j] = i == rows - 1 ? -1 : 1;
        for (size_t c = 0; c < rows * columns; c++) {
                size_t pivot = 0;
                if (!m->cells[c].hidden || c == x)
                        continue;
                while (pivot < n && (used[pivot] || fabs(a[pivot][c]) < 0.5))
                        pivot++;
                if (pivot == n)
                        continue;
                used[pivot] = true;
                for (size_t i = 0; i < n; i++) {
                        double f = i == pivot ? 0 : a[i][c] / a[pivot][c];
                        for (size_t k = 0; k < rows * columns; k++)
                                a[i][k] -= f * a[pivot][k];
                }
        }
        for (size_t i = 0; i < n; i++)
                if (!used[i] && fabs(a[i][x]) > 0.5)
                        return true;
        return false;
}

static void check_matrix(struct matrix *m) {
        assert_int_equal(stats_hide(&m->t), 0);
        for (size_t i = 0; i < m->t.rows * m->t.columns; i++) {
                bool small = m->counts[i].n > 0 && m->counts[i].n_people < STATS_PEOPLE_MIN;
                if (small && !m->cells[i].hidden)
                        fail_msg("a small count is shown");
                if (m->cells[i].hidden && m->t.rows * m->t.columns > 1 && is_determined(m, i))
                        fail_msg("cell %zu of %zu x %zu follows from the others", i, m->t.rows,
                                 m->t.columns);
        }
}

static void no_hidden_count_follows_from_the_others(void **state) {
        static struct matrix m;
        seed = 1;
        for (unsigned i = 0; i < 4000; i++) {
                fill(&m, 1 + any(ROWS_MAX), 1 + any(COLUMNS_MAX));
                check_matrix(&m);
        }
}

static void count_of(struct matrix *m, size_t i, unsigned people, uint64_t first) {
        for (unsigned p = 0; p < people; p++)
                stats_cell_add(&m->counts[i], first + p);
}

/* One column with its sum last. */
static void what_hides_a_small_count_is_the_next_smallest(void **state) {
        static struct matrix m;
        m.t = (struct hide_table){5, 1, m.cells};
        count_of(&m, 0, 3, 1);
        count_of(&m, 1, 40, 1);
        count_of(&m, 2, 8, 10);
        for (size_t i = 0; i < 5; i++)
                m.cells[i].cell = &m.counts[i];
        for (size_t i = 0; i < 4; i++)
                add_to(&m.counts[4], &m.counts[i]);
        assert_int_equal(stats_hide(&m.t), 0);
        assert_true(m.cells[0].hidden && m.cells[2].hidden);
        assert_false(m.cells[1].hidden || m.cells[3].hidden || m.cells[4].hidden); /* 3 is 0 */
}

/* Two small counts of the same three people: their sum would still be of three people. */
static void small_counts_of_the_same_people_do_not_hide_each_other(void **state) {
        static struct matrix m;
        m.t = (struct hide_table){4, 1, m.cells};
        count_of(&m, 0, 3, 1);
        count_of(&m, 1, 3, 1);
        count_of(&m, 2, 40, 1);
        for (size_t i = 0; i < 4; i++)
                m.cells[i].cell = &m.counts[i];
        for (size_t i = 0; i < 3; i++)
                add_to(&m.counts[3], &m.counts[i]);
        assert_int_equal(stats_hide(&m.t), 0);
        assert_true(m.cells[2].hidden);
        assert_false(m.cells[3].hidden);
}

static void where_all_are_many_nothing_is_hidden(void **state) {
        static struct matrix m;
        m.t = (struct hide_table){3, 3, m.cells};
        for (size_t i = 0; i < 9; i++) {
                m.cells[i].cell = &m.counts[i];
                if (i != 1)
                        count_of(&m, i, 5, 1 + i);
        }
        assert_int_equal(stats_hide(&m.t), 0);
        for (size_t i = 0; i < 9; i++)
                assert_false(m.cells[i].hidden);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_record_counts_as_what_it_is),
                cmocka_unit_test(ways_in_beside_the_rules_count_by_themselves),
                cmocka_unit_test(a_drill_is_no_emergency_and_to_come_back_is_no_second_one),
                cmocka_unit_test(an_approval_gives_nobody_another_role_here),
                cmocka_unit_test(a_fallback_belongs_to_the_last_role_of_its_person),
                cmocka_unit_test(days_are_in_their_order),
                cmocka_unit_test(groups_beyond_the_last_are_one),
                cmocka_unit_test(percentiles_are_right_to_three_percent),
                cmocka_unit_test(no_hidden_count_follows_from_the_others),
                cmocka_unit_test(what_hides_a_small_count_is_the_next_smallest),
                cmocka_unit_test(small_counts_of_the_same_people_do_not_hide_each_other),
                cmocka_unit_test(where_all_are_many_nothing_is_hidden),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
