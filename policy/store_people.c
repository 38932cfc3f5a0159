/* SPDX-License-Identifier: Apache-2.0 */
/* people.db: who holds which badge and key. The statements of both databases stand here in one list. */
#include "policy/store_internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include <openssl/evp.h>

#include "common/bytes.h"

#define PERSON                                                                                              \
        "person.id, person.uuid, person.user, person.full_name, person.state, person.not_before_usec,"      \
        " person.not_after_usec, person.source, person.version, person.added_usec, person.ended_usec,"      \
        " person.kind"
#define BADGE                                                                                               \
        "badge.id, badge.person, badge.token, badge.kind, badge.number_len, badge.key_id,"                  \
        " badge.number_index, badge.source, badge.version, badge.added_usec, badge.ended_usec,"             \
        " badge.end_reason, badge.suspended_usec, badge.suspend_reason, badge.not_after_usec,"              \
        " badge.basis_usec, badge.basis_boottime_usec, badge.basis_boot_id, badge.approver,"                \
        " badge.lend_reason"
#define KEY                                                                                                 \
        "key.id, key.person, key.credential_id, key.public_key, key.token, key.rp_id, key.aaguid,"          \
        " key.attested, key.format, key.label, key.source, key.version, key.added_usec, key.ended_usec,"    \
        " key.end_reason, key.suspended_usec, key.suspend_reason"
#define ELEVATION                                                                                           \
        "elevation.id, elevation.person, elevation.role, elevation.until_usec,"                             \
        " elevation.basis_boottime_usec, elevation.basis_boot_id, elevation.approver, elevation.reason,"    \
        " elevation.version, elevation.added_usec, elevation.ended_usec, elevation.end_reason"
#define TICKET                                                                                              \
        "id, person, name, selector, code_mac, use, issuer, identified, failures, version, not_after_usec," \
        " added_usec, used_usec, ended_usec, end_reason, basis_boottime_usec, basis_boot_id"
#define BADGE_AND_PERSON "SELECT " BADGE ", " PERSON " FROM badge JOIN person ON person.id = badge.person "
#define KEY_AND_PERSON "SELECT " KEY ", " PERSON " FROM key JOIN person ON person.id = key.person "
#define LEASE                                                                                               \
        "SELECT lease.id, lease.person, lease.uuid, lease.holder, lease.identified, lease.until_usec,"      \
        " lease.source, lease.version, lease.added_usec, lease.ended_usec, lease.end_reason,"               \
        " coalesce(wipe.wiped_usec, 0), lease.basis_boottime_usec, lease.basis_boot_id FROM lease LEFT "    \
        "JOIN wipe ON wipe.lease = lease.id "
#define SUSPEND "SET suspended_usec = ?1, suspend_reason = ?2, version = version + 1 "
#define END "SET ended_usec = ?1, end_reason = ?2, version = version + 1 "
#define REPORT "SET suspended_usec = ?1, suspend_reason = ?2, version = version + 1 "
#define LIFT "SET suspended_usec = 0, suspend_reason = '', version = version + 1 "
#define IS_REPORTED "suspended_usec <> 0 AND substr(suspend_reason, 1, 10) = '" STORE_REPORTED "'"

