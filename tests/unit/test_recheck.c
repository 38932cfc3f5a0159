/* SPDX-License-Identifier: Apache-2.0 */
/* Whether those who are signed in may still be: whom wardtap-authd is asked about, in which order, and which
 * of its answers count. */
#include "common/socket.h"
#include "helper/recheck.h"
#include "helper/seat.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <cmocka.h>

static struct {
        sd_event *event;
        struct seat *seat;
        struct recheck *recheck;
        bool gone;  /* wardtap-authd does not answer */
        int asked;  /* its end of the conversation under way; -1 for none */
        unsigned n; /* conversations */
        uint64_t clock;
        char said[512]; /* "UID reason\n" */
} w;

int __wrap_socket_connect(const char *path, uid_t listener_uid, int *ret_fd);
int __wrap_socket_connect(const char *path, uid_t listener_uid, int *ret_fd) {
        int fds[2];
        assert_string_equal(path, "/auth.sock");
        if (w.gone)
                return -ECONNREFUSED;
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        closep(&w.asked);
        w.asked = fds[1];
        w.n++;
        *ret_fd = fds[0];
        return 0;
}

static void on_refused(void *userdata, uid_t uid, const char *reason) {
        size_t n = strlen(w.said);
        (void) snprintf(w.said + n, sizeof(w.said) - n, "%u %s\n", (unsigned) uid, reason);
}

static void on_record(void *userdata, struct record *r) {
}
static void nothing(void *userdata) {
}
static void on_session(void *userdata, const struct seat_session *s) {
}

static struct seat_now now(void) {
        w.clock += 1000;
        return (struct seat_now){w.clock, w.clock};
}

static struct logind_session of(const char *id, uid_t uid) {
        struct logind_session l = {.uid = uid, .seat = SEAT, .person = true};
        (void) snprintf(l.id, sizeof(l.id), "%s", id);
        (void) snprintf(l.user, sizeof(l.user), "user%u", (unsigned) uid);
        return l;
}

static void sign_in(const char *id, uid_t uid, bool fallback) {
        struct logind_session l = of(id, uid);
        const struct seat_proof p = {.uid = uid, .attempt = "00112233445566778899aabbccddeeff"};
        seat_session(w.seat, &l, now());
        if (!fallback)
                seat_opened(w.seat, id, &p, now());
}

static int begin(void **state) {
        static const struct seat_events seat = {on_record,  nothing,    on_session,
                                                on_session, on_session, nothing};
        static const struct recheck_events events = {.refused = on_refused};
        memset(&w, 0, sizeof(w));
        w.asked = -1;
        if (sd_event_new(&w.event) < 0 || seat_new(&seat, NULL, &w.seat) < 0)
                return -1;
        return recheck_new(w.event, "/auth.sock", &events, NULL, &w.recheck);
}

static int end(void **state) {
        w.recheck = recheck_free(w.recheck);
        w.seat = seat_free(w.seat);
        sd_event_unref(w.event);
        closep(&w.asked);
        return 0;
}

static void turn(void) {
        while (sd_event_run(w.event, 0) > 0)
                ;
}

static void all(const char *service) {
        const struct seat_session *s;
        recheck_begin(w.recheck, service);
        for (size_t i = 0; (s = seat_at(w.seat, i)); i++)
                if (s->managed)
                        recheck_add(w.recheck, s->uid, s->user);
        recheck_go(w.recheck);
}

/* Whom wardtap-authd was asked about last; it may be asked once alone. */
static const char *about(void) {
        static char user[65];
        _cleanup_(wire_message_erase) struct wire_message m = {.type = WIRE_TYPE_INVALID};
        if (wire_receive(w.asked, &m) < 0)
                return "";
        assert_int_equal(m.type, WIRE_START);
        assert_int_equal(m.start.hook, WIRE_RECHECK);
        assert_string_equal(m.start.service, "lightdm");
        assert_string_equal(m.start.seat, "");
        memcpy(user, m.start.user, sizeof(user));
        return user;
}

static void answer(enum wire_verdict verdict, const char *reason) {
        struct wire_message m = {.version = WIRE_VERSION, .type = WIRE_INFO};
        if (reason) {
                (void) snprintf(m.text, sizeof(m.text), "%s", reason);
                assert_int_equal(wire_send(w.asked, &m), 0);
        }
        m = (struct wire_message){.version = WIRE_VERSION, .type = WIRE_VERDICT, .verdict.verdict = verdict};
        assert_int_equal(wire_send(w.asked, &m), 0);
        turn();
}

static void each_person_is_asked_about_once(void **state) {
        sign_in("1", 2001, false);
        sign_in("2", 2002, false);
        sign_in("3", 2001, false); /* hers too */
        sign_in("4", 2003, true);  /* the site's own way */
        all("lightdm");
        assert_string_equal(about(), "user2001");
        assert_int_equal(w.n, 1); /* one at a time */
        answer(WIRE_ALLOW, NULL);
        assert_string_equal(about(), "user2002");
        answer(WIRE_ALLOW, NULL);
        assert_int_equal(w.n, 2);
        assert_string_equal(w.said, "");
}

