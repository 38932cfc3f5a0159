/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap lease`, `lease end` and `lease list`: who has which agency account, until when. */
#include "cli/lease.h"

#include <errno.h>
#include <stdio.h>

#include "cli/clock.h"
#include "cli/lists.h"
#include "cli/output.h"
#include "cli/when.h"
#include "common/socket.h"

struct json_object *lease_json(const struct store_lease *l, const char *user) {
        struct json_object *o = json_new();
        json_set_string(o, "account", user);
        json_set_string(o, "holder", l->holder);
        json_set_string(o, "person", l->uuid);
        json_set_string(o, "identified", l->identified);
        json_set_time(o, "from", l->added_usec);
        json_set_time(o, "until", l->until_usec);
        json_set_time(o, "ended", l->ended_usec);
        json_set_string(o, "end_reason", l->ended_usec ? l->end_reason : NULL);
        json_set_time(o, "wiped", l->wiped_usec);
        return o;
}

/* The person of these records is the holder, not the account. */
int lease_record(struct admin *a, enum record_event event, const struct store_person *p,
                 const struct store_lease *l, const char *detail, struct record *ret) {
        int r = admin_record(a, event, p, ret);
        if (r != CLI_OK)
                return r;
        if (record_set(ret, RECORD_FIELD_PERSON, l->uuid) < 0 ||
            record_set(ret, RECORD_FIELD_ACCOUNT, p->user) < 0 ||
            record_set(ret, RECORD_FIELD_HOLDER, l->holder) < 0 ||
            record_set(ret, RECORD_FIELD_DETAIL, detail) < 0)
                return admin_store_failed(-ENOMEM);
        return CLI_OK;
}

/* --- Lending */

static int take_until(const struct cli_arguments *args, uint64_t *ret) {
        const char *text = args->option[OPTION_UNTIL];
        uint64_t now = now_realtime_usec(), until = 0;
        if (when_parse(text, true, now, &until) < 0)
                return fail(CLI_USAGE,
                            _("--until does not understand '%s'. Write a time as '2026-11-20 19:00', or "
                              "19:00 for today."),
                            text);
        if (until <= now)
                return fail(CLI_USAGE, _("--until must be later than now."));
        if (until - now > LEASE_MAX_USEC)
                return fail(CLI_USAGE, _("A lease lasts 7 days at most. Lend it anew when it is over."));
        *ret = until;
        return CLI_OK;
}

static int lend_failed(struct admin *a, int error, const struct store_person *p) {
        struct store_lease now = {0};
        char until[WHEN_TEXT_MAX];
        switch (error) {
        case -EOPNOTSUPP:
                return fail(CLI_CONFLICT,
                            _("'%s' is one person's own account, and is not lent. Only accounts that were "
                              "enrolled with --agency are."),
                            p->user);
        case -EEXIST:
                (void) store_find_lease(a->store, p->id, &now);
                return fail(
                        CLI_CONFLICT,
                        _("%s has '%s' until %s. End that first with: wardtap lease end %s --reason TEXT"),
                        now.holder, p->user, when_local(now.until_usec, until), p->user);
        case -EUCLEAN:
                return fail(CLI_CONFLICT,
                            _("The home of '%s' was not wiped yet after the last lease. Try it with: "
                              "wardtap lease wipe %s"),
                            p->user, p->user);
        default:
                return admin_store_failed(error);
        }
}

static int record_lease(struct admin *a, const struct store_person *p, const struct store_lease *l) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        int r = lease_record(a, RECORD_LEASE, p, l, NULL, &record);
        if (r != CLI_OK)
                return r;
        if (record_set(&record, RECORD_FIELD_IDENTIFIED, l->identified) < 0 ||
            record_set_u64(&record, RECORD_FIELD_UNTIL_USEC, l->until_usec) < 0)
                return admin_store_failed(-ENOMEM);
        return admin_commit(a, &record);
}

static int lend(struct admin *a, const char *user, struct store_person *p, struct store_lease *l) {
        int r;
        if ((r = admin_begin(a)) != CLI_OK || (r = admin_find_active(a, user, p)) != CLI_OK)
                return r;
        if (p->state == PERSON_SUSPENDED)
                return fail(CLI_CONFLICT,
                            _("'%s' is suspended. Lift that first with: wardtap person resume %s "
                              "--reason TEXT"),
                            p->user, p->user);
        struct policy_clock now;
        if ((r = clock_take(&now)) != CLI_OK)
                return r;
        l->person = p->id;
        l->added_boottime_usec = now.boottime_usec;
        memcpy(l->added_boot_id, now.boot_id, sizeof(l->added_boot_id));
        int e = store_add_lease(a->store, l, now.realtime_usec);
        return e < 0 ? lend_failed(a, e, p) : record_lease(a, p, l);
}

int command_lease(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        struct store_lease l = {.source = "station"};
        struct store_person p;
        char until[WHEN_TEXT_MAX];
        int r;
        if ((r = admin_take_text("--to", args->option[OPTION_HOLDER], l.holder, sizeof(l.holder))) !=
                    CLI_OK ||
            (r = admin_take_text("--identified", args->option[OPTION_IDENTIFIED], l.identified,
                                 sizeof(l.identified))) != CLI_OK ||
            (r = take_until(args, &l.until_usec)) != CLI_OK || (r = admin_open(&a, args)) != CLI_OK ||
            (r = lend(&a, cli_word(args, 0), &p, &l)) != CLI_OK)
                return r;
        if (args->option[OPTION_JSON]) {
                _cleanup_(json_putp) struct json_object *o = lease_json(&l, p.user);
                json_print(stdout, o);
        } else {
                (void) printf(_("%s has '%s' until %s.\n"), l.holder, p.user,
                              when_local(l.until_usec, until));
        }
        return CLI_OK;
}

/* --- Ending */

int lease_end(struct admin *a, const struct store_person *p, const char *reason, struct store_lease *ret) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        int r = admin_begin(a);
        if (r != CLI_OK)
                return r;
        int e = store_end_lease(a->store, p->id, reason, now_realtime_usec(), ret);
        if (e == -ENOENT)
                return fail(CLI_CONFLICT, _("Nobody has '%s' now; there is nothing to end."), p->user);
        if (e < 0)
                return admin_store_failed(e);
        r = lease_record(a, RECORD_LEASE_END, p, ret, reason, &record);
        return r == CLI_OK ? admin_commit(a, &record) : r;
}

int command_lease_end(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        struct store_lease l;
        struct store_person p;
        int r;
        if ((r = admin_need_reason(args)) != CLI_OK || (r = admin_open(&a, args)) != CLI_OK ||
            (r = admin_find_active(&a, cli_word(args, 0), &p)) != CLI_OK ||
            (r = lease_end(&a, &p, args->option[OPTION_REASON], &l)) != CLI_OK)
                return r;
        lease_start_wipe(p.user);
        if (args->option[OPTION_JSON]) {
                _cleanup_(json_putp) struct json_object *o = lease_json(&l, p.user);
                json_print(stdout, o);
        } else {
                (void) printf(_("The lease of '%s' to %s has ended. Take back the badge and the key.\n"),
                              p.user, l.holder);
        }
        return CLI_OK;
}

/* --- Lists */

static const char *state_name(const struct store_lease *l) {
        if (!l->ended_usec)
                return l->until_usec <= now_realtime_usec() ? _("over") : _("lent");
        return l->wiped_usec ? _("ended") : _("to be wiped");
}

static int lease_row(const struct store_lease *l, void *data) {
        struct list *list = data;
        struct store_person p;
        char from[WHEN_TEXT_MAX], until[WHEN_TEXT_MAX];
        if (l->wiped_usec && !list->all)
                return 0;
        const char *user = store_find_person_by_id(list->admin->store, l->person, &p) < 0 ? "?" : p.user;
        const char *const cells[] = {user,
                                     l->holder,
                                     when_local(l->added_usec, from),
                                     when_local(l->until_usec, until),
                                     state_name(l),
                                     l->identified};
        if (list->json) {
                _cleanup_(json_putp) struct json_object *o = lease_json(l, user);
                json_list_print(&list->rows, stdout, o);
        } else {
                list_row(list, cells);
        }
        return 0;
}

int command_lease_list(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        struct list l = {.admin = &a,
                         .json = args->option[OPTION_JSON],
                         .all = args->option[OPTION_ALL],
                         .table.titles = {_("ACCOUNT"), _("HOLDER"), _("FROM"), _("UNTIL"), _("STATE"),
                                          _("IDENTIFIED")}};
        int r = admin_open_read(&a);
        if (r != CLI_OK)
                return r;
        do
                r = store_each_lease(a.store, lease_row, &l);
        while (r >= 0 && list_next_pass(&l));
        return r < 0 ? admin_store_failed(r) : CLI_OK;
}

/* The lease of an account that has not ended: 1, 0 for none, or a negative errno. */
static int current(struct admin *a, const struct store_person *p, struct store_lease *ret) {
        int r = p->kind == PERSON_AGENCY ? store_find_lease(a->store, p->id, ret) : -ENOENT;
        return r == -ENOENT ? 0 : r < 0 ? r : ret->ended_usec == 0;
}

int list_lease(struct admin *a, const struct store_person *person) {
        struct store_lease l;
        char until[WHEN_TEXT_MAX];
        int r = current(a, person, &l);
        if (r <= 0)
                return r < 0 ? admin_store_failed(r) : CLI_OK;
        print_pair(stdout, 16, _("Lent to"), l.holder);
        print_pair(stdout, 16, _("Until"), when_local(l.until_usec, until));
        return CLI_OK;
}

int list_lease_json(struct admin *a, const struct store_person *person, struct json_object *o) {
        struct store_lease l;
        int r = current(a, person, &l);
        if (r < 0)
                return admin_store_failed(r);
        json_set(o, "lease", r > 0 ? lease_json(&l, person->user) : NULL);
        return CLI_OK;
}
