/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of wardtapd, and what passes between them. */
#include "helper/daemon.h"

#include "common/paths.h"
#include "common/socket.h"
#include "helper/bus.h"
#include "helper/desk.h"
#include "helper/emergency.h"
#include "helper/greeter.h"
#include "helper/hooks.h"
#include "helper/keys.h"
#include "helper/log.h"
#include "helper/posture.h"
#include "helper/room.h"
#include "helper/stay.h"
#include "helper/tap_gate.h"
#include "helper/watch.h"
#include "helper/wipes.h"
#include "policy/tags.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <time.h>

struct daemon {
        sd_event *event;
        struct badge_keys keys;
        struct station *station;
        struct audit_log *log;
        struct journal_reader *reader; /* of the sender's check */
        struct journal_sender *sender;
        struct recorder *recorder;
        struct taps *taps;
        struct sessions *sessions;
        struct switcher *switcher;
        struct greeter *greeter;
        struct desk *desk;
        struct stay *stay;
        struct tap_gate *gate;
        struct broker *broker;
        struct keys *plugged;
        struct watch *watch;
        struct bus *bus;
        struct hooks *hooks;
        struct posture *posture;
        struct closed *closed;
        struct emergencies *emergencies;
        struct room *room;
        struct wipes *wipes;
        bool watching;
        uint64_t last_tap_usec;
};

static void on_changed(void *userdata) {
        struct daemon *d = userdata;
        if (d->bus)
                bus_changed(d->bus);
}

static void on_recorded(void *userdata, uint64_t client, int status, uint64_t seq) {
        struct daemon *d = userdata;
        if (d->emergencies && emergencies_recorded(d->emergencies, client, status, seq))
                return;
        if (d->broker)
                broker_recorded(d->broker, client, status, seq);
}

static sd_bus *the_bus(void *userdata) {
        struct daemon *d = userdata;
        return d->bus ? bus_connection(d->bus) : NULL;
}

static void on_switched(void *userdata, const struct switcher_wish *wish, int status) {
        struct daemon *d = userdata;
        broker_switched(d->broker, wish, status);
}

static void on_taken(void *userdata, const struct record *record, uint64_t seq) {
        struct daemon *d = userdata;
        hooks_record(d->hooks, record, seq);
        closed_note_record(d->closed, record, now_realtime_usec());
}

static enum switch_engine engine_of(void *userdata) {
        struct daemon *d = userdata;
        return station_switch_engine(d->station);
}

static const char *parked_session_of(void *userdata, uid_t uid) {
        struct daemon *d = userdata;
        return desk_parked_session(d->desk, uid);
}

static int activate(void *userdata, const char *session) {
        struct daemon *d = userdata;
        return desk_activate(d->desk, session);
}

static void on_no_greeter(void *userdata) {
        struct daemon *d = userdata;
        if (d->desk)
                desk_no_greeter(d->desk);
}

static bool is_unheard(void *userdata) {
        struct daemon *d = userdata;
        return !switcher_is_busy(d->switcher) && taps_is_unheard(d->taps, "seat0", now_monotonic_usec());
}

/* --- of the seat */

static void on_desk_changed(void *userdata) {
        struct daemon *d = userdata;
        if (d->broker)
                broker_update(d->broker);
}

/* Of two sessions of one person the other may be on the screen. */
static void is_away(struct daemon *d, const struct seat_session *s) {
        const struct seat_session *shown = seat_shown(desk_seat(d->desk));
        if (!shown || shown->uid != s->uid)
                hooks_absent(d->hooks, s->uid);
}

/* --- of emergencies */

/* What stands in her session as long as it lasts. */
static void say_emergency(struct daemon *d, const struct seat_session *s) {
        char text[128], clock[16] = "";
        uint64_t now = now_realtime_usec(), until = emergencies_until(d->emergencies, s->uid);
        const time_t t = (time_t) (until / 1000000U);
        struct tm local;
        if (!d->bus)
                return;
        if (until <= now) {
                bus_notice(d->bus, s->id, "emergency", "", 0);
                return;
        }
        if (localtime_r(&t, &local))
                (void) strftime(clock, sizeof(clock), " until %H:%M", &local);
        (void) snprintf(text, sizeof(text), "EMERGENCY ACCESS%s, recorded", clock);
        bus_notice(d->bus, s->id, "emergency", text, (unsigned) ((until - now + 999999U) / 1000000U));
}

