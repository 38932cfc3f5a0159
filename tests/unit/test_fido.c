/* SPDX-License-Identifier: Apache-2.0 */
/* What a true key signs is accepted, and nothing else: keys, signatures and certificates are made here, then
 * each part of them is spoilt in turn. */
#include "policy/fido.h"
#include "policy/fido_internal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#define RP "wardtap.example.org"

/* --- A software key */

struct buf {
        uint8_t p[4096];
        size_t n;
};

static void put(struct buf *b, const void *p, size_t n) {
        assert_true(b->n + n <= sizeof(b->p));
        if (n > 0)
                memcpy(b->p + b->n, p, n);
        b->n += n;
}

static void flip(uint8_t *p, size_t at) {
        p[at] = (uint8_t) (p[at] ^ 1U << (at % 8));
}

static void put_byte(struct buf *b, unsigned v) {
        uint8_t byte = (uint8_t) v;
        put(b, &byte, 1);
}

/* CBOR: the head of an item. */
static void put_head(struct buf *b, unsigned major, size_t v) {
        if (v < 24) {
                put_byte(b, major << 5 | (unsigned) v);
        } else if (v < 256) {
                put_byte(b, major << 5 | 24U);
                put_byte(b, (unsigned) v);
        } else {
                put_byte(b, major << 5 | 25U);
                put_byte(b, (unsigned) v >> 8);
                put_byte(b, (unsigned) v & 255);
        }
}

static void put_int(struct buf *b, int v) {
        put_head(b, v < 0 ? 1U : 0U, (size_t) (v < 0 ? -1 - v : v));
}

static void put_blob(struct buf *b, const void *p, size_t n) {
        put_head(b, 2, n);
        put(b, p, n);
}

static void put_text(struct buf *b, const char *s) {
        put_head(b, 3, strlen(s));
        put(b, s, strlen(s));
}

struct soft_key {
        int alg;
        EVP_PKEY *pkey;
        struct buf cose;
};

static void put_ec(struct soft_key *k) {
        uint8_t point[65];
        size_t n;
        assert_int_equal(EVP_PKEY_get_octet_string_param(k->pkey, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point,
                                                         sizeof(point), &n),
                         1);
        assert_int_equal(n, 65);
        put_head(&k->cose, 5, 5);
        put_int(&k->cose, 1);
        put_int(&k->cose, 2);
        put_int(&k->cose, 3);
        put_int(&k->cose, COSE_ES256);
        put_int(&k->cose, -1);
        put_int(&k->cose, 1);
        put_int(&k->cose, -2);
        put_blob(&k->cose, point + 1, 32);
        put_int(&k->cose, -3);
        put_blob(&k->cose, point + 33, 32);
}

static void put_ed(struct soft_key *k) {
        uint8_t x[32];
        size_t n = sizeof(x);
        assert_int_equal(EVP_PKEY_get_raw_public_key(k->pkey, x, &n), 1);
        put_head(&k->cose, 5, 4);
        put_int(&k->cose, 1);
        put_int(&k->cose, 1);
        put_int(&k->cose, 3);
        put_int(&k->cose, COSE_EDDSA);
        put_int(&k->cose, -1);
        put_int(&k->cose, 6);
        put_int(&k->cose, -2);
        put_blob(&k->cose, x, 32);
}

static void put_rsa(struct soft_key *k) {
        BIGNUM *bn = NULL;
        uint8_t n[512];
        assert_int_equal(EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_RSA_N, &bn), 1);
        int len = BN_bn2bin(bn, n);
        BN_free(bn);
        put_head(&k->cose, 5, 4);
        put_int(&k->cose, 1);
        put_int(&k->cose, 3);
        put_int(&k->cose, 3);
        put_int(&k->cose, COSE_RS256);
        put_int(&k->cose, -1);
        put_blob(&k->cose, n, (size_t) len);
        put_int(&k->cose, -2);
        put_blob(&k->cose, "\x01\x00\x01", 3);
}

static struct soft_key soft_key_new(int alg) {
        struct soft_key k = {.alg = alg};
        k.pkey = alg == COSE_ES256   ? EVP_EC_gen("P-256")
                 : alg == COSE_EDDSA ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                                     : EVP_RSA_gen(2048);
        assert_non_null(k.pkey);
        if (alg == COSE_ES256)
                put_ec(&k);
        else if (alg == COSE_EDDSA)
                put_ed(&k);
        else
                put_rsa(&k);
        return k;
}

static void soft_key_clear(struct soft_key *k) {
        EVP_PKEY_free(k->pkey);
}

static void sign(EVP_PKEY *pkey, bool hashes_itself, const struct buf *authdata, const uint8_t hash[32],
                 struct buf *sig) {
        struct buf m = *authdata;
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        size_t n = sizeof(sig->p);
        put(&m, hash, 32);
        assert_int_equal(
                EVP_DigestSignInit_ex(ctx, NULL, hashes_itself ? NULL : "SHA256", NULL, NULL, pkey, NULL),
                1);
        assert_int_equal(EVP_DigestSign(ctx, sig->p, &n, m.p, m.n), 1);
        sig->n = n;
        EVP_MD_CTX_free(ctx);
}

static void soft_key_sign(const struct soft_key *k, const struct buf *authdata, const uint8_t hash[32],
                          struct buf *sig) {
        sign(k->pkey, k->alg == COSE_EDDSA, authdata, hash, sig);
}

