/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys are plugged in, as people would say it: a key that goes and is back within KEYS_BACK_USEC was
 * reset, by its port or its hub, and has not been away. Pure; time (CLOCK_MONOTONIC, in microseconds) comes
 * in as an argument.
 *
 * While the watch over keys is lost, nothing is known and nothing changes. When it answers again, a key that
 * it does not list is gone from then on. */
#pragma once

#include "devices/client.h"

#define KEYS_BACK_USEC (2U * 1000U * 1000U)
/* Those plugged in, and as many that may yet be back. */
#define KEYS_STATE_MAX (2U * DEVICE_KEYS_MAX)

/* plugged: the key is there since when_usec, or gone since then. present: it was there when the watch began.
 */
typedef void (*keys_changed)(void *userdata, const struct device_key *key, bool plugged, bool present,
                             uint64_t when_usec);

struct keys_entry {
        struct device_key key;
        enum { KEYS_HERE, KEYS_AWAY, KEYS_UNKNOWN } at;
        uint64_t away_usec; /* since when; for KEYS_AWAY */
};

struct keys_state {
        keys_changed changed;
        void *userdata;
        struct keys_entry entries[KEYS_STATE_MAX];
        size_t n;
};

/* More than KEYS_STATE_MAX are left out, unless one of the others is away: that one is then gone at once. */
void keys_state_attach(struct keys_state *s, const struct device_key *key, bool present, uint64_t now_usec);
void keys_state_detach(struct keys_state *s, const char *id, uint64_t now_usec);
/* The watch is lost, or has listed all keys there are. */
void keys_state_lose(struct keys_state *s);
void keys_state_listed(struct keys_state *s, uint64_t now_usec);
/* Says of those that have been away for too long that they are gone. */
void keys_state_expire(struct keys_state *s, uint64_t now_usec);
/* When the next one will have; UINT64_MAX for never. */
uint64_t keys_state_next(const struct keys_state *s);
bool keys_state_has(const struct keys_state *s, const char *id);

/* How much of it is recorded. A device that comes and goes by itself, under ever other names, must not fill
 * the journal. */
#define KEYS_RECORDS_MAX 20U
#define KEYS_RECORDS_USEC (60U * 1000U * 1000U)

struct keys_flood {
        uint64_t since_usec, last_usec;
        unsigned n;
        bool muted;
};

enum keys_note {
        KEYS_NOTE,   /* record it */
        KEYS_ALERT,  /* say once that no more is recorded, until KEYS_RECORDS_USEC have passed without */
        KEYS_NO_NOTE /* do not */
};

/* For one more key that came or went. */
enum keys_note keys_flood_take(struct keys_flood *f, uint64_t now_usec);
