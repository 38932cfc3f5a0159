/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap policy test`: a site's own cases against rules, in force or not yet. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "cli/policy_case.h"
#include "cli/rules_load.h"

#define TABLE_BYTES_MAX (4U * 1024U * 1024U)

struct table_test {
        struct rules *rules;
        const char *file;
        unsigned line;
        size_t cases, wrong, unreadable;
        bool json;
        struct json_object *failures;
};

static void test_clear(struct table_test *t) {
        t->rules = rules_free(t->rules);
        json_putp(&t->failures);
}

/* One case that is not as expected, or not a case. */
static void tell(struct table_test *t, const char *line, size_t n, const char *why, const char *decided) {
        _cleanup_(freep) char *text = strndup(line, n);
        struct json_object *o = json_new();
        json_set_u64(o, "line", t->line);
        json_set_string(o, "case", text);
        json_set_string(o, "why", why);
        json_set_string(o, "decided", decided);
        json_append(t->failures, o);
        if (t->json)
                return;
        print_clean(stdout, t->file);
        (void) printf(":%u: ", t->line);
        print_clean(stdout, why);
        (void) fputs("\n  ", stdout);
        print_clean(stdout, text ? text : "");
        (void) putchar('\n');
        if (decided) {
                (void) fputs("  ", stdout);
                print_clean(stdout, decided);
                (void) putchar('\n');
        }
}

static int try_line(struct table_test *t, const char *line, size_t n) {
        _cleanup_(policy_case_clear) struct policy_case c = {0};
        char why[CASE_WHY_SIZE] = "", decided[512];
        struct policy_decision d;
        int r = policy_case_parse(line, n, &c, why);
        if (r == 1)
                return CLI_OK;
        if (r == 0)
                r = policy_case_decide(&c, t->rules, &d);
        if (r == -ENOMEM)
                return fail(CLI_FAILED, _("There is not enough memory."));
        if (r < 0) {
                t->unreadable++;
                tell(t, line, n, why[0] ? why : _("Its time has no date."), NULL);
                return CLI_OK;
        }
        t->cases++;
        if (policy_case_agrees(&c, &d, why))
                return CLI_OK;
        t->wrong++;
        policy_describe(&d, decided, sizeof(decided));
        tell(t, line, n, why, decided);
        return CLI_OK;
}

static int try_all(struct table_test *t, const char *text, size_t n) {
        int r = CLI_OK;
        while (n > 0 && r == CLI_OK) {
                const char *end = memchr(text, '\n', n);
                size_t length = end ? (size_t) (end - text) : n, step = length + (end != NULL);
                t->line++;
                r = try_line(t, text, length);
                text += step;
                n -= step;
        }
        return r;
}

/* The whole table; it is the site's own file, and anybody may have written it. */
static int read_table(const char *file, char **ret, size_t *ret_n) {
        _cleanup_(closep) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        _cleanup_(freep) char *text = malloc(TABLE_BYTES_MAX + 1);
        size_t n = 0;
        if (!text)
                return fail(CLI_FAILED, _("There is not enough memory."));
        if (fd < 0)
                return fail(errno == ENOENT ? CLI_NOT_FOUND : CLI_FAILED, _("%s cannot be read (%s)."), file,
                            strerror(errno));
        for (;;) {
                ssize_t got = read(fd, text + n, TABLE_BYTES_MAX + 1 - n);
                if (got < 0)
                        return fail(CLI_FAILED, _("%s cannot be read (%s)."), file, strerror(errno));
                if (got == 0)
                        break;
                n += (size_t) got;
                if (n > TABLE_BYTES_MAX)
                        return fail(CLI_FAILED, _("%s is larger than 4 MB. Divide it into several tables."),
                                    file);
        }
        *ret = TAKE_PTR(text);
        *ret_n = n;
        return CLI_OK;
}

static int tell_end(struct table_test *t) {
        if (t->json) {
                _cleanup_(json_putp) struct json_object *o = json_new();
                json_set_bool(o, "ok", t->wrong + t->unreadable == 0 && t->cases > 0);
                json_set_u64(o, "cases", t->cases);
                json_set_u64(o, "wrong", t->wrong);
                json_set_u64(o, "unreadable", t->unreadable);
                json_set_string(o, "rules", t->rules->hash);
                json_set(o, "failures", TAKE_PTR(t->failures));
                json_print(stdout, o);
        } else if (t->wrong + t->unreadable == 0 && t->cases > 0)
                (void) printf(_("All %zu cases come out as expected, by the rules %.12s.\n"), t->cases,
                              t->rules->hash);
        if (t->cases + t->unreadable == 0)
                return fail(CLI_FAILED,
                            _("%s has no case. Write one a line: service=lightdm groups=nurses => "
                              "need-badge"),
                            t->file);
        if (t->wrong + t->unreadable > 0)
                return fail(CLI_FAILED, _("%zu of %zu cases come out otherwise, %zu lines are no case."),
                            t->wrong, t->cases, t->unreadable);
        return CLI_OK;
}

int command_policy_test(const struct cli_arguments *args) {
        _cleanup_(test_clear) struct table_test t = {
                .file = cli_word(args, 0), .json = args->option[OPTION_JSON], .failures = json_new_array()};
        _cleanup_(freep) char *text = NULL;
        size_t n = 0;
        int r = load_rules_named(args->option[OPTION_FILE], &t.rules);
        if (r != CLI_OK || (r = read_table(t.file, &text, &n)) != CLI_OK ||
            (r = try_all(&t, text, n)) != CLI_OK)
                return r;
        return tell_end(&t);
}
