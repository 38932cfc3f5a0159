/* SPDX-License-Identifier: Apache-2.0 */
/* Badges and keys that stay, and what it means when they do not. */
#include "helper/walkaway.h"

#include "common/socket.h"
#include "helper/walkaway_internal.h"

#include <errno.h>
#include <time.h>

#define SLACK_USEC (50U * 1000U)

/* --- sessions */

static struct kept *find(const struct walkaway *w, const char *session) {
        for (size_t i = 0; i < w->n; i++)
                if (strcmp(w->kept[i].session, session) == 0)
                        return &w->kept[i];
        return NULL;
}

static bool is_shown(const struct walkaway *w, const struct kept *k) {
        return *k->session && strcmp(w->shown, k->session) == 0;
}

static void changed(struct walkaway *w) {
        if (w->events->changed)
                w->events->changed(w->userdata);
}

static void rearm(struct walkaway *w) {
        uint64_t next = walkaway_next(w);
        if (!w->timer)
                return;
        (void) sd_event_source_set_time(w->timer, next);
        (void) sd_event_source_set_enabled(w->timer, next == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

/* Its badge or key is gone since when_usec. The session is not to be used after this: `left` may end it. */
static void lose(struct walkaway *w, struct kept *k, enum place *place, const char *reason,
                 uint64_t when_usec) {
        char session[WALKAWAY_SESSION_SIZE];
        bool left = is_shown(w, k) && when_usec >= k->begun_usec + WALKAWAY_STAY_USEC;
        memcpy(session, k->session, sizeof(session));
        *place = PLACE_NONE;
        changed(w);
        if (left)
                w->events->left(w->userdata, session, reason);
}

int walkaway_make_room(struct walkaway *w, const char *session, struct kept **ret) {
        struct kept *more;
        if (!*session || strlen(session) >= WALKAWAY_SESSION_SIZE)
                return -EINVAL;
        if (w->n == WALKAWAY_SESSIONS_MAX)
                return -ENOSPC;
        if (!(more = realloc(w->kept, (w->n + 1) * sizeof(*more))))
                return -ENOMEM;
        w->kept = more;
        more[w->n] = (struct kept){.card = PLACE_NONE, .key = PLACE_NONE};
        memcpy(more[w->n].session, session, strlen(session));
        *ret = &more[w->n++];
        return 0;
}

static struct reader *find_reader(struct walkaway *w, const char *name) {
        for (size_t i = 0; i < w->n_readers; i++)
                if (strcmp(w->readers[i].name, name) == 0)
                        return &w->readers[i];
        return NULL;
}

static bool has_key(const struct walkaway *w, const char *device) {
        for (size_t i = 0; i < w->n_keys; i++)
                if (strcmp(w->keys[i], device) == 0)
                        return true;
        return false;
}

/* Whether the card that lies there now is the one that was tapped: another may have taken its place while
 * its owner was asked for her key. */
static bool lies_there(struct walkaway *w, const struct walkaway_proof *p) {
        const struct reader *r = find_reader(w, p->reader);
        return r && r->present && *p->token && strcmp(r->token, p->token) == 0;
}

int walkaway_signed_in(struct walkaway *w, const char *session, const struct walkaway_proof *p,
                       uint64_t now_usec) {
        struct kept *k = find(w, session);
        int r = k ? 0 : walkaway_make_room(w, session, &k);
        if (r < 0)
                return r;
        if (*p->attempt && strcmp(k->attempt, p->attempt) == 0)
                return 0;
        if (text_copy(k->attempt, sizeof(k->attempt), p->attempt) < 0)
                k->attempt[0] = 0;
        k->begun_usec = now_usec;
        k->settled = false;
        k->card = lies_there(w, p) ? PLACE_HERE : PLACE_NONE;
        k->reader[0] = k->token[0] = 0;
        if (k->card == PLACE_HERE && (text_copy(k->reader, sizeof(k->reader), p->reader) < 0 ||
                                      text_copy(k->token, sizeof(k->token), p->token) < 0))
                k->card = PLACE_NONE;
        if (*p->device) {
                k->key = text_copy(k->device, sizeof(k->device), p->device) == 0 && has_key(w, k->device)
                                 ? PLACE_HERE
                                 : PLACE_NONE;
        }
        changed(w);
        rearm(w);
        return 0;
}

void walkaway_shown(struct walkaway *w, const char *session, uint64_t now_usec) {
        struct kept *k = find(w, session);
        if (k && k->begun_usec > 0 && !is_shown(w, k)) {
                k->begun_usec = now_usec;
                k->settled = false;
                rearm(w);
        }
        if (text_copy(w->shown, sizeof(w->shown), session) < 0)
                w->shown[0] = 0;
}

void walkaway_parked(struct walkaway *w, const char *session) {
        if (strcmp(w->shown, session) == 0)
                w->shown[0] = 0;
}

void walkaway_gone(struct walkaway *w, const char *session) {
        struct kept *k = find(w, session);
        walkaway_parked(w, session);
        if (!k)
                return;
        *k = w->kept[--w->n];
        changed(w);
        rearm(w);
}

/* --- cards */

static struct reader *find_or_add_reader(struct walkaway *w, const char *name) {
        struct reader *r = find_reader(w, name);
        if (r || w->n_readers == DEVICE_READERS_MAX || strlen(name) > DEVICE_READER_MAX)
                return r;
        r = &w->readers[w->n_readers++];
        *r = (struct reader){.present = false};
        memcpy(r->name, name, strlen(name));
        return r;
}

static void card_came(struct kept *k, uint64_t now_usec) {
        if (k->card == PLACE_UNKNOWN)
                k->card = PLACE_HERE; /* it lay there when the reader came back: nobody has seen it go */
        else if (k->card == PLACE_AWAY)
                k->card_due_usec = now_usec + WALKAWAY_READ_USEC; /* whose it is will be said */
}

static void card_went(struct kept *k, uint64_t now_usec) {
        if (k->card != PLACE_HERE && k->card != PLACE_UNKNOWN)
                return;
        k->card_due_usec = now_usec + (k->card == PLACE_HERE ? WALKAWAY_BACK_USEC : WALKAWAY_READ_USEC);
        k->card_away_usec = now_usec;
        k->card = PLACE_AWAY;
}

void walkaway_card(struct walkaway *w, const char *reader, bool present, uint64_t now_usec) {
        struct reader *r = find_or_add_reader(w, reader);
        if (!r)
                return;
        r->present = present;
        r->token[0] = 0;
        for (size_t i = 0; i < w->n; i++) {
                struct kept *k = &w->kept[i];
                if (strcmp(k->reader, reader) != 0)
                        continue;
                if (present)
                        card_came(k, now_usec);
                else
                        card_went(k, now_usec);
        }
        rearm(w);
}

bool walkaway_card_read(struct walkaway *w, const char *reader, const char *token, uint64_t now_usec) {
        struct reader *r = find_reader(w, reader);
        bool back = false;
        if (!r || !r->present)
                return false; /* gone again: that is what counts */
        if (!token || text_copy(r->token, sizeof(r->token), token) < 0)
                r->token[0] = 0;
        for (size_t i = 0; i < w->n; i++) {
                struct kept *k = &w->kept[i];
                if (k->card != PLACE_AWAY || strcmp(k->reader, reader) != 0)
                        continue;
                if (*r->token && strcmp(k->token, r->token) == 0) {
                        k->card = PLACE_HERE;
                        back |= is_shown(w, k);
                } else {
                        k->card_due_usec = now_usec; /* another's is there, so hers is not */
                }
        }
        walkaway_expire(w, now_usec);
        return back;
}

void walkaway_reader_gone(struct walkaway *w, const char *reader) {
        struct reader *r = find_reader(w, reader);
        if (r)
                *r = w->readers[--w->n_readers];
        for (size_t i = 0; i < w->n; i++) {
                struct kept *k = &w->kept[i];
                if ((k->card == PLACE_HERE || k->card == PLACE_AWAY) && strcmp(k->reader, reader) == 0)
                        k->card = k->settled ? PLACE_UNKNOWN : PLACE_NONE;
        }
        rearm(w);
}

/* --- keys */

static void key_came(struct walkaway *w, const char *device) {
        if (!has_key(w, device) && w->n_keys < ELEMENTSOF(w->keys))
                (void) text_copy(w->keys[w->n_keys++], sizeof(w->keys[0]), device);
        for (size_t i = 0; i < w->n; i++) {
                struct kept *k = &w->kept[i];
                if ((k->key == PLACE_UNKNOWN || k->key == PLACE_AWAY) && strcmp(k->device, device) == 0)
                        k->key = PLACE_HERE;
        }
}

static void forget_key(struct walkaway *w, const char *device) {
        for (size_t i = 0; i < w->n_keys; i++)
                if (strcmp(w->keys[i], device) == 0) {
                        memmove(w->keys[i], w->keys[--w->n_keys], sizeof(w->keys[0]));
                        return;
                }
}

static struct kept *find_with_key(struct walkaway *w, const char *device) {
        for (size_t i = 0; i < w->n; i++)
                if (w->kept[i].key == PLACE_HERE && strcmp(w->kept[i].device, device) == 0)
                        return &w->kept[i];
        return NULL;
}

void walkaway_key(struct walkaway *w, const char *device, bool plugged, uint64_t when_usec) {
        struct kept *k;
        if (strlen(device) >= DEVICE_KEY_ID_SIZE)
                return;
        if (plugged) {
                key_came(w, device);
        } else {
                forget_key(w, device);
                while ((k = find_with_key(w, device)))
                        lose(w, k, &k->key, "key-removed", when_usec);
        }
        rearm(w);
}

void walkaway_keys_listed(struct walkaway *w, uint64_t now_usec) {
        for (size_t i = 0; i < w->n; i++) {
                struct kept *k = &w->kept[i];
                if (k->key != PLACE_UNKNOWN)
                        continue;
                k->key = PLACE_AWAY;
                k->key_due_usec = now_usec + WALKAWAY_READ_USEC;
        }
        rearm(w);
}

bool walkaway_key_left(const struct walkaway *w, const char *session) {
        const struct kept *k = find(w, session);
        return k && k->key == PLACE_HERE;
}

/* --- time */

static uint64_t settles_usec(const struct kept *k) {
        bool anything = k->card != PLACE_NONE || k->key != PLACE_NONE;
        return k->settled || !anything ? UINT64_MAX : k->begun_usec + WALKAWAY_STAY_USEC;
}

static struct kept *find_due(struct walkaway *w, uint64_t now_usec) {
        for (size_t i = 0; i < w->n; i++) {
                struct kept *k = &w->kept[i];
                if ((k->card == PLACE_AWAY && k->card_due_usec <= now_usec) ||
                    (k->key == PLACE_AWAY && k->key_due_usec <= now_usec))
                        return k;
        }
        return NULL;
}

/* What is there that long after the sign-in is there to stay; also over a restart. */
static void settle(struct walkaway *w, uint64_t now_usec) {
        bool any = false;
        for (size_t i = 0; i < w->n; i++) {
                struct kept *k = &w->kept[i];
                if (settles_usec(k) > now_usec)
                        continue;
                if (k->card == PLACE_AWAY && k->card_away_usec < k->begun_usec + WALKAWAY_STAY_USEC)
                        continue; /* not before it is known whether it was a tap */
                k->settled = any = true;
        }
        if (any)
                changed(w);
}

void walkaway_expire(struct walkaway *w, uint64_t now_usec) {
        struct kept *k;
        while ((k = find_due(w, now_usec))) {
                if (k->card == PLACE_AWAY && k->card_due_usec <= now_usec)
                        lose(w, k, &k->card, "badge-removed", k->card_away_usec);
                else
                        lose(w, k, &k->key, "key-removed", k->key_due_usec);
        }
        settle(w, now_usec);
        rearm(w);
}

uint64_t walkaway_next(const struct walkaway *w) {
        uint64_t next = UINT64_MAX;
        for (size_t i = 0; i < w->n; i++) {
                const struct kept *k = &w->kept[i];
                uint64_t settles = settles_usec(k);
                bool slipped = k->card == PLACE_AWAY;
                if (!slipped && settles < next)
                        next = settles;
                if (slipped && k->card_due_usec < next)
                        next = k->card_due_usec;
                if (k->key == PLACE_AWAY && k->key_due_usec < next)
                        next = k->key_due_usec;
        }
        return next;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        walkaway_expire(userdata, now_monotonic_usec());
        return 0;
}

int walkaway_new(sd_event *event, const struct walkaway_events *events, void *userdata,
                 struct walkaway **ret) {
        _cleanup_(walkaway_freep) struct walkaway *w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->events = events;
        w->userdata = userdata;
        int r = event ? sd_event_add_time(event, &w->timer, CLOCK_MONOTONIC, UINT64_MAX, SLACK_USEC,
                                          on_timer, w)
                      : 0;
        if (r < 0)
                return r;
        rearm(w);
        *ret = TAKE_PTR(w);
        return 0;
}

struct walkaway *walkaway_free(struct walkaway *w) {
        if (!w)
                return NULL;
        sd_event_source_disable_unref(w->timer);
        free(w->kept);
        free(w);
        return NULL;
}
