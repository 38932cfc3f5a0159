/* SPDX-License-Identifier: Apache-2.0 */
/* One file of the write-ahead log, as bytes. Numbers are big-endian.
 *
 *   header (104 bytes): "WARDTAP-AUDIT-1\n", epoch (16 bytes), number of the first record (u64), hash of the
 *          record before it (32 bytes; zeros where it begins the epoch), SHA-256 of all that
 *
 *   frame: length u32 of the record's bytes (1 to AUDIT_RECORD_MAX), the bytes of record_write() with EPOCH,
 *          SEQ and PREV inside, its hash in the chain (audit_chain.h, 32 bytes)
 *
 *   the rest: zeros, space that was reserved
 *
 * A frame is whole when its record decodes, is of this file's epoch and its hash is the one computed. */
#pragma once

#include "common/audit_chain.h"

#include <stdbool.h>

#define AUDIT_HEADER_SIZE 104U
#define AUDIT_RECORD_MAX 8192U
#define AUDIT_FRAME_MAX (4U + AUDIT_RECORD_MAX + AUDIT_HASH_SIZE)

struct audit_header {
        uint8_t epoch[16];
        uint64_t first;
        uint8_t prev[AUDIT_HASH_SIZE];
};

int audit_header_write(const struct audit_header *h, uint8_t ret[AUDIT_HEADER_SIZE]);
/* -EBADMSG unless it is whole. */
int audit_header_read(struct bytes b, struct audit_header *ret);

struct audit_frame {
        uint64_t seq;
        uint8_t prev[AUDIT_HASH_SIZE], hash[AUDIT_HASH_SIZE];
        struct record record; /* owned */
        size_t size;          /* of the whole frame, in bytes */
};
void audit_frame_clear(struct audit_frame *f);

/* Writes a frame; the record has its links. */
void audit_frame_write(struct writer *w, const struct record *r, const uint8_t hash[AUDIT_HASH_SIZE]);
/* The whole frame at the front of b, of this epoch and numbered min_seq or later. -EBADMSG, -ENOMEM. */
int audit_frame_read(struct bytes b, const uint8_t epoch[16], uint64_t min_seq, struct audit_frame *ret);

/* What a walk over a file's bytes (header included) found. */
struct audit_walk {
        struct audit_header header;
        uint64_t last; /* number of its last whole record; header.first - 1 when it has none */
        uint8_t hash[AUDIT_HASH_SIZE]; /* of that record, or header.prev */
        size_t end;                    /* where the next frame goes */
        size_t torn; /* bytes after `end` that are not zero and hold no whole frame: a write that broke off
                      */
        size_t damaged;  /* bytes between whole frames that are no frame: the file was changed or is worn */
        unsigned breaks; /* frames whose number or PREV does not follow from the one before */
};
/* -EBADMSG when the header is not whole. -ENOMEM. */
int audit_walk(struct bytes file, struct audit_walk *ret);
/* Where the next whole frame begins, at `from` or after it; the size of the file when there is none. */
size_t audit_find_frame(struct bytes file, size_t from, const uint8_t epoch[16], uint64_t min_seq);
