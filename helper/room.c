/* SPDX-License-Identifier: Apache-2.0 */
/* Applies limits.h to the table of the seat. */
#include "helper/room.h"

#include "helper/limits.h"
#include "helper/log.h"

#include <errno.h>
#include <systemd/sd-daemon.h>

struct room {
        struct room_config config;
        struct memory *memory;
};

/* What is about to end by itself counts no more. */
static size_t collect(struct room *r, struct limits_session ret[static SEAT_SESSIONS_MAX]) {
        const struct seat *seat = r->config.seat(r->config.userdata);
        const struct seat_session *s;
        size_t n = 0;
        for (size_t i = 0; n < SEAT_SESSIONS_MAX && (s = seat_at(seat, i)); i++)
                if (!s->closing)
                        ret[n++] = (struct limits_session){
                                .id = s->id,
                                .uid = s->uid,
                                .parked_usec = s->shown || !s->managed ? 0 : s->since_usec,
                        };
        return n;
}

static bool end(struct room *r, const struct limits_session *s, const char *reason) {
        int e = r->config.sign_out(r->config.userdata, s->id, reason);
        if (e < 0)
                log_line(SD_WARNING, "Session %s was to end (%s): %s", s->id, reason, strerror(-e));
        return e >= 0;
}

void room_check(struct room *r) {
        struct limits_session all[SEAT_SESSIONS_MAX];
        size_t list[SEAT_SESSIONS_MAX];
        unsigned max = limits_max(r->config.max_sessions(r->config.userdata), memory_total(r->memory));
        size_t n = limits_over(all, collect(r, all), max, list);
        for (size_t i = 0; i < n; i++) {
                const struct limits_session s = all[list[i]];
                (void) end(r, &s, "limit");
        }
}

static bool is_alone(const struct limits_session *all, size_t n, size_t i) {
        for (size_t j = 0; j < n; j++)
                if (j != i && all[j].uid == all[i].uid)
                        return false;
        return true;
}

static bool on_pressed(void *userdata) {
        struct room *r = userdata;
        struct limits_session all[SEAT_SESSIONS_MAX];
        size_t n = collect(r, all);
        for (size_t i = 0; i < n; i++)
                if (all[i].parked_usec != 0)
                        all[i].memory_bytes =
                                memory_of_session(r->memory, all[i].uid, all[i].id, is_alone(all, n, i));
        size_t largest = limits_largest(all, n);
        return largest != LIMITS_NONE && end(r, &all[largest], "memory");
}

int room_watch_memory(struct room *r, int fd) {
        return memory_watch(r->memory, fd);
}

int room_new(const struct room_config *c, struct room **ret) {
        _cleanup_(room_freep) struct room *r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;
        r->config = *c;
        const struct memory_config memory = {.event = c->event,
                                             .cgroup = c->cgroup,
                                             .info = c->info,
                                             .pressed = on_pressed,
                                             .userdata = r};
        int e = memory_new(&memory, &r->memory);
        if (e < 0)
                return e;
        *ret = TAKE_PTR(r);
        return 0;
}

struct room *room_free(struct room *r) {
        if (!r)
                return NULL;
        r->memory = memory_free(r->memory);
        free(r);
        return NULL;
}
