/* SPDX-License-Identifier: Apache-2.0 */
/* state.db: what attempts must remember. The counter rule is judged inside the transaction that stores the
 * counter. */
#include "policy/store_internal.h"

#include <errno.h>
#include <stdio.h>

#include "common/bytes.h"

#define GROUPS_MAX 65536U /* NGROUPS_MAX of Linux */
#define GROUPS_BYTES_MAX (512U << 10)
#define ACCOUNT_FRESH_USEC (3600ULL * 1000000)
#define BADGE_USE_USEC (24 * 3600ULL * 1000000)

static int bind_clock(struct binder *b, const struct policy_clock *clock) {
        if (strnlen(clock->boot_id, sizeof(clock->boot_id)) == sizeof(clock->boot_id))
                return -EINVAL;
        bind_u64(b, clock->realtime_usec);
        bind_u64(b, clock->boottime_usec);
        return 0;
}

/* --- History */

static void read_history(struct row *row, struct policy_history *h) {
        *h = (struct policy_history){.strong_usec = row_u64(row, INT64_MAX)};
        h->any_strong = h->strong_usec != 0;
        h->strong_boottime_usec = row_u64(row, INT64_MAX);
        row_text(row, h->strong_boot_id, sizeof(h->strong_boot_id));
        h->strong_badge_id = row_i64(row);
        h->strong_aal = (uint8_t) row_u64(row, 3);
        h->grace_from_usec = row_u64(row, INT64_MAX);
        h->grace_from_boottime_usec = row_u64(row, INT64_MAX);
        h->failures = (unsigned) row_u64(row, 1000000);
        h->last_failure_usec = row_u64(row, INT64_MAX);
        h->last_failure_boottime_usec = row_u64(row, INT64_MAX);
        row_text(row, h->last_failure_boot_id, sizeof(h->last_failure_boot_id));
}

int store_history(struct store *s, int64_t person, struct policy_history *ret) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        struct policy_history h = {0};
        int r = store_statement(s, SQL_HISTORY, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, person);
        r = bind.r < 0 ? bind.r : store_step(st);
        if (r < 0)
                return r;
        struct row row = {.st = st};
        if (r > 0)
                read_history(&row, &h);
        if (row.r == 0)
                *ret = h;
        return row.r;
}

int store_counter(struct store *s, int64_t key, uint32_t *ret) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_COUNTER, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, key);
        r = bind.r < 0 ? bind.r : store_step(st);
        if (r < 0)
                return r;
        struct row row = {.st = st};
        uint32_t counter = r > 0 ? (uint32_t) row_u64(&row, UINT32_MAX) : 0;
        if (row.r == 0)
                *ret = counter;
        return row.r;
}

static int write_counter(struct store *s, const struct store_sign_in *in) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_COUNTER_SET, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, in->key);
        bind_i64(&bind, in->counter);
        bind_u64(&bind, in->clock.realtime_usec);
        return bind.r < 0 ? bind.r : store_run(st);
}

/* WebAuthn Level 2, 7.2, step 21 (22 in Level 3) */
static int judge_counter(struct store *s, const struct store_sign_in *in) {
        uint32_t stored;
        int r = store_counter(s, in->key, &stored);
        if (r < 0)
                return r;
        if ((stored != 0 || in->counter != 0) && in->counter <= stored)
                return -EKEYREJECTED;
        return write_counter(s, in);
}

static int write_strong(struct store *s, const struct store_sign_in *in) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_HISTORY_STRONG, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, in->person);
        r = bind_clock(&bind, &in->clock);
        if (r < 0)
                return r;
        bind_text(&bind, in->clock.boot_id);
        bind_i64(&bind, in->badge);
        bind_i64(&bind, in->aal);
        return bind.r < 0 ? bind.r : store_run(st);
}

