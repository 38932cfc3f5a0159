/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap badge end` and `wardtap key end`. */
#include <errno.h>
#include <stdio.h>

#include "cli/admin.h"
#include "cli/lists.h"
#include "cli/output.h"
#include "common/bytes.h"
#include "common/socket.h"

/* Sets the fields that say which badge or key it was, and why it ended. */
static int record_end(struct record *r, enum record_field field, const char *token, const char *reason) {
        if (record_set(r, field, token) < 0 || record_set(r, RECORD_FIELD_DETAIL, reason) < 0)
                return admin_store_failed(-ENOMEM);
        return CLI_OK;
}

static int end_it(struct admin *a, const char *token, const char *reason, bool key,
                  struct store_badge *ret_badge, struct store_key *ret_key,
                  struct store_person *ret_person) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        uint64_t now = now_realtime_usec();
        int r = admin_begin(a);
        if (r != CLI_OK)
                return r;
        int e = key ? store_end_key(a->store, token, reason, now, ret_key, ret_person)
                    : store_end_badge(a->store, token, reason, now, ret_badge, ret_person);
        if (e < 0)
                return admin_token_failed(e, token, key);
        r = admin_record(a, key ? RECORD_KEY_END : RECORD_BADGE_END, ret_person, &record);
        if (r == CLI_OK)
                r = record_end(&record, key ? RECORD_FIELD_KEY : RECORD_FIELD_BADGE,
                               key ? ret_key->token : ret_badge->token, reason);
        return r == CLI_OK ? admin_commit(a, &record) : r;
}

static int command_end(const struct cli_arguments *args, bool key) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        const char *token = cli_word(args, 0), *reason = args->option[OPTION_REASON];
        struct store_badge b;
        struct store_key k;
        struct store_person p;
        int r;

        if ((r = admin_need_reason(args)) != CLI_OK || (r = admin_open(&a, args)) != CLI_OK ||
            (r = end_it(&a, token, reason, key, &b, &k, &p)) != CLI_OK)
                return r;
        if (args->option[OPTION_JSON]) {
                _cleanup_(json_putp) struct json_object *o =
                        key ? key_json(&k, p.user) : badge_json(&b, p.user);
                json_print(stdout, o);
        } else {
                (void) printf(key ? _("Key %s of %s (%s) has ended.\n")
                                  : _("Badge %s of %s (%s) has ended.\n"),
                              key ? k.token : b.token, p.full_name, p.user);
        }
        return CLI_OK;
}

int command_badge_end(const struct cli_arguments *args) {
        return command_end(args, false);
}

int command_key_end(const struct cli_arguments *args) {
        return command_end(args, true);
}