static struct buf authdata_for(const char *rp, unsigned flags, uint32_t counter) {
        struct buf b = {0};
        uint8_t hash[32];
        assert_int_equal(fido_sha256(rp, strlen(rp), hash), 0);
        put(&b, hash, 32);
        put_byte(&b, flags);
        for (int shift = 24; shift >= 0; shift -= 8)
                put_byte(&b, counter >> shift & 255);
        return b;
}

static const uint8_t AAGUID[16] = {0xa, 0xb, 0xc, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static void put_credential(struct buf *b, const uint8_t *cose, size_t cose_len, size_t id_len) {
        put(b, AAGUID, 16);
        put_byte(b, (unsigned) id_len >> 8);
        put_byte(b, (unsigned) id_len & 255);
        for (size_t i = 0; i < id_len; i++)
                put_byte(b, (unsigned) i & 255);
        put(b, cose, cose_len);
}

/* --- Assertions */

struct assertion {
        struct soft_key key;
        uint8_t hash[32];
        struct buf authdata, sig;
};

static const uint8_t CHALLENGE[FIDO_CHALLENGE_SIZE] = {1, 2, 3, 0xff, 0xfe};

static struct assertion assertion_of(int alg, unsigned flags) {
        struct assertion a = {.key = soft_key_new(alg), .authdata = authdata_for(RP, flags, 258)};
        assert_int_equal(fido_client_data_hash("webauthn.get", CHALLENGE, RP, a.hash), 0);
        soft_key_sign(&a.key, &a.authdata, a.hash, &a.sig);
        return a;
}

/* The data is copied to memory of just its size, so that a sanitizer sees any step beyond. */
static enum reason check_as(const char *rp, const struct assertion *a, struct fido_assertion *ret) {
        uint8_t *authdata = malloc(a->authdata.n + 1), *sig = malloc(a->sig.n + 1);
        assert_true(authdata && sig);
        authdata = realloc(authdata, a->authdata.n > 0 ? a->authdata.n : 1);
        sig = realloc(sig, a->sig.n > 0 ? a->sig.n : 1);
        memcpy(authdata, a->authdata.p, a->authdata.n);
        memcpy(sig, a->sig.p, a->sig.n);
        enum reason r = fido_check_assertion(rp, a->hash, a->key.cose.p, a->key.cose.n, authdata,
                                             a->authdata.n, sig, a->sig.n, ret);
        free(authdata);
        free(sig);
        return r;
}

static enum reason check(const struct assertion *a) {
        struct fido_assertion ignored;
        return check_as(RP, a, &ignored);
}

static const int algs[] = {COSE_ES256, COSE_EDDSA, COSE_RS256};

static void a_true_assertion_is_accepted(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(algs); i++) {
                struct fido_assertion got = {0};
                struct assertion a = assertion_of(algs[i], 0x05);
                assert_int_equal(check_as(RP, &a, &got), REASON_NONE);
                assert_true(got.present && got.verified);
                assert_int_equal(got.counter, 258);
                soft_key_clear(&a.key);
                a = assertion_of(algs[i], 0x01 | 0x02 | 0x38); /* reserved bits, no UV */
                assert_int_equal(check_as(RP, &a, &got), REASON_NONE);
                assert_true(got.present && !got.verified);
                soft_key_clear(&a.key);
        }
}

static void one_wrong_bit_anywhere_is_refused(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(algs); i++) {
                struct assertion a = assertion_of(algs[i], 0x05);
                for (size_t at = 0; at < a.authdata.n; at++) {
                        flip(a.authdata.p, at);
                        assert_int_equal(check(&a), REASON_KEY_FORGED);
                        flip(a.authdata.p, at);
                }
                for (size_t at = 0; at < 32; at++) {
                        a.hash[at] ^= 0x80;
                        assert_int_equal(check(&a), REASON_KEY_FORGED);
                        a.hash[at] ^= 0x80;
                }
                for (size_t at = 0; at < a.sig.n; at++) {
                        flip(a.sig.p, at);
                        assert_int_equal(check(&a), REASON_KEY_FORGED);
                        flip(a.sig.p, at);
                }
                for (size_t at = 0; at < a.key.cose.n; at++) {
                        flip(a.key.cose.p, at);
                        assert_int_equal(check(&a), REASON_KEY_FORGED);
                        flip(a.key.cose.p, at);
                }
                assert_int_equal(check(&a), REASON_NONE);
                soft_key_clear(&a.key);
        }
}

static void what_is_cut_or_too_long_is_refused(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(algs); i++) {
                struct assertion a = assertion_of(algs[i], 0x05), b = a;
                for (b.authdata.n = 0; b.authdata.n < a.authdata.n; b.authdata.n++)
                        assert_int_equal(check(&b), REASON_KEY_FORGED);
                for (b.sig.n = 0; b.sig.n < a.sig.n; b.sig.n++)
                        assert_int_equal(check(&b), REASON_KEY_FORGED);
                for (b.key.cose.n = 0; b.key.cose.n < a.key.cose.n; b.key.cose.n++)
                        assert_int_equal(check(&b), REASON_KEY_FORGED);
                put_byte(&b.sig, 0);
                assert_int_equal(check(&b), REASON_KEY_FORGED);
                b = a;
                put_byte(&b.key.cose, 0);
                assert_int_equal(check(&b), REASON_KEY_FORGED);
                b = a;
                b.sig.n = sizeof(b.sig.p);
                assert_int_equal(check(&b), REASON_KEY_FORGED);
                b = a;
                b.authdata.n = sizeof(b.authdata.p);
                assert_int_equal(check(&b), REASON_KEY_FORGED);
                soft_key_clear(&a.key);
        }
}

