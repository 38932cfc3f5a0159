/* SPDX-License-Identifier: Apache-2.0 */
/* What libcrypto does for the key: key pairs, signatures, key agreement, and the attestation certificate. */
#include "tests/virtual/key_core.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define DEFINE_OPENSSL_CLEANUP(type, f)                                                                     \
        static inline void f##p(type **p) {                                                                 \
                f(*p);                                                                                      \
                *p = NULL;                                                                                  \
        }
DEFINE_OPENSSL_CLEANUP(EVP_PKEY, EVP_PKEY_free)
DEFINE_OPENSSL_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
DEFINE_OPENSSL_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free)
DEFINE_OPENSSL_CLEANUP(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
DEFINE_OPENSSL_CLEANUP(X509, X509_free)
DEFINE_OPENSSL_CLEANUP(X509_EXTENSION, X509_EXTENSION_free)
DEFINE_OPENSSL_CLEANUP(ASN1_OBJECT, ASN1_OBJECT_free)
DEFINE_OPENSSL_CLEANUP(ASN1_OCTET_STRING, ASN1_OCTET_STRING_free)

void crypto_random(void *p, size_t n) {
        if (RAND_bytes(p, (int) n) != 1)
                abort();
}

void crypto_sha256(const void *p, size_t n, uint8_t ret[32]) {
        if (!SHA256(p, n, ret))
                abort();
}

void crypto_hmac(const uint8_t *key, size_t key_n, const void *p, size_t n, uint8_t ret[32]) {
        unsigned ret_n = 32;
        if (!HMAC(EVP_sha256(), key, (int) key_n, p, n, ret, &ret_n))
                abort();
}

static EVP_PKEY *pair_load(const struct key_pair *pair) {
        const unsigned char *p = pair->der;
        return d2i_AutoPrivateKey(NULL, &p, (long) pair->n);
}

bool crypto_generate(int alg, struct key_pair *ret) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = alg == COSE_ALG_EDDSA
                                                           ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                                                           : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
        int n = pkey ? i2d_PrivateKey(pkey, NULL) : -1;
        if (n <= 0 || (size_t) n > sizeof(ret->der))
                return false;
        unsigned char *p = ret->der;
        ret->n = (size_t) i2d_PrivateKey(pkey, &p);
        return true;
}

bool crypto_sign(const struct key_pair *pair, int alg, const void *p, size_t n, uint8_t *ret,
                 size_t *ret_n) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = pair_load(pair);
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        const EVP_MD *md = alg == COSE_ALG_EDDSA ? NULL : EVP_sha256();
        return pkey && ctx && EVP_DigestSignInit(ctx, NULL, md, NULL, pkey) == 1 &&
               EVP_DigestSign(ctx, ret, ret_n, p, n) == 1;
}

bool crypto_public(const struct key_pair *pair, int alg, uint8_t ret[64]) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = pair_load(pair);
        uint8_t point[65];
        size_t n = 32;
        if (!pkey)
                return false;
        if (alg == COSE_ALG_EDDSA)
                return EVP_PKEY_get_raw_public_key(pkey, ret, &n) == 1;
        if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) != 1 ||
            n != sizeof(point) || point[0] != 4)
                return false;
        memcpy(ret, point + 1, 64);
        return true;
}

static EVP_PKEY *public_load(const uint8_t xy[64]) {
        uint8_t point[65] = {4};
        char group[] = "P-256";
        memcpy(point + 1, xy, 64);
        OSSL_PARAM params[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
                OSSL_PARAM_construct_end(),
        };
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
        EVP_PKEY *pkey = NULL;
        if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
            EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
                return NULL;
        return pkey;
}

bool crypto_ecdh(const struct key_pair *pair, const uint8_t peer[64], uint8_t ret[32]) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *mine = pair_load(pair), *theirs = public_load(peer);
        if (!mine || !theirs)
                return false;
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(mine, NULL);
        size_t n = 32;
        return ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
               EVP_PKEY_derive(ctx, ret, &n) == 1 && n == 32;
}

