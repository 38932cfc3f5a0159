/* SPDX-License-Identifier: Apache-2.0 */
/* Gathering: what people have for a while, and what is owed of emergency access. */
#include "cli/census.h"

#include <errno.h>
#include <stdio.h>

#include "common/bytes.h"
#include "policy/ticket.h"

int census_add_while(struct census_person *p, enum census_while kind, const char *item, const char *by,
                     uint64_t until_usec) {
        struct census_temporary *more = reallocarray(p->temporary, p->n_temporary + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        p->temporary = more;
        struct census_temporary *t = &more[p->n_temporary++];
        *t = (struct census_temporary){.kind = kind, .until_usec = until_usec};
        (void) text_copy(t->item, sizeof(t->item), item);
        (void) text_copy(t->by, sizeof(t->by), by);
        return 0;
}

static int compare_ids(const void *id, const void *person) {
        int64_t a = *(const int64_t *) id, b = ((const struct census_person *) person)->id;
        return (a > b) - (a < b);
}

/* They are in the order of their ids. */
static struct census_person *find(struct census *c, int64_t id) {
        return c->n > 0 ? bsearch(&id, c->people, c->n, sizeof(*c->people), compare_ids) : NULL;
}

static int take_elevation(const struct store_elevation *e, void *data) {
        struct census_person *p = find(data, e->person);
        return p && e->ended_usec == 0
                       ? census_add_while(p, WHILE_ROLE, e->role, e->approver, e->approval.until_usec)
                       : 0;
}

static int take_ticket(const struct store_ticket *t, void *data) {
        struct census_person *p = find(data, t->person);
        return p && t->ended_usec == 0
                       ? census_add_while(p, WHILE_TICKET, t->name, t->issuer, t->not_after_usec)
                       : 0;
}

static int take_lease(const struct store_lease *l, void *data) {
        struct census_person *p = find(data, l->person);
        if (!p)
                return 0;
        p->leased = l->ended_usec == 0;
        p->lease_usec = l->ended_usec ? l->ended_usec : l->added_usec;
        if (l->ended_usec == 0)
                return census_add_while(p, WHILE_LEASE, l->holder, "", l->until_usec);
        return l->wiped_usec == 0 ? census_add_while(p, WHILE_UNWIPED, l->holder, "", l->ended_usec) : 0;
}

int census_add_temporary(struct census *c, struct store *people) {
        int r = store_each_elevation(people, 0, take_elevation, c);
        if (r >= 0)
                r = store_each_ticket(people, take_ticket, c);
        return r < 0 ? r : store_each_lease(people, take_lease, c);
}

/* --- Emergencies */

struct taking {
        struct census *census;
        int error;
};

static void take_due(void *data, const struct emergency_due *d) {
        struct taking *t = data;
        struct census *c = t->census;
        if (d->what == EMERGENCY_LACKS_REVIEW) /* each is named */
                return;
        struct census_due *more = reallocarray(c->due, c->n_due + 1, sizeof(*more));
        if (!more) {
                t->error = -ENOMEM;
                return;
        }
        c->due = more;
        more[c->n_due] = (struct census_due){.what = d->what, .since_usec = d->since_usec};
        (void) text_copy(more[c->n_due].user, sizeof(more->user), d->user ? d->user : "");
        c->n_due++;
}

static int take_open(struct census *c, const struct emergency_items *l) {
        c->open = calloc(l->n + 1, sizeof(*c->open));
        if (!c->open)
                return -ENOMEM;
        for (size_t i = 0; i < l->n; i++) {
                const struct emergency_item *e = &l->items[i];
                if (!e->open)
                        continue;
                struct census_open *o = &c->open[c->n_open++];
                *o = (struct census_open){.from_usec = e->emergency.from_usec,
                                          .owed = emergency_item_owed(l, e)};
                memcpy(o->review, e->emergency.review, sizeof(o->review));
                memcpy(o->user, e->emergency.user, sizeof(o->user));
        }
        return 0;
}

int census_add_emergencies(struct census *c, struct store *people, uint64_t now_usec) {
        _cleanup_(emergency_items_clear) struct emergency_items l = {0};
        struct taking t = {.census = c};
        int r = emergency_items_read(people, true, &l);
        if (r < 0)
                return r;
        emergency_due(&l, people, now_usec, take_due, &t);
        return t.error < 0 ? t.error : take_open(c, &l);
}
