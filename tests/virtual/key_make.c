/* SPDX-License-Identifier: Apache-2.0 */
/* authenticatorMakeCredential (CTAP 2.1, 6.1), and the authenticator data and signatures it shares with
 * getAssertion. */
#include "tests/virtual/key_core.h"

#define SIGNATURE_MAX 80U

void authdata_write(struct key *k, struct writer *w, const struct key_request *q, uint32_t counter,
                    const struct key_credential *attested) {
        const char *rp = k->config.fault == KEY_FAULT_WRONG_RP ? "elsewhere.example" : q->rp_id;
        uint8_t hash[32], public_key[64], flags = 0;
        crypto_sha256(rp, strlen(rp), hash);
        writer_bytes(w, hash, sizeof(hash));
        if (q->present && k->config.fault != KEY_FAULT_UP_CLEAR)
                flags |= AUTHDATA_UP;
        if (q->verified && k->config.fault != KEY_FAULT_UV_CLEAR)
                flags |= AUTHDATA_UV;
        if (attested)
                flags |= AUTHDATA_AT;
        if (attested && q->protection)
                flags |= AUTHDATA_ED;
        writer_u8(w, flags);
        writer_u32(w, counter);
        if (!attested)
                return;
        writer_bytes(w, key_aaguid, sizeof(key_aaguid));
        writer_blob(w, attested->id, sizeof(attested->id));
        if (!crypto_public(&attested->pair, attested->alg, public_key))
                abort();
        put_cose(w, public_key, attested->alg);
        if (!q->protection)
                return;
        put_map(w, 1);
        put_text(w, "credProtect");
        put_int(w, q->protection);
}

bool sign_over(struct key *k, struct bytes authdata, const struct key_request *q,
               const struct key_pair *pair, int alg, uint8_t *ret, size_t *ret_n) {
        uint8_t message[1024];
        struct writer w = {.p = message, .size = sizeof(message)};
        writer_bytes(&w, authdata.p, authdata.n);
        writer_bytes(&w, q->client_data_hash, 32);
        *ret_n = SIGNATURE_MAX;
        if (w.full || !crypto_sign(pair, alg, message, w.n, ret, ret_n))
                return false;
        if (k->config.fault == KEY_FAULT_WRONG_SIGNATURE)
                ret[*ret_n - 1] ^= 1;
        return true;
}

/* 8.2 of WebAuthn: without x5c it is self attestation. */
static bool put_statement(struct key *k, struct writer *w, struct bytes authdata,
                          const struct key_credential *c) {
        const struct key_state *s = &k->state;
        bool basic = k->config.attestation == KEY_ATTESTATION_BASIC;
        uint8_t signature[SIGNATURE_MAX];
        size_t n;
        if (k->config.attestation == KEY_ATTESTATION_NONE) {
                put_map(w, 0);
                return true;
        }
        int alg = basic ? COSE_ALG_ES256 : c->alg;
        if (!sign_over(k, authdata, &k->op.request, basic ? &s->attestation_key : &c->pair, alg, signature,
                       &n))
                return false;
        put_map(w, basic ? 3 : 2);
        put_text(w, "alg");
        put_int(w, alg);
        put_text(w, "sig");
        put_bytes(w, signature, n);
        if (!basic)
                return true;
        put_text(w, "x5c");
        put_array(w, 1);
        put_bytes(w, s->certificate, s->certificate_n);
        return true;
}

/* A resident credential takes the place of the same account's older one (6.1.2, step 17). */
static void forget_older(struct key_state *s, const struct key_credential *c) {
        for (size_t i = 0; c->resident && i < s->n; i++) {
                struct key_credential *o = &s->credentials[i];
                if (o->resident && memcmp(o->rp_hash, c->rp_hash, sizeof(c->rp_hash)) == 0 &&
                    o->user_id_n == c->user_id_n && memcmp(o->user_id, c->user_id, c->user_id_n) == 0) {
                        memmove(o, o + 1, (s->n - i - 1) * sizeof(*o));
                        s->n--;
                        return;
                }
        }
}

