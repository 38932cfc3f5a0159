/* SPDX-License-Identifier: Apache-2.0 */
/* Watching readers and keys through wardtap-device. */
#include "helper/watch.h"

#include "helper/log.h"

#include <errno.h>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>

#define RETRY_LEAST_USEC (500U * 1000U)
#define RETRY_MOST_USEC (30U * 1000U * 1000U)
/* Events in one turn of the loop, and turns in a second: far more than readers and hands can bring about. A
 * wardtap-device that never stops talking must not keep wardtapd from writing records. */
#define TURN_EVENTS 16U
#define TURNS_PER_SECOND 32U

/* A card that is being read. */
struct reading {
        struct watch *watch;
        struct device_operation *op;
        sd_event_source *io;
        char reader[DEVICE_READER_MAX + 1];
        uint64_t seen_usec;
};

/* An operation that stays open. */
struct stream {
        struct watch *watch;
        struct device_operation *op;
        sd_event_source *io, *retry;
        uint64_t retry_usec;
        bool watching; /* it has said something since it was opened */
};

struct watch {
        sd_event *event;
        const struct watch_events *events;
        void *userdata;
        struct stream readers, keys;
        struct reading readings[DEVICE_READERS_MAX];
};

static void open_stream(struct stream *s);

static void stop_reading(struct reading *r) {
        r->io = sd_event_source_disable_unref(r->io);
        r->op = device_operation_free(r->op);
        r->reader[0] = 0;
}

static struct reading *find_reading(struct watch *w, const char *reader) {
        for (size_t i = 0; i < DEVICE_READERS_MAX; i++)
                if (w->readings[i].op && strcmp(w->readings[i].reader, reader) == 0)
                        return &w->readings[i];
        return NULL;
}

static struct reading *free_reading(struct watch *w) {
        for (size_t i = 0; i < DEVICE_READERS_MAX; i++)
                if (!w->readings[i].op)
                        return &w->readings[i];
        return NULL;
}

static int on_reading(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct reading *r = userdata;
        struct watch *w = r->watch;
        struct device_event e;
        if (device_next(r->op, &e) != 1)
                return 0;
        if (e.type != DEVICE_EVENT_BADGE && e.type != DEVICE_EVENT_FAILED)
                return 0;
        char reader[DEVICE_READER_MAX + 1];
        uint64_t seen_usec = r->seen_usec;
        memcpy(reader, r->reader, sizeof(reader));
        stop_reading(r);
        w->events->card(w->userdata, reader, seen_usec, &e);
        explicit_bzero(&e, sizeof(e));
        return 0;
}

/* A newer card on the same reader takes the place of the one before. */
static void read_card(struct watch *w, const struct device_event *e) {
        struct reading *r = find_reading(w, e->reader);
        if (r)
                stop_reading(r);
        if (w->events->ignored(w->userdata, e->reader) || !(r = free_reading(w)))
                return;
        int error = device_identify(e->reader, WATCH_IDENTIFY_MS, &r->op);
        if (error < 0) {
                log_line(SD_WARNING, "Cannot read a badge: wardtap-device does not answer (%s).",
                         strerror(-error));
                r->op = NULL;
                return;
        }
        r->watch = w;
        r->seen_usec = e->seen_usec;
        memcpy(r->reader, e->reader, sizeof(r->reader));
        if (sd_event_add_io(w->event, &r->io, device_fd(r->op), EPOLLIN, on_reading, r) < 0)
                stop_reading(r);
}

static void lose_all(struct watch *w, const char *reason) {
        for (size_t i = 0; i < DEVICE_READERS_MAX; i++)
                stop_reading(&w->readings[i]);
        w->events->lost(w->userdata, reason);
}

static void set_watching(struct stream *s, bool watching) {
        struct watch *w = s->watch;
        if (s->watching == watching)
                return;
        s->watching = watching;
        if (s == &w->readers)
                w->events->watching(w->userdata, watching);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        open_stream(userdata);
        return 0;
}

