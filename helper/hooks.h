/* SPDX-License-Identifier: Apache-2.0 */
/* What a site adds of its own: units of systemd that wardtapd has started and stopped when somebody is
 * present, and programs of the site that run after an event or an alert (wardtapd(8), "Hooks").
 *
 * wardtapd runs none of them and waits for none of them: it asks systemd over the bus, and what fails is
 * said once in the log. Whatever they do, no handoff is later for it.
 */
#pragma once

#include "common/record.h"
#include "common/util.h"

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#define HOOKS_SITE "/etc/wardtap"
#define HOOKS_SPOOL "/run/wardtapd/hooks"
/* The site's one program for every event, or alert, that has none of its own. */
#define HOOKS_DEFAULT "default"

#define HOOKS_PEOPLE_MAX 256U /* who is present, or was asked to be no more */
#define HOOKS_STARTS_MAX 32U  /* programs that systemd was asked for and has not answered about */
#define HOOKS_PER_MINUTE 120U /* of each kind; what goes beyond is left out */
#define HOOKS_FILES_MAX 256U  /* records that a program may still read */

struct hooks_config {
        sd_bus *(*bus)(void *userdata); /* the system bus, borrowed; NULL while there is none */
        void *userdata;
        const char *site;  /* HOOKS_SITE: event.d/EVENT and alert.d/REASON are looked for here */
        const char *spool; /* HOOKS_SPOOL: made, and rid of what an earlier wardtapd left */
};

struct hooks;

/* A spool that cannot be made is said in the log, and no program runs. -ENOMEM. */
int hooks_new(const struct hooks_config *c, struct hooks **ret);
/* Stops nothing: who is present stays so over a restart of wardtapd. */
struct hooks *hooks_free(struct hooks *h);
DEFINE_CLEANUP(struct hooks, hooks_free)

/* This person's session is the one on a screen now: starts wardtap-present@UID.service, which starts
 * wardtap-present.target in her user manager. Starting it again does nothing. */
void hooks_present(struct hooks *h, uid_t uid);
/* Her sessions are parked, locked or gone: stops it. */
void hooks_absent(struct hooks *h, uid_t uid);
/* A record was written with this number (0: it could not be). Starts wardtap-event@EVENT-NUMBER.service when
 * the site has a program for the event, and wardtap-alert@REASON-NUMBER.service likewise when the record is
 * an alert (priority 2 or more urgent). */
void hooks_record(struct hooks *h, const struct record *record, uint64_t seq);
/* The bus is there again, or for the first time: asks for what could not be asked for meanwhile. */
void hooks_resume(struct hooks *h);
