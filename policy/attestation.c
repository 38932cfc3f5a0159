/* SPDX-License-Identifier: Apache-2.0 */
/* Attestation chains, by libcrypto, whose error queue is left empty. */
#include "policy/attestation.h"

#include "policy/fido_internal.h"
#include "policy/rules_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define FILE_BYTES_MAX (256U * 1024U)
#define FILES_MAX 100U
#define ROOTS_MAX 256U

struct attestation_roots {
        X509_STORE *store;
        size_t n;
};

static void x509_freep(X509 **p) {
        X509_free(*p);
}

static void bio_freep(BIO **p) {
        BIO_free(*p);
}

static void stack_freep(STACK_OF(X509) * *p) {
        sk_X509_pop_free(*p, X509_free);
}

static void store_ctx_freep(X509_STORE_CTX **p) {
        X509_STORE_CTX_free(*p);
}

/* --- roots */

struct attestation_roots *attestation_roots_free(struct attestation_roots *r) {
        if (!r)
                return NULL;
        X509_STORE_free(r->store);
        free(r);
        return NULL;
}

static int roots_new(struct attestation_roots **ret) {
        struct attestation_roots *r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;
        if (!(r->store = X509_STORE_new())) {
                free(r);
                return -ENOMEM;
        }
        *ret = r;
        return 0;
}

/* All certificates of one file. What stands between them is explanation (RFC 7468, 2). */
static int add_pem(struct attestation_roots *r, const char *pem, size_t n) {
        _cleanup_(bio_freep) BIO *bio = BIO_new_mem_buf(pem, (int) n);
        size_t before = r->n;
        if (!bio)
                return -ENOMEM;
        for (;;) {
                _cleanup_(x509_freep) X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
                if (!cert)
                        break;
                if (r->n == ROOTS_MAX || X509_STORE_add_cert(r->store, cert) != 1)
                        return -EBADMSG;
                r->n++;
        }
        bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
        return end && r->n > before ? 0 : -EBADMSG;
}

int attestation_roots_parse(const char *pem, size_t n, struct attestation_roots **ret) {
        _cleanup_(attestation_roots_freep) struct attestation_roots *r = NULL;
        int e = n > FILE_BYTES_MAX ? -EFBIG : roots_new(&r);
        if (e == 0)
                e = add_pem(r, pem, n);
        ERR_clear_error();
        if (e == 0)
                *ret = TAKE_PTR(r);
        return e;
}

static int is_pem(const struct dirent *d) {
        size_t n = strlen(d->d_name);
        return d->d_name[0] != '.' && n > 4 && strcmp(d->d_name + n - 4, ".pem") == 0;
}

static int add_file(struct attestation_roots *r, int folder, const char *name) {
        _cleanup_(freep) char *pem = NULL;
        size_t n;
        int e = file_read_trusted(folder, name, FILE_BYTES_MAX, &pem, &n);
        return e < 0 ? e : add_pem(r, pem, n);
}

static int add_folder(struct attestation_roots *r, int folder, char **ret_bad) {
        struct dirent **names = NULL;
        int n = scandirat(folder, ".", &names, is_pem, NULL), e = n < 0 ? -errno : n == 0 ? -ENOENT : 0;
        if (n > (int) FILES_MAX)
                e = -EFBIG;
        for (int i = 0; i < n; i++) {
                bool failed = e < 0;
                if (!failed && (e = add_file(r, folder, names[i]->d_name)) < 0)
                        *ret_bad = strdup(names[i]->d_name);
                free(names[i]);
        }
        free(names);
        return e;
}

int attestation_roots_load(const char *folder, struct attestation_roots **ret, char **ret_bad) {
        _cleanup_(attestation_roots_freep) struct attestation_roots *r = NULL;
        _cleanup_(closep) int fd = -1;
        *ret_bad = NULL;
        int e = folder_open_trusted(folder, &fd);
        if (e == 0)
                e = roots_new(&r);
        if (e == 0)
                e = add_folder(r, fd, ret_bad);
        ERR_clear_error();
        if (e == 0)
                *ret = TAKE_PTR(r);
        return e;
}

/* --- the chain */

static int take_certificate(void *userdata, struct bytes der) {
        STACK_OF(X509) *chain = userdata;
        const unsigned char *p = der.p;
        X509 *cert = d2i_X509(NULL, &p, (long) der.n);
        if (!cert || p != der.p + der.n) {
                X509_free(cert);
                return -EKEYREJECTED;
        }
        if (sk_X509_push(chain, cert) <= 0) {
                X509_free(cert);
                return -ENOMEM;
        }
        return 0;
}

