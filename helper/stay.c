/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a person's stay, and what each of them has done. */
#include "helper/stay.h"

#include "common/paths.h"
#include "common/socket.h"
#include "helper/accounts.h"
#include "helper/ends.h"
#include "helper/idle.h"
#include "helper/input.h"
#include "helper/log.h"
#include "helper/recheck.h"
#include "helper/small_file.h"
#include "helper/walkaway.h"
#include "policy/decide.h"
#include "policy/reason.h"

#include <errno.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <systemd/sd-daemon.h>

#define TAKE_KEY_SECONDS 10U
/* So long it waits for the program of a session that has just begun. */
#define TAKE_KEY_WAIT_USEC (20U * 1000U * 1000U)

struct stay {
        struct stay_config config;
        struct desk *desk;
        struct idle *idle;
        struct input *input;
        struct walkaway *walkaway;
        struct recheck *recheck;
        struct accounts *accounts;
        sd_event_source *timer;  /* of the next recheck */
        sd_event_source *ticket; /* of the next end of what a ticket gave */
        uint64_t recheck_usec;   /* when that is due, CLOCK_BOOTTIME; 0: not armed */
        struct ends ends;        /* of what people were given for a while */
        sd_event_source *rules_changed, *people_changed;
        uint64_t input_usec;
        char key_of[LOGIND_ID_SIZE];  /* the session that it signed in */
        char key_left[160];           /* words for whoever comes next: somebody's key is in the port */
        char key_for[LOGIND_ID_SIZE]; /* the session that came next, whose program is to be told it */
        uint64_t key_until_usec;      /* CLOCK_MONOTONIC; until then */
};

/* --- rules */

static const struct rule_role *role_of(struct stay *s, const struct seat_session *e) {
        const struct rules *rules = station_rules(s->config.station);
        for (size_t i = 0; rules && i < rules->n_roles; i++)
                if (strcmp(rules->roles[i].name, e->proof.role) == 0)
                        return &rules->roles[i];
        return NULL;
}

static struct idle_rules idle_rules(struct stay *s, const struct seat_session *e) {
        struct idle_rules r;
        idle_rules_of(station_place(s->config.station), role_of(s, e), &r);
        return r;
}

/* --- time */

static void on_countdown(void *userdata, const char *session, unsigned seconds) {
        struct stay *s = userdata;
        s->config.countdown(s->config.userdata, session, seconds);
}

static void on_idle_lock(void *userdata, const char *session) {
        struct stay *s = userdata;
        const struct seat_session *e = seat_shown(desk_seat(s->desk));
        if (e && strcmp(e->id, session) == 0)
                (void) desk_lock(s->desk, "idle", "node");
}

static void on_parked_long(void *userdata, const char *session, const char *reason) {
        struct stay *s = userdata;
        const struct seat_session *e = seat_find(desk_seat(s->desk), session);
        if (e && !e->shown)
                (void) desk_sign_out(s->desk, e->id, reason, "node");
}

static void on_cap(void *userdata, const char *session) {
        struct stay *s = userdata;
        const struct seat_session *e = seat_find(desk_seat(s->desk), session);
        if (e)
                sessions_cap(s->config.sessions, e->uid);
}

static void on_quiet(void *userdata, const char *session, bool quiet) {
        struct stay *s = userdata;
        s->config.quiet(s->config.userdata, session, quiet);
}

static void on_active(void *userdata, uint64_t now_usec) {
        struct stay *s = userdata;
        s->input_usec = now_usec;
        idle_input(s->idle);
}

static void on_watched(void *userdata, bool watched) {
        struct stay *s = userdata;
        if (!watched)
                s->input_usec = 0;
}

uint64_t stay_last_input(const struct stay *s) {
        return !s->input || !input_is_watched(s->input) ? UINT64_MAX : s->input_usec;
}

/* --- walking away */

static void on_left(void *userdata, const char *session, const char *reason) {
        struct stay *s = userdata;
        const struct seat_session *e = seat_shown(desk_seat(s->desk));
        if (!e || strcmp(e->id, session) != 0)
                return;
        const struct rule_role *role = role_of(s, e);
        if (!role || role->walk_away == WALK_AWAY_LOCK)
                (void) desk_lock(s->desk, reason, "node");
}

