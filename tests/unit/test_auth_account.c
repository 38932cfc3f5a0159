/* SPDX-License-Identifier: Apache-2.0 */
/* A name service that is slow, dead or wrong costs at most its deadline, and never the right answer. */
#include "pam_module/auth/account.h"

#include "common/bytes.h"
#include "common/socket.h"
#include "pam_module/auth/account_child.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* The name service, as the child sees it. */
static enum { ANSWERS, HANGS, FAILS, DIES, IS_DOWN } service;

struct passwd *__wrap_getpwnam(const char *name);
struct passwd *__wrap_getpwnam(const char *name) {
        static struct passwd p = {.pw_uid = 1234, .pw_gid = 100, .pw_gecos = (char *) "Nina Example,Room 5"};
        if (service == HANGS)
                for (;;)
                        (void) pause();
        if (service == DIES)
                _exit(1);
        errno = service == FAILS ? EIO : service == IS_DOWN ? ENOENT : 0;
        return service == ANSWERS && strcmp(name, "nina") == 0 ? &p : NULL;
}

static int group_count = 2;
int __wrap_getgrouplist(const char *user, gid_t gid, gid_t *groups, int *n);
int __wrap_getgrouplist(const char *user, gid_t gid, gid_t *groups, int *n) {
        if (group_count > *n)
                return -1;
        for (int i = 0; i < group_count; i++)
                groups[i] = 100 + (gid_t) i;
        *n = group_count;
        return group_count;
}

struct group *__wrap_getgrgid(gid_t gid);
struct group *__wrap_getgrgid(gid_t gid) {
        static char name[32];
        static struct group g = {.gr_name = name};
        errno = 0;
        if (gid == 101)
                return NULL; /* a number without a name */
        (void) snprintf(name, sizeof(name), "group-%u", gid);
        return &g;
}

struct asked {
        struct account_child child;
        struct store_account account;
        int module[2];
        uint64_t usec;
        int r;
};

static void ask(struct asked *a, const char *user) {
        *a = (struct asked){.child = ACCOUNT_CHILD_NONE};
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, a->module), 0);
        assert_int_equal(account_start(&a->child), 0);
        uint64_t start = now_monotonic_usec();
        a->r = account_ask(&a->child, user, a->module[0], &a->account);
        a->usec = now_monotonic_usec() - start;
}

static void done(struct asked *a) {
        account_stop(&a->child);
        store_account_clear(&a->account);
        closep(&a->module[0]);
        closep(&a->module[1]);
}

static void a_user_has_a_uid_a_name_and_groups(void **state) {
        struct asked a;
        service = ANSWERS;
        group_count = 3;
        ask(&a, "nina");
        assert_int_equal(a.r, 0);
        assert_int_equal(a.account.uid, 1234);
        assert_string_equal(a.account.full_name, "Nina Example");
        assert_int_equal(a.account.n_groups, 2); /* what has no name is in no rule */
        assert_string_equal(a.account.groups[0], "group-100");
        assert_string_equal(a.account.groups[1], "group-102");
        assert_null(a.account.groups[2]);
        store_account_clear(&a.account);
        a.account = (struct store_account){0};
        assert_int_equal(account_ask(&a.child, "nina", a.module[0], &a.account), 0); /* and again */
        done(&a);
}

static void a_user_nobody_knows_is_no_failure(void **state) {
        struct asked a;
        service = ANSWERS;
        ask(&a, "nobody-here");
        assert_int_equal(a.r, -ENOENT);
        assert_true(a.child.fd >= 0);
        done(&a);
}

static void a_service_that_hangs_is_killed_in_time(void **state) {
        struct asked a;
        service = HANGS;
        ask(&a, "nina");
        assert_int_equal(a.r, -ETIMEDOUT);
        assert_true(a.usec >= ACCOUNT_DEADLINE_USEC && a.usec < ACCOUNT_DEADLINE_USEC + 1000000);
        assert_int_equal(a.child.pidfd, -1);
        assert_int_equal(account_ask(&a.child, "nina", a.module[0], &a.account), -ENOTCONN);
        done(&a);
}

static void a_service_that_fails_says_nothing_about_the_user(void **state) {
        struct asked a;
        service = FAILS;
        ask(&a, "nina");
        assert_int_equal(a.r, -EIO);
        done(&a);
        service = DIES;
        ask(&a, "nina");
        assert_int_equal(a.r, -ECONNRESET);
        done(&a);
}

/* As glibc answers for a directory whose socket is not there. */
static void a_service_that_is_down_says_no_clear_no(void **state) {
        struct asked a;
        service = IS_DOWN;
        ask(&a, "nina");
        assert_int_equal(a.r, -ESRCH);
        assert_true(a.child.fd >= 0);
        done(&a);
}

static void too_many_groups_are_no_groups(void **state) {
        struct asked a;
        service = ANSWERS;
        group_count = (int) ACCOUNT_GROUPS_MAX + 1;
        ask(&a, "nina");
        assert_int_equal(a.r, -EIO); /* a list cut short could make another role match */
        group_count = 2;
        done(&a);
}

static void a_hang_up_is_seen_while_waiting(void **state) {
        struct asked a = {.child = ACCOUNT_CHILD_NONE};
        service = HANGS;
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, a.module), 0);
        assert_int_equal(account_start(&a.child), 0);
        closep(&a.module[1]);
        assert_int_equal(account_ask(&a.child, "nina", a.module[0], &a.account), -ECANCELED);
        done(&a);
}

static void what_is_no_answer_is_none(void **state) {
        struct store_account a = {.uid = 77};
        static const uint8_t bad[][12] = {
                {ACCOUNT_STATUS_MAX},           /* no such status */
                {ACCOUNT_UNKNOWN, 0},           /* left over */
                {ACCOUNT_KNOWN, 0, 0},          /* cut */
                {ACCOUNT_KNOWN, 0, 0, 0, 1, 0}, /* cut in the name */
        };
        static const size_t n[] = {1, 2, 3, 6};
        assert_int_equal(account_read("", 0, &a), -EBADMSG);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(account_read(bad[i], n[i], &a), -EBADMSG);
        uint8_t many[] = {ACCOUNT_KNOWN, 0, 0, 0, 1, 0, 0, 0xff, 0xff};
        assert_int_equal(account_read(many, sizeof(many), &a), -EBADMSG);
        uint8_t good[] = {ACCOUNT_KNOWN, 0, 0, 0, 1, 0, 0, 0, 0};
        assert_int_equal(a.uid, 77);
        assert_int_equal(account_read(good, sizeof(good), &a), 0);
        assert_int_equal(a.uid, 1);
        assert_int_equal(account_read(good, sizeof(good) - 1, &a), -EBADMSG);
        store_account_clear(&a);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_user_has_a_uid_a_name_and_groups),
                cmocka_unit_test(a_user_nobody_knows_is_no_failure),
                cmocka_unit_test(a_service_that_hangs_is_killed_in_time),
                cmocka_unit_test(a_service_that_fails_says_nothing_about_the_user),
                cmocka_unit_test(a_service_that_is_down_says_no_clear_no),
                cmocka_unit_test(too_many_groups_are_no_groups),
                cmocka_unit_test(a_hang_up_is_seen_while_waiting),
                cmocka_unit_test(what_is_no_answer_is_none),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
