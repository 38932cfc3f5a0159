/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of audit records: each carries the hash of the one before it, computed from nothing but fields
 * that stand in the journal, so that whoever can read the journal can check it.
 *
 *   text(n) = the lines "MESSAGE_ID=...", and "NAME=value" of every WARDTAP_ field of record n except
 *             WARDTAP_PREV, each ended by one newline, sorted by name as bytes (LC_ALL=C)
 *   hash(n) = SHA-256(hash(n-1) as 32 bytes || text(n))
 *   WARDTAP_PREV of record n = hash(n-1) in hexadecimal; of the first record of an epoch, 64 zeros */
#pragma once

#include "common/record.h"

#define AUDIT_HASH_SIZE 32U

/* One line of text(n), without "=" and newline; borrowed. */
struct audit_line {
        struct bytes name, value;
};

/* Sorts the lines by name and writes them as text(n). */
void audit_write_lines(struct audit_line *lines, size_t n, struct writer *w);
/* hash(n) of a record that is there as its lines (all of text(n), in any order; they are sorted). -EIO when
 * libcrypto fails, -EMSGSIZE. */
int audit_hash_lines(struct audit_line *lines, size_t n, const uint8_t prev[AUDIT_HASH_SIZE],
                     uint8_t ret[AUDIT_HASH_SIZE]);

/* Writes text(n). */
void audit_canonical(const struct record *r, struct writer *w);
/* hash(n). -EIO when libcrypto fails, -EMSGSIZE. */
int audit_hash(const struct record *r, const uint8_t prev[AUDIT_HASH_SIZE], uint8_t ret[AUDIT_HASH_SIZE]);
/* EPOCH, SEQ and PREV of a record as they are read: 32 hexadecimal digits, a number from 1 on, and 64
 * hexadecimal digits. -EBADMSG when one is missing (NULL) or malformed. */
int audit_read_links(const char *epoch, const char *seq, const char *prev, char ret_epoch[33],
                     uint64_t *ret_seq, uint8_t ret_prev[AUDIT_HASH_SIZE]);
int audit_links(const struct record *r, char ret_epoch[33], uint64_t *ret_seq,
                uint8_t ret_prev[AUDIT_HASH_SIZE]);
