/* SPDX-License-Identifier: Apache-2.0 */
/* Taps and their owners. */
#include "helper/taps.h"

#include <errno.h>

struct entry {
        struct tap tap;
        char seat[65];
        bool set;  /* there is a tap here */
        bool held; /* somebody has it: not to be handed out */
        uint64_t held_by;
};

struct reader {
        char name[DEVICE_READER_MAX + 1];
        struct entry tap;                        /* the newest */
        uint64_t unknown_usec[TAPS_UNKNOWN_MAX]; /* when the last unknown badges were recorded, a ring */
        size_t unknown_at;
        uint64_t slowed_until_usec;
};

struct client {
        uint64_t id; /* 0 = free place */
        uint64_t order;
        uint64_t asked_usec;
        char seat[65];
        unsigned vt;
        char greeter[TAPS_GREETER_SIZE];
        enum taps_rank rank;
        bool holds;
        char reader[DEVICE_READER_MAX + 1]; /* of the tap it holds */
};

struct taps {
        struct reader *readers[DEVICE_READERS_MAX];
        size_t n_readers;
        struct client clients[TAPS_CLIENTS_MAX];
        uint64_t next_tap, next_order;
        struct taps_screen screen;
};

int taps_new(struct taps **ret) {
        struct taps *t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;
        *ret = t;
        return 0;
}

static void entry_clear(struct entry *e) {
        explicit_bzero(e, sizeof(*e));
}

static void reader_free(struct reader *r) {
        entry_clear(&r->tap);
        free(r);
}

struct taps *taps_free(struct taps *t) {
        if (!t)
                return NULL;
        for (size_t i = 0; i < t->n_readers; i++)
                reader_free(t->readers[i]);
        free(t);
        return NULL;
}

static struct reader *find_reader(const struct taps *t, const char *name) {
        for (size_t i = 0; i < t->n_readers; i++)
                if (strcmp(t->readers[i]->name, name) == 0)
                        return t->readers[i];
        return NULL;
}

static struct client *find_client(struct taps *t, uint64_t id) {
        for (size_t i = 0; i < TAPS_CLIENTS_MAX; i++)
                if (t->clients[i].id == id)
                        return &t->clients[i];
        return NULL;
}

int taps_add_reader(struct taps *t, const char *reader) {
        if (strlen(reader) > DEVICE_READER_MAX)
                return -EINVAL;
        if (find_reader(t, reader))
                return 0;
        if (t->n_readers == DEVICE_READERS_MAX)
                return -ENOSPC;
        struct reader *r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;
        memcpy(r->name, reader, strlen(reader));
        t->readers[t->n_readers++] = r;
        return 1;
}

int taps_remove_reader(struct taps *t, const char *reader) {
        for (size_t i = 0; i < t->n_readers; i++)
                if (strcmp(t->readers[i]->name, reader) == 0) {
                        reader_free(t->readers[i]);
                        t->readers[i] = t->readers[--t->n_readers];
                        return 1;
                }
        return 0;
}

size_t taps_readers(const struct taps *t) {
        return t->n_readers;
}

const char *taps_reader(const struct taps *t, size_t i) {
        return t->readers[i]->name;
}

bool taps_is_slowed(const struct taps *t, const char *reader, uint64_t now_usec) {
        const struct reader *r = find_reader(t, reader);
        return r && now_usec < r->slowed_until_usec;
}

static bool is_fresh(const struct tap *tap, uint64_t now_usec) {
        return tap->seen_usec <= now_usec && now_usec - tap->seen_usec < BROKER_TAP_FRESH_USEC;
}

static const char *seat_or_default(const char *seat) {
        return seat && *seat ? seat : "seat0";
}

static int copy_seat(char out[static 65], const char *seat) {
        seat = seat_or_default(seat);
        size_t n = strlen(seat);
        if (n > 64)
                return -EINVAL;
        memcpy(out, seat, n + 1);
        return 0;
}

