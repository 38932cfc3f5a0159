/* SPDX-License-Identifier: Apache-2.0 */
/* A badge's number in the ways that people and other systems write it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/broker.h"

#define NUMBER_HEX_MAX (3U * BADGE_NUMBER_MAX)
#define NUMBER_DECIMAL_MAX 26U /* 80 bits have 25 digits */

/* "04 A1 B2 C3" of n (1 to BADGE_NUMBER_MAX) bytes; reversed = the last byte first. Returns buf. */
const char *number_hex(const uint8_t *p, size_t n, bool reversed, char buf[NUMBER_HEX_MAX]);
/* The same bytes as one number, most significant byte first. Returns buf. */
const char *number_decimal(const uint8_t *p, size_t n, bool reversed, char buf[NUMBER_DECIMAL_MAX]);
