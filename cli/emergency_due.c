/* SPDX-License-Identifier: Apache-2.0 */
/* Whether emergency access would work, and what of it is overdue: reviews, drills, keys of the kits. */
#include <pwd.h>
#include <stdio.h>

#include "cli/emergency.h"
#include "cli/when.h"
#include "common/paths.h"
#include "policy/tags.h"

struct looking {
        const struct emergency_items *list;
        struct store *people;
        uint64_t now_usec;
        void (*f)(void *data, const struct emergency_due *d);
        void *data;
};

static void say(const struct looking *d, enum emergency_lack what, const char *user, uint64_t since_usec) {
        d->f(d->data, &(struct emergency_due){.what = what, .user = user, .since_usec = since_usec});
}

static void look_at_reviews(const struct looking *d) {
        unsigned n = emergency_items_open(d->list);
        if (n > 0)
                d->f(d->data, &(struct emergency_due){.what = EMERGENCY_LACKS_REVIEW, .n = n});
}

/* Every so often; never is too late already. */
static bool is_late(const struct looking *d, uint64_t last_usec, uint64_t every_usec) {
        return every_usec > 0 && (last_usec == 0 || d->now_usec >= last_usec + every_usec);
}

static void look_at_drills(const struct looking *d) {
        uint64_t last = emergency_items_last_drill(d->list);
        if (is_late(d, last, d->list->rules->break_glass.drill_every_usec))
                say(d, EMERGENCY_LACKS_DRILL, NULL, last);
}

struct kit {
        bool badge;
        uint64_t newest_usec; /* of its keys; 0: it has none */
};

static int take_key(const struct store_key *k, void *data) {
        struct kit *kit = data;
        if (k->ended_usec == 0 && k->suspended_usec == 0 && k->added_usec > kit->newest_usec)
                kit->newest_usec = k->added_usec;
        return 0;
}

static int take_badge(const struct store_badge *b, void *data) {
        struct kit *kit = data;
        kit->badge |= b->ended_usec == 0 && b->suspended_usec == 0;
        return 0;
}

/* When this kit, and not another or a person's own badge, has opened an emergency last. */
static uint64_t last_use(const struct looking *d, const char *user) {
        uint64_t last = 0;
        for (size_t i = 0; i < d->list->n; i++) {
                const struct store_emergency *e = &d->list->items[i].emergency;
                if (e->how == EMERGENCY_KIT && e->from_usec > last && strcmp(e->user, user) == 0)
                        last = e->from_usec;
        }
        return last;
}

static void look_at_kit(const struct looking *d, const struct store_person *p) {
        const struct rule_break_glass *b = &d->list->rules->break_glass;
        struct kit kit = {0};
        uint64_t used = last_use(d, p->user);
        if (store_each_key(d->people, p->id, take_key, &kit) < 0 ||
            store_each_badge(d->people, p->id, take_badge, &kit) < 0)
                return;
        if (kit.newest_usec == 0 || !kit.badge) {
                say(d, EMERGENCY_LACKS_KIT, p->user, 0);
                return;
        }
        if (is_late(d, used, b->drill_every_usec))
                say(d, EMERGENCY_KIT_UNTRIED, p->user, used);
        if (is_late(d, kit.newest_usec, b->rotate_every_usec))
                say(d, EMERGENCY_KIT_OLD, p->user, kit.newest_usec);
}

static void look_at_account(const struct looking *d, const char *user) {
        struct store_person p;
        if (!getpwnam(user))
                say(d, EMERGENCY_LACKS_ACCOUNT, user, 0);
        else if (store_find_person(d->people, user, &p) < 0 || p.state == PERSON_ENDED)
                say(d, EMERGENCY_NOT_ENROLLED, user, 0);
        else if (p.kind != PERSON_EMERGENCY)
                say(d, EMERGENCY_IS_PERSONAL, user, 0);
        else
                look_at_kit(d, &p);
}

