/* SPDX-License-Identifier: Apache-2.0 */
/* Whose session was ended: told once, kept over a restart, bounded, and a damaged file tells nothing. */
#include "helper/closed.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static char folder[64], path[96];

static int begin(void **state) {
        (void) snprintf(folder, sizeof(folder), "/tmp/test_closed.XXXXXX");
        if (!mkdtemp(folder))
                return -1;
        (void) snprintf(path, sizeof(path), "%s/closed", folder);
        return 0;
}

static int end(void **state) {
        (void) unlink(path);
        return rmdir(folder);
}

static struct closed *open_it(void) {
        struct closed *c = NULL;
        assert_int_equal(closed_new(path, &c), 0);
        return c;
}

static void a_person_is_told_once_also_after_a_restart(void **state) {
        enum closed_reason reason;
        uint64_t when;
        struct closed *c = open_it();
        assert_false(closed_find(c, 2001, &when, &reason));
        assert_int_equal(closed_note(c, 2001, 1000, CLOSED_MEMORY), 0);
        assert_int_equal(closed_note(c, 2002, 2000, CLOSED_LIMIT), 0);
        assert_int_equal(closed_note(c, 2001, 3000, CLOSED_PARKED), 0);
        c = closed_free(c);
        c = open_it();
        assert_true(closed_find(c, 2001, &when, &reason)); /* a tap alone takes nothing away */
        assert_true(closed_take(c, 2001, &when, &reason));
        assert_int_equal(when, 3000);
        assert_int_equal(reason, CLOSED_PARKED);
        assert_false(closed_take(c, 2001, &when, &reason));
        c = closed_free(c);
        c = open_it();
        assert_false(closed_find(c, 2001, &when, &reason));
        assert_true(closed_find(c, 2002, &when, &reason));
        assert_string_equal(closed_reason_name(reason), "limit");
        closed_free(c);
}

static void only_what_the_station_itself_signed_out_is_told(void **state) {
        static const struct {
                enum record_event event;
                const char *requestor, *reason;
                enum closed_reason told; /* 0: not at all */
        } rows[] = {
                {RECORD_SIGN_OUT, "node", "limit", CLOSED_LIMIT},
                {RECORD_SIGN_OUT, "node", "memory", CLOSED_MEMORY},
                {RECORD_SIGN_OUT, "node", "idle", CLOSED_ENDED},
                {RECORD_SIGN_OUT, "anna", "tap-out", 0},
                {RECORD_LOCK, "node", "limit", 0},
                {RECORD_SIGN_OUT, "node", NULL, 0},
        };
        for (uid_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct closed *c = open_it();
                struct record r = {.event = rows[i].event};
                enum closed_reason reason = 0;
                uint64_t when;
                assert_int_equal(record_set_u64(&r, RECORD_FIELD_UID, 2001 + i), 0);
                assert_int_equal(record_set(&r, RECORD_FIELD_REQUESTOR, rows[i].requestor), 0);
                assert_int_equal(record_set(&r, RECORD_FIELD_REASON, rows[i].reason), 0);
                closed_note_record(c, &r, 77);
                assert_int_equal(closed_find(c, 2001 + i, &when, &reason), rows[i].told != 0);
                assert_int_equal(reason, rows[i].told);
                record_clear(&r);
                closed_free(c);
        }
}

static void the_oldest_goes_when_there_are_too_many(void **state) {
        enum closed_reason reason;
        uint64_t when;
        struct closed *c = open_it();
        for (uid_t uid = 1; uid <= CLOSED_MAX + 3; uid++)
                assert_int_equal(closed_note(c, uid, uid, CLOSED_ENDED), 0);
        assert_false(closed_find(c, 3, &when, &reason));
        assert_true(closed_find(c, 4, &when, &reason));
        c = closed_free(c);
        c = open_it();
        assert_true(closed_find(c, 4, &when, &reason));
        assert_true(closed_find(c, CLOSED_MAX + 3, &when, &reason));
        closed_free(c);
}

