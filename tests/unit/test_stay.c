/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from somebody's being at the seat: which sessions are parked or ended for which reason, and
 * whose are left alone. The desk, the clocks of idle.h and walkaway.h and those who judge are played here;
 * the table of the seat is the true one. */
#include "common/socket.h"
#include "helper/accounts.h"
#include "helper/idle.h"
#include "helper/recheck.h"
#include "helper/small_file.h"
#include "helper/stay.h"
#include "helper/walkaway.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <cmocka.h>

#define ATTEMPT "00112233445566778899aabbccddeeff"
#define MINUTE UINT64_C(60000000)
#define DESK ((struct desk *) &w)

static struct {
        sd_event *event;
        struct seat *seat;
        struct stay *stay;
        struct rules rules;
        struct rule_role role;
        const struct rules *in_force; /* NULL: none */
        uint64_t clock;
        bool key_left, attends;
        uid_t in_emergency;
        struct logind_session elsewhere; /* of another seat; its id is "": none */
        /* what the stay follows */
        void *userdata;
        struct idle_callbacks idle;
        struct walkaway_events walkaway;
        struct recheck_events recheck;
        struct accounts_config accounts;
        sd_event_inotify_handler_t rules_changed, people_changed;
        sd_event_time_handler_t recheck_time, ticket_time;
        uint64_t recheck_at, ticket_at; /* when they are due */
        bool recheck_on, ticket_on;
        sd_event_source *recheck_source, *ticket_source;
        /* what happened: words, each with a space behind it */
        char did[512];
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

/* --- the desk */

const struct seat *__wrap_desk_seat(const struct desk *d);
const struct seat *__wrap_desk_seat(const struct desk *d) {
        assert_ptr_equal(d, DESK);
        return w.seat;
}

const char *__wrap_desk_service(const struct desk *d);
const char *__wrap_desk_service(const struct desk *d) {
        return "lightdm";
}

int __wrap_desk_lock(struct desk *d, const char *reason, const char *requestor);
int __wrap_desk_lock(struct desk *d, const char *reason, const char *requestor) {
        assert_string_equal(requestor, "node");
        did("lock:%s ", reason);
        return 0;
}

int __wrap_desk_sign_out(struct desk *d, const char *session, const char *reason, const char *requestor);
int __wrap_desk_sign_out(struct desk *d, const char *session, const char *reason, const char *requestor) {
        assert_string_equal(requestor, "node");
        did("end:%s:%s ", session, reason);
        return 0;
}

void __wrap_sessions_end_grace(struct sessions *s, uid_t uid);
void __wrap_sessions_end_grace(struct sessions *s, uid_t uid) {
        did("no-grace:%u ", (unsigned) uid);
}

void __wrap_sessions_cap(struct sessions *s, uid_t uid);
void __wrap_sessions_cap(struct sessions *s, uid_t uid) {
        did("cap:%u ", (unsigned) uid);
}

/* --- those who judge */

int __wrap_recheck_new(sd_event *event, const char *socket, const struct recheck_events *events,
                       void *userdata, struct recheck **ret);
int __wrap_recheck_new(sd_event *event, const char *socket, const struct recheck_events *events,
                       void *userdata, struct recheck **ret) {
        w.recheck = *events;
        w.userdata = userdata;
        *ret = NULL;
        return 0;
}

struct recheck *__wrap_recheck_free(struct recheck *r);
struct recheck *__wrap_recheck_free(struct recheck *r) {
        return NULL;
}

void __wrap_recheck_begin(struct recheck *r, const char *service);
void __wrap_recheck_begin(struct recheck *r, const char *service) {
        assert_string_equal(service, "lightdm");
}

void __wrap_recheck_add(struct recheck *r, uid_t uid, const char *user);
void __wrap_recheck_add(struct recheck *r, uid_t uid, const char *user) {
}

void __wrap_recheck_go(struct recheck *r);
void __wrap_recheck_go(struct recheck *r) {
        did("judge ");
}

/* --- sessions at other seats */

const struct logind_session *__wrap_desk_elsewhere(const struct desk *d, size_t i);
const struct logind_session *__wrap_desk_elsewhere(const struct desk *d, size_t i) {
        return w.elsewhere.id[0] && i == 0 ? &w.elsewhere : NULL;
}

void __wrap_desk_sign_out_elsewhere(struct desk *d, uid_t uid, const char *user, const char *reason,
                                    const char *requestor);
void __wrap_desk_sign_out_elsewhere(struct desk *d, uid_t uid, const char *user, const char *reason,
                                    const char *requestor) {
}

unsigned __wrap_sessions_count(const struct sessions *s);
unsigned __wrap_sessions_count(const struct sessions *s) {
        return 0;
}

/* Whom an attempt let in. */
bool __wrap_sessions_is_open(const struct sessions *s, uid_t uid);
bool __wrap_sessions_is_open(const struct sessions *s, uid_t uid) {
        return uid != 1000;
}

int __wrap_accounts_new(const struct accounts_config *c, struct accounts **ret);
int __wrap_accounts_new(const struct accounts_config *c, struct accounts **ret) {
        w.accounts = *c;
        *ret = NULL;
        return 0;
}

struct accounts *__wrap_accounts_free(struct accounts *a);
struct accounts *__wrap_accounts_free(struct accounts *a) {
        return NULL;
}

void __wrap_accounts_ask(struct accounts *a, uid_t uid);
void __wrap_accounts_ask(struct accounts *a, uid_t uid) {
        did("account:%u ", (unsigned) uid);
}

/* --- idle and walking away */

int __wrap_idle_new(sd_event *event, const struct idle_callbacks *callbacks, void *userdata,
                    struct idle **ret);
int __wrap_idle_new(sd_event *event, const struct idle_callbacks *callbacks, void *userdata,
                    struct idle **ret) {
        w.idle = *callbacks;
        *ret = NULL;
        return 0;
}

struct idle *__wrap_idle_free(struct idle *i);
struct idle *__wrap_idle_free(struct idle *i) {
        return NULL;
}

int __wrap_idle_shown(struct idle *i, const char *session, uint64_t start, uint64_t since,
                      const struct idle_rules *rules);
int __wrap_idle_shown(struct idle *i, const char *session, uint64_t start, uint64_t since,
                      const struct idle_rules *rules) {
        return 0;
}

int __wrap_idle_parked(struct idle *i, const char *session, uint64_t start, uint64_t when,
                       const struct idle_rules *rules);
int __wrap_idle_parked(struct idle *i, const char *session, uint64_t start, uint64_t when,
                       const struct idle_rules *rules) {
        did("idle-parked:%s ", session);
        return 0;
}

void __wrap_idle_gone(struct idle *i, const char *session);
void __wrap_idle_gone(struct idle *i, const char *session) {
        did("idle-gone:%s ", session);
}

int __wrap_idle_set_rules(struct idle *i, const char *session, const struct idle_rules *rules);
int __wrap_idle_set_rules(struct idle *i, const char *session, const struct idle_rules *rules) {
        did("idle-rules:%s ", session);
        return 0;
}

int __wrap_walkaway_new(sd_event *event, const struct walkaway_events *events, void *userdata,
                        struct walkaway **ret);
int __wrap_walkaway_new(sd_event *event, const struct walkaway_events *events, void *userdata,
                        struct walkaway **ret) {
        w.walkaway = *events;
        *ret = NULL;
        return 0;
}

struct walkaway *__wrap_walkaway_free(struct walkaway *x);
struct walkaway *__wrap_walkaway_free(struct walkaway *x) {
        return NULL;
}

int __wrap_walkaway_signed_in(struct walkaway *x, const char *session, const struct walkaway_proof *p,
                              uint64_t now_usec);
int __wrap_walkaway_signed_in(struct walkaway *x, const char *session, const struct walkaway_proof *p,
                              uint64_t now_usec) {
        return 0;
}

void __wrap_walkaway_shown(struct walkaway *x, const char *session, uint64_t now_usec);
void __wrap_walkaway_shown(struct walkaway *x, const char *session, uint64_t now_usec) {
}

void __wrap_walkaway_parked(struct walkaway *x, const char *session);
void __wrap_walkaway_parked(struct walkaway *x, const char *session) {
}

void __wrap_walkaway_gone(struct walkaway *x, const char *session);
void __wrap_walkaway_gone(struct walkaway *x, const char *session) {
}

void __wrap_walkaway_key(struct walkaway *x, const char *device, bool plugged, uint64_t when_usec);
void __wrap_walkaway_key(struct walkaway *x, const char *device, bool plugged, uint64_t when_usec) {
}

bool __wrap_walkaway_key_left(const struct walkaway *x, const char *session);
bool __wrap_walkaway_key_left(const struct walkaway *x, const char *session) {
        return w.key_left;
}

/* --- the station, files and time */

const struct rules *__wrap_station_rules(struct station *s);
const struct rules *__wrap_station_rules(struct station *s) {
        return w.in_force;
}

const struct rule_place *__wrap_station_place(struct station *s);
const struct rule_place *__wrap_station_place(struct station *s) {
        return rules_default_place();
}

int __wrap_station_refresh(struct station *s);
int __wrap_station_refresh(struct station *s) {
        did("refresh ");
        return 0;
}

int __wrap_small_file_write(const char *path, const uint8_t *p, size_t n);
int __wrap_small_file_write(const char *path, const uint8_t *p, size_t n) {
        return 0;
}

int __wrap_small_file_read(const char *path, uint8_t **ret, size_t *ret_n);
int __wrap_small_file_read(const char *path, uint8_t **ret, size_t *ret_n) {
        return -ENOENT;
}

int __wrap_sd_event_add_inotify(sd_event *e, sd_event_source **s, const char *path, uint32_t mask,
                                sd_event_inotify_handler_t callback, void *userdata);
int __wrap_sd_event_add_inotify(sd_event *e, sd_event_source **s, const char *path, uint32_t mask,
                                sd_event_inotify_handler_t callback, void *userdata) {
        *(strstr(path, "people") ? &w.people_changed : &w.rules_changed) = callback;
        *s = NULL;
        return 0;
}

/* The timers run, and would be late: the test says when their time has come. */
int __real_sd_event_add_time(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                             uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __wrap_sd_event_add_time(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                             uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __wrap_sd_event_add_time(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                             uint64_t accuracy, sd_event_time_handler_t callback, void *userdata) {
        int r = __real_sd_event_add_time(e, s, clock, usec, accuracy, callback, userdata);
        assert_int_equal(clock, CLOCK_BOOTTIME); /* suspend counts */
        if (w.recheck_source) {                  /* that one comes first */
                w.ticket_time = callback;
                w.ticket_at = usec;
                w.ticket_on = true;
                w.ticket_source = *s;
                return r;
        }
        w.recheck_time = callback;
        w.recheck_at = usec;
        w.recheck_on = true;
        w.recheck_source = *s;
        return r;
}

int __real_sd_event_source_set_time(sd_event_source *s, uint64_t usec);
int __wrap_sd_event_source_set_time(sd_event_source *s, uint64_t usec);
int __wrap_sd_event_source_set_time(sd_event_source *s, uint64_t usec) {
        *(s == w.ticket_source ? &w.ticket_at : &w.recheck_at) = usec;
        return __real_sd_event_source_set_time(s, usec);
}

int __real_sd_event_source_set_enabled(sd_event_source *s, int enabled);
int __wrap_sd_event_source_set_enabled(sd_event_source *s, int enabled);
int __wrap_sd_event_source_set_enabled(sd_event_source *s, int enabled) {
        if (s && s == w.ticket_source)
                w.ticket_on = enabled != SD_EVENT_OFF;
        if (s && s == w.recheck_source)
                w.recheck_on = enabled != SD_EVENT_OFF;
        return __real_sd_event_source_set_enabled(s, enabled);
}

/* --- who is told */

static bool on_notice(void *userdata, const char *session, const char *kind, const char *text,
                      unsigned seconds) {
        if (w.attends)
                did("%s:%s:%s ", kind, session, text);
        return w.attends;
}

static void on_words(void *userdata, const char *text) {
        did("words:%s ", text);
}

static void on_rules_changed(void *userdata) {
        did("rules ");
}

static void on_countdown(void *userdata, const char *session, unsigned seconds) {
        did("countdown:%s:%u ", session, seconds);
}

static void on_quiet(void *userdata, const char *session, bool quiet) {
        did("quiet:%s:%d ", session, quiet);
}

static bool in_emergency(void *userdata, uid_t uid) {
        return uid == w.in_emergency;
}

static void on_record(void *userdata, struct record *r) {
}
static void nothing(void *userdata) {
}
static void on_shown(void *userdata, const struct seat_session *e) {
        stay_shown(w.stay, e);
}
static void on_parked(void *userdata, const struct seat_session *e) {
        stay_parked(w.stay, e);
}
static void on_gone(void *userdata, const struct seat_session *e) {
        stay_gone(w.stay, e);
}

static int begin(void **state) {
        static const struct seat_events seat = {on_record, nothing, on_shown, on_parked, on_gone, nothing};
        memset(&w, 0, sizeof(w));
        w.role.name = (char *) "nurse";
        w.rules = (struct rules){.recheck_usec = 15 * MINUTE, .roles = &w.role, .n_roles = 1};
        w.in_force = &w.rules;
        const struct stay_config c = {.input_listener = -1,
                                      .auth_socket = "/none",
                                      .notice = on_notice,
                                      .words = on_words,
                                      .rules_changed = on_rules_changed,
                                      .countdown = on_countdown,
                                      .quiet = on_quiet,
                                      .in_emergency = in_emergency};
        if (sd_event_new(&w.event) < 0 || seat_new(&seat, NULL, &w.seat) < 0)
                return -1;
        struct stay_config with_event = c;
        with_event.event = w.event;
        int r = stay_new(&with_event, &w.stay);
        if (r >= 0)
                stay_set_desk(w.stay, DESK);
        return r;
}

static int end(void **state) {
        w.stay = stay_free(w.stay);
        w.seat = seat_free(w.seat);
        sd_event_unref(w.event);
        return 0;
}

/* --- the world moves */

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

static struct seat_proof proof(uid_t uid) {
        struct seat_proof p = {
                .uid = uid, .attempt = ATTEMPT, .role = "nurse", .name = "Anna Berg", .badge = "b2001"};
        (void) snprintf(p.user, sizeof(p.user), "user%u", (unsigned) uid);
        (void) snprintf(p.badge, sizeof(p.badge), "b%u", (unsigned) uid);
        return p;
}

/* Her session comes to the screen; whoever's was there is parked. */
static void signs_in_by(const char *id, const struct seat_proof *p) {
        struct logind_session l = of(id, p->uid);
        seat_session(w.seat, &l, now());
        seat_let_in(w.seat, p, now());
        seat_opened(w.seat, id, p, now());
        seat_active(w.seat, &l, now());
        (void) done();
}

static void signs_in(const char *id, uid_t uid) {
        const struct seat_proof p = proof(uid);
        signs_in_by(id, &p);
}

static void goes(const char *id, uid_t uid) {
        struct logind_session l = of(id, uid);
        seat_session_gone(w.seat, &l);
}

/* A session of the site's own way, on the screen. */
static void fallback(const char *id, uid_t uid) {
        struct logind_session l = of(id, uid);
        seat_session(w.seat, &l, now());
        seat_active(w.seat, &l, now());
        (void) done();
}

static void file_changes(sd_event_inotify_handler_t handler, const char *name) {
        union {
                struct inotify_event e;
                char bytes[sizeof(struct inotify_event) + 64];
        } x = {.e = {.len = 64}};
        (void) snprintf(x.e.name, 64, "%s", name);
        assert_int_equal(handler(NULL, &x.e, w.userdata), 0);
}

static void administered(enum record_event event, const char *user, const char *uid, const char *badge,
                         enum record_outcome outcome) {
        _cleanup_(record_clear) struct record r = {.event = event, .outcome = outcome};
        assert_true(!user || record_set(&r, RECORD_FIELD_USER, user) >= 0);
        assert_true(!uid || record_set(&r, RECORD_FIELD_UID, uid) >= 0);
        assert_true(!badge || record_set(&r, RECORD_FIELD_BADGE, badge) >= 0);
        stay_administered(w.stay, &r);
}

/* --- may they still be here? */

static void what_a_refusal_does_goes_by_its_reason(void **state) {
        static const struct {
                const char *reason, *shown, *parked; /* what is done when 2002's is on the screen */
        } reasons[] = {
                {"person-ended", "no-grace:2002 end:2:person-ended ", "no-grace:2001 end:1:person-ended "},
                {"not-enrolled", "no-grace:2002 end:2:not-enrolled ", "no-grace:2001 end:1:not-enrolled "},
                {"no-account", "no-grace:2002 end:2:no-account ", "no-grace:2001 end:1:no-account "},
                {"not-leased", "no-grace:2002 end:2:not-leased ", "no-grace:2001 end:1:not-leased "},
                {"account-refused", "no-grace:2002 end:2:account-refused ",
                 "no-grace:2001 end:1:account-refused "},
                {"person-suspended", "no-grace:2002 lock:person-suspended ", "no-grace:2001 "},
                {"no-role", "no-grace:2002 lock:no-role ", "no-grace:2001 "},
                {"other-seat", "no-grace:2002 lock:other-seat ", "no-grace:2001 "},
                {"not-this-hour", "no-grace:2002 ", "no-grace:2001 "},
                {"posture", "", ""},
                {"no-such-reason", "no-grace:2002 lock:no-such-reason ", "no-grace:2001 "},
        };
        signs_in("1", 2001);
        signs_in("2", 2002);
        for (size_t i = 0; i < ELEMENTSOF(reasons); i++) {
                w.recheck.refused(w.userdata, 2002, reasons[i].reason);
                assert_string_equal(done(), reasons[i].shown);
                w.recheck.refused(w.userdata, 2001, reasons[i].reason);
                assert_string_equal(done(), reasons[i].parked);
        }
        w.accounts.refused(w.accounts.userdata, 2002);
        assert_string_equal(done(), "no-grace:2002 end:2:account-refused ");
}

static void all_sessions_of_one_person_end(void **state) {
        signs_in("1", 2001);
        signs_in("2", 2001);
        signs_in("3", 2002);
        w.accounts.refused(w.accounts.userdata, 2001);
        assert_string_equal(done(), "no-grace:2001 end:1:account-refused end:2:account-refused ");
}

static void nobody_wakes_the_station_up_while_nobody_is_signed_in(void **state) {
        stay_known(w.stay);
        assert_false(w.recheck_on);
        assert_string_equal(done(), "judge ");
        uint64_t before = now_boottime_usec();
        signs_in("1", 2001);
        assert_true(w.recheck_on && w.recheck_at >= before + 15 * MINUTE &&
                    w.recheck_at <= now_boottime_usec() + 15 * MINUTE);
        uint64_t due = w.recheck_at;
        signs_in("2", 2002); /* people who come and go do not put it off */
        goes("2", 2002);
        assert_true(w.recheck_on && w.recheck_at == due);
        goes("1", 2001);
        assert_false(w.recheck_on);
}

static void in_time_both_are_asked_about_managed_sessions(void **state) {
        signs_in("1", 2001);
        fallback("a", 1000);
        signs_in("2", 2002);
        assert_int_equal(w.recheck_time(NULL, 0, w.userdata), 0);
        assert_string_equal(done(), "judge account:2001 account:2002 ");
        w.in_emergency = 2002; /* who is let in whatever the hour stays as long as that lasts */
        assert_int_equal(w.recheck_time(NULL, 0, w.userdata), 0);
        assert_string_equal(done(), "judge account:2001 ");
        w.in_emergency = 0;
        assert_true(w.recheck_on && w.recheck_at > now_boottime_usec());
        stay_known(w.stay); /* after a restart too */
        const char *said = done();
        assert_non_null(strstr(said, "judge "));
        assert_non_null(strstr(said, "account:2001 account:2002 "));
        assert_null(strstr(said, "account:1000"));
}

static void people_at_other_seats_are_asked_about_too(void **state) {
        w.elsewhere = (struct logind_session){.id = "9", .uid = 2003, .seat = "seat1", .person = true};
        signs_in("1", 2001);
        assert_int_equal(w.recheck_time(NULL, 0, w.userdata), 0);
        assert_string_equal(done(), "judge account:2001 account:2003 ");
        w.in_emergency = 2003;
        assert_int_equal(w.recheck_time(NULL, 0, w.userdata), 0);
        assert_string_equal(done(), "judge account:2001 ");
        w.in_emergency = 0;
        w.elsewhere.uid = 1000; /* whom something else let in */
        assert_int_equal(w.recheck_time(NULL, 0, w.userdata), 0);
        assert_string_equal(done(), "judge account:2001 ");
}

static void never_means_never(void **state) {
        w.rules.recheck_usec = 0;
        signs_in("1", 2001);
        assert_false(w.recheck_on);
        w.in_force = NULL; /* no rules */
        signs_in("2", 2002);
        assert_false(w.recheck_on);
}

static void what_changes_has_everybody_judged_at_once(void **state) {
        signs_in("1", 2001);
        file_changes(w.people_changed, "people.db");
        assert_string_equal(done(), "judge "); /* PAM is asked in time: an import writes often */
        file_changes(w.people_changed, "people.db-journal");
        assert_string_equal(done(), "");
        file_changes(w.rules_changed, "current");
        assert_string_equal(done(), "refresh idle-rules:1 judge rules ");
        file_changes(w.rules_changed, "current.new");
        assert_string_equal(done(), "");
}

static void shorter_rules_bring_the_next_time_forward(void **state) {
        signs_in("1", 2001);
        uint64_t due = w.recheck_at;
        w.rules.recheck_usec = MINUTE;
        file_changes(w.rules_changed, "current");
        assert_true(w.recheck_at < due && w.recheck_at <= now_boottime_usec() + MINUTE);
}

/* --- as an administrator does */

static void a_badge_that_is_ended_parks_whom_it_signed_in(void **state) {
        signs_in("1", 2001);
        signs_in("2", 2002);
        administered(RECORD_BADGE_END, "user2002", NULL, "b2002", RECORD_FAILURE);
        assert_string_equal(done(), ""); /* it was not */
        administered(RECORD_BADGE_END, "user2002", NULL, "other", RECORD_SUCCESS);
        assert_string_equal(done(), "");
        administered(RECORD_BADGE_SUSPEND, "user2002", NULL, "b2002", RECORD_SUCCESS);
        assert_string_equal(done(), "no-grace:2002 lock:badge-suspend ");
        administered(RECORD_BADGE_END, "user2001", NULL, "b2001", RECORD_SUCCESS);
        assert_string_equal(done(), "no-grace:2001 "); /* hers is parked */
        administered(RECORD_BADGE_REPLACE, "user2002", NULL, "new", RECORD_SUCCESS);
        assert_string_equal(done(), "no-grace:2002 lock:badge-replace ");
        administered(RECORD_LOST_REPORT, "user2002", NULL, NULL, RECORD_SUCCESS);
        assert_string_equal(done(), "no-grace:2002 lock:lost-report ");
        administered(RECORD_KEY_END, "user2003", NULL, NULL, RECORD_SUCCESS);
        administered(RECORD_KEY_END, NULL, NULL, NULL, RECORD_SUCCESS);
        administered(RECORD_PERSON_ADD, "user2002", NULL, NULL, RECORD_SUCCESS);
        assert_string_equal(done(), "");
}

static void who_leaves_for_good_is_signed_out_everywhere_here(void **state) {
        signs_in("1", 2001);
        signs_in("2", 2002);
        administered(RECORD_PERSON_OFFBOARD, "user2001", NULL, NULL, RECORD_SUCCESS);
        assert_string_equal(done(), "end:1:offboard ");
        administered(RECORD_LEASE_END, "another-name", "2002", NULL, RECORD_SUCCESS);
        assert_string_equal(done(), "no-grace:2002 end:2:lease-end ");
        administered(RECORD_LEASE_END, "nobody", "4294967295", NULL, RECORD_SUCCESS);
        administered(RECORD_LEASE_END, "nobody", "x", NULL, RECORD_SUCCESS);
        assert_string_equal(done(), "");
}

static void what_is_given_for_a_while_ends_to_the_second(void **state) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_ELEVATE, .outcome = RECORD_SUCCESS};
        signs_in("1", 2001);
        uint64_t before = now_boottime_usec();
        assert_true(record_set_u64(&r, RECORD_FIELD_UNTIL_USEC, now_realtime_usec() + MINUTE) >= 0);
        stay_administered(w.stay, &r);
        assert_true(w.recheck_on && w.recheck_at >= before + MINUTE);
        assert_true(w.recheck_at <= now_boottime_usec() + MINUTE + 1000000); /* of two clocks */
}

/* --- until a ticket's end */

static void a_ticket_that_runs_out_parks_whom_it_let_in(void **state) {
        struct seat_proof p = proof(2001);
        p.until_boot_usec = now_boottime_usec() + MINUTE;
        (void) snprintf(p.ticket, sizeof(p.ticket), "t1");
        signs_in("0", 2002); /* without one */
        assert_false(w.ticket_on);
        signs_in_by("1", &p);
        assert_true(w.ticket_on && w.ticket_at == p.until_boot_usec);
        p = proof(2003);
        p.until_boot_usec = 1; /* a temporary badge whose time was over on the way */
        struct logind_session l = of("2", 2003);
        seat_session(w.seat, &l, now());
        seat_let_in(w.seat, &p, now());
        seat_opened(w.seat, "2", &p, now());
        seat_active(w.seat, &l, now());
        assert_non_null(strstr(done(), "no-grace:2003 lock:badge-lend-over "));
        assert_true(w.ticket_on); /* the other one's is still to come */
}

static void a_ticket_that_is_taken_back_takes_what_it_gave(void **state) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_TICKET_REVOKE, .outcome = RECORD_SUCCESS};
        struct seat_proof p = proof(2001);
        p.until_boot_usec = now_boottime_usec() + MINUTE;
        (void) snprintf(p.ticket, sizeof(p.ticket), "t1");
        signs_in_by("1", &p);
        assert_true(record_set(&r, RECORD_FIELD_TICKET, "t2") >= 0);
        stay_administered(w.stay, &r);
        assert_string_equal(done(), "");
        assert_true(record_set(&r, RECORD_FIELD_TICKET, "t1") >= 0);
        stay_administered(w.stay, &r);
        assert_string_equal(done(), "no-grace:2001 lock:ticket-revoked ");
}

