/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a tap, and whose badge it was. */
#include "pam_module/auth/attempt.h"

#include "common/socket.h"
#include "pam_module/auth/relay.h"
#include "pam_module/auth/screen.h"

#include <errno.h>

static int want_tap(struct attempt *a) {
        const struct broker_message m = {.type = BROKER_WANT_TAP};
        return broker_send(a->broker, &m);
}

/* wardtapd was restarted: its socket is there all the time, so there is nothing to wait for. */
static int reconnect(struct attempt *a) {
        closep(&a->broker);
        int r = attempt_connect(a);
        return r < 0 ? r : want_tap(a);
}

static int show_tap_wanted(struct attempt *a) {
        char text[WIRE_TEXT_MAX + 1];
        const struct rule_service *s = a->decision.service;
        const bool step_up = s && s->use == USE_STEP_UP;
        const struct screen_what what = {step_up, a->start.service, step_up ? a->person.full_name : ""};
        if (a->have_person && a->person.kind == PERSON_EMERGENCY)
                screen_account(text, sizeof(text));
        else
                screen_ask(&what, SCREEN_TAP, text, sizeof(text));
        return attempt_show(a, WIRE_INFO, text);
}

enum attempt_state attempt_take_tap(struct attempt *a, const struct tap *tap) {
        static const enum reason problems[] = {
                [TAP_RANDOM] = REASON_BADGE_RANDOM,
                [TAP_NO_NUMBER] = REASON_BADGE_NO_NUMBER,
                [TAP_TOO_QUICK] = REASON_BADGE_TOO_QUICK,
                [TAP_UNREADABLE] = REASON_BADGE_UNREADABLE,
        };
        uint64_t now = now_monotonic_usec();
        a->tap = *tap;
        a->have_tap = true;
        if (tap->seen_usec > now || now - tap->seen_usec > BROKER_TAP_FRESH_USEC)
                return attempt_end(a, REASON_TIMED_OUT);
        if (tap->problem != TAP_OK)
                return attempt_end(a, problems[tap->problem]);
        return ATTEMPT_LOOK_UP;
}

/* A wardtapd that was just restarted has to find its readers first. */
#define PATIENCE_USEC (15U * 1000U * 1000U)
#define LOSSES_MAX 5U
#define PAUSE_USEC (200U * 1000U)

struct waiting {
        unsigned losses;        /* of the connection, since something was heard */
        bool shown;             /* "Tap your badge" */
        uint64_t words_usec;    /* until then the words of the attempt before are on the screen */
        uint64_t show_usec;     /* when to show it; UINT64_MAX: not yet known, or shown */
        uint64_t patience_usec; /* until then no reader is no reason to end; UINT64_MAX: at once */
};

static enum attempt_state show_in_time(struct attempt *a, struct waiting *w) {
        if (w->shown)
                return ATTEMPT_WAIT_TAP;
        w->show_usec = now_monotonic_usec() < w->words_usec ? w->words_usec : UINT64_MAX;
        if (w->show_usec != UINT64_MAX)
                return ATTEMPT_WAIT_TAP;
        w->shown = true;
        return show_tap_wanted(a) < 0 ? attempt_end(a, REASON_CANCELLED) : ATTEMPT_WAIT_TAP;
}

/* For a while, before it is asked again for a tap. */
static enum attempt_state show_words(struct attempt *a, const char *text, struct waiting *w) {
        if (!text_is_clean(text, WIRE_TEXT_MAX))
                return ATTEMPT_WAIT_TAP;
        w->words_usec = now_monotonic_usec() + ATTEMPT_WORDS_USEC;
        w->shown = false;
        if (attempt_show(a, WIRE_INFO, text) < 0)
                return attempt_end(a, REASON_CANCELLED);
        return show_in_time(a, w);
}

/* One message of wardtapd. ATTEMPT_WAIT_TAP: go on waiting. */
static enum attempt_state take_message(struct attempt *a, const struct broker_message *m,
                                       struct waiting *w) {
        if (m->type == BROKER_TAP)
                return attempt_take_tap(a, &m->tap);
        if (m->type == BROKER_GONE)
                return attempt_end(a, REASON_SCREEN_GONE);
        if (m->type == BROKER_WORDS)
                return show_words(a, m->words, w);
        if (m->type != BROKER_WAITING)
                return ATTEMPT_WAIT_TAP; /* a late answer to something else */
        if (m->waiting.readers == 0)
                return w->patience_usec == UINT64_MAX ? attempt_end(a, REASON_NO_READER) : ATTEMPT_WAIT_TAP;
        w->patience_usec = UINT64_MAX;
        return show_in_time(a, w);
}

/* The one that ends may still have taken the new connection with it, so it is tried again a little later. */
static int lose(struct attempt *a, struct waiting *w) {
        if (++w->losses > LOSSES_MAX)
                return -ENOTCONN;
        if (w->losses > 1 && relay_poll(a->module, -1, now_monotonic_usec() + PAUSE_USEC) != -ETIMEDOUT)
                return -ECANCELED;
        w->patience_usec = now_monotonic_usec() + PATIENCE_USEC;
        return reconnect(a);
}

