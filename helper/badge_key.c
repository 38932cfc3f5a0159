/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC of badge numbers under the site's badge keys. */
#include "helper/badge_key.h"

#include "common/crockford.h"
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

void badge_keys_clear(struct badge_keys *k) {
        explicit_bzero(k, sizeof(*k));
}

int badge_key_init(struct badge_key *k, const uint8_t key[BADGE_KEY_SIZE]) {
        uint8_t hash[EVP_MAX_MD_SIZE];
        if (EVP_Digest(key, BADGE_KEY_SIZE, hash, NULL, EVP_sha256(), NULL) != 1)
                return -EIO;
        memcpy(k->key, key, BADGE_KEY_SIZE);
        hex_encode(hash, 8, k->id);
        explicit_bzero(hash, sizeof(hash));
        return 0;
}

static int read_key(int folder, const char *file, struct badge_key *ret) {
        uint8_t buf[BADGE_KEY_SIZE + 1]; /* one more, to see a file that is too long */
        _cleanup_(closep) int fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
        if (fd < 0)
                return -errno;
        ssize_t n;
        do
                n = read(fd, buf, sizeof(buf));
        while (n < 0 && errno == EINTR);
        int r = n < 0 ? -errno : n != BADGE_KEY_SIZE ? -EBADMSG : badge_key_init(ret, buf);
        explicit_bzero(buf, sizeof(buf));
        return r;
}

static int load_both(int folder, struct badge_keys *k, const char **ret_file) {
        *ret_file = "badge-key";
        int r = read_key(folder, *ret_file, &k->keys[0]);
        if (r < 0)
                return r;
        k->n = 1;
        *ret_file = "badge-key-previous";
        r = read_key(folder, *ret_file, &k->keys[1]);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        k->n = 2;
        return CRYPTO_memcmp(k->keys[0].key, k->keys[1].key, BADGE_KEY_SIZE) == 0 ? -EEXIST : 0;
}

int badge_keys_load(const char *folder, struct badge_keys *ret, const char **ret_file) {
        _cleanup_(badge_keys_clear) struct badge_keys k = {0};
        _cleanup_(closep) int fd = -1;
        *ret_file = "badge-key";
        if (!folder || folder[0] != '/')
                return -ENOENT;
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        int r = load_both(fd, &k, ret_file);
        if (r < 0)
                return r;
        *ret = k;
        return 0;
}

static int index_one(const struct badge_key *k, const uint8_t *number, size_t n, struct badge_index *ret) {
        static const char domain[] = "wardtap-badge-1"; /* its terminator is the 0x00 */
        uint8_t text[sizeof(domain) + 1 + BADGE_NUMBER_MAX];
        unsigned len = 0;
        memcpy(text, domain, sizeof(domain));
        text[sizeof(domain)] = (uint8_t) n;
        memcpy(text + sizeof(domain) + 1, number, n);
        const uint8_t *p =
                HMAC(EVP_sha256(), k->key, BADGE_KEY_SIZE, text, sizeof(domain) + 1 + n, ret->index, &len);
        explicit_bzero(text, sizeof(text));
        if (!p || len != BADGE_INDEX_SIZE)
                return -EIO;
        memcpy(ret->key_id, k->id, sizeof(ret->key_id));
        return 0;
}

int badge_index(const struct badge_keys *k, const uint8_t *number, size_t n, struct tap *t) {
        if (n < 4 || n > BADGE_NUMBER_MAX || k->n == 0)
                return -EINVAL;
        for (size_t i = 0; i < k->n; i++) {
                int r = index_one(&k->keys[i], number, n, &t->indexes[i]);
                if (r < 0)
                        return r;
        }
        t->n_indexes = k->n;
        crockford_encode(t->indexes[0].index, 8, t->token);
        return 0;
}
