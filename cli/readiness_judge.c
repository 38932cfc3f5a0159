/* SPDX-License-Identifier: Apache-2.0 */
/* Who could sign in tomorrow without a password. */
#include "cli/readiness_judge.h"

#include <errno.h>

#include "cli/cli.h"

static const char *const names[GAP_MAX] = {
        [GAP_ACCOUNT] = N_("account"), [GAP_ROLE] = N_("role"),         [GAP_BADGE] = N_("badge"),
        [GAP_KEY] = N_("key"),         [GAP_RECOVERY] = N_("recovery"), [GAP_OFFLINE] = N_("offline"),
        [GAP_HOME] = N_("home"),
};

const char *readiness_gap_name(enum readiness_gap g) {
        return names[g];
}

void readiness_clear(struct readiness *r) {
        freep(&r->people);
        *r = (struct readiness){0};
}

/* Nobody comes to work by an emergency account, nor by an agency's that is not lent. */
static bool may_sign_in(const struct census_person *p, uint64_t now_usec) {
        return p->state == PERSON_ACTIVE && p->not_before_usec <= now_usec &&
               (p->not_after_usec == 0 || now_usec < p->not_after_usec) && p->kind != PERSON_EMERGENCY &&
               (p->kind != PERSON_AGENCY || p->leased);
}

static size_t usable_keys(const struct census_person *p) {
        size_t n = 0;
        for (size_t i = 0; i < p->n_keys; i++)
                n += p->keys[i].usable;
        return n;
}

static size_t usable_badges(const struct census_person *p) {
        size_t n = 0;
        for (size_t i = 0; i < p->n_badges; i++)
                n += p->badges[i].suspended_usec == 0 && p->badges[i].lent_until_usec == 0;
        return n;
}

/* A second one of what the role wants stands in for the first. Each key was tried when it was enrolled. */
static bool has_second(const struct census_person *p) {
        return (p->needed & FACTOR_KEY ? usable_keys(p) : usable_badges(p)) > 1;
}

/* NSS that does not answer is bridged by what was seen of the account last. */
static bool works_offline(const struct census_person *p) {
        return p->account == ACCOUNT_LOCAL || p->known_usec != 0;
}

/* Who may let others back in, and could do it today. */
struct helpers {
        size_t tickets, recoveries;
};

static bool can_approve(const struct census_person *p, enum approve_action a) {
        return (p->approves & (1U << a)) && usable_keys(p) > 0;
}

static void count_helper(struct helpers *h, const struct census_person *p) {
        h->tickets += can_approve(p, APPROVE_TICKET);
        h->recoveries += can_approve(p, APPROVE_RECOVER);
}

/* Nobody helps herself. */
static bool has_helpers(const struct helpers *h, const struct census_person *p) {
        return (p->tickets && h->tickets > can_approve(p, APPROVE_TICKET)) ||
               h->recoveries > 1 + (size_t) can_approve(p, APPROVE_RECOVER);
}

static void judge(const struct census_person *p, const struct helpers *h, struct readiness_person *ret) {
        bool gaps[GAP_MAX] = {
                [GAP_ACCOUNT] = p->account == ACCOUNT_NONE || p->account == ACCOUNT_UNKNOWN,
                [GAP_ROLE] = !p->role,
                [GAP_BADGE] = (p->needed & FACTOR_BADGE) && usable_badges(p) == 0,
                [GAP_KEY] = (p->needed & FACTOR_KEY) && usable_keys(p) == 0,
                [GAP_OFFLINE] = !works_offline(p),
                [GAP_HOME] = p->needs_ticket,
        };
        *ret = (struct readiness_person){.person = p,
                                         .n_badges = usable_badges(p),
                                         .n_keys = usable_keys(p),
                                         .has_recovery = has_second(p) || has_helpers(h, p)};
        gaps[GAP_RECOVERY] = !ret->has_recovery;
        for (unsigned i = 0; i < GAP_MAX; i++)
                ret->gaps |= gaps[i] ? 1U << i : 0;
}

