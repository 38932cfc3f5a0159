/* SPDX-License-Identifier: Apache-2.0 */
/* The desk: how a session leaves the screen, and what a tap at an open session does. logind, the display
 * manager, wardtap-authd and the readers are played here; the table of the seat is the true one. */
#include "common/socket.h"
#include "helper/console.h"
#include "helper/desk.h"
#include "helper/greeter.h"
#include "helper/judge.h"
#include "helper/small_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define ATTEMPT "00112233445566778899aabbccddeeff"

static struct {
        sd_event *event;
        struct desk *desk;
        struct rules rules;
        /* the world */
        struct logind_session sessions[8];
        size_t n;
        const struct logind_session *active;
        bool no_seat, no_manager, terminals, refuses_greeter, switches, judges, tap;
        bool managed; /* sessions_has() */
        unsigned waiting_vt;
        int judge_status;
        uint64_t clock;
        /* what the desk follows */
        struct logind_events logind;
        struct judge_events judge;
        void *logind_userdata, *judge_userdata;
        void (*vt_done)(void *userdata);
        void *vt_userdata;
        /* what happened: words, each with a space behind it */
        char did[512], records[512];
        uint64_t dropped_usec;
        unsigned armed;
} w;

static void did(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void did(const char *format, ...) {
        size_t n = strlen(w.did);
        va_list ap;
        va_start(ap, format);
        (void) vsnprintf(w.did + n, sizeof(w.did) - n, format, ap);
        va_end(ap);
}

/* What was done since it was asked last. */
static const char *done(void) {
        static char text[sizeof(w.did)];
        memcpy(text, w.did, sizeof(text));
        w.did[0] = 0;
        return text;
}

static const char *recorded(void) {
        static char text[sizeof(w.records)];
        memcpy(text, w.records, sizeof(text));
        w.records[0] = 0;
        return text;
}

/* --- logind */

int __wrap_logind_new(const struct logind_events *events, void *userdata, struct logind **ret);
int __wrap_logind_new(const struct logind_events *events, void *userdata, struct logind **ret) {
        w.logind = *events;
        w.logind_userdata = userdata;
        *ret = NULL;
        return 0;
}

struct logind *__wrap_logind_free(struct logind *l);
struct logind *__wrap_logind_free(struct logind *l) {
        return NULL;
}

bool __wrap_logind_has_seat(const struct logind *l);
bool __wrap_logind_has_seat(const struct logind *l) {
        return !w.no_seat;
}

const struct logind_session *__wrap_logind_active(const struct logind *l);
const struct logind_session *__wrap_logind_active(const struct logind *l) {
        return w.active;
}

const struct logind_session *__wrap_logind_at(const struct logind *l, size_t i);
const struct logind_session *__wrap_logind_at(const struct logind *l, size_t i) {
        return i < w.n ? &w.sessions[i] : NULL;
}

const struct logind_session *__wrap_logind_find(const struct logind *l, const char *id);
const struct logind_session *__wrap_logind_find(const struct logind *l, const char *id) {
        for (size_t i = 0; i < w.n; i++)
                if (strcmp(w.sessions[i].id, id) == 0)
                        return &w.sessions[i];
        return NULL;
}

int __wrap_logind_terminate(struct logind *l, const char *session);
int __wrap_logind_terminate(struct logind *l, const char *session) {
        did("end:%s ", session);
        return 0;
}

int __wrap_logind_activate(struct logind *l, const char *session);
int __wrap_logind_activate(struct logind *l, const char *session) {
        did("activate:%s ", session);
        return 0;
}

int __wrap_logind_show_terminal(struct logind *l, unsigned vt, void (*then)(void *userdata), void *userdata);
int __wrap_logind_show_terminal(struct logind *l, unsigned vt, void (*then)(void *userdata),
                                void *userdata) {
        did("vt:%u ", vt);
        w.vt_done = then;
        w.vt_userdata = userdata;
        return 0;
}

int __wrap_logind_hold_sleep(struct logind *l);
int __wrap_logind_hold_sleep(struct logind *l) {
        did("hold ");
        return 0;
}

void __wrap_logind_let_sleep(struct logind *l);
void __wrap_logind_let_sleep(struct logind *l) {
        did("sleep ");
}

/* --- wardtap-authd */

int __wrap_judge_new(sd_event *event, const char *socket, const struct judge_events *events, void *userdata,
                     struct judge **ret);
int __wrap_judge_new(sd_event *event, const char *socket, const struct judge_events *events, void *userdata,
                     struct judge **ret) {
        w.judge = *events;
        w.judge_userdata = userdata;
        *ret = NULL;
        return 0;
}

struct judge *__wrap_judge_free(struct judge *j);
struct judge *__wrap_judge_free(struct judge *j) {
        return NULL;
}

int __wrap_judge_begin(struct judge *j, enum wire_hook hook, const char *service, const char *seat,
                       const char *user);
int __wrap_judge_begin(struct judge *j, enum wire_hook hook, const char *service, const char *seat,
                       const char *user) {
        assert_true(hook == WIRE_SEAT && strcmp(seat, SEAT) == 0 && !*user && !w.judges);
        did("judge:%s ", service);
        w.judges = w.judge_status >= 0;
        return w.judge_status;
}

bool __wrap_judge_is_busy(const struct judge *j);
bool __wrap_judge_is_busy(const struct judge *j) {
        return w.judges;
}

/* --- the display manager */

const char *__wrap_switcher_service(const struct switcher *s);
const char *__wrap_switcher_service(const struct switcher *s) {
        return w.terminals ? SWITCH_SERVICE : "lightdm";
}

int __wrap_switcher_greeter(struct switcher *s);
int __wrap_switcher_greeter(struct switcher *s) {
        did("greeter ");
        return w.refuses_greeter ? -EOPNOTSUPP : 0;
}

bool __wrap_switcher_has_greeter(const struct switcher *s);
bool __wrap_switcher_has_greeter(const struct switcher *s) {
        return !w.no_manager;
}

bool __wrap_switcher_is_of_terminals(const struct switcher *s);
bool __wrap_switcher_is_of_terminals(const struct switcher *s) {
        return w.terminals;
}

bool __wrap_switcher_is_busy(const struct switcher *s);
bool __wrap_switcher_is_busy(const struct switcher *s) {
        return w.switches;
}

/* --- the rest of wardtapd */

bool __wrap_taps_is_unheard(const struct taps *t, const char *seat, uint64_t now_usec);
bool __wrap_taps_is_unheard(const struct taps *t, const char *seat, uint64_t now_usec) {
        return w.tap;
}

void __wrap_taps_drop(struct taps *t, const char *seat, uint64_t until_usec);
void __wrap_taps_drop(struct taps *t, const char *seat, uint64_t until_usec) {
        w.dropped_usec = until_usec;
}

unsigned __wrap_taps_waiting_terminal(const struct taps *t, const char *seat);
unsigned __wrap_taps_waiting_terminal(const struct taps *t, const char *seat) {
        return w.waiting_vt;
}

bool __wrap_sessions_has(const struct sessions *s, uid_t uid);
bool __wrap_sessions_has(const struct sessions *s, uid_t uid) {
        return w.managed;
}

const struct rules *__wrap_station_rules(struct station *s);
const struct rules *__wrap_station_rules(struct station *s) {
        return &w.rules;
}

static void note(const char *event, const char *user, const char *reason, const char *requestor) {
        size_t n = strlen(w.records);
        (void) snprintf(w.records + n, sizeof(w.records) - n, "%s:%s:%s:%s ", event, user ? user : "",
                        reason ? reason : "", requestor ? requestor : "");
}

void __wrap_recorder_submit(struct recorder *r, struct record *record, uint64_t client);
void __wrap_recorder_submit(struct recorder *r, struct record *record, uint64_t client) {
        assert_int_equal(client, 0);
        note(record_event_name(record->event), record->fields[RECORD_FIELD_USER],
             record->fields[RECORD_FIELD_REASON], record->fields[RECORD_FIELD_REQUESTOR]);
}

void __wrap_recorder_note(struct recorder *r, enum record_event event, const char *reader,
                          const char *reason, const char *detail);
void __wrap_recorder_note(struct recorder *r, enum record_event event, const char *reader,
                          const char *reason, const char *detail) {
        note(record_event_name(event), NULL, reason, NULL);
}

int __wrap_console_new(sd_event *event, void (*changed)(void *userdata), void *userdata,
                       struct console **ret);
int __wrap_console_new(sd_event *event, void (*changed)(void *userdata), void *userdata,
                       struct console **ret) {
        return -ENOENT;
}

int __wrap_small_file_write(const char *path, const uint8_t *p, size_t n);
int __wrap_small_file_write(const char *path, const uint8_t *p, size_t n) {
        return 0;
}

int __wrap_small_file_read(const char *path, uint8_t **ret, size_t *ret_n);
int __wrap_small_file_read(const char *path, uint8_t **ret, size_t *ret_n) {
        return -ENOENT;
}

/* Time passes when the test says so. */
int __real_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata) {
        assert_int_equal(usec, DESK_MOVE_USEC);
        w.armed++;
        return __real_sd_event_add_time_relative(e, s, clock, 1, 1, callback, userdata);
}