/* Her own session stays, for a full sign-in; an emergency account's is nobody's from now on. */
static void on_emergency_over(void *userdata, const struct emergency_entry *e, const char *reason) {
        struct daemon *d = userdata;
        bool proven = strcmp(reason, "signed-in") == 0;
        char ids[SEAT_SESSIONS_MAX][LOGIND_ID_SIZE];
        const struct seat_session *s;
        size_t n = 0;
        if (!proven)
                sessions_end_grace(d->sessions, e->uid);
        for (size_t i = 0; d->desk && (s = seat_at(desk_seat(d->desk), i)); i++)
                if (s->uid == e->uid) {
                        say_emergency(d, s);
                        memcpy(ids[n++], s->id, sizeof(ids[0]));
                }
        for (size_t i = 0; e->claimed[0] && i < n; i++)
                (void) desk_sign_out(d->desk, ids[i], "emergency-over", "node");
        if (d->desk && !proven) /* a session there can be ended, and not locked */
                desk_sign_out_other_seats(d->desk, e->uid, "emergency-over", "node");
        if (e->claimed[0] && n == 0 && strcmp(reason, "replaced") != 0)
                wipes_begin(d->wipes, e->uid, e->user);
        s = d->desk ? seat_shown(desk_seat(d->desk)) : NULL;
        if (s && s->uid == e->uid && !e->claimed[0] && strcmp(reason, "time") == 0)
                (void) desk_lock(d->desk, "emergency-over", "node");
}

static void on_emergency_record(void *userdata, struct record *r, uint64_t client) {
        struct daemon *d = userdata;
        recorder_submit(d->recorder, r, client);
}

static void on_emergency_recorded(void *userdata, uint64_t client, int status, uint64_t seq) {
        struct daemon *d = userdata;
        if (d->broker)
                broker_recorded(d->broker, client, status, seq);
}

static bool has_session(const struct daemon *d, uid_t uid) {
        const struct seat_session *s;
        const struct logind_session *l;
        for (size_t i = 0; (s = seat_at(desk_seat(d->desk), i)); i++)
                if (s->uid == uid)
                        return true;
        for (size_t i = 0; (l = desk_elsewhere(d->desk, i)); i++)
                if (l->uid == uid && l->seat[0])
                        return true;
        return false;
}

/* What somebody left there is not for the next one. */
static bool is_emergency_account(struct daemon *d, const char *user) {
        const struct rules *rules = station_rules(d->station);
        return rules && rules->break_glass.present && words_contain(&rules->break_glass.accounts, user);
}

static void on_shown(void *userdata, const struct seat_session *s) {
        struct daemon *d = userdata;
        say_emergency(d, s);
        stay_shown(d->stay, s);
        hooks_present(d->hooks, s->uid);
        if (d->room)
                room_check(d->room);
        if (d->bus)
                bus_session_changed(d->bus, s->id, true);
}

static void on_parked(void *userdata, const struct seat_session *s) {
        struct daemon *d = userdata;
        stay_parked(d->stay, s);
        is_away(d, s);
        if (d->bus)
                bus_session_changed(d->bus, s->id, false);
}

static void on_gone(void *userdata, const struct seat_session *s) {
        struct daemon *d = userdata;
        stay_gone(d->stay, s);
        is_away(d, s);
        if (has_session(d, s->uid))
                return;
        emergencies_stop(d->emergencies, s->uid, "signed-out");
        if (is_emergency_account(d, s->user))
                wipes_begin(d->wipes, s->uid, s->user);
}

static bool on_session_notice(void *userdata, const char *session, const char *kind, const char *text,
                              unsigned seconds) {
        struct daemon *d = userdata;
        return d->bus && bus_notice(d->bus, session, kind, text, seconds);
}

static void on_notice(void *userdata, const struct seat_session *s, const char *kind, const char *text,
                      unsigned seconds) {
        (void) on_session_notice(userdata, s->id, kind, text, seconds);
}

