/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap why CODE`: finds the record that a screen's short code names, and says what it means. Only what
 * wardtapd itself wrote counts: the journal takes entries with such fields from any process. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/code.h"
#include "cli/journal.h"
#include "cli/output.h"
#include "cli/when.h"
#include "common/bytes.h"
#include "common/record.h"
#include "common/util.h"
#include "policy/reason.h"

#define MATCHES_MAX 20U
#define SCAN_MAX 10000U /* entries of others with the same field */
#define VALUE_MAX 512U
#define TITLE_WIDTH 8U

struct entry {
        uint64_t at_usec;
        char event[33];
        char outcome[5];
        char fields[RECORD_FIELD_MAX][VALUE_MAX + 1];
};

/* The value of a field, cut at VALUE_MAX; "" where it is missing. */
static void get(sd_journal *j, const char *name, char *ret, size_t size) {
        const void *data;
        size_t n, skip = strlen(name) + 1;
        ret[0] = 0;
        if (sd_journal_get_data(j, name, &data, &n) < 0 || n < skip)
                return;
        n -= skip;
        n = n < size ? n : size - 1;
        memcpy(ret, (const char *) data + skip, n);
        ret[n] = 0;
}

/* _UID, _EXE and _SYSTEMD_UNIT are the journal's own, from the sender's credentials. Nobody but root can run
 * anything as wardtapd's user. Where systemd runs, it must be our program in our unit; elsewhere units say
 * nothing, and the program's name must do. */
static bool is_ours(sd_journal *j) {
        char exe[VALUE_MAX], uid[16], unit[VALUE_MAX], name[VALUE_MAX];
        uint64_t user;
        struct passwd *pw = getpwnam("wardtapd");
        get(j, "_EXE", exe, sizeof(exe));
        get(j, "_UID", uid, sizeof(uid));
        if (!pw || parse_u64(uid, UINT32_MAX, &user) < 0 || (uid_t) user != pw->pw_uid)
                return false;
        if (journal_knows_units()) {
                get(j, "_SYSTEMD_UNIT", unit, sizeof(unit));
                return strcmp(exe, WARDTAPD_EXE) == 0 && strcmp(unit, "wardtapd.service") == 0;
        }
        get(j, "SYSLOG_IDENTIFIER", name, sizeof(name));
        return strcmp(name, "wardtapd") == 0 && strcmp(basename(exe), "wardtapd") == 0;
}

static void read_entry(sd_journal *j, struct entry *ret) {
        uint64_t realtime = 0;
        get(j, "WARDTAP_EVENT", ret->event, sizeof(ret->event));
        get(j, "WARDTAP_OUTCOME", ret->outcome, sizeof(ret->outcome));
        for (size_t i = 0; i < RECORD_FIELD_MAX; i++)
                get(j, record_field_name((enum record_field) i), ret->fields[i], sizeof(ret->fields[i]));
        (void) sd_journal_get_realtime_usec(j, &realtime);
        if (parse_u64(ret->fields[RECORD_FIELD_TIME_USEC], UINT64_MAX, &ret->at_usec) <
            0) /* when it happened, not when the journal took it */
                ret->at_usec = realtime;
}

static const char *field(const struct entry *e, enum record_field f) {
        return e->fields[f];
}

static void join(char *buf, size_t size, const char *before, const char *value) {
        size_t n = strlen(buf);
        if (value[0])
                (void) snprintf(buf + n, size - n, "%s%s%s", n > 0 ? ", " : "", before, value);
}

static void print_where(const struct entry *e) {
        char text[1024] = "";
        join(text, sizeof(text), "", field(e, RECORD_FIELD_STATION));
        join(text, sizeof(text), _("seat "), field(e, RECORD_FIELD_SEAT));
        join(text, sizeof(text), _("service "), field(e, RECORD_FIELD_SERVICE));
        join(text, sizeof(text), _("reader "), field(e, RECORD_FIELD_READER));
        print_pair(stdout, TITLE_WIDTH, _("Where"), text);
}

static void print_who(const struct entry *e) {
        char text[1024] = "";
        join(text, sizeof(text), "", field(e, RECORD_FIELD_USER));
        join(text, sizeof(text), _("role "), field(e, RECORD_FIELD_ROLE));
        print_pair(stdout, TITLE_WIDTH, _("Who"), text[0] ? text : _("nobody that is known here"));
}

/* GRACE is how old the full sign-in was, as "7500s". */
static void join_grace(char *buf, size_t size, const char *grace) {
        char digits[24], span[WHEN_TEXT_MAX];
        uint64_t seconds;
        (void) snprintf(digits, sizeof(digits), "%.*s", (int) strcspn(grace, "s"), grace);
        if (parse_u64(digits, UINT64_MAX / 1000000U, &seconds) < 0)
                return;
        join(buf, size, _("nothing this time, but within grace after a full sign-in this long ago: "),
             when_span(seconds * 1000000U, span));
}

static void print_proven(const struct entry *e) {
        char shown[1024] = "", proven[1024] = "";
        const char *factors = field(e, RECORD_FIELD_FACTORS);
        if (!factors[0])
                return; /* no verdict: a session that began or ended */
        join(shown, sizeof(shown), _("badge "), field(e, RECORD_FIELD_BADGE));
        join(shown, sizeof(shown), "", field(e, RECORD_FIELD_BADGE_KIND));
        join(shown, sizeof(shown), _("key "), field(e, RECORD_FIELD_KEY));
        print_pair(stdout, TITLE_WIDTH, _("Shown"), shown[0] ? shown : _("nothing"));
        join(proven, sizeof(proven), "", strcmp(factors, "none") == 0 ? "" : factors);
        if (strcmp(field(e, RECORD_FIELD_AAL), "0") != 0)
                join(proven, sizeof(proven), _("level AAL"), field(e, RECORD_FIELD_AAL));
        join_grace(proven, sizeof(proven), field(e, RECORD_FIELD_GRACE));
        print_pair(stdout, TITLE_WIDTH, _("Proven"), proven[0] ? proven : _("nothing"));
}

/* What let somebody in who showed less than the role wants, and what was wrong with the station. */
static void print_lowered(const struct entry *e) {
        char text[1024] = "", at[WHEN_TEXT_MAX];
        uint64_t until;
        join(text, sizeof(text), "", field(e, RECORD_FIELD_LOWERED));
        join(text, sizeof(text), "", field(e, RECORD_FIELD_EXCEPTION));
        join(text, sizeof(text), _("answered for by "), field(e, RECORD_FIELD_ISSUER));
        join(text, sizeof(text), _("approved by "), field(e, RECORD_FIELD_APPROVER));
        if (parse_u64(field(e, RECORD_FIELD_UNTIL_USEC), UINT64_MAX, &until) >= 0)
                join(text, sizeof(text), _("until "), when_local(until, at));
        print_pair(stdout, TITLE_WIDTH, _("Lowered"), text);
        print_pair(stdout, TITLE_WIDTH, _("Failing"), field(e, RECORD_FIELD_POSTURE));
}

static bool is_success(const struct entry *e) {
        return strcmp(e->outcome, "0") == 0;
}

/* What it means and what to do; NULL for a name that this version does not know. */
static const char *explain(const struct entry *e) {
        enum reason r = reason_from_name(field(e, RECORD_FIELD_REASON));
        if (strcmp(e->event, record_event_name(RECORD_SESSION_OPEN)) == 0)
                return _("The session of this sign-in began; there is nothing to do.");
        if (strcmp(e->event, record_event_name(RECORD_SESSION_CLOSE)) == 0)
                return _("The session of this sign-in ended; there is nothing to do.");
        if (is_success(e) && !field(e, RECORD_FIELD_REASON)[0])
                return _("It was allowed; there is nothing to do.");
        return r == REASON_INVALID ? NULL : _(reason_explain(r));
}

static void print_text(const char *code, const struct entry *e) {
        char text[1024], at[WHEN_TEXT_MAX];
        const char *reason = field(e, RECORD_FIELD_REASON), *meaning = explain(e);
        print_pair(stdout, TITLE_WIDTH, _("Code"), code);
        print_pair(stdout, TITLE_WIDTH, _("When"), when_local(e->at_usec, at));
        (void) snprintf(text, sizeof(text), "%s%s%s%s", e->event, reason[0] ? " (" : "", reason,
                        reason[0] ? ")" : "");
        print_pair(stdout, TITLE_WIDTH, _("What"), text);
        print_where(e);
        print_who(e);
        print_proven(e);
        print_lowered(e);
        print_pair(stdout, TITLE_WIDTH, _("Detail"), field(e, RECORD_FIELD_DETAIL));
        print_pair(stdout, TITLE_WIDTH, _("Why"),
                   meaning ? meaning : _("This version does not know that reason."));
}

static void json_key(enum record_field f, char *ret, size_t size) {
        const char *name = record_field_name(f) + strlen("WARDTAP_");
        size_t n = 0;
        for (; name[n] && n + 1 < size; n++)
                ret[n] = name[n] == '_' ? '_' : (char) (name[n] - 'A' + 'a');
        ret[n] = 0;
}

static struct json_object *entry_json(const struct entry *e) {
        struct json_object *o = json_new();
        json_set_time(o, "time", e->at_usec);
        json_set_string(o, "event", e->event);
        json_set_bool(o, "success", is_success(e));
        for (int i = 0; i < RECORD_FIELD_MAX; i++) {
                char key[32];
                json_key((enum record_field) i, key, sizeof(key));
                if (e->fields[i][0])
                        json_set_string(o, key, e->fields[i]);
        }
        json_set_string(o, "meaning", explain(e));
        return o;
}

static int open_journal(const char *code, sd_journal **ret) {
        _cleanup_(journal_closep) sd_journal *j = NULL;
        char match[32], uid[32];
        struct passwd *pw = getpwnam("wardtapd");
        int r;
        if (!journal_may_read())
                return fail(CLI_NOT_ROOT,
                            _("You may not read the journal. Try it with sudo, or as a member of the "
                              "group systemd-journal."));
        (void) snprintf(match, sizeof(match), "WARDTAP_CODE=%s", code);
        /* Not after the fact alone: anybody can write so many entries with this code that ours is not
         * reached. */
        (void) snprintf(uid, sizeof(uid), "_UID=%lu", pw ? (unsigned long) pw->pw_uid : 0UL);
        if ((r = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY)) < 0 ||
            (r = sd_journal_add_match(j, match, 0)) < 0 || (r = sd_journal_add_match(j, uid, 0)) < 0 ||
            (r = sd_journal_seek_tail(j)) < 0)
                return fail(CLI_FAILED,
                            _("The journal cannot be read (%s). See: systemctl status systemd-journald"),
                            strerror(-r));
        *ret = TAKE_PTR(j);
        return CLI_OK;
}

static int why_code(const char *code, bool json) {
        _cleanup_(journal_closep) sd_journal *j = NULL;
        _cleanup_(freep) struct entry *e = calloc(1, sizeof(*e));
        struct json_list list = {0};
        unsigned found = 0;
        int r = e ? open_journal(code, &j) : fail(CLI_FAILED, _("There is not enough memory."));
        if (r != CLI_OK)
                return r;
        for (unsigned seen = 0; seen < SCAN_MAX && found < MATCHES_MAX && sd_journal_previous(j) > 0;
             seen++) {
                if (!is_ours(j))
                        continue;
                read_entry(j, e);
                if (json) {
                        _cleanup_(json_putp) struct json_object *o = entry_json(e);
                        json_list_print(&list, stdout, o);
                } else {
                        if (found > 0)
                                (void) putchar('\n');
                        print_text(code, e);
                }
                found++;
        }
        if (json)
                json_list_end(&list, stdout);
        if (found > 0)
                return CLI_OK;
        return fail(CLI_NOT_FOUND,
                    _("The journal of this station has no record with the code %s. Check the code, "
                      "and whether it came from this station."),
                    code);
}

static int why_reason(enum reason reason, bool json) {
        if (json) {
                _cleanup_(json_putp) struct json_object *o = json_new();
                json_set_string(o, "reason", reason_name(reason));
                json_set_string(o, "meaning", _(reason_explain(reason)));
                json_print(stdout, o);
        } else {
                (void) printf("%s: %s\n", reason_name(reason), _(reason_explain(reason)));
        }
        return CLI_OK;
}

int command_why(const struct cli_arguments *args) {
        const char *typed = cli_word(args, 0);
        bool json = args->option[OPTION_JSON];
        char code[CODE_LENGTH + 1];
        enum reason reason = reason_from_name(typed);
        if (reason != REASON_INVALID)
                return why_reason(reason, json);
        if (!code_normalise(typed, code))
                return fail(CLI_USAGE,
                            _("'%s' is neither a code of six letters and digits nor the name of a reason. "
                              "Type it as the screen shows it."),
                            typed);
        return why_code(code, json);
}