int __real_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec);
int __wrap_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec);
int __wrap_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec) {
        assert_true(usec == DESK_MOVE_USEC || usec == DESK_AGAIN_USEC);
        w.armed++;
        return __real_sd_event_source_set_time_relative(s, 1);
}

static void time_passes(void) {
        assert_true(sd_event_run(w.event, 1000000) > 0);
}

static void nothing_is_due(void) {
        assert_int_equal(sd_event_run(w.event, 20000), 0);
}

/* --- the desk's events */

static void on_changed(void *userdata) {
}
static void on_known(void *userdata) {
}
static void on_hint(void *userdata, const struct logind_session *s) {
}
static void on_inhibited(void *userdata, bool idle) {
}
static void on_shown(void *userdata, const struct seat_session *s) {
        did("shown:%s ", s->id);
}
static void on_parked(void *userdata, const struct seat_session *s) {
        did("parked:%s ", s->id);
}
static void on_gone(void *userdata, const struct seat_session *s) {
        did("gone:%s ", s->id);
}
static void on_notice(void *userdata, const struct seat_session *s, const char *kind, const char *text,
                      unsigned seconds) {
        assert_string_equal(kind, "refused");
        assert_int_equal(seconds, DESK_NOTICE_SECONDS);
        did("notice:%s:%s ", s->id, text);
}

