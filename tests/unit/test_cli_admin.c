/* SPDX-License-Identifier: Apache-2.0 */
/* A change is a record before it is a fact: what wardtapd could not write down does not happen. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cli/admin.h"
#include "common/broker.h"
#include "common/socket.h"

/* Last: it has a fail() of its own. */
#include <cmocka.h>

static char folder[64], path[96];

static bool is_enrolled(const char *user) {
        _cleanup_(store_closep) struct store *s = NULL;
        struct store_person p;
        int r = store_open_people(path, false, (gid_t) -1, &s);
        assert_true(r == 0 || r == -ENOENT);
        return r == 0 && store_find_person(s, user, &p) == 0;
}

enum answer { ANSWER_YES, ANSWER_DISK_FULL, ANSWER_HANG_UP };

/* wardtapd, played: takes one record of this event, while nobody yet sees the change, and answers. Exit
 * status 0 when all was as it should be. */
static pid_t play_wardtapd(int fd, enum record_event event, const char *user, enum answer answer) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid > 0)
                return pid;
        struct broker_message m, recorded = {.type = BROKER_RECORDED, .recorded.seq = 7};
        int r = socket_wait(fd, now_monotonic_usec() + 20U * 1000U * 1000U);
        if (r == 0)
                r = broker_receive(fd, &m);
        if (r < 0 || m.type != BROKER_RECORD || m.record.event != event || is_enrolled(user) ||
            !m.record.fields[RECORD_FIELD_USER] || strcmp(m.record.fields[RECORD_FIELD_USER], user) != 0 ||
            strcmp(m.record.fields[RECORD_FIELD_REQUESTOR], "somebody") != 0)
                _exit(1);
        broker_message_clear(&m);
        recorded.recorded.status = answer == ANSWER_DISK_FULL ? -ENOSPC : 0;
        if (answer != ANSWER_HANG_UP)
                r = broker_send(fd, &recorded);
        _exit(r < 0);
}

/* Adds a person as the commands do. */
static int add(const char *user, enum answer answer) {
        _cleanup_(admin_close) struct admin a = {.broker = -1, .requestor = "somebody"};
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        struct store_person p = {.state = PERSON_ACTIVE};
        int pair[2], status;
        (void) snprintf(p.user, sizeof(p.user), "%s", user);
        (void) snprintf(p.full_name, sizeof(p.full_name), "Somebody");
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
        a.broker = pair[0];
        assert_int_equal(store_open_people(path, true, getgid(), &a.store), 0);
        pid_t pid = play_wardtapd(pair[1], RECORD_PERSON_ADD, user, answer);
        (void) close(pair[1]);
        assert_int_equal(admin_begin(&a), CLI_OK);
        assert_int_equal(store_add_person(a.store, &p, 1000000), 0);
        assert_int_equal(admin_record(&a, RECORD_PERSON_ADD, &p, &record), CLI_OK);
        int r = admin_commit(&a, &record);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        return r;
}

static void the_record_comes_before_the_change(void **state) {
        assert_int_equal(add("anna", ANSWER_YES), CLI_OK);
        assert_true(is_enrolled("anna"));
}

static void what_cannot_be_recorded_does_not_happen(void **state) {
        assert_int_equal(add("ben", ANSWER_DISK_FULL), CLI_FAILED);
        assert_false(is_enrolled("ben"));
        assert_int_equal(add("ben", ANSWER_HANG_UP), CLI_NOT_RUNNING);
        assert_false(is_enrolled("ben"));
        assert_int_equal(add("ben", ANSWER_YES), CLI_OK); /* and nothing of it stands in the way */
        assert_true(is_enrolled("ben"));
}

static void the_requestor_is_no_claim_of_the_environment(void **state) {
        char name[REQUESTOR_MAX];
        assert_int_equal(setenv("SUDO_USER", "mallory", 1), 0);
        assert_int_equal(setenv("LOGNAME", "mallory", 1), 0);
        admin_requestor(name);
        assert_string_not_equal(name, "mallory");
        assert_true(name[0] != 0);
}

static void every_error_of_the_store_has_an_exit_code(void **state) {
        assert_int_equal(admin_store_failed(-ENOENT), CLI_NOT_FOUND);
        assert_int_equal(admin_store_failed(-EACCES), geteuid() == 0 ? CLI_FAILED : CLI_NOT_ROOT);
        assert_int_equal(admin_store_failed(-EBUSY), CLI_FAILED);
        assert_int_equal(admin_store_failed(-EBADMSG), CLI_FAILED);
        assert_int_equal(admin_store_failed(-EPROTO), CLI_FAILED);
        assert_int_equal(admin_store_failed(-EIO), CLI_FAILED);
}

static int make_folder(void **state) {
        (void) snprintf(folder, sizeof(folder), "/tmp/wardtap-cli-XXXXXX");
        if (!mkdtemp(folder))
                return -1;
        (void) snprintf(path, sizeof(path), "%s/people.db", folder);
        return 0;
}

static int remove_folder(void **state) {
        (void) unlink(path);
        return rmdir(folder);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_record_comes_before_the_change),
                cmocka_unit_test(what_cannot_be_recorded_does_not_happen),
                cmocka_unit_test(the_requestor_is_no_claim_of_the_environment),
                cmocka_unit_test(every_error_of_the_store_has_an_exit_code),
        };
        return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
