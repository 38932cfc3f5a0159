/* SPDX-License-Identifier: Apache-2.0 */
/* Follows units of the site. A signal only says that something changed; what it is now is asked for, so that
 * one reader of the answer is enough. */
#include "helper/posture.h"

#include "common/bytes.h"
#include "common/socket.h"
#include "helper/log.h"

#include <errno.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#define SYSTEMD "org.freedesktop.systemd1"
#define ROOT "/org/freedesktop/systemd1"
#define PROPERTIES "org.freedesktop.DBus.Properties"
/* Of this name alone: nobody is woken by others that come and go. */
#define OWNER_OF_SYSTEMD                                                                                    \
        "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"                         \
        "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" SYSTEMD "'"
#define RETRY_USEC (5U * 1000U * 1000U)

_Static_assert(BROKER_PASSING_SIZE > RULES_CHECKS_MAX * 65U, "all names fit");

struct check {
        struct posture *all;
        char name[65], unit[129];
        uint64_t max_age_usec;
        struct posture_unit now;
        sd_bus_slot *changes, *asking;
        bool again; /* it changed while it was asked about */
        bool said, passed;
        bool told, told_passed; /* to whoever records it */
        unsigned n_told;        /* since ... */
        uint64_t since_usec;    /* CLOCK_MONOTONIC */
};

struct posture {
        struct posture_config config;
        char hash[65]; /* of the rules that are followed; "": none */
        struct check *checks[RULES_CHECKS_MAX];
        size_t n;
        sd_bus_slot *owner;
        sd_event_source *retry;
};

/* --- what a unit's state means */

static bool is_within(uint64_t from, uint64_t max_age, uint64_t now) {
        return from > 0 && from <= now && now - from <= max_age;
}

bool posture_passes(const struct posture_unit *u, uint64_t max_age_usec, uint64_t now_usec) {
        bool active = strcmp(u->state, "active") == 0 || strcmp(u->state, "reloading") == 0;
        if (!u->known || max_age_usec == 0)
                return u->known && active;
        if (active)
                return is_within(u->active_usec, max_age_usec, now_usec);
        if (strcmp(u->state, "inactive") == 0) /* a failed one is "failed" until it runs again */
                return is_within(u->inactive_usec, max_age_usec, now_usec);
        if (strcmp(u->state, "activating") == 0 || strcmp(u->state, "deactivating") == 0)
                return is_within(u->good_usec, max_age_usec, now_usec);
        return false;
}

static int read_property(sd_bus_message *m, const char *name, struct posture_unit *u) {
        const char *state;
        uint64_t *time = strcmp(name, "ActiveEnterTimestampMonotonic") == 0     ? &u->active_usec
                         : strcmp(name, "InactiveEnterTimestampMonotonic") == 0 ? &u->inactive_usec
                                                                                : NULL;
        if (time)
                return sd_bus_message_read(m, "v", "t", time);
        if (strcmp(name, "ActiveState") != 0)
                return sd_bus_message_skip(m, "v");
        int r = sd_bus_message_read(m, "v", "s", &state);
        if (r < 0)
                return r;
        u->known = true;
        return text_copy(u->state, sizeof(u->state), state) < 0 ? -EBADMSG : 0;
}

int posture_read_unit(sd_bus_message *m, struct posture_unit *u) {
        struct posture_unit read = {.good_usec = u->good_usec};
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");
        *u = read;
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const char *name;
                if ((r = sd_bus_message_read(m, "s", &name)) < 0 || (r = read_property(m, name, &read)) < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
        }
        if (r < 0)
                return r;
        if (!read.known)
                return -EBADMSG;
        *u = read;
        return 0;
}

/* --- asking */

static void ask(struct check *c);

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        struct posture *p = userdata;
        for (size_t i = 0; i < p->n; i++)
                if (!p->checks[i]->now.known)
                        ask(p->checks[i]);
        return 0;
}

/* systemd is busy, or the bus is full. */
static void retry_later(struct posture *p) {
        if (!p->retry) {
                (void) sd_event_add_time_relative(p->config.event, &p->retry, CLOCK_MONOTONIC, RETRY_USEC, 0,
                                                  on_retry, p);
                return;
        }
        (void) sd_event_source_set_time_relative(p->retry, RETRY_USEC);
        (void) sd_event_source_set_enabled(p->retry, SD_EVENT_ONESHOT);
}

static bool may_tell(struct check *c, uint64_t now_usec) {
        if (c->n_told == 0 || now_usec - c->since_usec >= POSTURE_TELL_USEC) {
                c->since_usec = now_usec;
                c->n_told = 0;
        }
        return c->n_told < POSTURE_TELL_MAX;
}

static void tell(struct check *c, uint64_t now_usec) {
        const struct posture_config *config = &c->all->config;
        if ((c->told && c->told_passed == c->passed) || !may_tell(c, now_usec))
                return;
        const struct posture_change change = {.name = c->name,
                                              .unit = c->unit,
                                              .state = c->now.known ? c->now.state : "not known",
                                              .passes = c->passed,
                                              .last = c->n_told + 1 == POSTURE_TELL_MAX};
        if (!config->changed(config->userdata, &change))
                return;
        c->told = true;
        c->told_passed = c->passed;
        c->n_told++;
}

