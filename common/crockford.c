/* SPDX-License-Identifier: Apache-2.0 */
/* Crockford's base32. */
#include "common/crockford.h"

void crockford_encode(const uint8_t *p, size_t n_chars, char *ret) {
        static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        unsigned bits = 0, have = 0;
        for (size_t i = 0; i < n_chars; i++) {
                if (have < 5) {
                        bits = (bits << 8 | *p++) & 0xffff;
                        have += 8;
                }
                have -= 5;
                ret[i] = digits[bits >> have & 31];
        }
        ret[n_chars] = 0;
}
