/* SPDX-License-Identifier: Apache-2.0 */
/* What seat.c (coming and going), seat_record.c and seat_keep.c share. */
#pragma once

#include "helper/seat.h"

#define LET_IN_MAX 8U

/* Somebody who was let in and is not on the screen yet. */
struct let_in {
        struct seat_proof proof;
        uint64_t until_usec; /* CLOCK_MONOTONIC; 0: free place */
};

#define OPENED_MAX 8U
/* A session that an attempt opened; logind's word about it may come later than the hook's. */
struct opened {
        char session[LOGIND_ID_SIZE];
        struct seat_proof proof;
};

struct seat {
        struct seat_events events;
        void *userdata;
        struct seat_session *sessions[SEAT_SESSIONS_MAX];
        size_t n;
        struct let_in let_in[LET_IN_MAX];
        char reason[65], requestor[65]; /* why the one on the screen is about to leave it; "" */
        char leaving[LOGIND_ID_SIZE];   /* one that has left, and of which that is not recorded yet ... */
        char left_reason[65], left_requestor[65]; /* ... because of this; "": not known */
        struct opened opened[OPENED_MAX];         /* a ring: of sessions that logind has not told of yet */
        size_t opened_at;
        char last[LOGIND_ID_SIZE]; /* the last one on the screen */
        struct seat_session *kept; /* of before a restart, until seat_found_active() */
        size_t n_kept;
};

/* from is or was at the seat before to; both are known. */
void seat_record_handoff(struct seat *s, const struct seat_session *from, const struct seat_session *to,
                         uint64_t now_mono);
void seat_record_back(struct seat *s, const struct seat_session *e, uint64_t now_mono);
/* LOCK, IDLE_LOCK or SIGN_OUT. */
void seat_record_left(struct seat *s, const struct seat_session *e, enum record_event event,
                      const char *reason, const char *requestor);
void seat_record_guard(struct seat *s, const struct seat_session *e);
