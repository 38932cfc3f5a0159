/* SPDX-License-Identifier: Apache-2.0 */
/* The PIN of a key during one enrolment: asked for once, kept in memory that is wiped, and given to the key
 * again only after the key itself has found it right. */
#pragma once

#include <stdbool.h>

#include "cli/terminal.h"
#include "devices/client.h"

struct pin {
        char text[DEVICE_PIN_MAX + 1];
        bool known;  /* text holds one */
        bool sent;   /* it was given to the key, which has not yet said that it is right */
        bool proven; /* the key accepted it */
};

/* For _cleanup_(pin_erase). */
void pin_erase(struct pin *p);

/* 0, or -EINVAL: not text, fewer than min characters (never fewer than 4), or more than DEVICE_PIN_MAX bytes
 * (CTAP 2.1, 6.5.1). */
int pin_check(const char *text, unsigned min);

/* Both ask on the terminal, and are enum cli_exit after a complaint. abort_fd: see terminal_read_secret().
 */
int pin_ask(struct pin *p, const struct terminal *t, int abort_fd, uint64_t deadline_usec);
/* A new one, typed twice, of at least min characters; three tries. */
int pin_ask_new(struct pin *p, const struct terminal *t, unsigned min, uint64_t deadline_usec);
