/* SPDX-License-Identifier: Apache-2.0 */
/* What the key remembers without power, its own or the station's: lines of text in a file that is replaced
 * as a whole, so that a key that is pulled (killed) at any moment has either the old state or the new one.
 */
#include "tests/virtual/key_core.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>

#define FIRST_LINE "virtual key 1"
#define WORDS_MAX 8U

static void closefilep(FILE **f) {
        if (*f)
                (void) fclose(*f);
        *f = NULL;
}

void state_clear(struct key_state *s) {
        free(s->credentials);
        s->credentials = NULL;
        s->n = 0;
}

void state_reset(struct key_state *s) {
        state_clear(s);
        s->pin_set = false;
        explicit_bzero(s->pin_hash, sizeof(s->pin_hash));
        s->pin_tries = KEY_PIN_TRIES;
        s->uv_tries = KEY_UV_TRIES;
        s->counter = 0;
}

int state_add(struct key_state *s, const struct key_credential *c) {
        if (s->n == KEY_CREDENTIALS_MAX)
                return -ENOSPC;
        struct key_credential *more = reallocarray(s->credentials, s->n + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        s->credentials = more;
        s->credentials[s->n++] = *c;
        return 0;
}

int state_set_pin(struct key_state *s, const char *pin) {
        uint8_t hash[32];
        size_t n = strlen(pin), characters = 0;
        for (size_t i = 0; i < n; i++)
                characters += (pin[i] & 0xc0) != 0x80;
        if (characters < KEY_MIN_PIN || n > 63)
                return -EINVAL;
        crypto_sha256(pin, n, hash);
        memcpy(s->pin_hash, hash, sizeof(s->pin_hash));
        explicit_bzero(hash, sizeof(hash));
        s->pin_set = true;
        s->pin_tries = KEY_PIN_TRIES;
        return 0;
}

static void print_hex(FILE *f, const void *p, size_t n) {
        const uint8_t *b = p;
        (void) fputc(' ', f);
        if (n == 0)
                (void) fputc('-', f);
        for (size_t i = 0; i < n; i++)
                (void) fprintf(f, "%02x", b[i]);
}

static void print_credential(FILE *f, const struct key_credential *c) {
        (void) fputs("credential", f);
        print_hex(f, c->id, sizeof(c->id));
        print_hex(f, c->rp_hash, sizeof(c->rp_hash));
        (void) fprintf(f, " %d %d %d", -c->alg, c->protection, c->resident);
        print_hex(f, c->user_id, c->user_id_n);
        print_hex(f, c->pair.der, c->pair.n);
        (void) fputc('\n', f);
}

static void print_state(FILE *f, const struct key_state *s) {
        (void) fprintf(f, FIRST_LINE "\ntries %d %d\ncounter %u\n", s->pin_tries, s->uv_tries, s->counter);
        if (s->pin_set) {
                (void) fputs("pin", f);
                print_hex(f, s->pin_hash, sizeof(s->pin_hash));
                (void) fputc('\n', f);
        }
        if (s->attestation_key.n > 0) {
                (void) fputs("attestation", f);
                print_hex(f, s->attestation_key.der, s->attestation_key.n);
                print_hex(f, s->certificate, s->certificate_n);
                (void) fputc('\n', f);
        }
        for (size_t i = 0; i < s->n; i++)
                print_credential(f, &s->credentials[i]);
}

/* A file's new name is on disk with its folder. */
static int sync_folder(const char *path) {
        _cleanup_(freep) char *copy = strdup(path);
        if (!copy)
                return -ENOMEM;
        _cleanup_(closep) int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int state_save(const struct key_state *s) {
        _cleanup_(freep) char *temporary = NULL;
        if (!s->path)
                return 0;
        if (asprintf(&temporary, "%s.new", s->path) < 0) {
                temporary = NULL;
                return -ENOMEM;
        }
        _cleanup_(closep) int fd =
                open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        FILE *f = fdopen(fd, "we");
        if (!f)
                return -errno;
        (void) TAKE_FD(fd);
        print_state(f, s);
        bool failed = ferror(f) || fflush(f) != 0 || fsync(fileno(f)) < 0;
        if (fclose(f) != 0 || failed)
                return -EIO;
        return rename(temporary, s->path) < 0 ? -errno : sync_folder(s->path);
}

static bool read_hex(const char *word, void *ret, size_t max, size_t *ret_n) {
        if (strcmp(word, "-") != 0)
                return hex_decode(word, ret, max, ret_n) == 0;
        *ret_n = 0;
        return true;
}

static bool read_hex_exactly(const char *word, void *ret, size_t n) {
        size_t got;
        return read_hex(word, ret, n, &got) && got == n;
}

static int read_credential(char **w, struct key_state *s) {
        struct key_credential c = {0};
        uint64_t alg, protection, resident;
        if (!read_hex_exactly(w[1], c.id, sizeof(c.id)) ||
            !read_hex_exactly(w[2], c.rp_hash, sizeof(c.rp_hash)) || parse_u64(w[3], 8, &alg) < 0 ||
            parse_u64(w[4], 3, &protection) < 0 || parse_u64(w[5], 1, &resident) < 0 ||
            !read_hex(w[6], c.user_id, sizeof(c.user_id), &c.user_id_n) ||
            !read_hex(w[7], c.pair.der, sizeof(c.pair.der), &c.pair.n) || c.pair.n == 0)
                return -EBADMSG;
        c.alg = -(int) alg;
        c.protection = (uint8_t) protection;
        c.resident = resident;
        return state_add(s, &c);
}

static int read_line(char *line, struct key_state *s) {
        char *w[WORDS_MAX] = {0}, *save = NULL;
        size_t n = 0;
        uint64_t a, b;
        for (char *word = strtok_r(line, " \n", &save); word && n < WORDS_MAX;
             word = strtok_r(NULL, " \n", &save))
                w[n++] = word;
        if (n == 3 && strcmp(w[0], "tries") == 0 && parse_u64(w[1], KEY_PIN_TRIES, &a) == 0 &&
            parse_u64(w[2], KEY_UV_TRIES, &b) == 0) {
                s->pin_tries = (uint8_t) a;
                s->uv_tries = (uint8_t) b;
        } else if (n == 2 && strcmp(w[0], "counter") == 0 && parse_u64(w[1], UINT32_MAX, &a) == 0)
                s->counter = (uint32_t) a;
        else if (n == 2 && strcmp(w[0], "pin") == 0)
                s->pin_set = read_hex_exactly(w[1], s->pin_hash, sizeof(s->pin_hash));
        else if (n == 3 && strcmp(w[0], "attestation") == 0) {
                if (!read_hex(w[1], s->attestation_key.der, KEY_DER_MAX, &s->attestation_key.n) ||
                    !read_hex(w[2], s->certificate, KEY_CERTIFICATE_MAX, &s->certificate_n))
                        return -EBADMSG;
        } else if (n == 8 && strcmp(w[0], "credential") == 0)
                return read_credential(w, s);
        else
                return -EBADMSG;
        return 0;
}

/* A state that is not there yet is a new key: -ENOENT is the caller's to know. */
int state_load(const char *path, struct key_state *ret) {
        struct key_state s = {.path = path, .pin_tries = KEY_PIN_TRIES, .uv_tries = KEY_UV_TRIES};
        _cleanup_(freep) char *line = NULL;
        size_t size = 0;
        *ret = s;
        _cleanup_(closefilep) FILE *f = path ? fopen(path, "re") : NULL;
        if (!f)
                return path ? -errno : -ENOENT;
        if (getline(&line, &size, f) < 0 || strcmp(line, FIRST_LINE "\n") != 0)
                return -EBADMSG;
        while (getline(&line, &size, f) >= 0) {
                int r = read_line(line, &s);
                if (r < 0) {
                        state_clear(&s);
                        return r;
                }
        }
        *ret = s;
        return 0;
}
