/* SPDX-License-Identifier: Apache-2.0 */
/* The write-ahead log keeps every record that was answered, in one chain, whatever happens to the machine.
 */
#include "helper/audit_log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <cmocka.h>

static char folder[64];

static int setup(void **state) {
        (void) snprintf(folder, sizeof(folder), "/tmp/test_audit_log.XXXXXX");
        return mkdtemp(folder) ? 0 : -1;
}

static void remove_all(const char *dir) {
        char command[128];
        (void) snprintf(command, sizeof(command), "rm -rf -- '%s'", dir);
        assert_int_equal(system(command), 0);
}

static int teardown(void **state) {
        remove_all(folder);
        return 0;
}

static uint8_t boot; /* which one it is */

static struct audit_config config(void) {
        struct audit_config c = audit_config_default;
        c.boot[0] = boot;
        c.folder = folder;
        c.reserve_bytes = 8192; /* less to write in these tests */
        return c;
}

static struct audit_log *open_log(struct audit_report *ret) {
        const struct audit_config c = config();
        struct audit_log *log = NULL;
        struct audit_report report;
        assert_int_equal(audit_log_open(&c, &log, &report), 0);
        if (ret)
                *ret = report;
        return log;
}

static int add(struct audit_log *log, const char *user, uint64_t *ret_seq) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_SIGN_IN};
        assert_int_equal(record_set(&r, RECORD_FIELD_USER, user), 0);
        return audit_log_add(log, &r, ret_seq);
}

static void write_one(struct audit_log *log, const char *user, uint64_t expected) {
        uint64_t seq;
        assert_int_equal(add(log, user, &seq), 0);
        assert_int_equal(seq, expected);
        assert_int_equal(audit_log_commit(log), 0);
}

/* Reads everything from a position and checks that it is one chain; the number of records. */
static unsigned check_chain(struct audit_log *log, struct audit_position p) {
        uint8_t hash[AUDIT_HASH_SIZE] = {0}, prev[AUDIT_HASH_SIZE];
        unsigned n = 0;
        for (;;) {
                _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
                char epoch[33];
                uint64_t seq;
                int e = audit_log_read(log, &p, &r);
                assert_true(e >= 0);
                if (e == 0)
                        return n;
                assert_int_equal(audit_links(&r, epoch, &seq, prev), 0);
                assert_string_equal(epoch, audit_log_epoch(log));
                if (n > 0)
                        assert_memory_equal(prev, hash, sizeof(hash));
                assert_int_equal(audit_hash(&r, prev, hash), 0);
                assert_int_equal(p.seq, seq + 1);
                n++;
        }
}

static const struct audit_position beginning = {1, AUDIT_HEADER_SIZE, 1};

static void path_of(const char *name, char out[static 128]) {
        (void) snprintf(out, 128, "%s/%s", folder, name);
}

static size_t size_of(const char *name) {
        char path[128];
        struct stat st;
        path_of(name, path);
        return stat(path, &st) < 0 ? 0 : (size_t) st.st_size;
}

static uint8_t *read_file(const char *name, size_t *ret_n) {
        char path[128];
        path_of(name, path);
        size_t n = size_of(name);
        uint8_t *p = malloc(n + 1);
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0 && p);
        assert_int_equal(read(fd, p, n), n);
        *ret_n = n;
        return p;
}

static void write_file(const char *name, const uint8_t *p, size_t n) {
        char path[128];
        path_of(name, path);
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, p, n), n);
}

static void numbers_begin_at_one_and_go_on_after_a_restart(void **state) {
        struct audit_report report;
        char epoch[33];
        struct audit_log *log = open_log(&report);
        assert_true(report.created);
        write_one(log, "anna", 1);
        write_one(log, "ben", 2);
        memcpy(epoch, audit_log_epoch(log), sizeof(epoch));
        log = audit_log_free(log);
        log = open_log(&report);
        assert_false(report.created);
        assert_int_equal(report.torn + report.damaged + report.breaks + report.skipped, 0);
        assert_string_equal(audit_log_epoch(log), epoch);
        assert_int_equal(audit_log_last(log), 2);
        write_one(log, "carl", 3);
        assert_int_equal(check_chain(log, beginning), 3);
        (void) audit_log_free(log);
}

