/* SPDX-License-Identifier: Apache-2.0 */
/* Which taps are meant: each reader with the badges it has seen, and the badges that were used. */
#include "helper/tap_filter.h"

#include "devices/client.h"

#include <errno.h>
#include <stdlib.h>

/* Sightings within a window; too many, and it is over the limit until nothing was seen for a while. */
struct series {
        uint64_t last_usec; /* seen, or still there, at that time */
        size_t next;        /* in the ring of the last sightings, which the owner has; 0 = none */
        bool over;
};

struct badge {
        bool set;
        uint8_t index[BADGE_INDEX_SIZE];
        struct series series;
        uint64_t seen_usec[TAP_FILTER_NEARBY_MAX];
        bool spent; /* was used, and not away since */
};

struct reader {
        char name[DEVICE_READER_MAX + 1];
        uint64_t heard_usec;
        bool present; /* a card is there */
        uint64_t removed_usec;
        struct badge *current; /* which one it is, once it was read */
        uint64_t spent_usec;   /* a badge that was there has been used; 0 = never */
        struct series crowd;
        uint64_t taken_usec[TAP_FILTER_CROWD_MAX];
        struct badge unread; /* all that have no number */
        struct badge badges[TAP_FILTER_BADGES_MAX];
};

struct used {
        uint8_t index[BADGE_INDEX_SIZE];
        uint64_t usec; /* 0 = none */
};

struct tap_filter {
        struct reader readers[DEVICE_READERS_MAX];
        struct used used[TAP_FILTER_USED_MAX];
        size_t used_at;
};

int tap_filter_new(struct tap_filter **ret) {
        struct tap_filter *f = calloc(1, sizeof(*f));
        if (!f)
                return -ENOMEM;
        *ret = f;
        return 0;
}

struct tap_filter *tap_filter_free(struct tap_filter *f) {
        free(f);
        return NULL;
}

/* What is reported out of order counts as at the same time. */
static uint64_t between(uint64_t from_usec, uint64_t to_usec) {
        return to_usec > from_usec ? to_usec - from_usec : 0;
}

static void keep_latest(uint64_t *usec, uint64_t now_usec) {
        if (*usec < now_usec)
                *usec = now_usec;
}

/* --- sightings */

enum { SERIES_UNDER, SERIES_FIRST_OVER, SERIES_OVER };

static int series_add(struct series *s, uint64_t *ring, size_t max, uint64_t window_usec,
                      uint64_t now_usec) {
        uint64_t away_usec = between(s->last_usec, now_usec), oldest;
        keep_latest(&s->last_usec, now_usec);
        if (s->over && away_usec < TAP_FILTER_NEARBY_AWAY_USEC)
                return SERIES_OVER;
        if (s->over)
                memset(ring, 0, max * sizeof(*ring));
        oldest = ring[s->next];
        ring[s->next] = now_usec;
        s->next = (s->next + 1) % max;
        s->over = oldest != 0 && between(oldest, now_usec) < window_usec;
        return s->over ? SERIES_FIRST_OVER : SERIES_UNDER;
}

static bool is_ignored(const struct badge *b, uint64_t now_usec) {
        return b->series.over && between(b->series.last_usec, now_usec) < TAP_FILTER_NEARBY_AWAY_USEC;
}

static unsigned sightings(const struct badge *b, uint64_t now_usec) {
        unsigned n = 0;
        for (size_t i = 0; i < TAP_FILTER_NEARBY_MAX; i++)
                n += b->seen_usec[i] != 0 &&
                     between(b->seen_usec[i], now_usec) < TAP_FILTER_NEARBY_WINDOW_USEC;
        return n;
}

/* --- readers and their badges */

static struct reader *find_reader(struct tap_filter *f, const char *name) {
        for (size_t i = 0; i < DEVICE_READERS_MAX; i++)
                if (f->readers[i].name[0] && strcmp(f->readers[i].name, name) == 0)
                        return &f->readers[i];
        return NULL;
}

