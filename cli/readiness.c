/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap readiness`: who could sign in here without a password, by role and with names. */
#include <errno.h>
#include <stdio.h>

#include "cli/admin.h"
#include "cli/output.h"
#include "cli/readiness_judge.h"
#include "common/socket.h"

struct report {
        struct census census;
        struct readiness r;
        struct readiness_facts facts;
        bool all, json;
};

static void report_clear(struct report *x) {
        readiness_clear(&x->r);
        census_clear(&x->census);
}

/* name: in JSON. */
static const struct {
        const char *name, *text; /* text: a msgid */
} break_glass[] = {
        [BREAK_GLASS_NOT_CONFIGURED] = {"not-configured", N_("not configured")},
        [BREAK_GLASS_ELSEWHERE] = {"not-here", N_("not at this station")},
        [BREAK_GLASS_NO_ACCOUNT] = {"no-account",
                                    N_("only with a badge in hand; see: wardtap emergency list")},
        [BREAK_GLASS_OVERDUE] = {"overdue", N_("not tried or renewed in time; see: wardtap emergency list")},
        [BREAK_GLASS_COVERED] = {"covered", N_("covered")},
};

/* "badge, key", of a person who lacks them. */
static void missing_text(const struct readiness_person *p, char buf[256]) {
        size_t at = 0;
        buf[0] = 0;
        for (unsigned i = 0; i < GAP_MAX; i++)
                if ((p->gaps & (1U << i)) && at < 256)
                        at += (size_t) snprintf(buf + at, 256 - at, "%s%s", at ? ", " : "",
                                                _(readiness_gap_name((enum readiness_gap) i)));
}

static void person_row(const struct report *x, const struct readiness_person *p, struct table *t,
                       bool printing) {
        char badges[24], keys[24], missing[256];
        if (p->gaps == 0 && !x->all)
                return;
        (void) snprintf(badges, sizeof(badges), "%zu", p->n_badges);
        (void) snprintf(keys, sizeof(keys), "%zu", p->n_keys);
        missing_text(p, missing);
        const char *const cells[] = {p->person->user,
                                     p->person->full_name,
                                     badges,
                                     keys,
                                     p->has_recovery ? _("yes") : _("no"),
                                     p->gaps & (1U << GAP_OFFLINE) ? _("no") : _("yes"),
                                     missing};
        if (printing)
                table_print(t, stdout, cells);
        else
                table_measure(t, cells);
}

static bool same_role(const struct readiness_person *a, const struct readiness_person *b) {
        return a->person->role && b->person->role ? strcmp(a->person->role, b->person->role) == 0
                                                  : a->person->role == b->person->role;
}

/* How far the role of the person at `from` goes, and how many of it are ready. */
static size_t role_end(const struct readiness *r, size_t from, size_t *ret_ready) {
        size_t end = from;
        *ret_ready = 0;
        for (; end < r->n && same_role(&r->people[from], &r->people[end]); end++)
                *ret_ready += r->people[end].gaps == 0;
        return end;
}

static size_t print_role(const struct report *x, size_t from) {
        const struct census_person *first = x->r.people[from].person;
        struct table t = {.titles = {_("WHO"), _("NAME"), _("BADGES"), _("KEYS"), _("RECOVERY"),
                                     _("OFFLINE"), _("MISSING")}};
        size_t ready, end = role_end(&x->r, from, &ready);
        if (first->role)
                (void) printf(_("\nRole %s, which wants %s: %zu of %zu are ready\n"), first->role,
                              factors_name(first->needed), ready, end - from);
        else
                (void) printf(_("\nNo role on this station: %zu\n"), end - from);
        if (ready == end - from && !x->all)
                return end;
        table_measure(&t, t.titles);
        for (size_t i = from; i < end; i++)
                person_row(x, &x->r.people[i], &t, false);
        table_print_titles(&t, stdout);
        for (size_t i = from; i < end; i++)
                person_row(x, &x->r.people[i], &t, true);
        return end;
}

static void print_text(const struct report *x) {
        const struct rules *rules = x->census.rules;
        char people[64];
        (void) printf(x->r.ready ? _("Passwords can be switched off today.\n")
                                 : _("Passwords cannot be switched off today.\n"));
        print_pair(stdout, 12, _("Station"), rules && rules->station ? rules->station : "-");
        if (!rules)
                print_pair(stdout, 12, _("Rules"), _("none in force; run: wardtap policy apply"));
        print_pair(stdout, 12, _("Break-glass"), _(break_glass[x->facts.break_glass].text));
        (void) snprintf(people, sizeof(people), _("%zu of %zu are ready"), x->r.n_ready, x->r.n);
        print_pair(stdout, 12, _("People"), people);
        for (size_t i = 0; i < x->r.n;)
                i = print_role(x, i);
}

/* --- JSON */

static struct json_object *person_json_of(const struct readiness_person *p) {
        struct json_object *o = json_new(), *missing = json_new_array();
        json_set_string(o, "user", p->person->user);
        json_set_string(o, "full_name", p->person->full_name);
        json_set_string(o, "role", p->person->role);
        json_set_u64(o, "badges", p->n_badges);
        json_set_u64(o, "keys", p->n_keys);
        json_set_bool(o, "recovery", p->has_recovery);
        json_set_bool(o, "offline", !(p->gaps & (1U << GAP_OFFLINE)));
        for (unsigned i = 0; i < GAP_MAX; i++)
                if (p->gaps & (1U << i))
                        json_append(missing,
                                    json_object_new_string(readiness_gap_name((enum readiness_gap) i)));
        json_set(o, "missing", missing);
        return o;
}

static struct json_object *role_json(const struct report *x, size_t from, size_t *ret_end) {
        struct json_object *o = json_new();
        const struct census_person *first = x->r.people[from].person;
        size_t ready, end = role_end(&x->r, from, &ready);
        json_set_string(o, "role", first->role);
        json_set_string(o, "needed", first->role ? factors_name(first->needed) : NULL);
        json_set_u64(o, "people", end - from);
        json_set_u64(o, "ready", ready);
        *ret_end = end;
        return o;
}

static void print_json(const struct report *x) {
        _cleanup_(json_putp) struct json_object *o = json_new();
        struct json_object *roles = json_new_array(), *people = json_new_array();
        json_set_bool(o, "ready", x->r.ready);
        json_set_bool(o, "rules", x->census.rules);
        json_set_string(o, "break_glass", break_glass[x->facts.break_glass].name);
        for (size_t i = 0; i < x->r.n;)
                json_append(roles, role_json(x, i, &i));
        for (size_t i = 0; i < x->r.n; i++)
                json_append(people, person_json_of(&x->r.people[i]));
        json_set(o, "roles", roles);
        json_set(o, "people", people);
        json_print(stdout, o);
}

int command_readiness(const struct cli_arguments *args) {
        _cleanup_(report_clear) struct report x = {.all = args->option[OPTION_ALL_PEOPLE],
                                                   .json = args->option[OPTION_JSON]};
        int r = admin_need_root(args);
        if (r != CLI_OK || (r = census_take(&x.census)) != CLI_OK)
                return r;
        uint64_t now = now_realtime_usec();
        x.facts = (struct readiness_facts){.break_glass = readiness_break_glass(&x.census, now)};
        if (readiness_judge(&x.census, &x.facts, now, &x.r) < 0)
                return fail(CLI_FAILED, _("There is not enough memory."));
        if (x.json)
                print_json(&x);
        else
                print_text(&x);
        return x.r.ready ? CLI_OK : CLI_FAILED;
}