/* The text of the header of audit_chain.h, done by hand. */
static void the_hash_is_the_one_that_is_documented(void **state) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_DENIED, .outcome = RECORD_FAILURE};
        uint8_t buf[1024];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        static const char text[] =
                "MESSAGE_ID=775a92155dc949f2a4aec20d568d0785\nWARDTAP_BADGE=7K2M\n"
                "WARDTAP_EVENT=denied\nWARDTAP_OUTCOME=4\nWARDTAP_SEQ=7\nWARDTAP_USER=anna\n";
        assert_int_equal(record_set(&r, RECORD_FIELD_USER, "anna"), 0);
        assert_int_equal(record_set(&r, RECORD_FIELD_BADGE, "7K2M"), 0);
        assert_int_equal(record_set(&r, RECORD_FIELD_SEQ, "7"), 0);
        assert_int_equal(record_set(&r, RECORD_FIELD_PREV, "00"), 0);
        audit_canonical(&r, &w);
        assert_int_equal(w.n, sizeof(text) - 1);
        assert_memory_equal(buf, text, w.n);
}

static void several_records_go_to_disk_together(void **state) {
        struct audit_log *log = open_log(NULL);
        uint64_t seq;
        for (uint64_t i = 1; i <= 10; i++) {
                assert_int_equal(add(log, "anna", &seq), 0);
                assert_int_equal(seq, i);
        }
        assert_int_equal(audit_log_last(log), 0);
        assert_int_equal(check_chain(log, beginning), 0); /* nobody reads what is not on disk */
        assert_int_equal(audit_log_commit(log), 0);
        assert_int_equal(check_chain(log, beginning), 10);
        (void) audit_log_free(log);
}

static void a_full_group_says_so_and_loses_nothing(void **state) {
        struct audit_log *log = open_log(NULL);
        uint64_t seq = 0, n = 0;
        int r;
        while ((r = add(log, "anna", &seq)) == 0)
                n++;
        assert_int_equal(r, -ENOBUFS);
        assert_true(n >= 15);
        assert_int_equal(audit_log_commit(log), 0);
        write_one(log, "ben", n + 1);
        assert_int_equal(check_chain(log, beginning), n + 1);
        (void) audit_log_free(log);
}

/* A crash may leave any part of the last write: the file is cut after each of its bytes, with the reserved
 * zeros behind it and without. The two records before are there each time, and no number is used twice. */
static void a_torn_tail_is_cut_at_every_byte(void **state) {
        struct audit_report report;
        struct audit_log *log = open_log(NULL);
        write_one(log, "anna", 1);
        write_one(log, "ben", 2);
        size_t good = audit_log_end(log).offset, n;
        write_one(log, "carl", 3);
        size_t end = audit_log_end(log).offset;
        log = audit_log_free(log);
        _cleanup_(freep) uint8_t *whole = read_file("log", &n), *cut = malloc(n);
        assert_non_null(cut);
        for (size_t at = good; at < end; at++)
                for (int zeros = 0; zeros < 2; zeros++) {
                        memset(cut, 0, n);
                        memcpy(cut, whole, at);
                        write_file("log", cut, zeros ? end + 4096 : at);
                        log = open_log(&report);
                        assert_int_equal(audit_log_last(log), 2);
                        assert_int_equal(report.damaged + report.breaks + report.skipped, 0);
                        size_t used = at;
                        while (used > good && whole[used - 1] == 0)
                                used--;
                        assert_int_equal(report.torn, used - good);
                        write_one(log, "dora", 3);
                        assert_int_equal(check_chain(log, beginning), 3);
                        log = audit_log_free(log);
                }
}

/* One byte changed in the middle: what follows is kept and its numbers stay used. */
static void a_changed_byte_is_found_and_no_number_comes_again(void **state) {
        struct audit_report report;
        struct audit_log *log = open_log(NULL);
        write_one(log, "anna", 1);
        size_t from = audit_log_end(log).offset, n;
        write_one(log, "ben", 2);
        size_t to = audit_log_end(log).offset;
        write_one(log, "carl", 3);
        log = audit_log_free(log);
        _cleanup_(freep) uint8_t *whole = read_file("log", &n);
        for (size_t at = from; at < to; at += 7) {
                remove_all(folder);
                assert_int_equal(mkdir(folder, 0700), 0);
                whole[at] ^= 0x10;
                write_file("log", whole, n);
                whole[at] ^= 0x10;
                log = open_log(&report);
                assert_true(report.damaged > 0);
                assert_true(report.breaks > 0);
                assert_int_equal(report.torn, 0);
                write_one(log, "dora", 4);
                log = audit_log_free(log);
                log = open_log(&report); /* reported once */
                assert_int_equal(report.damaged + report.breaks, 0);
                struct audit_position p = beginning;
                _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
                assert_int_equal(audit_log_read(log, &p, &r), 1);
                assert_int_equal(check_chain(log, p), 2); /* 3 and 4; 2 is passed over */
                log = audit_log_free(log);
        }
}

