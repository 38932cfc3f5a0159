/* SPDX-License-Identifier: Apache-2.0 */
/* From argv to a command and its options (getopt_long), its help, and how mistakes are told. */
#include "cli/cli.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/output.h"
#include "common/util.h"

_Static_assert(OPTION_MAX <= 64, "a bit each");

static const struct {
        const char *name, *value, *help;
} options[OPTION_MAX] = {
        [OPTION_AGENCY] = {"agency", NULL, N_("the account is lent out, to one person at a time")},
        [OPTION_ALL] = {"all", NULL, N_("also those that have ended")},
        [OPTION_ALL_EVENTS] = {"all", NULL, N_("every record, not only who was at the station")},
        [OPTION_APPROVER] = {"approver", "USER",
                             N_("who approves it; never the one it is about, nor the author of rules")},
        [OPTION_APPROVERS] = {"approver", "USER", N_("whose key approves it; twice, for two people")},
        [OPTION_ALL_PEOPLE] = {"all", NULL, N_("also people for whom nothing is missing")},
        [OPTION_AS] = {"as", "PART", N_("which review this is: clinical or security")},
        [OPTION_AT] = {"at", "TIME", N_("judge as if it were this time")},
        [OPTION_AUTHOR] = {"author", "NAME", N_("who wrote the rules (default: who is logged in)")},
        [OPTION_CHECK] = {"check", NULL, N_("only say what is wrong; change nothing")},
        [OPTION_BY] = {"by", "WHAT", N_("one line for each day, role or station")},
        [OPTION_DIRECTORY] = {"directory", "FOLDER", N_("read the journal files in this folder")},
        [OPTION_EMERGENCY] = {"emergency", NULL,
                              N_("the account is nobody's own: a sealed kit or a witness opens it")},
        [OPTION_EVIDENCE] = {"evidence", "LIST",
                             N_("what was shown: badge, own-badge, key, verify, ticket, emergency, reason")},
        [OPTION_FAILING] = {"failing", "LIST", N_("checks of the station that are taken to fail")},
        [OPTION_EXPORT] = {"file", "FILE", N_("read what 'journalctl -o export' has written")},
        [OPTION_FILE] = {"file", "FILE", N_("judge by this file instead of the rules in force")},
        [OPTION_FOR] = {"for", "TIME", N_("how long: 30min, 8h, 1h 30min")},
        [OPTION_FORMAT] = {"format", "FORMAT", N_("csv or json (default: csv, or as the file's name ends)")},
        [OPTION_FROM] = {"from", "MARK", N_("nothing may be missing from this record on")},
        [OPTION_HOLDER] = {"to", "FULL NAME", N_("who gets the account")},
        [OPTION_IDENTIFIED] = {"identified", "TEXT", N_("how the person was identified, for the record")},
        [OPTION_HASH] = {"hash", "HASH", N_("of the list that was looked through, as it was shown")},
        [OPTION_JSON] = {"json", NULL, N_("print JSON, for scripts")},
        [OPTION_KEEP] = {"keep", "WHAT", N_("what stays in use: badge or key (default: none)")},
        [OPTION_LABEL] = {"label", "TEXT", N_("what to call the key (default: the name it gives itself)")},
        [OPTION_NAME] = {"name", "FULL NAME", N_("what the screen shows (default: from the account)")},
        [OPTION_NO_FALLBACK] = {"no-fallback", NULL,
                                N_("nothing but badge and key, even when Wardtap is down")},
        [OPTION_NOT_AFTER] = {"not-after", "TIME", N_("no sign-in later than this")},
        [OPTION_NOT_BEFORE] = {"not-before", "TIME", N_("no sign-in earlier than this")},
        [OPTION_PEOPLE] = {"people", NULL, N_("also whose sign-ins change, of all who are enrolled")},
        [OPTION_OPEN] = {"open", NULL, N_("only those whose review is not closed")},
        [OPTION_REASON] = {"reason", "TEXT", N_("why, for the record")},
        [OPTION_REVIEWER] = {"reviewer", "USER", N_("who reviews it, with a key at this terminal")},
        [OPTION_ROLE] = {"role", "ROLE", N_("the role, as the rules name it")},
        [OPTION_SERVICE] = {"service", "SERVICE", N_("the PAM service that would ask")},
        [OPTION_SESSION] = {"session", NULL, N_("the person has a session on this station")},
        [OPTION_SINCE] = {"since", "TIME", N_("from then on (default: the last 24 hours)")},
        [OPTION_SINCE_MONTH] = {"since", "TIME", N_("from then on (default: the last 30 days)")},
        [OPTION_STATEMENT] = {"statement", "TEXT", N_("what the reviewer states, for the record")},
        [OPTION_TIMEOUT] = {"timeout", "SECONDS",
                            N_("how long to wait for each step (5 to 120; default 60)")},
        [OPTION_TO] = {"to", "MARK", N_("the records must go as far as this one")},
        [OPTION_UNTIL] = {"until", "TIME", N_("when it ends by itself (at most 7 days from now)")},
        [OPTION_UP_TO] = {"until", "TIME", N_("up to then (a day: to its end)")},
        [OPTION_UNUSED_FOR] = {"unused-for", "DAYS", N_("what was not used for so long (default: 90 days)")},
        [OPTION_USE] = {"use", "WHAT", N_("enrol, sign-in or any (default: any)")},
        [OPTION_USER] = {"user", "USER", N_("the person it is about")},
        [OPTION_WORDS] = {"words", "TEXT", N_("what there is to say about it")},
};

