/* SPDX-License-Identifier: Apache-2.0 */
/* Which command an argv means, what it is given, and that every mistake is one sentence and exit code 2
 * before anything is run. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

#include "cli/cli.h"
#include "common/util.h"

/* Last: it has a fail() of its own. */
#include <cmocka.h>

static struct {
        int calls;
        char command[32], words[64], reason[64], approvers[64];
        bool json;
} ran;

static int note(const struct cli_arguments *a) {
        ran.calls++;
        (void) snprintf(ran.command, sizeof(ran.command), "%s", a->command);
        for (int i = 0; cli_word(a, i); i++)
                (void) snprintf(ran.words + strlen(ran.words), sizeof(ran.words) - strlen(ran.words), "<%s>",
                                cli_word(a, i));
        if (a->option[OPTION_REASON])
                (void) snprintf(ran.reason, sizeof(ran.reason), "%s", a->option[OPTION_REASON]);
        if (a->option[OPTION_APPROVERS])
                (void) snprintf(ran.approvers, sizeof(ran.approvers), "%s+%s", a->option[OPTION_APPROVERS],
                                a->again[OPTION_APPROVERS]);
        ran.json = a->option[OPTION_JSON];
        return CLI_CONFLICT;
}

#define BIT(name) (UINT64_C(1) << OPTION_##name)

static const struct cli_command table[] = {
        {"badge end", "TOKEN", 1, 1, BIT(REASON) | BIT(JSON), BIT(REASON), "End", NULL, note},
        {"badge list", "[USER]", 0, 1, BIT(JSON), 0, "List", "More.", note},
        {"recover", "USER", 1, 1, BIT(APPROVERS) | BIT(JSON), BIT(APPROVERS), "Recover", NULL, note},
        {"status", "", 0, 0, BIT(JSON), 0, "Show", NULL, note},
};

/* Runs argv (up to NULL) and gives what it printed on stdout and stderr together. */
static int run(char *said, size_t size, ...) {
        char name[] = "wardtap", *argv[16] = {name};
        int argc = 1, saved[2] = {dup(1), dup(2)}, text = memfd_create("said", MFD_CLOEXEC);
        va_list ap;
        va_start(ap, size);
        for (char *word; argc < 15 && (word = va_arg(ap, char *));)
                argv[argc++] = word;
        va_end(ap);
        memset(&ran, 0, sizeof(ran));
        (void) fflush(NULL);
        (void) dup2(text, 1);
        (void) dup2(text, 2);
        int r = cli_main(table, ELEMENTSOF(table), argc, argv);
        (void) fflush(NULL);
        (void) dup2(saved[0], 1);
        (void) dup2(saved[1], 2);
        ssize_t n = pread(text, said, size - 1, 0);
        said[n > 0 ? n : 0] = 0;
        (void) close(saved[0]);
        (void) close(saved[1]);
        (void) close(text);
        return r;
}

static void a_command_gets_its_words_and_options_in_any_order(void **state) {
        char said[4096];
        assert_int_equal(
                run(said, sizeof(said), "badge", "end", "--reason", "lost it", "T1", "--json", NULL),
                CLI_CONFLICT); /* what the command returned */
        assert_string_equal(ran.command, "badge end");
        assert_string_equal(ran.words, "<T1>");
        assert_string_equal(ran.reason, "lost it");
        assert_true(ran.json);
        assert_int_equal(run(said, sizeof(said), "badge", "end", "--reason=x", "--", "--json", NULL),
                         CLI_CONFLICT);
        assert_string_equal(ran.words, "<--json>");
        assert_false(ran.json);
        assert_int_equal(run(said, sizeof(said), "badge", "list", NULL), CLI_CONFLICT);
        assert_string_equal(ran.words, "");
        assert_int_equal(run(said, sizeof(said), "status", NULL), CLI_CONFLICT);
}

static void assert_mistake(const char *said, const char *text) {
        assert_int_equal(ran.calls, 0);
        assert_memory_equal(said, "wardtap: ", 9);
        assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1); /* one line */
        if (!strstr(said, text))
                fail_msg("no '%s' in: %s", text, said);
}

