/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever was done to the records is found and said in one sentence, what wardtapd and the journal do by
 * themselves is not, nobody can hide a finding behind others, and an export of arbitrary bytes is an error.
 */
#include "cli/audit_check.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "cli/audit_export.h"
#include "cli/audit_words.h"

/* Last: it has a fail() of its own. */
#include <cmocka.h>

#define EXE "/usr/libexec/wardtap/wardtapd"
#define UNIT "wardtapd.service"
#define EPOCH "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHER_EPOCH "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define BOOT "cccccccccccccccccccccccccccccccc"
#define T0 UINT64_C(1795161600000000) /* 2026-11-20 08:00 UTC, 09:00 in Berlin */

static struct audit_entry entry;

static void add(const char *name, const char *value) {
        audit_entry_add(&entry, name, (struct bytes){(const uint8_t *) value, strlen(value)}, false);
}

static void add_u64(const char *name, uint64_t value) {
        char text[21];
        (void) snprintf(text, sizeof(text), "%" PRIu64, value);
        add(name, text);
}

/* One chain in the making: what wardtapd writes next. */
struct chain {
        const char *epoch, *station;
        uint64_t seq;
        uint8_t hash[AUDIT_HASH_SIZE];
};

static struct chain chain_new(const char *epoch, const char *station) {
        return (struct chain){.epoch = epoch, .station = station};
}

static void begin_entry(uint64_t taken) {
        audit_entry_reset(&entry);
        entry.taken_usec = T0 + taken * 1000000;
        entry.monotonic_usec = taken * 1000000;
        add("_BOOT_ID", BOOT);
        add("_EXE", EXE);
        add("_SYSTEMD_UNIT", UNIT);
        add("_SYSTEMD_INVOCATION_ID", "dddddddddddddddddddddddddddddddd");
        add("_UID", "903");
        add("_PID", "71");
}

/* Record seq as it was made at second seq, taken by the journal then, and *hash its hash. */
static void fill(const struct chain *c, uint64_t seq, const char *event, const char *user,
                 uint8_t hash[AUDIT_HASH_SIZE]) {
        char prev[2 * AUDIT_HASH_SIZE + 1], epoch[33];
        struct audit_mark m;
        hex_encode(hash, AUDIT_HASH_SIZE, prev);
        begin_entry(seq);
        add("MESSAGE_ID", record_event_message_id(record_event_from_name(event)));
        add("WARDTAP_EVENT", event);
        add("WARDTAP_OUTCOME", "0");
        add("WARDTAP_USER", user);
        add("WARDTAP_STATION", c->station);
        add("WARDTAP_STATION_ID", c->station);
        add_u64("WARDTAP_TIME_USEC", T0 + seq * 1000000);
        add("WARDTAP_EPOCH", c->epoch);
        add_u64("WARDTAP_SEQ", seq);
        add("WARDTAP_PREV", prev);
        assert_int_equal(audit_entry_mark(&entry, epoch, &m), 0);
        memcpy(hash, m.hash, AUDIT_HASH_SIZE);
}

static void next_as(struct chain *c, const char *event, const char *user) {
        fill(c, ++c->seq, event, user, c->hash);
}

static void next(struct chain *c) {
        next_as(c, "lock", "anna");
}

static struct audit_check *new_check(void) {
        const struct audit_trust trust = {.exe = EXE, .unit = UNIT};
        struct audit_check *c = NULL;
        assert_int_equal(audit_check_new(&trust, &c), 0);
        return c;
}

/* The next n records, as they are. */
static void write_next(struct audit_check *check, struct chain *c, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                next(c);
                audit_check_add(check, &entry);
        }
}

static void leave_out(struct chain *c, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                next(c);
}

static size_t count(const struct audit_check *check) {
        size_t n;
        (void) audit_check_findings(check, &n);
        return n;
}

static void assert_says(const struct audit_check *check, size_t i, const char *text) {
        char said[AUDIT_SENTENCE_MAX];
        size_t n, n_epochs;
        const struct audit_finding *f = audit_check_findings(check, &n);
        const struct audit_epoch *epochs = audit_check_epochs(check, &n_epochs);
        assert_true(i < n);
        audit_say(&f[i], epochs, n_epochs, said);
        assert_string_equal(said, text);
}

static void an_honest_journal_is_whole(void **state) {
        struct chain c = chain_new(EPOCH, "bay2");
        _cleanup_(audit_check_freep) struct audit_check *check = new_check();
        write_next(check, &c, 1000);
        audit_check_end(check, NULL);
        size_t n;
        const struct audit_epoch *e = audit_check_epochs(check, &n);
        assert_int_equal(n, 1);
        assert_int_equal(count(check), 0);
        assert_int_equal(e->first.seq, 1);
        assert_int_equal(e->last.seq, 1000);
        assert_int_equal(audit_check_counts(check).records, 1000);
        assert_memory_equal(e->last.hash, c.hash, sizeof(c.hash));
}

