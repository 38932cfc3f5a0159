/* SPDX-License-Identifier: Apache-2.0 */
/* The key: one assertion over a fresh challenge, and whether it is one. */
#include "pam_module/auth/attempt.h"

#include "common/bytes.h"
#include "common/socket.h"
#include "pam_module/auth/key_reason.h"
#include "pam_module/auth/relay.h"
#include "pam_module/auth/screen.h"

#include <errno.h>
#include <sys/random.h>

/* A device service that never stops talking is a broken one. */
#define EVENTS_MAX 32U

/* One operation on the key. */
struct talk {
        struct device_operation *op;
        bool pin_asked, pin_awaited;
        uint64_t deadline_usec; /* of what is being waited for */
        uint64_t end_usec;      /* of everything */
        enum reason when_late;
        enum screen_want shown; /* SCREEN_WANT_MAX: nothing yet */
        unsigned events;
};

static void set_deadline(struct talk *t, uint64_t usec, enum reason when_late) {
        uint64_t at = now_monotonic_usec() + usec;
        t->deadline_usec = at < t->end_usec ? at : t->end_usec;
        t->when_late = when_late;
}

static bool is_step_up(const struct attempt *a) {
        const struct rule_service *s = a->decision.service;
        return s && s->use == USE_STEP_UP;
}

static void word(const struct attempt *a, enum screen_want want, char *buf, size_t size) {
        const char *name = a->person.full_name[0] ? a->person.full_name : a->account.full_name;
        if (a->have_witness) {
                screen_witness(a->claimed, a->witness.full_name, want, buf, size);
                return;
        }
        const struct screen_what what = {is_step_up(a), a->start.service, name};
        screen_ask(&what, want, buf, size);
}

/* Says once what the person is to do now. ATTEMPT_KEY: go on. */
static enum attempt_state show(struct attempt *a, struct talk *t, enum screen_want want) {
        char text[WIRE_TEXT_MAX + 1];
        set_deadline(t, ATTEMPT_KEY_USEC, want == SCREEN_PLUG ? REASON_KEY_MISSING : REASON_KEY_NOT_TOUCHED);
        if (t->shown == want)
                return ATTEMPT_KEY;
        t->shown = want;
        word(a, want, text, sizeof(text));
        if (a->offered)
                screen_offer(text, sizeof(text), false);
        if (attempt_show(a, WIRE_INFO, text) < 0)
                return attempt_end(a, REASON_CANCELLED);
        if (want != SCREEN_PLUG)
                closep(&a->listens);
        else if (!a->offered && attempt_may_ask_code(a))
                attempt_listen(a); /* whoever has no key taps once more */
        return ATTEMPT_KEY;
}

/* One PIN per attempt: a key counts every wrong one, and blocks itself. Greeters do not show the text of a
 * prompt, only that something is to be typed; lockers, sudo and polkit do. So a sign-in says first what it
 * is. */
static enum attempt_state ask_pin(struct attempt *a, struct talk *t) {
        char text[WIRE_TEXT_MAX + 1];
        if (t->pin_asked || a->decision.verdict != POLICY_NEED_VERIFY)
                return attempt_end(a, REASON_DEVICE_FAILED);
        t->pin_asked = t->pin_awaited = a->prompted = true;
        set_deadline(t, ATTEMPT_PIN_USEC, REASON_NO_ANSWER);
        if (!is_step_up(a)) {
                word(a, SCREEN_ENTER, text, sizeof(text));
                if (a->offered)
                        screen_offer(text, sizeof(text), true);
                if (attempt_show(a, WIRE_INFO, text) < 0)
                        return attempt_end(a, REASON_CANCELLED);
        }
        word(a, SCREEN_PIN, text, sizeof(text));
        return relay_prompt(a->module, a->version, text) < 0 ? attempt_end(a, REASON_CANCELLED)
                                                             : ATTEMPT_KEY;
}

static enum attempt_state take_answer(struct attempt *a, struct talk *t) {
        _cleanup_(wire_message_erase) struct wire_message m = {.type = WIRE_TYPE_INVALID};
        if (!t->pin_awaited)
                return attempt_end(a, REASON_CANCELLED); /* hung up, or speaks out of turn */
        int r = wire_receive(a->module, &m);
        if (r == -EAGAIN)
                return ATTEMPT_KEY;
        t->pin_awaited = false;
        if (r >= 0 && m.type == WIRE_NO_ANSWER)
                return attempt_end_or_code(a, REASON_NO_ANSWER);
        if (r < 0 || m.type != WIRE_ANSWER)
                return attempt_end(a, REASON_CANCELLED);
        r = device_send_pin(t->op, m.answer);
        if (r < 0)
                return attempt_end(a, r == -EINVAL ? REASON_PIN_FORMAT : REASON_DEVICES_GONE);
        set_deadline(t, ATTEMPT_KEY_USEC, REASON_TIMED_OUT);
        return ATTEMPT_KEY;
}

