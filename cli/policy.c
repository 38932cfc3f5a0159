/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap policy check` and `apply`. A mistake in the rules never reaches what is in force. */
#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "cli/admin.h"
#include "cli/output.h"
#include "common/bytes.h"
#include "common/paths.h"
#include "common/socket.h"
#include "policy/rules.h"

static void print_errors(const struct rules_errors *errors) {
        for (size_t i = 0; i < errors->n; i++) {
                const struct rules_error *e = &errors->errors[i];
                print_clean(stderr, e->file);
                if (e->line > 0)
                        (void) fprintf(stderr, ":%u", e->line);
                (void) fputs(*e->file ? ": " : "", stderr);
                print_clean(stderr, e->text);
                (void) fputc('\n', stderr);
        }
}

static void print_notes(const struct rules_errors *notes) {
        for (size_t i = 0; i < notes->n; i++) {
                (void) fputs(_("Note: "), stdout);
                print_clean(stdout, notes->errors[i].text);
                (void) putchar('\n');
        }
}

static struct json_object *errors_json(const struct rules_errors *errors) {
        struct json_object *array = json_new_array();
        for (size_t i = 0; i < errors->n; i++) {
                struct json_object *o = json_new();
                json_set_string(o, "file", errors->errors[i].file);
                json_set_u64(o, "line", errors->errors[i].line);
                json_set_string(o, "text", errors->errors[i].text);
                json_append(array, o);
        }
        return array;
}

/* `ok`, `hash`, `errors` and `notes`, for both commands. */
static void print_json(bool ok, const char *hash, const struct rules_errors *errors,
                       const struct rules_errors *notes) {
        _cleanup_(json_putp) struct json_object *o = json_new();
        json_set_bool(o, "ok", ok);
        json_set_string(o, "hash", ok ? hash : NULL);
        json_set(o, "errors", errors_json(errors));
        json_set(o, "notes", errors_json(notes));
        json_print(stdout, o);
}

static int parse_failed(int error, const char *file, const struct rules_errors *errors) {
        print_errors(errors);
        if (error == -EBADMSG)
                return fail(CLI_FAILED,
                            _("The rules have %zu mistakes, listed above. Mend them and check again."),
                            errors->n);
        if (error == -ENOENT)
                return fail(CLI_NOT_FOUND, _("There are no rules in %s. Write some (man wardtap.conf)."),
                            file);
        if (error == -EACCES && geteuid() != 0)
                return fail(CLI_NOT_ROOT, _("%s may not be read by you. Try it with sudo."), file);
        return fail(CLI_FAILED, _("The rules in %s were not read (%s). Mend that and try again."), file,
                    strerror(-error));
}

/* Reads the rules, and looks at what depends on the time too. As rules_parse(). */
static int parse_and_review(const char *file, const char *folder, struct rules **ret,
                            struct rules_errors *errors, struct rules_errors *notes) {
        _cleanup_(rules_freep) struct rules *rules = NULL;
        int r = rules_parse(file, folder, &rules, errors);
        if (r < 0)
                return r;
        rules_errors_clear(errors);
        r = rules_review(rules, now_realtime_usec(), errors, notes);
        if (r < 0)
                return r;
        if (errors->n > 0)
                return -EBADMSG;
        *ret = TAKE_PTR(rules);
        return 0;
}

int command_policy_check(const struct cli_arguments *args) {
        _cleanup_(rules_errors_clear) struct rules_errors errors = {0}, notes = {0};
        _cleanup_(rules_freep) struct rules *rules = NULL;
        _cleanup_(freep) char *beside = NULL;
        const char *file = cli_word(args, 0), *folder = cli_word(args, 1);
        if (!file)
                file = PATH_RULES_FILE;
        if (!folder && asprintf(&beside, "%s.d", file) < 0)
                return fail(CLI_FAILED, _("There is not enough memory."));
        int r = parse_and_review(file, folder ? folder : beside, &rules, &errors, &notes);
        if (args->option[OPTION_JSON])
                print_json(r >= 0, r >= 0 ? rules->hash : NULL, &errors, &notes);
        else
                print_notes(&notes);
        if (r < 0)
                return parse_failed(r, file, &errors);
        if (!args->option[OPTION_JSON])
                (void) printf(_("The rules are good. Roles: %zu, places: %zu, services: %zu, hash: %.12s\n"),
                              rules->n_roles, rules->n_places, rules->n_services, rules->hash);
        return CLI_OK;
}

/* --- apply */

struct apply {
        struct admin admin;
        const char *author, *approver, *reason;
        gid_t gid;
};

/* wardtapd may not run yet on a station that has no rules: then there is no record, and that is said. */
static int send_or_warn(struct apply *a, const struct record *r) {
        if (a->admin.broker >= 0)
                return admin_send(&a->admin, r);
        warn(_("wardtapd is not running, so the journal has no record of this."));
        return CLI_OK;
}

static int send_refused(struct apply *a, const char *why, const char *detail) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
        int e = admin_record(&a->admin, RECORD_POLICY_REFUSED, NULL, &r);
        if (e != CLI_OK)
                return e;
        r.outcome = RECORD_FAILURE;
        if (record_set(&r, RECORD_FIELD_REASON, why) < 0 || record_set(&r, RECORD_FIELD_DETAIL, detail) < 0)
                return admin_store_failed(-ENOMEM);
        return send_or_warn(a, &r);
}

static void refused(struct apply *a, const struct rules_errors *errors) {
        const struct rules_error *first = errors->n > 0 ? &errors->errors[0] : NULL;
        char detail[257] = "";
        if (first && first->file[0])
                (void) snprintf(detail, sizeof(detail), "%s:%u: %s", first->file, first->line, first->text);
        else if (first)
                (void) snprintf(detail, sizeof(detail), "%s", first->text);
        (void) send_refused(a, "rules-bad", first ? detail : NULL);
}

static int send_applied(struct apply *a, const struct rules *rules) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
        char detail[257];
        int e = admin_record(&a->admin, RECORD_POLICY_APPLY, NULL, &r);
        if (e != CLI_OK)
                return e;
        (void) snprintf(detail, sizeof(detail), "author %s: %s", a->author, a->reason);
        if (record_set(&r, RECORD_FIELD_POLICY, rules->hash) < 0 ||
            record_set(&r, RECORD_FIELD_APPROVER, a->approver) < 0 ||
            record_set(&r, RECORD_FIELD_DETAIL, detail) < 0)
                return admin_store_failed(-ENOMEM);
        return send_or_warn(a, &r);
}

/* The record first: what cannot be recorded does not happen. */
static int put_in_force(struct apply *a, const struct rules *rules) {
        int r = send_applied(a, rules);
        if (r != CLI_OK)
                return r;
        r = rules_apply(rules, PATH_RULES, a->gid, a->author, a->reason, now_realtime_usec());
        if (r >= 0)
                return CLI_OK;
        (void) send_refused(a, "rules-not-written", strerror(-r));
        if (r == -EBUSY)
                return fail(CLI_CONFLICT,
                            _("Somebody else is applying rules right now. Try again in a moment."));
        return fail(CLI_FAILED,
                    _("The rules could not be put in force (%s); those before stay. Look at %s."),
                    strerror(-r), PATH_RULES);
}

/* Two names of one person cannot be told apart here; two that are the same can. */
static int take_approver(struct apply *a, const char *approver) {
        if (!approver)
                return CLI_OK;
        if (!approver[0] || !text_is_clean(approver, 64))
                return fail(CLI_USAGE, _("--approver takes 1 to 64 bytes of plain text."));
        if (strcasecmp(approver, a->author) == 0)
                return fail(CLI_CONFLICT,
                            _("%s is the author of these rules and cannot approve them too. Name somebody "
                              "else; the rules in force stay."),
                            approver);
        a->approver = approver;
        return CLI_OK;
}

static int open_apply(struct apply *a, const struct cli_arguments *args) {
        int r = admin_need_root(args);
        if (r != CLI_OK || (r = admin_group(&a->gid)) != CLI_OK)
                return r;
        admin_requestor(a->admin.requestor);
        a->reason = args->option[OPTION_REASON];
        a->author = args->option[OPTION_AUTHOR] ? args->option[OPTION_AUTHOR] : a->admin.requestor;
        if (!text_is_clean(a->reason, 200) || !a->reason[0] || !text_is_clean(a->author, 64) ||
            !a->author[0])
                return fail(CLI_USAGE, _("--reason takes 1 to 200 bytes of plain text, --author 1 to 64."));
        if ((r = take_approver(a, args->option[OPTION_APPROVER])) != CLI_OK)
                return r;
        (void) admin_connect(&a->admin);
        return CLI_OK;
}

int command_policy_apply(const struct cli_arguments *args) {
        _cleanup_(rules_errors_clear) struct rules_errors errors = {0}, notes = {0};
        _cleanup_(rules_freep) struct rules *rules = NULL;
        struct apply a = {.admin.broker = -1};
        int r = open_apply(&a, args);
        if (r != CLI_OK)
                return r;
        int e = parse_and_review(PATH_RULES_FILE, PATH_RULES_DIR, &rules, &errors, &notes);
        if (e < 0) {
                refused(&a, &errors);
                r = parse_failed(e, PATH_RULES_FILE, &errors);
        } else {
                r = put_in_force(&a, rules);
        }
        if (args->option[OPTION_JSON])
                print_json(r == CLI_OK, rules ? rules->hash : NULL, &errors, &notes);
        else if (r == CLI_OK) {
                print_notes(&notes);
                (void) printf(_("The rules are in force: hash %.12s.\n"), rules->hash);
        }
        admin_close(&a.admin);
        return r;
}
