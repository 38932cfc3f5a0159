/* SPDX-License-Identifier: Apache-2.0 */
/* Emergency access: who may have it, and what must be shown and said for it (decide.h, "Emergency"). */
#include "policy/decide_internal.h"

#include "policy/approve.h"

static bool say(struct policy_decision *d, enum policy_verdict verdict, enum reason reason) {
        d->verdict = verdict;
        d->reason = reason;
        return true;
}

static bool deny(struct policy_decision *d, enum reason reason) {
        return say(d, POLICY_DENY, reason);
}

static bool need(struct policy_decision *d, enum policy_verdict verdict) {
        return say(d, verdict, REASON_NONE);
}

/* Nothing that was proven reaches a level: what stands in for it is that it is seen. */
static bool allow(const struct policy_question *q, struct policy_decision *d, enum emergency how) {
        const struct policy_evidence *e = &q->evidence;
        d->emergency = how;
        d->failing =
                rules_failing_checks(q->rules, q->tags, q->passing); /* for the record: it stops nothing */
        d->resumes_emergency = q->person->in_emergency;
        d->emergency_usec = q->rules->break_glass.minutes * UINT64_C(60000000);
        d->proven = (e->badge != BADGE_NONE ? FACTOR_BADGE : 0U) | (e->key_present ? FACTOR_KEY : 0U) |
                    (e->key_verified ? FACTOR_VERIFY : 0U);
        return need(d, POLICY_ALLOW);
}

/* For root's own sign-ins, as taps are. True when the answer is no. */
static bool is_out_of_place(const struct policy_question *q, struct policy_decision *d) {
        if (d->service->use != USE_SIGN_IN || q->caller_uid != 0 || q->in_session)
                return say(d, POLICY_UNAVAIL, REASON_NO_TAPS);
        return break_glass_is_at(q->rules, q->tags) ? false : deny(d, REASON_EMERGENCY_OFF);
}

static bool is_unfit_badge(const struct policy_question *q, struct policy_decision *d) {
        const struct policy_evidence *e = &q->evidence;
        if (e->badge == BADGE_NONE)
                return need(d, POLICY_NEED_BADGE);
        if (e->badge_ended)
                return deny(d, REASON_BADGE_ENDED);
        if (e->badge_suspended)
                return deny(d, REASON_BADGE_SUSPENDED);
        if (e->badge_person != q->person->id)
                return deny(d, REASON_BADGE_OF_ANOTHER);
        uint64_t age;
        if (e->badge_lent && !policy_approval_holds(&e->lend, &q->clock, &age))
                return deny(d, REASON_BADGE_LEND_OVER);
        return e->badge_aside ? deny(d, REASON_BADGE_ASIDE) : false;
}

/* --- with her own badge */

/* The role of now; else the first that is hers at some place or hour. */
static const struct rule_role *some_role(const struct policy_question *q, struct policy_decision *d) {
        enum reason why = REASON_NONE;
        const struct rule_role *role =
                policy_find_role(q->rules, q->tags, &q->person->groups, &q->clock, &why, &d->clock_alert);
        for (size_t i = 0; !role && i < q->rules->n_roles; i++)
                if (words_meet(&q->rules->roles[i].groups, &q->person->groups))
                        role = &q->rules->roles[i];
        return role;
}

static bool is_too_much(const struct policy_question *q, struct policy_decision *d) {
        const struct rule_break_glass *b = &q->rules->break_glass;
        uint64_t age;
        if (q->history->unknown)
                return false;
        if (b->badge == BREAK_GLASS_FRESH && (!decide_strong_age(q, &age) || age > b->recent_strong_usec))
                return deny(d, REASON_EMERGENCY_NOT_FRESH);
        return q->history->emergencies >= b->uses ? deny(d, REASON_EMERGENCY_USED_UP) : false;
}

static bool judge_asked(const struct policy_question *q, struct policy_decision *d) {
        const struct rule_break_glass *b = &q->rules->break_glass;
        if (is_out_of_place(q, d) || is_unfit_badge(q, d))
                return true;
        d->role = some_role(q, d);
        if (b->groups.n > 0 ? !words_meet(&b->groups, &q->person->groups) : !d->role)
                return deny(d, REASON_NO_ROLE);
        if (q->person->in_emergency)
                return allow(q, d, EMERGENCY_ASKED);
        if (is_too_much(q, d))
                return true;
        return q->evidence.emergency_reason ? allow(q, d, EMERGENCY_ASKED) : need(d, POLICY_NEED_REASON);
}

/* --- an emergency account */

static bool judge_kit(const struct policy_question *q, struct policy_decision *d) {
        const struct policy_evidence *e = &q->evidence;
        if (is_unfit_badge(q, d))
                return true;
        if (!q->person->has_keys)
                return deny(d, REASON_NO_KEY_ENROLLED);
        if (!e->key_present)
                return need(d, POLICY_NEED_KEY);
        if (!e->emergency_reason) /* also of whoever comes back: the kit does not say who that is */
                return need(d, POLICY_NEED_REASON);
        return allow(q, d, EMERGENCY_KIT);
}

static bool is_within(const struct policy_person *p, const struct policy_clock *c) {
        return !c->trusted || (c->realtime_usec >= p->not_before_usec &&
                               (p->not_after_usec == 0 || c->realtime_usec < p->not_after_usec));
}

static bool is_witness(const struct policy_question *q, struct policy_decision *d) {
        const struct policy_person *w = q->witness;
        enum reason why = REASON_NONE;
        return w && w->id != 0 && w->id != q->person->id && w->state == PERSON_ACTIVE && w->has_account &&
               !w->emergency_account && !w->agency && w->has_keys && is_within(w, &q->clock) &&
               !q->evidence.witness_is_claimed &&
               policy_find_role(q->rules, q->tags, &w->groups, &q->clock, &why, &d->clock_alert) != NULL;
}

/* Who and why are said first: the witness reads both before she touches her key. */
static bool judge_witness(const struct policy_question *q, struct policy_decision *d) {
        if (q->person->in_emergency)
                return deny(d, REASON_EMERGENCY_IN_USE);
        if (!q->evidence.emergency_reason)
                return need(d, POLICY_NEED_REASON);
        if (!is_witness(q, d))
                return deny(d, REASON_EMERGENCY_WITNESS);
        return q->evidence.witness_verified ? allow(q, d, EMERGENCY_WITNESS) : need(d, POLICY_NEED_VERIFY);
}

static bool judge_account(const struct policy_question *q, struct policy_decision *d) {
        const struct policy_person *p = q->person;
        if (is_out_of_place(q, d))
                return true;
        if (!p->user || !words_contain(&q->rules->break_glass.accounts, p->user))
                return deny(d, REASON_EMERGENCY_OFF);
        if (p->own_session && !p->in_emergency)
                return deny(d, REASON_EMERGENCY_IN_USE);
        if (q->evidence.emergency == EMERGENCY_WITNESS)
                return judge_witness(q, d);
        if (q->evidence.badge == BADGE_NONE && !p->in_emergency && !q->evidence.emergency_reason)
                return need(d, POLICY_NEED_REASON);
        return judge_kit(q, d);
}

bool decide_emergency(const struct policy_question *q, struct policy_decision *d) {
        if (q->person->emergency_account)
                return judge_account(q, d);
        if (q->evidence.emergency == EMERGENCY_NONE)
                return false;
        return q->evidence.emergency == EMERGENCY_ASKED ? judge_asked(q, d) : deny(d, REASON_INTERNAL);
}
