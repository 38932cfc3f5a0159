/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap policy who-can`: who could approve something at this station, or has a role, by the rules. */
#include <errno.h>
#include <stdio.h>

#include "cli/lists.h"
#include "cli/rules_load.h"
#include "cli/who.h"
#include "common/paths.h"

struct who_can {
        struct admin admin;
        struct rules *rules;
        struct tags tags;
        struct policy_clock clock;
        const char *role; /* of this name; NULL: who approves one of `actions` */
        unsigned actions; /* 1U << enum approve_action each */
        const char *service;
        struct list list;
        size_t found, without_key;
};

static void who_can_clear(struct who_can *w) {
        admin_close(&w->admin);
        w->rules = rules_free(w->rules);
}

static int understand(struct who_can *w, const char *what) {
        enum approve_action a = approve_action_from_name(what);
        if (a != APPROVE_ACTION_INVALID)
                w->actions = 1U << a;
        else if (strcmp(what, "approve") == 0)
                w->actions = (1U << APPROVE_ACTION_MAX) - 1U;
        else if (strcmp(what, "break-glass") == 0)
                w->actions = 1U << APPROVE_REVIEW_CLINICAL | 1U << APPROVE_REVIEW_SECURITY;
        else
                w->role = what;
        for (size_t i = 0; w->role && i < w->rules->n_roles; i++)
                if (strcmp(w->rules->roles[i].name, what) == 0)
                        return CLI_OK;
        return w->role ? fail(CLI_NOT_FOUND,
                              _("'%s' is neither an action nor a role of these rules. See: "
                                "wardtap policy who-can --help"),
                              what)
                       : CLI_OK;
}

/* A person's role does not depend on the service: any for signing in will do, or any at all. */
static const char *any_service(const struct rules *r) {
        for (size_t i = 0; i < r->n_services; i++)
                if (r->services[i].use == USE_SIGN_IN)
                        return r->services[i].name;
        return r->n_services > 0 ? r->services[0].name : NULL;
}

static void name_actions(unsigned actions, char *buf, size_t size) {
        size_t at = 0;
        buf[0] = 0;
        for (unsigned a = 0; a < APPROVE_ACTION_MAX; a++)
                if (actions & 1U << a && at < size) {
                        int n = snprintf(buf + at, size - at, "%s%s", at ? " " : "",
                                         approve_action_name((enum approve_action) a));
                        at += n > 0 ? (size_t) n : 0;
                }
}

static void add_row(struct who_can *w, const struct who *who, const struct rule_role *role,
                    unsigned actions) {
        char what[128];
        name_actions(actions, what, sizeof(what));
        const char *key = who->has_key ? _("yes") : _("no");
        const char *const cells[] = {who->person.user, who->person.full_name, role->name, what, key};
        if (!w->list.json) {
                list_row(&w->list, cells);
                return;
        }
        _cleanup_(json_putp) struct json_object *o = json_new();
        json_set_string(o, "user", who->person.user);
        json_set_string(o, "full_name", who->person.full_name);
        json_set_string(o, "role", role->name);
        json_set_string(o, "approves", what);
        json_set_bool(o, "has_key", who->has_key);
        json_list_print(&w->list.rows, stdout, o);
}

static int see_person(const struct store_person *p, void *data) {
        _cleanup_(who_clear) struct who who = {0};
        static const struct policy_evidence none;
        struct who_can *w = data;
        struct policy_decision d;
        int r = who_load(&w->admin, p, &who);
        if (r < 0)
                return r;
        who_decide(&who, w->rules, &w->tags.words, w->service, &none, &w->clock, &d);
        if (!d.role || p->state != PERSON_ACTIVE)
                return 0;
        unsigned actions = d.role->approves & (w->role ? ~0U : w->actions);
        if (w->role ? strcmp(d.role->name, w->role) != 0 : actions == 0)
                return 0;
        if (!w->list.printing) {
                w->found++;
                w->without_key += !who.has_key;
        }
        add_row(w, &who, d.role, actions);
        return 0;
}

/* Two are needed to recover a person, and nobody approves without a key. */
static void tell_shortage(const struct who_can *w) {
        size_t able = w->found - w->without_key;
        if (w->role || w->list.json)
                return;
        if (w->without_key > 0)
                (void) printf(_("Without a key nobody can approve: %zu of them have none.\n"),
                              w->without_key);
        if (w->actions == 1U << APPROVE_RECOVER && able < 2)
                (void) printf(_("Two are needed to recover somebody, and at this moment %zu could.\n"),
                              able);
}

static int run(struct who_can *w) {
        int r;
        w->list.admin = &w->admin;
        w->list.table = (struct table){.titles = {_("USER"), _("NAME"), _("ROLE"), _("APPROVES"), _("KEY")}};
        do
                r = store_each_person(w->admin.store, see_person, w);
        while (r >= 0 && list_next_pass(&w->list));
        if (r < 0)
                return admin_store_failed(r);
        tell_shortage(w);
        return CLI_OK;
}

int command_policy_who_can(const struct cli_arguments *args) {
        _cleanup_(who_can_clear) struct who_can w = {.admin.broker = -1,
                                                     .list.json = args->option[OPTION_JSON]};
        int r;
        if ((r = load_rules_named(args->option[OPTION_FILE], &w.rules)) != CLI_OK ||
            (r = understand(&w, cli_word(args, 0))) != CLI_OK ||
            (r = who_clock(args->option[OPTION_AT], &w.clock)) != CLI_OK ||
            (r = admin_open_read(&w.admin)) != CLI_OK)
                return r;
        if (!(w.service = any_service(w.rules)))
                return fail(CLI_FAILED, _("These rules name no service, so nobody has a role."));
        tags_collect(&w.rules->tags, PATH_TAGS_DIR, &w.tags);
        return run(&w);
}