static void a_gap_is_named_with_its_two_sides(void **state) {
        struct chain c = chain_new(EPOCH, "bay2");
        _cleanup_(audit_check_freep) struct audit_check *check = new_check();
        write_next(check, &c, 9);
        leave_out(&c, 1);
        write_next(check, &c, 5);
        leave_out(&c, 3);
        write_next(check, &c, 1);
        audit_check_end(check, NULL);
        assert_int_equal(count(check), 2);
        assert_says(check, 0, "Removed: record 10, between 9 (2026-11-20 09:00:09) and 11 (09:00:11).");
        assert_says(check, 1,
                    "Removed: records 16 to 18, between 15 (2026-11-20 09:00:15) and 19 (09:00:19).");
}

static void more_gaps_than_are_remembered_are_still_found(void **state) {
        struct chain c = chain_new(EPOCH, "bay2");
        _cleanup_(audit_check_freep) struct audit_check *check = new_check();
        for (unsigned i = 0; i < 1000; i++) {
                write_next(check, &c, 1);
                leave_out(&c, 1);
        }
        audit_check_end(check, NULL);
        assert_int_equal(count(check) + audit_check_counts(check).untold[AUDIT_REMOVED], 999);
        assert_int_equal(audit_check_counts(check).records, 1000);
}

static void which_of_two_with_a_number_was_inserted_says_the_next(void **state) {
        for (unsigned order = 0; order < 2; order++) {
                struct chain c = chain_new(EPOCH, "bay2"), forged;
                _cleanup_(audit_check_freep) struct audit_check *check = new_check();
                write_next(check, &c, 9);
                forged = c;
                if (order == 0) {
                        next_as(&forged, "lock", "eve");
                        audit_check_add(check, &entry);
                }
                write_next(check, &c, 1);
                if (order == 1) {
                        next_as(&forged, "lock", "eve");
                        audit_check_add(check, &entry);
                }
                write_next(check, &c, 5);
                audit_check_end(check, NULL);
                assert_int_equal(count(check), 1);
                assert_says(check, 0,
                            order == 0 ? "Inserted: record 10 (2026-11-20 09:00:10, lock, eve), between 9 "
                                         "(09:00:09) and 10 (09:00:10)."
                                       : "Inserted: record 10 (2026-11-20 09:00:10, lock, eve), between 10 "
                                         "(09:00:10) and 11 (09:00:11).");
        }
}

static void a_record_with_a_field_twice_was_changed(void **state) {
        struct chain c = chain_new(EPOCH, "bay2");
        _cleanup_(audit_check_freep) struct audit_check *check = new_check();
        write_next(check, &c, 4);
        next(&c);
        add("WARDTAP_USER", "eve");
        audit_check_add(check, &entry);
        write_next(check, &c, 4);
        audit_check_end(check, NULL);
        assert_int_equal(count(check), 1);
        assert_says(check, 0,
                    "Changed: record 5 (2026-11-20 09:00:05, lock, anna), between 4 (09:00:04) and 6 "
                    "(09:00:06).");
}

/* The first names nothing: when it does, there was one before it. */
static void the_first_of_an_epoch_names_none(void **state) {
        struct chain c = chain_new(EPOCH, "bay2");
        _cleanup_(audit_check_freep) struct audit_check *check = new_check();
        c.hash[0] = 1;
        write_next(check, &c, 9);
        audit_check_end(check, NULL);
        assert_int_equal(count(check), 1);
        assert_says(check, 0, "Changed: record 1 (2026-11-20 09:00:01, lock, anna).");
}

/* As wardtapd's sender does it, when the journal lost some in the middle or all of the last. */
static void what_is_sent_again_is_counted_once(void **state) {
        struct chain c = chain_new(EPOCH, "bay2");
        uint8_t hash[16][AUDIT_HASH_SIZE] = {0};
        _cleanup_(audit_check_freep) struct audit_check *check = new_check();
        static const unsigned order[] = {1, 2, 3, 4, 7, 8, 5, 6, 7, 8, 9, 9};
        for (unsigned i = 1; i < 16; i++) {
                memcpy(hash[i], hash[i - 1], AUDIT_HASH_SIZE);
                fill(&c, i, "lock", "anna", hash[i]);
        }
        for (unsigned i = 0; i < ELEMENTSOF(order); i++) {
                uint8_t h[AUDIT_HASH_SIZE];
                memcpy(h, hash[order[i] - 1], sizeof(h));
                fill(&c, order[i], "lock", "anna", h);
                entry.monotonic_usec = (20 + i) * 1000000;
                entry.taken_usec = T0 + entry.monotonic_usec;
                audit_check_add(check, &entry);
        }
        audit_check_end(check, NULL);
        assert_int_equal(count(check), 0);
        assert_int_equal(audit_check_counts(check).records, 9);
        assert_int_equal(audit_check_counts(check).twice, 3);
        assert_int_equal(audit_check_counts(check).late, 2);
}

