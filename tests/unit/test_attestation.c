/* SPDX-License-Identifier: Apache-2.0 */
/* Who vouches for a key: chains made here, by a vendor of the test's own, and each thing about them that can
 * be wrong. */
#include "policy/attestation.h"
#include "policy/fido_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cbor.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <cmocka.h>

#define NOW UINT64_C(1795166502) /* 2026-11-20T09:21:42Z */
#define NOW_USEC (NOW * 1000000U)

static const uint8_t aaguid[16] = {0xcb, 0x69, 0x48, 0x1e, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

/* What of a certificate differs from a good one. */
struct cert {
        const char *name;
        const char *ou; /* NULL: Authenticator Attestation; "": none */
        bool ca, no_aaguid, other_aaguid, no_country;
        int64_t from, until; /* seconds from NOW; 0, 0: a year each way */
        const char *digest;  /* NULL: SHA-256 */
};

struct pair {
        EVP_PKEY *key;
        X509 *cert;
};

static void pair_clear(struct pair *p) {
        EVP_PKEY_free(p->key);
        X509_free(p->cert);
        *p = (struct pair){0};
}

static void add_name(X509_NAME *n, const char *what, const char *text) {
        assert_int_equal(
                X509_NAME_add_entry_by_txt(n, what, MBSTRING_UTF8, (const unsigned char *) text, -1, -1, 0),
                1);
}

static void add_extension(X509 *x, int nid, const char *value) {
        X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
        assert_int_equal(X509_add_ext(x, e, -1), 1);
        X509_EXTENSION_free(e);
}

static void add_aaguid(X509 *x, bool other) {
        uint8_t der[18] = {4, 16};
        memcpy(der + 2, aaguid, 16);
        der[17] ^= other;
        ASN1_OCTET_STRING *os = ASN1_OCTET_STRING_new();
        ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.45724.1.1.4", 1);
        assert_int_equal(ASN1_OCTET_STRING_set(os, der, sizeof(der)), 1);
        X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, os);
        assert_int_equal(X509_add_ext(x, e, -1), 1);
        X509_EXTENSION_free(e);
        ASN1_OBJECT_free(oid);
        ASN1_OCTET_STRING_free(os);
}

/* Issued by `by`; by itself when that is NULL. */
static struct pair issue(const struct cert *c, const struct pair *by) {
        struct pair p = {EVP_EC_gen("P-256"), X509_new()};
        X509_NAME *n = X509_get_subject_name(p.cert);
        int64_t from = c->from || c->until ? c->from : -365 * 86400,
                until = c->until ? c->until : 365 * 86400;
        assert_int_equal(X509_set_version(p.cert, X509_VERSION_3), 1);
        assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(p.cert), 7), 1);
        assert_non_null(ASN1_TIME_set(X509_getm_notBefore(p.cert), (time_t) NOW + from));
        assert_non_null(ASN1_TIME_set(X509_getm_notAfter(p.cert), (time_t) NOW + until));
        if (!c->no_country)
                add_name(n, "C", "XX");
        add_name(n, "O", "Vendor");
        if (!c->ou || *c->ou)
                add_name(n, "OU", c->ou ? c->ou : "Authenticator Attestation");
        add_name(n, "CN", c->name);
        assert_int_equal(X509_set_pubkey(p.cert, p.key), 1);
        assert_int_equal(X509_set_issuer_name(p.cert, by ? X509_get_subject_name(by->cert) : n), 1);
        add_extension(p.cert, NID_basic_constraints, c->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
        if (!c->no_aaguid && !c->ca)
                add_aaguid(p.cert, c->other_aaguid);
        const EVP_MD *md = c->digest ? EVP_get_digestbyname(c->digest) : EVP_sha256();
        assert_true(X509_sign(p.cert, by ? by->key : p.key, md) > 0);
        return p;
}

static const struct cert root_cert = {.name = "Vendor Root", .ca = true}, good = {.name = "Model 5"};

static struct attestation_roots *roots_of(const struct pair *p) {
        struct attestation_roots *r = NULL;
        BIO *b = BIO_new(BIO_s_mem());
        char *text;
        assert_int_equal(PEM_write_bio_X509(b, p->cert), 1);
        long n = BIO_get_mem_data(b, &text);
        assert_int_equal(attestation_roots_parse(text, (size_t) n, &r), 0);
        BIO_free(b);
        return r;
}

struct statement {
        uint8_t p[8192];
        size_t n;
};

