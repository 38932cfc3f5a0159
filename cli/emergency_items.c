/* SPDX-License-Identifier: Apache-2.0 */
/* Collects emergencies from the store and the journal, with what was said of each. */
#include <errno.h>
#include <stdio.h>
#include <systemd/sd-journal.h>

#include "cli/audit_source.h"
#include "cli/emergency.h"
#include "cli/journal.h"
#include "common/bytes.h"
#include "common/paths.h"

struct loading {
        struct emergency_items *list;
        struct store *people;
        int failed;
};

void emergency_items_clear(struct emergency_items *l) {
        free(l->items);
        l->rules = rules_free(l->rules);
        *l = (struct emergency_items){0};
}

const struct emergency_item *emergency_items_find(const struct emergency_items *l, const char *review) {
        for (size_t i = 0; i < l->n; i++)
                if (strcmp(l->items[i].emergency.review, review) == 0)
                        return &l->items[i];
        return NULL;
}

const struct store_review *emergency_item_part(const struct emergency_item *i, enum review_part part) {
        for (size_t n = 0; n < i->n_parts; n++)
                if (i->parts[n].part == part)
                        return &i->parts[n];
        return NULL;
}

unsigned emergency_items_open(const struct emergency_items *l) {
        unsigned n = 0;
        for (size_t i = 0; i < l->n; i++)
                n += l->items[i].open;
        return n;
}

uint64_t emergency_items_last_drill(const struct emergency_items *l) {
        uint64_t last = 0;
        for (size_t i = 0; i < l->n; i++)
                if (l->items[i].emergency.from_usec > last)
                        last = l->items[i].emergency.from_usec;
        return last;
}

unsigned emergency_item_owed(const struct emergency_items *l, const struct emergency_item *i) {
        return l->reviewers & ~((emergency_item_part(i, REVIEW_CLINICAL) ? REVIEWER_CLINICAL : 0U) |
                                (emergency_item_part(i, REVIEW_SECURITY) ? REVIEWER_SECURITY : 0U));
}

/* 1 when the list is full. */
static int add(struct loading *x, const struct store_emergency *e, const char *witness) {
        struct emergency_items *l = x->list;
        if (l->n == EMERGENCY_ITEMS_MAX) {
                l->more = true;
                return 1;
        }
        if (l->n % 64 == 0) {
                struct emergency_item *more = reallocarray(l->items, l->n + 64, sizeof(*more));
                if (!more)
                        return -ENOMEM;
                l->items = more;
        }
        struct emergency_item *i = &l->items[l->n];
        *i = (struct emergency_item){.emergency = *e};
        (void) snprintf(i->witness, sizeof(i->witness), "%s", witness);
        if (x->people) {
                int r = store_reviews(x->people, e->review, i->parts, &i->n_parts);
                if (r < 0)
                        return r;
        }
        i->open = emergency_item_owed(l, i) != 0;
        l->n++;
        return 0;
}

static int take_stored(const struct store_emergency *e, void *data) {
        struct loading *x = data;
        struct store_person witness = {0};
        if (e->witness != 0 && x->people)
                (void) store_find_person_by_id(x->people, e->witness, &witness); /* or its name is missing */
        return add(x, e, witness.user);
}

/* --- the journal */

static void take_field(const struct audit_entry *e, enum record_field f, char *buf, size_t size) {
        audit_copy_clean(buf, size, audit_entry_field(e, f));
}

static uint64_t take_time(const struct audit_entry *e, enum record_field f) {
        const char *text = audit_entry_field(e, f);
        uint64_t usec = 0;
        return text && parse_u64(text, INT64_MAX, &usec) >= 0 ? usec : 0;
}

