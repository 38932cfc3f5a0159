/* SPDX-License-Identifier: Apache-2.0 */
/* people.db: what happens to people, badges and keys between their beginning and their end, and to whom an
 * agency account is lent. */
#include "policy/store_internal.h"

#include <errno.h>
#include <stdio.h>

#include "common/bytes.h"

/* --- Limits of a person */

static int update_limits(struct store *s, const struct store_person *p) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_PERSON_SET_LIMITS, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_u64(&bind, p->not_before_usec);
        bind_u64(&bind, p->not_after_usec);
        bind_i64(&bind, p->id);
        return bind.r < 0 ? bind.r : store_run(st);
}

int store_set_person_limits(struct store *s, const char *user, uint64_t not_before_usec,
                            uint64_t not_after_usec, struct store_person *ret) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        struct store_person p;
        if (not_after_usec != 0 && not_after_usec <= not_before_usec)
                return -EINVAL;
        int r = store_tx_begin(s, &tx);
        if (r == 0)
                r = store_find_active(s, user, &p);
        if (r < 0)
                return r;
        p.not_before_usec = not_before_usec;
        p.not_after_usec = not_after_usec;
        p.version++;
        r = update_limits(s, &p);
        if (r == 0)
                r = store_tx_commit(&tx);
        if (r == 0)
                *ret = p;
        return r;
}

/* --- Suspending badges and keys */

static int update_suspension(struct store *s, enum store_sql which, int64_t id, const char *reason,
                             uint64_t when_usec) {
        return store_end_rows(s, which, id, reason, when_usec); /* the same parameters */
}

/* What the two columns become. -EALREADY when they say so already. */
static int judge_suspension(uint64_t suspended_usec, const char *reason, uint64_t now_usec,
                            uint64_t *ret_usec) {
        if ((reason && !store_is_text(reason, sizeof(((struct store_badge *) 0)->suspend_reason))) ||
            now_usec == 0)
                return -EINVAL;
        if ((suspended_usec != 0) == (reason != NULL))
                return -EALREADY;
        *ret_usec = reason ? now_usec : 0;
        return 0;
}

int store_suspend_badge(struct store *s, const char *token, const char *reason, uint64_t now_usec,
                        struct store_badge *ret_badge, struct store_person *ret_person) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        struct store_badge b;
        struct store_person p;
        int r = store_tx_begin(s, &tx);
        if (r == 0)
                r = store_find_by_token(s, SQL_BADGE_BY_TOKEN, token, &b, NULL, &p);
        if (r == 0)
                r = judge_suspension(b.suspended_usec, reason, now_usec, &b.suspended_usec);
        if (r < 0)
                return r;
        (void) snprintf(b.suspend_reason, sizeof(b.suspend_reason), "%s", reason ? reason : "");
        b.version++;
        r = update_suspension(s, SQL_BADGE_SUSPEND, b.id, b.suspend_reason, b.suspended_usec);
        if (r == 0)
                r = store_tx_commit(&tx);
        if (r < 0)
                return r;
        *ret_badge = b;
        *ret_person = p;
        return 0;
}

int store_suspend_key(struct store *s, const char *token, const char *reason, uint64_t now_usec,
                      struct store_key *ret_key, struct store_person *ret_person) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        struct store_key k;
        struct store_person p;
        int r = store_tx_begin(s, &tx);
        if (r == 0)
                r = store_find_by_token(s, SQL_KEY_BY_TOKEN, token, NULL, &k, &p);
        if (r == 0)
                r = judge_suspension(k.suspended_usec, reason, now_usec, &k.suspended_usec);
        if (r < 0)
                return r;
        (void) snprintf(k.suspend_reason, sizeof(k.suspend_reason), "%s", reason ? reason : "");
        k.version++;
        r = update_suspension(s, SQL_KEY_SUSPEND, k.id, k.suspend_reason, k.suspended_usec);
        if (r == 0)
                r = store_tx_commit(&tx);
        if (r < 0)
                return r;
        *ret_key = k;
        *ret_person = p;
        return 0;
}

/* --- Leases */

static void read_lease(struct row *row, struct store_lease *l) {
        *l = (struct store_lease){.id = row_i64(row)};
        l->person = row_i64(row);
        row_text(row, l->uuid, sizeof(l->uuid));
        row_text(row, l->holder, sizeof(l->holder));
        row_text(row, l->identified, sizeof(l->identified));
        l->until_usec = row_u64(row, INT64_MAX);
        row_text(row, l->source, sizeof(l->source));
        l->version = row_i64(row);
        l->added_usec = row_u64(row, INT64_MAX);
        l->ended_usec = row_u64(row, INT64_MAX);
        row_text(row, l->end_reason, sizeof(l->end_reason));
        l->wiped_usec = row_u64(row, INT64_MAX);
        l->added_boottime_usec = row_u64(row, INT64_MAX);
        row_text(row, l->added_boot_id, sizeof(l->added_boot_id));
}

