/* SPDX-License-Identifier: Apache-2.0 */
/* What journal_sender.c and journal_confirm.c share. */
#pragma once

#include "helper/journal_sender.h"

/* Nobody waits for the journal: whoever waits for a tap or a record goes first. */
#define SENDER_PRIORITY SD_EVENT_PRIORITY_IDLE

struct journal_sender {
        struct journal_sender_config config;
        int fd;
        sd_event_source *io;     /* EPOLLOUT, on only while blocked */
        sd_event_source *folder; /* inotify: the socket was made anew */
        sd_event_source *retry;  /* while there is no socket and something is pending */
        uint64_t retry_usec;
        bool blocked;

        struct audit_position sent; /* the next to send */
        uint64_t recheck_below;     /* numbers below may be in the journal already: look before sending */

        sd_event_source *look;     /* timer: look into the journal, or give up waiting for it */
        sd_event_source *check_io; /* the journal changed */
        bool check_is_open, warned;
        bool looking;         /* the timer means "give up" */
        uint64_t resend_usec; /* grows */
        unsigned resends;     /* of the first record that is not there */
};

void sender_changed(struct journal_sender *s);
void sender_rewind(struct journal_sender *s);
void sender_send(struct journal_sender *s);
/* Arms a one-shot timer, making it first where it is NULL. */
int sender_timer(struct journal_sender *s, sd_event_source **source, uint64_t after_usec,
                 sd_event_time_handler_t handler);
/* Something was sent: see to it that it is looked for. */
void sender_expect(struct journal_sender *s);
/* True when a record that may have been sent before is in the journal. */
bool sender_is_there(struct journal_sender *s, uint64_t seq);
void sender_close_check(struct journal_sender *s);