int taps_add(struct taps *t, const struct tap *tap, const char *seat, uint64_t now_usec) {
        struct reader *r = find_reader(t, tap->reader);
        char copied[65];
        if (!r)
                return -ENODEV;
        if (now_usec < r->slowed_until_usec)
                return -EBUSY;
        if (!is_fresh(tap, now_usec))
                return -ESTALE;
        if (copy_seat(copied, seat) < 0)
                return -EINVAL;
        entry_clear(&r->tap);
        r->tap.tap = *tap;
        r->tap.tap.id = ++t->next_tap;
        memcpy(r->tap.seat, copied, sizeof(copied));
        r->tap.set = true;
        return 0;
}

static struct entry *held_by(struct taps *t, uint64_t client) {
        for (size_t i = 0; i < t->n_readers; i++) {
                struct entry *e = &t->readers[i]->tap;
                if (e->set && e->held && e->held_by == client)
                        return e;
        }
        return NULL;
}

/* What the client holds is nobody's any more, and the client is not one of ours. */
static void use_up(struct taps *t, struct client *c) {
        struct entry *e = held_by(t, c->id);
        if (e)
                entry_clear(e);
        *c = (struct client){0};
}

int taps_want(struct taps *t, uint64_t client, const char *seat, unsigned vt, enum taps_rank rank,
              uint64_t now_usec) {
        struct client c = {.id = client, .vt = vt, .rank = rank, .asked_usec = now_usec};
        if (client == 0 || copy_seat(c.seat, seat) < 0)
                return -EINVAL;
        struct client *place = find_client(t, client);
        if (place && !place->holds)
                return 0;
        if (place)
                use_up(t, place);
        place = find_client(t, 0);
        if (!place)
                return -ENOSPC;
        c.order = ++t->next_order;
        if (rank == TAPS_SIGN_IN && vt == 0)
                memcpy(c.greeter, t->screen.greeter, sizeof(c.greeter));
        *place = c;
        return 0;
}

void taps_client_gone(struct taps *t, uint64_t client) {
        struct client *c = client ? find_client(t, client) : NULL;
        if (!c)
                return;
        struct entry *e = held_by(t, client);
        if (e)
                e->held = false;
        *c = (struct client){0};
}

/* Notes one unknown badge; true when the reader had too many within the window. */
static bool note_unknown(struct reader *r, uint64_t now_usec) {
        r->unknown_usec[r->unknown_at] = now_usec + 1; /* 0 = never */
        r->unknown_at = (r->unknown_at + 1) % TAPS_UNKNOWN_MAX;
        uint64_t oldest = r->unknown_usec[r->unknown_at];
        if (oldest == 0 || now_usec + 1 - oldest >= TAPS_UNKNOWN_WINDOW_USEC)
                return false;
        memset(r->unknown_usec, 0, sizeof(r->unknown_usec));
        r->slowed_until_usec = now_usec + TAPS_SLOWED_USEC;
        entry_clear(&r->tap); /* what waits there is of the same series */
        return true;
}

int taps_verdict(struct taps *t, uint64_t client, bool unknown, uint64_t now_usec, const char **ret_reader) {
        struct client *c = client ? find_client(t, client) : NULL;
        if (!c)
                return 0;
        struct reader *r = c->holds ? find_reader(t, c->reader) : NULL;
        use_up(t, c);
        if (!r || !unknown || !note_unknown(r, now_usec))
                return 0;
        *ret_reader = r->name;
        return 1;
}

/* A greeter's attempt may ask a moment before logind says that the greeter is on the screen. One that asked
 * before that greeter began is of another, which has ended. */
static void bind(struct taps *t) {
        for (size_t i = 0; t->screen.greeter[0] && t->screen.greeter_usec > 0 && i < TAPS_CLIENTS_MAX; i++) {
                struct client *c = &t->clients[i];
                if (c->id != 0 && c->rank == TAPS_SIGN_IN && c->vt == 0 && !c->greeter[0] &&
                    c->asked_usec >= t->screen.greeter_usec)
                        memcpy(c->greeter, t->screen.greeter, sizeof(c->greeter));
        }
}

void taps_set_screen(struct taps *t, const struct taps_screen *screen) {
        t->screen = *screen;
        bind(t);
}

const char *taps_greeter_of(const struct taps *t, uint64_t client) {
        for (size_t i = 0; i < TAPS_CLIENTS_MAX; i++)
                if (client != 0 && t->clients[i].id == client)
                        return t->clients[i].greeter;
        return "";
}

