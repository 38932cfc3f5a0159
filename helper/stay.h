/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from somebody's being at the seat, or not: the idle lock and its countdown, walking away, the
 * end of parked sessions, and whether their owners may still be here. */
#pragma once

#include "helper/bus.h"
#include "helper/desk.h"
#include "helper/keys.h"

#define STAY_FILE "/run/wardtapd/walkaway"

struct stay_config {
        sd_event *event;
        struct station *station;
        struct sessions *sessions;
        struct recorder *recorder;
        int input_listener; /* taken; -1 for none */
        const char *auth_socket;
        sd_bus *(*bus)(void *userdata); /* the system bus, borrowed; NULL while there is none */
        /* To the program of this session that shows such things (false: none attends to it), and to whoever
         * waits at the greeter. */
        bool (*notice)(void *userdata, const char *session, const char *kind, const char *text,
                       unsigned seconds);
        void (*words)(void *userdata, const char *text);
        void (*rules_changed)(void *userdata); /* after what follows from it here */
        void (*countdown)(void *userdata, const char *session, unsigned seconds);
        void (*quiet)(void *userdata, const char *session, bool quiet);
        bool (*in_emergency)(void *userdata, uid_t uid); /* one of this person's is under way */
        void *userdata;
};

struct stay;

/* Takes the listener, also on an error. */
int stay_new(const struct stay_config *c, struct stay **ret);
struct stay *stay_free(struct stay *s);
DEFINE_CLEANUP(struct stay, stay_free)
/* The desk that parks and ends; set once, before anything else is called. */
void stay_set_desk(struct stay *s, struct desk *desk);

/* As the desk says. */
void stay_shown(struct stay *s, const struct seat_session *e);
void stay_parked(struct stay *s, const struct seat_session *e);
void stay_gone(struct stay *s, const struct seat_session *e);
/* A program attends to this session from now on. */
void stay_attended(struct stay *s, const char *session);
/* Those that were parked before we started are. */
void stay_known(struct stay *s);
void stay_hint(struct stay *s, const struct logind_session *l);
void stay_inhibited(struct stay *s, bool idle);

/* "FULL NAME, take your key.", while the key of whoever left last is still there; "" for nothing. */
const char *stay_words(const struct stay *s);

/* As the watch and the keys say. */
void stay_card(struct stay *s, const char *reader, bool present);
/* True when it is the badge that lay there before and slipped: no tap. */
bool stay_card_read(struct stay *s, const char *reader, const char *token);
void stay_reader_gone(struct stay *s, const char *reader);
void stay_key(struct stay *s, const char *device, bool plugged, uint64_t when_usec);
void stay_keys_listed(struct stay *s);

/* An administrator's record: whoever is here by a badge or key that it ends, or that is reported lost, is
 * parked at once; and when what it gives for a while ends, everybody is judged again. (Whatever
 * else changes of people and rules is seen by their files.) */
void stay_administered(struct stay *s, const struct record *r);
/* When there was input on the seat (CLOCK_MONOTONIC); UINT64_MAX when nobody watches it. */
uint64_t stay_last_input(const struct stay *s);
