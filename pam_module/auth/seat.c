/* SPDX-License-Identifier: Apache-2.0 */
/* Who may ask about a tap at an open session, and the states that only such an attempt has. */
#include "pam_module/auth/seat.h"

#include "common/socket.h"
#include "pam_module/auth/attempt.h"
#include "pam_module/auth/audit.h"
#include "pam_module/auth/relay.h"

#include <errno.h>
#include <pwd.h>

uid_t seat_find_user(void) {
        const struct passwd *pw = getpwnam(SEAT_USER);
        return pw ? pw->pw_uid : 0;
}

enum wire_verdict seat_may(const struct ucred *peer, uid_t wardtapd, const struct wire_start *start,
                           const struct rules *rules) {
        const struct rule_service *s = rules ? rules_find_service(rules, start->service) : NULL;
        if (peer->uid != 0 && peer->uid != wardtapd)
                return WIRE_DENY;
        if (!s || s->use != USE_SIGN_IN)
                return WIRE_UNAVAIL;
        return !start->user[0] == (start->hook == WIRE_SEAT) ? WIRE_ALLOW : WIRE_DENY;
}

/* wardtapd has asked because of a tap. One that is no longer there was another's, or was taken back. */
enum attempt_state attempt_begin_seat(struct attempt *a) {
        _cleanup_(broker_message_clear) struct broker_message m = {.type = BROKER_TYPE_INVALID};
        const struct broker_message want = {.type = BROKER_WANT_TAP};
        int r = broker_send(a->broker, &want);
        if (r >= 0)
                r = attempt_hear(a, BROKER_TAP, now_monotonic_usec() + ATTEMPT_SEAT_USEC, &m);
        return r < 0 ? ATTEMPT_END : attempt_take_tap(a, &m.tap);
}

/* The record is what wardtapd acts on: nothing is parked or ended without one. */
enum attempt_state attempt_tap_out(struct attempt *a) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
        const struct rule_role *role = a->decision.verdict == POLICY_DENY ? NULL : a->decision.role;
        a->reason = REASON_NONE;
        a->verdict = WIRE_ALLOW;
        int e = audit_fill(a, &r);
        if (e >= 0) {
                r.event = RECORD_TAP_OUT;
                e = record_set(&r, RECORD_FIELD_REASON, tap_out_name(role ? role->tap_out : TAP_OUT_LOCK));
        }
        if (e >= 0)
                e = broker_record(a->broker, &r, now_monotonic_usec() + ATTEMPT_RECORD_USEC, NULL);
        if (e < 0)
                (void) attempt_end(a, REASON_RECORD);
        return ATTEMPT_VERDICT;
}

static enum attempt_state answer_recheck(struct attempt *a, enum reason reason) {
        if (reason != REASON_NONE)
                (void) relay_say(a->module, a->version, WIRE_INFO, reason_name(reason));
        (void) relay_verdict(a->module, a->version, reason == REASON_NONE ? WIRE_ALLOW : WIRE_DENY, "", "");
        return ATTEMPT_END;
}

/* A store that does not answer, or rules that are not there, say nothing against anybody. */
enum attempt_state attempt_recheck_failed(struct attempt *a, int error) {
        if (error == -ENOENT)
                return answer_recheck(a, REASON_NOT_ENROLLED);
        (void) relay_verdict(a->module, a->version, WIRE_UNAVAIL, "", "");
        return ATTEMPT_END;
}

enum attempt_state attempt_recheck(struct attempt *a) {
        const struct policy_decision *d = &a->decision;
        if (d->verdict == POLICY_UNAVAIL || (a->account_unsure && d->reason == REASON_NO_ACCOUNT))
                return attempt_recheck_failed(a, -EAGAIN);
        /* That she would need a key to come in takes no right away: a ticket may have let her in. (A key
         * that is ended locks her session by its record.) */
        bool refused = d->verdict == POLICY_DENY && d->reason != REASON_NO_KEY_ENROLLED;
        return answer_recheck(a, refused ? d->reason : REASON_NONE);
}

/* Tapped twice while the own session was on its way: a verdict, so that the tap is not judged again. */
enum attempt_state attempt_none(struct attempt *a) {
        (void) relay_verdict(a->module, a->version, WIRE_DENY, "", "");
        return ATTEMPT_END;
}

/* The tap is given back by hanging up: the attempt at the greeter judges it anew. */
enum attempt_state attempt_elsewhere(struct attempt *a) {
        (void) relay_verdict(a->module, a->version, WIRE_ELSEWHERE, "", "");
        return ATTEMPT_END;
}