/* Partial indexes are used where the condition of the index stands in the statement, word for word. */
const char *const store_sql[SQL_MAX] = {
        [SQL_BEGIN] = "BEGIN IMMEDIATE",
        [SQL_COMMIT] = "COMMIT",
        [SQL_ROLLBACK] = "ROLLBACK",
        [SQL_SAVE] = "SAVEPOINT part",
        [SQL_SAVE_RELEASE] = "RELEASE part",
        [SQL_SAVE_ROLLBACK] = "ROLLBACK TO part",

        [SQL_VERSION] = "SELECT version FROM store WHERE one = 1",
        [SQL_PERSON_BY_USER] = "SELECT " PERSON " FROM person WHERE user = ?1 AND ended_usec = 0",
        [SQL_PERSON_BY_USER_ENDED] = "SELECT " PERSON " FROM person WHERE user = ?1 AND ended_usec <> 0"
                                     " ORDER BY ended_usec DESC, id DESC LIMIT 1",
        [SQL_PERSON_BY_ID] = "SELECT " PERSON " FROM person WHERE id = ?1",
        [SQL_PERSON_AFTER] = "SELECT " PERSON " FROM person WHERE id > ?1 ORDER BY id LIMIT 1",
        [SQL_PERSON_ADD] = "INSERT INTO person (uuid, user, full_name, state, not_before_usec,"
                           " not_after_usec, source, version, added_usec, ended_usec, kind)"
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, 0, ?9)",
        [SQL_PERSON_SET_STATE] = "UPDATE person SET state = ?1, ended_usec = ?2, version = version + 1"
                                 " WHERE id = ?3",
        [SQL_PERSON_SET_LIMITS] = "UPDATE person SET not_before_usec = ?1, not_after_usec = ?2,"
                                  " version = version + 1 WHERE id = ?3",

        [SQL_BADGE_BY_INDEX] = BADGE_AND_PERSON
        "WHERE badge.number_index = ?1 AND badge.key_id = ?2 AND badge.ended_usec = 0",
        [SQL_BADGE_BY_INDEX_ENDED] = BADGE_AND_PERSON
        "WHERE badge.number_index = ?1 AND badge.key_id = ?2 AND badge.ended_usec <> 0"
        " ORDER BY badge.ended_usec DESC, badge.id DESC LIMIT 1",
        [SQL_BADGE_BY_TOKEN] = BADGE_AND_PERSON "WHERE badge.token = ?1 AND badge.ended_usec = 0 LIMIT 2",
        [SQL_BADGE_AFTER] = "SELECT " BADGE " FROM badge WHERE id > ?1 ORDER BY id LIMIT 1",
        [SQL_BADGE_AFTER_OF] =
                "SELECT " BADGE " FROM badge WHERE id > ?1 AND person = ?2 ORDER BY id LIMIT 1",
        [SQL_BADGE_ADD] = "INSERT INTO badge (person, token, kind, number_len, key_id, number_index, source,"
                          " version, added_usec, ended_usec, end_reason, not_after_usec, basis_usec,"
                          " basis_boottime_usec, basis_boot_id, approver, lend_reason)"
                          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, 0, '', ?9, ?10, ?11, ?12, ?13, ?14)",
        [SQL_BADGE_END] = "UPDATE badge " END "WHERE id = ?3",
        [SQL_BADGE_END_OF] = "UPDATE badge " END "WHERE person = ?3 AND ended_usec = 0",
        [SQL_BADGE_SUSPEND] = "UPDATE badge " SUSPEND "WHERE id = ?3",
        [SQL_BADGE_LENT] = "SELECT " BADGE " FROM badge WHERE person = ?1 AND ended_usec = 0"
                           " AND not_after_usec <> 0 AND not_after_usec > ?2 LIMIT 1",
        [SQL_BADGE_REPORT] = "UPDATE badge " REPORT "WHERE person = ?3 AND ended_usec = 0"
                             " AND suspended_usec = 0",
        [SQL_BADGE_LIFT] = "UPDATE badge " LIFT "WHERE person = ?1 AND ended_usec = 0 AND " IS_REPORTED,

        [SQL_KEY_OF] = "SELECT " KEY " FROM key WHERE person = ?1 AND ended_usec = 0 ORDER BY id LIMIT ?2",
        [SQL_KEY_BY_CREDENTIAL] = KEY_AND_PERSON "WHERE key.credential_id = ?1 AND key.ended_usec = 0",
        [SQL_KEY_BY_TOKEN] = KEY_AND_PERSON "WHERE key.token = ?1 AND key.ended_usec = 0 LIMIT 2",
        [SQL_KEY_AFTER] = "SELECT " KEY " FROM key WHERE id > ?1 ORDER BY id LIMIT 1",
        [SQL_KEY_AFTER_OF] = "SELECT " KEY " FROM key WHERE id > ?1 AND person = ?2 ORDER BY id LIMIT 1",
        [SQL_KEY_ADD] = "INSERT INTO key (person, credential_id, public_key, token, rp_id, aaguid, attested,"
                        " format, label, source, version, added_usec, ended_usec, end_reason)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1, ?11, 0, '')",
        [SQL_KEY_ATTESTATION_ADD] =
                "INSERT INTO key_attestation (key, statement, authdata) VALUES (?1, ?2, ?3)",
        [SQL_KEY_END] = "UPDATE key " END "WHERE id = ?3",
        [SQL_KEY_END_OF] = "UPDATE key " END "WHERE person = ?3 AND ended_usec = 0",
        [SQL_KEY_SUSPEND] = "UPDATE key " SUSPEND "WHERE id = ?3",

        [SQL_LEASE_OF] = LEASE "WHERE lease.person = ?1 ORDER BY lease.id DESC LIMIT 1",
        [SQL_LEASE_BY_ID] = LEASE "WHERE lease.id = ?1",
        [SQL_LEASE_AFTER] = LEASE "WHERE lease.id > ?1 ORDER BY lease.id LIMIT 1",
        [SQL_LEASE_ADD] = "INSERT INTO lease (person, uuid, holder, identified, until_usec, source, version,"
                          " added_usec, ended_usec, end_reason, basis_boottime_usec, basis_boot_id)"
                          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, 0, '', ?8, ?9)",
        [SQL_LEASE_END_OF] = "UPDATE lease " END "WHERE person = ?3 AND ended_usec = 0",
        [SQL_WIPE_ADD] = "INSERT INTO wipe (lease, wiped_usec) VALUES (?1, ?2)",
        [SQL_KEY_REPORT] =
                "UPDATE key " REPORT "WHERE person = ?3 AND ended_usec = 0 AND suspended_usec = 0",
        [SQL_KEY_LIFT] = "UPDATE key " LIFT "WHERE person = ?1 AND ended_usec = 0 AND " IS_REPORTED,

        [SQL_ELEVATION_OF] = "SELECT " ELEVATION " FROM elevation WHERE person = ?1 AND ended_usec = 0"
                             " AND until_usec > ?2 ORDER BY until_usec DESC LIMIT ?3",
        [SQL_ELEVATION_AFTER] = "SELECT " ELEVATION " FROM elevation WHERE id > ?1 ORDER BY id LIMIT 1",
        [SQL_ELEVATION_AFTER_OF] =
                "SELECT " ELEVATION " FROM elevation WHERE id > ?1 AND person = ?2 ORDER BY id LIMIT 1",
        [SQL_ELEVATION_ADD] =
                "INSERT INTO elevation (person, role, until_usec, basis_boottime_usec,"
                " basis_boot_id, approver, reason, version, added_usec, ended_usec, end_reason)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, 0, '')",
        [SQL_ELEVATION_END_OF] = "UPDATE elevation " END "WHERE person = ?3 AND ended_usec = 0"
                                 " AND until_usec > ?1",

        [SQL_TICKET_BY_ID] = "SELECT " TICKET " FROM ticket WHERE id = ?1",
        [SQL_TICKET_BY_NAME] = "SELECT " TICKET " FROM ticket WHERE name = ?1 AND ended_usec = 0 LIMIT 1",
        [SQL_TICKET_BY_SELECTOR] =
                "SELECT " TICKET " FROM ticket WHERE selector = ?1 ORDER BY id DESC LIMIT ?2",
        [SQL_TICKET_AFTER] = "SELECT " TICKET " FROM ticket WHERE id > ?1 ORDER BY id LIMIT 1",
        [SQL_TICKET_ADD] = "INSERT INTO ticket (person, name, selector, code_mac, use, issuer, identified,"
                           " failures, version, not_after_usec, added_usec, used_usec, ended_usec,"
                           " end_reason, basis_boottime_usec, basis_boot_id)"
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 1, ?8, ?9, 0, 0, '', ?10, ?11)",
        [SQL_TICKET_CHANGE] = "UPDATE ticket SET failures = ?1, used_usec = ?2, ended_usec = ?3,"
                              " end_reason = ?4, version = version + 1 WHERE id = ?5",
        [SQL_TICKET_GUARD] = "SELECT failures, boottime_usec, boot_id FROM ticket_guard WHERE one = 1",
        [SQL_TICKET_GUARD_SET] = "UPDATE ticket_guard SET failures = ?1, boottime_usec = ?2, boot_id = ?3"
                                 " WHERE one = 1",

        [SQL_REVIEW_ADD] = "INSERT INTO review_close (review, part, person, words, closed_usec)"
                           " VALUES (?1, ?2, ?3, ?4, ?5)",
        [SQL_REVIEW_OF] = "SELECT review, part, review_close.person, person.user, words, closed_usec"
                          " FROM review_close JOIN person ON person.id = review_close.person"
                          " WHERE review = ?1 ORDER BY part",

        [SQL_HISTORY] = "SELECT strong_usec, strong_boottime_usec, strong_boot_id, strong_badge, strong_aal,"
                        " grace_from_usec, grace_from_boottime_usec, failures, last_failure_usec,"
                        " last_failure_boottime_usec, last_failure_boot_id FROM history WHERE person = ?1",
        [SQL_HISTORY_STRONG] = "INSERT INTO history (person, strong_usec, strong_boottime_usec,"
                               " strong_boot_id, strong_badge, strong_aal, grace_from_usec,"
                               " grace_from_boottime_usec) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?2, ?3)"
                               " ON CONFLICT (person) DO UPDATE SET strong_usec = ?2,"
                               " strong_boottime_usec = ?3, strong_boot_id = ?4, strong_badge = ?5,"
                               " strong_aal = ?6, grace_from_usec = ?2, grace_from_boottime_usec = ?3",
        [SQL_HISTORY_RENEW] = "UPDATE history SET grace_from_usec = ?2, grace_from_boottime_usec = ?3"
                              " WHERE person = ?1 AND strong_usec <> 0",
        [SQL_HISTORY_CLEAR] = "UPDATE history SET failures = 0 WHERE person = ?1 AND failures <> 0",
        [SQL_HISTORY_FAILURE] =
                "INSERT INTO history (person, failures, last_failure_usec,"
                " last_failure_boottime_usec, last_failure_boot_id) VALUES (?1, 1, ?2, ?3, ?4)"
                " ON CONFLICT (person) DO UPDATE SET failures = min(failures + 1, 1000000),"
                " last_failure_usec = ?2, last_failure_boottime_usec = ?3,"
                " last_failure_boot_id = ?4",
        [SQL_COUNTER] = "SELECT counter FROM counter WHERE key = ?1",
        [SQL_COUNTER_SET] = "INSERT INTO counter (key, counter, used_usec) VALUES (?1, ?2, ?3)"
                            " ON CONFLICT (key) DO UPDATE SET counter = ?2, used_usec = ?3",
        [SQL_KEY_USE] = "SELECT used_usec FROM counter WHERE key = ?1",
        [SQL_BADGE_USE] = "SELECT used_usec FROM badge_use WHERE badge = ?1",
        [SQL_BADGE_USE_SET] = "INSERT INTO badge_use (badge, used_usec) VALUES (?1, ?2)"
                              " ON CONFLICT (badge) DO UPDATE SET used_usec = ?2",
        [SQL_ACCOUNT] = "SELECT uid, full_name, groups, at_usec FROM account WHERE user = ?1",
        [SQL_ACCOUNT_SET] = "INSERT INTO account (user, uid, full_name, groups, at_usec)"
                            " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (user) DO UPDATE SET uid = ?2,"
                            " full_name = ?3, groups = ?4, at_usec = ?5",
        [SQL_EMERGENCY_ADD] = "INSERT INTO emergency (attempt, review, person, user, claimed, witness, how,"
                              " reason, from_usec, until_usec, drill)"
                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        [SQL_EMERGENCY_BEFORE] = "SELECT id, attempt, review, person, user, claimed, witness, how, reason,"
                                 " from_usec, until_usec, drill FROM emergency WHERE id < ?1"
                                 " ORDER BY id DESC LIMIT 1",
        [SQL_EMERGENCY_COUNT] = "SELECT count(*) FROM emergency WHERE person = ?1 AND from_usec > ?2"
                                " AND from_usec <= ?3 AND how = 1 AND drill = 0",
};

