/* SPDX-License-Identifier: Apache-2.0 */
/* One second's rest for all, and what is read in between. */
#include "helper/idle/devices.h"

#include <errno.h>
#include <linux/input.h>
#include <time.h>

/* So much of one device at a time: a device that never stops is not waited for. */
#define READ_EVENTS 64U
#define READS_MAX 16U
/* The value of a key that repeats by itself. */
#define KEY_REPEATED 2

struct device {
        struct devices *devices;
        int fd; /* -1: free */
        unsigned id, types;
        sd_event_source *io;
};

struct devices {
        sd_event *event;
        const struct devices_events *events;
        void *userdata;
        sd_event_source *rest; /* a timer; runs while devices rest */
        bool resting;
        unsigned n;
        struct device devices[DEVICES_MAX];
};

static struct device *find(const struct devices *d, unsigned id) {
        for (size_t i = 0; i < DEVICES_MAX; i++)
                if (d->devices[i].fd >= 0 && d->devices[i].id == id)
                        return (struct device *) &d->devices[i];
        return NULL;
}

static void drop(struct device *v) {
        struct devices *d = v->devices;
        v->io = sd_event_source_disable_unref(v->io);
        closep(&v->fd);
        if (--d->n == 0)
                d->events->watching(d->userdata, false);
}

static bool is_input(const struct input_event *e, unsigned types) {
        if (e->type != EV_KEY && e->type != EV_REL && e->type != EV_ABS)
                return false;
        return (types >> e->type) & 1 && !(e->type == EV_KEY && e->value == KEY_REPEATED);
}

/* Reads what is there; *ret_input when some of it is input. -EAGAIN when all was read, 0 when there may be
 * more; any other means that the device is gone. */
static int read_some(const struct device *v, bool *ret_input) {
        struct input_event e[READ_EVENTS];
        ssize_t n;
        do
                n = read(v->fd, e, sizeof(e));
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        for (size_t i = 0; i < (size_t) n / sizeof(e[0]); i++)
                *ret_input = *ret_input || is_input(&e[i], v->types);
        explicit_bzero(e, sizeof(e));
        return n > 0 && (size_t) n % sizeof(e[0]) == 0 ? 0 : -ENODEV;
}

/* True when there was anything to read. */
static bool look(struct device *v, bool *ret_input) {
        int r = 0;
        unsigned n = 0;
        for (; n < READS_MAX && r == 0; n++)
                r = read_some(v, ret_input);
        if (r < 0 && r != -EAGAIN)
                drop(v);
        return n > 1 || r == 0;
}

static void listen_to_all(struct devices *d, bool on) {
        for (size_t i = 0; i < DEVICES_MAX; i++)
                if (d->devices[i].fd >= 0)
                        (void) sd_event_source_set_enabled(d->devices[i].io,
                                                           on ? SD_EVENT_ON : SD_EVENT_OFF);
}

/* If there can be no timer there is no rest: better awake than deaf. */
static void rest(struct devices *d) {
        d->resting = sd_event_source_set_time_relative(d->rest, DEVICES_REST_USEC) >= 0 &&
                     sd_event_source_set_enabled(d->rest, SD_EVENT_ONESHOT) >= 0;
        listen_to_all(d, !d->resting);
}

static int on_ready(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct device *v = userdata;
        struct devices *d = v->devices;
        bool input = false;
        if (look(v, &input))
                rest(d);
        if (input)
                d->events->active(d->userdata);
        return 0;
}

static int on_rested(sd_event_source *source, uint64_t usec, void *userdata) {
        struct devices *d = userdata;
        bool input = false, any = false;
        for (size_t i = 0; i < DEVICES_MAX; i++)
                if (d->devices[i].fd >= 0 && look(&d->devices[i], &input))
                        any = true;
        d->resting = false;
        if (any)
                rest(d);
        else
                listen_to_all(d, true);
        if (input)
                d->events->active(d->userdata);
        return 0;
}

int devices_add(struct devices *d, unsigned id, int fd_taken, unsigned types) {
        _cleanup_(closep) int fd = fd_taken;
        struct device *v = NULL;
        if (find(d, id))
                return -EEXIST;
        for (size_t i = 0; i < DEVICES_MAX && !v; i++)
                if (d->devices[i].fd < 0)
                        v = &d->devices[i];
        if (!v)
                return -ENOSPC;
        int r = sd_event_add_io(d->event, &v->io, fd, EPOLLIN, on_ready, v);
        if (r >= 0 && d->resting)
                r = sd_event_source_set_enabled(v->io, SD_EVENT_OFF);
        if (r < 0) {
                v->io = sd_event_source_disable_unref(v->io);
                return r;
        }
        v->fd = TAKE_FD(fd);
        v->id = id;
        v->types = types;
        if (d->n++ == 0)
                d->events->watching(d->userdata, true);
        return 0;
}

void devices_remove(struct devices *d, unsigned id) {
        struct device *v = find(d, id);
        if (v)
                drop(v);
}

void devices_remove_all(struct devices *d) {
        for (size_t i = 0; i < DEVICES_MAX; i++)
                if (d->devices[i].fd >= 0)
                        drop(&d->devices[i]);
}

bool devices_has(const struct devices *d, unsigned id) {
        return find(d, id) != NULL;
}

unsigned devices_count(const struct devices *d) {
        return d->n;
}

int devices_new(sd_event *event, const struct devices_events *events, void *userdata, struct devices **ret) {
        struct devices *d = calloc(1, sizeof(*d));
        if (!d)
                return -ENOMEM;
        for (size_t i = 0; i < DEVICES_MAX; i++)
                d->devices[i] = (struct device){.devices = d, .fd = -1};
        d->events = events;
        d->userdata = userdata;
        int r = sd_event_add_time(event, &d->rest, CLOCK_MONOTONIC, UINT64_MAX, 0, on_rested, d);
        if (r >= 0)
                r = sd_event_source_set_enabled(d->rest, SD_EVENT_OFF);
        if (r < 0) {
                sd_event_source_disable_unref(d->rest);
                free(d);
                return r;
        }
        d->event = sd_event_ref(event);
        *ret = d;
        return 0;
}

struct devices *devices_free(struct devices *d) {
        if (!d)
                return NULL;
        for (size_t i = 0; i < DEVICES_MAX; i++) {
                d->devices[i].io = sd_event_source_disable_unref(d->devices[i].io);
                closep(&d->devices[i].fd);
        }
        sd_event_source_disable_unref(d->rest);
        sd_event_unref(d->event);
        free(d);
        return NULL;
}
