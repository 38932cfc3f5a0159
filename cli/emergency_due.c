/* SPDX-License-Identifier: Apache-2.0 */
/* Whether emergency access would work, and what of it is overdue: reviews, drills, keys of the kits. */
#include <pwd.h>
#include <stdio.h>

#include "cli/emergency.h"
#include "cli/when.h"

struct due {
        const struct emergency_items *list;
        struct store *people;
        uint64_t now_usec;
        void (*f)(void *data, const char *text, const char *fix);
        void *data;
        uint64_t newest_usec; /* of the keys that are being looked at */
};

static void say(const struct due *d, const char *text, const char *fix) {
        d->f(d->data, text, fix);
}

static void look_at_reviews(const struct due *d) {
        char text[160];
        unsigned n = emergency_items_open(d->list);
        if (n == 0)
                return;
        (void) snprintf(text, sizeof(text), _("Emergencies that nobody has reviewed to the end: %u."), n);
        say(d, text, _("See: wardtap emergency list --open"));
}

static void look_at_drills(const struct due *d) {
        const struct rule_break_glass *b = &d->list->rules->break_glass;
        uint64_t last = emergency_items_last_drill(d->list);
        char text[160], span[WHEN_TEXT_MAX];
        if (b->drill_every_usec == 0 || (last > 0 && d->now_usec < last + b->drill_every_usec))
                return;
        if (last == 0)
                (void) snprintf(text, sizeof(text), _("Emergency access was never tried at this station."));
        else
                (void) snprintf(text, sizeof(text), _("Emergency access was last tried %s ago."),
                                when_span(d->now_usec > last ? d->now_usec - last : 0, span));
        say(d, text, _("Announce a drill with: wardtap emergency drill"));
}

static int take_key(const struct store_key *k, void *data) {
        struct due *d = data;
        if (k->ended_usec == 0 && k->added_usec > d->newest_usec)
                d->newest_usec = k->added_usec;
        return 0;
}

static int take_badge(const struct store_badge *b, void *data) {
        bool *any = data;
        *any |= b->ended_usec == 0;
        return 0;
}

static void look_at_kit(struct due *d, const struct store_person *p) {
        const struct rule_break_glass *b = &d->list->rules->break_glass;
        char text[256];
        bool badge = false;
        d->newest_usec = 0;
        if (store_each_key(d->people, p->id, take_key, d) < 0 ||
            store_each_badge(d->people, p->id, take_badge, &badge) < 0)
                return;
        if (d->newest_usec == 0 || !badge) {
                (void) snprintf(text, sizeof(text), _("The emergency account %s has no badge and key yet."),
                                p->user);
                say(d, text, _("Enrol a kit with wardtap badge enrol and wardtap key enrol, and seal it."));
        } else if (b->rotate_every_usec > 0 && d->now_usec >= d->newest_usec + b->rotate_every_usec) {
                (void) snprintf(text, sizeof(text),
                                _("The key of the emergency kit %s is due for another one."), p->user);
                say(d, text, _("Enrol a new one with wardtap key enrol, and end the old one."));
        }
}

static void look_at_account(struct due *d, const char *user) {
        struct store_person p;
        char text[256];
        if (!getpwnam(user))
                (void) snprintf(text, sizeof(text),
                                _("The emergency account %s is no account of this system."), user);
        else if (store_find_person(d->people, user, &p) < 0 || p.state == PERSON_ENDED)
                (void) snprintf(text, sizeof(text), _("The emergency account %s is not enrolled."), user);
        else if (p.kind != PERSON_EMERGENCY)
                (void) snprintf(text, sizeof(text),
                                _("%s is in Accounts=, and is enrolled as a person's own account."), user);
        else {
                look_at_kit(d, &p);
                return;
        }
        say(d, text, _("Enrol it with: wardtap person add USER --emergency"));
}

void emergency_due(const struct emergency_items *l, struct store *people, uint64_t now_usec,
                   void (*f)(void *data, const char *text, const char *fix), void *data) {
        struct due d = {.list = l, .people = people, .now_usec = now_usec, .f = f, .data = data};
        look_at_reviews(&d);
        if (!l->rules || !l->rules->break_glass.present) {
                say(&d, _("There is no emergency access at this station."),
                    _("Write a [BreakGlass] section: see man wardtap.conf"));
                return;
        }
        look_at_drills(&d);
        for (size_t i = 0; people && i < l->rules->break_glass.accounts.n; i++)
                look_at_account(&d, l->rules->break_glass.accounts.words[i]);
}
