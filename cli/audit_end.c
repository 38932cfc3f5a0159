/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said only when all entries have been seen: gaps, broken links, both ends. */
#include "cli/audit_check_internal.h"

static void find_gaps(struct audit_check *c) {
        for (size_t i = 0; i + 1 < c->n_runs; i++) {
                const struct audit_run *a = &c->runs[i], *b = &c->runs[i + 1];
                if (a->epoch != b->epoch)
                        continue;
                struct audit_finding *f = audit_find(c, AUDIT_REMOVED, a->epoch);
                f->a = a->last;
                f->b = b->first;
                f->span = b->first.seq - a->last.seq - 1;
        }
}

static bool is_end_of_run(const struct audit_check *c, unsigned epoch, uint64_t seq) {
        for (size_t i = 0; i < c->n_runs; i++)
                if (c->runs[i].epoch == epoch && c->runs[i].last.seq == seq)
                        return true;
        return false;
}

/* When a record was changed, the next does not fit it; when what it names was changed, it does not fit the
 * one before either. So of records that do not fit each other the last but one was changed, as the one after
 * it fits what follows; of those before it nothing says. */
static void explain_link(const struct audit_check *c, struct audit_finding *f) {
        bool open_end = is_end_of_run(c, f->epoch, f->b.seq);
        if (f->links == 1 && open_end)
                return; /* nothing says which of the two */
        f->kind = AUDIT_CHANGED;
        f->span = 1;
        if (f->links == 1) {
                f->what = f->a;
        } else if (f->links == 2 && !open_end) {
                f->one_before = true;
        } else {
                f->what = f->a;
                f->span = f->links + open_end;
                if (open_end)
                        f->b = (struct audit_mark){0};
        }
        f->a = f->before;
}

static void explain_links(struct audit_check *c) {
        size_t n = 0;
        for (size_t i = 0; i < c->n_findings; i++) {
                struct audit_finding *f = &c->findings[i];
                if (f->kind == AUDIT_UNFIT)
                        explain_link(c, f);
                if (f->kind != AUDIT_KIND_MAX) /* taken back */
                        c->findings[n++] = *f;
        }
        c->n_findings = n;
}

static void find_ends(struct audit_check *c) {
        for (size_t i = 0; i < c->n_runs; i++) {
                struct audit_epoch *e = &c->epochs[c->runs[i].epoch];
                if (i == 0 || c->runs[i - 1].epoch != c->runs[i].epoch)
                        e->first = c->runs[i].first;
                e->last = c->runs[i].last;
        }
}

static bool is_changed(const struct audit_check *c, unsigned epoch, uint64_t seq) {
        for (size_t i = 0; i < c->n_findings; i++)
                if (c->findings[i].epoch == epoch && c->findings[i].kind == AUDIT_CHANGED &&
                    c->findings[i].what.seq == seq)
                        return true;
        return false;
}

static void check_beginning(struct audit_check *c, unsigned epoch) {
        static const uint8_t zeros[AUDIT_HASH_SIZE];
        const struct audit_epoch *e = &c->epochs[epoch];
        if (e->first.seq != 1 || e->first.is_damaged || memcmp(e->first.prev, zeros, sizeof(zeros)) == 0 ||
            is_changed(c, epoch, 1))
                return;
        struct audit_finding *f = audit_find(c, AUDIT_CHANGED, epoch);
        f->what = e->first;
        f->span = 1;
}

/* An epoch that another one of the same station follows was ended in good order, or its end may be missing.
 */
static void check_succession(struct audit_check *c, unsigned epoch) {
        const struct audit_epoch *e = &c->epochs[epoch];
        bool followed = false;
        for (size_t i = epoch + 1; i < c->n_epochs; i++)
                followed |= !c->epochs[i].alien && strcmp(c->epochs[i].station_id, e->station_id) == 0;
        if (!followed || e->alien || strcmp(e->last.event, record_event_name(RECORD_WRITER_STOP)) == 0)
                return;
        struct audit_finding *f = audit_find(c, AUDIT_CUT_OFF, epoch);
        f->a = e->last;
}

