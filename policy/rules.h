/* SPDX-License-Identifier: Apache-2.0 */
/* The rules a site writes (man wardtap.conf), and the one compiled snapshot of them that attempts read.
 * Strict: an unknown key or section, a duplicate or a bad value is an error with file and line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/util.h"

/* What must be proven, as in SignIn=. */
enum factor {
        FACTOR_BADGE =
                1, /* a badge was tapped (its number identifies; only a secret it holds authenticates) */
        FACTOR_KEY = 2,    /* an enrolled key signed our challenge, touched */
        FACTOR_VERIFY = 4, /* the key checked its owner: PIN or fingerprint */
};
/* "badge", "badge+key", "badge+key+verify", "key+verify". */
const char *factors_name(unsigned factors);

enum service_use { USE_SIGN_IN, USE_STEP_UP, SERVICE_USE_MAX };
enum tap_out { TAP_OUT_LOCK, TAP_OUT_SIGN_OUT, TAP_OUT_NOTHING, TAP_OUT_MAX };
/* "lock", "sign-out", "nothing". */
const char *tap_out_name(enum tap_out t);
enum walk_away { WALK_AWAY_LOCK, WALK_AWAY_NOTHING, WALK_AWAY_MAX };
enum grace_mode { GRACE_FIXED, GRACE_RENEWED, GRACE_MODE_MAX };
enum assurance { ASSURANCE_NONE, ASSURANCE_AAL2, ASSURANCE_AAL3, ASSURANCE_MAX };
/* How a person who has held a badge or key before gets another one. */
enum recovery_use {
        RECOVERY_ROOT,   /* root may enrol it */
        RECOVERY_STRICT, /* only with two approvers, or by a ticket */
        RECOVERY_MAX,
};
enum fallback_use { FALLBACK_RECORD, FALLBACK_DENY, FALLBACK_MAX };
enum switch_engine { SWITCH_AUTO, SWITCH_LIGHTDM, SWITCH_LOGIND, SWITCH_MAX };
/* What becomes of a person's session at another seat of the station when she signs in at this one. */
enum other_seats {
        OTHER_SEATS_KEEP,   /* it stays: she has two */
        OTHER_SEATS_REFUSE, /* she does not get in here */
        OTHER_SEATS_END,    /* it ends, once she has one here */
        OTHER_SEATS_MAX,
};
enum lock_kind { LOCK_GREETER, LOCK_SESSION, LOCK_MAX };

/* What the people of a role may approve with their key, as in Approves=. Bit 1U << action of
 * rule_role.approves, and so in snapshots: new ones come last. */
enum approve_action {
        APPROVE_ELEVATE,         /* a role for a while */
        APPROVE_TEMPORARY_BADGE, /* a badge for hours */
        APPROVE_RECOVER,         /* one of two who let a person enrol anew */
        APPROVE_TICKET,          /* an enrolment by code */
        APPROVE_REVIEW_CLINICAL, /* close an emergency's review, as a clinician */
        APPROVE_REVIEW_SECURITY, /* and as security */
        APPROVE_ACTION_MAX,
        APPROVE_ACTION_INVALID = -1,
};
/* "elevate", "temporary-badge", "recover", "ticket", "review-clinical", "review-security". */
const char *approve_action_name(enum approve_action a);
/* APPROVE_ACTION_INVALID for a name that none has. */
enum approve_action approve_action_from_name(const char *name);

/* A list of words; words[n] is NULL (an empty list may have no array at all). */
struct words {
        char **words;
        size_t n;
};
bool words_contain(const struct words *w, const char *word);
/* They have a word in common; b may be NULL, which has none. */
bool words_meet(const struct words *a, const struct words *b);

/* One span of Hours=, in local time: on the days whose bit is set (bit 0 = Monday), from minute to minute of
 * the day (0 to 1440). to <= from goes on past midnight and belongs to the day on which it began.
 *
 * As it is written ("Mon-Fri 07:00-15:00, Sat,Sun 22:00-06:00"; spaces and tabs only separate):
 *   hours = span *("," span)
 *   span  = [day *("," day)] time "-" time      no days = every day
 *   day   = name ["-" name]                     Fri-Mon is Fri, Sat, Sun, Mon
 *   name  = "Mon" "Tue" "Wed" "Thu" "Fri" "Sat" "Sun"
 *   time  = HH ":" MM                           00:00 to 23:59; the end may be 24:00
 * The first minute is inside, the last is not. It is the clock on the wall that counts: an hour that is left
 * out when summer time begins is no hour of any span, and the one that comes twice when it ends counts
 * twice.
 */
struct hours_span {
        uint8_t days;
        uint16_t from, to;
};
struct hours {
        struct hours_span *spans; /* none = at any time */
        size_t n;
};