/* --- being away */

static void the_idle_clock_locks_and_ends_what_it_is_about(void **state) {
        signs_in("1", 2001);
        signs_in("2", 2002);
        w.idle.lock(w.userdata, "1");               /* it has left the screen meanwhile */
        w.idle.sign_out(w.userdata, "2", "parked"); /* it has come to the screen meanwhile */
        w.idle.lock(w.userdata, "no-such");
        w.idle.sign_out(w.userdata, "no-such", "parked");
        w.idle.cap(w.userdata, "no-such");
        assert_string_equal(done(), "");
        w.idle.lock(w.userdata, "2");
        assert_string_equal(done(), "lock:idle ");
        w.idle.sign_out(w.userdata, "1", "parked");
        assert_string_equal(done(), "end:1:parked ");
        w.idle.cap(w.userdata, "1");
        assert_string_equal(done(), "cap:2001 ");
        w.idle.countdown(w.userdata, "2", 30);
        w.idle.quiet(w.userdata, "2", true);
        assert_string_equal(done(), "countdown:2:30 quiet:2:1 ");
}

static void walking_away_locks_unless_the_role_says_nothing(void **state) {
        signs_in("1", 2001);
        signs_in("2", 2002);
        w.walkaway.left(w.userdata, "1", "badge-removed");
        assert_string_equal(done(), ""); /* it is not on the screen */
        w.walkaway.left(w.userdata, "2", "key-removed");
        assert_string_equal(done(), "lock:key-removed ");
        w.role.walk_away = WALK_AWAY_NOTHING;
        w.walkaway.left(w.userdata, "2", "key-removed");
        assert_string_equal(done(), "");
        w.in_force = NULL; /* her role is not known any more: the stricter */
        w.walkaway.left(w.userdata, "2", "key-removed");
        assert_string_equal(done(), "lock:key-removed ");
}

