/* SPDX-License-Identifier: Apache-2.0 */
/* Who may approve what, and how long it holds. */
#include "policy/approve.h"

#include <string.h>

/* A clock that is behind what it has said before cannot say that her time is not over. */
static enum reason judge_approver(const struct policy_person *p, const struct policy_history *h,
                                  const struct policy_clock *c) {
        bool behind = h && c->realtime_usec < (h->strong_usec > h->last_failure_usec ? h->strong_usec
                                                                                     : h->last_failure_usec);
        if (p->state != PERSON_ACTIVE)
                return p->state == PERSON_SUSPENDED ? REASON_PERSON_SUSPENDED : REASON_PERSON_ENDED;
        if (c->realtime_usec < p->not_before_usec)
                return REASON_PERSON_NOT_YET;
        if (p->not_after_usec > 0 && (behind || c->realtime_usec >= p->not_after_usec))
                return REASON_PERSON_EXPIRED;
        if (!p->has_account)
                return REASON_NO_ACCOUNT;
        return p->agency && (!p->leased || c->realtime_usec >= p->leased_until_usec) ? REASON_NOT_LEASED
                                                                                     : REASON_NONE;
}

/* Never for oneself, and each of two once; or oneself alone. */
static enum reason judge_relation(const struct approve_question *q) {
        bool same = q->approver->id == q->subject;
        if (q->action == APPROVE_ACTION_INVALID)
                return same ? REASON_NONE : REASON_KEY_NOT_YOURS;
        if (same)
                return REASON_APPROVER_SAME;
        for (size_t i = 0; i < q->n_others; i++)
                if (q->others[i] == q->approver->id)
                        return REASON_APPROVER_TWICE;
        return REASON_NONE;
}

/* Whoever reviews an emergency need not stand at the station where it was, nor at some hour: any role of her
 * groups will do. */
static enum reason judge_reviewer(const struct approve_question *q, const struct rule_role **ret_role) {
        enum reason why = REASON_NO_ROLE;
        for (size_t i = 0; i < q->rules->n_roles; i++) {
                const struct rule_role *role = &q->rules->roles[i];
                if (!words_meet(&role->groups, &q->approver->groups))
                        continue;
                why = REASON_APPROVER_ROLE;
                if (!rules_role_approves(role, q->action))
                        continue;
                *ret_role = role;
                return REASON_NONE;
        }
        return why;
}

static enum reason judge_right(const struct approve_question *q, const struct rule_role **ret_role) {
        enum reason why = REASON_NO_ROLE;
        bool alert = false;
        if (q->action == APPROVE_ACTION_INVALID)
                return REASON_NONE;
        if (q->approver->emergency_account) /* nobody's account: a kit from the drawer approves nothing */
                return REASON_APPROVER_ROLE;
        if (q->action == APPROVE_REVIEW_CLINICAL || q->action == APPROVE_REVIEW_SECURITY)
                return judge_reviewer(q, ret_role);
        const struct rule_role *role =
                policy_find_role(q->rules, q->tags, &q->approver->groups, &q->clock, &why, &alert);
        if (!role)
                return why;
        *ret_role = role;
        return rules_role_approves(role, q->action) ? REASON_NONE : REASON_APPROVER_ROLE;
}

enum reason policy_may_approve(const struct approve_question *q, const struct rule_role **ret_role,
                               uint64_t *ret_wait_usec) {
        const struct rule_role *role = NULL;
        enum reason r;
        if (!q->rules)
                return REASON_NO_RULES;
        if ((r = judge_relation(q)) != REASON_NONE ||
            (r = judge_approver(q->approver, q->history, &q->clock)) != REASON_NONE ||
            (r = judge_right(q, &role)) != REASON_NONE)
                return r;
        if (!q->approver->has_keys)
                return REASON_NO_KEY_ENROLLED;
        uint64_t wait = policy_throttle(q->rules, q->history, &q->clock);
        if (wait > 0) {
                *ret_wait_usec = wait;
                return REASON_THROTTLED;
        }
        *ret_role = role;
        return REASON_NONE;
}

bool policy_approval_holds(const struct policy_approval *a, const struct policy_clock *now,
                           uint64_t *ret_age_usec) {
        bool same = a->from_boot_id[0] && strcmp(a->from_boot_id, now->boot_id) == 0;
        uint64_t from = same ? a->from_boottime_usec : a->from_usec,
                 at = same ? now->boottime_usec : now->realtime_usec;
        if ((!same && !now->trusted) || a->until_usec <= a->from_usec || at < from ||
            at - from >= a->until_usec - a->from_usec)
                return false;
        *ret_age_usec = at - from;
        return true;
}

bool policy_span_holds(const struct policy_approval *a, const struct policy_clock *now) {
        bool same = a->from_boot_id[0] && strcmp(a->from_boot_id, now->boot_id) == 0;
        if (a->until_usec <= a->from_usec || now->realtime_usec >= a->until_usec)
                return false;
        if (!same)
                return now->realtime_usec >= a->from_usec;
        return now->boottime_usec >= a->from_boottime_usec &&
               now->boottime_usec - a->from_boottime_usec < a->until_usec - a->from_usec;
}

unsigned policy_minutes_left(const struct hours *h, const struct policy_clock *now, unsigned most) {
        for (unsigned n = 1; n < most; n++) {
                unsigned minute = now->minute + n;
                if (!hours_contain(h, now->weekday + minute / 1440U, minute % 1440U))
                        return n;
        }
        return most;
}
