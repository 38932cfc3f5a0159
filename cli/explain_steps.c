/* SPDX-License-Identifier: Apache-2.0 */
/* Says step by step what led to a decision. */
#include <stdarg.h>
#include <stdio.h>

#include "cli/explain.h"
#include "cli/when.h"

/* The first word of a that b has too; NULL for none. */
static const char *words_common(const struct words *a, const struct words *b) {
        for (size_t i = 0; i < a->n; i++)
                if (words_contain(b, a->words[i]))
                        return a->words[i];
        return NULL;
}

void explain_step(struct explanation *x, const char *format, ...) {
        char text[512];
        va_list ap;
        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        json_append(x->steps, json_object_new_string(text));
}

static void tell_person(struct explanation *x) {
        char from[WHEN_TEXT_MAX], until[WHEN_TEXT_MAX];
        const struct store_person *p = &x->person;
        explain_step(x, _("%s (%s) is enrolled, %s."), p->full_name, p->user,
                     p->state == PERSON_ACTIVE      ? _("and active")
                     : p->state == PERSON_SUSPENDED ? _("but suspended")
                                                    : _("but has ended"));
        if (p->not_before_usec)
                explain_step(x, _("Not before %s."), when_local(p->not_before_usec, from));
        if (p->not_after_usec)
                explain_step(x, _("Not after %s."), when_local(p->not_after_usec, until));
        if (x->asked.leased)
                explain_step(x, _("The account is lent to %s until %s."), x->holder,
                             when_local(x->asked.leased_until_usec, until));
        if (!x->asked.has_account)
                explain_step(x, _("This system has no account '%s'."), p->user);
}

static void tell_place(struct explanation *x) {
        const struct rule_place *place = rules_find_place(x->rules, &x->tags.words);
        char tags[256] = "", at[WHEN_TEXT_MAX];
        size_t used = 0;
        for (size_t i = 0; i < x->tags.words.n && used < sizeof(tags); i++)
                used += (size_t) snprintf(tags + used, sizeof(tags) - used, " %s", x->tags.words.words[i]);
        explain_step(x, _("Station %s, %s%s, at %s."), x->rules->station ? x->rules->station : "-",
                     x->tags.words.n ? _("with the tags") : _("without tags"), tags,
                     when_local(x->question.clock.realtime_usec, at));
        if (place)
                explain_step(x, _("Its place is '%s'."), place->name);
}

/* Why a role that the rules list is or is not the person's. */
static void tell_role(struct explanation *x, const struct rule_role *role) {
        const struct policy_clock *c = &x->question.clock;
        const char *group = words_common(&role->groups, &x->groups);
        bool station = role->stations.n == 0 || words_common(&role->stations, &x->tags.words) ||
                       (x->rules->station && words_contain(&role->stations, x->rules->station));
        if (!group)
                explain_step(x, _("Role '%s' is not it: the person is in none of its groups."), role->name);
        else if (!station)
                explain_step(x, _("Role '%s' is not it: group '%s' fits, but not at this station."),
                             role->name, group);
        else if (!hours_contain(&role->hours, c->weekday, c->minute))
                explain_step(x, _("Role '%s' is not it: group '%s' fits, but not at this hour."), role->name,
                             group);
        else
                explain_step(x, _("Role '%s' by the group '%s'. It wants %s."), role->name, group,
                             factors_name(role->sign_in));
}

static void tell_roles(struct explanation *x, const struct policy_decision *d) {
        char until[WHEN_TEXT_MAX];
        if (d->elevated) {
                explain_step(x, _("Role '%s' for a while, until %s, approved by %s. It wants %s."),
                             d->role->name, when_local(d->until_usec, until), d->approver,
                             factors_name(d->role->sign_in));
                return;
        }
        for (size_t i = 0; i < x->rules->n_roles; i++) {
                tell_role(x, &x->rules->roles[i]);
                if (d->role == &x->rules->roles[i])
                        return;
        }
}

