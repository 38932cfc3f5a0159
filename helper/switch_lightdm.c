/* SPDX-License-Identifier: Apache-2.0 */
/* LightDM's engine: the three calls that lead to SwitchToUser. */
#include "helper/switch_lightdm.h"

#include "common/socket.h"
#include "helper/log.h"

#include <errno.h>
#include <systemd/sd-daemon.h>

#define MANAGER "org.freedesktop.DisplayManager"
#define UNITS "/org/freedesktop/systemd1/unit"

/* So long the transaction of a wish that came to nothing may still arrive. */
#define LATE_USEC (60U * 1000U * 1000U)

struct switch_lightdm {
        struct switcher_config config;
        struct switcher_wish wish; /* client 0: none */
        bool asked; /* the display manager: only it can have begun a transaction for the grant */
        struct switcher_wish late; /* the last one that was asked for and came to nothing */
        uint64_t late_until_usec;
        sd_bus *bus; /* while a call is under way */
        sd_bus_slot *slot;
        sd_event_source *timer;
        sd_bus *followed; /* the connection on which the display manager is followed */
        sd_bus_slot *owner_changed, *owner_asked, *greeter_asked;
        char manager[129]; /* its unit; "": there is none */
        char service[129]; /* that without ".service": display managers name their PAM service so */
};

static void end(struct switch_lightdm *s, int status) {
        struct switcher_wish wish = s->wish;
        if (wish.client == 0)
                return;
        if (status < 0 && s->asked) {
                s->late = wish;
                s->late_until_usec = now_monotonic_usec() + LATE_USEC;
        }
        s->wish = (struct switcher_wish){0};
        s->asked = false;
        s->slot = sd_bus_slot_unref(s->slot);
        s->bus = sd_bus_unref(s->bus);
        if (s->timer)
                (void) sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
        s->config.done(s->config.userdata, &wish, status);
}

/* What the display manager was not asked for yet, nobody can have begun. */
static void give_up(struct switch_lightdm *s, int status) {
        end(s, s->asked ? status : -EOPNOTSUPP);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        give_up(userdata, -ETIMEDOUT);
        return 0;
}

static int arm(struct switch_lightdm *s) {
        if (!s->timer)
                return sd_event_add_time_relative(s->config.event, &s->timer, CLOCK_MONOTONIC,
                                                  BROKER_GRANT_USEC, 0, on_timeout, s);
        int r = sd_event_source_set_time_relative(s->timer, BROKER_GRANT_USEC);
        return r < 0 ? r : sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

/* Only these say that nothing has begun: it has no such thing, may not do it, or refuses. */
static bool is_refusal(const sd_bus_error *e) {
        static const char *const names[] = {SD_BUS_ERROR_UNKNOWN_METHOD,    SD_BUS_ERROR_UNKNOWN_OBJECT,
                                            SD_BUS_ERROR_UNKNOWN_INTERFACE, SD_BUS_ERROR_SERVICE_UNKNOWN,
                                            SD_BUS_ERROR_ACCESS_DENIED,     SD_BUS_ERROR_FAILED};
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (sd_bus_error_has_name(e, names[i]))
                        return true;
        return false;
}

static int on_switched(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct switch_lightdm *s = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(m);
        s->slot = sd_bus_slot_unref(s->slot);
        if (!e)
                return 0; /* its transaction has begun, and will ask for the grant */
        log_line(SD_WARNING, "The display manager does not show the session of a person who was let in: %s",
                 e->message ? e->message : e->name);
        if (is_refusal(e))
                s->asked = false;
        end(s, is_refusal(e) ? -ENOSYS : -EIO);
        return 0;
}

/* A station has one seat that LightDM manages; of several, none says which logind seat it is. */
static int read_seat(sd_bus_message *m, const char **ret) {
        const char *first = NULL, *path;
        int r;
        if ((r = sd_bus_message_enter_container(m, 'v', "ao")) < 0 ||
            (r = sd_bus_message_enter_container(m, 'a', "o")) < 0)
                return r;
        while ((r = sd_bus_message_read(m, "o", &path)) > 0) {
                if (first)
                        return -ENOTUNIQ;
                first = path;
        }
        if (r == 0 && !first)
                r = -ENOENT;
        if (r >= 0)
                *ret = first;
        return r;
}

static int on_seats(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct switch_lightdm *s = userdata;
        const char *seat = NULL;
        s->slot = sd_bus_slot_unref(s->slot);
        int r = sd_bus_message_get_error(m) ? -EOPNOTSUPP : read_seat(m, &seat);
        if (r >= 0)
                r = sd_bus_call_method_async(s->bus, &s->slot, MANAGER, seat, MANAGER ".Seat",
                                             "SwitchToUser", on_switched, s, "ss", s->wish.user, "");
        s->asked = r >= 0;
        if (r < 0)
                end(s, -ENOSYS);
        return 0;
}

static int read_unit(sd_bus_message *m, char *buf, size_t size) {
        _cleanup_(freep) char *name = NULL;
        const char *path;
        if (sd_bus_message_get_error(m) || sd_bus_message_read(m, "o", &path) < 0 ||
            sd_bus_path_decode(path, UNITS, &name) <= 0 || strlen(name) >= size)
                return -EBADMSG;
        memcpy(buf, name, strlen(name) + 1);
        return 0;
}

static int on_unit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct switch_lightdm *s = userdata;
        s->slot = sd_bus_slot_unref(s->slot);
        char unit[sizeof(s->wish.unit)];
        int r = read_unit(m, unit, sizeof(unit));
        if (r >= 0 && s->wish.unit[0] && strcmp(unit, s->wish.unit) != 0)
                r = -EOPNOTSUPP;
        if (r >= 0)
                memcpy(s->wish.unit, unit, sizeof(unit)); /* the one that may use the grant */
        if (r >= 0)
                r = sd_bus_call_method_async(s->bus, &s->slot, MANAGER, "/org/freedesktop/DisplayManager",
                                             "org.freedesktop.DBus.Properties", "Get", on_seats, s, "ss",
                                             MANAGER, "Seats");
        if (r < 0)
                end(s, -EOPNOTSUPP);
        return 0;
}

