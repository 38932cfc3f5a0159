/* SPDX-License-Identifier: Apache-2.0 */
/* Emergencies at this station that are under way: whose, and until when. Each ends by itself, on the clock
 * that runs on while the machine sleeps. What is recorded of them is kept until it is on disk, however long
 * that takes: a full disk stops no emergency and hides none. All of it is in a file of wardtapd's own under
 * /run, so that its restart forgets nothing; a reboot ends the sessions too. */
#pragma once

#include "common/record.h"
#include "common/util.h"

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#define EMERGENCY_FILE "/run/wardtapd/emergency"
#define EMERGENCIES_MAX 16U
#define EMERGENCY_OWED_MAX 64U
/* No rules give more. */
#define EMERGENCY_MOST_USEC (12ULL * 3600 * 1000000)
#define EMERGENCY_DRILL_USEC (10ULL * 60 * 1000000)
#define EMERGENCY_RETRY_USEC (10ULL * 1000000)

struct emergency_entry {
        uid_t uid;
        char user[65], person[37], attempt[33], review[17];
        char claimed[129];        /* of an emergency account: whose it is said to be; else "" */
        uint64_t until_boot_usec; /* CLOCK_BOOTTIME */
        bool drill;
};

struct emergency_list {
        size_t n;
        struct emergency_entry entries[EMERGENCIES_MAX];
        uint64_t drill_boot_usec; /* the next one until then is a drill; 0: none was announced */
        size_t n_owed;
        struct record owed[EMERGENCY_OWED_MAX]; /* not on disk yet */
};
/* For _cleanup_(emergency_list_clear). */
void emergency_list_clear(struct emergency_list *l);

struct emergency_events {
        /* One is over, as is recorded already. `reason` is "time", "signed-in", "signed-out" or "replaced".
         */
        void (*ended)(void *userdata, const struct emergency_entry *e, const char *reason);
        /* To the recorder, for this client (recorder_submit()). */
        void (*submit)(void *userdata, struct record *r, uint64_t client);
        /* What came of a record that a client of the broker sent. */
        void (*recorded)(void *userdata, uint64_t client, int status, uint64_t seq);
};

struct emergencies;

/* Reads the file, if there is one; one that is damaged counts as empty, with a line in the log. Nothing ends
 * before emergencies_start(). The path is borrowed. -ENOMEM. */
int emergencies_new(sd_event *event, const char *path, const struct emergency_events *events, void *userdata,
                    struct emergencies **ret);
/* The file stays. */
struct emergencies *emergencies_free(struct emergencies *e);
DEFINE_CLEANUP(struct emergencies, emergencies_free)
/* Sessions are known: what has run out meanwhile ends now, and what is owed is recorded. */
void emergencies_start(struct emergencies *e);

/* An attempt's BREAK_GLASS_START, for its client: it begins, is recorded, and so is the review item that it
 * opens. -EBADMSG: it does not say who, until when or by which item. The record stays the caller's. */
int emergencies_begin(struct emergencies *e, struct record *r, uint64_t client);
/* Until when this person's runs, CLOCK_REALTIME; 0: there is none. */
uint64_t emergencies_until(const struct emergencies *e, uid_t uid);
/* Ends it before its time, if there is one. */
void emergencies_stop(struct emergencies *e, uid_t uid, const char *reason);
/* An administrator announces a drill; is the next one it? */
void emergencies_announce_drill(struct emergencies *e);
bool emergencies_is_drill(const struct emergencies *e);
/* The recorder's answer. False when this client is none of ours. */
bool emergencies_recorded(struct emergencies *e, uint64_t client, int status, uint64_t seq);

/* --- emergency_keep.c: the file: "WARDTAP-EMERGENCY1\n", drill u64, entries (u8 of them: uid u32, user,
 * person, attempt, review, claimed, until u64, drill u8), and owed records as blobs to the end. */
void emergency_list_write(struct writer *w, const struct emergency_list *list);
/* Takes all of b. -EBADMSG for anything else. *ret only on success, for emergency_list_clear(). -ENOMEM. */
int emergency_list_read(struct bytes b, struct emergency_list *ret);
/* The entry that a record of a start describes. now_* are both clocks at one moment. -EBADMSG. */
int emergency_entry_read(const struct record *r, uint64_t now_real_usec, uint64_t now_boot_usec,
                         struct emergency_entry *ret);