/* --- Rows */

static void read_person(struct row *row, struct store_person *p) {
        *p = (struct store_person){.id = row_i64(row)};
        row_text(row, p->uuid, sizeof(p->uuid));
        row_text(row, p->user, sizeof(p->user));
        row_text(row, p->full_name, sizeof(p->full_name));
        p->state = (enum person_state) row_u64(row, PERSON_STATE_MAX - 1);
        p->not_before_usec = row_u64(row, INT64_MAX);
        p->not_after_usec = row_u64(row, INT64_MAX);
        row_text(row, p->source, sizeof(p->source));
        p->version = row_i64(row);
        p->added_usec = row_u64(row, INT64_MAX);
        p->ended_usec = row_u64(row, INT64_MAX);
        p->kind = (enum person_kind) row_u64(row, PERSON_KIND_MAX - 1);
}

void store_read_badge(struct row *row, struct store_badge *b) {
        *b = (struct store_badge){.id = row_i64(row)};
        b->person = row_i64(row);
        row_text(row, b->token, sizeof(b->token));
        row_text(row, b->kind, sizeof(b->kind));
        b->number_len = (uint8_t) row_u64(row, UINT8_MAX);
        row_text(row, b->key_id, sizeof(b->key_id));
        row_blob(row, b->index, sizeof(b->index), NULL);
        row_text(row, b->source, sizeof(b->source));
        b->version = row_i64(row);
        b->added_usec = row_u64(row, INT64_MAX);
        b->ended_usec = row_u64(row, INT64_MAX);
        row_text(row, b->end_reason, sizeof(b->end_reason));
        b->suspended_usec = row_u64(row, INT64_MAX);
        row_text(row, b->suspend_reason, sizeof(b->suspend_reason));
        b->not_after_usec = b->approval.until_usec = row_u64(row, INT64_MAX);
        b->approval.from_usec = row_u64(row, INT64_MAX);
        b->approval.from_boottime_usec = row_u64(row, INT64_MAX);
        row_text(row, b->approval.from_boot_id, sizeof(b->approval.from_boot_id));
        row_text(row, b->approver, sizeof(b->approver));
        row_text(row, b->lend_reason, sizeof(b->lend_reason));
}

