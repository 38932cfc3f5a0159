/* SPDX-License-Identifier: Apache-2.0 */
/* Says step by step what led to a decision. */
#include <stdarg.h>
#include <stdio.h>

#include "cli/explain.h"
#include "cli/when.h"
#include "policy/approve.h"

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

/* One for a while that counts for nothing now. */
static void tell_elevation(struct explanation *x, const struct policy_elevation *e) {
        const uint64_t now = x->question.clock.realtime_usec;
        char at[WHEN_TEXT_MAX];
        uint64_t age;
        if (now >= e->approval.until_usec)
                explain_step(x, _("The role '%s' for a while, approved by %s, is over since %s."), e->role,
                             e->approver, when_local(e->approval.until_usec, at));
        else if (!policy_approval_holds(&e->approval, &x->question.clock, &age))
                explain_step(x, _("The role '%s' for a while, approved by %s, does not count at this time."),
                             e->role, e->approver);
        else
                explain_step(x, _("The role '%s' for a while is not it: not at this station or hour."),
                             e->role);
}

static void tell_roles(struct explanation *x, const struct policy_decision *d) {
        char until[WHEN_TEXT_MAX];
        for (size_t i = 0; !d->elevated && i < x->asked.n_elevations; i++)
                tell_elevation(x, &x->asked.elevations[i]);
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

/* "a, b and c" */
static void tell_shown(struct explanation *x) {
        const struct policy_evidence *e = &x->question.evidence;
        const char *words[3];
        size_t n = 0;
        if (e->badge != BADGE_NONE)
                words[n++] = e->badge_lent    ? _("a temporary badge")
                             : e->badge_aside ? _("the own badge, while there is a temporary one")
                                              : _("a badge");
        if (e->key_present)
                words[n++] = e->key_verified ? _("a key with PIN or fingerprint") : _("a key");
        if (e->ticket)
                words[n++] = _("the code of a ticket");
        if (n == 0)
                explain_step(x, _("Nothing was shown yet."));
        else if (n == 1)
                explain_step(x, _("Shown: %s."), words[0]);
        else if (n == 2)
                explain_step(x, _("Shown: %s and %s."), words[0], words[1]);
        else
                explain_step(x, _("Shown: %s, %s and %s."), words[0], words[1], words[2]);
}

static void tell_badge(struct explanation *x, const struct policy_decision *d) {
        const struct policy_evidence *e = &x->question.evidence;
        char until[WHEN_TEXT_MAX];
        if (e->badge_suspended)
                explain_step(x, _("The badge is suspended: %s."), x->badge.suspend_reason);
        if (e->badge_reported)
                explain_step(x,
                             _("A ticket that was issued after that report lifts it; the owner's key does, "
                               "too: wardtap badge found %s"),
                             x->person.user);
        if (e->badge_lent)
                explain_step(x, _("%s lent the temporary badge until %s."), x->badge.approver,
                             when_local(x->badge.not_after_usec, until));
        if (d->lent)
                explain_step(x, _("It stands in for the key as grace does; the session is lowered, until "
                                  "then."));
}

static void tell_ticket(struct explanation *x, const struct policy_decision *d) {
        char until[WHEN_TEXT_MAX];
        if (!x->question.evidence.ticket)
                return;
        explain_step(x, _("Ticket %s, issued by %s, is good until %s."), x->ticket.name, x->ticket.issuer,
                     when_local(x->ticket.not_after_usec, until));
        if (x->ticket.used_usec)
                explain_step(x, x->asked.own_session
                                        ? _("It has been used, and gives back the session it began.")
                                        : _("It has been used, and no session that it began waits here "
                                            "(--session says there is one)."));
        if (d->lowered)
                explain_step(x,
                             _("It stands in for the factors; the session is lowered, and locked when the "
                               "ticket ends."));
}

static void tell_history(struct explanation *x, const struct policy_decision *d) {
        const struct policy_evidence *e = &x->question.evidence;
        char at[WHEN_TEXT_MAX];
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
                                    "is of no use (--session says there is one)."),
                        when_span(d->role->grace_usec, at));
        if (x->history.failures > 0)
                explain_step(x, _("%u failures in a row."), x->history.failures);
}

