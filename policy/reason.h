/* SPDX-License-Identifier: Apache-2.0 */
/* Why an attempt ended as it did: one list for records (name), the screen (what the person reads) and the
 * help desk
 * (`wardtap why`). */
#pragma once

enum reason {
        REASON_NONE,      /* allowed */
        REASON_CANCELLED, /* the application hung up */
        /* not available: the stack goes on */
        REASON_SERVICE_NOT_NAMED,
        REASON_REMOTE,
        REASON_NOT_ENROLLED, /* a name the application set, that nobody enrolled */
        REASON_NO_READER,
        REASON_NO_RULES,
        REASON_TAPS_GONE,    /* wardtapd does not answer */
        REASON_DEVICES_GONE, /* wardtap-device does not answer */
        REASON_BUSY,         /* more attempts at once than this caller may have */
        REASON_SCREEN_GONE,  /* the greeter that asked has ended; nobody reads this */
        REASON_NO_TAPS,      /* a program of an open session: taps are not for it */
        /* the badge */
        REASON_UNKNOWN_BADGE,
        REASON_BADGE_RANDOM,
        REASON_BADGE_NO_NUMBER,
        REASON_BADGE_TOO_QUICK,
        REASON_BADGE_UNREADABLE,
        REASON_BADGE_ENDED,
        REASON_BADGE_OF_ANOTHER, /* PAM_USER was set, and this is somebody else's badge */
        REASON_BADGE_ASIDE,      /* the person has a temporary badge */
        REASON_BADGE_LEND_OVER,  /* a temporary badge whose time is over */
        /* the person */
        REASON_PERSON_SUSPENDED,
        REASON_PERSON_ENDED,
        REASON_PERSON_NOT_YET, /* before not-before */
        REASON_PERSON_EXPIRED, /* after not-after */
        REASON_NO_ACCOUNT,     /* the system does not know the user */
        REASON_NO_ROLE,
        REASON_NOT_THIS_STATION,
        REASON_NOT_THIS_HOUR,
        REASON_POSTURE,     /* a check of the station fails */
        REASON_NOT_OWN,     /* an unprivileged caller asked for somebody else */
        REASON_BADGE_ALONE, /* a badge alone approves nothing here */
        REASON_THROTTLED,
        /* the key */
        REASON_NO_KEY_ENROLLED,
        REASON_KEY_MISSING,
        REASON_KEY_NOT_YOURS,
        REASON_KEY_NOT_TOUCHED,
        REASON_KEY_REMOVED,
        REASON_KEY_REFUSED,
        REASON_KEY_BUSY,
        REASON_KEY_UNUSABLE, /* no FIDO2, or it cannot do what the rules need */
        REASON_PIN_WRONG,
        REASON_PIN_REPLUG,
        REASON_PIN_BLOCKED,
        REASON_PIN_NOT_SET,
        REASON_PIN_FORMAT, /* fewer than 4 characters or more than 63 bytes: never sent to the key */
        REASON_PIN_CHANGE, /* the key wants another PIN first */
        REASON_FINGER_WRONG,
        REASON_FINGER_BLOCKED,
        REASON_KEY_FORGED, /* signature, relying party, credential id: what came is not an answer to us */
        REASON_KEY_NO_PRESENCE,
        REASON_KEY_NO_VERIFICATION,
        REASON_KEY_COUNTER, /* the counter went back: a copy of this key may exist */
        /* the ticket */
        REASON_TICKET_MISTYPED, /* no code at all */
        REASON_TICKET_WRONG,    /* no ticket has it */
        REASON_TICKET_USED,
        REASON_TICKET_EXPIRED,
        REASON_TICKET_REVOKED,
        REASON_TICKET_OF_ANOTHER, /* it is for somebody else than the badge's owner */
        REASON_TICKET_PAUSED,     /* too many wrong codes at this station */
        REASON_TICKET_NOT_HERE,   /* the rules want none, here or for this role */
        REASON_TICKET_GONE,       /* wardtap-registrar does not answer */
        REASON_BADGE_TAKEN,       /* enrolment: somebody else holds the badge */
        REASON_KEY_TAKEN,         /* enrolment: the key is enrolled already */
        REASON_KEYS_FULL,         /* enrolment: the person has as many keys as there may be */
        REASON_PIN_DIFFERENT,     /* enrolment: the new PIN was not typed twice alike */
        /* an approval by somebody's key */
        REASON_APPROVER_SAME,  /* for oneself */
        REASON_APPROVER_TWICE, /* the same approver once more */
        REASON_APPROVER_ROLE,  /* her role may not approve this */
        /* ourselves */
        REASON_DEVICE_FAILED,
        REASON_TIMED_OUT,
        REASON_NOT_SHOWN, /* let in, and no session came of it */
        REASON_NO_ANSWER, /* the conversation failed, or nobody answered the prompt */
        REASON_STORE,
        REASON_RECORD, /* AuditRequired=yes, and the record could not be written */
        REASON_INTERNAL,
        /* later ones */
        REASON_BADGE_SUSPENDED,
        REASON_KEY_SUSPENDED, /* all of the person's keys */
        REASON_NOT_LEASED,    /* an agency account that nobody has now */
        /* emergencies */
        REASON_EMERGENCY_OFF,       /* the rules have none at this station, or not for this account */
        REASON_EMERGENCY_NOT_FRESH, /* no full sign-in here of late */
        REASON_EMERGENCY_USED_UP,   /* too often within a day with a badge alone */
        REASON_EMERGENCY_IN_USE,    /* somebody else's emergency has this account */
        REASON_EMERGENCY_WITNESS,   /* this person cannot witness it */
        /* those who are signed in */
        REASON_OTHER_SEAT,      /* at another seat of the station, and the rules want one only */
        REASON_ACCOUNT_REFUSED, /* by PAM's account rules */
        REASON_MAX,
        REASON_INVALID = -1,
};

/* "pin-wrong": stable, in records. What is no reason at all counts as REASON_INTERNAL, here and below. */
const char *reason_name(enum reason r);
/* REASON_INVALID for a name that no reason has. */
enum reason reason_from_name(const char *name);
/* What the person at the screen reads after an enrolled badge: one plain sentence, what to do included;
 * untranslated (msgid). */
const char *reason_screen(enum reason r);
/* What the help desk reads: what it means, and what to do; one to three plain sentences. */
const char *reason_explain(enum reason r);
