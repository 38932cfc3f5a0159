/* SPDX-License-Identifier: Apache-2.0 */
/* authenticatorClientPIN (CTAP 2.1, 6.5) with PIN/UV auth protocols one and two. */
#include "tests/virtual/key_core.h"

#include <cbor.h>

#define WRONG_IN_A_ROW_MAX 3U
#define PADDED_PIN 64U

enum {
        GET_PIN_RETRIES = 1,
        GET_KEY_AGREEMENT = 2,
        SET_PIN = 3,
        CHANGE_PIN = 4,
        GET_PIN_TOKEN = 5,
        GET_TOKEN_USING_UV = 6,
        GET_UV_RETRIES = 7,
        GET_TOKEN_USING_PIN = 9,
};

struct pin_request {
        cbor_item_t *map; /* owns what the rest borrows */
        int64_t protocol, sub, permissions;
        uint8_t peer[64];
        bool peer_given, permissions_given;
        struct bytes param, new_pin, pin_hash; /* p is NULL where absent */
        char rp_id[254];
};

/* What both sides derive: protocol one has one key for both uses. */
struct secret {
        int64_t protocol;
        uint8_t hmac[32], aes[32];
};

static void secret_erase(struct secret *s) {
        explicit_bzero(s, sizeof(*s));
}

static void pin_request_clear(struct pin_request *q) {
        item_freep(&q->map);
}

void pin_reset(struct key_pin *pin) {
        explicit_bzero(pin, sizeof(*pin));
}

static bool agreement_ensure(struct key_pin *pin) {
        return pin->agreement.n > 0 || crypto_generate(COSE_ALG_ES256, &pin->agreement);
}

static bool secret_make(struct key *k, int64_t protocol, const uint8_t peer[64], struct secret *ret) {
        uint8_t z[32];
        if (!agreement_ensure(&k->pin) || !crypto_ecdh(&k->pin.agreement, peer, z))
                return false;
        ret->protocol = protocol;
        if (protocol == 2)
                return crypto_hkdf(z, "CTAP2 HMAC key", ret->hmac) &&
                       crypto_hkdf(z, "CTAP2 AES key", ret->aes);
        crypto_sha256(z, sizeof(z), ret->aes);
        memcpy(ret->hmac, ret->aes, sizeof(ret->hmac));
        return true;
}

static bool mac_matches(int64_t protocol, const uint8_t key[32], const void *p, size_t n,
                        struct bytes param) {
        uint8_t mac[32];
        crypto_hmac(key, 32, p, n, mac);
        return param.p && param.n == (protocol == 2 ? 32U : 16U) && memcmp(mac, param.p, param.n) == 0;
}

bool pin_token_verifies(const struct key_pin *pin, uint64_t protocol, const uint8_t *message, size_t n,
                        struct bytes param) {
        return pin->token_protocol != 0 && pin->token_protocol == protocol &&
               mac_matches((int64_t) protocol, pin->token, message, n, param);
}

/* Exactly n bytes of plain text. Protocol two puts the IV in front, in one it is zero. */
static bool decrypt(const struct secret *s, struct bytes in, uint8_t *ret, size_t n) {
        static const uint8_t zero[16];
        struct bytes iv = {zero, sizeof(zero)};
        if (s->protocol == 2 && bytes_take(&in, 16, &iv) < 0)
                return false;
        return in.n == n && crypto_aes_cbc(false, s->aes, iv.p, in, ret);
}

static bool put_encrypted(struct writer *w, const struct secret *s, struct bytes plain) {
        uint8_t out[16 + 32] = {0};
        size_t head = s->protocol == 2 ? 16 : 0;
        static const uint8_t zero[16];
        if (head > 0)
                crypto_random(out, head);
        if (plain.n > sizeof(out) - 16 ||
            !crypto_aes_cbc(true, s->aes, head ? out : zero, plain, out + head))
                return false;
        put_bytes(w, out, head + plain.n);
        return true;
}

static bool read_peer(cbor_item_t *cose, struct pin_request *q) {
        struct bytes x, y;
        if (!item_bytes(item_at(cose, -2), &x) || !item_bytes(item_at(cose, -3), &y) || x.n != 32 ||
            y.n != 32)
                return false;
        memcpy(q->peer, x.p, 32);
        memcpy(q->peer + 32, y.p, 32);
        return q->peer_given = true;
}