static int next_message(struct attempt *a, const struct waiting *w, struct broker_message *ret) {
        uint64_t until = w->patience_usec == UINT64_MAX ? w->show_usec : w->patience_usec;
        for (;;) {
                int r = relay_wait(a->module, a->broker, until);
                if (r >= 0)
                        r = broker_receive(a->broker, ret);
                if (r != -EAGAIN)
                        return r;
        }
}

enum attempt_state attempt_wait_tap(struct attempt *a) {
        struct waiting w = {.patience_usec = UINT64_MAX, .show_usec = UINT64_MAX};
        if (a->start.again)
                w.words_usec = now_monotonic_usec() + ATTEMPT_WORDS_USEC;
        enum attempt_state next = ATTEMPT_WAIT_TAP;
        int r = want_tap(a);
        while (next == ATTEMPT_WAIT_TAP) {
                _cleanup_(broker_message_clear) struct broker_message m = {.type = BROKER_TYPE_INVALID};
                if (r >= 0)
                        r = next_message(a, &w, &m);
                if (r == -ETIMEDOUT && w.patience_usec == UINT64_MAX) {
                        w.words_usec = 0; /* they were read */
                        next = show_in_time(a, &w);
                        r = 0;
                        continue;
                }
                if (r == -ECANCELED || r == -ETIMEDOUT)
                        return attempt_end_wait(a, r, REASON_NO_READER);
                if (r < 0) {
                        r = lose(a, &w);
                        if (r < 0)
                                return attempt_end(a, r == -ECANCELED ? REASON_CANCELLED : REASON_TAPS_GONE);
                        continue;
                }
                w.losses = 0;
                next = take_message(a, &m, &w);
        }
        return next;
}

int attempt_find_badge(struct attempt *a, struct store_person *ret_person) {
        const char *key_ids[BADGE_INDEXES_MAX];
        const uint8_t *indexes[BADGE_INDEXES_MAX];
        for (size_t i = 0; i < a->tap.n_indexes; i++) {
                key_ids[i] = a->tap.indexes[i].key_id;
                indexes[i] = a->tap.indexes[i].index;
        }
        return store_find_badge(a->people, key_ids, indexes, a->tap.n_indexes, &a->badge, ret_person);
}

/* 1 when the owner has a temporary badge meanwhile, and this is another; 0 when not. */
static int is_aside(const struct attempt *a, int64_t person) {
        struct store_badge lent;
        int r = store_lent_badge(a->people, person, now_realtime_usec(), &lent);
        return r == -ENOENT ? 0 : r < 0 ? r : lent.id != a->badge.id;
}

static void take_badge_state(struct attempt *a) {
        a->evidence.badge_ended = a->badge.ended_usec != 0;
        a->evidence.badge_suspended = a->badge.suspended_usec != 0;
        a->evidence.badge_reported =
                a->evidence.badge_suspended && store_is_reported(a->badge.suspend_reason);
}

int attempt_look_again(struct attempt *a) {
        bool tapped = a->have_badge || a->have_witness; /* the last tap is the witness's */
        const struct store_person *who = a->have_witness ? &a->witness : &a->person;
        struct policy_person *judged = a->have_witness ? &a->policy_witness : &a->policy_person;
        struct store_person p;
        int r = tapped ? attempt_find_badge(a, &p) : store_find_person(a->people, who->user, &p);
        if (r < 0)
                return r;
        if (p.id != who->id)
                return -ENOENT;
        judged->state = p.state;
        judged->not_before_usec = p.not_before_usec;
        judged->not_after_usec = p.not_after_usec;
        if (a->have_badge && !a->have_witness)
                take_badge_state(a);
        return 0;
}

enum attempt_state attempt_look_up(struct attempt *a) {
        struct store_person person;
        if (snapshot_refresh(a->snapshot))
                a->decision = (struct policy_decision){0}; /* it borrowed from the old rules */
        int r = attempt_find_badge(a, &person);
        if (r < 0)
                return r == -ENOENT ? attempt_end_or_code(a, REASON_UNKNOWN_BADGE)
                                    : attempt_end(a, REASON_STORE);
        if (a->have_person && a->person.kind == PERSON_EMERGENCY && a->person.id != person.id)
                return attempt_take_witness(a, &person);
        a->have_badge = true;
        a->evidence.badge = BADGE_NUMBER;
        a->evidence.badge_id = a->badge.id;
        take_badge_state(a);
        a->evidence.badge_person = person.id;
        a->evidence.badge_lent = a->badge.not_after_usec != 0;
        a->evidence.lend = a->badge.approval;
        a->evidence.lender = a->badge.approver;
        if ((r = is_aside(a, person.id)) < 0)
                return attempt_end(a, REASON_STORE);
        a->evidence.badge_aside = r > 0;
        if (a->have_person && a->person.id != person.id)
                return attempt_end(a, REASON_BADGE_OF_ANOTHER);
        a->person = person;
        a->have_person = true;
        return ATTEMPT_ACCOUNT;
}
