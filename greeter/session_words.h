/* SPDX-License-Identifier: Apache-2.0 */
/* Text for the screen: whole, visible characters of bounded length, whatever came in. */
#pragma once

#include <libintl.h>
#include <stddef.h>

#define _(text) dgettext("wardtap", (text))

#define WORDS_NAME_SIZE 256U /* of a full name in bytes, with its end */
#define WORDS_TEXT_SIZE 513U /* of any other text */

/* Copies text into ret (size bytes, at least 1). What is not clean UTF-8 (see text_take_clean()) becomes one
 * blank, blanks at the ends and doubled ones go, and what does not fit is cut between two characters. */
void words_clean(const char *text, char *ret, size_t size);

/* The full name of this process's user: the first field of GECOS, else the account's name; "" when the
 * system does not know the user. */
void words_own_name(char ret[static WORDS_NAME_SIZE]);
