/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap doctor`: a station looked at from end to end. Each check is one function that looks at one thing
 * and says what it found, with what to do about it. */
#pragma once

#include <json.h>

#include "policy/rules.h"

enum finding { FINDING_OK, FINDING_WARN, FINDING_BAD, FINDING_MAX };

struct doctor {
        struct json_object *station; /* what wardtapd says of itself; NULL when it does not answer */
        struct rules *rules;         /* those in force, or NULL */
        int rules_error;             /* why they are not there */
        struct json_object *found;   /* array */
        unsigned n[FINDING_MAX];
        const char *check; /* the name of the one that runs */
};

/* One finding of the check that runs. fix (msgid, already translated) is what to do; NULL where nothing is.
 */
void found(struct doctor *d, enum finding how, const char *fix, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

/* The devices. */
void check_readers(struct doctor *d);
void check_pcscd(struct doctor *d);
void check_keys(struct doctor *d);
/* The daemons. */
void check_users(struct doctor *d);
void check_sockets(struct doctor *d);
void check_daemons(struct doctor *d);
void check_idle(struct doctor *d);
void check_units(struct doctor *d);
void check_badge_key(struct doctor *d);
/* The system. */
void check_clock(struct doctor *d);
void check_journal(struct doctor *d);
void check_station_files(struct doctor *d);
void check_homes(struct doctor *d);
void check_sessions(struct doctor *d);
/* What is kept. */
void check_rules(struct doctor *d);
void check_store(struct doctor *d);
void check_emergency(struct doctor *d);
/* PAM. */
void check_services(struct doctor *d);
/* Called by it: how people are shown where there is no display manager. */
void check_switch(struct doctor *d);
void check_order(struct doctor *d);
void check_passwords(struct doctor *d);
void check_keyrings(struct doctor *d);
