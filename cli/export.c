/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap export`: people with the short names of their badges. The store has no badge number, and what it
 * has of keys stays there. */
#include <stdio.h>

#include "cli/csv.h"
#include "cli/import.h"
#include "cli/lists.h"
#include "cli/output.h"
#include "cli/when.h"
#include "common/util.h"

struct export {
        struct admin *admin;
        enum file_format format;
        bool all;
        size_t n; /* people */
        struct json_list rows;
        bool first; /* badge of a person */
        struct json_object *tokens;
};

static int count(const struct store_person *p, void *data) {
        struct export *x = data;
        x->n += x->all || !p->ended_usec;
        return 0;
}

static int print_token(const struct store_badge *b, void *data) {
        struct export *x = data;
        if (b->ended_usec)
                return 0;
        (void) printf("%s%s", x->first ? "" : " ", b->token);
        x->first = false;
        return 0;
}

static int append_token(const struct store_badge *b, void *data) {
        struct export *x = data;
        if (!b->ended_usec)
                json_append(x->tokens, json_object_new_string(b->token));
        return 0;
}

static void print_time(uint64_t usec) {
        char text[WHEN_TEXT_MAX];
        (void) printf("%s,", when_rfc3339(usec, text));
}

static int print_csv(struct export *x, const struct store_person *p) {
        const char *const texts[] = {p->user, p->full_name, person_kind_name(p), person_state_name(p)};
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                csv_print(stdout, texts[i]);
                (void) fputc(',', stdout);
        }
        print_time(p->not_before_usec);
        print_time(p->not_after_usec);
        print_time(p->added_usec);
        print_time(p->ended_usec);
        x->first = true;
        int r = store_each_badge(x->admin->store, p->id, print_token, x);
        (void) fputs("\r\n", stdout);
        return r;
}

static int print_json(struct export *x, const struct store_person *p) {
        _cleanup_(json_putp) struct json_object *o = json_new();
        json_set_string(o, "user", p->user);
        json_set_string(o, "full_name", p->full_name);
        json_set_string(o, "kind", person_kind_name(p));
        json_set_string(o, "state", person_state_name(p));
        json_set_time(o, "not_before", p->not_before_usec);
        json_set_time(o, "not_after", p->not_after_usec);
        json_set_time(o, "added", p->added_usec);
        json_set_time(o, "ended", p->ended_usec);
        x->tokens = json_new_array();
        json_set(o, "badge_tokens", x->tokens);
        int r = store_each_badge(x->admin->store, p->id, append_token, x);
        json_list_print(&x->rows, stdout, o);
        return r;
}

static int print_person(const struct store_person *p, void *data) {
        struct export *x = data;
        if (p->ended_usec && !x->all)
                return 0;
        return x->format == FORMAT_JSON ? print_json(x, p) : print_csv(x, p);
}

/* Who took out the list of everybody is known before it is out. */
static int record_it(struct export *x) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        char detail[64];
        int e = store_each_person(x->admin->store, count, x);
        if (e < 0)
                return admin_store_failed(e);
        int r = admin_record(x->admin, RECORD_EXPORT, NULL, &record);
        if (r != CLI_OK)
                return r;
        (void) snprintf(detail, sizeof(detail), "%zu people%s", x->n, x->all ? ", ended ones too" : "");
        if (record_set(&record, RECORD_FIELD_DETAIL, detail) < 0)
                return admin_store_failed(-ENOMEM);
        return admin_send(x->admin, &record);
}

int command_export(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        struct export x = {.admin = &a, .all = args->option[OPTION_ALL]};
        int r;
        bool json = args->option[OPTION_JSON];
        if ((r = format_take(args, NULL, &x.format)) != CLI_OK)
                return r;
        if (json && args->option[OPTION_FORMAT] && x.format != FORMAT_JSON)
                return fail(CLI_USAGE, _("--json and --format csv cannot be had together."));
        x.format = json ? FORMAT_JSON : x.format;
        if ((r = admin_open(&a, args)) != CLI_OK || (r = record_it(&x)) != CLI_OK)
                return r;
        if (x.format == FORMAT_CSV)
                (void) fputs("user,full_name,kind,state,not_before,not_after,added,ended,badge_tokens\r\n",
                             stdout);
        r = store_each_person(a.store, print_person, &x);
        if (r >= 0 && x.format == FORMAT_JSON)
                json_list_end(&x.rows, stdout);
        return r < 0 ? admin_store_failed(r) : CLI_OK;
}
