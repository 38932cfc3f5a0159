/* SPDX-License-Identifier: Apache-2.0 */
/* Tables whose columns stand under each other in any script, and JSON by json-c. */
#include "cli/output.h"

#include <wchar.h>

#include "cli/cli.h"
#include "cli/when.h"
#include "common/bytes.h"
#include "common/util.h"

void print_clean(FILE *f, const char *text) {
        while (*text) {
                size_t n = text_take_clean(text);
                if (n > 0)
                        (void) fwrite(text, 1, n, f);
                else
                        (void) fputc('?', f);
                text += n > 0 ? n : 1;
        }
}

size_t text_width(const char *text) {
        size_t width = 0;
        mbstate_t state = {0};
        while (*text) {
                size_t n = text_take_clean(text), step = n > 0 ? n : 1;
                wchar_t c = L'?';
                int columns = 1;
                /* A locale that is not UTF-8 has no width for it: count one each. */
                if (n > 1 && mbrtowc(&c, text, n, &state) == n && (columns = wcwidth(c)) < 0)
                        columns = 1;
                state = (mbstate_t){0};
                width += (size_t) columns;
                text += step;
        }
        return width;
}

static const char *cell(const char *text) {
        return text && *text ? text : "-";
}

void table_measure(struct table *t, const char *const *cells) {
        for (size_t i = 0; i < TABLE_COLUMNS_MAX && t->titles[i]; i++) {
                size_t title = text_width(t->titles[i]), width = text_width(cell(cells[i]));
                if (t->width[i] < title)
                        t->width[i] = title;
                if (t->width[i] < width)
                        t->width[i] = width;
        }
}

static void pad(FILE *f, size_t from, size_t to) {
        for (; from < to; from++)
                (void) fputc(' ', f);
}

void table_print(const struct table *t, FILE *f, const char *const *cells) {
        for (size_t i = 0; i < TABLE_COLUMNS_MAX && t->titles[i]; i++) {
                bool last = i + 1 == TABLE_COLUMNS_MAX || !t->titles[i + 1];
                print_clean(f, cell(cells[i]));
                if (!last)
                        pad(f, text_width(cell(cells[i])), t->width[i] + 2);
        }
        (void) fputc('\n', f);
}

void table_print_titles(const struct table *t, FILE *f) {
        table_print(t, f, t->titles);
}

void print_pair(FILE *f, size_t width, const char *title, const char *value) {
        if (!value || !*value)
                return;
        (void) fprintf(f, "%s:", title);
        pad(f, text_width(title) + 1, width + 2);
        print_clean(f, value);
        (void) fputc('\n', f);
}

static struct json_object *there(struct json_object *o) {
        if (!o)
                exit(fail(CLI_FAILED, _("There is not enough memory.")));
        return o;
}

struct json_object *json_new(void) {
        return there(json_object_new_object());
}

struct json_object *json_new_array(void) {
        return there(json_object_new_array());
}

void json_set(struct json_object *o, const char *key, struct json_object *value) {
        if (json_object_object_add(o, key, value) < 0)
                (void) there(NULL);
}

void json_append(struct json_object *array, struct json_object *value) {
        if (json_object_array_add(array, value) < 0)
                (void) there(NULL);
}

void json_set_string(struct json_object *o, const char *key, const char *value) {
        json_set(o, key, value ? there(json_object_new_string(value)) : NULL);
}

void json_set_u64(struct json_object *o, const char *key, uint64_t value) {
        json_set(o, key, there(json_object_new_uint64(value)));
}

void json_set_double(struct json_object *o, const char *key, double value) {
        char text[32];
        (void) snprintf(text, sizeof(text), "%.1f", value);
        json_set(o, key, there(json_object_new_double_s(value, text)));
}

void json_set_bool(struct json_object *o, const char *key, bool value) {
        json_set(o, key, there(json_object_new_boolean(value)));
}

void json_set_time(struct json_object *o, const char *key, uint64_t usec) {
        char text[WHEN_TEXT_MAX];
        json_set_string(o, key, usec ? when_rfc3339(usec, text) : NULL);
}

static void put(FILE *f, struct json_object *o) {
        const char *text =
                json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
        (void) fputs(text ? text : "null", f);
}

void json_print(FILE *f, struct json_object *o) {
        put(f, o);
        (void) fputc('\n', f);
}

void json_list_print(struct json_list *l, FILE *f, struct json_object *o) {
        (void) fputs(l->any ? ",\n" : "[\n", f);
        put(f, o);
        l->any = true;
}

void json_list_end(const struct json_list *l, FILE *f) {
        (void) fputs(l->any ? "\n]\n" : "[]\n", f);
}