static int begin(void **state) {
        memset(&w, 0, sizeof(w));
        w.managed = true;
        if (sd_event_new(&w.event) < 0)
                return -1;
        const struct desk_config c = {.event = w.event,
                                      .auth_socket = "/none",
                                      .state = "/none",
                                      .events = {.changed = on_changed,
                                                 .shown = on_shown,
                                                 .parked = on_parked,
                                                 .gone = on_gone,
                                                 .notice = on_notice,
                                                 .known = on_known,
                                                 .hint = on_hint,
                                                 .inhibited = on_inhibited}};
        int r = desk_new(&c, &w.desk);
        w.logind.ready(w.logind_userdata, true);
        (void) done();
        return r;
}

static int end(void **state) {
        w.desk = desk_free(w.desk);
        sd_event_unref(w.event);
        return 0;
}

/* --- the world moves */

static struct logind_session *there_is(const char *id, uid_t uid, const char *seat) {
        struct logind_session *l = &w.sessions[w.n++];
        *l = (struct logind_session){.uid = uid, .person = true};
        (void) snprintf(l->id, sizeof(l->id), "%s", id);
        (void) snprintf(l->user, sizeof(l->user), "user%u", (unsigned) uid);
        (void) snprintf(l->seat, sizeof(l->seat), "%s", seat);
        (void) snprintf(l->service, sizeof(l->service), "lightdm");
        w.logind.session(w.logind_userdata, l);
        return l;
}

static struct logind_session *greeter(void) {
        struct logind_session *l = &w.sessions[w.n++];
        *l = (struct logind_session){.id = "g", .uid = 910, .seat = SEAT, .greeter = true};
        return l;
}

static void comes(const struct logind_session *l) {
        w.active = l;
        w.logind.active(w.logind_userdata, l);
}

