/* SPDX-License-Identifier: Apache-2.0 */
/* Taps at an open session, and the ways a session leaves the screen. */
#include "helper/desk.h"

#include "common/socket.h"
#include "helper/console.h"
#include "helper/greeter.h"
#include "helper/judge.h"
#include "helper/log.h"
#include "helper/small_file.h"
#include "policy/reason.h"

#include <errno.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

/* So often the greeter is asked for again, before a prompt is looked for. */
#define LATES_MAX 2U
/* So often in the life of a tap it is judged anew when no verdict came of it. */
#define UNJUDGED_MAX 3U

/* So many sessions of other seats may be on their way out at once. */
#define ENDED_MAX 16U

enum move { STILL, TO_GREETER, TO_PERSON };

struct desk {
        struct desk_config config;
        struct logind *logind;
        struct seat *seat;
        struct judge *judge;
        struct console *console; /* NULL where there are no virtual terminals */
        enum move move;
        unsigned lates;       /* how often the greeter did not come in time */
        bool seeks_prompt;    /* the seat was left, and no prompt waited to be shown */
        bool sleeping, known; /* known: logind has told all once */
        bool kept;            /* what was before a restart has been read */
        sd_event_source *timer;
        uint64_t begun_usec;    /* when the tap that is judged was about to be */
        uint64_t void_usec;     /* taps that were seen by then are nobody's at an open session */
        unsigned unjudged;      /* attempts that ended without a verdict */
        uint64_t unjudged_usec; /* the first of them, CLOCK_MONOTONIC */
        char ended[ENDED_MAX]
                  [LOGIND_ID_SIZE]; /* sessions of other seats that were, as logind may not say yet */
        size_t ended_at;
};

static struct seat_now now(void) {
        return (struct seat_now){.mono_usec = now_monotonic_usec(), .boot_usec = now_boottime_usec()};
}

/* --- leaving the screen */

static void arrive(struct desk *d) {
        d->move = STILL;
        d->lates = 0;
        seat_leaves(d->seat, "", ""); /* what was to make it leave has done so, or has failed */
        if (d->timer)
                (void) sd_event_source_set_enabled(d->timer, SD_EVENT_OFF);
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata);

static void begin_move(struct desk *d, enum move move) {
        d->move = move;
        if (!d->timer) {
                (void) sd_event_add_time_relative(d->config.event, &d->timer, CLOCK_MONOTONIC,
                                                  DESK_MOVE_USEC, 0, on_late, d);
                return;
        }
        (void) sd_event_source_set_time_relative(d->timer, DESK_MOVE_USEC);
        (void) sd_event_source_set_enabled(d->timer, SD_EVENT_ONESHOT);
}

static bool is_taken(const struct desk *d, unsigned vt) {
        const struct logind_session *s;
        for (size_t i = 0; (s = logind_at(d->logind, i)); i++)
                if (s->vt == vt && strcmp(s->seat, SEAT) == 0)
                        return true;
        return false;
}

/* A prompt that waits for a tap; else the one that logind begins. A terminal on which somebody has signed in
 * is never shown for it. */
static unsigned prompt_terminal(const struct desk *d) {
        unsigned vt = taps_waiting_terminal(d->config.taps, SEAT);
        if (vt == 0)
                vt = DESK_RESERVED_TERMINAL;
        return is_taken(d, vt) ? DESK_EMPTY_TERMINAL : vt;
}

static bool goes_to_terminal(const struct desk *d) {
        return !switcher_has_greeter(d->config.switcher) ||
               (switcher_is_of_terminals(d->config.switcher) &&
                taps_waiting_terminal(d->config.taps, SEAT) > 0);
}

static void show_prompt(void *userdata) {
        struct desk *d = userdata;
        if (goes_to_terminal(d) || switcher_greeter(d->config.switcher) < 0)
                (void) logind_show_terminal(d->logind, prompt_terminal(d), NULL, NULL);
}

