/* SPDX-License-Identifier: Apache-2.0 */
/* Every statement of the store goes through an index: no plan scans a table or sorts. */
#include "policy/store_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static sqlite3 *database(const struct store_schema *schema) {
        sqlite3 *db = NULL;
        assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
        assert_int_equal(store_migrate(db, schema, true), 0);
        /* what triggers do is part of the plan too */
        assert_int_equal(sqlite3_db_config(db, SQLITE_DBCONFIG_TRIGGER_EQP, 1, NULL), SQLITE_OK);
        return db;
}

/* True when each step of the plan finds its rows by an index or the id. */
static bool is_searched(sqlite3 *db, const char *sql) {
        char text[2048];
        sqlite3_stmt *st = NULL;
        bool good = true;
        (void) snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s", sql);
        assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
        while (sqlite3_step(st) == SQLITE_ROW) {
                const char *step = (const char *) sqlite3_column_text(st, 3);
                if (strncmp(step, "SEARCH ", 7) != 0 && strncmp(step, "-- TRIGGER", 10) != 0) {
                        print_error("%s\n    %s\n", sql, step);
                        good = false;
                }
        }
        (void) sqlite3_finalize(st);
        return good;
}

static bool are_searched(sqlite3 *db, int from, int to) {
        bool good = true;
        for (int i = from; i < to; i++) {
                assert_non_null(store_sql[i]);
                good = is_searched(db, store_sql[i]) && good;
        }
        return good;
}

static void no_statement_of_people_db_scans(void **state) {
        sqlite3 *db = database(&store_people_schema);
        assert_true(are_searched(db, SQL_PEOPLE_FIRST, SQL_STATE_FIRST));
        (void) sqlite3_close(db);
}

static void no_statement_of_state_db_scans(void **state) {
        sqlite3 *db = database(&store_state_schema);
        assert_true(are_searched(db, SQL_STATE_FIRST, SQL_MAX));
        (void) sqlite3_close(db);
}

static void the_check_sees_a_scan(void **state) {
        sqlite3 *db = database(&store_people_schema);
        sqlite3_stmt *st = NULL;
        assert_int_equal(sqlite3_prepare_v2(db, "EXPLAIN QUERY PLAN SELECT * FROM badge WHERE kind = 'x'",
                                            -1, &st, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        assert_int_equal(strncmp((const char *) sqlite3_column_text(st, 3), "SCAN ", 5), 0);
        (void) sqlite3_finalize(st);
        (void) sqlite3_close(db);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(no_statement_of_people_db_scans),
                cmocka_unit_test(no_statement_of_state_db_scans),
                cmocka_unit_test(the_check_sees_a_scan),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
