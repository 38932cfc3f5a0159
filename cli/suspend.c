/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap badge suspend`, `badge resume`, `key suspend` and `key resume`. */
#include <errno.h>
#include <stdio.h>

#include "cli/admin.h"
#include "cli/lists.h"
#include "cli/output.h"
#include "common/socket.h"

struct suspension {
        bool key, lift;
        struct store_badge badge;
        struct store_key k;
        struct store_person person;
};

static int failed(const struct suspension *s, int error, const char *token) {
        if (error == -EALREADY && s->key)
                return fail(CLI_CONFLICT,
                            s->lift ? _("Key %s is not suspended; there is nothing to do.")
                                    : _("Key %s is suspended already; there is nothing to do."),
                            token);
        if (error == -EALREADY)
                return fail(CLI_CONFLICT,
                            s->lift ? _("Badge %s is not suspended; there is nothing to do.")
                                    : _("Badge %s is suspended already; there is nothing to do."),
                            token);
        return admin_token_failed(error, token, s->key);
}

static int change(struct admin *a, struct suspension *s, const char *token, const char *reason) {
        static const enum record_event events[2][2] = {{RECORD_BADGE_SUSPEND, RECORD_BADGE_RESUME},
                                                       {RECORD_KEY_SUSPEND, RECORD_KEY_RESUME}};
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        uint64_t now = now_realtime_usec();
        const char *why = s->lift ? NULL : reason;
        int r = admin_begin(a);
        if (r != CLI_OK)
                return r;
        int e = s->key ? store_suspend_key(a->store, token, why, now, &s->k, &s->person)
                       : store_suspend_badge(a->store, token, why, now, &s->badge, &s->person);
        if (e < 0)
                return failed(s, e, token);
        r = admin_record(a, events[s->key][s->lift], &s->person, &record);
        if (r != CLI_OK)
                return r;
        if (record_set(&record, s->key ? RECORD_FIELD_KEY : RECORD_FIELD_BADGE,
                       s->key ? s->k.token : s->badge.token) < 0 ||
            record_set(&record, RECORD_FIELD_DETAIL, reason) < 0)
                return admin_store_failed(-ENOMEM);
        return admin_commit(a, &record);
}

static void tell(const struct suspension *s) {
        const struct store_person *p = &s->person;
        if (s->key)
                (void) printf(s->lift ? _("Key %s of %s (%s) may be used again.\n")
                                      : _("Key %s of %s (%s) is suspended.\n"),
                              s->k.token, p->full_name, p->user);
        else
                (void) printf(s->lift ? _("Badge %s of %s (%s) may be used again.\n")
                                      : _("Badge %s of %s (%s) is suspended.\n"),
                              s->badge.token, p->full_name, p->user);
}

static int command(const struct cli_arguments *args, bool key, bool lift) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        struct suspension s = {.key = key, .lift = lift};
        int r;
        if ((r = admin_need_reason(args)) != CLI_OK || (r = admin_open(&a, args)) != CLI_OK ||
            (r = change(&a, &s, cli_word(args, 0), args->option[OPTION_REASON])) != CLI_OK)
                return r;
        if (args->option[OPTION_JSON]) {
                _cleanup_(json_putp) struct json_object *o =
                        key ? key_json(&s.k, s.person.user) : badge_json(&s.badge, s.person.user);
                json_print(stdout, o);
        } else {
                tell(&s);
        }
        return CLI_OK;
}

int command_badge_suspend(const struct cli_arguments *args) {
        return command(args, false, false);
}

int command_badge_resume(const struct cli_arguments *args) {
        return command(args, false, true);
}

int command_key_suspend(const struct cli_arguments *args) {
        return command(args, true, false);
}

int command_key_resume(const struct cli_arguments *args) {
        return command(args, true, true);
}
