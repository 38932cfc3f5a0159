/* SPDX-License-Identifier: Apache-2.0 */
/* Which entries are wardtapd's records, and of which epoch. */
#include "cli/audit_check_internal.h"

#include <errno.h>

int audit_check_new(const struct audit_trust *trust, struct audit_check **ret) {
        _cleanup_(audit_check_freep) struct audit_check *c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->kept = calloc(AUDIT_COMPARED, sizeof(*c->kept));
        if (!c->kept)
                return -ENOMEM;
        c->trust = *trust;
        *ret = TAKE_PTR(c);
        return 0;
}

struct audit_check *audit_check_free(struct audit_check *c) {
        if (!c)
                return NULL;
        free(c->kept);
        free(c);
        return NULL;
}

int audit_anchor_read(const char *text, struct audit_anchor *ret) {
        struct audit_anchor a = {0};
        char number[21];
        const char *colon = strchrnul(text, ':');
        size_t n = (size_t) (colon - text);
        if (n >= sizeof(number))
                return -EINVAL;
        memcpy(number, text, n);
        number[n] = 0;
        if (parse_u64(number, UINT64_MAX - 1, &a.seq) < 0 || a.seq == 0)
                return -EINVAL;
        a.has_hash = *colon;
        if (a.has_hash && (hex_decode(colon + 1, a.hash, sizeof(a.hash), &n) < 0 || n != sizeof(a.hash)))
                return -EINVAL;
        *ret = a;
        return 0;
}

void audit_check_expect(struct audit_check *c, const struct audit_anchor *from,
                        const struct audit_anchor *to) {
        c->from = *from;
        c->to = *to;
}

struct audit_finding *audit_find(struct audit_check *c, enum audit_kind kind, unsigned epoch) {
        bool forged = kind == AUDIT_FORGED,
             full = forged ? c->n_forged == AUDIT_FORGED_MAX
                           : c->n_findings - c->n_forged == AUDIT_FINDINGS_MAX - AUDIT_FORGED_MAX;
        struct audit_finding *f = &c->findings[full ? AUDIT_FINDINGS_MAX : c->n_findings];
        *f = (struct audit_finding){.kind = kind, .epoch = epoch};
        if (full) {
                c->counts.untold[kind]++;
                return f;
        }
        c->n_findings++;
        c->n_forged += forged;
        return f;
}

static void note_forged(struct audit_check *c, struct audit_entry *e) {
        struct audit_finding *f = audit_find(c, AUDIT_FORGED, AUDIT_EPOCHS_MAX);
        char epoch[33];
        if (audit_entry_mark(e, epoch, &f->what) < 0) {
                f->what = (struct audit_mark){.time_usec = e->taken_usec};
                audit_copy_clean(f->what.event, sizeof(f->what.event),
                                 audit_entry_value(e, "WARDTAP_EVENT"));
        }
        f->what.time_usec = e->taken_usec; /* what it says itself may be a lie */
        audit_copy_clean(f->by, sizeof(f->by), e->exe);
        audit_copy_clean(f->uid, sizeof(f->uid), e->uid);
        audit_copy_clean(f->pid, sizeof(f->pid), e->pid);
        f->a = c->previous;
        f->span = 1;
        f->wants_next = c->waits = true;
}

/* One start of the service is one process; a second one in it is not wardtapd. */
static bool is_second_process(struct audit_check *c, const struct audit_entry *e) {
        if (!e->invocation[0] || !e->pid[0])
                return false;
        for (size_t i = c->n_invocations < INVOCATIONS_MAX ? c->n_invocations : INVOCATIONS_MAX; i > 0; i--)
                if (strcmp(c->invocations[i - 1].invocation, e->invocation) == 0)
                        return strcmp(c->invocations[i - 1].pid, e->pid) != 0;
        size_t at = c->n_invocations++ % INVOCATIONS_MAX;
        memcpy(c->invocations[at].invocation, e->invocation, sizeof(e->invocation));
        memcpy(c->invocations[at].pid, e->pid, sizeof(e->pid));
        return false;
}

