/* SPDX-License-Identifier: Apache-2.0 */
/* Where a record belongs among those seen so far, and whether it fits its neighbours. */
#include "cli/audit_check_internal.h"

static struct audit_kept *kept_of(struct audit_check *c, uint64_t seq) {
        return &c->kept[seq % AUDIT_COMPARED];
}

static void keep(struct audit_check *c, unsigned epoch, const struct audit_mark *m) {
        struct audit_kept *k = kept_of(c, m->seq);
        k->epoch = epoch;
        k->seq = m->seq;
        k->is_damaged = m->is_damaged;
        memcpy(k->hash, m->hash, sizeof(k->hash));
}

static bool same(const uint8_t *a, const uint8_t *b) {
        return memcmp(a, b, AUDIT_HASH_SIZE) == 0;
}

static struct audit_finding *broken_before(struct audit_check *c, unsigned epoch, uint64_t seq) {
        for (size_t i = c->n_findings; i > 0; i--) {
                struct audit_finding *f = &c->findings[i - 1];
                if (f->kind == AUDIT_UNFIT && f->epoch == epoch && f->b.seq == seq)
                        return f;
        }
        return NULL;
}

/* There are two records before b, and b names the second: so that one was wardtapd's, and the
 * first was inserted. */
static bool is_named_instead(struct audit_check *c, unsigned epoch, const struct audit_mark *before,
                             const struct audit_mark *a, const struct audit_mark *b) {
        for (size_t i = 0; i < c->n_findings; i++) {
                struct audit_finding *f = &c->findings[i];
                if (f->kind != AUDIT_INSERTED || f->epoch != epoch || f->what.seq != a->seq ||
                    f->what.is_damaged || !same(f->what.hash, b->prev))
                        continue;
                struct audit_finding *unfit = broken_before(c, epoch, a->seq);
                if (unfit && unfit->links == 1 && same(f->what.prev, unfit->a.hash))
                        unfit->kind = AUDIT_KIND_MAX; /* that was the inserted one, too */
                f->a = *before;
                f->b = f->what;
                f->what = *a;
                return true;
        }
        return false;
}

/* Links that are broken one after the other are one finding, which audit_end.c explains. */
static void check_link(struct audit_check *c, unsigned epoch, const struct audit_mark *before,
                       const struct audit_mark *a, const struct audit_mark *b) {
        if (a->is_damaged || b->is_damaged || same(a->hash, b->prev) ||
            is_named_instead(c, epoch, before, a, b))
                return;
        struct audit_finding *f = broken_before(c, epoch, a->seq);
        if (!f) {
                f = audit_find(c, AUDIT_UNFIT, epoch);
                f->before = *before;
                f->a = *a;
        } else {
                f->what = *a; /* the one between, where there is one */
        }
        f->b = *b;
        f->links++;
}

/* The other record of this number turns out to be the one that the next names, which came before it. */
static bool was_named_instead(struct audit_check *c, unsigned epoch, const struct audit_mark *m) {
        for (size_t i = 0; i < c->n_findings; i++) {
                struct audit_finding *f = &c->findings[i];
                const struct audit_mark *first = f->links == 1 ? &f->a : &f->what;
                if (f->kind != AUDIT_UNFIT || f->epoch != epoch || f->links > 2 || first->seq != m->seq ||
                    m->is_damaged || !same(m->hash, f->b.prev))
                        continue;
                f->kind = AUDIT_INSERTED;
                if (f->links == 1) {
                        f->what = f->a;
                        f->a = f->before;
                }
                return true;
        }
        return false;
}

/* A number that is there already. Other content: one of the two was inserted. */
static void compare(struct audit_check *c, unsigned epoch, const struct audit_mark *m) {
        const struct audit_kept *k = kept_of(c, m->seq);
        bool known = k->seq == m->seq && k->epoch == epoch;
        if (known && !m->is_damaged && !k->is_damaged && same(k->hash, m->hash)) {
                c->counts.twice++;
                c->epochs[epoch].twice++;
                return;
        }
        if (was_named_instead(c, epoch, m))
                return;
        struct audit_finding *f = audit_find(c, AUDIT_INSERTED, epoch);
        f->what = *m;
        f->a = c->previous;
        f->span = 1;
        f->wants_next = c->waits = true;
}

static int compare_run(const struct audit_run *r, unsigned epoch, uint64_t seq) {
        if (r->epoch != epoch)
                return r->epoch < epoch ? -1 : 1;
        return r->first.seq <= seq ? -1 : 1;
}

static void remove_run(struct audit_check *c, size_t i) {
        memmove(&c->runs[i], &c->runs[i + 1], (c->n_runs - i - 1) * sizeof(c->runs[0]));
        c->n_runs--;
}

/* Makes place: the oldest gap is told now, and what would fill it later counts as a second one. */
static void settle_gap(struct audit_check *c) {
        for (size_t i = 0; i + 1 < c->n_runs; i++) {
                struct audit_run *a = &c->runs[i], *b = &c->runs[i + 1];
                if (a->epoch != b->epoch)
                        continue;
                struct audit_finding *f = audit_find(c, AUDIT_REMOVED, a->epoch);
                f->a = a->last;
                f->b = b->first;
                f->span = b->first.seq - a->last.seq - 1;
                b->first = a->first;
                remove_run(c, i);
                return;
        }
}

