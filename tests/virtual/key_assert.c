/* SPDX-License-Identifier: Apache-2.0 */
/* authenticatorGetAssertion and GetNextAssertion (CTAP 2.1, 6.2 and 6.3), with the lies they can tell. */
#include "tests/virtual/key_core.h"

#define NEXT_WINDOW_MS 30000U

/* Is the credential to be seen with what is known of who asks (credProtect, 12.1)? */
static bool is_visible(const struct key_request *q, const struct key_credential *c) {
        if (q->verified)
                return true;
        return q->list_given ? c->protection < 3 : c->protection < 2;
}

/* Those that apply; the newest first. With a list one is enough. */
static size_t locate(const struct key *k, const struct key_request *q, size_t ret[KEY_LIST_MAX]) {
        uint8_t hash[32];
        size_t n = 0;
        crypto_sha256(q->rp_id, strlen(q->rp_id), hash);
        for (size_t i = k->state.n; i-- > 0 && n < KEY_LIST_MAX;) {
                const struct key_credential *c = &k->state.credentials[i];
                if (memcmp(c->rp_hash, hash, sizeof(hash)) == 0 && is_visible(q, c) &&
                    (q->list_given ? request_lists(q, c) : c->resident))
                        ret[n++] = i;
        }
        return q->list_given && n > 1 ? 1 : n;
}

/* Any credential but this one; a new one when there is no other. */
static bool another(const struct key *k, const struct key_credential *c, struct key_credential *ret) {
        for (size_t i = 0; i < k->state.n; i++)
                if (memcmp(k->state.credentials[i].id, c->id, KEY_ID_SIZE) != 0) {
                        *ret = k->state.credentials[i];
                        return true;
                }
        *ret = (struct key_credential){.alg = COSE_ALG_ES256, .protection = 1};
        crypto_random(ret->id, sizeof(ret->id));
        return crypto_generate(ret->alg, &ret->pair);
}

/* What is named and what signs, after the fault has had its say. */
static bool choose(const struct key *k, const struct key_credential *c, struct key_credential *ret) {
        struct key_credential other;
        *ret = *c;
        switch (k->config.fault) {
        case KEY_FAULT_WRONG_CREDENTIAL_ID:
                crypto_random(ret->id, sizeof(ret->id));
                return true;
        case KEY_FAULT_OTHER_CREDENTIAL:
                return another(k, c, ret);
        case KEY_FAULT_OTHER_KEY:
                if (!another(k, c, &other))
                        return false;
                ret->alg = other.alg;
                ret->pair = other.pair;
                return true;
        default:
                return true;
        }
}

static uint32_t count(struct key *k) {
        k->state.counter++;
        if (k->config.fault == KEY_FAULT_COUNTER_ZERO)
                return 0;
        return k->config.fault == KEY_FAULT_COUNTER_BACK ? 1 : k->state.counter;
}

static void put_assertion(struct writer *w, const struct key_credential *c, struct bytes authdata,
                          struct bytes signature, size_t total) {
        put_map(w, 3 + (size_t) c->resident + (total > 1));
        put_int(w, 1);
        put_map(w, 2);
        put_text(w, "id");
        put_bytes(w, c->id, sizeof(c->id));
        put_text(w, "type");
        put_text(w, "public-key");
        put_int(w, 2);
        put_bytes(w, authdata.p, authdata.n);
        put_int(w, 3);
        put_bytes(w, signature.p, signature.n);
        if (c->resident) {
                put_int(w, 4);
                put_map(w, 1);
                put_text(w, "id");
                put_bytes(w, c->user_id, c->user_id_n);
        }
        if (total > 1) {
                put_int(w, 5);
                put_int(w, (int64_t) total);
        }
}

static void answer_with(struct key *k, const struct key_request *q, size_t index, size_t total) {
        uint8_t authdata[64], signature[80], out[512];
        struct writer a = {.p = authdata, .size = sizeof(authdata)}, w = {.p = out, .size = sizeof(out)};
        struct key_credential c;
        size_t n;
        authdata_write(k, &a, q, count(k), NULL);
        if (state_save(&k->state) < 0 || !choose(k, &k->state.credentials[index], &c) ||
            !sign_over(k, (struct bytes){authdata, a.n}, q, &c.pair, c.alg, signature, &n)) {
                op_fail(k, CTAP_OTHER);
                return;
        }
        put_assertion(&w, &c, (struct bytes){authdata, a.n}, (struct bytes){signature, n}, total);
        op_done(k, &w);
}

static void assertion_touched(struct key *k) {
        struct key_request *q = &k->op.request;
        struct key_next *next = &k->next;
        q->present = q->up;
        next->n = locate(k, q, next->credentials);
        if (next->n == 0) {
                op_fail(k, CTAP_NO_CREDENTIALS);
                return;
        }
        next->request = *q;
        next->at = 1;
        next->until_ms = k->now_ms + NEXT_WINDOW_MS;
        answer_with(k, q, next->credentials[0], next->n);
}

void ctap2_get_next_assertion(struct key *k) {
        struct key_next *next = &k->next;
        if (next->at >= next->n || k->now_ms >= next->until_ms)
                op_fail(k, CTAP_NOT_ALLOWED);
        else
                answer_with(k, &next->request, next->credentials[next->at++], /* total= */ 1);
}

static void assertion_checked(struct key *k) {
        const struct key_request *q = &k->op.request;
        size_t found[KEY_LIST_MAX];
        if (locate(k, q, found) == 0)
                op_fail(k, CTAP_NO_CREDENTIALS);
        else if (!q->up || q->present)
                assertion_touched(k);
        else
                op_touch(k, CTAP_OPERATION_DENIED, assertion_touched);
}

static void assertion_finger(struct key *k) {
        enum ctap_status s = uv_check(k);
        if (s != CTAP_OK) {
                op_fail(k, s == CTAP_OTHER    ? s
                           : k->state.pin_set ? CTAP_PUAT_REQUIRED
                                              : CTAP_OPERATION_DENIED);
                return;
        }
        k->op.request.verified = k->op.request.present = true;
        assertion_checked(k);
}

void ctap2_get_assertion(struct key *k, struct bytes parameters) {
        struct key_request *q = &k->op.request;
        enum ctap_status s = request_read(parameters, /* make= */ false, q);
        key_note(k, "getAssertion", s == CTAP_OK && !q->up ? "up=false" : NULL);
        if (s == CTAP_OK && request_is_selection(q)) {
                op_touch(k, CTAP_USER_ACTION_TIMEOUT, selection_touched);
                return;
        }
        if (s == CTAP_OK && q->rk_given)
                s = CTAP_UNSUPPORTED_OPTION;
        if (s == CTAP_OK)
                s = request_authorize(k, q, PERMISSION_GA);
        if (s != CTAP_OK)
                op_fail(k, s);
        else if (q->uv)
                op_touch(k, CTAP_USER_ACTION_TIMEOUT, assertion_finger);
        else
                assertion_checked(k);
}
