/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the connection (session_screen.c) and the windows (session_window.c). */
#pragma once

#include "greeter/session_card.h"
#include "greeter/session_grab.h"
#include "greeter/session_screen.h"

/* A view on one monitor. */
struct view_window {
        xcb_window_t top;  /* child of the root */
        xcb_window_t card; /* the same, or its child where the view hides the whole monitor; 0: not yet */
};

struct screen {
        sd_event *event;
        xcb_connection_t *x;
        xcb_screen_t *screen; /* borrowed from x, as the visual */
        xcb_visualtype_t *visual;
        uint32_t background; /* pixel of CARD_BACKGROUND */
        xcb_atom_t utf8_string, net_wm_name;
        uint8_t randr_event; /* 0: none */
        struct monitor monitors[MONITORS_MAX];
        size_t n_monitors;
        struct {
                char *text; /* NULL: not shown */
                struct view_window windows[MONITORS_MAX];
        } views[VIEW_MAX];
        sd_event_source *io, *raise;
        uint64_t raised_usec; /* when the last look at the stack was */
        struct grab grab;
};

/* The windows of a view, one for each monitor: made and mapped, given another text, or destroyed. Windows
 * without memory for text are left without. */
void windows_make(struct screen *s, enum view view);
void windows_change(struct screen *s, enum view view);
void windows_destroy(struct screen *s, enum view view);
/* Ours to the top of the stack, in the order of enum view. */
void windows_raise(struct screen *s);
/* True when one of ours. */
bool windows_is_ours(const struct screen *s, xcb_window_t window);
/* True when a window of somebody else stands above one of ours. Asks the server. */
bool windows_are_below(struct screen *s);
