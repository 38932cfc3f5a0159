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
#include "common/bytes.h"
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

/* --- Evidence */

struct find_badge {
        int64_t wanted;
        struct store_badge first, found; /* id 0: none */
};

static int badge_seen(const struct store_badge *b, void *data) {
        struct find_badge *f = data;
        if (b->ended_usec)
                return 0;
        if (!f->first.id || (f->first.suspended_usec && !b->suspended_usec))
                f->first = *b;
        if (b->id == f->wanted)
                f->found = *b;
        return 0;
}

/* The badge of the last full sign-in while it is in use, else the first that is not suspended, else the
 * first. */
static int show_badge(struct explanation *x) {
        struct policy_evidence *e = &x->question.evidence;
        struct find_badge f = {.wanted = x->history.any_strong ? x->history.strong_badge_id : 0};
        int r = store_each_badge(x->admin.store, x->person.id, badge_seen, &f);
        if (r < 0)
                return admin_store_failed(r);
        if (!f.first.id)
                return fail(CLI_NOT_FOUND,
                            _("%s holds no badge that could be shown. Enrol one with: "
                              "wardtap badge enrol %s"),
                            x->person.full_name, x->person.user);
        e->badge = BADGE_NUMBER;
        const struct store_badge *b = f.found.id ? &f.found : &f.first;
        e->badge_id = b->id;
        e->badge_suspended = b->suspended_usec != 0;
        e->badge_person = x->person.id;
        return CLI_OK;
}

static int show_key(struct explanation *x, const struct store_key *keys, size_t n, bool verified) {
        struct policy_evidence *e = &x->question.evidence;
        if (n == 0)
                return fail(CLI_NOT_FOUND,
                            _("%s holds no key that could be shown. Enrol one with: "
                              "wardtap key enrol %s"),
                            x->person.full_name, x->person.user);
        e->key_present = true;
        e->key_verified = e->key_verified || verified;
        e->key_attested = keys[0].attested;
        e->key_id = keys[0].id;
        hex_encode(keys[0].aaguid, sizeof(keys[0].aaguid), e->key_aaguid);
        return CLI_OK;
}

static int show_one(struct explanation *x, const char *what, size_t n, const struct store_key *keys,
                    size_t n_keys) {
        if (n == 5 && strncmp(what, "badge", n) == 0)
                return show_badge(x);
        if (n == 3 && strncmp(what, "key", n) == 0)
                return show_key(x, keys, n_keys, false);
        if (n == 6 && strncmp(what, "verify", n) == 0)
                return show_key(x, keys, n_keys, true);
        return fail(CLI_USAGE, _("--evidence takes badge, key and verify, with commas between, not '%.*s'."),
                    (int) n, what);
}

/* What is suspended is not asked for. */
static size_t usable_keys(struct store_key *keys, size_t n, bool *ret_suspended) {
        size_t kept = 0;
        for (size_t i = 0; i < n; i++)
                if (keys[i].suspended_usec == 0 && kept++ != i)
                        keys[kept - 1] = keys[i];
        *ret_suspended = kept < n;
        return kept;
}

static int load_evidence(struct explanation *x, const char *list) {
        _cleanup_(freep) struct store_key *keys = calloc(STORE_KEYS_MAX, sizeof(*keys));
        size_t n_keys = 0;
        int r = keys ? store_person_keys(x->admin.store, x->person.id, keys, &n_keys) : -ENOMEM;
        if (r < 0)
                return admin_store_failed(r);
        n_keys = usable_keys(keys, n_keys, &x->asked.keys_suspended);
        x->asked.has_keys = n_keys > 0;
        while (list && *list) {
                size_t n = strcspn(list, ",+");
                if ((r = show_one(x, list, n, keys, n_keys)) != CLI_OK)
                        return r;
                list += n + (list[n] != 0);
        }
        return CLI_OK;
}

/* How the station does just now is not asked: the rules are explained, not the station. */
static int suppose_checks(struct explanation *x) {
        for (size_t i = 0; i < x->rules->n_checks; i++) {
                const struct rule_check *c = &x->rules->checks[i];
                if (word_list_add(&x->passing, c->name, strlen(c->name)) < 0)
                        return fail(CLI_FAILED, _("There is not enough memory."));
                explain_step(x, _("The check '%s' is taken to pass; should it fail: %s."), c->name,
                             check_effect_name(c->then));
        }
        x->question.passing = &x->passing;
        return CLI_OK;
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
            (r = load_elevations(x)) != CLI_OK || (r = load_history(x)) != CLI_OK ||
            (r = load_clock(x, args->option[OPTION_AT])) != CLI_OK ||
            (r = load_evidence(x, args->option[OPTION_EVIDENCE])) != CLI_OK ||
            (r = suppose_checks(x)) != CLI_OK)
                return r;
        decide(x, args->option[OPTION_JSON]);
        return CLI_OK;
}