static void read_key(struct row *row, struct store_key *k) {
        *k = (struct store_key){.id = row_i64(row)};
        k->person = row_i64(row);
        row_blob(row, k->credential_id, sizeof(k->credential_id), &k->credential_id_len);
        row_blob(row, k->public_key, sizeof(k->public_key), &k->public_key_len);
        row_text(row, k->token, sizeof(k->token));
        row_text(row, k->rp_id, sizeof(k->rp_id));
        row_blob(row, k->aaguid, sizeof(k->aaguid), NULL);
        k->attested = row_u64(row, 1) != 0;
        row_text(row, k->format, sizeof(k->format));
        row_text(row, k->label, sizeof(k->label));
        row_text(row, k->source, sizeof(k->source));
        k->version = row_i64(row);
        k->added_usec = row_u64(row, INT64_MAX);
        k->ended_usec = row_u64(row, INT64_MAX);
        row_text(row, k->end_reason, sizeof(k->end_reason));
        k->suspended_usec = row_u64(row, INT64_MAX);
        row_text(row, k->suspend_reason, sizeof(k->suspend_reason));
}

/* One row of any kind; each part that is not NULL is read, in this order. -ENOENT when there is no row. */
static int read_one(sqlite3_stmt *st, struct store_badge *b, struct store_key *k, struct store_person *p) {
        int r = store_step(st);
        if (r <= 0)
                return r == 0 ? -ENOENT : r;
        struct row row = {.st = st};
        if (b)
                store_read_badge(&row, b);
        if (k)
                read_key(&row, k);
        if (p)
                read_person(&row, p);
        return row.r;
}

