/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine of an attempt: its table, its beginning and its end. */
#include "pam_module/auth/attempt.h"

#include "common/socket.h"
#include "pam_module/auth/audit.h"
#include "pam_module/auth/relay.h"
#include "pam_module/auth/screen.h"

#include <errno.h>

/* Far more than any way through the table has. */
#define STEPS_MAX 64U

struct attempt *attempt_free(struct attempt *a) {
        if (!a)
                return NULL;
        account_stop(&a->account_child);
        store_account_clear(&a->account);
        a->people = store_close(a->people);
        a->state = store_close(a->state);
        closep(&a->broker);
        explicit_bzero(a, sizeof(*a));
        free(a);
        return NULL;
}

int attempt_new(int module, const struct ucred *peer, const struct wire_message *start,
                struct snapshot *snapshot, struct attempt **ret) {
        _cleanup_(attempt_freep) struct attempt *a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        *a = (struct attempt){
                .module = module,
                .peer = *peer,
                .version = start->version,
                .start = start->start,
                .snapshot = snapshot,
                .account_child = ACCOUNT_CHILD_NONE,
                .broker = -1,
                .verdict = WIRE_DENY,
                .reason = REASON_INTERNAL,
                .retries = -1,
        };
        int r = code_new_id(a->id);
        if (r < 0 || (r = code_from_id(a->id, a->code)) < 0)
                return r;
        *ret = TAKE_PTR(a);
        return 0;
}

int attempt_show(struct attempt *a, enum wire_type type, const char *text) {
        if (a->start.silent)
                return 0;
        return relay_say(a->module, a->version, type, text) < 0 ? -ECANCELED : 0;
}

static enum wire_verdict verdict_of(enum reason reason) {
        switch (reason) {
        case REASON_SERVICE_NOT_NAMED:
        case REASON_REMOTE:
        case REASON_NOT_ENROLLED:
        case REASON_NO_READER:
        case REASON_NO_RULES:
        case REASON_TAPS_GONE:
        case REASON_DEVICES_GONE:
        case REASON_BUSY:
        case REASON_NO_TAPS:
                return WIRE_UNAVAIL;
        case REASON_THROTTLED:
                return WIRE_MAXTRIES;
        default:
                return WIRE_DENY;
        }
}

enum attempt_state attempt_end(struct attempt *a, enum reason reason) {
        if (reason <= REASON_NONE || reason >= REASON_MAX)
                reason = REASON_INTERNAL;
        a->reason = reason;
        a->verdict = verdict_of(reason);
        return ATTEMPT_RECORD;
}

enum attempt_state attempt_end_wait(struct attempt *a, int error, enum reason when_late) {
        if (error == -ECANCELED)
                return attempt_end(a, REASON_CANCELLED);
        return attempt_end(a, error == -ETIMEDOUT ? when_late : REASON_INTERNAL);
}

int attempt_connect(struct attempt *a) {
        const struct rules *rules = a->snapshot->rules;
        const struct rule_service *s = rules ? rules_find_service(rules, a->start.service) : NULL;
        enum broker_purpose purpose = s && s->use == USE_STEP_UP ? BROKER_STEP_UP : BROKER_SIGN_IN;
        return broker_connect(purpose, a->id, a->start.service, a->start.seat, &a->broker);
}

static enum attempt_state start(struct attempt *a) {
        int r = attempt_connect(a);
        if (r < 0)
                return attempt_end(a, REASON_TAPS_GONE);
        if (a->setup != REASON_NONE)
                return attempt_end(a, a->setup);
        if (!a->start.user[0])
                return ATTEMPT_DECIDE;
        r = attempt_check_own(a);
        if (r < 0)
                return r == -ECANCELED ? attempt_end(a, REASON_CANCELLED)
                                       : attempt_end(a, r == -EPERM ? REASON_NOT_OWN : REASON_STORE);
        r = store_find_person(a->people, a->start.user, &a->person);
        if (r < 0)
                return attempt_end(a, r == -ENOENT ? REASON_NOT_ENROLLED : REASON_STORE);
        a->have_person = true;
        return ATTEMPT_ACCOUNT;
}

/* A tap under grace that renews nothing leaves nothing to be stored, and must not clear failures. */
static bool is_something_to_commit(const struct attempt *a) {
        return a->decision.strong || a->decision.grace_renew || a->key;
}

