/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap ticket`: codes that let a person enrol at a station, or sign in once without badge or key. */
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "cli/admin.h"
#include "cli/clock.h"
#include "cli/lists.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "cli/when.h"
#include "common/bytes.h"
#include "common/paths.h"
#include "common/socket.h"
#include "policy/rules.h"
#include "policy/ticket.h"

/* "open", "used", or why it has ended. */
static const char *state_of(const struct store_ticket *t) {
        if (t->ended_usec != 0)
                return t->end_reason;
        if (t->not_after_usec <= now_realtime_usec())
                return t->used_usec != 0 ? "used" : "expired";
        return t->used_usec != 0 ? "used" : "open";
}

static bool is_over(const struct store_ticket *t) {
        return t->ended_usec != 0 || t->not_after_usec <= now_realtime_usec();
}

static struct json_object *ticket_json(const struct store_ticket *t, const char *user) {
        struct json_object *o = json_new();
        json_set_string(o, "ticket", t->name);
        json_set_string(o, "user", user);
        json_set_string(o, "use", ticket_use_name(t->use));
        json_set_string(o, "state", state_of(t));
        json_set_string(o, "issuer", t->issuer);
        json_set_string(o, "identified", t->identified);
        json_set_u64(o, "wrong_codes", t->failures);
        json_set_time(o, "issued", t->added_usec);
        json_set_time(o, "not_after", t->not_after_usec);
        json_set_time(o, "used", t->used_usec);
        json_set_time(o, "ended", t->ended_usec);
        return o;
}

/* --- issue */

struct issue {
        struct admin *admin;
        struct store_person person;
        struct store_ticket ticket;
        struct ticket_code code;
};

static void issue_erase(struct issue *i) {
        ticket_code_erase(&i->code);
}

static int take_options(const struct cli_arguments *args, struct store_ticket *t, uint64_t *ret_life) {
        const char *use = args->option[OPTION_USE], *identified = args->option[OPTION_IDENTIFIED];
        t->use = use ? ticket_use_from_name(use) : TICKET_ANY;
        if (t->use == TICKET_USE_MAX)
                return fail(CLI_USAGE, _("--use is enrol, sign-in or any, not '%s'."), use);
        if (!identified[0] || text_copy(t->identified, sizeof(t->identified), identified) < 0 ||
            !text_is_clean(identified, sizeof(t->identified) - 1))
                return fail(CLI_USAGE, _("--identified must have 1 to %zu bytes of plain text."),
                            sizeof(t->identified) - 1);
        if (duration_parse(args->option[OPTION_FOR], ret_life) < 0 || *ret_life < TICKET_LIFE_MIN_USEC ||
            *ret_life > TICKET_LIFE_MAX_USEC)
                return fail(CLI_USAGE,
                            _("--for does not understand '%s'. Write a time from 1min to 14d, as 12h or "
                              "'1h 30min'."),
                            args->option[OPTION_FOR]);
        return CLI_OK;
}

static int make_code(struct issue *i) {
        _cleanup_(ticket_key_erase) struct ticket_key key = {0};
        uint8_t random[TICKET_RANDOM_SIZE];
        int r = ticket_key_load(PATH_TICKET_KEY, true, &key);
        if (r < 0)
                return fail(CLI_FAILED,
                            _("The key of tickets cannot be used (%s), so no ticket was issued. %s must be "
                              "root's alone and have 32 bytes; without it all open tickets are void."),
                            strerror(-r), PATH_TICKET_KEY);
        if (getrandom(random, sizeof(random), 0) != (ssize_t) sizeof(random))
                return fail(CLI_FAILED, _("No code could be made for the ticket."));
        ticket_code_make(random, &i->code);
        explicit_bzero(random, sizeof(random));
        r = ticket_mac(&key, &i->code, &i->ticket.mac);
        return r < 0 ? admin_store_failed(r) : CLI_OK;
}

static int record_ticket(struct issue *i, enum record_event event, struct record *ret) {
        const struct store_ticket *t = &i->ticket;
        int r = admin_record(i->admin, event, &i->person, ret);
        if (r != CLI_OK)
                return r;
        if (record_set(ret, RECORD_FIELD_TICKET, t->name) < 0 ||
            record_set(ret, RECORD_FIELD_ISSUER, t->issuer) < 0 ||
            record_set(ret, RECORD_FIELD_IDENTIFIED, t->identified) < 0 ||
            record_set_u64(ret, RECORD_FIELD_UNTIL_USEC, t->not_after_usec) < 0)
                return admin_store_failed(-ENOMEM);
        return CLI_OK;
}

static int store_ticket(struct issue *i, uint64_t life_usec) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        struct policy_clock now;
        int r = clock_take(&now);
        if (r == CLI_OK)
                r = admin_begin(i->admin);
        if (r == CLI_OK)
                r = make_code(i);
        if (r != CLI_OK)
                return r;
        i->ticket.person = i->person.id;
        i->ticket.not_after_usec = now.realtime_usec + life_usec;
        i->ticket.added_boottime_usec = now.boottime_usec;
        memcpy(i->ticket.added_boot_id, now.boot_id, sizeof(i->ticket.added_boot_id));
        int e = store_add_ticket(i->admin->store, &i->ticket, now.realtime_usec);
        if (e == -ENOENT)
                return fail(CLI_NOT_FOUND, _("%s has ended, and can use no ticket."), i->person.user);
        if (e < 0)
                return admin_store_failed(e);
        if ((r = record_ticket(i, RECORD_TICKET_ISSUE, &record)) != CLI_OK)
                return r;
        if (record_set(&record, RECORD_FIELD_DETAIL, ticket_use_name(i->ticket.use)) < 0)
                return admin_store_failed(-ENOMEM);
        return admin_commit(i->admin, &record);
}

static void show_code(const struct terminal *t, const struct issue *i, bool json) {
        char code[TICKET_CODE_CHARS + 3], until[WHEN_TEXT_MAX];
        ticket_code_format(&i->code, code);
        if (json) {
                _cleanup_(json_putp) struct json_object *o = ticket_json(&i->ticket, i->person.user);
                json_set_string(o, "code", code);
                json_print(stdout, o);
        } else {
                (void) printf(_("Ticket %s for %s (%s) is good until %s. Its code is shown once, here:\n"),
                              i->ticket.name, i->person.full_name, i->person.user,
                              when_local(i->ticket.not_after_usec, until));
                (void) fflush(stdout);
                terminal_show(t, "\n    %s\n", code);
        }
        explicit_bzero(code, sizeof(code));
}

static void warn_of_rules(void) {
        _cleanup_(rules_freep) struct rules *rules = NULL;
        if (rules_load(PATH_SNAPSHOT, &rules) >= 0 && !rules->tickets)
                warn(_("The rules in force ask for no code at this station: write Tickets=yes in [Site]."));
}

int command_ticket_issue(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        _cleanup_(terminal_close) struct terminal t = {.tty = -1, .signals = -1};
        _cleanup_(issue_erase) struct issue i = {.admin = &a};
        bool json = args->option[OPTION_JSON];
        uint64_t life = 0;
        int r;

        if ((r = take_options(args, &i.ticket, &life)) != CLI_OK || (r = admin_open(&a, args)) != CLI_OK ||
            (r = admin_find_person(&a, args->option[OPTION_USER], &i.person)) != CLI_OK)
                return r;
        if ((r = terminal_open(&t, PATH_TTY)) < 0)
                return fail(CLI_FAILED, _("Signals cannot be taken (%s)."), strerror(-r));
        if (!json && t.tty < 0)
                return fail(CLI_FAILED,
                            _("A code is shown on a terminal only, and there is none. Run this in one, or "
                              "use --json."));
        (void) text_copy(i.ticket.issuer, sizeof(i.ticket.issuer), a.requestor);
        if ((r = store_ticket(&i, life)) != CLI_OK)
                return r;
        show_code(&t, &i, json);
        warn_of_rules();
        return CLI_OK;
}

/* --- list */

static int ticket_row(const struct store_ticket *t, void *data) {
        struct list *l = data;
        struct store_person p;
        char until[WHEN_TEXT_MAX], used[WHEN_TEXT_MAX];
        if (is_over(t) && !l->all)
                return 0;
        const char *user = store_find_person_by_id(l->admin->store, t->person, &p) < 0 ? "?" : p.user;
        const char *const cells[] = {t->name,
                                     user,
                                     ticket_use_name(t->use),
                                     when_local(t->not_after_usec, until),
                                     when_local(t->used_usec, used),
                                     t->issuer,
                                     t->identified,
                                     state_of(t)};
        if (!l->json) {
                list_row(l, cells);
                return 0;
        }
        _cleanup_(json_putp) struct json_object *o = ticket_json(t, user);
        json_list_print(&l->rows, stdout, o);
        return 0;
}

int command_ticket_list(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        int r = admin_open_read(&a);
        if (r != CLI_OK)
                return r;
        struct list l = {.admin = &a,
                         .all = args->option[OPTION_ALL],
                         .json = args->option[OPTION_JSON],
                         .table = {.titles = {_("TICKET"), _("USER"), _("USE"), _("UNTIL"), _("USED"),
                                              _("ISSUER"), _("IDENTIFIED"), _("STATE")}}};
        do
                r = store_each_ticket(a.store, ticket_row, &l);
        while (r >= 0 && list_next_pass(&l));
        return r < 0 ? admin_store_failed(r) : CLI_OK;
}

/* --- revoke */

static int revoke_ticket(struct issue *i, const char *name, const char *reason) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        int r = admin_begin(i->admin);
        if (r != CLI_OK)
                return r;
        int e = store_end_ticket(i->admin->store, name, reason, now_realtime_usec(), &i->ticket, &i->person);
        if (e == -ENOENT)
                return fail(CLI_NOT_FOUND,
                            _("There is no open ticket '%s'. See them all with: wardtap ticket list --all"),
                            name);
        if (e < 0)
                return admin_store_failed(e);
        if ((r = record_ticket(i, RECORD_TICKET_REVOKE, &record)) != CLI_OK)
                return r;
        if (record_set(&record, RECORD_FIELD_DETAIL, reason) < 0)
                return admin_store_failed(-ENOMEM);
        return admin_commit(i->admin, &record);
}

int command_ticket_revoke(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        struct issue i = {.admin = &a};
        const char *reason = args->option[OPTION_REASON];
        int r;
        if (!text_is_clean(reason, sizeof(i.ticket.end_reason) - 1) || !reason[0])
                return fail(CLI_USAGE, _("--reason must have 1 to %zu bytes of plain text."),
                            sizeof(i.ticket.end_reason) - 1);
        if ((r = admin_open(&a, args)) != CLI_OK ||
            (r = revoke_ticket(&i, cli_word(args, 0), reason)) != CLI_OK)
                return r;
        if (args->option[OPTION_JSON]) {
                _cleanup_(json_putp) struct json_object *o = ticket_json(&i.ticket, i.person.user);
                json_print(stdout, o);
        } else {
                (void) printf(_("Ticket %s of %s (%s) is good for nothing any more.\n"), i.ticket.name,
                              i.person.full_name, i.person.user);
        }
        return CLI_OK;
}
