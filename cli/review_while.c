/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap review`: what people have for a while, and what emergency access lacks. Values in, findings out.
 */
#include "cli/review.h"

#include <stdio.h>

#include "cli/cli.h"
#include "common/bytes.h"

/* --- For a while. The words stand in lists that were signed off. */

static const struct {
        const char *what,
                *todo; /* what: with a space at its end whoever is behind it follows; todo: a msgid,
                          "@" is the user, "#" the item */
        bool stays;    /* also when its time is over: until somebody ends it */
} whiles[] = {
        [WHILE_BADGE] = {"badge, approved by ", N_("wardtap badge return #"), false},
        [WHILE_LEASE] = {"lease", N_("wardtap lease end @ --reason TEXT"), true},
        [WHILE_UNWIPED] = {"home not wiped since", N_("wardtap lease wipe @"), true},
        [WHILE_TICKET] = {"ticket, issued by ", N_("wardtap ticket revoke # --reason TEXT"), false},
        [WHILE_ROLE] = {"role, approved by ", N_("wardtap elevate end @"), false},
};

static int add_temporary(struct review *r, const struct census_person *p, const struct census_temporary *t,
                         uint64_t now_usec) {
        const char *what = whiles[t->kind].what;
        bool over = t->until_usec <= now_usec, named = what[strlen(what) - 1] == ' ';
        if (over && !whiles[t->kind].stays)
                return 0;
        return review_add(r, REVIEW_TEMPORARY, p, t->item, t->until_usec, "%s%s%s", what, named ? t->by : "",
                          over && t->kind == WHILE_LEASE ? ", its hour is over" : "");
}

int review_temporary(struct review *r, const struct census *c, uint64_t now_usec) {
        int x = 0;
        for (size_t i = 0; x >= 0 && i < c->n; i++)
                for (size_t k = 0; x >= 0 && k < c->people[i].n_temporary; k++)
                        x = add_temporary(r, &c->people[i], &c->people[i].temporary[k], now_usec);
        return x;
}

/* --- Emergency access */

static const struct {
        const char *detail, *todo; /* todo: a msgid, as above */
} lacks[EMERGENCY_LACK_MAX] = {
        [EMERGENCY_LACKS_RULES] = {"no emergency access in the rules",
                                   N_("write [BreakGlass]: man wardtap.conf")},
        [EMERGENCY_NOT_HERE] = {"no emergency access at this station", N_("see Tags= in [BreakGlass]")},
        [EMERGENCY_LACKS_DRILL] = {"not tried in time", N_("wardtap emergency drill")},
        [EMERGENCY_LACKS_ACCOUNT] = {"no such account", N_("make it, or take it out of Accounts=")},
        [EMERGENCY_NOT_ENROLLED] = {"not enrolled", N_("wardtap person add @ --emergency")},
        [EMERGENCY_IS_PERSONAL] = {"a person's own account", N_("take it out of Accounts=")},
        [EMERGENCY_LACKS_KIT] = {"no badge and key", N_("wardtap badge enrol @, wardtap key enrol @")},
        [EMERGENCY_KIT_UNTRIED] = {"kit not tried in time", N_("wardtap emergency drill, with this kit")},
        [EMERGENCY_KIT_OLD] = {"key not rotated in time", N_("wardtap key replace @ TOKEN --reason TEXT")},
};
#define REVIEW_OWED "review owed by "

static int add_due(struct review *r, const struct census_due *d) {
        struct census_person about = {0};
        (void) text_copy(about.user, sizeof(about.user), d->user);
        return lacks[d->what].detail ? review_add(r, REVIEW_BREAK_GLASS, d->user[0] ? &about : NULL,
                                                  d->user[0] ? "account" : "station", d->since_usec, "%s",
                                                  lacks[d->what].detail)
                                     : 0;
}

static int add_open(struct review *r, const struct census_open *o) {
        struct census_person about = {0};
        (void) text_copy(about.user, sizeof(about.user), o->user);
        return review_add(r, REVIEW_BREAK_GLASS, &about, o->review, o->from_usec, REVIEW_OWED "%s%s%s",
                          o->owed & REVIEWER_CLINICAL ? "clinical" : "",
                          o->owed == (REVIEWER_CLINICAL | REVIEWER_SECURITY) ? ", " : "",
                          o->owed & REVIEWER_SECURITY ? "security" : "");
}

int review_break_glass(struct review *r, const struct census *c, uint64_t now_usec) {
        int x = 0;
        for (size_t i = 0; x >= 0 && i < c->n_due; i++)
                x = add_due(r, &c->due[i]);
        for (size_t i = 0; x >= 0 && i < c->n_open; i++)
                x = add_open(r, &c->open[i]);
        return x;
}

const char *review_while_todo(const struct review_finding *f) {
        for (size_t i = 0; f->kind == REVIEW_TEMPORARY && i < ELEMENTSOF(whiles); i++)
                if (strncmp(f->detail, whiles[i].what, strlen(whiles[i].what)) == 0)
                        return _(whiles[i].todo);
        for (size_t i = 0; f->kind == REVIEW_BREAK_GLASS && i < EMERGENCY_LACK_MAX; i++)
                if (lacks[i].detail && strcmp(f->detail, lacks[i].detail) == 0)
                        return _(lacks[i].todo);
        return f->kind == REVIEW_BREAK_GLASS ? _("wardtap emergency list --open") : "";
}
