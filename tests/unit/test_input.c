/* SPDX-License-Identifier: Apache-2.0 */
/* Who may say that somebody is at the seat, and what else is heard from them: nothing. */
#include "common/socket.h"
#include "helper/input.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <cmocka.h>

#define TURN_USEC 100000U

struct world {
        sd_event *event;
        struct input *input;
        char folder[32];
        struct sockaddr_un sa;
        unsigned active, watched, unwatched;
};

static void on_active(void *userdata, uint64_t now_usec) {
        assert_true(now_usec <= now_monotonic_usec());
        ((struct world *) userdata)->active++;
}

static void on_watched(void *userdata, bool watched) {
        struct world *w = userdata;
        if (watched)
                w->watched++;
        else
                w->unwatched++;
        if (w->input)
                assert_int_equal(input_is_watched(w->input), watched);
}

static const struct input_events events = {on_active, on_watched};

static int listen_at(const struct sockaddr_un *sa, uid_t owner) {
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || bind(fd, (const struct sockaddr *) sa, sizeof(*sa)) < 0 ||
            chmod(sa->sun_path, 0666) < 0 || listen(fd, 16) < 0)
                return -1;
        return owner == geteuid() || chown(sa->sun_path, owner, owner) == 0 ? fd : -1;
}

static int begin(void **state, uid_t owner) {
        struct world *w = calloc(1, sizeof(*w));
        if (!w || sd_event_new(&w->event) < 0)
                return -1;
        (void) snprintf(w->folder, sizeof(w->folder), "/tmp/wardtap-input-XXXXXX");
        if (!mkdtemp(w->folder) || chmod(w->folder, 0755) < 0)
                return -1;
        w->sa.sun_family = AF_UNIX;
        (void) snprintf(w->sa.sun_path, sizeof(w->sa.sun_path), "%s/input.sock", w->folder);
        int fd = listen_at(&w->sa, owner);
        if (fd < 0)
                return -1;
        *state = w;
        return input_new(w->event, fd, &events, w, &w->input);
}

static int setup(void **state) {
        return begin(state, geteuid());
}

static int setup_of_another(void **state) {
        return begin(state, geteuid() == 0 ? 4242 : geteuid());
}

static int teardown(void **state) {
        struct world *w = *state;
        (void) input_free(w->input);
        (void) sd_event_unref(w->event);
        (void) unlink(w->sa.sun_path);
        (void) rmdir(w->folder);
        free(w);
        return 0;
}

static int join(struct world *w) {
        int fd = -1;
        assert_int_equal(socket_connect(w->sa.sun_path, geteuid(), &fd), 0);
        return fd;
}

/* Until nothing is left to do. */
static void turn(struct world *w) {
        while (sd_event_run(w->event, TURN_USEC) > 0)
                ;
}

static void say(int fd, const char *p, size_t n) {
        assert_int_equal(socket_send(fd, p, n), 0);
}

static bool hung_up(int fd) {
        uint8_t b;
        size_t n;
        return socket_receive(fd, &b, 1, &n) == -ECONNRESET;
}

static void each_message_says_that_somebody_is_there(void **state) {
        struct world *w = *state;
        _cleanup_(closep) int fd = join(w);
        turn(w);
        assert_int_equal(w->watched, 1);
        assert_int_equal(w->active, 0);
        say(fd, "\1\1", 2);
        turn(w);
        assert_int_equal(w->active, 1);
        say(fd, "\1\1", 2);
        turn(w);
        assert_int_equal(w->active, 2);
        closep(&fd);
        turn(w);
        assert_int_equal(w->unwatched, 1);
}

static void what_was_said_before_the_end_counts(void **state) {
        struct world *w = *state;
        int fd = join(w);
        say(fd, "\1\1", 2);
        closep(&fd);
        turn(w);
        assert_int_equal(w->active, 1);
        assert_int_equal(w->unwatched, 1);
}

static void a_heap_of_messages_is_one(void **state) {
        struct world *w = *state;
        _cleanup_(closep) int fd = join(w);
        for (unsigned n = 0; n < 50; n++)
                say(fd, "\1\1", 2);
        turn(w);
        assert_int_equal(w->active, 1);
        assert_false(hung_up(fd));
}

