/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap person`: who is enrolled. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>

#include "cli/admin.h"
#include "cli/lists.h"
#include "cli/output.h"
#include "cli/when.h"
#include "common/paths.h"
#include "common/socket.h"

const char *person_state_name(const struct store_person *p) {
        switch (p->state) {
        case PERSON_ACTIVE:
                return "active";
        case PERSON_SUSPENDED:
                return "suspended";
        default:
                return "ended";
        }
}

const char *person_kind_name(const struct store_person *p) {
        static const char *const names[PERSON_KIND_MAX] = {"permanent", "agency", "emergency"};
        return (unsigned) p->kind < PERSON_KIND_MAX ? names[p->kind] : "?";
}

struct json_object *person_json(const struct store_person *p) {
        struct json_object *o = json_new();
        json_set_string(o, "user", p->user);
        json_set_string(o, "full_name", p->full_name);
        json_set_string(o, "person", p->uuid);
        json_set_string(o, "state", person_state_name(p));
        json_set_string(o, "kind", person_kind_name(p));
        json_set_time(o, "not_before", p->not_before_usec);
        json_set_time(o, "not_after", p->not_after_usec);
        json_set_time(o, "added", p->added_usec);
        json_set_time(o, "ended", p->ended_usec);
        json_set_string(o, "source", p->source);
        return o;
}

/* The name an account has: the first of the GECOS fields. */
static void account_name(const struct passwd *pw, char *ret, size_t size) {
        size_t n = pw->pw_gecos ? strcspn(pw->pw_gecos, ",") : 0;
        if (n > 0 && n < size) {
                memcpy(ret, pw->pw_gecos, n);
                ret[n] = 0;
                if (text_is_clean(ret, size - 1))
                        return;
        }
        (void) snprintf(ret, size, "%s", pw->pw_name);
}

static int take_person(const struct cli_arguments *args, struct store_person *p) {
        const char *user = cli_word(args, 0), *name = args->option[OPTION_NAME];
        int r = admin_take_text(_("The user's name"), user, p->user, sizeof(p->user));
        if (r == CLI_OK && name)
                r = admin_take_text("--name", name, p->full_name, sizeof(p->full_name));
        if (r == CLI_OK)
                r = admin_take_time(args, OPTION_NOT_BEFORE, "not-before", false, &p->not_before_usec);
        if (r == CLI_OK)
                r = admin_take_time(args, OPTION_NOT_AFTER, "not-after", true, &p->not_after_usec);
        if (r != CLI_OK)
                return r;
        if (p->not_after_usec && p->not_after_usec <= p->not_before_usec)
                return fail(CLI_USAGE, _("--not-after must be later than --not-before."));
        struct passwd *pw = getpwnam(p->user);
        if (!pw)
                return fail(CLI_NOT_FOUND,
                            _("This system has no account '%s'. Make it first, or check the spelling."),
                            user);
        if (strcmp(pw->pw_name, p->user) != 0) /* a directory may ignore case */
                return fail(CLI_USAGE, _("The account is called '%s'. Try: wardtap person add %s"),
                            pw->pw_name, pw->pw_name);
        if (!name)
                account_name(pw, p->full_name, sizeof(p->full_name));
        return CLI_OK;
}

int command_person_add(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        struct store_person p = {.state = PERSON_ACTIVE, .source = "station"};
        int r;

        if (args->option[OPTION_AGENCY] && args->option[OPTION_EMERGENCY])
                return fail(CLI_USAGE, _("Give --agency or --emergency, not both."));
        if (args->option[OPTION_AGENCY] || args->option[OPTION_EMERGENCY])
                p.kind = args->option[OPTION_AGENCY] ? PERSON_AGENCY : PERSON_EMERGENCY;
        if ((r = take_person(args, &p)) != CLI_OK || (r = admin_open(&a, args)) != CLI_OK ||
            (r = admin_begin(&a)) != CLI_OK)
                return r;
        int e = store_add_person(a.store, &p, now_realtime_usec());
        if (e == -EEXIST)
                return fail(CLI_CONFLICT, _("'%s' is enrolled already. See: wardtap person show %s"), p.user,
                            p.user);
        if (e < 0)
                return admin_store_failed(e);
        if ((r = admin_record(&a, RECORD_PERSON_ADD, &p, &record)) != CLI_OK ||
            (r = admin_commit(&a, &record)) != CLI_OK)
                return r;

        if (args->option[OPTION_JSON]) {
                _cleanup_(json_putp) struct json_object *o = person_json(&p);
                json_print(stdout, o);
        } else {
                (void) printf(_("%s (%s) is enrolled. Next: wardtap badge enrol %s\n"), p.full_name, p.user,
                              p.user);
        }
        return CLI_OK;
}

static int person_row(const struct store_person *p, void *data) {
        char from[WHEN_TEXT_MAX], until[WHEN_TEXT_MAX], added[WHEN_TEXT_MAX];
        const char *const cells[] = {p->user,
                                     p->full_name,
                                     person_state_name(p),
                                     when_local(p->not_before_usec, from),
                                     when_local(p->not_after_usec, until),
                                     person_kind_name(p),
                                     when_local(p->added_usec, added)};
        struct list *l = data;
        if (l->json) {
                _cleanup_(json_putp) struct json_object *o = person_json(p);
                json_list_print(&l->rows, stdout, o);
        } else {
                list_row(l, cells);
        }
        return 0;
}

int command_person_list(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        struct list l = {.admin = &a,
                         .json = args->option[OPTION_JSON],
                         .table.titles = {_("USER"), _("NAME"), _("STATE"), _("NOT BEFORE"), _("NOT AFTER"),
                                          _("KIND"), _("ADDED")}};
        int r = admin_open_read(&a);
        if (r != CLI_OK)
                return r;
        do
                r = store_each_person(a.store, person_row, &l);
        while (r >= 0 && list_next_pass(&l));
        return r < 0 ? admin_store_failed(r) : CLI_OK;
}

static void show_history(const struct store_person *p) {
        struct store *state = NULL;
        struct policy_history h;
        char at[WHEN_TEXT_MAX];
        if (store_open_state(PATH_STATE_DB, true, &state) < 0)
                return;
        if (store_history(state, p->id, &h) >= 0) {
                print_pair(stdout, 16, _("Last sign-in"),
                           h.any_strong ? when_local(h.strong_usec, at) : "-");
                if (h.failures > 0)
                        (void) printf(_("Failures:        %u in a row\n"), h.failures);
        }
        (void) store_close(state);
}

static void show_person(const struct store_person *p) {
        char text[WHEN_TEXT_MAX];
        print_pair(stdout, 16, _("Name"), p->full_name);
        print_pair(stdout, 16, _("User"), p->user);
        print_pair(stdout, 16, _("Person"), p->uuid);
        print_pair(stdout, 16, _("State"), person_state_name(p));
        print_pair(stdout, 16, _("Kind"), person_kind_name(p));
        print_pair(stdout, 16, _("Not before"), when_local(p->not_before_usec, text));
        print_pair(stdout, 16, _("Not after"), when_local(p->not_after_usec, text));
        print_pair(stdout, 16, _("Added"), when_local(p->added_usec, text));
        if (!getpwnam(p->user))
                print_pair(stdout, 16, _("Account"), _("this system has none of that name: no sign-in"));
        show_history(p);
}

int command_person_show(const struct cli_arguments *args) {
        _cleanup_(admin_close) struct admin a = {.broker = -1};
        struct store_person p;
        int r;
        if ((r = admin_open_read(&a)) != CLI_OK ||
            (r = admin_find_person(&a, cli_word(args, 0), &p)) != CLI_OK)
                return r;
        if (args->option[OPTION_JSON]) {
                _cleanup_(json_putp) struct json_object *o = person_json(&p);
                if ((r = list_badges_json(&a, &p, o)) == CLI_OK &&
                    (r = list_keys_json(&a, &p, o)) == CLI_OK && (r = list_lease_json(&a, &p, o)) == CLI_OK)
                        json_print(stdout, o);
                return r;
        }
        show_person(&p);
        if ((r = list_lease(&a, &p)) != CLI_OK)
                return r;
        (void) printf("\n%s\n", _("Badges"));
        if ((r = list_badges(&a, &p)) != CLI_OK)
                return r;
        (void) printf("\n%s\n", _("Keys"));
        return list_keys(&a, &p);
}
