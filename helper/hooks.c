/* SPDX-License-Identifier: Apache-2.0 */
/* Asks systemd for units, never waiting. The files of records are in hooks_spool.c. */
#include "helper/hooks.h"

#include "common/socket.h"
#include "helper/hooks_spool.h"
#include "helper/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#define MINUTE_USEC (60U * 1000U * 1000U)

enum kind {
        KIND_PRESENT,
        KIND_EVENT,
        KIND_ALERT,
        KIND_MAX,
};
static const char *const kind_names[] = {[KIND_PRESENT] = "wardtap-present@",
                                         [KIND_EVENT] = "wardtap-event@",
                                         [KIND_ALERT] = "wardtap-alert@"};

enum asked {
        ASKED_NOTHING, /* or nobody knows what came of it */
        ASKED_PRESENT,
        ASKED_ABSENT,
};

struct person {
        struct hooks *hooks;
        uid_t uid;
        enum asked wanted, asked;
        sd_bus_slot *slot; /* one call at a time, so that a stop never overtakes a start */
};

struct start {
        struct hooks *hooks;
        enum kind kind;
        char unit[HOOKS_UNIT_SIZE]; /* "": this place is free */
        sd_bus_slot *slot;          /* NULL while there is no bus */
};

struct hooks {
        struct hooks_config config;
        struct hooks_spool *spool; /* NULL: there is none */
        struct person *people[HOOKS_PEOPLE_MAX];
        size_t n_people;
        struct start starts[HOOKS_STARTS_MAX];
        struct {
                bool failed; /* and said so */
                uint64_t minute_usec;
                unsigned n; /* in the minute that began then */
        } kinds[KIND_MAX];
};

static void note(struct hooks *h, enum kind kind, const char *error) {
        if (error && !h->kinds[kind].failed)
                log_line(SD_WARNING, "A unit %s... was not started or stopped (not said again): %s",
                         kind_names[kind], error);
        h->kinds[kind].failed = error;
}

static int call(struct hooks *h, const char *method, const char *unit, sd_bus_slot **slot,
                sd_bus_message_handler_t handler, void *userdata) {
        sd_bus *bus = h->config.bus(h->config.userdata);
        if (!bus)
                return -ENOTCONN;
        return sd_bus_call_method_async(bus, slot, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                                        "org.freedesktop.systemd1.Manager", method, handler, userdata, "ss",
                                        unit, "replace");
}

static const char *error_of(sd_bus_message *m) {
        const sd_bus_error *e = sd_bus_message_get_error(m);
        return !e ? NULL : e->message ? e->message : e->name;
}

/* ---- who is present ---- */

static struct person *person_free(struct person *p) {
        if (!p)
                return NULL;
        p->slot = sd_bus_slot_unref(p->slot);
        free(p);
        return NULL;
}

static void drop_person(struct person *p) {
        struct hooks *h = p->hooks;
        for (size_t i = 0; i < h->n_people; i++)
                if (h->people[i] == p) {
                        h->people[i] = h->people[--h->n_people];
                        break;
                }
        (void) person_free(p);
}

static void ask_person(struct person *p);

static int on_person(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct person *p = userdata;
        const char *failed = error_of(m);
        p->slot = sd_bus_slot_unref(p->slot);
        note(p->hooks, KIND_PRESENT, failed);
        if (p->asked == p->wanted && (p->wanted == ASKED_ABSENT || failed)) {
                if (p->wanted == ASKED_ABSENT)
                        drop_person(p);
                else
                        p->asked = ASKED_NOTHING; /* again, should the bus have been lost */
                return 0;
        }
        ask_person(p);
        return 0;
}

static void ask_person(struct person *p) {
        char unit[HOOKS_UNIT_SIZE];
        if (p->slot || p->asked == p->wanted)
                return;
        (void) snprintf(unit, sizeof(unit), "%s%lu.service", kind_names[KIND_PRESENT],
                        (unsigned long) p->uid);
        int r = call(p->hooks, p->wanted == ASKED_PRESENT ? "StartUnit" : "StopUnit", unit, &p->slot,
                     on_person, p);
        if (r >= 0)
                p->asked = p->wanted;
        else if (r != -ENOTCONN)
                note(p->hooks, KIND_PRESENT, strerror(-r));
}

static struct person *find_person(struct hooks *h, uid_t uid) {
        for (size_t i = 0; i < h->n_people; i++)
                if (h->people[i]->uid == uid)
                        return h->people[i];
        if (h->n_people == HOOKS_PEOPLE_MAX)
                return NULL;
        struct person *p = calloc(1, sizeof(*p));
        if (!p)
                return NULL;
        p->hooks = h;
        p->uid = uid;
        h->people[h->n_people++] = p;
        return p;
}

