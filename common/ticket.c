/* SPDX-License-Identifier: Apache-2.0 */
/* Codes of tickets. */
#include "common/ticket.h"

#include "common/crockford.h"
#include "common/util.h"

#include <stdio.h>

#define RANDOM_CHARS (TICKET_CODE_CHARS - 1)

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void ticket_code_erase(struct ticket_code *c) {
        explicit_bzero(c, sizeof(*c));
}

/* The value of a character, -1 for none. */
static int value_of(char c) {
        if (c >= 'a' && c <= 'z')
                c = (char) (c - 'a' + 'A');
        if (c == 'O')
                c = '0';
        if (c == 'I' || c == 'L')
                c = '1';
        const char *at = c ? strchr(digits, c) : NULL;
        return at ? (int) (at - digits) : -1;
}

/* The characters are the coefficients of a polynomial over GF(32) (x^5 + x^2 + 1), taken at x: each stands
 * with a power of x of its own, so one that is wrong, or two that changed places, change the sum. */
static char check_of(const char *text) {
        unsigned sum = 0;
        for (size_t i = 0; i < RANDOM_CHARS; i++) {
                sum = sum << 1 ^ (unsigned) value_of(text[i]);
                sum = sum & 32U ? sum ^ 0x25U : sum;
        }
        return digits[(sum << 1 & 32U ? sum << 1 ^ 0x25U : sum << 1) & 31U];
}

void ticket_code_make(const uint8_t random[TICKET_RANDOM_SIZE], struct ticket_code *ret) {
        crockford_encode(random, RANDOM_CHARS, ret->text);
        ret->text[RANDOM_CHARS] = check_of(ret->text);
        ret->text[TICKET_CODE_CHARS] = 0;
}

int ticket_code_parse(const char *typed, struct ticket_code *ret) {
        _cleanup_(ticket_code_erase) struct ticket_code c = {0};
        size_t n = 0;
        for (; *typed; typed++) {
                if (*typed == '-' || *typed == ' ')
                        continue;
                int v = value_of(*typed);
                if (v < 0 || n == TICKET_CODE_CHARS)
                        return -EINVAL;
                c.text[n++] = digits[v];
        }
        if (n != TICKET_CODE_CHARS || c.text[RANDOM_CHARS] != check_of(c.text))
                return -EINVAL;
        *ret = c;
        return 0;
}

void ticket_code_format(const struct ticket_code *c, char ret[TICKET_CODE_CHARS + 3]) {
        (void) snprintf(ret, TICKET_CODE_CHARS + 3, "%.4s-%.4s-%.4s", c->text, c->text + 4, c->text + 8);
}
