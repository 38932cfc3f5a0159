/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment at the greeter, with a good ticket: the new key, a PIN for it, a credential, one trial sign-in;
 * then wardtap-registrar writes it all, or nothing. */
#include "pam_module/auth/attempt.h"

#include "common/bytes.h"
#include "common/registrar.h"
#include "common/socket.h"
#include "pam_module/auth/key_reason.h"
#include "pam_module/auth/relay.h"
#include "pam_module/auth/screen.h"

#include <errno.h>
#include <stdio.h>

#define EVENTS_MAX 64U
#define PIN_TRIES 3U
#define PIN_LEAST 4U /* characters (CTAP 2.1, 6.5.1) */

struct enrol {
        struct attempt *a;
        struct device_operation *op;
        struct device_key_info info;
        struct attempt_answer pin;            /* "": not known yet */
        bool pin_new;                         /* the key had none */
        struct store_key own[STORE_KEYS_MAX]; /* that she has already, the suspended ones too */
        size_t n_own;
        bool is_own; /* the one that was plugged in is one of them: there is no new credential */
        struct device_credential made;
        struct fido_credential credential;
        struct device_assertion trial;
        enum screen_want shown;
        unsigned events;
        uint64_t deadline_usec;
        enum reason when_late;
};

static struct enrol *enrol_free(struct enrol *e) {
        if (!e)
                return NULL;
        e->op = device_operation_free(e->op);
        explicit_bzero(e, sizeof(*e));
        free(e);
        return NULL;
}
DEFINE_CLEANUP(struct enrol, enrol_free)

static enum attempt_state say(struct enrol *e, enum screen_want want) {
        char text[WIRE_TEXT_MAX + 1];
        e->deadline_usec = now_monotonic_usec() + ATTEMPT_KEY_USEC;
        e->when_late = want == SCREEN_NEW_KEY ? REASON_KEY_MISSING : REASON_KEY_NOT_TOUCHED;
        if (e->shown == want)
                return ATTEMPT_ENROL;
        e->shown = want;
        screen_enrol(want, e->a->person.full_name, e->info.min_pin_length, text, sizeof(text));
        return attempt_show(e->a, WIRE_INFO, text) < 0 ? attempt_end(e->a, REASON_CANCELLED) : ATTEMPT_ENROL;
}

/* --- the PIN */

static enum attempt_state prompt(struct enrol *e, const char *text, struct attempt_answer *ret) {
        if (relay_prompt(e->a->module, e->a->version, text) < 0)
                return attempt_end(e->a, REASON_CANCELLED);
        enum attempt_state next = attempt_hear_answer(e->a, ret);
        return next == ATTEMPT_CODE ? ATTEMPT_ENROL : next;
}

static bool is_pin(const char *text, unsigned least) {
        size_t n = 0;
        if (!text_is_clean(text, DEVICE_PIN_MAX))
                return false;
        for (const char *c = text; *c; c++)
                if ((*c & 0xc0) != 0x80) /* the first byte of a character */
                        n++;
        return n >= PIN_LEAST && n >= least;
}

static enum attempt_state choose_pin(struct enrol *e) {
        enum attempt_state next = ATTEMPT_ENROL;
        for (unsigned i = 0; i < PIN_TRIES; i++) {
                _cleanup_(attempt_answer_erase) struct attempt_answer first = {0}, second = {0};
                e->shown = SCREEN_WANT_MAX;
                if ((next = say(e, i == 0 ? SCREEN_NEW_PIN : SCREEN_NEW_PIN_ANEW)) != ATTEMPT_ENROL ||
                    (next = prompt(e, "New PIN: ", &first)) != ATTEMPT_ENROL ||
                    (next = prompt(e, "New PIN again: ", &second)) != ATTEMPT_ENROL)
                        return next;
                if (is_pin(first.text, e->info.min_pin_length) && strcmp(first.text, second.text) == 0) {
                        e->pin = first;
                        e->pin_new = true;
                        return ATTEMPT_ENROL;
                }
        }
        return attempt_end(e->a, REASON_PIN_DIFFERENT);
}

