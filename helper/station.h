/* SPDX-License-Identifier: Apache-2.0 */
/* What wardtapd knows of its own station, and puts into every record: name, id, tags, clock. */
#pragma once

#include "common/record.h"
#include "common/util.h"
#include "policy/rules.h"

struct station_config {
        const char *snapshot; /* PATH_SNAPSHOT */
        const char *tags_dir; /* PATH_TAGS_DIR */
};

struct station;

int station_new(const struct station_config *c, struct station **ret);
struct station *station_free(struct station *s);
DEFINE_CLEANUP(struct station, station_free)

/* Looks (by stat) whether the rules or tags have changed. True when something did. */
bool station_refresh(struct station *s);
/* The rules' name for this station, else its host name. Valid until the next refresh; so are the others. */
const char *station_name(const struct station *s);
/* Machine id, made specific to this application, 32 hexadecimal digits; "" where there is none. */
const char *station_id(const struct station *s);
/* Sorted, each once, separated by spaces; "" for none. */
const char *station_tags(const struct station *s);
/* The hash of the rules in force; "" for none. */
const char *station_policy(const struct station *s);

/* The rules in force, until the next refresh; NULL for none. */
const struct rules *station_rules(struct station *s);
/* The place that this station is, by its tags; never NULL. */
const struct rule_place *station_place(struct station *s);

/* What the rules in force say; the defaults where there are none. */
enum switch_engine station_switch_engine(struct station *s);
enum fallback_use station_fallback(struct station *s);
unsigned station_max_sessions(struct station *s);

/* Sets STATION, STATION_ID, TAGS, CLOCK_SYNC and TIME_USEC. -ENOMEM. */
int station_fill(struct station *s, struct record *r, uint64_t realtime_usec);
/* As the kernel sees it: something keeps the clock in step (adjtimex(2)). */
bool station_clock_is_synchronised(void);
