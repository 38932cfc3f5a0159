/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of words that a command makes, and the groups that the system gives an account. */
#pragma once

#include <pwd.h>

#include "policy/rules.h"

/* More words than this are left out. */
#define WORDS_MAX 4096U

void word_list_clear(struct words *w);
/* Copies n bytes of text to the end of the list. -ENOMEM. */
int word_list_add(struct words *w, const char *text, size_t n);
/* The names of all groups of the account, its own too. -EIO: the system does not say; -ENOMEM. */
int groups_of(const struct passwd *pw, struct words *ret);