static enum ctap_status read_request(struct bytes parameters, struct pin_request *q) {
        enum ctap_status s = item_load(parameters, &q->map);
        if (s != CTAP_OK)
                return s;
        if (!item_int(item_at(q->map, 2), &q->sub))
                return CTAP_MISSING_PARAMETER;
        cbor_item_t *protocol = item_at(q->map, 1), *peer = item_at(q->map, 3),
                    *permissions = item_at(q->map, 9), *rp_id = item_at(q->map, 10);
        q->permissions_given = permissions;
        if ((protocol && !item_int(protocol, &q->protocol)) || (peer && !read_peer(peer, q)) ||
            (permissions && !item_int(permissions, &q->permissions)) ||
            (rp_id && !item_text(rp_id, q->rp_id, sizeof(q->rp_id))))
                return CTAP_INVALID_PARAMETER;
        (void) item_bytes(item_at(q->map, 4), &q->param); /* absent ones stay NULL */
        (void) item_bytes(item_at(q->map, 5), &q->new_pin);
        (void) item_bytes(item_at(q->map, 6), &q->pin_hash);
        return CTAP_OK;
}

static bool protocol_supported(const struct key *k, int64_t protocol) {
        return (protocol == 1 && k->config.protocol1) || (protocol == 2 && k->config.protocol2);
}

static void get_pin_retries(struct key *k) {
        uint8_t out[16];
        struct writer w = {.p = out, .size = sizeof(out)};
        put_map(&w, 2);
        put_int(&w, 3);
        put_int(&w, k->state.pin_tries);
        put_int(&w, 4); /* powerCycleState */
        put_bool(&w, k->pin.wrong_in_a_row >= WRONG_IN_A_ROW_MAX);
        op_done(k, &w);
}

static void get_uv_retries(struct key *k) {
        uint8_t out[16];
        struct writer w = {.p = out, .size = sizeof(out)};
        if (!k->config.uv_enrolled) {
                op_fail(k, CTAP_NOT_ALLOWED);
                return;
        }
        put_map(&w, 1);
        put_int(&w, 5);
        put_int(&w, k->state.uv_tries);
        op_done(k, &w);
}

static void get_key_agreement(struct key *k) {
        uint8_t out[128], xy[64];
        struct writer w = {.p = out, .size = sizeof(out)};
        if (!agreement_ensure(&k->pin) || !crypto_public(&k->pin.agreement, COSE_ALG_ES256, xy)) {
                op_fail(k, CTAP_OTHER);
                return;
        }
        put_map(&w, 1);
        put_int(&w, 1);
        put_cose(&w, xy, COSE_ALG_ECDH);
        op_done(k, &w);
}

/* 6.5.5.5, steps 5 and on: a padded PIN, ended by its first zero byte. */
static enum ctap_status store_new_pin(struct key *k, const struct secret *s, struct bytes encrypted) {
        uint8_t padded[PADDED_PIN + 1] = {0};
        if (!decrypt(s, encrypted, padded, PADDED_PIN))
                return CTAP_PIN_AUTH_INVALID;
        int r = state_set_pin(&k->state, (const char *) padded);
        explicit_bzero(padded, sizeof(padded));
        if (r < 0)
                return CTAP_PIN_POLICY_VIOLATION;
        return state_save(&k->state) < 0 ? CTAP_OTHER : CTAP_OK;
}

/* The PIN of a request against the stored one. Each try is paid for before it is compared (6.5.5.6). */
static enum ctap_status check_pin(struct key *k, const struct secret *s, struct bytes encrypted) {
        struct key_state *state = &k->state;
        uint8_t hash[16];
        if (state->pin_tries == 0)
                return CTAP_PIN_BLOCKED;
        if (k->pin.wrong_in_a_row >= WRONG_IN_A_ROW_MAX)
                return CTAP_PIN_AUTH_BLOCKED;
        state->pin_tries--;
        if (state_save(state) < 0)
                return CTAP_OTHER;
        bool right = decrypt(s, encrypted, hash, sizeof(hash)) &&
                     memcmp(hash, state->pin_hash, sizeof(hash)) == 0;
        explicit_bzero(hash, sizeof(hash));
        if (right) {
                k->pin.wrong_in_a_row = 0;
                state->pin_tries = KEY_PIN_TRIES;
                state->uv_tries = KEY_UV_TRIES;
                return state_save(state) < 0 ? CTAP_OTHER : CTAP_OK;
        }
        k->pin.agreement.n = 0; /* a new one for the next try */
        k->pin.wrong_in_a_row++;
        if (state->pin_tries == 0)
                return CTAP_PIN_BLOCKED;
        return k->pin.wrong_in_a_row >= WRONG_IN_A_ROW_MAX ? CTAP_PIN_AUTH_BLOCKED : CTAP_PIN_INVALID;
}