/* What was not wiped before a reboot, or while wardtapd was away. */
static void wipe_what_is_left(struct daemon *d) {
        const struct rules *rules = station_rules(d->station);
        uid_t uid;
        if (!rules || !rules->break_glass.present)
                return;
        for (size_t i = 0; i < rules->break_glass.accounts.n; i++) {
                const char *user = rules->break_glass.accounts.words[i];
                if (wipes_local_account(PATH_PASSWD, user, &uid) >= 0 && !has_session(d, uid) &&
                    emergencies_until(d->emergencies, uid) == 0)
                        wipes_begin(d->wipes, uid, user);
        }
}

static void on_known(void *userdata) {
        struct daemon *d = userdata;
        stay_known(d->stay);
        emergencies_start(d->emergencies);
        wipe_what_is_left(d);
}

static void on_hint(void *userdata, const struct logind_session *s) {
        const struct daemon *d = userdata;
        stay_hint(d->stay, s);
}

static void on_inhibited(void *userdata, bool idle) {
        const struct daemon *d = userdata;
        stay_inhibited(d->stay, idle);
}

/* --- of the stay */

static void on_words(void *userdata, const char *text) {
        struct daemon *d = userdata;
        if (d->broker)
                broker_say(d->broker, text);
}

static void on_countdown(void *userdata, const char *session, unsigned seconds) {
        struct daemon *d = userdata;
        if (d->bus)
                bus_countdown(d->bus, session, seconds);
}

static void on_quiet(void *userdata, const char *session, bool quiet) {
        struct daemon *d = userdata;
        if (d->bus)
                bus_quiet(d->bus, session, quiet);
}

static void on_rules_changed(void *userdata) {
        struct daemon *d = userdata;
        if (d->room)
                room_check(d->room);
        posture_follow(d->posture, station_rules(d->station));
        on_changed(d);
}

static void on_administered(void *userdata, const struct record *r) {
        struct daemon *d = userdata;
        stay_administered(d->stay, r);
        if (r->event == RECORD_BREAK_GLASS_DRILL && r->outcome == RECORD_SUCCESS)
                emergencies_announce_drill(d->emergencies);
}

static bool in_emergency(void *userdata, uid_t uid) {
        const struct daemon *d = userdata;
        return emergencies_until(d->emergencies, uid) > now_realtime_usec();
}

static const char *the_words(void *userdata) {
        const struct daemon *d = userdata;
        return stay_words(d->stay);
}

static void on_used(void *userdata, const struct tap *t, bool proved) {
        struct daemon *d = userdata;
        tap_gate_used(d->gate, t, proved, now_monotonic_usec());
}

static void on_bus(void *userdata, sd_bus *bus) {
        struct daemon *d = userdata;
        wipes_connected(d->wipes);
        desk_connected(d->desk, bus);
        hooks_resume(d->hooks);
        posture_resume(d->posture);
}

/* By its Tags=; the station's may change. */
static bool is_check_here(const struct rules *rules, const char *name) {
        struct tags tags;
        tags_collect(&rules->tags, PATH_TAGS_DIR, &tags);
        uint32_t here = rules_failing_checks(rules, &tags.words, NULL);
        for (size_t i = 0; i < rules->n_checks && i < RULES_CHECKS_MAX; i++)
                if (strcmp(rules->checks[i].name, name) == 0)
                        return here & 1U << i;
        return false;
}

/* Its own record each: who is refused for it is one thing, that the station is not safe another. */
static bool on_posture(void *userdata, const struct posture_change *c) {
        struct daemon *d = userdata;
        _cleanup_(record_clear) struct record r = {.event =
                                                           c->passes ? RECORD_CHECK_PASS : RECORD_CHECK_FAIL,
                                                   .outcome = c->passes ? RECORD_SUCCESS : RECORD_FAILURE};
        const struct rules *rules = station_rules(d->station);
        char detail[257];
        if (!rules || !is_check_here(rules, c->name))
                return false;
        (void) snprintf(detail, sizeof(detail), "%s is %s%s", c->unit, c->state,
                        c->last ? "; it changes so often that nothing more is recorded within the hour"
                                : "");
        if (record_set(&r, RECORD_FIELD_POSTURE, c->name) < 0 ||
            record_set(&r, RECORD_FIELD_DETAIL, detail) < 0 ||
            record_set(&r, RECORD_FIELD_POLICY, rules->hash) < 0 ||
            (!c->passes && record_set(&r, RECORD_FIELD_REASON, "posture") < 0))
                return false;
        recorder_submit(d->recorder, &r, 0);
        return true;
}

