/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap person suspend`, `resume`, `expire` and `offboard`. */
#include <stdio.h>

#include "cli/admin.h"
#include "cli/lease.h"
#include "cli/lists.h"
#include "cli/output.h"
#include "cli/when.h"
#include "common/bytes.h"
#include "common/socket.h"

/* Prints what became of the person. */
static void tell(const struct cli_arguments *args, const struct store_person *p, const char *sentence) {
        if (args->option[OPTION_JSON]) {
                _cleanup_(json_putp) struct json_object *o = person_json(p);
                json_print(stdout, o);
                return;
        }
        print_clean(stdout, p->full_name);
        (void) printf(" (%s) %s\n", p->user, sentence);
}

/* The change is in the transaction: records and commits it. */
static int commit(struct admin *a, enum record_event event, const struct store_person *p,
                  const char *detail) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        int r = admin_record(a, event, p, &record);
        if (r != CLI_OK)
                return r;
        if (record_set(&record, RECORD_FIELD_DETAIL, detail) < 0)
                return admin_store_failed(-ENOMEM);
        return admin_commit(a, &record);
}

static int set_state(struct admin *a, const struct cli_arguments *args, enum record_event event,
                     enum person_state state, struct store_person *ret) {
        const char *user = cli_word(args, 0);
        int r;
        if ((r = admin_need_reason(args)) != CLI_OK || (r = admin_open(a, args)) != CLI_OK ||
            (r = admin_begin(a)) != CLI_OK || (r = admin_find_active(a, user, ret)) != CLI_OK)
                return r;
        if (state == PERSON_SUSPENDED && ret->state == PERSON_SUSPENDED)
                return fail(CLI_CONFLICT, _("%s (%s) is suspended already; there is nothing to do."),
                            ret->full_name, ret->user);
        if (state == PERSON_ACTIVE && ret->state != PERSON_SUSPENDED)
                return fail(CLI_CONFLICT, _("%s (%s) is not suspended; there is nothing to do."),
                            ret->full_name, ret->user);
        int e = store_set_person_state(a->store, user, state, now_realtime_usec(), ret);
        return e < 0 ? admin_store_failed(e) : commit(a, event, ret, args->option[OPTION_REASON]);
}

int command_person_suspend(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        struct store_person p;
        int r = set_state(&a, args, RECORD_PERSON_SUSPEND, PERSON_SUSPENDED, &p);
        if (r == CLI_OK)
                tell(args, &p, _("is suspended: no badge or key lets this person in."));
        return r;
}

int command_person_resume(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        struct store_person p;
        int r = set_state(&a, args, RECORD_PERSON_RESUME, PERSON_ACTIVE, &p);
        if (r == CLI_OK)
                tell(args, &p, _("may sign in again."));
        return r;
}

int command_person_offboard(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        struct store_person p;
        struct store_lease lease = {0};
        int r = set_state(&a, args, RECORD_PERSON_OFFBOARD, PERSON_ENDED, &p);
        if (r != CLI_OK)
                return r;
        if (p.kind == PERSON_AGENCY && store_find_lease(a.store, p.id, &lease) == 0 && lease.wiped_usec == 0)
                lease_start_wipe(p.user);
        tell(args, &p, _("was offboarded: badges and keys have ended, and the sessions on this station."));
        return CLI_OK;
}

/* --- Limits */

static int take_limit(const struct cli_arguments *args, enum cli_option option, const char *name,
                      uint64_t *limit) {
        const char *text = args->option[option];
        if (!text || strcmp(text, "never") != 0)
                return admin_take_time(args, option, name, option == OPTION_NOT_AFTER, limit);
        *limit = 0;
        return CLI_OK;
}

/* "not before 2026-11-20 00:00:00, no end" */
static void describe_limits(const struct store_person *p, char *buf, size_t size) {
        char from[WHEN_TEXT_MAX], until[WHEN_TEXT_MAX];
        (void) snprintf(buf, size, "%s%s, %s%s", p->not_before_usec ? "not before " : "no beginning",
                        when_rfc3339(p->not_before_usec, from), p->not_after_usec ? "not after " : "no end",
                        when_rfc3339(p->not_after_usec, until));
}

static int set_limits(struct admin *a, const struct cli_arguments *args, struct store_person *ret) {
        struct store_person p;
        char detail[128];
        int r;
        if ((r = admin_begin(a)) != CLI_OK || (r = admin_find_active(a, cli_word(args, 0), &p)) != CLI_OK ||
            (r = take_limit(args, OPTION_NOT_BEFORE, "not-before", &p.not_before_usec)) != CLI_OK ||
            (r = take_limit(args, OPTION_NOT_AFTER, "not-after", &p.not_after_usec)) != CLI_OK)
                return r;
        if (p.not_after_usec && p.not_after_usec <= p.not_before_usec)
                return fail(CLI_USAGE, _("--not-after must be later than --not-before."));
        int e = store_set_person_limits(a->store, p.user, p.not_before_usec, p.not_after_usec, ret);
        if (e < 0)
                return admin_store_failed(e);
        describe_limits(ret, detail, sizeof(detail));
        return commit(a, RECORD_PERSON_EXPIRE, ret, detail);
}

int command_person_expire(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        struct store_person p;
        char from[WHEN_TEXT_MAX], until[WHEN_TEXT_MAX], sentence[160];
        int r;
        if (!args->option[OPTION_NOT_BEFORE] && !args->option[OPTION_NOT_AFTER])
                return fail(CLI_USAGE, _("Say --not-before TIME, --not-after TIME or both; 'never' takes a "
                                         "limit away."));
        if ((r = admin_open(&a, args)) != CLI_OK || (r = set_limits(&a, args, &p)) != CLI_OK)
                return r;
        (void) snprintf(sentence, sizeof(sentence), _("may sign in from %s until %s."),
                        p.not_before_usec ? when_local(p.not_before_usec, from) : _("now on"),
                        p.not_after_usec ? when_local(p.not_after_usec, until) : _("further notice"));
        tell(args, &p, sentence);
        return CLI_OK;
}
