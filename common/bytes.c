/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded reading and writing of bytes, hexadecimal, numbers, and what text is fit for people to read. */
#include "common/bytes.h"

#include <errno.h>
#include <string.h>

int bytes_take(struct bytes *b, size_t n, struct bytes *ret) {
        if (b->n < n)
                return -EBADMSG;
        *ret = (struct bytes){b->p, n};
        b->p += n;
        b->n -= n;
        return 0;
}

int bytes_take_copy(struct bytes *b, void *ret, size_t n) {
        struct bytes part;
        int r = bytes_take(b, n, &part);
        if (r < 0)
                return r;
        if (n > 0)
                memcpy(ret, part.p, n);
        return 0;
}

static int take_number(struct bytes *b, size_t size, uint64_t *ret) {
        struct bytes part;
        int r = bytes_take(b, size, &part);
        if (r < 0)
                return r;
        uint64_t v = 0;
        for (size_t i = 0; i < size; i++)
                v = v << 8 | part.p[i];
        *ret = v;
        return 0;
}

int bytes_take_u8(struct bytes *b, uint8_t *ret) {
        uint64_t v;
        int r = take_number(b, 1, &v);
        if (r == 0)
                *ret = (uint8_t) v;
        return r;
}

int bytes_take_u16(struct bytes *b, uint16_t *ret) {
        uint64_t v;
        int r = take_number(b, 2, &v);
        if (r == 0)
                *ret = (uint16_t) v;
        return r;
}

int bytes_take_u32(struct bytes *b, uint32_t *ret) {
        uint64_t v;
        int r = take_number(b, 4, &v);
        if (r == 0)
                *ret = (uint32_t) v;
        return r;
}

int bytes_take_u64(struct bytes *b, uint64_t *ret) {
        return take_number(b, 8, ret);
}

int bytes_take_bool(struct bytes *b, bool *ret) {
        struct bytes rest = *b;
        uint8_t v;
        int r = bytes_take_u8(&rest, &v);
        if (r < 0)
                return r;
        if (v > 1)
                return -EBADMSG;
        *b = rest;
        *ret = v;
        return 0;
}

int bytes_take_blob(struct bytes *b, size_t min, size_t max, struct bytes *ret) {
        struct bytes rest = *b, part;
        uint16_t n;
        int r = bytes_take_u16(&rest, &n);
        if (r < 0)
                return r;
        if (n < min || n > max)
                return -EBADMSG;
        r = bytes_take(&rest, n, &part);
        if (r < 0)
                return r;
        *b = rest;
        *ret = part;
        return 0;
}

int bytes_take_blob_copy(struct bytes *b, size_t min, size_t max, void *ret, size_t *ret_n) {
        struct bytes part;
        int r = bytes_take_blob(b, min, max, &part);
        if (r < 0)
                return r;
        if (part.n > 0)
                memcpy(ret, part.p, part.n);
        *ret_n = part.n;
        return 0;
}

int bytes_take_string(struct bytes *b, char *buf, size_t size) {
        struct bytes rest = *b, part;
        int r = bytes_take_blob(&rest, 0, size - 1, &part);
        if (r < 0)
                return r;
        if (part.n > 0 && memchr(part.p, 0, part.n))
                return -EBADMSG;
        if (part.n > 0)
                memcpy(buf, part.p, part.n);
        buf[part.n] = 0;
        *b = rest;
        return 0;
}

int bytes_take_text(struct bytes *b, char *buf, size_t size) {
        int r = bytes_take_string(b, buf, size);
        if (r < 0)
                return r;
        return text_is_clean(buf, size) ? 0 : -EBADMSG;
}

int bytes_end(const struct bytes *b) {
        return b->n == 0 ? 0 : -EBADMSG;
}

void writer_bytes(struct writer *w, const void *p, size_t n) {
        if (w->full || w->size - w->n < n) {
                w->full = true;
                return;
        }
        if (n > 0)
                memcpy(w->p + w->n, p, n);
        w->n += n;
}

static void write_number(struct writer *w, uint64_t v, size_t size) {
        uint8_t out[8];
        for (size_t i = 0; i < size; i++)
                out[i] = (uint8_t) (v >> (8 * (size - 1 - i)));
        writer_bytes(w, out, size);
}

