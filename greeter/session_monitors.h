/* SPDX-License-Identifier: Apache-2.0 */
/* The monitors of an X screen. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <xcb/xcb.h>

#define MONITORS_MAX 8U

struct monitor {
        int16_t x, y;
        uint16_t width, height; /* pixels, neither is 0 */
};

/* Asks to be told of changes. *ret_event is then the number of that event; 0 where the server does not know
 * monitors. */
void monitors_watch(xcb_connection_t *x, xcb_window_t root, uint8_t *ret_event);

/* At least one, at most MONITORS_MAX: what RandR says, each place once (mirrored ones show the same), or the
 * whole screen where it says nothing. */
size_t monitors_get(xcb_connection_t *x, const xcb_screen_t *screen, bool randr,
                    struct monitor ret[static MONITORS_MAX]);