static size_t index_of(const struct audit_check *c, const char *epoch) {
        size_t i = 0;
        while (i < c->n_epochs && strcmp(c->epochs[i].id, epoch) != 0)
                i++;
        return i;
}

uint64_t audit_check_last(const struct audit_check *c, const char *epoch) {
        size_t i = index_of(c, epoch);
        return i < c->n_epochs ? c->epochs[i].highest.seq : 0;
}

/* No record names the last one; wardtapd's file knows what it was. */
static void check_head(struct audit_check *c, unsigned epoch, const uint8_t hash[AUDIT_HASH_SIZE]) {
        const struct audit_run *r = NULL;
        for (size_t i = 0; i < c->n_runs; i++)
                if (c->runs[i].epoch == epoch)
                        r = &c->runs[i];
        if (!r || r->last.is_damaged || memcmp(r->last.hash, hash, AUDIT_HASH_SIZE) == 0)
                return;
        for (size_t i = 0; i < c->n_findings; i++)
                if (c->findings[i].kind == AUDIT_UNFIT && c->findings[i].epoch == epoch &&
                    c->findings[i].b.seq == r->last.seq) { /* so it was this one, not the one before */
                        c->findings[i].kind = AUDIT_CHANGED;
                        c->findings[i].what = r->last;
                        c->findings[i].b = (struct audit_mark){0};
                        c->findings[i].span = 1;
                        return;
                }
        struct audit_finding *f = audit_find(c, AUDIT_CHANGED, epoch);
        f->what = r->last;
        f->a = r->before_last;
        f->span = 1;
}

static void check_known(struct audit_check *c, const struct audit_known *k) {
        uint64_t least = k->before > k->pending ? k->before - k->pending : 0;
        size_t i = index_of(c, k->epoch);
        bool there = i < c->n_epochs;
        if (there && k->has_hash)
                check_head(c, (unsigned) i, k->hash);
        uint64_t last = there ? c->epochs[i].last.seq : 0;
        if (last >= least && last <= k->after)
                return;
        struct audit_finding *f = audit_find(c, last < least ? AUDIT_CUT_OFF : AUDIT_EXTENDED,
                                             there ? (unsigned) i : AUDIT_EPOCHS_MAX);
        if (there)
                f->a = c->epochs[i].last;
        f->until = last < least ? least : k->after;
}

static void check_anchor(struct audit_check *c, const struct audit_anchor *a, bool seen, bool right) {
        if (a->seq == 0 || right)
                return;
        struct audit_finding *f = audit_find(c, AUDIT_MARK, AUDIT_EPOCHS_MAX);
        f->until = a->seq;
        f->span = seen; /* another one has its number */
}

static uint64_t place_of(const struct audit_finding *f) {
        return f->what.seq != 0 && f->kind != AUDIT_FORGED ? f->what.seq : f->a.seq;
}

static int compare_findings(const void *a, const void *b) {
        const struct audit_finding *x = a, *y = b;
        if (x->epoch != y->epoch)
                return x->epoch < y->epoch ? -1 : 1;
        if (place_of(x) != place_of(y))
                return place_of(x) < place_of(y) ? -1 : 1;
        return (int) x->kind - (int) y->kind;
}

void audit_check_end(struct audit_check *c, const struct audit_known *known) {
        explain_links(c);
        find_gaps(c);
        find_ends(c);
        for (unsigned i = 0; i < c->n_epochs; i++) {
                check_beginning(c, i);
                check_succession(c, i);
        }
        if (known)
                check_known(c, known);
        check_anchor(c, &c->from, c->from_seen, c->from_right);
        check_anchor(c, &c->to, c->to_seen, c->to_right);
        qsort(c->findings, c->n_findings, sizeof(c->findings[0]), compare_findings);
}