/* At once to where nothing is, and only then to where the next person signs in: a greeter that is there
 * already would else come first, and leave the screen again. From a terminal to another there is nothing
 * that logind would tell of. */
static void show_greeter(struct desk *d) {
        const struct logind_session *active = logind_active(d->logind);
        d->seeks_prompt = goes_to_terminal(d) && taps_waiting_terminal(d->config.taps, SEAT) == 0;
        if (active || !goes_to_terminal(d))
                begin_move(d, TO_GREETER);
        if (!active || active->greeter ||
            logind_show_terminal(d->logind, DESK_EMPTY_TERMINAL, show_prompt, d) < 0)
                show_prompt(d);
}

static void record_not_shown(struct desk *d) {
        recorder_note(d->config.recorder, RECORD_GUARD_ALERT, NULL, "lock-not-shown",
                      "The greeter did not come to the screen in time; it is asked for again.");
}

/* Nobody waits for a session that does not come; for the greeter that hides one, until it is there. */
static int on_late(sd_event_source *source, uint64_t usec, void *userdata) {
        struct desk *d = userdata;
        if (d->move == TO_GREETER && ++d->lates < LATES_MAX) {
                record_not_shown(d);
                show_greeter(d);
                return 0;
        }
        if (d->move == TO_GREETER) /* it does not come at all: to where somebody can be let in, or mend it */
                (void) logind_show_terminal(d->logind, prompt_terminal(d), NULL, NULL);
        arrive(d);
        d->config.events.changed(d->config.userdata);
        return 0;
}

int desk_lock(struct desk *d, const char *reason, const char *requestor) {
        if (!seat_shown(d->seat))
                return -ENOENT;
        seat_leaves(d->seat, reason, requestor);
        show_greeter(d);
        return 0;
}

int desk_sign_out(struct desk *d, const char *session, const char *reason, const char *requestor) {
        if (!seat_find(d->seat, session))
                return -ENOENT;
        seat_ends(d->seat, session, reason, requestor);
        return logind_terminate(d->logind, session);
}

/* --- other seats, and none */

const struct logind_session *desk_elsewhere(const struct desk *d, size_t i) {
        const struct logind_session *s;
        size_t n = 0;
        for (size_t k = 0; (s = logind_at(d->logind, k)); k++)
                if (s->person && !s->closing && !seat_find(d->seat, s->id) && n++ == i)
                        return s;
        return NULL;
}

/* As the seat's own table records it, of a session that is not in it. Its end is told later: until then it
 * is in logind's table. */
static void end_elsewhere(struct desk *d, const struct logind_session *s, const char *reason,
                          const char *requestor) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_SIGN_OUT, .outcome = RECORD_SUCCESS};
        if (record_set(&r, RECORD_FIELD_SEAT, s->seat[0] ? s->seat : NULL) >= 0 &&
            record_set(&r, RECORD_FIELD_USER, s->user) >= 0 &&
            record_set_u64(&r, RECORD_FIELD_UID, s->uid) >= 0 &&
            record_set(&r, RECORD_FIELD_FROM_SESSION, s->id) >= 0 &&
            record_set(&r, RECORD_FIELD_REASON, reason) >= 0 &&
            record_set(&r, RECORD_FIELD_REQUESTOR, requestor) >= 0)
                recorder_submit(d->config.recorder, &r, 0);
        (void) logind_terminate(d->logind, s->id);
}

void desk_sign_out_elsewhere(struct desk *d, uid_t uid, const char *user, const char *reason,
                             const char *requestor) {
        const struct logind_session *s;
        for (size_t i = 0; (s = desk_elsewhere(d, i)); i++)
                if (s->uid == uid || (user && strcmp(s->user, user) == 0))
                        end_elsewhere(d, s, reason, requestor);
}

void desk_sign_out_other_seats(struct desk *d, uid_t uid, const char *reason, const char *requestor) {
        const struct logind_session *s;
        for (size_t i = 0; (s = desk_elsewhere(d, i)); i++)
                if (s->uid == uid && s->seat[0])
                        end_elsewhere(d, s, reason, requestor);
}