/* By the rules that the attempt judges by: a check it knows and we do not yet would fail. */
static void passing_now(void *userdata, char ret[static BROKER_PASSING_SIZE]) {
        const struct daemon *d = userdata;
        posture_follow(d->posture, station_rules(d->station));
        posture_passing(d->posture, ret);
}

static bool is_of(void *userdata, const char *session, uid_t uid) {
        const struct daemon *d = userdata;
        const struct seat_session *s = seat_find(desk_seat(d->desk), session);
        return s && s->uid == uid;
}

static bool session_at(void *userdata, size_t i, struct bus_session *ret) {
        const struct daemon *d = userdata;
        const struct seat_session *s = seat_at(desk_seat(d->desk), i);
        if (!s)
                return false;
        *ret = (struct bus_session){.id = s->id,
                                    .user = s->user,
                                    .attempt = s->managed ? s->proof.attempt : "",
                                    .uid = s->uid,
                                    .shown = s->shown,
                                    .since_usec =
                                            now_realtime_usec() - (now_boottime_usec() - s->since_usec)};
        return true;
}

static void on_attended(void *userdata, const char *session) {
        struct daemon *d = userdata;
        const struct seat_session *s = seat_find(desk_seat(d->desk), session);
        if (s && s->managed && !s->shown)
                bus_session_changed(d->bus, session, false);
        stay_attended(d->stay, session);
        if (s)
                say_emergency(d, s);
}

static void on_session_ended(void *userdata, uid_t uid, const char *attempt) {
        struct daemon *d = userdata;
        broker_session_ended(d->broker, uid, attempt);
}

static void fill_status(void *userdata, struct bus_status *ret) {
        struct daemon *d = userdata;
        struct taps_screen screen;
        uint64_t now = now_monotonic_usec();
        (void) station_refresh(d->station);
        desk_look(d->desk, &screen);
        taps_set_screen(d->taps, &screen);
        *ret = (struct bus_status){
                .station = station_name(d->station),
                .tags = station_tags(d->station),
                .record_epoch = audit_log_epoch(d->log),
                .policy_hash = station_policy(d->station),
                .waiting_attempts = taps_waiting(d->taps),
                .open_sessions = sessions_count(d->sessions),
                .record_sequence = audit_log_last(d->log),
                .records_pending = journal_sender_pending(d->sender),
                .last_tap_usec = d->last_tap_usec,
                .journal_connected = journal_sender_is_connected(d->sender),
                .sees_input = stay_last_input(d->stay) != UINT64_MAX,
                .watching = d->watching,
        };
        size_t n_slowed = 0;
        for (size_t i = 0; i < taps_readers(d->taps) && i < DEVICE_READERS_MAX; i++) {
                ret->readers[i] = taps_reader(d->taps, i);
                if (taps_is_slowed(d->taps, ret->readers[i], now))
                        ret->slowed[n_slowed++] = ret->readers[i];
        }
}

void daemon_say_status(struct daemon *d) {
        (void) sd_notifyf(0, "STATUS=%zu readers%s, %u open sessions, record %" PRIu64,
                          taps_readers(d->taps), d->watching ? "" : " (wardtap-device does not answer)",
                          sessions_count(d->sessions), audit_log_last(d->log));
}

static void readers_changed(struct daemon *d) {
        broker_update(d->broker);
        daemon_say_status(d);
}

static void on_reader(void *userdata, const char *reader, bool attached) {
        struct daemon *d = userdata;
        int r = attached ? taps_add_reader(d->taps, reader) : taps_remove_reader(d->taps, reader);
        if (r < 0)
                log_line(SD_WARNING, "Reader %s is not used: %s", reader, strerror(-r));
        if (r <= 0)
                return;
        if (!attached) {
                tap_gate_present(d->gate, reader, false, now_monotonic_usec());
                stay_reader_gone(d->stay, reader);
        }
        recorder_note(d->recorder, attached ? RECORD_READER_ATTACH : RECORD_READER_DETACH, reader, NULL,
                      NULL);
        bus_reader_changed(d->bus, reader, attached);
        readers_changed(d);
}

