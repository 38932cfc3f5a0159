/* SPDX-License-Identifier: Apache-2.0 */
/* Gathering: store, system, rules. */
#include "cli/census.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pwd.h>
#include <stdio.h>

#include "cli/admin.h"
#include "cli/groups.h"
#include "cli/homes.h"
#include "common/bytes.h"
#include "common/paths.h"
#include "common/socket.h"
#include "policy/tags.h"

/* What is needed while one is taken. */
struct taking {
        struct census *census;
        struct admin admin;
        struct store *state;
        struct words local; /* users in /etc/passwd, sorted */
        struct words homes; /* folders that need a Kerberos ticket */
        struct tags tags;
        const char *service; /* by which people sign in */
};

static void person_clear(struct census_person *p) {
        freep(&p->badges);
        freep(&p->keys);
        freep(&p->temporary);
}

void census_clear(struct census *c) {
        for (size_t i = 0; i < c->n; i++)
                person_clear(&c->people[i]);
        freep(&c->people);
        freep(&c->due);
        freep(&c->open);
        c->rules = rules_free(c->rules);
        *c = (struct census){0};
}

static void taking_clear(struct taking *t) {
        admin_close(&t->admin);
        t->state = store_close(t->state);
        word_list_clear(&t->local);
        word_list_clear(&t->homes);
}

uint64_t census_last_seen(const struct census_person *p) {
        uint64_t last = p->strong_usec;
        for (size_t i = 0; i < p->n_badges; i++)
                if (p->badges[i].used_usec > last)
                        last = p->badges[i].used_usec;
        for (size_t i = 0; i < p->n_keys; i++)
                if (p->keys[i].used_usec > last)
                        last = p->keys[i].used_usec;
        return last;
}

/* --- What each holds. Everything of a person is appended to the last one of the census. */

static struct census_person *last(struct taking *t) {
        return &t->census->people[t->census->n - 1];
}

