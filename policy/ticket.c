/* SPDX-License-Identifier: Apache-2.0 */
/* The key of tickets, and what is kept of a code. */
#include "policy/ticket.h"

#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

static const char *const uses[TICKET_USE_MAX] = {"enrol", "sign-in", "any"};

enum reason ticket_reason(enum registrar_status status) {
        static const enum reason reasons[REGISTRAR_STATUS_MAX] = {
                [REGISTRAR_OK] = REASON_NONE,
                [REGISTRAR_WRONG] = REASON_TICKET_WRONG,
                [REGISTRAR_PAUSED] = REASON_TICKET_PAUSED,
                [REGISTRAR_USED] = REASON_TICKET_USED,
                [REGISTRAR_EXPIRED] = REASON_TICKET_EXPIRED,
                [REGISTRAR_REVOKED] = REASON_TICKET_REVOKED,
                [REGISTRAR_OF_ANOTHER] = REASON_TICKET_OF_ANOTHER,
                [REGISTRAR_PERSON] = REASON_PERSON_ENDED,
                [REGISTRAR_SUSPENDED] = REASON_PERSON_SUSPENDED,
                [REGISTRAR_NOT_HERE] = REASON_TICKET_NOT_HERE,
                [REGISTRAR_BADGE_TAKEN] = REASON_BADGE_TAKEN,
                [REGISTRAR_KEY_TAKEN] = REASON_KEY_TAKEN,
                [REGISTRAR_KEYS_FULL] = REASON_KEYS_FULL,
                [REGISTRAR_KEY_REFUSED] = REASON_KEY_FORGED,
                [REGISTRAR_KEY_UNUSABLE] = REASON_KEY_UNUSABLE,
                [REGISTRAR_BADGE_SUSPENDED] = REASON_BADGE_SUSPENDED,
                [REGISTRAR_KEY_SUSPENDED] = REASON_KEY_SUSPENDED,
                [REGISTRAR_FAILED] = REASON_STORE,
        };
        return (unsigned) status < REGISTRAR_STATUS_MAX ? reasons[status] : REASON_INTERNAL;
}

const char *ticket_use_name(enum ticket_use use) {
        return (unsigned) use < TICKET_USE_MAX ? uses[use] : "";
}

enum ticket_use ticket_use_from_name(const char *name) {
        for (unsigned i = 0; i < TICKET_USE_MAX; i++)
                if (strcmp(uses[i], name) == 0)
                        return (enum ticket_use) i;
        return TICKET_USE_MAX;
}

void ticket_key_erase(struct ticket_key *k) {
        explicit_bzero(k, sizeof(*k));
}

static int read_key(const char *path, struct ticket_key *ret) {
        _cleanup_(ticket_key_erase) struct ticket_key k;
        uint8_t more;
        struct stat st;
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
                return -EBADMSG;
        if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 077))
                return -EACCES;
        if (read(fd, k.bytes, sizeof(k.bytes)) != (ssize_t) sizeof(k.bytes) || read(fd, &more, 1) != 0)
                return -EBADMSG;
        *ret = k;
        return 0;
}

/* Written beside its place, so that it is there whole or not at all. */
static int write_key(const char *path, const struct ticket_key *k) {
        char new[128];
        int n = snprintf(new, sizeof(new), "%s.new", path);
        if (n < 0 || (size_t) n >= sizeof(new))
                return -ENAMETOOLONG;
        (void) unlink(new); /* of somebody who was killed here */
        _cleanup_(closep) int fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        if (write(fd, k->bytes, sizeof(k->bytes)) != (ssize_t) sizeof(k->bytes))
                return -EIO;
        return fsync(fd) < 0 || rename(new, path) < 0 ? -errno : 0;
}

int ticket_key_load(const char *path, bool create, struct ticket_key *ret) {
        _cleanup_(ticket_key_erase) struct ticket_key k;
        int r = read_key(path, &k);
        if (r == -ENOENT && create) {
                if (getrandom(k.bytes, sizeof(k.bytes), 0) != (ssize_t) sizeof(k.bytes))
                        return -EIO;
                r = write_key(path, &k);
        }
        if (r == 0)
                *ret = k;
        return r;
}

/* Each use of the key begins with a word of its own. */
static int hmac(const struct ticket_key *key, char what, const char *text, size_t n,
                uint8_t ret[TICKET_MAC_SIZE]) {
        uint8_t message[1 + TICKET_CODE_CHARS] = {(uint8_t) what};
        unsigned len = 0;
        memcpy(message + 1, text, n);
        bool good = HMAC(EVP_sha256(), key->bytes, sizeof(key->bytes), message, n + 1, ret, &len);
        explicit_bzero(message, sizeof(message));
        return good && len == TICKET_MAC_SIZE ? 0 : -EIO;
}

int ticket_mac(const struct ticket_key *key, const struct ticket_code *code, struct ticket_mac *ret) {
        struct ticket_mac m;
        uint8_t group[TICKET_MAC_SIZE];
        int r = hmac(key, 'c', code->text, TICKET_CODE_CHARS, m.mac);
        if (r == 0)
                r = hmac(key, 'g', code->text, TICKET_GROUP_CHARS, group);
        if (r < 0)
                return r;
        memcpy(m.selector, group, sizeof(m.selector));
        *ret = m;
        return 0;
}
