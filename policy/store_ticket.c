/* SPDX-License-Identifier: Apache-2.0 */
/* people.db: tickets, and what wrong codes cost. */
#include "policy/store_internal.h"
#include "policy/ticket.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/random.h>

#include "common/bytes.h"
#include "common/crockford.h"

#define SAME_GROUP_MAX 16U /* tickets that begin alike; of a million codes, two in a hospital are rare */

static void read_ticket(struct row *row, struct store_ticket *t) {
        *t = (struct store_ticket){.id = row_i64(row)};
        t->person = row_i64(row);
        row_text(row, t->name, sizeof(t->name));
        row_blob(row, t->mac.selector, sizeof(t->mac.selector), NULL);
        row_blob(row, t->mac.mac, sizeof(t->mac.mac), NULL);
        t->use = (enum ticket_use) row_u64(row, TICKET_USE_MAX - 1);
        row_text(row, t->issuer, sizeof(t->issuer));
        row_text(row, t->identified, sizeof(t->identified));
        t->failures = (unsigned) row_u64(row, 1000000);
        t->version = row_i64(row);
        t->not_after_usec = row_u64(row, INT64_MAX);
        t->added_usec = row_u64(row, INT64_MAX);
        t->used_usec = row_u64(row, INT64_MAX);
        t->ended_usec = row_u64(row, INT64_MAX);
        row_text(row, t->end_reason, sizeof(t->end_reason));
        t->added_boottime_usec = row_u64(row, INT64_MAX);
        row_text(row, t->added_boot_id, sizeof(t->added_boot_id));
}

static int read_one(sqlite3_stmt *st, struct store_ticket *ret) {
        struct store_ticket t;
        int r = store_step(st);
        if (r <= 0)
                return r == 0 ? -ENOENT : r;
        struct row row = {.st = st};
        read_ticket(&row, &t);
        if (row.r == 0)
                *ret = t;
        return row.r;
}

static int find_by_id(struct store *s, enum store_sql which, int64_t id, struct store_ticket *ret) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, which, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, id);
        return bind.r < 0 ? bind.r : read_one(st, ret);
}

int store_find_ticket_by_id(struct store *s, int64_t id, struct store_ticket *ret) {
        return find_by_id(s, SQL_TICKET_BY_ID, id, ret);
}

int store_each_ticket(struct store *s, int (*f)(const struct store_ticket *, void *), void *data) {
        struct store_ticket t = {0};
        int r;
        while ((r = find_by_id(s, SQL_TICKET_AFTER, t.id, &t)) == 0) {
                r = f(&t, data);
                if (r != 0)
                        return r;
        }
        return r == -ENOENT ? 0 : r;
}

/* All that begin with this group. */
static int find_alike(struct store *s, const struct ticket_mac *mac, struct store_ticket *ret,
                      size_t *ret_n) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_TICKET_BY_SELECTOR, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_blob(&bind, mac->selector, sizeof(mac->selector));
        bind_i64(&bind, SAME_GROUP_MAX);
        if (bind.r < 0)
                return bind.r;
        size_t n = 0;
        while (n < SAME_GROUP_MAX && (r = read_one(st, &ret[n])) == 0)
                n++;
        if (r < 0 && r != -ENOENT)
                return r;
        *ret_n = n;
        return 0;
}

int store_find_ticket(struct store *s, const struct ticket_mac *mac, struct store_ticket *ret) {
        struct store_ticket alike[SAME_GROUP_MAX];
        const struct store_ticket *found = NULL;
        size_t n = 0;
        int r = find_alike(s, mac, alike, &n);
        for (size_t i = 0; r == 0 && i < n; i++)
                if (CRYPTO_memcmp(alike[i].mac.mac, mac->mac, sizeof(mac->mac)) == 0)
                        found = &alike[i];
        if (r == 0 && found)
                *ret = *found;
        return r < 0 ? r : found ? 0 : -ENOENT;
}

/* --- Adding */