/* Signed as well, so that only the check in question can refuse. */
static enum reason check_signed(struct assertion *a) {
        soft_key_sign(&a->key, &a->authdata, a->hash, &a->sig);
        return check(a);
}

static void leftover_bytes_are_refused_though_signed(void **state) {
        struct assertion a = assertion_of(COSE_ES256, 0x05);
        put_byte(&a.authdata, 0xa0); /* an empty map, and no flag says so */
        assert_int_equal(check_signed(&a), REASON_KEY_FORGED);
        a.authdata.p[32] |= 0x80;
        assert_int_equal(check_signed(&a), REASON_NONE);
        put_byte(&a.authdata, 0xa0);
        assert_int_equal(check_signed(&a), REASON_KEY_FORGED);
        a.authdata.n = 37;
        assert_int_equal(check_signed(&a), REASON_KEY_FORGED); /* the flag, and nothing there */
        put_byte(&a.authdata, 0x80);
        assert_int_equal(check_signed(&a), REASON_KEY_FORGED); /* no map */
        a.authdata.n = 37;
        put_head(&a.authdata, 5, 1);
        put_text(&a.authdata, "hmac-secret");
        put_blob(&a.authdata, a.hash, 32);
        assert_int_equal(check_signed(&a), REASON_NONE);
        a.authdata.n = 37;
        put_head(&a.authdata, 5, 2);
        put_text(&a.authdata, "x");
        put_int(&a.authdata, 1);
        put_text(&a.authdata, "x");
        put_int(&a.authdata, 1);
        assert_int_equal(check_signed(&a), REASON_KEY_FORGED); /* a key twice */
        soft_key_clear(&a.key);
}

static void a_credential_in_an_assertion_is_refused(void **state) {
        struct assertion a = assertion_of(COSE_ES256, 0x45);
        put_credential(&a.authdata, a.key.cose.p, a.key.cose.n, 16);
        assert_int_equal(check_signed(&a), REASON_KEY_FORGED);
        soft_key_clear(&a.key);
}

static void another_relying_party_is_refused_though_signed(void **state) {
        struct fido_assertion ignored;
        struct assertion a = assertion_of(COSE_ES256, 0x05);
        assert_int_equal(check_as("wardtap.example.com", &a, &ignored), REASON_KEY_FORGED);
        assert_int_equal(check_as("", &a, &ignored), REASON_KEY_FORGED);
        a.authdata = authdata_for("evil.example.org", 0x05, 1);
        assert_int_equal(check_signed(&a), REASON_KEY_FORGED);
        soft_key_clear(&a.key);
}

static void nobody_there_is_told_apart_and_only_when_signed(void **state) {
        struct assertion a = assertion_of(COSE_EDDSA, 0x04);
        struct fido_assertion got = {.counter = 99};
        assert_int_equal(check_as(RP, &a, &got), REASON_KEY_NO_PRESENCE);
        assert_int_equal(got.counter, 99);
        a.sig.p[0] ^= 1;
        assert_int_equal(check(&a), REASON_KEY_FORGED);
        soft_key_clear(&a.key);
}

static void another_keys_signature_is_refused(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(algs); i++)
                for (size_t j = 0; j < ELEMENTSOF(algs); j++) {
                        struct assertion a = assertion_of(algs[i], 0x05), b = assertion_of(algs[j], 0x05);
                        a.sig = b.sig;
                        assert_int_equal(check(&a), REASON_KEY_FORGED);
                        soft_key_clear(&a.key);
                        soft_key_clear(&b.key);
                }
}

/* S + L is the same scalar; RFC 8032, 5.1.7 wants the one below L. */
static void an_eddsa_signature_has_one_form(void **state) {
        static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                          0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
        struct assertion a = assertion_of(COSE_EDDSA, 0x05);
        unsigned carry = 0;
        for (size_t i = 0; i < 32; i++) {
                carry += (unsigned) a.sig.p[32 + i] + order[i];
                a.sig.p[32 + i] = (uint8_t) carry;
                carry >>= 8;
        }
        assert_int_equal(check(&a), REASON_KEY_FORGED);
        soft_key_clear(&a.key);
}

/* DER has one form for two numbers: long lengths and leading zeros are refused. */
static void an_ecdsa_signature_is_der(void **state) {
        struct assertion a = assertion_of(COSE_ES256, 0x05), b = a;
        b.sig.n = 0;
        put_byte(&b.sig, 0x30);
        put_byte(&b.sig, 0x81);
        put(&b.sig, a.sig.p + 1, a.sig.n - 1);
        assert_int_equal(check(&b), REASON_KEY_FORGED);
        b.sig.n = 0;
        put_byte(&b.sig, 0x30);
        put_byte(&b.sig, a.sig.p[1] + 1U);
        put_byte(&b.sig, 0x02);
        put_byte(&b.sig, a.sig.p[3] + 1U);
        put_byte(&b.sig, 0);
        put(&b.sig, a.sig.p + 4, a.sig.n - 4);
        assert_int_equal(check(&b), REASON_KEY_FORGED);
        b.sig.n = 0;
        put(&b.sig, "\x30\x06\x02\x01\x00\x02\x01\x00", 8); /* r = s = 0 */
        assert_int_equal(check(&b), REASON_KEY_FORGED);
        soft_key_clear(&a.key);
}