void writer_u8(struct writer *w, uint8_t v) {
        write_number(w, v, 1);
}

void writer_u16(struct writer *w, uint16_t v) {
        write_number(w, v, 2);
}

void writer_u32(struct writer *w, uint32_t v) {
        write_number(w, v, 4);
}

void writer_u64(struct writer *w, uint64_t v) {
        write_number(w, v, 8);
}

void writer_blob(struct writer *w, const void *p, size_t n) {
        if (n > UINT16_MAX) {
                w->full = true;
                return;
        }
        writer_u16(w, (uint16_t) n);
        writer_bytes(w, p, n);
}

void writer_string(struct writer *w, const char *s) {
        writer_blob(w, s, s ? strlen(s) : 0);
}

void writer_text(struct writer *w, const char *s, size_t size) {
        writer_blob(w, s, strnlen(s, size));
}

int writer_end(const struct writer *w, size_t *ret_n) {
        if (w->full)
                return -EMSGSIZE;
        *ret_n = w->n;
        return 0;
}

void hex_encode(const void *p, size_t n, char *ret) {
        static const char digits[] = "0123456789abcdef";
        const uint8_t *b = p;
        for (size_t i = 0; i < n; i++) {
                ret[2 * i] = digits[b[i] >> 4];
                ret[2 * i + 1] = digits[b[i] & 15];
        }
        ret[2 * n] = 0;
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -EBADMSG;
}

int hex_decode(const char *s, void *ret, size_t max, size_t *ret_n) {
        uint8_t *out = ret;
        size_t len = strlen(s);
        if (len % 2)
                return -EBADMSG;
        if (len / 2 > max)
                return -EMSGSIZE;
        for (size_t i = 0; i < len / 2; i++) {
                int hi = hex_digit(s[2 * i]), lo = hex_digit(s[2 * i + 1]);
                if (hi < 0 || lo < 0)
                        return -EBADMSG;
                out[i] = (uint8_t) (hi << 4 | lo);
        }
        *ret_n = len / 2;
        return 0;
}

/* Decodes one UTF-8 sequence at s (RFC 3629: shortest form, no surrogates, at most U+10FFFF). Its length, or
 * 0. */
static size_t utf8_take(const unsigned char *s, uint32_t *ret) {
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        size_t n = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;
        if (n == 0)
                return 0;
        uint32_t c = n == 1 ? s[0] : s[0] & (0x7fU >> n);
        for (size_t i = 1; i < n; i++) {
                if (s[i] >> 6 != 2)
                        return 0; /* also at the terminator */
                c = c << 6 | (s[i] & 0x3fU);
        }
        if (c < least[n] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
                return 0;
        *ret = c;
        return n;
}

static bool is_clean(uint32_t c) {
        return c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0) && !(c >= 0x202a && c <= 0x202e) &&
               !(c >= 0x2066 && c <= 0x2069) && c != 0x2028 && c != 0x2029;
}

size_t text_take_clean(const char *s) {
        uint32_t c = 0;
        size_t n = utf8_take((const unsigned char *) s, &c);
        return n > 0 && is_clean(c) ? n : 0;
}

bool text_is_clean(const char *s, size_t max) {
        size_t at = 0;
        while (s[at]) {
                size_t n = text_take_clean(s + at);
                if (n == 0)
                        return false;
                at += n;
                if (at > max)
                        return false;
        }
        return true;
}

int text_copy(char *to, size_t size, const char *from) {
        size_t n = from ? strlen(from) : 0;
        if (n >= size)
                return -EINVAL;
        if (n > 0)
                memcpy(to, from, n);
        to[n] = 0;
        return 0;
}

int parse_u64(const char *s, uint64_t max, uint64_t *ret) {
        uint64_t v = 0;
        if (!*s)
                return -EINVAL;
        for (; *s; s++) {
                if (*s < '0' || *s > '9')
                        return -EINVAL;
                if (__builtin_mul_overflow(v, 10U, &v) ||
                    __builtin_add_overflow(v, (uint64_t) (*s - '0'), &v))
                        return -ERANGE;
        }
        if (v > max)
                return -ERANGE;
        *ret = v;
        return 0;
}
