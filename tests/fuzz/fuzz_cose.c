/* SPDX-License-Identifier: Apache-2.0 */
/* CBOR, public keys, attestation statements and certificates of a key: the first byte says which. */
#include "policy/fido_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const uint8_t aaguid[16];
        _cleanup_(fido_pkey_freep) EVP_PKEY *pkey = NULL;
        struct bytes b = {data, size}, item, rest;
        struct packed_statement st;
        struct cose_key key;
        uint8_t which;
        if (size > FIDO_ATTSTMT_MAX || bytes_take_u8(&b, &which) < 0)
                return 0;
        rest = b;
        if (which % 4 == 0 && cose_key_read(b, &key) == 0)
                (void) fido_pkey_new(&key, &pkey);
        else if (which % 4 == 1 && packed_statement_read(b, &st) == 0 && st.has_chain)
                (void) fido_pkey_from_certificate((struct bytes){st.leaf, st.leaf_len}, st.alg, aaguid,
                                                  &pkey);
        else if (which % 4 == 2)
                (void) fido_pkey_from_certificate(b, COSE_ES256, aaguid, &pkey);
        else if (fido_cbor_check_map(b) == 0 && (fido_cbor_take(&rest, &item) < 0 || rest.n != 0))
                abort(); /* what is one whole map is one whole item */
        return 0;
}
