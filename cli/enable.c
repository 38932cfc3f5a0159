/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap enable` and `wardtap disable`: which PAM services ask for badge and key, and the station around
 * them. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>

#include "cli/admin.h"
#include "cli/pam_block.h"
#include "cli/pam_service.h"
#include "cli/pam_stack.h"
#include "cli/program.h"
#include "cli/station_files.h"
#include "common/paths.h"
#include "policy/rules.h"

#define PROFILE "wardtap" /* in /usr/share/pam-configs */
#define SERVICES_MAX 32

/* The service's stacks as they are, and what its rules say of it. */
struct plan {
        const char *service;
        unsigned blocks;
        bool signs_in;
        bool was_enabled;
};

static int stack_failed(const char *service, int error) {
        if (error == -ENOENT)
                return fail(CLI_NOT_FOUND,
                            _("There is no PAM service '%s' (or a file that it includes): see %s."), service,
                            PAM_FOLDER);
        if (error == -EPERM)
                return fail(CLI_FAILED,
                            _("%s/%s must be a plain file of root's that nobody else may write."),
                            PAM_FOLDER, service);
        if (error == -EBADMSG)
                return fail(
                        CLI_FAILED,
                        _("The marks around Wardtap's lines in %s/%s were edited. Take them and what stands "
                          "between them out by hand."),
                        PAM_FOLDER, service);
        if (error == -ENODATA)
                return fail(CLI_FAILED, _("%s/%s authenticates nobody; there is nothing to enable."),
                            PAM_FOLDER, service);
        if (error == -EINVAL)
                return fail(CLI_FAILED, _("The last line of %s/%s does not end. End it first."), PAM_FOLDER,
                            service);
        return fail(CLI_FAILED, _("%s/%s could not be changed (%s)."), PAM_FOLDER, service,
                    strerror(-error));
}

/* Somebody can still get in by this service while there is no reader. */
static bool has_fallback(const struct pam_stack *auth) {
        for (size_t i = 0; i < auth->n; i++)
                if (pam_module_authenticates(auth->lines[i].module))
                        return true;
        return false;
}

static int plan_service(const struct rules *rules, const char *service, bool no_fallback, struct plan *ret) {
        struct pam_stack auth;
        const struct rule_service *rule;
        if (!pam_service_name_is_good(service))
                return fail(CLI_USAGE, _("'%s' is not the name of a PAM service."), service);
        if (!(rule = rules_find_service(rules, service)))
                return fail(CLI_FAILED,
                            _("The rules in force do not name '%s', so Wardtap would never answer it. Add "
                              "[Service %s] to %s, then: wardtap policy apply --reason TEXT"),
                            service, service, PATH_RULES_FILE);
        int r = pam_service_is_enabled(service);
        if (r < 0)
                return stack_failed(service, r);
        *ret = (struct plan){
                .service = service, .signs_in = rule->use == USE_SIGN_IN, .was_enabled = r == 1};
        if ((r = pam_stack_load(PAM_FOLDER, service, "auth", &auth)) < 0)
                return stack_failed(service, r);
        if (!no_fallback && !has_fallback(&auth))
                return fail(CLI_FAILED,
                            _("'%s' knows no other way to sign in: without a reader nobody could use it. If "
                              "that "
                              "is meant: wardtap enable %s --no-fallback"),
                            service, service);
        if (!no_fallback)
                ret->blocks |= PAM_BLOCK_FALLBACK;
        if (pam_stack_find(&auth, "pam_nologin.so", 0) >= 0)
                ret->blocks |= PAM_BLOCK_NOLOGIN;
        return CLI_OK;
}

/* Debian's profile puts the session line into common-session, and takes it out. Run only where that is not
 * so already: pam-auth-update also does what is left to do for other packages. */
static int set_profile(bool on) {
        const char *const argv[] = {"/usr/sbin/pam-auth-update", "--package", on ? "--enable" : "--remove",
                                    PROFILE, NULL};
        struct pam_stack session;
        int r = pam_stack_load(PAM_FOLDER, "common-session", "session", &session);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if ((pam_stack_find(&session, PAM_OURS, 0) >= 0) == on)
                return 0;
        r = program_run(argv); /* what it did is looked at by the caller */
        return r == -ENOENT || r == -EPROTO ? 0 : r;
}

/* Where the profile does not reach the service, or not behind pam_systemd, the line goes into its file. */
static int add_session(struct plan *p) {
        struct pam_stack session;
        int r = set_profile(true);
        if (r < 0 || (r = pam_stack_load(PAM_FOLDER, p->service, "session", &session)) < 0)
                return r;
        int ours = pam_stack_find(&session, PAM_OURS, 0),
            systemd = pam_stack_find(&session, "pam_systemd.so", 0);
        if (ours >= 0 && ours > systemd)
                return 0;
        p->blocks |= PAM_BLOCK_SESSION;
        return pam_service_enable(p->service, p->blocks);
}

static int enable_one(struct plan *p) {
        int r = pam_service_enable(p->service, p->blocks);
        if (r >= 0 && p->signs_in)
                r = add_session(p);
        return r;
}

static int count(const char *service, void *data) {
        (*(unsigned *) data)++;
        return 0;
}

/* With no service left, nothing of Wardtap's stays in force. */
static int leave_station(void) {
        struct pam_stack session;
        unsigned n = 0;
        int r = pam_service_each(count, &n);
        if (r < 0 || n > 0)
                return r;
        if ((r = set_profile(false)) < 0)
                return r;
        if (pam_stack_load(PAM_FOLDER, "common-session", "session", &session) >= 0 &&
            pam_stack_find(&session, PAM_OURS, 0) >= 0)
                return -EBUSY;
        int were_linked = station_unlink();
        if (were_linked < 0)
                return were_linked;
        if (rmdir(PATH_ENABLED) < 0 && errno != ENOENT && errno != ENOTEMPTY)
                return -errno;
        if (were_linked)
                station_reload();
        return 0;
}

static int leave_failed(int error) {
        if (error == -EBUSY)
                return fail(CLI_FAILED,
                            _("%s/common-session still names %s: it was changed by hand. Take the line out, "
                              "or run: pam-auth-update --force"),
                            PAM_FOLDER, PAM_OURS);
        return fail(CLI_FAILED, _("The station's files could not be taken back (%s)."), strerror(-error));
}

static void tell_journal(const char *command, const char *service) {
        char who[REQUESTOR_MAX];
        admin_requestor(who);
        (void) sd_journal_send("MESSAGE=%s: %s %s", who, command, service, "PRIORITY=5",
                               "SYSLOG_IDENTIFIER=wardtap", NULL);
}

static int apply(struct plan *plans, int n, const struct rules *rules) {
        int i, r = mkdir(PATH_ENABLED, 0700) < 0 && errno != EEXIST ? -errno : 0;
        if (r < 0 || (r = station_link(rules->session_keys)) < 0)
                return fail(CLI_FAILED,
                            _("The station's files could not be linked (%s). Nothing was changed."),
                            strerror(-r));
        for (i = 0; i < n; i++)
                if ((r = enable_one(&plans[i])) < 0)
                        break;
        if (r >= 0) {
                station_reload();
                return CLI_OK;
        }
        int status = stack_failed(plans[i].service, r);
        for (; i >= 0; i--)
                if (!plans[i].was_enabled)
                        (void) pam_service_disable(plans[i].service);
        (void) leave_station();
        return status;
}

int command_enable(const struct cli_arguments *args) {
        _cleanup_(rules_freep) struct rules *rules = NULL;
        struct plan plans[SERVICES_MAX];
        int status = admin_need_root(args);
        if (status != CLI_OK)
                return status;
        int r = rules_load(PATH_SNAPSHOT, &rules);
        if (r < 0)
                return fail(CLI_FAILED,
                            _("No rules are in force (%s). Begin with: wardtap policy apply --reason TEXT"),
                            strerror(-r));
        for (int i = 0; i < args->n_words; i++) /* all are looked at before one is changed */
                if ((status = plan_service(rules, cli_word(args, i), args->option[OPTION_NO_FALLBACK],
                                           &plans[i])) != CLI_OK)
                        return status;
        if ((status = apply(plans, args->n_words, rules)) != CLI_OK)
                return status;
        for (int i = 0; i < args->n_words; i++) {
                tell_journal("enable", plans[i].service);
                (void) printf(plans[i].blocks & PAM_BLOCK_FALLBACK
                                      ? _("%s asks for badge and key; while Wardtap cannot judge, for what "
                                          "it asked "
                                          "for before.\n")
                                      : _("%s asks for badge and key, and for nothing else.\n"),
                              plans[i].service);
        }
        (void) puts(_("Keep a root shell open while you try it. Undo it with: wardtap disable. Check with: "
                      "wardtap doctor"));
        return CLI_OK;
}

static int disable_one(const char *service, void *data) {
        int r = pam_service_disable(service);
        if (r < 0) {
                *(int *) data = stack_failed(service, r);
                return 0; /* the others all the same */
        }
        if (r > 0) {
                tell_journal("disable", service);
                (void) printf(_("%s is as it was before.\n"), service);
        } else
                (void) printf(_("%s was not enabled.\n"), service);
        return 0;
}

int command_disable(const struct cli_arguments *args) {
        int r = 0, status = admin_need_root(args);
        if (status != CLI_OK)
                return status;
        for (int i = 0; i < args->n_words; i++)
                if (!pam_service_name_is_good(cli_word(args, i)))
                        return fail(CLI_USAGE, _("'%s' is not the name of a PAM service."),
                                    cli_word(args, i));
        for (int i = 0; i < args->n_words; i++)
                (void) disable_one(cli_word(args, i), &status);
        if (args->n_words == 0 && (r = pam_service_each(disable_one, &status)) < 0)
                return fail(CLI_FAILED, _("%s cannot be read (%s)."), PAM_FOLDER, strerror(-r));
        if (status == CLI_OK && (r = leave_station()) < 0)
                return leave_failed(r);
        return status;
}