static bool is_ticket(const struct store_ticket *t, uint64_t now_usec) {
        return t->issuer[0] && text_is_clean(t->issuer, sizeof(t->issuer) - 1) && t->identified[0] &&
               text_is_clean(t->identified, sizeof(t->identified) - 1) &&
               (unsigned) t->use < TICKET_USE_MAX && now_usec > 0 && t->not_after_usec > now_usec &&
               t->not_after_usec - now_usec <= TICKET_LIFE_MAX_USEC;
}

static int insert_ticket(struct store *s, const struct store_ticket *t, int64_t *ret_id) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_TICKET_ADD, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, t->person);
        bind_text(&bind, t->name);
        bind_blob(&bind, t->mac.selector, sizeof(t->mac.selector));
        bind_blob(&bind, t->mac.mac, sizeof(t->mac.mac));
        bind_i64(&bind, t->use);
        bind_text(&bind, t->issuer);
        bind_text(&bind, t->identified);
        bind_u64(&bind, t->not_after_usec);
        bind_u64(&bind, t->added_usec);
        bind_u64(&bind, t->added_boottime_usec);
        bind_text(&bind, t->added_boot_id);
        r = bind.r < 0 ? bind.r : store_run(st);
        if (r == 0)
                *ret_id = sqlite3_last_insert_rowid(s->db);
        return r;
}

int store_add_ticket(struct store *s, struct store_ticket *t, uint64_t now_usec) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        struct store_ticket new = *t;
        struct store_person p;
        uint8_t random[(5 * TICKET_NAME_CHARS + 7) / 8];
        new.version = 1;
        new.added_usec = now_usec;
        new.failures = 0;
        new.used_usec = new.ended_usec = 0;
        new.end_reason[0] = 0;
        if (!is_ticket(&new, now_usec))
                return -EINVAL;
        if (getrandom(random, sizeof(random), 0) != (ssize_t) sizeof(random))
                return -EIO;
        crockford_encode(random, TICKET_NAME_CHARS, new.name);
        int r = store_tx_begin(s, &tx);
        if (r == 0)
                r = store_find_person_by_id(s, new.person, &p);
        if (r == 0 && p.ended_usec != 0)
                r = -ENOENT;
        if (r == 0)
                r = insert_ticket(s, &new, &new.id);
        if (r == 0)
                r = store_tx_commit(&tx);
        if (r == 0)
                *t = new;
        return r;
}

/* --- What becomes of it */

static int update_ticket(struct store *s, const struct store_ticket *t) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_TICKET_CHANGE, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, t->failures);
        bind_u64(&bind, t->used_usec);
        bind_u64(&bind, t->ended_usec);
        bind_text(&bind, t->end_reason);
        bind_i64(&bind, t->id);
        return bind.r < 0 ? bind.r : store_run(st);
}

static int find_by_name(struct store *s, const char *name, struct store_ticket *ret) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_TICKET_BY_NAME, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_text(&bind, name);
        return bind.r < 0 ? bind.r : read_one(st, ret);
}

static void set_end(struct store_ticket *t, const char *reason, uint64_t now_usec) {
        t->ended_usec = now_usec;
        (void) snprintf(t->end_reason, sizeof(t->end_reason), "%s", reason);
}

int store_end_ticket(struct store *s, const char *name, const char *reason, uint64_t now_usec,
                     struct store_ticket *ret, struct store_person *ret_person) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        struct store_ticket t;
        struct store_person p;
        if (!text_is_clean(reason, sizeof(t.end_reason) - 1) || now_usec == 0)
                return -EINVAL;
        int r = store_tx_begin(s, &tx);
        if (r == 0)
                r = find_by_name(s, name, &t);
        if (r == 0)
                r = store_find_person_by_id(s, t.person, &p);
        if (r < 0)
                return r;
        set_end(&t, reason, now_usec);
        r = update_ticket(s, &t);
        if (r == 0)
                r = store_tx_commit(&tx);
        if (r < 0)
                return r;
        t.version++;
        *ret = t;
        *ret_person = p;
        return 0;
}