static enum attempt_state commit(struct attempt *a) {
        const struct store_sign_in in = {
                .person = a->person.id,
                .strong = a->decision.strong,
                .grace_renew = a->decision.grace_renew,
                .badge = a->have_badge ? a->badge.id : 0,
                .key = a->key ? a->key->id : 0,
                .counter = a->key ? a->signed_data.counter : 0,
                .aal = a->decision.aal,
                .clock = a->clock,
        };
        if (a->decision.verdict != POLICY_ALLOW || !a->have_person || !a->have_account)
                return attempt_end(a, REASON_INTERNAL);
        if (relay_poll(a->module, -1, 0) != -ETIMEDOUT)
                return attempt_end(a, REASON_CANCELLED);
        if (is_something_to_commit(a)) {
                int r = store_commit_sign_in(a->state, &in);
                if (r < 0)
                        return attempt_end(a, r == -EKEYREJECTED ? REASON_KEY_COUNTER : REASON_STORE);
        }
        a->reason = REASON_NONE;
        a->verdict = WIRE_ALLOW;
        return ATTEMPT_RECORD;
}

/* An error that wardtapd itself answered: it is there, but the record is not on disk. */
static bool is_status(int error) {
        switch (error) {
        case -ECONNRESET:
        case -EPIPE:
        case -ETIMEDOUT:
        case -EAGAIN:
        case -ENOTCONN:
        case -EBADMSG:
        case -EPROTONOSUPPORT:
        case -EMSGSIZE:
        case -EBADF:
                return false;
        default:
                return true;
        }
}

/* Nobody gets in without a record where the rules demand one, nor without the one who writes them. */
static void judge_record(struct attempt *a, int error) {
        if (a->verdict != WIRE_ALLOW)
                return;
        if (!is_status(error))
                (void) attempt_end(a, REASON_TAPS_GONE);
        else if (!a->snapshot->rules || a->snapshot->rules->audit_required)
                (void) attempt_end(a, REASON_RECORD);
}

static enum attempt_state record(struct attempt *a) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
        bool cancelled = a->reason == REASON_CANCELLED;
        enum attempt_state next = cancelled ? ATTEMPT_END : ATTEMPT_VERDICT;
        if (!audit_is_due(a))
                return next;
        int e = audit_fill(a, &r);
        if (e >= 0 && a->broker < 0)
                e = -ENOTCONN;
        if (e >= 0)
                e = broker_record(a->broker, &r,
                                  now_monotonic_usec() +
                                          (cancelled ? ATTEMPT_CANCEL_USEC : ATTEMPT_RECORD_USEC),
                                  NULL);
        if (e < 0)
                judge_record(a, e);
        return next;
}

static void show_refusal(struct attempt *a) {
        char text[WIRE_TEXT_MAX + 1];
        const struct screen_end e = {
                .reason = a->reason,
                .known = a->have_badge || a->key_answered || !a->start.user[0],
                .retries = a->retries,
                .wait_usec = a->decision.wait_usec,
                .code = a->code,
        };
        screen_refusal(&e, text, sizeof(text));
        (void) attempt_show(a, WIRE_ERROR, text); /* the verdict follows anyway */
}

static enum attempt_state verdict(struct attempt *a) {
        if (a->verdict != WIRE_ALLOW)
                show_refusal(a);
        int r = relay_verdict(a->module, a->version, a->verdict, a->id, a->code);
        if (r >= 0 && a->verdict == WIRE_ALLOW && !a->account_cached)
                (void) store_save_account(a->state, a->person.user, &a->account); /* or next time */
        return ATTEMPT_END;
}

void attempt_play(struct attempt *a) {
        static enum attempt_state (*const states[])(struct attempt *) = {
                [ATTEMPT_START] = start,
                [ATTEMPT_WAIT_TAP] = attempt_wait_tap,
                [ATTEMPT_LOOK_UP] = attempt_look_up,
                [ATTEMPT_ACCOUNT] = attempt_account,
                [ATTEMPT_DECIDE] = attempt_decide,
                [ATTEMPT_KEY] = attempt_key,
                [ATTEMPT_CHECK] = attempt_check,
                [ATTEMPT_COMMIT] = commit,
                [ATTEMPT_RECORD] = record,
                [ATTEMPT_VERDICT] = verdict,
        };
        enum attempt_state at = ATTEMPT_START;
        for (unsigned n = 0; at != ATTEMPT_END && n < STEPS_MAX; n++)
                at = states[at](a);
}