static void insert_run(struct audit_check *c, unsigned epoch, const struct audit_mark *m) {
        size_t at = c->n_runs;
        while (at > 0 && compare_run(&c->runs[at - 1], epoch, m->seq) > 0)
                at--;
        memmove(&c->runs[at + 1], &c->runs[at], (c->n_runs - at) * sizeof(c->runs[0]));
        c->runs[at] = (struct audit_run){.epoch = epoch, .first = *m, .last = *m};
        c->n_runs++;
}

static void extend_end(struct audit_check *c, size_t i, const struct audit_mark *m) {
        struct audit_run *r = &c->runs[i], *next = i + 1 < c->n_runs ? &c->runs[i + 1] : NULL;
        check_link(c, r->epoch, &r->before_last, &r->last, m);
        r->before_last = r->last;
        r->last = *m;
        if (!next || next->epoch != r->epoch || next->first.seq != m->seq + 1)
                return;
        check_link(c, r->epoch, &r->before_last, m, &next->first);
        r->before_last = next->before_last.seq != 0 ? next->before_last : *m;
        r->last = next->last;
        remove_run(c, i + 1);
}

static void extend_beginning(struct audit_check *c, size_t i, const struct audit_mark *m) {
        static const struct audit_mark none = {0};
        struct audit_run *r = &c->runs[i];
        check_link(c, r->epoch, &none, m, &r->first);
        if (r->before_last.seq == 0)
                r->before_last = *m;
        r->first = *m;
}

/* It came after later ones. wardtapd sends a record late when the journal had lost it: then the journal took
 * it late, too. */
static bool is_late(const struct audit_mark *m, const struct audit_mark *highest) {
        if (strcmp(m->boot, highest->boot) == 0)
                return m->monotonic_usec >= highest->monotonic_usec &&
                       highest->taken_usec >= highest->time_usec;
        return m->taken_usec >= highest->taken_usec;
}

static void check_order(struct audit_check *c, unsigned epoch, const struct audit_mark *m) {
        struct audit_epoch *e = &c->epochs[epoch];
        if (m->seq > e->highest.seq) {
                e->highest = *m;
                return;
        }
        if (is_late(m, &e->highest)) {
                e->late++;
                c->counts.late++;
                return;
        }
        for (size_t i = c->n_findings; i > 0; i--) {
                struct audit_finding *f = &c->findings[i - 1];
                if (f->kind != AUDIT_REORDERED || f->epoch != epoch || f->a.seq != e->highest.seq ||
                    f->what.seq + f->span != m->seq)
                        continue;
                f->span++;
                return;
        }
        struct audit_finding *f = audit_find(c, AUDIT_REORDERED, epoch);
        f->what = *m;
        f->a = e->highest;
        f->span = 1;
}

/* No record of wardtapd's looks like that: a field twice, text with a newline, ... */
static void note_damaged(struct audit_check *c, unsigned epoch, const struct audit_mark *m) {
        struct audit_finding *f = audit_find(c, AUDIT_CHANGED, epoch);
        f->what = *m;
        f->a = c->previous;
        f->span = 1;
        f->wants_next = c->waits = true;
}

static void note_anchors(struct audit_check *c, const struct audit_mark *m) {
        bool right[2];
        const struct audit_anchor *anchors[2] = {&c->from, &c->to};
        for (int i = 0; i < 2; i++)
                right[i] = !anchors[i]->has_hash || (!m->is_damaged && same(anchors[i]->hash, m->hash));
        c->from_seen |= m->seq == c->from.seq;
        c->from_right |= m->seq == c->from.seq && right[0];
        c->to_seen |= m->seq == c->to.seq;
        c->to_right |= m->seq == c->to.seq && right[1];
        /* The one after it names it: enough, when it is no longer there itself. */
        if (c->from.has_hash && m->seq == c->from.seq + 1 && !m->is_damaged && same(c->from.hash, m->prev))
                c->from_right = true;
}

void audit_place(struct audit_check *c, unsigned epoch, const struct audit_mark *m) {
        size_t i = c->n_runs;
        while (i > 0 && compare_run(&c->runs[i - 1], epoch, m->seq) > 0)
                i--;
        struct audit_run *before = i > 0 && c->runs[i - 1].epoch == epoch ? &c->runs[i - 1] : NULL;
        note_anchors(c, m);
        if (before && m->seq <= before->last.seq) {
                compare(c, epoch, m);
                return;
        }
        if (before && m->seq == before->last.seq + 1)
                extend_end(c, i - 1, m);
        else if (i < c->n_runs && c->runs[i].epoch == epoch && c->runs[i].first.seq == m->seq + 1)
                extend_beginning(c, i, m);
        else {
                if (c->n_runs == AUDIT_RUNS_MAX)
                        settle_gap(c);
                if (c->n_runs < AUDIT_RUNS_MAX)
                        insert_run(c, epoch, m);
        }
        keep(c, epoch, m);
        check_order(c, epoch, m);
        if (m->is_damaged)
                note_damaged(c, epoch, m);
        c->epochs[epoch].records++;
        c->counts.records++;
}
