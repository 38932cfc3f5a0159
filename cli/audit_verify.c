/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap audit verify`: reads all records through, and says what an auditor has to know. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

#include "cli/audit_head.h"
#include "cli/audit_source.h"
#include "cli/audit_words.h"
#include "cli/output.h"
#include "cli/station_bus.h"
#include "cli/when.h"
#include "common/paths.h"

struct verify {
        struct audit_source source;
        struct audit_check *check;
        struct audit_anchor from, to;
        struct audit_known known;
        bool elsewhere, is_known, json;
        struct json_object *notes, *found; /* with json */
        uint64_t n_found;
        int status; /* of the exit, where it is neither "all is well" nor "something was found" */
};

static void verify_clear(struct verify *v) {
        audit_source_close(&v->source);
        audit_check_freep(&v->check);
        json_putp(&v->notes);
        json_putp(&v->found);
}

/* --- What is said */

static void line(const char *label, const char *text) {
        (void) printf("%-4s  ", label);
        print_clean(stdout, text);
        (void) putchar('\n');
}

__attribute__((format(printf, 2, 3))) static void note(struct verify *v, const char *format, ...) {
        char text[AUDIT_SENTENCE_MAX];
        va_list ap;
        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        if (v->json)
                json_append(v->notes, json_object_new_string(text));
        else
                line(_("note"), text);
}

static void set_mark(struct json_object *o, const char *key, const struct audit_mark *m) {
        if (m->seq == 0 && m->time_usec == 0)
                return;
        struct json_object *mark = json_new();
        if (m->seq != 0)
                json_set_u64(mark, "seq", m->seq);
        json_set_time(mark, "time", m->time_usec);
        json_set_string(mark, "event", m->event[0] ? m->event : NULL);
        json_set_string(mark, "user", m->user[0] ? m->user : NULL);
        json_set(o, key, mark);
}

static void print_finding(struct verify *v, const struct audit_finding *f, const struct audit_epoch *epochs,
                          size_t n_epochs) {
        char text[AUDIT_SENTENCE_MAX];
        audit_say(f, epochs, n_epochs, text);
        v->n_found++;
        if (!v->json) {
                line(_("bad"), text);
                return;
        }
        struct json_object *o = json_new();
        json_set_string(o, "kind", audit_kind_name(f->kind));
        json_set_string(o, "text", text);
        if (f->epoch < n_epochs)
                json_set_string(o, "epoch", epochs[f->epoch].id);
        set_mark(o, "record", &f->what);
        set_mark(o, "after", &f->a);
        set_mark(o, "before", &f->b);
        if (f->span > 0 && f->kind != AUDIT_MARK)
                json_set_u64(o, "records", f->span);
        json_append(v->found, o);
}

static void print_findings(struct verify *v, const struct audit_epoch *epochs, size_t n_epochs) {
        size_t n;
        const struct audit_finding *f = audit_check_findings(v->check, &n);
        struct audit_counts counts = audit_check_counts(v->check);
        for (size_t i = 0; i < n; i++)
                print_finding(v, &f[i], epochs, n_epochs);
        for (int i = 0; i < AUDIT_KIND_MAX; i++) {
                if (counts.untold[i] == 0)
                        continue;
                v->n_found += counts.untold[i];
                note(v, _("There are %" PRIu64 " more of the kind '%s' than are shown."), counts.untold[i],
                     audit_kind_name((enum audit_kind) i));
        }
}

/* --- What was read */

static void epoch_text(const struct audit_epoch *e, char *text, size_t size) {
        char from[WHEN_TEXT_MAX], to[WHEN_TEXT_MAX];
        (void) snprintf(text, size, _("%s: records %" PRIu64 " to %" PRIu64 ", %s to %s, epoch %.8s"),
                        e->station[0] ? e->station : _("A station"), e->first.seq, e->last.seq,
                        when_local(e->first.time_usec, from), when_local(e->last.time_usec, to), e->id);
}

static struct json_object *epoch_json(const struct audit_epoch *e) {
        struct json_object *o = json_new();
        char hash[2 * AUDIT_HASH_SIZE + 1];
        hex_encode(e->last.hash, AUDIT_HASH_SIZE, hash);
        json_set_string(o, "epoch", e->id);
        json_set_string(o, "station", e->station);
        json_set_string(o, "station_id", e->station_id);
        set_mark(o, "first", &e->first);
        set_mark(o, "last", &e->last);
        json_set_string(o, "hash", hash);
        json_set_u64(o, "records", e->records);
        json_set_u64(o, "twice", e->twice);
        json_set_u64(o, "late", e->late);
        return o;
}

static bool has_finding(const struct verify *v, unsigned epoch) {
        size_t n;
        const struct audit_finding *f = audit_check_findings(v->check, &n);
        for (size_t i = 0; i < n; i++)
                if (f[i].epoch == epoch)
                        return true;
        return false;
}

static void note_beginning(struct verify *v, const struct audit_epoch *e) {
        char at[WHEN_TEXT_MAX];
        uint64_t oldest = audit_source_oldest(&v->source);
        if (e->first.seq == 1)
                return;
        note(v,
             _("Records 1 to %" PRIu64
               " are no longer there, so nothing can be said of them. It could be verified from %" PRIu64
               " on."),
             e->first.seq - 1, e->first.seq);
        if (oldest)
                note(v, _("The oldest entry of the whole journal is of %s; see journald.conf(5)."),
                     when_local(oldest, at));
}

static void note_repeated(struct verify *v, const struct audit_epoch *e) {
        if (e->twice > 0)
                note(v, _("Sent twice by wardtapd, the same both times, and counted once: %" PRIu64 "."),
                     e->twice);
        if (e->late > 0)
                note(v,
                     _("%" PRIu64 " records came into the journal after later ones, but are not changed."),
                     e->late);
}

/* Whether an earlier one of the same station is there. */
static bool is_new(const struct audit_epoch *epochs, size_t i) {
        for (size_t k = 0; k < i; k++)
                if (!epochs[k].alien && strcmp(epochs[k].station_id, epochs[i].station_id) == 0)
                        return true;
        return false;
}

static void print_epochs(struct verify *v, const struct audit_epoch *epochs, size_t n_epochs) {
        char text[AUDIT_SENTENCE_MAX];
        for (size_t i = 0; i < n_epochs; i++) {
                const struct audit_epoch *e = &epochs[i];
                if (e->alien)
                        continue;
                epoch_text(e, text, sizeof(text));
                if (!v->json)
                        line(has_finding(v, (unsigned) i) ? _("bad") : _("ok"), text);
                if (is_new(epochs, i))
                        note(v, _("A new epoch begins there: wardtapd had no record file, or could not read "
                                  "it."));
                note_beginning(v, e);
                note_repeated(v, e);
        }
}

/* --- The end */

static uint64_t number_of(struct json_object *station, const char *name) {
        struct json_object *o;
        return json_object_object_get_ex(station, name, &o) ? json_object_get_uint64(o) : 0;
}

/* What wardtapd says before and after the journal is read: it goes on writing meanwhile. */
static void ask_station(struct verify *v, bool before) {
        _cleanup_(json_putp) struct json_object *station = NULL;
        struct json_object *epoch;
        if (v->elsewhere || (!before && !v->is_known))
                return;
        v->is_known = station_ask(&station) >= 0 &&
                      json_object_object_get_ex(station, "RecordEpoch", &epoch) &&
                      text_copy(v->known.epoch, sizeof(v->known.epoch), json_object_get_string(epoch)) >= 0;
        if (!v->is_known)
                return;
        v->known.after = number_of(station, "RecordSequence");
        if (!before)
                return;
        v->known.before = v->known.after;
        v->known.pending = number_of(station, "RecordsPending");
}

/* What wardtapd's own file says of the last record in the journal. */
static void ask_file(struct verify *v) {
        uint64_t last = v->is_known ? audit_check_last(v->check, v->known.epoch) : 0;
        v->known.has_hash =
                last > 0 && audit_head_find(PATH_AUDIT "/log", v->known.epoch, last, v->known.hash) >= 0;
}

static const struct audit_epoch *last_epoch(const struct audit_epoch *epochs, size_t n) {
        while (n > 0 && epochs[n - 1].alien)
                n--;
        return n > 0 ? &epochs[n - 1] : NULL;
}

static void note_end(struct verify *v, const struct audit_epoch *last) {
        if (v->is_known) {
                if (v->known.pending > 0)
                        note(v, _("%" PRIu64 " records were on their way to the journal."),
                             v->known.pending);
                return;
        }
        if (v->to.seq != 0 || !last)
                return;
        if (v->elsewhere)
                note(v,
                     _("Whether there were records after %" PRIu64
                       " cannot be told from this. The station says it: wardtap status"),
                     last->last.seq);
        else
                v->status =
                        fail(CLI_NOT_RUNNING,
                             _("wardtapd does not answer, so records that were removed at the end are not "
                               "noticed. Start it with: systemctl start wardtapd"));
}

static void note_gone(struct verify *v) {
        uint64_t gone = audit_check_counts(v->check).gone;
        if (gone > 0)
                note(v,
                     _("Without word of which program wrote them, and passed over: %" PRIu64
                       ". wardtapd sends such a record again."),
                     gone);
}

static void print_verdict(const struct verify *v, const struct audit_epoch *last) {
        char hash[2 * AUDIT_HASH_SIZE + 1];
        uint64_t records = audit_check_counts(v->check).records;
        if (v->n_found > 0) {
                (void) printf(_("Found: %" PRIu64 ", in %" PRIu64 " records. Keep the journal as it is; "
                                "wardtap(1) says what each means.\n"),
                              v->n_found, records);
                return;
        }
        (void) printf(_("%" PRIu64 " records are whole.\n"), records);
        if (!last || last->last.is_damaged)
                return;
        hex_encode(last->last.hash, AUDIT_HASH_SIZE, hash);
        (void) printf(_("Keep this mark elsewhere, for the next check:\n--from %" PRIu64 ":%s\n"),
                      last->last.seq, hash);
}

static void print_json_report(struct verify *v, const struct audit_epoch *epochs, size_t n) {
        _cleanup_(json_putp) struct json_object *o = json_new();
        struct json_object *list = json_new_array();
        for (size_t i = 0; i < n; i++)
                if (!epochs[i].alien)
                        json_append(list, epoch_json(&epochs[i]));
        json_set_bool(o, "ok", v->n_found == 0 && v->status == CLI_OK);
        json_set_bool(o, "end_known", v->is_known);
        json_set_u64(o, "records", audit_check_counts(v->check).records);
        json_set(o, "epochs", list);
        json_set(o, "findings", json_object_get(v->found));
        json_set(o, "notes", json_object_get(v->notes));
        json_print(stdout, o);
}

static int report(struct verify *v) {
        size_t n, n_found;
        const struct audit_epoch *epochs = audit_check_epochs(v->check, &n), *last = last_epoch(epochs, n);
        (void) audit_check_findings(v->check, &n_found);
        if (n == 0 && n_found == 0)
                return fail(CLI_NOT_FOUND, _("There are no records of wardtapd in %s."),
                            v->source.path ? v->source.path : _("the journal"));
        print_epochs(v, epochs, n);
        print_findings(v, epochs, n);
        note_gone(v);
        note_end(v, last);
        if (v->json)
                print_json_report(v, epochs, n);
        else
                print_verdict(v, last);
        if (fflush(stdout) != 0)
                return fail(CLI_UNREADABLE, _("What was to be printed could not be written."));
        return v->n_found > 0 ? CLI_FAILED : v->status;
}

static int read_all(struct verify *v) {
        _cleanup_(freep) struct audit_entry *e = malloc(sizeof(*e));
        int r;
        if (!e)
                return audit_source_failed(&v->source, -ENOMEM);
        while ((r = audit_source_next(&v->source, e)) > 0)
                audit_check_add(v->check, e);
        return r < 0 ? audit_source_failed(&v->source, r) : CLI_OK;
}

static int read_mark(const char *option, const char *text, struct audit_anchor *ret) {
        if (text && audit_anchor_read(text, ret) < 0)
                return fail(
                        CLI_USAGE,
                        _("--%s takes the number of a record, or NUMBER:HASH as an earlier check printed "
                          "it."),
                        option);
        return CLI_OK;
}

int command_audit_verify(const struct cli_arguments *args) {
        _cleanup_(verify_clear) struct verify v = {.json = args->option[OPTION_JSON],
                                                   .elsewhere = args->option[OPTION_EXPORT] ||
                                                                args->option[OPTION_DIRECTORY]};
        int r = read_mark("from", args->option[OPTION_FROM], &v.from);
        if (r == CLI_OK)
                r = read_mark("to", args->option[OPTION_TO], &v.to);
        if (r != CLI_OK)
                return r;
        ask_station(&v, true); /* first: the journal may go on in a file that is not opened any more */
        r = audit_source_open(args, true, &v.source);
        if (r != CLI_OK)
                return r;
        if (audit_check_new(&v.source.trust, &v.check) < 0)
                return audit_source_failed(&v.source, -ENOMEM);
        audit_check_expect(v.check, &v.from, &v.to);
        if (v.json) {
                v.notes = json_new_array();
                v.found = json_new_array();
        }
        r = read_all(&v);
        if (r != CLI_OK)
                return r;
        ask_station(&v, false);
        ask_file(&v);
        audit_check_end(v.check, v.is_known ? &v.known : NULL);
        return report(&v);
}