/* One PIN for the credential and for the trial, typed once. */
static enum attempt_state give_pin(struct enrol *e) {
        if (!e->pin.text[0]) {
                enum attempt_state next = say(e, SCREEN_ENTER);
                if (next == ATTEMPT_ENROL)
                        next = prompt(e, "PIN: ", &e->pin);
                if (next != ATTEMPT_ENROL)
                        return next;
        }
        e->deadline_usec = now_monotonic_usec() + ATTEMPT_KEY_USEC;
        int r = device_send_pin(e->op, e->pin.text);
        if (r < 0)
                return attempt_end(e->a, r == -EINVAL ? REASON_PIN_FORMAT : REASON_DEVICES_GONE);
        return ATTEMPT_ENROL;
}

/* --- one operation on the key */

/* A ticket that is good for a sign-in too is used for that when no key comes. */
static enum attempt_state late(struct enrol *e, enum reason reason) {
        struct attempt *a = e->a;
        if (reason != REASON_KEY_MISSING || !a->ticket.shown.may_sign_in)
                return attempt_end(a, reason);
        a->ticket.no_key = true;
        return ATTEMPT_DECIDE;
}

static enum attempt_state failed(struct enrol *e, const struct device_event *event) {
        e->is_own = event->reason == DEVICE_EXCLUDED;
        if (e->is_own)
                return ATTEMPT_CHECK; /* in use, or found again: make() goes on with it */
        e->a->device_reason = event->reason;
        e->a->device_detail = event->detail;
        e->a->retries = event->retries;
        return late(e, key_reason(event->reason));
}

static enum attempt_state take_event(struct enrol *e, const struct device_event *event) {
        if (++e->events > EVENTS_MAX)
                return attempt_end(e->a, REASON_DEVICE_FAILED);
        switch (event->type) {
        case DEVICE_EVENT_KEY_WANTED:
                return say(e, SCREEN_NEW_KEY);
        case DEVICE_EVENT_TOUCH_WANTED:
                return say(e, event->verify ? SCREEN_FINGER : SCREEN_TOUCH);
        case DEVICE_EVENT_PIN_WANTED:
                return give_pin(e);
        case DEVICE_EVENT_FAILED:
                return failed(e, event);
        default:
                return attempt_end(e->a, REASON_DEVICE_FAILED);
        }
}

/* Until the operation has this result: ATTEMPT_ENROL and *ret, else how it ended. */
static enum attempt_state follow(struct enrol *e, enum device_event_type wanted, struct device_event *ret) {
        enum attempt_state next = ATTEMPT_ENROL;
        e->deadline_usec = now_monotonic_usec() + ATTEMPT_KEY_USEC;
        e->when_late = REASON_TIMED_OUT;
        while (next == ATTEMPT_ENROL) {
                int r = device_next(e->op, ret);
                if (r > 0 && ret->type == wanted)
                        break;
                if (r > 0) {
                        next = take_event(e, ret);
                        continue;
                }
                r = r < 0 ? r : relay_wait(e->a->module, device_fd(e->op), e->deadline_usec);
                if (r == -ETIMEDOUT)
                        next = late(e, e->when_late);
                else if (r < 0)
                        next = attempt_end(e->a, r == -ECANCELED ? REASON_CANCELLED : REASON_DEVICES_GONE);
        }
        e->op = device_operation_free(e->op);
        return next;
}

static enum attempt_state not_started(struct attempt *a, int error) {
        return attempt_end(a, error == -EINVAL || error == -EMSGSIZE || error == -ENOMEM
                                      ? REASON_INTERNAL
                                      : REASON_DEVICES_GONE);
}

/* --- the steps */

static enum attempt_state look_at_key(struct enrol *e) {
        struct device_event event;
        enum attempt_state next = say(e, SCREEN_NEW_KEY);
        if (next != ATTEMPT_ENROL)
                return next;
        int r = device_key_info(ATTEMPT_DEVICE_MS, &e->op);
        if (r < 0)
                return not_started(e->a, r);
        if ((next = follow(e, DEVICE_EVENT_KEY_INFO, &event)) != ATTEMPT_ENROL)
                return next;
        e->info = event.key_info;
        if (e->info.pin_set || e->info.uv_set)
                return ATTEMPT_ENROL;
        return e->info.pin_able ? choose_pin(e) : attempt_end(e->a, REASON_PIN_NOT_SET);
}