/* One that is new takes a free place, or that of the reader that was not heard of for longest: there are
 * never more readers at a time than places. */
static struct reader *reader_of(struct tap_filter *f, const char *name, uint64_t now_usec) {
        struct reader *r = find_reader(f, name);
        for (size_t i = 0; !r && i < DEVICE_READERS_MAX; i++)
                if (!f->readers[i].name[0])
                        r = &f->readers[i];
        if (!r) {
                r = &f->readers[0];
                for (size_t i = 1; i < DEVICE_READERS_MAX; i++)
                        if (f->readers[i].heard_usec < r->heard_usec)
                                r = &f->readers[i];
                explicit_bzero(r, sizeof(*r));
        }
        (void) text_copy(r->name, sizeof(r->name), name);
        r->heard_usec = now_usec;
        return r;
}

/* Who goes first when there is no place. */
static bool is_less(const struct badge *a, const struct badge *b, uint64_t now_usec) {
        unsigned n = sightings(a, now_usec), m = sightings(b, now_usec);
        return n != m ? n < m : a->series.last_usec < b->series.last_usec;
}

static struct badge *place_for(struct reader *r, uint64_t now_usec) {
        struct badge *place = NULL;
        for (size_t i = 0; i < TAP_FILTER_BADGES_MAX; i++) {
                struct badge *b = &r->badges[i];
                if (!b->set)
                        return b;
                if (!is_ignored(b, now_usec) && (!place || is_less(b, place, now_usec)))
                        place = b;
        }
        return place;
}

/* NULL when there is no place for it. */
static struct badge *badge_of(struct reader *r, const uint8_t *index, uint64_t now_usec) {
        if (!index)
                return &r->unread;
        for (size_t i = 0; i < TAP_FILTER_BADGES_MAX; i++)
                if (r->badges[i].set && memcmp(r->badges[i].index, index, BADGE_INDEX_SIZE) == 0)
                        return &r->badges[i];
        struct badge *b = place_for(r, now_usec);
        if (!b)
                return NULL;
        if (r->current == b)
                r->current = NULL;
        *b = (struct badge){.set = true};
        memcpy(b->index, index, BADGE_INDEX_SIZE);
        return b;
}

/* --- what the watch says */

void tap_filter_inserted(struct tap_filter *f, const char *reader, uint64_t now_usec) {
        struct reader *r = reader_of(f, reader, now_usec);
        r->present = true;
        r->current = NULL;
}

static void remove_card(struct reader *r, uint64_t now_usec) {
        r->present = false;
        r->removed_usec = now_usec;
        if (r->current)
                keep_latest(&r->current->series.last_usec, now_usec);
        r->current = NULL;
}

void tap_filter_removed(struct tap_filter *f, const char *reader, uint64_t now_usec) {
        struct reader *r = find_reader(f, reader);
        if (r)
                remove_card(r, now_usec);
}

void tap_filter_lost(struct tap_filter *f, uint64_t now_usec) {
        for (size_t i = 0; i < DEVICE_READERS_MAX; i++)
                if (f->readers[i].present)
                        remove_card(&f->readers[i], now_usec);
}

/* --- what was used */

static void spend(struct reader *r, const uint8_t *index, bool proved, uint64_t now_usec) {
        for (size_t i = 0; i < TAP_FILTER_BADGES_MAX; i++) {
                struct badge *b = &r->badges[i];
                if (!b->set || memcmp(b->index, index, BADGE_INDEX_SIZE) != 0)
                        continue;
                b->spent =
                        r->current == b || between(b->series.last_usec, now_usec) < TAP_FILTER_BOUNCE_USEC;
                if (b->spent)
                        r->spent_usec = now_usec;
                if (proved)
                        memset(b->seen_usec, 0, sizeof(b->seen_usec));
        }
}

