/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of people.db and state.db, and how a database gets from one version to the next. */
#include "policy/store_internal.h"

#include <errno.h>
#include <stdio.h>

/* A row of people.db is ended, never deleted, and what it says about the past does not change: version grows
 * with each change, an ended row stays as it is, its id and its person are for ever. */
#define TABLE_RULES(table, fixed)                                                                           \
        "CREATE TRIGGER " table "_added AFTER INSERT ON " table " BEGIN"                                    \
        " UPDATE store SET version = version + 1 WHERE one = 1; END;"                                       \
        "CREATE TRIGGER " table "_changed AFTER UPDATE ON " table " BEGIN"                                  \
        " UPDATE store SET version = version + 1 WHERE one = 1; END;"                                       \
        "CREATE TRIGGER " table "_never_deleted BEFORE DELETE ON " table " BEGIN"                           \
        " SELECT RAISE(ABORT, 'rows are ended, never deleted'); END;"                                       \
        "CREATE TRIGGER " table "_version_grows BEFORE UPDATE ON " table                                    \
        " WHEN NEW.version <= OLD.version BEGIN SELECT RAISE(ABORT, 'the version must grow'); END;"         \
        "CREATE TRIGGER " table "_ended_stays BEFORE UPDATE ON " table                                      \
        " WHEN OLD.ended_usec <> 0 BEGIN SELECT RAISE(ABORT, 'what has ended stays so'); END;"              \
        "CREATE TRIGGER " table "_fixed BEFORE UPDATE OF " fixed " ON " table                               \
        " BEGIN SELECT RAISE(ABORT, 'this never changes'); END;"

/* When a row came to be, by CLOCK_BOOTTIME; of one of before nothing is known. */
#define BASIS(table)                                                                                        \
        "ALTER TABLE " table " ADD COLUMN basis_boottime_usec INTEGER NOT NULL DEFAULT 0"                   \
        " CHECK (basis_boottime_usec >= 0);"                                                                \
        "ALTER TABLE " table " ADD COLUMN basis_boot_id TEXT NOT NULL DEFAULT '';"                          \
        "CREATE TRIGGER " table                                                                             \
        "_basis_fixed BEFORE UPDATE OF basis_boottime_usec, basis_boot_id ON " table                        \
        " BEGIN SELECT RAISE(ABORT, 'this never changes'); END;"

