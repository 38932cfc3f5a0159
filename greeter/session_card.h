/* SPDX-License-Identifier: Apache-2.0 */
/* How each view looks: where on a monitor, how large its letters are, and its picture. */
#pragma once

#include <xcb/xcb.h>

#include "greeter/session_monitors.h"
#include "greeter/session_state.h"

#define CARD_BACKGROUND 0x10243AU /* 0xRRGGBB, behind all text; white on it has a contrast of 15:1 */

/* True for views that hide all of the monitor: their card stands in the middle of a window of its size. */
bool card_is_whole(enum view view);

struct card;

/* Lays out text (clean, any length) for a view on a monitor: smaller letters for longer text, then fewer
 * words. -ENOMEM. */
int card_new(enum view view, const char *text, const struct monitor *monitor, struct card **ret);
struct card *card_free(struct card *c);

/* Its place, in the coordinates of the screen, always within the monitor. */
struct monitor card_place(const struct card *c);

/* A pixmap of the place's size with the card on it, the caller's to free; 0 when it could not be painted. */
xcb_pixmap_t card_paint(const struct card *c, xcb_connection_t *x, const xcb_screen_t *screen,
                        xcb_visualtype_t *visual);
