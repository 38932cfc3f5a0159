/* SPDX-License-Identifier: Apache-2.0 */
/* What an attempt takes with it into the sandbox: its child for the name service, the databases, the id of
 * this boot. */
#include "pam_module/auth/attempt.h"

#include "common/paths.h"
#include "pam_module/auth/caller.h"
#include "pam_module/auth/clock.h"
#include "pam_module/auth/relay.h"
#include "pam_module/auth/sandbox.h"

#include <errno.h>
#include <stdio.h>

static enum reason set_up(struct attempt *a) {
        a->in_session = caller_login(&a->peer) != 0;
        if (a->peer.uid == 0 && !a->in_session)
                caller_unit(a->peer.pid, a->unit, sizeof(a->unit));
        if (account_start(&a->account_child) < 0 || clock_boot_id(a->boot_id) < 0)
                return REASON_INTERNAL;
        int r = store_open_people(PATH_PEOPLE_DB, false, 0, &a->people);
        if (r < 0)
                return r == -ENOENT ? REASON_NOT_ENROLLED : REASON_STORE;
        r = store_open_state(PATH_STATE_DB, false, &a->state);
        /* Without it only an emergency lets in, where the rules have that. */
        bool emergency = a->snapshot->rules && a->snapshot->rules->break_glass.present;
        return r < 0 && !emergency ? REASON_STORE : REASON_NONE;
}

void attempt_run(int module, const struct ucred *peer, const struct wire_message *start,
                 struct snapshot *snapshot) {
        _cleanup_(attempt_freep) struct attempt *a = NULL;
        int r = attempt_new(module, peer, start, snapshot, &a);
        if (r >= 0) {
                a->setup = set_up(a);
                r = sandbox_enter();
        }
        if (r >= 0) {
                attempt_play(a);
                return;
        }
        (void) fprintf(stderr, "An attempt could not be set up: %s\n", strerror(-r));
        (void) relay_verdict(module, start->version, WIRE_UNAVAIL, "", "");
}
