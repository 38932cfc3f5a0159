/* SPDX-License-Identifier: Apache-2.0 */
/* A greeter that waits for taps no more. When Wardtap cannot judge (the reader was unplugged), its attempt
 * ends and the greeter goes on to what the site allows next, a password prompt; and stays there when the
 * reader is back. So a tap that nobody waits for, at a greeter that has waited before, ends that greeter:
 * the display manager starts a new one, which waits again and gets the tap. */
#pragma once

#include "common/util.h"
#include "helper/taps.h"

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/* Attempts follow one another, with a pause after a refusal, so nobody waits for a moment between two. */
#define GREETER_PATIENCE_USEC (5U * 1000U * 1000U)

struct greeter_config {
        sd_event *event;
        sd_bus *(*bus)(void *userdata); /* the system bus, borrowed; NULL while there is none */
        bool (*is_unheard)(
                void *userdata); /* there is still a fresh tap, and nobody at the seat waits for one */
        void *userdata;
};

struct greeter;

int greeter_new(const struct greeter_config *c, struct greeter **ret);
struct greeter *greeter_free(struct greeter *g);
DEFINE_CLEANUP(struct greeter, greeter_free)

/* What is on the screen of seat0 now: by the kernel, and by logind. */
void greeter_look(struct taps_screen *ret);
/* A greeter that logind does not know any more. */
bool greeter_is_gone(const char *session);

/* Somebody at seat0 waits for a tap: the greeter that is on its screen, if it is one, does wait. */
void greeter_waits(struct greeter *g);
/* There was a tap that nobody waits for. */
void greeter_tap_unheard(struct greeter *g);