static const char *const people_steps[] = {
        "CREATE TABLE store (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL) STRICT;"
        "INSERT INTO store VALUES (1, 1);"
        "CREATE TRIGGER store_never_deleted BEFORE DELETE ON store BEGIN"
        " SELECT RAISE(ABORT, 'the version is never deleted'); END;"
        "CREATE TRIGGER store_version_grows BEFORE UPDATE ON store WHEN NEW.version <= OLD.version BEGIN"
        " SELECT RAISE(ABORT, 'the version must grow'); END;"

        "CREATE TABLE person ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " uuid TEXT NOT NULL UNIQUE CHECK (length(uuid) = 36),"
        " user TEXT NOT NULL CHECK (user <> ''),"
        " full_name TEXT NOT NULL CHECK (full_name <> ''),"
        " state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),"
        " not_before_usec INTEGER NOT NULL CHECK (not_before_usec >= 0),"
        " not_after_usec INTEGER NOT NULL CHECK (not_after_usec >= 0),"
        " source TEXT NOT NULL CHECK (source <> ''),"
        " version INTEGER NOT NULL CHECK (version >= 1),"
        " added_usec INTEGER NOT NULL CHECK (added_usec > 0),"
        " ended_usec INTEGER NOT NULL CHECK (ended_usec >= 0),"
        " CHECK ((state = 2) = (ended_usec <> 0))) STRICT;"
        "CREATE UNIQUE INDEX person_user ON person (user) WHERE ended_usec = 0;"
        "CREATE INDEX person_user_ended ON person (user, ended_usec) WHERE ended_usec <> 0;"
        /* clang-format off */
        TABLE_RULES("person", "id, uuid, added_usec")

        "CREATE TABLE badge ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " person INTEGER NOT NULL REFERENCES person (id),"
        " token TEXT NOT NULL CHECK (token <> ''),"
        " kind TEXT NOT NULL,"
        " number_len INTEGER NOT NULL CHECK (number_len BETWEEN 0 AND 255),"
        " key_id TEXT NOT NULL CHECK (length(key_id) = 16),"
        " number_index BLOB NOT NULL CHECK (length(number_index) = 32),"
        " source TEXT NOT NULL CHECK (source <> ''),"
        " version INTEGER NOT NULL CHECK (version >= 1),"
        " added_usec INTEGER NOT NULL CHECK (added_usec > 0),"
        " ended_usec INTEGER NOT NULL CHECK (ended_usec >= 0),"
        " end_reason TEXT NOT NULL) STRICT;"
        "CREATE UNIQUE INDEX badge_number ON badge (number_index, key_id) WHERE ended_usec = 0;"
        "CREATE INDEX badge_number_ended ON badge (number_index, key_id, ended_usec) WHERE ended_usec <> 0;"
        "CREATE INDEX badge_token ON badge (token) WHERE ended_usec = 0;"
        "CREATE INDEX badge_person ON badge (person);"
        TABLE_RULES("badge", "id, person, added_usec")

        "CREATE TABLE key ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " person INTEGER NOT NULL REFERENCES person (id),"
        " credential_id BLOB NOT NULL CHECK (length(credential_id) BETWEEN 1 AND 1023),"
        " public_key BLOB NOT NULL CHECK (length(public_key) BETWEEN 1 AND 1024),"
        " token TEXT NOT NULL CHECK (length(token) = 16),"
        " rp_id TEXT NOT NULL CHECK (rp_id <> ''),"
        " aaguid BLOB NOT NULL CHECK (length(aaguid) = 16),"
        " attested INTEGER NOT NULL CHECK (attested BETWEEN 0 AND 1),"
        " format TEXT NOT NULL,"
        " label TEXT NOT NULL,"
        " source TEXT NOT NULL CHECK (source <> ''),"
        " version INTEGER NOT NULL CHECK (version >= 1),"
        " added_usec INTEGER NOT NULL CHECK (added_usec > 0),"
        " ended_usec INTEGER NOT NULL CHECK (ended_usec >= 0),"
        " end_reason TEXT NOT NULL) STRICT;"
        "CREATE UNIQUE INDEX key_credential ON key (credential_id) WHERE ended_usec = 0;"
        "CREATE INDEX key_token ON key (token) WHERE ended_usec = 0;"
        "CREATE INDEX key_person_active ON key (person) WHERE ended_usec = 0;"
        "CREATE INDEX key_person ON key (person);"
        TABLE_RULES("key", "id, person, credential_id, public_key, added_usec")
        /* clang-format on */

        /* Beside the key, so that a sign-in never reads it. */
        "CREATE TABLE key_attestation ("
        " key INTEGER PRIMARY KEY REFERENCES key (id),"
        " statement BLOB NOT NULL,"
        " authdata BLOB NOT NULL) STRICT;"
        "CREATE TRIGGER key_attestation_never_deleted BEFORE DELETE ON key_attestation BEGIN"
        " SELECT RAISE(ABORT, 'rows are ended, never deleted'); END;"
        "CREATE TRIGGER key_attestation_fixed BEFORE UPDATE ON key_attestation BEGIN"
        " SELECT RAISE(ABORT, 'this never changes'); END;"

        /* Ids begin at a random place: in a store that is made anew nobody gets an id for which state.db
         * still remembers what somebody else did. Below 2^53, which is all that JSON can say. */
        "INSERT INTO sqlite_sequence (name, seq)"
        " SELECT name, start FROM (SELECT 'person' AS name UNION ALL SELECT 'badge' UNION ALL SELECT 'key'),"
        " (SELECT ((random() & 0x7fffffff) << 20) AS start);",

        "ALTER TABLE person ADD COLUMN kind INTEGER NOT NULL DEFAULT 0 CHECK (kind BETWEEN 0 AND 2);"
        "ALTER TABLE badge ADD COLUMN suspended_usec INTEGER NOT NULL DEFAULT 0 CHECK (suspended_usec >= 0);"
        "ALTER TABLE badge ADD COLUMN suspend_reason TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE key ADD COLUMN suspended_usec INTEGER NOT NULL DEFAULT 0 CHECK (suspended_usec >= 0);"
        "ALTER TABLE key ADD COLUMN suspend_reason TEXT NOT NULL DEFAULT '';"
        "CREATE TABLE lease ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " person INTEGER NOT NULL REFERENCES person (id),"
        " uuid TEXT NOT NULL UNIQUE CHECK (length(uuid) = 36),"
        " holder TEXT NOT NULL CHECK (holder <> ''),"
        " identified TEXT NOT NULL CHECK (identified <> ''),"
        " until_usec INTEGER NOT NULL CHECK (until_usec > 0),"
        " source TEXT NOT NULL CHECK (source <> ''),"
        " version INTEGER NOT NULL CHECK (version >= 1),"
        " added_usec INTEGER NOT NULL CHECK (added_usec > 0),"
        " ended_usec INTEGER NOT NULL CHECK (ended_usec >= 0),"
        " end_reason TEXT NOT NULL) STRICT;"
        /* one holder at a time */
        "CREATE UNIQUE INDEX lease_person_active ON lease (person) WHERE ended_usec = 0;"
        "CREATE INDEX lease_person ON lease (person);"
        /* clang-format off */
        TABLE_RULES("lease", "id, person, uuid, holder, identified, until_usec, added_usec")
        /* clang-format on */

        /* Beside the lease, which has ended by then and stays as it is. */
        "CREATE TABLE wipe ("
        " lease INTEGER PRIMARY KEY REFERENCES lease (id),"
        " wiped_usec INTEGER NOT NULL CHECK (wiped_usec > 0)) STRICT;"
        "CREATE TRIGGER wipe_added AFTER INSERT ON wipe BEGIN"
        " UPDATE store SET version = version + 1 WHERE one = 1; END;"
        "CREATE TRIGGER wipe_never_deleted BEFORE DELETE ON wipe BEGIN"
        " SELECT RAISE(ABORT, 'rows are never deleted'); END;"
        "CREATE TRIGGER wipe_fixed BEFORE UPDATE ON wipe BEGIN"
        " SELECT RAISE(ABORT, 'this never changes'); END;",

        /* A code is kept as HMAC under a key that is not in here (ticket.h). */
        "CREATE TABLE ticket ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " person INTEGER NOT NULL REFERENCES person (id),"
        " name TEXT NOT NULL UNIQUE CHECK (length(name) = 8),"
        " selector BLOB NOT NULL CHECK (length(selector) = 8),"
        " code_mac BLOB NOT NULL UNIQUE CHECK (length(code_mac) = 32),"
        " use INTEGER NOT NULL CHECK (use BETWEEN 0 AND 2),"
        " issuer TEXT NOT NULL CHECK (issuer <> ''),"
        " identified TEXT NOT NULL CHECK (identified <> ''),"
        " failures INTEGER NOT NULL CHECK (failures BETWEEN 0 AND 1000000),"
        " version INTEGER NOT NULL CHECK (version >= 1),"
        " not_after_usec INTEGER NOT NULL CHECK (not_after_usec > added_usec),"
        " added_usec INTEGER NOT NULL CHECK (added_usec > 0),"
        " used_usec INTEGER NOT NULL CHECK (used_usec >= 0),"
        " ended_usec INTEGER NOT NULL CHECK (ended_usec >= 0),"
        " end_reason TEXT NOT NULL) STRICT;"
        "CREATE INDEX ticket_selector ON ticket (selector, id);"
        /* clang-format off */
        TABLE_RULES("ticket", "id, person, name, selector, code_mac, use, issuer, identified,"
                              " not_after_usec, added_usec")
        /* clang-format on */
        "CREATE TRIGGER ticket_used_once BEFORE UPDATE OF used_usec ON ticket"
        " WHEN OLD.used_usec <> 0 AND NEW.used_usec <> OLD.used_usec BEGIN"
        " SELECT RAISE(ABORT, 'a ticket is used once'); END;"
        "CREATE TABLE ticket_guard ("
        " one INTEGER PRIMARY KEY CHECK (one = 1),"
        " failures INTEGER NOT NULL CHECK (failures BETWEEN 0 AND 1000000),"
        " boottime_usec INTEGER NOT NULL CHECK (boottime_usec >= 0),"
        " boot_id TEXT NOT NULL) STRICT;"
        "INSERT INTO ticket_guard VALUES (1, 0, 0, '');"
        "CREATE TRIGGER ticket_guard_never_deleted BEFORE DELETE ON ticket_guard BEGIN"
        " SELECT RAISE(ABORT, 'the count is never deleted'); END;",

        /* A badge lent for hours, and a role for a while: what somebody's key approved, from when (on both
         * clocks) until when. That never changes; it ends at its time, or earlier. */
        "ALTER TABLE badge ADD COLUMN not_after_usec INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE badge ADD COLUMN basis_usec INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE badge ADD COLUMN basis_boottime_usec INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE badge ADD COLUMN basis_boot_id TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE badge ADD COLUMN approver TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE badge ADD COLUMN lend_reason TEXT NOT NULL DEFAULT '';"
        "CREATE TRIGGER badge_lend_fixed BEFORE UPDATE OF not_after_usec, basis_usec, basis_boottime_usec,"
        " basis_boot_id, approver, lend_reason ON badge"
        " BEGIN SELECT RAISE(ABORT, 'this never changes'); END;"
        "CREATE INDEX badge_lent ON badge (person) WHERE ended_usec = 0 AND not_after_usec <> 0;"
        "CREATE TABLE elevation ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " person INTEGER NOT NULL REFERENCES person (id),"
        " role TEXT NOT NULL CHECK (role <> ''),"
        " until_usec INTEGER NOT NULL CHECK (until_usec > added_usec),"
        " basis_boottime_usec INTEGER NOT NULL,"
        " basis_boot_id TEXT NOT NULL,"
        " approver TEXT NOT NULL CHECK (approver <> ''),"
        " reason TEXT NOT NULL CHECK (reason <> ''),"
        " version INTEGER NOT NULL CHECK (version >= 1),"
        " added_usec INTEGER NOT NULL CHECK (added_usec > 0),"
        " ended_usec INTEGER NOT NULL CHECK (ended_usec >= 0),"
        " end_reason TEXT NOT NULL) STRICT;"
        "CREATE INDEX elevation_person ON elevation (person, until_usec) WHERE ended_usec = 0;"
        /* clang-format off */
        TABLE_RULES("elevation", "id, person, role, until_usec, basis_boottime_usec, basis_boot_id,"
                                 " approver, reason, added_usec")
        /* clang-format on */
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'elevation', (random() & 0x7fffffff) << 20;",

        /* The item itself is in state.db and in the records; only what people said of it is here. */
        "CREATE TABLE review_close ("
        " review TEXT NOT NULL CHECK (length(review) = 12),"
        " part INTEGER NOT NULL CHECK (part BETWEEN 0 AND 2),"
        " person INTEGER NOT NULL REFERENCES person (id),"
        " words TEXT NOT NULL CHECK (words <> ''),"
        " closed_usec INTEGER NOT NULL CHECK (closed_usec > 0),"
        " PRIMARY KEY (review, part)) STRICT, WITHOUT ROWID;"
        "CREATE TRIGGER review_close_added AFTER INSERT ON review_close BEGIN"
        " UPDATE store SET version = version + 1 WHERE one = 1; END;"
        "CREATE TRIGGER review_close_never_deleted BEFORE DELETE ON review_close BEGIN"
        " SELECT RAISE(ABORT, 'what was said stays'); END;"
        "CREATE TRIGGER review_close_fixed BEFORE UPDATE ON review_close BEGIN"
        " SELECT RAISE(ABORT, 'this never changes'); END;",

        /* Tickets and leases last by the clock of their boot too: nobody makes one longer by setting a
         * clock. */
        BASIS("ticket") BASIS("lease"),
};

