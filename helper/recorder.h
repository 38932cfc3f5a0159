/* SPDX-License-Identifier: Apache-2.0 */
/* The one writer of records: fills in the station's fields, writes them ahead, and wakes the sender to the
 * journal. Records that come together in one turn of the loop go to disk together. */
#pragma once

#include "helper/audit_log.h"
#include "helper/journal_sender.h"
#include "helper/station.h"

/* Called once per record with a client, after it is on disk (status 0 and its number) or has failed. */
typedef void (*recorder_done)(void *userdata, uint64_t client, int status, uint64_t seq);

struct recorder_config {
        sd_event *event;
        struct audit_log *log;
        struct journal_sender *sender;
        struct station *station;
        recorder_done done;
        /* Every record as it was taken, with its number, 0 where it could not be: for hooks. May be NULL. */
        void (*taken)(void *userdata, const struct record *record, uint64_t seq);
        void *userdata;
};

struct recorder;

int recorder_new(const struct recorder_config *c, struct recorder **ret);
/* Writes what waits. */
struct recorder *recorder_free(struct recorder *r);
DEFINE_CLEANUP(struct recorder, recorder_free)

/* Takes a record (its fields stay the caller's, with those of the writer set) for a client, 0 for wardtapd
 * itself. The answer comes through `done`, from the loop. */
void recorder_submit(struct recorder *r, struct record *record, uint64_t client);
/* A record of wardtapd's own; any text may be NULL. */
void recorder_note(struct recorder *r, enum record_event event, const char *reader, const char *reason,
                   const char *detail);
/* Writes now what waits. */
void recorder_flush(struct recorder *r);