/* --- Finding */

static int find_by_text(struct store *s, enum store_sql which, const char *text, struct store_badge *b,
                        struct store_key *k, struct store_person *p) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, which, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_text(&bind, text);
        return bind.r < 0 ? bind.r : read_one(st, b, k, p);
}

static int find_by_id(struct store *s, enum store_sql which, int64_t id, int64_t of, struct store_badge *b,
                      struct store_key *k, struct store_person *p) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, which, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, id);
        if (of != 0)
                bind_i64(&bind, of);
        return bind.r < 0 ? bind.r : read_one(st, b, k, p);
}

int store_find_active(struct store *s, const char *user, struct store_person *ret) {
        return find_by_text(s, SQL_PERSON_BY_USER, user, NULL, NULL, ret);
}

int store_find_person(struct store *s, const char *user, struct store_person *ret) {
        struct store_person p;
        int r = store_find_active(s, user, &p);
        if (r == -ENOENT)
                r = find_by_text(s, SQL_PERSON_BY_USER_ENDED, user, NULL, NULL, &p);
        if (r == 0)
                *ret = p;
        return r;
}

int store_find_person_by_id(struct store *s, int64_t id, struct store_person *ret) {
        struct store_person p;
        int r = find_by_id(s, SQL_PERSON_BY_ID, id, 0, NULL, NULL, &p);
        if (r == 0)
                *ret = p;
        return r;
}

static int find_badge_as(struct store *s, enum store_sql which, const char *key_id, const uint8_t *index,
                         struct store_badge *b, struct store_person *p) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, which, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_blob(&bind, index, STORE_INDEX_SIZE);
        bind_text(&bind, key_id);
        return bind.r < 0 ? bind.r : read_one(st, b, NULL, p);
}

int store_find_badge(struct store *s, const char *const *key_ids, const uint8_t *const *indexes, size_t n,
                     struct store_badge *ret_badge, struct store_person *ret_person) {
        struct store_badge b;
        struct store_person p;
        uint64_t latest = 0;
        for (size_t i = 0; i < n; i++) {
                int r = find_badge_as(s, SQL_BADGE_BY_INDEX, key_ids[i], indexes[i], &b, &p);
                if (r == -ENOENT)
                        continue;
                if (r < 0)
                        return r;
                *ret_badge = b;
                *ret_person = p;
                return 0;
        }
        for (size_t i = 0; i < n; i++) {
                int r = find_badge_as(s, SQL_BADGE_BY_INDEX_ENDED, key_ids[i], indexes[i], &b, &p);
                if (r == -ENOENT || (r == 0 && b.ended_usec <= latest))
                        continue;
                if (r < 0)
                        return r;
                latest = b.ended_usec;
                *ret_badge = b;
                *ret_person = p;
        }
        return latest > 0 ? 0 : -ENOENT;
}

int store_person_keys(struct store *s, int64_t person, struct store_key *ret, size_t *ret_n) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_KEY_OF, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, person);
        bind_i64(&bind, STORE_KEYS_MAX);
        if (bind.r < 0)
                return bind.r;
        size_t n = 0;
        while (n < STORE_KEYS_MAX && (r = read_one(st, NULL, &ret[n], NULL)) == 0)
                n++;
        if (r < 0 && r != -ENOENT)
                return r;
        *ret_n = n;
        return 0;
}

/* One statement a row, so that no lock is held while f works, and f may change the store. */
int store_each_person(struct store *s, int (*f)(const struct store_person *, void *), void *data) {
        struct store_person p = {0};
        int r;
        while ((r = find_by_id(s, SQL_PERSON_AFTER, p.id, 0, NULL, NULL, &p)) == 0) {
                r = f(&p, data);
                if (r != 0)
                        return r;
        }
        return r == -ENOENT ? 0 : r;
}

int store_each_badge(struct store *s, int64_t person, int (*f)(const struct store_badge *, void *),
                     void *data) {
        enum store_sql which = person == 0 ? SQL_BADGE_AFTER : SQL_BADGE_AFTER_OF;
        struct store_badge b = {0};
        int r;
        while ((r = find_by_id(s, which, b.id, person, &b, NULL, NULL)) == 0) {
                r = f(&b, data);
                if (r != 0)
                        return r;
        }
        return r == -ENOENT ? 0 : r;
}