bool crypto_aes_cbc(bool encrypt, const uint8_t key[32], const uint8_t iv[16], struct bytes in,
                    uint8_t *ret) {
        _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
        int n = 0;
        return ctx && in.n % 16 == 0 && in.n <= 1024 &&
               EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, iv, encrypt) == 1 &&
               EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
               EVP_CipherUpdate(ctx, ret, &n, in.p, (int) in.n) == 1 && (size_t) n == in.n;
}

bool crypto_hkdf(const uint8_t secret[32], const char *info, uint8_t ret[32]) {
        static const uint8_t salt[32];
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
        size_t n = 32;
        return ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_CTX_set_hkdf_md(ctx, EVP_sha256()) == 1 &&
               EVP_PKEY_CTX_set1_hkdf_salt(ctx, salt, sizeof(salt)) == 1 &&
               EVP_PKEY_CTX_set1_hkdf_key(ctx, secret, 32) == 1 &&
               EVP_PKEY_CTX_add1_hkdf_info(ctx, (const unsigned char *) info, (int) strlen(info)) == 1 &&
               EVP_PKEY_derive(ctx, ret, &n) == 1;
}

static bool certificate_names(X509 *cert) {
        static const char *const names[][2] = {{"C", "XX"},
                                               {"O", "Wardtap tests"},
                                               {"OU", "Authenticator Attestation"},
                                               {"CN", "Virtual key"}};
        X509_NAME *name = X509_get_subject_name(cert);
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (X509_NAME_add_entry_by_txt(name, names[i][0], MBSTRING_ASC,
                                               (const unsigned char *) names[i][1], -1, -1, 0) != 1)
                        return false;
        return X509_set_issuer_name(cert, name) == 1;
}

/* id-fido-gen-ce-aaguid: the value is itself an OCTET STRING (WebAuthn 8.2.1). */
static bool certificate_aaguid(X509 *cert, const uint8_t aaguid[16]) {
        uint8_t value[18] = {0x04, 16};
        memcpy(value + 2, aaguid, 16);
        _cleanup_(ASN1_OBJECT_freep) ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.45724.1.1.4", 1);
        _cleanup_(ASN1_OCTET_STRING_freep) ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
        if (!oid || !data || ASN1_OCTET_STRING_set(data, value, sizeof(value)) != 1)
                return false;
        _cleanup_(X509_EXTENSION_freep) X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, data);
        return e && X509_add_ext(cert, e, -1) == 1;
}

static bool certificate_not_ca(X509 *cert) {
        _cleanup_(X509_EXTENSION_freep) X509_EXTENSION *e =
                X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:FALSE");
        return e && X509_add_ext(cert, e, -1) == 1;
}

bool crypto_certificate(const struct key_pair *pair, const uint8_t aaguid[16], uint8_t *ret, size_t *ret_n) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = pair_load(pair);
        _cleanup_(X509_freep) X509 *cert = X509_new();
        if (!pkey || !cert || X509_set_version(cert, X509_VERSION_3) != 1 ||
            ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) != 1 ||
            !X509_gmtime_adj(X509_getm_notBefore(cert), -86400L) ||
            !X509_time_adj_ex(X509_getm_notAfter(cert), 3650, 0, NULL) || !certificate_names(cert) ||
            X509_set_pubkey(cert, pkey) != 1 || !certificate_not_ca(cert) ||
            !certificate_aaguid(cert, aaguid) || X509_sign(cert, pkey, EVP_sha256()) == 0)
                return false;
        int n = i2d_X509(cert, NULL);
        if (n <= 0 || (size_t) n > KEY_CERTIFICATE_MAX)
                return false;
        *ret_n = (size_t) i2d_X509(cert, &ret);
        return true;
}

void put_cose(struct writer *w, const uint8_t public_key[64], int alg) {
        bool okp = alg == COSE_ALG_EDDSA;
        put_map(w, okp ? 4 : 5);
        put_int(w, 1);
        put_int(w, okp ? 1 : 2);
        put_int(w, 3);
        put_int(w, alg);
        put_int(w, -1);
        put_int(w, okp ? 6 : 1);
        put_int(w, -2);
        put_bytes(w, public_key, 32);
        if (okp)
                return;
        put_int(w, -3);
        put_bytes(w, public_key + 32, 32);
}