static void on_lost(void *userdata, const char *reason) {
        struct daemon *d = userdata;
        tap_gate_lost(d->gate, now_monotonic_usec());
        while (taps_readers(d->taps) > 0) {
                char reader[DEVICE_READER_MAX + 1];
                (void) snprintf(reader, sizeof(reader), "%s", taps_reader(d->taps, 0));
                (void) taps_remove_reader(d->taps, reader);
                stay_reader_gone(d->stay, reader);
                recorder_note(d->recorder, RECORD_READER_DETACH, reader, reason, NULL);
                bus_reader_changed(d->bus, reader, false);
        }
        broker_expect_readers(d->broker);
        readers_changed(d);
}

static bool on_ignored(void *userdata, const char *reader) {
        struct daemon *d = userdata;
        return taps_is_slowed(d->taps, reader, now_monotonic_usec());
}

/* False for what is no tap at all: nobody meant a card to be read. */
static bool problem_of(enum device_reason reason, enum tap_problem *ret) {
        switch (reason) {
        case DEVICE_RANDOM_NUMBER:
                *ret = TAP_RANDOM;
                return true;
        case DEVICE_NO_NUMBER:
                *ret = TAP_NO_NUMBER;
                return true;
        case DEVICE_REMOVED:
        case DEVICE_NO_CARD:
                *ret = TAP_TOO_QUICK;
                return true;
        case DEVICE_GONE:
        case DEVICE_NO_PCSC:
        case DEVICE_NO_READER:
        case DEVICE_CANCELLED:
                return false;
        default:
                *ret = TAP_UNREADABLE;
                return true;
        }
}

static bool fill_tap(struct daemon *d, const struct device_event *e, struct tap *t) {
        if (e->type == DEVICE_EVENT_FAILED)
                return problem_of(e->reason, &t->problem);
        (void) snprintf(t->kind, sizeof(t->kind), "%s", e->badge.kind);
        int r = badge_index(&d->keys, e->badge.number, e->badge.number_len, t);
        if (r < 0) {
                t->problem = r == -EINVAL ? TAP_NO_NUMBER : TAP_UNREADABLE;
                t->n_indexes = 0;
                t->token[0] = 0;
                return true;
        }
        memcpy(t->number, e->badge.number, e->badge.number_len);
        t->number_len = e->badge.number_len;
        return true;
}

/* Somebody meant it. */
static void on_tap_taken(void *userdata, const struct tap *t) {
        struct daemon *d = userdata;
        struct taps_screen screen;
        desk_look(d->desk, &screen);
        taps_set_screen(d->taps, &screen);
        bool enrols = taps_is_enrolling(d->taps, SEAT, t->seen_usec); /* and nobody else gets it */
        if (!enrols && broker_tap_again(d->broker, t))
                return;
        /* Somebody is being asked for a PIN or a touch: that is not taken from her. */
        if (!enrols && screen.seat && taps_is_judging(d->taps, SEAT) && !taps_is_listening(d->taps, SEAT))
                return;
        if (taps_add(d->taps, t, SEAT, now_monotonic_usec()) < 0)
                return;
        d->last_tap_usec = now_realtime_usec();
        broker_update(d->broker);
        if (is_unheard(d))
                greeter_tap_unheard(d->greeter);
}

static void on_nearby(void *userdata, const struct tap *t) {
        struct daemon *d = userdata;
        _cleanup_(record_clear) struct record r = {.event = RECORD_NEARBY_BADGE, .outcome = RECORD_SUCCESS};
        const struct seat_session *s = seat_shown(desk_seat(d->desk));
        static const char text[] = "A badge lies near the reader. Move it away.";
        if (record_set(&r, RECORD_FIELD_READER, t->reader) < 0 ||
            record_set(&r, RECORD_FIELD_BADGE, t->token[0] ? t->token : "unknown") < 0 ||
            record_set(&r, RECORD_FIELD_REQUESTOR, "node") < 0)
                return;
        recorder_submit(d->recorder, &r, 0);
        on_words(d, text);
        if (s)
                (void) on_session_notice(d, s->id, "nearby", text, DESK_NOTICE_SECONDS);
}

