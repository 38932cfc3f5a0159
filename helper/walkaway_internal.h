/* SPDX-License-Identifier: Apache-2.0 */
/* What walkaway.c and walkaway_keep.c share. */
#pragma once

#include "helper/walkaway.h"

enum place {
        PLACE_NONE,    /* it does not count: not used, taken away again at once, or gone */
        PLACE_HERE,    /* where it was at the sign-in */
        PLACE_AWAY,    /* not seen there any more; may be back until it is due */
        PLACE_UNKNOWN, /* nobody can tell: its reader is away, or nothing was listed yet */
};

/* A session, and what it was signed in with. */
struct kept {
        char session[WALKAWAY_SESSION_SIZE], attempt[33];
        uint64_t begun_usec; /* signed in, and on the screen since; 0: before the last restart */
        bool settled;        /* what is there has been there for long enough */
        char reader[DEVICE_READER_MAX + 1], token[WALKAWAY_TOKEN_SIZE], device[DEVICE_KEY_ID_SIZE];
        enum place card, key;
        uint64_t card_away_usec, card_due_usec, key_due_usec;
};

struct reader {
        char name[DEVICE_READER_MAX + 1];
        bool present;
        char token[WALKAWAY_TOKEN_SIZE]; /* of the card that lies there; "" until it was read */
};

struct walkaway {
        const struct walkaway_events *events;
        void *userdata;
        sd_event_source *timer;
        struct kept *kept;
        size_t n;
        struct reader readers[DEVICE_READERS_MAX];
        size_t n_readers;
        char keys[2 * DEVICE_KEYS_MAX][DEVICE_KEY_ID_SIZE]; /* plugged in */
        size_t n_keys;
        char shown[WALKAWAY_SESSION_SIZE];
};

/* A new place for this session. -EINVAL for no id of logind's, -ENOSPC, -ENOMEM. */
int walkaway_make_room(struct walkaway *w, const char *session, struct kept **ret);