/* "DICOM ...; reason: no key; by: own badge; drill" */
static void take_detail(const char *detail, struct store_emergency *e) {
        const char *reason = strstr(detail, "reason: "), *by = strstr(detail, "by: ");
        (void) snprintf(e->reason, sizeof(e->reason), "%.*s", reason ? (int) strcspn(reason + 8, ";") : 0,
                        reason ? reason + 8 : "");
        e->how = by && strncmp(by, "by: kit", 7) == 0        ? EMERGENCY_KIT
                 : by && strncmp(by, "by: witness", 11) == 0 ? EMERGENCY_WITNESS
                                                             : EMERGENCY_ASKED;
        e->drill = strstr(detail, "; drill");
}

static int take_record(struct loading *x, const struct audit_entry *e) {
        struct store_emergency s = {.person = 0};
        char witness[65];
        const char *detail = audit_entry_field(e, RECORD_FIELD_DETAIL);
        take_field(e, RECORD_FIELD_ATTEMPT, s.attempt, sizeof(s.attempt));
        take_field(e, RECORD_FIELD_REVIEW, s.review, sizeof(s.review));
        take_field(e, RECORD_FIELD_USER, s.user, sizeof(s.user));
        take_field(e, RECORD_FIELD_CLAIMED, s.claimed, sizeof(s.claimed));
        take_field(e, RECORD_FIELD_WITNESS, witness, sizeof(witness));
        s.from_usec = take_time(e, RECORD_FIELD_TIME_USEC);
        s.until_usec = take_time(e, RECORD_FIELD_UNTIL_USEC);
        take_detail(detail ? detail : "", &s);
        return !s.review[0] || emergency_items_find(x->list, s.review) ? 0 : add(x, &s, witness);
}

/* What the store could not take. A journal that cannot be read is not the store's fault. */
static int add_recorded(struct loading *x) {
        const struct cli_arguments none = {0};
        _cleanup_(audit_source_close) struct audit_source source = {0};
        _cleanup_(freep) struct audit_entry *e = malloc(sizeof(*e));
        static const char match[] = "WARDTAP_EVENT=break-glass-start";
        int r;
        if (!e)
                return -ENOMEM;
        if (!journal_may_read() || audit_source_open(&none, false, &source) != CLI_OK ||
            sd_journal_add_match(source.journal, match, 0) < 0)
                return 0;
        while ((r = audit_source_next(&source, e)) > 0)
                if (audit_trust_judge(&source.trust, e) == AUDIT_SENDER_OURS && (r = take_record(x, e)) != 0)
                        break;
        return r < 0 && r != -ENOMEM ? 0 : r;
}

static int newest_first(const void *a, const void *b) {
        uint64_t x = ((const struct emergency_item *) a)->emergency.from_usec,
                 y = ((const struct emergency_item *) b)->emergency.from_usec;
        return (x < y) - (x > y);
}

static int load(struct loading *x, bool journal) {
        _cleanup_(store_closep) struct store *state = NULL;
        int r = store_open_state(PATH_STATE_DB, true, &state);
        if (r >= 0)
                r = store_each_emergency(state, take_stored, x);
        else if (r == -ENOENT || r == -EPROTO)
                r = 0; /* nobody has signed in yet, or not since the update */
        if (r >= 0 && journal)
                r = add_recorded(x);
        if (x->list->n > 0)
                qsort(x->list->items, x->list->n, sizeof(*x->list->items), newest_first);
        return r < 0 ? r : 0;
}

int emergency_items_read(struct store *people, bool journal, struct emergency_items *ret) {
        struct emergency_items l = {.reviewers = REVIEWER_CLINICAL};
        struct loading x = {.list = &l, .people = people};
        if (rules_load(PATH_SNAPSHOT, &l.rules) >= 0 && l.rules->break_glass.present)
                l.reviewers = l.rules->break_glass.reviewers;
        int r = load(&x, journal);
        if (r < 0) {
                emergency_items_clear(&l);
                return r;
        }
        *ret = l;
        return 0;
}

int emergency_items_load(struct store *people, bool journal, struct emergency_items *ret) {
        int r = emergency_items_read(people, journal, ret);
        return r < 0 ? fail(CLI_FAILED, _("Emergencies cannot be read (%s). See: wardtap store check"),
                            strerror(-r))
                     : CLI_OK;
}
