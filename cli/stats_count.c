/* SPDX-License-Identifier: Apache-2.0 */
/* From records to counts. */
#include "cli/stats_count.h"

#include <errno.h>
#include <stdio.h>

#include "cli/when.h"

#define SLOTS (2U * STATS_GROUPS_MAX)
#define ROLES_MAX 16384U /* people whose last role is remembered; of two in one place the later one */

struct stats {
        enum stats_by by;
        struct stats_span span;
        struct stats_group all;
        struct stats_group **groups; /* owned; the first n_groups */
        size_t n_groups;
        uint16_t slots[SLOTS]; /* by the hash of its name: 1 + where a group is; 0: none */
        struct {
                uint64_t person;
                char role[STATS_NAME_SIZE];
        } roles[ROLES_MAX];
};

static const char *const factors_names[STATS_FACTORS_MAX] = {
        [STATS_NONE] = "none",
        [STATS_BADGE] = "badge",
        [STATS_KEY] = "key",
        [STATS_BADGE_KEY] = "badge+key",
        [STATS_KEY_VERIFY] = "key+verify",
        [STATS_BADGE_KEY_VERIFY] = "badge+key+verify",
        [STATS_FACTORS_OTHER] = "other",
};

const char *stats_factors_name(enum stats_factors f) {
        return factors_names[f];
}

static enum stats_factors factors_from_name(const char *name) {
        for (unsigned i = 0; name && i < STATS_FACTORS_OTHER; i++)
                if (strcmp(name, factors_names[i]) == 0)
                        return (enum stats_factors) i;
        return STATS_FACTORS_OTHER;
}

/* FNV-1a, with a last step that spreads it. */
static uint64_t hash_of(const char *kind, const char *name) {
        uint64_t h = 0xcbf29ce484222325;
        for (const char *p = kind; *p; p++)
                h = (h ^ (uint8_t) *p) * 0x100000001b3;
        for (const char *p = name; *p; p++)
                h = (h ^ (uint8_t) *p) * 0x100000001b3;
        h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9;
        h ^= h >> 27;
        return h ? h : 1;
}

static bool knows(const struct stats_cell *c, uint64_t person) {
        for (unsigned i = 0; i < c->n_people; i++)
                if (c->people[i] == person)
                        return true;
        return false;
}

static void add_person(struct stats_cell *c, uint64_t person) {
        if (person != 0 && c->n_people < STATS_PEOPLE_MIN && !knows(c, person))
                c->people[c->n_people++] = person;
}

void stats_cell_add(struct stats_cell *c, uint64_t person) {
        c->n++;
        add_person(c, person);
}

void stats_cell_join(struct stats_cell *c, const struct stats_cell *a) {
        for (unsigned i = 0; i < a->n_people; i++)
                add_person(c, a->people[i]);
}

/* --- Times */

/* Steps of equal size between each power of two milliseconds and the next. */
static unsigned step_of(uint64_t usec) {
        unsigned doubling = 0;
        uint64_t low = 1000;
        if (usec < low)
                return 0;
        while (doubling < STATS_STEPS / STATS_STEPS_PER_DOUBLING && usec >= 2 * low) {
                low *= 2;
                doubling++;
        }
        if (doubling == STATS_STEPS / STATS_STEPS_PER_DOUBLING)
                return STATS_STEPS - 1;
        return doubling * STATS_STEPS_PER_DOUBLING +
               (unsigned) ((usec - low) * STATS_STEPS_PER_DOUBLING / low);
}

/* The middle of a step. */
static uint64_t time_of(unsigned step) {
        uint64_t low = (uint64_t) 1000 << (step / STATS_STEPS_PER_DOUBLING),
                 width = low / STATS_STEPS_PER_DOUBLING;
        return low + (step % STATS_STEPS_PER_DOUBLING) * low / STATS_STEPS_PER_DOUBLING + width / 2;
}

uint64_t stats_percentile(const struct stats_group *g, unsigned hundredths) {
        uint64_t n = g->measures[STATS_TAPS].n, rank = (n * hundredths + 99) / 100, seen = 0;
        for (unsigned i = 0; n > 0 && i < STATS_STEPS; i++) {
                seen += g->steps[i];
                if (seen >= rank)
                        return time_of(i);
        }
        return 0;
}

uint64_t stats_strong(const struct stats_group *g) {
        return g->factors[STATS_KEY].n + g->factors[STATS_BADGE_KEY].n + g->factors[STATS_KEY_VERIFY].n +
               g->factors[STATS_BADGE_KEY_VERIFY].n;
}

/* --- Groups */

int stats_new(enum stats_by by, struct stats **ret) {
        _cleanup_(stats_freep) struct stats *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->by = by;
        s->groups = calloc(STATS_GROUPS_MAX, sizeof(struct stats_group *));
        if (!s->groups)
                return -ENOMEM;
        *ret = TAKE_PTR(s);
        return 0;
}

struct stats *stats_free(struct stats *s) {
        for (size_t i = 0; s && i < s->n_groups; i++)
                free(s->groups[i]);
        if (s)
                free(s->groups);
        free(s);
        return NULL;
}

