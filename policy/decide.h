/* SPDX-License-Identifier: Apache-2.0 */
/* The decision: a pure function of evidence, rules, history and clock. It reads nothing else, changes
 * nothing, and is asked again whenever there is more evidence. */
#pragma once

#include "policy/reason.h"
#include "policy/rules.h"

enum badge_evidence {
        BADGE_NONE,
        BADGE_NUMBER, /* identified: a claim */
        BADGE_SECRET, /* answered our challenge with the key enrolled for it */
        BADGE_EVIDENCE_MAX,
};

/* What somebody's key approved: from when, on both clocks, until when. */
struct policy_approval {
        uint64_t from_usec, from_boottime_usec; /* CLOCK_REALTIME, CLOCK_BOOTTIME */
        char from_boot_id[33];
        uint64_t until_usec; /* CLOCK_REALTIME */
};

/* Emergency access, asked for ... */
enum emergency {
        EMERGENCY_NONE,
        EMERGENCY_ASKED,   /* with her own badge, which was tapped twice */
        EMERGENCY_KIT,     /* by the badge and the key of an emergency account */
        EMERGENCY_WITNESS, /* for an emergency account, by another person's key */
        EMERGENCY_MAX,
};

struct policy_evidence {
        enum badge_evidence badge;
        int64_t badge_id;     /* row in the store; 0 without a badge */
        bool badge_ended;     /* enrolled once, no more */
        bool badge_suspended; /* not to be used for now */
        bool badge_reported;  /* because a colleague reported it lost: a ticket of its owner lifts that */
        int64_t badge_person; /* whose; 0 without a badge */
        bool badge_aside;     /* its owner has a temporary one */
        bool badge_lent;      /* it is a temporary one, as approved in ... */
        struct policy_approval lend;
        const char *lender; /* ... by whom; borrowed */
        bool key_present;   /* an enrolled key of this person signed our challenge, UP set */
        bool key_verified;  /* and UV set */
        bool key_attested;  /* its attestation chain was verified at enrolment */
        int64_t key_id;
        char key_aaguid[33]; /* hexadecimal; "" without a key */
        bool ticket;         /* somebody typed the code of a good ticket of this person */
        bool ticket_used;    /* it has signed her in before, and is good only for the session it began */
        uint64_t ticket_until_usec; /* CLOCK_REALTIME, its end; 0 without a ticket */
        enum emergency emergency;
        bool emergency_reason;   /* why was said, and, for an emergency account, who */
        bool witness_verified;   /* a key of the witness signed our challenge, UP and UV set */
        bool witness_is_claimed; /* and is who the emergency is said to be of */
};

enum person_state { PERSON_ACTIVE, PERSON_SUSPENDED, PERSON_ENDED, PERSON_STATE_MAX };

/* A role that somebody's key gave to the person for a while. */
struct policy_elevation {
        const char *role, *approver; /* borrowed */
        struct policy_approval approval;
};

/* What is known of the person the attempt is about. */
struct policy_person {
        int64_t id;
        const char *user; /* the account's name, borrowed; NULL fits no exception's Users= */
        enum person_state state;
        uint64_t not_before_usec, not_after_usec; /* CLOCK_REALTIME; 0 = no limit */
        bool has_account;                         /* the system knows the user */
        uid_t uid;
        struct words groups; /* names, borrowed */
        bool groups_cached;  /* name service too slow: the last known ones */
        bool has_keys;       /* at least one enrolled key that has not ended and is not suspended */
        bool keys_suspended; /* at least one that is suspended */
        bool agency;         /* the account is lent out, to one person at a time ... */
        bool leased;         /* ... somebody has it ... */
        uint64_t leased_from_usec, leased_until_usec; /* ... from when to when: CLOCK_REALTIME ... */
        uint64_t leased_from_boottime_usec;           /* ... and from when in the boot it was lent in */
        char leased_from_boot_id[33];
        bool own_session; /* has a session on this station that an attempt opened: grace may resume it */
        bool other_seat;  /* has a session at another seat of this station */
        const struct policy_elevation *elevations; /* borrowed; the first that applies counts */
        size_t n_elevations;
        bool emergency_account; /* nobody's own: for emergencies */
        bool in_emergency;      /* an emergency of this person is under way here */
};

