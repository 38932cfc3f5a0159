/* SPDX-License-Identifier: Apache-2.0 */
/* The server side of common/broker.h: hands taps to clients, takes their records, keeps their sessions. */
#pragma once

#include "helper/badge_key.h"
#include "helper/desk.h"
#include "helper/closed.h"
#include "helper/emergency.h"
#include "helper/greeter.h"
#include "helper/recorder.h"
#include "helper/sessions.h"
#include "helper/switcher.h"
#include "helper/taps.h"
#include "helper/wipes.h"

#define BROKER_CLIENTS_MAX 128U
/* Of these, kept for root: attempts that crowd in do not keep an administrator out. */
#define BROKER_ROOT_PLACES 8U
/* A client waits for the answer to one record before it sends the next; a few more are borne. */
#define BROKER_IN_FLIGHT_MAX 8U

/* So long after the readers were lost (or wardtapd started) nobody is told that there are none: a restart of
 * pcscd, of wardtap-device or of wardtapd must not end the attempts that wait. */
#define BROKER_READERS_USEC (15U * 1000U * 1000U)

struct broker_config {
        sd_event *event;
        int listener; /* taken */
        struct taps *taps;
        struct recorder *recorder;
        struct sessions *sessions;
        struct station *station;
        struct switcher *switcher;
        struct greeter *greeter;
        struct desk *desk;
        const struct badge_keys *badge_keys; /* for an administrator's badge numbers */
        struct closed *closed;               /* whose session was ended, and is to be told */
        struct emergencies *emergencies;
        struct wipes *wipes; /* accounts that nobody may have yet */
        void (*administered)(void *userdata,
                             const struct record *r); /* an administrator's record is on disk */
        const char *(*words)(void *userdata); /* for whoever begins to wait at the greeter; "" for none */
        /* A person was let in, or tapped out, by this tap (NULL: none); proved: by a key as well. */
        void (*used)(void *userdata, const struct tap *t, bool proved);
        void (*passing)(void *userdata, char ret[static BROKER_PASSING_SIZE]); /* posture_passing() */
        void (*changed)(void *userdata); /* waiting attempts, sessions or slowed readers may have changed */
        void *userdata;
};

struct broker;

/* A badge that lies at the edge of a reader comes and goes more often than this: that is no second tap. */
#define BROKER_AGAIN_USEC (1000U * 1000U)

/* True when this tap is a second one of the badge that a client judges and has asked to be told of: it is
 * told, and nobody else gets the tap. */
bool broker_tap_again(struct broker *b, const struct tap *t);
/* What came of a client's wish (switcher_done). */
void broker_switched(struct broker *b, const struct switcher_wish *wish, int status);
/* Takes the listener, also on an error. */
int broker_new(const struct broker_config *c, struct broker **ret);
struct broker *broker_free(struct broker *b);
DEFINE_CLEANUP(struct broker, broker_free)

/* Taps or readers have changed: gives taps to those they belong to, and tells who waits how many readers
 * there are. */
void broker_update(struct broker *b);
/* Which readers there are is yet to be learnt: "none" is not said for BROKER_READERS_USEC, unless one comes
 * sooner. Also so after broker_new(). */
void broker_expect_readers(struct broker *b);
/* Words for whoever waits for a tap on the screen of seat0: shown beside what the attempts say. */
void broker_say(struct broker *b, const char *text);
/* The answer of the recorder for a client; that of one that is gone is dropped. */
void broker_recorded(struct broker *b, uint64_t client, int status, uint64_t seq);
/* Records that a session ended because its opener did. */
void broker_session_ended(struct broker *b, uid_t uid, const char *attempt);