/* What an exception of the rules has to do with it. */
static void tell_exceptions(struct explanation *x, const struct policy_decision *d) {
        char at[WHEN_TEXT_MAX];
        for (size_t i = 0; i < x->rules->n_exceptions; i++) {
                const struct rule_exception *e = &x->rules->exceptions[i];
                if (e == d->exception)
                        explain_step(x, _("Exception '%s' lets %s do until %s; %s answers for it: %s."),
                                     e->name, factors_name(e->sign_in), when_local(e->until_usec, at),
                                     e->owner, e->reason);
                else if (x->question.clock.realtime_usec >= e->until_usec)
                        explain_step(x, _("Exception '%s' is over since %s."), e->name,
                                     when_local(e->until_usec, at));
        }
}

static void tell_checks(struct explanation *x, const struct policy_decision *d) {
        for (size_t i = 0; i < x->rules->n_checks; i++) {
                const struct rule_check *c = &x->rules->checks[i];
                if (!words_contain(&x->failing, c->name))
                        explain_step(x, _("The check '%s' is taken to pass; should it fail: %s."), c->name,
                                     check_effect_name(c->then));
                else if (!(d->failing & 1U << i))
                        explain_step(x, _("The check '%s' fails, and does not count here."), c->name);
                else
                        explain_step(
                                x,
                                c->then == CHECK_NO_SIGN_IN
                                        ? _("The check '%s' fails, so that nobody signs in here.")
                                : c->then == CHECK_NO_GRACE
                                        ? _("The check '%s' fails, so that a badge alone is not enough.")
                                        : _("The check '%s' fails, which is recorded and takes nothing "
                                            "away."),
                                c->name);
        }
}

static void tell_emergency(struct explanation *x, const struct policy_decision *d) {
        const struct rule_break_glass *b = &x->rules->break_glass;
        const struct policy_evidence *e = &x->question.evidence;
        char at[WHEN_TEXT_MAX];
        if (e->emergency == EMERGENCY_NONE && !x->asked.emergency_account)
                return;
        if (!b->present) {
                explain_step(x, _("The rules have no [BreakGlass], so there is no emergency access."));
                return;
        }
        if (x->asked.emergency_account)
                explain_step(x, _("The account is for emergencies: a sealed kit or a witness opens it."));
        else
                explain_step(x,
                             _("The badge was tapped twice: an emergency. With the badge alone, %u in the "
                               "last day, of at most %u."),
                             x->history.emergencies, b->uses);
        if (b->badge == BREAK_GLASS_FRESH && !x->asked.emergency_account)
                explain_step(x, _("It takes a full sign-in here within the last %s."),
                             when_span(b->recent_strong_usec, at));
        if (d->emergency != EMERGENCY_NONE)
                explain_step(x,
                             _("No factor, hour, station or check is asked for; it is recorded, alerted and "
                               "reviewed."));
}

void explain_tell(struct explanation *x, const struct policy_decision *d) {
        tell_person(x);
        tell_place(x);
        if (d->clock_alert)
                explain_step(x, _("The clock is not synchronised: hours and validity are not judged."));
        tell_roles(x, d);
        tell_service(x, rules_find_service(x->rules, x->question.service));
        tell_checks(x, d);
        tell_shown(x);
        tell_badge(x, d);
        tell_ticket(x, d);
        tell_history(x, d);
        tell_exceptions(x, d);
        tell_emergency(x, d);
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
        json_set_string(o, "lowered",
                        d->emergency != EMERGENCY_NONE ? "emergency"
                        : d->lowered                   ? "ticket"
                        : d->lent                      ? "temporary-badge"
                        : d->exception                 ? "exception"
                                                       : NULL);
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
