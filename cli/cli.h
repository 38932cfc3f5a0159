/* SPDX-License-Identifier: Apache-2.0 */
/* What every command of `wardtap` shares: exit codes, the options there are, and how a mistake is told. */
#pragma once

#include <assert.h>
#include <libintl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Marks text that people read for translation. */
#define _(text) dgettext("wardtap", (text))
#define N_(text) (text)

/* Documented in wardtap(1). */
enum cli_exit {
        CLI_OK = 0,
        CLI_FAILED = 1,      /* refused or failed */
        CLI_USAGE = 2,       /* a mistake in the arguments */
        CLI_NOT_FOUND = 3,   /* no such person, badge, key, code, ... */
        CLI_CONFLICT = 4,    /* exists already, or belongs to somebody else */
        CLI_NOT_ROOT = 5,    /* only root may do this */
        CLI_NOT_RUNNING = 6, /* a service of ours does not answer */
        CLI_TIMED_OUT = 7,   /* nobody acted in time, or it was cancelled */
        CLI_UNREADABLE = 8,  /* what was to be looked at could not be read (to its end) */
};

enum cli_option {
        OPTION_AGENCY,
        OPTION_ALL,
        OPTION_ALL_EVENTS, /* --all of audit */
        OPTION_APPROVER,
        OPTION_APPROVERS,  /* --approver, twice */
        OPTION_ALL_PEOPLE, /* --all of readiness */
        OPTION_AS,
        OPTION_AT,
        OPTION_AUTHOR,
        OPTION_CHECK,
        OPTION_BY,
        OPTION_DIRECTORY,
        OPTION_EMERGENCY,
        OPTION_EVIDENCE,
        OPTION_EXPORT, /* --file of audit */
        OPTION_FAILING,
        OPTION_FILE,
        OPTION_FOR,
        OPTION_FORMAT,
        OPTION_FROM,
        OPTION_HOLDER, /* --to of lease */
        OPTION_IDENTIFIED,
        OPTION_HASH,
        OPTION_JSON,
        OPTION_KEEP,
        OPTION_LABEL,
        OPTION_NAME,
        OPTION_NO_FALLBACK,
        OPTION_NOT_AFTER,
        OPTION_NOT_BEFORE,
        OPTION_PEOPLE,
        OPTION_OPEN,
        OPTION_REASON,
        OPTION_REVIEWER,
        OPTION_ROLE,
        OPTION_SERVICE,
        OPTION_SESSION,
        OPTION_SINCE,
        OPTION_SINCE_MONTH, /* --since of stats */
        OPTION_STATEMENT,
        OPTION_TIMEOUT,
        OPTION_TO,
        OPTION_UNTIL,
        OPTION_UP_TO, /* --until of stats */
        OPTION_UNUSED_FOR,
        OPTION_USE,
        OPTION_USER,
        OPTION_WORDS,
        OPTION_MAX,
};

#define CLI_OPTION(i) (UINT64_C(1) << (i))
static_assert(OPTION_MAX <= 64, "options are bits of a word");

/* One command line after parsing; everything is borrowed from argv. */
struct cli_arguments {
        const char *command;            /* "person add" */
        const char *option[OPTION_MAX]; /* NULL where not given; "" for an option without a value */
        const char *again[OPTION_MAX];  /* the second value of an option that is given twice */
        char **words;                   /* what is left: USER, TOKEN, ... */
        int n_words;
};

/* The word at i, or NULL. */
const char *cli_word(const struct cli_arguments *a, int i);

struct cli_command {
        const char *name;  /* "person add" */
        const char *words; /* "USER", as the help shows it */
        int min_words, max_words;
        uint64_t options;                          /* CLI_OPTION() of each it takes */
        uint64_t needed;                           /* those it cannot do without */
        const char *summary;                       /* one line (msgid) */
        const char *detail;                        /* some more, for its own help (msgid); NULL for none */
        int (*run)(const struct cli_arguments *a); /* an enum cli_exit */
};

/* Finds the command argv names among the table, parses its options, runs it; answers --help and --version.
 * Returns the exit code. */
int cli_main(const struct cli_command *table, size_t n, int argc, char **argv);

/* "wardtap: " and one sentence on stderr that says what is wrong and what to do; what is not fit for a
 * screen in it is replaced. Returns status. */
int fail(enum cli_exit status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for what does not stop the command. */
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

int command_person_add(const struct cli_arguments *a);
int command_person_list(const struct cli_arguments *a);
int command_person_show(const struct cli_arguments *a);
int command_person_suspend(const struct cli_arguments *a);
int command_person_resume(const struct cli_arguments *a);
int command_person_expire(const struct cli_arguments *a);
int command_person_offboard(const struct cli_arguments *a);
int command_lease(const struct cli_arguments *a);
int command_lease_end(const struct cli_arguments *a);
int command_lease_list(const struct cli_arguments *a);
int command_lease_sweep(const struct cli_arguments *a);
int command_lease_wipe(const struct cli_arguments *a);
int command_import(const struct cli_arguments *a);
int command_export(const struct cli_arguments *a);
int command_audit_list(const struct cli_arguments *a);
int command_audit_verify(const struct cli_arguments *a);
int command_readiness(const struct cli_arguments *a);
int command_review(const struct cli_arguments *a);
int command_review_attest(const struct cli_arguments *a);
int command_review_list(const struct cli_arguments *a);
int command_stats(const struct cli_arguments *a);
int command_badge_enrol(const struct cli_arguments *a);
int command_badge_end(const struct cli_arguments *a);
int command_badge_replace(const struct cli_arguments *a);
int command_badge_suspend(const struct cli_arguments *a);
int command_badge_resume(const struct cli_arguments *a);
int command_badge_list(const struct cli_arguments *a);
int command_key_enrol(const struct cli_arguments *a);
int command_key_end(const struct cli_arguments *a);
int command_badge_lend(const struct cli_arguments *a);
int command_badge_return(const struct cli_arguments *a);
int command_badge_report(const struct cli_arguments *a);
int command_badge_found(const struct cli_arguments *a);
int command_key_report(const struct cli_arguments *a);
int command_key_found(const struct cli_arguments *a);
int command_elevate(const struct cli_arguments *a);
int command_elevate_end(const struct cli_arguments *a);
int command_elevate_list(const struct cli_arguments *a);
int command_recover(const struct cli_arguments *a);
int command_key_replace(const struct cli_arguments *a);
int command_key_suspend(const struct cli_arguments *a);
int command_key_resume(const struct cli_arguments *a);
int command_key_list(const struct cli_arguments *a);
int command_policy_check(const struct cli_arguments *a);
int command_policy_apply(const struct cli_arguments *a);
int command_policy_explain(const struct cli_arguments *a);
int command_policy_test(const struct cli_arguments *a);
int command_policy_diff(const struct cli_arguments *a);
int command_policy_who_can(const struct cli_arguments *a);
int command_emergency_close(const struct cli_arguments *a);
int command_emergency_drill(const struct cli_arguments *a);
int command_emergency_explain(const struct cli_arguments *a);
int command_emergency_list(const struct cli_arguments *a);
int command_enable(const struct cli_arguments *a);
int command_disable(const struct cli_arguments *a);
int command_doctor(const struct cli_arguments *a);
int command_store_check(const struct cli_arguments *a);
int command_status(const struct cli_arguments *a);
int command_ticket_issue(const struct cli_arguments *a);
int command_ticket_list(const struct cli_arguments *a);
int command_ticket_revoke(const struct cli_arguments *a);
int command_why(const struct cli_arguments *a);
