/* SPDX-License-Identifier: Apache-2.0 */
/* Getting an assertion: what the key said, raw. Whoever asked verifies it. */
#include "common/util.h"
#include "devices/key.h"

#include <errno.h>

int key_unwrap(struct bytes cbor, struct bytes *ret) {
        uint8_t head, small;
        uint16_t n = 0;
        int r = bytes_take_u8(&cbor, &head);
        if (r < 0)
                return r;
        if (head >= 0x40 && head <= 0x57) {
                n = head - 0x40;
        } else if (head == 0x58) {
                r = bytes_take_u8(&cbor, &small);
                n = r == 0 ? small : 0;
        } else if (head == 0x59) {
                r = bytes_take_u16(&cbor, &n);
        } else {
                return -EBADMSG;
        }
        struct bytes inner;
        if (r < 0 || (r = bytes_take(&cbor, n, &inner)) < 0 || (r = bytes_end(&cbor)) < 0)
                return r;
        *ret = inner;
        return 0;
}

int key_copy_out(const uint8_t *p, size_t n, uint8_t *ret, size_t size, size_t *ret_n) {
        if (!p || n == 0 || n > size)
                return FIDO_ERR_RX_INVALID_CBOR;
        memcpy(ret, p, n);
        *ret_n = n;
        return FIDO_OK;
}

/* The id may be left out when only one credential was allowed (CTAP 2.1, 6.2.2, response). */
static int copy_id(const struct operation *op, const fido_assert_t *from, struct device_assertion *ret) {
        const struct device_credential_id *only = &op->request.ids[0];
        if (fido_assert_id_len(from, 0) == 0 && op->request.n_ids == 1)
                return key_copy_out(only->id, only->n, ret->credential_id, sizeof(ret->credential_id),
                                    &ret->credential_id_len);
        return key_copy_out(fido_assert_id_ptr(from, 0), fido_assert_id_len(from, 0), ret->credential_id,
                            sizeof(ret->credential_id), &ret->credential_id_len);
}

static int copy_assertion(const struct operation *op, const fido_assert_t *from,
                          struct device_assertion *ret) {
        struct bytes authdata;
        int r;
        if (fido_assert_count(from) == 0 ||
            key_unwrap((struct bytes){fido_assert_authdata_ptr(from, 0), fido_assert_authdata_len(from, 0)},
                       &authdata) < 0)
                return FIDO_ERR_RX_INVALID_CBOR;
        if ((r = copy_id(op, from, ret)) != FIDO_OK ||
            (r = key_copy_out(authdata.p, authdata.n, ret->authdata, sizeof(ret->authdata),
                              &ret->authdata_len)) != FIDO_OK)
                return r;
        return key_copy_out(fido_assert_sig_ptr(from, 0), fido_assert_sig_len(from, 0), ret->signature,
                            sizeof(ret->signature), &ret->signature_len);
}

static int assertion_new(const struct operation *op, const uint8_t hash[32], fido_assert_t **ret) {
        const struct device_request *q = &op->request;
        fido_assert_t *a = fido_assert_new();
        if (!a)
                return FIDO_ERR_INTERNAL;
        int r = fido_assert_set_rp(a, q->rp_id);
        if (r == FIDO_OK)
                r = fido_assert_set_clientdata_hash(a, hash, 32);
        for (size_t i = 0; r == FIDO_OK && i < q->n_ids; i++)
                r = fido_assert_allow_cred(a, q->ids[i].id, q->ids[i].n);
        if (r != FIDO_OK) {
                fido_assert_free(&a);
                return r;
        }
        *ret = a;
        return FIDO_OK;
}

int key_try_assertion(struct operation *op, struct key *k, enum key_how how, const char *pin,
                      struct device_event *ret) {
        fido_assert_t *a = NULL;
        int r = assertion_new(op, op->request.client_data_hash, &a);
        if (r != FIDO_OK)
                return r;
        if (how == KEY_FINGERPRINT)
                r = fido_assert_set_uv(a, FIDO_OPT_TRUE);
        if (r == FIDO_OK)
                r = fido_dev_get_assert(k->dev, a, pin);
        if (r == FIDO_OK)
                r = copy_assertion(op, a, &ret->assertion);
        if (r == FIDO_OK) {
                memcpy(ret->assertion.device, k->device, sizeof(k->device));
                ret->type = DEVICE_EVENT_ASSERTION;
        }
        fido_assert_free(&a);
        return r;
}

/* The hash is all zeros, so that what a key may sign here is worth nothing. */
int key_look(const struct operation *op, struct key *k) {
        static const uint8_t nothing[32];
        fido_assert_t *a = NULL;
        int r = assertion_new(op, nothing, &a);
        if (r != FIDO_OK)
                return r;
        r = fido_assert_set_up(a, FIDO_OPT_FALSE);
        if (r == FIDO_OK)
                r = fido_dev_get_assert(k->dev, a, NULL);
        fido_assert_free(&a);
        k->holds = r == FIDO_OK;
        return r;
}