static const char *const state_steps[] = {
        "CREATE TABLE history ("
        " person INTEGER PRIMARY KEY CHECK (person > 0),"
        " strong_usec INTEGER NOT NULL DEFAULT 0 CHECK (strong_usec >= 0)," /* 0 = none is known */
        " strong_boottime_usec INTEGER NOT NULL DEFAULT 0,"
        " strong_boot_id TEXT NOT NULL DEFAULT '',"
        " strong_badge INTEGER NOT NULL DEFAULT 0,"
        " strong_aal INTEGER NOT NULL DEFAULT 0,"
        " grace_from_usec INTEGER NOT NULL DEFAULT 0,"
        " grace_from_boottime_usec INTEGER NOT NULL DEFAULT 0,"
        " failures INTEGER NOT NULL DEFAULT 0 CHECK (failures BETWEEN 0 AND 1000000),"
        " last_failure_usec INTEGER NOT NULL DEFAULT 0,"
        " last_failure_boottime_usec INTEGER NOT NULL DEFAULT 0,"
        " last_failure_boot_id TEXT NOT NULL DEFAULT '') STRICT;"
        "CREATE TRIGGER history_never_deleted BEFORE DELETE ON history BEGIN"
        " SELECT RAISE(ABORT, 'rows are never deleted'); END;"

        "CREATE TABLE counter ("
        " key INTEGER PRIMARY KEY CHECK (key > 0),"
        " counter INTEGER NOT NULL CHECK (counter BETWEEN 0 AND 4294967295),"
        " used_usec INTEGER NOT NULL) STRICT;"
        "CREATE TRIGGER counter_never_deleted BEFORE DELETE ON counter BEGIN"
        " SELECT RAISE(ABORT, 'rows are never deleted'); END;"
        "CREATE TRIGGER counter_grows BEFORE UPDATE ON counter WHEN NEW.counter <= OLD.counter"
        " AND (NEW.counter <> 0 OR OLD.counter <> 0) BEGIN"
        " SELECT RAISE(ABORT, 'the counter must grow'); END;"

        "CREATE TABLE account ("
        " user TEXT PRIMARY KEY,"
        " uid INTEGER NOT NULL CHECK (uid BETWEEN 0 AND 4294967294),"
        " full_name TEXT NOT NULL,"
        " groups BLOB NOT NULL," /* each name with its terminator */
        " at_usec INTEGER NOT NULL) STRICT;",

        /* When a badge was used last, to within a day; what is known of it already goes in. */
        "CREATE TABLE badge_use ("
        " badge INTEGER PRIMARY KEY CHECK (badge > 0),"
        " used_usec INTEGER NOT NULL CHECK (used_usec > 0)) STRICT;"
        "CREATE TRIGGER badge_use_never_deleted BEFORE DELETE ON badge_use BEGIN"
        " SELECT RAISE(ABORT, 'rows are never deleted'); END;"
        "INSERT INTO badge_use SELECT strong_badge, max(strong_usec) FROM history"
        " WHERE strong_badge > 0 AND strong_usec > 0 GROUP BY strong_badge;",

        "CREATE TABLE emergency ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " attempt TEXT NOT NULL UNIQUE CHECK (length(attempt) = 32),"
        " review TEXT NOT NULL CHECK (length(review) = 12),"
        " person INTEGER NOT NULL CHECK (person > 0),"
        " user TEXT NOT NULL CHECK (user <> ''),"
        " claimed TEXT NOT NULL,"
        " witness INTEGER NOT NULL CHECK (witness >= 0)," /* 0 = none */
        " how INTEGER NOT NULL CHECK (how BETWEEN 1 AND 3),"
        " reason TEXT NOT NULL CHECK (reason <> ''),"
        " from_usec INTEGER NOT NULL CHECK (from_usec > 0),"
        " until_usec INTEGER NOT NULL CHECK (until_usec > from_usec),"
        " drill INTEGER NOT NULL CHECK (drill BETWEEN 0 AND 1)) STRICT;"
        "CREATE INDEX emergency_person ON emergency (person, from_usec);"
        "CREATE TRIGGER emergency_never_deleted BEFORE DELETE ON emergency BEGIN"
        " SELECT RAISE(ABORT, 'rows are never deleted'); END;"
        "CREATE TRIGGER emergency_fixed BEFORE UPDATE ON emergency BEGIN"
        " SELECT RAISE(ABORT, 'this never changes'); END;",
};

