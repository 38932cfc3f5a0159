/* SPDX-License-Identifier: Apache-2.0 */
/* Attestation statements, as a key may make them up, against a root that signed none of them: nobody is ever
 * vouched for. The first byte chooses the format. */
#include "policy/attestation.h"

#include <errno.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static const struct attestation_roots *the_roots(void) {
        static struct attestation_roots *roots;
        if (roots)
                return roots;
        EVP_PKEY *key = EVP_EC_gen("P-256");
        X509 *x = X509_new();
        BIO *b = BIO_new(BIO_s_mem());
        char *text;
        if (!X509_gmtime_adj(X509_getm_notBefore(x), 0) || !X509_gmtime_adj(X509_getm_notAfter(x), 86400) ||
            X509_set_version(x, X509_VERSION_3) != 1 || X509_set_pubkey(x, key) != 1 ||
            X509_sign(x, key, EVP_sha256()) == 0 || PEM_write_bio_X509(b, x) != 1)
                abort();
        long n = BIO_get_mem_data(b, &text);
        if (attestation_roots_parse(text, (size_t) n, &roots) < 0)
                abort();
        BIO_free(b);
        X509_free(x);
        EVP_PKEY_free(key);
        return roots;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const uint8_t aaguid[16] = {0};
        char name[ATTESTATION_NAME_SIZE];
        if (size == 0)
                return 0;
        int r = attestation_verify(the_roots(), data[0] & 1 ? "none" : "packed", data + 1, size - 1, aaguid,
                                   UINT64_C(1795166502000000), name);
        if (r != -ENOENT && r != -EKEYREJECTED && r != -EBADMSG)
                abort();
        return 0;
}