static void only_a_denial_with_a_reason_refuses(void **state) {
        static const struct {
                enum wire_verdict verdict;
                const char *reason, *said;
        } answers[] = {{WIRE_DENY, "no-role", "2001 no-role\n"},
                       {WIRE_DENY, NULL, ""},
                       {WIRE_DENY, "", ""},
                       {WIRE_ALLOW, "no-role", ""},
                       {WIRE_UNAVAIL, "no-rules", ""},
                       {WIRE_MAXTRIES, "throttled", ""},
                       {WIRE_ELSEWHERE, "no-role", ""}};
        sign_in("1", 2001, false);
        for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                w.said[0] = 0;
                all("lightdm");
                assert_string_equal(about(), "user2001");
                answer(answers[i].verdict, answers[i].reason);
                assert_string_equal(w.said, answers[i].said);
        }
}

/* The reason of one is not the next one's. */
static void a_reason_is_one_persons(void **state) {
        sign_in("1", 2001, false);
        sign_in("2", 2002, false);
        all("lightdm");
        answer(WIRE_DENY, "no-role");
        answer(WIRE_DENY, NULL);
        assert_string_equal(w.said, "2001 no-role\n");
}

static void whoever_hangs_up_or_talks_nonsense_refuses_nobody(void **state) {
        const struct wire_message prompt = {.version = WIRE_VERSION, .type = WIRE_PROMPT};
        const struct wire_message info = {.version = WIRE_VERSION, .type = WIRE_INFO, .text = "no-role"};
        for (uid_t uid = 2001; uid <= 2004; uid++) {
                char id[8];
                (void) snprintf(id, sizeof(id), "%u", (unsigned) uid);
                sign_in(id, uid, false);
        }
        all("lightdm");
        closep(&w.asked);
        turn();
        assert_string_equal(about(), "user2002"); /* the others have their turn */
        assert_int_equal(wire_send(w.asked, &prompt), 0);
        turn();
        assert_string_equal(about(), "user2003");
        assert_int_equal(wire_send(w.asked, &info), 0);
        closep(&w.asked);
        turn();
        assert_string_equal(about(), "user2004");
        assert_true(send(w.asked, "?", 1, 0) == 1);
        turn();
        assert_string_equal(w.said, "");
        assert_int_equal(w.n, 4);
}

static void without_wardtap_authd_everybody_stays_and_is_asked_about_later(void **state) {
        sign_in("1", 2001, false);
        w.gone = true;
        all("lightdm");
        turn();
        assert_true(w.n == 0 && !w.said[0]);
        w.gone = false;
        all("lightdm");
        assert_string_equal(about(), "user2001");
        answer(WIRE_DENY, "no-role");
        assert_string_equal(w.said, "2001 no-role\n");
        all(""); /* nothing shows sessions here: nobody can be asked about */
        turn();
        assert_int_equal(w.n, 1);
}

/* What changed since is judged too, and nobody waits for ever behind those who are asked about again and
 * again. */
static void a_round_that_begins_anew_leaves_nobody_out(void **state) {
        static const char *const order[] = {"user2001", "user2002", "user2003",
                                            "user2001", "user2002", "user2003"};
        sign_in("1", 2001, false);
        sign_in("2", 2002, false);
        sign_in("3", 2003, false);
        all("lightdm");
        for (size_t i = 0; i < ELEMENTSOF(order); i++) {
                assert_string_equal(about(), order[i]);
                all("lightdm"); /* somebody of the people has changed meanwhile */
                answer(WIRE_ALLOW, NULL);
        }
        /* The one that was under way was asked before the change. */
        for (size_t i = 0; i < 3; i++)
                answer(WIRE_ALLOW, NULL);
        assert_int_equal(w.n, ELEMENTSOF(order) + 3);
}

static void whoever_is_gone_meanwhile_is_not_asked_about(void **state) {
        struct logind_session l = of("2", 2002);
        sign_in("1", 2001, false);
        sign_in("2", 2002, false);
        all("lightdm");
        seat_session_gone(w.seat, &l);
        all("lightdm");
        answer(WIRE_ALLOW, NULL);
        assert_string_equal(about(), "user2001");
        answer(WIRE_ALLOW, NULL);
        assert_int_equal(w.n, 2);
}

static void nothing_is_told_after_its_end(void **state) {
        sign_in("1", 2001, false);
        all("lightdm");
        w.recheck = recheck_free(w.recheck);
        const struct wire_message m = {
                .version = WIRE_VERSION, .type = WIRE_VERDICT, .verdict.verdict = WIRE_DENY};
        assert_int_equal(wire_send(w.asked, &m), -EPIPE);
        turn();
        assert_string_equal(w.said, "");
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void) {
        const struct CMUnitTest tests[] = {
                T(each_person_is_asked_about_once),
                T(only_a_denial_with_a_reason_refuses),
                T(a_reason_is_one_persons),
                T(whoever_hangs_up_or_talks_nonsense_refuses_nobody),
                T(without_wardtap_authd_everybody_stays_and_is_asked_about_later),
                T(a_round_that_begins_anew_leaves_nobody_out),
                T(whoever_is_gone_meanwhile_is_not_asked_about),
                T(nothing_is_told_after_its_end),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
