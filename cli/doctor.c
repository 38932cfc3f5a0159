/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap doctor`: the table of its checks, and what they found. */
#include "cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "cli/admin.h"
#include "cli/output.h"
#include "cli/station_bus.h"
#include "common/paths.h"

static const struct {
        const char *name;
        void (*run)(struct doctor *d);
} checks[] = {
        {"readers", check_readers}, {"pcscd", check_pcscd},         {"keys", check_keys},
        {"users", check_users},     {"sockets", check_sockets},     {"daemons", check_daemons},
        {"idle", check_idle},       {"units", check_units},         {"badge-key", check_badge_key},
        {"clock", check_clock},     {"journal", check_journal},     {"station", check_station_files},
        {"rules", check_rules},     {"store", check_store},         {"services", check_services},
        {"order", check_order},     {"passwords", check_passwords}, {"keyrings", check_keyrings},
        {"homes", check_homes},     {"sessions", check_sessions},   {"emergency", check_emergency},
};

static const char *const names[FINDING_MAX] = {"ok", "warn", "bad"};

static void doctor_clear(struct doctor *d) {
        json_putp(&d->station);
        json_putp(&d->found);
        d->rules = rules_free(d->rules);
}

void found(struct doctor *d, enum finding how, const char *fix, const char *format, ...) {
        char text[512];
        va_list ap;
        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        struct json_object *o = json_new();
        json_set_string(o, "check", d->check);
        json_set_string(o, "result", names[how]);
        json_set_string(o, "text", text);
        json_set_string(o, "fix", fix);
        json_append(d->found, o);
        d->n[how]++;
}

static const char *text_of(struct json_object *o, const char *key) {
        struct json_object *v;
        return json_object_object_get_ex(o, key, &v) && v ? json_object_get_string(v) : NULL;
}

static void print_text(const struct doctor *d) {
        for (size_t i = 0; i < json_object_array_length(d->found); i++) {
                struct json_object *o = json_object_array_get_idx(d->found, i);
                const char *fix = text_of(o, "fix");
                (void) printf("%-4s  %-9s  ", text_of(o, "result"), text_of(o, "check"));
                print_clean(stdout, text_of(o, "text"));
                if (fix) {
                        (void) fputs(" ", stdout);
                        print_clean(stdout, fix);
                }
                (void) putchar('\n');
        }
        (void) printf(_("%u ok, %u to look at, %u bad\n"), d->n[FINDING_OK], d->n[FINDING_WARN],
                      d->n[FINDING_BAD]);
}

static void print_json(const struct doctor *d) {
        _cleanup_(json_putp) struct json_object *o = json_new();
        json_set_bool(o, "ok", d->n[FINDING_BAD] == 0);
        json_set(o, "findings", json_object_get(d->found));
        json_print(stdout, o);
}

int command_doctor(const struct cli_arguments *args) {
        _cleanup_(doctor_clear) struct doctor d = {.found = json_new_array()};
        int status = admin_need_root(args);
        if (status != CLI_OK)
                return status;
        (void) station_ask(&d.station); /* without it the checks say so */
        d.rules_error = rules_load(PATH_SNAPSHOT, &d.rules);
        for (size_t i = 0; i < ELEMENTSOF(checks); i++) {
                d.check = checks[i].name;
                checks[i].run(&d);
        }
        if (args->option[OPTION_JSON])
                print_json(&d);
        else
                print_text(&d);
        return d.n[FINDING_BAD] > 0 ? CLI_FAILED : CLI_OK;
}
