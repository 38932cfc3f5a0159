/* SPDX-License-Identifier: Apache-2.0 */
/* The short code that a screen shows and the help desk types. */
#pragma once

#include <stdbool.h>

#define CODE_LENGTH 6U

/* Crockford's base32 as people type it: either case, O for 0, I and L for 1, hyphens and spaces anywhere.
 * False when it is not six such characters. */
bool code_normalise(const char *typed, char ret[CODE_LENGTH + 1]);
