/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed: aligned tables and JSON, both one row at a time, so that a list of a whole hospital needs
 * no more memory than one person. */
#pragma once

#include <json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Prints text with everything that is not fit for a screen replaced by '?'. */
void print_clean(FILE *f, const char *text);

/* Columns on a screen that text takes. */
size_t text_width(const char *text);

#define TABLE_COLUMNS_MAX 12U
struct table {
        const char *titles[TABLE_COLUMNS_MAX]; /* the first NULL ends them */
        size_t width[TABLE_COLUMNS_MAX];
};

/* First each row is measured, then each is printed: two passes over the same rows. A row that grew in
 * between is printed whole. cells has as many texts as there are titles; NULL is printed as "-". */
void table_measure(struct table *t, const char *const *cells);
void table_print_titles(const struct table *t, FILE *f);
void table_print(const struct table *t, FILE *f, const char *const *cells);

/* "Title:   value", with the titles as wide as `width` columns; nothing for a NULL or empty value. */
void print_pair(FILE *f, size_t width, const char *title, const char *value);

static inline void json_putp(struct json_object **o) {
        if (*o)
                (void) json_object_put(*o);
}

/* Out of memory ends the program: half a document must not look like a whole one. */
struct json_object *json_new(void);
/* NULL becomes null, and so does a time of 0 (else RFC 3339, local with its offset). */
void json_set_string(struct json_object *o, const char *key, const char *value);
void json_set_time(struct json_object *o, const char *key, uint64_t usec);
void json_set_u64(struct json_object *o, const char *key, uint64_t value);
void json_set_double(struct json_object *o, const char *key, double value); /* one decimal */
void json_set_bool(struct json_object *o, const char *key, bool value);
/* Takes value over. */
void json_set(struct json_object *o, const char *key, struct json_object *value);
void json_append(struct json_object *array, struct json_object *value);
struct json_object *json_new_array(void);

/* One object on one line. */
void json_print(FILE *f, struct json_object *o);

/* An array with one object on each line, as they come. Zero-initialise; end also prints an empty one. */
struct json_list {
        bool any;
};
void json_list_print(struct json_list *l, FILE *f, struct json_object *o);
void json_list_end(const struct json_list *l, FILE *f);
