/* SPDX-License-Identifier: Apache-2.0 */
/* Which session ends when there are too many, or too little memory: never one that is on a screen, never
 * more than needed; and what a session and a station have, as the kernel's files say. */
#include "helper/limits.h"
#include "helper/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <cmocka.h>

#define GB (UINT64_C(1) << 30)
#define MB (UINT64_C(1) << 20)

static void a_station_has_one_session_per_2_gb_and_at_most_6(void **state) {
        static const struct {
                unsigned rule;
                uint64_t memory;
                unsigned max;
        } rows[] = {
                {0, 0, 1},
                {0, GB, 1},
                {0, 2 * GB, 1},
                {0, 3 * GB, 1},
                {0, 4 * GB, 2},
                {0, 3900 * MB, 2},
                {0, 3 * GB + 700 * MB, 1},
                {0, 7800 * MB, 3},
                {0, 8 * GB, 4},
                {0, 7941 * MB, 4},
                {0, 12 * GB, 6},
                {0, 64 * GB, 6},
                {0, UINT64_MAX, 6},
                {1, 64 * GB, 1},
                {64, GB, 64},
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (limits_max(rows[i].rule, rows[i].memory) != rows[i].max)
                        fail_msg("row %zu: %u", i, limits_max(rows[i].rule, rows[i].memory));
}

static void the_longest_parked_ends_and_no_more_than_needed(void **state) {
        static const struct limits_session s[] = {
                {"1", 2001, 500, 0}, {"2", 2002, 0, 0}, {"3", 2003, 100, 0},
                {"4", 2004, 300, 0}, {"5", 2005, 0, 0},
        };
        size_t list[ELEMENTSOF(s)] = {9, 9, 9, 9, 9};
        assert_int_equal(limits_over(s, 5, 5, list), 0);
        assert_int_equal(limits_over(s, 5, 6, list), 0);
        assert_int_equal(list[0], 9);
        assert_int_equal(limits_over(s, 5, 4, list), 1);
        assert_int_equal(list[0], 2);
        assert_int_equal(limits_over(s, 5, 3, list), 2);
        assert_int_equal(list[0], 2);
        assert_int_equal(list[1], 3);
        assert_int_equal(list[2], 9);
        /* Two are on screens: they stay, whatever the limit. */
        assert_int_equal(limits_over(s, 5, 1, list), 3);
        assert_int_equal(list[2], 0);
        assert_int_equal(limits_over(s, 5, 0, list), 3);
        assert_int_equal(limits_over(s, 0, 1, list), 0);
}

static void of_two_parked_at_once_the_first_ends(void **state) {
        static const struct limits_session s[] = {
                {"1", 1, 0, 0}, {"2", 2, 7, 0}, {"3", 3, 7, 0}, {"4", 4, 7, 0}};
        size_t list[4];
        assert_int_equal(limits_over(s, 4, 2, list), 2);
        assert_int_equal(list[0], 1);
        assert_int_equal(list[1], 2);
}

/* Against a plain sort, for every order that 200 sessions can come in from a simple generator. */
static void many_sessions_end_in_order(void **state) {
        struct limits_session s[200];
        size_t list[200];
        uint32_t x = 1;
        for (unsigned round = 0; round < 50; round++) {
                size_t parked = 0;
                for (size_t i = 0; i < 200; i++) {
                        x = x * 1664525U + 1013904223U;
                        s[i] = (struct limits_session){.uid = (uid_t) i, .parked_usec = (x >> 16) % 40};
                        parked += s[i].parked_usec != 0;
                }
                unsigned max = (x >> 8) % 210;
                size_t n = limits_over(s, 200, max, list), want = max >= 200 ? 0 : 200 - max;
                assert_int_equal(n, want < parked ? want : parked);
                bool chosen[200] = {false};
                for (size_t i = 0; i < n; i++) {
                        assert_true(s[list[i]].parked_usec != 0 && !chosen[list[i]]);
                        assert_true(i == 0 || s[list[i]].parked_usec >= s[list[i - 1]].parked_usec);
                        chosen[list[i]] = true;
                }
                for (size_t i = 0; n > 0 && i < 200; i++)
                        assert_true(chosen[i] || s[i].parked_usec == 0 ||
                                    s[i].parked_usec >= s[list[n - 1]].parked_usec);
        }
}

static void the_largest_parked_ends_for_memory(void **state) {
        struct limits_session s[] = {
                {"1", 1, 0, 9 * GB}, {"2", 2, 50, GB}, {"3", 3, 40, 2 * GB}, {"4", 4, 30, 2 * GB}};
        assert_int_equal(limits_largest(s, 4), 3); /* as large as the third, and parked longer */
        s[2].memory_bytes++;
        assert_int_equal(limits_largest(s, 4), 2);
        assert_int_equal(limits_largest(s, 1), LIMITS_NONE);
        assert_int_equal(limits_largest(s, 0), LIMITS_NONE);
        s[1].memory_bytes = 0;
        assert_int_equal(limits_largest(s, 2), 1); /* not known is no reason to spare it */
}

static void a_station_is_short_of_memory_below_a_fifth(void **state) {
        assert_true(limits_is_short(GB, 8 * GB));
        assert_false(limits_is_short(2 * GB, 8 * GB));
        assert_false(limits_is_short(0, 0));
}

static void meminfo_is_read_strictly(void **state) {
        static const char text[] =
                "MemTotal:        8123456 kB\nMemFree: 1 kB\nMemAvailable:    100 kB\n"
                "Odd: 12 MB\nBig: 99999999999999999999999 kB\nHuge:  18014398509481984 kB\nCut: 12";
        uint64_t v = 5;
        assert_int_equal(memory_read_info(text, "MemTotal", &v), 0);
        assert_int_equal(v, UINT64_C(8123456) * 1024);
        assert_int_equal(memory_read_info(text, "MemAvailable", &v), 0);
        assert_int_equal(v, 100 * 1024);
        assert_int_equal(memory_read_info(text, "Mem", &v), -ENOENT);
        assert_int_equal(memory_read_info("", "MemTotal", &v), -ENOENT);
        const char *const bad[] = {"Odd", "Big", "Huge", "Cut"};
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(memory_read_info(text, bad[i], &v), -EBADMSG);
        assert_int_equal(v, 100 * 1024);
}

/* ---- the kernel's files ---- */

static struct {
        char folder[64];
        sd_event *event;
        struct memory *memory;
        unsigned pressed;
        bool ended;
} w;

static bool on_pressed(void *userdata) {
        w.pressed++;
        return w.ended;
}

static void put(const char *name, const char *text) {
        char path[256];
        (void) snprintf(path, sizeof(path), "%s/%s", w.folder, name);
        for (char *p = path + strlen(w.folder) + 1; (p = strchr(p, '/')); *p++ = '/') {
                *p = 0;
                (void) mkdir(path, 0700);
        }
        FILE *f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static int begin(void **state) {
        static char info[96];
        memset(&w, 0, sizeof(w));
        (void) snprintf(w.folder, sizeof(w.folder), "/tmp/test_limits.XXXXXX");
        if (!mkdtemp(w.folder) || sd_event_new(&w.event) < 0)
                return -1;
        (void) snprintf(info, sizeof(info), "%s/meminfo", w.folder);
        const struct memory_config c = {
                .event = w.event, .cgroup = w.folder, .info = info, .pressed = on_pressed};
        return memory_new(&c, &w.memory);
}

static int end(void **state) {
        char command[128];
        w.memory = memory_free(w.memory);
        sd_event_unref(w.event);
        (void) snprintf(command, sizeof(command), "rm -r '%s'", w.folder);
        return system(command);
}

static void a_session_uses_its_scope_and_its_user_manager(void **state) {
        put("user.slice/user-2001.slice/session-c2.scope/memory.current", "1000\n");
        put("user.slice/user-2001.slice/session-c2.scope/memory.swap.current", "200\n");
        put("user.slice/user-2001.slice/user@2001.service/memory.current", "30\n");
        put("user.slice/user-2001.slice/session-5.scope/memory.current", "max\n");
        assert_int_equal(memory_of_session(w.memory, 2001, "c2", false), 1200);
        assert_int_equal(memory_of_session(w.memory, 2001, "c2", true), 1230);
        assert_int_equal(memory_of_session(w.memory, 2001, "5", false), 0);
        assert_int_equal(memory_of_session(w.memory, 2002, "c2", true), 0);
        put("x/memory.current", "7\n");
        assert_int_equal(memory_of_session(w.memory, 2001, "../../x", true), 0);
        assert_int_equal(memory_of_session(w.memory, 2001, "", true), 0);
}

static void what_is_not_there_is_0(void **state) {
        assert_int_equal(memory_total(w.memory), 0);
        put("meminfo", "MemTotal:       2048 kB\n");
        assert_int_equal(memory_total(w.memory), 2 * MB);
}

/* A socket with urgent data is what a trigger looks like to whoever waits: EPOLLPRI. */
static int urgent(int *ret_peer) {
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t n = sizeof(a);
        assert_int_equal(bind(listener, (struct sockaddr *) &a, n), 0);
        assert_int_equal(listen(listener, 1), 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *) &a, &n), 0);
        *ret_peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(*ret_peer, (struct sockaddr *) &a, n), 0);
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        assert_true(fd >= 0);
        (void) close(listener);
        return fd;
}

