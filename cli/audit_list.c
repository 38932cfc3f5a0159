/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap audit list`: who was at the station, and who took over from whom, as a table or JSON. Only what
 * wardtapd itself wrote is shown, each record once. */
#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "cli/audit_query.h"
#include "cli/audit_seen.h"
#include "cli/audit_source.h"
#include "cli/output.h"
#include "cli/when.h"
#include "common/util.h"

#define DAY_USEC ((uint64_t) 24 * 3600 * 1000000)

enum column { TIME, EVENT, STATION, FROM, TO, FACTORS, LEVEL, GRACE, VERDICT, SCREEN, NOTE, COLUMNS };

struct row {
        uint64_t time_usec;
        enum record_event event;
        char time[WHEN_TEXT_MAX], grace[WHEN_TEXT_MAX], verdict[WHEN_TEXT_MAX], screen[WHEN_TEXT_MAX],
                note[512];
        const char *cells[COLUMNS]; /* into the entry, or the texts above */
};

struct audit_list {
        struct audit_source source;
        uint64_t since_usec;
        const char *user;
        bool all, json, printing;
        struct json_list rows;
        size_t n; /* rows in this pass */
        struct table table;
        char station[65], day[WHEN_TEXT_MAX];           /* of the first row */
        bool many_stations, many_days, filled[COLUMNS]; /* what the first pass has seen */
        struct audit_seen *seen;                        /* owned */
};

static void list_clear(struct audit_list *l) {
        audit_source_close(&l->source);
        l->seen = audit_seen_free(l->seen);
}

static bool is_presence(enum record_event event) {
        static const enum record_event events[] = {RECORD_HANDOFF,
                                                   RECORD_SIGN_IN,
                                                   RECORD_RESUME,
                                                   RECORD_FALLBACK,
                                                   RECORD_UNLOCK,
                                                   RECORD_LOCK,
                                                   RECORD_IDLE_LOCK,
                                                   RECORD_TAP_OUT,
                                                   RECORD_SIGN_OUT,
                                                   RECORD_GUARD_ALERT,
                                                   RECORD_BREAK_GLASS_START,
                                                   RECORD_BREAK_GLASS_STOP};
        for (size_t i = 0; i < ELEMENTSOF(events); i++)
                if (events[i] == event)
                        return true;
        return false;
}

static const char *field(const struct audit_entry *e, enum record_field f) {
        const char *value = audit_entry_field(e, f);
        return value ? value : "";
}

static bool is_of_user(const struct audit_entry *e, const char *user) {
        return !user || strcmp(field(e, RECORD_FIELD_USER), user) == 0 ||
               strcmp(field(e, RECORD_FIELD_FROM_USER), user) == 0 ||
               strcmp(field(e, RECORD_FIELD_ACCOUNT), user) == 0;
}

static void fill_duration(const char *usec_text, char ret[WHEN_TEXT_MAX]) {
        uint64_t usec;
        if (parse_u64(usec_text, UINT64_MAX / 2, &usec) < 0)
                ret[0] = 0;
        else
                (void) when_short(usec, ret);
}

/* GRACE is how old the full sign-in was, as "7500s". */
static void fill_grace(const char *grace, char ret[WHEN_TEXT_MAX]) {
        char digits[24];
        uint64_t seconds;
        (void) snprintf(digits, sizeof(digits), "%.*s", (int) strcspn(grace, "s"), grace);
        ret[0] = 0;
        if (parse_u64(digits, UINT64_MAX / 1000000U, &seconds) >= 0)
                (void) when_span(seconds * 1000000U, ret);
}

static void add_note(struct row *r, const char *text) {
        size_t n = strlen(r->note);
        if (*text)
                (void) snprintf(r->note + n, sizeof(r->note) - n, "%s%s", n > 0 ? ", " : "", text);
}

static void fill_note(struct row *r, const struct audit_entry *e) {
        const char *outcome = audit_entry_value(e, "WARDTAP_OUTCOME");
        bool presence = is_presence(r->event), guard = r->event == RECORD_GUARD_ALERT;
        if (r->event == RECORD_FALLBACK && outcome && strcmp(outcome, "0") != 0)
                add_note(r, _("not allowed by the rules"));
        if (!guard || !field(e, RECORD_FIELD_DETAIL)[0]) /* which says it in a sentence */
                add_note(r, field(e, RECORD_FIELD_REASON));
        if (!presence) {
                add_note(r, field(e, RECORD_FIELD_READER));
                add_note(r, field(e, RECORD_FIELD_SERVICE));
        }
        add_note(r, field(e, RECORD_FIELD_CLAIMED));
        if (!presence || guard || r->event == RECORD_BREAK_GLASS_START)
                add_note(r, field(e, RECORD_FIELD_DETAIL));
}

/* Who left and who came. */
static void fill_people(struct row *r, const struct audit_entry *e) {
        const char *user = field(e, RECORD_FIELD_USER);
        switch (r->event) {
        case RECORD_LOCK:
        case RECORD_IDLE_LOCK:
        case RECORD_TAP_OUT:
        case RECORD_SIGN_OUT:
        case RECORD_SESSION_CLOSE:
        case RECORD_BREAK_GLASS_STOP:
                r->cells[FROM] = user;
                break;
        default:
                r->cells[FROM] = field(e, RECORD_FIELD_FROM_USER);
                r->cells[TO] = user[0] ? user : field(e, RECORD_FIELD_ACCOUNT);
        }
}

static void fill_row(struct row *r, const struct audit_entry *e) {
        const char *factors = field(e, RECORD_FIELD_FACTORS), *level = field(e, RECORD_FIELD_AAL);
        r->cells[TIME] = when_local(r->time_usec, r->time);
        r->cells[EVENT] = audit_entry_value(e, "WARDTAP_EVENT");
        r->cells[STATION] = field(e, RECORD_FIELD_STATION);
        fill_people(r, e);
        r->cells[FACTORS] = strcmp(factors, "none") == 0 ? "" : factors;
        r->cells[LEVEL] = strcmp(level, "0") == 0 ? "" : level;
        fill_grace(field(e, RECORD_FIELD_GRACE), r->grace);
        fill_duration(field(e, RECORD_FIELD_TAP_TO_VERDICT_USEC), r->verdict);
        fill_duration(field(e, RECORD_FIELD_TAP_TO_SESSION_USEC), r->screen);
        r->note[0] = 0;
        fill_note(r, e);
        r->cells[GRACE] = r->grace;
        r->cells[VERDICT] = r->verdict;
        r->cells[SCREEN] = r->screen;
        r->cells[NOTE] = r->note;
}

/* The first pass: how wide each column is, and which say anything. */
static void survey(struct audit_list *l, const struct row *r) {
        if (l->n == 0) {
                (void) text_copy(l->station, sizeof(l->station), r->cells[STATION]);
                memcpy(l->day, r->time, sizeof(l->day));
        }
        l->many_stations |= strcmp(l->station, r->cells[STATION]) != 0;
        l->many_days |= strncmp(l->day, r->time, strlen("2026-11-20")) != 0;
        for (int i = 0; i < COLUMNS; i++)
                l->filled[i] |= r->cells[i] && r->cells[i][0];
        table_measure(&l->table, r->cells);
}

static bool is_shown(const struct audit_list *l, int column) {
        if (column == STATION)
                return l->many_stations;
        return column == TIME || column == EVENT || column == FROM || column == TO || l->filled[column];
}

/* The second pass, without the columns that say nothing. */
static void print_cells(const struct audit_list *l, const char *const *cells) {
        struct table shown = {0};
        const char *of_shown[COLUMNS];
        size_t n = 0;
        for (int i = 0; i < COLUMNS; i++) {
                if (!is_shown(l, i))
                        continue;
                shown.titles[n] = l->table.titles[i];
                shown.width[n] = l->table.width[i];
                of_shown[n++] = cells[i];
        }
        table_print(&shown, stdout, of_shown);
}

static void print_row(const struct audit_list *l, struct row *r) {
        if (!l->many_days)
                r->cells[TIME] = r->time + strlen("2026-11-20 ");
        print_cells(l, r->cells);
}

/* What all rows share stands above them once. */
static void print_titles(struct audit_list *l) {
        table_measure(&l->table, l->table.titles);
        if (!l->many_days)
                l->table.width[TIME] = strlen("07:30:15");
        if (!l->many_stations)
                print_clean(stdout, l->station);
        if (!l->many_days)
                (void) printf("%s%.10s", l->many_stations ? "" : ", ", l->day);
        if (!l->many_stations || !l->many_days)
                (void) putchar('\n');
        print_cells(l, l->table.titles);
}

/* "WARDTAP_BADGE_KIND" -> "badge_kind" */
static void json_field(struct json_object *o, const struct audit_line *line) {
        char key[AUDIT_NAME_SIZE];
        const char *name = (const char *) line->name.p;
        size_t n = 0;
        if (strncmp(name, "WARDTAP_", 8) != 0 || strcmp(name, "WARDTAP_EVENT") == 0 ||
            strcmp(name, "WARDTAP_OUTCOME") == 0)
                return;
        for (name += 8; *name; name++)
                key[n++] = *name >= 'A' && *name <= 'Z' ? (char) (*name - 'A' + 'a') : *name;
        key[n] = 0;
        json_set_string(o, key, (const char *) line->value.p);
}

static void print_json_row(struct audit_list *l, const struct row *r, const struct audit_entry *e) {
        _cleanup_(json_putp) struct json_object *o = json_new();
        const char *outcome = audit_entry_value(e, "WARDTAP_OUTCOME");
        json_set_time(o, "time", r->time_usec);
        json_set_string(o, "event", r->cells[EVENT]);
        json_set_bool(o, "success", outcome && strcmp(outcome, "0") == 0);
        json_set_string(o, "from", r->cells[FROM] && *r->cells[FROM] ? r->cells[FROM] : NULL);
        json_set_string(o, "to", r->cells[TO] && *r->cells[TO] ? r->cells[TO] : NULL);
        for (size_t i = 0; i < e->n; i++)
                json_field(o, &e->lines[i]);
        json_list_print(&l->rows, stdout, o);
}

static void take(struct audit_list *l, const struct audit_entry *e) {
        struct row r = {0};
        const char *event = audit_entry_value(e, "WARDTAP_EVENT"),
                   *time = audit_entry_field(e, RECORD_FIELD_TIME_USEC);
        if (!e->claims || !event || e->is_damaged ||
            audit_trust_judge(&l->source.trust, e) != AUDIT_SENDER_OURS)
                return;
        r.event = record_event_from_name(event);
        /* When it happened, not when the journal took it. */
        if (!time || parse_u64(time, UINT64_MAX, &r.time_usec) < 0)
                r.time_usec = e->taken_usec;
        if ((!l->all && !is_presence(r.event)) || r.time_usec < l->since_usec || !is_of_user(e, l->user) ||
            audit_seen_again(l->seen, e))
                return;
        fill_row(&r, e);
        if (l->json)
                print_json_row(l, &r, e);
        else if (l->printing)
                print_row(l, &r);
        else
                survey(l, &r);
        l->n++;
}

static int pass(struct audit_list *l, struct audit_entry *e) {
        int r = audit_source_seek(&l->source, l->since_usec);
        if (r != CLI_OK)
                return r;
        audit_seen_reset(l->seen);
        l->n = 0;
        while ((r = audit_source_next(&l->source, e)) > 0)
                take(l, e);
        return r < 0 ? audit_source_failed(&l->source, r) : CLI_OK;
}

static int print_list(struct audit_list *l, struct audit_entry *e) {
        char since[WHEN_TEXT_MAX];
        int r = pass(l, e);
        if (l->json)
                json_list_end(&l->rows, stdout);
        if (r != CLI_OK || l->json)
                return r;
        if (l->n == 0) {
                if (l->since_usec)
                        (void) printf(_("There are none since %s.\n"), when_local(l->since_usec, since));
                else
                        (void) printf("%s\n", _("There are none."));
                return CLI_OK;
        }
        print_titles(l);
        l->printing = true;
        return pass(l, e);
}

static int take_since(const struct cli_arguments *args, uint64_t *ret) {
        const char *text = args->option[OPTION_SINCE];
        struct timespec now;
        (void) clock_gettime(CLOCK_REALTIME, &now);
        uint64_t now_usec = (uint64_t) now.tv_sec * 1000000U;
        if (!text) /* what was brought from elsewhere is wanted as a whole */
                *ret = args->option[OPTION_EXPORT] || args->option[OPTION_DIRECTORY] ? 0
                                                                                     : now_usec - DAY_USEC;
        else if (when_parse(text, false, now_usec, ret) < 0)
                return fail(
                        CLI_USAGE,
                        _("'%s' is not a time. Write it as 2026-11-20, \"2026-11-20 07:30\", or 07:30 for "
                          "today."),
                        text);
        return CLI_OK;
}

int command_audit_list(const struct cli_arguments *args) {
        _cleanup_(list_clear) struct audit_list l = {
                .user = args->option[OPTION_USER],
                .all = args->option[OPTION_ALL_EVENTS],
                .json = args->option[OPTION_JSON],
                .table = {.titles = {_("TIME"), _("EVENT"), _("STATION"), _("FROM"), _("TO"), _("FACTORS"),
                                     _("AAL"), _("GRACE"), _("VERDICT"), _("SCREEN"), _("NOTE")}},
        };
        _cleanup_(freep) struct audit_entry *e = malloc(sizeof(*e));
        int r = take_since(args, &l.since_usec);
        if (r != CLI_OK)
                return r;
        if (!e || audit_seen_new(&l.seen) < 0)
                return fail(CLI_UNREADABLE, _("There is not enough memory."));
        /* Opened first: what cannot be read is no question. */
        if ((r = audit_source_open(args, false, &l.source)) != CLI_OK ||
            (r = audit_query(args, l.since_usec)) != CLI_OK)
                return r;
        return print_list(&l, e);
}
