/* SPDX-License-Identifier: Apache-2.0 */
/* Everything an attempt talks to, played: linked in with --wrap (attempt_wraps in meson.build). */
#pragma once

#include "pam_module/auth/attempt.h"

#define SCRIPT_MAX 64U
#define FAKE_USER "nurse1"
#define FAKE_NAME "Nina Example"
#define FAKE_UID 1001
#define FAKE_DEVICE "00ff00ff00ff00ff00ff00ff00ff00ff"
#define FAKE_GRANTED "ffeeddccbbaa99887766554433221100"

struct step {
        struct device_event event;
        bool after_pin; /* only once a PIN was sent */
};

/* Before an attempt: what the world is like. After it: what happened. */
struct fake_world {
        /* the application */
        const char *user;    /* PAM_USER; NULL = empty */
        const char *service; /* NULL = lightdm */
        const char *tty;     /* PAM_TTY; NULL = empty */
        bool seat;           /* wardtapd itself asks, for a tap at an open session */
        bool in_session;     /* the caller comes from a login */
        uid_t caller;
        uint8_t version; /* of the module; 0 = ours */
        bool again, silent;
        const char *pin;         /* the answer; NULL = NO_ANSWER */
        struct bytes raw_start;  /* START as it comes, when not empty */
        struct bytes raw_answer; /* the same for the answer */
        bool hang_up_at_prompt;  /* instead of an answer */
        const char *hang_up_at;  /* hangs up when it is shown a text with these words */
        bool speak_out_of_turn;  /* an ANSWER nobody asked for, at the first text */
        /* wardtapd */
        int readers; /* -1: it says nothing */
        bool tap;
        enum tap_problem problem;
        unsigned broker_losses; /* times it hangs up after WANT_TAP */
        bool greeter_ends;      /* GONE after the first WAITING */
        bool readers_leave;     /* WAITING 0 after the first WAITING */
        bool readers_late;      /* WAITING 0 before the first WAITING */
        uint64_t tap_age_usec;
        bool own_session, other_seat;
        uint64_t closed_usec;
        bool taps_again;      /* AGAIN, whenever it is asked for ... */
        bool taps_before;     /* ... but the tap was before that */
        bool taps_after_code; /* only once a code was asked for */
        uint64_t in_emergency_usec;
        int record_status;
        unsigned record_losses; /* times wardtapd is killed before it answers */
        const char *unit;       /* of the caller; NULL = none */
        int switch_status;      /* what SWITCH comes to; 1 = no answer */
        int grant_status;       /* what ASK_GRANT is answered */
        /* the store */
        bool badge_unknown, badge_of_another;
        int commit_status;
        bool no_keys, cached, state_locked;
        bool suspended_meanwhile; /* the keys, while she typed her PIN */
        bool ended_meanwhile;     /* the badge, before it is looked up again */
        unsigned keys_asked, badges_asked;
        bool elevated;           /* a role for a while is known */
        bool tapped_lent;        /* the badge that is tapped is a temporary one */
        int64_t lent_badge;      /* the person has this one for hours; 0 = none */
        uint64_t keys_suspended; /* since then */
        const char *suspended;   /* why the keys are; and ... */
        bool badge_suspended;    /* ... the badge */
        /* the rules */
        unsigned needed; /* factors */
        bool audit_required, step_up, grace, break_glass;
        bool says_no_key; /* without a key in use the decision denies, as the real one does */
        bool excepted;    /* an ALLOW is by FAKE_EXCEPTION */
        uint32_t failing; /* checks of the rules that fail */
        bool fixed;       /* policy_decide always says: */
        enum policy_verdict verdict;
        enum reason verdict_reason;
        /* tickets */
        bool tickets; /* the site takes them */
        bool nobody_types;
        const char *code; /* typed when one is asked for; NULL = NO_ANSWER */
        enum registrar_status ticket_status, use_status;
        bool ticket_used, enrol_only;
        const char *ticket_user; /* NULL = FAKE_USER */
        bool tap_again;          /* while the key is awaited, the same badge comes once more ... */
        bool tap_of_another;     /* ... or another one does, then and while a code is asked for */
        /* the key */
        struct step script[SCRIPT_MAX];
        unsigned n_script;
        enum reason fido_reason;
        bool uv, foreign_credential;
        uint8_t signed_hash[32]; /* what the key signed; all zero: what it was asked for */
        bool nameless_key;       /* nobody can tell which device it is; before fake_add() */
        bool nothing_comes;      /* from wardtapd, and no wait for it ends but by its deadline */
        bool late;               /* no wait for a person ever ends but by its deadline */
        /* failure injection: the fail_at-th call of a fake that may fail does, from 1 */
        unsigned fail_at;

        /* what happened */
        unsigned calls;
        const char *failed;
        bool has_verdict, tapped;
        struct policy_evidence asked_evidence; /* of the last decision about somebody */
        uint64_t waited_usec;                  /* the last wait for wardtapd that ended with its time */
        enum wire_verdict got;
        char got_user[65], last_error[WIRE_TEXT_MAX + 1], last_info[WIRE_TEXT_MAX + 1];
        char before_prompt[WIRE_TEXT_MAX + 1], prompt[WIRE_TEXT_MAX + 1], sent_pin[WIRE_ANSWER_MAX + 1];
        unsigned prompts, commits, failures, operations, open_operations, records, connects;
        bool record_before_verdict;
        unsigned codes_asked, checks, uses; /* of the registrar */
        struct registrar_badge used_badge;  /* named with the last one */
        char check_user[65];
        unsigned switches, grants_asked, keys_used, keys_before_record;
        char key_used[BROKER_DEVICE_SIZE];
        char verdict_attempt[33], told_tty[65];
        struct record record;
        struct store_sign_in committed;
        unsigned emergencies;
        struct store_emergency emergency;
        enum device_verify asked_verify;
        uint8_t asked_hash[32];
        char asked_passing[64]; /* the checks that the decision was told pass, "a|b" */
        size_t asked_allow;
        uint64_t saved;
};
extern struct fake_world fake;

/* A world in which a badge was tapped, and the key answers well. */
void fake_reset(void);
void fake_add(enum device_event_type type, bool after_pin);
void fake_add_failure(enum device_reason reason, int retries, bool after_pin);
/* Plays one attempt in it. */
void fake_play(void);
