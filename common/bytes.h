/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing bytes that cross a boundary: a (pointer, length) pair that shrinks as it is read, and
 * a bounded buffer that fills as it is written. Numbers are big-endian. A reader never looks past its end;
 * what is left over when a message should have ended is an error (bytes_end()). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes: valid as long as the buffer they were taken from. */
struct bytes {
        const uint8_t *p;
        size_t n;
};

/* Readers. Each takes from the front of b and returns 0, or -EBADMSG when b is too short or a length is out
 * of its limits; then neither b nor the output has changed. */
int bytes_take_u8(struct bytes *b, uint8_t *ret);
int bytes_take_u16(struct bytes *b, uint16_t *ret);
int bytes_take_u32(struct bytes *b, uint32_t *ret);
int bytes_take_u64(struct bytes *b, uint64_t *ret);
/* One byte, 0 or 1. */
int bytes_take_bool(struct bytes *b, bool *ret);
/* Exactly n bytes; *ret borrows from b's buffer. */
int bytes_take(struct bytes *b, size_t n, struct bytes *ret);
/* Exactly n bytes, copied to ret. */
int bytes_take_copy(struct bytes *b, void *ret, size_t n);
/* A 16-bit length and as many bytes, between min and max of them; *ret borrows. */
int bytes_take_blob(struct bytes *b, size_t min, size_t max, struct bytes *ret);
/* A blob copied to ret (of max bytes), its length to *ret_n. */
int bytes_take_blob_copy(struct bytes *b, size_t min, size_t max, void *ret, size_t *ret_n);
/* A 16-bit length and as many bytes of text, copied to buf and terminated. At most size - 1 bytes; a zero
 * byte inside is an error. Says nothing about encoding: see text_is_clean() for what people will read. */
int bytes_take_string(struct bytes *b, char *buf, size_t size);
/* The same for a text that people or records may see: -EBADMSG also where text_is_clean() says no; then buf
 * has changed. */
int bytes_take_text(struct bytes *b, char *buf, size_t size);
/* 0 if nothing is left over, else -EBADMSG. */
int bytes_end(const struct bytes *b);

/* A bounded buffer. After the first write that does not fit, every later write does nothing, and
 * writer_end() says so once. */
struct writer {
        uint8_t *p;
        size_t size; /* of the buffer, in bytes */
        size_t n;    /* written so far */
        bool full;   /* something did not fit */
};

void writer_u8(struct writer *w, uint8_t v);
void writer_u16(struct writer *w, uint16_t v);
void writer_u32(struct writer *w, uint32_t v);
void writer_u64(struct writer *w, uint64_t v);
void writer_bytes(struct writer *w, const void *p, size_t n);
/* A 16-bit length and n bytes; n over 65535 counts as "does not fit". */
void writer_blob(struct writer *w, const void *p, size_t n);
/* The same for a string without its terminator; NULL is written as the empty string. */
void writer_string(struct writer *w, const char *s);
/* The same for a string in a buffer of that size; one that lacks its terminator is written too long, which
 * no reader takes. */
void writer_text(struct writer *w, const char *s, size_t size);
/* 0 and *ret_n = bytes written, or -EMSGSIZE when something did not fit. */
int writer_end(const struct writer *w, size_t *ret_n);

/* Lower-case hexadecimal of n bytes into ret, which has room for 2 * n + 1 characters. */
void hex_encode(const void *p, size_t n, char *ret);
/* Even-length hexadecimal (either case) into ret, which has room for max bytes. -EBADMSG for anything else,
 * -EMSGSIZE when it is longer than max. */
int hex_decode(const char *s, void *ret, size_t max, size_t *ret_n);

/* True for valid UTF-8 without control characters (C0, DEL, C1), at most max bytes: fit for a screen, a
 * record or a file of ours. Bidirectional overrides (U+202A..U+202E, U+2066..U+2069) are refused too: they
 * would let a name rewrite the line it stands in. */
bool text_is_clean(const char *s, size_t max);

/* Length in bytes of the clean character at s, or 0 when what stands there is not one (or the text has
 * ended). */
size_t text_take_clean(const char *s);

/* Copies a text with its terminator into to, of size bytes; NULL as the empty one. -EINVAL when it does not
 * fit; then nothing has changed. */
int text_copy(char *to, size_t size, const char *from);

/* Parses an unsigned decimal of at most max, the whole string, no sign, no space. -EINVAL or -ERANGE. */
int parse_u64(const char *s, uint64_t max, uint64_t *ret);
