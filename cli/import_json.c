/* SPDX-License-Identifier: Apache-2.0 */
/* An import as JSON: an array with one object for each person. The objects are parsed one after the other,
 * so that a whole hospital needs no more memory than one of them. */
#include <errno.h>
#include <json.h>
#include <limits.h>

#include "cli/cli.h"
#include "cli/import_file.h"
#include "cli/output.h"
#include "common/util.h"

#define OBJECT_DEPTH_MAX 4
#define NUMBERS_TEXT_MAX (IMPORT_BADGES_EACH_MAX * (2U * BADGE_NUMBER_MAX + 1U) + 64U)

struct cursor {
        struct bytes left;
        unsigned line;
};

static void move(struct cursor *c, size_t n) {
        for (size_t i = 0; i < n; i++)
                c->line += c->left.p[i] == '\n';
        c->left.p += n;
        c->left.n -= n;
}

static void pass_space(struct cursor *c) {
        while (c->left.n > 0 && memchr(" \t\r\n", c->left.p[0], 4))
                move(c, 1);
}

static bool take(struct cursor *c, char wanted) {
        pass_space(c);
        if (c->left.n == 0 || c->left.p[0] != (uint8_t) wanted)
                return false;
        move(c, 1);
        return true;
}

static void tokener_freep(struct json_tokener **t) {
        if (*t)
                json_tokener_free(*t);
}

/* A string without a zero byte, or null; else a problem. */
static bool take_text(struct import *im, unsigned line, const char *key, struct json_object *value,
                      const char **ret) {
        if (!value)
                return true;
        const char *text =
                json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
        if (!text || strlen(text) != (size_t) json_object_get_string_len(value))
                return import_problem(im, line, _("The value of '%.40s' is no text."), key), false;
        *ret = text;
        return true;
}

static bool take_numbers(struct import *im, unsigned line, struct json_object *value,
                         char buf[NUMBERS_TEXT_MAX]) {
        size_t used = 0;
        if (!json_object_is_type(value, json_type_array))
                return import_problem(im, line, "%s", _("The value of 'badge_numbers' is no array.")), false;
        for (size_t i = 0; i < json_object_array_length(value); i++) {
                const char *text = NULL;
                if (!take_text(im, line, "badge_numbers", json_object_array_get_idx(value, i), &text))
                        return false;
                size_t n = text ? strlen(text) : 0;
                if (n == 0 || text[strcspn(text, " ")] || used + n + 2 > NUMBERS_TEXT_MAX)
                        return import_problem(
                                       im, line, "%s",
                                       _("Something in 'badge_numbers' is no number, or there are too "
                                         "many.")),
                               false;
                memcpy(buf + used, text, n);
                used += n;
                buf[used++] = ' ';
        }
        buf[used] = 0;
        return true;
}

static bool take_member(struct import *im, unsigned line, const char *key, struct json_object *value,
                        struct import_fields *f, char numbers[NUMBERS_TEXT_MAX]) {
        const struct {
                const char *key;
                const char **text;
        } texts[] = {{"user", &f->user},           {"full_name", &f->full_name},
                     {"kind", &f->kind},           {"not_before", &f->not_before},
                     {"not_after", &f->not_after}, {"state", &f->state}};
        static const char *const ignored[] = {"added", "ended", "badge_tokens"};
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (strcmp(key, texts[i].key) == 0)
                        return take_text(im, line, key, value, texts[i].text);
        for (size_t i = 0; i < ELEMENTSOF(ignored); i++)
                if (strcmp(key, ignored[i]) == 0)
                        return true;
        if (strcmp(key, "badge_numbers") == 0)
                return take_numbers(im, line, value, numbers);
        import_problem(
                im, line,
                _("'%.40s' is nothing that a person has here. There are: user, full_name, not_before, "
                  "not_after, kind, state, badge_numbers."),
                key);
        return false;
}

static int take_person(struct import *im, unsigned line, struct json_object *o, uint64_t now_usec) {
        char numbers[NUMBERS_TEXT_MAX] = "";
        struct import_fields f = {.badge_numbers = numbers};
        int r = 0;
        if (!json_object_is_type(o, json_type_object)) {
                import_problem(im, line, "%s", _("A person is an object: {\"user\": ..., ...}."));
                return 0;
        }
        json_object_object_foreach(o, key, value) {
                if (!take_member(im, line, key, value, &f, numbers)) {
                        explicit_bzero(numbers, sizeof(numbers));
                        return 0;
                }
        }
        r = import_add(im, &f, line, now_usec);
        explicit_bzero(numbers, sizeof(numbers));
        return r;
}

/* The next value, as much of the text as it takes; NULL after a problem. */
static struct json_object *next_value(struct import *im, struct cursor *c, struct json_tokener *t) {
        int size = c->left.n > INT_MAX ? INT_MAX : (int) c->left.n;
        json_tokener_reset(t);
        struct json_object *o = json_tokener_parse_ex(t, (const char *) c->left.p, size);
        enum json_tokener_error error = json_tokener_get_error(t);
        if (error == json_tokener_success && o) {
                move(c, json_tokener_get_parse_end(t));
                return o;
        }
        if (o)
                (void) json_object_put(o);
        move(c, json_tokener_get_parse_end(t) < c->left.n ? json_tokener_get_parse_end(t) : c->left.n);
        import_problem(im, c->line, _("This is no JSON (%s)."),
                       error == json_tokener_continue  ? _("the file ends too early")
                       : error == json_tokener_success ? _("null is no person")
                                                       : json_tokener_error_desc(error));
        return NULL;
}

int import_read_json(struct import *im, struct bytes text, uint64_t now_usec) {
        _cleanup_(tokener_freep) struct json_tokener *t = json_tokener_new_ex(OBJECT_DEPTH_MAX);
        struct cursor c = {.left = text, .line = 1};
        bool more = true;
        if (!t)
                return -ENOMEM;
        json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8 |
                                          JSON_TOKENER_ALLOW_TRAILING_CHARS);
        if (!take(&c, '[')) {
                import_problem(im, c.line, "%s", _("The file is no array of people: it must begin with [."));
                return 0;
        }
        if (take(&c, ']'))
                more = false;
        while (more) {
                _cleanup_(json_putp) struct json_object *o = NULL;
                pass_space(&c);
                unsigned line = c.line;
                if (!(o = next_value(im, &c, t)))
                        return 0;
                int r = take_person(im, line, o, now_usec);
                if (r < 0)
                        return r;
                more = take(&c, ',');
                if (!more && !take(&c, ']')) {
                        import_problem(im, c.line, "%s", _("After a person comes a comma, or the end: ]."));
                        return 0;
                }
        }
        pass_space(&c);
        if (c.left.n > 0)
                import_problem(im, c.line, "%s", _("Something follows the end of the array."));
        else if (im->n_people == 0 && im->n_problems == 0)
                import_problem(im, c.line, "%s", _("There is nobody in the file."));
        return 0;
}