static void on_card(void *userdata, const char *reader, uint64_t seen_usec, const struct device_event *e) {
        struct daemon *d = userdata;
        uint64_t now = now_monotonic_usec();
        struct tap t = {.seen_usec = seen_usec};
        struct taps_screen screen;
        (void) snprintf(t.reader, sizeof(t.reader), "%s", reader);
        bool tap = fill_tap(d, e, &t);
        desk_look(d->desk, &screen);
        const struct tap_gate_seat seat = {.has_session = screen.person,
                                           .last_input_usec = stay_last_input(d->stay),
                                           .exempt = !screen.seat ||
                                                     taps_is_enrolling(d->taps, SEAT, seen_usec)};
        if (!stay_card_read(d->stay, reader, t.token[0] ? t.token : NULL) && tap)
                tap_gate_tap(d->gate, &t, &seat, now);
        explicit_bzero(&t, sizeof(t));
}

static void on_watching(void *userdata, bool watching) {
        struct daemon *d = userdata;
        d->watching = watching;
        bus_changed(d->bus);
        daemon_say_status(d);
}

static void on_card_present(void *userdata, const char *reader, bool present) {
        struct daemon *d = userdata;
        tap_gate_present(d->gate, reader, present, now_monotonic_usec());
        stay_card(d->stay, reader, present);
}

static void on_key_changed(void *userdata, const struct device_key *key, bool plugged, bool present,
                           uint64_t when_usec) {
        struct daemon *d = userdata;
        stay_key(d->stay, key->id, plugged, when_usec);
}

static void on_key(void *userdata, const struct device_key *key, bool attached, bool present) {
        struct daemon *d = userdata;
        keys_event(d->plugged, key, attached, present);
}

static void on_keys_known(void *userdata, bool known) {
        struct daemon *d = userdata;
        keys_known(d->plugged, known);
        if (known)
                stay_keys_listed(d->stay);
}

static const struct watch_events watch_events = {
        .reader = on_reader,
        .lost = on_lost,
        .ignored = on_ignored,
        .card = on_card,
        .watching = on_watching,
        .card_present = on_card_present,
        .key = on_key,
        .keys_known = on_keys_known,
};

/* What was wrong with the log is itself recorded, before anything else. */
static void record_findings(struct daemon *d, const struct audit_report *report) {
        char detail[200];
        if (report->unusable)
                recorder_note(
                        d->recorder, RECORD_ALERT, NULL, "log-unusable",
                        "The record file could not be read; it was put aside, and a new epoch begins.");
        if (report->torn > 0) {
                (void) snprintf(detail, sizeof(detail), "%zu bytes of a write that broke off were cut",
                                report->torn);
                recorder_note(d->recorder, RECORD_ALERT, NULL, "log-torn", detail);
        }
        if (report->damaged > 0 || report->breaks > 0 || report->skipped > 0) {
                (void) snprintf(detail, sizeof(detail),
                                "%zu bytes are no records, %u breaks of the chain, %" PRIu64
                                " numbers left out",
                                report->damaged, report->breaks, report->skipped);
                recorder_note(d->recorder, RECORD_ALERT, NULL, "log-damaged", detail);
        }
        recorder_note(d->recorder, RECORD_WRITER_START, NULL, NULL, "wardtapd " WARDTAP_VERSION);
        recorder_flush(d->recorder);
}

