/* SPDX-License-Identifier: Apache-2.0 */
/* What a key answered, taken apart and judged: client data, authenticator data, assertions and new
 * credentials. Nothing that whoever spoke with the key says about it is believed. */
#include "policy/fido.h"
#include "policy/fido_internal.h"

#include <errno.h>
#include <stdio.h>

/* WebAuthn Level 2, 6.1. Reserved bits may be set. */
#define FLAG_UP 0x01U
#define FLAG_UV 0x04U
#define FLAG_AT 0x40U
#define FLAG_ED 0x80U

#define RP_ID_MAX 253U

/* --- Client data */

/* A host name in lower case: nothing in it needs escaping in JSON. */
static bool is_rp_id(const char *s) {
        size_t n = strnlen(s, RP_ID_MAX + 1);
        return n > 0 && n <= RP_ID_MAX && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-") == n;
}

/* RFC 4648, 5, without padding; ret has room for (n * 8 + 5) / 6 + 1 characters. */
static void base64url(const uint8_t *p, size_t n, char *ret) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        uint32_t bits = 0;
        unsigned have = 0;
        for (size_t i = 0; i < n; i++) {
                bits = bits << 8 | p[i];
                for (have += 8; have >= 6; have -= 6)
                        *ret++ = digits[bits >> (have - 6) & 63];
        }
        if (have > 0)
                *ret++ = digits[bits << (6 - have) & 63];
        *ret = 0;
}

int fido_client_data_hash(const char *type, const uint8_t challenge[FIDO_CHALLENGE_SIZE], const char *rp_id,
                          uint8_t ret[32]) {
        char text[(FIDO_CHALLENGE_SIZE * 8 + 5) / 6 + 1], json[RP_ID_MAX + 256];
        if (!is_rp_id(rp_id) || (strcmp(type, "webauthn.get") != 0 && strcmp(type, "webauthn.create") != 0))
                return -EINVAL;
        base64url(challenge, FIDO_CHALLENGE_SIZE, text);
        int n = snprintf(
                json, sizeof(json),
                "{\"type\":\"%s\",\"challenge\":\"%s\",\"origin\":\"https://%s\",\"crossOrigin\":false}",
                type, text, rp_id);
        if (n < 0 || (size_t) n >= sizeof(json))
                return -EINVAL;
        return fido_sha256(json, (size_t) n, ret);
}

/* --- Authenticator data */

struct authdata {
        uint8_t flags;
        uint32_t counter;
        struct bytes aaguid, credential_id, public_key; /* with FLAG_AT; borrowed */
};

static int take_credential(struct bytes *b, struct authdata *a) {
        uint16_t n;
        int r = bytes_take(b, 16, &a->aaguid);
        if (r == 0)
                r = bytes_take_u16(b, &n);
        if (r < 0)
                return r;
        if (n == 0 || n > FIDO_CREDENTIAL_ID_MAX)
                return -EBADMSG;
        r = bytes_take(b, n, &a->credential_id);
        if (r == 0)
                r = fido_cbor_take(b, &a->public_key);
        return r < 0 || a->public_key.n > FIDO_PUBLIC_KEY_MAX ? -EBADMSG : 0;
}

static int take_extensions(struct bytes *b) {
        struct bytes map;
        int r = fido_cbor_take(b, &map);
        return r < 0 ? r : fido_cbor_check_map(map);
}

/* WebAuthn Level 2, 6.1: for this relying party, and nothing left over. */
static int read_authdata(const char *rp_id, struct bytes b, struct authdata *ret) {
        struct authdata a = {0};
        struct bytes hash;
        uint8_t want[32];
        if (b.n > FIDO_AUTHDATA_MAX || !is_rp_id(rp_id))
                return -EBADMSG;
        int r = fido_sha256(rp_id, strlen(rp_id), want);
        if (r == 0)
                r = bytes_take(&b, sizeof(want), &hash);
        if (r == 0)
                r = fido_is_equal(hash.p, want, sizeof(want)) ? bytes_take_u8(&b, &a.flags) : -EBADMSG;
        if (r == 0)
                r = bytes_take_u32(&b, &a.counter);
        if (r == 0 && (a.flags & FLAG_AT))
                r = take_credential(&b, &a);
        if (r == 0 && (a.flags & FLAG_ED))
                r = take_extensions(&b);
        if (r == 0)
                r = bytes_end(&b);
        if (r == 0)
                *ret = a;
        return r;
}

/* --- Assertions */