/* The person's UUID as 16 bytes: names nobody, and is the same on every key (WebAuthn 4, user handle). */
static int user_handle(const char *uuid, uint8_t ret[16]) {
        char hex[33];
        size_t n = 0, size;
        for (; *uuid; uuid++) {
                if (*uuid == '-')
                        continue;
                if (n == sizeof(hex) - 1)
                        return -EBADMSG;
                hex[n++] = *uuid;
        }
        hex[n] = 0;
        return hex_decode(hex, ret, 16, &size) < 0 || size != 16 ? -EBADMSG : 0;
}

/* A key that could not sign her in afterwards would use her ticket up for nothing. */
static bool is_allowed_model(const struct enrol *e, const uint8_t model[16]) {
        const struct rule_role *role = e->a->decision.role;
        char aaguid[2 * 16 + 1];
        hex_encode(model, 16, aaguid);
        return !role || role->key_models.n == 0 || words_contain(&role->key_models, aaguid);
}

static enum attempt_state make(struct enrol *e) {
        struct attempt *a = e->a;
        struct device_blob exclude[STORE_KEYS_MAX];
        struct device_event event;
        uint8_t handle[16];
        for (size_t i = 0; i < e->n_own; i++)
                exclude[i] = (struct device_blob){e->own[i].credential_id, e->own[i].credential_id_len};
        struct device_make_request q = {.rp_id = a->snapshot->rules->relying_party,
                                        .rp_name = "Wardtap",
                                        .user_id = handle,
                                        .user_id_len = sizeof(handle),
                                        .user_name = a->person.user,
                                        .user_display_name = a->person.full_name,
                                        .verify = DEVICE_VERIFY_YES,
                                        .set_pin_first = e->pin_new,
                                        .exclude = exclude,
                                        .n_exclude = e->n_own};
        if (user_handle(a->person.uuid, handle) < 0 ||
            fido_client_data_hash("webauthn.create", a->ticket.shown.make, q.rp_id, q.client_data_hash) < 0)
                return attempt_end(a, REASON_INTERNAL);
        int r = device_make_credential(&q, ATTEMPT_DEVICE_MS, &e->op);
        if (r < 0)
                return not_started(a, r);
        enum attempt_state next = follow(e, DEVICE_EVENT_CREDENTIAL, &event);
        if (e->is_own || next != ATTEMPT_ENROL)
                return e->is_own ? ATTEMPT_ENROL : next;
        e->made = event.credential;
        enum reason reason = fido_check_credential(q.rp_id, q.client_data_hash, e->made.format,
                                                   e->made.authdata, e->made.authdata_len, e->made.attstmt,
                                                   e->made.attstmt_len, &e->credential);
        if (reason == REASON_NONE && !is_allowed_model(e, e->credential.aaguid))
                reason = REASON_KEY_UNUSABLE;
        return reason == REASON_NONE ? ATTEMPT_ENROL : attempt_end(a, reason);
}

/* Those of hers that may be in use after this. */
static size_t own_keys(const struct enrol *e, struct device_blob *ret) {
        size_t n = 0;
        for (size_t i = 0; i < e->n_own; i++) {
                const struct store_key *k = &e->own[i];
                if (strcmp(k->rp_id, e->a->snapshot->rules->relying_party) == 0 &&
                    (k->suspended_usec == 0 || store_is_reported(k->suspend_reason)))
                        ret[n++] = (struct device_blob){k->credential_id, k->credential_id_len};
        }
        return n;
}

static enum attempt_state judge_own(struct enrol *e) {
        const struct device_assertion *t = &e->trial;
        for (size_t i = 0; i < e->n_own; i++) {
                const struct store_key *k = &e->own[i];
                if (k->credential_id_len == t->credential_id_len &&
                    memcmp(k->credential_id, t->credential_id, k->credential_id_len) == 0)
                        return is_allowed_model(e, k->aaguid) ? ATTEMPT_ENROL
                                                              : attempt_end(e->a, REASON_KEY_UNUSABLE);
        }
        return attempt_end(e->a, REASON_KEY_FORGED);
}

