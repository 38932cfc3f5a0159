/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap doctor`: the rules in force, and the store. */
#include <errno.h>
#include <sys/stat.h>

#include "cli/admin.h"
#include "cli/emergency.h"
#include "cli/doctor.h"
#include "cli/when.h"
#include "common/paths.h"
#include "common/socket.h"

static void compare_with_sources(struct doctor *d) {
        _cleanup_(rules_freep) struct rules *sources = NULL;
        struct rules_errors errors = {0};
        int r = rules_parse(PATH_RULES_FILE, PATH_RULES_DIR, &sources, &errors);
        rules_errors_clear(&errors);
        if (r < 0)
                found(d, FINDING_WARN, _("See: wardtap policy check"),
                      _("The rules in %s have mistakes; those in force go on."), PATH_RULES_FILE);
        else if (strcmp(sources->hash, d->rules->hash) != 0)
                found(d, FINDING_WARN, _("Put them in force: wardtap policy apply --reason TEXT"),
                      _("The rules in %s are not those in force."), PATH_RULES_FILE);
}

void check_rules(struct doctor *d) {
        char age[WHEN_TEXT_MAX];
        struct stat st;
        if (!d->rules) {
                found(d, FINDING_BAD, _("Put rules in force: wardtap policy apply --reason TEXT"),
                      d->rules_error == -ENOENT
                              ? _("No rules are in force, so nobody can sign in.")
                              : _("The rules in force cannot be read, so nobody can sign in."));
                return;
        }
        uint64_t now = now_realtime_usec(), then = 0;
        if (stat(PATH_SNAPSHOT, &st) == 0)
                then = (uint64_t) st.st_mtim.tv_sec * 1000000U;
        if (then > now + 60U * 1000000U)
                found(d, FINDING_WARN, _("Look at the clock."), _("The rules were applied in the future."));
        else
                found(d, FINDING_OK, NULL, _("Rules %.12s are in force since %s."), d->rules->hash,
                      when_span(now > then ? now - then : 0, age));
        compare_with_sources(d);
}

void check_store(struct doctor *d) {
        uint64_t version;
        int people = store_checked_people(&version), state = store_checked_state();
        if (people == -ENOENT)
                found(d, FINDING_WARN, _("Begin with: wardtap person add USER"), _("Nobody is enrolled."));
        else if (people < 0)
                found(d, FINDING_BAD, _("Put a backup of it in its place."), _("%s cannot be used (%s)."),
                      PATH_PEOPLE_DB, strerror(-people));
        else
                found(d, FINDING_OK, NULL, _("The people can be read and are sound."));
        if (state < 0 && state != -ENOENT)
                found(d, FINDING_BAD,
                      _("Put it aside and restart wardtap-authd; everybody then needs a full sign-in once."),
                      _("%s cannot be used (%s)."), PATH_STATE_DB, strerror(-state));
}

static void emergency_found(void *data, const struct emergency_due *d) {
        char text[EMERGENCY_DUE_SIZE];
        emergency_due_text(d, now_realtime_usec(), text);
        found(data, FINDING_WARN, emergency_due_fix(d->what), "%s", text);
}

void check_emergency(struct doctor *d) {
        _cleanup_(emergency_items_clear) struct emergency_items l = {0};
        _cleanup_(store_closep) struct store *people = NULL;
        unsigned before = d->n[FINDING_WARN];
        (void) admin_open_people(&people); /* what is wrong with it is said elsewhere */
        if (emergency_items_load(people, false, &l) != CLI_OK)
                return;
        emergency_due(&l, people, now_realtime_usec(), emergency_found, d);
        if (d->n[FINDING_WARN] == before)
                found(d, FINDING_OK, NULL,
                      _("Emergency access is there, was tried, and nothing of it is owed."));
}
