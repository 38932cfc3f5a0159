/* SPDX-License-Identifier: Apache-2.0 */
/* Text into rules. libinih takes the lines apart; it gets each one through take_line(), which counts them,
 * because Debian's build tells its handler neither lines nor headings, and which lets nothing pass that
 * libinih reads more generously than we do (":" for "=", comments behind a value, indented continuations).
 * A value goes on in the next line after a backslash, as in systemd; libinih gets that as its own kind of
 * continuation. */
#include "common/bytes.h"
#include "policy/rules_internal.h"

#include <errno.h>
#include <ini.h>

#define SPACE " \t"
#define VALUE_MAX 4096U

struct rules_parser {
        struct rules *rules;
        struct rules_errors *errors;
        struct section *sections;
        size_t n_sections;
        char **files; /* names, owned: sections borrow them */
        size_t n_files;
        int failed; /* -ENOMEM, met where libinih cannot be told */

        /* the source being read */
        const char *file;
        const char *at;
        size_t left;
        unsigned line;
        bool in_section;         /* some heading was there, good or bad */
        struct section *section; /* NULL after a bad heading: its keys are passed over */
        bool goes_on;            /* the line before ended with a backslash ... */
        bool skip;               /* ... and could not be read: pass over what follows it */

        /* the assignment being read */
        char *key;
        unsigned key_line;
        char value[VALUE_MAX];
        size_t value_len;
};

int rules_parser_new(struct rules_errors *errors, struct rules_parser **ret) {
        _cleanup_(rules_parser_freep) struct rules_parser *p = calloc(1, sizeof(*p));
        if (!p || !(p->rules = rules_new()))
                return -ENOMEM;
        p->errors = errors;
        *ret = TAKE_PTR(p);
        return 0;
}

struct rules_parser *rules_parser_free(struct rules_parser *p) {
        if (!p)
                return NULL;
        rules_free(p->rules);
        for (size_t i = 0; i < p->n_sections; i++)
                free(p->sections[i].name);
        for (size_t i = 0; i < p->n_files; i++)
                free(p->files[i]);
        free(p->sections);
        free(p->files);
        free(p->key);
        free(p);
        return NULL;
}

#define complain(p, line, ...) note((p), rules_error_addf((p)->errors, (p)->file, (line), __VA_ARGS__))

/* Remembers that memory ran out. */
static void note(struct rules_parser *p, int r) {
        if (r < 0)
                p->failed = r;
}

/* Makes room for one more thing in an array of rules; it is all zero. */
static int grow(void *array, size_t *n, size_t size) {
        void *a = reallocarray(*(void **) array, *n + 1, size);
        if (!a)
                return -ENOMEM;
        *(void **) array = a;
        memset((char *) a + *n * size, 0, size);
        (*n)++;
        return 0;
}

static size_t max_of(enum section_kind kind) {
        static const size_t max[SECTION_MAX] = {
                [SECTION_ROLE] = RULES_ROLES_MAX,       [SECTION_PLACE] = RULES_PLACES_MAX,
                [SECTION_SERVICE] = RULES_SERVICES_MAX, [SECTION_EXCEPTION] = RULES_EXCEPTIONS_MAX,
                [SECTION_CHECK] = RULES_CHECKS_MAX,
        };
        return max[kind];
}

