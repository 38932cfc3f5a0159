/* SPDX-License-Identifier: Apache-2.0 */
/* Turns what an attempt knows into its record. */
#include "pam_module/auth/audit.h"

#include "common/socket.h"

#include <inttypes.h>
#include <stdio.h>

bool audit_is_due(const struct attempt *a) {
        if (a->verdict == WIRE_UNAVAIL || a->reason == REASON_CANCELLED)
                return a->have_tap || a->have_person;
        return a->reason != REASON_SCREEN_GONE; /* nobody was judged */
}

static enum record_event event_of(const struct attempt *a) {
        if (a->verdict == WIRE_ALLOW) {
                if (!a->decision.service || a->decision.service->use != USE_SIGN_IN)
                        return RECORD_APPROVE;
                if (a->decision.emergency != EMERGENCY_NONE)
                        return a->decision.resumes_emergency ? RECORD_RESUME : RECORD_BREAK_GLASS_START;
                return a->decision.grace || a->policy_person.own_session ? RECORD_RESUME : RECORD_SIGN_IN;
        }
        if (a->reason == REASON_CANCELLED)
                return RECORD_CANCELLED;
        /* A code that is wrong counts against the reader as the badge does. */
        if (a->reason == REASON_UNKNOWN_BADGE ||
            (a->have_tap && !a->have_badge && a->ticket.asked && !a->ticket.good && a->verdict == WIRE_DENY))
                return RECORD_UNKNOWN_BADGE;
        return a->verdict == WIRE_UNAVAIL ? RECORD_UNAVAILABLE : RECORD_DENIED;
}

/* What was proven. A badge's number is a claim and is not named, whatever the rules accept. */
static const char *proven(const struct attempt *a) {
        static const char *const names[] = {
                [0] = "none",
                [FACTOR_BADGE] = "badge",
                [FACTOR_KEY] = "key",
                [FACTOR_BADGE | FACTOR_KEY] = "badge+key",
                [FACTOR_KEY | FACTOR_VERIFY] = "key+verify",
                [FACTOR_BADGE | FACTOR_KEY | FACTOR_VERIFY] = "badge+key+verify",
        };
        unsigned f = 0;
        if (a->evidence.badge == BADGE_SECRET)
                f |= FACTOR_BADGE;
        if (a->evidence.key_present)
                f |= FACTOR_KEY;
        if (a->evidence.key_present && a->evidence.key_verified)
                f |= FACTOR_VERIFY;
        return names[f];
}

static int fill_attempt(const struct attempt *a, struct record *r) {
        int e;
        if (a->reason != REASON_NONE && (e = record_set(r, RECORD_FIELD_REASON, reason_name(a->reason))) < 0)
                return e;
        if ((e = record_set(r, RECORD_FIELD_ATTEMPT, a->id)) < 0 ||
            (e = record_set(r, RECORD_FIELD_CODE, a->code)) < 0 ||
            (e = record_set(r, RECORD_FIELD_SERVICE, a->start.service)) < 0 ||
            (e = record_set_u64(r, RECORD_FIELD_CALLER_UID, a->peer.uid)) < 0 ||
            (e = record_set_u64(r, RECORD_FIELD_CALLER_PID, (uint64_t) a->peer.pid)) < 0)
                return e;
        /* A user's own program may say it sits anywhere. */
        if ((a->peer.uid == 0 || attempt_is_seat(a)) && a->start.seat[0] &&
            (e = record_set(r, RECORD_FIELD_SEAT, a->start.seat)) < 0)
                return e;
        if (a->snapshot->rules && (e = record_set(r, RECORD_FIELD_POLICY, a->snapshot->rules->hash)) < 0)
                return e;
        uint64_t version;
        if (a->people && store_version(a->people, &version) >= 0)
                return record_set_u64(r, RECORD_FIELD_STORE_VERSION, version);
        return 0;
}

/* While the account is lent out, the person is whoever has it. */
static int fill_lease(const struct attempt *a, struct record *r) {
        int e;
        if (a->lease.id == 0)
                return 0;
        if ((e = record_set(r, RECORD_FIELD_PERSON, a->lease.uuid)) < 0 ||
            (e = record_set(r, RECORD_FIELD_ACCOUNT, a->person.user)) < 0)
                return e;
        return record_set(r, RECORD_FIELD_HOLDER, a->lease.holder);
}

static int fill_person(const struct attempt *a, struct record *r) {
        int e;
        if (!a->have_person)
                return 0;
        if ((e = record_set(r, RECORD_FIELD_PERSON, a->person.uuid)) < 0 ||
            (e = record_set(r, RECORD_FIELD_USER, a->person.user)) < 0 || (e = fill_lease(a, r)) < 0)
                return e;
        if (a->have_account && (e = record_set_u64(r, RECORD_FIELD_UID, a->account.uid)) < 0)
                return e;
        if (a->account_cached && (e = record_set(r, RECORD_FIELD_GROUPS, "cached")) < 0)
                return e;
        if (a->history.any_strong &&
            (e = record_set_u64(r, RECORD_FIELD_LAST_STRONG_USEC, a->history.strong_usec)) < 0)
                return e;
        return a->decision.role ? record_set(r, RECORD_FIELD_ROLE, a->decision.role->name) : 0;
}

static int fill_tap(const struct attempt *a, struct record *r) {
        uint64_t now = now_monotonic_usec();
        int e;
        if (!a->have_tap)
                return 0;
        const char *token = a->have_badge ? a->badge.token : a->tap.token;
        if (token[0] && (e = record_set(r, RECORD_FIELD_BADGE, token)) < 0)
                return e;
        if (a->tap.kind[0] && (e = record_set(r, RECORD_FIELD_BADGE_KIND, a->tap.kind)) < 0)
                return e;
        if ((e = record_set(r, RECORD_FIELD_READER, a->tap.reader)) < 0)
                return e;
        return record_set_u64(r, RECORD_FIELD_TAP_TO_VERDICT_USEC,
                              now > a->tap.seen_usec ? now - a->tap.seen_usec : 0);
}

