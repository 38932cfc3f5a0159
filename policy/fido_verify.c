/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures and certificates, by libcrypto. Its error queue is left empty. */
#include "policy/fido_internal.h"

#include <errno.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

/* id-fido-gen-ce-aaguid (WebAuthn Level 2, 8.2.1) */
#define OID_AAGUID "1.3.6.1.4.1.45724.1.1.4"

static void pkey_ctx_freep(EVP_PKEY_CTX **p) {
        EVP_PKEY_CTX_free(*p);
}

static void md_ctx_freep(EVP_MD_CTX **p) {
        EVP_MD_CTX_free(*p);
}

static void builder_freep(OSSL_PARAM_BLD **p) {
        OSSL_PARAM_BLD_free(*p);
}

static void params_freep(OSSL_PARAM **p) {
        OSSL_PARAM_free(*p);
}

static void bn_freep(BIGNUM **p) {
        BN_free(*p);
}

static void x509_freep(X509 **p) {
        X509_free(*p);
}

static void object_freep(ASN1_OBJECT **p) {
        ASN1_OBJECT_free(*p);
}

EVP_PKEY *fido_pkey_free(EVP_PKEY *k) {
        EVP_PKEY_free(k);
        return NULL;
}

int fido_sha256(const void *p, size_t n, uint8_t ret[32]) {
        size_t len = 0;
        if (EVP_Q_digest(NULL, "SHA256", NULL, p, n, ret, &len) == 1 && len == 32)
                return 0;
        ERR_clear_error();
        return -EIO;
}

bool fido_is_equal(const void *a, const void *b, size_t n) {
        return CRYPTO_memcmp(a, b, n) == 0;
}

/* --- Public keys */

/* Checks what it made: for a point, that it is on the curve and not at infinity. */
static int pkey_from_params(const char *type, OSSL_PARAM_BLD *builder, EVP_PKEY **ret) {
        _cleanup_(params_freep) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
        _cleanup_(pkey_ctx_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
        _cleanup_(pkey_ctx_freep) EVP_PKEY_CTX *check = NULL;
        _cleanup_(fido_pkey_freep) EVP_PKEY *k = NULL;
        if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
            EVP_PKEY_fromdata(ctx, &k, EVP_PKEY_PUBLIC_KEY, params) != 1)
                return -EBADMSG;
        check = EVP_PKEY_CTX_new_from_pkey(NULL, k, NULL);
        if (!check || EVP_PKEY_public_check(check) != 1)
                return -EBADMSG;
        *ret = TAKE_PTR(k);
        return 0;
}

static int ec_pkey(const struct cose_key *c, EVP_PKEY **ret) {
        _cleanup_(builder_freep) OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
        uint8_t point[65] = {4}; /* SEC 1, 2.3.3: not compressed */
        memcpy(point + 1, c->x, 32);
        memcpy(point + 33, c->y, 32);
        if (!b || OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
            OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)) != 1)
                return -ENOMEM;
        return pkey_from_params("EC", b, ret);
}

static int rsa_pkey(const struct cose_key *c, EVP_PKEY **ret) {
        _cleanup_(builder_freep) OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
        _cleanup_(bn_freep) BIGNUM *n = BN_bin2bn(c->n, (int) c->n_len, NULL), *e = BN_new();
        if (!b || !n || !e || BN_set_word(e, RSA_F4) != 1 ||
            OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
            OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e) != 1)
                return -ENOMEM;
        return pkey_from_params("RSA", b, ret);
}

static int ed25519_pkey(const struct cose_key *c, EVP_PKEY **ret) {
        EVP_PKEY *k = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, c->x, sizeof(c->x));
        if (!k)
                return -EBADMSG;
        *ret = k;
        return 0;
}

