/* SPDX-License-Identifier: Apache-2.0 */
/* One attempt: from the module's START to its verdict, in a process of its own. A state machine; each state
 * is one function that does one thing and names the next. Whatever fails on the way denies. */
#pragma once

#include <sys/socket.h>

#include "common/broker.h"
#include "common/registrar.h"
#include "devices/client.h"
#include "pam_module/auth/account.h"
#include "pam_module/auth/code.h"
#include "pam_module/auth/snapshot.h"
#include "common/wire.h"
#include "policy/fido.h"
#include "policy/store.h"
#include "policy/tags.h"

#define ATTEMPT_KEY_USEC (35U * 1000U * 1000U)   /* for a key to be plugged in, or touched (30 s, CTAP) */
#define ATTEMPT_PIN_USEC (60U * 1000U * 1000U)   /* for a PIN to be typed */
#define ATTEMPT_DEVICE_MS 120000U                /* for all of it */
#define ATTEMPT_BROKER_USEC (2U * 1000U * 1000U) /* for an answer of wardtapd */
#define ATTEMPT_RECORD_USEC (5U * 1000U * 1000U) /* for a record to be on disk */
#define ATTEMPT_CANCEL_USEC (800U * 1000U)       /* the same when nobody waits for the verdict */
#define ATTEMPT_SWITCH_USEC (BROKER_GRANT_USEC + ATTEMPT_BROKER_USEC) /* for a session to come by itself */
#define ATTEMPT_SEAT_USEC (2U * 1000U * 1000U)   /* for the tap of an open session, which is there already */
#define ATTEMPT_CLOSED_USEC (3U * 1000U * 1000U) /* for "your session was closed" to be read */
#define ATTEMPT_OFFER_USEC (15U * 1000U * 1000U) /* for a second tap, where nothing else is asked for */
#define ATTEMPT_WHY_USEC (60U * 1000U * 1000U)   /* for each answer about an emergency */
#define ATTEMPT_REGISTRAR_USEC (15U * 1000U * 1000U) /* for wardtap-registrar to look, or to write */
#define ATTEMPT_WORDS_USEC (15U * 1000U * 1000U)     /* for the words of the attempt before to be read */

enum attempt_state {
        ATTEMPT_START,
        ATTEMPT_WAIT_TAP,
        ATTEMPT_LOOK_UP,
        ATTEMPT_ACCOUNT,
        ATTEMPT_DECIDE,
        ATTEMPT_KEY,
        ATTEMPT_CHECK,
        ATTEMPT_CODE,
        ATTEMPT_TICKET,
        ATTEMPT_ENROL,
        ATTEMPT_OFFER,
        ATTEMPT_EMERGENCY,
        ATTEMPT_COMMIT,
        ATTEMPT_RECORD,
        ATTEMPT_TAP_OUT,
        ATTEMPT_ELSEWHERE,
        ATTEMPT_SWITCH,
        ATTEMPT_VERDICT,
        ATTEMPT_END,
};

struct attempt {
        /* who asks */
        int module;
        struct ucred peer;
        uint8_t version; /* of its messages */
        struct wire_start start;
        char id[2 * ATTEMPT_ID_SIZE + 1], code[ATTEMPT_CODE_SIZE + 1];

        /* what it judges by */
        struct snapshot *snapshot;
        struct tags tags;
        char passing_text[BROKER_PASSING_SIZE]; /* what wardtapd said of the station's checks */
        char *passing_list[RULES_CHECKS_MAX + 1];
        struct words passing;
        struct store *people, *state;
        struct account_child account_child;
        int broker;
        char boot_id[33];
        enum reason setup; /* why it cannot begin; REASON_NONE when it can */

        /* what it knows by now */
        bool in_session;      /* the caller belongs to somebody's login */
        char unit[129];       /* of systemd, to which it belongs as root's own program; "" for none */
        bool tapped_out;      /* the person's own session is on the screen */
        uint64_t closed_usec; /* CLOCK_REALTIME when Wardtap ended a session of hers; 0: nothing to tell */
        bool have_tap, have_badge, have_person, have_account, account_cached;
        bool account_unsure; /* not known, but what would know may be down */
        bool prompted;       /* something was typed: the greeter goes on by itself */
        bool switched;       /* the person's session comes without the application that asked */
        bool granted; /* another attempt has let this person in, and the display manager asks for her */
        bool keys_reported; /* of those that are suspended, one because it was reported lost */
        bool key_answered;  /* the person's own key said something: no name is given away any more */
        struct tap tap;
        struct store_badge badge;
        struct store_person person; /* its full_name is the holder's while the account is lent out */
        struct store_lease lease;   /* id 0 where nobody has the account by a lease */
        struct store_account account;
        struct store_elevation elevations[STORE_ELEVATIONS_MAX];
        struct policy_elevation asked_elevations[STORE_ELEVATIONS_MAX]; /* borrow from the ones above */
        struct policy_person policy_person;
        struct policy_history history;
        struct policy_evidence evidence;
        struct policy_clock clock;
        struct policy_decision decision;

