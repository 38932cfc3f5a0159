/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of a journal as an auditor's program sees it: what its sender wrote, and what journald knew of
 * the sender. Everything in it is hostile until it was judged: any process may write WARDTAP_ fields. */
#pragma once

#include "common/audit_chain.h"

#define AUDIT_LINES_MAX 64U   /* WARDTAP_ fields of one entry; wardtapd writes fewer */
#define AUDIT_TEXT_MAX 16384U /* bytes of all of them */
#define AUDIT_NAME_SIZE 65U   /* journald takes no longer names */
#define AUDIT_VALUE_MAX 2048U /* bytes of a value worth looking at: no record has a longer one */

struct audit_entry {
        /* journald's own: where the entry stands, and who sent it. "" or 0 where the entry does not say. */
        uint64_t taken_usec;     /* wall clock, when journald took it */
        uint64_t monotonic_usec; /* in that boot */
        char boot[33], exe[256], unit[64], invocation[33], uid[11], pid[11];

        char name[33];   /* SYSLOG_IDENTIFIER */
        bool claims;     /* looks like a record: has our MESSAGE_ID, or an event or number of ours */
        bool is_damaged; /* and holds what wardtapd never writes: a field twice, one that is too long, ... */
        size_t n;
        struct audit_line lines[AUDIT_LINES_MAX]; /* MESSAGE_ID and WARDTAP_ fields, in text */
        size_t used;
        char text[AUDIT_TEXT_MAX]; /* each name and each value is terminated */
};

void audit_entry_reset(struct audit_entry *e);
/* One field of the entry, copied. A value that was cut (it is longer than AUDIT_VALUE_MAX) says so. */
void audit_entry_add(struct audit_entry *e, const char *name, struct bytes value, bool cut);
/* The value of WARDTAP_EVENT and the like, or NULL. */
const char *audit_entry_value(const struct audit_entry *e, const char *name);
const char *audit_entry_field(const struct audit_entry *e, enum record_field f);

/* Whom records are believed from. */
struct audit_trust {
        const char *exe, *unit; /* NULL: no systemd runs here, a program named wardtapd has to do */
        char uid[11];           /* of wardtapd; "" until it is known: the first entry that fits says it */
};

enum audit_sender {
        AUDIT_SENDER_OURS,
        AUDIT_SENDER_GONE, /* wardtapd's user, but it had ended when journald looked: wardtapd sends it again
                            */
        AUDIT_SENDER_OTHER,
};
enum audit_sender audit_trust_judge(struct audit_trust *t, const struct audit_entry *e);

/* Copies text, as much as has room; what is not fit for a screen becomes '?'. NULL is the empty text. */
void audit_copy_clean(char *to, size_t size, const char *from);

/* What is remembered of a record: enough to say which one it is and to link it. */
struct audit_mark {
        uint64_t seq; /* 0: none */
        uint64_t time_usec, taken_usec, monotonic_usec;
        char boot[33], event[33], user[65];
        uint8_t prev[AUDIT_HASH_SIZE], hash[AUDIT_HASH_SIZE];
        bool is_damaged; /* its hash says nothing */
};

/* The record in an entry, its epoch and its hash. -EBADMSG when it has no epoch or number; one that has them
 * but is damaged otherwise is returned as such. */
int audit_entry_mark(struct audit_entry *e, char ret_epoch[33], struct audit_mark *ret);