static void the_sites_own_sessions_are_not_ended_for_being_parked(void **state) {
        fallback("a", 1000);
        struct logind_session greeter = {.id = "g", .uid = 910, .seat = SEAT, .greeter = true};
        seat_active(w.seat, &greeter, now());
        assert_string_equal(done(), "idle-gone:a ");
        signs_in("1", 2001);
        seat_active(w.seat, &greeter, now());
        assert_string_equal(done(), "idle-parked:1 ");
}

static void a_key_that_was_left_is_told_to_whoever_comes_next(void **state) {
        struct logind_session greeter = {.id = "g", .uid = 910, .seat = SEAT, .greeter = true};
        signs_in("1", 2001);
        w.key_left = true;
        seat_active(w.seat, &greeter, now());
        assert_non_null(strstr(done(), "words:Anna Berg, take your key. "));
        assert_string_equal(stay_words(w.stay), "Anna Berg, take your key.");
        signs_in("2", 2002); /* her session's program is not there yet */
        assert_string_equal(stay_words(w.stay), "Anna Berg, take your key.");
        w.attends = true;
        stay_attended(w.stay, "1");
        assert_string_equal(done(), "");
        stay_attended(w.stay, "2");
        assert_string_equal(done(), "take-key:2:Anna Berg, take your key. ");
        assert_string_equal(stay_words(w.stay), "");
        stay_attended(w.stay, "2");
        assert_string_equal(done(), ""); /* once */
}

