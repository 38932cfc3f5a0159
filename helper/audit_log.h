/* SPDX-License-Identifier: Apache-2.0 */
/* The write-ahead log: what is to be recorded is on disk here before anybody is told that it was recorded.
 * A folder with `log` (the file being written), `log.<20 digits>` (full ones, named by the number of their
 * first record) and `released` (how far the journal has them). Files are 0600; audit_file.h says how they
 * look inside.
 *
 * Records get their number, epoch and link here. Several records that come together go to disk with one
 * fdatasync. A record that could not be written leaves no trace and its number is used for the next one. At
 * the start a torn tail is cut back; a number that may have left this machine is never used again. */
#pragma once

#include "common/util.h"
#include "helper/audit_file.h"

#include <sys/types.h>

struct audit_config {
        const char *folder;       /* exists; borrowed */
        uint64_t rotate_bytes;    /* a file that reaches this is put aside */
        uint64_t reserve_bytes;   /* space is reserved in such steps before it is needed */
        unsigned keep;            /* files put aside that are kept */
        unsigned keep_unreleased; /* and so many while the journal does not have all their records yet */
        uint8_t boot[16]; /* which boot this is: the journal may have lost what it had at a power cut */
};
/* So many of the last records are looked for in the journal again after a boot: journald keeps what it is
 * given in memory for some minutes (SyncIntervalSec= in journald.conf(5)). */
#define AUDIT_DOUBTED 512U
/* What a station has: 16 MB a file, 4 MB ahead, 8 files, 64 while the journal is missing. */
extern const struct audit_config audit_config_default;

struct audit_log;

/* What audit_log_open() found. */
struct audit_report {
        bool created;  /* there was no log: a new epoch begins */
        bool unusable; /* there was one that could not be read; it was put aside as log.damaged */
        size_t torn, damaged;
        unsigned breaks;
        uint64_t skipped; /* numbers left out, because they may have been used */
};

int audit_log_open(const struct audit_config *c, struct audit_log **ret, struct audit_report *ret_report);
struct audit_log *audit_log_free(struct audit_log *log);
DEFINE_CLEANUP(struct audit_log, audit_log_free)

/* 32 hexadecimal digits. */
const char *audit_log_epoch(const struct audit_log *log);
/* The number of the last record on disk; 0 for none. */
uint64_t audit_log_last(const struct audit_log *log);

/* Adds a record to the group that the next commit writes: sets its EPOCH, SEQ and PREV. -ENOBUFS when the
 * group is full (commit first); -EMSGSIZE, -ENOMEM, -EIO. */
int audit_log_add(struct audit_log *log, struct record *r, uint64_t *ret_seq);
/* Writes the group to disk, fdatasync included. On an error (-ENOSPC, -EFBIG, -EIO ...) none of the group
 * was recorded. */
int audit_log_commit(struct audit_log *log);

/* Where a reader stands. */
struct audit_position {
        uint64_t file;   /* number of the first record of the file it is in */
        uint64_t offset; /* in that file */
        uint64_t seq;    /* least number of the record it reads next */
};
/* The position after the last record on disk. */
struct audit_position audit_log_end(const struct audit_log *log);
/* Reads the record at *p and moves on: 1 with the record, 0 at the end, or a negative errno. What is not a
 * whole frame is passed over. */
int audit_log_read(struct audit_log *log, struct audit_position *p, struct record *ret);

/* How far the journal has our records: kept in a small file, so that a restart goes on from there. What the
 * file says is checked against the log; where it says nothing usable, this is the beginning of `log`. */
struct audit_position audit_log_released(const struct audit_log *log);
int audit_log_release(struct audit_log *log, const struct audit_position *p);