/* --- taps at an open session */

const char *desk_service(const struct desk *d) {
        return switcher_service(d->config.switcher);
}

/* Whoever tapped sees that it came to nothing, and so does whoever reads the records. */
static void give_up(struct desk *d, int error) {
        const struct seat_session *s = seat_shown(d->seat);
        log_line(SD_WARNING, "A tap at an open session cannot be judged: %s", strerror(-error));
        recorder_note(d->config.recorder, RECORD_ALERT, NULL, "tap-not-judged",
                      "A tap at an open session came to no verdict (wardtap-authd).");
        if (s)
                d->config.events.notice(d->config.userdata, s, "refused", "This did not work. Tap again.",
                                        DESK_NOTICE_SECONDS);
        d->unjudged = 0;
        d->void_usec = now_monotonic_usec();
        taps_drop(d->config.taps, SEAT, d->void_usec);
}

static void begin_judging(struct desk *d) {
        d->begun_usec = now_monotonic_usec();
        int r = judge_begin(d->judge, WIRE_SEAT, desk_service(d), SEAT, "");
        if (r < 0)
                give_up(d, r);
}

/* An attempt that was held up for too long gives its tap back, and another is asked about it. */
static bool is_judged_anew(struct desk *d) {
        uint64_t t = now_monotonic_usec();
        if (d->unjudged == 0 || t - d->unjudged_usec > BROKER_TAP_FRESH_USEC) {
                d->unjudged = 0;
                d->unjudged_usec = t;
        }
        return ++d->unjudged < UNJUDGED_MAX;
}

/* login gives up a prompt now and then, and begins it anew: the seat that found none goes to the next. */
static void follow_prompt(struct desk *d) {
        unsigned vt = taps_waiting_terminal(d->config.taps, SEAT);
        if (!d->seeks_prompt || vt == 0 || d->move != STILL || logind_active(d->logind))
                return;
        d->seeks_prompt = false;
        (void) logind_show_terminal(d->logind, prompt_terminal(d), NULL, NULL);
}

void desk_consider(struct desk *d) {
        uint64_t t = now_monotonic_usec();
        const struct logind_session *active = logind_active(d->logind);
        follow_prompt(d);
        if (!logind_has_seat(d->logind) || judge_is_busy(d->judge) || d->move != STILL ||
            switcher_is_busy(d->config.switcher))
                return;
        if (active && active->person)
                taps_drop(d->config.taps, SEAT, d->void_usec);
        if ((active && active->greeter) || !taps_is_unheard(d->config.taps, SEAT, t))
                return; /* a greeter that does not wait is greeter.h's */
        if (active && active->person)
                begin_judging(d);
        else
                show_greeter(d);
}

static void on_words(void *userdata, enum wire_type type, const char *text) {
        struct desk *d = userdata;
        const struct seat_session *s = seat_shown(d->seat);
        if (s && type == WIRE_ERROR)
                d->config.events.notice(d->config.userdata, s, "refused", text, DESK_NOTICE_SECONDS);
}

/* What was judged is used up by its record. What could not be is nobody's in the end: it would be judged for
 * ever. */
static void on_judged(void *userdata, int error, enum wire_verdict verdict) {
        struct desk *d = userdata;
        if (error >= 0)
                d->unjudged = 0;
        if (error >= 0 && verdict == WIRE_ELSEWHERE && seat_shown(d->seat)) {
                seat_leaves(d->seat, "tap-over", "unknown");
                show_greeter(d);
        } else if (error >= 0) {
                d->void_usec = d->begun_usec; /* also where its record could not be made */
        } else if (!is_judged_anew(d)) {
                give_up(d, error);
        }
        d->config.events.changed(d->config.userdata);
}

/* --- what attempts say */

static bool is_ours(const char *seat) {
        return !*seat || strcmp(seat, SEAT) == 0;
}

