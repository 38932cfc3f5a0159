/* SPDX-License-Identifier: Apache-2.0 */
/* Rights of the broker's clients. */
#include "helper/broker_rights.h"

#include "common/util.h"

#include <errno.h>

bool rights_is_attempt(const char *s) {
        return strlen(s) == 32 && strspn(s, "0123456789abcdefABCDEF") == 32;
}

int rights_hello(const struct broker_message *m, uid_t uid) {
        const char *attempt = m->hello.attempt;
        if (!text_is_clean(m->hello.service, sizeof(m->hello.service)) ||
            !text_is_clean(m->hello.seat, sizeof(m->hello.seat)) ||
            !text_is_clean(m->hello.tty, sizeof(m->hello.tty)))
                return -EBADMSG;
        switch (m->hello.purpose) {
        case BROKER_SIGN_IN:
        case BROKER_STEP_UP:
        case BROKER_SEAT:
                return rights_is_attempt(attempt) ? 0 : -EBADMSG;
        case BROKER_SESSION_HOOK:
                return !*attempt || rights_is_attempt(attempt) ? 0 : -EBADMSG;
        case BROKER_ADMIN: /* wardtap-registrar says for which attempt it writes */
                return uid != 0 ? -EPERM : !*attempt || rights_is_attempt(attempt) ? 0 : -EBADMSG;
        case BROKER_ENROL:
                return uid != 0 ? -EPERM : *attempt ? -EBADMSG : 0;
        case BROKER_PURPOSE_MAX:
                break;
        }
        return -EBADMSG;
}

static bool is_of_attempt(enum broker_purpose purpose) {
        return purpose == BROKER_SIGN_IN || purpose == BROKER_STEP_UP || purpose == BROKER_SEAT;
}

bool rights_message(enum broker_purpose purpose, enum broker_type type) {
        switch (type) {
        case BROKER_WANT_TAP:
                return is_of_attempt(purpose) || purpose == BROKER_ENROL;
        case BROKER_ASK_SESSION:
        case BROKER_KEY_USED:
                return is_of_attempt(purpose);
        case BROKER_SWITCH:
                return purpose == BROKER_SIGN_IN || purpose == BROKER_SEAT;
        case BROKER_WANT_AGAIN:
        case BROKER_ASK_GRANT:
                return purpose == BROKER_SIGN_IN;
        case BROKER_ASK_INDEXES:
                return purpose == BROKER_ADMIN;
        case BROKER_RECORD:
                return purpose != BROKER_SESSION_HOOK;
        case BROKER_SESSION_OPEN:
        case BROKER_SESSION_CLOSE:
                return purpose == BROKER_SESSION_HOOK;
        default:
                return false;
        }
}

bool rights_is_verdict(enum record_event event) {
        return event == RECORD_SIGN_IN || event == RECORD_RESUME || event == RECORD_APPROVE ||
               event == RECORD_DENIED || event == RECORD_UNKNOWN_BADGE || event == RECORD_UNAVAILABLE ||
               event == RECORD_TAP_OUT || event == RECORD_BREAK_GLASS_START;
}

/* A sign-in lets somebody in, a step-up approves something: neither says it did the other. */
static bool is_of_attempts(enum broker_purpose purpose, enum record_event event) {
        if (event == RECORD_SIGN_IN || event == RECORD_RESUME)
                return purpose == BROKER_SIGN_IN || purpose == BROKER_SEAT;
        if (event == RECORD_TAP_OUT)
                return purpose == BROKER_SEAT;
        if (event == RECORD_BREAK_GLASS_START)
                return purpose == BROKER_SIGN_IN;
        if (event == RECORD_APPROVE)
                return purpose == BROKER_STEP_UP;
        return rights_is_verdict(event) || event == RECORD_CANCELLED;
}

