/* SPDX-License-Identifier: Apache-2.0 */
/* An attempt's id, and the short code of it that people read to the help desk. */
#pragma once

#define ATTEMPT_ID_SIZE 16U
#define ATTEMPT_CODE_SIZE 6U

#include <stdint.h>

/* A new id: 128 random bits as 32 hexadecimal digits. Negative errno when there is no randomness. */
int code_new_id(char ret_id[2 * ATTEMPT_ID_SIZE + 1]);

/* The first 30 bits of the id in Crockford's base32: upper case, without I, L, O and U, so that it can be
 * read out on the telephone. -EINVAL for what is not an id. */
int code_from_id(const char *id, char ret_code[ATTEMPT_CODE_SIZE + 1]);
