/* SPDX-License-Identifier: Apache-2.0 */
/* A decision in words, for `wardtap policy explain`. */
#include "policy/rules_internal.h"

#include <stdio.h>
#include <string.h>

#include "policy/decide.h"

static const char *const verdicts[POLICY_VERDICT_MAX] = {
        [POLICY_DENY] = "deny",          [POLICY_UNAVAIL] = "unavailable",
        [POLICY_MAXTRIES] = "max-tries", [POLICY_NEED_BADGE] = "need-badge",
        [POLICY_NEED_KEY] = "need-key",  [POLICY_NEED_VERIFY] = "need-verify",
        [POLICY_ALLOW] = "allow",        [POLICY_NEED_REASON] = "need-reason",
};

const char *policy_verdict_name(enum policy_verdict v) {
        return (unsigned) v < POLICY_VERDICT_MAX ? verdicts[v] : "?";
}

enum policy_verdict policy_verdict_from_name(const char *name) {
        unsigned v = 0;
        while (v < POLICY_VERDICT_MAX && strcmp(verdicts[v], name) != 0)
                v++;
        return (enum policy_verdict) v;
}

static void describe_allow(const struct policy_decision *d, const char *role, char *buf, size_t size) {
        char age[64], lasts[64];
        duration_format(d->grace_age_usec, age, sizeof(age));
        duration_format(d->emergency_usec, lasts, sizeof(lasts));
        if (d->emergency != EMERGENCY_NONE && d->resumes_emergency)
                (void) snprintf(buf, size,
                                "Allowed%s as the emergency that is under way, which proves nothing.", role);
        else if (d->emergency != EMERGENCY_NONE)
                (void) snprintf(
                        buf, size,
                        "Allowed%s as an emergency, which proves nothing: for %s, and it is reviewed.", role,
                        lasts);
        else if (d->lowered)
                (void) snprintf(buf, size,
                                "Allowed%s by a ticket, which stands in for the factors and proves none: "
                                "lowered, until it ends.",
                                role);
        else if (d->grace)
                (void) snprintf(
                        buf, size,
                        "Allowed%s under grace: the badge is enough, as the last full sign-in was %s ago.",
                        role, age);
        else if (d->lent)
                (void) snprintf(buf, size,
                                "Allowed%s by a temporary badge: %s lent it, and it is enough until then.",
                                role, d->lender ? d->lender : "somebody");
        else if (d->exception)
                (void) snprintf(buf, size,
                                "Allowed%s by the exception %s, for which %s answers: %s was enough.", role,
                                d->exception->name, d->exception->owner, factors_name(d->needed));
        else if (d->aal == 0)
                (void) snprintf(buf, size,
                                "Allowed%s: the rules ask for no more than the badge, which proves little.",
                                role);
        else
                (void) snprintf(buf, size, "Allowed%s: %s was proven, which reaches AAL%u.", role,
                                factors_name(d->proven), d->aal);
}

void policy_describe(const struct policy_decision *d, char *buf, size_t size) {
        char role[RULES_NAME_MAX + 256] = "", wait[64];
        if (d->role && d->elevated)
                (void) snprintf(role, sizeof(role), " as %s (which %s approved for a while)", d->role->name,
                                d->approver ? d->approver : "somebody");
        else if (d->role)
                (void) snprintf(role, sizeof(role), " as %s", d->role->name);
        duration_format(d->wait_usec + USEC_PER_SEC - 1, wait, sizeof(wait));
        switch (d->verdict) {
        case POLICY_ALLOW:
                describe_allow(d, role, buf, size);
                return;
        case POLICY_NEED_BADGE:
                (void) snprintf(buf, size, "A badge is needed%s.", role);
                return;
        case POLICY_NEED_KEY:
                (void) snprintf(buf, size, "A touch of the key is needed%s.", role);
                return;
        case POLICY_NEED_VERIFY:
                (void) snprintf(buf, size, "A touch of the key with PIN or fingerprint is needed%s.", role);
                return;
        case POLICY_NEED_REASON:
                (void) snprintf(buf, size, "Emergency access%s, once it is said why.", role);
                return;
        case POLICY_MAXTRIES:
                (void) snprintf(buf, size, "Refused%s for %s: too many failures a short while ago.", role,
                                wait);
                return;
        case POLICY_UNAVAIL:
                (void) snprintf(buf, size, "Not for Wardtap (%s): the PAM stack goes on without it.",
                                reason_name(d->reason));
                return;
        case POLICY_DENY:
        case POLICY_VERDICT_MAX:
                break;
        }
        (void) snprintf(buf, size, "Refused%s (%s): %s", role, reason_name(d->reason),
                        reason_screen(d->reason));
}