int store_each_key(struct store *s, int64_t person, int (*f)(const struct store_key *, void *), void *data) {
        enum store_sql which = person == 0 ? SQL_KEY_AFTER : SQL_KEY_AFTER_OF;
        struct store_key k = {0};
        int r;
        while ((r = find_by_id(s, which, k.id, person, NULL, &k, NULL)) == 0) {
                r = f(&k, data);
                if (r != 0)
                        return r;
        }
        return r == -ENOENT ? 0 : r;
}

/* --- Adding */

bool store_is_text(const char *s, size_t size) {
        return s[0] && text_is_clean(s, size - 1);
}

int store_make_uuid(char ret[37]) {
        uint8_t b[16];
        char hex[33];
        if (getrandom(b, sizeof(b), 0) != sizeof(b))
                return -EIO;
        b[6] = (uint8_t) ((b[6] & 0x0f) | 0x40);
        b[8] = (uint8_t) ((b[8] & 0x3f) | 0x80);
        hex_encode(b, sizeof(b), hex);
        (void) snprintf(ret, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
        return 0;
}

void store_set_source(char source[33]) {
        if (!source[0])
                (void) snprintf(source, 33, "station");
}

static int insert_person(struct store *s, const struct store_person *p, int64_t *ret_id) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_PERSON_ADD, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_text(&bind, p->uuid);
        bind_text(&bind, p->user);
        bind_text(&bind, p->full_name);
        bind_i64(&bind, p->state);
        bind_u64(&bind, p->not_before_usec);
        bind_u64(&bind, p->not_after_usec);
        bind_text(&bind, p->source);
        bind_u64(&bind, p->added_usec);
        bind_i64(&bind, p->kind);
        r = bind.r < 0 ? bind.r : store_run(st);
        if (r == 0)
                *ret_id = sqlite3_last_insert_rowid(s->db);
        return r;
}

int store_add_person(struct store *s, struct store_person *p, uint64_t now_usec) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        struct store_person new = *p;
        new.version = 1;
        new.added_usec = now_usec;
        new.ended_usec = 0;
        store_set_source(new.source);
        if (!store_is_text(new.user, sizeof(new.user)) ||
            !store_is_text(new.full_name, sizeof(new.full_name)) ||
            !store_is_text(new.source, sizeof(new.source)) || now_usec == 0 ||
            (new.state != PERSON_ACTIVE &&new.state != PERSON_SUSPENDED) ||
            (unsigned) new.kind >= PERSON_KIND_MAX)
                return -EINVAL;
        int r = store_make_uuid(new.uuid);
        if (r == 0)
                r = store_tx_begin(s, &tx);
        if (r == 0)
                r = insert_person(s, &new, &new.id);
        if (r == 0)
                r = store_tx_commit(&tx);
        if (r == 0)
                *p = new;
        return r;
}

static int insert_badge(struct store *s, const struct store_badge *b, int64_t *ret_id) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_BADGE_ADD, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, b->person);
        bind_text(&bind, b->token);
        bind_text(&bind, b->kind);
        bind_i64(&bind, b->number_len);
        bind_text(&bind, b->key_id);
        bind_blob(&bind, b->index, sizeof(b->index));
        bind_text(&bind, b->source);
        bind_u64(&bind, b->added_usec);
        bind_u64(&bind, b->not_after_usec);
        bind_u64(&bind, b->approval.from_usec);
        bind_u64(&bind, b->approval.from_boottime_usec);
        bind_text(&bind, b->approval.from_boot_id);
        bind_text(&bind, b->approver);
        bind_text(&bind, b->lend_reason);
        r = bind.r < 0 ? bind.r : store_run(st);
        if (r == 0)
                *ret_id = sqlite3_last_insert_rowid(s->db);
        return r;
}

int store_need_person(struct store *s, int64_t id) {
        struct store_person p = {0};
        int r = store_find_person_by_id(s, id, &p);
        return r < 0 ? r : p.ended_usec != 0 ? -ENOENT : 0;
}

/* Nobody holds the badge (any more), and the person is there; else *ret_holder with -EEXIST. */
static int badge_is_free(struct store *s, const struct store_badge *b, struct store_person *ret_holder) {
        struct store_badge held;
        struct store_person holder;
        int r = find_badge_as(s, SQL_BADGE_BY_INDEX, b->key_id, b->index, &held, &holder);
        if (r == 0 && held.not_after_usec != 0 && held.not_after_usec <= b->added_usec) {
                r = store_end_rows(s, SQL_BADGE_END, held.id, "its time was over", b->added_usec);
                return r < 0 ? r : store_need_person(s, b->person);
        }
        if (r == 0)
                *ret_holder = holder;
        return r == 0 ? -EEXIST : r == -ENOENT ? store_need_person(s, b->person) : r;
}

