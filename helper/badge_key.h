/* SPDX-License-Identifier: Apache-2.0 */
/* The site's badge keys, and the index of a badge number under them. A store holds only indexes: without the
 * key a stolen store names no badge. */
#pragma once

#include "common/broker.h"

#define BADGE_KEY_SIZE 32U

struct badge_key {
        uint8_t key[BADGE_KEY_SIZE];
        char id[17]; /* first 8 bytes of SHA-256(key), hexadecimal */
};

struct badge_keys {
        struct badge_key keys[BADGE_INDEXES_MAX]; /* the key in use first */
        size_t n;
};

/* For _cleanup_(badge_keys_clear): wipes them. */
void badge_keys_clear(struct badge_keys *k);

/* Sets a key's id. -EIO when libcrypto fails. */
int badge_key_init(struct badge_key *k, const uint8_t key[BADGE_KEY_SIZE]);

/* Reads `badge-key` and, where it is there, `badge-key-previous` from the folder of systemd's credentials
 * (NULL: none was given). Each is exactly 32 bytes. On an error *ret_file names the one that is wrong:
 * -ENOENT, -EBADMSG for another length, -EEXIST when both keys are the same, or an error of reading. */
int badge_keys_load(const char *folder, struct badge_keys *ret, const char **ret_file);

/* index = HMAC-SHA256(key, "wardtap-badge-1" || 0x00 || length u8 || number), one per key; the number is in
 * canonical byte order, 4 to BADGE_NUMBER_MAX bytes. Also the token: 8 characters of Crockford base32, the
 * first 5 bytes of the first index. Sets n_indexes, indexes and token of t. -EINVAL, -EIO. */
int badge_index(const struct badge_keys *k, const uint8_t *number, size_t n, struct tap *t);