static void retry_later(struct stream *s) {
        s->io = sd_event_source_disable_unref(s->io);
        s->op = device_operation_free(s->op);
        s->retry_usec = s->retry_usec == 0 ? RETRY_LEAST_USEC : s->retry_usec * 2;
        if (s->retry_usec > RETRY_MOST_USEC)
                s->retry_usec = RETRY_MOST_USEC;
        if (s->retry) {
                (void) sd_event_source_set_time_relative(s->retry, s->retry_usec);
                (void) sd_event_source_set_enabled(s->retry, SD_EVENT_ONESHOT);
        } else {
                (void) sd_event_add_time_relative(s->watch->event, &s->retry, CLOCK_MONOTONIC, s->retry_usec,
                                                  0, on_retry, s);
        }
}

static void lose_stream(struct stream *s, const struct device_event *e) {
        struct watch *w = s->watch;
        bool readers = s == &w->readers;
        if (s->watching)
                log_line(SD_WARNING, "wardtap-device does not answer about %s (%s); trying again.",
                         readers ? "readers" : "keys", device_reason_name(e->reason));
        if (readers)
                lose_all(w, "device-service-gone");
        else
                w->events->keys_known(w->userdata, false);
        set_watching(s, false);
        retry_later(s);
}

static void handle_reader(struct watch *w, const struct device_event *e) {
        struct reading *r;
        switch (e->type) {
        case DEVICE_EVENT_READER_ATTACHED:
                w->events->reader(w->userdata, e->reader, true);
                w->events->card_present(w->userdata, e->reader, e->present);
                break;
        case DEVICE_EVENT_READER_DETACHED:
                r = find_reading(w, e->reader);
                if (r)
                        stop_reading(r);
                w->events->reader(w->userdata, e->reader, false);
                break;
        case DEVICE_EVENT_CARD_INSERTED:
                w->events->card_present(w->userdata, e->reader, true);
                read_card(w, e);
                break;
        case DEVICE_EVENT_CARD_REMOVED: /* an identification that goes on sees it by itself */
                w->events->card_present(w->userdata, e->reader, false);
                break;
        case DEVICE_EVENT_PCSC_LOST:
                lose_all(w, "pcsc-lost");
                break;
        default:
                break;
        }
}

static void handle_key(struct watch *w, const struct device_event *e) {
        if (e->type == DEVICE_EVENT_KEYS_LISTED)
                w->events->keys_known(w->userdata, true);
        else
                w->events->key(w->userdata, &e->key, e->type == DEVICE_EVENT_KEY_ATTACHED, e->present);
}

static int on_stream(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct stream *s = userdata;
        struct watch *w = s->watch;
        struct device_event e;
        for (unsigned i = 0; i < TURN_EVENTS && s->op && device_next(s->op, &e) == 1; i++) {
                if (e.type == DEVICE_EVENT_FAILED) {
                        lose_stream(s, &e);
                        return 0;
                }
                s->retry_usec = 0;
                set_watching(s, true);
                if (s == &w->readers)
                        handle_reader(w, &e);
                else
                        handle_key(w, &e);
        }
        return 0;
}

static void open_stream(struct stream *s) {
        struct watch *w = s->watch;
        int r = s == &w->readers ? device_watch(&s->op) : device_watch_keys(&s->op);
        if (r >= 0)
                r = sd_event_add_io(w->event, &s->io, device_fd(s->op), EPOLLIN, on_stream, s);
        else
                s->op = NULL;
        if (r >= 0)
                r = sd_event_source_set_ratelimit(s->io, 1000000, TURNS_PER_SECOND);
        if (r < 0)
                retry_later(s);
}

int watch_new(sd_event *event, const struct watch_events *events, void *userdata, struct watch **ret) {
        struct watch *w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->event = sd_event_ref(event);
        w->events = events;
        w->userdata = userdata;
        w->readers.watch = w->keys.watch = w;
        open_stream(&w->readers);
        open_stream(&w->keys);
        *ret = w;
        return 0;
}

static void stop_stream(struct stream *s) {
        sd_event_source_disable_unref(s->io);
        sd_event_source_disable_unref(s->retry);
        (void) device_operation_free(s->op);
}

struct watch *watch_free(struct watch *w) {
        if (!w)
                return NULL;
        for (size_t i = 0; i < DEVICE_READERS_MAX; i++)
                stop_reading(&w->readings[i]);
        stop_stream(&w->readers);
        stop_stream(&w->keys);
        sd_event_unref(w->event);
        free(w);
        return NULL;
}