static bool has_text(const X509_NAME *name, int nid, const char *wanted) {
        int at = X509_NAME_get_index_by_NID(name, nid, -1);
        if (at < 0 || X509_NAME_get_index_by_NID(name, nid, at) >= 0)
                return false;
        const ASN1_STRING *s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
        int n = ASN1_STRING_length(s);
        return !wanted ? n > 0
                       : n == (int) strlen(wanted) &&
                                 memcmp(ASN1_STRING_get0_data(s), wanted, strlen(wanted)) == 0;
}

/* 8.2.1: the subject names who made the key, and for what the certificate is. */
static bool is_for_attestation(X509 *leaf, const uint8_t aaguid[16]) {
        const X509_NAME *name = X509_get_subject_name(leaf);
        return X509_get_version(leaf) == X509_VERSION_3 && X509_check_ca(leaf) == 0 &&
               has_text(name, NID_organizationalUnitName, "Authenticator Attestation") &&
               has_text(name, NID_countryName, NULL) && has_text(name, NID_organizationName, NULL) &&
               has_text(name, NID_commonName, NULL) && fido_certificate_names(leaf, aaguid);
}

/* A site may trust a vendor's intermediate alone: what is in the folder needs nobody above it. */
static int prepare(X509_STORE_CTX *ctx, const struct attestation_roots *roots, STACK_OF(X509) * chain,
                   uint64_t at_usec) {
        if (X509_STORE_CTX_init(ctx, roots->store, sk_X509_value(chain, 0), chain) != 1)
                return -ENOMEM;
        X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
        X509_VERIFY_PARAM_set_time(param, (time_t) (at_usec / USEC_PER_SEC));
        X509_VERIFY_PARAM_set_depth(param, (int) FIDO_CHAIN_MAX);
        X509_VERIFY_PARAM_set_auth_level(param, 2); /* 112 bits: no SHA-1, no RSA below 2048 */
        return X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) == 1 ? 0 : -ENOMEM;
}

static void name_root(X509 *root, char ret[static ATTESTATION_NAME_SIZE]) {
        X509_NAME *name = X509_get_subject_name(root);
        int n = X509_NAME_get_text_by_NID(name, NID_commonName, ret, (int) ATTESTATION_NAME_SIZE);
        if (n <= 0)
                n = X509_NAME_get_text_by_NID(name, NID_organizationName, ret, (int) ATTESTATION_NAME_SIZE);
        if (n <= 0)
                (void) snprintf(ret, ATTESTATION_NAME_SIZE, "a root without a name");
        for (char *c = ret; *c; c++)
                if (*c < ' ' || *c > '~')
                        *c = '?';
}

static int verify_chain(const struct attestation_roots *roots, STACK_OF(X509) * chain,
                        const uint8_t aaguid[16], uint64_t at_usec,
                        char ret_root[static ATTESTATION_NAME_SIZE]) {
        _cleanup_(store_ctx_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
        if (sk_X509_num(chain) == 0)
                return -ENOENT;
        if (!is_for_attestation(sk_X509_value(chain, 0), aaguid))
                return -EKEYREJECTED;
        int e = ctx ? prepare(ctx, roots, chain, at_usec) : -ENOMEM;
        if (e < 0)
                return e;
        if (X509_verify_cert(ctx) != 1)
                return -EKEYREJECTED;
        const STACK_OF(X509) *proved = X509_STORE_CTX_get0_chain(ctx);
        name_root(sk_X509_value(proved, sk_X509_num(proved) - 1), ret_root);
        return 0;
}

int attestation_verify(const struct attestation_roots *roots, const char *format, const uint8_t *attstmt,
                       size_t attstmt_len, const uint8_t aaguid[16], uint64_t at_usec,
                       char ret_root[static ATTESTATION_NAME_SIZE]) {
        _cleanup_(stack_freep) STACK_OF(X509) *chain = sk_X509_new_null();
        if (!chain)
                return -ENOMEM;
        if (strcmp(format, "packed") != 0)
                return -ENOENT;
        int e = attstmt_len > FIDO_ATTSTMT_MAX ? -EBADMSG
                                               : packed_statement_chain((struct bytes){attstmt, attstmt_len},
                                                                        take_certificate, chain);
        if (e == 0)
                e = verify_chain(roots, chain, aaguid, at_usec, ret_root);
        ERR_clear_error();
        return e;
}