static int compare(const void *a, const void *b) {
        const struct census_person *x = ((const struct readiness_person *) a)->person,
                                   *y = ((const struct readiness_person *) b)->person;
        if (!x->role != !y->role)
                return x->role ? -1 : 1;
        int r = x->role ? strcmp(x->role, y->role) : 0;
        return r ? r : strcmp(x->user, y->user);
}

int readiness_judge(const struct census *c, const struct readiness_facts *f, uint64_t now_usec,
                    struct readiness *ret) {
        struct readiness r = {.people = calloc(c->n + 1, sizeof(*r.people))};
        struct helpers helpers = {0};
        if (!r.people)
                return -ENOMEM;
        for (size_t i = 0; i < c->n; i++)
                if (may_sign_in(&c->people[i], now_usec))
                        count_helper(&helpers, &c->people[i]);
        for (size_t i = 0; i < c->n; i++) {
                if (!may_sign_in(&c->people[i], now_usec))
                        continue;
                judge(&c->people[i], &helpers, &r.people[r.n]);
                r.n_ready += r.people[r.n++].gaps == 0;
        }
        qsort(r.people, r.n, sizeof(*r.people), compare);
        r.ready = c->rules && r.n > 0 && r.n_ready == r.n && f->break_glass == BREAK_GLASS_COVERED;
        *ret = r;
        return 0;
}

/* --- Emergency access */

static bool lacks(const struct census *c, enum emergency_lack what, const char *user) {
        for (size_t i = 0; i < c->n_due; i++)
                if (c->due[i].what == what && (!user || strcmp(c->due[i].user, user) == 0))
                        return true;
        return false;
}

/* As the decision wants a witness: a person of her own name, with a role here and a key. */
static bool has_witness(const struct census *c, uint64_t now_usec) {
        for (size_t i = 0; i < c->n; i++) {
                const struct census_person *p = &c->people[i];
                if (p->kind == PERSON_PERMANENT && p->role && usable_keys(p) > 0 && may_sign_in(p, now_usec))
                        return true;
        }
        return false;
}

static bool is_active(const struct census *c, const char *user, uint64_t now_usec) {
        for (size_t i = 0; i < c->n; i++) {
                const struct census_person *p = &c->people[i];
                if (strcmp(p->user, user) == 0)
                        return p->state == PERSON_ACTIVE && p->not_before_usec <= now_usec &&
                               (p->not_after_usec == 0 || now_usec < p->not_after_usec);
        }
        return false;
}

/* With a kit from the drawer, or with a witness. */
static bool opens(const struct census *c, const char *user, bool witness, uint64_t now_usec) {
        return !lacks(c, EMERGENCY_LACKS_ACCOUNT, user) && !lacks(c, EMERGENCY_NOT_ENROLLED, user) &&
               !lacks(c, EMERGENCY_IS_PERSONAL, user) && (witness || !lacks(c, EMERGENCY_LACKS_KIT, user)) &&
               is_active(c, user, now_usec);
}

enum readiness_break_glass readiness_break_glass(const struct census *c, uint64_t now_usec) {
        bool witness = has_witness(c, now_usec), opened = false;
        if (!c->rules || lacks(c, EMERGENCY_LACKS_RULES, NULL))
                return BREAK_GLASS_NOT_CONFIGURED;
        if (lacks(c, EMERGENCY_NOT_HERE, NULL))
                return BREAK_GLASS_ELSEWHERE;
        for (size_t i = 0; i < c->rules->break_glass.accounts.n; i++)
                opened |= opens(c, c->rules->break_glass.accounts.words[i], witness, now_usec);
        if (!opened)
                return BREAK_GLASS_NO_ACCOUNT;
        return lacks(c, EMERGENCY_LACKS_DRILL, NULL) || lacks(c, EMERGENCY_KIT_UNTRIED, NULL) ||
                               lacks(c, EMERGENCY_KIT_OLD, NULL)
                       ? BREAK_GLASS_OVERDUE
                       : BREAK_GLASS_COVERED;
}