static int read_use(struct store *s, enum store_sql which, int64_t id, uint64_t *ret_usec) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, which, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, id);
        r = bind.r < 0 ? bind.r : store_step(st);
        if (r < 0)
                return r;
        struct row row = {.st = st};
        uint64_t usec = r > 0 ? row_u64(&row, INT64_MAX) : 0;
        if (row.r == 0)
                *ret_usec = usec;
        return row.r;
}

int store_badge_used(struct store *s, int64_t badge, uint64_t *ret_usec) {
        return read_use(s, SQL_BADGE_USE, badge, ret_usec);
}

int store_key_used(struct store *s, int64_t key, uint64_t *ret_usec) {
        return read_use(s, SQL_KEY_USE, key, ret_usec);
}

static int write_badge_use(struct store *s, int64_t badge, uint64_t now_usec) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_BADGE_USE_SET, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, badge);
        bind_u64(&bind, now_usec);
        return bind.r < 0 ? bind.r : store_run(st);
}

int store_note_badge(struct store *s, int64_t badge, uint64_t now_usec) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        uint64_t used;
        if (badge <= 0 || now_usec == 0)
                return -EINVAL;
        int r = store_badge_used(s, badge, &used);
        if (r < 0 || (used <= now_usec && now_usec - used < BADGE_USE_USEC))
                return r;
        r = store_tx_begin(s, &tx);
        if (r == 0)
                r = write_badge_use(s, badge, now_usec);
        return r < 0 ? r : store_tx_commit(&tx);
}

static int write_renewal(struct store *s, const struct store_sign_in *in) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_HISTORY_RENEW, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, in->person);
        r = bind_clock(&bind, &in->clock);
        if (r < 0)
                return r;
        return bind.r < 0 ? bind.r : store_run(st);
}

static int clear_failures(struct store *s, int64_t person) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_HISTORY_CLEAR, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, person);
        return bind.r < 0 ? bind.r : store_run(st);
}

int store_commit_sign_in(struct store *s, const struct store_sign_in *in) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        int r = 0;
        if (in->person <= 0 || in->key < 0 || in->badge < 0 || in->clock.realtime_usec == 0)
                return -EINVAL;
        if (in->key == 0 && !in->strong && !in->grace_renew)
                return 0; /* a badge under fixed grace: nothing to remember, and no disk to wait for */
        r = store_tx_begin(s, &tx);
        if (r == 0 && in->key != 0)
                r = judge_counter(s, in);
        if (r == 0 && in->strong)
                r = write_strong(s, in);
        if (r == 0 && in->grace_renew && !in->strong)
                r = write_renewal(s, in);
        if (r == 0 && in->key != 0)
                r = clear_failures(s, in->person);
        if (r == 0 && in->badge != 0)
                r = write_badge_use(s, in->badge, in->clock.realtime_usec);
        return r < 0 ? r : store_tx_commit(&tx);
}

int store_add_failure(struct store *s, int64_t person, const struct policy_clock *clock) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        if (person <= 0)
                return -EINVAL;
        int r = store_tx_begin(s, &tx);
        if (r == 0)
                r = store_statement(s, SQL_HISTORY_FAILURE, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, person);
        r = bind_clock(&bind, clock);
        if (r < 0)
                return r;
        bind_text(&bind, clock->boot_id);
        r = bind.r < 0 ? bind.r : store_run(st);
        return r < 0 ? r : store_tx_commit(&tx);
}

/* --- Accounts */

void store_account_clear(struct store_account *a) {
        for (size_t i = 0; a->groups && i < a->n_groups; i++)
                free(a->groups[i]);
        free(a->groups);
        *a = (struct store_account){0};
}

/* Each name with its terminator, one after the other. */
static int pack_groups(const struct store_account *a, char **ret, size_t *ret_n) {
        size_t n = 0, at = 0;
        if (a->n_groups > GROUPS_MAX)
                return -E2BIG;
        for (size_t i = 0; i < a->n_groups; i++) {
                n += strlen(a->groups[i]) + 1;
                if (n > GROUPS_BYTES_MAX)
                        return -E2BIG;
        }
        _cleanup_(freep) char *packed = malloc(n + 1);
        if (!packed)
                return -ENOMEM;
        for (size_t i = 0; i < a->n_groups; i++) {
                size_t len = strlen(a->groups[i]) + 1;
                memcpy(packed + at, a->groups[i], len);
                at += len;
        }
        *ret = TAKE_PTR(packed);
        *ret_n = n;
        return 0;
}

