/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the checks of the station's state pass, as the rules have them ([Check NAME], wardtap.conf(5)):
 * follows the site's units over the bus, by signals. What systemd has not said does not pass. */
#pragma once

#include "common/broker.h"
#include "common/util.h"
#include "policy/rules.h"

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/* What systemd says of a unit. Times are CLOCK_MONOTONIC; 0 = never. */
struct posture_unit {
        bool known;
        char state[32];                      /* ActiveState: "active", "inactive", "failed", ... */
        uint64_t active_usec, inactive_usec; /* when it entered that state last */
        uint64_t good_usec;                  /* when it was last seen to pass */
};

/* Pure: whether it passes now. Without a MaxAge= (0) it does while it is active (or reloading). With one, it
 * does for so long after it became active, or ended without failing; and while it is on its way from one to
 * the other, for so long after it last passed. */
bool posture_passes(const struct posture_unit *u, uint64_t max_age_usec, uint64_t now_usec);

/* Reads the answer to GetAll of org.freedesktop.systemd1.Unit; good_usec is left as it is. -EBADMSG or an
 * error of sd-bus: *u is unknown then. */
int posture_read_unit(sd_bus_message *m, struct posture_unit *u);

/* So many changes of one check within an hour are told, and no more: a unit that comes and goes all the time
 * must not fill the records. What it is then is told with the first change, or tap, after that hour. */
#define POSTURE_TELL_MAX 12U
#define POSTURE_TELL_USEC (3600ULL * 1000 * 1000)

/* A check that passes or fails, and did not before, or whose first answer this is. */
struct posture_change {
        const char *name, *unit, *state; /* ActiveState; "not known" */
        bool passes;
        bool last; /* no more is told within the hour */
};

struct posture_config {
        sd_event *event;
        /* False: it is not for this station now, and is told again when it is looked at next. */
        bool (*changed)(void *userdata, const struct posture_change *change);
        sd_bus *(*bus)(void *userdata); /* the system bus, borrowed; NULL while there is none */
        void *userdata;
};

struct posture;

int posture_new(const struct posture_config *c, struct posture **ret);
struct posture *posture_free(struct posture *p);
DEFINE_CLEANUP(struct posture, posture_free)

/* These rules are in force (NULL: none). Their checks are followed from now on; nothing is done when they
 * are those of the last call. Rules are not kept. */
void posture_follow(struct posture *p, const struct rules *rules);
/* The bus is there again, or for the first time: what was known is not any more, and is asked for. */
void posture_resume(struct posture *p);
/* The names of the checks that pass now, each with a space behind it. */
void posture_passing(struct posture *p, char ret[static BROKER_PASSING_SIZE]);