/* --- Client data */

static void client_data_is_the_json_that_webauthn_serialises(void **state) {
        static const char json[] = "{\"type\":\"webauthn.create\",\"challenge\":"
                                   "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd-_8\","
                                   "\"origin\":\"https://" RP "\",\"crossOrigin\":false}";
        uint8_t challenge[FIDO_CHALLENGE_SIZE], want[32], got[32], other[32];
        char longest[256];
        for (size_t i = 0; i < 30; i++)
                challenge[i] = (uint8_t) i;
        challenge[30] = 0xfb;
        challenge[31] = 0xff;
        assert_int_equal(fido_sha256(json, strlen(json), want), 0);
        assert_int_equal(fido_client_data_hash("webauthn.create", challenge, RP, got), 0);
        assert_memory_equal(got, want, 32);
        assert_int_equal(fido_client_data_hash("webauthn.get", challenge, RP, other), 0);
        assert_memory_not_equal(got, other, 32);
        assert_int_equal(fido_client_data_hash("webauthn.gets", challenge, RP, got), -EINVAL);
        assert_int_equal(fido_client_data_hash("webauthn.get", challenge, "", got), -EINVAL);
        assert_int_equal(fido_client_data_hash("webauthn.get", challenge, "a\"b", got), -EINVAL);
        assert_int_equal(fido_client_data_hash("webauthn.get", challenge, "A.org", got), -EINVAL);
        memset(longest, 'a', sizeof(longest));
        longest[253] = 0;
        assert_int_equal(fido_client_data_hash("webauthn.get", challenge, longest, got), 0);
        longest[253] = 'a';
        longest[254] = 0;
        assert_int_equal(fido_client_data_hash("webauthn.get", challenge, longest, got), -EINVAL);
}

/* --- Credentials */

struct made {
        struct soft_key key;
        EVP_PKEY *attester; /* NULL = self */
        uint8_t hash[32];
        struct buf authdata, statement, cert;
        const char *format;
};

enum cert_fault {
        CERT_GOOD,
        CERT_NO_AAGUID,
        CERT_OTHER_AAGUID,
        CERT_CA,
        CERT_V1,
        CERT_CRITICAL,
        CERT_TWICE
};

static void add_aaguid(X509 *x, enum cert_fault fault) {
        uint8_t der[18] = {4, 16};
        ASN1_OCTET_STRING *os = ASN1_OCTET_STRING_new();
        ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.45724.1.1.4", 1);
        memcpy(der + 2, AAGUID, 16);
        if (fault == CERT_OTHER_AAGUID)
                der[17] ^= 1;
        assert_int_equal(ASN1_OCTET_STRING_set(os, der, sizeof(der)), 1);
        X509_EXTENSION *ext = X509_EXTENSION_create_by_OBJ(NULL, oid, fault == CERT_CRITICAL, os);
        assert_int_equal(X509_add_ext(x, ext, -1), 1);
        if (fault == CERT_TWICE)
                assert_int_equal(X509_add_ext(x, ext, -1), 1);
        X509_EXTENSION_free(ext);
        ASN1_OBJECT_free(oid);
        ASN1_OCTET_STRING_free(os);
}

static struct buf certificate(EVP_PKEY *k, enum cert_fault fault) {
        struct buf b = {0};
        X509 *x = X509_new();
        X509_NAME *name = X509_get_subject_name(x);
        X509_EXTENSION *ca =
                X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
                                    fault == CERT_CA ? "critical,CA:TRUE" : "critical,CA:FALSE");
        assert_int_equal(X509_set_version(x, fault == CERT_V1 ? X509_VERSION_1 : X509_VERSION_3), 1);
        assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
        assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), 0));
        assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
        assert_int_equal(X509_NAME_add_entry_by_txt(name, "OU", MBSTRING_ASC,
                                                    (const uint8_t *) "Authenticator Attestation", -1, -1,
                                                    0),
                         1);
        assert_int_equal(X509_set_issuer_name(x, name), 1);
        assert_int_equal(X509_set_pubkey(x, k), 1);
        if (fault != CERT_V1)
                assert_int_equal(X509_add_ext(x, ca, -1), 1);
        if (fault != CERT_NO_AAGUID && fault != CERT_V1)
                add_aaguid(x, fault);
        assert_true(X509_sign(x, k, EVP_sha256()) > 0);
        uint8_t *p = b.p;
        int n = i2d_X509(x, NULL);
        assert_true(n > 0 && (size_t) n < sizeof(b.p));
        b.n = (size_t) i2d_X509(x, &p);
        X509_EXTENSION_free(ca);
        X509_free(x);
        return b;
}