static void forge(struct audit_check *check, const char *name, const char *value) {
        struct chain c = chain_new(EPOCH, "bay2");
        next_as(&c, "sign-in", "eve");
        if (strcmp(name, "_EXE") == 0)
                entry.exe[0] = 0;
        add(name, value);
        audit_check_add(check, &entry);
}

static void nobody_but_wardtapd_is_believed(void **state) {
        static const char *const wrong[][2] = {
                {"_EXE", "/home/eve/wardtapd"},
                {"_SYSTEMD_UNIT", "user@2001.service"},
                {"_UID", "2001"},
                {"_UID", "0"},
                {"_PID", "72"}, /* a second process of the same start of the service */
        };
        struct chain c = chain_new(EPOCH, "bay2");
        _cleanup_(audit_check_freep) struct audit_check *check = new_check();
        write_next(check, &c, 3);
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                forge(check, wrong[i][0], wrong[i][1]);
        forge(check, "_EXE", ""); /* nobody knows: it had ended */
        write_next(check, &c, 1);
        audit_check_end(check, NULL);
        assert_int_equal(count(check), ELEMENTSOF(wrong));
        assert_says(check, 0,
                    "Forged: record 1 (2026-11-20 09:00:01, sign-in, eve), written by /home/eve/wardtapd "
                    "(user 903, process 71), between 3 (09:00:03) and 4 (09:00:04).");
        assert_int_equal(audit_check_counts(check).gone, 1);
        assert_int_equal(audit_check_counts(check).records, 4);
}

static void many_forged_ones_hide_nothing(void **state) {
        struct chain c = chain_new(EPOCH, "bay2");
        _cleanup_(audit_check_freep) struct audit_check *check = new_check();
        write_next(check, &c, 3);
        for (unsigned i = 0; i < 1000; i++)
                forge(check, "_UID", "2001");
        leave_out(&c, 1);
        write_next(check, &c, 3);
        audit_check_end(check, NULL);
        assert_int_equal(count(check), AUDIT_FORGED_MAX + 1);
        assert_int_equal(audit_check_counts(check).untold[AUDIT_FORGED], 1000 - AUDIT_FORGED_MAX);
        assert_says(check, 0, "Removed: record 4, between 3 (2026-11-20 09:00:03) and 5 (09:00:05).");
}

static void stations_in_one_folder_do_not_disturb_each_other(void **state) {
        struct chain a = chain_new(EPOCH, "bay2"), b = chain_new(OTHER_EPOCH, "bay3");
        _cleanup_(audit_check_freep) struct audit_check *check = new_check();
        for (unsigned i = 0; i < 20; i++) {
                write_next(check, &a, 1);
                write_next(check, &b, 2);
        }
        audit_check_end(check, NULL);
        size_t n;
        const struct audit_epoch *e = audit_check_epochs(check, &n);
        assert_int_equal(n, 2);
        assert_int_equal(e[0].records + e[1].records, 60);
        assert_int_equal(count(check), 0);
}

static void an_epoch_that_was_ended_well_may_be_followed(void **state) {
        for (unsigned well = 0; well < 2; well++) {
                struct chain a = chain_new(EPOCH, "bay2"), b = chain_new(OTHER_EPOCH, "bay2");
                _cleanup_(audit_check_freep) struct audit_check *check = new_check();
                write_next(check, &a, 5);
                if (well) {
                        next_as(&a, "writer-stop", "");
                        audit_check_add(check, &entry);
                }
                write_next(check, &b, 5);
                audit_check_end(check, NULL);
                assert_int_equal(count(check), well ? 0 : 1);
                if (!well)
                        assert_says(
                                check, 0,
                                "Cut off: the epoch ends with record 5 (2026-11-20 09:00:05, lock, anna), "
                                "but not as wardtapd ends; later ones may be missing.");
        }
}

