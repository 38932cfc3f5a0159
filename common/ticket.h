/* SPDX-License-Identifier: Apache-2.0 */
/* The code of a ticket, as it is printed, read out and typed: "K7QD-4M2P-X9TA". Eleven characters of
 * Crockford's base32 are random (55 bits), the twelfth checks them: any one wrong character, and any two
 * that changed places, are noticed before anybody is asked. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define TICKET_CODE_CHARS 12U
#define TICKET_GROUP_CHARS 4U
#define TICKET_RANDOM_SIZE 7U /* bytes that hold 55 bits */
#define TICKET_NAME_CHARS 8U  /* the short name, which is no secret: WARDTAP_TICKET */

/* Twelve characters, upper case, with their terminator. */
struct ticket_code {
        char text[TICKET_CODE_CHARS + 1];
};
/* For _cleanup_(ticket_code_erase): wipes it. */
void ticket_code_erase(struct ticket_code *c);

/* The code of these random bytes. */
void ticket_code_make(const uint8_t random[TICKET_RANDOM_SIZE], struct ticket_code *ret);
/* What somebody typed: case does not matter, O is 0, I and L are 1, dashes and spaces are left out. -EINVAL
 * for anything that cannot be a code, a mistyped one included. */
int ticket_code_parse(const char *typed, struct ticket_code *ret);
/* In groups of four, for people. */
void ticket_code_format(const struct ticket_code *c, char ret[TICKET_CODE_CHARS + 3]);
