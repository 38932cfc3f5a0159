/* SPDX-License-Identifier: Apache-2.0 */
/* A queue of people, and one unit at a time. The unit stays when its program has ended well, so that its
 * exit status can be read; then it is stopped. */
#include "helper/accounts.h"

#include "helper/log.h"
#include "helper/switch/instance.h"
#include "helper/unit_job.h"

#include <errno.h>
#include <stdbool.h>
#include <systemd/sd-daemon.h>

#define SERVICE SYSTEMD ".Service"

struct accounts {
        struct accounts_config config;
        uid_t people[ACCOUNTS_MAX]; /* the first is asked about now, when is_asking */
        size_t n;
        bool is_asking;
        bool is_silent; /* nothing was learnt of the last one: said once */
        char unit[INSTANCE_UNIT_SIZE];
        struct unit_job job;
        sd_bus_slot *reading;
        sd_event_source *timer;
};

static void next(struct accounts *a);

static void stop_unit(struct accounts *a) {
        sd_bus *bus = a->config.bus(a->config.userdata);
        if (bus)
                (void) sd_bus_call_method_async(bus, NULL, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                                "StopUnit", NULL, NULL, "ss", a->unit, "replace");
}

static void end(struct accounts *a) {
        unit_job_forget(&a->job);
        a->reading = sd_bus_slot_unref(a->reading);
        a->is_asking = false;
        a->n--;
        memmove(a->people, a->people + 1, a->n * sizeof(a->people[0]));
        (void) sd_event_source_set_enabled(a->timer, SD_EVENT_OFF);
        next(a);
}

static void end_unknown(struct accounts *a, const char *what, const char *detail) {
        if (!a->is_silent)
                log_line(SD_WARNING,
                         "PAM's account rules could not be asked about user %u, who stays (not said again): "
                         "%s%s",
                         (unsigned) a->people[0], what, detail);
        a->is_silent = true;
        end(a);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        struct accounts *a = userdata;
        stop_unit(a);
        end_unknown(a, "it takes too long", "");
        return 0;
}

/* --- what the program said */

static void take_status(struct accounts *a, int status) {
        uid_t uid = a->people[0];
        stop_unit(a);
        if (status != 0 && status != ACCOUNTS_REFUSED) {
                end_unknown(a, "its exit status is not known", "");
                return;
        }
        a->is_silent = false;
        end(a);
        if (status == ACCOUNTS_REFUSED)
                a->config.refused(a->config.userdata, uid);
}

static int on_status(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct accounts *a = userdata;
        int32_t status = -1;
        if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read(m, "v", "i", &status) < 0)
                status = -1;
        take_status(a, status);
        return 0;
}

static void read_status(struct accounts *a) {
        _cleanup_(freep) char *path = NULL;
        sd_bus *bus = a->config.bus(a->config.userdata);
        int r = bus ? sd_bus_path_encode(SYSTEMD_PATH "/unit", a->unit, &path) : -ENOTCONN;
        if (r >= 0)
                r = sd_bus_call_method_async(bus, &a->reading, SYSTEMD, path,
                                             "org.freedesktop.DBus.Properties", "Get", on_status, a, "ss",
                                             SERVICE, "ExecMainStatus");
        if (r < 0)
                end_unknown(a, "its exit status cannot be read: ", strerror(-r));
}

static void on_job(void *userdata, const char *result, const char *error) {
        struct accounts *a = userdata;
        if (!result)
                end_unknown(a, "the unit cannot be started: ", error);
        else if (strcmp(result, "done") != 0)
                end_unknown(a, "look at the log of wardtap-account@.service, which ended with ", result);
        else
                read_status(a);
}

/* --- whom to ask about */

static int begin(struct accounts *a) {
        sd_bus *bus = a->config.bus(a->config.userdata);
        int r = bus ? instance_account_unit(a->people[0], a->unit) : -ENOTCONN;
        if (r >= 0)
                r = sd_event_source_set_time_relative(a->timer, ACCOUNTS_USEC);
        if (r >= 0)
                r = sd_event_source_set_enabled(a->timer, SD_EVENT_ONESHOT);
        /* Restarted: one that was left behind says what was so then. */
        if (r >= 0)
                r = unit_job_begin(&a->job, bus, "RestartUnit", a->unit, "replace", on_job, a);
        return r;
}

static void next(struct accounts *a) {
        if (a->n == 0 || a->is_asking)
                return;
        int r = begin(a);
        a->is_asking = r >= 0;
        if (a->is_asking)
                return;
        log_line(SD_WARNING, "PAM's account rules cannot be asked about those who are signed in: %s",
                 strerror(-r));
        a->n = 0; /* asked again in time */
        (void) sd_event_source_set_enabled(a->timer, SD_EVENT_OFF);
}

void accounts_ask(struct accounts *a, uid_t uid) {
        for (size_t i = 0; i < a->n; i++)
                if (a->people[i] == uid && (i > 0 || !a->is_asking))
                        return;
        if (uid == 0 || uid == (uid_t) -1 || a->n == ACCOUNTS_MAX)
                return;
        a->people[a->n++] = uid;
        next(a);
}

int accounts_new(const struct accounts_config *c, struct accounts **ret) {
        _cleanup_(accounts_freep) struct accounts *a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        a->config = *c;
        int r = sd_event_add_time_relative(c->event, &a->timer, CLOCK_MONOTONIC, ACCOUNTS_USEC, 0,
                                           on_timeout, a);
        if (r >= 0)
                r = sd_event_source_set_enabled(a->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(a);
        return 0;
}

struct accounts *accounts_free(struct accounts *a) {
        if (!a)
                return NULL;
        unit_job_forget(&a->job);
        sd_bus_slot_unref(a->reading);
        sd_event_source_disable_unref(a->timer);
        free(a);
        return NULL;
}
