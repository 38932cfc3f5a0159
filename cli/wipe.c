/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap lease wipe`: the home of an agency account that nobody has, as the store says, or of an emergency
 * account whose emergency is over. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <systemd/sd-login.h>

#include "cli/lease.h"
#include "cli/lists.h"
#include "cli/output.h"
#include "cli/wipe_home.h"
#include "common/paths.h"
#include "common/socket.h"

#define PROCESSES_USEC (30U * 1000U * 1000U)
#define EMPTY_USEC (20ULL * 60U * 1000U * 1000U)

/* Of people: later versions of logind count the user's own manager too. */
static int count_sessions(uid_t uid) {
        char **ids = NULL;
        int n = sd_uid_get_sessions(uid, 0, &ids), found = 0;
        for (int i = 0; i < n; i++) {
                _cleanup_(freep) char *class = NULL;
                found += sd_session_get_class(ids[i], &class) < 0 || strncmp(class, "user", 4) == 0;
                free(ids[i]);
        }
        free(ids);
        return n < 0 && n != -ENODATA && n != -ENXIO ? n : found;
}

/* An emergency account is nobody's. While somebody has a session in it, it is hers. */
static int find_emergency(const struct store_person *p, struct store_lease *l) {
        const struct passwd *pw = getpwnam(p->user);
        int n = pw ? count_sessions(pw->pw_uid) : 0;
        *l = (struct store_lease){0};
        if (n > 0)
                return fail(CLI_CONFLICT,
                            _("Somebody is in '%s' now: its home is not wiped before she is out."), p->user);
        return n < 0 ? fail(CLI_FAILED,
                            _("It cannot be told whether somebody is in '%s' now (%s). Try again."), p->user,
                            strerror(-n))
                     : CLI_OK;
}

/* CLI_OK for an account whose last lease has ended and whose home was not wiped since: nobody gets it
 * meanwhile. */
static int find(struct admin *a, const char *user, struct store_person *p, struct store_lease *l) {
        int r = admin_find_person(a, user, p);
        if (r != CLI_OK)
                return r;
        if (p->kind == PERSON_EMERGENCY)
                return find_emergency(p, l);
        if (p->kind != PERSON_AGENCY)
                return fail(
                        CLI_CONFLICT,
                        _("'%s' is no agency account and none for emergencies: its home is never wiped."),
                        user);
        int e = store_find_lease(a->store, p->id, l);
        if (e == -ENOENT)
                return fail(CLI_CONFLICT, _("'%s' was never lent, so there is nothing to wipe."), user);
        if (e < 0)
                return admin_store_failed(e);
        if (!l->ended_usec)
                return fail(CLI_CONFLICT, _("%s has '%s' now: its home is not wiped before the lease ends."),
                            l->holder, user);
        if (l->wiped_usec)
                return fail(CLI_CONFLICT, _("The home of '%s' is wiped already."), user);
        return CLI_OK;
}

static int wipe(const struct passwd *pw, const char **ret_step) {
        _cleanup_(closep) int home = -1;
        int r;
        *ret_step = "its processes cannot be ended";
        if ((r = home_end_processes(pw->pw_uid, now_monotonic_usec() + PROCESSES_USEC)) < 0)
                return r;
        *ret_step = "it is not a folder of that user's";
        if ((r = home_open(pw->pw_dir, pw->pw_uid, &home)) < 0)
                return r;
        *ret_step = "not all of it can be removed";
        if ((r = home_empty(home, now_monotonic_usec() + EMPTY_USEC)) < 0)
                return r;
        *ret_step = PATH_SKELETON " cannot be copied to it";
        return home_fill(PATH_SKELETON, home, pw->pw_uid, pw->pw_gid);
}

/* Two names for one uid would be two people's processes and files. */
static int wipe_account(const struct store_person *p, char *detail, size_t size) {
        const char *step = "the system knows no account of that name, or knows it by another one too";
        struct passwd *found = getpwnam(p->user);
        uid_t uid = found ? found->pw_uid : 0;
        if (uid != 0 && (found = getpwuid(uid)) && strcmp(found->pw_name, p->user) == 0) {
                int r = wipe(found, &step);
                if (r >= 0) {
                        (void) snprintf(detail, size, "wiped");
                        return 0;
                }
                (void) snprintf(detail, size, "%s (%s)", step, strerror(-r));
                return r;
        }
        (void) snprintf(detail, size, "%s", step);
        return -ENOENT;
}

static int fill_record(struct admin *a, const struct store_person *p, const struct store_lease *l,
                       const char *detail, struct record *ret) {
        if (p->kind == PERSON_AGENCY)
                return lease_record(a, RECORD_HOME_WIPE, p, l, detail, ret);
        int r = admin_record(a, RECORD_HOME_WIPE, p, ret);
        if (r != CLI_OK)
                return r;
        return record_set(ret, RECORD_FIELD_ACCOUNT, p->user) < 0 ||
                               record_set(ret, RECORD_FIELD_DETAIL, detail) < 0
                       ? admin_store_failed(-ENOMEM)
                       : CLI_OK;
}

static int record_success(struct admin *a, const struct store_person *p, const struct store_lease *l) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        int r = admin_begin(a);
        if (r != CLI_OK)
                return r;
        int e = p->kind == PERSON_AGENCY ? store_set_wiped(a->store, l->id, now_realtime_usec()) : 0;
        if (e < 0)
                return admin_store_failed(e);
        r = fill_record(a, p, l, "wiped", &record);
        return r == CLI_OK ? admin_commit(a, &record) : r;
}

static int record_failure(struct admin *a, const struct store_person *p, const struct store_lease *l,
                          const char *detail) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        int r = fill_record(a, p, l, detail, &record);
        if (r != CLI_OK)
                return r;
        record.outcome = RECORD_FAILURE;
        (void) admin_send(a, &record);
        return fail(CLI_FAILED,
                    _("The home of '%s' was not wiped: %s. Nobody gets the account before; mend that, then "
                      "try: wardtap lease wipe %s"),
                    p->user, detail, p->user);
}

int command_lease_wipe(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        struct store_person p;
        struct store_lease l;
        char detail[256];
        int r;
        if ((r = admin_open(&a, args)) != CLI_OK || (r = find(&a, cli_word(args, 0), &p, &l)) != CLI_OK)
                return r;
        r = wipe_account(&p, detail, sizeof(detail)) < 0 ? record_failure(&a, &p, &l, detail)
                                                         : record_success(&a, &p, &l);
        if (r != CLI_OK)
                return r;
        if (args->option[OPTION_JSON]) {
                l.wiped_usec = now_realtime_usec();
                _cleanup_(json_putp) struct json_object *o =
                        p.kind == PERSON_AGENCY ? lease_json(&l, p.user) : json_new();
                if (p.kind != PERSON_AGENCY)
                        json_set_string(o, "account", p.user);
                json_print(stdout, o);
        } else {
                (void) printf(_("The home of '%s' is wiped.\n"), p.user);
        }
        return CLI_OK;
}