/* Failures count only when the person's own authenticator answered: nobody else's badge or typing can lock
 * a person out. wardtap-device asks for a PIN, and tells of a wrong PIN or finger, only when the key has
 * said that it holds one of the credentials of our list. That is the key's word and not yet a signature: a
 * device built to lie, or a device process taken over by one, can claim wrong PINs here. It opens nothing;
 * together with the person's badge it makes her wait as long as the rules' throttle lasts, minutes. */
static enum attempt_state fail(struct attempt *a, const struct device_event *e) {
        a->device_reason = e->reason;
        a->device_detail = e->detail;
        a->retries = e->retries;
        if (key_reason_is_own_failure(e->reason)) {
                a->key_answered = true;
                if (a->state) /* denied in any case */
                        (void) store_add_failure(a->state, a->have_witness ? a->witness.id : a->person.id,
                                                 &a->clock);
        }
        if (e->reason == DEVICE_NO_KEY)
                return attempt_end_or_code(a, key_reason(e->reason));
        return attempt_end(a, key_reason(e->reason));
}

static enum attempt_state take_event(struct attempt *a, struct talk *t, const struct device_event *e) {
        if (++t->events > EVENTS_MAX)
                return attempt_end(a, REASON_DEVICE_FAILED);
        switch (e->type) {
        case DEVICE_EVENT_KEY_WANTED:
                return show(a, t, SCREEN_PLUG);
        case DEVICE_EVENT_TOUCH_WANTED:
                return show(a, t, e->verify ? SCREEN_FINGER : SCREEN_TOUCH);
        case DEVICE_EVENT_PIN_WANTED:
                return ask_pin(a, t);
        case DEVICE_EVENT_ASSERTION:
                a->assertion = e->assertion;
                return ATTEMPT_CHECK;
        case DEVICE_EVENT_FAILED:
                return fail(a, e);
        default:
                return attempt_end(a, REASON_DEVICE_FAILED);
        }
}

/* The key is no longer asked. What stands in a prompt of it is not read. */
static enum attempt_state turn_to_emergency(struct attempt *a, const struct talk *t) {
        a->evidence.emergency = EMERGENCY_ASKED;
        a->answer_owed = t->pin_awaited;
        return ATTEMPT_EMERGENCY;
}

/* A second tap is a help, and no more: without wardtapd the key goes on alone. */
static enum attempt_state take_again(struct attempt *a, const struct talk *t) {
        int r = attempt_hear_again(a);
        if (r < 0)
                a->offered = false;
        return r > 0 ? turn_to_emergency(a, t) : ATTEMPT_KEY;
}

static enum attempt_state talk(struct attempt *a, struct talk *t) {
        enum attempt_state next = ATTEMPT_KEY;
        while (next == ATTEMPT_KEY) {
                struct device_event e;
                int r = device_next(t->op, &e);
                if (r < 0)
                        return attempt_end(a, REASON_DEVICES_GONE);
                if (r > 0) {
                        next = take_event(a, t, &e);
                        continue;
                }
                const int second = a->offered ? a->broker : a->listens;
                r = second < 0 ? relay_poll(a->module, device_fd(t->op), t->deadline_usec)
                               : relay_poll_two(a->module, device_fd(t->op), second, t->deadline_usec);
                if (r == RELAY_SECOND && a->offered) {
                        next = take_again(a, t);
                        continue;
                }
                if (r == RELAY_SECOND && attempt_hear_tap(a) == ATTEMPT_HEARD_SAME)
                        return attempt_end_or_code(a, REASON_KEY_MISSING);
                if (r == -ETIMEDOUT && t->when_late == REASON_KEY_MISSING)
                        return attempt_end_or_code(a, REASON_KEY_MISSING);
                if (r < 0)
                        return attempt_end_wait(a, r, t->when_late);
                if (r == RELAY_MODULE)
                        next = take_answer(a, t);
        }
        return next;
}

/* The keys of this person for our relying party. */
static size_t allow_list(const struct attempt *a, struct device_blob *allow) {
        size_t n = 0;
        for (size_t i = 0; i < a->n_keys && n < DEVICE_ALLOW_MAX; i++)
                if (strcmp(a->keys[i].rp_id, a->snapshot->rules->relying_party) == 0)
                        allow[n++] =
                                (struct device_blob){a->keys[i].credential_id, a->keys[i].credential_id_len};
        return n;
}

