/* SPDX-License-Identifier: Apache-2.0 */
/* A record as one datagram of the journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL). */
#pragma once

#include "common/record.h"

#define JOURNAL_ENTRY_MAX 12288U

/* Writes "NAME=value" lines: MESSAGE, MESSAGE_ID, PRIORITY, SYSLOG_IDENTIFIER, and the record's fields. */
void journal_entry_write(struct writer *w, const struct record *r);
