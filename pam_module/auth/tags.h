/* SPDX-License-Identifier: Apache-2.0 */
/* The tags of this station: those of the rules, and those that root's programs put into PATH_TAGS_DIR (a
 * workstation on wheels changes wards). */
#pragma once

#include "policy/rules.h"

#define TAGS_MAX 64U     /* of both kinds together */
#define TAG_SIZE 65U     /* with its terminator */
#define TAGS_FILES 16U   /* files looked at */
#define TAGS_BYTES 1024U /* of each file */

struct tags {
        struct words words; /* borrows from the rules and from text */
        char *list[TAGS_MAX + 1];
        char text[TAGS_MAX][TAG_SIZE];
};

/* Collects them. What is not root's, can be written by others, is not a regular file or is not a word is
 * left out: tags can only be wrong, never dangerous to read. */
void tags_collect(const struct words *of_rules, const char *folder, struct tags *ret);