/* What happened before. */
struct policy_history {
        bool any_strong;      /* a full sign-in on this station is known */
        uint64_t strong_usec; /* CLOCK_REALTIME of the last one */
        uint64_t strong_boottime_usec;
        char strong_boot_id[33];
        uint64_t grace_from_usec; /* GRACE_RENEWED: the last tap that renewed; same clocks as above */
        uint64_t grace_from_boottime_usec;
        int64_t strong_badge_id;
        uint8_t strong_aal;         /* what it reached: below 2 the key did not check its owner */
        unsigned failures;          /* in a row, of the person's own authenticators */
        uint64_t last_failure_usec; /* CLOCK_REALTIME */
        uint64_t last_failure_boottime_usec;
        char last_failure_boot_id[33];
        unsigned emergencies; /* with nothing but the badge, within the last day, drills left out */
        bool unknown;         /* the store does not say: all is zero */
};

struct policy_clock {
        uint64_t realtime_usec;
        uint64_t boottime_usec;
        char boot_id[33];
        bool trusted;    /* synchronised, and not behind the last record: hours and validity can be judged */
        uint8_t weekday; /* local, 0 = Monday */
        uint16_t minute; /* of the local day */
};
/* Fills the local fields from realtime_usec by the system's time zone (read again when it changed). -ERANGE
 * for a time that has no date. */
int policy_clock_set_local(struct policy_clock *c);

struct policy_question {
        const struct rules *rules; /* NULL: no snapshot */
        const char *service;
        const struct words *tags;             /* this station's, tags.d included */
        bool remote;                          /* PAM_RHOST set, or a remote session */
        uid_t caller_uid;                     /* euid of the PAM application (SO_PEERCRED) */
        bool in_session;                      /* the application belongs to somebody's login */
        bool user_given;                      /* PAM_USER was set by the application */
        const struct policy_person *person;   /* NULL while nobody is known */
        const struct policy_history *history; /* NULL with person */
        /* The checks of the station's state that wardtapd says pass; NULL: it did not say. One that is not
         * here fails. Not looked at while nobody is known. */
        const struct words *passing;
        const struct policy_person *witness; /* NULL while there is none */
        struct policy_evidence evidence;
        struct policy_clock clock;
};

enum policy_verdict {
        POLICY_DENY, /* 0, so that what nobody filled in denies */
        POLICY_UNAVAIL,
        POLICY_MAXTRIES,
        POLICY_NEED_BADGE,
        POLICY_NEED_KEY,    /* a touch */
        POLICY_NEED_VERIFY, /* a touch with PIN or fingerprint */
        POLICY_ALLOW,
        POLICY_NEED_REASON, /* of an emergency; and, for an emergency account, whose it is */
        POLICY_VERDICT_MAX,
};

struct policy_decision {
        enum policy_verdict verdict;
        enum reason reason;           /* of DENY, UNAVAIL and MAXTRIES */
        const struct rule_role *role; /* borrowed from rules; NULL while none */
        const struct rule_service *service;
        const struct rule_exception *exception; /* ALLOW by it, and not by the role; borrowed from rules */
        uint32_t failing; /* checks of the rules that fail here, 1U << index; 0 while nobody is known */
        unsigned needed;  /* factors that the rules want here */
        unsigned proven;  /* factors: what was proven; a badge number is listed, and is no factor */
        uint8_t aal;      /* SP 800-63B-4 level that was reached; 0 = none by this evidence alone */
        bool strong;      /* ALLOW: a full sign-in, to be stored as the last one: a sign-in service, a key
                             that signed, and every factor of the role. Step-up never is one */
        bool grace;       /* ALLOW on the strength of the last full sign-in ... */
        uint64_t grace_age_usec;       /* ... that is so old ... */
        bool grace_renew;              /* ... and this tap renews it */
        uint64_t wait_usec;            /* MAXTRIES: until when, from now */
        bool clock_alert;              /* hours were not judged because the clock is not trusted */
        bool lowered;                  /* ALLOW by a ticket instead of the factors ... */
        bool elevated;                 /* the role is one for a while ... */
        bool lent;                     /* ALLOW by a temporary badge alone ... */
        const char *approver, *lender; /* ... by this one's key, and by this one's; borrowed */
        uint64_t until_usec;           /* ... until then, the earliest of all (CLOCK_REALTIME) */
        enum emergency emergency;      /* ALLOW by it ... */
        bool resumes_emergency;        /* ... which has begun before */
        uint64_t emergency_usec;       /* ... and else lasts so long */
};

