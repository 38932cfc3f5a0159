/* SPDX-License-Identifier: Apache-2.0 */
/* The decision. The order in which things are judged is in decide.h; each step here has its number. */
#include "policy/approve.h"

#include <string.h>

#include "policy/decide_internal.h"

/* One question on its way: what was found out so far. */
struct judgement {
        const struct policy_question *q;
        struct policy_decision *d;
};

/* A step has ended the judgement (true) or not. */
static bool deny(struct judgement *j, enum reason reason) {
        j->d->verdict = POLICY_DENY;
        j->d->reason = reason;
        return true;
}

static bool unavail(struct judgement *j, enum reason reason) {
        j->d->verdict = POLICY_UNAVAIL;
        j->d->reason = reason;
        return true;
}

static bool answer(struct judgement *j, enum policy_verdict verdict) {
        j->d->verdict = verdict;
        j->d->reason = REASON_NONE;
        return true;
}

static bool same_boot(const char *a, const char *b) {
        return *a && strcmp(a, b) == 0;
}

/* 1, 2, 3 */
static bool judge_availability(struct judgement *j) {
        const struct policy_question *q = j->q;
        if (!q->rules)
                return unavail(j, REASON_NO_RULES);
        if (q->remote)
                return unavail(j, REASON_REMOTE);
        j->d->service = q->service ? rules_find_service(q->rules, q->service) : NULL;
        if (!j->d->service)
                return unavail(j, REASON_SERVICE_NOT_NAMED);
        j->d->needed = j->d->service->sign_in;
        return false;
}

/* 4: what no attempt that works would ask. */
static bool judge_sanity(struct judgement *j) {
        const struct policy_question *q = j->q;
        const struct policy_evidence *e = &q->evidence;
        if ((unsigned) e->badge >= BADGE_EVIDENCE_MAX || (unsigned) e->emergency >= EMERGENCY_MAX ||
            (unsigned) j->d->service->use >= SERVICE_USE_MAX || q->clock.weekday > 6 ||
            q->clock.minute >= 24 * 60)
                return deny(j, REASON_INTERNAL);
        if ((e->key_verified || e->key_attested) && !e->key_present)
                return deny(j, REASON_INTERNAL);
        if (e->ticket ? e->ticket_until_usec == 0 : e->ticket_used || e->ticket_until_usec != 0)
                return deny(j, REASON_INTERNAL);
        if (!q->person)
                return e->badge != BADGE_NONE || e->key_present || e->ticket ? deny(j, REASON_INTERNAL)
                                                                             : false;
        if (!q->history || q->person->id == 0 || (unsigned) q->person->state >= PERSON_STATE_MAX)
                return deny(j, REASON_INTERNAL);
        if (e->badge == BADGE_NONE &&
            (e->badge_id != 0 || e->badge_person != 0 || e->badge_ended || e->badge_suspended))
                return deny(j, REASON_INTERNAL);
        if (e->badge_reported && !e->badge_suspended)
                return deny(j, REASON_INTERNAL);
        if (e->badge != BADGE_NONE && (e->badge_id == 0 || e->badge_person == 0))
                return deny(j, REASON_UNKNOWN_BADGE);
        return e->key_present && !q->person->has_keys ? deny(j, REASON_INTERNAL) : false;
}

/* 7b */
static bool judge_emergency(struct judgement *j) {
        return decide_emergency(j->q, j->d);
}

/* A tap is meant for who waits at a greeter, a login prompt or a step-up. A program that a user runs, or
 * that root's rights came to within a login, could wait in the background for everybody's. */
static bool need_badge(struct judgement *j) {
        if (j->q->caller_uid != 0 || (j->q->in_session && j->d->service->use != USE_STEP_UP))
                return unavail(j, REASON_NO_TAPS);
        return answer(j, POLICY_NEED_BADGE);
}

/* 5 */
static bool judge_nobody(struct judgement *j) {
        if (j->q->person)
                return false;
        if (j->q->user_given || j->d->service->use == USE_STEP_UP)
                return unavail(j, REASON_NOT_ENROLLED);
        if (j->q->caller_uid != 0)
                return deny(j, REASON_NOT_OWN);
        return need_badge(j);
}