static enum ctap_status set_pin(struct key *k, const struct pin_request *q) {
        _cleanup_(secret_erase) struct secret s = {0};
        if (!q->peer_given || !q->new_pin.p || !q->param.p)
                return CTAP_MISSING_PARAMETER;
        if (k->state.pin_set)
                return CTAP_PIN_AUTH_INVALID;
        if (!secret_make(k, q->protocol, q->peer, &s))
                return CTAP_INVALID_PARAMETER;
        if (!mac_matches(q->protocol, s.hmac, q->new_pin.p, q->new_pin.n, q->param))
                return CTAP_PIN_AUTH_INVALID;
        return store_new_pin(k, &s, q->new_pin);
}

static enum ctap_status change_pin(struct key *k, const struct pin_request *q) {
        _cleanup_(secret_erase) struct secret s = {0};
        uint8_t message[256];
        struct writer w = {.p = message, .size = sizeof(message)};
        if (!q->peer_given || !q->new_pin.p || !q->param.p || !q->pin_hash.p)
                return CTAP_MISSING_PARAMETER;
        if (!k->state.pin_set)
                return CTAP_PIN_NOT_SET;
        if (k->state.pin_tries == 0)
                return CTAP_PIN_BLOCKED;
        if (!secret_make(k, q->protocol, q->peer, &s))
                return CTAP_INVALID_PARAMETER;
        writer_bytes(&w, q->new_pin.p, q->new_pin.n);
        writer_bytes(&w, q->pin_hash.p, q->pin_hash.n);
        if (w.full || !mac_matches(q->protocol, s.hmac, message, w.n, q->param))
                return CTAP_PIN_AUTH_INVALID;
        enum ctap_status status = check_pin(k, &s, q->pin_hash);
        if (status != CTAP_OK)
                return status;
        k->pin.token_protocol = 0; /* no token outlives its PIN */
        return store_new_pin(k, &s, q->new_pin);
}

static void grant_token(struct key *k, const struct key_grant *g, bool present) {
        _cleanup_(secret_erase) struct secret s = {0};
        struct key_pin *pin = &k->pin;
        uint8_t out[64];
        struct writer w = {.p = out, .size = sizeof(out)};
        if (!secret_make(k, (int64_t) g->protocol, g->peer, &s)) {
                op_fail(k, CTAP_INVALID_PARAMETER);
                return;
        }
        crypto_random(pin->token, sizeof(pin->token));
        pin->token_protocol = (unsigned) g->protocol;
        pin->token_permissions = g->permissions;
        pin->token_present = present;
        memcpy(pin->token_rp, g->rp_id, sizeof(pin->token_rp));
        put_map(&w, 1);
        put_int(&w, 2);
        if (put_encrypted(&w, &s, (struct bytes){pin->token, sizeof(pin->token)}))
                op_done(k, &w);
        else
                op_fail(k, CTAP_OTHER);
}

static enum ctap_status read_grant(const struct pin_request *q, struct key_grant *ret) {
        struct key_grant g = {.protocol = (uint64_t) q->protocol,
                              .permissions = PERMISSION_MC | PERMISSION_GA};
        if (!q->peer_given)
                return CTAP_MISSING_PARAMETER;
        memcpy(g.peer, q->peer, sizeof(g.peer));
        if (q->sub != GET_PIN_TOKEN) {
                if (!q->permissions_given)
                        return CTAP_MISSING_PARAMETER;
                if (q->permissions <= 0 || q->permissions > 0xff)
                        return CTAP_INVALID_PARAMETER;
                if (q->permissions & ~(PERMISSION_MC | PERMISSION_GA))
                        return CTAP_UNAUTHORIZED_PERMISSION;
                if (!q->rp_id[0])
                        return CTAP_MISSING_PARAMETER;
                g.permissions = (uint8_t) q->permissions;
                memcpy(g.rp_id, q->rp_id, sizeof(g.rp_id));
        } else if (q->permissions_given || q->rp_id[0])
                return CTAP_INVALID_PARAMETER;
        *ret = g;
        return CTAP_OK;
}

