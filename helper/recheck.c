/* SPDX-License-Identifier: Apache-2.0 */
/* A queue of people, and one question at a time. */
#include "helper/recheck.h"

#include "common/bytes.h"
#include "helper/log.h"

#include <errno.h>
#include <systemd/sd-daemon.h>

struct person {
        uid_t uid;
        char user[65];
        bool wanted; /* added since recheck_begin() */
};

struct recheck {
        struct recheck_events events;
        void *userdata;
        struct judge *judge;
        char service[65], reason[65];
        struct person people[RECHECK_PEOPLE_MAX], now; /* now: whom the question is about */
        size_t n;
};

static void drop_first(struct recheck *r) {
        r->n--;
        memmove(r->people, r->people + 1, r->n * sizeof(r->people[0]));
}

static void next(struct recheck *r) {
        while (r->n > 0 && !judge_is_busy(r->judge)) {
                r->now = r->people[0];
                drop_first(r);
                r->reason[0] = 0;
                int e = judge_begin(r->judge, WIRE_RECHECK, r->service, "", r->now.user);
                if (e >= 0)
                        return;
                log_line(SD_WARNING, "Nobody says whether those who are signed in may still be: %s",
                         strerror(-e));
                r->n = 0; /* asked again in time */
        }
}

static void on_words(void *userdata, enum wire_type type, const char *text) {
        struct recheck *r = userdata;
        if (type == WIRE_INFO)
                (void) text_copy(r->reason, sizeof(r->reason), text);
}

static void on_done(void *userdata, int error, enum wire_verdict verdict) {
        struct recheck *r = userdata;
        if (error >= 0 && verdict == WIRE_DENY && r->reason[0])
                r->events.refused(r->userdata, r->now.uid, r->reason);
        next(r);
}

static bool is_listed(struct recheck *r, uid_t uid) {
        for (size_t i = 0; i < r->n; i++)
                if (r->people[i].uid == uid)
                        return r->people[i].wanted = true;
        return false;
}

void recheck_begin(struct recheck *r, const char *service) {
        for (size_t i = 0; i < r->n; i++)
                r->people[i].wanted = false;
        if (text_copy(r->service, sizeof(r->service), service) < 0)
                r->service[0] = 0;
}

void recheck_add(struct recheck *r, uid_t uid, const char *user) {
        if (!r->service[0] || r->n == RECHECK_PEOPLE_MAX || is_listed(r, uid))
                return;
        struct person p = {.uid = uid, .wanted = true};
        if (text_copy(p.user, sizeof(p.user), user) >= 0)
                r->people[r->n++] = p;
}

/* Who waits for the answer about somebody else keeps her place: people who change often, and a directory
 * that is slow, would else have the same ones asked about again and again. */
void recheck_go(struct recheck *r) {
        size_t n = 0;
        for (size_t i = 0; i < r->n; i++)
                if (r->people[i].wanted)
                        r->people[n++] = r->people[i];
        r->n = n;
        next(r);
}

int recheck_new(sd_event *event, const char *auth_socket, const struct recheck_events *events,
                void *userdata, struct recheck **ret) {
        static const struct judge_events judge = {.words = on_words, .done = on_done};
        _cleanup_(recheck_freep) struct recheck *r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;
        r->events = *events;
        r->userdata = userdata;
        int e = judge_new(event, auth_socket, &judge, r, &r->judge);
        if (e < 0)
                return e;
        *ret = TAKE_PTR(r);
        return 0;
}

struct recheck *recheck_free(struct recheck *r) {
        if (!r)
                return NULL;
        r->judge = judge_free(r->judge);
        free(r);
        return NULL;
}