/* {"alg": -7, "sig": h'00', "x5c": [...]}; the signature is not looked at here. */
static struct statement state_chain(X509 *const *certs, size_t n) {
        struct statement s;
        cbor_item_t *map = cbor_new_definite_map(3), *x5c = cbor_new_definite_array(n);
        static const uint8_t sig[] = {0};
        for (size_t i = 0; i < n; i++) {
                unsigned char *der = NULL;
                int length = i2d_X509(certs[i], &der);
                assert_true(length > 0);
                assert_true(cbor_array_push(x5c, cbor_move(cbor_build_bytestring(der, (size_t) length))));
                OPENSSL_free(der);
        }
        assert_true(cbor_map_add(map, (struct cbor_pair){cbor_move(cbor_build_string("alg")),
                                                         cbor_move(cbor_build_negint8(6))}));
        assert_true(cbor_map_add(map, (struct cbor_pair){cbor_move(cbor_build_string("sig")),
                                                         cbor_move(cbor_build_bytestring(sig, 1))}));
        if (n > 0)
                assert_true(cbor_map_add(map, (struct cbor_pair){cbor_move(cbor_build_string("x5c")), x5c}));
        else
                map = (cbor_decref(&map), cbor_new_definite_map(0));
        s.n = cbor_serialize(map, s.p, sizeof(s.p));
        cbor_decref(&map);
        cbor_decref(&x5c);
        return s;
}

static int verify(const struct attestation_roots *roots, const struct statement *s, char name[65]) {
        return attestation_verify(roots, "packed", s->p, s->n, aaguid, NOW_USEC, name);
}

/* One certificate by the root: what does the judge say? */
static int verdict_on(const struct cert *c, const struct cert *by) {
        char name[ATTESTATION_NAME_SIZE];
        struct pair root = issue(by, NULL), leaf = issue(c, &root);
        struct attestation_roots *roots = roots_of(&root);
        struct statement s = state_chain(&leaf.cert, 1);
        int r = verify(roots, &s, name);
        attestation_roots_free(roots);
        pair_clear(&leaf);
        pair_clear(&root);
        return r;
}

static void a_vendors_key_is_known_by_its_root(void **state) {
        char name[ATTESTATION_NAME_SIZE] = "";
        struct pair root = issue(&root_cert, NULL), leaf = issue(&good, &root);
        struct attestation_roots *roots = roots_of(&root);
        struct statement s = state_chain(&leaf.cert, 1);
        assert_int_equal(verify(roots, &s, name), 0);
        assert_string_equal(name, "Vendor Root");
        for (size_t i = 0; i < s.n;
             i++) { /* no byte of it is free, but for the signature that is not judged */
                s.p[i] ^= 1;
                int r = verify(roots, &s, name);
                s.p[i] ^= 1;
                if (r == 0 && (i < 5 || i > 13))
                        fail_msg("byte %zu does not count", i);
        }
        attestation_roots_free(roots);
        pair_clear(&leaf);
        pair_clear(&root);
}

static void a_chain_may_have_links_and_each_must_be_an_authority(void **state) {
        static const struct cert link = {.name = "Vendor Factory", .ca = true},
                                 no_link = {.name = "Imposter"};
        char name[ATTESTATION_NAME_SIZE];
        struct pair root = issue(&root_cert, NULL);
        struct attestation_roots *roots = roots_of(&root);
        for (unsigned i = 0; i < 2; i++) {
                struct pair middle = issue(i ? &no_link : &link, &root), leaf = issue(&good, &middle);
                X509 *both[] = {leaf.cert, middle.cert};
                struct statement s = state_chain(both, 2), alone = state_chain(both, 1);
                assert_int_equal(verify(roots, &s, name), i ? -EKEYREJECTED : 0);
                assert_int_equal(verify(roots, &alone, name), -EKEYREJECTED); /* the link is missing */
                struct attestation_roots *direct = roots_of(&middle);
                if (i == 0) { /* a site may trust the link itself */
                        assert_int_equal(verify(direct, &alone, name), 0);
                        assert_string_equal(name, "Vendor Factory");
                }
                attestation_roots_free(direct);
                pair_clear(&leaf);
                pair_clear(&middle);
        }
        attestation_roots_free(roots);
        pair_clear(&root);
}

static void a_stranger_vouches_for_nothing(void **state) {
        char name[ATTESTATION_NAME_SIZE];
        struct pair root = issue(&root_cert, NULL), same_name = issue(&root_cert, NULL),
                    leaf = issue(&good, &same_name), own = issue(&good, NULL);
        struct attestation_roots *roots = roots_of(&root);
        struct statement s = state_chain(&leaf.cert, 1), self_signed = state_chain(&own.cert, 1);
        X509 *both[] = {leaf.cert, same_name.cert};
        struct statement with_own_root = state_chain(both, 2);
        assert_int_equal(verify(roots, &s, name), -EKEYREJECTED);
        assert_int_equal(verify(roots, &self_signed, name), -EKEYREJECTED);
        assert_int_equal(verify(roots, &with_own_root, name), -EKEYREJECTED);
        attestation_roots_free(roots);
        pair_clear(&own);
        pair_clear(&leaf);
        pair_clear(&same_name);
        pair_clear(&root);
}

