/* SPDX-License-Identifier: Apache-2.0 */
/* A home is emptied of whatever is in it, and nothing else is touched. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/wipe_unit.h"
#include "cli/lease.h"
#include "cli/wipe_home.h"
#include "common/socket.h"
#include "common/util.h"

/* Last: it has a fail() of its own. */
#include <cmocka.h>

#define SOON (now_monotonic_usec() + 60U * 1000U * 1000U)

static char folder[64];

static int make_folder(void **state) {
        (void) snprintf(folder, sizeof(folder), "/tmp/wardtap-wipe-XXXXXX");
        return mkdtemp(folder) ? 0 : -1;
}

static const char *in(const char *name) {
        static char paths[4][128];
        static unsigned at;
        char *p = paths[at++ % 4];
        (void) snprintf(p, 128, "%s/%s", folder, name);
        return p;
}

static void make_file(const char *path, const char *text) {
        FILE *f = fopen(path, "we");
        assert_non_null(f);
        (void) fputs(text, f);
        (void) fclose(f);
}

static int open_home(void) {
        int fd = open(in("home"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        return fd;
}

static void everything_goes_and_what_links_point_to_stays(void **state) {
        assert_int_equal(mkdir(in("home"), 0755), 0);
        assert_int_equal(mkdir(in("outside"), 0755), 0);
        make_file(in("outside/kept"), "kept");
        make_file(in("home/file"), "x");
        assert_int_equal(link(in("outside/kept"), in("home/hard")), 0);
        assert_int_equal(symlink(in("outside"), in("home/link")), 0);
        assert_int_equal(symlink("/nowhere", in("home/dangling")), 0);
        assert_int_equal(mkfifo(in("home/fifo"), 0600), 0);
        assert_int_equal(mkdir(in("home/closed"), 0700), 0);
        assert_int_equal(symlink(in("outside"), in("home/closed/link")), 0);
        make_file(in("home/.wipe-0"), "in the way");
        assert_int_equal(mkdir(in("home/closed/deeper"), 0700), 0);
        make_file(in("home/closed/deeper/file"), "x");
        _cleanup_(closep) int home = open_home();
        assert_int_equal(home_empty(home, SOON), 0);
        assert_int_equal(home_empty(home, SOON), 0); /* and again */
        assert_int_equal(access(in("outside/kept"), F_OK), 0);
        assert_int_equal(rmdir(in("home")), 0);
        assert_int_equal(unlink(in("outside/kept")), 0);
        assert_int_equal(rmdir(in("outside")), 0);
}

/* Deeper than paths, stacks or descriptors reach. */
static void depth_is_no_way_out(void **state) {
        assert_int_equal(mkdir(in("home"), 0755), 0);
        int at = open_home();
        for (unsigned i = 0; i < 3000; i++) {
                assert_int_equal(mkdirat(at, "d", 0700), 0);
                int next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                assert_true(next >= 0);
                (void) close(at);
                at = next;
        }
        (void) close(at);
        _cleanup_(closep) int home = open_home();
        assert_int_equal(home_empty(home, SOON), 0);
        assert_int_equal(rmdir(in("home")), 0);
}

static void what_takes_too_long_is_given_up(void **state) {
        assert_int_equal(mkdir(in("home"), 0755), 0);
        make_file(in("home/file"), "x");
        _cleanup_(closep) int home = open_home();
        assert_int_equal(home_empty(home, 1), -ETIMEDOUT);
        assert_int_equal(home_empty(home, SOON), 0);
        assert_int_equal(rmdir(in("home")), 0);
}

static void only_the_users_own_folder_is_a_home(void **state) {
        uid_t uid = geteuid() ? geteuid() : 2020;
        int fd = -1;
        assert_int_equal(mkdir(in("home"), 0755), 0);
        assert_int_equal(home_open("/", uid, &fd), -EINVAL);
        assert_int_equal(home_open("/home", uid, &fd), -EINVAL);
        assert_int_equal(home_open("/home/", uid, &fd), -EINVAL);
        assert_int_equal(home_open("home/x", uid, &fd), -EINVAL);
        assert_int_equal(home_open("", uid, &fd), -EINVAL);
        assert_int_equal(home_open(in("home"), 0, &fd), -EINVAL);
        assert_int_equal(home_open(in("home"), uid + 1, &fd), -EPERM);
        assert_int_equal(home_open("/usr/bin", uid, &fd), -EPERM);
        if (geteuid() == 0)
                assert_int_equal(chown(in("home"), uid, (gid_t) -1), 0);
        assert_int_equal(symlink(in("home"), in("link")), 0);
        assert_true(home_open(in("link"), uid, &fd) < 0);
        assert_int_equal(fd, -1);
        assert_int_equal(home_open(in("home"), uid, &fd), 0);
        (void) close(fd);
        assert_int_equal(unlink(in("link")), 0);
        assert_int_equal(rmdir(in("home")), 0);
}

static void a_new_home_is_like_the_skeleton(void **state) {
        struct stat st;
        char target[64] = "";
        assert_int_equal(mkdir(in("home"), 0777), 0);
        assert_int_equal(mkdir(in("skel"), 0755), 0);
        assert_int_equal(mkdir(in("skel/.config"), 0755), 0);
        make_file(in("skel/.config/app"), "settings");
        assert_int_equal(chmod(in("skel/.config/app"), 04755), 0);
        assert_int_equal(symlink("/usr/share/doc", in("skel/doc")), 0);
        assert_int_equal(mkfifo(in("skel/fifo"), 0600), 0);
        int home = open_home();
        assert_int_equal(home_fill(in("skel"), home, geteuid(), getegid()), 0);
        assert_int_equal(stat(in("home/.config/app"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0755); /* never set-uid */
        assert_int_equal(st.st_size, 8);
        assert_int_equal(readlink(in("home/doc"), target, sizeof(target) - 1), 14);
        assert_int_equal(access(in("home/fifo"), F_OK), -1);
        assert_int_equal(fstat(home, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        assert_int_equal(home_fill(in("none"), home, geteuid(), getegid()), 0); /* a system may have none */
        assert_int_equal(home_empty(home, SOON), 0);
        (void) close(home);
        home = open(in("skel"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(home_empty(home, SOON), 0);
        (void) close(home);
        assert_int_equal(rmdir(in("home")), 0);
        assert_int_equal(rmdir(in("skel")), 0);
}

static void the_unit_is_named_as_systemd_escapes(void **state) {
        char unit[64];
        assert_int_equal(wipe_unit_name("agency1", unit, sizeof(unit)), 0);
        assert_string_equal(unit, "wardtap-wipe@agency1.service");
        assert_int_equal(wipe_unit_name(".a-b/c d.e", unit, sizeof(unit)), 0);
        assert_string_equal(unit, "wardtap-wipe@\\x2ea\\x2db\\x2fc\\x20d.e.service");
        assert_int_equal(wipe_unit_name("", unit, sizeof(unit)), -EINVAL);
        assert_int_equal(wipe_unit_name("------------------------", unit, sizeof(unit)), -EINVAL);
}

static void roots_processes_are_never_ended(void **state) {
        assert_int_equal(home_end_processes(0, SOON), -EINVAL);
        assert_int_equal(home_end_processes((uid_t) -1, SOON), -EINVAL);
}

static int remove_folder(void **state) {
        return rmdir(folder);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(everything_goes_and_what_links_point_to_stays),
                cmocka_unit_test(depth_is_no_way_out),
                cmocka_unit_test(what_takes_too_long_is_given_up),
                cmocka_unit_test(only_the_users_own_folder_is_a_home),
                cmocka_unit_test(a_new_home_is_like_the_skeleton),
                cmocka_unit_test(the_unit_is_named_as_systemd_escapes),
                cmocka_unit_test(roots_processes_are_never_ended),
        };
        return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
