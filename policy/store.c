/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the two databases so that SQLite trusts little and waits briefly; statements, values and
 * transactions for the rest of the store. */
#include "policy/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

int store_error(int rc) {
        switch (rc) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
                return 0;
        case SQLITE_READONLY_ROLLBACK: /* a writer was killed; only a writer can undo its half transaction */
        case SQLITE_READONLY_RECOVERY:
                return -EBUSY;
        case SQLITE_CONSTRAINT_UNIQUE:
        case SQLITE_CONSTRAINT_PRIMARYKEY:
                return -EEXIST;
        case SQLITE_CONSTRAINT_FOREIGNKEY:
                return -ENOENT;
        case SQLITE_CONSTRAINT_TRIGGER:
                return -EPERM;
        default:
                break;
        }
        switch (rc & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_FORMAT:
                return -EBADMSG;
        case SQLITE_CONSTRAINT:
        case SQLITE_MISMATCH:
                return -EINVAL;
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN:
                return -EACCES;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_TOOBIG:
                return -E2BIG;
        default:
                return -EIO;
        }
}

/* --- Statements */

int store_statement(struct store *s, enum store_sql which, sqlite3_stmt **ret) {
        if (!s->statements[which]) {
                int rc = sqlite3_prepare_v3(s->db, store_sql[which], -1, SQLITE_PREPARE_PERSISTENT,
                                            &s->statements[which], NULL);
                if (rc == SQLITE_ERROR)
                        return -EBADMSG; /* a table or column is missing: the other database, or no store */
                if (rc != SQLITE_OK)
                        return store_error(rc);
        }
        *ret = s->statements[which];
        return 0;
}

void store_statement_done(sqlite3_stmt **st) {
        if (!*st)
                return;
        (void) sqlite3_reset(*st); /* tells the error of the last step again */
        (void) sqlite3_clear_bindings(*st);
}

int store_step(sqlite3_stmt *st) {
        int rc = sqlite3_step(st);
        return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : store_error(rc);
}

int store_run(sqlite3_stmt *st) {
        int r = store_step(st);
        return r > 0 ? -EBADMSG : r;
}

int store_run_sql(struct store *s, enum store_sql which) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, which, &st);
        return r < 0 ? r : store_run(st);
}

static void bound(struct binder *b, int rc) {
        if (b->r == 0)
                b->r = store_error(rc);
}

void bind_i64(struct binder *b, int64_t v) {
        bound(b, sqlite3_bind_int64(b->st, ++b->at, v));
}

void bind_u64(struct binder *b, uint64_t v) {
        if (v > INT64_MAX && b->r == 0)
                b->r = -EINVAL;
        bind_i64(b, (int64_t) (v & INT64_MAX));
}

void bind_text(struct binder *b, const char *s) {
        bound(b, sqlite3_bind_text64(b->st, ++b->at, s, strlen(s), SQLITE_STATIC, SQLITE_UTF8));
}

void bind_blob(struct binder *b, const void *p, size_t n) {
        b->at++;
        bound(b, n == 0 ? sqlite3_bind_zeroblob(b->st, b->at, 0)
                        : sqlite3_bind_blob64(b->st, b->at, p, n, SQLITE_STATIC));
}

static bool row_is(struct row *row, int type) {
        if (row->r == 0 && sqlite3_column_type(row->st, row->at) != type)
                row->r = -EBADMSG;
        return row->r == 0;
}

int64_t row_i64(struct row *row) {
        int64_t v = row_is(row, SQLITE_INTEGER) ? sqlite3_column_int64(row->st, row->at) : 0;
        row->at++;
        return v;
}

uint64_t row_u64(struct row *row, uint64_t max) {
        int64_t v = row_i64(row);
        if (v < 0 || (uint64_t) v > max) {
                row->r = row->r == 0 ? -EBADMSG : row->r;
                return 0;
        }
        return (uint64_t) v;
}

void row_text(struct row *row, char *buf, size_t size) {
        buf[0] = 0;
        if (row_is(row, SQLITE_TEXT)) {
                const unsigned char *text = sqlite3_column_text(row->st, row->at);
                size_t n = (size_t) sqlite3_column_bytes(row->st, row->at);
                if (!text)
                        row->r = -ENOMEM;
                else if (n >= size || memchr(text, 0, n))
                        row->r = -EBADMSG;
                else
                        memcpy(buf, text, n + 1);
        }
        row->at++;
}

