/* SPDX-License-Identifier: Apache-2.0 */
/* The grant, the unit that uses it, and logind's ActivateSession. */
#include "helper/switch_logind.h"

#include "common/socket.h"
#include "helper/log.h"
#include "helper/switch/instance.h"
#include "helper/unit_job.h"

#include <errno.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

/* So long the transaction of a wish that came to nothing may still arrive. */
#define LATE_USEC (60U * 1000U * 1000U)

struct switch_logind {
        struct switcher_config config;
        struct switcher_wish wish; /* client 0: none; its service and unit are ours */
        bool granted; /* the transaction was let in; what the account rules say is yet to come */
        struct unit_job job;
        struct switcher_wish late; /* the last one that came to nothing */
        uint64_t late_until_usec;
        sd_event_source *timer;
};

static void end(struct switch_logind *s, int status) {
        struct switcher_wish wish = s->wish;
        if (wish.client == 0)
                return;
        if (status < 0 && !s->granted) {
                s->late = wish;
                s->late_until_usec = now_monotonic_usec() + LATE_USEC;
        }
        s->wish = (struct switcher_wish){0};
        s->granted = false;
        unit_job_forget(&s->job);
        if (s->timer)
                (void) sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
        s->config.done(s->config.userdata, &wish, status);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        end(userdata, -ETIMEDOUT);
        return 0;
}

static int arm(struct switch_logind *s) {
        if (!s->timer)
                return sd_event_add_time_relative(s->config.event, &s->timer, CLOCK_MONOTONIC,
                                                  BROKER_GRANT_USEC, 0, on_timeout, s);
        int r = sd_event_source_set_time_relative(s->timer, BROKER_GRANT_USEC);
        return r < 0 ? r : sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

/* The session may have ended while PAM was asked. */
static void show(struct switch_logind *s) {
        const char *session = s->config.session_of(s->config.userdata, s->wish.uid);
        int r = session ? s->config.activate(s->config.userdata, session) : -ENOENT;
        end(s, r < 0 ? r : 0);
}

/* A transaction that never came for its grant proves nothing, however well it ended. */
static void on_job(void *userdata, const char *result, const char *error) {
        struct switch_logind *s = userdata;
        if (!result) {
                log_line(SD_WARNING, "%s cannot be started: %s", s->wish.unit, error);
                end(s, -EIO);
        } else if (strcmp(result, "done") == 0 && s->granted) {
                show(s);
        } else {
                log_line(SD_NOTICE, "%s ended with \"%s\" %s, so nobody is shown", s->wish.unit, result,
                         s->granted ? "after the person was let in" : "before the person was let in");
                end(s, s->granted && strcmp(result, "failed") == 0 ? -EACCES : -EIO);
        }
}

int switch_logind_begin(struct switch_logind *s, const struct switcher_wish *wish) {
        sd_bus *bus = s->config.bus(s->config.userdata);
        char unit[INSTANCE_UNIT_SIZE];
        if (!bus || instance_unit(wish->uid, wish->attempt, unit) < 0 ||
            !s->config.session_of(s->config.userdata, wish->uid))
                return -EOPNOTSUPP;
        end(s, -ECANCELED);
        s->wish = *wish;
        memcpy(s->wish.unit, unit, strlen(unit) + 1);
        (void) snprintf(s->wish.service, sizeof(s->wish.service), "%s", SWITCH_SERVICE);
        int r = arm(s);
        if (r >= 0)
                r = unit_job_begin(&s->job, bus, "StartUnit", s->wish.unit, "fail", on_job, s);
        if (r >= 0)
                return 0;
        s->wish = (struct switcher_wish){0};
        return -EOPNOTSUPP;
}

static bool is_about(const struct switcher_wish *w, uid_t uid, const char *user, const char *service,
                     const char *unit) {
        return w->client != 0 && w->uid == uid && strcmp(w->user, user) == 0 &&
               strcmp(w->service, service) == 0 && strcmp(w->unit, unit) == 0;
}

int switch_logind_take(struct switch_logind *s, uid_t uid, const char *user, const char *service,
                       const char *unit, char ret_attempt[static 33]) {
        if (is_about(&s->wish, uid, user, service, unit) && !s->granted) {
                memcpy(ret_attempt, s->wish.attempt, sizeof(s->wish.attempt));
                s->granted = true;
                return 0;
        }
        if (!is_about(&s->late, uid, user, service, unit) || now_monotonic_usec() >= s->late_until_usec)
                return -ENOENT;
        s->late = (struct switcher_wish){0};
        return -ESTALE;
}

bool switch_logind_is_busy(const struct switch_logind *s) {
        return s->wish.client != 0;
}

void switch_logind_client_gone(struct switch_logind *s, uint64_t client) {
        if (client != 0 && s->wish.client == client)
                end(s, -ECANCELED);
}

int switch_logind_new(const struct switcher_config *c, struct switch_logind **ret) {
        struct switch_logind *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->config = *c;
        *ret = s;
        return 0;
}

struct switch_logind *switch_logind_free(struct switch_logind *s) {
        if (!s)
                return NULL;
        unit_job_forget(&s->job);
        sd_event_source_disable_unref(s->timer);
        free(s);
        return NULL;
}
