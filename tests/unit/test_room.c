/* SPDX-License-Identifier: Apache-2.0 */
/* MaxSessions= and memory pressure over the table of a seat: who is signed out, and who never is. */
#include "helper/room.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <cmocka.h>

static struct {
        sd_event *event;
        struct seat *seat;
        struct room *room;
        char folder[64], info[96];
        unsigned max;
        int status;
        uint64_t clock;
        char said[256]; /* "ID reason\n" */
} w;

static const struct seat *the_seat(void *userdata) {
        return w.seat;
}

static unsigned max_sessions(void *userdata) {
        return w.max;
}

static int sign_out(void *userdata, const char *session, const char *reason) {
        size_t n = strlen(w.said);
        (void) snprintf(w.said + n, sizeof(w.said) - n, "%s %s\n", session, reason);
        if (w.status >= 0)
                seat_ends(w.seat, session, reason, "node");
        return w.status;
}

static void on_record(void *userdata, struct record *r) {
}
static void on_guard(void *userdata) {
}
static void on_session(void *userdata, const struct seat_session *s) {
}
static void on_changed(void *userdata) {
}

static struct seat_now now(void) {
        w.clock += 1000;
        return (struct seat_now){w.clock, w.clock};
}

static struct logind_session of(const char *id, uid_t uid) {
        struct logind_session l = {.uid = uid, .seat = "seat0", .person = true};
        (void) snprintf(l.id, sizeof(l.id), "%s", id);
        (void) snprintf(l.user, sizeof(l.user), "user%u", (unsigned) uid);
        return l;
}

/* Somebody signs in, by an attempt unless `fallback`, and her session is on the screen. */
static void sign_in(const char *id, uid_t uid, bool fallback) {
        struct logind_session l = of(id, uid);
        struct seat_proof p = {.uid = uid, .attempt = "00112233445566778899aabbccddeeff"};
        seat_session(w.seat, &l, now());
        seat_active(w.seat, &l, now());
        if (!fallback)
                seat_opened(w.seat, id, &p, now());
}

static int begin(void **state) {
        static const struct seat_events events = {on_record,  on_guard,   on_session,
                                                  on_session, on_session, on_changed};
        memset(&w, 0, sizeof(w));
        w.max = 2;
        (void) snprintf(w.folder, sizeof(w.folder), "/tmp/test_room.XXXXXX");
        if (!mkdtemp(w.folder) || sd_event_new(&w.event) < 0 || seat_new(&events, NULL, &w.seat) < 0)
                return -1;
        (void) snprintf(w.info, sizeof(w.info), "%s/meminfo", w.folder);
        const struct room_config c = {.event = w.event,
                                      .seat = the_seat,
                                      .max_sessions = max_sessions,
                                      .sign_out = sign_out,
                                      .cgroup = w.folder,
                                      .info = w.info};
        return room_new(&c, &w.room);
}

static int end(void **state) {
        char command[128];
        w.room = room_free(w.room);
        w.seat = seat_free(w.seat);
        sd_event_unref(w.event);
        (void) snprintf(command, sizeof(command), "rm -r '%s'", w.folder);
        return system(command);
}

static void the_one_parked_longest_is_signed_out(void **state) {
        sign_in("c1", 2001, false);
        sign_in("c2", 2002, false);
        room_check(w.room);
        assert_string_equal(w.said, "");
        sign_in("c3", 2003, false);
        room_check(w.room);
        assert_string_equal(w.said, "c1 limit\n");
        room_check(w.room); /* it ends already: not once more, and no other */
        assert_string_equal(w.said, "c1 limit\n");
}

static void the_one_on_the_screen_never_is(void **state) {
        w.max = 1;
        sign_in("c1", 2001, false);
        room_check(w.room);
        assert_string_equal(w.said, "");
        sign_in("c2", 2002, false);
        room_check(w.room);
        assert_string_equal(w.said, "c1 limit\n");
}

static void what_the_sites_own_ways_opened_counts_and_stays(void **state) {
        sign_in("1", 2001, true);
        sign_in("c2", 2002, false);
        sign_in("c3", 2003, false);
        room_check(w.room);
        assert_string_equal(w.said, "c2 limit\n");
}

static void put(const char *path, const char *text) {
        char full[256];
        (void) snprintf(full, sizeof(full), "%s/%s", w.folder, path);
        for (char *p = full + strlen(w.folder) + 1; (p = strchr(p, '/')); *p++ = '/') {
                *p = 0;
                (void) mkdir(full, 0700);
        }
        FILE *f = fopen(full, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

/* Urgent data looks to whoever waits as a trigger of the kernel does. */
static int press(int *ret_peer) {
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t n = sizeof(a);
        assert_int_equal(bind(listener, (struct sockaddr *) &a, n), 0);
        assert_int_equal(listen(listener, 1), 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *) &a, &n), 0);
        *ret_peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(*ret_peer, (struct sockaddr *) &a, n), 0);
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        (void) close(listener);
        assert_int_equal(send(*ret_peer, "!", 1, MSG_OOB), 1);
        return fd;
}

static void under_pressure_the_largest_parked_one_ends(void **state) {
        int peer;
        w.max = 9;
        put("meminfo", "MemTotal: 1000 kB\nMemAvailable: 50 kB\n");
        sign_in("c1", 2001, false);
        sign_in("c2", 2002, false);
        sign_in("c3", 2003, false);
        put("user.slice/user-2001.slice/session-c1.scope/memory.current", "100\n");
        put("user.slice/user-2002.slice/session-c2.scope/memory.current", "50\n");
        put("user.slice/user-2002.slice/user@2002.service/memory.current", "100\n");
        put("user.slice/user-2003.slice/session-c3.scope/memory.current", "900\n");
        assert_int_equal(room_watch_memory(w.room, press(&peer)), 0);
        assert_true(sd_event_run(w.event, UINT64_MAX) > 0);
        assert_string_equal(w.said, "c2 memory\n");
        (void) close(peer);
}

static void a_session_that_cannot_be_ended_is_tried_again(void **state) {
        int peer;
        w.max = 9;
        w.status = -ENOTCONN;
        put("meminfo", "MemTotal: 1000 kB\nMemAvailable: 50 kB\n");
        sign_in("c1", 2001, false);
        sign_in("c2", 2002, false);
        assert_int_equal(room_watch_memory(w.room, press(&peer)), 0);
        assert_true(sd_event_run(w.event, UINT64_MAX) > 0);
        assert_true(sd_event_run(w.event, UINT64_MAX) > 0);
        assert_string_equal(w.said, "c1 memory\nc1 memory\n"); /* no pause: nothing came of it */
        (void) close(peer);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void) {
        const struct CMUnitTest tests[] = {
                T(the_one_parked_longest_is_signed_out),
                T(the_one_on_the_screen_never_is),
                T(what_the_sites_own_ways_opened_counts_and_stays),
                T(under_pressure_the_largest_parked_one_ends),
                T(a_session_that_cannot_be_ended_is_tried_again),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
