/* SPDX-License-Identifier: Apache-2.0 */
/* The messages between pam_wardtap.so and an attempt of wardtap-authd, on PATH_AUTH_SOCKET: SOCK_SEQPACKET,
 * one connection = one attempt, one message each: version u8, type u8, fields. Strings are UTF-8 with a
 * 16-bit length.
 *
 *   module                                  attempt
 *   START hook, service, user, tty, ...  ->
 *                                        <- USER name                PAM_USER was empty: this person is let
 * in
 *                                        <- INFO | ERROR text        shown through the conversation
 *                                        <- PROMPT style, text
 *   ANSWER text | NO_ANSWER              ->
 *                                        <- VERDICT verdict, attempt, code
 *
 * A hang-up by the module cancels the attempt; a hang-up by the attempt before VERDICT is a failure.
 *
 * USER comes at most once, unless with the same name, and only in authenticate; PROMPT also comes only
 * there, more than once where somebody enrols (code, new PIN, the same again). ALLOW in authenticate carries
 * the attempt's id, and the user is known by then: from START or from USER. The session hooks are answered
 * within 10 s: ALLOW, DENY (the session must not be), or UNAVAIL (no account is kept of it). Every text,
 * name and answer is clean (text_is_clean()); ids are lower-case hexadecimal, codes upper-case letters and
 * digits.
 *
 * AGAIN ends an attempt as DENY does, and tells the module to begin the next one at once, as `again`: the
 * application named nobody and waits for whoever comes, so that one person's refusal does not end it.
 *
 * Versions: a program that loaded an older module keeps it until it ends, through any update. authd answers
 * in the version of START, from WIRE_VERSION_MIN on; before START, in the oldest. Version 1 has no `session`
 * in START and no `code` in VERDICT; version 2 has no `again` in START and is never told AGAIN. */
#pragma once

#include <sys/types.h>

#include "common/bytes.h"

#define WIRE_VERSION 3U
#define WIRE_VERSION_MIN 1U
#define WIRE_TEXT_MAX 512U   /* bytes of a text for the screen */
#define WIRE_ANSWER_MAX 256U /* bytes of an answer; a PIN has at most 63 (CTAP 2.1, 6.5.1) */

enum wire_type {
        WIRE_START = 1,
        WIRE_ANSWER,
        WIRE_NO_ANSWER, /* the conversation failed, or the person gave no answer: never an empty PIN */
        WIRE_USER = 64,
        WIRE_INFO,
        WIRE_ERROR,
        WIRE_PROMPT,
        WIRE_VERDICT,
        WIRE_TYPE_INVALID = -1,
};

enum wire_hook {
        WIRE_AUTHENTICATE = 1,
        WIRE_OPEN_SESSION,
        WIRE_CLOSE_SESSION,
        WIRE_RESUME_SESSION, /* something else than an attempt gave this person her open session back */
        WIRE_SEAT,           /* wardtapd alone: a tap at an open session, with nobody to talk to */
        WIRE_RECHECK, /* wardtapd alone: may this person still sign in? INFO names the reason of a DENY */
        WIRE_HOOK_MAX,
};

enum wire_verdict {
        WIRE_ALLOW = 0,
        WIRE_DENY = 1,      /* PAM_AUTH_ERR */
        WIRE_UNAVAIL = 2,   /* PAM_AUTHINFO_UNAVAIL: the stack goes on to what the site allows next */
        WIRE_MAXTRIES = 3,  /* PAM_MAXTRIES */
        WIRE_AGAIN = 4,     /* nobody was let in; ask again for the next person (version 3, authenticate) */
        WIRE_ELSEWHERE = 5, /* SEAT: something must be read or typed, so it is a greeter's to ask */
        WIRE_VERDICT_MAX,
};

struct wire_start {
        enum wire_hook hook;
        bool silent;      /* PAM_SILENT: the attempt decides what must be shown nevertheless */
        bool again;       /* follows an attempt whose last words are still on the screen (version 3) */
        char service[65]; /* PAM_SERVICE */
        char user[65];    /* PAM_USER, "" where the application set none */
        char tty[65];     /* PAM_TTY */
        char rhost[256];  /* PAM_RHOST */
        char ruser[65];   /* PAM_RUSER */
        char seat[65];    /* XDG_SEAT of the PAM environment */
        char session[65]; /* XDG_SESSION_ID of the PAM environment (version 2) */
        char attempt[33]; /* session hooks: the attempt that let this person in; "" if none did */
};

struct wire_message {
        uint8_t version; /* of the message read, or to write */
        enum wire_type type;
        union {
                struct wire_start start;
                char user[65];
                char text[WIRE_TEXT_MAX + 1]; /* INFO, ERROR */
                struct {
                        bool echo; /* PAM_PROMPT_ECHO_ON */
                        char text[WIRE_TEXT_MAX + 1];
                } prompt;
                char answer[WIRE_ANSWER_MAX + 1];
                struct {
                        enum wire_verdict verdict;
                        char attempt[33]; /* id of the attempt, 32 hexadecimal digits; "" when none was begun
                                           */
                        char code[9];     /* for the help desk: `wardtap why CODE` (version 2) */
                } verdict;
        };
};

/* For _cleanup_(wire_message_erase): wipes the whole message. */
void wire_message_erase(struct wire_message *m);

/* Encodes m in m->version. A field that version does not have is left out. */
void wire_write(struct writer *w, const struct wire_message *m);
/* Decodes one whole message. -EPROTONOSUPPORT for a version outside WIRE_VERSION_MIN..WIRE_VERSION; -EBADMSG
 * for an unknown type, an enum or length out of range, text that is not valid, or bytes left over. *ret only
 * on success. */
int wire_read(struct bytes b, struct wire_message *ret);

/* Encodes and sends; the buffer used is wiped. */
int wire_send(int fd, const struct wire_message *m);
/* Receives and decodes; the buffer used is wiped. Errors of socket_receive() and wire_read(). */
int wire_receive(int fd, struct wire_message *ret);
