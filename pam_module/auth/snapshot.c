/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the snapshot of the rules, once per replacement. */
#include "pam_module/auth/snapshot.h"

#include "common/paths.h"
#include "common/util.h"

#include <errno.h>
#include <stdio.h>

static bool same_file(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
               a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
               a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

void snapshot_clear(struct snapshot *s) {
        s->rules = rules_free(s->rules);
        s->st = (struct stat){0};
}

bool snapshot_refresh(struct snapshot *s) {
        struct stat st;
        bool had = s->rules;
        if (stat(PATH_SNAPSHOT, &st) < 0) {
                snapshot_clear(s);
                return had;
        }
        if (same_file(&st, &s->st))
                return false;
        snapshot_clear(s);
        int r = rules_load(PATH_SNAPSHOT, &s->rules);
        if (r < 0)
                (void) fprintf(stderr, "The rules in " PATH_SNAPSHOT " cannot be used: %s\n", strerror(-r));
        if (r >= 0 || r == -EBADMSG)
                s->st = st; /* a bad one is not read again at every attempt */
        return had || r >= 0;
}
