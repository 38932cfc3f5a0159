/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that are plugged in: keys_state.h with a timer, and a record for each that comes or goes. */
#pragma once

#include "common/util.h"
#include "helper/keys_state.h"
#include "helper/recorder.h"

struct keys_config {
        sd_event *event;
        struct recorder *recorder;
        keys_changed changed; /* after the record; may be NULL */
        void *userdata;
};

struct keys;

int keys_new(const struct keys_config *c, struct keys **ret);
struct keys *keys_free(struct keys *k);
DEFINE_CLEANUP(struct keys, keys_free)

/* As in struct watch_events. */
void keys_event(struct keys *k, const struct device_key *key, bool attached, bool present);
void keys_known(struct keys *k, bool known);