static void only_a_station_that_is_short_ends_a_session_and_then_pauses(void **state) {
        int peer, fd = urgent(&peer);
        assert_int_equal(memory_watch(w.memory, fd), 0);
        assert_int_equal(sd_event_run(w.event, 0), 0); /* nothing waits: nobody wakes up */
        assert_int_equal(send(peer, "!", 1, MSG_OOB), 1);
        put("meminfo", "MemTotal: 1000 kB\nMemAvailable: 500 kB\n");
        assert_true(sd_event_run(w.event, UINT64_MAX) > 0);
        assert_int_equal(w.pressed, 0); /* of a group with a limit of its own */
        put("meminfo", "MemTotal: 1000 kB\nMemAvailable: 50 kB\n");
        assert_true(sd_event_run(w.event, 0) > 0);
        assert_true(sd_event_run(w.event, 0) > 0);
        assert_int_equal(w.pressed, 2); /* there was nothing to end: asked again */
        w.ended = true;
        assert_true(sd_event_run(w.event, 0) > 0);
        assert_true(sd_event_run(w.event, 0) > 0);
        assert_int_equal(w.pressed, 3); /* one ended, and then a pause */
        (void) close(peer);
}

static void a_descriptor_that_tells_nothing_is_refused(void **state) {
        int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(memory_watch(w.memory, fd), -EPERM);
        assert_int_equal(fcntl(fd, F_GETFD), -1); /* taken */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_station_has_one_session_per_2_gb_and_at_most_6),
                cmocka_unit_test(the_longest_parked_ends_and_no_more_than_needed),
                cmocka_unit_test(of_two_parked_at_once_the_first_ends),
                cmocka_unit_test(many_sessions_end_in_order),
                cmocka_unit_test(the_largest_parked_ends_for_memory),
                cmocka_unit_test(a_station_is_short_of_memory_below_a_fifth),
                cmocka_unit_test(meminfo_is_read_strictly),
                cmocka_unit_test_setup_teardown(a_session_uses_its_scope_and_its_user_manager, begin, end),
                cmocka_unit_test_setup_teardown(what_is_not_there_is_0, begin, end),
                cmocka_unit_test_setup_teardown(only_a_station_that_is_short_ends_a_session_and_then_pauses,
                                                begin, end),
                cmocka_unit_test_setup_teardown(a_descriptor_that_tells_nothing_is_refused, begin, end),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
