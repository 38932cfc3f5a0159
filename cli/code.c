/* SPDX-License-Identifier: Apache-2.0 */
/* The short code that a screen shows and the help desk types. */
#include "cli/code.h"

#include <stddef.h>
#include <string.h>

bool code_normalise(const char *typed, char ret[CODE_LENGTH + 1]) {
        size_t n = 0;
        for (; *typed; typed++) {
                char c = *typed;
                if (c == '-' || c == ' ')
                        continue;
                if (c >= 'a' && c <= 'z')
                        c = (char) (c - 'a' + 'A');
                if (c == 'O')
                        c = '0';
                if (c == 'I' || c == 'L')
                        c = '1';
                if (n == CODE_LENGTH || !strchr("0123456789ABCDEFGHJKMNPQRSTVWXYZ", c))
                        return false;
                ret[n++] = c;
        }
        ret[n] = 0;
        return n == CODE_LENGTH;
}