int store_use_ticket(struct store *s, int64_t id, bool end, uint64_t now_usec) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        struct store_ticket t;
        if (now_usec == 0)
                return -EINVAL;
        int r = store_tx_begin(s, &tx);
        if (r == 0)
                r = store_find_ticket_by_id(s, id, &t);
        if (r == 0 && (t.used_usec != 0 || t.ended_usec != 0))
                r = -EALREADY;
        if (r < 0)
                return r;
        t.used_usec = now_usec;
        if (end)
                set_end(&t, "used", now_usec);
        r = update_ticket(s, &t);
        return r < 0 ? r : store_tx_commit(&tx);
}

/* --- Wrong codes */

struct guard {
        unsigned failures;
        uint64_t boottime_usec; /* of the last one */
        char boot_id[33];
};

static int read_guard(struct store *s, struct guard *ret) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        struct guard g = {0};
        int r = store_statement(s, SQL_TICKET_GUARD, &st);
        if (r < 0)
                return r;
        r = store_step(st);
        if (r <= 0)
                return r == 0 ? -EBADMSG : r;
        struct row row = {.st = st};
        g.failures = (unsigned) row_u64(&row, 1000000);
        g.boottime_usec = row_u64(&row, INT64_MAX);
        row_text(&row, g.boot_id, sizeof(g.boot_id));
        if (row.r == 0)
                *ret = g;
        return row.r;
}

static int write_guard(struct store *s, const struct guard *g) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_TICKET_GUARD_SET, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, g->failures);
        bind_u64(&bind, g->boottime_usec);
        bind_text(&bind, g->boot_id);
        return bind.r < 0 ? bind.r : store_run(st);
}

/* How long the last wrong code is ago, at least: nobody gains by setting a clock or by a reboot. */
static uint64_t guard_age(const struct guard *g, const struct policy_clock *c) {
        bool same = g->boot_id[0] && strcmp(g->boot_id, c->boot_id) == 0;
        uint64_t from = same ? g->boottime_usec : 0;
        return c->boottime_usec > from ? c->boottime_usec - from : 0;
}

int store_ticket_pause(struct store *s, const struct policy_clock *clock, uint64_t *ret_usec) {
        struct guard g;
        int r = read_guard(s, &g);
        if (r < 0)
                return r;
        uint64_t age = guard_age(&g, clock);
        *ret_usec = g.failures < TICKET_GUARD_MAX || age >= TICKET_GUARD_USEC ? 0 : TICKET_GUARD_USEC - age;
        return 0;
}

static int count_at_station(struct store *s, const struct policy_clock *clock) {
        struct guard g;
        int r = read_guard(s, &g);
        if (r < 0)
                return r;
        g.failures = guard_age(&g, clock) >= TICKET_GUARD_USEC ? 1
                     : g.failures < 1000000                    ? g.failures + 1
                                                               : 1000000;
        g.boottime_usec = clock->boottime_usec;
        memcpy(g.boot_id, clock->boot_id, sizeof(g.boot_id));
        return write_guard(s, &g);
}

static int count_at_ticket(struct store *s, struct store_ticket *t, uint64_t now_usec) {
        t->failures++;
        if (t->failures >= TICKET_FAILURES_MAX)
                set_end(t, "guessed", now_usec);
        return update_ticket(s, t);
}

int store_count_wrong_code(struct store *s, const struct ticket_mac *mac, const struct policy_clock *clock,
                           char ret_name[TICKET_NAME_CHARS + 1]) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        struct store_ticket alike[SAME_GROUP_MAX];
        uint64_t now = clock->realtime_usec;
        const char *name = "";
        size_t n = 0;
        if (now == 0 || strnlen(clock->boot_id, sizeof(clock->boot_id)) == sizeof(clock->boot_id))
                return -EINVAL;
        int r = store_tx_begin(s, &tx);
        if (r == 0)
                r = count_at_station(s, clock);
        if (r == 0)
                r = find_alike(s, mac, alike, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
                if (alike[i].ended_usec != 0 || alike[i].not_after_usec <= now)
                        continue;
                name = alike[i].name;
                r = count_at_ticket(s, &alike[i], now);
        }
        if (r == 0)
                r = store_tx_commit(&tx);
        if (r == 0)
                memcpy(ret_name, name, strlen(name) + 1);
        return r;
}