static bool is_twice(unsigned option) {
        return option == OPTION_APPROVERS;
}

__attribute__((format(printf, 1, 0))) static void complain(const char *format, va_list ap) {
        char text[1024];
        (void) vsnprintf(text, sizeof(text), format, ap);
        (void) fflush(stdout);
        (void) fputs("wardtap: ", stderr);
        print_clean(stderr, text);
        (void) fputc('\n', stderr);
}

int fail(enum cli_exit status, const char *format, ...) {
        va_list ap;
        va_start(ap, format);
        complain(format, ap);
        va_end(ap);
        return (int) status;
}

void warn(const char *format, ...) {
        va_list ap;
        va_start(ap, format);
        complain(format, ap);
        va_end(ap);
}

const char *cli_word(const struct cli_arguments *a, int i) {
        return i < a->n_words ? a->words[i] : NULL;
}

static void print_option(const char *before, unsigned i, const char *after) {
        const char *value = options[i].value;
        (void) printf("%s--%s%s%s%s", before, options[i].name, value ? " " : "", value ? value : "", after);
}

static void print_usage_line(const struct cli_command *c) {
        (void) printf("wardtap %s", c->name);
        if (c->words[0])
                (void) printf(" %s", c->words);
        for (unsigned i = 0; i < OPTION_MAX; i++)
                if (c->needed & CLI_OPTION(i)) {
                        print_option(" ", i, "");
                        if (is_twice(i))
                                print_option(" ", i, "");
                }
        for (unsigned i = 0; i < OPTION_MAX; i++)
                if (c->options & ~c->needed & CLI_OPTION(i))
                        print_option(" [", i, "]");
        (void) putchar('\n');
}

static int help_command(const struct cli_command *c) {
        (void) fputs(_("Usage: "), stdout);
        print_usage_line(c);
        (void) printf("\n%s\n", _(c->summary));
        if (c->detail)
                (void) printf("%s\n", _(c->detail));
        (void) putchar('\n');
        for (unsigned i = 0; i < OPTION_MAX; i++) {
                char left[64];
                if (!(c->options & CLI_OPTION(i)))
                        continue;
                (void) snprintf(left, sizeof(left), "--%s%s%s", options[i].name, options[i].value ? " " : "",
                                options[i].value ? options[i].value : "");
                (void) printf("  %-24s %s\n", left, _(options[i].help));
        }
        (void) printf("  %-24s %s\n\n%s\n", "--help", _("print this"), _("See also: man wardtap"));
        return CLI_OK;
}

/* The commands of one group ("person"), or all of them. */
static int help_group(const struct cli_command *table, size_t n, const char *group) {
        size_t length = strlen(group);
        (void) printf(_("Usage: wardtap %sCOMMAND [OPTION...]\n\n"), group);
        for (size_t i = 0; i < n; i++) {
                char left[64];
                if (strncmp(table[i].name, group, length) != 0)
                        continue;
                (void) snprintf(left, sizeof(left), "%s %s", table[i].name, table[i].words);
                (void) printf("  %-32s %s\n", left, _(table[i].summary));
        }
        (void) printf("\n%s\n", _("Each has --help. See also: man wardtap"));
        return CLI_OK;
}

/* How many letters to change, add or drop to get from a to b; both short. */
static size_t distance(const char *a, const char *b) {
        size_t row[64], na = strlen(a), nb = strlen(b);
        if (na >= ELEMENTSOF(row) || nb >= ELEMENTSOF(row))
                return SIZE_MAX;
        for (size_t j = 0; j <= nb; j++)
                row[j] = j;
        for (size_t i = 1; i <= na; i++) {
                size_t corner = row[0];
                row[0] = i;
                for (size_t j = 1; j <= nb; j++) {
                        size_t best = corner + (a[i - 1] != b[j - 1]);
                        best = row[j] + 1 < best ? row[j] + 1 : best;
                        best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
                        corner = row[j];
                        row[j] = best;
                }
        }
        return row[nb];
}

static int unknown_command(const struct cli_command *table, size_t n, const char *first,
                           const char *second) {
        char typed[64];
        const char *nearest = NULL;
        size_t best = 4;
        (void) snprintf(typed, sizeof(typed), "%s%s%s", first, second ? " " : "", second ? second : "");
        for (size_t i = 0; i < n; i++) {
                size_t d = distance(strchr(table[i].name, ' ') ? typed : first, table[i].name);
                if (d < best && d * 2 <= strlen(typed)) {
                        best = d;
                        nearest = table[i].name;
                }
        }
        if (nearest)
                return fail(CLI_USAGE, _("There is no command '%s'. Did you mean: wardtap %s"), typed,
                            nearest);
        return fail(CLI_USAGE, _("There is no command '%s'. See them all with: wardtap --help"), typed);
}

