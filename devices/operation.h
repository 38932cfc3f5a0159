/* SPDX-License-Identifier: Apache-2.0 */
/* One operation as its own process sees it: the connection to who asked, the deadline, and what may end it
 * early. */
#pragma once

#include <signal.h>

#include "devices/wire.h"

struct operation {
        int fd;
        uint64_t deadline_usec; /* CLOCK_MONOTONIC, UINT64_MAX for the watches */
        struct device_request request;
};

/* How a step ended. retries -1 and detail 0 where there is nothing to say. */
struct outcome {
        enum device_reason reason;
        int retries;
        int32_t detail;
};

struct outcome outcome_of(enum device_reason reason, int32_t detail);
static inline struct outcome outcome_ok(void) {
        return outcome_of(DEVICE_OK, 0);
}

/* Sends an event, waiting while the other side's queue is full. Ends the process when it is gone. */
void operation_emit(const struct operation *op, const struct device_event *e);
void operation_emit_type(const struct operation *op, enum device_event_type type);
void operation_fail(const struct operation *op, struct outcome o);

/* Milliseconds left, 0 when the deadline has passed. */
int operation_left_ms(const struct operation *op);

/* Sleeps at most ms and not beyond the deadline; DEVICE_OK, DEVICE_TIMED_OUT, or DEVICE_CANCELLED when the
 * caller hung up or SIGTERM came. Whatever the caller sends meanwhile stays unread. */
enum device_reason operation_pause(const struct operation *op, int ms);

/* Waits, without a deadline, until fd is readable: DEVICE_OK; DEVICE_CANCELLED as above. */
enum device_reason operation_wait(const struct operation *op, int fd);

/* Asks the caller for a PIN and waits for it. The caller of this wipes it. DEVICE_OK, DEVICE_TIMED_OUT,
 * DEVICE_CANCELLED, DEVICE_BAD_ANSWER. */
enum device_reason operation_ask_pin(const struct operation *op, char ret[DEVICE_PIN_MAX + 1]);

/* SIGTERM from now on only sets a flag, and is delivered only in waits that use operation_wait_mask(): a
 * cancel between two steps is never lost, and none interrupts a step half-way. */
void operation_hold_signals(void);
const sigset_t *operation_wait_mask(void);
bool operation_cancelled(void);

/* Should a library block past the deadline, the process reports the reason set last by
 * operation_last_words() (DEVICE_TIMED_OUT at first), and ends. */
void operation_arm(const struct operation *op);
void operation_last_words(enum device_reason reason);

/* The operations. Each reports by itself and returns. */
void watch_run(struct operation *op);
void key_watch_run(struct operation *op);
void identify_run(struct operation *op);
void key_run(struct operation *op);
