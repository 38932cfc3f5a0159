/* SPDX-License-Identifier: Apache-2.0 */
/* Authenticator data as an assertion and as a new credential, and the attestation statement with it:
 * {which, length of the authenticator data, authenticator data, statement or signature}. */
#include "policy/fido.h"
#include "policy/fido_internal.h"

#define RP "wardtap.example.org"

/* The generator of P-256: a point on the curve. */
static const uint8_t public_key[] = {
        0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c,
        0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb,
        0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x22, 0x58, 0x20, 0x4f, 0xe3, 0x42,
        0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33,
        0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

static void credential(const char *format, struct bytes authdata, struct bytes statement) {
        static const uint8_t hash[32];
        struct fido_credential c;
        if (fido_check_credential(RP, hash, format, authdata.p, authdata.n, statement.p, statement.n, &c) !=
            REASON_NONE)
                return;
        if (!c.present || c.credential_id_len == 0 || c.credential_id_len > sizeof(c.credential_id) ||
            c.public_key_len == 0 || c.public_key_len > sizeof(c.public_key))
                abort();
}

static void assertion(struct bytes authdata, struct bytes signature) {
        static const uint8_t hash[32];
        struct fido_assertion a;
        if (fido_check_assertion(RP, hash, public_key, sizeof(public_key), authdata.p, authdata.n,
                                 signature.p, signature.n, &a) == REASON_NONE)
                abort(); /* nobody here has the private key */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct bytes b = {data, size}, authdata;
        uint8_t which;
        if (size > FIDO_ATTSTMT_MAX || bytes_take_u8(&b, &which) < 0 ||
            bytes_take_blob(&b, 0, FIDO_AUTHDATA_MAX, &authdata) < 0)
                return 0;
        /* The right relying party, which no fuzzer would guess, in a copy of just the size. */
        _cleanup_(freep) uint8_t *copy = malloc(authdata.n + 1);
        if (!copy)
                return 0;
        if (authdata.n > 0)
                memcpy(copy, authdata.p, authdata.n);
        if (authdata.n >= 32 && !(which & 0x80) && fido_sha256(RP, strlen(RP), copy) < 0)
                return 0;
        authdata.p = copy;
        if (which % 3 == 0)
                assertion(authdata, b);
        else
                credential(which % 3 == 1 ? "packed" : "none", authdata, b);
        return 0;
}