static const struct cli_command *find(const struct cli_command *table, size_t n, const char *first,
                                      const char *second, int *ret_words) {
        size_t length = strlen(first);
        for (size_t i = 0; i < n; i++) {
                const char *name = table[i].name;
                if (strncmp(name, first, length) != 0)
                        continue;
                *ret_words = name[length] ? 2 : 1;
                if (!name[length] ||
                    (name[length] == ' ' && second && strcmp(name + length + 1, second) == 0))
                        return &table[i];
        }
        return NULL;
}

static int check(const struct cli_command *c, const struct cli_arguments *a) {
        for (unsigned i = 0; i < OPTION_MAX; i++)
                if ((c->needed & CLI_OPTION(i)) && !a->option[i])
                        return fail(CLI_USAGE, _("'%s' needs --%s %s. See: wardtap %s --help"), c->name,
                                    options[i].name, options[i].value, c->name);
        for (unsigned i = 0; i < OPTION_MAX; i++)
                if ((c->needed & CLI_OPTION(i)) && is_twice(i) && !a->again[i])
                        return fail(CLI_USAGE, _("'%s' needs --%s %s twice. See: wardtap %s --help"),
                                    c->name, options[i].name, options[i].value, c->name);
        if (a->n_words < c->min_words)
                return fail(CLI_USAGE, _("'%s' needs %s. See: wardtap %s --help"), c->name, c->words,
                            c->name);
        if (a->n_words > c->max_words)
                return fail(CLI_USAGE, _("'%s' has no use for '%s'. See: wardtap %s --help"), c->name,
                            a->words[c->max_words], c->name);
        return CLI_OK;
}

enum { VALUE_HELP = OPTION_MAX };

static void fill_long_options(const struct cli_command *c, struct option ret[OPTION_MAX + 2]) {
        size_t n = 0;
        for (int i = 0; i < OPTION_MAX; i++)
                if (c->options & CLI_OPTION(i))
                        ret[n++] = (struct option){.name = options[i].name,
                                                   .has_arg = options[i].value ? required_argument
                                                                               : no_argument,
                                                   .val = i};
        ret[n++] = (struct option){.name = "help", .val = VALUE_HELP};
        ret[n] = (struct option){0};
}

static int take_option(struct cli_arguments *a, int value) {
        bool twice = is_twice((unsigned) value);
        const char **at = a->option[value] && twice ? &a->again[value] : &a->option[value];
        if (*at)
                return fail(CLI_USAGE,
                            twice ? _("--%s was given more than twice; give it twice.")
                                  : _("--%s was given twice; give it once."),
                            options[value].name);
        *at = optarg ? optarg : "";
        return CLI_OK;
}

static int run(const struct cli_command *c, int argc, char **argv) {
        struct cli_arguments a = {.command = c->name};
        struct option long_options[OPTION_MAX + 2];
        int value, r;

        fill_long_options(c, long_options);
        opterr = 0;
        optind = 0; /* argv is not main's: start anew */
        while ((value = getopt_long(argc, argv, ":h", long_options, NULL)) >= 0) {
                if (value == 'h' || value == VALUE_HELP)
                        return help_command(c);
                if (value == ':')
                        return fail(CLI_USAGE, _("'%s' needs a value. See: wardtap %s --help"),
                                    argv[optind - 1], c->name);
                if (value == '?')
                        return fail(CLI_USAGE, _("'%s' has no option '%s'. See: wardtap %s --help"), c->name,
                                    argv[optind - 1], c->name);
                if ((r = take_option(&a, value)) != CLI_OK)
                        return r;
        }
        a.words = argv + optind;
        a.n_words = argc - optind;
        r = check(c, &a);
        return r == CLI_OK ? c->run(&a) : r;
}

static bool is_help(const char *word) {
        return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

int cli_main(const struct cli_command *table, size_t n, int argc, char **argv) {
        int words;
        if (argc < 2)
                return fail(CLI_USAGE, _("Say what to do. See the commands with: wardtap --help"));
        if (is_help(argv[1]))
                return help_group(table, n, "");
        if (strcmp(argv[1], "--version") == 0)
                return printf("wardtap %s\n", WARDTAP_VERSION) < 0 ? CLI_FAILED : CLI_OK;
        const struct cli_command *c = find(table, n, argv[1], argv[2], &words);
        if (c)
                return run(c, argc - words, argv + words);

        char group[64];
        (void) snprintf(group, sizeof(group), "%s ", argv[1]);
        for (size_t i = 0; i < n; i++) {
                if (strncmp(table[i].name, group, strlen(group)) != 0)
                        continue;
                if (argc == 2)
                        return fail(CLI_USAGE, _("'%s' needs a command. See: wardtap %s --help"), argv[1],
                                    argv[1]);
                if (is_help(argv[2]))
                        return help_group(table, n, group);
                break;
        }
        return unknown_command(table, n, argv[1], argv[2]);
}
