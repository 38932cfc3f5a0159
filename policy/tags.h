/* SPDX-License-Identifier: Apache-2.0 */
/* The tags of this station: those of the rules, and those that root's programs put into PATH_TAGS_DIR (a
 * workstation on wheels changes wards). Everybody who judges, records or explains collects them here. */
#pragma once

#include "policy/rules.h"

#define TAGS_MAX 64U     /* of both kinds together */
#define TAG_SIZE 65U     /* with its terminator */
#define TAGS_FILES 16U   /* files looked at */
#define TAGS_BYTES 1024U /* a longer file is left out: a word cut short would be another tag */

struct tags {
        struct words words; /* borrows from the rules and from text */
        char *list[TAGS_MAX + 1];
        char text[TAGS_MAX][TAG_SIZE];
};

/* Collects them: those of the rules (NULL: none) in their order, then those of the folder's files. What is
 * not root's, can be written by others, is not a regular file or is not a word is left out: tags can only be
 * wrong, never dangerous to read. *ret must not be moved afterwards, and of_rules must outlive it. */
void tags_collect(const struct words *of_rules, const char *folder, struct tags *ret);