enum broker_presence desk_presence(const struct desk *d, uid_t uid, const char *seat, uint64_t tap_usec) {
        bool open = sessions_has(d->config.sessions, uid);
        if (!logind_has_seat(d->logind))
                return open ? BROKER_OPEN : BROKER_ABSENT;
        enum broker_presence p = seat_presence(d->seat, uid, tap_usec);
        if (!is_ours(seat)) /* what is open at seat0 is nothing that another seat could give back */
                return open && p == BROKER_ABSENT ? BROKER_OPEN : BROKER_ABSENT;
        return p == BROKER_OPEN && !open ? BROKER_ABSENT : p; /* a badge alone does not resume it any more */
}

/* One that is about to end, or that somebody far away has, takes no seat. */
static bool is_at_other_seat(const struct logind_session *l, uid_t uid, const char *seat) {
        return l->uid == uid && l->person && !l->remote && !l->closing && l->seat[0] &&
               strcmp(l->seat, seat) != 0;
}

bool desk_is_at_other_seat(const struct desk *d, uid_t uid, const char *seat) {
        const struct logind_session *l;
        for (size_t i = 0; (l = logind_at(d->logind, i)); i++)
                if (is_at_other_seat(l, uid, *seat ? seat : SEAT))
                        return true;
        return false;
}

void desk_let_in(struct desk *d, const char *seat, const struct seat_proof *p) {
        if (is_ours(seat))
                seat_let_in(d->seat, p, now());
}

void desk_no_greeter(struct desk *d) {
        if (d->move == TO_GREETER && d->timer)
                (void) sd_event_source_set_time_relative(d->timer, DESK_AGAIN_USEC);
}

bool desk_can_switch(const struct desk *d) {
        const struct logind_session *s = logind_active(d->logind);
        const char *service = switcher_service(d->config.switcher);
        return !s || s->greeter || switcher_is_of_terminals(d->config.switcher) ||
               strncmp(s->service, service, strlen(service)) == 0; /* also "lightdm-autologin" */
}

void desk_begins_to_show(struct desk *d, const struct seat_proof *p) {
        if (seat_shown(d->seat))
                seat_leaves(d->seat, "tap-over", p->user);
}

const char *desk_parked_session(const struct desk *d, uid_t uid) {
        const struct seat_session *s, *last = NULL;
        for (size_t i = 0; (s = seat_at(d->seat, i)); i++)
                if (s->uid == uid && s->managed && !s->shown && !s->closing &&
                    (!last || s->since_usec > last->since_usec))
                        last = s;
        return last ? last->id : NULL;
}

int desk_activate(struct desk *d, const char *session) {
        return logind_activate(d->logind, session);
}

/* What is on its way to the greeter meanwhile has a reason of its own. */
void desk_shows_not(struct desk *d) {
        if (d->move != TO_GREETER)
                seat_leaves(d->seat, "", "");
}

void desk_shows(struct desk *d, const char *attempt) {
        seat_let_in_later(d->seat, attempt, now());
        begin_move(d, TO_PERSON);
}

int desk_tap_out(struct desk *d, uid_t uid, const char *user, const char *what) {
        const struct seat_session *s = seat_shown(d->seat);
        if (!s || s->uid != uid)
                return -ESTALE;
        if (strcmp(what, tap_out_name(TAP_OUT_NOTHING)) == 0)
                return 0;
        if (strcmp(what, tap_out_name(TAP_OUT_SIGN_OUT)) == 0)
                return desk_sign_out(d, s->id, "tap-out", user);
        return desk_lock(d, "tap-out", user);
}

static bool is_ended(struct desk *d, const char *session) {
        for (size_t i = 0; i < ENDED_MAX; i++)
                if (strcmp(d->ended[i], session) == 0)
                        return true;
        (void) snprintf(d->ended[d->ended_at], LOGIND_ID_SIZE, "%s", session);
        d->ended_at = (d->ended_at + 1) % ENDED_MAX;
        return false;
}