static int start_records(struct daemon *d, const struct daemon_config *c) {
        static const struct station_config station = {.snapshot = PATH_SNAPSHOT, .tags_dir = PATH_TAGS_DIR};
        const struct hooks_config hooks = {
                .bus = the_bus, .userdata = d, .site = HOOKS_SITE, .spool = HOOKS_SPOOL};
        const struct posture_config posture = {
                .event = d->event, .changed = on_posture, .bus = the_bus, .userdata = d};
        struct audit_report report;
        int r;
        if ((r = posture_new(&posture, &d->posture)) < 0 || (r = hooks_new(&hooks, &d->hooks)) < 0 ||
            (r = closed_new(CLOSED_FILE, &d->closed)) < 0 || (r = station_new(&station, &d->station)) < 0 ||
            (r = audit_log_open(&c->audit, &d->log, &report)) < 0)
                return r;
        const struct journal_sender_config sender = {
                .event = d->event,
                .log = d->log,
                .folder = JOURNAL_FOLDER,
                .socket = JOURNAL_SOCKET,
                .check = &journal_check_by_reader,
                .check_userdata = &d->reader,
                .check_after_usec = JOURNAL_CHECK_AFTER_USEC,
                .resend_usec = JOURNAL_RESEND_USEC,
                .changed = on_changed,
                .userdata = d,
        };
        if ((r = journal_sender_new(&sender, &d->sender)) < 0)
                return r;
        const struct recorder_config recorder = {.event = d->event,
                                                 .log = d->log,
                                                 .sender = d->sender,
                                                 .station = d->station,
                                                 .done = on_recorded,
                                                 .taken = on_taken,
                                                 .userdata = d};
        if ((r = recorder_new(&recorder, &d->recorder)) < 0)
                return r;
        record_findings(d, &report);
        static const struct emergency_events emergencies = {.ended = on_emergency_over,
                                                            .submit = on_emergency_record,
                                                            .recorded = on_emergency_recorded};
        return emergencies_new(d->event, EMERGENCY_FILE, &emergencies, d, &d->emergencies);
}

static int start_desk(struct daemon *d) {
        const struct desk_config c = {.event = d->event,
                                      .taps = d->taps,
                                      .switcher = d->switcher,
                                      .recorder = d->recorder,
                                      .station = d->station,
                                      .sessions = d->sessions,
                                      .auth_socket = PATH_AUTH_SOCKET,
                                      .state = DESK_FILE,
                                      .events = {.changed = on_desk_changed,
                                                 .shown = on_shown,
                                                 .parked = on_parked,
                                                 .gone = on_gone,
                                                 .notice = on_notice,
                                                 .known = on_known,
                                                 .hint = on_hint,
                                                 .inhibited = on_inhibited},
                                      .userdata = d};
        int r = desk_new(&c, &d->desk);
        if (r >= 0)
                stay_set_desk(d->stay, d->desk);
        return r;
}

static const struct seat *the_seat(void *userdata) {
        const struct daemon *d = userdata;
        return desk_seat(d->desk);
}

static unsigned max_sessions(void *userdata) {
        const struct daemon *d = userdata;
        return station_max_sessions(d->station);
}

static int sign_out(void *userdata, const char *session, const char *reason) {
        const struct daemon *d = userdata;
        return desk_sign_out(d->desk, session, reason, "node");
}

static int start_room(struct daemon *d) {
        const struct room_config c = {.event = d->event,
                                      .seat = the_seat,
                                      .max_sessions = max_sessions,
                                      .sign_out = sign_out,
                                      .userdata = d,
                                      .cgroup = MEMORY_CGROUP,
                                      .info = MEMORY_INFO};
        return room_new(&c, &d->room);
}

static int start_stay(struct daemon *d, int input_listener) {
        const struct stay_config c = {.event = d->event,
                                      .station = d->station,
                                      .sessions = d->sessions,
                                      .recorder = d->recorder,
                                      .input_listener = input_listener,
                                      .auth_socket = PATH_AUTH_SOCKET,
                                      .bus = the_bus,
                                      .notice = on_session_notice,
                                      .words = on_words,
                                      .rules_changed = on_rules_changed,
                                      .countdown = on_countdown,
                                      .quiet = on_quiet,
                                      .in_emergency = in_emergency,
                                      .userdata = d};
        static const struct tap_gate_events gate = {.taken = on_tap_taken, .nearby = on_nearby};
        int r = stay_new(&c, &d->stay);
        return r < 0 ? r : tap_gate_new(d->event, &gate, d, &d->gate);
}

