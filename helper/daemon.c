/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of wardtapd, and what passes between them. */
#include "helper/daemon.h"

#include "common/paths.h"
#include "common/socket.h"
#include "helper/bus.h"
#include "helper/log.h"
#include "helper/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

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
        struct broker *broker;
        struct watch *watch;
        struct bus *bus;
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
        if (d->broker)
                broker_recorded(d->broker, client, status, seq);
}

static void on_session_ended(void *userdata, uid_t uid, const char *attempt) {
        struct daemon *d = userdata;
        broker_session_ended(d->broker, uid, attempt);
}

static void fill_status(void *userdata, struct bus_status *ret) {
        struct daemon *d = userdata;
        uint64_t now = now_monotonic_usec();
        (void) station_refresh(d->station);
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
        recorder_note(d->recorder, attached ? RECORD_READER_ATTACH : RECORD_READER_DETACH, reader, NULL,
                      NULL);
        bus_reader_changed(d->bus, reader, attached);
        readers_changed(d);
}

static void on_lost(void *userdata, const char *reason) {
        struct daemon *d = userdata;
        while (taps_readers(d->taps) > 0) {
                char reader[DEVICE_READER_MAX + 1];
                (void) snprintf(reader, sizeof(reader), "%s", taps_reader(d->taps, 0));
                (void) taps_remove_reader(d->taps, reader);
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

static void on_card(void *userdata, const char *reader, uint64_t seen_usec, const struct device_event *e) {
        struct daemon *d = userdata;
        uint64_t now = now_monotonic_usec();
        struct tap t = {.seen_usec = seen_usec};
        (void) snprintf(t.reader, sizeof(t.reader), "%s", reader);
        if (fill_tap(d, e, &t) && taps_add(d->taps, &t, "seat0", now) == 0) {
                d->last_tap_usec = now_realtime_usec();
                broker_update(d->broker);
        }
        explicit_bzero(&t, sizeof(t));
}

static void on_watching(void *userdata, bool watching) {
        struct daemon *d = userdata;
        d->watching = watching;
        bus_changed(d->bus);
        daemon_say_status(d);
}

static const struct watch_events watch_events = {
        .reader = on_reader,
        .lost = on_lost,
        .ignored = on_ignored,
        .card = on_card,
        .watching = on_watching,
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
        struct audit_report report;
        int r;
        if ((r = station_new(&station, &d->station)) < 0 ||
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
                                                 .userdata = d};
        if ((r = recorder_new(&recorder, &d->recorder)) < 0)
                return r;
        record_findings(d, &report);
        return 0;
}

static int start_parts(struct daemon *d, int listener) {
        int r;
        if ((r = taps_new(&d->taps)) < 0 ||
            (r = sessions_new(d->event, on_session_ended, d, &d->sessions)) < 0) {
                closep(&listener);
                return r;
        }
        const struct broker_config broker = {.event = d->event,
                                             .listener = listener,
                                             .taps = d->taps,
                                             .recorder = d->recorder,
                                             .sessions = d->sessions,
                                             .changed = on_changed,
                                             .userdata = d};
        if ((r = broker_new(&broker, &d->broker)) < 0 ||
            (r = bus_new(d->event, BUS_ADDRESS, fill_status, d, &d->bus)) < 0)
                return r;
        return watch_new(d->event, &watch_events, d, &d->watch);
}

int daemon_new(const struct daemon_config *c, struct daemon **ret) {
        _cleanup_(closep) int listener = c->listener;
        _cleanup_(daemon_freep) struct daemon *d = calloc(1, sizeof(*d));
        if (!d)
                return -ENOMEM;
        d->event = sd_event_ref(c->event);
        d->keys = *c->keys;
        int r = start_records(d, c);
        if (r < 0)
                return r;
        r = start_parts(d, TAKE_FD(listener));
        if (r < 0)
                return r;
        *ret = TAKE_PTR(d);
        return 0;
}

void daemon_restore(struct daemon *d, const char *name, int fd) {
        int r = sessions_restore(d->sessions, name, fd);
        if (r < 0 && r != -ESRCH)
                log_line(SD_WARNING, "A session that was kept over the restart is lost (%s): %s", name,
                         strerror(-r));
}

struct daemon *daemon_free(struct daemon *d) {
        if (!d)
                return NULL;
        d->watch = watch_free(d->watch);
        if (d->broker)
                recorder_note(d->recorder, RECORD_WRITER_STOP, NULL, NULL, NULL);
        if (d->recorder)
                recorder_flush(d->recorder);
        d->bus = bus_free(d->bus);
        d->broker = broker_free(d->broker);
        d->sessions = sessions_free(d->sessions);
        d->taps = taps_free(d->taps);
        d->recorder = recorder_free(d->recorder);
        d->sender = journal_sender_free(d->sender);
        d->log = audit_log_free(d->log);
        d->station = station_free(d->station);
        badge_keys_clear(&d->keys);
        sd_event_unref(d->event);
        free(d);
        return NULL;
}