static int unpack_groups(const char *packed, size_t n, struct store_account *a) {
        size_t count = 0, at = 0;
        if (n > 0 && packed[n - 1] != 0)
                return -EBADMSG;
        for (size_t i = 0; i < n; i++)
                count += packed[i] == 0;
        a->groups = calloc(count + 1, sizeof(*a->groups));
        if (!a->groups)
                return -ENOMEM;
        for (; a->n_groups < count; a->n_groups++) {
                a->groups[a->n_groups] = strdup(packed + at);
                if (!a->groups[a->n_groups])
                        return -ENOMEM;
                at += strlen(packed + at) + 1;
        }
        return 0;
}

static int read_account(sqlite3_stmt *st, struct store_account *a) {
        struct row row = {.st = st};
        a->uid = (uid_t) row_u64(&row, UINT32_MAX - 1);
        row_text(&row, a->full_name, sizeof(a->full_name));
        int groups = row.at++;
        a->at_usec = row_u64(&row, INT64_MAX);
        if (row.r < 0 || sqlite3_column_type(st, groups) != SQLITE_BLOB)
                return row.r < 0 ? row.r : -EBADMSG;
        const char *packed = sqlite3_column_blob(st, groups);
        return unpack_groups(packed, packed ? (size_t) sqlite3_column_bytes(st, groups) : 0, a);
}

int store_load_account(struct store *s, const char *user, struct store_account *ret) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        _cleanup_(store_account_clear) struct store_account a = {0};
        int r = store_statement(s, SQL_ACCOUNT, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_text(&bind, user);
        r = bind.r < 0 ? bind.r : store_step(st);
        if (r <= 0)
                return r == 0 ? -ENOENT : r;
        r = read_account(st, &a);
        if (r < 0)
                return r;
        *ret = a;
        a = (struct store_account){0};
        return 0;
}

/* The same data, and not so old that its age would matter: no disk to wait for. */
static bool is_known(struct store *s, const char *user, const struct store_account *a) {
        _cleanup_(store_account_clear) struct store_account old = {0};
        if (store_load_account(s, user, &old) < 0 || old.uid != a->uid || old.n_groups != a->n_groups ||
            strcmp(old.full_name, a->full_name) != 0 || a->at_usec < old.at_usec ||
            a->at_usec - old.at_usec > ACCOUNT_FRESH_USEC)
                return false;
        for (size_t i = 0; i < a->n_groups; i++)
                if (strcmp(old.groups[i], a->groups[i]) != 0)
                        return false;
        return true;
}

static int write_account(struct store *s, const char *user, const struct store_account *a,
                         const char *groups, size_t groups_len) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_ACCOUNT_SET, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_text(&bind, user);
        bind_i64(&bind, a->uid);
        bind_text(&bind, a->full_name);
        bind_blob(&bind, groups, groups_len);
        bind_u64(&bind, a->at_usec);
        return bind.r < 0 ? bind.r : store_run(st);
}

int store_save_account(struct store *s, const char *user, const struct store_account *a) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        _cleanup_(freep) char *groups = NULL;
        size_t n;
        if (!user[0] || !text_is_clean(user, 64) ||
            strnlen(a->full_name, sizeof(a->full_name)) == sizeof(a->full_name))
                return -EINVAL;
        if (is_known(s, user, a))
                return 0;
        int r = pack_groups(a, &groups, &n);
        if (r == 0)
                r = store_tx_begin(s, &tx);
        if (r == 0)
                r = write_account(s, user, a, groups, n);
        return r < 0 ? r : store_tx_commit(&tx);
}