static void let_in(const struct logind_session *l) {
        struct seat_proof p = {.uid = l->uid, .attempt = ATTEMPT};
        memcpy(p.user, l->user, sizeof(p.user));
        desk_let_in(w.desk, "", &p);
}

/* An attempt lets somebody in, whose session begins and comes to the screen. */
static struct logind_session *signs_in(const char *id, uid_t uid) {
        struct logind_session *l = there_is(id, uid, SEAT);
        struct seat_proof p = {.uid = uid, .attempt = ATTEMPT};
        let_in(l);
        memcpy(p.user, l->user, sizeof(p.user));
        desk_opened(w.desk, id, uid, SEAT, &p);
        comes(l);
        (void) done();
        (void) recorded();
        return l;
}

/* A tap that nobody has heard is judged, and that is what comes of it. */
static void tap(int error, enum wire_verdict verdict) {
        w.tap = true;
        desk_consider(w.desk);
        assert_true(w.judges);
        w.judges = false;
        w.tap = error < 0;
        w.judge.done(w.judge_userdata, error, verdict);
}

/* --- leaving the screen */

static void a_session_leaves_for_where_nothing_is_and_then_the_greeter_comes(void **state) {
        assert_int_equal(desk_lock(w.desk, "idle", "node"), -ENOENT);
        assert_string_equal(done(), "");
        (void) signs_in("1", 2001);
        assert_int_equal(desk_lock(w.desk, "idle", "node"), 0);
        assert_string_equal(done(), "vt:63 ");
        comes(NULL);
        assert_string_equal(recorded(), "idle-lock:user2001:idle:node ");
        assert_string_equal(done(), "parked:1 ");
        w.vt_done(w.vt_userdata);
        assert_string_equal(done(), "greeter ");
        comes(greeter());
        nothing_is_due(); /* it has come */
        assert_string_equal(recorded(), "");
}

static void a_greeter_that_does_not_come_is_asked_for_once_more_and_then_a_prompt(void **state) {
        (void) signs_in("1", 2001);
        assert_int_equal(desk_lock(w.desk, "tap-out", "user2001"), 0);
        comes(NULL);
        w.vt_done(w.vt_userdata);
        assert_string_equal(recorded(), "lock:user2001:tap-out:user2001 ");
        (void) done();
        time_passes();
        assert_string_equal(recorded(), "guard-alert::lock-not-shown: ");
        assert_string_equal(done(), "greeter ");
        time_passes();
        assert_string_equal(recorded(), "");
        assert_string_equal(done(), "vt:6 ");
        nothing_is_due();
}

static void a_greeter_that_is_refused_is_asked_for_again_soon(void **state) {
        (void) signs_in("1", 2001);
        (void) desk_lock(w.desk, "idle", "node");
        unsigned armed = w.armed;
        desk_no_greeter(w.desk);
        assert_int_equal(w.armed, armed + 1);
        comes(NULL);
        comes(greeter());
        armed = w.armed;
        desk_no_greeter(w.desk); /* none is waited for */
        assert_int_equal(w.armed, armed);
}

/* Somebody works there: it is never shown for a prompt. */
static void a_terminal_with_somebody_on_it_is_no_prompt(void **state) {
        struct logind_session *admin = there_is("a", 0, SEAT);
        admin->vt = 6;
        w.terminals = w.no_manager = true;
        (void) signs_in("1", 2001);
        (void) desk_lock(w.desk, "idle", "node");
        assert_string_equal(done(), "vt:63 ");
        w.vt_done(w.vt_userdata);
        assert_string_equal(done(), "vt:63 ");
        comes(NULL);
        (void) done();
        w.waiting_vt = 3; /* the seat that found none goes to the next that waits */
        desk_consider(w.desk);
        assert_string_equal(done(), "vt:3 ");
        desk_consider(w.desk);
        assert_string_equal(done(), "");
}

/* A switch that came to nothing says nothing about why somebody's session was sent away meanwhile. */
static void the_reason_of_a_lock_is_not_lost_with_a_switch_that_fails(void **state) {
        const struct seat_proof ben = {.uid = 2002, .user = "user2002"};
        (void) signs_in("1", 2001);
        desk_begins_to_show(w.desk, &ben);
        assert_int_equal(desk_lock(w.desk, "badge-end", "node"), 0);
        desk_shows_not(w.desk);
        comes(NULL);
        assert_string_equal(recorded(), "lock:user2001:badge-end:node ");
}

