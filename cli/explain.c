/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap policy explain`: asks policy_decide() what an attempt would ask, and says step by step what led
 * to the answer. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>

#include "cli/clock.h"
#include "cli/explain.h"
#include "cli/groups.h"
#include "cli/rules_load.h"
#include "cli/when.h"
#include "common/paths.h"
#include "policy/decide.h"
#include "policy/rules.h"

static struct explanation *explanation_free(struct explanation *x) {
        if (!x)
                return NULL;
        admin_close(&x->admin);
        x->rules = rules_free(x->rules);
        word_list_clear(&x->groups);
        word_list_clear(&x->passing);
        word_list_clear(&x->failing);
        json_putp(&x->steps);
        free(x);
        return NULL;
}
DEFINE_CLEANUP(struct explanation, explanation_free)

static int load_lease(struct explanation *x) {
        struct store_lease l;
        if (!x->asked.agency)
                return CLI_OK;
        int r = store_find_lease(x->admin.store, x->person.id, &l);
        if (r < 0 && r != -ENOENT)
                return admin_store_failed(r);
        if (r < 0 || l.ended_usec != 0)
                return CLI_OK;
        x->asked.leased = true;
        x->asked.leased_from_usec = l.added_usec;
        x->asked.leased_until_usec = l.until_usec;
        x->asked.leased_from_boottime_usec = l.added_boottime_usec;
        memcpy(x->asked.leased_from_boot_id, l.added_boot_id, sizeof(x->asked.leased_from_boot_id));
        memcpy(x->holder, l.holder, sizeof(x->holder));
        return CLI_OK;
}

static int load_person(struct explanation *x, const char *user, bool session) {
        struct passwd *pw = getpwnam(user);
        int r;
        if ((r = admin_open_read(&x->admin)) != CLI_OK ||
            (r = admin_find_person(&x->admin, user, &x->person)) != CLI_OK)
                return r;
        if (pw && groups_of(pw, &x->groups) < 0)
                return fail(CLI_FAILED, _("The groups of '%s' cannot be read."), user);
        x->asked = (struct policy_person){.id = x->person.id,
                                          .user = x->person.user,
                                          .state = x->person.state,
                                          .not_before_usec = x->person.not_before_usec,
                                          .not_after_usec = x->person.not_after_usec,
                                          .has_account = pw,
                                          .agency = x->person.kind == PERSON_AGENCY,
                                          .emergency_account = x->person.kind == PERSON_EMERGENCY,
                                          .uid = pw ? pw->pw_uid : 0,
                                          .groups = x->groups,
                                          .own_session = session};
        return load_lease(x);
}

/* Roles that somebody's key gave her for a while, those too that are over now: --at may ask about then. */
static int load_elevations(struct explanation *x) {
        size_t n = 0;
        int r = store_person_elevations(x->admin.store, x->person.id, 0, x->elevations, &n);
        if (r < 0)
                return admin_store_failed(r);
        for (size_t i = 0; i < n; i++)
                x->asked_elevations[i] = (struct policy_elevation){
                        x->elevations[i].role, x->elevations[i].approver, x->elevations[i].approval};
        x->asked.elevations = x->asked_elevations;
        x->asked.n_elevations = n;
        return CLI_OK;
}

static int load_history(struct explanation *x) {
        struct store *state = NULL;
        int r = store_open_state(PATH_STATE_DB, true, &state);
        if (r == -ENOENT)
                return CLI_OK; /* nobody has signed in yet */
        if (r >= 0)
                r = store_history(state, x->person.id, &x->history);
        if (r >= 0)
                r = store_count_emergencies(state, x->person.id, x->question.clock.realtime_usec,
                                            &x->history.emergencies);
        (void) store_close(state);
        if (r < 0)
                explain_step(x, _("What happened before cannot be read (%s), and is taken as nothing."),
                             strerror(-r));
        return CLI_OK;
}

static int load_clock(struct explanation *x, const char *at) {
        struct policy_clock *c = &x->question.clock;
        int r = clock_take(c);
        if (r != CLI_OK || !at)
                return r;
        uint64_t now = c->realtime_usec, boottime = c->boottime_usec;
        if (when_parse(at, false, now, &c->realtime_usec) < 0)
                return fail(CLI_USAGE,
                            _("--at does not understand '%s'. Write a time as 07:30 or "
                              "'2026-11-20 07:30'."),
                            at);
        /* The clock of this boot moves along, so that grace is judged as it would be then. */
        if (c->realtime_usec >= now)
                c->boottime_usec = boottime + (c->realtime_usec - now);
        else
                c->boottime_usec =
                        boottime > now - c->realtime_usec ? boottime - (now - c->realtime_usec) : 0;
        c->trusted = true; /* a time that is asked about is taken as given */
        return policy_clock_set_local(c) < 0 ? fail(CLI_FAILED, _("The local time cannot be told."))
                                             : CLI_OK;
}

static int take_failing(struct explanation *x, const char *list) {
        while (list && *list) {
                size_t n = strcspn(list, ",");
                if (n > 0 && word_list_add(&x->failing, list, n) < 0)
                        return fail(CLI_FAILED, _("There is not enough memory."));
                list += n + (list[n] != 0);
        }
        for (size_t i = 0; i < x->failing.n; i++) {
                size_t k = 0;
                while (k < x->rules->n_checks && strcmp(x->rules->checks[k].name, x->failing.words[i]) != 0)
                        k++;
                if (k == x->rules->n_checks)
                        return fail(CLI_NOT_FOUND,
                                    _("The rules have no check '%s'. See: wardtap policy check"),
                                    x->failing.words[i]);
        }
        return CLI_OK;
}

/* How the station does just now is not asked: the rules are explained, not the station. */
static int suppose_checks(struct explanation *x, const char *failing) {
        int r = take_failing(x, failing);
        for (size_t i = 0; r == CLI_OK && i < x->rules->n_checks; i++) {
                const char *name = x->rules->checks[i].name;
                if (!words_contain(&x->failing, name) && word_list_add(&x->passing, name, strlen(name)) < 0)
                        r = fail(CLI_FAILED, _("There is not enough memory."));
        }
        x->question.passing = &x->passing;
        return r;
}

static void decide(struct explanation *x, bool json) {
        const struct rule_service *service = rules_find_service(x->rules, x->question.service);
        struct policy_decision d;
        tags_collect(&x->rules->tags, PATH_TAGS_DIR, &x->tags);
        x->question.rules = x->rules;
        x->question.tags = &x->tags.words;
        x->question.person = &x->asked;
        x->question.history = &x->history;
        /* sudo and polkit say who; a greeter asks. */
        x->question.user_given = service && service->use == USE_STEP_UP;
        policy_decide(&x->question, &d);
        explain_tell(x, &d);
        explain_answer(x, &d, json);
}

int command_policy_explain(const struct cli_arguments *args) {
        _cleanup_(explanation_freep) struct explanation *x = calloc(1, sizeof(*x));
        int r;
        if (!x)
                return fail(CLI_FAILED, _("There is not enough memory."));
        x->admin.broker = -1;
        x->steps = json_new_array();
        x->question.service = args->option[OPTION_SERVICE];
        if ((r = load_rules_named(args->option[OPTION_FILE], &x->rules)) != CLI_OK ||
            (r = load_person(x, args->option[OPTION_USER], args->option[OPTION_SESSION])) != CLI_OK ||
            (r = load_elevations(x)) != CLI_OK || (r = load_clock(x, args->option[OPTION_AT])) != CLI_OK ||
            (r = load_history(x)) != CLI_OK ||
            (r = explain_load_evidence(x, args->option[OPTION_EVIDENCE])) != CLI_OK ||
            (r = suppose_checks(x, args->option[OPTION_FAILING])) != CLI_OK)
                return r;
        decide(x, args->option[OPTION_JSON]);
        return CLI_OK;
}
