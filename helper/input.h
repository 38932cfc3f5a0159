/* SPDX-License-Identifier: Apache-2.0 */
/* Where wardtap-idle says that somebody is at the seat: a listening SOCK_SEQPACKET socket that systemd made
 * for it. Each message is two bytes, INPUT_VERSION and INPUT_ACTIVE, and nothing ever goes the other way.
 *
 * Believed is root, and the user to whom systemd gave the socket (the owner of its node). A message that is
 * anything else ends its connection; several at once are one. Whoever takes
 * wardtap-idle over can put off an idle lock, and nothing else.
 */
#pragma once

#include "common/util.h"

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#define INPUT_VERSION 1U
#define INPUT_ACTIVE 1U
#define INPUT_MESSAGE_LEN 2U

struct input_events {
        /* Somebody typed, moved or touched within the last second. now_usec is CLOCK_MONOTONIC. */
        void (*active)(void *userdata, uint64_t now_usec);
        /* wardtap-idle is connected, which it is while it watches at least one device, or no more. May be
         * NULL. */
        void (*watched)(void *userdata, bool watched);
};

struct input;

/* Takes the listener, also on an error. -EINVAL when it is no socket with a path; others of lstat(2). */
int input_new(sd_event *event, int listener, const struct input_events *events, void *userdata,
              struct input **ret);
/* Calls nothing back. */
struct input *input_free(struct input *i);
DEFINE_CLEANUP(struct input, input_free)

bool input_is_watched(const struct input *i);
