/* SPDX-License-Identifier: Apache-2.0 */
/* The parent of all operations: its quotas, its patience with callers, and that a hang-up leaves nothing. */
#include "common/bytes.h"
#include "common/socket.h"
#include "common/util.h"
#include "devices/sandbox.h"
#include "devices/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <cmocka.h>

static char folder[] = "/tmp/device-server-XXXXXX", path[64];
static pid_t server;

static int start_server(void **state) {
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        if (!mkdtemp(folder) || chmod(folder, 0755) < 0)
                return -1;
        (void) snprintf(path, sizeof(path), "%s/socket", folder);
        memcpy(sa.sun_path, path, sizeof(path));
        int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (listener < 0 || bind(listener, (struct sockaddr *) &sa, sizeof(sa)) < 0 ||
            chmod(path, 0666) < 0 || listen(listener, 64) < 0)
                return -1;
        server = fork();
        if (server == 0)
                _exit(sandbox_prepare() < 0 || server_run(listener) < 0);
        (void) close(listener);
        return server < 0 ? -1 : 0;
}

static int stop_server(void **state) {
        (void) kill(server, SIGTERM);
        (void) waitpid(server, NULL, 0);
        (void) unlink(path);
        return rmdir(folder);
}

static bool is_child(const char *pid) {
        char name[300], line[512] = "";
        (void) snprintf(name, sizeof(name), "/proc/%s/stat", pid);
        _cleanup_(closep) int fd = open(name, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read(fd, line, sizeof(line) - 1) <= 0)
                return false;
        char parent[32];
        (void) snprintf(parent, sizeof(parent), " %d ", server);
        const char *after = strrchr(line, ')'); /* ") S PPID " */
        return after && strlen(after) > 4 && strncmp(after + 3, parent, strlen(parent)) == 0;
}

static unsigned children(void) {
        unsigned n = 0;
        DIR *proc = opendir("/proc");
        assert_non_null(proc);
        for (struct dirent *d; (d = readdir(proc));)
                n += d->d_name[0] >= '1' && d->d_name[0] <= '9' && is_child(d->d_name);
        (void) closedir(proc);
        return n;
}

static void await_children(unsigned wanted, unsigned most_ms) {
        uint64_t until = now_monotonic_usec() + most_ms * 1000U;
        while (children() != wanted) {
                assert_true(now_monotonic_usec() < until);
                (void) usleep(5000);
        }
}

static int connect_server(void) {
        int fd;
        assert_int_equal(socket_connect(path, 0, &fd), 0);
        return fd;
}

static void ask_watch(int fd) {
        struct device_request q = {.op = DEVICE_OP_WATCH};
        uint8_t buf[64];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        device_request_write(&w, &q);
        int r = socket_send(fd, buf, w.n);
        assert_true(r == 0 || r == -EPIPE ||
                    r == -ECONNRESET); /* refused already: the answer is still there */
}

static enum device_event_type next_event(int fd, struct device_event *ret) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        size_t n;
        assert_int_equal(socket_wait(fd, now_monotonic_usec() + 5000000U), 0);
        if (socket_receive(fd, buf, sizeof(buf), &n) < 0)
                return DEVICE_EVENT_TYPE_INVALID;
        assert_int_equal(device_event_read((struct bytes){buf, n}, ret), 0);
        return ret->type;
}

static void garbage_is_refused_and_forks_nothing(void **state) {
        static const uint8_t garbage[][8] = {{0},
                                             {DEVICE_WIRE_VERSION, 99, 0, 0, 0, 1},
                                             {DEVICE_WIRE_VERSION, DEVICE_OP_WATCH, 0, 0, 0, 9},
                                             {DEVICE_WIRE_VERSION, DEVICE_OP_WATCH_KEYS, 0, 0, 0, 9},
                                             {DEVICE_WIRE_VERSION + 1, DEVICE_OP_WATCH, 0, 0, 0, 0}};
        for (size_t i = 0; i < ELEMENTSOF(garbage); i++) {
                _cleanup_(closep) int fd = connect_server();
                struct device_event e;
                assert_int_equal(socket_send(fd, garbage[i], sizeof(garbage[i])), 0);
                assert_int_equal(next_event(fd, &e), DEVICE_EVENT_FAILED);
                assert_int_equal(e.reason, DEVICE_UNSUPPORTED);
                assert_int_equal(next_event(fd, &e), DEVICE_EVENT_TYPE_INVALID);
        }
        assert_int_equal(children(), 0);
}