/* The hour of a lease counts by any clock: what ends leases goes by the same one. */
static bool is_unleased(const struct judgement *j) {
        const struct policy_person *p = j->q->person;
        struct policy_approval span = {.from_usec = p->leased_from_usec,
                                       .from_boottime_usec = p->leased_from_boottime_usec,
                                       .until_usec = p->leased_until_usec};
        memcpy(span.from_boot_id, p->leased_from_boot_id, sizeof(span.from_boot_id));
        return p->agency && (!p->leased || !policy_span_holds(&span, &j->q->clock));
}

/* 6, 7 */
static bool judge_person(struct judgement *j) {
        const struct policy_person *p = j->q->person;
        uint64_t now = j->q->clock.realtime_usec;
        if (j->q->caller_uid != 0 && (!p->has_account || p->uid != j->q->caller_uid))
                return deny(j, REASON_NOT_OWN);
        if (p->state != PERSON_ACTIVE)
                return deny(j, p->state == PERSON_SUSPENDED ? REASON_PERSON_SUSPENDED : REASON_PERSON_ENDED);
        if (p->not_before_usec > 0 || p->not_after_usec > 0) {
                if (!j->q->clock.trusted)
                        j->d->clock_alert = true;
                else if (now < p->not_before_usec)
                        return deny(j, REASON_PERSON_NOT_YET);
                else if (p->not_after_usec > 0 && now >= p->not_after_usec)
                        return deny(j, REASON_PERSON_EXPIRED);
        }
        if (!p->has_account)
                return deny(j, REASON_NO_ACCOUNT);
        return is_unleased(j) ? deny(j, REASON_NOT_LEASED) : false;
}

static bool is_at(const struct words *stations, const struct rules *r, const struct words *tags) {
        return stations->n == 0 || words_meet(stations, tags) ||
               (r->station && words_contain(stations, r->station));
}

/* Here and now; else *why becomes the better word for it. */
static bool role_fits(const struct rule_role *role, const struct rules *r, const struct words *tags,
                      const struct policy_clock *c, enum reason *why, bool *alert) {
        if (!is_at(&role->stations, r, tags)) {
                if (*why == REASON_NO_ROLE)
                        *why = REASON_NOT_THIS_STATION;
                return false;
        }
        if (c->trusted && !hours_contain(&role->hours, c->weekday, c->minute)) {
                *why = REASON_NOT_THIS_HOUR;
                return false;
        }
        if (!c->trusted && role->hours.n > 0)
                *alert = true;
        return true;
}

const struct rule_role *policy_find_role(const struct rules *r, const struct words *tags,
                                         const struct words *groups, const struct policy_clock *clock,
                                         enum reason *ret_why, bool *ret_alert) {
        enum reason why = REASON_NO_ROLE;
        for (size_t i = 0; i < r->n_roles; i++)
                if (words_meet(&r->roles[i].groups, groups) &&
                    role_fits(&r->roles[i], r, tags, clock, &why, ret_alert))
                        return &r->roles[i];
        *ret_why = why;
        return NULL;
}

static void set_until(struct policy_decision *d, uint64_t until_usec) {
        if (d->until_usec == 0 || until_usec < d->until_usec)
                d->until_usec = until_usec;
}

/* One for a while. What does not fit here is no reason to refuse: her own may. */
static const struct rule_role *find_elevated(struct judgement *j) {
        const struct policy_question *q = j->q;
        for (size_t i = 0; i < q->person->n_elevations; i++) {
                const struct policy_elevation *e = &q->person->elevations[i];
                const struct rule_role *role = e->role ? rules_find_role(q->rules, e->role) : NULL;
                enum reason why = REASON_NO_ROLE;
                uint64_t age;
                if (!role || !policy_approval_holds(&e->approval, &q->clock, &age) ||
                    !role_fits(role, q->rules, q->tags, &q->clock, &why, &j->d->clock_alert))
                        continue;
                j->d->elevated = true;
                j->d->approver = e->approver;
                set_until(j->d, e->approval.until_usec);
                return role;
        }
        return NULL;
}

/* Some check fails that forbids this. */
static bool fails(const struct judgement *j, enum check_effect effect) {
        for (size_t i = 0; i < j->q->rules->n_checks && i < RULES_CHECKS_MAX; i++)
                if ((j->d->failing & 1U << i) && j->q->rules->checks[i].then >= effect)
                        return true;
        return false;
}