static void every_mistake_is_one_sentence(void **state) {
        char said[4096];
#define MISTAKE(text, ...)                                                                                  \
        do {                                                                                                \
                assert_int_equal(run(said, sizeof(said), __VA_ARGS__, NULL), CLI_USAGE);                    \
                assert_mistake(said, text);                                                                 \
        } while (0)
        assert_int_equal(run(said, sizeof(said), NULL), CLI_USAGE);
        assert_mistake(said, "wardtap --help");
        MISTAKE("no command 'nothing'", "nothing");
        MISTAKE("Did you mean: wardtap badge list", "badge", "lst");
        MISTAKE("Did you mean: wardtap status", "stats");
        MISTAKE("'badge' needs a command", "badge");
        MISTAKE("no command 'statu?s'", "statu\033s");
        MISTAKE("needs TOKEN", "badge", "end", "--reason", "x");
        MISTAKE("needs --reason TEXT", "badge", "end", "T1");
        MISTAKE("no use for 'T2'", "badge", "end", "T1", "T2", "--reason", "x");
        MISTAKE("no option '--nothing'", "badge", "list", "--nothing");
        MISTAKE("no option '-x'", "badge", "list", "-x");
        MISTAKE("no option '--reason'", "badge", "list", "--reason", "x");
        MISTAKE("'--reason' needs a value", "badge", "end", "T1", "--reason");
        MISTAKE("no option '--json=yes'", "badge", "list", "--json=yes");
        MISTAKE("--json was given twice", "badge", "list", "--json", "--json");
        MISTAKE("no command 'badg?'", "badg\351");
}

static void help_names_every_command_and_option(void **state) {
        char said[4096];
        assert_int_equal(run(said, sizeof(said), "--help", NULL), CLI_OK);
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_non_null(strstr(said, table[i].name));
        assert_int_equal(run(said, sizeof(said), "badge", "--help", NULL), CLI_OK);
        assert_non_null(strstr(said, "badge end TOKEN"));
        assert_null(strstr(said, "status"));
        assert_int_equal(run(said, sizeof(said), "badge", "end", "--help", NULL), CLI_OK);
        assert_non_null(strstr(said, "--reason TEXT"));
        assert_int_equal(run(said, sizeof(said), "badge", "list", "-h", NULL), CLI_OK);
        assert_non_null(strstr(said, "More."));
        assert_null(strstr(said, "--reason"));
        assert_int_equal(run(said, sizeof(said), "--version", NULL), CLI_OK);
        assert_string_equal(said, "wardtap " WARDTAP_VERSION "\n");
        assert_int_equal(ran.calls, 0);
}

static void two_approvers_are_two_options_of_one_name(void **state) {
        char said[1024];
        assert_int_equal(
                run(said, sizeof(said), "recover", "anna", "--approver", "dora", "--approver=edda", NULL),
                CLI_CONFLICT);
        assert_string_equal(ran.approvers, "dora+edda");
        assert_int_equal(run(said, sizeof(said), "recover", "anna", "--approver", "dora", NULL), CLI_USAGE);
        assert_string_equal(said,
                            "wardtap: 'recover' needs --approver USER twice. See: wardtap recover --help\n");
        assert_int_equal(run(said, sizeof(said), "recover", "anna", "--approver", "a", "--approver", "b",
                             "--approver", "c", NULL),
                         CLI_USAGE);
        assert_string_equal(said, "wardtap: --approver was given more than twice; give it twice.\n");
        assert_int_equal(ran.calls, 0);
        assert_int_equal(run(said, sizeof(said), "recover", "--help", NULL), CLI_OK);
        assert_non_null(strstr(said, "wardtap recover USER --approver USER --approver USER [--json]"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(two_approvers_are_two_options_of_one_name),
                cmocka_unit_test(a_command_gets_its_words_and_options_in_any_order),
                cmocka_unit_test(every_mistake_is_one_sentence),
                cmocka_unit_test(help_names_every_command_and_option),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