int switch_lightdm_begin(struct switch_lightdm *s, const struct switcher_wish *wish) {
        sd_bus *bus = s->config.bus(s->config.userdata);
        if (!bus || (s->asked && wish->unit[0] && strcmp(s->wish.unit, wish->unit) != 0))
                return -EOPNOTSUPP;
        give_up(s, -ECANCELED);
        int r = arm(s);
        if (r >= 0)
                r = sd_bus_call_method_async(bus, &s->slot, "org.freedesktop.systemd1",
                                             "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                                             "GetUnit", on_unit, s, "s", "display-manager.service");
        if (r < 0)
                return -EOPNOTSUPP;
        s->bus = sd_bus_ref(bus);
        s->wish = *wish;
        return 0;
}

static bool is_about(const struct switcher_wish *w, uid_t uid, const char *user, const char *service,
                     const char *unit) {
        return w->client != 0 && w->uid == uid && strcmp(w->user, user) == 0 &&
               strcmp(w->service, service) == 0 && strcmp(w->unit, unit) == 0;
}

int switch_lightdm_take(struct switch_lightdm *s, uid_t uid, const char *user, const char *service,
                        const char *unit, char ret_attempt[static 33]) {
        if (s->asked && is_about(&s->wish, uid, user, service, unit)) {
                memcpy(ret_attempt, s->wish.attempt, sizeof(s->wish.attempt));
                end(s, 0);
                return 0;
        }
        if (!is_about(&s->late, uid, user, service, unit) || now_monotonic_usec() >= s->late_until_usec)
                return -ENOENT;
        s->late = (struct switcher_wish){0};
        return -ESTALE;
}

static int on_greeter(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct switch_lightdm *s = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(m);
        s->greeter_asked = sd_bus_slot_unref(s->greeter_asked);
        if (!e)
                return 0;
        log_line(SD_WARNING, "The display manager does not show its greeter: %s",
                 e->message ? e->message : e->name);
        if (s->config.no_greeter)
                s->config.no_greeter(s->config.userdata);
        return 0;
}

static int on_seats_for_greeter(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct switch_lightdm *s = userdata;
        const char *seat = NULL;
        sd_bus *bus = sd_bus_message_get_bus(m);
        if (sd_bus_message_get_error(m) || read_seat(m, &seat) < 0)
                return on_greeter(m, s, error);
        s->greeter_asked = sd_bus_slot_unref(s->greeter_asked);
        return sd_bus_call_method_async(bus, &s->greeter_asked, MANAGER, seat, MANAGER ".Seat",
                                        "SwitchToGreeter", on_greeter, s, NULL);
}

int switch_lightdm_greeter(struct switch_lightdm *s) {
        sd_bus *bus = s->config.bus(s->config.userdata);
        if (!bus || !s->manager[0])
                return -EOPNOTSUPP;
        s->greeter_asked = sd_bus_slot_unref(s->greeter_asked);
        return sd_bus_call_method_async(bus, &s->greeter_asked, MANAGER, "/org/freedesktop/DisplayManager",
                                        "org.freedesktop.DBus.Properties", "Get", on_seats_for_greeter, s,
                                        "ss", MANAGER, "Seats");
}

static void forget_manager(struct switch_lightdm *s) {
        s->manager[0] = s->service[0] = 0;
}

static int on_manager_unit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct switch_lightdm *s = userdata;
        s->owner_asked = sd_bus_slot_unref(s->owner_asked);
        forget_manager(s);
        if (read_unit(m, s->manager, sizeof(s->manager)) < 0)
                return 0;
        memcpy(s->service, s->manager, sizeof(s->service));
        char *end = strstr(s->service, ".service");
        if (end)
                *end = 0;
        return 0;
}