static int find_lease(struct store *s, enum store_sql which, int64_t id, struct store_lease *ret) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        struct store_lease l;
        int r = store_statement(s, which, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, id);
        if (bind.r < 0)
                return bind.r;
        r = store_step(st);
        if (r <= 0)
                return r == 0 ? -ENOENT : r;
        struct row row = {.st = st};
        read_lease(&row, &l);
        if (row.r == 0)
                *ret = l;
        return row.r;
}

int store_find_lease(struct store *s, int64_t person, struct store_lease *ret) {
        return find_lease(s, SQL_LEASE_OF, person, ret);
}

int store_each_lease(struct store *s, int (*f)(const struct store_lease *, void *), void *data) {
        struct store_lease l = {0};
        int r;
        while ((r = find_lease(s, SQL_LEASE_AFTER, l.id, &l)) == 0) {
                r = f(&l, data);
                if (r != 0)
                        return r;
        }
        return r == -ENOENT ? 0 : r;
}

/* Nobody has it, and nothing of whoever had it is left in its home. */
static int may_lend(struct store *s, int64_t person) {
        struct store_person p = {0};
        struct store_lease last;
        int r = store_find_person_by_id(s, person, &p);
        if (r < 0 || p.ended_usec != 0)
                return r < 0 ? r : -ENOENT;
        if (p.kind != PERSON_AGENCY)
                return -EOPNOTSUPP;
        r = store_find_lease(s, person, &last);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        return last.ended_usec == 0 ? -EEXIST : last.wiped_usec == 0 ? -EUCLEAN : 0;
}

static int insert_lease(struct store *s, struct store_lease *l) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_LEASE_ADD, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, l->person);
        bind_text(&bind, l->uuid);
        bind_text(&bind, l->holder);
        bind_text(&bind, l->identified);
        bind_u64(&bind, l->until_usec);
        bind_text(&bind, l->source);
        bind_u64(&bind, l->added_usec);
        bind_u64(&bind, l->added_boottime_usec);
        bind_text(&bind, l->added_boot_id);
        r = bind.r < 0 ? bind.r : store_run(st);
        if (r == 0)
                l->id = sqlite3_last_insert_rowid(s->db);
        return r;
}

int store_add_lease(struct store *s, struct store_lease *l, uint64_t now_usec) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        struct store_lease new = {
                .person = l->person, .until_usec = l->until_usec, .version = 1, .added_usec = now_usec};
        new.added_boottime_usec = l->added_boottime_usec;
        memcpy(new.added_boot_id, l->added_boot_id, sizeof(new.added_boot_id));
        memcpy(new.holder, l->holder, sizeof(new.holder));
        memcpy(new.identified, l->identified, sizeof(new.identified));
        memcpy(new.source, l->source, sizeof(new.source));
        store_set_source(new.source);
        if (!store_is_text(new.holder, sizeof(new.holder)) ||
            !store_is_text(new.identified, sizeof(new.identified)) ||
            !store_is_text(new.source, sizeof(new.source)) || now_usec == 0 || new.until_usec <= now_usec)
                return -EINVAL;
        int r = store_make_uuid(new.uuid);
        if (r == 0)
                r = store_tx_begin(s, &tx);
        if (r == 0)
                r = may_lend(s, new.person);
        if (r == 0)
                r = insert_lease(s, &new);
        if (r == 0)
                r = store_tx_commit(&tx);
        if (r == 0)
                *l = new;
        return r;
}

int store_end_lease(struct store *s, int64_t person, const char *reason, uint64_t now_usec,
                    struct store_lease *ret) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        struct store_lease l;
        if (!store_is_text(reason, sizeof(l.end_reason)) || now_usec == 0)
                return -EINVAL;
        int r = store_tx_begin(s, &tx);
        if (r == 0)
                r = store_find_lease(s, person, &l);
        if (r == 0 && l.ended_usec != 0)
                r = -ENOENT;
        if (r == 0)
                r = store_end_rows(s, SQL_LEASE_END_OF, person, reason, now_usec);
        if (r == 0)
                r = find_lease(s, SQL_LEASE_BY_ID, l.id, &l);
        if (r == 0)
                r = store_tx_commit(&tx);
        if (r == 0)
                *ret = l;
        return r;
}

static int insert_wipe(struct store *s, int64_t lease, uint64_t now_usec) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_WIPE_ADD, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, lease);
        bind_u64(&bind, now_usec);
        return bind.r < 0 ? bind.r : store_run(st);
}

int store_set_wiped(struct store *s, int64_t lease, uint64_t now_usec) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        struct store_lease l = {0};
        if (now_usec == 0)
                return -EINVAL;
        int r = store_tx_begin(s, &tx);
        if (r == 0)
                r = find_lease(s, SQL_LEASE_BY_ID, lease, &l);
        if (r == 0 && l.ended_usec == 0)
                r = -EINVAL;
        if (r == 0)
                r = insert_wipe(s, lease, now_usec);
        return r == 0 ? store_tx_commit(&tx) : r;
}