void emergency_due(const struct emergency_items *l, struct store *people, uint64_t now_usec,
                   void (*f)(void *data, const struct emergency_due *d), void *data) {
        const struct looking d = {.list = l, .people = people, .now_usec = now_usec, .f = f, .data = data};
        struct tags tags;
        look_at_reviews(&d);
        if (!l->rules || !l->rules->break_glass.present) {
                say(&d, EMERGENCY_LACKS_RULES, NULL, 0);
                return;
        }
        tags_collect(&l->rules->tags, PATH_TAGS_DIR, &tags);
        if (!break_glass_is_at(l->rules, &tags.words)) {
                say(&d, EMERGENCY_NOT_HERE, NULL, 0);
                return;
        }
        look_at_drills(&d);
        for (size_t i = 0; people && i < l->rules->break_glass.accounts.n; i++)
                look_at_account(&d, l->rules->break_glass.accounts.words[i]);
}

/* --- in words. "%s" is the account, or how long ago it was. */

static const struct {
        const char *text, *never,
                *fix; /* msgids; never: where since_usec is 0, if that is another sentence */
} words[EMERGENCY_LACK_MAX] = {
        [EMERGENCY_LACKS_REVIEW] = {N_("Emergencies that nobody has reviewed to the end: @."), NULL,
                                    N_("See: wardtap emergency list --open")},
        [EMERGENCY_LACKS_RULES] = {N_("There is no emergency access at this station."), NULL,
                                   N_("Write a [BreakGlass] section: see man wardtap.conf")},
        [EMERGENCY_NOT_HERE] = {N_("There is no emergency access at this station: its tags are not among "
                                   "those of [BreakGlass]."),
                                NULL,
                                N_("Add a tag of this station's to Tags= there, if that is not meant.")},
        [EMERGENCY_LACKS_DRILL] = {N_("Emergency access was last tried @ ago."),
                                   N_("Emergency access was never tried at this station."),
                                   N_("Announce a drill with: wardtap emergency drill")},
        [EMERGENCY_LACKS_ACCOUNT] = {N_("The emergency account # is no account of this system."), NULL,
                                     N_("Make it, or take it out of Accounts= in [BreakGlass].")},
        [EMERGENCY_NOT_ENROLLED] = {N_("The emergency account # is not enrolled."), NULL,
                                    N_("Enrol it with: wardtap person add USER --emergency")},
        [EMERGENCY_IS_PERSONAL] =
                {N_("# is in Accounts=, and is enrolled as a person's own account."), NULL,
                 N_("Take it out of Accounts= in [BreakGlass], or end that person and enrol "
                    "it with: wardtap person add USER --emergency")},
        [EMERGENCY_LACKS_KIT] =
                {N_("The emergency account # has no badge and key yet."), NULL,
                 N_("Enrol a kit with wardtap badge enrol and wardtap key enrol, and seal it.")},
        [EMERGENCY_KIT_UNTRIED] = {N_("The emergency kit # was last tried @ ago."),
                                   N_("The emergency kit # was never tried."),
                                   N_("Announce a drill with: wardtap emergency drill, and open that kit.")},
        [EMERGENCY_KIT_OLD] = {N_("The key of the emergency kit # is due for another one: it is @ old."),
                               NULL, N_("Enrol a new one with wardtap key enrol, and end the old one.")},
};

/* "@" is how long ago, or how many; "#" the account. */
void emergency_due_text(const struct emergency_due *d, uint64_t now_usec, char ret[EMERGENCY_DUE_SIZE]) {
        const char *p =
                d->since_usec == 0 && words[d->what].never ? words[d->what].never : words[d->what].text;
        char number[WHEN_TEXT_MAX];
        size_t at = 0;
        if (d->what == EMERGENCY_LACKS_REVIEW)
                (void) snprintf(number, sizeof(number), "%u", d->n);
        else
                (void) when_span(now_usec > d->since_usec ? now_usec - d->since_usec : 0, number);
        for (p = _(p); *p && at + 1 < EMERGENCY_DUE_SIZE; p++) {
                const char *more = *p == '@' ? number : *p == '#' && d->user ? d->user : NULL;
                at += more ? (size_t) snprintf(ret + at, EMERGENCY_DUE_SIZE - at, "%.80s", more) : 1;
                if (!more)
                        ret[at - 1] = *p;
        }
        ret[at < EMERGENCY_DUE_SIZE ? at : EMERGENCY_DUE_SIZE - 1] = 0;
}

const char *emergency_due_fix(enum emergency_lack what) {
        return _(words[what].fix);
}
