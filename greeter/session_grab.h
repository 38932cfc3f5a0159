/* SPDX-License-Identifier: Apache-2.0 */
/* Discarding input: for a moment keyboard and pointer are ours, and nobody reads them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include <xcb/xcb.h>

struct grab {
        sd_event *event;     /* borrowed */
        xcb_connection_t *x; /* borrowed */
        xcb_window_t root;
        sd_event_source *timer;
        uint64_t until; /* CLOCK_MONOTONIC; 0: nothing is grabbed */
        bool keyboard, pointer;
};

/* Grabs both until so many microseconds from now. Where another program has one of them (a menu is open),
 * it tries again until then. */
void grab_begin(struct grab *g, uint64_t usec);
/* Gives them back now. Whatever was typed before stays lost. */
void grab_end(struct grab *g);
