/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap elevate`: a role for a while, approved by somebody's key. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/approve.h"
#include "cli/lists.h"
#include "cli/output.h"
#include "cli/rules_load.h"
#include "cli/span.h"
#include "cli/timeout.h"
#include "cli/when.h"
#include "common/socket.h"

#define ELEVATE_MOST_USEC (8ULL * 3600U * 1000000U)

/* What was asked for on the command line. */
struct wish {
        const char *user, *role, *reason, *approver;
        uint64_t for_usec, timeout_usec;
};

static struct json_object *elevation_json(const struct store_elevation *e, const char *user) {
        struct json_object *o = json_new();
        json_set_string(o, "user", user);
        json_set_string(o, "role", e->role);
        json_set_time(o, "from", e->approval.from_usec);
        json_set_time(o, "until", e->approval.until_usec);
        json_set_string(o, "approver", e->approver);
        json_set_string(o, "reason", e->reason);
        json_set_time(o, "ended", e->ended_usec);
        json_set_string(o, "end_reason", e->ended_usec ? e->end_reason : NULL);
        return o;
}

static int take_wish(const struct cli_arguments *args, struct wish *w) {
        int r;
        *w = (struct wish){.user = cli_word(args, 0),
                           .role = args->option[OPTION_ROLE],
                           .reason = args->option[OPTION_REASON],
                           .approver = args->option[OPTION_APPROVER]};
        if ((r = span_take(args, ELEVATE_MOST_USEC, "8h", &w->for_usec)) != CLI_OK ||
            (r = reason_take(args)) != CLI_OK)
                return r;
        return timeout_take(args, &w->timeout_usec);
}

/* That the rules have the role, and for how long. */
static int check_role(const struct wish *w) {
        _cleanup_(rules_freep) struct rules *rules = NULL;
        char most[WHEN_TEXT_MAX];
        int r = load_rules_named(NULL, &rules);
        if (r != CLI_OK)
                return r;
        const struct rule_role *role = rules_find_role(rules, w->role);
        if (!role)
                return fail(CLI_NOT_FOUND,
                            _("The rules in force have no role '%s'. See their names in: "
                              "/etc/wardtap/wardtap.conf"),
                            w->role);
        if (w->for_usec > role->elevate_max_usec)
                return fail(CLI_USAGE, _("The rules give the role '%s' for at most %s at a time."), w->role,
                            when_span(role->elevate_max_usec, most));
        return CLI_OK;
}

static int check_person(struct admin *a, const char *user, struct store_person *ret) {
        int r = admin_find_person(a, user, ret);
        if (r == CLI_OK && ret->state != PERSON_ACTIVE)
                return fail(CLI_FAILED,
                            _("%s (%s) is %s, so there is nothing to give. See: wardtap person show %s"),
                            ret->full_name, ret->user, person_state_name(ret), ret->user);
        return r;
}

static int ask(struct admin *a, const struct wish *w, const struct store_person *p, struct approved *ret) {
        _cleanup_(terminal_close) struct terminal t = {.tty = -1, .signals = -1};
        char sentence[512], span[WHEN_TEXT_MAX];
        (void) snprintf(sentence, sizeof(sentence), _("%s (%s) is to have the role '%s' for %s: %s"),
                        p->full_name, p->user, w->role, when_span(w->for_usec, span), w->reason);
        const struct approval what = {.action = APPROVE_ELEVATE,
                                      .subject = p,
                                      .sentence = sentence,
                                      .timeout_ms = (unsigned) (w->timeout_usec / 1000U)};
        int r = terminal_open(&t, PATH_TTY);
        if (r < 0)
                return fail(CLI_FAILED, _("Signals cannot be taken (%s)."), strerror(-r));
        return approve(a, &t, w->approver, &what, ret);
}

static int add_failed(int error, const struct store_person *p) {
        if (error == -E2BIG)
                return fail(CLI_CONFLICT,
                            _("%s has %u roles for a while already. End them first with: "
                              "wardtap elevate end %s"),
                            p->full_name, STORE_ELEVATIONS_MAX, p->user);
        return admin_store_failed(error);
}

static int record_it(const struct store_elevation *e, const struct approved *by, struct record *r) {
        if (record_set(r, RECORD_FIELD_ROLE, e->role) < 0 ||
            record_set_u64(r, RECORD_FIELD_UNTIL_USEC, e->approval.until_usec) < 0 ||
            record_set(r, RECORD_FIELD_DETAIL, e->reason) < 0)
                return admin_store_failed(-ENOMEM);
        return approve_record(by, r);
}

/* The person is looked up again: a minute may have gone by. */
static int store_it(struct admin *a, const struct wish *w, const struct approved *by,
                    struct store_elevation *ret) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        struct store_elevation e = {.approval = {.from_usec = by->clock.realtime_usec,
                                                 .from_boottime_usec = by->clock.boottime_usec,
                                                 .until_usec = by->clock.realtime_usec + w->for_usec}};
        struct store_person p;
        int r;
        if ((r = admin_begin(a)) != CLI_OK || (r = check_person(a, w->user, &p)) != CLI_OK)
                return r;
        e.person = p.id;
        memcpy(e.approval.from_boot_id, by->clock.boot_id, sizeof(e.approval.from_boot_id));
        memcpy(e.approver, by->person.user, sizeof(by->person.user));
        if (text_copy(e.role, sizeof(e.role), w->role) < 0 ||
            text_copy(e.reason, sizeof(e.reason), w->reason) < 0)
                return admin_store_failed(-EINVAL);
        if ((r = store_add_elevation(a->store, &e)) < 0)
                return add_failed(r, &p);
        if ((r = admin_record(a, RECORD_ELEVATE, &p, &record)) != CLI_OK ||
            (r = record_it(&e, by, &record)) != CLI_OK || (r = admin_commit(a, &record)) != CLI_OK)
                return r;
        *ret = e;
        return CLI_OK;
}

int command_elevate(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        struct wish w;
        struct store_person p;
        struct store_elevation e;
        struct approved by;
        char until[WHEN_TEXT_MAX];
        int r;
        if ((r = take_wish(args, &w)) != CLI_OK || (r = admin_open(&a, args)) != CLI_OK ||
            (r = check_role(&w)) != CLI_OK || (r = check_person(&a, w.user, &p)) != CLI_OK ||
            (r = ask(&a, &w, &p, &by)) != CLI_OK || (r = store_it(&a, &w, &by, &e)) != CLI_OK)
                return r;
        if (args->option[OPTION_JSON]) {
                _cleanup_(json_putp) struct json_object *o = elevation_json(&e, p.user);
                json_print(stdout, o);
        } else {
                (void) printf(_("%s (%s) has the role '%s' until %s, approved by %s.\n"), p.full_name,
                              p.user, e.role, when_local(e.approval.until_usec, until), e.approver);
        }
        return CLI_OK;
}

static int end_all(struct admin *a, const struct store_person *p, const char *reason, unsigned *ret_n) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        int r = admin_begin(a);
        if (r != CLI_OK)
                return r;
        if ((r = store_end_elevations(a->store, p->id, reason, now_realtime_usec(), ret_n)) < 0)
                return admin_store_failed(r);
        if (*ret_n == 0)
                return fail(CLI_NOT_FOUND, _("%s (%s) has no role for a while. See: wardtap elevate list"),
                            p->full_name, p->user);
        if ((r = admin_record(a, RECORD_ELEVATE_END, p, &record)) != CLI_OK)
                return r;
        if (record_set(&record, RECORD_FIELD_DETAIL, reason) < 0)
                return admin_store_failed(-ENOMEM);
        return admin_commit(a, &record);
}

int command_elevate_end(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        const char *reason = args->option[OPTION_REASON];
        struct store_person p;
        unsigned n = 0;
        int r;
        if (reason && (r = reason_take(args)) != CLI_OK)
                return r;
        if ((r = admin_open(&a, args)) != CLI_OK ||
            (r = admin_find_person(&a, cli_word(args, 0), &p)) != CLI_OK ||
            (r = end_all(&a, &p, reason ? reason : "ended early", &n)) != CLI_OK)
                return r;
        if (args->option[OPTION_JSON]) {
                _cleanup_(json_putp) struct json_object *o = json_new();
                json_set_string(o, "user", p.user);
                json_set_u64(o, "ended", n);
                json_print(stdout, o);
        } else {
                (void) printf(_("%s (%s) has her own role alone again.\n"), p.full_name, p.user);
        }
        return CLI_OK;
}

static int elevation_row(const struct store_elevation *e, void *data) {
        struct list *l = data;
        char from[WHEN_TEXT_MAX], until[WHEN_TEXT_MAX];
        struct store_person p;
        if (!l->all && (e->ended_usec || e->approval.until_usec <= now_realtime_usec()))
                return 0;
        const char *user = store_find_person_by_id(l->admin->store, e->person, &p) < 0 ? "?" : p.user;
        const char *const cells[] = {
                user,
                e->role,
                when_local(e->approval.from_usec, from),
                when_local(e->ended_usec ? e->ended_usec : e->approval.until_usec, until),
                e->approver,
                e->reason};
        if (l->json) {
                _cleanup_(json_putp) struct json_object *o = elevation_json(e, user);
                json_list_print(&l->rows, stdout, o);
        } else {
                list_row(l, cells);
        }
        return 0;
}

int command_elevate_list(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        const char *user = cli_word(args, 0);
        struct store_person p = {0};
        int r = admin_open_read(&a);
        if (r == CLI_OK && user)
                r = admin_find_person(&a, user, &p);
        if (r != CLI_OK)
                return r;
        struct list l = {
                .admin = &a,
                .all = args->option[OPTION_ALL],
                .json = args->option[OPTION_JSON],
                .table.titles = {_("USER"), _("ROLE"), _("FROM"), _("UNTIL"), _("APPROVER"), _("REASON")}};
        do
                r = store_each_elevation(a.store, p.id, elevation_row, &l);
        while (r >= 0 && list_next_pass(&l));
        return r < 0 ? admin_store_failed(r) : CLI_OK;
}