static void a_key_that_was_taken_is_nobodys_business(void **state) {
        struct logind_session greeter = {.id = "g", .uid = 910, .seat = SEAT, .greeter = true};
        signs_in("1", 2001);
        w.key_left = true;
        seat_active(w.seat, &greeter, now());
        stay_key(w.stay, "another", false, 1);
        assert_string_equal(stay_words(w.stay), "Anna Berg, take your key.");
        w.key_left = false;
        stay_key(w.stay, "hers", false, 2);
        assert_string_equal(stay_words(w.stay), "");
}

static void without_wardtap_idle_nobody_knows_of_input(void **state) {
        assert_true(stay_last_input(w.stay) == UINT64_MAX);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void) {
        const struct CMUnitTest tests[] = {
                T(what_a_refusal_does_goes_by_its_reason),
                T(all_sessions_of_one_person_end),
                T(nobody_wakes_the_station_up_while_nobody_is_signed_in),
                T(in_time_both_are_asked_about_managed_sessions),
                T(people_at_other_seats_are_asked_about_too),
                T(never_means_never),
                T(what_changes_has_everybody_judged_at_once),
                T(shorter_rules_bring_the_next_time_forward),
                T(a_badge_that_is_ended_parks_whom_it_signed_in),
                T(who_leaves_for_good_is_signed_out_everywhere_here),
                T(what_is_given_for_a_while_ends_to_the_second),
                T(a_ticket_that_runs_out_parks_whom_it_let_in),
                T(a_ticket_that_is_taken_back_takes_what_it_gave),
                T(the_idle_clock_locks_and_ends_what_it_is_about),
                T(walking_away_locks_unless_the_role_says_nothing),
                T(the_sites_own_sessions_are_not_ended_for_being_parked),
                T(a_key_that_was_left_is_told_to_whoever_comes_next),
                T(a_key_that_was_taken_is_nobodys_business),
                T(without_wardtap_idle_nobody_knows_of_input),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
