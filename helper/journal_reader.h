/* SPDX-License-Identifier: Apache-2.0 */
/* Looks in the journal whether a record of ours has arrived. Only entries whose trusted _UID is our own are
 * believed: anybody may write WARDTAP_ fields into the journal. */
#pragma once

#include "common/util.h"

#include <stdbool.h>

struct journal_reader;

/* -ENODATA when there is no journal, or none that we may read. */
int journal_reader_open(struct journal_reader **ret);
struct journal_reader *journal_reader_free(struct journal_reader *j);
DEFINE_CLEANUP(struct journal_reader, journal_reader_free)

/* Readable when the journal has changed; stays the reader's. Call journal_reader_process() then. */
int journal_reader_fd(struct journal_reader *j);
void journal_reader_process(struct journal_reader *j);
/* 1 when the record is there, 0 when it is not. */
int journal_reader_has(struct journal_reader *j, const char *epoch, uint64_t seq);
