/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap doctor`: the station's own PAM service, where logind shows people. */
#include <systemd/sd-bus.h>

#include "cli/cli.h"
#include "cli/doctor.h"
#include "cli/pam_stack.h"
#include "common/broker.h"
#include "common/util.h"

#define BUS_TIMEOUT_USEC (3U * 1000U * 1000U)

static bool has_display_manager(void) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        int owned = 0;
        return sd_bus_open_system(&bus) >= 0 &&
               sd_bus_message_new_method_call(bus, &call, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                              "org.freedesktop.DBus", "NameHasOwner") >= 0 &&
               sd_bus_message_append(call, "s", "org.freedesktop.DisplayManager") >= 0 &&
               sd_bus_call(bus, call, BUS_TIMEOUT_USEC, NULL, &reply) >= 0 &&
               sd_bus_message_read(reply, "b", &owned) >= 0 && owned;
}

/* Consoles, where people sign in by login(1). */
static bool shows_by_logind(const struct rules *rules) {
        const struct rule_service *login = rules_find_service(rules, "login");
        if (rules->switch_engine != SWITCH_AUTO)
                return rules->switch_engine == SWITCH_LOGIND;
        return login && login->use == USE_SIGN_IN && !has_display_manager();
}

void check_switch(struct doctor *d) {
        const struct rule_service *s = d->rules ? rules_find_service(d->rules, SWITCH_SERVICE) : NULL;
        struct pam_stack auth;
        if (!d->rules || !shows_by_logind(d->rules))
                return;
        if (!s || s->use != USE_SIGN_IN)
                found(d, FINDING_WARN,
                      _("Add [Service wardtap-switch] with Use=sign-in to the rules, and apply them."),
                      _("There is no display manager, and the rules do not name wardtap-switch for signing "
                        "in: a tap at somebody's open session is not answered."));
        else if (pam_stack_load(PAM_FOLDER, SWITCH_SERVICE, "auth", &auth) < 0 || auth.n != 1 ||
                 pam_stack_find(&auth, PAM_OURS, 0) != 0)
                found(d, FINDING_BAD, _("Install the file of the package again."),
                      _("%s/%s asks something else than Wardtap who may be shown."), PAM_FOLDER,
                      SWITCH_SERVICE);
        else
                found(d, FINDING_OK, NULL, _("A person's open session comes back by %s."), SWITCH_SERVICE);
}