static enum ctap_status credential_create(struct key *k, struct key_credential *ret) {
        const struct key_request *q = &k->op.request;
        struct key_credential c = {.alg = q->alg,
                                   .protection = q->protection ? q->protection : 1,
                                   .resident = q->rk,
                                   .user_id_n = q->rk ? q->user_id_n : 0};
        crypto_random(c.id, sizeof(c.id));
        crypto_sha256(q->rp_id, strlen(q->rp_id), c.rp_hash);
        memcpy(c.user_id, q->user_id, c.user_id_n);
        if (!crypto_generate(c.alg, &c.pair))
                return CTAP_OTHER;
        forget_older(&k->state, &c);
        if (state_add(&k->state, &c) < 0)
                return CTAP_KEY_STORE_FULL;
        k->state.counter++;
        if (state_save(&k->state) < 0)
                return CTAP_OTHER;
        *ret = c;
        return CTAP_OK;
}

static void make_touched(struct key *k) {
        uint8_t authdata[512], out[2048];
        struct writer a = {.p = authdata, .size = sizeof(authdata)}, w = {.p = out, .size = sizeof(out)};
        struct key_credential c;
        k->op.request.present = true;
        enum ctap_status s = credential_create(k, &c);
        if (s != CTAP_OK) {
                op_fail(k, s);
                return;
        }
        authdata_write(k, &a, &k->op.request, k->state.counter, &c);
        put_map(&w, 3);
        put_int(&w, 1);
        put_text(&w, k->config.attestation == KEY_ATTESTATION_NONE ? "none" : "packed");
        put_int(&w, 2);
        put_bytes(&w, authdata, a.n);
        put_int(&w, 3);
        if (a.full || !put_statement(k, &w, (struct bytes){authdata, a.n}, &c))
                op_fail(k, CTAP_OTHER);
        else
                op_done(k, &w);
}

static void make_excluded(struct key *k) {
        op_fail(k, CTAP_CREDENTIAL_EXCLUDED);
}

/* One that only shows itself after verification is not told of without it (6.1.2, step 12). */
static bool is_excluded(const struct key *k) {
        const struct key_request *q = &k->op.request;
        uint8_t hash[32];
        crypto_sha256(q->rp_id, strlen(q->rp_id), hash);
        for (size_t i = 0; i < k->state.n; i++) {
                const struct key_credential *c = &k->state.credentials[i];
                if (memcmp(c->rp_hash, hash, sizeof(hash)) == 0 && request_lists(q, c) &&
                    (c->protection < 3 || q->verified))
                        return true;
        }
        return false;
}

static void make_checked(struct key *k) {
        key_step *step = is_excluded(k) ? make_excluded : make_touched;
        if (k->op.request.present)
                step(k);
        else
                op_touch(k, CTAP_OPERATION_DENIED, step);
}

static void make_finger(struct key *k) {
        enum ctap_status s = uv_check(k);
        if (s != CTAP_OK) {
                op_fail(k, s == CTAP_OTHER    ? s
                           : k->state.pin_set ? CTAP_PUAT_REQUIRED
                                              : CTAP_OPERATION_DENIED);
                return;
        }
        k->op.request.verified = k->op.request.present = true;
        make_checked(k);
}

void ctap2_make_credential(struct key *k, struct bytes parameters) {
        struct key_request *q = &k->op.request;
        key_note(k, "makeCredential", NULL);
        enum ctap_status s = request_read(parameters, /* make= */ true, q);
        if (s == CTAP_OK && request_is_selection(q)) {
                op_touch(k, CTAP_USER_ACTION_TIMEOUT, selection_touched);
                return;
        }
        if (s == CTAP_OK && !q->up)
                s = CTAP_INVALID_OPTION;
        if (s == CTAP_OK)
                s = request_authorize(k, q, PERMISSION_MC);
        /* makeCredUvNotRqd spares non-resident ones from verification. */
        if (s == CTAP_OK && q->rk && !q->verified && !q->uv && (k->state.pin_set || k->config.uv_enrolled))
                s = CTAP_PUAT_REQUIRED;
        if (s != CTAP_OK)
                op_fail(k, s);
        else if (q->uv)
                op_touch(k, CTAP_USER_ACTION_TIMEOUT, make_finger);
        else
                make_checked(k);
}
