/* SPDX-License-Identifier: Apache-2.0 */
/* The windows: override-redirect, above everything, on every monitor. They take neither focus nor keys. The
 * text of each is its _NET_WM_NAME too (lines joined by a comma), for screen readers. */
#pragma once

#include <systemd/sd-event.h>

#include "common/util.h"
#include "greeter/session_state.h"

struct screen;

/* Connects to the X server of $DISPLAY and handles its events in the loop; when the connection is lost, the
 * loop ends with 0. -ENOTCONN when there is no server, -EEXIST when another such program shows things there
 * already, or another negative errno. */
int screen_new(sd_event *event, struct screen **ret);
struct screen *screen_free(struct screen *s);
DEFINE_CLEANUP(struct screen, screen_free)

/* Shows a view with text (clean), or changes its text; NULL takes it away. */
void screen_show(struct screen *s, enum view view, const char *text);

/* From now on, for so many microseconds, what is typed and clicked goes nowhere; 0 ends it. */
void screen_discard_input(struct screen *s, uint64_t usec);

/* The same until that is called: of what is typed while a session comes to the screen nothing goes to its
 * programs before this process hears that it is there. */
void screen_hold_input(struct screen *s);