struct rule_role {
        char *name;
        struct words groups;   /* any of them */
        struct words stations; /* station names or tags, any of them; none = everywhere */
        struct hours hours;
        unsigned sign_in;    /* factors */
        uint64_t grace_usec; /* 0 = no grace */
        enum grace_mode grace_mode;
        uint64_t grace_cap_usec;
        enum tap_out tap_out;
        enum walk_away walk_away;
        uint64_t session_cap_usec; /* 0 = none */
        struct words key_models;   /* AAGUIDs, 32 lower-case hexadecimal digits each; none = any */
        unsigned approves;         /* 1U << enum approve_action each */
        uint64_t elevate_max_usec; /* so long at most somebody has this role for a while */
        bool key_attested;         /* only keys whose attestation was verified when they were enrolled */
        bool tickets;              /* a ticket may let its people enrol, or sign in */
};

struct rule_place {
        char *name;
        struct words tags;       /* any of them */
        uint64_t idle_lock_usec; /* 0 = never */
        uint64_t idle_countdown_usec;
        uint64_t parked_sign_out_usec; /* 0 = never */
        uint64_t session_cap_usec;     /* 0 = the role's alone; else the shorter of both counts */
        bool inhibitors;               /* honour idle inhibitors */
};

struct rule_service {
        char *name; /* PAM_SERVICE */
        enum service_use use;
        unsigned sign_in; /* factors; 0 = what the role says */
};

/* Fewer factors for some people for a while; somebody answers for it. */
struct rule_exception {
        char *name;
        char *owner, *reason;
        uint64_t until_usec;        /* CLOCK_REALTIME: the first moment at which it is over */
        struct words groups, users; /* anybody in one of them */
        struct words stations;      /* station names or tags; none = everywhere */
        struct words services;      /* none = every service for signing in, and no step-up */
        unsigned sign_in;           /* factors, in place of the role's */
};
#define RULES_EXCEPTION_MAX_USEC (UINT64_C(90) * 86400000000U) /* from when the rules are applied */

/* What a station may still do while a check fails; each forbids what those before it do. */
enum check_effect { CHECK_RECORD, CHECK_NO_GRACE, CHECK_NO_SIGN_IN, CHECK_EFFECT_MAX };
/* "record", "no-grace", "no-sign-in". */
const char *check_effect_name(enum check_effect e);

/* A check of the station's state, which a unit of the site makes. */
struct rule_check {
        char *name;
        char *unit;            /* of systemd, .service */
        uint64_t max_age_usec; /* 0: it passes while the unit is active */
        enum check_effect then;
        struct words tags; /* of the stations it is for; none = all */
};
#define RULES_CHECKS_MAX 16U /* they are bits of a word */

/* How an emergency's review is closed. */
enum reviewer { REVIEWER_CLINICAL = 1, REVIEWER_SECURITY = 2 };
#define BREAK_GLASS_REASONS 4U

/* [BreakGlass]: emergency access. Without that section there is none. */
struct rule_break_glass {
        bool present;
        unsigned minutes;      /* that it lasts */
        struct words groups;   /* who may have it with a badge in hand; none = whoever is in some role's */
        struct words tags;     /* of stations; none = everywhere */
        struct words reasons;  /* BREAK_GLASS_REASONS of them, to choose from */
        unsigned reviewers;    /* enum reviewer: each must close an item */
        struct words accounts; /* users that a sealed kit or a witness opens */
        enum break_glass_badge {
                BREAK_GLASS_ANY,   /* any badge of somebody who may */
                BREAK_GLASS_FRESH, /* only after a full sign-in here, not longer ago than recent_strong_usec
                                    */
                BREAK_GLASS_BADGE_MAX,
        } badge;
        uint64_t recent_strong_usec;
        unsigned uses; /* of one badge alone within a day */
        uint64_t drill_every_usec, rotate_every_usec;
};

struct rules {
        /* [Site] */
        char *relying_party;
        enum assurance assurance;
        bool audit_required;
        unsigned throttle_free; /* failures in a row that cost nothing; the next one costs the first delay */
        uint64_t throttle_usec[8]; /* the delays, one after the other */
        size_t n_throttle;
        uint64_t throttle_max_usec; /* from then on */
        enum recovery_use recovery;
        uint64_t recheck_usec; /* how often an open session's person is looked up again; 0 = never */
        bool tickets;          /* codes of tickets are asked for at greeters */
        /* [Station] */
        char *station;          /* never empty after rules_load() on a station that has a valid host name */
        bool station_from_host; /* Name= was not written: rules_load() filled in the host name */
        struct words tags;
        enum fallback_use fallback;
        bool session_keys;
        unsigned max_sessions; /* 0 = one per 2 GB of memory, at most 6 */
        enum switch_engine switch_engine;
        enum lock_kind lock;
        enum other_seats other_seats;
        struct rule_break_glass break_glass;
        /* [Role], [Place], [Service], [Exception], [Check], in the order they were written */
        struct rule_role *roles;
        size_t n_roles;
        struct rule_place *places;
        size_t n_places;
        struct rule_service *services;
        size_t n_services;
        struct rule_exception *exceptions;
        size_t n_exceptions;
        struct rule_check *checks;
        size_t n_checks;