static int on_has_owner(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct switch_lightdm *s = userdata;
        sd_bus *bus = sd_bus_message_get_bus(m);
        int owned = 0;
        s->owner_asked = sd_bus_slot_unref(s->owner_asked);
        forget_manager(s);
        if (sd_bus_message_get_error(m) || sd_bus_message_read(m, "b", &owned) < 0 || !owned)
                return 0;
        return sd_bus_call_method_async(bus, &s->owner_asked, "org.freedesktop.systemd1",
                                        "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                                        "GetUnit", on_manager_unit, s, "s", "display-manager.service");
}

static void ask_owner(struct switch_lightdm *s) {
        s->owner_asked = sd_bus_slot_unref(s->owner_asked);
        (void) sd_bus_call_method_async(s->followed, &s->owner_asked, "org.freedesktop.DBus",
                                        "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner",
                                        on_has_owner, s, "s", MANAGER);
}

static int on_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        ask_owner(userdata);
        return 0;
}

static void unfollow(struct switch_lightdm *s) {
        s->owner_changed = sd_bus_slot_unref(s->owner_changed);
        s->owner_asked = sd_bus_slot_unref(s->owner_asked);
        s->greeter_asked = sd_bus_slot_unref(s->greeter_asked);
        s->followed = sd_bus_unref(s->followed);
        forget_manager(s);
}

void switch_lightdm_connected(struct switch_lightdm *s, sd_bus *bus) {
        unfollow(s);
        if (!bus)
                return;
        s->followed = sd_bus_ref(bus);
        (void) sd_bus_add_match_async(bus, &s->owner_changed,
                                      "type='signal',sender='org.freedesktop.DBus',member="
                                      "'NameOwnerChanged',arg0='" MANAGER "'",
                                      on_owner_changed, NULL, s);
        ask_owner(s);
}

const char *switch_lightdm_service(const struct switch_lightdm *s) {
        return s->service;
}

bool switch_lightdm_is_busy(const struct switch_lightdm *s) {
        return s->wish.client != 0;
}

void switch_lightdm_client_gone(struct switch_lightdm *s, uint64_t client) {
        if (client != 0 && s->wish.client == client)
                give_up(s, -ECANCELED);
}

int switch_lightdm_new(const struct switcher_config *c, struct switch_lightdm **ret) {
        struct switch_lightdm *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->config = *c;
        *ret = s;
        return 0;
}

struct switch_lightdm *switch_lightdm_free(struct switch_lightdm *s) {
        if (!s)
                return NULL;
        unfollow(s);
        s->slot = sd_bus_slot_unref(s->slot);
        s->bus = sd_bus_unref(s->bus);
        sd_event_source_disable_unref(s->timer);
        free(s);
        return NULL;
}
