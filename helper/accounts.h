/* SPDX-License-Identifier: Apache-2.0 */
/* Whether PAM's account phase still allows those who are signed in: has systemd run
 * wardtap-account@UID.service for one after the other, and never waits. Only a refusal of PAM's is told.
 * What PAM, systemd or a directory does not say is a line in the log, and ends nobody. */
#pragma once

#include "common/util.h"

#include <sys/types.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/* So long the unit may take in all; its own limit is 8 s. */
#define ACCOUNTS_USEC (15U * 1000U * 1000U)
#define ACCOUNTS_MAX 256U
/* The exit status of the unit when PAM refuses; 0 when it allows; else PAM has not said (wardtapd(8)). */
#define ACCOUNTS_REFUSED 2

struct accounts_config {
        sd_event *event;
        sd_bus *(*bus)(void *userdata);             /* the system bus, borrowed; NULL while there is none */
        void (*refused)(void *userdata, uid_t uid); /* from the loop */
        void *userdata;
};

struct accounts;

int accounts_new(const struct accounts_config *c, struct accounts **ret);
/* Tells nobody. */
struct accounts *accounts_free(struct accounts *a);
DEFINE_CLEANUP(struct accounts, accounts_free)

/* Asks about this person when those before have been. Who waits already keeps that place. Nothing is asked
 * about root, nor about more than ACCOUNTS_MAX at once. */
void accounts_ask(struct accounts *a, uid_t uid);