static void a_good_head_with_garbage_behind_is_refused_by_the_child(void **state) {
        static const uint8_t request[] = {DEVICE_WIRE_VERSION, DEVICE_OP_IDENTIFY, 0, 0, 1, 0, 0xff, 0xff};
        _cleanup_(closep) int fd = connect_server();
        struct device_event e;
        assert_int_equal(socket_send(fd, request, sizeof(request)), 0);
        assert_int_equal(next_event(fd, &e), DEVICE_EVENT_FAILED);
        assert_int_equal(e.reason, DEVICE_UNSUPPORTED);
        await_children(0, 2000);
}

static void a_message_too_large_is_a_hang_up(void **state) {
        static const uint8_t much[SOCKET_MESSAGE_MAX + 1];
        _cleanup_(closep) int fd = connect_server();
        struct device_event e;
        assert_int_equal(socket_send(fd, much, sizeof(much)), 0);
        assert_int_equal(next_event(fd, &e), DEVICE_EVENT_TYPE_INVALID);
}

/* It stays, in the sandbox that it shares with all operations, and goes when nobody listens. */
static void a_watch_over_keys_says_what_is_there_and_stays(void **state) {
        static const uint8_t request[] = {DEVICE_WIRE_VERSION, DEVICE_OP_WATCH_KEYS, 0, 0, 0, 0};
        _cleanup_(closep) int fd = connect_server();
        enum device_event_type type;
        struct device_event e;
        assert_int_equal(socket_send(fd, request, sizeof(request)), 0);
        while ((type = next_event(fd, &e)) == DEVICE_EVENT_KEY_ATTACHED)
                assert_true(e.present);
        assert_int_equal(type, DEVICE_EVENT_KEYS_LISTED);
        assert_int_equal(socket_wait(fd, now_monotonic_usec() + 100000U), -ETIMEDOUT);
        assert_int_equal(children(), 1);
        closep(&fd);
        await_children(0, 2000);
}

static void who_asks_for_nothing_is_hung_up_on(void **state) {
        _cleanup_(closep) int fd = connect_server();
        struct device_event e;
        uint64_t since = now_monotonic_usec();
        assert_int_equal(next_event(fd, &e), DEVICE_EVENT_TYPE_INVALID);
        assert_true(now_monotonic_usec() - since > 1000000U);
}

static void a_hang_up_ends_its_operation(void **state) {
        int fd = connect_server();
        struct device_event e;
        ask_watch(fd);
        assert_int_not_equal(next_event(fd, &e), DEVICE_EVENT_FAILED); /* with or without pcscd */
        await_children(1, 2000);
        (void) close(fd);
        await_children(0, 1000);
}

/* Opens as many watches as it gets; how many. */
static unsigned fill_up(int *fds, unsigned n) {
        struct device_event e;
        for (unsigned i = 0; i < n; i++) {
                fds[i] = connect_server();
                ask_watch(fds[i]);
                if (next_event(fds[i], &e) == DEVICE_EVENT_FAILED) {
                        assert_int_equal(e.reason, DEVICE_BUSY);
                        return i;
                }
        }
        return n;
}

static void one_user_gets_many_places_and_root_all(void **state) {
        int fds[100];
        pid_t pid;
        int status;
        if (getuid() != 0)
                skip();
        for (uid_t uid = 65000; uid < 65002; uid++) {
                pid = fork();
                if (pid == 0) {
                        if (setgid(65534) < 0 || setuid(uid) < 0)
                                _exit(99);
                        _exit((int) fill_up(fds, 100));
                }
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(WEXITSTATUS(status), 56);
        }
        await_children(0, 2000);
        assert_int_equal(fill_up(fds, 100), 80);
        for (unsigned i = 0; i <= 80; i++)
                (void) close(fds[i]);
        await_children(0, 2000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(garbage_is_refused_and_forks_nothing),
                cmocka_unit_test(a_good_head_with_garbage_behind_is_refused_by_the_child),
                cmocka_unit_test(a_message_too_large_is_a_hang_up),
                cmocka_unit_test(a_watch_over_keys_says_what_is_there_and_stays),
                cmocka_unit_test(who_asks_for_nothing_is_hung_up_on),
                cmocka_unit_test(a_hang_up_ends_its_operation),
                cmocka_unit_test(one_user_gets_many_places_and_root_all),
        };
        return cmocka_run_group_tests(tests, start_server, stop_server);
}
