/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap status`: what wardtapd says of itself on the bus, whether each socket answers, which rules are in
 * force, and whether the people can be read. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cli/admin.h"
#include "cli/emergency.h"
#include "cli/output.h"
#include "cli/station_bus.h"
#include "cli/when.h"
#include "common/paths.h"
#include "common/socket.h"
#include "policy/rules.h"

#define TITLE_WIDTH 16U

struct status {
        struct json_object *station;  /* the bus properties as they came; NULL: wardtapd does not answer */
        struct json_object *sessions; /* of the seat; NULL for whoever is not root */
        struct json_object *sockets;  /* name -> "answers", "refused", "missing", "not checked" */
        struct json_object *problems; /* sentences */
        char rules[65];               /* hash of those in force */
        uint64_t rules_usec;          /* when they were applied */
        const char *people;           /* "readable", "missing", "unreadable", "not checked" */
        bool emergencies_known;
        unsigned emergencies; /* whose review is open */
};

static void status_clear(struct status *s) {
        json_putp(&s->station);
        json_putp(&s->sessions);
        json_putp(&s->sockets);
        json_putp(&s->problems);
}

static void problem(struct status *s, const char *text) {
        json_append(s->problems, json_object_new_string(text));
}

/* --- The bus */

static const char *text_of(const struct status *s, const char *name) {
        struct json_object *v;
        return s->station && json_object_object_get_ex(s->station, name, &v) && v ? json_object_get_string(v)
                                                                                  : "";
}

static uint64_t number_of(const struct status *s, const char *name) {
        struct json_object *v;
        return s->station && json_object_object_get_ex(s->station, name, &v) ? json_object_get_uint64(v) : 0;
}

static bool is_false(const struct status *s, const char *name) {
        struct json_object *v;
        return s->station && json_object_object_get_ex(s->station, name, &v) &&
               json_object_is_type(v, json_type_boolean) && !json_object_get_boolean(v);
}

static size_t count_of(const struct status *s, const char *name) {
        struct json_object *v;
        return s->station && json_object_object_get_ex(s->station, name, &v) &&
                               json_object_is_type(v, json_type_array)
                       ? json_object_array_length(v)
                       : 0;
}

static void look_at_bus(struct status *s) {
        int r = station_ask(&s->station);
        if (r < 0) {
                problem(s, r == -ENOENT || r == -ECONNREFUSED
                                   ? _("The system bus does not answer. See: systemctl status dbus")
                                   : _("wardtapd does not answer on the system bus. Start it with: "
                                       "systemctl start wardtapd (and if it stops again: journalctl -u "
                                       "wardtapd)"));
                return;
        }
        if (geteuid() == 0)
                (void) station_ask_sessions(&s->sessions); /* an older wardtapd has no such list */
        if (count_of(s, "Readers") == 0)
                problem(s, _("No badge reader is connected. Plug one in."));
        if (count_of(s, "ReadersSlowed") > 0)
                problem(s,
                        _("A reader is slowed because of many unknown badges. See: journalctl -t wardtapd"));
        if (is_false(s, "JournalConnected"))
                problem(s,
                        _("wardtapd does not reach the journal; records wait on disk. See: systemctl status "
                          "systemd-journald"));
        if (is_false(s, "Watching"))
                problem(s,
                        _("wardtapd does not see taps. See: systemctl status wardtap-device.socket pcscd"));
}

/* --- Sockets and files */

static void look_at_socket(struct status *s, const char *name, const char *path, const char *unit) {
        _cleanup_(closep) int fd = -1;
        char text[256];
        int r = socket_connect(path, 0, &fd);
        if (r == -EACCES) {
                json_set_string(s->sockets, name, "not checked");
                return;
        }
        json_set_string(s->sockets, name, r >= 0 ? "answers" : r == -ENOENT ? "missing" : "refused");
        if (r >= 0)
                return;
        (void) snprintf(text, sizeof(text), _("%s does not answer (%s). Start it with: systemctl start %s"),
                        path, strerror(-r), unit);
        problem(s, text);
}

static void look_at_rules(struct status *s) {
        _cleanup_(rules_freep) struct rules *rules = NULL;
        struct stat st;
        const char *known = text_of(s, "PolicyHash");
        int r = rules_load(PATH_SNAPSHOT, &rules);
        if (r >= 0)
                memcpy(s->rules, rules->hash, sizeof(s->rules));
        else if (r == -EACCES)
                (void) snprintf(s->rules, sizeof(s->rules), "%s", known);
        else
                problem(s,
                        r == -ENOENT
                                ? _("No rules are in force, so nobody can sign in. Apply them with: wardtap "
                                    "policy apply --reason TEXT")
                                : _("The rules in force cannot be read, so nobody can sign in. Apply them "
                                    "again with: wardtap policy apply --reason TEXT"));
        if (stat(PATH_SNAPSHOT, &st) == 0)
                s->rules_usec = (uint64_t) st.st_mtim.tv_sec * 1000000U;
        if (r >= 0 && known[0] && strcmp(known, s->rules) != 0)
                problem(s, _("wardtapd knows other rules than those in force. Restart it with: systemctl "
                             "restart "
                             "wardtapd"));
}

static void look_at_people(struct status *s) {
        _cleanup_(store_closep) struct store *store = NULL;
        int r = admin_open_people(&store);
        if (r >= 0) {
                s->people = "readable";
        } else if (r == -EACCES) {
                s->people = "not checked";
                if (geteuid() == 0)
                        s->people = "unreadable";
        } else {
                s->people = r == -ENOENT ? "missing" : "unreadable";
        }
        if (strcmp(s->people, "unreadable") == 0)
                problem(s, _("The store of people cannot be read, so nobody can sign in. Put a backup of "
                             "" PATH_PEOPLE_DB " in its place."));
}

/* --- Printing */

/* "ReadersSlowed" -> "readers_slowed". */
static void snake(const char *name, char *ret, size_t size) {
        size_t n = 0;
        for (const char *c = name; *c && n + 2 < size; c++) {
                bool upper = *c >= 'A' && *c <= 'Z';
                if (upper && c > name && !(c[-1] >= 'A' && c[-1] <= 'Z'))
                        ret[n++] = '_';
                ret[n++] = upper ? (char) (*c - 'A' + 'a') : *c;
        }
        ret[n] = 0;
}

static void add_station(const struct status *s, struct json_object *o) {
        if (!s->station)
                return;
        json_object_object_foreach(s->station, name, value) {
                char key[64];
                snake(name, key, sizeof(key));
                json_set(o, key, json_object_get(value));
        }
}

static void print_json_status(struct status *s, bool ok) {
        _cleanup_(json_putp) struct json_object *o = json_new();
        json_set_bool(o, "ok", ok);
        json_set_bool(o, "wardtapd", s->station);
        add_station(s, o);
        if (s->sessions)
                json_set(o, "sessions", json_object_get(s->sessions));
        json_set(o, "sockets", json_object_get(s->sockets));
        json_set_string(o, "rules", s->rules[0] ? s->rules : NULL);
        json_set_time(o, "rules_applied", s->rules_usec);
        json_set_string(o, "people", s->people);
        if (s->emergencies_known)
                json_set_u64(o, "emergencies_open", s->emergencies);
        json_set(o, "problems", json_object_get(s->problems));
        json_print(stdout, o);
}

static void join(const struct status *s, const char *name, char *ret, size_t size) {
        struct json_object *v;
        size_t used = 0;
        ret[0] = 0;
        if (!s->station || !json_object_object_get_ex(s->station, name, &v))
                return;
        if (!json_object_is_type(v, json_type_array)) {
                (void) snprintf(ret, size, "%s", v ? json_object_get_string(v) : "");
                return;
        }
        for (size_t i = 0; i < json_object_array_length(v) && used < size; i++)
                used += (size_t) snprintf(ret + used, size - used, "%s%s", i > 0 ? ", " : "",
                                          json_object_get_string(json_object_array_get_idx(v, i)));
}

static void print_station(const struct status *s) {
        char text[512], at[WHEN_TEXT_MAX];
        if (!s->station) {
                print_pair(stdout, TITLE_WIDTH, "wardtapd", _("does not answer"));
                return;
        }
        print_pair(stdout, TITLE_WIDTH, _("Station"), text_of(s, "Station"));
        join(s, "Tags", text, sizeof(text));
        print_pair(stdout, TITLE_WIDTH, _("Tags"), text);
        (void) snprintf(text, sizeof(text), _("running, version %s"), text_of(s, "Version"));
        print_pair(stdout, TITLE_WIDTH, "wardtapd", text);
        join(s, "Readers", text, sizeof(text));
        print_pair(stdout, TITLE_WIDTH, _("Readers"), text[0] ? text : _("none"));
        join(s, "ReadersSlowed", text, sizeof(text));
        print_pair(stdout, TITLE_WIDTH, _("Slowed"), text);
        if (number_of(s, "LastTapUSec"))
                print_pair(stdout, TITLE_WIDTH, _("Last tap"), when_local(number_of(s, "LastTapUSec"), at));
        (void) snprintf(text, sizeof(text), "%" PRIu64, number_of(s, "WaitingAttempts"));
        print_pair(stdout, TITLE_WIDTH, _("Waiting for tap"), text);
        (void) snprintf(text, sizeof(text), "%" PRIu64, number_of(s, "OpenSessions"));
        print_pair(stdout, TITLE_WIDTH, _("Sessions"), text);
        (void) snprintf(text, sizeof(text),
                        _("%" PRIu64 " written, %" PRIu64 " on their way to the journal"),
                        number_of(s, "RecordSequence"), number_of(s, "RecordsPending"));
        print_pair(stdout, TITLE_WIDTH, _("Records"), text);
}

/* Those on the screen, or those that are not; says whether there was one. */
static bool print_sessions_that(const struct status *s, bool shown, const char *title) {
        char text[256], at[WHEN_TEXT_MAX];
        size_t n = s->sessions ? json_object_array_length(s->sessions) : 0;
        bool any = false;
        for (size_t i = 0; i < n; i++) {
                struct json_object *o = json_object_array_get_idx(s->sessions, i);
                const char *attempt = json_object_get_string(json_object_object_get(o, "attempt"));
                if (json_object_get_boolean(json_object_object_get(o, "shown")) != shown)
                        continue;
                uint64_t since = json_object_get_uint64(json_object_object_get(o, "since_usec"));
                (void) snprintf(text, sizeof(text), _("%s since %s, session %s%s"),
                                json_object_get_string(json_object_object_get(o, "user")),
                                when_local(since, at),
                                json_object_get_string(json_object_object_get(o, "session")),
                                attempt[0] ? "" : _(", not by Wardtap"));
                print_pair(stdout, TITLE_WIDTH, title, text);
                any = true;
        }
        return any;
}

/* The one on the screen first, as people ask. */
static void print_sessions(const struct status *s) {
        if (!print_sessions_that(s, true, _("At the screen")) && s->sessions)
                print_pair(stdout, TITLE_WIDTH, _("At the screen"), _("nobody"));
        (void) print_sessions_that(s, false, _("Parked"));
}

static void print_text(struct status *s, bool ok) {
        char text[128], at[WHEN_TEXT_MAX];
        print_station(s);
        print_sessions(s);
        if (s->rules[0])
                (void) snprintf(text, sizeof(text), _("%.12s, applied %s"), s->rules,
                                when_local(s->rules_usec, at));
        print_pair(stdout, TITLE_WIDTH, _("Rules"), s->rules[0] ? text : _("none"));
        print_pair(stdout, TITLE_WIDTH, _("People"),
                   strcmp(s->people, "missing") == 0 ? _("nobody yet. Begin with: wardtap person add USER")
                                                     : s->people);
        if (s->emergencies > 0)
                (void) snprintf(text, sizeof(text),
                                _("%u not reviewed to the end. See: wardtap emergency list --open"),
                                s->emergencies);
        print_pair(stdout, TITLE_WIDTH, _("Emergencies"), s->emergencies > 0 ? text : NULL);
        json_object_object_foreach(s->sockets, name, value) {
                (void) snprintf(text, sizeof(text), _("Socket %s"), name);
                print_pair(stdout, TITLE_WIDTH, text, json_object_get_string(value));
        }
        if (ok) {
                (void) printf("%s\n", _("All is well."));
                return;
        }
        for (size_t i = 0; i < json_object_array_length(s->problems); i++)
                (void) printf("! %s\n", json_object_get_string(json_object_array_get_idx(s->problems, i)));
}

/* Only root may read what attempts remember. */
static void look_at_emergencies(struct status *s) {
        _cleanup_(emergency_items_clear) struct emergency_items l = {0};
        _cleanup_(store_closep) struct store *store = NULL;
        if (geteuid() != 0 || admin_open_people(&store) < 0 ||
            emergency_items_load(store, false, &l) != CLI_OK)
                return;
        s->emergencies_known = true;
        s->emergencies = emergency_items_open(&l);
}

int command_status(const struct cli_arguments *args) {
        _cleanup_(status_clear) struct status s = {.sockets = json_new(), .problems = json_new_array()};
        look_at_bus(&s);
        look_at_socket(&s, "auth", PATH_AUTH_SOCKET, "wardtap-auth.socket");
        look_at_socket(&s, "device", PATH_DEVICE_SOCKET, "wardtap-device.socket");
        look_at_socket(&s, "broker", PATH_BROKER_SOCKET, "wardtap-broker.socket");
        look_at_rules(&s);
        look_at_people(&s);
        look_at_emergencies(&s);
        bool ok = json_object_array_length(s.problems) == 0;
        if (args->option[OPTION_JSON])
                print_json_status(&s, ok);
        else
                print_text(&s, ok);
        return ok ? CLI_OK : CLI_FAILED;
}