static void on_walkaway_changed(void *userdata) {
        struct stay *s = userdata;
        _cleanup_(freep) uint8_t *p = NULL;
        size_t n = 0;
        int r = walkaway_write(s->walkaway, &p, &n);
        if (r >= 0)
                r = small_file_write(STAY_FILE, p, n);
        if (r < 0)
                log_line(SD_WARNING, "Cannot keep with what people signed in over a restart: %s",
                         strerror(-r));
}

/* Whoever leaves is reminded at the greeter, or by whoever comes next. */
static void look_for_key(struct stay *s, const struct seat_session *e) {
        const char *name = e->proof.name[0] ? e->proof.name : e->user;
        s->key_left[0] = 0;
        if (!walkaway_key_left(s->walkaway, e->id))
                return;
        memcpy(s->key_of, e->id, sizeof(s->key_of));
        (void) snprintf(s->key_left, sizeof(s->key_left), "%s, take your key.", name);
        s->config.words(s->config.userdata, s->key_left);
}

/* --- may they still be here? */

/* REASON_NO_ACCOUNT is said only where the name service itself knows of no such user, never while it is down
 * (pam_module/auth/account.h). */
static bool is_end(enum reason reason) {
        return reason == REASON_PERSON_ENDED || reason == REASON_NOT_ENROLLED ||
               reason == REASON_NO_ACCOUNT || reason == REASON_NOT_LEASED ||
               reason == REASON_ACCOUNT_REFUSED;
}

/* Whoever works is not thrown out by the clock: that her hours are over counts at her next tap. What takes
 * the right away counts at once. */
static void on_refused(void *userdata, uid_t uid, const char *name) {
        struct stay *s = userdata;
        enum reason reason = reason_from_name(name);
        const struct seat_session *e, *ended[SEAT_SESSIONS_MAX];
        size_t n = 0;
        if (reason == REASON_POSTURE)
                return; /* it is about the station, and it is over when the check passes again */
        sessions_end_grace(s->config.sessions, uid);
        if (reason == REASON_NOT_THIS_HOUR)
                return;
        for (size_t i = 0; (e = seat_at(desk_seat(s->desk), i)); i++)
                if (e->uid == uid && is_end(reason))
                        ended[n++] = e;
        for (size_t i = 0; i < n; i++)
                (void) desk_sign_out(s->desk, ended[i]->id, name, "node");
        if (is_end(reason))
                desk_sign_out_elsewhere(s->desk, uid, NULL, name, "node");
        e = seat_shown(desk_seat(s->desk));
        if (e && e->uid == uid && n == 0)
                (void) desk_lock(s->desk, name, "node");
}

static uint64_t until_next_recheck(struct stay *s) {
        const struct rules *rules = station_rules(s->config.station);
        return rules && rules->recheck_usec > 0 ? rules->recheck_usec : UINT64_MAX;
}

/* Whoever an attempt let in, at whatever seat. */
static void recheck_now(struct stay *s) {
        const struct seat_session *e;
        const struct logind_session *l;
        recheck_begin(s->recheck, desk_service(s->desk));
        for (size_t i = 0; (e = seat_at(desk_seat(s->desk), i)); i++)
                if (e->managed)
                        recheck_add(s->recheck, e->uid, e->user);
        for (size_t i = 0; (l = desk_elsewhere(s->desk, i)); i++)
                if (sessions_is_open(s->config.sessions, l->uid))
                        recheck_add(s->recheck, l->uid, l->user);
        recheck_go(s->recheck);
}

static void on_account_refused(void *userdata, uid_t uid) {
        on_refused(userdata, uid, reason_name(REASON_ACCOUNT_REFUSED));
}

/* What PAM's account rules say changes without a signal of ours, so they are asked in time, and not whenever
 * something of people is written. Nothing that the hour or a list says ends an emergency. */
static void ask_accounts(struct stay *s) {
        const struct seat_session *e;
        const struct logind_session *l;
        for (size_t i = 0; (e = seat_at(desk_seat(s->desk), i)); i++)
                if (e->managed && !s->config.in_emergency(s->config.userdata, e->uid))
                        accounts_ask(s->accounts, e->uid);
        for (size_t i = 0; (l = desk_elsewhere(s->desk, i)); i++)
                if (sessions_is_open(s->config.sessions, l->uid) &&
                    !s->config.in_emergency(s->config.userdata, l->uid))
                        accounts_ask(s->accounts, l->uid);
}

static int on_recheck_time(sd_event_source *source, uint64_t usec, void *userdata);