static void end_other_seats(struct desk *d, uid_t uid, const char *session, const char *seat) {
        const struct rules *rules = station_rules(d->config.station);
        const struct logind_session *l;
        if (!*seat || !rules || rules->other_seats != OTHER_SEATS_END)
                return;
        for (size_t i = 0; (l = logind_at(d->logind, i)); i++) {
                if (!is_at_other_seat(l, uid, seat) || strcmp(l->id, session) == 0 || is_ended(d, l->id))
                        continue;
                if (seat_find(d->seat, l->id))
                        (void) desk_sign_out(d, l->id, reason_name(REASON_OTHER_SEAT), "node");
                else
                        end_elsewhere(d, l, reason_name(REASON_OTHER_SEAT), "node");
        }
}

void desk_opened(struct desk *d, const char *session, uid_t uid, const char *seat,
                 const struct seat_proof *p) {
        const struct logind_session *l = logind_find(d->logind, session);
        seat_opened(d->seat, session, p, now());
        end_other_seats(d, uid, session, l ? l->seat : seat);
}

void desk_closing(struct desk *d, uid_t uid, const char *attempt) {
        seat_closing(d->seat, uid, attempt);
}

const struct seat *desk_seat(const struct desk *d) {
        return d->seat;
}

void desk_look(struct desk *d, struct taps_screen *ret) {
        const struct logind_session *s = logind_active(d->logind);
        greeter_look(ret); /* also where there is no bus yet */
        if (!logind_has_seat(d->logind))
                return;
        ret->seat = true;
        ret->manager =
                *switcher_service(d->config.switcher) && !switcher_is_of_terminals(d->config.switcher);
        ret->person = s && s->person;
        memset(ret->greeter, 0, sizeof(ret->greeter));
        if (s && s->greeter && strlen(s->id) < sizeof(ret->greeter)) {
                memcpy(ret->greeter, s->id, strlen(s->id));
                ret->greeter_usec = s->since_usec;
        }
}

/* --- what the seat's table says */

static void on_record(void *userdata, struct record *r) {
        struct desk *d = userdata;
        recorder_submit(d->config.recorder, r, 0);
}

static void on_guard(void *userdata) {
        show_greeter(userdata);
}

static void on_shown(void *userdata, const struct seat_session *s) {
        struct desk *d = userdata;
        d->seeks_prompt = false;
        const struct logind_session *l = logind_find(d->logind, s->id);
        d->config.events.shown(d->config.userdata, s);
        if (s->managed)
                end_other_seats(d, s->uid, s->id, SEAT);
        if (l) /* what it says of itself counts from now on */
                d->config.events.hint(d->config.userdata, l);
}

static void on_parked(void *userdata, const struct seat_session *s) {
        struct desk *d = userdata;
        d->config.events.parked(d->config.userdata, s);
}

static void on_gone(void *userdata, const struct seat_session *s) {
        struct desk *d = userdata;
        d->config.events.gone(d->config.userdata, s);
}

static void on_seat_changed(void *userdata) {
        struct desk *d = userdata;
        if (!d->known)
                return; /* half of it would be kept */
        _cleanup_(freep) uint8_t *p = NULL;
        size_t n = 0;
        int r = seat_write(d->seat, &p, &n);
        if (r >= 0)
                r = small_file_write(d->config.state, p, n);
        if (r < 0)
                log_line(SD_WARNING, "Cannot keep who is signed in over a restart (%s): %s", d->config.state,
                         strerror(-r));
}

/* --- what logind says */

/* Whom an attempt let in before we started has a session to be guarded, also where nobody says which. */
static void find_managed(struct desk *d) {
        const struct seat_session *s;
        for (size_t i = 0; !d->kept && (s = seat_at(d->seat, i)); i++)
                if (sessions_has(d->config.sessions, s->uid))
                        seat_manage(d->seat, s->uid);
}

static void on_ready(void *userdata, bool ready) {
        struct desk *d = userdata;
        if (ready) {
                (void) logind_hold_sleep(d->logind);
                if (!d->known) {
                        d->known = true;
                        find_managed(d);
                        seat_found_active(d->seat, logind_active(d->logind), now());
                        d->config.events.known(d->config.userdata);
                }
        }
        d->config.events.changed(d->config.userdata);
}