        char hash[65]; /* SHA-256 of the snapshot in hexadecimal: WARDTAP_POLICY */
};

struct rules *rules_free(struct rules *r);
DEFINE_CLEANUP(struct rules, rules_free)

/* One thing wrong with the rules. */
struct rules_error {
        char *file;    /* owned */
        unsigned line; /* 0 = the file as a whole */
        char *text;    /* one sentence that says what to do; owned */
};
struct rules_errors {
        struct rules_error *errors; /* at most RULES_ERRORS_MAX, and one more that says there are more */
        size_t n;
};
#define RULES_ERRORS_MAX 50U
void rules_errors_clear(struct rules_errors *e);

/* Parses the main file and the *.conf files of the folder (in the order of their names; a missing folder is
 * none), checks that each is a regular file of root's that nobody else can write, in folders of which that
 * is true too, and that the rules make sense together. 0 and *ret (hash included); -EBADMSG and every error
 * found in *ret_errors; another negative errno when a file cannot be read (then *ret_errors says which):
 * -ENOENT no main file, -EPERM owner or mode, -ELOOP a symbolic link, -EFBIG. *ret_errors need not be
 * initialised. */
int rules_parse(const char *file, const char *folder, struct rules **ret, struct rules_errors *ret_errors);
/* The same for text in memory, under the name `name` in errors: for tests and fuzzing. */
int rules_parse_text(const char *name, const char *text, size_t n, struct rules **ret,
                     struct rules_errors *ret_errors);

/* What of good rules depends on the time, or is worth a look: an exception that ends too late is an error
 * (they are not applied), one that is over and a person who would fit two roles are notes. Both lists need
 * not be initialised; their files are "" and their lines 0. -ENOMEM. */
int rules_review(const struct rules *r, uint64_t now_usec, struct rules_errors *ret_errors,
                 struct rules_errors *ret_notes);

/* Makes the rules the ones in force: writes the snapshot to the archive under its hash, with author, time
 * and reason beside it, then replaces PATH_SNAPSHOT and PATH_SERVICES by rename. On any error the last good
 * snapshot stays. `folder` is PATH_RULES; it must exist. The snapshot gets group gid (wardtap). Rules that
 * are applied again change only the log, folder/archive/log: one line per apply, fields separated by tabs:
 * time, "applied" or "failed", hash, author, reason. -EINVAL: author (1 to 64 bytes) or reason (up to
 * 256) is not clean text. -ERANGE: an exception ends later than RULES_EXCEPTION_MAX_USEC from now. -EPERM:
 * the folder is not root's alone. -EBUSY while another apply runs. */
int rules_apply(const struct rules *r, const char *folder, gid_t gid, const char *author, const char *reason,
                uint64_t now_usec);
/* Reads a snapshot written by rules_apply(). Its owner must be root and nobody else may write it (-EPERM).
 * -ENOENT when rules were never applied; -EBADMSG when it is not a whole snapshot of a version this program
 * knows. Where the rules give the station no name, it gets the host name here. */
int rules_load(const char *snapshot, struct rules **ret);

/* The same in memory. rules_write() gives the one form that rules have in bytes (caller frees *ret); the
 * last 32 bytes are SHA-256 of the rest, and in hexadecimal r->hash. rules_read() fills in no host name. */
int rules_write(const struct rules *r, uint8_t **ret, size_t *ret_n);
int rules_read(const void *p, size_t n, struct rules **ret);

/* "12h", "1h 30min", "0". -EINVAL, -ERANGE. */
int duration_parse(const char *text, uint64_t *ret_usec);

/* NULL when the rules do not name the service. */
const struct rule_service *rules_find_service(const struct rules *r, const char *service);
/* NULL when there is no such role. */
const struct rule_role *rules_find_role(const struct rules *r, const char *name);
/* The place of a station with these tags: the first that matches; NULL for none (defaults apply). */
const struct rule_place *rules_find_place(const struct rules *r, const struct words *tags);
/* A place with every default and the name "". */
const struct rule_place *rules_default_place(void);
/* The checks of these tags that are not among the passing ones (NULL: none passes), 1U << index each. */
uint32_t rules_failing_checks(const struct rules *r, const struct words *tags, const struct words *passing);
/* True when people of this role (NULL: none) may approve that. */
bool rules_role_approves(const struct rule_role *role, enum approve_action a);
/* There is emergency access at a station with these tags. */
bool break_glass_is_at(const struct rules *r, const struct words *tags);
/* The i-th reason to choose from, from 0; NULL behind the last. */
const char *break_glass_reason(const struct rules *r, unsigned i);
/* True when the span list is empty or the local time (0 = Monday, minute of the day) lies in one of its
 * spans. */
bool hours_contain(const struct hours *h, unsigned weekday, unsigned minute);