int fido_pkey_new(const struct cose_key *c, EVP_PKEY **ret) {
        int r = c->alg == COSE_ES256   ? ec_pkey(c, ret)
                : c->alg == COSE_EDDSA ? ed25519_pkey(c, ret)
                : c->alg == COSE_RS256 ? rsa_pkey(c, ret)
                                       : -ENOTSUP;
        ERR_clear_error();
        return r;
}

/* --- Certificates */

static bool is_key_for(EVP_PKEY *k, int alg) {
        char group[32] = "";
        size_t n = 0;
        if (alg == COSE_RS256)
                return EVP_PKEY_is_a(k, "RSA") && EVP_PKEY_get_bits(k) >= 2048 &&
                       EVP_PKEY_get_bits(k) <= 8192;
        return alg == COSE_ES256 && EVP_PKEY_is_a(k, "EC") &&
               EVP_PKEY_get_group_name(k, group, sizeof(group), &n) == 1 &&
               OBJ_txt2nid(group) == NID_X9_62_prime256v1;
}

/* The extension holds an OCTET STRING of 16 bytes, and is not critical; or, where that will do, there is
 * none. */
static bool has_aaguid(X509 *cert, const uint8_t aaguid[16], bool without) {
        _cleanup_(object_freep) ASN1_OBJECT *oid = OBJ_txt2obj(OID_AAGUID, 1);
        if (!oid)
                return false;
        int at = X509_get_ext_by_OBJ(cert, oid, -1);
        if (at < 0)
                return without;
        X509_EXTENSION *ext = X509_get_ext(cert, at);
        const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(ext);
        if (X509_get_ext_by_OBJ(cert, oid, at) >= 0 || X509_EXTENSION_get_critical(ext) != 0 ||
            ASN1_STRING_length(value) != 18)
                return false;
        const unsigned char *p = ASN1_STRING_get0_data(value);
        return p[0] == V_ASN1_OCTET_STRING && p[1] == 16 && memcmp(p + 2, aaguid, 16) == 0;
}

bool fido_certificate_names(X509 *cert, const uint8_t aaguid[16]) {
        bool named = has_aaguid(cert, aaguid, false);
        ERR_clear_error();
        return named;
}

static int key_of_certificate(struct bytes der, int alg, const uint8_t aaguid[16], EVP_PKEY **ret) {
        const unsigned char *p = der.p;
        _cleanup_(x509_freep) X509 *cert = d2i_X509(NULL, &p, (long) der.n);
        if (!cert || p != der.p + der.n || X509_get_version(cert) != X509_VERSION_3 ||
            X509_check_ca(cert) != 0 || !has_aaguid(cert, aaguid, true))
                return -EBADMSG;
        EVP_PKEY *k = X509_get0_pubkey(cert);
        if (!k || !is_key_for(k, alg))
                return -ENOTSUP;
        if (EVP_PKEY_up_ref(k) != 1)
                return -ENOMEM;
        *ret = k;
        return 0;
}

int fido_pkey_from_certificate(struct bytes der, int alg, const uint8_t aaguid[16], EVP_PKEY **ret) {
        int r = key_of_certificate(der, alg, aaguid, ret);
        ERR_clear_error();
        return r;
}

/* --- Signatures */

bool fido_signature_is_good(EVP_PKEY *k, int alg, struct bytes authdata, const uint8_t client_data_hash[32],
                            struct bytes sig) {
        uint8_t message[FIDO_AUTHDATA_MAX + 32];
        if (authdata.n > FIDO_AUTHDATA_MAX || sig.n == 0 || sig.n > FIDO_SIGNATURE_MAX)
                return false;
        memcpy(message, authdata.p, authdata.n);
        memcpy(message + authdata.n, client_data_hash, 32);
        _cleanup_(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        const char *digest = alg == COSE_EDDSA ? NULL : "SHA256"; /* RFC 8032 hashes by itself */
        bool good = ctx && EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, k, NULL) == 1 &&
                    EVP_DigestVerify(ctx, sig.p, sig.n, message, authdata.n + 32) == 1;
        ERR_clear_error();
        return good;
}
