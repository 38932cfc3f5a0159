/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing comma-separated values (RFC 4180): quoted or plain fields, lines that end with CR LF
 * or LF, a quote in a quoted field written twice. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "common/bytes.h"

#define CSV_FIELDS_MAX 32U
#define CSV_RECORD_MAX 16384U /* bytes of one record's fields, with their terminators */

struct csv {
        struct bytes left; /* borrowed */
        unsigned line;     /* of the next record, from 1 */
};

struct csv_record {
        unsigned line; /* on which it begins */
        size_t n;
        const char *fields[CSV_FIELDS_MAX]; /* in text */
        char text[CSV_RECORD_MAX];
};

/* At the beginning of a text; a byte order mark is passed over. */
void csv_begin(struct csv *c, struct bytes text);
/* 1 and the next record, or 0 at the end. -EBADMSG and a sentence that says what is wrong on ret->line; the
 * next call goes on with the line after it. A line without any character is passed over. */
int csv_next(struct csv *c, struct csv_record *ret, const char **ret_problem);

/* Writes one field, quoted where it must be. */
void csv_print(FILE *f, const char *field);
