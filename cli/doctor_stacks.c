/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap doctor`: the PAM stacks of the services that the rules name. */
#include <errno.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/doctor.h"
#include "cli/pam_service.h"
#include "cli/pam_stack.h"
#include "common/broker.h"
#include "common/util.h"

/* True, with the stack, when the service asks Wardtap. */
static bool asks_us(const char *service, struct pam_stack *auth) {
        return pam_stack_load(PAM_FOLDER, service, "auth", auth) >= 0 &&
               pam_stack_find(auth, PAM_OURS, 0) >= 0;
}

static int check_named(const char *service, void *data) {
        struct doctor *d = data;
        char fix[160];
        if (d->rules && rules_find_service(d->rules, service))
                return 0;
        (void) snprintf(fix, sizeof(fix), _("Name it in the rules, or: wardtap disable %.64s"), service);
        found(d, FINDING_WARN, fix, _("%s asks Wardtap, and the rules in force do not name it."), service);
        return 0;
}

void check_services(struct doctor *d) {
        struct pam_stack auth;
        (void) pam_service_each(check_named, d);
        for (size_t i = 0; d->rules && i < d->rules->n_services; i++) {
                const char *name = d->rules->services[i].name;
                char fix[160];
                (void) snprintf(fix, sizeof(fix), _("Run: wardtap enable %.64s"), name);
                int r = pam_stack_load(PAM_FOLDER, name, "auth", &auth);
                if (r < 0)
                        found(d, FINDING_WARN, _("Install its program, or take it out of the rules."),
                              _("The rules name %s, and it cannot be read in %s (%s)."), name, PAM_FOLDER,
                              strerror(-r));
                else if (pam_stack_find(&auth, PAM_OURS, 0) < 0)
                        found(d, FINDING_WARN, fix, _("The rules name %s, and it does not ask Wardtap."),
                              name);
                else
                        found(d, FINDING_OK, NULL, _("%s asks Wardtap."), name);
        }
        check_switch(d);
}

static bool asks_a_person(const char *module) {
        return pam_module_authenticates(module) || strcmp(module, "pam_nologin.so") == 0 ||
               strcmp(module, "pam_succeed_if.so") == 0;
}

static bool check_auth_order(struct doctor *d, const char *service, const struct pam_stack *auth) {
        int ours = pam_stack_find(auth, PAM_OURS, 0);
        for (int i = 0; i < ours; i++)
                if (asks_a_person(auth->lines[i].module)) {
                        found(d, FINDING_BAD, _("Put pam_wardtap.so before it; wardtap enable does."),
                              _("%s: %s stands before pam_wardtap.so and asks for a name first."), service,
                              auth->lines[i].module);
                        return false;
                }
        return true;
}

static bool check_session_order(struct doctor *d, const char *service) {
        struct pam_stack session;
        char fix[160];
        (void) snprintf(fix, sizeof(fix), _("Run: wardtap enable %.64s"), service);
        if (pam_stack_load(PAM_FOLDER, service, "session", &session) < 0)
                return true; /* said by check_services() */
        int ours = pam_stack_find(&session, PAM_OURS, 0),
            systemd = pam_stack_find(&session, "pam_systemd.so", 0);
        if (systemd < 0)
                found(d, FINDING_BAD, _("Install libpam-systemd, and include common-session."),
                      _("%s: sessions have no pam_systemd.so, so nobody knows which is on the screen."),
                      service);
        else if (ours < 0)
                found(d, FINDING_BAD, fix,
                      _("%s: sessions are not told to Wardtap, so a badge cannot resume them."), service);
        else if (ours < systemd)
                found(d, FINDING_BAD, _("Put the session line of pam_wardtap.so behind it."),
                      _("%s: pam_wardtap.so stands before pam_systemd.so, where a session has no id yet."),
                      service);
        else
                return true;
        return false;
}

void check_order(struct doctor *d) {
        struct pam_stack auth;
        for (size_t i = 0; d->rules && i < d->rules->n_services; i++) {
                const struct rule_service *s = &d->rules->services[i];
                if (!asks_us(s->name, &auth))
                        continue;
                bool good = check_auth_order(d, s->name, &auth);
                if (s->use == USE_SIGN_IN && strcmp(s->name, SWITCH_SERVICE) != 0) /* it opens no session */
                        good = check_session_order(d, s->name) && good;
                if (good)
                        found(d, FINDING_OK, NULL, _("%s: the lines stand in the right order."), s->name);
        }
}

static void check_password_of(struct doctor *d, const char *service, const struct pam_stack *auth) {
        char fix[160];
        (void) snprintf(fix, sizeof(fix), _("If that is not meant: wardtap enable %.64s"), service);
        switch (pam_stack_password(auth)) {
        case PAM_PASSWORD_ALONE:
                found(d, FINDING_WARN, fix, _("%s takes a password alone."), service);
                break;
        case PAM_PASSWORD_AFTER:
                found(d, FINDING_WARN, fix, _("%s takes a password also after Wardtap has refused."),
                      service);
                break;
        case PAM_PASSWORD_FALLBACK:
                found(d, FINDING_OK, NULL, _("%s takes a password only while Wardtap cannot judge."),
                      service);
                break;
        default:
                found(d, FINDING_OK, NULL, _("%s takes no password."), service);
        }
}

void check_passwords(struct doctor *d) {
        struct pam_stack auth;
        for (const char *const *s = pam_station_services; *s; s++)
                if (pam_stack_load(PAM_FOLDER, *s, "auth", &auth) >= 0)
                        check_password_of(d, *s, &auth);
        for (size_t i = 0; d->rules && i < d->rules->n_services; i++) {
                const char *name = d->rules->services[i].name;
                if (!pam_station_has(name) && pam_stack_load(PAM_FOLDER, name, "auth", &auth) >= 0)
                        check_password_of(d, name, &auth);
        }
}

void check_keyrings(struct doctor *d) {
        static const char *const modules[] = {"pam_gnome_keyring.so", "pam_kwallet.so",  "pam_kwallet5.so",
                                              "pam_mount.so",         "pam_ecryptfs.so", "pam_fscrypt.so"};
        struct pam_stack auth;
        bool any = false;
        for (size_t i = 0; d->rules && i < d->rules->n_services; i++) {
                if (d->rules->services[i].use != USE_SIGN_IN || !asks_us(d->rules->services[i].name, &auth))
                        continue;
                for (size_t k = 0; k < ELEMENTSOF(modules); k++)
                        if (pam_stack_find(&auth, modules[k], 0) >= 0) {
                                found(d, FINDING_WARN,
                                      _("Give such keyrings and folders an empty password or another key, "
                                        "or none."),
                                      _("%s: %s opens something with the password, and a badge is none."),
                                      d->rules->services[i].name, modules[k]);
                                any = true;
                        }
        }
        if (!any)
                found(d, FINDING_OK, NULL, _("No keyring waits for a password at a sign-in."));
}