static int fresh_hash(struct attempt *a, const char *rp_id) {
        uint8_t challenge[FIDO_CHALLENGE_SIZE];
        ssize_t n = getrandom(challenge, sizeof(challenge), 0);
        if (n < 0)
                return -errno;
        if ((size_t) n != sizeof(challenge))
                return -EIO;
        return fido_client_data_hash("webauthn.get", challenge, rp_id, a->client_data_hash);
}

static enum attempt_state ask_key(struct attempt *a) {
        struct device_blob allow[DEVICE_ALLOW_MAX];
        const char *rp_id = a->snapshot->rules->relying_party;
        struct device_assert_request q = {
                .rp_id = rp_id,
                .verify = a->decision.verdict == POLICY_NEED_VERIFY ? DEVICE_VERIFY_YES : DEVICE_VERIFY_NO,
                .allow = allow,
                .n_allow = allow_list(a, allow),
        };
        if (q.n_allow == 0)
                return attempt_end(a, REASON_NO_KEY_ENROLLED);
        if (fresh_hash(a, rp_id) < 0)
                return attempt_end(a, REASON_INTERNAL);
        memcpy(q.client_data_hash, a->client_data_hash, sizeof(q.client_data_hash));
        struct talk t = {.shown = SCREEN_WANT_MAX,
                         .end_usec = now_monotonic_usec() + ATTEMPT_DEVICE_MS * 1000U};
        set_deadline(&t, ATTEMPT_KEY_USEC, REASON_TIMED_OUT);
        a->offered = a->offered && attempt_want_again(a) >= 0;
        int r = device_get_assertion(&q, ATTEMPT_DEVICE_MS, &t.op);
        if (r < 0)
                return attempt_end(a, r == -EINVAL || r == -EMSGSIZE || r == -ENOMEM ? REASON_INTERNAL
                                                                                     : REASON_DEVICES_GONE);
        enum attempt_state next = talk(a, &t);
        closep(&a->listens);
        t.op = device_operation_free(t.op); /* whatever it still does is cancelled */
        return next;
}

enum attempt_state attempt_key(struct attempt *a) {
        return attempt_or_offer(a, ask_key(a));
}

/* The key the answer says it is from, by the very bytes: a public key is never chosen by anything else. */
static const struct store_key *find_key(const struct attempt *a) {
        for (size_t i = 0; i < a->n_keys; i++) {
                const struct store_key *k = &a->keys[i];
                if (k->credential_id_len == a->assertion.credential_id_len && k->credential_id_len > 0 &&
                    memcmp(k->credential_id, a->assertion.credential_id, k->credential_id_len) == 0 &&
                    strcmp(k->rp_id, a->snapshot->rules->relying_party) == 0)
                        return k;
        }
        return NULL;
}

/* What was ended or suspended while she looked for her key and typed its PIN counts too. */
static enum reason look_again(struct attempt *a) {
        struct store_key keys[STORE_KEYS_MAX];
        size_t n = 0;
        if (attempt_look_again(a) < 0 || attempt_load_elevations(a) < 0 ||
            store_person_keys(a->people, a->have_witness ? a->witness.id : a->person.id, keys, &n) < 0)
                return REASON_STORE;
        if (a->have_witness && (a->badge.ended_usec != 0 || a->badge.suspended_usec != 0))
                return a->badge.ended_usec != 0 ? REASON_BADGE_ENDED : REASON_BADGE_SUSPENDED;
        for (size_t i = 0; i < n; i++)
                if (keys[i].id == a->key->id)
                        return keys[i].suspended_usec == 0 ? REASON_NONE : REASON_KEY_SUSPENDED;
        return REASON_KEY_SUSPENDED;
}

enum attempt_state attempt_check(struct attempt *a) {
        const struct device_assertion *s = &a->assertion;
        const struct store_key *k = find_key(a);
        if (!k)
                return attempt_end(a, REASON_KEY_FORGED);
        enum reason reason = fido_check_assertion(
                a->snapshot->rules->relying_party, a->client_data_hash, k->public_key, k->public_key_len,
                s->authdata, s->authdata_len, s->signature, s->signature_len, &a->signed_data);
        if (reason != REASON_NONE)
                return attempt_end(a, reason);
        a->key = k;
        a->key_answered = true;
        reason = look_again(a);
        if (reason != REASON_NONE)
                return attempt_end(a, reason);
        if (a->have_witness) {
                a->evidence.witness_verified = a->signed_data.present && a->signed_data.verified;
                return ATTEMPT_DECIDE;
        }
        a->evidence.key_present = a->signed_data.present;
        a->evidence.key_verified = a->signed_data.verified;
        a->evidence.key_attested = k->attested;
        a->evidence.key_id = k->id;
        hex_encode(k->aaguid, sizeof(k->aaguid), a->evidence.key_aaguid);
        return ATTEMPT_DECIDE;
}