static enum attempt_state try_it(struct enrol *e) {
        struct attempt *a = e->a;
        struct device_blob allow[STORE_KEYS_MAX] = {
                {e->credential.credential_id, e->credential.credential_id_len}};
        struct device_assert_request q = {.rp_id = a->snapshot->rules->relying_party,
                                          .verify = DEVICE_VERIFY_YES,
                                          .allow = allow,
                                          .n_allow = e->is_own ? own_keys(e, allow) : 1};
        struct device_event event;
        if (q.n_allow == 0)
                return attempt_end(a, REASON_KEY_SUSPENDED);
        if (fido_client_data_hash("webauthn.get", a->ticket.shown.trial, q.rp_id, q.client_data_hash) < 0)
                return attempt_end(a, REASON_INTERNAL);
        e->shown = SCREEN_WANT_MAX;
        enum attempt_state next = say(e, SCREEN_TRIAL);
        if (next != ATTEMPT_ENROL)
                return next;
        int r = device_get_assertion(&q, ATTEMPT_DEVICE_MS, &e->op);
        if (r < 0)
                return not_started(a, r);
        if ((next = follow(e, DEVICE_EVENT_ASSERTION, &event)) != ATTEMPT_ENROL)
                return next;
        e->trial = event.assertion;
        memcpy(a->client_data_hash, q.client_data_hash, sizeof(a->client_data_hash));
        a->assertion = e->trial;
        return e->is_own ? judge_own(e) : ATTEMPT_ENROL;
}

/* --- what is sent */

static void fill(const struct enrol *e, struct registrar_enrol *m) {
        _Static_assert(sizeof(m->authdata) >= sizeof(e->made.authdata), "holds what a key says");
        _Static_assert(sizeof(m->attstmt) >= sizeof(e->made.attstmt), "holds what a key says");
        _Static_assert(sizeof(m->signature) >= sizeof(e->trial.signature), "holds what a key says");
        attempt_fill_badge(e->a, &m->badge);
        m->attested_only = e->a->decision.role && e->a->decision.role->key_attested;
        (void) text_copy(m->label, sizeof(m->label),
                         text_is_clean(e->info.product, sizeof(m->label) - 1) ? e->info.product : "");
        m->own = e->is_own; /* then nothing was made */
        memcpy(m->format, e->made.format, sizeof(m->format));
        memcpy(m->authdata, e->made.authdata, m->authdata_len = e->made.authdata_len);
        memcpy(m->attstmt, e->made.attstmt, m->attstmt_len = e->made.attstmt_len);
        memcpy(m->credential_id, e->trial.credential_id, m->credential_id_len = e->trial.credential_id_len);
        memcpy(m->trial_authdata, e->trial.authdata, m->trial_authdata_len = e->trial.authdata_len);
        memcpy(m->signature, e->trial.signature, m->signature_len = e->trial.signature_len);
}

static enum attempt_state send_it(struct enrol *e) {
        struct registrar_message *m = calloc(1, sizeof(*m));
        if (!m)
                return attempt_end(e->a, REASON_INTERNAL);
        m->type = REGISTRAR_ENROL;
        fill(e, &m->enrol);
        enum attempt_state next = attempt_finish_ticket(e->a, m);
        free(m);
        return next;
}

/* From here on it is a sign-in like any other: by the rows that are in the store now, and by the trial's
 * signature, which is checked again against them. */
static enum attempt_state sign_in(struct attempt *a) {
        bool suspended;
        a->evidence.ticket = a->evidence.ticket_used = false;
        a->evidence.ticket_until_usec = 0;
        if (attempt_find_keys(a, a->person.id, &suspended) < 0)
                return attempt_end(a, REASON_STORE);
        a->policy_person.has_keys = a->n_keys > 0;
        a->policy_person.keys_suspended = suspended;
        a->ticket.enrolled = true;
        enum attempt_state next = attempt_look_up(a);
        return next == ATTEMPT_ACCOUNT ? ATTEMPT_CHECK : next;
}

static enum attempt_state enrol_it(struct attempt *a) {
        _cleanup_(enrol_freep) struct enrol *e = calloc(1, sizeof(*e));
        enum attempt_state next;
        if (!e)
                return attempt_end(a, REASON_INTERNAL);
        e->a = a;
        e->shown = SCREEN_WANT_MAX;
        if (store_person_keys(a->people, a->person.id, e->own, &e->n_own) < 0)
                return attempt_end(a, REASON_STORE);
        if ((next = look_at_key(e)) != ATTEMPT_ENROL || (next = make(e)) != ATTEMPT_ENROL ||
            (next = try_it(e)) != ATTEMPT_ENROL || (next = send_it(e)) != ATTEMPT_DECIDE)
                return next;
        return sign_in(a);
}

enum attempt_state attempt_enrol(struct attempt *a) {
        return attempt_or_offer(a, enrol_it(a));
}