/* Hours begin and end with a minute; between them nothing changes by itself. */
static uint64_t until_hours_change(struct stay *s) {
        const struct rules *rules = station_rules(s->config.station);
        struct policy_clock c = {.realtime_usec = now_realtime_usec()};
        unsigned least = UINT32_MAX;
        if (!rules || policy_clock_set_local(&c) < 0)
                return UINT64_MAX;
        for (size_t i = 0; i < rules->n_roles; i++)
                for (size_t k = 0; k < rules->roles[i].hours.n; k++) {
                        const struct hours_span *h = &rules->roles[i].hours.spans[k];
                        unsigned from = (h->from + 2880U - c.minute - 1U) % 1440U + 1U;
                        unsigned to = (h->to + 2880U - c.minute - 1U) % 1440U + 1U;
                        least = from < least ? from : least;
                        least = to < least ? to : least;
                }
        if (least == UINT32_MAX)
                return UINT64_MAX;
        return least * 60000000ULL - c.realtime_usec % 60000000ULL;
}

/* Only while somebody is signed in, or has something for a while: nobody else wakes the station up. What is
 * armed is not put off: people who come and go would do so for ever. */
static void arm_recheck(struct stay *s) {
        uint64_t when = until_next_recheck(s), hours = until_hours_change(s), t = now_boottime_usec();
        uint64_t end = ends_next(&s->ends, t);
        bool anybody = seat_at(desk_seat(s->desk), 0) || sessions_count(s->config.sessions) > 0;
        when = hours < when ? hours : when;
        when = end < when || !anybody ? end : when;
        if (when == UINT64_MAX) {
                s->recheck_usec = 0;
                if (s->timer)
                        (void) sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
                return;
        }
        if (s->recheck_usec > t && s->recheck_usec <= t + when)
                return;
        s->recheck_usec = t + when;
        if (!s->timer) {
                (void) sd_event_add_time(s->config.event, &s->timer, CLOCK_BOOTTIME, s->recheck_usec,
                                         1000000U, on_recheck_time, s);
                return;
        }
        (void) sd_event_source_set_time(s->timer, s->recheck_usec);
        (void) sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

static void keep_ends(const struct stay *s) {
        uint8_t buf[ENDS_SIZE_MAX];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t n = 0;
        ends_write(&s->ends, &w);
        int r = writer_end(&w, &n);
        if (r >= 0)
                r = small_file_write(ENDS_FILE, buf, n);
        if (r < 0)
                log_line(SD_WARNING, "Cannot keep over a restart when people are to be judged again: %s",
                         strerror(-r));
}

static int on_recheck_time(sd_event_source *source, uint64_t usec, void *userdata) {
        struct stay *s = userdata;
        s->recheck_usec = 0;
        if (ends_pass(&s->ends, now_boottime_usec()))
                keep_ends(s);
        recheck_now(s);
        ask_accounts(s);
        arm_recheck(s);
        return 0;
}

/* --- until a ticket's end */

static int on_ticket_time(sd_event_source *source, uint64_t usec, void *userdata);

/* Only for those that are on the screen or behind it by a ticket. What has passed has been answered. */
static void arm_ticket(struct stay *s) {
        uint64_t now = now_boottime_usec(), next = UINT64_MAX;
        const struct seat_session *e;
        for (size_t i = 0; (e = seat_at(desk_seat(s->desk), i)); i++)
                if (e->proof.until_boot_usec > now && e->proof.until_boot_usec < next)
                        next = e->proof.until_boot_usec;
        if (!s->ticket && next != UINT64_MAX) {
                (void) sd_event_add_time(s->config.event, &s->ticket, CLOCK_BOOTTIME, next, 1000000U,
                                         on_ticket_time, s);
                return;
        }
        if (!s->ticket)
                return;
        (void) sd_event_source_set_time(s->ticket, next);
        (void) sd_event_source_set_enabled(s->ticket, next == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

/* Her session is locked, and stays: her next tap needs a full sign-in, or another ticket. */
static void end_ticket(struct stay *s, const struct seat_session *e, const char *reason) {
        sessions_end_grace(s->config.sessions, e->uid);
        if (e->shown && e->managed)
                (void) desk_lock(s->desk, reason, "node");
}

static void end_tickets(struct stay *s) {
        uint64_t now = now_boottime_usec();
        const struct seat_session *e;
        for (size_t i = 0; (e = seat_at(desk_seat(s->desk), i)); i++)
                if (e->proof.until_boot_usec != 0 && e->proof.until_boot_usec <= now)
                        end_ticket(s, e,
                                   reason_name(e->proof.ticket[0] ? REASON_TICKET_EXPIRED
                                                                  : REASON_BADGE_LEND_OVER));
}

static int on_ticket_time(sd_event_source *source, uint64_t usec, void *userdata) {
        struct stay *s = userdata;
        end_tickets(s);
        arm_ticket(s);
        return 0;
}

/* Somebody took the ticket back: what it gave goes with it. */
static void revoke_ticket(struct stay *s, const char *name) {
        const struct seat_session *e;
        for (size_t i = 0; name && (e = seat_at(desk_seat(s->desk), i)); i++)
                if (e->proof.ticket[0] && strcmp(e->proof.ticket, name) == 0)
                        end_ticket(s, e, reason_name(REASON_TICKET_REVOKED));
}

static void take_rules(struct stay *s) {
        const struct seat_session *e;
        for (size_t i = 0; (e = seat_at(desk_seat(s->desk), i)); i++) {
                struct idle_rules r = idle_rules(s, e);
                (void) idle_set_rules(s->idle, e->id, &r);
        }
}

/* New rules come by rename, after their record. */
static int on_rules_changed(sd_event_source *source, const struct inotify_event *e, void *userdata) {
        struct stay *s = userdata;
        if (!s->desk || e->len == 0 || strcmp(e->name, "current") != 0)
                return 0;
        (void) station_refresh(s->config.station);
        take_rules(s);
        recheck_now(s);
        arm_recheck(s);
        s->config.rules_changed(s->config.userdata);
        return 0;
}

/* With a badge or key that is ended, suspended, replaced or reported lost nobody stays: it may be in the
 * wrong hands. */
static void lock_who_used(struct stay *s, const struct record *r) {
        const char *badge = r->fields[RECORD_FIELD_BADGE], *user = r->fields[RECORD_FIELD_USER];
        const struct seat_session *e;
        bool one = r->event == RECORD_BADGE_END || r->event == RECORD_BADGE_SUSPEND;
        for (size_t i = 0; user && (e = seat_at(desk_seat(s->desk), i)); i++) {
                if (strcmp(e->user, user) != 0 ||
                    (one && badge && e->proof.badge[0] && strcmp(e->proof.badge, badge) != 0))
                        continue;
                sessions_end_grace(s->config.sessions, e->uid);
                if (e->shown && e->managed)
                        (void) desk_lock(s->desk, record_event_name(r->event), "node");
        }
}

/* All sessions of a person, the one on the screen too, at every seat and at none. Not by the user's name
 * alone: a directory may know the account by another one by now. */
static void sign_out_all(struct stay *s, const struct record *r, const char *reason) {
        const char *user = r->fields[RECORD_FIELD_USER], *uid = r->fields[RECORD_FIELD_UID];
        const struct seat_session *e, *ended[SEAT_SESSIONS_MAX];
        uint64_t number;
        size_t n = 0;
        if (!uid || parse_u64(uid, UINT32_MAX - 1, &number) < 0)
                number = UINT64_MAX;
        for (size_t i = 0; (e = seat_at(desk_seat(s->desk), i)) && n < SEAT_SESSIONS_MAX; i++)
                if (e->uid == number || (user && strcmp(e->user, user) == 0))
                        ended[n++] = e;
        if (number != UINT64_MAX)
                sessions_end_grace(s->config.sessions, (uid_t) number);
        for (size_t i = 0; i < n; i++)
                (void) desk_sign_out(s->desk, ended[i]->id, reason, "node");
        desk_sign_out_elsewhere(s->desk, number != UINT64_MAX ? (uid_t) number : (uid_t) -1, user, reason,
                                "node");
}

/* Given until a time: at that time everybody is judged again. */
static void note_end(struct stay *s, const struct record *r) {
        const char *text = r->fields[RECORD_FIELD_UNTIL_USEC];
        uint64_t until;
        if (!text || parse_u64(text, INT64_MAX, &until) < 0 ||
            !ends_add(&s->ends, until, now_realtime_usec(), now_boottime_usec()))
                return;
        keep_ends(s);
        if (s->desk)
                arm_recheck(s);
}

void stay_administered(struct stay *s, const struct record *r) {
        if (r->outcome != RECORD_SUCCESS)
                return;
        switch (r->event) {
        case RECORD_BADGE_END:
        case RECORD_BADGE_REPLACE:
        case RECORD_BADGE_SUSPEND:
        case RECORD_KEY_END:
        case RECORD_KEY_REPLACE:
        case RECORD_KEY_SUSPEND:
        case RECORD_LOST_REPORT:
        case RECORD_RECOVERY_DONE:
                lock_who_used(s, r);
                break;
        case RECORD_ELEVATE:
        case RECORD_BADGE_LEND:
        case RECORD_LEASE:
                note_end(s, r);
                break;
        case RECORD_PERSON_OFFBOARD:
                sign_out_all(s, r, "offboard");
                break;
        case RECORD_LEASE_END:
                sign_out_all(s, r, "lease-end");
                break;
        case RECORD_TICKET_REVOKE:
                revoke_ticket(s, r->fields[RECORD_FIELD_TICKET]);
                break;
        default:
                break;
        }
}

/* The store was written. A record of it comes before, so it is the store itself that is followed. */
static int on_people_changed(sd_event_source *source, const struct inotify_event *e, void *userdata) {
        struct stay *s = userdata;
        if (!s->desk || e->len == 0 || strcmp(e->name, "people.db") != 0)
                return 0;
        recheck_now(s);
        return 0;
}

/* --- as the desk says */

static void tell_of_key(struct stay *s) {
        if (s->key_left[0] &&
            s->config.notice(s->config.userdata, s->key_for, "take-key", s->key_left, TAKE_KEY_SECONDS))
                s->key_left[0] = 0;
}

void stay_shown(struct stay *s, const struct seat_session *e) {
        struct idle_rules r = idle_rules(s, e);
        const struct walkaway_proof p = {e->proof.reader, e->proof.badge, e->proof.key, e->proof.attempt};
        (void) idle_shown(s->idle, e->id, e->begun_usec, e->since_usec, &r);
        if (e->proof.attempt[0])
                (void) walkaway_signed_in(s->walkaway, e->id, &p, now_monotonic_usec());
        walkaway_shown(s->walkaway, e->id, now_monotonic_usec());
        memcpy(s->key_for, e->id, sizeof(s->key_for));
        s->key_until_usec = now_monotonic_usec() + TAKE_KEY_WAIT_USEC;
        tell_of_key(s);
        arm_recheck(s);
        arm_ticket(s);
        if (e->proof.until_boot_usec != 0)
                end_tickets(s); /* it may have run out on the way */
}

void stay_attended(struct stay *s, const char *session) {
        if (strcmp(s->key_for, session) == 0 && now_monotonic_usec() < s->key_until_usec)
                tell_of_key(s);
}

void stay_parked(struct stay *s, const struct seat_session *e) {
        struct idle_rules r = idle_rules(s, e);
        look_for_key(s, e);
        if (e->managed)
                (void) idle_parked(s->idle, e->id, e->begun_usec, e->since_usec, &r);
        else
                idle_gone(s->idle, e->id); /* the site's own: an administrator's console, for example */
        walkaway_parked(s->walkaway, e->id);
}

void stay_gone(struct stay *s, const struct seat_session *e) {
        if (e->shown)
                look_for_key(s, e);
        idle_gone(s->idle, e->id);
        walkaway_gone(s->walkaway, e->id);
        arm_recheck(s);
}

void stay_known(struct stay *s) {
        const struct seat_session *e;
        for (size_t i = 0; (e = seat_at(desk_seat(s->desk), i)); i++) {
                struct idle_rules r = idle_rules(s, e);
                if (!e->shown && e->managed)
                        (void) idle_parked(s->idle, e->id, e->begun_usec, e->since_usec, &r);
        }
        recheck_now(s);
        ask_accounts(s);
        arm_recheck(s);
        end_tickets(s);
        arm_ticket(s);
}

void stay_hint(struct stay *s, const struct logind_session *l) {
        (void) idle_hint(s->idle, l->id, l->idle, idle_boottime_of(l->idle_since_usec));
}

void stay_inhibited(struct stay *s, bool idle) {
        idle_inhibited(s->idle, idle);
}

void stay_card(struct stay *s, const char *reader, bool present) {
        walkaway_card(s->walkaway, reader, present, now_monotonic_usec());
}

bool stay_card_read(struct stay *s, const char *reader, const char *token) {
        return walkaway_card_read(s->walkaway, reader, token, now_monotonic_usec());
}

void stay_reader_gone(struct stay *s, const char *reader) {
        walkaway_reader_gone(s->walkaway, reader);
}

const char *stay_words(const struct stay *s) {
        return s->key_left;
}

void stay_key(struct stay *s, const char *device, bool plugged, uint64_t when_usec) {
        walkaway_key(s->walkaway, device, plugged, when_usec);
        if (s->key_left[0] && !walkaway_key_left(s->walkaway, s->key_of))
                s->key_left[0] = 0; /* taken */
}

void stay_keys_listed(struct stay *s) {
        walkaway_keys_listed(s->walkaway, now_monotonic_usec());
}

void stay_set_desk(struct stay *s, struct desk *desk) {
        s->desk = desk;
}

/* --- beginning and end */

static int read_walkaway(struct stay *s) {
        _cleanup_(freep) uint8_t *p = NULL;
        size_t n = 0;
        int r = small_file_read(STAY_FILE, &p, &n);
        if (r >= 0)
                r = walkaway_read(s->walkaway, (struct bytes){p, n});
        return r == -ENOENT ? 0 : r;
}

static int read_ends(struct stay *s) {
        _cleanup_(freep) uint8_t *p = NULL;
        size_t n = 0;
        int r = small_file_read(ENDS_FILE, &p, &n);
        if (r >= 0)
                r = ends_read((struct bytes){p, n}, &s->ends);
        return r == -ENOENT ? 0 : r;
}

static sd_bus *the_bus(void *userdata) {
        const struct stay *s = userdata;
        return s->config.bus(s->config.userdata);
}

static int start_parts(struct stay *s, const struct stay_config *c) {
        static const struct idle_callbacks idle = {.countdown = on_countdown,
                                                   .lock = on_idle_lock,
                                                   .sign_out = on_parked_long,
                                                   .cap = on_cap,
                                                   .quiet = on_quiet};
        static const struct walkaway_events walkaway = {.left = on_left, .changed = on_walkaway_changed};
        static const struct recheck_events recheck = {.refused = on_refused};
        const struct accounts_config accounts = {
                .event = c->event, .bus = the_bus, .refused = on_account_refused, .userdata = s};
        int r;
        if ((r = idle_new(c->event, &idle, s, &s->idle)) < 0 ||
            (r = walkaway_new(c->event, &walkaway, s, &s->walkaway)) < 0 ||
            (r = recheck_new(c->event, c->auth_socket, &recheck, s, &s->recheck)) < 0 ||
            (r = accounts_new(&accounts, &s->accounts)) < 0)
                return r;
        r = read_walkaway(s);
        if (r < 0)
                log_line(SD_WARNING, "What was kept of who signed in with what cannot be read: %s",
                         strerror(-r));
        int e = read_ends(s);
        if (e < 0)
                log_line(SD_WARNING,
                         "What was kept of when people are to be judged again cannot be read: %s",
                         strerror(-e));
        return r == -ENOMEM || e == -ENOMEM ? -ENOMEM : 0;
}

/* Without it they are judged in time (Recheck=), and not at once. */
static void follow_people(struct stay *s) {
        int r = sd_event_add_inotify(s->config.event, &s->people_changed, PATH_PEOPLE,
                                     IN_CLOSE_WRITE | IN_ONLYDIR, on_people_changed, s);
        if (r < 0)
                log_line(SD_WARNING,
                         "Whoever is signed in is not judged again at once when people change (%s): %s",
                         PATH_PEOPLE, strerror(-r));
}

int stay_new(const struct stay_config *c, struct stay **ret) {
        static const struct input_events input = {.active = on_active, .watched = on_watched};
        _cleanup_(closep) int listener = c->input_listener;
        _cleanup_(stay_freep) struct stay *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->config = *c;
        int r = start_parts(s, c);
        if (r >= 0)
                (void) sd_event_add_inotify(c->event, &s->rules_changed, PATH_RULES,
                                            IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR, on_rules_changed, s);
        if (r >= 0)
                follow_people(s);
        if (r >= 0 && listener >= 0)
                r = input_new(c->event, TAKE_FD(listener), &input, s, &s->input);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

struct stay *stay_free(struct stay *s) {
        if (!s)
                return NULL;
        s->recheck = recheck_free(s->recheck);
        s->accounts = accounts_free(s->accounts);
        s->input = input_free(s->input);
        s->idle = idle_free(s->idle);
        s->walkaway = walkaway_free(s->walkaway);
        sd_event_source_disable_unref(s->timer);
        sd_event_source_disable_unref(s->ticket);
        sd_event_source_disable_unref(s->rules_changed);
        sd_event_source_disable_unref(s->people_changed);
        free(s);
        return NULL;
}
