/* SPDX-License-Identifier: Apache-2.0 */
/* The conversation with wardtap-device about one key: guidance for its owner, and a plain sentence for
 * everything a key can answer. */
#pragma once

#include "cli/cli.h"
#include "cli/pin.h"

/* What the guided commands know while they speak with the key. */
struct key_talk {
        struct terminal *terminal;
        struct pin *pin;
        uint64_t deadline_usec; /* CLOCK_MONOTONIC */
        const char *user;       /* for sentences */
        bool approves;          /* it is no enrolment: that user's key is to approve something */
        enum device_reason why; /* what the device said when it failed; DEVICE_OK for nothing */
};

/* Follows one operation to its result: 0 with an event of type `wanted`, else an enum cli_exit after a
 * complaint. */
int key_follow(struct key_talk *k, struct device_operation *op, enum device_event_type wanted,
               struct device_event *ret);

/* The complaint when an operation could not even be started. */
int key_start_failed(int error);
/* The complaint for what a device said: public for its test. */
enum cli_exit key_reason_exit(enum device_reason reason);
const char *key_reason_text(enum device_reason reason);
