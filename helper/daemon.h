/* SPDX-License-Identifier: Apache-2.0 */
/* wardtapd as a whole: readers and taps, clients, records, the bus, the seat and who stays at it, put
 * together. */
#pragma once

#include "helper/audit_log.h"
#include "helper/badge_key.h"
#include "helper/broker.h"

struct daemon_config {
        sd_event *event;
        int listener;                  /* taken */
        int input_listener;            /* of wardtap-idle (input.h); taken; -1 for none */
        const struct badge_keys *keys; /* copied */
        struct audit_config audit;
};

struct daemon;

/* Takes the listener, also on an error. -EACCES and others when the audit folder cannot be used. */
int daemon_new(const struct daemon_config *c, struct daemon **ret);
/* Records that it stops, and tells the journal what it can without waiting. */
struct daemon *daemon_free(struct daemon *d);
DEFINE_CLEANUP(struct daemon, daemon_free)

/* A descriptor that systemd kept for us under this name; taken. */
void daemon_restore(struct daemon *d, const char *name, int fd);
/* For systemctl status: "3 readers, record 17". */
void daemon_say_status(struct daemon *d);
