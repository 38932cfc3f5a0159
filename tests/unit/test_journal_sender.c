/* SPDX-License-Identifier: Apache-2.0 */
/* Records reach a journal that stops, goes and comes back; whoever asks for a record never waits for it. The
 * journal here is a datagram socket in a folder of the test, and what it has "kept" is what the test read.
 */
#include "common/socket.h"
#include "helper/journal_sender.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/un.h>
#include <cmocka.h>

#define RECORDS_MAX 4096U

/* A journal of our own. */
struct world {
        char folder[64], audit[80], journal[80], path[96];
        sd_event *event;
        struct audit_log *log;
        struct journal_sender *sender;
        int socket, changed;
        unsigned got[RECORDS_MAX]; /* how often each number came */
        bool kept[RECORDS_MAX];    /* what the journal will find again */
        bool unreadable;           /* the journal cannot be read back */
        uint64_t drops;            /* a number that the journal never keeps */
        unsigned opened, is_open;
};

static int check_open(void *userdata, int *ret_fd) {
        struct world *w = userdata;
        if (w->unreadable)
                return -EACCES;
        w->opened++;
        w->is_open++;
        *ret_fd = w->changed;
        return 0;
}

static void check_process(void *userdata) {
        struct world *w = userdata;
        uint64_t v;
        (void) !read(w->changed, &v, sizeof(v));
}

static int check_has(void *userdata, const char *epoch, uint64_t seq) {
        struct world *w = userdata;
        assert_string_equal(epoch, audit_log_epoch(w->log));
        return seq < RECORDS_MAX && w->kept[seq];
}

static void check_close(void *userdata) {
        struct world *w = userdata;
        w->is_open--;
}

static const struct journal_check check = {check_open, check_process, check_has, check_close};

static void journal_appears(struct world *w) {
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        (void) snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", w->path);
        w->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(w->socket >= 0);
        assert_int_equal(bind(w->socket, (struct sockaddr *) &sa, sizeof(sa)), 0);
}

static void journal_goes(struct world *w) {
        closep(&w->socket);
        (void) unlink(w->path);
}

/* Reads what is there, as journald would; keep: and can find it again. How many came. */
static unsigned journal_reads(struct world *w, bool keep) {
        char buf[16384];
        unsigned n = 0;
        for (;;) {
                ssize_t got = w->socket >= 0 ? recv(w->socket, buf, sizeof(buf) - 1, MSG_DONTWAIT) : -1;
                if (got < 0)
                        break;
                buf[got] = 0;
                const char *at = strstr(buf, "\nWARDTAP_SEQ=");
                uint64_t seq = 0;
                assert_non_null(at);
                for (at += strlen("\nWARDTAP_SEQ="); *at >= '0' && *at <= '9'; at++)
                        seq = seq * 10 + (uint64_t) (*at - '0');
                assert_true(seq > 0 && seq < RECORDS_MAX);
                w->got[seq]++;
                if (keep && seq != w->drops)
                        w->kept[seq] = true;
                n++;
        }
        if (n > 0)
                assert_int_equal(eventfd_write(w->changed, 1), 0);
        return n;
}

static void sender_starts(struct world *w) {
        const struct journal_sender_config c = {.event = w->event,
                                                .log = w->log,
                                                .folder = w->journal,
                                                .socket = "socket",
                                                .check = &check,
                                                .check_userdata = w,
                                                .check_after_usec = 1000,
                                                .resend_usec = 8000};
        assert_int_equal(journal_sender_new(&c, &w->sender), 0);
}

static void log_opens(struct world *w) {
        struct audit_config c = audit_config_default;
        struct audit_report report;
        c.folder = w->audit;
        assert_int_equal(audit_log_open(&c, &w->log, &report), 0);
}

static int setup(void **state) {
        struct world *w = calloc(1, sizeof(*w));
        if (!w)
                return -1;
        (void) snprintf(w->folder, sizeof(w->folder), "/tmp/test_journal_sender.XXXXXX");
        if (!mkdtemp(w->folder))
                return -1;
        (void) snprintf(w->audit, sizeof(w->audit), "%s/audit", w->folder);
        (void) snprintf(w->journal, sizeof(w->journal), "%s/journal", w->folder);
        (void) snprintf(w->path, sizeof(w->path), "%s/socket", w->journal);
        char command[200];
        (void) snprintf(command, sizeof(command), "mkdir '%s' '%s'", w->audit, w->journal);
        w->socket = -1;
        w->changed = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (system(command) != 0 || w->changed < 0 || sd_event_new(&w->event) < 0)
                return -1;
        log_opens(w);
        *state = w;
        return 0;
}

static int teardown(void **state) {
        struct world *w = *state;
        char command[128];
        w->sender = journal_sender_free(w->sender);
        w->log = audit_log_free(w->log);
        assert_int_equal(w->is_open, 0);
        sd_event_unref(w->event);
        closep(&w->socket);
        closep(&w->changed);
        (void) snprintf(command, sizeof(command), "rm -rf -- '%s'", w->folder);
        (void) !system(command);
        free(w);
        return 0;
}

/* Writes n records, as the recorder does; each must be done at once. */
static void record(struct world *w, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                _cleanup_(record_clear) struct record r = {.event = RECORD_DENIED,
                                                           .outcome = RECORD_FAILURE};
                uint64_t seq;
                assert_int_equal(record_set(&r, RECORD_FIELD_USER, "anna"), 0);
                assert_int_equal(audit_log_add(w->log, &r, &seq), 0);
                assert_int_equal(audit_log_commit(w->log), 0);
                uint64_t before = now_monotonic_usec();
                journal_sender_kick(w->sender);
                assert_true(now_monotonic_usec() - before < 1000000);
        }
}