        /* an emergency (emergency.c) */
        bool offered;          /* a second tap of her badge begins one ... */
        uint64_t offered_usec; /* ... that comes after this (CLOCK_MONOTONIC) */
        bool answer_owed;      /* a prompt of before is still on the screen: its answer means nothing */
        bool state_failed;     /* state.db does not say what happened before: nothing else lets in */
        bool drill;
        bool other_seat;     /* she has a session at another seat of this station */
        uint64_t ends_usec;  /* CLOCK_REALTIME: of the one that is under way; 0: none */
        uint64_t until_usec; /* the same of the one that begins */
        char review[STORE_REVIEW_SIZE], claimed[129], why[33];
        bool have_witness;
        struct store_person witness;
        struct store_badge witness_badge;
        struct store_account witness_account;
        struct policy_person policy_witness;

        /* the key */
        struct store_key keys[STORE_KEYS_MAX]; /* those that are not suspended */
        size_t n_keys;
        const struct store_key *key; /* the one that answered */
        uint8_t client_data_hash[32];
        struct device_assertion assertion;
        struct fido_assertion signed_data;

        /* the ticket */
        struct {
                bool asked;          /* for its code: once in an attempt */
                enum reason instead; /* how this attempt ends without one */
                bool good;           /* it was, when it was shown */
                struct registrar_ticket shown;
                bool no_key;   /* none was plugged in to enrol, and it is used for a sign-in */
                bool lowered;  /* it stands for the factors */
                bool enrolled; /* badge and key are the person's by it */
        } ticket;
        int registrar, listens; /* -1: not connected; for taps while a prompt keeps the greeter */

        /* how it ends */
        enum wire_verdict verdict;
        enum reason reason;
        int retries; /* PIN tries left, -1 unknown */
        enum device_reason device_reason;
        int32_t device_detail;
};

struct attempt *attempt_free(struct attempt *a);
DEFINE_CLEANUP(struct attempt, attempt_free)
/* An attempt that knows who asks and nothing else. The snapshot and the module's descriptor stay the
 * caller's. */
int attempt_new(int module, const struct ucred *peer, const struct wire_message *start,
                struct snapshot *snapshot, struct attempt **ret);
/* Goes from state to state until the verdict was sent. */
void attempt_play(struct attempt *a);

/* All of it, in the process that the listener forked for it: sets up, enters the sandbox, plays. */
void attempt_run(int module, const struct ucred *peer, const struct wire_message *start,
                 struct snapshot *snapshot);

/* For the states: ends the attempt for this reason, which decides the verdict; never an ALLOW. */
enum attempt_state attempt_end(struct attempt *a, enum reason reason);
/* The same for an error of a wait: the module hung up, or time is up. */
enum attempt_state attempt_end_wait(struct attempt *a, int error, enum reason when_late);
/* Shows a text, unless an application that signs in asked for silence. -ECANCELED when the module is gone.
 */
int attempt_show(struct attempt *a, enum wire_type type, const char *text);

/* What the rules in force say of the service that asks; NULL when they do not name it. */
const struct rule_service *attempt_service(const struct attempt *a);
/* The attempt is about a tap at an open session: wardtapd asks for it, and nobody is there to talk to. */
bool attempt_is_seat(const struct attempt *a);
/* wardtapd asks whether somebody whose session is open may still be here. Nothing is recorded or stored. */
bool attempt_is_recheck(const struct attempt *a);
/* For SWITCH_SERVICE: only a grant lets in, and only an open session comes of it. */
bool attempt_is_switch(const struct attempt *a);
/* Reads the person's roles for a while, for the decision. An error of the store. */
int attempt_load_elevations(struct attempt *a);
/* Reads the keys of this person that count; *ret_suspended when there are others. An error of the store. */
int attempt_find_keys(struct attempt *a, int64_t person, bool *ret_suspended);
/* Says hello to wardtapd. */
int attempt_connect(struct attempt *a);
/* 0 when the caller may ask about PAM_USER, -EPERM when it is not root and this is somebody else. */
int attempt_check_own(struct attempt *a);

/* The states that are not in attempt.c. */
enum attempt_state attempt_wait_tap(struct attempt *a);
/* One more: what to do with a tap that was handed out. */
enum attempt_state attempt_take_tap(struct attempt *a, const struct tap *tap);
enum attempt_state attempt_look_up(struct attempt *a);
/* The badge that was tapped, to a->badge, and its person. -ENOENT, or an error of the store. */
int attempt_find_badge(struct attempt *a, struct store_person *ret_person);
/* Person and badge once more, the witness's where there is one: what was ended meanwhile counts.
 * -ENOENT when they no longer belong together. */
