/* SPDX-License-Identifier: Apache-2.0 */
/* What makeCredential and getAssertion have in common: their parameters (CTAP 2.1, 6.1.1 and 6.2.1) and who
 * may ask. */
#include "tests/virtual/key_core.h"

#include <cbor.h>

/* The number of each parameter, by command. */
struct numbers {
        int64_t hash, list, extensions, options, auth, protocol;
};
static const struct numbers of_make = {1, 5, 6, 7, 8, 9}, of_assertion = {2, 3, 4, 5, 6, 7};

static enum ctap_status read_options(cbor_item_t *options, struct key_request *q) {
        cbor_item_t *up = item_named(options, "up"), *uv = item_named(options, "uv"),
                    *rk = item_named(options, "rk");
        q->up = true;
        q->rk_given = rk;
        if ((options && !item_is_map(options)) || (up && !item_bool(up, &q->up)) ||
            (uv && !item_bool(uv, &q->uv)) || (rk && !item_bool(rk, &q->rk)))
                return CTAP_CBOR_UNEXPECTED_TYPE;
        return CTAP_OK;
}

static enum ctap_status read_auth(cbor_item_t *auth, cbor_item_t *protocol, struct key_request *q) {
        struct bytes b;
        int64_t v = 0;
        if (protocol && (!item_int(protocol, &v) || v < 1))
                return CTAP_INVALID_PARAMETER;
        q->protocol = (uint64_t) v;
        q->auth_given = auth;
        if (!auth)
                return CTAP_OK;
        if (!item_bytes(auth, &b))
                return CTAP_CBOR_UNEXPECTED_TYPE;
        if (b.n > sizeof(q->auth))
                return CTAP_PIN_AUTH_INVALID;
        return bytes_take_copy(&b, q->auth, q->auth_n = b.n) == 0 ? CTAP_OK : CTAP_OTHER;
}

/* Only what is as long as its own ids can be one of them. */
static enum ctap_status read_list(cbor_item_t *list, struct key_request *q) {
        size_t n;
        struct bytes id;
        if (!list)
                return CTAP_OK;
        if (!item_is_array(list, &n))
                return CTAP_CBOR_UNEXPECTED_TYPE;
        if (n > KEY_LIST_MAX)
                return CTAP_LIMIT_EXCEEDED;
        q->list_given = n > 0;
        for (size_t i = 0; i < n; i++) {
                if (!item_bytes(item_named(item_nth(list, i), "id"), &id))
                        return CTAP_MISSING_PARAMETER;
                if (id.n == KEY_ID_SIZE)
                        memcpy(q->list[q->n_list++], id.p, KEY_ID_SIZE);
        }
        return CTAP_OK;
}

/* The first one that it knows (6.1.2, step 3). */
static enum ctap_status read_algorithms(cbor_item_t *list, struct key_request *q) {
        size_t n;
        char type[16];
        int64_t alg;
        if (!item_is_array(list, &n))
                return CTAP_MISSING_PARAMETER;
        for (size_t i = 0; i < n; i++) {
                if (!item_text(item_named(item_nth(list, i), "type"), type, sizeof(type)) ||
                    !item_int(item_named(item_nth(list, i), "alg"), &alg))
                        return CTAP_CBOR_UNEXPECTED_TYPE;
                if (q->alg == 0 && strcmp(type, "public-key") == 0 &&
                    (alg == COSE_ALG_ES256 || alg == COSE_ALG_EDDSA))
                        q->alg = (int) alg;
        }
        return q->alg ? CTAP_OK : CTAP_UNSUPPORTED_ALGORITHM;
}

static enum ctap_status read_creation(cbor_item_t *map, struct key_request *q) {
        struct bytes user;
        int64_t protection;
        if (!item_text(item_named(item_at(map, 2), "id"), q->rp_id, sizeof(q->rp_id)) ||
            !item_bytes(item_named(item_at(map, 3), "id"), &user))
                return CTAP_MISSING_PARAMETER;
        if (user.n > sizeof(q->user_id) || bytes_take_copy(&user, q->user_id, q->user_id_n = user.n) < 0)
                return CTAP_INVALID_LENGTH;
        cbor_item_t *wanted = item_named(item_at(map, of_make.extensions), "credProtect");
        if (wanted && (!item_int(wanted, &protection) || protection < 1 || protection > 3))
                return CTAP_INVALID_PARAMETER;
        q->protection = wanted ? (uint8_t) protection : 0;
        return read_algorithms(item_at(map, 4), q);
}

enum ctap_status request_read(struct bytes parameters, bool make, struct key_request *ret) {
        const struct numbers *no = make ? &of_make : &of_assertion;
        _cleanup_(item_freep) cbor_item_t *map = NULL;
        struct key_request q = {0};
        struct bytes hash;
        enum ctap_status s = item_load(parameters, &map);
        if (s != CTAP_OK)
                return s;
        if (!item_is_map(map))
                return CTAP_CBOR_UNEXPECTED_TYPE;
        if (!item_bytes(item_at(map, no->hash), &hash) ||
            (!make && !item_text(item_at(map, 1), q.rp_id, sizeof(q.rp_id))))
                return CTAP_MISSING_PARAMETER;
        if (hash.n != 32 || bytes_take_copy(&hash, q.client_data_hash, 32) < 0)
                return CTAP_INVALID_LENGTH;
        if ((make && (s = read_creation(map, &q)) != CTAP_OK) ||
            (s = read_list(item_at(map, no->list), &q)) != CTAP_OK ||
            (s = read_options(item_at(map, no->options), &q)) != CTAP_OK ||
            (s = read_auth(item_at(map, no->auth), item_at(map, no->protocol), &q)) != CTAP_OK)
                return s;
        *ret = q;
        return CTAP_OK;
}

bool request_is_selection(const struct key_request *q) {
        return q->auth_given && q->auth_n == 0;
}

void selection_touched(struct key *k) {
        op_fail(k, k->state.pin_set ? CTAP_PIN_INVALID : CTAP_PIN_NOT_SET);
}

static enum ctap_status token_authorize(struct key *k, struct key_request *q, uint8_t permission) {
        struct key_pin *p = &k->pin;
        if (q->protocol == 0)
                return CTAP_MISSING_PARAMETER;
        if (!(q->protocol == 1 && k->config.protocol1) && !(q->protocol == 2 && k->config.protocol2))
                return CTAP_INVALID_PARAMETER;
        if (!pin_token_verifies(p, q->protocol, q->client_data_hash, 32,
                                (struct bytes){q->auth, q->auth_n}) ||
            !(p->token_permissions & permission) || (p->token_rp[0] && strcmp(p->token_rp, q->rp_id) != 0))
                return CTAP_PIN_AUTH_INVALID;
        memcpy(p->token_rp, q->rp_id, sizeof(p->token_rp)); /* bound at its first use (6.5.5.7.1) */
        q->verified = true;
        q->present = q->up && p->token_present;
        if (q->up) { /* good for one user action */
                p->token_present = false;
                p->token_permissions = 0;
        }
        return CTAP_OK;
}

enum ctap_status request_authorize(struct key *k, struct key_request *q, uint8_t permission) {
        if (q->auth_given) {
                q->uv = false;
                return token_authorize(k, q, permission);
        }
        if (q->uv && !k->config.uv_enrolled)
                return CTAP_INVALID_OPTION;
        return CTAP_OK;
}

bool request_lists(const struct key_request *q, const struct key_credential *c) {
        for (size_t i = 0; i < q->n_list; i++)
                if (memcmp(q->list[i], c->id, KEY_ID_SIZE) == 0)
                        return true;
        return false;
}