/* 8 */
static bool judge_role(struct judgement *j) {
        const struct policy_question *q = j->q;
        enum reason why = REASON_NO_ROLE;
        const struct rule_role *role = find_elevated(j);
        if (!role)
                role = policy_find_role(q->rules, q->tags, &q->person->groups, &q->clock, &why,
                                        &j->d->clock_alert);
        if (!role)
                return deny(j, why);
        j->d->role = role;
        if (j->d->needed == 0)
                j->d->needed = role->sign_in;
        return false;
}

/* 8, its end */
static bool judge_posture(struct judgement *j) {
        const struct policy_question *q = j->q;
        j->d->failing = rules_failing_checks(q->rules, q->tags, q->passing);
        return j->d->service->use == USE_SIGN_IN && fails(j, CHECK_NO_SIGN_IN) ? deny(j, REASON_POSTURE)
                                                                               : false;
}

/* 8, its end: what is open here may always come back. */
static bool judge_other_seat(struct judgement *j) {
        const struct policy_person *p = j->q->person;
        return j->q->rules->other_seats == OTHER_SEATS_REFUSE && j->d->service->use == USE_SIGN_IN &&
                               p->other_seat && !p->own_session
                       ? deny(j, REASON_OTHER_SEAT)
                       : false;
}

/* 9, 10 */
static bool judge_badge(struct judgement *j) {
        const struct policy_evidence *e = &j->q->evidence;
        if (e->badge == BADGE_NONE)
                return false;
        bool lifts = e->badge_reported && e->ticket && !e->ticket_used;
        if (e->badge_ended)
                return deny(j, REASON_BADGE_ENDED);
        if (e->badge_suspended && !lifts)
                return deny(j, REASON_BADGE_SUSPENDED);
        if (e->badge_person != j->q->person->id)
                return deny(j, REASON_BADGE_OF_ANOTHER);
        uint64_t age;
        if (e->badge_lent && !policy_approval_holds(&e->lend, &j->q->clock, &age))
                return deny(j, REASON_BADGE_LEND_OVER);
        return e->badge_aside ? deny(j, REASON_BADGE_ASIDE) : false;
}

static uint64_t throttle_delay(const struct rules *r, unsigned failures) {
        if (failures <= r->throttle_free)
                return 0;
        size_t i = failures - r->throttle_free - 1U,
               n = sizeof(r->throttle_usec) / sizeof(r->throttle_usec[0]);
        uint64_t delay = i < r->n_throttle && i < n ? r->throttle_usec[i] : r->throttle_max_usec;
        return delay < r->throttle_max_usec ? delay : r->throttle_max_usec;
}

/* How long ago the last failure was, at least. */
static uint64_t failure_age(const struct policy_history *h, const struct policy_clock *c) {
        if (same_boot(h->last_failure_boot_id, c->boot_id))
                return c->boottime_usec > h->last_failure_boottime_usec
                               ? c->boottime_usec - h->last_failure_boottime_usec
                               : 0;
        uint64_t age = c->trusted && c->realtime_usec > h->last_failure_usec
                               ? c->realtime_usec - h->last_failure_usec
                               : 0;
        return age > c->boottime_usec ? age : c->boottime_usec; /* it was before this boot */
}

uint64_t policy_throttle(const struct rules *r, const struct policy_history *h,
                         const struct policy_clock *clock) {
        uint64_t delay = throttle_delay(r, h->failures);
        uint64_t age = delay > 0 ? failure_age(h, clock) : 0;
        return age < delay ? delay - age : 0;
}

/* 11 */
static bool judge_throttle(struct judgement *j) {
        uint64_t wait = policy_throttle(j->q->rules, j->q->history, &j->q->clock);
        if (wait == 0 || j->q->evidence.ticket)
                return false;
        j->d->wait_usec = wait;
        j->d->verdict = POLICY_MAXTRIES;
        j->d->reason = REASON_THROTTLED;
        return true;
}

/* Of a model that the role allows, and known to be one where the role wants that. */
static bool key_is_usable(const struct judgement *j) {
        const struct words *models = &j->d->role->key_models;
        if (j->d->role->key_attested && !j->q->evidence.key_attested)
                return false;
        return models->n == 0 || words_contain(models, j->q->evidence.key_aaguid);
}

