/* SPDX-License-Identifier: Apache-2.0 */
/* Crockford's base32: short codes that people read to each other (no I, L, O, U). */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The first n_chars characters (5 bits each, most significant first) of the bytes at p, which has at least
 * (5 * n_chars + 7) / 8 of them. ret has room for n_chars + 1. */
void crockford_encode(const uint8_t *p, size_t n_chars, char *ret);