enum reason fido_check_assertion(const char *rp_id, const uint8_t client_data_hash[32],
                                 const uint8_t *public_key, size_t public_key_len, const uint8_t *authdata,
                                 size_t authdata_len, const uint8_t *signature, size_t signature_len,
                                 struct fido_assertion *ret) {
        _cleanup_(fido_pkey_freep) EVP_PKEY *pkey = NULL;
        const struct bytes signed_data = {authdata, authdata_len};
        struct cose_key key;
        struct authdata a;
        if (read_authdata(rp_id, signed_data, &a) < 0 || (a.flags & FLAG_AT) ||
            public_key_len > FIDO_PUBLIC_KEY_MAX)
                return REASON_KEY_FORGED;
        if (cose_key_read((struct bytes){public_key, public_key_len}, &key) < 0 ||
            fido_pkey_new(&key, &pkey) < 0)
                return REASON_KEY_FORGED;
        if (!fido_signature_is_good(pkey, key.alg, signed_data, client_data_hash,
                                    (struct bytes){signature, signature_len}))
                return REASON_KEY_FORGED;
        if (!(a.flags & FLAG_UP))
                return REASON_KEY_NO_PRESENCE;
        *ret = (struct fido_assertion){true, (a.flags & FLAG_UV) != 0, a.counter};
        return REASON_NONE;
}

/* --- Credentials */

/* What an attestation speaks about. */
struct attested {
        const struct authdata *authdata;
        struct bytes signed_data;
        const uint8_t *client_data_hash;
        const struct cose_key *key;
        EVP_PKEY *pkey;
};

static enum reason check_packed(const struct attested *of, struct bytes attstmt, bool *ret_self) {
        _cleanup_(fido_pkey_freep) EVP_PKEY *attester = NULL;
        struct packed_statement st;
        if (packed_statement_read(attstmt, &st) < 0)
                return REASON_KEY_FORGED;
        if (!st.has_chain && st.alg != of->key->alg)
                return REASON_KEY_FORGED; /* 8.2: a self attestation is of the credential's own algorithm */
        if (st.has_chain) {
                int r = fido_pkey_from_certificate((struct bytes){st.leaf, st.leaf_len}, st.alg,
                                                   of->authdata->aaguid.p, &attester);
                if (r < 0)
                        return r == -ENOTSUP ? REASON_KEY_UNUSABLE : REASON_KEY_FORGED;
        }
        if (!fido_signature_is_good(attester ? attester : of->pkey, st.alg, of->signed_data,
                                    of->client_data_hash, (struct bytes){st.sig, st.sig_len}))
                return REASON_KEY_FORGED;
        *ret_self = !st.has_chain;
        return REASON_NONE;
}

/* 8.7: an empty map; libfido2 gives no bytes at all for it. */
static enum reason check_none(struct bytes attstmt, bool *ret_self) {
        if (attstmt.n > 1 || (attstmt.n == 1 && attstmt.p[0] != 0xa0))
                return REASON_KEY_FORGED;
        *ret_self = true;
        return REASON_NONE;
}

static enum reason check_attestation(const struct attested *of, const char *format, struct bytes attstmt,
                                     bool *ret_self) {
        if (strcmp(format, "packed") == 0)
                return check_packed(of, attstmt, ret_self);
        if (strcmp(format, "none") == 0)
                return check_none(attstmt, ret_self);
        return REASON_KEY_UNUSABLE;
}

static void fill_credential(const struct authdata *a, bool self, struct fido_credential *ret) {
        *ret = (struct fido_credential){
                .credential_id_len = a->credential_id.n,
                .public_key_len = a->public_key.n,
                .present = true,
                .verified = (a->flags & FLAG_UV) != 0,
                .counter = a->counter,
                .self_attested = self,
        };
        memcpy(ret->aaguid, a->aaguid.p, sizeof(ret->aaguid));
        memcpy(ret->credential_id, a->credential_id.p, a->credential_id.n);
        memcpy(ret->public_key, a->public_key.p, a->public_key.n);
}

enum reason fido_check_credential(const char *rp_id, const uint8_t client_data_hash[32], const char *format,
                                  const uint8_t *authdata, size_t authdata_len, const uint8_t *attstmt,
                                  size_t attstmt_len, struct fido_credential *ret) {
        _cleanup_(fido_pkey_freep) EVP_PKEY *pkey = NULL;
        struct cose_key key;
        struct authdata a;
        bool self;
        struct attested of = {&a, {authdata, authdata_len}, client_data_hash, &key, NULL};
        if (read_authdata(rp_id, of.signed_data, &a) < 0 || !(a.flags & FLAG_AT) ||
            attstmt_len > FIDO_ATTSTMT_MAX)
                return REASON_KEY_FORGED;
        int r = cose_key_read(a.public_key, &key);
        if (r == 0)
                r = fido_pkey_new(&key, &pkey);
        if (r < 0)
                return r == -ENOTSUP ? REASON_KEY_UNUSABLE : REASON_KEY_FORGED;
        of.pkey = pkey;
        enum reason reason = check_attestation(&of, format, (struct bytes){attstmt, attstmt_len}, &self);
        if (reason != REASON_NONE)
                return reason;
        if (!(a.flags & FLAG_UP))
                return REASON_KEY_NO_PRESENCE;
        fill_credential(&a, self, ret);
        return REASON_NONE;
}
