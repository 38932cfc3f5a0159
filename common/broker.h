/* SPDX-License-Identifier: Apache-2.0 */
/* The messages on PATH_BROKER_SOCKET between wardtapd, which owns taps and writes records, and its clients:
 * attempts (user wardtap) and the CLI (root). SOCK_SEQPACKET, one message each: version u8, type u8, then
 * the fields below in order. The socket is private (0660 root:wardtap); what needs root is checked by
 * SO_PEERCRED as well.
 *
 *   client                               wardtapd
 *   HELLO purpose, attempt, service, seat, tty
 *   WANT_TAP                         ->
 *   WANT_AGAIN                       ->                            while it holds a tap
 *                                    <-  AGAIN seen_usec           when that badge is tapped once more
 *                                    <-  WAITING readers           at once, and whenever the number changes
 *                                    <-  TAP ...                   when one is this client's
 *                                    <-  WORDS text                for the screen: not about this attempt
 *                                    <-  GONE                      the greeter has: nobody waits any more
 *   ASK_SESSION uid                  ->                            BROKER_SEAT: after its TAP
 *                                    <-  SESSION presence, closed_usec, passing, emergency_usec, drill
 *   KEY_USED device name             ->                            before its RECORD of a sign-in
 *   RECORD record                    ->
 *                                    <-  RECORDED status, seq      on disk (fdatasync) when status is 0
 *   ASK_INDEXES numbers              ->                            BROKER_ADMIN: of badges, to be imported
 *                                    <-  INDEXES key ids, indexes
 *   SESSION_OPEN uid attempt user session + pidfd
 *                                    ->
 *                                    <-  RECORDED status, seq      -EKEYREJECTED: it must not begin
 *   SWITCH uid user unit             ->                            after its RECORD of a sign-in
 *                                    <-  SWITCHED status           0: the person's session comes by itself
 *   ASK_GRANT uid user unit          ->
 *                                    <-  GRANT status, attempt     -ENOENT: none. -ESTALE: too late
 *
 * A tap belongs to its client until the client sends a RECORD of a verdict (the tap is then used up) or
 * hangs up (the tap is given to the next client that wants one, as long as it is fresh).
 *
 * WANT_AGAIN: whoever is asked for her key may tap her badge a second time instead, to ask for emergency
 * access. Another person's badge says nothing here: it goes the way it would go without.
 *
 * A client of BROKER_SEAT gets the tap it was asked for, at once. Its record of a tap-out has wardtapd park
 * or end the session that is on the screen, if it is that person's. When it hangs up without a record, the
 * seat is shown to the greeter, and the tap goes to the attempt that waits there.
 *
 * KEY_USED: which device the key was that signed, so that it is noticed when it is taken out. It is an id of
 * wardtap-device's (devices/client.h), which was made of what the device says of itself.
 *
 * SWITCH: some greeters show a session only after a click, unless something was typed. So wardtapd is asked
 * to have the display manager show it. That starts a PAM transaction of its own, for the person by name and
 * with nobody to talk to; its attempt asks for the grant that the first one left, and lets in on the
 * strength of it. A grant is good once, for BROKER_GRANT_USEC, for that person, service and unit of systemd.
 */
#pragma once

#include <sys/types.h>

#include "common/bytes.h"
#include "common/record.h"

#define BROKER_VERSION 4U

/* A tap older than this is nobody's any more. */
#define BROKER_TAP_FRESH_USEC (20U * 1000U * 1000U)
#define BROKER_GRANT_USEC (10U * 1000U * 1000U)

/* The PAM service of wardtapd's own transactions, where no display manager has one. It lets in by a grant
 * and by nothing else, and shows an open session: it never begins one. */
#define SWITCH_SERVICE "wardtap-switch"

