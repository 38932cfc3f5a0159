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
        store_account_clear(&a->witness_account);
        a->people = store_close(a->people);
        a->state = store_close(a->state);
        closep(&a->broker);
        closep(&a->registrar);
        closep(&a->listens);
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
                .registrar = -1,
                .listens = -1,
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
        const struct rule_service *s = attempt_service(a);
        /* sudo is always silent. Whoever is to touch a key for it must read that, and what for. */
        if (a->start.silent && (!s || s->use != USE_STEP_UP))
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

const struct rule_service *attempt_service(const struct attempt *a) {
        const struct rules *rules = a->snapshot->rules;
        return rules ? rules_find_service(rules, a->start.service) : NULL;
}

bool attempt_is_seat(const struct attempt *a) {
        return a->start.hook == WIRE_SEAT;
}

bool attempt_is_recheck(const struct attempt *a) {
        return a->start.hook == WIRE_RECHECK;
}

bool attempt_is_switch(const struct attempt *a) {
        return strcmp(a->start.service, SWITCH_SERVICE) == 0;
}

int attempt_connect(struct attempt *a) {
        const struct rule_service *s = attempt_service(a);
        struct broker_hello hello = {.purpose = attempt_is_seat(a) || attempt_is_recheck(a) ? BROKER_SEAT
                                                : s && s->use == USE_STEP_UP                ? BROKER_STEP_UP
                                                                             : BROKER_SIGN_IN};
        memcpy(hello.attempt, a->id, sizeof(hello.attempt));
        memcpy(hello.service, a->start.service, sizeof(hello.service));
        memcpy(hello.seat, a->start.seat, sizeof(hello.seat));
        /* The terminal is a claim. A program of somebody's session that names one as a sign-in would get the
         * taps of whoever comes to it, or be shown as the prompt it is not. */
        if (hello.purpose != BROKER_SIGN_IN || (a->peer.uid == 0 && !a->in_session))
                memcpy(hello.tty, a->start.tty, sizeof(hello.tty));
        return broker_connect(&hello, &a->broker);
}

static enum attempt_state start(struct attempt *a) {
        int r = attempt_connect(a);
        if (r < 0)
                return attempt_end(a, REASON_TAPS_GONE);
        if (a->setup != REASON_NONE)
                return attempt_end(a, a->setup);
        if (attempt_is_seat(a))
                return attempt_begin_seat(a);
        if (!a->start.user[0])
                return attempt_is_switch(a) ? attempt_end(a, REASON_NOT_SHOWN) : ATTEMPT_DECIDE;
        r = attempt_check_own(a);
        if (r < 0)
                return r == -ECANCELED ? attempt_end(a, REASON_CANCELLED)
                                       : attempt_end(a, r == -EPERM ? REASON_NOT_OWN : REASON_STORE);
        r = store_find_person(a->people, a->start.user, &a->person);
        if (r < 0 && attempt_is_recheck(a))
                return attempt_recheck_failed(a, r);
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
                .person = a->have_witness ? a->witness.id : a->person.id,
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
        bool emergency = a->decision.emergency != EMERGENCY_NONE;
        if (is_something_to_commit(a)) {
                int r = a->state ? store_commit_sign_in(a->state, &in) : -EBUSY;
                if (r == -EKEYREJECTED || (r < 0 && !emergency))
                        return attempt_end(a, r == -EKEYREJECTED ? REASON_KEY_COUNTER : REASON_STORE);
        } else if (in.badge && a->state) {
                /* A review wants to know; a full disk must keep nobody from her patient. */
                (void) store_note_badge(a->state, in.badge, in.clock.realtime_usec);
        }
        if (emergency)
                attempt_store_emergency(a);
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

/* Whoever is in an emergency gets in without one on disk: wardtapd keeps it until it can be written. Others:
 * nobody gets in without a record where the rules demand one, nor without the one who writes them. */
static void judge_record(struct attempt *a, int error) {
        if (a->verdict != WIRE_ALLOW)
                return;
        if (!is_status(error))
                (void) attempt_end(a, REASON_TAPS_GONE);
        else if (error == -EPERM) /* the rules have changed what this service is for, while it waited */
                (void) attempt_end(a, REASON_INTERNAL);
        else if (a->decision.emergency == EMERGENCY_NONE &&
                 (!a->snapshot->rules || a->snapshot->rules->audit_required))
                (void) attempt_end(a, REASON_RECORD);
}

static bool is_lost(int error) {
        return error == -ECONNRESET || error == -EPIPE || error == -ENOTCONN;
}

/* Only of a key whose signature was good: which device that is, is still no more than what wardtap-device
 * says. */
static int say_key(const struct attempt *a) {
        struct broker_message m = {.type = BROKER_KEY_USED};
        _Static_assert(sizeof(m.key_used.device) == sizeof(a->assertion.device), "the same id");
        if (a->verdict != WIRE_ALLOW || !a->key || a->have_witness || !a->assertion.device[0])
                return 0;
        memcpy(m.key_used.device, a->assertion.device, sizeof(m.key_used.device));
        (void) text_copy(m.key_used.name, sizeof(m.key_used.name),
                         a->person.full_name[0] ? a->person.full_name : a->account.full_name);
        return broker_send(a->broker, &m);
}

static int send_once(const struct attempt *a, const struct record *r, uint64_t deadline_usec) {
        int e = say_key(a);
        return e < 0 ? e : broker_record(a->broker, r, deadline_usec, NULL);
}

/* A wardtapd that was killed is back before a person notices. Then a record may stand twice, under two
 * numbers: it is of one attempt. */
static int send_record(struct attempt *a, const struct record *r) {
        bool cancelled = a->reason == REASON_CANCELLED;
        uint64_t deadline = now_monotonic_usec() + (cancelled ? ATTEMPT_CANCEL_USEC : ATTEMPT_RECORD_USEC);
        int e = a->broker < 0 ? -ENOTCONN : send_once(a, r, deadline);
        if (!is_lost(e))
                return e;
        closep(&a->broker);
        e = attempt_connect(a);
        return e < 0 ? e : send_once(a, r, deadline);
}

static enum attempt_state record(struct attempt *a) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
        bool cancelled = a->reason == REASON_CANCELLED;
        enum attempt_state next = cancelled ? ATTEMPT_END : ATTEMPT_SWITCH;
        if (!audit_is_due(a))
                return next;
        int e = audit_fill(a, &r);
        if (e >= 0)
                e = send_record(a, &r);
        if (e < 0)
                judge_record(a, e);
        return next;
}