static void nonsense_is_not_remembered(void **state) {
        struct closed *c = open_it();
        assert_int_equal(closed_note(c, (uid_t) -1, 1, CLOSED_LIMIT), -EINVAL);
        assert_int_equal(closed_note(c, 1, 0, CLOSED_LIMIT), -EINVAL);
        assert_int_equal(closed_note(c, 1, 1, CLOSED_REASON_MAX), -EINVAL);
        closed_free(c);
}

static void what_cannot_be_written_is_remembered_while_it_runs(void **state) {
        enum closed_reason reason;
        uint64_t when;
        struct closed *c = NULL;
        assert_int_equal(closed_new("/nowhere/closed", &c), 0);
        assert_int_equal(closed_note(c, 5, 1, CLOSED_LIMIT), -ENOENT);
        assert_true(closed_take(c, 5, &when, &reason));
        closed_free(c);
}

static void no_cut_and_no_damage_of_the_file_is_taken(void **state) {
        struct closed_list list = {.n = 2, .entries = {{7, 1, CLOSED_LIMIT}, {8, 2, CLOSED_MEMORY}}}, back;
        uint8_t buf[CLOSED_BYTES_MAX + 13];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t n;
        closed_write(&w, &list);
        assert_int_equal(writer_end(&w, &n), 0);
        assert_int_equal(n, 16 + 2 * 13);
        assert_int_equal(closed_read((struct bytes){buf, n}, &back), 0);
        assert_memory_equal(back.entries, list.entries, 2 * sizeof(list.entries[0]));
        for (size_t cut = 0; cut < n; cut++)
                if (cut != 16 && cut != 16 + 13)
                        assert_int_equal(closed_read((struct bytes){buf, cut}, &back), -EBADMSG);
        buf[16 + 3] = 8; /* the same uid twice */
        assert_int_equal(closed_read((struct bytes){buf, n}, &back), -EBADMSG);
        buf[16 + 3] = 7;
        buf[16 + 12] = CLOSED_REASON_MAX;
        assert_int_equal(closed_read((struct bytes){buf, n}, &back), -EBADMSG);
        w.n = 0;
        list.n = 0;
        closed_write(&w, &list);
        for (uint32_t uid = 0; uid <= CLOSED_MAX; uid++) {
                writer_u32(&w, uid);
                writer_u64(&w, 1);
                writer_u8(&w, CLOSED_LIMIT);
        }
        assert_int_equal(writer_end(&w, &n), 0);
        assert_int_equal(closed_read((struct bytes){buf, n}, &back), -EBADMSG);
        assert_int_equal(closed_read((struct bytes){buf, n - 13}, &back), 0);
}

static void a_damaged_file_tells_nothing_and_is_written_anew(void **state) {
        enum closed_reason reason;
        uint64_t when;
        FILE *f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs("WARDTAP-CLOSED1\nxxxx", f) >= 0);
        assert_int_equal(fclose(f), 0);
        struct closed *c = open_it();
        assert_false(closed_find(c, 2001, &when, &reason));
        assert_int_equal(closed_note(c, 2001, 1, CLOSED_LIMIT), 0);
        c = closed_free(c);
        c = open_it();
        assert_true(closed_find(c, 2001, &when, &reason));
        closed_free(c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_person_is_told_once_also_after_a_restart, begin, end),
                cmocka_unit_test_setup_teardown(only_what_the_station_itself_signed_out_is_told, begin, end),
                cmocka_unit_test_setup_teardown(the_oldest_goes_when_there_are_too_many, begin, end),
                cmocka_unit_test_setup_teardown(nonsense_is_not_remembered, begin, end),
                cmocka_unit_test(what_cannot_be_written_is_remembered_while_it_runs),
                cmocka_unit_test(no_cut_and_no_damage_of_the_file_is_taken),
                cmocka_unit_test_setup_teardown(a_damaged_file_tells_nothing_and_is_written_anew, begin,
                                                end),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
