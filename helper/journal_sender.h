/* SPDX-License-Identifier: Apache-2.0 */
/* Brings records from the write-ahead log to the journal, and never blocks the loop doing so: over a
 * non-blocking datagram socket of our own, in the journal's native protocol. (sd_journal_sendv() waits when
 * journald has stopped, and reports success when its socket is gone.)
 *
 * A record is sent when the socket takes it, and released when it was read back from the journal. What was
 * not read back in time, or was in the queue of a socket that is gone, is sent again: a reader tells
 * duplicates by EPOCH and SEQ. Records are read from the file, not kept in memory. Timers run only while
 * something is pending. */
#pragma once

#include "helper/audit_log.h"

#include <systemd/sd-event.h>

/* How a record is read back. All take the userdata of the config. */
struct journal_check {
        int (*open)(void *userdata, int *ret_fd); /* readable when the journal changed; stays the check's */
        void (*process)(void *userdata);          /* after that */
        int (*has)(void *userdata, const char *epoch, uint64_t seq); /* 1, 0, or a negative errno */
        void (*close)(void *userdata);
};

struct journal_sender_config {
        sd_event *event;
        struct audit_log *log;
        const char *folder; /* "/run/systemd/journal"; borrowed, as all of these */
        const char *socket; /* "socket", in that folder */
        const struct journal_check *check;
        void *check_userdata;
        uint64_t check_after_usec;       /* from sending to looking for it */
        uint64_t resend_usec;            /* from looking to sending again; doubles */
        void (*changed)(void *userdata); /* connected or pending may have changed; NULL is fine */
        void *userdata;
};
#define JOURNAL_FOLDER "/run/systemd/journal"
#define JOURNAL_SOCKET "socket"
#define JOURNAL_CHECK_AFTER_USEC (1000U * 1000U)
#define JOURNAL_RESEND_USEC (10U * 1000U * 1000U)

struct journal_sender;

int journal_sender_new(const struct journal_sender_config *c, struct journal_sender **ret);
struct journal_sender *journal_sender_free(struct journal_sender *s);
DEFINE_CLEANUP(struct journal_sender, journal_sender_free)

/* There are new records in the log. */
void journal_sender_kick(struct journal_sender *s);
/* The journal's socket is there. */
bool journal_sender_is_connected(const struct journal_sender *s);
/* Records that are not released yet. */
uint64_t journal_sender_pending(const struct journal_sender *s);

/* The check by sd-journal (journal_reader.h); userdata is a `struct journal_reader *` that begins as NULL.
 */
extern const struct journal_check journal_check_by_reader;