static void tell_service(struct explanation *x, const struct rule_service *s) {
        if (!s) {
                explain_step(x, _("The rules do not name the service '%s'."), x->question.service);
                return;
        }
        explain_step(x,
                     s->use == USE_STEP_UP ? _("Service '%s' is for step-up.")
                                           : _("Service '%s' is for sign-in."),
                     s->name);
        if (s->sign_in)
                explain_step(x, _("It wants %s, whatever the role says."), factors_name(s->sign_in));
}

static void tell_evidence(struct explanation *x, const struct policy_decision *d) {
        const struct policy_evidence *e = &x->question.evidence;
        char at[WHEN_TEXT_MAX];
        if (e->badge == BADGE_NONE && !e->key_present)
                explain_step(x, _("Nothing was shown yet."));
        else
                explain_step(x, _("Shown: %s%s%s%s."), e->badge != BADGE_NONE ? _("a badge") : "",
                             e->badge != BADGE_NONE && e->key_present ? _(" and ") : "",
                             e->key_present ? _("a key") : "",
                             e->key_verified ? _(" with PIN or fingerprint") : "");
        if (!x->history.any_strong)
                explain_step(x, _("No full sign-in on this station is known."));
        else
                explain_step(x, _("Last full sign-in here: %s."), when_local(x->history.strong_usec, at));
        if (d->role && d->role->grace_usec > 0 && e->badge != BADGE_NONE && !e->key_present)
                explain_step(
                        x,
                        x->asked.own_session
                                ? _("The role's grace is %s, and there is a session that it may resume.")
                                : _("The role's grace is %s, but no session of the person waits here, so it "
                                    "is "
                                    "of "
                                    "no use (--session says there is one)."),
                        when_span(d->role->grace_usec, at));
        if (x->history.failures > 0)
                explain_step(x, _("%u failures in a row."), x->history.failures);
}

void explain_tell(struct explanation *x, const struct policy_decision *d) {
        tell_person(x);
        tell_place(x);
        if (d->clock_alert)
                explain_step(x, _("The clock is not synchronised: hours and validity are not judged."));
        tell_roles(x, d);
        tell_service(x, rules_find_service(x->rules, x->question.service));
        tell_evidence(x, d);
}

static bool is_refusal(const struct policy_decision *d) {
        return d->verdict == POLICY_DENY || d->verdict == POLICY_UNAVAIL || d->verdict == POLICY_MAXTRIES;
}

static void answer_json(struct explanation *x, const struct policy_decision *d, const char *sentence) {
        _cleanup_(json_putp) struct json_object *o = json_new();
        const struct rule_place *place = rules_find_place(x->rules, &x->tags.words);
        json_set_string(o, "user", x->person.user);
        json_set_string(o, "service", x->question.service);
        json_set_time(o, "at", x->question.clock.realtime_usec);
        json_set_string(o, "verdict", policy_verdict_name(d->verdict));
        json_set_string(o, "reason", is_refusal(d) ? reason_name(d->reason) : NULL);
        json_set_string(o, "role", d->role ? d->role->name : NULL);
        json_set_string(o, "exception", d->exception ? d->exception->name : NULL);
        json_set_string(o, "place", place ? place->name : NULL);
        json_set_string(o, "needed", factors_name(d->needed));
        json_set_string(o, "proven", factors_name(d->proven));
        json_set_u64(o, "aal", d->aal);
        json_set_bool(o, "grace", d->grace);
        json_set_string(o, "rules", x->rules->hash);
        json_set_string(o, "sentence", sentence);
        json_set(o, "steps", json_object_get(x->steps));
        json_print(stdout, o);
}

static void answer_text(struct explanation *x, const char *sentence) {
        for (size_t i = 0; i < json_object_array_length(x->steps); i++) {
                (void) fputs("- ", stdout);
                print_clean(stdout, json_object_get_string(json_object_array_get_idx(x->steps, i)));
                (void) putchar('\n');
        }
        (void) fputs(_("So: "), stdout);
        print_clean(stdout, sentence);
        (void) putchar('\n');
}

void explain_answer(struct explanation *x, const struct policy_decision *d, bool json) {
        char sentence[512];
        policy_describe(d, sentence, sizeof(sentence));
        if (json)
                answer_json(x, d, sentence);
        else
                answer_text(x, sentence);
}