static void on_session(void *userdata, const struct logind_session *l) {
        struct desk *d = userdata;
        seat_session(d->seat, l, now());
        d->config.events.hint(d->config.userdata, l);
}

static void on_session_gone(void *userdata, const struct logind_session *l) {
        struct desk *d = userdata;
        seat_session_gone(d->seat, l);
}

static void let_sleep(struct desk *d) {
        if (d->sleeping)
                logind_let_sleep(d->logind);
}

static void on_active(void *userdata, const struct logind_session *l) {
        struct desk *d = userdata;
        if (d->known)
                seat_active(d->seat, l, now());
        if ((l && l->person && seat_shown(d->seat)) ||
            (d->move == TO_GREETER && (l ? l->greeter : goes_to_terminal(d))))
                arrive(d);
        if (!seat_shown(d->seat))
                let_sleep(d);
        d->config.events.changed(d->config.userdata);
}

/* Another prompt may be on the screen now, for a tap that waits. */
static void on_terminal(void *userdata) {
        struct desk *d = userdata;
        d->config.events.changed(d->config.userdata);
}

static void on_sleep(void *userdata, bool begins) {
        struct desk *d = userdata;
        d->sleeping = begins;
        if (!begins)
                (void) logind_hold_sleep(d->logind);
        else if (desk_lock(d, "suspend", "node") < 0)
                let_sleep(d);
}

static void on_inhibited(void *userdata, bool idle) {
        struct desk *d = userdata;
        d->config.events.inhibited(d->config.userdata, idle);
}

void desk_connected(struct desk *d, sd_bus *bus) {
        switcher_connected(d->config.switcher, bus);
        logind_connected(d->logind, bus);
}

static int read_state(struct desk *d) {
        _cleanup_(freep) uint8_t *p = NULL;
        size_t n = 0;
        int r = small_file_read(d->config.state, &p, &n);
        return r < 0 ? r : seat_read(d->seat, (struct bytes){p, n});
}

int desk_new(const struct desk_config *c, struct desk **ret) {
        static const struct logind_events logind = {.ready = on_ready,
                                                    .session = on_session,
                                                    .gone = on_session_gone,
                                                    .active = on_active,
                                                    .sleep = on_sleep,
                                                    .inhibited = on_inhibited};
        static const struct seat_events seat = {.record = on_record,
                                                .guard = on_guard,
                                                .shown = on_shown,
                                                .parked = on_parked,
                                                .gone = on_gone,
                                                .changed = on_seat_changed};
        static const struct judge_events judge = {.words = on_words, .done = on_judged};
        _cleanup_(desk_freep) struct desk *d = calloc(1, sizeof(*d));
        int r;
        if (!d)
                return -ENOMEM;
        d->config = *c;
        if ((r = seat_new(&seat, d, &d->seat)) < 0 || (r = logind_new(&logind, d, &d->logind)) < 0 ||
            (r = judge_new(c->event, c->auth_socket, &judge, d, &d->judge)) < 0)
                return r;
        r = console_new(c->event, on_terminal, d, &d->console);
        if (r < 0 && r != -ENOENT)
                log_line(SD_WARNING, "Which terminal is on the screen cannot be followed: %s", strerror(-r));
        r = read_state(d);
        d->kept = r >= 0;
        if (r < 0 && r != -ENOENT)
                log_line(SD_WARNING, "What was kept of the seat cannot be read (%s): %s", c->state,
                         strerror(-r));
        *ret = TAKE_PTR(d);
        return 0;
}

struct desk *desk_free(struct desk *d) {
        if (!d)
                return NULL;
        d->console = console_free(d->console);
        d->judge = judge_free(d->judge);
        d->logind = logind_free(d->logind);
        d->seat = seat_free(d->seat);
        sd_event_source_disable_unref(d->timer);
        free(d);
        return NULL;
}
