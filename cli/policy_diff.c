/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap policy diff`: two sets of rules in sentences, and whose sign-ins they change. */
#include <errno.h>
#include <stdio.h>

#include "cli/output.h"
#include "cli/rules_load.h"
#include "cli/who.h"
#include "common/bytes.h"
#include "common/paths.h"
#include "policy/rules_diff.h"

struct diff {
        struct rules *before, *after;
        struct admin admin;
        struct tags tags_before, tags_after;
        struct policy_clock clock;
        bool json;
        struct json_object *changes, *people;
        size_t n_changes, n_people, n_outcomes;
};

static void diff_clear(struct diff *d) {
        admin_close(&d->admin);
        d->before = rules_free(d->before);
        d->after = rules_free(d->after);
        json_putp(&d->changes);
        json_putp(&d->people);
}

/* --- the rules */

static const char *direction_name(enum rules_direction people) {
        return people > 0 ? "gain" : people < 0 ? "lose" : "other";
}

static const char *direction_title(enum rules_direction people) {
        return people > 0 ? _("Gain: ") : people < 0 ? _("Lose: ") : _("Else: ");
}

static const char *or_nothing(const char *value) {
        return *value ? value : _("not written");
}

static void write_sentence(const struct rules_change *c, char *buf, size_t size) {
        const char *space = *c->name ? " " : "";
        if (!c->key && c->after)
                (void) snprintf(buf, size, _("[%s%s%s] is new: %s."), c->section, space, c->name, c->after);
        else if (!c->key)
                (void) snprintf(buf, size, _("[%s%s%s] is gone: %s."), c->section, space, c->name,
                                c->before);
        else if (strcmp(c->key, "order") == 0)
                (void) snprintf(
                        buf, size,
                        _("Roles stand in another order, and the first that fits counts: %s; before, %s."),
                        c->after, c->before);
        else
                (void) snprintf(buf, size, _("[%s%s%s] %s= is %s; before, %s."), c->section, space, c->name,
                                c->key, or_nothing(c->after), or_nothing(c->before));
}

static int tell_change(void *userdata, const struct rules_change *c) {
        struct diff *d = userdata;
        char sentence[4096];
        write_sentence(c, sentence, sizeof(sentence));
        d->n_changes++;
        if (!d->json) {
                (void) fputs(direction_title(c->people), stdout);
                print_clean(stdout, sentence);
                (void) putchar('\n');
                return 0;
        }
        struct json_object *o = json_new();
        json_set_string(o, "people", direction_name(c->people));
        json_set_string(o, "section", c->section);
        json_set_string(o, "name", c->name);
        json_set_string(o, "key", c->key);
        json_set_string(o, "before", c->before);
        json_set_string(o, "after", c->after);
        json_set_string(o, "sentence", sentence);
        json_append(d->changes, o);
        return 0;
}

/* --- the people */

static const char *const evidence_names[] = {"badge", "badge+key", "badge+key+verify", "key+verify"};
static const unsigned evidence_factors[] = {FACTOR_BADGE, FACTOR_BADGE | FACTOR_KEY,
                                            FACTOR_BADGE | FACTOR_KEY | FACTOR_VERIFY,
                                            FACTOR_KEY | FACTOR_VERIFY};

/* What this person could show: what is not enrolled cannot be. */
static bool fill_evidence(const struct who *w, unsigned factors, struct policy_evidence *e) {
        *e = (struct policy_evidence){0};
        if ((factors & FACTOR_BADGE && !w->has_badge) || (factors & FACTOR_KEY && !w->has_key))
                return false;
        if (factors & FACTOR_BADGE) {
                e->badge = BADGE_NUMBER;
                e->badge_id = 1;
                e->badge_person = w->person.id;
        }
        if (factors & FACTOR_KEY) {
                e->key_present = true;
                e->key_verified = factors & FACTOR_VERIFY;
                e->key_attested = w->key_attested;
                e->key_id = 1;
                memcpy(e->key_aaguid, w->key_model, sizeof(e->key_aaguid));
        }
        return true;
}

static bool same_outcome(const struct policy_decision *a, const struct policy_decision *b) {
        const char *role_a = a->role ? a->role->name : "", *role_b = b->role ? b->role->name : "";
        return a->verdict == b->verdict && a->reason == b->reason && strcmp(role_a, role_b) == 0 &&
               (a->exception != NULL) == (b->exception != NULL);
}

static enum rules_direction direction_of(const struct policy_decision *before,
                                         const struct policy_decision *after) {
        if (before->verdict == after->verdict)
                return RULES_OTHERWISE;
        return after->verdict > before->verdict ? RULES_MORE : RULES_LESS; /* in the order of the enum */
}

static void tell_outcome(struct diff *d, const struct who *w, const char *service, const char *evidence,
                         const struct policy_decision *before, const struct policy_decision *after) {
        char was[512], is[512];
        enum rules_direction people = direction_of(before, after);
        policy_describe(before, was, sizeof(was));
        policy_describe(after, is, sizeof(is));
        d->n_outcomes++;
        if (!d->json) {
                (void) fputs(direction_title(people), stdout);
                print_clean(stdout, w->person.user);
                (void) printf(_(" at %s with %s: "), service, evidence);
                print_clean(stdout, is);
                (void) fputs(_(" Before: "), stdout);
                print_clean(stdout, was);
                (void) putchar('\n');
                return;
        }
        struct json_object *o = json_new();
        json_set_string(o, "user", w->person.user);
        json_set_string(o, "service", service);
        json_set_string(o, "evidence", evidence);
        json_set_string(o, "people", direction_name(people));
        json_set_string(o, "before", policy_verdict_name(before->verdict));
        json_set_string(o, "after", policy_verdict_name(after->verdict));
        json_set_string(o, "role_before", before->role ? before->role->name : NULL);
        json_set_string(o, "role_after", after->role ? after->role->name : NULL);
        json_append(d->people, o);
}

static void compare_service(struct diff *d, const struct who *w, const char *service) {
        struct policy_decision before, after;
        struct policy_evidence e;
        for (size_t i = 0; i < ELEMENTSOF(evidence_factors); i++) {
                if (!fill_evidence(w, evidence_factors[i], &e))
                        continue;
                who_decide(w, d->before, &d->tags_before.words, service, &e, &d->clock, &before);
                who_decide(w, d->after, &d->tags_after.words, service, &e, &d->clock, &after);
                if (!same_outcome(&before, &after))
                        tell_outcome(d, w, service, evidence_names[i], &before, &after);
        }
}

static int compare_person(const struct store_person *p, void *data) {
        _cleanup_(who_clear) struct who w = {0};
        struct diff *d = data;
        size_t n = d->n_outcomes;
        int r = who_load(&d->admin, p, NULL, &w);
        if (r < 0)
                return r;
        for (size_t i = 0; i < d->before->n_services; i++)
                compare_service(d, &w, d->before->services[i].name);
        for (size_t i = 0; i < d->after->n_services; i++)
                if (!rules_find_service(d->before, d->after->services[i].name))
                        compare_service(d, &w, d->after->services[i].name);
        d->n_people += d->n_outcomes > n;
        return 0;
}

static int compare_people(struct diff *d, const char *at) {
        int r;
        if ((r = who_clock(at, &d->clock)) != CLI_OK || (r = admin_open_read(&d->admin)) != CLI_OK)
                return r;
        tags_collect(&d->before->tags, PATH_TAGS_DIR, &d->tags_before);
        tags_collect(&d->after->tags, PATH_TAGS_DIR, &d->tags_after);
        r = store_each_person(d->admin.store, compare_person, d);
        return r < 0 ? admin_store_failed(r) : CLI_OK;
}

/* --- both */

static void tell_end(struct diff *d, bool people) {
        if (d->json) {
                _cleanup_(json_putp) struct json_object *o = json_new();
                json_set_string(o, "before", d->before->hash);
                json_set_string(o, "after", d->after->hash);
                json_set(o, "changes", TAKE_PTR(d->changes));
                if (people)
                        json_set(o, "outcomes", TAKE_PTR(d->people));
                json_print(stdout, o);
                return;
        }
        if (d->n_changes == 0)
                (void) puts(_("The rules are the same."));
        if (people)
                (void) printf(_("People whose sign-ins change at this station: %zu.\n"), d->n_people);
}

int command_policy_diff(const struct cli_arguments *args) {
        bool people = args->option[OPTION_PEOPLE];
        _cleanup_(diff_clear) struct diff d = {.admin.broker = -1,
                                               .json = args->option[OPTION_JSON],
                                               .changes = json_new_array(),
                                               .people = json_new_array()};
        int r;
        if ((r = load_rules_named(cli_word(args, 0), &d.before)) != CLI_OK ||
            (r = load_rules_named(cli_word(args, 1), &d.after)) != CLI_OK)
                return r;
        if (rules_diff(d.before, d.after, tell_change, &d) < 0)
                return fail(CLI_FAILED, _("There is not enough memory."));
        if (people && (r = compare_people(&d, args->option[OPTION_AT])) != CLI_OK)
                return r;
        tell_end(&d, people);
        return CLI_OK;
}
