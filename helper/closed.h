/* SPDX-License-Identifier: Apache-2.0 */
/* Whose session Wardtap has ended, when and why, until that person was told. Kept in a file of wardtapd's
 * own under /run, so that its restart forgets nothing; a reboot forgets all of it, as everybody expects
 * then. */
#pragma once

#include "common/bytes.h"
#include "common/record.h"
#include "common/util.h"

#include <stdbool.h>
#include <sys/types.h>

#define CLOSED_MAX 64U
#define CLOSED_FILE "/run/wardtapd/closed"
#define CLOSED_BYTES_MAX (16U + CLOSED_MAX * 13U)

enum closed_reason {
        CLOSED_LIMIT = 1, /* too many sessions at this station */
        CLOSED_MEMORY,    /* memory ran short */
        CLOSED_PARKED,    /* parked for longer than the rules allow */
        CLOSED_ENDED,     /* the person, or her right to be here, was ended */
        CLOSED_REASON_MAX,
};

struct closed_entry {
        uid_t uid;
        uint64_t when_usec; /* CLOCK_REALTIME; not 0 */
        enum closed_reason reason;
};

struct closed_list {
        size_t n;
        struct closed_entry entries[CLOSED_MAX]; /* oldest first, each uid once */
};

struct closed;

/* Reads the file (CLOSED_FILE), if it is there; one that is damaged counts as empty. The path is borrowed.
 * -ENOMEM. */
int closed_new(const char *path, struct closed **ret);
/* The file stays. */
struct closed *closed_free(struct closed *c);
DEFINE_CLEANUP(struct closed, closed_free)

/* Remembers; of one person the latest only, of CLOSED_MAX people those of late. -EINVAL for a reason, time
 * or uid that is none. A negative errno when the file could not be written: it is remembered nevertheless,
 * for as long as wardtapd runs. */
int closed_note(struct closed *c, uid_t uid, uint64_t when_usec, enum closed_reason reason);
/* Looks; false for somebody of whom nothing is known. A tap alone, which may be a copied badge, takes
 * nothing away. */
bool closed_find(const struct closed *c, uid_t uid, uint64_t *ret_when_usec, enum closed_reason *ret_reason);
/* The same, and forgets: her session has begun, after she was told. */
bool closed_take(struct closed *c, uid_t uid, uint64_t *ret_when_usec, enum closed_reason *ret_reason);

/* "limit", "memory" and so on, for WARDTAP_REASON. */
const char *closed_reason_name(enum closed_reason reason);
/* CLOSED_ENDED for any other. */
enum closed_reason closed_reason_from_name(const char *name);
/* Remembers what a record says: a sign-out that the station itself asked for (REQUESTOR "node"). Others are
 * left alone. */
void closed_note_record(struct closed *c, const struct record *record, uint64_t when_usec);

/* The file: "WARDTAP-CLOSED1\n", then per entry uid u32, time u64, reason u8, big-endian. */
void closed_write(struct writer *w, const struct closed_list *list);
/* -EBADMSG for anything else, more than CLOSED_MAX entries or a uid that comes twice. *ret only on success.
 */
int closed_read(struct bytes b, struct closed_list *ret);
