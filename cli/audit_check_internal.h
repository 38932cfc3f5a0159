/* SPDX-License-Identifier: Apache-2.0 */
/* What audit_check.c, audit_links.c and audit_end.c share. */
#pragma once

#include "cli/audit_check.h"

#define INVOCATIONS_MAX 256U

struct audit_run {
        unsigned epoch;
        struct audit_mark first, before_last, last; /* before_last: empty where it is not known */
};

struct audit_kept {
        unsigned epoch;
        uint64_t seq; /* 0: empty */
        uint8_t hash[AUDIT_HASH_SIZE];
        bool is_damaged;
};

struct audit_check {
        struct audit_trust trust;
        struct audit_anchor from, to;
        bool from_seen, from_right, to_seen, to_right;
        struct audit_epoch epochs[AUDIT_EPOCHS_MAX];
        size_t n_epochs;
        struct audit_run runs[AUDIT_RUNS_MAX]; /* by epoch and number */
        size_t n_runs;
        struct audit_finding findings[AUDIT_FINDINGS_MAX + 1]; /* the last is for what is only counted */
        size_t n_findings, n_forged;
        bool waits; /* one of them wants_next */
        struct audit_counts counts;
        struct audit_mark previous; /* our record that stands before what comes now */
        struct {
                char invocation[33], pid[11];
        } invocations[INVOCATIONS_MAX];
        size_t n_invocations;
        struct audit_kept *kept; /* owned, AUDIT_COMPARED of them, by number */
};

/* A new finding, or a place that nobody reads when there are too many. */
struct audit_finding *audit_find(struct audit_check *c, enum audit_kind kind, unsigned epoch);

/* audit_links.c: a record of an epoch finds its place among the runs. */
void audit_place(struct audit_check *c, unsigned epoch, const struct audit_mark *m);