static void a_switch_that_fails_leaves_no_reason_behind(void **state) {
        const struct seat_proof ben = {.uid = 2002, .user = "user2002"};
        (void) signs_in("1", 2001);
        desk_begins_to_show(w.desk, &ben);
        desk_shows_not(w.desk);
        comes(greeter()); /* by somebody's hand */
        assert_string_equal(recorded(), "lock:user2001:switched:unknown ");
}

static void before_sleep_the_screen_is_left(void **state) {
        w.logind.sleep(w.logind_userdata, true); /* nobody is there */
        assert_string_equal(done(), "sleep ");
        w.logind.sleep(w.logind_userdata, false);
        assert_string_equal(done(), "hold ");
        (void) signs_in("1", 2001);
        w.logind.sleep(w.logind_userdata, true);
        assert_string_equal(done(), "vt:63 ");
        comes(NULL);
        assert_string_equal(done(), "parked:1 sleep ");
        assert_string_equal(recorded(), "lock:user2001:suspend:node ");
}

static void what_nobody_was_let_in_to_is_sent_away(void **state) {
        struct logind_session *a = signs_in("1", 2001), *b = signs_in("2", 2002);
        comes(a);
        assert_non_null(strstr(recorded(), "guard-alert:user2001:session-shown:"));
        assert_non_null(strstr(done(), "vt:63 "));
        let_in(b);
        comes(b);
        assert_null(strstr(recorded(), "guard-alert"));
}

static void a_session_is_ended_once_with_a_record(void **state) {
        (void) signs_in("1", 2001);
        assert_int_equal(desk_sign_out(w.desk, "no-such", "parked", "node"), -ENOENT);
        assert_int_equal(desk_sign_out(w.desk, "1", "parked", "node"), 0);
        assert_int_equal(desk_sign_out(w.desk, "1", "memory", "node"), 0);
        assert_string_equal(recorded(), "sign-out:user2001:parked:node ");
}

/* --- taps */

static void a_tap_at_an_open_session_is_judged_by_the_service_that_shows_people(void **state) {
        w.tap = true;
        desk_consider(w.desk); /* nobody's session: a prompt or greeter is what it is for */
        assert_string_equal(done(), "greeter ");
        comes(greeter());
        desk_consider(w.desk); /* which has it */
        assert_string_equal(done(), "");
        w.tap = false;
        (void) signs_in("1", 2001);
        desk_consider(w.desk);
        assert_string_equal(done(), "");
        w.tap = true;
        desk_consider(w.desk);
        desk_consider(w.desk); /* one at a time */
        assert_string_equal(done(), "judge:lightdm ");
        w.judges = false;
        w.switches = true;
        desk_consider(w.desk);
        w.switches = false;
        w.no_seat = true;
        desk_consider(w.desk);
        assert_string_equal(done(), "");
        w.no_seat = false;
        w.terminals = true;
        desk_consider(w.desk);
        assert_string_equal(done(), "judge:" SWITCH_SERVICE " ");
}

static void who_must_show_more_is_asked_at_the_greeter(void **state) {
        (void) signs_in("1", 2001);
        tap(0, WIRE_ELSEWHERE);
        assert_string_equal(done(), "judge:lightdm vt:63 ");
        comes(NULL);
        assert_string_equal(recorded(), "lock:user2001:tap-over:unknown ");
}

static void a_verdict_uses_up_what_was_tapped_before_it(void **state) {
        (void) signs_in("1", 2001);
        uint64_t before = now_monotonic_usec();
        tap(0, WIRE_DENY);
        uint64_t after = now_monotonic_usec();
        desk_consider(w.desk);
        assert_true(w.dropped_usec >= before && w.dropped_usec <= after);
        assert_string_equal(done(), "judge:lightdm ");
        assert_string_equal(recorded(), "");
}