static bool same_station(const struct audit_epoch *a, const struct audit_epoch *b) {
        return strcmp(a->station_id, b->station_id) == 0;
}

/* Another epoch stood between records of this one. */
static void note_aliens(struct audit_check *c, size_t epoch, const struct audit_mark *m) {
        for (size_t i = epoch + 1; i < c->n_epochs; i++) {
                struct audit_epoch *e = &c->epochs[i];
                if (e->alien || !same_station(e, &c->epochs[epoch]))
                        continue;
                e->alien = true;
                struct audit_finding *f = audit_find(c, AUDIT_INSERTED, (unsigned) i);
                f->what = e->first;
                f->a = c->epochs[epoch].highest;
                f->b = *m;
                f->span = e->records;
        }
}

static size_t find_epoch(struct audit_check *c, const struct audit_entry *e, const char *id,
                         const struct audit_mark *m) {
        size_t i = 0;
        while (i < c->n_epochs && strcmp(c->epochs[i].id, id) != 0)
                i++;
        if (i < c->n_epochs || i == AUDIT_EPOCHS_MAX)
                return i;
        struct audit_epoch *new = &c->epochs[c->n_epochs++];
        memcpy(new->id, id, sizeof(new->id));
        audit_copy_clean(new->station_id, sizeof(new->station_id),
                         audit_entry_field(e, RECORD_FIELD_STATION_ID));
        audit_copy_clean(new->station, sizeof(new->station), audit_entry_field(e, RECORD_FIELD_STATION));
        new->first = *m;
        return i;
}

/* Ours by its sender, but no record that wardtapd writes. */
static void note_strange(struct audit_check *c, const struct audit_entry *e) {
        struct audit_finding *f = audit_find(c, AUDIT_INSERTED, AUDIT_EPOCHS_MAX);
        f->what.time_usec = e->taken_usec;
        audit_copy_clean(f->what.event, sizeof(f->what.event), audit_entry_value(e, "WARDTAP_EVENT"));
        f->a = c->previous;
        f->span = 1;
        f->wants_next = c->waits = true;
}

static void tell_those_who_wait(struct audit_check *c, const struct audit_mark *m) {
        for (size_t i = 0; c->waits && i < c->n_findings; i++)
                if (c->findings[i].wants_next) {
                        c->findings[i].b = *m;
                        c->findings[i].wants_next = false;
                }
        c->waits = false;
}

static void add_ours(struct audit_check *c, struct audit_entry *e) {
        struct audit_mark m;
        char id[33];
        if (audit_entry_mark(e, id, &m) < 0) {
                note_strange(c, e);
                return;
        }
        size_t epoch = find_epoch(c, e, id, &m);
        if (epoch == AUDIT_EPOCHS_MAX) {
                note_strange(c, e);
                return;
        }
        tell_those_who_wait(c, &m);
        note_aliens(c, epoch, &m);
        audit_place(c, (unsigned) epoch, &m);
        c->previous = m;
}

void audit_check_add(struct audit_check *c, struct audit_entry *e) {
        if (!e->claims)
                return;
        switch (audit_trust_judge(&c->trust, e)) {
        case AUDIT_SENDER_OURS:
                if (is_second_process(c, e))
                        note_forged(c, e);
                else
                        add_ours(c, e);
                break;
        case AUDIT_SENDER_GONE:
                c->counts.gone++;
                break;
        default:
                note_forged(c, e);
        }
}

const struct audit_finding *audit_check_findings(const struct audit_check *c, size_t *ret_n) {
        *ret_n = c->n_findings;
        return c->findings;
}

const struct audit_epoch *audit_check_epochs(const struct audit_check *c, size_t *ret_n) {
        *ret_n = c->n_epochs;
        return c->epochs;
}

struct audit_counts audit_check_counts(const struct audit_check *c) {
        return c->counts;
}