static bool is_of_admins(enum record_event event) {
        switch (event) {
        case RECORD_PERSON_ADD:
        case RECORD_BADGE_ENROL:
        case RECORD_BADGE_END:
        case RECORD_BADGE_REFUSED:
        case RECORD_KEY_ENROL:
        case RECORD_KEY_END:
        case RECORD_POLICY_APPLY:
        case RECORD_POLICY_REFUSED:
        case RECORD_PERSON_SUSPEND:
        case RECORD_PERSON_RESUME:
        case RECORD_PERSON_EXPIRE:
        case RECORD_PERSON_OFFBOARD:
        case RECORD_BADGE_REPLACE:
        case RECORD_BADGE_SUSPEND:
        case RECORD_BADGE_RESUME:
        case RECORD_KEY_REPLACE:
        case RECORD_KEY_SUSPEND:
        case RECORD_KEY_RESUME:
        case RECORD_LEASE:
        case RECORD_LEASE_END:
        case RECORD_HOME_WIPE:
        case RECORD_IMPORT:
        case RECORD_EXPORT:
        case RECORD_REVIEW_ATTEST:
        case RECORD_AUDIT_QUERY:
        case RECORD_TICKET_ISSUE:
        case RECORD_TICKET_USE:
        case RECORD_TICKET_REFUSED:
        case RECORD_TICKET_REVOKE:
        case RECORD_ELEVATE:
        case RECORD_ELEVATE_END:
        case RECORD_BADGE_LEND:
        case RECORD_LOST_REPORT:
        case RECORD_LOST_FOUND:
        case RECORD_RECOVERY_BEGIN:
        case RECORD_RECOVERY_APPROVE:
        case RECORD_RECOVERY_DONE:
        case RECORD_APPROVAL_REFUSED:
        case RECORD_BREAK_GLASS_DRILL:
        case RECORD_REVIEW_WORDS:
        case RECORD_REVIEW_CLOSE:
                return true;
        default:
                return false;
        }
}

/* Fields that only handoffs have, which wardtapd records itself. */
static bool is_of_handoffs(unsigned f) {
        return f == RECORD_FIELD_FROM_USER || f == RECORD_FIELD_FROM_SESSION ||
               f == RECORD_FIELD_TO_SESSION || f == RECORD_FIELD_TAP_TO_SESSION_USEC;
}

static bool is_field_of_admins(unsigned f) {
        switch (f) {
        case RECORD_FIELD_REASON:
        case RECORD_FIELD_PERSON:
        case RECORD_FIELD_USER:
        case RECORD_FIELD_UID:
        case RECORD_FIELD_ACCOUNT:
        case RECORD_FIELD_ROLE:
        case RECORD_FIELD_REQUESTOR:
        case RECORD_FIELD_BADGE:
        case RECORD_FIELD_BADGE_KIND:
        case RECORD_FIELD_READER:
        case RECORD_FIELD_KEY:
        case RECORD_FIELD_FACTORS:
        case RECORD_FIELD_SERVICE:
        case RECORD_FIELD_CALLER_UID:
        case RECORD_FIELD_CALLER_PID:
        case RECORD_FIELD_POLICY:
        case RECORD_FIELD_STORE_VERSION:
        case RECORD_FIELD_WITNESS:
        case RECORD_FIELD_DETAIL:
        case RECORD_FIELD_APPROVER:
        case RECORD_FIELD_ISSUER:
        case RECORD_FIELD_TICKET:
        case RECORD_FIELD_EXCEPTION:
        case RECORD_FIELD_LOWERED:
        case RECORD_FIELD_UNTIL_USEC:
        case RECORD_FIELD_IDENTIFIED:
        case RECORD_FIELD_REVIEW:
        case RECORD_FIELD_HOLDER:
                return true;
        default:
                return false;
        }
}

/* A success that failed, or a refusal that succeeded, would mislead whoever counts outcomes. */
static bool is_contradiction(const struct record *r) {
        if (r->event == RECORD_SIGN_IN || r->event == RECORD_RESUME || r->event == RECORD_APPROVE ||
            r->event == RECORD_TAP_OUT || r->event == RECORD_BREAK_GLASS_START)
                return r->outcome != RECORD_SUCCESS;
        if (r->event == RECORD_DENIED || r->event == RECORD_UNKNOWN_BADGE ||
            r->event == RECORD_BADGE_REFUSED || r->event == RECORD_POLICY_REFUSED ||
            r->event == RECORD_APPROVAL_REFUSED || r->event == RECORD_TICKET_REFUSED)
                return r->outcome != RECORD_FAILURE;
        return false;
}

int rights_record(enum broker_purpose purpose, const char *attempt, const struct record *r) {
        bool sign_in = is_of_attempt(purpose);
        const char *claimed = r->fields[RECORD_FIELD_ATTEMPT];
        if (purpose == BROKER_SESSION_HOOK || is_contradiction(r))
                return -EPERM;
        if (sign_in ? !is_of_attempts(purpose, r->event) : !is_of_admins(r->event))
                return -EPERM;
        if (claimed && (!sign_in || strcmp(claimed, attempt) != 0))
                return -EPERM;
        for (unsigned i = 0; i < RECORD_FIELD_MAX; i++) {
                if (!r->fields[i])
                        continue;
                if (record_field_is_of_writer((enum record_field) i) || is_of_handoffs(i) ||
                    (!sign_in && !is_field_of_admins(i)))
                        return -EPERM;
        }
        return 0;
}