static bool is_hidden(const struct taps *t, const struct client *c) {
        if (c->vt != 0)
                return t->screen.vt != 0 && c->vt != t->screen.vt;
        if (c->rank == TAPS_SEAT)
                return !t->screen.person;
        if (c->rank == TAPS_STEP_UP)
                return t->screen.person;
        if (!c->greeter[0])
                return t->screen.manager && c->rank == TAPS_SIGN_IN;
        return strcmp(c->greeter, t->screen.greeter) != 0;
}

static bool is_seen(const struct taps *t, const struct client *c) {
        return c->vt != 0 && c->vt == t->screen.vt;
}

/* Whether a goes before b: by rank, then who waits on the terminal that is seen, then who has waited longer.
 */
static bool is_before(const struct taps *t, const struct client *a, const struct client *b) {
        if (a->rank != b->rank)
                return a->rank > b->rank;
        if (is_seen(t, a) != is_seen(t, b))
                return is_seen(t, a);
        return a->order < b->order;
}

/* The waiting client that a tap is for: one that enrols and asked before the tap, else a sign-in, else a
 * step-up. */
static struct client *owner_of(struct taps *t, const struct entry *e) {
        struct client *best = NULL;
        for (size_t i = 0; i < TAPS_CLIENTS_MAX; i++) {
                struct client *c = &t->clients[i];
                if (c->id == 0 || c->holds || strcmp(c->seat, e->seat) != 0 || is_hidden(t, c))
                        continue;
                if ((c->rank == TAPS_STEP_UP || c->rank == TAPS_ENROL) && e->tap.seen_usec <= c->asked_usec)
                        continue;
                if (!best || is_before(t, c, best))
                        best = c;
        }
        return best;
}

/* Whoever tapped at the same time, on another reader, taps again when the screen shows what came of the
 * first. */
static void drop_others(struct taps *t, const struct entry *e) {
        for (size_t i = 0; i < t->n_readers; i++) {
                struct entry *o = &t->readers[i]->tap;
                if (o != e && o->set && !o->held && strcmp(o->seat, e->seat) == 0)
                        entry_clear(o);
        }
}

static void give(struct taps *t, struct entry *e, struct client *c, struct tap *ret_tap) {
        *ret_tap = e->tap;
        if (c->rank == TAPS_ENROL) {
                entry_clear(e); /* a badge that is being enrolled signs nobody in */
        } else {
                explicit_bzero(ret_tap->number, sizeof(ret_tap->number));
                ret_tap->number_len = 0;
                e->held = true;
                e->held_by = c->id;
        }
        if (c->rank == TAPS_SEAT)
                drop_others(t, e);
        c->holds = true;
        memcpy(c->reader, ret_tap->reader, strlen(ret_tap->reader) + 1);
}

int taps_hand_out(struct taps *t, uint64_t now_usec, uint64_t *ret_client, struct tap *ret_tap) {
        struct entry *next = NULL;
        struct client *owner = NULL;
        taps_expire(t, now_usec);
        for (size_t i = 0; i < t->n_readers; i++) {
                struct entry *e = &t->readers[i]->tap;
                if (!e->set || e->held || (next && next->tap.id < e->tap.id))
                        continue;
                struct client *c = owner_of(t, e);
                if (!c)
                        continue;
                next = e;
                owner = c;
        }
        if (!next)
                return 0;
        give(t, next, owner, ret_tap);
        *ret_client = owner->id;
        if (owner->rank == TAPS_ENROL)
                *owner = (struct client){0};
        return 1;
}

void taps_expire(struct taps *t, uint64_t now_usec) {
        for (size_t i = 0; i < t->n_readers; i++) {
                struct entry *e = &t->readers[i]->tap;
                if (e->set && !is_fresh(&e->tap, now_usec))
                        entry_clear(e);
        }
}

unsigned taps_waiting_terminal(const struct taps *t, const char *seat) {
        const struct client *best = NULL;
        for (size_t i = 0; i < TAPS_CLIENTS_MAX; i++) {
                const struct client *c = &t->clients[i];
                if (c->id != 0 && !c->holds && c->rank == TAPS_SIGN_IN && c->vt != 0 &&
                    strcmp(c->seat, seat) == 0 && (!best || c->order < best->order))
                        best = c;
        }
        return best ? best->vt : 0;
}