static void weigh_evidence(struct judgement *j) {
        const struct policy_evidence *e = &j->q->evidence;
        if (e->badge != BADGE_NONE && !e->badge_suspended)
                j->d->proven |= FACTOR_BADGE;
        if (!e->key_present || !key_is_usable(j))
                return;
        j->d->proven |= FACTOR_KEY | (e->key_verified ? FACTOR_VERIFY : 0U);
        j->d->aal = !e->key_verified ? 1 : e->key_attested ? 3 : 2;
}

/* 12, 13 */
static bool judge_factors(struct judgement *j) {
        struct policy_decision *d = j->d;
        bool step_up = d->service->use == USE_STEP_UP;
        if ((d->needed & (FACTOR_BADGE | FACTOR_KEY)) == 0)
                return deny(j, REASON_INTERNAL); /* rules that cannot be */
        if (step_up && !(d->needed & FACTOR_KEY))
                return deny(j, REASON_BADGE_ALONE);
        if (d->needed & ~d->proven)
                return false;
        d->strong = !step_up && (d->proven & FACTOR_KEY) && (d->role->sign_in & ~d->proven) == 0;
        return answer(j, POLICY_ALLOW);
}

/* from..now on the clock that can be trusted for it; false when there is none, or `from` lies ahead. */
static bool grace_age(const struct policy_question *q, uint64_t boottime, uint64_t realtime, uint64_t *ret) {
        const struct policy_clock *c = &q->clock;
        bool same = same_boot(q->history->strong_boot_id, c->boot_id);
        uint64_t now = same ? c->boottime_usec : c->realtime_usec, from = same ? boottime : realtime;
        if ((!same && !c->trusted) || from > now)
                return false;
        *ret = now - from;
        return true;
}

bool decide_strong_age(const struct policy_question *q, uint64_t *ret) {
        return q->history->any_strong &&
               grace_age(q, q->history->strong_boottime_usec, q->history->strong_usec, ret);
}

/* Where a badge alone may stand for what is needed, if something else stands for it. */
static bool badge_may_do(const struct judgement *j) {
        const struct policy_question *q = j->q;
        const struct policy_decision *d = j->d;
        return d->service->use == USE_SIGN_IN && d->role->grace_usec > 0 && !fails(j, CHECK_NO_GRACE) &&
               (d->needed & FACTOR_BADGE) && (d->needed & ~d->role->sign_in) == 0 &&
               q->evidence.badge != BADGE_NONE && !q->evidence.badge_suspended &&
               (q->rules->assurance == ASSURANCE_NONE ||
                (q->rules->assurance == ASSURANCE_AAL2 && q->evidence.badge == BADGE_SECRET));
}

/* Where the account is an agency's: whoever has it now had it at that time. */
static bool is_of_holder(const struct judgement *j, uint64_t usec) {
        return !j->q->person->agency || usec >= j->q->person->leased_from_usec;
}

static bool grace_applies(const struct judgement *j) {
        const struct policy_history *h = j->q->history;
        uint8_t least = j->d->needed & FACTOR_VERIFY ? 2 : 1;
        return badge_may_do(j) && j->q->person->own_session && is_of_holder(j, h->strong_usec) &&
               h->any_strong && h->strong_aal >= least && j->q->evidence.badge_id == h->strong_badge_id;
}

/* 14 */
static bool judge_grace(struct judgement *j) {
        const struct policy_history *h = j->q->history;
        const struct rule_role *role = j->d->role;
        bool renewed = role->grace_mode == GRACE_RENEWED;
        uint64_t strong_age, age;
        if (!grace_applies(j) || !grace_age(j->q, h->strong_boottime_usec, h->strong_usec, &strong_age) ||
            strong_age > role->grace_cap_usec)
                return false;
        age = strong_age;
        if (renewed && h->grace_from_usec > 0) {
                if (!grace_age(j->q, h->grace_from_boottime_usec, h->grace_from_usec, &age))
                        return false;
                age = age < strong_age ? age : strong_age;
        }
        if (age > role->grace_usec)
                return false;
        j->d->grace = true;
        j->d->grace_age_usec = strong_age;
        j->d->grace_renew = renewed;
        j->d->aal = 0;
        return answer(j, POLICY_ALLOW);
}

