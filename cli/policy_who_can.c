/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap policy who-can`: who could approve something at this station, has a role, or would have emergency
 * access. Each is asked of the very decision that the product takes. */
#include <errno.h>
#include <stdio.h>

#include "cli/approve.h"
#include "cli/lists.h"
#include "cli/rules_load.h"
#include "cli/who.h"
#include "common/paths.h"

struct who_can {
        struct admin admin;
        struct store *state; /* NULL: what happened here before is not known */
        struct rules *rules;
        struct tags tags;
        struct policy_clock clock;
        const char *role;  /* of this name; NULL: who approves one of `actions`, */
        unsigned actions;  /* 1U << enum approve_action each; */
        bool emergency;    /* or who has emergency access, */
        struct who opened; /* a witness to which account; its person's id is 0 where there is none */
        const char *service;
        struct list list;
        size_t found, without_key;
};

/* What there is to say of one person. */
struct row {
        const struct rule_role *role; /* NULL: none here and now */
        char what[128];               /* what she approves, or how she would come in; "" for not at all */
        bool has_key;
};

static void who_can_clear(struct who_can *w) {
        who_clear(&w->opened);
        w->state = store_close(w->state);
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
                w->emergency = true;
        else if (rules_find_role(w->rules, what))
                w->role = what;
        else
                return fail(CLI_NOT_FOUND,
                            _("'%s' is neither an action nor a role of these rules. See: "
                              "wardtap policy who-can --help"),
                            what);
        return CLI_OK;
}

/* A person's role does not depend on the service: any for signing in will do, or any at all. */
static const char *any_service(const struct rules *r) {
        for (size_t i = 0; i < r->n_services; i++)
                if (r->services[i].use == USE_SIGN_IN)
                        return r->services[i].name;
        return r->n_services > 0 ? r->services[0].name : NULL;
}

static void add_word(char *buf, size_t size, const char *word) {
        size_t n = strlen(buf);
        (void) snprintf(buf + n, size - n, "%s%s", n > 0 ? " " : "", word);
}

/* --- who approves: as the approval itself asks, but for her key, which is said by itself */

static int has_key_for(struct who_can *w, const struct who *who, const struct rule_role *role, bool *ret) {
        _cleanup_(freep) struct store_key *keys = calloc(STORE_KEYS_MAX, sizeof(*keys));
        size_t n = 0;
        int r = keys ? store_person_keys(w->admin.store, who->person.id, keys, &n) : -ENOMEM;
        *ret = false;
        for (size_t i = 0; r >= 0 && i < n; i++)
                *ret = *ret || approve_key_fits(&keys[i], w->rules->relying_party, role, false);
        return r < 0 ? r : 0;
}

static int see_approver(struct who_can *w, const struct who *who, struct row *ret) {
        static const struct policy_history none;
        struct policy_person with_key = who->asked;
        with_key.has_keys = true;
        for (unsigned a = 0; a < APPROVE_ACTION_MAX; a++) {
                const struct approve_question q = {.rules = w->rules,
                                                   .tags = &w->tags.words,
                                                   .action = (enum approve_action) a,
                                                   .approver = &with_key,
                                                   .history = &none,
                                                   .clock = w->clock};
                const struct rule_role *role;
                uint64_t wait;
                if (!(w->actions & 1U << a) || policy_may_approve(&q, &role, &wait) != REASON_NONE)
                        continue;
                add_word(ret->what, sizeof(ret->what), approve_action_name((enum approve_action) a));
                ret->role = ret->role ? ret->role : role; /* a review may be another role's of hers */
        }
        return ret->what[0] ? has_key_for(w, who, ret->role, &ret->has_key) : 0;
}

/* --- who has a role */

static int see_role(struct who_can *w, const struct who *who, struct row *ret) {
        static const struct policy_evidence none;
        struct policy_decision d;
        who_decide(who, w->rules, &w->tags.words, w->service, &none, &w->clock, &d);
        if (who->person.state != PERSON_ACTIVE || !d.role || strcmp(d.role->name, w->role) != 0)
                return 0;
        ret->role = d.role;
        ret->has_key = who->has_key;
        for (unsigned a = 0; a < APPROVE_ACTION_MAX; a++)
                if (rules_role_approves(d.role, (enum approve_action) a))
                        add_word(ret->what, sizeof(ret->what), approve_action_name((enum approve_action) a));
        return 0;
}

/* --- who has emergency access: as a sign-in would be decided, with everything said and shown */

static int take_history(struct who_can *w, int64_t person, struct policy_history *ret) {
        *ret = (struct policy_history){.unknown = !w->state};
        if (!w->state)
                return 0;
        int r = store_history(w->state, person, ret);
        return r < 0 ? r
                     : store_count_emergencies(w->state, person, w->clock.realtime_usec, &ret->emergencies);
}

static bool is_let_in(const struct who_can *w, const struct who *person, const struct policy_person *witness,
                      const struct policy_history *h, const struct policy_evidence *e,
                      struct policy_decision *ret) {
        const struct policy_question q = {.rules = w->rules,
                                          .service = w->service,
                                          .tags = &w->tags.words,
                                          .person = &person->asked,
                                          .history = h,
                                          .witness = witness,
                                          .evidence = *e,
                                          .clock = w->clock};
        policy_decide(&q, ret);
        return ret->verdict == POLICY_ALLOW && ret->emergency != EMERGENCY_NONE;
}

static int see_emergency(struct who_can *w, const struct who *who, struct row *ret) {
        struct policy_history h;
        struct policy_decision d = {.role = NULL}, as_witness = {.role = NULL};
        bool kit = who->person.kind == PERSON_EMERGENCY;
        const struct policy_evidence own = {.badge = BADGE_NUMBER,
                                            .badge_id = 1, /* any that is hers */
                                            .badge_person = who->person.id,
                                            .key_present = kit && who->has_key,
                                            .key_id = kit && who->has_key,
                                            .emergency = kit ? EMERGENCY_NONE : EMERGENCY_ASKED,
                                            .emergency_reason = true},
                                     seen = {.emergency = EMERGENCY_WITNESS,
                                             .emergency_reason = true,
                                             .witness_verified = true};
        int r = take_history(w, who->person.id, &h);
        if (r < 0)
                return r;
        if (who->has_badge && is_let_in(w, who, NULL, &h, &own, &d))
                add_word(ret->what, sizeof(ret->what), kit ? "kit" : "badge");
        if (!kit && w->opened.person.id != 0 &&
            is_let_in(w, &w->opened, &who->asked, &h, &seen, &as_witness))
                add_word(ret->what, sizeof(ret->what), "witness");
        ret->role = d.role;
        ret->has_key = who->has_key;
        return 0;
}

/* The first account that a witness could open. */
static int find_opened(struct who_can *w) {
        const struct words *accounts = &w->rules->break_glass.accounts;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < accounts->n; i++) {
                struct store_person p;
                r = store_find_person(w->admin.store, accounts->words[i], &p);
                if (r == 0)
                        r = who_load(&w->admin, &p, w->rules->relying_party, &w->opened);
                if (r == 0 && p.state == PERSON_ACTIVE && w->opened.asked.emergency_account &&
                    w->opened.asked.has_account)
                        return 0;
                who_clear(&w->opened);
                r = r == -ENOENT ? 0 : r;
        }
        return r;
}

/* --- rows */

static void add_row(struct who_can *w, const struct who *who, const struct row *row) {
        const char *role = row->role ? row->role->name : NULL;
        const char *const cells[] = {who->person.user, who->person.full_name, role, row->what,
                                     row->has_key ? _("yes") : _("no")};
        if (!w->list.json) {
                list_row(&w->list, cells);
                return;
        }
        _cleanup_(json_putp) struct json_object *o = json_new();
        json_set_string(o, "user", who->person.user);
        json_set_string(o, "full_name", who->person.full_name);
        json_set_string(o, "role", role);
        json_set_string(o, w->emergency ? "by" : "approves", row->what);
        json_set_bool(o, "has_key", row->has_key);
        json_list_print(&w->list.rows, stdout, o);
}

static int see_person(const struct store_person *p, void *data) {
        _cleanup_(who_clear) struct who who = {0};
        struct who_can *w = data;
        struct row row = {.role = NULL};
        int r = who_load(&w->admin, p, w->rules->relying_party, &who);
        if (r >= 0)
                r = w->emergency ? see_emergency(w, &who, &row)
                    : w->role    ? see_role(w, &who, &row)
                                 : see_approver(w, &who, &row);
        if (r < 0 || (w->role ? !row.role : !row.what[0]))
                return r < 0 ? r : 0;
        if (!w->list.printing) {
                w->found++;
                w->without_key += !row.has_key;
        }
        add_row(w, &who, &row);
        return 0;
}

static void tell_of_emergencies(const struct who_can *w) {
        if (!w->rules->break_glass.present)
                (void) printf(
                        _("These rules have no emergency access: write a [BreakGlass] section, see man "
                          "wardtap.conf.\n"));
        else if (!break_glass_is_at(w->rules, &w->tags.words))
                (void) printf(_("These rules have no emergency access at this station.\n"));
        else if (!w->state)
                (void) printf(_("What happened here before can be read by root alone, so nobody is left out "
                                "for it (Uses=, Badge=).\n"));
}

/* Two are needed to recover a person, and nobody approves without a key. */
static void tell_shortage(const struct who_can *w) {
        size_t able = w->found - w->without_key;
        if (w->role || w->list.json)
                return;
        if (w->emergency) {
                tell_of_emergencies(w);
                return;
        }
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
        w->list.table = (struct table){.titles = {_("USER"), _("NAME"), _("ROLE"),
                                                  w->emergency ? _("BY") : _("APPROVES"), _("KEY")}};
        if (w->emergency && (r = find_opened(w)) < 0)
                return admin_store_failed(r);
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
        if (w.emergency)
                (void) store_open_state(PATH_STATE_DB, true, &w.state);
        return run(&w);
}
