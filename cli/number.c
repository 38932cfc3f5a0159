/* SPDX-License-Identifier: Apache-2.0 */
/* A badge's number in the ways that people and other systems write it. */
#include "cli/number.h"

#include <stdio.h>
#include <string.h>

static uint8_t byte_at(const uint8_t *p, size_t n, bool reversed, size_t i) {
        return reversed ? p[n - 1 - i] : p[i];
}

const char *number_hex(const uint8_t *p, size_t n, bool reversed, char buf[NUMBER_HEX_MAX]) {
        buf[0] = 0;
        for (size_t i = 0; i < n && i < BADGE_NUMBER_MAX; i++)
                (void) snprintf(buf + (i > 0 ? 3 * i - 1 : 0), 4, i > 0 ? " %02X" : "%02X",
                                byte_at(p, n, reversed, i));
        return buf;
}

const char *number_decimal(const uint8_t *p, size_t n, bool reversed, char buf[NUMBER_DECIMAL_MAX]) {
        unsigned __int128 value = 0;
        char digits[NUMBER_DECIMAL_MAX];
        size_t at = sizeof(digits) - 1;
        for (size_t i = 0; i < n && i < BADGE_NUMBER_MAX; i++)
                value = value << 8 | byte_at(p, n, reversed, i);
        digits[at] = 0;
        do {
                digits[--at] = (char) ('0' + (int) (value % 10));
                value /= 10;
        } while (value > 0);
        memcpy(buf, digits + at, sizeof(digits) - at);
        explicit_bzero(digits, sizeof(digits));
        return buf;
}