/* What stood in for the factors, until when, and on whose word; or by what badge and key came to be hers. */
static int fill_ticket(const struct attempt *a, struct record *r) {
        const struct registrar_ticket *t = &a->ticket.shown;
        int e;
        if (!a->ticket.lowered && !a->ticket.enrolled)
                return 0;
        if ((e = record_set(r, RECORD_FIELD_TICKET, t->name)) < 0 ||
            (e = record_set(r, RECORD_FIELD_ISSUER, t->issuer)) < 0 || !a->ticket.lowered)
                return e;
        e = record_set(r, RECORD_FIELD_LOWERED, "ticket");
        return e < 0 ? e : record_set_u64(r, RECORD_FIELD_UNTIL_USEC, t->until_usec);
}

static int fill_proof(const struct attempt *a, struct record *r) {
        char grace[24]; /* how old the full sign-in was */
        int e = record_set(r, RECORD_FIELD_FACTORS, proven(a));
        if (e < 0 || (a->key && (e = record_set(r, RECORD_FIELD_KEY, a->key->token)) < 0))
                return e;
        if (a->verdict != WIRE_ALLOW)
                return 0;
        if ((e = fill_ticket(a, r)) < 0)
                return e;
        if ((e = record_set_u64(r, RECORD_FIELD_AAL, a->decision.aal)) < 0 || !a->decision.grace)
                return e;
        (void) snprintf(grace, sizeof(grace), "%" PRIu64 "s", a->decision.grace_age_usec / 1000000U);
        return record_set(r, RECORD_FIELD_GRACE, grace);
}

/* A role for a while, a temporary badge: by whose key, and until when. */
static int fill_approval(const struct attempt *a, struct record *r) {
        const struct policy_decision *d = &a->decision;
        const char *first = d->elevated ? d->approver : NULL, *second = d->lent ? d->lender : NULL;
        char both[2 * STORE_APPROVER_MAX + 2];
        int e;
        if (a->verdict != WIRE_ALLOW || (!first && !second))
                return 0;
        if (first && second && strcmp(first, second) == 0)
                second = NULL;
        (void) snprintf(both, sizeof(both), "%s%s%s", first ? first : "", first && second ? " " : "",
                        second ? second : "");
        if ((e = record_set(r, RECORD_FIELD_APPROVER, both)) < 0 ||
            (d->lent && (e = record_set(r, RECORD_FIELD_LOWERED, "temporary-badge")) < 0))
                return e;
        return record_set_u64(r, RECORD_FIELD_UNTIL_USEC, d->until_usec);
}

/* Who answers for it that less was shown than the role wants. */
static int fill_exception(const struct attempt *a, struct record *r) {
        const struct rule_exception *x = a->verdict == WIRE_ALLOW ? a->decision.exception : NULL;
        int e;
        if (!x)
                return 0;
        if ((e = record_set(r, RECORD_FIELD_EXCEPTION, x->name)) < 0 ||
            (e = record_set(r, RECORD_FIELD_LOWERED, "exception")) < 0 ||
            (e = record_set(r, RECORD_FIELD_ISSUER, x->owner)) < 0)
                return e;
        return record_set_u64(r, RECORD_FIELD_UNTIL_USEC, x->until_usec);
}

/* The checks that fail, as many whole names as fit. */
static int fill_posture(const struct attempt *a, struct record *r) {
        const struct rules *rules = a->snapshot->rules;
        char text[257] = "";
        size_t at = 0;
        for (size_t i = 0; rules && i < rules->n_checks && i < RULES_CHECKS_MAX; i++) {
                if (!(a->decision.failing & 1U << i))
                        continue;
                int n = snprintf(text + at, sizeof(text) - at, "%s%s", at > 0 ? " " : "",
                                 rules->checks[i].name);
                if (n < 0 || (size_t) n >= sizeof(text) - at) {
                        text[at] = 0;
                        break;
                }
                at += (size_t) n;
        }
        return at > 0 ? record_set(r, RECORD_FIELD_POSTURE, text) : 0;
}

/* For the help desk: what the device said, or that the clock was not believed. */
static int fill_detail(const struct attempt *a, struct record *r) {
        char text[128];
        if (a->device_reason != DEVICE_OK)
                (void) snprintf(text, sizeof(text), "key: %s (%" PRId32 ")",
                                device_reason_name(a->device_reason), a->device_detail);
        else if (a->decision.clock_alert)
                (void) snprintf(text, sizeof(text), "hours not judged: the clock is not trusted");
        else
                return 0;
        return record_set(r, RECORD_FIELD_DETAIL, text);
}

int audit_fill(const struct attempt *a, struct record *ret) {
        _cleanup_(record_clear) struct record r = {
                .event = event_of(a),
                .outcome = a->verdict == WIRE_ALLOW ? RECORD_SUCCESS : RECORD_FAILURE,
        };
        int e;
        if ((e = fill_attempt(a, &r)) < 0 || (e = fill_person(a, &r)) < 0 || (e = fill_tap(a, &r)) < 0 ||
            (e = fill_proof(a, &r)) < 0 || (e = fill_exception(a, &r)) < 0 ||
            (e = fill_approval(a, &r)) < 0 || (e = fill_posture(a, &r)) < 0 ||
            (e = fill_detail(a, &r)) < 0 || (e = attempt_fill_emergency(a, &r)) < 0)
                return e;
        *ret = r;
        r = (struct record){0};
        return 0;
}