/* 14: on the strength of who lent it. */
static bool judge_lend(struct judgement *j) {
        const struct policy_evidence *e = &j->q->evidence;
        uint64_t age;
        if (!e->badge_lent || !badge_may_do(j) || !is_of_holder(j, e->lend.from_usec) ||
            !policy_approval_holds(&e->lend, &j->q->clock, &age) || age > j->d->role->grace_usec)
                return false;
        j->d->lent = true;
        j->d->lender = e->lender;
        set_until(j->d, e->lend.until_usec);
        j->d->aal = 0;
        return answer(j, POLICY_ALLOW);
}

static bool exception_applies(const struct judgement *j, const struct rule_exception *x) {
        const struct policy_question *q = j->q;
        const struct rule_service *service = j->d->service;
        bool named = words_contain(&x->services, service->name);
        if (!q->clock.trusted || q->clock.realtime_usec >= x->until_usec ||
            !is_at(&x->stations, q->rules, q->tags))
                return false;
        if (service->use == USE_STEP_UP ? !named || !(x->sign_in & FACTOR_KEY) : x->services.n > 0 && !named)
                return false;
        if (q->rules->assurance != ASSURANCE_NONE && !(x->sign_in & FACTOR_VERIFY))
                return false;
        return words_meet(&x->groups, &q->person->groups) ||
               (q->person->user && words_contain(&x->users, q->person->user));
}

/* 14, its end: the factors of the role are not there. */
static bool judge_exception(struct judgement *j) {
        struct policy_decision *d = j->d;
        for (size_t i = 0; i < j->q->rules->n_exceptions; i++) {
                const struct rule_exception *x = &j->q->rules->exceptions[i];
                if (!exception_applies(j, x))
                        continue;
                d->needed = x->sign_in;
                if (d->needed & ~d->proven)
                        return false;
                d->exception = x;
                return answer(j, POLICY_ALLOW);
        }
        return false;
}

/* 14: it stands for the factors, and proves none of them. Its end is judged even by a clock that is not
 * trusted: it was written by the same clock. */
static bool judge_ticket(struct judgement *j) {
        const struct policy_question *q = j->q;
        const struct policy_evidence *e = &q->evidence;
        if (!e->ticket)
                return false;
        if (j->d->service->use != USE_SIGN_IN || q->caller_uid != 0 || q->in_session || !q->rules->tickets ||
            !j->d->role->tickets)
                return deny(j, REASON_TICKET_NOT_HERE);
        if (q->clock.realtime_usec >= e->ticket_until_usec)
                return deny(j, REASON_TICKET_EXPIRED);
        if (e->ticket_used && !q->person->own_session)
                return deny(j, REASON_TICKET_USED);
        if (!q->clock.trusted)
                j->d->clock_alert = true;
        j->d->lowered = true;
        set_until(j->d, e->ticket_until_usec);
        j->d->aal = 0;
        return answer(j, POLICY_ALLOW);
}

/* 15, 16, 17, 18 */
static bool judge_missing(struct judgement *j) {
        const struct policy_evidence *e = &j->q->evidence;
        unsigned missing = j->d->needed & ~j->d->proven;
        if (missing & FACTOR_BADGE)
                return need_badge(j);
        if (!j->q->person->has_keys)
                return deny(j, j->q->person->keys_suspended ? REASON_KEY_SUSPENDED : REASON_NO_KEY_ENROLLED);
        if (e->key_present && !key_is_usable(j))
                return deny(j, REASON_KEY_UNUSABLE);
        return answer(j, j->d->needed & FACTOR_VERIFY ? POLICY_NEED_VERIFY : POLICY_NEED_KEY);
}

void policy_decide(const struct policy_question *q, struct policy_decision *ret) {
        static bool (*const before[])(struct judgement *) = {
                judge_availability, judge_sanity,  judge_nobody,     judge_person, judge_emergency,
                judge_role,         judge_posture, judge_other_seat, judge_badge,  judge_throttle,
        };
        *ret = (struct policy_decision){.verdict = POLICY_DENY, .reason = REASON_INTERNAL};
        struct judgement j = {q, ret};
        for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
                if (before[i](&j))
                        return;
        weigh_evidence(&j);
        (void) (judge_factors(&j) || judge_grace(&j) || judge_lend(&j) || judge_exception(&j) ||
                judge_ticket(&j) || judge_missing(&j));
}
