/* SPDX-License-Identifier: Apache-2.0 */
/* Hiding counts, and what they could be worked out from. */
#include "cli/stats_hide.h"

#include <errno.h>

static struct hide_cell *at(const struct hide_table *t, size_t row, size_t column) {
        return &t->cells[row * t->columns + column];
}

static void hide_small(struct hide_table *t) {
        for (size_t i = 0; i < t->rows * t->columns; i++)
                t->cells[i].hidden =
                        t->cells[i].cell->n > 0 && t->cells[i].cell->n_people < STATS_PEOPLE_MIN;
}

/* --- One row or column */

struct line {
        struct hide_cell *first;
        size_t step, n; /* the last one is the sum of the others */
};

static struct line row_of(const struct hide_table *t, size_t i) {
        return (struct line){at(t, i, 0), 1, t->columns};
}

static struct line column_of(const struct hide_table *t, size_t j) {
        return (struct line){at(t, 0, j), t->columns, t->rows};
}

static struct hide_cell *in(const struct line *l, size_t i) {
        return &l->first[i * l->step];
}

/* The hidden ones of a line hide each other. */
static bool is_safe(const struct line *l) {
        struct stats_cell joined = {0};
        size_t n = 0;
        for (size_t i = 0; i < l->n; i++)
                if (in(l, i)->hidden) {
                        n++;
                        stats_cell_join(&joined, in(l, i)->cell);
                }
        return n == 0 || (n >= 2 && (joined.n_people >= STATS_PEOPLE_MIN || in(l, l->n - 1)->hidden));
}

/* The sum goes last, and a zero only before that: neither hides much. */
static unsigned worth(const struct line *l, size_t i) {
        return i == l->n - 1 ? 2 : in(l, i)->cell->n == 0 ? 1 : 0;
}

/* Hides what is missed least. False when nothing is left. */
static bool hide_one(const struct line *l) {
        size_t best = l->n;
        for (size_t i = 0; i < l->n; i++) {
                if (in(l, i)->hidden)
                        continue;
                if (best == l->n || worth(l, i) < worth(l, best) ||
                    (worth(l, i) == worth(l, best) && in(l, i)->cell->n < in(l, best)->cell->n))
                        best = i;
        }
        if (best < l->n)
                in(l, best)->hidden = true;
        return best < l->n;
}

/* True when something was hidden. */
static bool mend_line(const struct line *l) {
        bool any = false;
        while (!is_safe(l) && hide_one(l))
                any = true;
        return any;
}

static bool mend_lines(struct hide_table *t) {
        bool any = false;
        for (size_t i = 0; t->columns > 1 && i < t->rows; i++) {
                struct line l = row_of(t, i);
                any = mend_line(&l) || any;
        }
        for (size_t j = 0; t->rows > 1 && j < t->columns; j++) {
                struct line l = column_of(t, j);
                any = mend_line(&l) || any;
        }
        return any;
}

/* --- All of them together */

/* Rows are the points from 0 on, columns those after them. */
struct graph {
        struct hide_table *table;
        size_t *order,
                *low; /* when a point was reached first; the earliest that leads back from behind it */
        size_t next;
        bool *bridge; /* by cell */
};

static bool is_edge(const struct graph *g, size_t from, size_t to, size_t *ret_cell) {
        size_t rows = g->table->rows;
        size_t row = from < rows ? from : to, column = (from < rows ? to : from) - rows;
        *ret_cell = row * g->table->columns + column;
        return g->table->cells[*ret_cell].hidden;
}

/* Depth first (Tarjan); no deeper than there are points, at most 4097 + REASON_MAX. */
static void visit(struct graph *g, size_t from, size_t by) {
        size_t rows = g->table->rows, cell;
        size_t to = from < rows ? rows : 0, end = from < rows ? rows + g->table->columns : rows;
        g->order[from] = g->low[from] = ++g->next;
        for (; to < end; to++) {
                if (!is_edge(g, from, to, &cell) || cell == by)
                        continue;
                if (g->order[to] == 0) {
                        visit(g, to, cell);
                        if (g->low[to] > g->order[from])
                                g->bridge[cell] = true;
                        if (g->low[to] < g->low[from])
                                g->low[from] = g->low[to];
                } else if (g->order[to] < g->low[from]) {
                        g->low[from] = g->order[to];
                }
        }
}

static void find_bridges(struct graph *g) {
        size_t n = g->table->rows + g->table->columns, cells = g->table->rows * g->table->columns;
        memset(g->order, 0, n * sizeof(*g->order));
        memset(g->bridge, 0, cells * sizeof(*g->bridge));
        g->next = 0;
        for (size_t i = 0; i < n; i++)
                if (g->order[i] == 0)
                        visit(g, i, SIZE_MAX);
}

/* One more in the row or column of each bridge. True when there was one. */
static bool mend_bridges(struct graph *g) {
        struct hide_table *t = g->table;
        bool any = false;
        find_bridges(g);
        for (size_t cell = 0; cell < t->rows * t->columns; cell++) {
                if (!g->bridge[cell])
                        continue;
                struct line row = row_of(t, cell / t->columns), column = column_of(t, cell % t->columns),
                            all = {t->cells, 1, t->rows * t->columns};
                if (!hide_one(&row) && !hide_one(&column) && !hide_one(&all))
                        return any;
                any = true;
        }
        return any;
}

static int mend(struct hide_table *t) {
        size_t n = t->rows + t->columns;
        _cleanup_(freep) size_t *order = calloc(n, sizeof(*order)), *low = calloc(n, sizeof(*low));
        _cleanup_(freep) bool *bridge = calloc(t->rows * t->columns, sizeof(*bridge));
        struct graph g = {.table = t, .order = order, .low = low, .bridge = bridge};
        if (!order || !low || !bridge)
                return -ENOMEM;
        while (mend_lines(t) || mend_bridges(&g))
                ;
        return 0;
}

int stats_hide(struct hide_table *t) {
        hide_small(t);
        if (t->rows > 1 && t->columns > 1)
                return mend(t);
        (void) mend_lines(t);
        return 0;
}
