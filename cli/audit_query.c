/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about one person are records. */
#include "cli/audit_query.h"

#include <pwd.h>
#include <stdio.h>

#include "cli/admin.h"
#include "cli/when.h"
#include "common/bytes.h"

#define REASON_BYTES 200U /* with the time behind it no longer than DETAIL may be */

/* A name that nobody has may be a password that was typed in its place: no record has it. */
static int record_user(struct admin *a, const char *user, struct record *ret) {
        struct store_person p;
        int r = a->store ? store_find_person(a->store, user, &p) : -ENOENT;
        if (r == 0)
                return admin_record(a, RECORD_AUDIT_QUERY, &p, ret);
        if (r != -ENOENT)
                return admin_store_failed(r);
        if ((r = admin_record(a, RECORD_AUDIT_QUERY, NULL, ret)) != CLI_OK || !getpwnam(user))
                return r;
        return record_set(ret, RECORD_FIELD_USER, user) < 0 ? admin_store_failed(-ENOMEM) : CLI_OK;
}

static int record_query(struct admin *a, const char *user, const char *reason, uint64_t since_usec) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
        char detail[257], since[WHEN_TEXT_MAX];
        int x = record_user(a, user, &r);
        if (x != CLI_OK)
                return x;
        (void) snprintf(detail, sizeof(detail), "%s (%s%s)", reason, since_usec ? "since " : "all",
                        when_local(since_usec, since));
        return record_set(&r, RECORD_FIELD_DETAIL, detail) < 0 ? admin_store_failed(-ENOMEM)
                                                               : admin_send(a, &r);
}

int audit_query(const struct cli_arguments *args, uint64_t since_usec) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        const char *user = args->option[OPTION_USER], *reason = args->option[OPTION_REASON];
        if (!user)
                return reason ? fail(CLI_USAGE,
                                     _("--reason is for questions about one person: give --user."))
                              : CLI_OK;
        if (!reason)
                return fail(CLI_USAGE,
                            _("Who asks about one person says why, and is recorded: add --reason TEXT."));
        if (!reason[0] || !text_is_clean(reason, REASON_BYTES))
                return fail(CLI_USAGE, _("--reason must have 1 to %u bytes of plain text."), REASON_BYTES);
        if (geteuid() != 0)
                return fail(CLI_NOT_ROOT,
                            _("A question about one person must be recorded, which only root can have done. "
                              "Try it with sudo, or leave --user out."));
        int r = admin_open_to_record(&a, args);
        return r == CLI_OK ? record_query(&a, user, reason, since_usec) : r;
}