void row_blob(struct row *row, void *buf, size_t size, size_t *ret_n) {
        size_t n = 0;
        if (row_is(row, SQLITE_BLOB)) {
                const void *p = sqlite3_column_blob(row->st, row->at); /* NULL when empty */
                n = (size_t) sqlite3_column_bytes(row->st, row->at);
                if (n > size || (!ret_n && n != size))
                        row->r = -EBADMSG;
                else if (n > 0 && !p)
                        row->r = -ENOMEM;
                else if (n > 0)
                        memcpy(buf, p, n);
        }
        if (ret_n)
                *ret_n = row->r == 0 ? n : 0;
        row->at++;
}

/* --- Transactions */

int store_begin(struct store *s) {
        if (s->in_transaction)
                return -EINVAL;
        int r = store_run_sql(s, SQL_BEGIN);
        if (r == 0)
                s->in_transaction = true;
        return r;
}

/* After a full disk or an I/O error SQLite undoes the whole transaction by itself. What came before is gone
 * then, and what comes next must not be taken for part of it. */
static bool is_lost(const struct store *s) {
        return s->in_transaction && sqlite3_get_autocommit(s->db);
}

int store_commit(struct store *s) {
        if (!s->in_transaction)
                return -EINVAL;
        int r = is_lost(s) ? -ECANCELED : store_run_sql(s, SQL_COMMIT);
        if (sqlite3_get_autocommit(s->db))
                s->in_transaction = false;
        return r;
}

int store_rollback(struct store *s) {
        if (!s->in_transaction)
                return -EINVAL;
        int r = is_lost(s) ? 0 : store_run_sql(s, SQL_ROLLBACK);
        if (sqlite3_get_autocommit(s->db))
                s->in_transaction = false;
        return r;
}

int store_tx_begin(struct store *s, struct store_tx *ret) {
        if (is_lost(s))
                return -ECANCELED;
        int r = store_run_sql(s, s->in_transaction ? SQL_SAVE : SQL_BEGIN);
        if (r < 0)
                return r;
        *ret = (struct store_tx){s, s->in_transaction};
        return 0;
}

int store_tx_commit(struct store_tx *tx) {
        int r = store_run_sql(tx->s, tx->nested ? SQL_SAVE_RELEASE : SQL_COMMIT);
        if (r == 0)
                tx->s = NULL;
        return r;
}

void store_tx_end(struct store_tx *tx) {
        if (!tx->s || sqlite3_get_autocommit(tx->s->db))
                return;
        if (!tx->nested) {
                (void) store_run_sql(tx->s, SQL_ROLLBACK);
                return;
        }
        (void) store_run_sql(tx->s, SQL_SAVE_ROLLBACK);
        (void) store_run_sql(tx->s, SQL_SAVE_RELEASE);
}

/* --- Opening */

/* How one of the databases must look on disk. */
struct place {
        mode_t mode;    /* when we make it; no other permission bit is tolerated */
        gid_t gid;      /* when we make it; (gid_t) -1 = leave */
        bool write;     /* else nothing is made or changed */
        bool any_owner; /* root looks at what another user owns */
        const char *pragmas;
        const struct store_schema *schema;
};

static bool is_sane(const struct stat *st, const struct place *place, mode_t allowed) {
        return (place->any_owner || st->st_uid == 0 || st->st_uid == geteuid()) &&
               (st->st_mode & 07777 & ~allowed) == 0;
}

/* The folder decides who may put another file in the place of ours. */
static int open_folder(const char *path, const struct place *place, int *ret) {
        const char *slash = strrchr(path, '/');
        if (path[0] != '/' || slash == path || !slash[1])
                return -EINVAL;
        _cleanup_(freep) char *folder = strndup(path, (size_t) (slash - path));
        if (!folder)
                return -ENOMEM;
        _cleanup_(closep) int fd = open(folder, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!is_sane(&st, place, 02755)) /* the mode may carry the group to new files */
                return -EACCES;
        *ret = TAKE_FD(fd);
        return 0;
}

