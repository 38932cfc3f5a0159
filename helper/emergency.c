/* SPDX-License-Identifier: Apache-2.0 */
/* What is under way, its timer, and the records that are owed. */
#include "helper/emergency.h"

#include "common/socket.h"
#include "helper/broker_code.h"
#include "helper/log.h"
#include "helper/small_file.h"

#include <errno.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

/* Clients of the broker count from 1; ours from the other end. */
#define CLIENT_FIRST (UINT64_MAX / 2)
/* DICOM PS3.16, context group 403 (Security Alert Type Codes). */
#define DICOM_STOPPED "DICOM 110138 Emergency Override Stopped"

struct emergencies {
        sd_event *event;
        const char *path;
        struct emergency_events events;
        void *userdata;
        struct emergency_list list;
        struct {
                uint64_t ticket;       /* as the recorder knows it; 0: it is not with the recorder now */
                uint64_t client;       /* of the broker, who waits for the answer; 0: nobody */
        } waiting[EMERGENCY_OWED_MAX]; /* beside list.owed */
        uint64_t next_ticket;
        sd_event_source *timer, *retry;
        bool started, unwritten; /* unwritten: the log says so already */
};

/* --- the file */

static int save_list(const struct emergencies *e) {
        size_t size = 64U * 1024U + EMERGENCY_OWED_MAX * 4096U, n = 0;
        _cleanup_(freep) uint8_t *buf = malloc(size);
        struct writer w = {.p = buf, .size = size};
        if (!buf)
                return -ENOMEM;
        emergency_list_write(&w, &e->list);
        int r = writer_end(&w, &n);
        return r < 0 ? r : small_file_write(e->path, buf, n);
}

static void save(struct emergencies *e) {
        int r = save_list(e);
        if (r < 0 && !e->unwritten)
                log_line(SD_WARNING, "Cannot keep emergencies over a restart (%s): %s", e->path,
                         strerror(-r));
        e->unwritten = r < 0;
}

static int load(struct emergencies *e) {
        _cleanup_(freep) uint8_t *p = NULL;
        size_t n;
        int r = small_file_read(e->path, &p, &n);
        return r < 0 ? r : emergency_list_read((struct bytes){p, n}, &e->list);
}

/* --- what is owed */

static void submit(struct emergencies *e, size_t i) {
        e->waiting[i].ticket = CLIENT_FIRST + ++e->next_ticket;
        e->events.submit(e->userdata, &e->list.owed[i], e->waiting[i].ticket);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        struct emergencies *e = userdata;
        for (size_t i = 0; i < e->list.n_owed; i++)
                if (e->waiting[i].ticket == 0)
                        submit(e, i);
        return 0;
}

static void retry_later(struct emergencies *e) {
        if (!e->retry) {
                (void) sd_event_add_time_relative(e->event, &e->retry, CLOCK_BOOTTIME, EMERGENCY_RETRY_USEC,
                                                  1000000, on_retry, e);
                return;
        }
        (void) sd_event_source_set_time_relative(e->retry, EMERGENCY_RETRY_USEC);
        (void) sd_event_source_set_enabled(e->retry, SD_EVENT_ONESHOT);
}

static int copy_record(const struct record *from, struct record *ret) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t n = 0;
        record_write(&w, from);
        int r = writer_end(&w, &n);
        return r < 0 ? r : record_read((struct bytes){buf, n}, ret);
}

/* In the file before it is with the recorder. Where that is full of what could not be written, it is
 * submitted all the same, and lost as any other record would be. */
static void owe(struct emergencies *e, struct record *r, uint64_t client) {
        size_t i = e->list.n_owed;
        if (i == EMERGENCY_OWED_MAX || copy_record(r, &e->list.owed[i]) < 0) {
                e->events.submit(e->userdata, r, client);
                return;
        }
        e->list.n_owed++;
        e->waiting[i].client = client;
        save(e);
        submit(e, i);
}

static void drop_owed(struct emergencies *e, size_t i) {
        record_clear(&e->list.owed[i]);
        e->list.n_owed--;
        memmove(&e->list.owed[i], &e->list.owed[i + 1], (e->list.n_owed - i) * sizeof(e->list.owed[0]));
        memmove(&e->waiting[i], &e->waiting[i + 1], (e->list.n_owed - i) * sizeof(e->waiting[0]));
        e->list.owed[e->list.n_owed] = (struct record){0};
        memset(&e->waiting[e->list.n_owed], 0, sizeof(e->waiting[0]));
}

bool emergencies_recorded(struct emergencies *e, uint64_t client, int status, uint64_t seq) {
        if (client <= CLIENT_FIRST)
                return false;
        for (size_t i = 0; i < e->list.n_owed; i++) {
                uint64_t who = e->waiting[i].client;
                if (e->waiting[i].ticket != client)
                        continue;
                e->waiting[i].ticket = e->waiting[i].client = 0;
                if (status == 0) {
                        drop_owed(e, i);
                        save(e);
                } else {
                        retry_later(e);
                }
                if (who != 0)
                        e->events.recorded(e->userdata, who, status, seq);
                break;
        }
        return true;
}

/* --- beginning and end */

static int fill(struct record *r, const struct emergency_entry *x) {
        int e;
        if ((e = record_set(r, RECORD_FIELD_USER, x->user)) < 0 ||
            (e = record_set_u64(r, RECORD_FIELD_UID, x->uid)) < 0 ||
            (e = record_set(r, RECORD_FIELD_PERSON, x->person[0] ? x->person : NULL)) < 0 ||
            (e = record_set(r, RECORD_FIELD_ATTEMPT, x->attempt)) < 0 ||
            (e = broker_set_code(r, x->attempt)) < 0 ||
            (e = record_set(r, RECORD_FIELD_REVIEW, x->review)) < 0 ||
            (e = record_set(r, RECORD_FIELD_CLAIMED, x->claimed[0] ? x->claimed : NULL)) < 0)
                return e;
        return record_set(r, RECORD_FIELD_REQUESTOR, "node");
}

