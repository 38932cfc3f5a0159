/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap badge report`, `key report` and their opposites: what a colleague reported lost is suspended at
 * once, and its owner's key lifts that. */
#include <errno.h>
#include <stdio.h>

#include "cli/approve.h"
#include "cli/output.h"
#include "cli/span.h"
#include "cli/timeout.h"
#include "common/socket.h"

static void print_json(const struct store_person *p, unsigned n) {
        _cleanup_(json_putp) struct json_object *o = json_new();
        json_set_string(o, "user", p->user);
        json_set_u64(o, "changed", n);
        json_print(stdout, o);
}

/* REASON says which of the two it was about. */
static int record_it(struct admin *a, enum record_event event, const struct store_person *p, bool key,
                     const char *detail, const struct approved *by) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
        int e = admin_record(a, event, p, &r);
        if (e == CLI_OK && by)
                e = approve_record(by, &r);
        if (e != CLI_OK)
                return e;
        if (record_set(&r, RECORD_FIELD_REASON, key ? "key" : "badge") < 0 ||
            record_set(&r, RECORD_FIELD_DETAIL, detail) < 0)
                return admin_store_failed(-ENOMEM);
        return admin_commit(a, &r);
}

static int report_it(struct admin *a, const struct store_person *p, bool key, const char *reason,
                     unsigned *ret_n) {
        int r = admin_begin(a);
        if (r != CLI_OK)
                return r;
        uint64_t now = now_realtime_usec();
        r = key ? store_report_keys(a->store, p->id, reason, now, ret_n)
                : store_report_badges(a->store, p->id, reason, now, ret_n);
        if (r < 0)
                return admin_store_failed(r);
        if (*ret_n == 0)
                return fail(CLI_NOT_FOUND,
                            key ? _("%s (%s) has no key in use, so there is nothing to suspend.")
                                : _("%s (%s) has no badge in use, so there is nothing to suspend."),
                            p->full_name, p->user);
        return record_it(a, RECORD_LOST_REPORT, p, key, reason, NULL);
}

static int command_report(const struct cli_arguments *args, bool key) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        struct store_person p;
        unsigned n = 0;
        int r;
        if ((r = reason_take(args)) != CLI_OK || (r = admin_open(&a, args)) != CLI_OK ||
            (r = admin_find_person(&a, cli_word(args, 0), &p)) != CLI_OK ||
            (r = report_it(&a, &p, key, args->option[OPTION_REASON], &n)) != CLI_OK)
                return r;
        if (args->option[OPTION_JSON])
                print_json(&p, n);
        else
                (void) printf(key ? _("The keys of %s (%s) are suspended, until the owner says: wardtap key "
                                      "found %s\n")
                                  : _("The badges of %s (%s) are suspended, until the owner says: wardtap "
                                      "badge found "
                                      "%s\n"),
                              p.full_name, p.user, p.user);
        return CLI_OK;
}

int command_badge_report(const struct cli_arguments *args) {
        return command_report(args, false);
}

int command_key_report(const struct cli_arguments *args) {
        return command_report(args, true);
}

/* --- found */

struct reported {
        bool any;
};

static bool is_reported(uint64_t ended_usec, uint64_t suspended_usec, const char *reason) {
        return !ended_usec && suspended_usec && store_is_reported(reason);
}

static int see_badge(const struct store_badge *b, void *data) {
        struct reported *x = data;
        x->any = x->any || is_reported(b->ended_usec, b->suspended_usec, b->suspend_reason);
        return 0;
}

static int see_key(const struct store_key *k, void *data) {
        struct reported *x = data;
        x->any = x->any || is_reported(k->ended_usec, k->suspended_usec, k->suspend_reason);
        return 0;
}

/* Before anybody is asked for a key. */
static int need_reported(struct admin *a, const struct store_person *p, bool key) {
        struct reported x = {0};
        int r = key ? store_each_key(a->store, p->id, see_key, &x)
                    : store_each_badge(a->store, p->id, see_badge, &x);
        if (r < 0)
                return admin_store_failed(r);
        return x.any ? CLI_OK
                     : fail(CLI_NOT_FOUND,
                            _("Nothing of %s (%s) is reported lost. See: wardtap person show %s"),
                            p->full_name, p->user, p->user);
}

static int ask_owner(struct admin *a, const struct store_person *p, bool key, uint64_t timeout_usec,
                     struct approved *ret) {
        _cleanup_(terminal_close) struct terminal t = {.tty = -1, .signals = -1};
        char sentence[384];
        (void) snprintf(sentence, sizeof(sentence),
                        key ? _("The keys of %s (%s) were found and are to be in use again.")
                            : _("The badges of %s (%s) were found and are to be in use again."),
                        p->full_name, p->user);
        const struct approval what = {.action = APPROVE_ACTION_INVALID,
                                      .finds = true,
                                      .subject = p,
                                      .sentence = sentence,
                                      .timeout_ms = (unsigned) (timeout_usec / 1000U)};
        int r = terminal_open(&t, PATH_TTY);
        if (r < 0)
                return fail(CLI_FAILED, _("Signals cannot be taken (%s)."), strerror(-r));
        return approve(a, &t, p->user, &what, ret);
}

static int lift_it(struct admin *a, const struct store_person *p, bool key, const struct approved *by,
                   unsigned *ret_n) {
        int r = admin_begin(a);
        if (r != CLI_OK)
                return r;
        r = key ? store_lift_keys(a->store, p->id, ret_n) : store_lift_badges(a->store, p->id, ret_n);
        return r < 0 ? admin_store_failed(r)
                     : record_it(a, RECORD_LOST_FOUND, p, key, "found by its owner", by);
}

static int command_found(const struct cli_arguments *args, bool key) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        struct store_person p;
        struct approved by;
        uint64_t timeout_usec = 0;
        unsigned n = 0;
        int r;
        if ((r = timeout_take(args, &timeout_usec)) != CLI_OK || (r = admin_open(&a, args)) != CLI_OK ||
            (r = admin_find_person(&a, cli_word(args, 0), &p)) != CLI_OK ||
            (r = need_reported(&a, &p, key)) != CLI_OK ||
            (r = ask_owner(&a, &p, key, timeout_usec, &by)) != CLI_OK ||
            (r = lift_it(&a, &p, key, &by, &n)) != CLI_OK)
                return r;
        if (args->option[OPTION_JSON])
                print_json(&p, n);
        else
                (void) printf(key ? _("The keys of %s (%s) are in use again.\n")
                                  : _("The badges of %s (%s) are in use again.\n"),
                              p.full_name, p.user);
        return CLI_OK;
}

int command_badge_found(const struct cli_arguments *args) {
        return command_found(args, false);
}

int command_key_found(const struct cli_arguments *args) {
        return command_found(args, true);
}