const struct store_schema store_people_schema = {0x57547070, people_steps, ELEMENTSOF(people_steps)},
                          store_state_schema = {0x57547374, state_steps, ELEMENTSOF(state_steps)};

static int read_number(sqlite3 *db, const char *sql, int64_t *ret) {
        sqlite3_stmt *st = NULL;
        int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
        if (rc != SQLITE_OK)
                return store_error(rc);
        int r = store_step(st);
        if (r > 0)
                *ret = sqlite3_column_int64(st, 0);
        (void) sqlite3_finalize(st);
        return r > 0 ? 0 : r == 0 ? -EBADMSG : r;
}

/* *ret = how many steps the database has behind it; 0 for an empty file. */
static int read_version(sqlite3 *db, const struct store_schema *schema, size_t *ret) {
        int64_t application = 0, version = 0, tables = 0;
        int r = read_number(db, "PRAGMA application_id", &application);
        if (r == 0)
                r = read_number(db, "PRAGMA user_version", &version);
        if (r < 0)
                return r;
        if (application == 0 && version == 0) {
                r = read_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
                if (r == 0 && tables > 0)
                        r = -EBADMSG; /* some other program's */
                if (r == 0)
                        *ret = 0;
                return r;
        }
        if (application != schema->application_id || version < 1)
                return -EBADMSG;
        *ret = (size_t) version;
        return 0;
}