/* Runs the loop, with the journal reading (and keeping) on the side, until nothing is pending. */
static void settle(struct world *w, bool reads) {
        uint64_t end = now_monotonic_usec() + 8000000;
        while (journal_sender_pending(w->sender) > 0) {
                assert_true(now_monotonic_usec() < end);
                assert_true(sd_event_run(w->event, 10000) >= 0);
                if (reads)
                        (void) journal_reads(w, true);
        }
}

static void assert_all_came(const struct world *w, uint64_t from, uint64_t to) {
        for (uint64_t i = from; i <= to; i++)
                if (w->got[i] == 0)
                        fail_msg("record %u did not come", (unsigned) i);
}

static void a_record_is_released_once_it_was_read_back(void **state) {
        struct world *w = *state;
        journal_appears(w);
        sender_starts(w);
        record(w, 1);
        assert_int_equal(journal_sender_pending(w->sender), 1);
        settle(w, true);
        assert_int_equal(w->got[1], 1);
        assert_int_equal(audit_log_released(w->log).seq, 2);
        assert_int_equal(w->is_open, 0); /* the journal is open only while something is awaited */
}

static void a_journal_that_stands_still_delays_nobody(void **state) {
        struct world *w = *state;
        journal_appears(w);
        sender_starts(w);
        record(w, 800); /* far more than the socket's queue holds; record() sees that none waits */
        for (unsigned i = 0; i < 20; i++)
                assert_true(sd_event_run(w->event, 1000) >= 0);
        settle(w, true);
        assert_all_came(w, 1, 800);
}

static void a_journal_that_stands_still_is_not_polled(void **state) {
        struct world *w = *state;
        uint64_t iteration, after;
        journal_appears(w);
        sender_starts(w);
        record(w, 800);
        for (unsigned i = 0; i < 10; i++)
                assert_true(sd_event_run(w->event, 0) >= 0);
        assert_int_equal(sd_event_get_iteration(w->event, &iteration), 0);
        uint64_t end = now_monotonic_usec() + 300000;
        for (uint64_t now; (now = now_monotonic_usec()) < end;)
                assert_true(sd_event_run(w->event, end - now) >= 0);
        assert_int_equal(sd_event_get_iteration(w->event, &after), 0);
        assert_true(after - iteration < 20);
}

static void what_was_in_a_queue_that_is_gone_comes_again(void **state) {
        struct world *w = *state;
        journal_appears(w);
        sender_starts(w);
        record(w, 5);
        journal_goes(w); /* with five unread datagrams */
        record(w, 5);
        journal_appears(w);
        settle(w, true);
        assert_all_came(w, 1, 10);
}

static void a_journal_that_comes_later_gets_everything(void **state) {
        struct world *w = *state;
        sender_starts(w);
        assert_false(journal_sender_is_connected(w->sender));
        record(w, 10);
        journal_appears(w);
        settle(w, true);
        assert_true(journal_sender_is_connected(w->sender));
        assert_all_came(w, 1, 10);
}

static void what_was_taken_and_not_kept_comes_again(void **state) {
        struct world *w = *state;
        journal_appears(w);
        sender_starts(w);
        record(w, 3);
        assert_int_equal(journal_reads(w, false), 3); /* journald took it, and its disk lost it */
        settle(w, true);
        assert_true(w->got[1] >= 2 && w->got[2] >= 2 && w->got[3] >= 2);
}

static void a_record_that_the_journal_never_keeps_holds_up_no_other(void **state) {
        struct world *w = *state;
        journal_appears(w);
        w->drops = 2;
        sender_starts(w);
        record(w, 5);
        settle(w, true);
        assert_all_came(w, 1, 5);
        assert_int_equal(audit_log_released(w->log).seq, 6);
}

static void without_reading_back_sending_is_enough(void **state) {
        struct world *w = *state;
        journal_appears(w);
        w->unreadable = true;
        sender_starts(w);
        record(w, 5);
        settle(w, true);
        assert_all_came(w, 1, 5);
}

static void a_restart_goes_on_where_it_was(void **state) {
        struct world *w = *state;
        journal_appears(w);
        sender_starts(w);
        record(w, 4);
        settle(w, true);
        record(w, 2);
        assert_int_equal(journal_reads(w, true), 2); /* there, but nobody has looked */
        w->sender = journal_sender_free(w->sender);
        w->log = audit_log_free(w->log);
        log_opens(w);
        sender_starts(w);
        record(w, 1);
        settle(w, true);
        for (unsigned i = 1; i <= 7; i++)
                assert_int_equal(w->got[i], 1); /* what is in the journal is not sent again */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_record_is_released_once_it_was_read_back),
                TEST(a_journal_that_stands_still_delays_nobody),
                TEST(a_journal_that_stands_still_is_not_polled),
                TEST(what_was_in_a_queue_that_is_gone_comes_again),
                TEST(a_journal_that_comes_later_gets_everything),
                TEST(what_was_taken_and_not_kept_comes_again),
                TEST(a_record_that_the_journal_never_keeps_holds_up_no_other),
                TEST(without_reading_back_sending_is_enough),
                TEST(a_restart_goes_on_where_it_was),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