static void words_of_a_refusal_are_shown_over_the_open_session(void **state) {
        (void) signs_in("1", 2001);
        w.judge.words(w.judge_userdata, WIRE_INFO, "USER, touch your key");
        assert_string_equal(done(), "");
        w.judge.words(w.judge_userdata, WIRE_ERROR, "This badge is blocked.");
        assert_string_equal(done(), "notice:1:This badge is blocked. ");
        comes(greeter());
        (void) done();
        w.judge.words(w.judge_userdata, WIRE_ERROR, "This badge is blocked.");
        assert_string_equal(done(), "");
}

static void a_tap_that_comes_to_no_verdict_is_given_up_after_three_times(void **state) {
        (void) signs_in("1", 2001);
        tap(-ETIMEDOUT, WIRE_DENY);
        tap(-ECONNRESET, WIRE_DENY);
        assert_string_equal(recorded(), "");
        (void) done();
        uint64_t before = now_monotonic_usec();
        tap(-ECONNRESET, WIRE_DENY);
        assert_string_equal(recorded(), "alert::tap-not-judged: ");
        assert_string_equal(done(), "judge:lightdm notice:1:This did not work. Tap again. ");
        assert_true(w.dropped_usec >= before);
        tap(-ECONNRESET, WIRE_DENY); /* the next tap has three of its own */
        assert_string_equal(recorded(), "");
        w.judge_status = -ECONNREFUSED; /* nobody to be asked: at once */
        w.tap = true;
        desk_consider(w.desk);
        assert_string_equal(recorded(), "alert::tap-not-judged: ");
}

static void a_tap_out_does_as_the_role_says(void **state) {
        (void) signs_in("1", 2001);
        assert_int_equal(desk_tap_out(w.desk, 2002, "user2002", "lock"), -ESTALE);
        assert_int_equal(desk_tap_out(w.desk, 2001, "user2001", "nothing"), 0);
        assert_string_equal(done(), "");
        assert_int_equal(desk_tap_out(w.desk, 2001, "user2001", "sign-out"), 0);
        assert_string_equal(done(), "end:1 ");
        assert_string_equal(recorded(), "sign-out:user2001:tap-out:user2001 ");
        (void) signs_in("2", 2002);
        assert_int_equal(desk_tap_out(w.desk, 2002, "user2002", "lock"), 0);
        assert_string_equal(done(), "vt:63 ");
}

/* --- where somebody's session is */

static void presence_is_that_of_the_seat_that_asks(void **state) {
        struct logind_session *a = signs_in("1", 2001);
        assert_int_equal(desk_presence(w.desk, 2001, "", UINT64_MAX), BROKER_SHOWN);
        assert_int_equal(desk_presence(w.desk, 2001, SEAT, UINT64_MAX), BROKER_SHOWN);
        assert_int_equal(desk_presence(w.desk, 2001, "seat1", 0), BROKER_ABSENT);
        assert_int_equal(desk_presence(w.desk, 2002, "seat1", 0), BROKER_OPEN); /* it is at that one */
        comes(greeter());
        assert_int_equal(desk_presence(w.desk, 2001, "", 0), BROKER_OPEN);
        w.managed = false; /* a badge alone does not resume it any more */
        assert_int_equal(desk_presence(w.desk, 2001, "", 0), BROKER_ABSENT);
        assert_int_equal(desk_presence(w.desk, 2002, "seat1", 0), BROKER_ABSENT);
        w.no_seat = w.managed = true;
        assert_int_equal(desk_presence(w.desk, 2001, "", 0), BROKER_OPEN);
        w.no_seat = false;
        let_in(a);
        comes(a);
        assert_int_equal(desk_presence(w.desk, 2001, "", 1), BROKER_JUST_SHOWN); /* tapped before it came */
}

static void of_two_parked_sessions_the_last_comes_back(void **state) {
        struct logind_session *a = signs_in("1", 2001);
        assert_null(desk_parked_session(w.desk, 2001));
        struct logind_session *b = signs_in("2", 2001);
        comes(greeter());
        assert_string_equal(desk_parked_session(w.desk, 2001), "2");
        let_in(a);
        comes(a);
        assert_string_equal(desk_parked_session(w.desk, 2001), "2");
        w.logind.gone(w.logind_userdata, b);
        assert_null(desk_parked_session(w.desk, 2001));
        assert_null(desk_parked_session(w.desk, 2002));
}