static int run_steps(sqlite3 *db, const struct store_schema *schema) {
        size_t version;
        char set[96];
        int r = read_version(db, schema, &version); /* again: another writer may have been quicker */
        if (r < 0)
                return r;
        if (version > schema->n_steps)
                return -EPROTO;
        for (; r == 0 && version < schema->n_steps; version++)
                r = store_error(sqlite3_exec(db, schema->steps[version], NULL, NULL, NULL));
        if (r < 0)
                return r;
        (void) snprintf(set, sizeof(set), "PRAGMA application_id = %d; PRAGMA user_version = %zu;",
                        schema->application_id, schema->n_steps);
        return store_error(sqlite3_exec(db, set, NULL, NULL, NULL));
}

int store_migrate(sqlite3 *db, const struct store_schema *schema, bool write) {
        size_t version;
        int r = read_version(db, schema, &version);
        if (r < 0 || version == schema->n_steps)
                return r;
        if (version > schema->n_steps)
                return -EPROTO;
        if (!write)
                return version == 0 ? -ENOENT : -EPROTO;
        r = store_error(sqlite3_exec(db, "PRAGMA synchronous = EXTRA; BEGIN IMMEDIATE", NULL, NULL, NULL));
        if (r < 0)
                return r;
        r = run_steps(db, schema);
        if (r == 0)
                r = store_error(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
        if (r < 0)
                (void) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        return r;
}