/* Where a group of this name is, or would be: slots are never more than half full. */
static size_t slot_of(const struct stats *s, const char *name) {
        size_t at = hash_of("group:", name) % SLOTS;
        while (s->slots[at] && strcmp(s->groups[s->slots[at] - 1]->name, name) != 0)
                at = (at + 1) % SLOTS;
        return at;
}

static int find_group(struct stats *s, const char *name, struct stats_group **ret) {
        char clean[STATS_NAME_SIZE];
        audit_copy_clean(clean, sizeof(clean), name);
        size_t at = slot_of(s, clean);
        if (!s->slots[at] && s->n_groups >= STATS_GROUPS_MAX - 1) { /* the last place is for all the rest */
                (void) snprintf(clean, sizeof(clean), "%s", STATS_REST);
                at = slot_of(s, clean);
        }
        if (!s->slots[at]) {
                struct stats_group *g = calloc(1, sizeof(*g));
                if (!g)
                        return -ENOMEM;
                memcpy(g->name, clean, sizeof(g->name));
                s->groups[s->n_groups++] = g;
                s->slots[at] = (uint16_t) s->n_groups;
        }
        *ret = s->groups[s->slots[at] - 1];
        return 0;
}

static const char *field(const struct audit_entry *e, enum record_field f) {
        const char *value = audit_entry_field(e, f);
        return value ? value : "";
}

/* What one record is, for all and for its group. */
struct meaning {
        unsigned measures; /* 1U << enum stats_measure each; 0: it is none of ours */
        bool has_reason, has_factors, has_time;
        bool role_of_another; /* what it says of a role is not what its person works as */
        enum reason reason;
        enum stats_factors factors;
        unsigned step;
};

/* The record's own role, which is remembered, or the last one of its person. */
static const char *role_of(struct stats *s, const struct audit_entry *e, const struct meaning *m,
                           uint64_t person) {
        const char *role = m->role_of_another ? "" : field(e, RECORD_FIELD_ROLE);
        size_t at = person % ROLES_MAX;
        if (!*role)
                return person != 0 && s->roles[at].person == person ? s->roles[at].role : "?";
        if (person != 0) {
                s->roles[at].person = person;
                audit_copy_clean(s->roles[at].role, sizeof(s->roles[at].role), role);
        }
        return role;
}

static int group_of(struct stats *s, const struct audit_entry *e, const struct meaning *m,
                    uint64_t time_usec, uint64_t person, struct stats_group **ret) {
        char day[WHEN_TEXT_MAX];
        const char *station = field(e, RECORD_FIELD_STATION);
        switch (s->by) {
        case STATS_BY_DAY:
                (void) when_local(time_usec, day);
                day[strnlen("2026-11-20", sizeof(day))] = 0;
                return find_group(s, day[0] ? day : "?", ret);
        case STATS_BY_ROLE:
                return find_group(s, role_of(s, e, m, person), ret);
        case STATS_BY_STATION:
                return find_group(s, *station ? station : "?", ret);
        default:
                *ret = NULL;
                return 0;
        }
}

static int compare_groups(const void *a, const void *b) {
        return strcmp((*(struct stats_group *const *) a)->name, (*(struct stats_group *const *) b)->name);
}

const struct stats_group *const *stats_groups(struct stats *s, size_t *ret_n) {
        qsort(s->groups, s->n_groups, sizeof(struct stats_group *), compare_groups);
        memset(s->slots, 0, sizeof(s->slots)); /* of the order before */
        *ret_n = s->n_groups;
        return (const struct stats_group *const *) s->groups;
}

const struct stats_group *stats_all(const struct stats *s) {
        return &s->all;
}

const struct stats_span *stats_span(const struct stats *s) {
        return &s->span;
}

/* --- Records */

static void add_measure(struct meaning *m, enum stats_measure measure) {
        m->measures |= 1U << measure;
}

/* What stood in for the factors: who came to work by it did not do so as the rules want it, but where an
 * exception of theirs says so. */
static void read_lowered(const char *lowered, struct meaning *m) {
        if (strcmp(lowered, "ticket") == 0)
                add_measure(m, STATS_TICKETS);
        else if (strcmp(lowered, "temporary-badge") == 0)
                add_measure(m, STATS_TEMPORARY);
        else if (strcmp(lowered, "exception") == 0)
                add_measure(m, STATS_EXCEPTIONS);
}

static void read_full(const struct audit_entry *e, struct meaning *m) {
        add_measure(m, STATS_SIGN_INS);
        m->has_factors = true;
        m->factors = factors_from_name(audit_entry_field(e, RECORD_FIELD_FACTORS));
        if (*field(e, RECORD_FIELD_TICKET)) /* by which badge and key came to be hers just now */
                add_measure(m, STATS_TICKETS);
}