static void a_removed_log_begins_another_epoch(void **state) {
        struct audit_report report;
        char epoch[33], path[128];
        struct audit_log *log = open_log(NULL);
        memcpy(epoch, audit_log_epoch(log), sizeof(epoch));
        write_one(log, "anna", 1);
        log = audit_log_free(log);
        path_of("log", path);
        assert_int_equal(unlink(path), 0);
        log = open_log(&report);
        assert_true(report.created);
        assert_string_not_equal(audit_log_epoch(log), epoch);
        write_one(log, "ben", 1);
        (void) audit_log_free(log);
}

static void a_log_that_is_none_is_put_aside(void **state) {
        struct audit_report report;
        static const uint8_t garbage[300] = "not a log";
        write_file("log", garbage, sizeof(garbage));
        struct audit_log *log = open_log(&report);
        assert_true(report.unusable);
        assert_true(report.created);
        assert_int_equal(size_of("log.damaged"), sizeof(garbage));
        write_one(log, "anna", 1);
        (void) audit_log_free(log);
}

static void fill_files(struct audit_log *log, unsigned records, uint64_t first) {
        for (unsigned i = 0; i < records; i++)
                write_one(log, "anna", first + i);
}

static struct audit_log *open_small(struct audit_report *ret) {
        struct audit_config c = config();
        struct audit_log *log = NULL;
        c.rotate_bytes = 4096;
        c.reserve_bytes = 1024;
        c.keep = 3;
        c.keep_unreleased = 6;
        assert_int_equal(audit_log_open(&c, &log, ret), 0);
        return log;
}

static unsigned files(void) {
        char command[160];
        unsigned n = 0;
        (void) snprintf(command, sizeof(command), "ls '%s' | grep -c '^log\\.[0-9]*$'", folder);
        FILE *f = popen(command, "re");
        assert_non_null(f);
        int c;
        while ((c = fgetc(f)) >= '0' && c <= '9')
                n = n * 10 + (unsigned) (c - '0');
        (void) pclose(f);
        return n;
}

static void full_files_are_put_aside_and_the_chain_goes_over_them(void **state) {
        struct audit_report report;
        struct audit_log *log = open_small(&report);
        fill_files(log, 100, 1);
        assert_true(files() >= 3);
        assert_int_equal(check_chain(log, beginning), 100);
        log = audit_log_free(log);
        log = open_small(&report);
        assert_int_equal(report.torn + report.damaged + report.breaks + report.skipped, 0);
        fill_files(log, 1, 101);
        assert_int_equal(check_chain(log, beginning), 101);
        (void) audit_log_free(log);
}

static void old_files_go_once_the_journal_has_them(void **state) {
        struct audit_report report;
        struct audit_log *log = open_small(&report);
        fill_files(log, 300, 1);
        assert_int_equal(files(), 6); /* the journal has nothing yet */
        struct audit_position end = audit_log_end(log);
        assert_int_equal(audit_log_release(log, &end), 0);
        fill_files(log, 30, 301);
        assert_int_equal(files(), 3);
        assert_true(check_chain(log, beginning) > 30); /* from the oldest that is there */
        (void) audit_log_free(log);
}

static void a_crash_between_two_renames_goes_on_from_the_file_put_aside(void **state) {
        struct audit_report report;
        char log_path[128], aside[128];
        struct audit_log *log = open_log(NULL);
        write_one(log, "anna", 1);
        log = audit_log_free(log);
        path_of("log", log_path);
        path_of("log.00000000000000000001", aside);
        assert_int_equal(rename(log_path, aside), 0);
        log = open_log(&report);
        assert_false(report.created);
        write_one(log, "ben", 2);
        assert_int_equal(check_chain(log, beginning), 2);
        (void) audit_log_free(log);
}

static void a_disk_that_is_full_is_said_and_leaves_no_trace(void **state) {
        struct rlimit old, small;
        struct audit_report report;
        uint64_t seq;
        (void) signal(SIGXFSZ, SIG_IGN);
        struct audit_log *log = open_small(&report);
        write_one(log, "anna", 1);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
        small = old;
        small.rlim_cur = audit_log_end(log).offset + 100;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        int r = 0;
        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(add(log, "ben", &seq), 0);
                assert_int_equal(seq, 2);
                r = audit_log_commit(log);
                assert_int_equal(r, -EFBIG);
                assert_int_equal(audit_log_last(log), 1);
        }
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        write_one(log, "carl", 2); /* the next attempt tries again, with the same number */
        log = audit_log_free(log);
        log = open_small(&report);
        assert_int_equal(report.torn + report.damaged + report.breaks, 0);
        assert_int_equal(check_chain(log, beginning), 2);
        (void) audit_log_free(log);
}

