/* SPDX-License-Identifier: Apache-2.0 */
/* Checks what a FIDO2 key answered, with libcrypto and libcbor alone: whoever spoke with the key is not
 * believed. WebAuthn Level 2, sections 6.1 (authenticator data), 6.5 (attestation), 7.1 and 7.2 (what to
 * verify). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/reason.h"

#define FIDO_CHALLENGE_SIZE 32U
#define FIDO_PUBLIC_KEY_MAX 1024U
#define FIDO_CREDENTIAL_ID_MAX 1023U

/* The hash a key signs over: SHA-256 of the client data, which here is the JSON that WebAuthn 5.8.1
 * describes with type ("webauthn.get" or "webauthn.create"), the challenge in base64url, origin "https://" +
 * rp_id and crossOrigin false, serialised as in 5.8.1.1. -EINVAL: another type, or an rp_id that is not a
 * host name in lower case. */
int fido_client_data_hash(const char *type, const uint8_t challenge[FIDO_CHALLENGE_SIZE], const char *rp_id,
                          uint8_t ret[32]);

struct fido_assertion {
        bool present;     /* UP, signed */
        bool verified;    /* UV, signed */
        uint32_t counter; /* signCount */
};

/* Verifies one assertion: the relying party's hash, no left-over bytes, UP set, and the signature (ES256,
 * EdDSA Ed25519, RS256, by the key's COSE alg) over authdata || client_data_hash. REASON_NONE and *ret, else
 * REASON_KEY_FORGED or REASON_KEY_NO_PRESENCE. UV is reported, not demanded: the decision does that. */
enum reason fido_check_assertion(const char *rp_id, const uint8_t client_data_hash[32],
                                 const uint8_t *public_key, size_t public_key_len, const uint8_t *authdata,
                                 size_t authdata_len, const uint8_t *signature, size_t signature_len,
                                 struct fido_assertion *ret);

struct fido_credential {
        uint8_t aaguid[16];
        uint8_t credential_id[FIDO_CREDENTIAL_ID_MAX];
        size_t credential_id_len;
        uint8_t public_key[FIDO_PUBLIC_KEY_MAX]; /* COSE_Key, the very bytes of the authenticator data */
        size_t public_key_len;
        bool present, verified;
        uint32_t counter;
        bool self_attested; /* nobody but the key vouches for itself: packed without x5c, or none. Else
                               signed by an attestation certificate, whose chain is not judged here */
};

/* Verifies what makeCredential returned: relying party, flags UP and AT, a public key of a supported
 * algorithm on its curve, and the attestation signature of format "packed" (self or x5c[0], WebAuthn 8.2;
 * with x5c, its AAGUID extension must be the same) or "none" (8.7). REASON_NONE and *ret, else
 * REASON_KEY_FORGED, REASON_KEY_NO_PRESENCE or REASON_KEY_UNUSABLE (another format or algorithm). `attstmt`
 * is the CBOR map; for "none" it may be missing. */
enum reason fido_check_credential(const char *rp_id, const uint8_t client_data_hash[32], const char *format,
                                  const uint8_t *authdata, size_t authdata_len, const uint8_t *attstmt,
                                  size_t attstmt_len, struct fido_credential *ret);
