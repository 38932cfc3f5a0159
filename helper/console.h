/* SPDX-License-Identifier: Apache-2.0 */
/* Which virtual terminal is on the screen: the kernel tells when another one is. logind tells only of
 * sessions, and a login prompt is none. */
#pragma once

#include "common/util.h"

#include <stdbool.h>
#include <systemd/sd-event.h>

/* What the kernel says it in: "tty7". */
#define CONSOLE_ACTIVE "/sys/class/tty/tty0/active"

struct console;

/* -ENOENT where there are no virtual terminals. */
int console_new(sd_event *event, void (*changed)(void *userdata), void *userdata, struct console **ret);
/* Whether that virtual terminal is the one on the screen now. */
bool console_shows(unsigned vt);
struct console *console_free(struct console *c);
DEFINE_CLEANUP(struct console, console_free)