static void show_refusal(struct attempt *a) {
        char text[WIRE_TEXT_MAX + 1];
        const struct screen_end e = {
                .reason = a->reason,
                .known = a->have_badge || a->have_witness || a->key_answered || !a->start.user[0],
                .retries = a->retries,
                .wait_usec = a->decision.wait_usec,
                .code = a->code,
        };
        screen_refusal(&e, text, sizeof(text));
        (void) attempt_show(a, WIRE_ERROR, text); /* the verdict follows anyway */
}

/* Where nobody was named, one person's refusal is not the end: the module goes on with a new attempt. Only
 * after a tap, so that what cannot judge at all says so and the stack goes on to what the site allows. */
static bool is_for_next(const struct attempt *a) {
        const struct rule_service *s = attempt_service(a);
        return (a->verdict != WIRE_ALLOW || a->switched) && a->version >= 3 && a->have_tap &&
               !a->start.user[0] && !attempt_is_seat(a) && s && s->use == USE_SIGN_IN;
}

/* The application learns the name of who is let in, and of nobody else: LightDM takes a conversation that
 * has a name for that person's session. */
static int say_user(struct attempt *a, enum wire_verdict said) {
        if (said != WIRE_ALLOW || a->start.user[0] || attempt_is_seat(a))
                return 0;
        return relay_user(a->module, a->version, a->person.user);
}

static enum attempt_state verdict(struct attempt *a) {
        if (a->verdict != WIRE_ALLOW)
                show_refusal(a);
        enum wire_verdict said = is_for_next(a) ? WIRE_AGAIN : a->verdict;
        int r = say_user(a, said);
        if (r >= 0)
                r = relay_verdict(a->module, a->version, said, a->id, a->code);
        if (r >= 0 && a->verdict == WIRE_ALLOW && !a->account_cached && !a->granted && a->state)
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
                [ATTEMPT_CODE] = attempt_code,
                [ATTEMPT_TICKET] = attempt_ticket_allows,
                [ATTEMPT_ENROL] = attempt_enrol,
                [ATTEMPT_OFFER] = attempt_offer,
                [ATTEMPT_EMERGENCY] = attempt_emergency,
                [ATTEMPT_COMMIT] = commit,
                [ATTEMPT_RECORD] = record,
                [ATTEMPT_TAP_OUT] = attempt_tap_out,
                [ATTEMPT_ELSEWHERE] = attempt_elsewhere,
                [ATTEMPT_SWITCH] = attempt_switch,
                [ATTEMPT_VERDICT] = verdict,
        };
        enum attempt_state at = ATTEMPT_START;
        for (unsigned n = 0; at != ATTEMPT_END && n < STEPS_MAX; n++)
                at = states[at](a);
}
