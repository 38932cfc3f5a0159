/* SPDX-License-Identifier: Apache-2.0 */
/* Records on their way to disk, and the answers to those who wait for them. */
#include "helper/recorder.h"

#include "common/socket.h"
#include "helper/log.h"

#include <errno.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#define WAITING_MAX 128U
#define RECORDER_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 10)

struct waiting {
        uint64_t client, seq;
};

struct recorder {
        struct recorder_config config;
        sd_event_source *defer;
        struct waiting waiting[WAITING_MAX];
        size_t n_waiting;
        const char *clock_said; /* what is wrong with the clock, as the last alert said; NULL: nothing */
        uint64_t latest_usec;   /* the latest time a record has had in this run */
        uint64_t lost;          /* records that could not be written since the last that could */
        int lost_error;
};

static void answer(struct recorder *r, const struct waiting *w, int status) {
        if (w->client != 0)
                r->config.done(r->config.userdata, w->client, status, status == 0 ? w->seq : 0);
}

static void note_lost(struct recorder *r, size_t n, int error) {
        if (r->lost == 0)
                log_line(SD_ALERT, "Cannot write audit records: %s. See that there is space in %s.",
                         strerror(-error), "/var/lib/wardtap/audit");
        r->lost += n;
        r->lost_error = error;
}

void recorder_flush(struct recorder *r) {
        struct waiting waiting[WAITING_MAX];
        size_t n = r->n_waiting;
        if (n == 0)
                return;
        memcpy(waiting, r->waiting, n * sizeof(waiting[0]));
        r->n_waiting = 0;
        int status = audit_log_commit(r->config.log);
        if (status < 0)
                note_lost(r, n, status);
        for (size_t i = 0; i < n; i++)
                answer(r, &waiting[i], status);
        if (status < 0)
                return;
        journal_sender_kick(r->config.sender);
        if (r->lost > 0) {
                char detail[160];
                (void) snprintf(detail, sizeof(detail), "%llu records could not be written: %s",
                                (unsigned long long) r->lost, strerror(-r->lost_error));
                r->lost = 0;
                recorder_note(r, RECORD_ALERT, NULL, "records-lost", detail);
        }
}

static int on_defer(sd_event_source *source, void *userdata) {
        recorder_flush(userdata);
        return 0;
}

static int add(struct recorder *r, struct record *record, uint64_t *ret_seq) {
        int e = station_fill(r->config.station, record, now_realtime_usec());
        if (e < 0)
                return e;
        e = audit_log_add(r->config.log, record, ret_seq);
        if (e != -ENOBUFS)
                return e;
        recorder_flush(r);
        return audit_log_add(r->config.log, record, ret_seq);
}

/* Hours and validity are not judged by a clock that cannot be trusted, so whoever reads the records must
 * know: one alert, before the first record of an attempt that this is true of. */
static void judge_clock(struct recorder *r) {
        uint64_t now = now_realtime_usec();
        const char *wrong = NULL;
        if (now < r->latest_usec)
                wrong = "clock-behind";
        else if (!station_clock_is_synchronised())
                wrong = "clock-not-synchronised";
        r->latest_usec = now > r->latest_usec ? now : r->latest_usec;
        if (wrong == r->clock_said)
                return;
        r->clock_said = wrong;
        if (wrong)
                recorder_note(r, RECORD_ALERT, NULL, wrong,
                              "Hours and validity are not judged until the clock is right again.");
}

void recorder_submit(struct recorder *r, struct record *record, uint64_t client) {
        struct waiting w = {.client = client};
        if (client != 0)
                judge_clock(r);
        if (r->n_waiting == WAITING_MAX)
                recorder_flush(r);
        int e = add(r, record, &w.seq);
        if (r->config.taken)
                r->config.taken(r->config.userdata, record, e < 0 ? 0 : w.seq);
        if (e < 0) {
                note_lost(r, 1, e);
                answer(r, &w, e);
                return;
        }
        r->waiting[r->n_waiting++] = w;
        (void) sd_event_source_set_enabled(r->defer, SD_EVENT_ONESHOT);
}

void recorder_note(struct recorder *r, enum record_event event, const char *reader, const char *reason,
                   const char *detail) {
        _cleanup_(record_clear) struct record record = {
                .event = event,
                .outcome = event == RECORD_ALERT || event == RECORD_GUARD_ALERT ? RECORD_FAILURE
                                                                                : RECORD_SUCCESS};
        if (record_set(&record, RECORD_FIELD_READER, reader) < 0 ||
            record_set(&record, RECORD_FIELD_REASON, reason) < 0 ||
            record_set(&record, RECORD_FIELD_DETAIL, detail) < 0 ||
            record_set(&record, RECORD_FIELD_REQUESTOR, "node") < 0) {
                note_lost(r, 1, -ENOMEM);
                return;
        }
        recorder_submit(r, &record, 0);
}

int recorder_new(const struct recorder_config *c, struct recorder **ret) {
        _cleanup_(recorder_freep) struct recorder *r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;
        r->config = *c;
        int e = sd_event_add_defer(c->event, &r->defer, on_defer, r);
        if (e < 0)
                return e;
        /* After the messages that are ready in this turn, so that several records share one fdatasync;
         * before what nobody waits for (the journal, the bus). */
        if ((e = sd_event_source_set_priority(r->defer, RECORDER_PRIORITY)) < 0 ||
            (e = sd_event_source_set_enabled(r->defer, SD_EVENT_OFF)) < 0)
                return e;
        *ret = TAKE_PTR(r);
        return 0;
}

struct recorder *recorder_free(struct recorder *r) {
        if (!r)
                return NULL;
        if (r->defer)
                recorder_flush(r);
        sd_event_source_disable_unref(r->defer);
        free(r);
        return NULL;
}
