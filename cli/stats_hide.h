/* SPDX-License-Identifier: Apache-2.0 */
/* Which counts of a table must not be shown: those behind which too few people stand, and as many others as
 * it takes so that those cannot be worked out from sums. */
#pragma once

#include "cli/stats_count.h"

struct hide_cell {
        const struct stats_cell *cell; /* borrowed */
        bool hidden;
};

/* With more than one row, the last row is the sum of those above; with more than one column, the last column
 * is the sum of those before it. Row i has `cells[i * columns]` and on. */
struct hide_table {
        size_t rows, columns;
        struct hide_cell *cells;
};

/* Hides:
 * - a count with fewer than STATS_PEOPLE_MIN people behind it, but not 0: that nobody did something is
 *   shown, as is usual in health statistics;
 * - more of them, the smallest first, until in each row and column that has one hidden there are at least
 *   two, with STATS_PEOPLE_MIN people behind them together, unless its sum is hidden too;
 * - and until no hidden count follows from all sums together (it would be a bridge in the graph whose points
 *   are rows and columns, and whose edges are hidden counts; Gusfield 1988).
 * -ENOMEM */
int stats_hide(struct hide_table *t);