/* Signs what stands in authdata and makes the statement anew. */
static void attest(struct made *m, int alg) {
        struct buf sig = {0};
        EVP_PKEY *k = m->attester ? m->attester : m->key.pkey;
        sign(k, EVP_PKEY_is_a(k, "ED25519"), &m->authdata, m->hash, &sig);
        m->statement.n = 0;
        put_head(&m->statement, 5, m->attester ? 3 : 2);
        put_text(&m->statement, "alg");
        put_int(&m->statement, alg);
        put_text(&m->statement, "sig");
        put_blob(&m->statement, sig.p, sig.n);
        if (!m->attester)
                return;
        put_text(&m->statement, "x5c");
        put_head(&m->statement, 4, 1);
        put_blob(&m->statement, m->cert.p, m->cert.n);
}

static struct made make_flagged(int alg, unsigned flags) {
        struct made m = {.key = soft_key_new(alg), .format = "packed"};
        m.authdata = authdata_for(RP, flags, 7);
        put_credential(&m.authdata, m.key.cose.p, m.key.cose.n, 64);
        assert_int_equal(fido_client_data_hash("webauthn.create", CHALLENGE, RP, m.hash), 0);
        attest(&m, alg);
        return m;
}

static struct made make(int alg) {
        return make_flagged(alg, 0x45);
}

static struct made make_with_certificate(EVP_PKEY *attester, int alg, enum cert_fault fault) {
        struct made m = make(COSE_ES256);
        m.attester = attester;
        m.cert = certificate(attester, fault);
        attest(&m, alg);
        return m;
}

static void made_clear(struct made *m) {
        soft_key_clear(&m->key);
        EVP_PKEY_free(m->attester);
}

static enum reason check_made_as(const char *rp, const struct made *m, struct fido_credential *ret) {
        uint8_t *authdata = malloc(m->authdata.n > 0 ? m->authdata.n : 1);
        uint8_t *statement = malloc(m->statement.n > 0 ? m->statement.n : 1);
        assert_true(authdata && statement);
        memcpy(authdata, m->authdata.p, m->authdata.n);
        memcpy(statement, m->statement.p, m->statement.n);
        enum reason r = fido_check_credential(rp, m->hash, m->format, authdata, m->authdata.n, statement,
                                              m->statement.n, ret);
        free(authdata);
        free(statement);
        return r;
}

static enum reason check_made(const struct made *m) {
        struct fido_credential ignored;
        return check_made_as(RP, m, &ignored);
}

static void a_true_credential_is_accepted_with_its_very_bytes(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(algs); i++) {
                struct made m = make(algs[i]);
                struct fido_credential c = {0};
                assert_int_equal(check_made_as(RP, &m, &c), REASON_NONE);
                assert_memory_equal(c.aaguid, AAGUID, 16);
                assert_int_equal(c.credential_id_len, 64);
                assert_int_equal(c.credential_id[63], 63);
                assert_int_equal(c.public_key_len, m.key.cose.n);
                assert_memory_equal(c.public_key, m.key.cose.p, m.key.cose.n);
                assert_true(c.present && c.verified && c.self_attested);
                assert_int_equal(c.counter, 7);
                made_clear(&m);
        }
}

static void a_certificates_signature_is_accepted(void **state) {
        struct fido_credential c = {0};
        struct made m = make_with_certificate(EVP_EC_gen("P-256"), COSE_ES256, CERT_GOOD);
        assert_int_equal(check_made_as(RP, &m, &c), REASON_NONE);
        assert_false(c.self_attested);
        made_clear(&m);
        m = make_with_certificate(EVP_RSA_gen(2048), COSE_RS256, CERT_GOOD);
        assert_int_equal(check_made(&m), REASON_NONE);
        made_clear(&m);
        m = make_with_certificate(EVP_EC_gen("P-256"), COSE_ES256, CERT_NO_AAGUID);
        assert_int_equal(check_made(&m), REASON_NONE);
        made_clear(&m);
}

static void certificates_that_are_not_for_this_are_refused(void **state) {
        static const enum cert_fault faults[] = {CERT_OTHER_AAGUID, CERT_CA, CERT_V1, CERT_CRITICAL,
                                                 CERT_TWICE};
        for (size_t i = 0; i < ELEMENTSOF(faults); i++) {
                struct made m = make_with_certificate(EVP_EC_gen("P-256"), COSE_ES256, faults[i]);
                assert_int_equal(check_made(&m), REASON_KEY_FORGED);
                made_clear(&m);
        }
        struct made m = make_with_certificate(EVP_EC_gen("P-384"), COSE_ES256, CERT_GOOD);
        assert_int_equal(check_made(&m), REASON_KEY_UNUSABLE);
        made_clear(&m);
        m = make_with_certificate(EVP_RSA_gen(1024), COSE_RS256, CERT_GOOD);
        assert_int_equal(check_made(&m), REASON_KEY_UNUSABLE);
        made_clear(&m);
        m = make_with_certificate(EVP_EC_gen("P-256"), COSE_RS256, CERT_GOOD); /* says another algorithm */
        assert_int_equal(check_made(&m), REASON_KEY_UNUSABLE);
        made_clear(&m);
        m = make_with_certificate(EVP_EC_gen("P-256"), COSE_ES256, CERT_GOOD);
        put_byte(&m.cert, 0); /* a byte after the certificate */
        attest(&m, COSE_ES256);
        assert_int_equal(check_made(&m), REASON_KEY_FORGED);
        made_clear(&m);
        m = make_with_certificate(EVP_EC_gen("P-256"), COSE_ES256, CERT_GOOD);
        EVP_PKEY *other = EVP_EC_gen("P-256");
        m.cert = certificate(other, CERT_GOOD); /* somebody else's certificate */
        attest(&m, COSE_ES256);
        assert_int_equal(check_made(&m), REASON_KEY_FORGED);
        EVP_PKEY_free(other);
        made_clear(&m);
}