static void record_stop(struct emergencies *e, const struct emergency_entry *x, const char *reason) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_BREAK_GLASS_STOP,
                                                   .outcome = RECORD_SUCCESS};
        if (fill(&r, x) < 0 || record_set(&r, RECORD_FIELD_REASON, reason) < 0 ||
            record_set(&r, RECORD_FIELD_DETAIL, x->drill ? DICOM_STOPPED "; drill" : DICOM_STOPPED) < 0)
                return;
        owe(e, &r, 0);
}

static void record_review(struct emergencies *e, const struct emergency_entry *x, const char *detail) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_REVIEW_OPEN, .outcome = RECORD_SUCCESS};
        if (fill(&r, x) < 0 || record_set(&r, RECORD_FIELD_DETAIL, detail) < 0)
                return;
        owe(e, &r, 0);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata);

/* For the first that ends; nothing wakes up for none. */
static void arm(struct emergencies *e) {
        uint64_t first = UINT64_MAX;
        for (size_t i = 0; i < e->list.n; i++)
                if (e->list.entries[i].until_boot_usec < first)
                        first = e->list.entries[i].until_boot_usec;
        if (first == UINT64_MAX || !e->started) {
                if (e->timer)
                        (void) sd_event_source_set_enabled(e->timer, SD_EVENT_OFF);
                return;
        }
        if (!e->timer) {
                (void) sd_event_add_time(e->event, &e->timer, CLOCK_BOOTTIME, first, 1000, on_time, e);
                return;
        }
        (void) sd_event_source_set_time(e->timer, first);
        (void) sd_event_source_set_enabled(e->timer, SD_EVENT_ONESHOT);
}

static void end(struct emergencies *e, size_t i, const char *reason) {
        const struct emergency_entry x = e->list.entries[i];
        e->list.n--;
        memmove(&e->list.entries[i], &e->list.entries[i + 1], (e->list.n - i) * sizeof(x));
        record_stop(e, &x, reason);
        save(e);
        arm(e);
        e->events.ended(e->userdata, &x, reason);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        struct emergencies *e = userdata;
        uint64_t now = now_boottime_usec();
        for (size_t i = e->list.n; i-- > 0;)
                if (i < e->list.n && e->list.entries[i].until_boot_usec <= now)
                        end(e, i, "time");
        arm(e);
        return 0;
}

static size_t find(const struct emergencies *e, uid_t uid) {
        size_t i = 0;
        while (i < e->list.n && e->list.entries[i].uid != uid)
                i++;
        return i;
}

void emergencies_stop(struct emergencies *e, uid_t uid, const char *reason) {
        size_t i = find(e, uid);
        if (i < e->list.n)
                end(e, i, reason);
}

static size_t first_to_end(const struct emergencies *e) {
        size_t first = 0;
        for (size_t i = 1; i < e->list.n; i++)
                if (e->list.entries[i].until_boot_usec < e->list.entries[first].until_boot_usec)
                        first = i;
        return first;
}

int emergencies_begin(struct emergencies *e, struct record *r, uint64_t client) {
        struct emergency_entry x;
        int error = emergency_entry_read(r, now_realtime_usec(), now_boottime_usec(), &x);
        if (error < 0)
                return error;
        emergencies_stop(e, x.uid, "replaced");
        if (e->list.n == EMERGENCIES_MAX)
                end(e, first_to_end(e), "replaced");
        e->list.entries[e->list.n++] = x;
        if (x.drill)
                e->list.drill_boot_usec = 0;
        e->started = true;
        arm(e);
        save(e); /* also where nothing more can be owed */
        owe(e, r, client);
        record_review(e, &x, r->fields[RECORD_FIELD_DETAIL]);
        return 0;
}

uint64_t emergencies_until(const struct emergencies *e, uid_t uid) {
        size_t i = find(e, uid);
        uint64_t now = now_boottime_usec();
        if (i == e->list.n || e->list.entries[i].until_boot_usec <= now)
                return 0;
        return now_realtime_usec() + (e->list.entries[i].until_boot_usec - now);
}

void emergencies_announce_drill(struct emergencies *e) {
        e->list.drill_boot_usec = now_boottime_usec() + EMERGENCY_DRILL_USEC;
        save(e);
}

bool emergencies_is_drill(const struct emergencies *e) {
        return e->list.drill_boot_usec > now_boottime_usec();
}

void emergencies_start(struct emergencies *e) {
        e->started = true;
        arm(e);
        (void) on_retry(NULL, 0, e);
}

int emergencies_new(sd_event *event, const char *path, const struct emergency_events *events, void *userdata,
                    struct emergencies **ret) {
        struct emergencies *e = calloc(1, sizeof(*e));
        if (!e)
                return -ENOMEM;
        e->event = sd_event_ref(event);
        e->path = path;
        e->events = *events;
        e->userdata = userdata;
        int r = load(e);
        if (r < 0 && r != -ENOENT)
                log_line(SD_WARNING, "Emergencies of before are forgotten: %s: %s", path, strerror(-r));
        if (e->list.n_owed > 0)
                retry_later(e); /* also where nobody knows sessions */
        *ret = e;
        return 0;
}

struct emergencies *emergencies_free(struct emergencies *e) {
        if (!e)
                return NULL;
        sd_event_source_disable_unref(e->timer);
        sd_event_source_disable_unref(e->retry);
        emergency_list_clear(&e->list);
        sd_event_unref(e->event);
        free(e);
        return NULL;
}