static void what_the_journal_has_is_remembered(void **state) {
        struct audit_log *log = open_log(NULL);
        for (uint64_t i = 1; i <= 5; i++)
                write_one(log, "anna", i);
        struct audit_position p = beginning;
        for (unsigned i = 0; i < 3; i++) {
                _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
                assert_int_equal(audit_log_read(log, &p, &r), 1);
        }
        assert_int_equal(audit_log_release(log, &p), 0);
        log = audit_log_free(log);
        log = open_log(NULL);
        assert_int_equal(audit_log_released(log).seq, 4);
        assert_int_equal(check_chain(log, audit_log_released(log)), 2);
        (void) audit_log_free(log);
}

/* journald had them in memory when the power failed. */
static void after_a_boot_the_last_of_them_are_looked_for_again(void **state) {
        struct audit_log *log = open_log(NULL);
        for (uint64_t i = 1; i <= AUDIT_DOUBTED + 10; i++)
                write_one(log, "anna", i);
        struct audit_position end = audit_log_end(log);
        assert_int_equal(audit_log_release(log, &end), 0);
        log = audit_log_free(log);
        log = open_log(NULL);
        assert_int_equal(audit_log_released(log).seq, AUDIT_DOUBTED + 11);
        log = audit_log_free(log);
        boot++;
        log = open_log(NULL);
        assert_int_equal(audit_log_released(log).seq, 11);
        assert_int_equal(check_chain(log, audit_log_released(log)), AUDIT_DOUBTED);
        end = audit_log_end(log);
        assert_int_equal(audit_log_release(log, &end), 0);
        log = audit_log_free(log);
        log = open_log(NULL); /* the same boot */
        assert_int_equal(audit_log_released(log).seq, AUDIT_DOUBTED + 11);
        (void) audit_log_free(log);
}

/* The log was restored from a copy, but the journal had gone on: those numbers are taken. */
static void numbers_that_the_journal_has_are_not_used_again(void **state) {
        struct audit_report report;
        size_t n;
        struct audit_log *log = open_log(NULL);
        write_one(log, "anna", 1);
        _cleanup_(freep) uint8_t *early = read_file("log", &n);
        write_one(log, "ben", 2);
        write_one(log, "carl", 3);
        struct audit_position end = audit_log_end(log);
        assert_int_equal(audit_log_release(log, &end), 0);
        log = audit_log_free(log);
        write_file("log", early, n);
        log = open_log(&report);
        assert_int_equal(report.skipped, 2);
        write_one(log, "dora", 4);
        log = audit_log_free(log);
        log = open_log(&report);
        assert_int_equal(report.skipped, 0);
        write_one(log, "emil", 5);
        (void) audit_log_free(log);
}

static void a_note_of_released_records_that_is_damaged_does_no_harm(void **state) {
        size_t n;
        struct audit_log *log = open_log(NULL);
        write_one(log, "anna", 1);
        struct audit_position end = audit_log_end(log);
        assert_int_equal(audit_log_release(log, &end), 0);
        log = audit_log_free(log);
        _cleanup_(freep) uint8_t *note = read_file("released", &n);
        for (size_t i = 0; i <= n; i++) {
                if (i < n)
                        note[i] ^= 1;
                write_file("released", note, n);
                if (i < n)
                        note[i] ^= 1;
                log = open_log(NULL);
                assert_int_equal(audit_log_released(log).seq, i < n ? 1 : 2);
                log = audit_log_free(log);
        }
}

static void files_are_the_owners_alone(void **state) {
        struct audit_log *log = open_log(NULL);
        struct audit_position end = audit_log_end(log);
        char path[128];
        struct stat st;
        assert_int_equal(audit_log_release(log, &end), 0);
        static const char *const names[] = {"log", "released"};
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                path_of(names[i], path);
                assert_int_equal(stat(path, &st), 0);
                assert_int_equal(st.st_mode & 0777, 0600);
        }
        (void) audit_log_free(log);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(numbers_begin_at_one_and_go_on_after_a_restart),
                TEST(the_hash_is_the_one_that_is_documented),
                TEST(several_records_go_to_disk_together),
                TEST(a_full_group_says_so_and_loses_nothing),
                TEST(a_torn_tail_is_cut_at_every_byte),
                TEST(a_changed_byte_is_found_and_no_number_comes_again),
                TEST(a_removed_log_begins_another_epoch),
                TEST(a_log_that_is_none_is_put_aside),
                TEST(full_files_are_put_aside_and_the_chain_goes_over_them),
                TEST(old_files_go_once_the_journal_has_them),
                TEST(a_crash_between_two_renames_goes_on_from_the_file_put_aside),
                TEST(a_disk_that_is_full_is_said_and_leaves_no_trace),
                TEST(what_the_journal_has_is_remembered),
                TEST(numbers_that_the_journal_has_are_not_used_again),
                TEST(after_a_boot_the_last_of_them_are_looked_for_again),
                TEST(a_note_of_released_records_that_is_damaged_does_no_harm),
                TEST(files_are_the_owners_alone),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
