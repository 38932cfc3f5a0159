/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap lease sweep`: leases end by the hour, and homes that were not wiped are tried again. */
#include <errno.h>
#include <stdio.h>

#include <systemd/sd-bus.h>

#include "cli/lease.h"
#include "cli/lists.h"
#include "cli/output.h"
#include "common/socket.h"
#include "common/wipe_unit.h"

#define SYSTEMD_TIMEOUT_USEC (5U * 1000U * 1000U)
#define DUE_MAX 256U /* in one run; the rest is the next one's */

static int start_unit(const char *unit) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r;
        if ((r = sd_bus_open_system(&bus)) < 0 ||
            (r = sd_bus_message_new_method_call(bus, &call, "org.freedesktop.systemd1",
                                                "/org/freedesktop/systemd1",
                                                "org.freedesktop.systemd1.Manager", "StartUnit")) < 0 ||
            (r = sd_bus_message_append(call, "ss", unit, "replace")) < 0 ||
            (r = sd_bus_message_set_auto_start(call, 0)) < 0)
                return r;
        return sd_bus_call(bus, call, SYSTEMD_TIMEOUT_USEC, NULL, NULL);
}

void lease_start_wipe(const char *user) {
        char unit[400];
        int r = wipe_unit_name(user, unit, sizeof(unit));
        if (r >= 0)
                r = start_unit(unit);
        if (r < 0)
                warn(_("The home of '%s' is not wiped yet, as systemd did not start that (%s), and nobody "
                       "gets "
                       "the account before. Try it with: wardtap lease wipe %s"),
                     user, strerror(-r), user);
}

/* --- What is due */

struct sweep {
        uint64_t now_usec;
        bool all_ended; /* whether it looks for homes to be wiped: else for leases to be ended */
        int64_t people[DUE_MAX];
        size_t n;
};

static int look(const struct store_lease *l, void *data) {
        struct sweep *s = data;
        bool due = s->all_ended ? l->ended_usec && !l->wiped_usec
                                : !l->ended_usec && l->until_usec <= s->now_usec;
        if (due && s->n < DUE_MAX)
                s->people[s->n++] = l->person;
        return 0;
}

static int end_due(const struct cli_arguments *args, const struct sweep *due, struct json_object *ended) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        int r = admin_open(&a, args), worst = CLI_OK;
        if (r != CLI_OK)
                return r;
        (void) snprintf(a.requestor, sizeof(a.requestor), "node");
        for (size_t i = 0; i < due->n; i++) {
                struct store_person p;
                struct store_lease l;
                int e = store_find_person_by_id(a.store, due->people[i], &p);
                r = e < 0 ? admin_store_failed(e) : lease_end(&a, &p, "its hour is over", &l);
                if (r == CLI_OK)
                        json_append(ended, lease_json(&l, p.user));
                else
                        worst = r;
                if (a.began)
                        (void) store_rollback(a.store);
                a.began = false;
        }
        return worst;
}

static int find_due(struct sweep *s) {
        _cleanup_(store_closep) struct store *store = NULL;
        int r = admin_open_people(&store);
        if (r == -ENOENT)
                return CLI_OK; /* nobody is enrolled */
        if (r >= 0)
                r = store_each_lease(store, look, s);
        return r < 0 ? admin_store_failed(r) : CLI_OK;
}

static int start_wipes(struct sweep *s) {
        _cleanup_(store_closep) struct store *store = NULL;
        struct store_person p;
        int r = s->n > 0 ? admin_open_people(&store) : 0;
        for (size_t i = 0; r >= 0 && i < s->n; i++)
                if ((r = store_find_person_by_id(store, s->people[i], &p)) >= 0)
                        lease_start_wipe(p.user);
        return r < 0 ? admin_store_failed(r) : CLI_OK;
}

/* Where nothing is due it needs nobody, and asks nobody for anything. */
int command_lease_sweep(const struct cli_arguments *args) {
        struct sweep due = {.now_usec = now_realtime_usec()}, unwiped = {.all_ended = true};
        _cleanup_(json_putp) struct json_object *ended = json_new_array();
        int r = admin_need_root(args), worst = CLI_OK;
        if (r != CLI_OK || (r = find_due(&due)) != CLI_OK)
                return r;
        if (due.n > 0)
                worst = end_due(args, &due, ended);
        if ((r = find_due(&unwiped)) != CLI_OK || (r = start_wipes(&unwiped)) != CLI_OK)
                return r;
        if (args->option[OPTION_JSON])
                json_print(stdout, ended);
        else if (json_object_array_length(ended) > 0)
                (void) printf(_("Leases that have ended: %zu\n"), json_object_array_length(ended));
        return worst;
}