static int take_badge(const struct store_badge *b, void *data) {
        struct taking *t = data;
        struct census_person *p = last(t);
        if (b->ended_usec)
                return 0;
        struct census_badge *more = reallocarray(p->badges, p->n_badges + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        p->badges = more;
        struct census_badge *e = &more[p->n_badges++];
        *e = (struct census_badge){.added_usec = b->added_usec,
                                   .suspended_usec = b->suspended_usec,
                                   .lent_until_usec = b->not_after_usec};
        memcpy(e->token, b->token, sizeof(e->token));
        memcpy(e->key_id, b->key_id, sizeof(e->key_id));
        int r = b->not_after_usec == 0
                        ? 0
                        : census_add_while(p, WHILE_BADGE, b->token, b->approver, b->not_after_usec);
        return r < 0 ? r : t->state ? store_badge_used(t->state, b->id, &e->used_usec) : 0;
}

static bool is_allowed(const struct rule_role *role, const struct store_key *k) {
        char aaguid[2 * sizeof(k->aaguid) + 1];
        hex_encode(k->aaguid, sizeof(k->aaguid), aaguid);
        return !role || ((role->key_models.n == 0 || words_contain(&role->key_models, aaguid)) &&
                         (k->attested || !role->key_attested));
}

struct key_taking {
        struct taking *t;
        const struct rule_role *role;
};

static int take_key(const struct store_key *k, void *data) {
        struct key_taking *x = data;
        struct census_person *p = last(x->t);
        if (k->ended_usec)
                return 0;
        struct census_key *more = reallocarray(p->keys, p->n_keys + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        p->keys = more;
        struct census_key *e = &more[p->n_keys++];
        *e = (struct census_key){.added_usec = k->added_usec,
                                 .suspended_usec = k->suspended_usec,
                                 .usable = k->suspended_usec == 0 && is_allowed(x->role, k)};
        memcpy(e->token, k->token, sizeof(e->token));
        if (EVP_Digest(k->public_key, k->public_key_len, e->public_key_hash, NULL, EVP_sha256(), NULL) != 1)
                return -EIO;
        return x->t->state ? store_key_used(x->t->state, k->id, &e->used_usec) : 0;
}

/* --- What the system says */

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Not word_list_add(): a machine may have many users. */
static int add_name(struct words *w, const char *name) {
        char **more = reallocarray(w->words, w->n + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        w->words = more;
        if (!(w->words[w->n] = strdup(name)))
                return -ENOMEM;
        w->n++;
        return 0;
}

static int read_local(struct words *ret) {
        FILE *f = fopen(PATH_PASSWD, "re");
        struct passwd *pw;
        int r = f ? 0 : -errno;
        while (r >= 0 && (pw = fgetpwent(f)))
                r = add_name(ret, pw->pw_name);
        if (f)
                (void) fclose(f);
        if (ret->n > 0)
                qsort(ret->words, ret->n, sizeof(*ret->words), compare_names);
        return r;
}

static int note_home(const char *folder, void *data) {
        return word_list_add(data, folder, strlen(folder)) < 0;
}

static bool is_local(const struct words *local, const char *user) {
        return local->n > 0 && bsearch(&user, local->words, local->n, sizeof(*local->words), compare_names);
}

static bool is_below_any(const struct words *folders, const char *home) {
        for (size_t i = 0; i < folders->n; i++) {
                size_t n = strlen(folders->words[i]);
                if (strncmp(home, folders->words[i], n) == 0 && (home[n] == '/' || home[n] == 0 || n == 1))
                        return true;
        }
        return false;
}

/* getpwnam(3): these say that there is no such user; any other that it could not be asked. */
static bool is_absence(int error) {
        return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

static const struct passwd *take_account(struct taking *t, struct census_person *p) {
        struct store_account cached;
        errno = 0;
        struct passwd *pw = getpwnam(p->user);
        if (!pw)
                p->account = is_absence(errno) ? ACCOUNT_NONE : ACCOUNT_UNKNOWN;
        else
                p->account = is_local(&t->local, p->user) ? ACCOUNT_LOCAL : ACCOUNT_REMOTE;
        if (pw)
                p->needs_ticket = is_below_any(&t->homes, pw->pw_dir);
        if (t->state && store_load_account(t->state, p->user, &cached) >= 0) {
                p->known_usec = cached.at_usec;
                store_account_clear(&cached);
        }
        return pw;
}

/* --- What the rules say: the decision is asked, as an attempt would, with a clock that judges no hours and
 * no limits of the person. */
static const struct rule_role *take_role(struct taking *t, struct census_person *p, int64_t id,
                                         const struct passwd *pw) {
        _cleanup_(word_list_clear) struct words groups = {0};
        const struct policy_history history = {0};
        struct policy_person person = {
                .id = id, .user = p->user, .state = PERSON_ACTIVE, .has_account = true};
        struct policy_decision d;
        if (!t->service || !pw)
                return NULL;
        person.uid = pw->pw_uid;
        (void) groups_of(pw, &groups); /* without groups there is no role, which is what is then said */
        person.groups = groups;
        const struct policy_question q = {.rules = t->census->rules,
                                          .service = t->service,
                                          .tags = &t->tags.words,
                                          .person = &person,
                                          .history = &history,
                                          .clock = {.realtime_usec = now_realtime_usec()}};
        policy_decide(&q, &d);
        p->role = d.role ? d.role->name : NULL;
        p->no_role = d.role ? REASON_NONE : d.reason;
        p->needed = d.needed;
        p->approves = d.role && p->kind != PERSON_EMERGENCY ? d.role->approves : 0;
        p->tickets = d.role && d.role->tickets && t->census->rules->tickets;
        return d.role;
}

static const char *sign_in_service(const struct rules *rules) {
        for (size_t i = 0; rules && i < rules->n_services; i++)
                if (rules->services[i].use == USE_SIGN_IN)
                        return rules->services[i].name;
        return NULL;
}

/* --- Everybody */

static int take_history(struct taking *t, struct census_person *p, int64_t id) {
        struct policy_history h;
        int r = t->state ? store_history(t->state, id, &h) : -ENOENT;
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        p->strong_usec = h.strong_usec;
        p->failures = h.failures;
        p->last_failure_usec = h.last_failure_usec;
        return 0;
}

/* A place for one more, empty; NULL when there is not enough memory. */
static struct census_person *add_person(struct census *c, const struct store_person *from) {
        if (c->n == c->size) {
                size_t size = c->size ? 2 * c->size : 64;
                struct census_person *more = reallocarray(c->people, size, sizeof(*more));
                if (!more)
                        return NULL;
                c->people = more;
                c->size = size;
        }
        struct census_person *p = &c->people[c->n++];
        *p = (struct census_person){.id = from->id,
                                    .kind = from->kind,
                                    .state = from->state,
                                    .not_before_usec = from->not_before_usec,
                                    .not_after_usec = from->not_after_usec,
                                    .added_usec = from->added_usec};
        (void) text_copy(p->user, sizeof(p->user), from->user);
        (void) text_copy(p->full_name, sizeof(p->full_name), from->full_name);
        return p;
}

static int take_person(const struct store_person *s, void *data) {
        struct taking *t = data;
        int r;
        if (s->state == PERSON_ENDED)
                return 0;
        struct census_person *p = add_person(t->census, s);
        if (!p)
                return -ENOMEM;
        const struct passwd *pw = take_account(t, p);
        struct key_taking keys = {t, take_role(t, p, s->id, pw)};
        if ((r = take_history(t, p, s->id)) < 0 ||
            (r = store_each_badge(t->admin.store, s->id, take_badge, t)) < 0)
                return r;
        return store_each_key(t->admin.store, s->id, take_key, &keys);
}

/* Without a file nothing has happened yet. */
static bool open_state(struct taking *t) {
        int r = store_open_state(PATH_STATE_DB, true, &t->state);
        return r >= 0 || r == -ENOENT;
}

int census_take(struct census *ret) {
        _cleanup_(census_clear) struct census c = {0};
        _cleanup_(taking_clear) struct taking t = {.census = &c, .admin.broker = -1};
        int r = rules_load(PATH_SNAPSHOT, &c.rules);
        if (r < 0 && r != -ENOENT)
                return fail(CLI_FAILED, _("The rules in force cannot be read (%s)."), strerror(-r));
        if ((r = admin_open_people(&t.admin.store)) < 0 && r != -ENOENT)
                return admin_store_failed(r);
        c.has_state = open_state(&t);
        t.service = sign_in_service(c.rules);
        c.has_groups = t.service;
        tags_collect(c.rules ? &c.rules->tags : NULL, PATH_TAGS_DIR, &t.tags);
        if ((r = read_local(&t.local)) < 0)
                return fail(CLI_FAILED, _("%s cannot be read (%s)."), PATH_PASSWD, strerror(-r));
        if (homes_each_with_tickets(note_home, &t.homes) > 0)
                return fail(CLI_FAILED, _("There is not enough memory."));
        r = t.admin.store ? store_each_person(t.admin.store, take_person, &t) : 0;
        if (r >= 0 && t.admin.store)
                r = census_add_temporary(&c, t.admin.store);
        if (r >= 0)
                r = census_add_emergencies(&c, t.admin.store, now_realtime_usec());
        if (r < 0)
                return admin_store_failed(r);
        *ret = c;
        c = (struct census){0};
        return CLI_OK;
}
