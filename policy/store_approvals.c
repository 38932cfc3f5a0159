/* SPDX-License-Identifier: Apache-2.0 */
/* people.db: what somebody's key approved for a while, and what a colleague reported lost. */
#include "policy/store_internal.h"

#include <errno.h>
#include <stdio.h>

#include "common/bytes.h"

int store_lent_badge(struct store *s, int64_t person, uint64_t now_usec, struct store_badge *ret) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        struct store_badge b;
        int r = store_statement(s, SQL_BADGE_LENT, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, person);
        bind_u64(&bind, now_usec);
        r = bind.r < 0 ? bind.r : store_step(st);
        if (r <= 0)
                return r == 0 ? -ENOENT : r;
        struct row row = {.st = st};
        store_read_badge(&row, &b);
        if (row.r == 0)
                *ret = b;
        return row.r;
}

/* --- Roles for a while */

static void read_elevation(struct row *row, struct store_elevation *e) {
        *e = (struct store_elevation){.id = row_i64(row)};
        e->person = row_i64(row);
        row_text(row, e->role, sizeof(e->role));
        e->approval.until_usec = row_u64(row, INT64_MAX);
        e->approval.from_boottime_usec = row_u64(row, INT64_MAX);
        row_text(row, e->approval.from_boot_id, sizeof(e->approval.from_boot_id));
        row_text(row, e->approver, sizeof(e->approver));
        row_text(row, e->reason, sizeof(e->reason));
        e->version = row_i64(row);
        e->added_usec = e->approval.from_usec = row_u64(row, INT64_MAX);
        e->ended_usec = row_u64(row, INT64_MAX);
        row_text(row, e->end_reason, sizeof(e->end_reason));
}

/* The next row of a statement: 1 and *ret, or 0. */
static int step_elevation(sqlite3_stmt *st, struct store_elevation *ret) {
        int r = store_step(st);
        if (r <= 0)
                return r;
        struct row row = {.st = st};
        read_elevation(&row, ret);
        return row.r < 0 ? row.r : 1;
}

int store_person_elevations(struct store *s, int64_t person, uint64_t after_usec,
                            struct store_elevation *ret, size_t *ret_n) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        size_t n = 0;
        int r = store_statement(s, SQL_ELEVATION_OF, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, person);
        bind_u64(&bind, after_usec);
        bind_i64(&bind, STORE_ELEVATIONS_MAX);
        if (bind.r < 0)
                return bind.r;
        while (n < STORE_ELEVATIONS_MAX && (r = step_elevation(st, &ret[n])) > 0)
                n++;
        if (r < 0)
                return r;
        *ret_n = n;
        return 0;
}

static int elevation_after(struct store *s, int64_t person, struct store_elevation *e) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, person == 0 ? SQL_ELEVATION_AFTER : SQL_ELEVATION_AFTER_OF, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, e->id);
        if (person != 0)
                bind_i64(&bind, person);
        return bind.r < 0 ? bind.r : step_elevation(st, e);
}

int store_each_elevation(struct store *s, int64_t person, int (*f)(const struct store_elevation *, void *),
                         void *data) {
        struct store_elevation e = {0};
        int r;
        while ((r = elevation_after(s, person, &e)) > 0) {
                r = f(&e, data);
                if (r != 0)
                        return r;
        }
        return r;
}

static int insert_elevation(struct store *s, const struct store_elevation *e, int64_t *ret_id) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_ELEVATION_ADD, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, e->person);
        bind_text(&bind, e->role);
        bind_u64(&bind, e->approval.until_usec);
        bind_u64(&bind, e->approval.from_boottime_usec);
        bind_text(&bind, e->approval.from_boot_id);
        bind_text(&bind, e->approver);
        bind_text(&bind, e->reason);
        bind_u64(&bind, e->approval.from_usec);
        r = bind.r < 0 ? bind.r : store_run(st);
        if (r == 0)
                *ret_id = sqlite3_last_insert_rowid(s->db);
        return r;
}

static int has_room(struct store *s, const struct store_elevation *e) {
        struct store_elevation held[STORE_ELEVATIONS_MAX];
        size_t n = 0;
        int r = store_need_person(s, e->person);
        if (r == 0)
                r = store_person_elevations(s, e->person, e->approval.from_usec, held, &n);
        return r < 0 ? r : n >= STORE_ELEVATIONS_MAX ? -E2BIG : 0;
}