static void an_epoch_within_another_was_inserted(void **state) {
        struct chain a = chain_new(EPOCH, "bay2"), b = chain_new(OTHER_EPOCH, "bay2");
        _cleanup_(audit_check_freep) struct audit_check *check = new_check();
        write_next(check, &a, 5);
        write_next(check, &b, 2);
        write_next(check, &a, 5);
        audit_check_end(check, NULL);
        assert_int_equal(count(check), 1);
        assert_says(
                check, 0,
                "Inserted: records 1 to 2 of another epoch, bbbbbbbb, between 5 (2026-11-20 09:00:05) and "
                "6 (09:00:06).");
}

static void the_end_is_what_wardtapd_says(void **state) {
        static const struct {
                uint64_t before, pending, after;
                const char *says;
        } cases[] = {
                {10, 0, 10, NULL},
                {12, 2, 12, NULL}, /* on their way */
                {9, 0, 15, NULL},  /* written while the journal was read */
                {12, 0, 12,
                 "Cut off: records 11 to 12 that wardtapd has written, after 10 (2026-11-20 09:00:10)."},
                {8, 0, 9,
                 "Inserted: record 10 (2026-11-20 09:00:10, lock, anna); the last that wardtapd has written "
                 "is "
                 "9."},
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct chain c = chain_new(EPOCH, "bay2");
                struct audit_known known = {EPOCH,          cases[i].before, cases[i].pending,
                                            cases[i].after, false,           {0}};
                _cleanup_(audit_check_freep) struct audit_check *check = new_check();
                write_next(check, &c, 10);
                assert_int_equal(audit_check_last(check, EPOCH), 10);
                audit_check_end(check, &known);
                assert_int_equal(count(check), cases[i].says ? 1 : 0);
                if (cases[i].says)
                        assert_says(check, 0, cases[i].says);
        }
}

static void the_last_record_is_what_wardtapd_wrote(void **state) {
        for (unsigned changed = 0; changed < 2; changed++) {
                struct chain c = chain_new(EPOCH, "bay2");
                struct audit_known known = {EPOCH, 10, 0, 10, true, {0}};
                _cleanup_(audit_check_freep) struct audit_check *check = new_check();
                write_next(check, &c, 9);
                struct chain fake = c;
                next(&c);
                memcpy(known.hash, c.hash, sizeof(known.hash));
                next_as(&fake, "lock", changed ? "eve" : "anna");
                audit_check_add(check, &entry);
                audit_check_end(check, &known);
                assert_int_equal(count(check), changed);
                if (changed)
                        assert_says(
                                check, 0,
                                "Changed: record 10 (2026-11-20 09:00:10, lock, eve), after 9 (09:00:09).");
        }
}

static void an_emptied_journal_is_found_out(void **state) {
        const struct audit_known known = {EPOCH, 10, 0, 10, false, {0}};
        _cleanup_(audit_check_freep) struct audit_check *check = new_check();
        audit_check_end(check, &known);
        assert_int_equal(count(check), 1);
        assert_says(check, 0, "Cut off: wardtapd has written 10 records, of which the journal has none.");
}

static void what_was_noted_must_still_be_so(void **state) {
        for (unsigned anew = 0; anew < 2; anew++) {
                struct chain c = chain_new(EPOCH, "bay2"), noted = c;
                char text[100], hash[2 * AUDIT_HASH_SIZE + 1];
                struct audit_anchor from, none = {0};
                _cleanup_(audit_check_freep) struct audit_check *check = new_check();
                leave_out(&noted, 5);
                hex_encode(noted.hash, sizeof(noted.hash), hash);
                (void) snprintf(text, sizeof(text), "5:%s", hash);
                assert_int_equal(audit_anchor_read(text, &from), 0);
                audit_check_expect(check, &from, &none);
                if (anew) {
                        next_as(&c, "lock", "eve");
                        audit_check_add(check, &entry);
                }
                write_next(check, &c, 10);
                audit_check_end(check, NULL);
                assert_int_equal(count(check), anew);
        }
}

static void marks_are_read_exactly(void **state) {
        static const char *const wrong[] = {
                "", "0", "-1", "x", "5:", "5:abc", "5 ", ":", "99999999999999999999999"};
        struct audit_anchor a;
        assert_int_equal(audit_anchor_read("812", &a), 0);
        assert_int_equal(a.seq, 812);
        assert_false(a.has_hash);
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                assert_int_equal(audit_anchor_read(wrong[i], &a), -EINVAL);
}

/* --- Exports */

static FILE *open_text(const char *text, size_t n) {
        FILE *f = fmemopen((void *) (uintptr_t) text, n, "r");
        assert_non_null(f);
        return f;
}

