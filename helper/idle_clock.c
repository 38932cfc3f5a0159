/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is kept that could be worked out: each look compares what was said with what is due now. */
#include "helper/idle_clock.h"

#include <errno.h>
#include <stdio.h>

#define NEVER UINT64_MAX
#define USEC_PER_SEC UINT64_C(1000000)

struct session {
        char id[IDLE_SESSION_ID_MAX + 1]; /* empty: this place is free */
        struct idle_rules rules;
        bool parked;
        uint64_t start_usec;
        uint64_t since_usec;          /* on the screen, or parked */
        uint64_t asked_usec;          /* its lock or sign-out was asked for; 0 = it was not */
        bool counting, quiet, capped; /* what was said last */
        bool hint;
        uint64_t hint_usec;
};

struct idle_clock {
        struct session sessions[IDLE_SESSIONS_MAX];
        struct session *shown; /* or NULL */
        uint64_t born_usec;
        uint64_t input_usec; /* 0 = none was seen */
        bool inhibited;
        uint64_t released_usec; /* 0 = never was */
};

static uint64_t earlier(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

static uint64_t later(uint64_t a, uint64_t b) {
        return a > b ? a : b;
}

static uint64_t after(uint64_t usec, uint64_t span_usec) {
        return usec < NEVER - span_usec ? usec + span_usec : NEVER;
}

void idle_rules_of(const struct rule_place *place, const struct rule_role *role, struct idle_rules *ret) {
        uint64_t cap = place->session_cap_usec;
        if (role && role->session_cap_usec > 0 && (cap == 0 || role->session_cap_usec < cap))
                cap = role->session_cap_usec;
        *ret = (struct idle_rules){
                .idle_lock_usec = place->idle_lock_usec,
                .idle_countdown_usec = place->idle_countdown_usec,
                .parked_sign_out_usec = place->parked_sign_out_usec,
                .session_cap_usec = cap,
                .inhibitors = place->inhibitors,
        };
}

/* Since when nobody is there, as far as it is known. */
static uint64_t quiet_since(const struct idle_clock *c, const struct session *s) {
        uint64_t seen = later(s->since_usec, c->input_usec);
        if (seen >= c->born_usec)
                return seen;
        return s->hint ? later(seen, earlier(s->hint_usec, c->born_usec)) : c->born_usec;
}

static uint64_t quiet_at(const struct idle_clock *c, const struct session *s) {
        return after(quiet_since(c, s), IDLE_QUIET_USEC);
}

static uint64_t lock_at(const struct idle_clock *c, const struct session *s) {
        uint64_t since = quiet_since(c, s);
        if (s->rules.idle_lock_usec == 0 || (s->rules.inhibitors && c->inhibited))
                return NEVER;
        if (s->rules.inhibitors)
                since = later(since, c->released_usec);
        return after(since, s->rules.idle_lock_usec);
}

/* A countdown as long as the whole time would begin anew with each key. */
static uint64_t countdown_at(const struct idle_clock *c, const struct session *s) {
        uint64_t at = lock_at(c, s);
        uint64_t part = s->rules.idle_countdown_usec;
        if (part >= s->rules.idle_lock_usec)
                part = s->rules.idle_lock_usec / 2;
        return part == 0 || at == NEVER ? NEVER : at - part;
}

static uint64_t sign_out_at(const struct session *s) {
        if (s->rules.parked_sign_out_usec == 0)
                return NEVER;
        return after(s->since_usec, s->rules.parked_sign_out_usec);
}

static uint64_t cap_at(const struct session *s) {
        return s->rules.session_cap_usec == 0 || s->capped ? NEVER
                                                           : after(s->start_usec, s->rules.session_cap_usec);
}

/* What was asked for and is due again. */
static uint64_t asked_or(const struct session *s, uint64_t at) {
        return s->asked_usec > 0 && at != NEVER ? after(s->asked_usec, IDLE_AGAIN_USEC) : at;
}

static struct session *find(struct idle_clock *c, const char *id) {
        for (size_t i = 0; id[0] && i < IDLE_SESSIONS_MAX; i++)
                if (strcmp(c->sessions[i].id, id) == 0)
                        return &c->sessions[i];
        return NULL;
}

/* The session of this id, new if there was none. */
static int find_or_add(struct idle_clock *c, const char *id, struct session **ret) {
        size_t n = strnlen(id, IDLE_SESSION_ID_MAX + 1);
        if (n == 0 || n > IDLE_SESSION_ID_MAX)
                return -EINVAL;
        struct session *s = find(c, id);
        for (size_t i = 0; !s && i < IDLE_SESSIONS_MAX; i++)
                if (!c->sessions[i].id[0]) {
                        s = &c->sessions[i];
                        *s = (struct session){.parked = true, .since_usec = NEVER};
                        memcpy(s->id, id, n);
                }
        if (!s)
                return -ENOSPC;
        *ret = s;
        return 0;
}

static void park(struct idle_clock *c, struct session *s, uint64_t when_usec) {
        if (c->shown == s)
                c->shown = NULL;
        s->parked = true;
        s->since_usec = when_usec;
        s->asked_usec = 0;
}

static void set_rules(struct session *s, const struct idle_rules *rules, uint64_t now_usec) {
        s->rules = *rules;
        if (rules->session_cap_usec == 0 || after(s->start_usec, rules->session_cap_usec) > now_usec)
                s->capped = false;
}

int idle_clock_shown(struct idle_clock *c, const char *session, uint64_t start_usec, uint64_t since_usec,
                     const struct idle_rules *rules, uint64_t now_usec) {
        struct session *s;
        int r = find_or_add(c, session, &s);
        if (r < 0)
                return r;
        if (c->shown && c->shown != s)
                park(c, c->shown, now_usec);
        since_usec = earlier(since_usec, now_usec);
        s->since_usec = s->parked ? since_usec : later(s->since_usec, since_usec);
        if (s->parked)
                s->asked_usec = 0;
        s->parked = false;
        s->start_usec = earlier(start_usec, now_usec);
        set_rules(s, rules, now_usec);
        c->shown = s;
        return 0;
}

int idle_clock_parked(struct idle_clock *c, const char *session, uint64_t start_usec, uint64_t when_usec,
                      const struct idle_rules *rules, uint64_t now_usec) {
        struct session *s;
        int r = find_or_add(c, session, &s);
        if (r < 0)
                return r;
        when_usec = earlier(when_usec, now_usec);
        if (!s->parked)
                park(c, s, when_usec);
        s->since_usec = earlier(s->since_usec, when_usec);
        s->start_usec = earlier(start_usec, now_usec);
        set_rules(s, rules, now_usec);
        return 0;
}

void idle_clock_gone(struct idle_clock *c, const char *session) {
        struct session *s = find(c, session);
        if (!s)
                return;
        if (c->shown == s)
                c->shown = NULL;
        s->id[0] = '\0';
}

int idle_clock_set_rules(struct idle_clock *c, const char *session, const struct idle_rules *rules,
                         uint64_t now_usec) {
        struct session *s = find(c, session);
        if (!s)
                return -ENOENT;
        set_rules(s, rules, now_usec);
        return 0;
}

bool idle_clock_input(struct idle_clock *c, uint64_t now_usec) {
        struct session *s = c->shown;
        c->input_usec = later(c->input_usec, now_usec);
        if (!s || (!s->counting && !s->quiet && s->asked_usec == 0))
                return false;
        s->asked_usec = 0;
        return true;
}

int idle_clock_hint(struct idle_clock *c, const char *session, bool idle, uint64_t since_usec,
                    uint64_t now_usec) {
        struct session *s = find(c, session);
        if (!s)
                return -ENOENT;
        s->hint = idle;
        s->hint_usec = earlier(since_usec, now_usec);
        return 0;
}

void idle_clock_inhibited(struct idle_clock *c, bool inhibited, uint64_t now_usec) {
        if (c->inhibited && !inhibited)
                c->released_usec = now_usec;
        c->inhibited = inhibited;
}

/* Whether what was said of it is so no longer. */
static bool counts_in_vain(const struct idle_clock *c, const struct session *s, uint64_t now_usec) {
        return s->counting && (s->parked || countdown_at(c, s) > now_usec);
}

static bool is_quiet_in_vain(const struct idle_clock *c, const struct session *s, uint64_t now_usec) {
        return s->quiet && (s->parked || quiet_at(c, s) > now_usec);
}

/* Its lock was asked for, and is not due any more (an inhibitor, other rules). */
static void forget_lock(const struct idle_clock *c, struct session *s, uint64_t now_usec) {
        if (s->asked_usec > 0 && lock_at(c, s) > now_usec)
                s->asked_usec = 0;
}

static uint64_t next_of_shown(const struct idle_clock *c, const struct session *s, uint64_t now_usec) {
        uint64_t lock = lock_at(c, s);
        if (s->asked_usec > 0 && lock <= now_usec)
                return asked_or(s, lock);
        uint64_t next = lock;
        if (!s->quiet)
                next = earlier(next, quiet_at(c, s));
        return s->counting ? next : earlier(next, countdown_at(c, s));
}

uint64_t idle_clock_next(const struct idle_clock *c, uint64_t now_usec) {
        uint64_t next = NEVER;
        for (size_t i = 0; i < IDLE_SESSIONS_MAX; i++) {
                const struct session *s = &c->sessions[i];
                if (!s->id[0])
                        continue;
                if (counts_in_vain(c, s, now_usec) || is_quiet_in_vain(c, s, now_usec))
                        return now_usec;
                next = earlier(next, cap_at(s));
                next = earlier(next,
                               s->parked ? asked_or(s, sign_out_at(s)) : next_of_shown(c, s, now_usec));
        }
        return next;
}

static bool say(const struct session *s, enum idle_action_type type, struct idle_action *ret) {
        *ret = (struct idle_action){.type = type};
        memcpy(ret->session, s->id, sizeof(ret->session));
        return true;
}

static bool take_shown(const struct idle_clock *c, struct session *s, uint64_t now_usec,
                       struct idle_action *ret) {
        uint64_t lock = lock_at(c, s);
        forget_lock(c, s, now_usec);
        if (asked_or(s, lock) <= now_usec) {
                s->asked_usec = now_usec;
                s->counting = false;
                return say(s, IDLE_LOCK, ret);
        }
        if (s->asked_usec > 0)
                return false;
        if (!s->quiet && quiet_at(c, s) <= now_usec) {
                s->quiet = true;
                (void) say(s, IDLE_QUIET, ret);
                ret->on = true;
                return true;
        }
        if (s->counting || countdown_at(c, s) > now_usec)
                return false;
        s->counting = true;
        (void) say(s, IDLE_COUNTDOWN, ret);
        ret->seconds = (unsigned) ((lock - now_usec + USEC_PER_SEC - 1) / USEC_PER_SEC);
        return true;
}

static bool take_parked(struct session *s, uint64_t now_usec, struct idle_action *ret) {
        if (asked_or(s, sign_out_at(s)) > now_usec)
                return false;
        s->asked_usec = now_usec;
        return say(s, IDLE_SIGN_OUT, ret);
}

static bool take_of(const struct idle_clock *c, struct session *s, uint64_t now_usec,
                    struct idle_action *ret) {
        if (counts_in_vain(c, s, now_usec)) {
                s->counting = false;
                return say(s, IDLE_COUNTDOWN, ret);
        }
        if (is_quiet_in_vain(c, s, now_usec)) {
                s->quiet = false;
                return say(s, IDLE_QUIET, ret);
        }
        if (cap_at(s) <= now_usec) {
                s->capped = true;
                return say(s, IDLE_CAP, ret);
        }
        return s->parked ? take_parked(s, now_usec, ret) : take_shown(c, s, now_usec, ret);
}

bool idle_clock_take(struct idle_clock *c, uint64_t now_usec, struct idle_action *ret) {
        for (size_t i = 0; i < IDLE_SESSIONS_MAX; i++)
                if (c->sessions[i].id[0] && take_of(c, &c->sessions[i], now_usec, ret))
                        return true;
        return false;
}

int idle_clock_new(uint64_t now_usec, struct idle_clock **ret) {
        struct idle_clock *c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->born_usec = now_usec;
        *ret = c;
        return 0;
}

struct idle_clock *idle_clock_free(struct idle_clock *c) {
        free(c);
        return NULL;
}
