/* SPDX-License-Identifier: Apache-2.0 */
/* Discarding input: for a moment keyboard and pointer are ours, and nobody reads them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include <xcb/xcb.h>

#define GRAB_FOR_GOOD UINT64_MAX

struct grab {
        sd_event *event;     /* borrowed */
        xcb_connection_t *x; /* borrowed */
        xcb_window_t root;
        sd_event_source *timer;
        uint64_t until;     /* CLOCK_MONOTONIC; 0: nothing is grabbed, GRAB_FOR_GOOD: until grab_end() */
        uint64_t try_until; /* CLOCK_MONOTONIC: how long it is tried again */
        bool keyboard, pointer;
};

/* Grabs both until so many microseconds from now. Where another program has one of them (a menu is open),
 * it tries again until then. */
void grab_begin(struct grab *g, uint64_t usec);
/* Grabs both until grab_end(): nobody is to read what is typed into a session that has no owner at the
 * screen. Where another program has one of them, it tries again for 5 s; that program has it on. */
void grab_hold(struct grab *g);
/* Gives them back now. Whatever was typed before stays lost. */
void grab_end(struct grab *g);