static int start_parts(struct daemon *d, int listener, int input_listener) {
        const struct switcher_config switcher = {.event = d->event,
                                                 .bus = the_bus,
                                                 .done = on_switched,
                                                 .no_greeter = on_no_greeter,
                                                 .engine = engine_of,
                                                 .session_of = parked_session_of,
                                                 .activate = activate,
                                                 .userdata = d};
        const struct greeter_config greeter = {
                .event = d->event, .bus = the_bus, .is_unheard = is_unheard, .userdata = d};
        const struct keys_config plugged = {
                .event = d->event, .recorder = d->recorder, .changed = on_key_changed, .userdata = d};
        _cleanup_(closep) int input = input_listener;
        int r;
        if ((r = taps_new(&d->taps)) < 0 || (r = keys_new(&plugged, &d->plugged)) < 0 ||
            (r = switcher_new(&switcher, &d->switcher)) < 0 ||
            (r = greeter_new(&greeter, &d->greeter)) < 0 || (r = wipes_new(the_bus, d, &d->wipes)) < 0 ||
            (r = sessions_new(d->event, on_session_ended, d, &d->sessions)) < 0 ||
            (r = start_stay(d, TAKE_FD(input))) < 0 || (r = start_desk(d)) < 0 || (r = start_room(d)) < 0) {
                closep(&listener);
                return r;
        }
        const struct broker_config broker = {.event = d->event,
                                             .badge_keys = &d->keys,
                                             .listener = listener,
                                             .taps = d->taps,
                                             .recorder = d->recorder,
                                             .sessions = d->sessions,
                                             .station = d->station,
                                             .switcher = d->switcher,
                                             .greeter = d->greeter,
                                             .desk = d->desk,
                                             .administered = on_administered,
                                             .words = the_words,
                                             .used = on_used,
                                             .passing = passing_now,
                                             .closed = d->closed,
                                             .emergencies = d->emergencies,
                                             .wipes = d->wipes,
                                             .changed = on_changed,
                                             .userdata = d};
        static const struct bus_events bus = {.status = fill_status,
                                              .connected = on_bus,
                                              .is_of = is_of,
                                              .session = session_at,
                                              .attended = on_attended};
        if ((r = broker_new(&broker, &d->broker)) < 0 ||
            (r = bus_new(d->event, BUS_ADDRESS, &bus, d, &d->bus)) < 0)
                return r;
        posture_follow(d->posture, station_rules(d->station));
        return watch_new(d->event, &watch_events, d, &d->watch);
}

int daemon_new(const struct daemon_config *c, struct daemon **ret) {
        _cleanup_(closep) int listener = c->listener, input = c->input_listener;
        _cleanup_(daemon_freep) struct daemon *d = calloc(1, sizeof(*d));
        if (!d)
                return -ENOMEM;
        d->event = sd_event_ref(c->event);
        d->keys = *c->keys;
        int r = start_records(d, c);
        if (r < 0)
                return r;
        r = start_parts(d, TAKE_FD(listener), TAKE_FD(input));
        if (r < 0)
                return r;
        *ret = TAKE_PTR(d);
        return 0;
}

void daemon_restore(struct daemon *d, const char *name, int fd) {
        if (strcmp(name, MEMORY_FD_NAME) == 0) {
                (void) room_watch_memory(d->room, fd);
                return;
        }
        int r = sessions_restore(d->sessions, name, fd);
        if (r < 0 && r != -ESRCH)
                log_line(SD_WARNING, "A session that was kept over the restart is lost (%s): %s", name,
                         strerror(-r));
}

struct daemon *daemon_free(struct daemon *d) {
        if (!d)
                return NULL;
        d->watch = watch_free(d->watch);
        d->plugged = keys_free(d->plugged);
        if (d->broker)
                recorder_note(d->recorder, RECORD_WRITER_STOP, NULL, NULL, NULL);
        if (d->recorder)
                recorder_flush(d->recorder);
        d->bus = bus_free(d->bus);
        d->broker = broker_free(d->broker);
        d->room = room_free(d->room);
        d->desk = desk_free(d->desk);
        d->wipes = wipes_free(d->wipes);
        d->stay = stay_free(d->stay);
        d->gate = tap_gate_free(d->gate);
        d->switcher = switcher_free(d->switcher);
        d->greeter = greeter_free(d->greeter);
        d->sessions = sessions_free(d->sessions);
        d->taps = taps_free(d->taps);
        d->recorder = recorder_free(d->recorder);
        d->emergencies = emergencies_free(d->emergencies);
        d->hooks = hooks_free(d->hooks);
        d->posture = posture_free(d->posture);
        d->closed = closed_free(d->closed);
        d->sender = journal_sender_free(d->sender);
        d->log = audit_log_free(d->log);
        d->station = station_free(d->station);
        badge_keys_clear(&d->keys);
        sd_event_unref(d->event);
        free(d);
        return NULL;
}