/* Adds the role, place, service, ... that a section begins, with its defaults. -E2BIG. */
static int add_object(struct rules *r, enum section_kind kind, const char *name, size_t *ret_index) {
        const struct {
                void *array;
                size_t *n, size, name;
        } lists[SECTION_MAX] = {
#define LIST(things, type) {&r->things, &r->n_##things, sizeof(struct type), offsetof(struct type, name)}
                [SECTION_ROLE] = LIST(roles, rule_role),
                [SECTION_PLACE] = LIST(places, rule_place),
                [SECTION_SERVICE] = LIST(services, rule_service),
                [SECTION_EXCEPTION] = LIST(exceptions, rule_exception),
                [SECTION_CHECK] = LIST(checks, rule_check),
#undef LIST
        };
        r->break_glass.present |= kind == SECTION_BREAK_GLASS;
        if (!lists[kind].array)
                return 0;
        size_t index = *lists[kind].n;
        if (index == max_of(kind))
                return -E2BIG;
        if (grow(lists[kind].array, lists[kind].n, lists[kind].size) < 0)
                return -ENOMEM;
        if (kind == SECTION_ROLE)
                rule_role_defaults(&r->roles[index]);
        else if (kind == SECTION_PLACE)
                rule_place_defaults(&r->places[index]);
        char *object = *(char **) lists[kind].array + index * lists[kind].size;
        *ret_index = index;
        return (*(char **) (object + lists[kind].name) = strdup(name)) ? 0 : -ENOMEM;
}

static const struct section *find_section(const struct rules_parser *p, enum section_kind kind,
                                          const char *name) {
        for (size_t i = 0; i < p->n_sections; i++)
                if (p->sections[i].kind == kind && strcmp(p->sections[i].name, name) == 0)
                        return &p->sections[i];
        return NULL;
}

static void open_section(struct rules_parser *p, enum section_kind kind, const char *name) {
        const char *type = section_type(kind)->name;
        const struct section *twin = find_section(p, kind, name);
        if (twin) {
                complain(p, p->line, "[%s%s%s] is there already, at %s line %u: write each section once.",
                         type, *name ? " " : "", name, twin->file, twin->line);
                return;
        }
        struct section s = {.kind = kind, .file = p->file, .line = p->line};
        int r = add_object(p->rules, kind, name, &s.index);
        if (r == -E2BIG) {
                complain(p, p->line, "There are too many [%s NAME] sections: at most %zu fit.", type,
                         max_of(kind));
                return;
        }
        if (r < 0 || !(s.name = strdup(name)) ||
            grow(&p->sections, &p->n_sections, sizeof(*p->sections)) < 0) {
                free(s.name);
                p->failed = -ENOMEM;
                return;
        }
        p->sections[p->n_sections - 1] = s;
        p->section = &p->sections[p->n_sections - 1];
}

/* "Role nurse", what stood between the brackets. */
static void read_heading(struct rules_parser *p, char *heading) {
        char *name = heading + strcspn(heading, SPACE);
        if (*name)
                *name++ = 0;
        name += strspn(name, SPACE);
        enum section_kind kind = section_kind_from_name(heading);
        if (kind == SECTION_MAX)
                complain(p, p->line,
                         "There is no section [%s]: use [Site], [Station], [Role NAME], [Place NAME], "
                         "[Service NAME], [Exception NAME], [Check NAME] or [BreakGlass].",
                         heading);
        else if (!section_type(kind)->named && *name)
                complain(p, p->line, "[%s] takes no name: write [%s].", heading, heading);
        else if (section_type(kind)->named && !*name)
                complain(p, p->line, "[%s] needs a name: write [%s NAME].", heading, heading);
        else if (section_type(kind)->named && !name_is_valid(name))
                complain(p, p->line,
                         "\"%s\" cannot be the name of a section: use at most %u letters, digits and -_.@ .",
                         name, RULES_NAME_MAX);
        else
                open_section(p, kind, name);
}

/* The whole value of a key has been read. */
static void end_assignment(struct rules_parser *p) {
        _cleanup_(freep) char *key = TAKE_PTR(p->key), *why = NULL;
        if (!key || !p->section)
                return;
        const struct section_type *type = section_type(p->section->kind);
        bool optional = key[0] == '-';
        const char *name = key + optional;
        size_t i;
        if (section_find_key(type, name, &i) < 0) {
                if (!optional)
                        complain(p, p->key_line, "There is no key %s= in [%s]: see man wardtap.conf.", name,
                                 type->name);
                return;
        }
        if (p->section->lines[i] != 0) {
                complain(p, p->key_line,
                         "%s= is there already, in line %u: write each key once in a section.", name,
                         p->section->lines[i]);
                return;
        }
        p->section->lines[i] = p->key_line;
        if (p->value_len == 0) {
                complain(p, p->key_line, "%s= is empty: write a value, or leave the line out.", name);
                return;
        }
        void *field = (char *) section_object(p->section, p->rules) + type->keys[i].offset;
        int r = type->keys[i].parse(&type->keys[i], p->value, field, &why);
        if (r == -EINVAL)
                complain(p, p->key_line, "%s", why);
        else
                note(p, r);
}

