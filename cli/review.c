/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap review`, `wardtap review attest` and `wardtap review list`. */
#include "cli/review.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/admin.h"
#include "cli/lists.h"
#include "cli/when.h"
#include "common/bytes.h"
#include "common/socket.h"

#define DAYS_MAX 3650U

/* Everything there is to list. Another part of Wardtap that has something to say is one more row. */
static int (*const sources[])(struct review *r, const struct census *c, uint64_t now_usec) = {
        review_people, review_temporary, review_rules, review_break_glass, review_station,
};

static int gather(const struct cli_arguments *args, struct review *ret) {
        _cleanup_(census_clear) struct census c = {0};
        _cleanup_(review_clear) struct review r = {.unused_days = REVIEW_UNUSED_DAYS};
        const char *days = args->option[OPTION_UNUSED_FOR];
        uint64_t now = now_realtime_usec(), n = REVIEW_UNUSED_DAYS;
        int x = admin_need_root(args);
        if (x != CLI_OK)
                return x;
        if (days && (parse_u64(days, DAYS_MAX, &n) < 0 || n == 0))
                return fail(CLI_USAGE, _("--unused-for takes a number of days, 1 to %u."), DAYS_MAX);
        if ((x = census_take(&c)) != CLI_OK)
                return x;
        r.unused_days = (unsigned) n;
        (void) snprintf(r.station, sizeof(r.station), "%.64s",
                        c.rules && c.rules->station ? c.rules->station : "");
        for (size_t i = 0; x >= 0 && i < ELEMENTSOF(sources); i++)
                x = sources[i](&r, &c, now);
        if (x < 0)
                return fail(CLI_FAILED, _("There is not enough memory."));
        review_sort(&r);
        *ret = r;
        r = (struct review){0};
        return CLI_OK;
}

static int hash_failed(int error) {
        return fail(CLI_FAILED, _("The list cannot be hashed (%s)."), strerror(-error));
}

int command_review(const struct cli_arguments *args) {
        _cleanup_(review_clear) struct review r = {0};
        _cleanup_(freep) char *list = NULL;
        char hash[REVIEW_HASH_SIZE];
        int x = gather(args, &r);
        if (x != CLI_OK)
                return x;
        if ((x = review_canonical(&r, &list, hash)) < 0)
                return hash_failed(x);
        if (args->option[OPTION_JSON])
                return printf("{\"hash\":\"%s\",\"list\":%s}\n", hash, list) < 0 ? CLI_FAILED : CLI_OK;
        review_print(&r);
        (void) printf(_("When you have looked through them, sign the list off:\n"
                        "wardtap review attest --statement TEXT%s%s \\\n  --hash %s\n"),
                      args->option[OPTION_UNUSED_FOR] ? " --unused-for " : "",
                      args->option[OPTION_UNUSED_FOR] ? args->option[OPTION_UNUSED_FOR] : "", hash);
        return CLI_OK;
}

/* --- Signing off */

static bool is_hash(const char *text) {
        return strlen(text) == REVIEW_HASH_SIZE - 1 && strspn(text, "0123456789abcdef") == strlen(text);
}

static int take_attest(const struct cli_arguments *args, struct review_kept *k) {
        const char *statement = args->option[OPTION_STATEMENT];
        if (!statement[0] || !text_is_clean(statement, sizeof(k->statement) - 1))
                return fail(CLI_USAGE, _("--statement must have 1 to %zu bytes of plain text."),
                            sizeof(k->statement) - 1);
        if (!is_hash(args->option[OPTION_HASH]))
                return fail(CLI_USAGE,
                            _("--hash takes the 64 digits that stand under the list. See: wardtap "
                              "review"));
        return text_copy(k->statement, sizeof(k->statement), statement) < 0 ? CLI_USAGE : CLI_OK;
}

/* Root's file first: without it the record would name a list that nobody has. */
static int record_attest(struct admin *a, struct review_kept *k, const char *list) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
        char detail[257];
        int x = admin_record(a, RECORD_REVIEW_ATTEST, NULL, &r);
        if (x != CLI_OK)
                return x;
        (void) snprintf(detail, sizeof(detail), "%" PRIu64 " findings, %s: %s", k->findings, k->hash,
                        k->statement);
        if (record_set(&r, RECORD_FIELD_DETAIL, detail) < 0)
                return admin_store_failed(-ENOMEM);
        k->attested_usec = now_realtime_usec();
        (void) text_copy(k->requestor, sizeof(k->requestor), a->requestor);
        if ((x = review_keep(k, list)) < 0)
                return fail(CLI_FAILED, _("The list cannot be kept in %s (%s), so it was not signed off."),
                            PATH_REVIEWS, strerror(-x));
        x = admin_send(a, &r);
        if (x != CLI_OK)
                review_forget(k);
        return x;
}

int command_review_attest(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        _cleanup_(review_clear) struct review r = {0};
        _cleanup_(freep) char *list = NULL;
        struct review_kept k = {0};
        int x;
        if ((x = take_attest(args, &k)) != CLI_OK || (x = admin_open_to_record(&a, args)) != CLI_OK ||
            (x = gather(args, &r)) != CLI_OK)
                return x;
        if ((x = review_canonical(&r, &list, k.hash)) < 0)
                return hash_failed(x);
        if (strcmp(k.hash, args->option[OPTION_HASH]) != 0)
                return fail(
                        CLI_CONFLICT,
                        _("The list is not the one that was shown: something has changed since, or it was "
                          "shown with another --unused-for. Look through it again: wardtap review"));
        k.findings = r.n;
        if ((x = record_attest(&a, &k, list)) != CLI_OK)
                return x;
        if (args->option[OPTION_JSON])
                (void) printf("{\"hash\":\"%s\",\"findings\":%zu}\n", k.hash, r.n);
        else
                (void) printf(_("%s has signed off %zu findings. See them all with: wardtap review list\n"),
                              k.requestor, r.n);
        return CLI_OK;
}

/* --- Earlier ones */

struct kept_list {
        struct list list;
        bool bad;
};

static struct json_object *kept_json(const char *file, const struct review_kept *k) {
        struct json_object *o = json_new();
        json_set_string(o, "file", file);
        json_set_bool(o, "intact", k && k->intact);
        json_set_time(o, "attested", k ? k->attested_usec : 0);
        json_set_string(o, "requestor", k ? k->requestor : NULL);
        json_set_string(o, "statement", k ? k->statement : NULL);
        json_set_string(o, "hash", k ? k->hash : NULL);
        if (k)
                json_set_u64(o, "findings", k->findings);
        return o;
}

static int kept_row(const char *file, const struct review_kept *k, void *data) {
        struct kept_list *l = data;
        char when[WHEN_TEXT_MAX] = "", findings[21] = "";
        l->bad = l->bad || !k || !k->intact;
        if (l->list.json) {
                _cleanup_(json_putp) struct json_object *o = kept_json(file, k);
                json_list_print(&l->list.rows, stdout, o);
                return 0;
        }
        if (k)
                (void) snprintf(findings, sizeof(findings), "%" PRIu64, k->findings);
        const char *const cells[] = {k ? when_local(k->attested_usec, when) : "", k ? k->requestor : "",
                                     findings,
                                     !k          ? _("cannot be read")
                                     : k->intact ? _("as it was")
                                                 : _("CHANGED"),
                                     k ? k->statement : file};
        list_row(&l->list, cells);
        return 0;
}

int command_review_list(const struct cli_arguments *args) {
        struct kept_list l = {.list = {.json = args->option[OPTION_JSON],
                                       .table.titles = {_("SIGNED OFF"), _("BY"), _("FINDINGS"), _("LIST"),
                                                        _("STATEMENT")}}};
        int x = admin_need_root(args);
        if (x != CLI_OK)
                return x;
        do
                x = review_each_kept(kept_row, &l);
        while ((x >= 0 || x == -ENOENT) && list_next_pass(&l.list));
        if (x < 0 && x != -ENOENT)
                return fail(CLI_UNREADABLE, _("%s cannot be read (%s)."), PATH_REVIEWS, strerror(-x));
        return l.bad ? fail(CLI_FAILED,
                            _("A list is no longer what was signed off. The records in the journal "
                              "have its hash: wardtap audit list --all"))
                     : CLI_OK;
}