static void an_export_is_read_field_by_field(void **state) {
        static const char text[] = "__REALTIME_TIMESTAMP=17\n__MONOTONIC_TIMESTAMP=4\n_UID=903\nMESSAGE\n"
                                   "\3\0\0\0\0\0\0\0a\nb\nWARDTAP_EVENT=lock\nWARDTAP_USER\n"
                                   "\2\0\0\0\0\0\0\0x=\n\n\n_UID=1\n\n";
        FILE *f = open_text(text, sizeof(text) - 1);
        assert_int_equal(audit_export_next(f, &entry), 1);
        assert_int_equal(entry.taken_usec, 17);
        assert_int_equal(entry.monotonic_usec, 4);
        assert_string_equal(entry.uid, "903");
        assert_true(entry.claims);
        assert_false(entry.is_damaged);
        assert_string_equal(audit_entry_field(&entry, RECORD_FIELD_USER), "x=");
        assert_int_equal(audit_export_next(f, &entry), 1);
        assert_string_equal(entry.uid, "1");
        assert_false(entry.claims);
        assert_int_equal(audit_export_next(f, &entry), 0);
        assert_int_equal(fclose(f), 0);
}

static void what_is_no_export_is_an_error(void **state) {
        static const struct {
                const char *text;
                size_t n;
        } wrong[] = {
#define T(s) {s, sizeof(s) - 1}
                T("{\"a\":1}\n"),
                T("=x\n\n"),
                T("lower=x\n\n"),
                T("A=1\nB=2"),
                T("A=1\n"),
                T("A"),
                T("A\n\1\0\0\0\0\0\0\0"),
                T("A\n\1\0\0\0\0\0\0\0xy\n"),
                T("A\n\1\0\0"),
                T("A B=1\n\n"),
                T("A\n\377\377\377\377\377\377\377\377x"),
                T("__REALTIME_TIMESTAMP=x\n\n"),
                T("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=1\n\n"),
#undef T
        };
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                FILE *f = open_text(wrong[i].text, wrong[i].n);
                assert_int_equal(audit_export_next(f, &entry), -EBADMSG);
                assert_int_equal(fclose(f), 0);
        }
}

static void a_field_that_wardtapd_never_writes_is_damage(void **state) {
        static const char *const wrong[] = {"a\nWARDTAP_ROLE=x", "a\033[2J", "\xff", "\xe2\x80\xae"};
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                begin_entry(1);
                add("WARDTAP_USER", wrong[i]);
                assert_true(entry.is_damaged);
        }
        begin_entry(1);
        add("WARDTAP_USER", "anna");
        assert_false(entry.is_damaged);
        add("WARDTAP_USER", "anna");
        assert_true(entry.is_damaged);
        begin_entry(1);
        audit_entry_add(&entry, "WARDTAP_USER", (struct bytes){(const uint8_t *) "a\0b", 3}, false);
        assert_true(entry.is_damaged);
        begin_entry(1);
        for (unsigned i = 0; i <= AUDIT_LINES_MAX; i++) {
                char name[32];
                (void) snprintf(name, sizeof(name), "WARDTAP_%u", i);
                add(name, "x");
        }
        assert_true(entry.is_damaged);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_honest_journal_is_whole),
                cmocka_unit_test(a_gap_is_named_with_its_two_sides),
                cmocka_unit_test(more_gaps_than_are_remembered_are_still_found),
                cmocka_unit_test(which_of_two_with_a_number_was_inserted_says_the_next),
                cmocka_unit_test(a_record_with_a_field_twice_was_changed),
                cmocka_unit_test(the_first_of_an_epoch_names_none),
                cmocka_unit_test(what_is_sent_again_is_counted_once),
                cmocka_unit_test(nobody_but_wardtapd_is_believed),
                cmocka_unit_test(many_forged_ones_hide_nothing),
                cmocka_unit_test(stations_in_one_folder_do_not_disturb_each_other),
                cmocka_unit_test(an_epoch_that_was_ended_well_may_be_followed),
                cmocka_unit_test(an_epoch_within_another_was_inserted),
                cmocka_unit_test(the_end_is_what_wardtapd_says),
                cmocka_unit_test(the_last_record_is_what_wardtapd_wrote),
                cmocka_unit_test(an_emptied_journal_is_found_out),
                cmocka_unit_test(what_was_noted_must_still_be_so),
                cmocka_unit_test(marks_are_read_exactly),
                cmocka_unit_test(an_export_is_read_field_by_field),
                cmocka_unit_test(what_is_no_export_is_an_error),
                cmocka_unit_test(a_field_that_wardtapd_never_writes_is_damage),
        };
        (void) setlocale(LC_ALL, "C.UTF-8");
        (void) setenv("TZ", "Europe/Berlin", 1);
        tzset();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
