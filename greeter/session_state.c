/* SPDX-License-Identifier: Apache-2.0 */
/* What a session has to show, and until when. */
#include "greeter/session_state.h"

#include <stdio.h>

#define SECOND (1000U * 1000U)

static uint32_t at_most(uint32_t v, uint32_t max) {
        return v < max ? v : max;
}

void state_shown(struct state *s, uint64_t now) {
        s->parked = s->quiet = false;
        s->countdown_until = 0;
        s->name_until = now + STATE_NAME_USEC;
}

void state_parked(struct state *s) {
        s->parked = true;
        s->quiet = false;
        s->countdown_until = s->name_until = 0;
}

void state_uncover(struct state *s) {
        s->parked = false;
}

void state_countdown(struct state *s, uint64_t now, uint32_t seconds) {
        if (s->parked)
                return;
        seconds = at_most(seconds, STATE_COUNTDOWN_SECONDS_MAX);
        s->countdown_until = seconds > 0 ? now + (uint64_t) seconds * SECOND : 0;
}

void state_quiet(struct state *s, bool quiet) {
        s->quiet = quiet && !s->parked;
}

void state_notice(struct state *s, uint64_t now, const char *text, uint32_t seconds) {
        words_clean(text, s->notice, sizeof(s->notice));
        seconds = at_most(seconds, STATE_NOTICE_SECONDS_MAX);
        uint64_t begin = s->name_until > now ? s->name_until : now;
        s->notice_until = seconds > 0 && s->notice[0] ? begin + (uint64_t) seconds * SECOND : 0;
}

void state_emergency(struct state *s, uint64_t now, const char *text, uint32_t seconds) {
        words_clean(text, s->emergency, sizeof(s->emergency));
        seconds = at_most(seconds, STATE_EMERGENCY_SECONDS_MAX);
        s->emergency_until = seconds > 0 && s->emergency[0] ? now + (uint64_t) seconds * SECOND : 0;
}

static bool is_visible(const struct state *s, uint64_t now, enum view view) {
        bool naming = s->name_until > now;
        switch (view) {
        case VIEW_COVER:
                return s->parked;
        case VIEW_BANNER:
                return s->quiet && !naming;
        case VIEW_EMERGENCY:
                return s->emergency_until > now && !s->parked;
        case VIEW_COUNTDOWN:
                return s->countdown_until > now && !naming;
        case VIEW_NAME:
                return naming;
        case VIEW_NOTICE:
                return s->notice_until > now && !naming;
        default:
                return false;
        }
}

/* Whole seconds, the one that has begun included: "1 s" is the last to be read. */
static unsigned seconds_left(uint64_t until, uint64_t now) {
        return (unsigned) ((until - now + SECOND - 1) / SECOND);
}

bool state_text(const struct state *s, uint64_t now, enum view view, char ret[static WORDS_TEXT_SIZE]) {
        if (!is_visible(s, now, view))
                return false;
        int n = 0;
        if (view == VIEW_COVER)
                n = snprintf(ret, WORDS_TEXT_SIZE, "%s", _("Locked"));
        else if (view == VIEW_BANNER)
                n = snprintf(ret, WORDS_TEXT_SIZE, _("Signed in: %s"), s->name);
        else if (view == VIEW_EMERGENCY)
                n = snprintf(ret, WORDS_TEXT_SIZE, "%s", s->emergency);
        else if (view == VIEW_COUNTDOWN)
                n = snprintf(ret, WORDS_TEXT_SIZE, _("Locking in %u s. Press any key to go on."),
                             seconds_left(s->countdown_until, now));
        else if (view == VIEW_NAME)
                n = snprintf(ret, WORDS_TEXT_SIZE, _("%s\nSigned in"), s->name);
        else
                n = snprintf(ret, WORDS_TEXT_SIZE, "%s", s->notice);
        return n > 0 && (unsigned) n < WORDS_TEXT_SIZE;
}

static uint64_t sooner(uint64_t a, uint64_t until, uint64_t now) {
        return until > now && until < a ? until : a;
}

uint64_t state_next(const struct state *s, uint64_t now) {
        uint64_t next = sooner(STATE_NEVER, s->name_until, now);
        next = sooner(next, s->notice_until, now);
        next = sooner(next, s->emergency_until, now);
        if (s->countdown_until > now) {
                uint64_t left = s->countdown_until - now;
                uint64_t part = left % SECOND;
                next = sooner(next, now + (part > 0 ? part : SECOND), now);
        }
        return next;
}