static void one_wrong_bit_in_a_credential_is_refused(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(algs); i++) {
                struct made m = make(algs[i]);
                for (size_t at = 0; at < m.authdata.n; at++) {
                        flip(m.authdata.p, at);
                        assert_int_not_equal(check_made(&m), REASON_NONE);
                        flip(m.authdata.p, at);
                }
                for (size_t at = 0; at < m.statement.n; at++) {
                        flip(m.statement.p, at);
                        assert_int_not_equal(check_made(&m), REASON_NONE);
                        flip(m.statement.p, at);
                }
                m.hash[5] ^= 1;
                assert_int_equal(check_made(&m), REASON_KEY_FORGED);
                made_clear(&m);
        }
}

static void a_credential_that_is_cut_or_too_long_is_refused(void **state) {
        struct made m = make(COSE_ES256), cut = m;
        for (cut.authdata.n = 0; cut.authdata.n < m.authdata.n; cut.authdata.n++)
                assert_int_equal(check_made(&cut), REASON_KEY_FORGED);
        for (cut.statement.n = 0; cut.statement.n < m.statement.n; cut.statement.n++)
                assert_int_equal(check_made(&cut), REASON_KEY_FORGED);
        put_byte(&cut.statement, 0);
        assert_int_equal(check_made(&cut), REASON_KEY_FORGED);
        /* the same, signed each time */
        for (cut = m; cut.authdata.n-- > 0;) {
                attest(&cut, COSE_ES256);
                assert_int_equal(check_made(&cut), REASON_KEY_FORGED);
        }
        cut = m;
        put_byte(&cut.authdata, 0xa0); /* extensions that no flag announces */
        attest(&cut, COSE_ES256);
        assert_int_equal(check_made(&cut), REASON_KEY_FORGED);
        cut.authdata.p[32] |= 0x80;
        attest(&cut, COSE_ES256);
        assert_int_equal(check_made(&cut), REASON_NONE);
        put_byte(&cut.authdata, 0);
        attest(&cut, COSE_ES256);
        assert_int_equal(check_made(&cut), REASON_KEY_FORGED);
        made_clear(&m);
}

static void a_credential_for_others_or_of_nobody_is_refused(void **state) {
        struct fido_credential ignored;
        struct made m = make(COSE_ES256);
        assert_int_equal(check_made_as("evil.example.org", &m, &ignored), REASON_KEY_FORGED);
        made_clear(&m);
        m = make_flagged(COSE_ES256, 0x44); /* UP clear */
        assert_int_equal(check_made(&m), REASON_KEY_NO_PRESENCE);
        made_clear(&m);
        m = make_flagged(COSE_ES256, 0x05); /* AT clear: the credential is left over */
        assert_int_equal(check_made(&m), REASON_KEY_FORGED);
        m.authdata.n = 37;
        attest(&m, COSE_ES256);
        assert_int_equal(check_made(&m), REASON_KEY_FORGED);
        made_clear(&m);
        m = make_flagged(COSE_ES256, 0x41);
        assert_int_equal(check_made_as(RP, &m, &ignored), REASON_NONE);
        assert_false(ignored.verified);
        made_clear(&m);
}

static void credential_ids_of_no_or_too_many_bytes_are_refused(void **state) {
        static const size_t sizes[] = {0, 1, FIDO_CREDENTIAL_ID_MAX, FIDO_CREDENTIAL_ID_MAX + 1};
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                struct made m = make(COSE_ES256);
                m.authdata.n = 37;
                put_credential(&m.authdata, m.key.cose.p, m.key.cose.n, sizes[i]);
                attest(&m, COSE_ES256);
                assert_int_equal(check_made(&m), i == 1 || i == 2 ? REASON_NONE : REASON_KEY_FORGED);
                made_clear(&m);
        }
}

static void an_unknown_format_is_unusable_and_none_must_be_empty(void **state) {
        struct fido_credential c;
        struct made m = make(COSE_ES256);
        m.format = "fido-u2f";
        assert_int_equal(check_made(&m), REASON_KEY_UNUSABLE);
        m.format = "";
        assert_int_equal(check_made(&m), REASON_KEY_UNUSABLE);
        m.format = "none";
        assert_int_equal(check_made(&m), REASON_KEY_FORGED);
        m.statement.n = 0;
        assert_int_equal(check_made_as(RP, &m, &c), REASON_NONE);
        assert_true(c.self_attested);
        put_byte(&m.statement, 0xa0);
        assert_int_equal(check_made(&m), REASON_NONE);
        put_byte(&m.statement, 0xa0);
        assert_int_equal(check_made(&m), REASON_KEY_FORGED);
        made_clear(&m);
}