static void each_thing_that_is_wrong_with_a_certificate_counts(void **state) {
        static const struct cert bad[] = {
                {.name = "expired", .from = -86400, .until = -1},
                {.name = "not yet", .from = 1, .until = 86400},
                {.name = "an authority", .ca = true},
                {.name = "another model", .other_aaguid = true},
                {.name = "no model", .no_aaguid = true},
                {.name = "for something else", .ou = "Web Server"},
                {.name = "for nothing", .ou = ""},
                {.name = "no country", .no_country = true},
                {.name = "weak", .digest = "SHA1"},
        };
        static const struct cert old_root = {.name = "Old", .ca = true, .from = -86400, .until = -1};
        assert_int_equal(verdict_on(&good, &root_cert), 0);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                if (verdict_on(&bad[i], &root_cert) != -EKEYREJECTED)
                        fail_msg("%s was accepted", bad[i].name);
        assert_int_equal(verdict_on(&good, &old_root), -EKEYREJECTED);
}

static void who_is_not_vouched_for_is_no_fault(void **state) {
        char name[ATTESTATION_NAME_SIZE];
        static const uint8_t self[] = {0xa2, 0x63, 'a', 'l', 'g', 0x26, 0x63, 's', 'i', 'g', 0x41, 0};
        struct pair root = issue(&root_cert, NULL), leaf = issue(&good, &root);
        struct attestation_roots *roots = roots_of(&root);
        struct statement s = state_chain(&leaf.cert, 1);
        assert_int_equal(attestation_verify(roots, "packed", self, sizeof(self), aaguid, NOW_USEC, name),
                         -ENOENT);
        assert_int_equal(attestation_verify(roots, "none", NULL, 0, aaguid, NOW_USEC, name), -ENOENT);
        assert_int_equal(attestation_verify(roots, "fido-u2f", s.p, s.n, aaguid, NOW_USEC, name), -ENOENT);
        assert_int_equal(attestation_verify(roots, "packed", s.p, 0, aaguid, NOW_USEC, name), -EBADMSG);
        for (size_t cut = 0; cut < s.n; cut++)
                assert_int_equal(attestation_verify(roots, "packed", s.p, cut, aaguid, NOW_USEC, name),
                                 -EBADMSG);
        attestation_roots_free(roots);
        pair_clear(&leaf);
        pair_clear(&root);
}

/* --- the folder */

static char dir[64];

static int make_dir(void **state) {
        (void) snprintf(dir, sizeof(dir), "/tmp/wardtap-roots-XXXXXX");
        return mkdtemp(dir) && chmod(dir, 0755) == 0 ? 0 : -1;
}

static int drop_dir(void **state) {
        char command[128];
        (void) snprintf(command, sizeof(command), "rm -rf -- '%s'", dir);
        return system(command);
}

static void put_file(const char *name, const char *text, mode_t mode) {
        char path[160];
        (void) snprintf(path, sizeof(path), "%s/%s", dir, name);
        FILE *f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f) | chmod(path, mode), 0);
}

static void assert_load(int wanted, const char *bad) {
        struct attestation_roots *r = NULL;
        char *said = NULL;
        assert_int_equal(attestation_roots_load(dir, &r, &said), wanted);
        if (bad)
                assert_string_equal(said, bad);
        else
                assert_null(said);
        assert_int_equal(r != NULL, wanted == 0);
        attestation_roots_free(r);
        free(said);
}

static void only_roots_own_certificates_are_read(void **state) {
        char pem[8192];
        if (geteuid() != 0) {
                skip();
                return;
        }
        struct pair root = issue(&root_cert, NULL);
        BIO *b = BIO_new(BIO_s_mem());
        assert_int_equal(BIO_puts(b, "The vendor's own words.\n"), 24);
        assert_int_equal(PEM_write_bio_X509(b, root.cert) & PEM_write_bio_X509(b, root.cert), 1);
        int n = BIO_read(b, pem, sizeof(pem) - 1);
        pem[n] = 0;
        assert_load(-ENOENT, NULL); /* nothing in it */
        put_file("vendor.pem", pem, 0644);
        put_file("readme.txt", "no certificate", 0644);
        put_file(".hidden.pem", "no certificate", 0644);
        assert_load(0, NULL);
        put_file("other.pem", "no certificate", 0644);
        assert_load(-EBADMSG, "other.pem");
        pem[n / 2] = '!';
        put_file("other.pem", pem, 0644);
        assert_load(-EBADMSG, "other.pem");
        put_file("other.pem", "", 0666);
        assert_load(-EPERM, "other.pem");
        assert_int_equal(chmod(dir, 0777), 0);
        assert_load(-EPERM, NULL);
        BIO_free(b);
        pair_clear(&root);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_vendors_key_is_known_by_its_root),
                cmocka_unit_test(a_chain_may_have_links_and_each_must_be_an_authority),
                cmocka_unit_test(a_stranger_vouches_for_nothing),
                cmocka_unit_test(each_thing_that_is_wrong_with_a_certificate_counts),
                cmocka_unit_test(who_is_not_vouched_for_is_no_fault),
                cmocka_unit_test_setup_teardown(only_roots_own_certificates_are_read, make_dir, drop_dir),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