static void want(struct hooks *h, uid_t uid, enum asked wanted) {
        struct person *p = uid == 0 || uid == (uid_t) -1 ? NULL : find_person(h, uid);
        if (!p)
                return;
        p->wanted = wanted;
        ask_person(p);
}

void hooks_present(struct hooks *h, uid_t uid) {
        want(h, uid, ASKED_PRESENT);
}

void hooks_absent(struct hooks *h, uid_t uid) {
        want(h, uid, ASKED_ABSENT);
}

/* ---- programs of the site ---- */

static void end_start(struct start *s) {
        s->slot = sd_bus_slot_unref(s->slot);
        s->unit[0] = 0;
}

static int on_started(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct start *s = userdata;
        note(s->hooks, s->kind, error_of(m));
        end_start(s);
        return 0;
}

static void ask_start(struct start *s) {
        int r = call(s->hooks, "StartUnit", s->unit, &s->slot, on_started, s);
        if (r >= 0 || r == -ENOTCONN)
                return; /* hooks_resume() asks */
        note(s->hooks, s->kind, strerror(-r));
        end_start(s);
}

static bool is_within_minute(struct hooks *h, enum kind kind) {
        uint64_t now = now_monotonic_usec();
        if (h->kinds[kind].minute_usec == 0 || now - h->kinds[kind].minute_usec >= MINUTE_USEC) {
                h->kinds[kind].minute_usec = now;
                h->kinds[kind].n = 0;
        }
        return h->kinds[kind].n++ < HOOKS_PER_MINUTE;
}

static struct start *free_place(struct hooks *h) {
        for (size_t i = 0; i < HOOKS_STARTS_MAX; i++)
                if (!h->starts[i].unit[0])
                        return &h->starts[i];
        return NULL;
}

static void start(struct hooks *h, enum kind kind, const char *name, const struct record *record,
                  uint64_t seq) {
        const char *folder = kind == KIND_EVENT ? "event" : "alert";
        if (!h->spool || !hooks_is_wanted(h->config.site, folder, name))
                return;
        struct start *s = is_within_minute(h, kind) ? free_place(h) : NULL;
        if (!s) {
                note(h, kind, "more than a station should have in a minute");
                return;
        }
        char instance[HOOKS_UNIT_SIZE / 2];
        (void) snprintf(instance, sizeof(instance), "%s-%" PRIu64, name, seq ? seq : now_realtime_usec());
        int r = hooks_spool_put(h->spool, folder, instance, record, seq);
        if (r < 0) {
                note(h, kind, strerror(-r));
                return;
        }
        s->hooks = h;
        s->kind = kind;
        (void) snprintf(s->unit, sizeof(s->unit), "%s%s.service", kind_names[kind], instance);
        ask_start(s);
}

void hooks_record(struct hooks *h, const struct record *record, uint64_t seq) {
        const char *event = record_event_name(record->event), *reason = record->fields[RECORD_FIELD_REASON];
        start(h, KIND_EVENT, event, record, seq);
        if (record_event_priority(record->event) <= 2)
                start(h, KIND_ALERT, reason && hooks_is_name(reason) ? reason : event, record, seq);
}

/* ---- all of it ---- */

/* A call on a connection that is gone is never answered. */
static bool is_lost(sd_bus_slot *slot, const sd_bus *bus) {
        return slot && sd_bus_slot_get_bus(slot) != bus;
}

void hooks_resume(struct hooks *h) {
        sd_bus *bus = h->config.bus(h->config.userdata);
        if (!bus)
                return;
        for (size_t i = 0; i < h->n_people; i++) {
                struct person *p = h->people[i];
                if (is_lost(p->slot, bus)) {
                        p->slot = sd_bus_slot_unref(p->slot);
                        p->asked = ASKED_NOTHING;
                }
                ask_person(p);
        }
        for (size_t i = 0; i < HOOKS_STARTS_MAX; i++) {
                struct start *s = &h->starts[i];
                if (is_lost(s->slot, bus))
                        end_start(s); /* it may have begun: not twice */
                else if (s->unit[0] && !s->slot)
                        ask_start(s);
        }
}

int hooks_new(const struct hooks_config *c, struct hooks **ret) {
        struct hooks *h = calloc(1, sizeof(*h));
        if (!h)
                return -ENOMEM;
        h->config = *c;
        int r = hooks_spool_new(c->spool, &h->spool);
        if (r < 0)
                log_line(SD_WARNING, "No hook of the site runs: %s: %s", c->spool, strerror(-r));
        *ret = h;
        return 0;
}

struct hooks *hooks_free(struct hooks *h) {
        if (!h)
                return NULL;
        while (h->n_people > 0)
                (void) person_free(h->people[--h->n_people]);
        for (size_t i = 0; i < HOOKS_STARTS_MAX; i++)
                end_start(&h->starts[i]);
        h->spool = hooks_spool_free(h->spool);
        free(h);
        return NULL;
}