static void a_self_attestation_of_another_algorithm_is_refused(void **state) {
        struct made m = make(COSE_ES256);
        attest(&m, COSE_RS256);
        assert_int_equal(check_made(&m), REASON_KEY_FORGED);
        attest(&m, COSE_ES256);
        assert_int_equal(check_made(&m), REASON_NONE);
        made_clear(&m);
}

static void statements_with_more_less_or_twice_are_refused(void **state) {
        struct made m = make(COSE_ES256);
        struct buf sig = {0};
        soft_key_sign(&m.key, &m.authdata, m.hash, &sig);
        static const char *const plans[] = {"as", "a", "s", "", "aas", "ass", "asz", "asx", "saz"};
        for (size_t i = 0; i < ELEMENTSOF(plans); i++) {
                m.statement.n = 0;
                put_head(&m.statement, 5, strlen(plans[i]));
                for (const char *c = plans[i]; *c; c++) {
                        put_text(&m.statement, *c == 'a'   ? "alg"
                                               : *c == 's' ? "sig"
                                               : *c == 'x' ? "x5c"
                                                           : "z");
                        if (*c == 's')
                                put_blob(&m.statement, sig.p, sig.n);
                        else if (*c == 'x')
                                put_head(&m.statement, 4, 0); /* an empty chain is not a self attestation */
                        else
                                put_int(&m.statement, COSE_ES256);
                }
                assert_int_equal(check_made(&m), i == 0 ? REASON_NONE : REASON_KEY_FORGED);
        }
        made_clear(&m);
}

/* --- COSE */

static int read_cose(const struct buf *b) {
        struct cose_key k;
        EVP_PKEY *pkey = NULL;
        int r = cose_key_read((struct bytes){b->p, b->n}, &k);
        if (r == 0)
                r = fido_pkey_new(&k, &pkey);
        EVP_PKEY_free(pkey);
        return r;
}

/* label, value pairs; a value of 1000 and more is a byte string of that many less 1000. */
static struct buf cose_of(const int *pairs, size_t n) {
        struct buf b = {0};
        uint8_t bytes[1024];
        memset(bytes, 0x5a, sizeof(bytes));
        put_head(&b, 5, n / 2);
        for (size_t i = 0; i < n; i++)
                if (i % 2 == 1 && pairs[i] >= 1000)
                        put_blob(&b, bytes, (size_t) pairs[i] - 1000);
                else
                        put_int(&b, pairs[i]);
        return b;
}

static void public_keys_that_are_none_are_refused(void **state) {
        static const struct {
                int pairs[12];
                size_t n;
                int r;
        } cases[] = {
                {{1, 2, 3, -7, -1, 1, -2, 1032, -3, 1032}, 10, -EBADMSG},           /* not on the curve */
                {{1, 2, 3, -7, -1, 2, -2, 1032, -3, 1032}, 10, -ENOTSUP},           /* another curve */
                {{1, 2, 3, -35, -1, 2, -2, 1048, -3, 1048}, 10, -ENOTSUP},          /* ES384 */
                {{1, 2, 3, -7, -1, 1, -2, 1031, -3, 1032}, 10, -EBADMSG},           /* short */
                {{1, 2, 3, -7, -1, 1, -2, 1032}, 8, -EBADMSG},                      /* half a point */
                {{1, 1, 3, -7, -1, 1, -2, 1032, -3, 1032}, 10, -EBADMSG},           /* type of another */
                {{1, 2, -1, 1, -2, 1032, -3, 1032}, 8, -EBADMSG},                   /* no algorithm */
                {{1, 2, 3, -7, -1, 1, -2, 1032, -3, 1032, -4, 1032}, 12, -EBADMSG}, /* a private part */
                {{1, 2, 3, -7, 3, -7, -2, 1032, -3, 1032}, 10, -EBADMSG},           /* alg twice */
                {{1, 1, 3, -8, -1, 6, -2, 1032}, 8, 0},
                {{1, 1, 3, -8, -1, 7, -2, 1032}, 8, -ENOTSUP},            /* Ed448 */
                {{1, 1, 3, -8, -1, 6, -2, 1033}, 8, -EBADMSG},            /* long */
                {{1, 1, 3, -8, -1, 6, -2, 1032, -3, 1032}, 10, -EBADMSG}, /* with a y */
                {{1, 3, 3, -257, -1, 1256, -2, 1003}, 8, -ENOTSUP},       /* 2047 bits, odd exponent */
                {{1, 3, 3, -257, -1, 1128, -2, 1003}, 8, -ENOTSUP},       /* 1024 bits */
                {{1, 3, 3, -257, -1, 1, -2, 1003}, 8, -EBADMSG},          /* no modulus */
                {{0}, 0, -EBADMSG},
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct buf b = cose_of(cases[i].pairs, cases[i].n);
                int r = read_cose(&b);
                if (r != cases[i].r)
                        fail_msg("case %zu: %d", i, r);
        }
}

static int read_rsa_cose(unsigned bits, bool leading_zero, const char *exponent) {
        struct buf b = cose_of((const int[]){1, 3, 3, -257}, 4);
        EVP_PKEY *k = EVP_RSA_gen(bits);
        BIGNUM *bn = NULL;
        uint8_t n[513] = {0};
        assert_non_null(k);
        assert_int_equal(EVP_PKEY_get_bn_param(k, OSSL_PKEY_PARAM_RSA_N, &bn), 1);
        size_t len = (size_t) BN_bn2bin(bn, n + 1);
        BN_free(bn);
        EVP_PKEY_free(k);
        b.p[0] = 0xa4;
        put_int(&b, -1);
        put_blob(&b, leading_zero ? n : n + 1, leading_zero ? len + 1 : len);
        put_int(&b, -2);
        put_blob(&b, exponent, 3);
        return read_cose(&b);
}