/* --- other seats */

static void what_takes_another_seat(void **state) {
        struct logind_session *l = there_is("x", 2001, "seat1");
        assert_true(desk_is_at_other_seat(w.desk, 2001, ""));
        assert_true(desk_is_at_other_seat(w.desk, 2001, SEAT));
        assert_false(desk_is_at_other_seat(w.desk, 2001, "seat1"));
        assert_false(desk_is_at_other_seat(w.desk, 2002, ""));
        l->closing = true;
        assert_false(desk_is_at_other_seat(w.desk, 2001, ""));
        l->closing = false;
        l->remote = true;
        assert_false(desk_is_at_other_seat(w.desk, 2001, ""));
        l->remote = false;
        l->person = false;
        assert_false(desk_is_at_other_seat(w.desk, 2001, ""));
        l->person = true;
        l->seat[0] = 0; /* ssh, cron */
        assert_false(desk_is_at_other_seat(w.desk, 2001, ""));
        (void) snprintf(l->seat, sizeof(l->seat), SEAT);
        assert_true(desk_is_at_other_seat(w.desk, 2001, "seat1"));
}

static void sessions_at_other_seats_end_where_the_rules_say_so(void **state) {
        static const enum other_seats keep[] = {OTHER_SEATS_KEEP, OTHER_SEATS_REFUSE};
        struct seat_proof p = {.uid = 2001, .user = "user2001", .attempt = ATTEMPT};
        (void) there_is("x", 2001, "seat1");
        (void) there_is("y", 2002, "seat1");
        (void) there_is("z", 2001, "");
        for (size_t i = 0; i < ELEMENTSOF(keep); i++) {
                w.rules.other_seats = keep[i];
                desk_opened(w.desk, "9", 2001, SEAT, &p);
                assert_string_equal(done(), "");
        }
        w.rules.other_seats = OTHER_SEATS_END;
        desk_opened(w.desk, "9", 2001, "", &p); /* nobody knows at which seat it began */
        assert_string_equal(done(), "");
        struct logind_session *l = there_is("1", 2001, SEAT);
        let_in(l);
        desk_opened(w.desk, "1", 2001, SEAT, &p);
        assert_string_equal(done(), "end:x ");
        assert_string_equal(recorded(), "sign-out:user2001:other-seat:node ");
        comes(l); /* logind has not ended it yet */
        assert_string_equal(done(), "shown:1 ");
        assert_null(strstr(recorded(), "sign-out"));
        /* The other way round: what is parked here ends when she is let in there. */
        comes(greeter());
        (void) done();
        (void) recorded();
        (void) there_is("q", 2001, "seat1");
        desk_opened(w.desk, "q", 2001, "", &p);
        assert_string_equal(done(), "end:1 ");
        assert_string_equal(recorded(), "sign-out:user2001:other-seat:node ");
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void) {
        const struct CMUnitTest tests[] = {
                T(a_session_leaves_for_where_nothing_is_and_then_the_greeter_comes),
                T(a_greeter_that_does_not_come_is_asked_for_once_more_and_then_a_prompt),
                T(a_greeter_that_is_refused_is_asked_for_again_soon),
                T(a_terminal_with_somebody_on_it_is_no_prompt),
                T(the_reason_of_a_lock_is_not_lost_with_a_switch_that_fails),
                T(a_switch_that_fails_leaves_no_reason_behind),
                T(before_sleep_the_screen_is_left),
                T(what_nobody_was_let_in_to_is_sent_away),
                T(a_session_is_ended_once_with_a_record),
                T(a_tap_at_an_open_session_is_judged_by_the_service_that_shows_people),
                T(who_must_show_more_is_asked_at_the_greeter),
                T(a_verdict_uses_up_what_was_tapped_before_it),
                T(words_of_a_refusal_are_shown_over_the_open_session),
                T(a_tap_that_comes_to_no_verdict_is_given_up_after_three_times),
                T(a_tap_out_does_as_the_role_says),
                T(presence_is_that_of_the_seat_that_asks),
                T(of_two_parked_sessions_the_last_comes_back),
                T(what_takes_another_seat),
                T(sessions_at_other_seats_end_where_the_rules_say_so),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