enum broker_type {
        BROKER_HELLO = 1,
        BROKER_WANT_TAP,
        BROKER_ASK_SESSION,
        BROKER_RECORD,
        BROKER_SESSION_OPEN, /* with the session leader's pidfd as SCM_RIGHTS */
        BROKER_SESSION_CLOSE,
        BROKER_SWITCH,
        BROKER_ASK_GRANT,
        BROKER_KEY_USED,
        BROKER_ASK_INDEXES,
        BROKER_WANT_AGAIN,
        BROKER_WAITING = 64,
        BROKER_TAP,
        BROKER_SESSION,
        BROKER_RECORDED,
        BROKER_SWITCHED,
        BROKER_GRANT,
        BROKER_GONE,
        BROKER_WORDS,
        BROKER_INDEXES,
        BROKER_AGAIN,
        BROKER_TYPE_INVALID = -1,
};

enum broker_purpose {
        BROKER_SIGN_IN = 1,  /* an attempt: taps without the number; records of attempts */
        BROKER_ENROL,        /* root only: gets the next tap before any attempt, with its number */
        BROKER_ADMIN,        /* root only: records of administration, no taps */
        BROKER_SESSION_HOOK, /* SESSION_OPEN and SESSION_CLOSE on behalf of a PAM application with euid 0 */
        BROKER_STEP_UP,      /* an attempt inside an open session: a tap only when no sign-in waits for it */
        BROKER_SEAT,         /* an attempt that wardtapd itself asked for: a tap at an open session */
        BROKER_PURPOSE_MAX,
};

/* Where a person's session is that an attempt opened or that may be resumed. */
enum broker_presence {
        BROKER_ABSENT,     /* there is none here */
        BROKER_OPEN,       /* behind the screen, or on it where nobody knows screens */
        BROKER_SHOWN,      /* on the screen */
        BROKER_JUST_SHOWN, /* came to the screen after this client's tap, or is on its way to it */
        BROKER_PRESENCE_MAX,
};

/* Why a card that was tapped has no usable number. */
enum tap_problem {
        TAP_OK,
        TAP_RANDOM,     /* another number at every tap (ISO 14443-3 RID, first byte 08) */
        TAP_NO_NUMBER,  /* answers, but has no number of 4 to 10 bytes */
        TAP_TOO_QUICK,  /* was gone before it could be read */
        TAP_UNREADABLE, /* does not answer as a card should, or not in time */
        TAP_PROBLEM_MAX,
};

/* The number as a key in the store: HMAC-SHA256 under one of the site's badge keys. */
#define BADGE_INDEX_SIZE 32U
#define BADGE_NUMBER_MAX 10U
#define BROKER_PASSING_SIZE 1041U /* 16 names of 64 bytes */
#define BROKER_DEVICE_SIZE 33U    /* 32 lower-case hexadecimal digits */
#define BADGE_INDEXES_MAX 2U      /* the key in use, and the one before it */
struct badge_index {
        char key_id[17]; /* 16 hexadecimal digits: the first 8 bytes of SHA-256 of the badge key */
        uint8_t index[BADGE_INDEX_SIZE];
};

#define BROKER_NUMBERS_MAX 128U /* in one question */
struct badge_number {
        uint8_t n; /* 4 to BADGE_NUMBER_MAX */
        uint8_t bytes[BADGE_NUMBER_MAX];
};

struct tap {
        uint64_t id;        /* unique in one run of wardtapd */
        uint64_t seen_usec; /* CLOCK_MONOTONIC when the card was seen */
        char reader[129];
        char kind[33]; /* "mifare-classic-1k" and so on, from the ATR: a hint, never identity */
        enum tap_problem problem;
        char token[9];    /* 8 characters for people and records, from the first index; "" with a problem */
        size_t n_indexes; /* 0 with a problem */
        struct badge_index indexes[BADGE_INDEXES_MAX]; /* the key in use first */
        size_t number_len;                             /* 0 except for BROKER_ENROL */
        uint8_t number[BADGE_NUMBER_MAX];
};

struct broker_hello {
        enum broker_purpose purpose;
        char attempt[33]; /* 32 hexadecimal digits; "" for ENROL, and for ADMIN unless it is about one */
        char service[65];
        char seat[65]; /* "" is seat0 */
        char tty[65]; /* PAM_TTY: who waits on a virtual terminal gets taps only while it is on the screen */
};