/* All of it, or nothing. */
static bool is_lend(const struct store_badge *b) {
        if (b->not_after_usec == 0)
                return b->approval.from_usec == 0 && !b->approver[0] && !b->lend_reason[0];
        return b->approval.from_usec > 0 && b->approval.from_usec < b->not_after_usec &&
               store_is_text(b->approver, sizeof(b->approver)) &&
               store_is_text(b->lend_reason, sizeof(b->lend_reason));
}

int store_add_badge(struct store *s, struct store_badge *b, uint64_t now_usec,
                    struct store_person *ret_holder) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        struct store_badge new = *b;
        new.version = 1;
        new.added_usec = now_usec;
        new.ended_usec = 0;
        new.end_reason[0] = 0;
        new.suspended_usec = 0;
        new.suspend_reason[0] = 0;
        store_set_source(new.source);
        if (!store_is_text(new.token, sizeof(new.token)) || !text_is_clean(new.kind, sizeof(new.kind) - 1) ||
            strlen(new.key_id) != STORE_KEY_ID_SIZE || !store_is_text(new.source, sizeof(new.source)) ||
            now_usec == 0 || !is_lend(&new))
                return -EINVAL;
        int r = store_tx_begin(s, &tx);
        if (r == 0)
                r = badge_is_free(s, &new, ret_holder);
        if (r == 0)
                r = insert_badge(s, &new, &new.id);
        if (r == 0)
                r = store_tx_commit(&tx);
        if (r == 0)
                *b = new;
        return r;
}

static int insert_key(struct store *s, const struct store_key *k, int64_t *ret_id) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_KEY_ADD, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, k->person);
        bind_blob(&bind, k->credential_id, k->credential_id_len);
        bind_blob(&bind, k->public_key, k->public_key_len);
        bind_text(&bind, k->token);
        bind_text(&bind, k->rp_id);
        bind_blob(&bind, k->aaguid, sizeof(k->aaguid));
        bind_i64(&bind, k->attested);
        bind_text(&bind, k->format);
        bind_text(&bind, k->label);
        bind_text(&bind, k->source);
        bind_u64(&bind, k->added_usec);
        r = bind.r < 0 ? bind.r : store_run(st);
        if (r == 0)
                *ret_id = sqlite3_last_insert_rowid(s->db);
        return r;
}

static int insert_attestation(struct store *s, const struct store_key *k) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_KEY_ATTESTATION_ADD, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, k->id);
        bind_blob(&bind, k->attstmt, k->attstmt_len);
        bind_blob(&bind, k->authdata, k->authdata_len);
        return bind.r < 0 ? bind.r : store_run(st);
}

static int key_is_free(struct store *s, const struct store_key *k, struct store_person *ret_holder) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_KEY_BY_CREDENTIAL, &st);
        if (r < 0)
                return r;
        struct store_key held;
        struct store_person holder;
        struct binder bind = {.st = st};
        bind_blob(&bind, k->credential_id, k->credential_id_len);
        r = bind.r < 0 ? bind.r : read_one(st, NULL, &held, &holder);
        if (r == 0)
                *ret_holder = holder;
        return r == 0 ? -EEXIST : r == -ENOENT ? 0 : r;
}

static int person_has_room(struct store *s, int64_t person) {
        struct store_key keys[STORE_KEYS_MAX];
        size_t n;
        int r = store_need_person(s, person);
        if (r == 0)
                r = store_person_keys(s, person, keys, &n);
        return r < 0 ? r : n >= STORE_KEYS_MAX ? -E2BIG : 0;
}

static int set_key_token(struct store_key *k) {
        uint8_t hash[32];
        size_t n = 0;
        if (EVP_Q_digest(NULL, "SHA256", NULL, k->credential_id, k->credential_id_len, hash, &n) != 1 ||
            n != sizeof(hash))
                return -EIO;
        hex_encode(hash, 8, k->token);
        return 0;
}

static bool is_key(const struct store_key *k) {
        return k->credential_id_len > 0 && k->credential_id_len <= STORE_CREDENTIAL_MAX &&
               k->public_key_len > 0 && k->public_key_len <= STORE_PUBLIC_KEY_MAX &&
               store_is_text(k->rp_id, sizeof(k->rp_id)) &&
               text_is_clean(k->format, sizeof(k->format) - 1) &&
               text_is_clean(k->label, sizeof(k->label) - 1) &&
               store_is_text(k->source, sizeof(k->source)) && k->attstmt_len <= UINT16_MAX &&
               k->authdata_len <= UINT16_MAX;
}