/* An emergency was counted when it began, and a ticket when it was used: to come back is neither. */
static void read_way_in(const struct audit_entry *e, enum record_event event, struct meaning *m) {
        const char *lowered = field(e, RECORD_FIELD_LOWERED);
        bool exception = strcmp(lowered, "exception") == 0;
        if (event == RECORD_RESUME && *field(e, RECORD_FIELD_GRACE))
                add_measure(m, STATS_REENTRIES);
        else if (event == RECORD_RESUME &&
                 (strcmp(lowered, "emergency") == 0 || strcmp(lowered, "ticket") == 0))
                return;
        else if (*lowered)
                read_lowered(lowered, m);
        if (m->measures == 0 || exception)
                read_full(e, m);
}

static void read_refusal(const struct audit_entry *e, struct meaning *m) {
        enum reason r = reason_from_name(field(e, RECORD_FIELD_REASON));
        add_measure(m, STATS_REFUSALS);
        m->has_reason = true;
        m->reason = r == REASON_INVALID ? REASON_INTERNAL : r;
}

static void read_screen(const struct audit_entry *e, struct meaning *m) {
        uint64_t usec;
        if (parse_u64(field(e, RECORD_FIELD_TAP_TO_SESSION_USEC), UINT64_MAX / 2, &usec) < 0)
                return;
        add_measure(m, STATS_TAPS);
        m->has_time = true;
        m->step = step_of(usec);
}

/* What happened beside sign-ins, and succeeded. */
static void read_help(const struct audit_entry *e, enum record_event event, struct meaning *m) {
        switch (event) {
        case RECORD_RECOVERY_DONE:
                add_measure(m, STATS_RECOVERIES);
                return;
        case RECORD_ELEVATE:
        case RECORD_BADGE_LEND:
        case RECORD_RECOVERY_APPROVE:
                add_measure(m, STATS_APPROVALS);
                m->role_of_another = true; /* the one that was given, or the approver's */
                return;
        case RECORD_BREAK_GLASS_START:
                add_measure(m, strstr(field(e, RECORD_FIELD_DETAIL), "; drill") ? STATS_DRILLS
                                                                                : STATS_BREAK_GLASS);
                return;
        default:
                return;
        }
}

static void read_record(const struct audit_entry *e, struct meaning *m) {
        const char *name = audit_entry_value(e, "WARDTAP_EVENT"),
                   *outcome = audit_entry_value(e, "WARDTAP_OUTCOME");
        enum record_event event = name ? record_event_from_name(name) : RECORD_EVENT_INVALID;
        bool success = outcome && strcmp(outcome, "0") == 0;
        switch (event) {
        case RECORD_SIGN_IN:
        case RECORD_RESUME:
                if (success)
                        read_way_in(e, event, m);
                return;
        case RECORD_FALLBACK: /* also one that the rules forbid: it was needed */
                add_measure(m, STATS_FALLBACKS);
                return;
        case RECORD_DENIED:
        case RECORD_UNKNOWN_BADGE:
                read_refusal(e, m);
                return;
        case RECORD_APPROVAL_REFUSED:
                add_measure(m, STATS_NOT_APPROVED);
                return;
        case RECORD_HANDOFF:
        case RECORD_UNLOCK:
                read_screen(e, m);
                return;
        default:
                if (success)
                        read_help(e, event, m);
                return;
        }
}

/* A badge that nobody knows stands for somebody, too. */
static uint64_t person_of(const struct audit_entry *e) {
        const char *user = field(e, RECORD_FIELD_USER), *badge = field(e, RECORD_FIELD_BADGE);
        return *user ? hash_of("user:", user) : *badge ? hash_of("badge:", badge) : 0;
}

static void count(struct stats_group *g, const struct meaning *m, uint64_t person) {
        for (unsigned i = 0; i < STATS_MEASURE_MAX; i++)
                if (m->measures & 1U << i)
                        stats_cell_add(&g->measures[i], person);
        if (m->has_factors)
                stats_cell_add(&g->factors[m->factors], person);
        if (m->has_reason)
                stats_cell_add(&g->reasons[m->reason], person);
        if (m->has_time && g->steps[m->step] < UINT32_MAX)
                g->steps[m->step]++;
}

static void note_span(struct stats_span *s, const struct audit_entry *e, uint64_t time_usec) {
        const char *station = field(e, RECORD_FIELD_STATION);
        if (s->records++ == 0)
                audit_copy_clean(s->station, sizeof(s->station), station);
        s->many_stations |= strcmp(s->station, station) != 0;
        if (s->first_usec == 0 || time_usec < s->first_usec)
                s->first_usec = time_usec;
        if (time_usec > s->last_usec)
                s->last_usec = time_usec;
}

int stats_add(struct stats *s, const struct audit_entry *e, uint64_t time_usec) {
        struct meaning m = {0};
        struct stats_group *g;
        read_record(e, &m);
        if (m.measures == 0)
                return 0;
        uint64_t person = person_of(e);
        int r = group_of(s, e, &m, time_usec, person, &g);
        if (r < 0)
                return r;
        note_span(&s->span, e, time_usec);
        count(&s->all, &m, person);
        if (g)
                count(g, &m, person);
        return 1;
}
