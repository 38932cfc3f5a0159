/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that are there, away for a moment, or gone. */
#include "helper/keys_state.h"

#include <string.h>

static struct keys_entry *find(struct keys_state *s, const char *id) {
        for (size_t i = 0; i < s->n; i++)
                if (strcmp(s->entries[i].key.id, id) == 0)
                        return &s->entries[i];
        return NULL;
}

/* Forgets it first, so that whoever is told finds it gone. */
static void say_gone(struct keys_state *s, struct keys_entry *e) {
        const struct keys_entry gone = *e;
        *e = s->entries[--s->n];
        s->changed(s->userdata, &gone.key, false, false, gone.away_usec);
}

static struct keys_entry *find_longest_away(struct keys_state *s) {
        struct keys_entry *longest = NULL;
        for (size_t i = 0; i < s->n; i++) {
                struct keys_entry *e = &s->entries[i];
                if (e->at == KEYS_AWAY && (!longest || e->away_usec < longest->away_usec))
                        longest = e;
        }
        return longest;
}

void keys_state_attach(struct keys_state *s, const struct device_key *key, bool present, uint64_t now_usec) {
        struct keys_entry *e = find(s, key->id);
        if (e) {
                e->at = KEYS_HERE;
                return;
        }
        if (s->n == KEYS_STATE_MAX) {
                if (!(e = find_longest_away(s)))
                        return;
                say_gone(s, e);
        }
        s->entries[s->n++] = (struct keys_entry){.key = *key, .at = KEYS_HERE};
        s->changed(s->userdata, key, true, present, now_usec);
}

void keys_state_detach(struct keys_state *s, const char *id, uint64_t now_usec) {
        struct keys_entry *e = find(s, id);
        if (!e || e->at == KEYS_AWAY)
                return;
        e->at = KEYS_AWAY;
        e->away_usec = now_usec;
}

void keys_state_lose(struct keys_state *s) {
        for (size_t i = 0; i < s->n; i++)
                s->entries[i].at = KEYS_UNKNOWN;
}

void keys_state_listed(struct keys_state *s, uint64_t now_usec) {
        for (size_t i = 0; i < s->n; i++)
                if (s->entries[i].at == KEYS_UNKNOWN) {
                        s->entries[i].at = KEYS_AWAY;
                        s->entries[i].away_usec = now_usec;
                }
}

static struct keys_entry *find_due(struct keys_state *s, uint64_t now_usec) {
        struct keys_entry *e = find_longest_away(s);
        return e && now_usec >= e->away_usec + KEYS_BACK_USEC ? e : NULL;
}

void keys_state_expire(struct keys_state *s, uint64_t now_usec) {
        struct keys_entry *e;
        while ((e = find_due(s, now_usec)))
                say_gone(s, e);
}

uint64_t keys_state_next(const struct keys_state *s) {
        uint64_t next = UINT64_MAX;
        for (size_t i = 0; i < s->n; i++)
                if (s->entries[i].at == KEYS_AWAY && s->entries[i].away_usec + KEYS_BACK_USEC < next)
                        next = s->entries[i].away_usec + KEYS_BACK_USEC;
        return next;
}

bool keys_state_has(const struct keys_state *s, const char *id) {
        for (size_t i = 0; i < s->n; i++)
                if (strcmp(s->entries[i].key.id, id) == 0)
                        return true;
        return false;
}

enum keys_note keys_flood_take(struct keys_flood *f, uint64_t now_usec) {
        uint64_t quiet_usec = now_usec - (f->muted ? f->last_usec : f->since_usec);
        f->last_usec = now_usec;
        if (f->n == 0 || quiet_usec >= KEYS_RECORDS_USEC)
                *f = (struct keys_flood){.since_usec = now_usec, .last_usec = now_usec};
        if (f->muted)
                return KEYS_NO_NOTE;
        if (f->n++ < KEYS_RECORDS_MAX)
                return KEYS_NOTE;
        f->muted = true;
        return KEYS_ALERT;
}
