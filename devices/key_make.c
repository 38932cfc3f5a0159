/* SPDX-License-Identifier: Apache-2.0 */
/* Making a credential, with its attestation as the key gave it. */
#include "common/util.h"
#include "devices/key.h"

/* In the order of preference; a key says when it does not know one. */
static const int algorithms[] = {COSE_ES256, COSE_EDDSA};

static int copy_credential(const fido_cred_t *from, struct device_credential *ret) {
        static const uint8_t empty_map[] = {0xa0}; /* the statement of "none" (WebAuthn 8.7) */
        const char *format = fido_cred_fmt(from);
        const uint8_t *statement = fido_cred_attstmt_ptr(from);
        size_t n = fido_cred_attstmt_len(from);
        if (!format || strnlen(format, sizeof(ret->format)) >= sizeof(ret->format))
                return FIDO_ERR_RX_INVALID_CBOR;
        if (n == 0 && strcmp(format, "none") == 0) {
                statement = empty_map;
                n = sizeof(empty_map);
        }
        memcpy(ret->format, format, strlen(format) + 1);
        int r = key_copy_out(statement, n, ret->attstmt, sizeof(ret->attstmt), &ret->attstmt_len);
        return r != FIDO_OK
                       ? r
                       : key_copy_out(fido_cred_authdata_raw_ptr(from), fido_cred_authdata_raw_len(from),
                                      ret->authdata, sizeof(ret->authdata), &ret->authdata_len);
}

static const char *or_null(const char *s) {
        return *s ? s : NULL;
}

static int fill_request(const struct device_request *q, fido_cred_t *c) {
        int r;
        if ((r = fido_cred_set_clientdata_hash(c, q->client_data_hash, sizeof(q->client_data_hash))) !=
                    FIDO_OK ||
            (r = fido_cred_set_rp(c, q->rp_id, or_null(q->rp_name))) != FIDO_OK ||
            (r = fido_cred_set_user(c, q->user_id, q->user_id_len, q->user_name,
                                    or_null(q->user_display_name), NULL)) != FIDO_OK)
                return r;
        for (size_t i = 0; r == FIDO_OK && i < q->n_ids; i++)
                r = fido_cred_exclude(c, q->ids[i].id, q->ids[i].n);
        return r;
}

/* A protected credential answers only to verification, where the key can do that. */
static int fill_protection(const struct device_request *q, const struct key *k, enum key_how how,
                           fido_cred_t *c) {
        int r = FIDO_OK;
        if (how == KEY_FINGERPRINT)
                r = fido_cred_set_uv(c, FIDO_OPT_TRUE);
        if (r == FIDO_OK && q->protect && fido_dev_supports_cred_prot(k->dev))
                r = fido_cred_set_prot(c, FIDO_CRED_PROT_UV_REQUIRED);
        return r;
}

static int make(const struct operation *op, const struct key *k, enum key_how how, const char *pin,
                int algorithm, struct device_credential *ret) {
        fido_cred_t *c = fido_cred_new();
        if (!c)
                return FIDO_ERR_INTERNAL;
        int r = fido_cred_set_type(c, algorithm);
        if (r == FIDO_OK)
                r = fill_request(&op->request, c);
        if (r == FIDO_OK)
                r = fill_protection(&op->request, k, how, c);
        if (r == FIDO_OK)
                r = fido_dev_make_cred(k->dev, c, pin);
        if (r == FIDO_OK)
                r = copy_credential(c, ret);
        fido_cred_free(&c);
        return r;
}

int key_try_credential(struct operation *op, struct key *k, enum key_how how, const char *pin,
                       struct device_event *ret) {
        int r = FIDO_ERR_UNSUPPORTED_ALGORITHM;
        for (size_t i = 0; r == FIDO_ERR_UNSUPPORTED_ALGORITHM && i < ELEMENTSOF(algorithms); i++)
                r = make(op, k, how, pin, algorithms[i], &ret->credential);
        if (r == FIDO_OK)
                ret->type = DEVICE_EVENT_CREDENTIAL;
        return r;
}