static int handle(void *user, const char *section, const char *name, const char *value) {
        struct rules_parser *p = user;
        size_t n = strlen(value);
        if (!p->key) {
                if (!(p->key = strdup(name)))
                        p->failed = -ENOMEM;
                p->key_line = p->line;
                p->value_len = 0;
                p->value[0] = 0;
        }
        if (n == 0)
                return 1;
        size_t joint = p->value_len > 0;
        if (p->value_len + joint + n >= sizeof(p->value)) {
                complain(p, p->key_line, "%s= is too long: at most %zu bytes fit.", name,
                         sizeof(p->value) - 1);
                return 1;
        }
        if (joint)
                p->value[p->value_len++] = ' ';
        memcpy(p->value + p->value_len, value, n + 1);
        p->value_len += n;
        return 1;
}

/* True when the line is fit to be looked at. Tabs count as spaces. */
static bool check_text(struct rules_parser *p, const char *line, size_t n) {
        const char *why = NULL;
        for (size_t i = 0, step; i < n && !why; i += step) {
                step = line[i] == '\t' ? 1 : text_take_clean(line + i);
                if (step > 0)
                        continue;
                why = line[i] == '\r' && i == n - 1
                              ? "The line ends as on Windows: save the file with UNIX line ends."
                              : "The line has a byte that is no UTF-8 text, or a control character: remove "
                                "it.";
        }
        if (!why && p->line == 1 && n >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
                why = "The file begins with a byte order mark: save it as plain UTF-8.";
        if (why)
                complain(p, p->line, "%s", why);
        return !why;
}

/* True for Key=value as we want it. What libinih would take otherwise is refused here. */
static bool check_assignment(struct rules_parser *p, const char *line) {
        size_t dash = line[0] == '-';
        size_t key = strspn(line + dash, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
        const char *rest = line + dash + key;
        const char *why = NULL;
        if (!p->in_section)
                why = "The line stands outside a section: write a heading such as [Site] above it.";
        else if (key == 0 || rest[strspn(rest, SPACE)] != '=')
                why = "The line is neither a heading, a comment nor Key=value: write one of them.";
        if (why)
                complain(p, p->line, "%s", why);
        return !why;
}

static bool check_comment(struct rules_parser *p, const char *line) {
        for (const char *s = strpbrk(line, ";#"); s; s = strpbrk(s + 1, ";#"))
                if (s > line && strchr(SPACE, s[-1])) {
                        complain(p, p->line,
                                 "A comment stands behind the value: give it a line of its own.");
                        return false;
                }
        return true;
}

/* `line` begins with a bracket. */
static void take_heading(struct rules_parser *p, char *line, bool goes_on) {
        size_t n = strlen(line);
        p->in_section = true;
        p->section = NULL;
        if (goes_on || n < 3 || line[n - 1] != ']' || strpbrk(line + 1, "[]") != line + n - 1) {
                complain(p, p->line, "The heading cannot be read: write it as in [Role nurse].");
                return;
        }
        line[n - 1] = 0;
        read_heading(p, line + 1 + strspn(line + 1, SPACE));
}

/* The next line of the source into `buf` (of size bytes, terminated, trimmed, without its backslash). False
 * when it is too long or not text. */
static bool next_line(struct rules_parser *p, char *buf, size_t size, bool *ret_goes_on) {
        const char *line = p->at, *end = memchr(line, '\n', p->left);
        size_t n = end ? (size_t) (end - line) : p->left, step = n + (end != NULL);
        p->at += step;
        p->left -= step;
        p->line++;
        while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
                n--;
        while (n > 0 && (line[0] == ' ' || line[0] == '\t')) {
                line++;
                n--;
        }
        *ret_goes_on = n > 0 && line[n - 1] == '\\' && line[0] != '#' && line[0] != ';';
        n -= *ret_goes_on;
        if (n >= size) {
                complain(p, p->line,
                         "The line is too long: end it with a backslash after at most %zu bytes.", size - 2);
                return false;
        }
        memcpy(buf, line, n);
        buf[n] = 0;
        return check_text(p, buf, n);
}

/* Reads the next line as far as it is not libinih's; true when it is. */
static bool take_own(struct rules_parser *p, char *line, size_t size) {
        bool continues = p->goes_on, goes_on;
        bool good = next_line(p, line, size, &goes_on);
        if (good && (*line == '#' || *line == ';'))
                return false; /* also between a line and its continuation */
        p->goes_on = goes_on;
        if (!continues) {
                p->skip = false;
                if (good && *line == '[') {
                        p->goes_on = false;
                        take_heading(p, line, goes_on);
                        return false;
                }
                good = good && (*line || goes_on) && check_assignment(p, line);
        }
        p->skip = p->skip || !good || !check_comment(p, line);
        return !p->skip;
}

/* libinih's reader, in place of fgets(). What is not for libinih becomes an empty line, so that both count
 * alike. */
static char *take_line(char *str, int num, void *stream) {
        struct rules_parser *p = stream;
        bool continues = p->goes_on;
        if (!continues)
                end_assignment(p);
        if (p->left == 0 || p->failed < 0)
                return NULL;
        /* There is room for a space in front and a line feed behind. */
        bool own = !take_own(p, str + 1, (size_t) num - 2);
        size_t n = own ? 0 : strlen(str + 1);
        memcpy(str + 1 + n, "\n", 2);
        if (continues || own)
                str[0] = ' ';
        else
                memmove(str, str + 1, n + 2);
        return str;
}

int rules_parser_add(struct rules_parser *p, const char *name, const char *text, size_t n) {
        char *copy = strdup(name);
        if (!copy || grow(&p->files, &p->n_files, sizeof(*p->files)) < 0) {
                free(copy);
                return -ENOMEM;
        }
        p->files[p->n_files - 1] = copy;
        p->file = copy;
        p->at = text;
        p->left = n;
        p->line = 0;
        p->in_section = p->goes_on = p->skip = false;
        p->section = NULL;
        int r = ini_parse_stream(take_line, p, handle, p);
        end_assignment(p);
        if (r != 0 && p->errors->n == 0) /* what passed our checks and not libinih's */
                complain(p, r > 0 ? (unsigned) r : 0, "The line cannot be read: write it as Key=value.");
        return p->failed;
}

int rules_parser_end(struct rules_parser *p, const char *name, struct rules **ret) {
        _cleanup_(freep) uint8_t *bytes = NULL;
        size_t n;
        if (p->failed < 0)
                return p->failed;
        int r = rules_check(p->rules, p->sections, p->n_sections, name, p->errors);
        if (r < 0)
                return r;
        if (p->errors->n > 0)
                return -EBADMSG;
        p->rules->station_from_host = p->rules->station == NULL;
        if ((r = rules_write(p->rules, &bytes, &n)) < 0)
                return r;
        hex_encode(bytes + n - 32, 32, p->rules->hash);
        *ret = TAKE_PTR(p->rules);
        return 0;
}

int rules_parse_text(const char *name, const char *text, size_t n, struct rules **ret,
                     struct rules_errors *ret_errors) {
        _cleanup_(rules_errors_clear) struct rules_errors errors = {0};
        _cleanup_(rules_parser_freep) struct rules_parser *p = NULL;
        int r = rules_parser_new(&errors, &p);
        if (r == 0 && (r = rules_parser_add(p, name, text, n)) == 0)
                r = rules_parser_end(p, name, ret);
        *ret_errors = errors;
        errors = (struct rules_errors){0};
        return r;
}
