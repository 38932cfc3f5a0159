/* SPDX-License-Identifier: Apache-2.0 */
/* What people read at the screen. Each text names what it is for, so that a tap or touch meant for one thing
 * cannot approve another. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/reason.h"

/* What the person is about to do. */
struct screen_what {
        bool step_up;        /* approves something (sudo) instead of signing in */
        const char *service; /* PAM_SERVICE */
        const char *name;    /* full name; "" while nobody is known */
};

enum screen_want {
        SCREEN_TAP,    /* "Tap your badge" */
        SCREEN_PLUG,   /* the key is not there yet */
        SCREEN_TOUCH,  /* "FULL NAME, touch your key to sign in" */
        SCREEN_FINGER, /* the same with an enrolled finger */
        SCREEN_ENTER, /* "FULL NAME, enter the PIN of your key to sign in": greeters show no text of a prompt
                       */
        SCREEN_PIN, /* the prompt: "PIN: ", or "Enter the PIN of your key to approve sudo as FULL NAME: " */
        /* of an enrolment, for screen_enrol() */
        SCREEN_NEW_KEY,      /* "FULL NAME, plug in your new key" */
        SCREEN_NEW_PIN,      /* "FULL NAME, choose a PIN of at least 4 characters for your key" */
        SCREEN_NEW_PIN_ANEW, /* the two were not alike, or too short */
        SCREEN_TRIAL,        /* "One trial sign-in: touch your key again" */
        SCREEN_WANT_MAX,
};
void screen_ask(const struct screen_what *what, enum screen_want want, char *buf, size_t size);
/* Adds that a second tap asks for emergency access; with the way on for who is asked for a PIN. */
void screen_offer(char *buf, size_t size, bool prompt);
/* What the prompts about an emergency are preceded by. `reasons` are BREAK_GLASS_REASONS texts. */
void screen_why(const char *const *reasons, char *buf, size_t size);
void screen_who(char *buf, size_t size);
/* "Emergency access for CLAIMED, with WITNESS as witness. WITNESS, touch your key" */
void screen_witness(const char *claimed, const char *witness, enum screen_want want, char *buf, size_t size);
/* "Tap the badge of the emergency kit, or have a colleague tap hers" */
void screen_account(char *buf, size_t size);

/* "FULL NAME, your session is opening": nothing is wanted any more. */
void screen_opening(const char *name, char *buf, size_t size);
/* "FULL NAME, click Log In": the display manager shows no session by itself. */
void screen_click(const char *name, char *buf, size_t size);

/* Adds that there is emergency access for who has no code: it is offered once that is said. */
void screen_offer_later(char *buf, size_t size);
/* What is wanted of somebody who enrols; any of the above but SCREEN_TAP and SCREEN_PIN. */
void screen_enrol(enum screen_want want, const char *name, unsigned pin_least, char *buf, size_t size);
/* That a code may be typed, to whoever would be turned away for this reason: "New badge? Enter your code".
 */
void screen_code(enum reason instead, const char *name, char *buf, size_t size);

/* "Your session here was closed at 10:42: unsaved work is lost." In local time, with the day unless it is
 * today's; both in microseconds since 1970. */
void screen_closed(uint64_t closed_usec, uint64_t now_usec, char *buf, size_t size);

/* How an attempt ended that did not let anybody in. */
struct screen_end {
        enum reason reason;
        bool known;         /* an enrolled badge was tapped, or no name was typed; else one text for every
                               cause, so that nobody learns from it whether a name is enrolled */
        int retries;        /* PIN tries left, -1 unknown */
        uint64_t wait_usec; /* of REASON_THROTTLED */
        const char *code;   /* for the help desk */
};
void screen_refusal(const struct screen_end *e, char *buf, size_t size);