/* Makes the file, or completes one that a killed process had made and not yet given its owner. */
static int make_file(int folder, const char *name, const struct place *place) {
        _cleanup_(closep) int fd = openat(
                folder, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0)
                return errno == ELOOP ? -EBADMSG : -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADMSG;
        if (st.st_uid != geteuid() || st.st_nlink != 1)
                return -EACCES;
        if (st.st_size > 0)
                return 0;
        if (place->gid != (gid_t) -1 && fchown(fd, (uid_t) -1, place->gid) < 0)
                return -errno;
        return fchmod(fd, place->mode) < 0 ? -errno : 0;
}

/* O_PATH: closing any other kind of descriptor of the file would drop the locks that SQLite holds on it
 * elsewhere in this process. */
static int check_file(int folder, const char *name, const struct place *place, struct stat *ret) {
        _cleanup_(closep) int fd = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADMSG;
        if (!is_sane(&st, place, place->mode) || st.st_nlink != 1)
                return -EACCES;
        *ret = st;
        return 0;
}

/* Root opens the journal too, and SQLite gives it the database's owner: whoever owns the folder must not
 * choose for root which file that is. There is no write-ahead log in our modes. */
static int check_companions(int folder, const char *name, const struct stat *database) {
        char journal[NAME_MAX + 1], wal[NAME_MAX + 1];
        struct stat st;
        int n = snprintf(journal, sizeof(journal), "%s-journal", name);
        if (n < 0 || (size_t) n >= sizeof(journal))
                return -EINVAL;
        (void) snprintf(wal, sizeof(wal), "%s-wal", name);
        if (fstatat(folder, wal, &st, AT_SYMLINK_NOFOLLOW) == 0)
                return -EBADMSG;
        if (fstatat(folder, journal, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        /* A journal that is just going has no name any more. */
        return S_ISREG(st.st_mode) && st.st_nlink <= 1 && st.st_uid == database->st_uid ? 0 : -EACCES;
}

static int find_file(const char *path, const struct place *place, struct stat *ret) {
        _cleanup_(closep) int folder = -1;
        int r = open_folder(path, place, &folder);
        if (r < 0)
                return r;
        const char *name = strrchr(path, '/') + 1;
        r = check_file(folder, name, place, ret);
        if (place->write && (r == -ENOENT || (r == 0 && ret->st_size == 0))) {
                r = make_file(folder, name, place);
                if (r == 0)
                        r = check_file(folder, name, place, ret);
        }
        return r < 0 ? r : check_companions(folder, name, ret);
}

/* What a database could use against its reader is off, and no value is larger than any of ours. */
static int distrust(sqlite3 *db) {
        static const struct {
                int option, value;
        } switches[] = {
                {SQLITE_DBCONFIG_DEFENSIVE, 1},
                {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
                {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
                {SQLITE_DBCONFIG_ENABLE_TRIGGER, 1},
                {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
                {SQLITE_DBCONFIG_DQS_DDL, 0},
                {SQLITE_DBCONFIG_DQS_DML, 0},
        };
        static const struct {
                int limit, value;
        } limits[] = {
                {SQLITE_LIMIT_LENGTH, 1 << 20},     {SQLITE_LIMIT_SQL_LENGTH, 1 << 16},
                {SQLITE_LIMIT_COLUMN, 64},          {SQLITE_LIMIT_EXPR_DEPTH, 32},
                {SQLITE_LIMIT_COMPOUND_SELECT, 4},  {SQLITE_LIMIT_FUNCTION_ARG, 8},
                {SQLITE_LIMIT_ATTACHED, 0},         {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 64},
                {SQLITE_LIMIT_VARIABLE_NUMBER, 32}, {SQLITE_LIMIT_TRIGGER_DEPTH, 4},
                {SQLITE_LIMIT_WORKER_THREADS, 0},
        };
        for (size_t i = 0; i < ELEMENTSOF(switches); i++)
                if (sqlite3_db_config(db, switches[i].option, switches[i].value, NULL) != SQLITE_OK)
                        return -EIO;
        for (size_t i = 0; i < ELEMENTSOF(limits); i++)
                (void) sqlite3_limit(db, limits[i].limit, limits[i].value); /* gives the old value */
        return 0;
}

/* SQLite takes a name, not a descriptor: that it took the file we had looked at is seen afterwards. */
static int open_database(const char *path, const struct place *place, const struct stat *seen,
                         sqlite3 **ret) {
        int flags = (place->write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
        struct stat st;
        int rc = sqlite3_open_v2(path, ret, flags, "unix");
        if (rc != SQLITE_OK)
                return store_error(rc);
        if (lstat(path, &st) < 0)
                return -errno;
        if (st.st_dev != seen->st_dev || st.st_ino != seen->st_ino)
                return -EACCES;
        if (place->write && sqlite3_db_readonly(*ret, "main") != 0)
                return -EACCES;
        rc = sqlite3_busy_timeout(*ret, STORE_BUSY_MS);
        return rc == SQLITE_OK ? distrust(*ret) : store_error(rc);
}

static int store_open(const char *path, const struct place *place, struct store **ret) {
        _cleanup_(store_closep) struct store *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        struct stat seen;
        int r = find_file(path, place, &seen);
        if (r < 0)
                return r;
        r = open_database(path, place, &seen, &s->db);
        if (r < 0)
                return r;
        /* Only what stays in this connection, until the file is known to be ours. */
        r = store_error(sqlite3_exec(s->db,
                                     "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
                                     "PRAGMA mmap_size = 0; PRAGMA recursive_triggers = ON;",
                                     NULL, NULL, NULL));
        if (r == 0)
                r = store_migrate(s->db, place->schema, place->write);
        if (r == 0 && place->write)
                r = store_error(sqlite3_exec(s->db, place->pragmas, NULL, NULL, NULL));
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

int store_open_people(const char *path, bool write, gid_t gid, struct store **ret) {
        /* EXTRA syncs the folder when the journal goes, without which a power cut could bring an ended badge
         * back. Without spilling, readers are shut out only while a commit writes, not while an import
         * runs. */
        const struct place place = {.mode = 0640,
                                    .gid = gid,
                                    .write = write,
                                    .pragmas = "PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA;"
                                               "PRAGMA cache_spill = OFF;",
                                    .schema = &store_people_schema};
        return store_open(path, &place, ret);
}

int store_open_state(const char *path, bool read_only, struct store **ret) {
        /* PERSIST ends a commit by overwriting the journal's header and syncing it: as safe as deleting the
         * journal and syncing the folder, and half the time. A reader writes nothing in a folder that is not
         * its own, which write-ahead logging would have it do. */
        const struct place place = {.mode = 0600,
                                    .gid = (gid_t) -1,
                                    .write = !read_only,
                                    .any_owner = read_only,
                                    .pragmas = "PRAGMA journal_mode = PERSIST; PRAGMA synchronous = FULL;",
                                    .schema = &store_state_schema};
        return store_open(path, &place, ret);
}

struct store *store_close(struct store *s) {
        if (!s)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(s->statements); i++)
                (void) sqlite3_finalize(s->statements[i]);
        (void) sqlite3_close_v2(s->db); /* undoes an open transaction */
        free(s);
        return NULL;
}

/* --- The whole */

int store_version(struct store *s, uint64_t *ret) {
        _cleanup_(store_statement_done) sqlite3_stmt *st = NULL;
        int r = store_statement(s, SQL_VERSION, &st);
        if (r < 0)
                return r;
        r = store_step(st);
        if (r <= 0)
                return r == 0 ? -EBADMSG : r;
        struct row row = {.st = st};
        uint64_t v = row_u64(&row, INT64_MAX);
        if (row.r == 0)
                *ret = v;
        return row.r;
}

/* Runs a check that gives `good` as its only row, or no row when good is NULL. */
static int run_check(struct store *s, const char *sql, const char *good) {
        sqlite3_stmt *st = NULL;
        int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
        if (rc != SQLITE_OK)
                return rc == SQLITE_ERROR ? -EBADMSG : store_error(rc);
        int r = store_step(st);
        if (r > 0) {
                const char *text = (const char *) sqlite3_column_text(st, 0);
                r = good && text && strcmp(text, good) == 0 ? 0 : -EBADMSG;
        } else if (r == 0 && good) {
                r = -EBADMSG;
        }
        (void) sqlite3_finalize(st);
        return r;
}

int store_check(struct store *s) {
        int r = run_check(s, "PRAGMA integrity_check(1)", "ok");
        return r < 0 ? r : run_check(s, "PRAGMA foreign_key_check", NULL);
}
