/* SPDX-License-Identifier: Apache-2.0 */
/* Who vouches for a key: the chain of its attestation certificate up to a vendor's root that the site
 * trusts. WebAuthn Level 2, 8.2.1 (what the certificate must be) and 7.1, 20 and 21 (trust anchors). The
 * signature itself is fido_check_credential()'s. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/util.h"

#define ATTESTATION_NAME_SIZE 65U

struct attestation_roots;

/* Reads every *.pem of the folder, each with one certificate or more. Folder and files are root's and nobody
 * else may write them. 0 and *ret; -ENOENT: there is no folder, or nothing in it. -EPERM, -ELOOP, -EFBIG:
 * owner, mode or kind of the folder or of a file; -EBADMSG: a file has something that is no certificate, or
 * none; then *ret_bad names it (owned by the caller; NULL for the folder itself). */
int attestation_roots_load(const char *folder, struct attestation_roots **ret, char **ret_bad);
/* The same from text in memory, for tests. */
int attestation_roots_parse(const char *pem, size_t n, struct attestation_roots **ret);
struct attestation_roots *attestation_roots_free(struct attestation_roots *r);
DEFINE_CLEANUP(struct attestation_roots, attestation_roots_free)

/* True when the statement's chain leads to one of the roots at this time (CLOCK_REALTIME, of the enrolment):
 * format "packed" with x5c; each certificate valid then and issued by an authority within its limits; and
 * the first is an attestation certificate by 8.2.1: version 3, no authority, OU "Authenticator Attestation",
 * a country, a vendor and a name, and its AAGUID extension, which must be there, is this one. The system's
 * own authorities are not asked. Its name goes to ret_root, as text that is fit for a screen. 0; -ENOENT:
 * nobody vouches (self attestation, none, another format); -EKEYREJECTED: somebody does whom no root knows,
 * or whose certificate is not right; -EBADMSG: not a statement; -ENOMEM. */
int attestation_verify(const struct attestation_roots *roots, const char *format, const uint8_t *attstmt,
                       size_t attstmt_len, const uint8_t aaguid[16], uint64_t at_usec,
                       char ret_root[static ATTESTATION_NAME_SIZE]);
