/* SPDX-License-Identifier: Apache-2.0 */
/* Emergencies (state.db) and what was said of them afterwards (people.db). */
#include "policy/store_internal.h"

#include <errno.h>

#include "common/bytes.h"

#define DAY_USEC (24ULL * 3600 * 1000000)

#define EMERGENCIES_MAX 1000000U

const char *review_part_name(enum review_part p) {
        static const char *const names[] = {"words", "clinical", "security"};
        return (unsigned) p < REVIEW_PART_MAX ? names[p] : "";
}

static bool is_review(const char *s) {
        return strlen(s) == STORE_REVIEW_LENGTH && strspn(s, "0123456789abcdef") == strlen(s);
}

/* --- state.db */

static bool is_emergency(const struct store_emergency *e) {
        return strlen(e->attempt) == 32 && is_review(e->review) && e->person > 0 && e->witness >= 0 &&
               store_is_text(e->user, sizeof(e->user)) &&
               text_is_clean(e->claimed, sizeof(e->claimed) - 1) &&
               store_is_text(e->reason, sizeof(e->reason)) && e->how > EMERGENCY_NONE &&
               e->how < EMERGENCY_MAX && e->from_usec > 0 && e->until_usec > e->from_usec;
}

static int insert_emergency(struct store *s, const struct store_emergency *e) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_EMERGENCY_ADD, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_text(&bind, e->attempt);
        bind_text(&bind, e->review);
        bind_i64(&bind, e->person);
        bind_text(&bind, e->user);
        bind_text(&bind, e->claimed);
        bind_i64(&bind, e->witness);
        bind_i64(&bind, e->how);
        bind_text(&bind, e->reason);
        bind_u64(&bind, e->from_usec);
        bind_u64(&bind, e->until_usec);
        bind_i64(&bind, e->drill);
        return bind.r < 0 ? bind.r : store_run(st);
}

int store_add_emergency(struct store *s, const struct store_emergency *e) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        if (!is_emergency(e))
                return -EINVAL;
        int r = store_tx_begin(s, &tx);
        if (r == 0)
                r = insert_emergency(s, e);
        return r < 0 ? r : store_tx_commit(&tx);
}

static void read_emergency(struct row *row, struct store_emergency *e) {
        row_text(row, e->attempt, sizeof(e->attempt));
        row_text(row, e->review, sizeof(e->review));
        e->person = row_i64(row);
        row_text(row, e->user, sizeof(e->user));
        row_text(row, e->claimed, sizeof(e->claimed));
        e->witness = row_i64(row);
        e->how = (enum emergency) row_u64(row, EMERGENCY_MAX - 1);
        row_text(row, e->reason, sizeof(e->reason));
        e->from_usec = row_u64(row, INT64_MAX);
        e->until_usec = row_u64(row, INT64_MAX);
        e->drill = row_u64(row, 1) != 0;
}

/* The newest before *id, which becomes its id. */
static int emergency_before(struct store *s, int64_t *id, struct store_emergency *ret) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_EMERGENCY_BEFORE, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, *id);
        r = bind.r < 0 ? bind.r : store_step(st);
        if (r <= 0)
                return r == 0 ? -ENOENT : r;
        struct row row = {.st = st};
        *id = row_i64(&row);
        read_emergency(&row, ret);
        return row.r;
}

int store_each_emergency(struct store *s, int (*f)(const struct store_emergency *, void *), void *data) {
        struct store_emergency e = {0};
        int64_t id = INT64_MAX;
        int r;
        while ((r = emergency_before(s, &id, &e)) == 0)
                if ((r = f(&e, data)) != 0)
                        return r;
        return r == -ENOENT ? 0 : r;
}

int store_count_emergencies(struct store *s, int64_t person, uint64_t now_usec, unsigned *ret) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_EMERGENCY_COUNT, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, person);
        bind_u64(&bind, now_usec > DAY_USEC ? now_usec - DAY_USEC : 0);
        bind_u64(&bind, now_usec);
        r = bind.r < 0 ? bind.r : store_step(st);
        if (r <= 0)
                return r == 0 ? -EBADMSG : r;
        struct row row = {.st = st};
        unsigned n = (unsigned) row_u64(&row, EMERGENCIES_MAX);
        if (row.r == 0)
                *ret = n;
        return row.r;
}

/* --- people.db */

static int insert_review(struct store *s, const struct store_review *v) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_REVIEW_ADD, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_text(&bind, v->review);
        bind_i64(&bind, v->part);
        bind_i64(&bind, v->person);
        bind_text(&bind, v->words);
        bind_u64(&bind, v->closed_usec);
        return bind.r < 0 ? bind.r : store_run(st);
}

static void read_review(struct row *row, struct store_review *v) {
        row_text(row, v->review, sizeof(v->review));
        v->part = (enum review_part) row_u64(row, REVIEW_PART_MAX - 1);
        v->person = row_i64(row);
        row_text(row, v->user, sizeof(v->user));
        row_text(row, v->words, sizeof(v->words));
        v->closed_usec = row_u64(row, INT64_MAX);
}

int store_reviews(struct store *s, const char *review, struct store_review ret[static REVIEW_PART_MAX],
                  size_t *ret_n) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        size_t n = 0;
        int r = store_statement(s, SQL_REVIEW_OF, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_text(&bind, review);
        r = bind.r;
        while (r == 0 && (r = store_step(st)) > 0) {
                struct row row = {.st = st};
                if (n == REVIEW_PART_MAX)
                        return -EBADMSG;
                read_review(&row, &ret[n++]);
                r = row.r;
        }
        if (r == 0)
                *ret_n = n;
        return r;
}

/* Who has explained it, or closed it one way, does not close it another way. */
static int judge_review(struct store *s, const struct store_review *v) {
        struct store_review there[REVIEW_PART_MAX];
        size_t n = 0;
        int r = store_reviews(s, v->review, there, &n);
        for (size_t i = 0; r == 0 && i < n; i++)
                if (there[i].part == v->part)
                        r = -EEXIST;
        for (size_t i = 0; r == 0 && i < n; i++)
                if (there[i].person == v->person)
                        r = -EKEYREJECTED;
        return r;
}

int store_add_review(struct store *s, const struct store_review *v) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        if (!is_review(v->review) || (unsigned) v->part >= REVIEW_PART_MAX || v->person <= 0 ||
            v->closed_usec == 0 || !store_is_text(v->words, sizeof(v->words)))
                return -EINVAL;
        int r = store_tx_begin(s, &tx);
        if (r == 0)
                r = judge_review(s, v);
        if (r == 0)
                r = insert_review(s, v);
        return r < 0 ? r : store_tx_commit(&tx);
}
