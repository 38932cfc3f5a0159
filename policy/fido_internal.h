/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the FIDO checks: CBOR that a key sent, and signatures. Only fido*.c and their tests include this.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/util.h"

#define FIDO_AUTHDATA_MAX 4096U
#define FIDO_ATTSTMT_MAX 16384U
#define FIDO_SIGNATURE_MAX 1024U
#define FIDO_CHAIN_MAX 8U /* certificates in x5c */

/* COSE algorithms (RFC 9053, RFC 8812) */
#define COSE_ES256 (-7)
#define COSE_EDDSA (-8)
#define COSE_RS256 (-257)

/* Takes the first CBOR item off b: definite lengths only, no tags, at most 4 levels, every length within
 * what is there. What it holds is not looked at. -EBADMSG when it is not well-formed or not whole. */
int fido_cbor_take(struct bytes *b, struct bytes *ret);
/* -EBADMSG unless the bytes are exactly one map whose keys, here and in the maps inside, are integers or
 * texts, each once. */
int fido_cbor_check_map(struct bytes b);

/* A public key as its COSE_Key says it; the bytes are copies. */
struct cose_key {
        int alg;
        uint8_t x[32], y[32]; /* ES256: the point; EdDSA: x is the key */
        uint8_t n[512];       /* RS256: the modulus, without leading zeros; its exponent is 65537 */
        size_t n_len;
};
/* -ENOTSUP: well-formed, and of an algorithm, a curve or a size that is not supported. -EBADMSG: not a
 * COSE_Key, or one with more in it than a public key has (WebAuthn Level 2, 6.5.1). */
int cose_key_read(struct bytes b, struct cose_key *ret);

/* An attestation statement of format "packed" (WebAuthn Level 2, 8.2). */
struct packed_statement {
        int alg;
        uint8_t sig[FIDO_SIGNATURE_MAX];
        size_t sig_len;
        bool has_chain;
        uint8_t leaf[4096]; /* x5c[0] */
        size_t leaf_len;
};
/* -EBADMSG */
int packed_statement_read(struct bytes b, struct packed_statement *ret);

/* Calls `each` with every certificate of the statement's x5c in turn; a negative answer ends it and is
 * returned. 0, also without x5c; -EBADMSG for what is not such a statement. */
int packed_statement_chain(struct bytes b, int (*each)(void *userdata, struct bytes der), void *userdata);

typedef struct evp_pkey_st EVP_PKEY;
EVP_PKEY *fido_pkey_free(EVP_PKEY *k);
DEFINE_CLEANUP(EVP_PKEY, fido_pkey_free)

/* The key that c describes. -EBADMSG when its point is not on the curve, or it is no key. */
int fido_pkey_new(const struct cose_key *c, EVP_PKEY **ret);
/* The key of an attestation certificate for signatures of this algorithm, after WebAuthn Level 2, 8.2.1:
 * version 3, not an authority, and the AAGUID it names, if it does, is this one. -ENOTSUP: the certificate
 * is well-formed, and its key is of another kind. -EBADMSG */
int fido_pkey_from_certificate(struct bytes der, int alg, const uint8_t aaguid[16], EVP_PKEY **ret);
/* True when the certificate has the AAGUID extension, once and not critical, and it is this one. */
typedef struct x509_st X509;
bool fido_certificate_names(X509 *cert, const uint8_t aaguid[16]);
/* True when sig is the key's signature over authdata || client_data_hash. */
bool fido_signature_is_good(EVP_PKEY *k, int alg, struct bytes authdata, const uint8_t client_data_hash[32],
                            struct bytes sig);
/* SHA-256 of n bytes. */
int fido_sha256(const void *p, size_t n, uint8_t ret[32]);
/* In constant time. */
bool fido_is_equal(const void *a, const void *b, size_t n);
