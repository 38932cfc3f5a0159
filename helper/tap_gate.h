/* SPDX-License-Identifier: Apache-2.0 */
/* Lets through what tap_filter.h takes for meant, at once or when the badge was held for long enough. One
 * badge is held on each reader; another one, its removal or its reader's end drops it. */
#pragma once

#include "common/broker.h"
#include "common/util.h"
#include "helper/tap_filter.h"

#include <systemd/sd-event.h>

struct tap_gate_events {
        /* Somebody meant this: in tap_gate_tap(), or later from the loop. The tap is borrowed. By then the
         * screen may show something else than it did when she began to hold her badge. */
        void (*taken)(void *userdata, const struct tap *t);
        /* To be recorded, as RECORD_NEARBY_BADGE; t->token is "" for cards that have no number. */
        void (*nearby)(void *userdata, const struct tap *t);
};

/* As in struct tap_filter_question. */
struct tap_gate_seat {
        bool has_session;
        uint64_t last_input_usec;
        bool exempt;
};

struct tap_gate;

int tap_gate_new(sd_event *event, const struct tap_gate_events *events, void *userdata,
                 struct tap_gate **ret);
/* Wipes what is held; nobody gets it. */
struct tap_gate *tap_gate_free(struct tap_gate *g);
DEFINE_CLEANUP(struct tap_gate, tap_gate_free)

/* A card was read, or could not be (t->problem). The tap stays the caller's. Times are CLOCK_MONOTONIC. */
void tap_gate_tap(struct tap_gate *g, const struct tap *t, const struct tap_gate_seat *seat,
                  uint64_t now_usec);
/* As the watch says, before the card is read; a reader that is detached: false. */
void tap_gate_present(struct tap_gate *g, const char *reader, bool present, uint64_t now_usec);
/* All readers are gone. */
void tap_gate_lost(struct tap_gate *g, uint64_t now_usec);
/* tap_filter_used() of the badge of this tap; nothing for one without a number, or NULL. */
void tap_gate_used(struct tap_gate *g, const struct tap *t, bool proved, uint64_t now_usec);
