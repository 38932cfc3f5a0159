/* SPDX-License-Identifier: Apache-2.0 */
/* What broker.c (clients) and broker_serve.c (their messages) share. */
#pragma once

#include "helper/broker.h"
#include "helper/broker_code.h"

#include <sys/socket.h>

#define RECENT_MAX 32U

struct client {
        struct broker *broker;
        uint64_t id;
        int fd;
        struct ucred peer;
        sd_event_source *io;
        bool greeted;
        enum broker_purpose purpose;
        char attempt[33], service[65], seat[65];
        char name[65];                   /* of whose key that is */
        char device[BROKER_DEVICE_SIZE]; /* of the key it has used; "" for none */
        bool has_badge, wants_again;     /* it was given a tap of this badge ... */
        uint8_t badge[BADGE_INDEX_SIZE]; /* ... seen last at sighted_usec (CLOCK_MONOTONIC) */
        uint64_t sighted_usec;
        unsigned vt;                /* of the virtual terminal on which it waits; 0: none */
        unsigned in_flight;         /* records without an answer yet */
        struct record administered; /* an administrator's, until it is on disk; else no event */
        int readers_said;           /* -1: it has not been told how many readers there are */
};

/* Who signed in by which attempt: whose session may begin, and whom its record names. */
struct recent {
        struct seat_proof proof;
};

struct broker {
        struct broker_config config;
        sd_event_source *accept_io, *expiry, *expecting; /* expecting is armed while readers may yet come */
        struct client *clients[BROKER_CLIENTS_MAX];
        size_t n_clients;
        uint64_t next_id;
        struct recent recent[RECENT_MAX];
        size_t recent_at;
        char fallback[65]; /* logind's id of the last session that was recorded as one */
};

/* broker_serve.c: acts on one message; the passed descriptor (-1 for none) is taken. A negative errno means
 * that the client is to be dropped. */
int broker_serve(struct client *c, const uint8_t *p, size_t n, int passed);
/* The same: what an administrator's record changes for those who are here, once it is on disk. */
void broker_administered(struct client *c);
/* broker.c: a negative errno means that the client is to be dropped. */
int broker_tell(struct client *c, const struct broker_message *m);
int broker_tell_waiting(struct client *c);
/* Takes note of what is on the screen. */
void broker_look(struct broker *b);
/* Now that this client waits: tells those whom a display manager has forgotten. Nobody reads what they show.
 */
void broker_drop_orphans(const struct client *next);
