/* SPDX-License-Identifier: Apache-2.0 */
/* What both dresses of the key do alike: clock, signals, and the lines on standard output. */
#pragma once

#include "tests/virtual/key.h"

/* CLOCK_MONOTONIC, in milliseconds. */
uint64_t dress_now_ms(void);
/* For poll(): until the deadline, at most a minute; -1 for UINT64_MAX. */
int dress_timeout(uint64_t deadline_ms);
/* One line on standard output, at once. */
void dress_say(const char *line);
/* config.on_touch_wanted: says "touch-wanted". */
void dress_touch_wanted(void *userdata);
/* Blocks SIGTERM, SIGINT and SIGUSR1; they are read from *ret. Negative errno. */
int dress_signals(int *ret);
/* Takes one signal: SIGUSR1 touches the key. False when it is to be unplugged. */
bool dress_signalled(int signals, struct key *k);