/* The person's role: the first whose groups, stations and hours (unless the clock is not trusted) all match.
 * NULL: none, and *ret_why is the best word for it; *ret_alert is set when hours were not judged, and never
 * cleared. */
const struct rule_role *policy_find_role(const struct rules *r, const struct words *tags,
                                         const struct words *groups, const struct policy_clock *clock,
                                         enum reason *ret_why, bool *ret_alert);
/* How long she has to wait after her failures; 0: she need not. */
uint64_t policy_throttle(const struct rules *r, const struct policy_history *h,
                         const struct policy_clock *clock);

/* What is judged, in this order; the first that applies is the answer.
 *
 *  1. no rules                                         UNAVAIL no-rules
 *  2. a remote session                                 UNAVAIL remote
 *  3. a service that the rules do not name             UNAVAIL service-not-named
 *  4. a question that contradicts itself               DENY internal
 *     (a badge without its row or owner where somebody is known is unknown-badge)
 *  5. nobody known: the application named somebody,
 *     or the service is a step-up                      UNAVAIL not-enrolled
 *     an unprivileged caller                           DENY not-own
 *     else                                             NEED_BADGE, whatever the factors: it says who it is
 *     (unless taps are not for the caller, as in 15)
 *  6. an unprivileged caller and another's account     DENY not-own
 *  7. the person: suspended, ended, too early, expired
 *     (not judged, with clock_alert, while the clock
 *     is not trusted), no account                      DENY person-*, no-account
 *     an agency account that nobody has, or whose hour
 *     is over (whatever the clock is worth), or has not
 *     begun by it (policy_span_holds())                DENY not-leased
 *     an emergency, or an emergency account (below)    instead of all that follows
 *  8. the role: one given for a while by somebody's
 *     key, if the approval holds (approve.h) and its
 *     stations and hours match (its groups are not
 *     asked for); else the first whose groups, stations and
 *     hours all match (hours as above); else the
 *     best word for it: only the hours of some role    DENY not-this-hour
 *     are wrong, only the place is, or all is          DENY not-this-station, no-role
 *     A check fails whose Then= is no-sign-in, and the
 *     service is a sign-in                             DENY posture
 *  9. the badge has ended, or is suspended             DENY badge-ended, badge-suspended
 *     (not one that was reported lost, while a ticket that was not used is shown, which lifts that; until it
 *     has, the badge counts for nothing)
 * 10. it is another's                                  DENY badge-of-another
 *     its owner has a temporary one,                   DENY badge-aside
 *     or it is a temporary one that nobody's approval
 *     holds for (any more)                             DENY badge-lend-over
 * 11. too many failures a short while ago              MAXTRIES throttled, wait_usec
 *     (not with a ticket: who has forgotten her PIN has had them)
 * 12. step-up by rules that need no key                DENY badge-alone
 * 13. every needed factor is there                     ALLOW
 * 14. grace (below)                                    ALLOW, grace
 *     a temporary badge (below)                        ALLOW, lent
 *     an exception (below) whose factors are there     ALLOW, exception
 *     From here on an exception's factors are what is needed.
 *     a ticket: not for a sign-in of root's own program
 *     outside a login, or the site or the
 *     role wants none                                  DENY ticket-not-here
 *     its time is over (by the clock, trusted or not)  DENY ticket-expired
 *     it was used, and no session of hers is here      DENY ticket-used
 *     else                                             ALLOW, lowered, until its end
 * 15. a badge is needed and there is none: taps are
 *     not for unprivileged callers, nor for a sign-in
 *     out of somebody's login (su)                     UNAVAIL no-taps
 *     else                                             NEED_BADGE
 * 16. a key is needed and the person has none, or all
 *     are suspended                                    DENY no-key-enrolled, key-suspended
 * 17. a key of a model the role does not allow, or one
 *     not attested where the role wants that           DENY key-unusable
 * 18. else                                             NEED_VERIFY or NEED_KEY
 *
 * Grace: the service is a sign-in whose factors include the badge and are none that the role does not need;
 * the badge is here and is the one of the last full sign-in, in which the key checked its owner if that is
 * among the factors (another role's hours may have begun, or stricter rules); the person has a session here
 * (own_session), and where the account is an agency's, has had it since before that sign-in; Assurance is
 * not aal3, and with aal2 the badge holds a secret; the last full sign-in is at most GraceCap old, and it
 * (or, with GraceMode=renewed, the last tap that renewed) at most Grace. Inside one boot the boot clock
 * alone counts. Across boots the clock on the wall does, if it is trusted; a time in the future is void.
 *
 * No check fails whose Then= is no-grace or no-sign-in.
 *
 * Temporary badge: as grace, with the approval in the place of the last full sign-in: the same services,
 * factors and Assurance; at most Grace old, and before its end. The approver stood beside the person, so she
 * needs no session here, and whether her own key ever checked anything is of no account.
 *
 * Exception: the first of the rules that is for the person (Users=, or a group), the station and the
 * service, while the clock is trusted and before its Until=. For a step-up it must name the service and want
 * the key; with Assurance= it must want verification. It stands in for the role's factors only: hours,
 * stations, states, key models and checks are judged all the same, and it never makes a full sign-in of
 * one that was none, so that no grace comes of it.
 *
 * Emergency. With her own badge (EMERGENCY_ASKED): a sign-in of root's, not out of somebody's login (else
 * UNAVAIL no-taps); break-glass at this station (else DENY emergency-off); her badge, not ended; her groups
 * are among those of break-glass or, where it names none, of any role (else DENY no-role), whatever the
 * stations and hours of that role. One that is under way is resumed. Else, with Badge=fresh, a full sign-in
 * here of late (DENY emergency-not-fresh), and not more than Uses= within a day (DENY emergency-used-up);
 * then NEED_REASON until why was said, and ALLOW. An emergency account asks for nothing else: its badge and
 * a touch of its key, with or without a PIN; or another person's key with verification, who is active, has a
 * role here now and is not whom the emergency is said to be of (DENY emergency-witness). It is listed in
 * Accounts= (DENY emergency-off), and nobody's session is open in it but that of the emergency under way
 * (DENY emergency-in-use). Throttling stops none of these, and what the store cannot say counts for nobody
 * and against nobody. AAL is 0.
 *
 * Throttle: a failure of this boot is as old as the boot clock says; one of an earlier boot is at least as
 * old as this boot, and as old as the wall clock says if that is trusted and not behind it. So neither a
 * clock set back nor one set ahead locks anybody out for long or lets anybody try sooner. */
void policy_decide(const struct policy_question *q, struct policy_decision *ret);

/* "allow", "need-badge", "need-key", "need-verify", "need-reason", "deny", "unavailable", "max-tries". */
const char *policy_verdict_name(enum policy_verdict v);
/* POLICY_VERDICT_MAX for a name that none has. */
enum policy_verdict policy_verdict_from_name(const char *name);

/* What `wardtap policy explain` prints: one plain sentence into buf. */
void policy_describe(const struct policy_decision *d, char *buf, size_t size);