void tap_filter_used(struct tap_filter *f, const uint8_t index[static BADGE_INDEX_SIZE], bool proved,
                     uint64_t now_usec) {
        struct used *u = &f->used[f->used_at];
        f->used_at = (f->used_at + 1) % TAP_FILTER_USED_MAX;
        memcpy(u->index, index, BADGE_INDEX_SIZE);
        u->usec = now_usec;
        for (size_t i = 0; i < DEVICE_READERS_MAX; i++)
                spend(&f->readers[i], index, proved, now_usec);
}

/* What cannot be read just then is the badge that was used, on its way out of the field. */
static bool was_used(const struct tap_filter *f, const struct reader *r, const uint8_t *index,
                     uint64_t seen_usec) {
        if (!index)
                return r->spent_usec != 0 && between(r->spent_usec, seen_usec) < TAP_FILTER_SAME_USEC;
        for (size_t i = 0; i < TAP_FILTER_USED_MAX; i++)
                if (f->used[i].usec != 0 && between(f->used[i].usec, seen_usec) < TAP_FILTER_SAME_USEC &&
                    memcmp(f->used[i].index, index, BADGE_INDEX_SIZE) == 0)
                        return true;
        return false;
}

/* --- the rules */

/* Counts this sighting. */
static int see(struct reader *r, struct badge *b, uint64_t seen_usec) {
        if (between(b->series.last_usec, seen_usec) >= TAP_FILTER_BOUNCE_USEC)
                b->spent = false;
        int over = series_add(&b->series, b->seen_usec, TAP_FILTER_NEARBY_MAX, TAP_FILTER_NEARBY_WINDOW_USEC,
                              seen_usec);
        if (r->present)
                r->current = b;
        else
                keep_latest(&b->series.last_usec, r->removed_usec);
        return over;
}

/* Stays so while any card comes. Who comes meanwhile is no news of their own. */
static bool is_crowded(struct reader *r, uint64_t seen_usec) {
        if (!r->crowd.over || between(r->crowd.last_usec, seen_usec) >= TAP_FILTER_NEARBY_AWAY_USEC)
                return false;
        keep_latest(&r->crowd.last_usec, seen_usec);
        return true;
}

static bool had_input(const struct tap_filter_question *q) {
        return q->last_input_usec != 0 && between(q->last_input_usec, q->seen_usec) < TAP_FILTER_INPUT_USEC;
}

static enum tap_filter_verdict judge_hold(const struct reader *r, const struct tap_filter_question *q,
                                          uint64_t now_usec, uint64_t *ret_wait_until) {
        uint64_t until = q->seen_usec + TAP_FILTER_HOLD_USEC;
        if (!q->index || !q->seat_has_session || !had_input(q))
                return TAP_TAKE;
        if (!r->present)
                return TAP_NOT_HELD;
        if (now_usec >= until)
                return TAP_TAKE;
        *ret_wait_until = until;
        return TAP_HOLD;
}

enum tap_filter_verdict tap_filter_tap(struct tap_filter *f, const struct tap_filter_question *q,
                                       uint64_t now_usec, uint64_t *ret_wait_until) {
        struct reader *r = reader_of(f, q->reader, now_usec);
        if (q->exempt)
                return TAP_TAKE;
        struct badge *b = badge_of(r, q->index, q->seen_usec);
        int over = b ? see(r, b, q->seen_usec) : SERIES_OVER;
        if (is_crowded(r, q->seen_usec))
                return TAP_NEARBY;
        if (over == SERIES_UNDER && (b->spent || was_used(f, r, q->index, q->seen_usec)))
                return TAP_SAME;
        if (over == SERIES_UNDER)
                over = series_add(&r->crowd, r->taken_usec, TAP_FILTER_CROWD_MAX,
                                  TAP_FILTER_CROWD_WINDOW_USEC, q->seen_usec);
        if (over != SERIES_UNDER)
                return over == SERIES_FIRST_OVER ? TAP_NEARBY_FIRST : TAP_NEARBY;
        return judge_hold(r, q, now_usec, ret_wait_until);
}