int store_add_elevation(struct store *s, struct store_elevation *e) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        const struct policy_approval *a = &e->approval;
        int64_t id = 0;
        if (!store_is_text(e->role, sizeof(e->role)) ||
            !store_is_text(e->approver, sizeof(e->approver)) ||
            !store_is_text(e->reason, sizeof(e->reason)) || a->from_usec == 0 ||
            a->until_usec <= a->from_usec ||
            strnlen(a->from_boot_id, sizeof(a->from_boot_id)) == sizeof(a->from_boot_id))
                return -EINVAL;
        int r = store_tx_begin(s, &tx);
        if (r == 0)
                r = has_room(s, e);
        if (r == 0)
                r = insert_elevation(s, e, &id);
        if (r == 0)
                r = store_tx_commit(&tx);
        if (r < 0)
                return r;
        e->id = id;
        e->version = 1;
        e->added_usec = a->from_usec;
        e->ended_usec = 0;
        e->end_reason[0] = 0;
        return 0;
}

/* --- Changes of all rows of a person */

/* Binds a time and a reason where the statement has them. *ret_n: how many rows were changed. */
static int change_all(struct store *s, enum store_sql which, uint64_t now_usec, const char *reason,
                      int64_t person, unsigned *ret_n) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        int r = store_tx_begin(s, &tx);
        if (r == 0)
                r = store_statement(s, which, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        if (reason) {
                bind_u64(&bind, now_usec);
                bind_text(&bind, reason);
        }
        bind_i64(&bind, person);
        r = bind.r < 0 ? bind.r : store_run(st);
        unsigned n = r == 0 ? (unsigned) sqlite3_changes(s->db) : 0;
        if (r == 0)
                r = store_tx_commit(&tx);
        if (r == 0 && ret_n)
                *ret_n = n;
        return r;
}

static int end_all(struct store *s, enum store_sql which, int64_t person, const char *reason,
                   uint64_t now_usec, unsigned *ret_n) {
        if (!store_is_text(reason, sizeof(((struct store_badge *) 0)->end_reason)) || now_usec == 0)
                return -EINVAL;
        return change_all(s, which, now_usec, reason, person, ret_n);
}

int store_end_elevations(struct store *s, int64_t person, const char *reason, uint64_t now_usec,
                         unsigned *ret_n) {
        return end_all(s, SQL_ELEVATION_END_OF, person, reason, now_usec, ret_n);
}

int store_end_badges_of(struct store *s, int64_t person, const char *reason, uint64_t now_usec) {
        return end_all(s, SQL_BADGE_END_OF, person, reason, now_usec, NULL);
}

int store_end_keys_of(struct store *s, int64_t person, const char *reason, uint64_t now_usec) {
        return end_all(s, SQL_KEY_END_OF, person, reason, now_usec, NULL);
}

static int report(struct store *s, enum store_sql which, int64_t person, const char *reason,
                  uint64_t now_usec, unsigned *ret_n) {
        char text[sizeof(((struct store_badge *) 0)->suspend_reason)];
        int n = snprintf(text, sizeof(text), STORE_REPORTED "%s", reason);
        if (!reason[0] || n < 0 || (size_t) n >= sizeof(text))
                return -EINVAL;
        return end_all(s, which, person, text, now_usec, ret_n);
}

int store_report_badges(struct store *s, int64_t person, const char *reason, uint64_t now_usec,
                        unsigned *ret_n) {
        return report(s, SQL_BADGE_REPORT, person, reason, now_usec, ret_n);
}

int store_report_keys(struct store *s, int64_t person, const char *reason, uint64_t now_usec,
                      unsigned *ret_n) {
        return report(s, SQL_KEY_REPORT, person, reason, now_usec, ret_n);
}

int store_lift_badges(struct store *s, int64_t person, unsigned *ret_n) {
        return change_all(s, SQL_BADGE_LIFT, 0, NULL, person, ret_n);
}

int store_lift_keys(struct store *s, int64_t person, unsigned *ret_n) {
        return change_all(s, SQL_KEY_LIFT, 0, NULL, person, ret_n);
}
