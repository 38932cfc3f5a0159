/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap doctor`: users, sockets, daemons, units and the badge key. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/doctor.h"
#include "cli/program.h"
#include "common/paths.h"
#include "common/socket.h"
#include "common/util.h"

void check_users(struct doctor *d) {
        static const char *const users[] = {"wardtap", "wardtap-device", "wardtapd", "wardtap-idle",
                                            "wardtap-hook"};
        for (size_t i = 0; i < ELEMENTSOF(users); i++)
                if (!getpwnam(users[i])) {
                        found(d, FINDING_BAD, _("Run: systemd-sysusers"), _("The user '%s' is missing."),
                              users[i]);
                        return;
                }
        found(d, FINDING_OK, NULL, _("Each daemon has its user."));
}

void check_sockets(struct doctor *d) {
        static const struct {
                const char *path, *fix;
        } sockets[] = {
                {PATH_AUTH_SOCKET, N_("Run: systemctl start wardtap-auth.socket")},
                {PATH_DEVICE_SOCKET, N_("Run: systemctl start wardtap-device.socket")},
                {PATH_BROKER_SOCKET, N_("Run: systemctl start wardtap-broker.socket")},
                {PATH_REGISTRAR_SOCKET, N_("Run: systemctl start wardtap-registrar.socket")},
        };
        unsigned n = 0;
        for (size_t i = 0; i < ELEMENTSOF(sockets); i++) {
                _cleanup_(closep) int fd = -1;
                int r = socket_connect(sockets[i].path, 0, &fd);
                if (r >= 0)
                        n++;
                else if (r == -EPERM)
                        found(d, FINDING_BAD, _("See who made it: ss -lxp"), _("%s is not root's."),
                              sockets[i].path);
                else
                        found(d, FINDING_BAD, _(sockets[i].fix), _("%s does not answer (%s)."),
                              sockets[i].path, strerror(-r));
        }
        if (n == ELEMENTSOF(sockets))
                found(d, FINDING_OK, NULL, _("All four sockets answer."));
}

static bool says(const struct doctor *d, const char *name) {
        struct json_object *v;
        return json_object_object_get_ex(d->station, name, &v) && json_object_get_boolean(v);
}

static const char *policy_hash(const struct doctor *d) {
        struct json_object *v;
        return json_object_object_get_ex(d->station, "PolicyHash", &v) && v ? json_object_get_string(v) : "";
}

void check_daemons(struct doctor *d) {
        if (!d->station) {
                found(d, FINDING_BAD, _("Run: systemctl restart wardtapd; then see: journalctl -u wardtapd"),
                      _("wardtapd does not answer on the system bus."));
                return;
        }
        if (!says(d, "Watching"))
                found(d, FINDING_BAD, _("See: systemctl status wardtap-device pcscd"),
                      _("wardtapd does not see taps."));
        else if (!says(d, "JournalConnected"))
                found(d, FINDING_BAD, _("See: systemctl status systemd-journald"),
                      _("wardtapd does not reach the journal; records wait on disk."));
        else if (d->rules && strcmp(policy_hash(d), d->rules->hash) != 0)
                found(d, FINDING_BAD, _("Run: systemctl restart wardtapd"),
                      _("wardtapd knows other rules than those in force."));
        else
                found(d, FINDING_OK, NULL, _("wardtapd runs, sees taps and reaches the journal."));
}

/* Whoever is in the group "input" can read what everybody types, PINs too. wardtap-idle is, by its unit
 * alone. */
void check_idle(struct doctor *d) {
        const struct group *input = getgrnam("input");
        struct json_object *sees;
        if (!input)
                found(d, FINDING_BAD, _("Run: systemd-sysusers"),
                      _("The group 'input' is missing, and without it wardtap-idle does not start."));
        else if (input->gr_mem[0])
                found(d, FINDING_BAD, _("Take everybody out of the group 'input'."),
                      _("%s is in the group 'input' and can read what others type."), input->gr_mem[0]);
        else if (system_is_booted() && d->station &&
                 json_object_object_get_ex(d->station, "SeesInput", &sees) && !json_object_get_boolean(sees))
                found(d, FINDING_BAD, _("See: systemctl status wardtap-idle"),
                      _("No keyboard or pointer is watched: sessions lock although somebody types."));
        else
                found(d, FINDING_OK, NULL, _("Only wardtap-idle may read input devices."));
}

static bool unit_is(const char *verb, const char *unit) {
        const char *const argv[] = {"/usr/bin/systemctl", verb, "--quiet", unit, NULL};
        return program_run(argv) == 0;
}

void check_units(struct doctor *d) {
        static const char *const units[] = {"wardtap-auth.socket",      "wardtap-device.socket",
                                            "wardtap-broker.socket",    "wardtap-authd.service",
                                            "wardtap-device.service",   "wardtapd.service",
                                            "wardtap-input.socket",     "wardtap-idle.service",
                                            "wardtap-registrar.socket", "pcscd.socket"};
        unsigned n = 0;
        if (!system_is_booted()) {
                found(d, FINDING_WARN, _("Look again on the station itself."),
                      _("systemd does not run here, so no unit was looked at."));
                return;
        }
        for (size_t i = 0; i < ELEMENTSOF(units); i++) {
                char fix[128];
                (void) snprintf(fix, sizeof(fix), _("Run: systemctl enable --now %s"), units[i]);
                if (!unit_is("is-active", units[i]))
                        found(d, FINDING_BAD, fix, _("%s does not run."), units[i]);
                else if (!unit_is("is-enabled", units[i]))
                        found(d, FINDING_BAD, fix, _("%s will not run after the next boot."), units[i]);
                else
                        n++;
        }
        if (n == ELEMENTSOF(units))
                found(d, FINDING_OK, NULL, _("All units run, and will after the next boot."));
}

void check_badge_key(struct doctor *d) {
        static const char *const places[] = {"/etc/credstore.encrypted/badge-key",
                                             "/etc/credstore/badge-key"};
        struct stat st;
        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                if (stat(places[i], &st) < 0)
                        continue;
                if (st.st_uid != 0 || (st.st_mode & 077))
                        found(d, FINDING_BAD, _("It must be root's, mode 0600."),
                              _("%s can be read by others than root."), places[i]);
                else if (i > 0)
                        found(d, FINDING_WARN, _("wardtapd(8) says how to encrypt it for this machine."),
                              _("The badge key is not encrypted: who takes the disk can work out badge "
                                "numbers."));
                else
                        found(d, FINDING_OK, NULL,
                              _("The badge key is there, encrypted for this machine. Is there a copy?"));
                return;
        }
        found(d, FINDING_BAD, _("Run: systemctl start wardtap-badge-key"),
              _("There is no badge key, and without it wardtapd does not start."));
}