static void token_using_pin(struct key *k, const struct pin_request *q) {
        _cleanup_(secret_erase) struct secret secret = {0};
        struct key_grant g;
        enum ctap_status s = read_grant(q, &g);
        if (s == CTAP_OK && !q->pin_hash.p)
                s = CTAP_MISSING_PARAMETER;
        if (s == CTAP_OK && !k->state.pin_set)
                s = CTAP_PIN_NOT_SET;
        if (s == CTAP_OK && !secret_make(k, q->protocol, q->peer, &secret))
                s = CTAP_INVALID_PARAMETER;
        if (s == CTAP_OK)
                s = check_pin(k, &secret, q->pin_hash);
        if (s == CTAP_OK)
                grant_token(k, &g, /* present= */ false);
        else
                op_fail(k, s);
}

static void uv_touched(struct key *k) {
        enum ctap_status s = uv_check(k);
        if (s == CTAP_OK)
                grant_token(k, &k->op.grant, /* present= */ true);
        else
                op_fail(k, s);
}

static void token_using_uv(struct key *k, const struct pin_request *q) {
        enum ctap_status s = read_grant(q, &k->op.grant);
        if (s == CTAP_OK && !k->config.uv_enrolled)
                s = CTAP_NOT_ALLOWED;
        if (s == CTAP_OK && k->state.uv_tries == 0)
                s = CTAP_UV_BLOCKED;
        if (s == CTAP_OK)
                op_touch(k, CTAP_USER_ACTION_TIMEOUT, uv_touched);
        else
                op_fail(k, s);
}

static const char *sub_name(int64_t sub) {
        static const char *const names[] = {
                [GET_PIN_RETRIES] = "getPINRetries",
                [GET_KEY_AGREEMENT] = "getKeyAgreement",
                [SET_PIN] = "setPIN",
                [CHANGE_PIN] = "changePIN",
                [GET_PIN_TOKEN] = "getPinToken",
                [GET_TOKEN_USING_UV] = "getPinUvAuthTokenUsingUvWithPermissions",
                [GET_UV_RETRIES] = "getUVRetries",
                [GET_TOKEN_USING_PIN] = "getPinUvAuthTokenUsingPinWithPermissions",
        };
        const char *name = sub > 0 && sub < (int64_t) ELEMENTSOF(names) ? names[sub] : NULL;
        return name ? name : "unknown";
}

static void done_or_fail(struct key *k, enum ctap_status s) {
        if (s == CTAP_OK)
                op_done(k, NULL);
        else
                op_fail(k, s);
}

static void run_sub(struct key *k, const struct pin_request *q) {
        switch (q->sub) {
        case GET_PIN_RETRIES:
                get_pin_retries(k);
                return;
        case GET_UV_RETRIES:
                get_uv_retries(k);
                return;
        }
        if (q->protocol == 0 || !protocol_supported(k, q->protocol)) {
                op_fail(k, q->protocol == 0 ? CTAP_MISSING_PARAMETER : CTAP_INVALID_PARAMETER);
                return;
        }
        switch (q->sub) {
        case GET_KEY_AGREEMENT:
                get_key_agreement(k);
                return;
        case SET_PIN:
                done_or_fail(k, set_pin(k, q));
                return;
        case CHANGE_PIN:
                done_or_fail(k, change_pin(k, q));
                return;
        case GET_PIN_TOKEN:
        case GET_TOKEN_USING_PIN:
                token_using_pin(k, q);
                return;
        case GET_TOKEN_USING_UV:
                token_using_uv(k, q);
                return;
        }
        op_fail(k, CTAP_INVALID_PARAMETER);
}

void ctap2_client_pin(struct key *k, struct bytes parameters) {
        _cleanup_(pin_request_clear) struct pin_request q = {0};
        enum ctap_status s = read_request(parameters, &q);
        key_note(k, "clientPIN", s == CTAP_OK ? sub_name(q.sub) : NULL);
        if (s == CTAP_OK)
                run_sub(k, &q);
        else
                op_fail(k, s);
}