static void anything_else_ends_the_connection(void **state) {
        static const struct {
                const char *p;
                size_t n;
        } bad[] = {{"\1", 1}, {"\2\1", 2}, {"\1\2", 2}, {"\1\0", 2}, {"\1\1\1", 3}, {"A", 1}, {"\0\0", 2}};
        struct world *w = *state;
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_(closep) int fd = join(w);
                say(fd, bad[i].p, bad[i].n);
                turn(w);
                assert_true(hung_up(fd));
                assert_int_equal(w->active, 0);
                assert_int_equal(w->unwatched, i + 1);
        }
}

static void a_flood_costs_little(void **state) {
        struct world *w = *state;
        _cleanup_(closep) int fd = join(w);
        uint64_t end = now_monotonic_usec() + 500000;
        while (now_monotonic_usec() < end) {
                (void) socket_send(fd, "\1\1", 2);
                assert_true(sd_event_run(w->event, 0) >= 0);
        }
        assert_true(w->active > 0 && w->active <= 16);
}

static void a_new_one_may_come_before_the_old_one_is_gone(void **state) {
        struct world *w = *state;
        _cleanup_(closep) int old = join(w), new = join(w);
        turn(w);
        closep(&old);
        say(new, "\1\1", 2);
        turn(w);
        assert_int_equal(w->watched, 1);
        assert_int_equal(w->unwatched, 0);
        assert_int_equal(w->active, 1);
}

static void there_is_no_room_for_many(void **state) {
        struct world *w = *state;
        int fds[6];
        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                fds[i] = join(w);
                turn(w);
        }
        assert_false(hung_up(fds[3]));
        assert_true(hung_up(fds[4]) && hung_up(fds[5]));
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                closep(&fds[i]);
        turn(w);
        assert_false(input_is_watched(w->input));
}

/* A process of this user connects, and says that somebody is there. */
static void join_as(struct world *w, uid_t uid) {
        pid_t pid = fork();
        if (pid == 0) {
                int fd = -1;
                uint8_t b;
                size_t n;
                if (setresuid(uid, uid, uid) < 0 || socket_connect(w->sa.sun_path, 0, &fd) < 0)
                        _exit(1);
                (void) socket_send(fd, "\1\1", 2);
                (void) socket_wait(fd, now_monotonic_usec() + 5 * TURN_USEC);
                _exit(socket_receive(fd, &b, 1, &n) == -ECONNRESET ? 2 : 0);
        }
        int status = 0;
        while (waitpid(pid, &status, WNOHANG) == 0)
                assert_true(sd_event_run(w->event, TURN_USEC) >= 0);
        turn(w);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
}

static void only_the_sockets_owner_and_root_are_heard(void **state) {
        struct world *w = *state;
        if (geteuid() != 0)
                skip();
        join_as(w, 4243);
        assert_int_equal(w->active + w->watched, 0);
        join_as(w, 4242);
        assert_int_equal(w->active, 1);
        join_as(w, 0);
        assert_int_equal(w->active, 2);
}

static void a_socket_without_a_path_is_refused(void **state) {
        struct world *w = *state;
        struct input *i = NULL;
        struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = "\0wardtap-input-test"};
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (const struct sockaddr *) &sa, sizeof(sa)), 0);
        assert_int_equal(input_new(w->event, fd, &events, w, &i), -EINVAL);
        assert_int_equal(fcntl(fd, F_GETFD), -1); /* taken */
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(each_message_says_that_somebody_is_there),
                T(what_was_said_before_the_end_counts),
                T(a_heap_of_messages_is_one),
                T(anything_else_ends_the_connection),
                T(a_flood_costs_little),
                T(a_new_one_may_come_before_the_old_one_is_gone),
                T(there_is_no_room_for_many),
                cmocka_unit_test_setup_teardown(only_the_sockets_owner_and_root_are_heard, setup_of_another,
                                                teardown),
                T(a_socket_without_a_path_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
