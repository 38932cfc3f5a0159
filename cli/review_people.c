/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap review`: what can be said of people, their badges and keys. Values in, findings out. */
#include "cli/review.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/audit_entry.h"
#include "common/bytes.h"

#define DAY_USEC ((uint64_t) 24 * 3600 * 1000000)
#define FAILURES_MIN 3U /* where no rules say from when on tries are slowed down */

void review_clear(struct review *r) {
        freep(&r->findings);
        r->n = r->size = 0;
}

int review_add(struct review *r, enum review_kind kind, const struct census_person *about, const char *item,
               uint64_t since_usec, const char *format, ...) {
        va_list ap;
        char detail[512];
        if (r->n == r->size) {
                size_t size = r->size ? 2 * r->size : 64;
                struct review_finding *more = reallocarray(r->findings, size, sizeof(*more));
                if (!more)
                        return -ENOMEM;
                r->findings = more;
                r->size = size;
        }
        struct review_finding *f = &r->findings[r->n++];
        *f = (struct review_finding){.kind = kind, .since_usec = since_usec};
        audit_copy_clean(f->item, sizeof(f->item), item);
        (void) text_copy(f->user, sizeof(f->user), about ? about->user : "");
        (void) text_copy(f->name, sizeof(f->name), about ? about->full_name : "");
        va_start(ap, format);
        (void) vsnprintf(detail, sizeof(detail), format, ap);
        va_end(ap);
        audit_copy_clean(f->detail, sizeof(f->detail), detail); /* no half character: the list is UTF-8 */
        return 0;
}

static int compare(const void *a, const void *b) {
        const struct review_finding *x = a, *y = b;
        int r = (int) x->kind - (int) y->kind;
        if (r == 0)
                r = strcmp(x->user, y->user);
        if (r == 0)
                r = strcmp(x->item, y->item);
        return r ? r : strcmp(x->detail, y->detail);
}

void review_sort(struct review *r) {
        if (r->n > 0)
                qsort(r->findings, r->n, sizeof(*r->findings), compare);
}

/* --- One person */

#define WORDS_SIZE 96U

static void add_word(char buf[WORDS_SIZE], const char *word) {
        size_t n = strlen(buf);
        if (*word)
                (void) snprintf(buf + n, WORDS_SIZE - n, "%s%s", n > 0 ? ", " : "", word);
}

/* What kind of account it is, and whether it is suspended: nothing for most. */
static void add_standing(char buf[WORDS_SIZE], const struct census_person *p) {
        add_word(buf, p->kind == PERSON_AGENCY      ? "agency account"
                      : p->kind == PERSON_EMERGENCY ? "emergency account"
                                                    : "");
        add_word(buf, p->state == PERSON_SUSPENDED ? "suspended" : "");
}

static int add_account(struct review *r, const struct census *c, const struct census_person *p) {
        char words[WORDS_SIZE] = "";
        bool gone = p->account == ACCOUNT_NONE;
        if (gone || p->account == ACCOUNT_UNKNOWN) {
                add_word(words, p->known_usec ? "last known then" : "");
                add_standing(words, p);
                return review_add(r, gone ? REVIEW_ORPHAN : REVIEW_LOOKUP, p, "person", p->known_usec, "%s",
                                  words);
        }
        if (!c->has_groups || p->role || p->kind == PERSON_EMERGENCY) /* which needs none */
                return 0;
        add_word(words, reason_name(p->no_role));
        add_standing(words, p);
        return review_add(r, REVIEW_NO_ROLE, p, "person", p->added_usec, "%s", words);
}

static int add_limits(struct review *r, const struct census_person *p, uint64_t now_usec) {
        if (p->not_after_usec == 0)
                return 0;
        if (p->not_after_usec <= now_usec)
                return review_add(r, REVIEW_EXPIRED, p, "person", p->not_after_usec, "%zu badges, %zu keys",
                                  p->n_badges, p->n_keys);
        if (p->not_after_usec - now_usec <= REVIEW_EXPIRING_DAYS * DAY_USEC)
                return review_add(r, REVIEW_EXPIRING, p, "person", p->not_after_usec, "%s", "");
        return 0;
}

static bool is_long_ago(const struct review *r, uint64_t usec, uint64_t now_usec) {
        return usec < now_usec && now_usec - usec > r->unused_days * DAY_USEC;
}

/* A person, or a badge or key of hers. */
struct used {
        const char *what, *item;
        uint64_t added_usec, used_usec, suspended_usec;
};

/* What is suspended cannot be used: only that it has been so for long is worth a word. */
static int add_use(struct review *r, const struct census_person *p, const struct used *u,
                   uint64_t now_usec) {
        if (u->suspended_usec != 0)
                return is_long_ago(r, u->suspended_usec, now_usec)
                               ? review_add(r, REVIEW_UNUSED, p, u->item, u->suspended_usec, "suspended %s",
                                            u->what)
                               : 0;
        if (u->used_usec == 0)
                return review_add(r, REVIEW_NEVER_USED, p, u->item, u->added_usec, "%s", u->what);
        if (is_long_ago(r, u->used_usec, now_usec))
                return review_add(r, REVIEW_UNUSED, p, u->item, u->used_usec, "%s", u->what);
        return 0;
}

/* A badge of the pool is said by itself. */
static int add_held(struct review *r, const struct census_person *p, uint64_t now_usec) {
        int x = 0;
        for (size_t i = 0; x >= 0 && i < p->n_badges; i++) {
                const struct census_badge *b = &p->badges[i];
                const struct used u = {"badge", b->token, b->added_usec, b->used_usec, b->suspended_usec};
                x = b->lent_until_usec == 0 ? add_use(r, p, &u, now_usec) : 0;
        }
        for (size_t i = 0; x >= 0 && i < p->n_keys; i++) {
                const struct census_key *k = &p->keys[i];
                const struct used u = {"key", k->token, k->added_usec, k->used_usec, k->suspended_usec};
                x = add_use(r, p, &u, now_usec);
        }
        return x;
}

/* An emergency account is for the day on which it is needed, and has drills; an agency's is used while it is
 * lent; and who may not come, not yet or not any more, does not. */
static int add_uses(struct review *r, const struct census_person *p, uint64_t now_usec) {
        char words[WORDS_SIZE] = "";
        struct used u = {words, "person", p->added_usec, census_last_seen(p), 0};
        size_t before = r->n;
        if (p->kind == PERSON_EMERGENCY || p->leased || p->not_before_usec > now_usec ||
            (p->not_after_usec != 0 && p->not_after_usec <= now_usec))
                return 0;
        add_standing(words, p);
        if (p->kind == PERSON_AGENCY)
                u.used_usec = p->lease_usec;
        int x = add_use(r, p, &u, now_usec);
        if (x < 0 || r->n > before || p->kind == PERSON_AGENCY || p->state == PERSON_SUSPENDED)
                return x; /* of who was not here at all, each badge and key need not be said */
        return add_held(r, p, now_usec);
}

static int add_failures(struct review *r, const struct census *c, const struct census_person *p) {
        unsigned free = c->rules ? c->rules->throttle_free : FAILURES_MIN;
        if (p->failures <= free)
                return 0;
        return review_add(r, REVIEW_FAILURES, p, "person", p->last_failure_usec, "%u in a row", p->failures);
}

static int add_person(struct review *r, const struct census *c, const struct census_person *p,
                      uint64_t now_usec) {
        int x = add_account(r, c, p);
        if (x >= 0)
                x = add_limits(r, p, now_usec);
        if (x >= 0 && c->has_state)
                x = add_uses(r, p, now_usec);
        if (x >= 0 && c->has_state)
                x = add_failures(r, c, p);
        return x;
}

/* --- Keys of two people. A credential id is enrolled once at most; the same public key under two ids is a
 * copy, or a key that makes no new one. Whether two keys are one device cannot be known: each relying party
 * gets a new key pair, and attestation certificates are shared by 100,000 devices on purpose (WebAuthn Level
 * 2, 14.4.1). */

struct holding {
        const struct census_person *person;
        const struct census_key *key;
};

static int compare_keys(const void *a, const void *b) {
        const struct holding *x = a, *y = b;
        return memcmp(x->key->public_key_hash, y->key->public_key_hash, sizeof(x->key->public_key_hash));
}

static int add_shared(struct review *r, const struct holding *held, size_t n) {
        int x = 0;
        for (size_t i = 0; x >= 0 && i < n; i++) {
                const struct holding *h = &held[i], *other = NULL;
                for (size_t k = 0; !other && k < n; k++)
                        if (k != i && compare_keys(h, &held[k]) == 0 && held[k].person != h->person)
                                other = &held[k];
                if (other)
                        x = review_add(r, REVIEW_SHARED_KEY, h->person, h->key->token, h->key->added_usec,
                                       "the same as %s of %s", other->key->token, other->person->user);
        }
        return x;
}

static int add_shared_keys(struct review *r, const struct census *c) {
        size_t n = 0, k = 0;
        int x = 0;
        for (size_t i = 0; i < c->n; i++)
                n += c->people[i].n_keys;
        _cleanup_(freep) struct holding *held = calloc(n + 1, sizeof(*held));
        if (!held)
                return -ENOMEM;
        for (size_t i = 0; i < c->n; i++)
                for (size_t j = 0; j < c->people[i].n_keys; j++)
                        held[k++] = (struct holding){&c->people[i], &c->people[i].keys[j]};
        qsort(held, n, sizeof(*held), compare_keys);
        for (size_t i = 0; x >= 0 && i < n; i = k) {
                for (k = i + 1; k < n && compare_keys(&held[i], &held[k]) == 0;)
                        k++;
                x = add_shared(r, held + i, k - i);
        }
        return x;
}

int review_rules(struct review *r, const struct census *c, uint64_t now_usec) {
        int x = 0;
        for (size_t i = 0; x >= 0 && c->rules && i < c->rules->n_exceptions; i++) {
                const struct rule_exception *e = &c->rules->exceptions[i];
                if (e->until_usec <= now_usec)
                        x = review_add(r, REVIEW_EXCEPTION, NULL, e->name, e->until_usec, "of %s: %s",
                                       e->owner, e->reason);
        }
        return x;
}

int review_people(struct review *r, const struct census *c, uint64_t now_usec) {
        int x = add_shared_keys(r, c);
        r->no_history = !c->has_state;
        for (size_t i = 0; x >= 0 && i < c->n; i++)
                x = add_person(r, c, &c->people[i], now_usec);
        return x;
}
