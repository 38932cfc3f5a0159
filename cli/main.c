/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap`: enrolment, rules and questions of the help desk. The table of its commands. */
#include <locale.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "common/util.h"

#define O(name) CLI_OPTION(OPTION_##name)

static const struct cli_command commands[] = {
        {"person add", "USER", 1, 1, O(NAME) | O(NOT_BEFORE) | O(NOT_AFTER) | O(JSON), 0,
         N_("Enrol a person"),
         N_("USER is an account that this system knows. A TIME is local: 2026-11-20, or 2026-11-20 07:30."),
         command_person_add},
        {"person list", "", 0, 0, O(JSON), 0, N_("List everybody who is enrolled"), NULL,
         command_person_list},
        {"person show", "USER", 1, 1, O(JSON), 0, N_("Show one person with badges and keys"), NULL,
         command_person_show},
        {"badge enrol", "USER", 1, 1, O(TIMEOUT) | O(JSON), 0, N_("Give a person a badge, step by step"),
         NULL, command_badge_enrol},
        {"badge end", "TOKEN", 1, 1, O(REASON) | O(JSON), O(REASON),
         N_("End a badge: it signs nobody in any more"),
         N_("TOKEN is its short name, from: wardtap badge list"), command_badge_end},
        {"badge list", "[USER]", 0, 1, O(ALL) | O(JSON), 0, N_("List badges"), NULL, command_badge_list},
        {"key enrol", "USER", 1, 1, O(LABEL) | O(TIMEOUT) | O(JSON), 0,
         N_("Give a person a key, step by step"),
         N_("Sets a PIN on a key that has none, and ends with one trial sign-in."), command_key_enrol},
        {"key end", "TOKEN", 1, 1, O(REASON) | O(JSON), O(REASON),
         N_("End a key: it signs nobody in any more"), N_("TOKEN is its short name, from: wardtap key list"),
         command_key_end},
        {"key list", "[USER]", 0, 1, O(ALL) | O(JSON), 0, N_("List keys"), NULL, command_key_list},
        {"audit verify", "", 0, 0, O(EXPORT) | O(DIRECTORY) | O(FROM) | O(TO) | O(JSON), 0,
         N_("Check that no audit record was removed, changed or forged"),
         N_("MARK is the number of a record, or NUMBER:HASH as an earlier check printed it.\n"
            "The exit code is 0 when all is well, 1 when something was found."),
         command_audit_verify},
        {"audit list", "", 0, 0,
         O(SINCE) | O(USER) | O(REASON) | O(ALL_EVENTS) | O(EXPORT) | O(DIRECTORY) | O(JSON), 0,
         N_("Show who was at this station, and who took over from whom"),
         N_("Only what wardtapd itself recorded is shown. With --user it needs --reason, and is a record."),
         command_audit_list},
        {"review attest", "", 0, 0, O(STATEMENT) | O(HASH) | O(UNUSED_FOR) | O(JSON), O(STATEMENT) | O(HASH),
         N_("Sign off the list that a review showed"),
         N_("HASH stands under the list. If the list has changed since, it is refused."),
         command_review_attest},
        {"review list", "", 0, 0, O(JSON), 0, N_("Show which review lists were signed off, by whom"), NULL,
         command_review_list},
        {"review", "", 0, 0, O(UNUSED_FOR) | O(JSON), 0,
         N_("List what a reviewer must see: people, badges, keys, passwords"),
         N_("It changes nothing. Sign it off with: wardtap review attest"), command_review},
        {"readiness", "", 0, 0, O(ALL_PEOPLE) | O(JSON), 0,
         N_("Say whether passwords can be switched off today, and for whom not"),
         N_("The exit code is 0 when they can, and 1 when not."), command_readiness},
        {"stats", "", 0, 0, O(SINCE_MONTH) | O(UNTIL) | O(BY) | O(EXPORT) | O(DIRECTORY) | O(JSON), 0,
         N_("Count sign-ins, fallbacks and refusals, without naming anybody"),
         N_("WHAT is day, role or station. Counts of fewer than 5 people are hidden."), command_stats},
        {"policy check", "[FILE [FOLDER]]", 0, 2, O(JSON), 0, N_("Check rules without applying them"),
         N_("FILE is /etc/wardtap/wardtap.conf and FOLDER is FILE.d where not given."),
         command_policy_check},
        {"policy apply", "", 0, 0, O(REASON) | O(AUTHOR) | O(APPROVER) | O(JSON), O(REASON),
         N_("Put the rules in /etc/wardtap in force"),
         N_("Rules with a mistake are refused, and those in force stay."), command_policy_apply},
        {"policy explain", "", 0, 0,
         O(USER) | O(SERVICE) | O(AT) | O(EVIDENCE) | O(SESSION) | O(FILE) | O(JSON), O(USER) | O(SERVICE),
         N_("Say what the rules decide for a person, and why"),
         N_("Without --evidence it says what would be asked for first."), command_policy_explain},
        {"policy test", "FILE", 1, 1, O(FILE) | O(JSON), 0,
         N_("Try rules on a table of cases that the site keeps"),
         N_("One case a line: user=anna groups=nurses service=lightdm evidence=badge => need-verify\n"
            "The exit code is 1 when a case comes out otherwise."),
         command_policy_test},
        {"policy diff", "OLD NEW", 2, 2, O(PEOPLE) | O(AT) | O(JSON), 0,
         N_("Say who gains and who loses what by new rules"),
         N_("OLD and NEW are files of rules, hashes of rules that were applied once, or 'current'."),
         command_policy_diff},
        {"policy who-can", "WHAT", 1, 1, O(FILE) | O(AT) | O(JSON), 0,
         N_("List who could approve something, or has a role"),
         N_("WHAT is recover, elevate, ticket, temporary-badge, review-clinical, review-security, approve\n"
            "(any of them), break-glass (who may review it), or the name of a role."),
         command_policy_who_can},
        {"enable", "SERVICE...", 1, 32, O(NO_FALLBACK), 0,
         N_("Let PAM services ask for badge and key, and make the station safe"),
         N_("SERVICE is a file of /etc/pam.d that the rules in force name."), command_enable},
        {"disable", "[SERVICE...]", 0, 32, 0, 0, N_("Give PAM services, or all, back as they were"), NULL,
         command_disable},
        {"doctor", "", 0, 0, O(JSON), 0, N_("Look at this station from end to end, and say what to mend"),
         N_("The exit code is 1 when something is bad."), command_doctor},
        {"store check", "", 0, 0, O(JSON), 0, N_("Check the databases, and undo what a killed program left"),
         N_("wardtap-authd's unit runs it at each start."), command_store_check},
        {"status", "", 0, 0, O(JSON), 0, N_("Show how this station does"),
         N_("The exit code is 1 when something is wrong."), command_status},
        {"why", "CODE", 1, 1, O(JSON), 0, N_("Explain the code a screen showed"),
         N_("CODE has six characters. The name of a reason (pin-wrong) is explained too."), command_why},
};

int main(int argc, char **argv) {
        (void) setlocale(LC_ALL, "");
        (void) umask(022);
        (void) setrlimit(RLIMIT_CORE, &(struct rlimit){0}); /* a PIN or a badge's number may be in memory */
        int r = cli_main(commands, ELEMENTSOF(commands), argc, argv);
        if (fflush(stdout) != 0 || ferror(stdout))
                return r != CLI_OK ? r : fail(CLI_FAILED, _("What was to be printed could not be written."));
        return r;
}
