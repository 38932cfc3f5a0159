/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the store: its statements, how values go in and out of them, transactions and migrations. Only
 * store*.c and the store's own tests include this. */
#pragma once

#include <sqlite3.h>

#include "policy/store.h"

#define STORE_BUSY_MS 2000

/* A kind of database. steps[i] is the SQL that brings version i to version i + 1. */
struct store_schema {
        int application_id; /* says in the file's header whose it is */
        const char *const *steps;
        size_t n_steps;
};
extern const struct store_schema store_people_schema, store_state_schema;

/* Every statement there is, so that a test can read the plan of each. */
enum store_sql {
        /* any database */
        SQL_BEGIN,
        SQL_COMMIT,
        SQL_ROLLBACK,
        SQL_SAVE,
        SQL_SAVE_RELEASE,
        SQL_SAVE_ROLLBACK,
        /* people.db */
        SQL_PEOPLE_FIRST,
        SQL_VERSION = SQL_PEOPLE_FIRST,
        SQL_PERSON_BY_USER,
        SQL_PERSON_BY_USER_ENDED,
        SQL_PERSON_BY_ID,
        SQL_PERSON_AFTER,
        SQL_PERSON_ADD,
        SQL_PERSON_SET_STATE,
        SQL_PERSON_SET_LIMITS,
        SQL_BADGE_BY_INDEX,
        SQL_BADGE_BY_INDEX_ENDED,
        SQL_BADGE_BY_TOKEN,
        SQL_BADGE_AFTER,
        SQL_BADGE_AFTER_OF,
        SQL_BADGE_ADD,
        SQL_BADGE_END,
        SQL_BADGE_END_OF,
        SQL_BADGE_SUSPEND,
        SQL_BADGE_LENT,
        SQL_BADGE_REPORT,
        SQL_BADGE_LIFT,
        SQL_KEY_OF,
        SQL_KEY_BY_CREDENTIAL,
        SQL_KEY_BY_TOKEN,
        SQL_KEY_AFTER,
        SQL_KEY_AFTER_OF,
        SQL_KEY_ADD,
        SQL_KEY_ATTESTATION_ADD,
        SQL_KEY_END,
        SQL_KEY_END_OF,
        SQL_KEY_SUSPEND,
        SQL_LEASE_OF,
        SQL_LEASE_BY_ID,
        SQL_LEASE_AFTER,
        SQL_LEASE_ADD,
        SQL_LEASE_END_OF,
        SQL_WIPE_ADD,
        SQL_TICKET_BY_ID,
        SQL_TICKET_BY_NAME,
        SQL_TICKET_BY_SELECTOR,
        SQL_TICKET_AFTER,
        SQL_TICKET_ADD,
        SQL_TICKET_CHANGE,
        SQL_TICKET_GUARD,
        SQL_TICKET_GUARD_SET,
        SQL_KEY_REPORT,
        SQL_KEY_LIFT,
        SQL_ELEVATION_OF,
        SQL_ELEVATION_AFTER,
        SQL_ELEVATION_AFTER_OF,
        SQL_ELEVATION_ADD,
        SQL_ELEVATION_END_OF,
        SQL_REVIEW_ADD,
        SQL_REVIEW_OF,
        /* state.db */
        SQL_STATE_FIRST,
        SQL_HISTORY = SQL_STATE_FIRST,
        SQL_HISTORY_STRONG,
        SQL_HISTORY_RENEW,
        SQL_HISTORY_CLEAR,
        SQL_HISTORY_FAILURE,
        SQL_COUNTER,
        SQL_COUNTER_SET,
        SQL_KEY_USE,
        SQL_BADGE_USE,
        SQL_BADGE_USE_SET,
        SQL_ACCOUNT,
        SQL_ACCOUNT_SET,
        SQL_EMERGENCY_ADD,
        SQL_EMERGENCY_BEFORE,
        SQL_EMERGENCY_COUNT,
        SQL_MAX,
};
extern const char *const store_sql[SQL_MAX];

struct store {
        sqlite3 *db;
        bool in_transaction; /* between store_begin() and its end */
        sqlite3_stmt *statements[SQL_MAX];
};

/* What a result code of SQLite means here. */
int store_error(int rc);

/* A statement, prepared once and ready to be bound; `_cleanup_(store_statement_done)` makes it so again. */
int store_statement(struct store *s, enum store_sql which, sqlite3_stmt **ret);
void store_statement_done(sqlite3_stmt **st);
/* Runs a statement that gives no row. */
int store_run(sqlite3_stmt *st);
/* Runs a statement without parameters that gives no row. */
int store_run_sql(struct store *s, enum store_sql which);
/* 1 = there is a row, 0 = there is none. */
int store_step(sqlite3_stmt *st);

/* Parameters, one after the other from the first; the first error stays in `r`. Texts and bytes are borrowed
 * until the statement is done. */
struct binder {
        sqlite3_stmt *st;
        int at, r;
};
void bind_i64(struct binder *b, int64_t v);
void bind_u64(struct binder *b, uint64_t v); /* -EINVAL above INT64_MAX */
void bind_text(struct binder *b, const char *s);
void bind_blob(struct binder *b, const void *p, size_t n); /* n = 0 is the empty blob */

/* Columns, one after the other; what does not fit or is of another type is -EBADMSG in `r`, as nothing that
 * we write does that. */
struct row {
        sqlite3_stmt *st;
        int at, r;
};
int64_t row_i64(struct row *row);
uint64_t row_u64(struct row *row, uint64_t max);
void row_text(struct row *row, char *buf, size_t size);
void row_blob(struct row *row, void *buf, size_t size, size_t *ret_n); /* ret_n NULL: exactly size bytes */

/* People, for the files that write what belongs to one: 0, or -ENOENT when there is none or it has ended. */
int store_need_person(struct store *s, int64_t id);
/* A badge's row; the columns are those of store_sql's badges. */
void store_read_badge(struct row *row, struct store_badge *b);

/* A transaction of one function: its own, or a part of the one that store_begin() opened. What was not
 * committed when it goes out of scope is undone. */
struct store_tx {
        struct store *s;
        bool nested;
};
int store_tx_begin(struct store *s, struct store_tx *ret);
int store_tx_commit(struct store_tx *tx);
void store_tx_end(struct store_tx *tx);

/* Looks whose database this is and of which version; brings it to the newest in one transaction if `write`.
 * -ENOENT: empty, and not `write`. -EBADMSG: not of this kind. -EPROTO: of a version this program does not
 * know (or, when not `write`, of an older one); nothing was changed. */
int store_migrate(sqlite3 *db, const struct store_schema *schema, bool write);

/* --- people.db: what store_people.c and store_lifecycle.c share */

/* Not empty, clean, and fits a buffer of that size. */
bool store_is_text(const char *s, size_t size);
/* A random UUID (RFC 9562, 5.4). -EIO. */
int store_make_uuid(char ret[37]);
/* An empty one becomes "station". */
void store_set_source(char source[33]);
/* Ends one row by its id, or all of a person's. */
int store_end_rows(struct store *s, enum store_sql which, int64_t id, const char *reason, uint64_t now_usec);
/* The only row with this token; each part that is not NULL is read. -ENOENT, -ENOTUNIQ. */
int store_find_by_token(struct store *s, enum store_sql which, const char *token, struct store_badge *b,
                        struct store_key *k, struct store_person *p);
/* The person who has this user and has not ended. -ENOENT. */
int store_find_active(struct store *s, const char *user, struct store_person *ret);