int attempt_look_again(struct attempt *a);
enum attempt_state attempt_account(struct attempt *a);
enum attempt_state attempt_decide(struct attempt *a);
enum attempt_state attempt_key(struct attempt *a);
enum attempt_state attempt_check(struct attempt *a);
enum attempt_state attempt_switch(struct attempt *a);

/* --- emergency.c */
enum attempt_state attempt_offer(struct attempt *a);
enum attempt_state attempt_emergency(struct attempt *a);
/* Whether this end leaves her without her key, so that a second tap is waited for before it. */
bool attempt_is_offerable(const struct attempt *a);
/* The offer before this end, where there is one to make. */
enum attempt_state attempt_or_offer(const struct attempt *a, enum attempt_state next);
/* Has wardtapd tell of a second tap from now on: one of before was meant for something else. -ECANCELED and
 * others: nobody will. */
int attempt_want_again(struct attempt *a);
/* wardtapd has said something: 1 when the badge was tapped again, else 0, or an error of its socket. */
int attempt_hear_again(struct attempt *a);
/* A badge that is not the emergency account's own: its owner is to witness. */
enum attempt_state attempt_take_witness(struct attempt *a, const struct store_person *witness);
/* The review item it opens, and whether it is known to the store. Failures do not matter. */
void attempt_store_emergency(struct attempt *a);
/* Fills in what only emergencies have. */
int attempt_fill_emergency(const struct attempt *a, struct record *r);

/* A tap at an open session (seat.c). */
enum attempt_state attempt_tap_out(struct attempt *a);
enum attempt_state attempt_none(struct attempt *a);
enum attempt_state attempt_elsewhere(struct attempt *a);
/* Says what the rules say now. */
enum attempt_state attempt_recheck(struct attempt *a);
/* It has no answer: the person is not enrolled any more, or the store does not say. */
enum attempt_state attempt_recheck_failed(struct attempt *a, int error);
/* The first step of one: waits for its tap. */
enum attempt_state attempt_begin_seat(struct attempt *a);

/* A ticket (ticket.c, enrol.c): its code, what follows from a good one, and the enrolment. */
enum attempt_state attempt_code(struct attempt *a);
enum attempt_state attempt_ticket_allows(struct attempt *a);
enum attempt_state attempt_enrol(struct attempt *a);
/* Codes are asked for here, once. */
bool attempt_may_ask_code(const struct attempt *a);
/* Whether a ticket may help where the rules deny for what the decision says. */
bool attempt_is_for_code(const struct attempt *a);
/* What the registrar is told of the badge that was tapped, unless it is hers and in use. */
void attempt_fill_badge(const struct attempt *a, struct registrar_badge *b);
/* Ends for this reason, unless a code may stand in. */
enum attempt_state attempt_end_or_code(struct attempt *a, enum reason reason);
/* USE or ENROL: ATTEMPT_DECIDE when it was done, else how the attempt ended. */
enum attempt_state attempt_finish_ticket(struct attempt *a, const struct registrar_message *m);

/* What was typed at a prompt. */
struct attempt_answer {
        char text[WIRE_ANSWER_MAX + 1];
};
static inline void attempt_answer_erase(struct attempt_answer *answer) {
        explicit_bzero(answer, sizeof(*answer));
}
/* Waits for it: ATTEMPT_CODE and *ret; else the attempt has ended, with REASON_NO_ANSWER when nothing was
 * typed in time, or somebody else has tapped (attempt_listen()). */
enum attempt_state attempt_hear_answer(struct attempt *a, struct attempt_answer *ret);

/* Taps that come while this attempt has one: a second connection, until `listens` is closed. */
void attempt_listen(struct attempt *a);
enum attempt_heard { ATTEMPT_HEARD_NOTHING, ATTEMPT_HEARD_SAME, ATTEMPT_HEARD_OTHER };
/* What was heard when `listens` can be read. Another's tap was given back, and `listens` is closed. */
enum attempt_heard attempt_hear_tap(struct attempt *a);
bool attempt_is_disturbed(struct attempt *a);

/* Whether this is the display manager's own transaction for a person who was let in just now; then the id is
 * that attempt's from here on. -ESTALE when it comes too late; -ECANCELED, or wardtapd is gone. */
int attempt_ask_grant(struct attempt *a);
/* Waits for one type of answer of wardtapd; others that arrive meanwhile are of no use any more. The caller
 * clears *ret. -ECANCELED, -ETIMEDOUT, or an error of the socket. */
int attempt_hear(struct attempt *a, enum broker_type type, uint64_t deadline_usec,
                 struct broker_message *ret);