struct broker_message {
        enum broker_type type;
        union {
                struct broker_hello hello;
                struct {
                        uint16_t readers;
                } waiting;
                struct tap tap;
                struct {
                        uid_t uid;
                } ask_session;
                struct {
                        char device[BROKER_DEVICE_SIZE];
                        char name[65]; /* the full name of whose it is, to call her by; "" is fine */
                } key_used;
                char words[257];
                struct {
                        size_t n;
                        struct badge_number numbers[BROKER_NUMBERS_MAX];
                } numbers; /* ASK_INDEXES */
                struct {
                        size_t n, n_keys;
                        char key_ids[BADGE_INDEXES_MAX][17]; /* the key in use first */
                        uint8_t index[BROKER_NUMBERS_MAX][BADGE_INDEXES_MAX][BADGE_INDEX_SIZE];
                } indexes; /* INDEXES: of the numbers, in their order */
                struct {
                        enum broker_presence presence; /* of this uid's session */
                        uint64_t closed_usec; /* CLOCK_REALTIME when Wardtap ended one of hers, and she has
                                                 not begun another since; 0: it has not */
                        char passing[BROKER_PASSING_SIZE]; /* names of the checks of the station's state
                                                              that pass, each with a space behind it */
                        uint64_t emergency_usec; /* CLOCK_REALTIME until which an emergency of hers runs; 0:
                                                    none */
                        bool drill;              /* the next emergency here is one */
                        bool other_seat;         /* a session of hers is at another seat */
                } session;
                struct {
                        uint64_t seen_usec; /* CLOCK_MONOTONIC */
                } again;
                struct record record;
                struct {
                        int status; /* 0, or a negative errno: the record is not on disk */
                        uint64_t seq;
                } recorded;
                struct {
                        uid_t uid;
                        char attempt[33]; /* "" where the site's own fallback let the person in */
                        char user[65];
                        char session[65]; /* logind's; "" when it is not known */
                        bool resumed;     /* nothing begins: an open session was given back */
                } session_change;         /* SESSION_OPEN, SESSION_CLOSE */
                struct {
                        uid_t uid;
                        char user[65];
                        char unit[129]; /* of the application: "lightdm.service" */
                } person;               /* SWITCH, ASK_GRANT */
                struct {
                        int status; /* as switcher_done (helper/switcher.h): 0, the grant was used */
                } switched;
                struct {
                        int status;
                        char attempt[33]; /* "" unless status is 0 */
                } grant;
        };
};

/* For _cleanup_(broker_message_clear): frees a record inside, wipes the rest. */
void broker_message_clear(struct broker_message *m);

/* Encodes m into w (writer_end() tells whether it fitted). */
void broker_write(struct writer *w, const struct broker_message *m);
/* Decodes one whole message. -EPROTONOSUPPORT for another version, -EBADMSG for anything malformed. *ret is
 * set only on success and owned by the caller. */
int broker_read(struct bytes b, struct broker_message *ret);

/* Client side: connects (listener made by root) and says hello. */
int broker_connect(const struct broker_hello *hello, int *ret_fd);
int broker_send(int fd, const struct broker_message *m);
/* As socket_receive() and broker_read(). */
int broker_receive(int fd, struct broker_message *ret);
/* Sends a record and waits until wardtapd has it on disk, or deadline_usec (CLOCK_MONOTONIC). 0 and its
 * number, the status wardtapd answered, or an error of the socket. Other messages that arrive meanwhile are
 * dropped. */
int broker_record(int fd, const struct record *record, uint64_t deadline_usec, uint64_t *ret_seq);
/* Sends a SESSION_OPEN with the leader's pidfd (stays the caller's), or a SESSION_CLOSE (pidfd -1), and
 * waits likewise. */
int broker_change_session(int fd, const struct broker_message *m, int pidfd, uint64_t deadline_usec);
