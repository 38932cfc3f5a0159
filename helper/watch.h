/* SPDX-License-Identifier: Apache-2.0 */
/* The watch over readers and keys: two operations of wardtap-device that stay open, and one identification
 * for each card. When wardtap-device goes, it is looked for again with back-off; only then does a timer run.
 */
#pragma once

#include "common/util.h"
#include "devices/client.h"

#include <systemd/sd-event.h>

#define WATCH_IDENTIFY_MS 3000U

struct watch_events {
        void (*reader)(void *userdata, const char *reader, bool attached);
        /* All readers are gone, and with them what was tapped; reason as in records. */
        void (*lost)(void *userdata, const char *reason);
        /* True when a card on this reader shall not even be read. */
        bool (*ignored)(void *userdata, const char *reader);
        /* A card was read, or could not be (event->type FAILED). */
        void (*card)(void *userdata, const char *reader, uint64_t seen_usec,
                     const struct device_event *event);
        /* wardtap-device answers, or not. */
        void (*watching)(void *userdata, bool watching);
        /* A card lies in the reader from now on, or no more; in the order in which that happened, and before
         * what is read of it. After `reader` has said that one came, this says whether one lies in it. */
        void (*card_present)(void *userdata, const char *reader, bool present);
        /* A key was plugged in (present: it was when the watch began) or taken out. A reset of its port
         * looks like both: see helper/keys.h. */
        void (*key)(void *userdata, const struct device_key *key, bool attached, bool present);
        /* True: all keys that are there have been said. False: from now on nothing is known of any. */
        void (*keys_known)(void *userdata, bool known);
};

struct watch;

int watch_new(sd_event *event, const struct watch_events *events, void *userdata, struct watch **ret);
struct watch *watch_free(struct watch *w);
DEFINE_CLEANUP(struct watch, watch_free)