/* A check that changed is told once, for whoever looks for the reason of a refusal. */
static void judge(struct check *c) {
        uint64_t now = now_monotonic_usec();
        bool passes = posture_passes(&c->now, c->max_age_usec, now);
        if (passes)
                c->now.good_usec = now;
        bool same = c->said && c->passed == passes;
        c->said = true;
        c->passed = passes;
        if (!same)
                log_line(passes ? SD_INFO : SD_WARNING, "The check %s %s: %s is %s.", c->name,
                         passes ? "passes" : "fails", c->unit, c->now.known ? c->now.state : "not known");
        tell(c, now);
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct check *c = userdata;
        c->asking = sd_bus_slot_unref(c->asking);
        if (sd_bus_message_is_method_error(m, NULL) || posture_read_unit(m, &c->now) < 0) {
                c->now.known = false;
                retry_later(c->all);
        }
        judge(c);
        if (c->again)
                ask(c);
        return 0;
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct check *c = userdata;
        ask(c);
        return 0;
}

static int unit_path(const char *unit, char **ret) {
        return sd_bus_path_encode(ROOT "/unit", unit, ret);
}

static void ask(struct check *c) {
        _cleanup_(freep) char *path = NULL;
        sd_bus *bus = c->all->config.bus(c->all->config.userdata);
        c->again = c->asking;
        if (!bus || c->asking)
                return;
        int r = unit_path(c->unit, &path);
        if (r >= 0)
                r = sd_bus_call_method_async(bus, &c->asking, SYSTEMD, path, PROPERTIES, "GetAll", on_answer,
                                             c, "s", SYSTEMD ".Unit");
        if (r < 0)
                retry_later(c->all);
}

/* --- following */

static void listen_to(struct check *c, sd_bus *bus) {
        _cleanup_(freep) char *path = NULL;
        if (unit_path(c->unit, &path) < 0)
                return;
        (void) sd_bus_match_signal_async(bus, &c->changes, SYSTEMD, path, PROPERTIES, "PropertiesChanged",
                                         on_changed, NULL, c);
}

static void forget(struct check *c) {
        c->changes = sd_bus_slot_unref(c->changes);
        c->asking = sd_bus_slot_unref(c->asking);
        c->now = (struct posture_unit){0};
        c->again = false;
}

static struct check *check_free(struct check *c) {
        if (c)
                forget(c);
        free(c);
        return NULL;
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* systemd sends signals of units to those alone who have subscribed, and only while it runs. */
static void begin(struct posture *p) {
        sd_bus *bus = p->config.bus(p->config.userdata);
        p->owner = sd_bus_slot_unref(p->owner);
        for (size_t i = 0; i < p->n; i++)
                forget(p->checks[i]);
        if (!bus || p->n == 0)
                return;
        (void) sd_bus_add_match_async(bus, &p->owner, OWNER_OF_SYSTEMD, on_owner, NULL, p);
        (void) sd_bus_call_method_async(bus, NULL, SYSTEMD, ROOT, SYSTEMD ".Manager", "Subscribe", NULL,
                                        NULL, "");
        for (size_t i = 0; i < p->n; i++) {
                listen_to(p->checks[i], bus);
                ask(p->checks[i]);
        }
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct posture *p = userdata;
        const char *name, *before, *after;
        if (sd_bus_message_read(m, "sss", &name, &before, &after) >= 0 && strcmp(name, SYSTEMD) == 0 &&
            *after)
                begin(p);
        return 0;
}

static void add(struct posture *p, const struct rule_check *rule) {
        struct check *c = calloc(1, sizeof(*c));
        if (!c || text_copy(c->name, sizeof(c->name), rule->name) < 0 ||
            text_copy(c->unit, sizeof(c->unit), rule->unit) < 0) {
                free(c); /* a check that is not followed does not pass */
                return;
        }
        c->all = p;
        c->max_age_usec = rule->max_age_usec;
        p->checks[p->n++] = c;
}

static void drop_all(struct posture *p) {
        while (p->n > 0)
                (void) check_free(p->checks[--p->n]);
}

void posture_follow(struct posture *p, const struct rules *rules) {
        const char *hash = rules ? rules->hash : "";
        if (strcmp(p->hash, hash) == 0)
                return;
        (void) text_copy(p->hash, sizeof(p->hash), hash);
        drop_all(p);
        for (size_t i = 0; rules && i < rules->n_checks && p->n < RULES_CHECKS_MAX; i++)
                add(p, &rules->checks[i]);
        begin(p);
}

void posture_resume(struct posture *p) {
        begin(p);
}

void posture_passing(struct posture *p, char ret[static BROKER_PASSING_SIZE]) {
        size_t at = 0;
        ret[0] = 0;
        for (size_t i = 0; i < p->n; i++) {
                struct check *c = p->checks[i];
                judge(c);
                if (!c->passed)
                        continue;
                int n = snprintf(ret + at, BROKER_PASSING_SIZE - at, "%s ", c->name);
                at += n > 0 ? (size_t) n : 0;
        }
}

int posture_new(const struct posture_config *c, struct posture **ret) {
        struct posture *p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        p->config = *c;
        p->config.event = sd_event_ref(c->event);
        *ret = p;
        return 0;
}

struct posture *posture_free(struct posture *p) {
        if (!p)
                return NULL;
        drop_all(p);
        sd_bus_slot_unref(p->owner);
        sd_event_source_disable_unref(p->retry);
        sd_event_unref(p->config.event);
        free(p);
        return NULL;
}
