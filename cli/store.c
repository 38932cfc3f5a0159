/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap store`: the two databases themselves. */
#include <errno.h>
#include <stdio.h>

#include "cli/admin.h"
#include "cli/output.h"
#include "common/paths.h"

/* Opens people.db for writing, which undoes what a killed writer left, and reads all of it. */
int store_checked_people(uint64_t *ret_version) {
        _cleanup_(store_closep) struct store *s = NULL;
        gid_t gid = 0;
        int r = store_open_people(PATH_PEOPLE_DB, false, (gid_t) -1, &s);
        if (r == -ENOENT)
                return r;
        s = store_close(s);
        if (admin_group(&gid) != CLI_OK)
                return -ECANCELED; /* it has said why */
        if ((r = store_open_people(PATH_PEOPLE_DB, true, gid, &s)) < 0 || (r = store_check(s)) < 0)
                return r;
        return store_version(s, ret_version);
}

int store_checked_state(void) {
        _cleanup_(store_closep) struct store *s = NULL;
        int r = store_open_state(PATH_STATE_DB, true, &s);
        return r < 0 ? r : store_check(s);
}

/* "sound", "missing" or "damaged" */
static const char *how(int r) {
        return r >= 0 ? "sound" : r == -ENOENT ? "missing" : r == -EBUSY ? "busy" : "damaged";
}

static void print_check(bool json, int people, int state, uint64_t version) {
        if (!json) {
                print_pair(stdout, 9, _("People"), how(people));
                print_pair(stdout, 9, _("State"), how(state));
                return;
        }
        _cleanup_(json_putp) struct json_object *o = json_new();
        json_set_string(o, "people", how(people));
        json_set_string(o, "state", how(state));
        json_set_u64(o, "version", version);
        json_print(stdout, o);
}

int command_store_check(const struct cli_arguments *args) {
        uint64_t version = 0;
        int r = admin_need_root(args);
        if (r != CLI_OK)
                return r;
        int people = store_checked_people(&version), state = store_checked_state();
        if (people == -ECANCELED)
                return CLI_FAILED;
        print_check(args->option[OPTION_JSON], people, state, version);
        if (people < 0 && people != -ENOENT)
                return admin_store_failed(people);
        if (state < 0 && state != -ENOENT)
                return fail(CLI_FAILED,
                            _("%s cannot be used (%s). Put it aside and restart wardtap-authd: everybody "
                              "then needs "
                              "a full sign-in once."),
                            PATH_STATE_DB, how(state));
        return CLI_OK;
}