static void an_rsa_key_has_2048_bits_and_the_usual_exponent(void **state) {
        assert_int_equal(read_rsa_cose(2048, false, "\x01\x00\x01"), 0);
        assert_int_equal(read_rsa_cose(2048, true, "\x01\x00\x01"), 0);
        assert_int_equal(read_rsa_cose(2047, false, "\x01\x00\x01"), -ENOTSUP);
        assert_int_equal(read_rsa_cose(2048, false, "\x00\x00\x03"), -ENOTSUP);
        assert_int_equal(read_rsa_cose(2048, false, "\x01\x00\x00"), -ENOTSUP);
}

static void numbers_need_not_be_in_their_shortest_form(void **state) {
        struct soft_key k = soft_key_new(COSE_EDDSA);
        struct buf b = {0};
        put(&b, "\xb8\x04\x18\x01\x01\x03\x27\x20\x06\x21\x59\x00\x20", 13);
        put(&b, k.cose.p + k.cose.n - 32, 32);
        assert_int_equal(read_cose(&b), 0);
        b.n = 0; /* 1 in two forms is twice the same label */
        put(&b, "\xa5\x01\x01\x18\x01\x01\x03\x27\x20\x06\x21\x58\x20", 13);
        put(&b, k.cose.p + k.cose.n - 32, 32);
        assert_int_equal(read_cose(&b), -EBADMSG);
        soft_key_clear(&k);
}

static void cbor_that_promises_more_than_there_is_is_refused(void **state) {
        static const struct {
                const char *p;
                size_t n;
        } bad[] = {
                {"", 0},
                {"\xbf\xff", 2}, /* no length */
                {"\x9f\xff", 2},
                {"\x5f\xff", 2},
                {"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", 9}, /* 2^64 - 1 pairs */
                {"\x9b\x00\x00\x00\x01\x00\x00\x00\x00", 9},
                {"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff", 9},
                {"\xa1\x01\x5a\x00\x10\x00\x00", 7},
                {"\xa1\x01\xc0\x01", 4},                     /* a tag */
                {"\xa1\x01\x81\x81\x81\x81\x01", 7},         /* too deep */
                {"\xa1\x01\x1c", 3},                         /* reserved */
                {"\xa1\x01\xf8\x10", 4},                     /* simple value in the wrong form */
                {"\xa1\x01\x01\x00", 4},                     /* left over */
                {"\xa1\x41\x00\x01", 4},                     /* bytes as a key */
                {"\xa1\x01\xa2\x61\x61\x01\x61\x61\x02", 9}, /* a key twice, further in */
                {"\x81\x01", 2},                             /* no map */
        };
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                if (fido_cbor_check_map((struct bytes){(const uint8_t *) bad[i].p, bad[i].n}) != -EBADMSG)
                        fail_msg("case %zu", i);
        assert_int_equal(
                fido_cbor_check_map((struct bytes){(const uint8_t *) "\xa1\x01\x81\x81\x81\x01", 6}), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_true_assertion_is_accepted),
                cmocka_unit_test(one_wrong_bit_anywhere_is_refused),
                cmocka_unit_test(what_is_cut_or_too_long_is_refused),
                cmocka_unit_test(leftover_bytes_are_refused_though_signed),
                cmocka_unit_test(a_credential_in_an_assertion_is_refused),
                cmocka_unit_test(another_relying_party_is_refused_though_signed),
                cmocka_unit_test(nobody_there_is_told_apart_and_only_when_signed),
                cmocka_unit_test(another_keys_signature_is_refused),
                cmocka_unit_test(an_eddsa_signature_has_one_form),
                cmocka_unit_test(an_ecdsa_signature_is_der),
                cmocka_unit_test(client_data_is_the_json_that_webauthn_serialises),
                cmocka_unit_test(a_true_credential_is_accepted_with_its_very_bytes),
                cmocka_unit_test(a_certificates_signature_is_accepted),
                cmocka_unit_test(certificates_that_are_not_for_this_are_refused),
                cmocka_unit_test(one_wrong_bit_in_a_credential_is_refused),
                cmocka_unit_test(a_credential_that_is_cut_or_too_long_is_refused),
                cmocka_unit_test(a_credential_for_others_or_of_nobody_is_refused),
                cmocka_unit_test(credential_ids_of_no_or_too_many_bytes_are_refused),
                cmocka_unit_test(an_unknown_format_is_unusable_and_none_must_be_empty),
                cmocka_unit_test(a_self_attestation_of_another_algorithm_is_refused),
                cmocka_unit_test(statements_with_more_less_or_twice_are_refused),
                cmocka_unit_test(public_keys_that_are_none_are_refused),
                cmocka_unit_test(an_rsa_key_has_2048_bits_and_the_usual_exponent),
                cmocka_unit_test(numbers_need_not_be_in_their_shortest_form),
                cmocka_unit_test(cbor_that_promises_more_than_there_is_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
