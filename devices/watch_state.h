/* SPDX-License-Identifier: Apache-2.0 */
/* What the watch knows of readers and cards, and which events follow from what PC/SC says now. Pure. */
#pragma once

#include "devices/client.h"

struct watch_reader {
        char name[DEVICE_READER_MAX + 1];
        uint32_t
                state; /* SCARD_STATE_* as PC/SC said last, its event counter in the high half; 0 at first */
        bool known;    /* said to be attached */
};

struct watch_state {
        struct watch_reader readers[DEVICE_READERS_MAX];
        size_t n;
};

typedef void (*watch_emit)(void *context, const struct device_event *e);

/* Takes over a list of readers (zero-terminated names, ended by an empty one): says which are gone, and
 * keeps the new ones, which are attached with their first state. Names that are not fit for a screen, and
 * more than DEVICE_READERS_MAX, are left out. */
void watch_set_readers(struct watch_state *s, const char *names, watch_emit emit, void *context);

/* Takes over what PC/SC says of one reader now. A card that was there before the reader was known is no
 * insertion: nobody has tapped; READER_ATTACHED says that it is there. Cards that came or went between two
 * waits show in the counter. */
void watch_update(struct watch_reader *r, uint32_t event_state, const uint8_t *atr, size_t atr_len,
                  uint64_t now_usec, watch_emit emit, void *context);