int store_add_key(struct store *s, struct store_key *k, uint64_t now_usec, struct store_person *ret_holder) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        struct store_key new = *k;
        new.version = 1;
        new.added_usec = now_usec;
        new.ended_usec = 0;
        new.end_reason[0] = 0;
        new.suspended_usec = 0;
        new.suspend_reason[0] = 0;
        store_set_source(new.source);
        if (!is_key(&new) || now_usec == 0)
                return -EINVAL;
        int r = set_key_token(&new);
        if (r == 0)
                r = store_tx_begin(s, &tx);
        if (r == 0)
                r = key_is_free(s, &new, ret_holder);
        if (r == 0)
                r = person_has_room(s, new.person);
        if (r == 0)
                r = insert_key(s, &new, &new.id);
        if (r == 0)
                r = insert_attestation(s, &new);
        if (r == 0)
                r = store_tx_commit(&tx);
        if (r == 0)
                *k = new;
        return r;
}

/* --- Ending */

int store_end_rows(struct store *s, enum store_sql which, int64_t id, const char *reason,
                   uint64_t now_usec) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, which, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_u64(&bind, now_usec);
        bind_text(&bind, reason);
        bind_i64(&bind, id);
        return bind.r < 0 ? bind.r : store_run(st);
}

int store_find_by_token(struct store *s, enum store_sql which, const char *token, struct store_badge *b,
                        struct store_key *k, struct store_person *p) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, which, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_text(&bind, token);
        r = bind.r < 0 ? bind.r : read_one(st, b, k, p);
        if (r < 0)
                return r;
        r = store_step(st);
        return r > 0 ? -ENOTUNIQ : r;
}

int store_end_badge(struct store *s, const char *token, const char *reason, uint64_t now_usec,
                    struct store_badge *ret_badge, struct store_person *ret_person) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        struct store_badge b;
        struct store_person p;
        if (!text_is_clean(reason, sizeof(b.end_reason) - 1) || now_usec == 0)
                return -EINVAL;
        int r = store_tx_begin(s, &tx);
        if (r == 0)
                r = store_find_by_token(s, SQL_BADGE_BY_TOKEN, token, &b, NULL, &p);
        if (r == 0)
                r = store_end_rows(s, SQL_BADGE_END, b.id, reason, now_usec);
        if (r == 0)
                r = store_tx_commit(&tx);
        if (r < 0)
                return r;
        b.version++;
        b.ended_usec = now_usec;
        (void) snprintf(b.end_reason, sizeof(b.end_reason), "%s", reason);
        *ret_badge = b;
        *ret_person = p;
        return 0;
}

int store_end_key(struct store *s, const char *token, const char *reason, uint64_t now_usec,
                  struct store_key *ret_key, struct store_person *ret_person) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        struct store_key k;
        struct store_person p;
        if (!text_is_clean(reason, sizeof(k.end_reason) - 1) || now_usec == 0)
                return -EINVAL;
        int r = store_tx_begin(s, &tx);
        if (r == 0)
                r = store_find_by_token(s, SQL_KEY_BY_TOKEN, token, NULL, &k, &p);
        if (r == 0)
                r = store_end_rows(s, SQL_KEY_END, k.id, reason, now_usec);
        if (r == 0)
                r = store_tx_commit(&tx);
        if (r < 0)
                return r;
        k.version++;
        k.ended_usec = now_usec;
        (void) snprintf(k.end_reason, sizeof(k.end_reason), "%s", reason);
        *ret_key = k;
        *ret_person = p;
        return 0;
}

static int update_state(struct store *s, const struct store_person *p) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_PERSON_SET_STATE, &st);
        if (r < 0)
                return r;
        struct binder bind = {.st = st};
        bind_i64(&bind, p->state);
        bind_u64(&bind, p->ended_usec);
        bind_i64(&bind, p->id);
        return bind.r < 0 ? bind.r : store_run(st);
}

int store_set_person_state(struct store *s, const char *user, enum person_state state, uint64_t now_usec,
                           struct store_person *ret) {
        _cleanup_(store_tx_end) struct store_tx tx = {0};
        struct store_person p;
        if ((unsigned) state >= PERSON_STATE_MAX || now_usec == 0)
                return -EINVAL;
        int r = store_tx_begin(s, &tx);
        if (r == 0)
                r = store_find_active(s, user, &p);
        if (r < 0)
                return r;
        p.state = state;
        p.ended_usec = state == PERSON_ENDED ? now_usec : 0;
        p.version++;
        if (state == PERSON_ENDED)
                r = store_end_rows(s, SQL_BADGE_END_OF, p.id, "person ended", now_usec);
        if (r == 0 && state == PERSON_ENDED)
                r = store_end_rows(s, SQL_KEY_END_OF, p.id, "person ended", now_usec);
        if (r == 0 && state == PERSON_ENDED)
                r = store_end_rows(s, SQL_LEASE_END_OF, p.id, "person ended", now_usec);
        if (r == 0)
                r = update_state(s, &p);
        if (r == 0)
                r = store_tx_commit(&tx);
        if (r == 0)
                *ret = p;
        return r;
}