void taps_drop(struct taps *t, const char *seat, uint64_t seen_usec) {
        for (size_t i = 0; i < t->n_readers; i++) {
                struct entry *e = &t->readers[i]->tap;
                if (e->set && !e->held && e->tap.seen_usec <= seen_usec && strcmp(e->seat, seat) == 0)
                        entry_clear(e);
        }
}

bool taps_is_judging(const struct taps *t, const char *seat) {
        for (size_t i = 0; i < TAPS_CLIENTS_MAX; i++)
                if (t->clients[i].id != 0 && t->clients[i].holds && strcmp(t->clients[i].seat, seat) == 0 &&
                    !is_hidden(t, &t->clients[i]))
                        return true;
        return false;
}

bool taps_is_listening(const struct taps *t, const char *seat) {
        for (size_t i = 0; i < TAPS_CLIENTS_MAX; i++)
                if (t->clients[i].id != 0 && !t->clients[i].holds && t->clients[i].rank == TAPS_SIGN_IN &&
                    strcmp(t->clients[i].seat, seat) == 0 && !is_hidden(t, &t->clients[i]))
                        return true;
        return false;
}

uint64_t taps_next_expiry(const struct taps *t) {
        uint64_t next = UINT64_MAX;
        for (size_t i = 0; i < t->n_readers; i++) {
                const struct entry *e = &t->readers[i]->tap;
                if (e->set && e->tap.seen_usec + BROKER_TAP_FRESH_USEC < next)
                        next = e->tap.seen_usec + BROKER_TAP_FRESH_USEC;
        }
        return next;
}

bool taps_is_unheard(const struct taps *t, const char *seat, uint64_t now_usec) {
        bool unheard = false;
        for (size_t i = 0; i < TAPS_CLIENTS_MAX; i++)
                if (t->clients[i].id != 0 && t->clients[i].rank != TAPS_STEP_UP &&
                    strcmp(t->clients[i].seat, seat) == 0 && !is_hidden(t, &t->clients[i]))
                        return false;
        for (size_t i = 0; i < t->n_readers; i++) {
                const struct entry *e = &t->readers[i]->tap;
                unheard |= e->set && !e->held && is_fresh(&e->tap, now_usec) && strcmp(e->seat, seat) == 0;
        }
        return unheard;
}

unsigned taps_waiting(const struct taps *t) {
        unsigned n = 0;
        for (size_t i = 0; i < TAPS_CLIENTS_MAX; i++)
                n += t->clients[i].id != 0 && !t->clients[i].holds && !is_hidden(t, &t->clients[i]);
        return n;
}

bool taps_is_seen_waiting(const struct taps *t, uint64_t client) {
        for (size_t i = 0; i < TAPS_CLIENTS_MAX; i++)
                if (client != 0 && t->clients[i].id == client)
                        return !t->clients[i].holds && t->clients[i].rank == TAPS_SIGN_IN &&
                               !is_hidden(t, &t->clients[i]);
        return false;
}

bool taps_is_seen_judging(const struct taps *t, uint64_t client) {
        for (size_t i = 0; i < TAPS_CLIENTS_MAX; i++)
                if (client != 0 && t->clients[i].id == client)
                        return t->clients[i].holds && t->clients[i].rank == TAPS_SIGN_IN &&
                               !is_hidden(t, &t->clients[i]);
        return false;
}

bool taps_is_waiting(const struct taps *t, uint64_t client) {
        for (size_t i = 0; i < TAPS_CLIENTS_MAX; i++)
                if (client != 0 && t->clients[i].id == client)
                        return !t->clients[i].holds;
        return false;
}

bool taps_is_enrolling(const struct taps *t, const char *seat, uint64_t seen_usec) {
        for (size_t i = 0; i < TAPS_CLIENTS_MAX; i++) {
                const struct client *c = &t->clients[i];
                if (c->id != 0 && c->rank == TAPS_ENROL && !c->holds && c->asked_usec < seen_usec &&
                    strcmp(c->seat, seat_or_default(seat)) == 0)
                        return true;
        }
        return false;
}

const struct tap *taps_held(struct taps *t, uint64_t client) {
        const struct entry *e = client ? held_by(t, client) : NULL;
        return e ? &e->tap : NULL;
}
