/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences for records. */
#include "helper/message.h"

#include "common/util.h"

#include <stdarg.h>
#include <stdio.h>

struct text {
        char *p;
        size_t n;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *t, const char *format, ...) {
        va_list ap;
        va_start(ap, format);
        int n = vsnprintf(t->p + t->n, MESSAGE_SIZE - t->n, format, ap);
        va_end(ap);
        if (n > 0)
                t->n += (size_t) n < MESSAGE_SIZE - t->n ? (size_t) n : MESSAGE_SIZE - t->n - 1;
}

static const char *get(const struct record *r, enum record_field f) {
        return r->fields[f] && *r->fields[f] ? r->fields[f] : NULL;
}

static const char *who(const struct record *r) {
        const char *user = get(r, RECORD_FIELD_USER), *account = get(r, RECORD_FIELD_ACCOUNT);
        return user ? user : account ? account : "Somebody";
}

/* " as nurse" and the like: only where the field is there. */
static void add_field(struct text *t, const struct record *r, const char *before, enum record_field f,
                      const char *after) {
        const char *value = get(r, f);
        if (value)
                add(t, "%s%s%s", before, value, after);
}

static void add_duration(struct text *t, const struct record *r) {
        const char *value = get(r, RECORD_FIELD_TAP_TO_VERDICT_USEC);
        uint64_t usec;
        if (!value || parse_u64(value, UINT64_MAX, &usec) < 0)
                return;
        if (usec < 10000000)
                add(t, ", in %u ms", (unsigned) ((usec + 500) / 1000));
        else
                add(t, ", in %llu s", (unsigned long long) ((usec + 500000) / 1000000));
}

static void add_factors(struct text *t, const struct record *r) {
        const char *factors = get(r, RECORD_FIELD_FACTORS);
        if (!factors)
                return;
        bool badge = strstr(factors, "badge"), key = strstr(factors, "key"),
             verify = strstr(factors, "verify");
        add(t, "%s%s%s", badge ? " with badge" : "",
            badge && key ? " and key"
            : key        ? " with key"
                         : "",
            verify ? ", PIN or finger checked" : "");
}

static void add_code(struct text *t, const struct record *r) {
        add_field(t, r, " (code ", RECORD_FIELD_CODE, ")");
}

static void attempt_message(struct text *t, const struct record *r) {
        switch (r->event) {
        case RECORD_SIGN_IN:
        case RECORD_RESUME:
                add(t, "%s %s", who(r), r->event == RECORD_SIGN_IN ? "signed in" : "resumed the session");
                add_field(t, r, " as ", RECORD_FIELD_ROLE, "");
                add_factors(t, r);
                add_duration(t, r);
                break;
        case RECORD_APPROVE:
                add(t, "%s approved", who(r));
                add_factors(t, r);
                break;
        case RECORD_DENIED:
                add(t, "%s was refused", get(r, RECORD_FIELD_USER) ? who(r) : "A sign-in");
                add_field(t, r, ": ", RECORD_FIELD_REASON, "");
                add_code(t, r);
                break;
        case RECORD_UNKNOWN_BADGE:
                add(t, "A badge that nobody here has was tapped");
                add_field(t, r, " (badge ", RECORD_FIELD_BADGE, ")");
                add_field(t, r, " on ", RECORD_FIELD_READER, "");
                add_code(t, r);
                break;
        default:
                add(t, "%s",
                    r->event == RECORD_CANCELLED ? "A sign-in was cancelled"
                                                 : "A sign-in could not be judged");
                add_field(t, r, ": ", RECORD_FIELD_REASON, "");
                add_code(t, r);
        }
        add_field(t, r, ", for ", RECORD_FIELD_SERVICE, "");
}

static void session_message(struct text *t, const struct record *r) {
        add(t, "A session of %s", get(r, RECORD_FIELD_USER) ? who(r) : "user");
        if (!get(r, RECORD_FIELD_USER))
                add_field(t, r, " ", RECORD_FIELD_UID, "");
        add(t, " %s", r->event == RECORD_SESSION_OPEN ? "began" : "ended");
        add_code(t, r);
}

static void fallback_message(struct text *t, const struct record *r) {
        add(t, "%s was let in by the site's own fallback, not by Wardtap%s", who(r),
            get(r, RECORD_FIELD_REASON) ? ", to a session that was open" : "");
        add_field(t, r, ", for ", RECORD_FIELD_SERVICE, "");
        add_field(t, r, ", session ", RECORD_FIELD_TO_SESSION, "");
        if (r->outcome == RECORD_FAILURE)
                add(t, ", which the rules do not allow");
}

static void handoff_message(struct text *t, const struct record *r) {
        add(t, "%s took over", who(r));
        add_field(t, r, " from ", RECORD_FIELD_FROM_USER, "");
        add_field(t, r, ", session ", RECORD_FIELD_TO_SESSION, "");
        add_field(t, r, ", factors ", RECORD_FIELD_FACTORS, "");
        add_code(t, r);
}

static void seat_message(struct text *t, const struct record *r) {
        static const char *const what[RECORD_EVENT_MAX] = {
                [RECORD_LOCK] = "'s session is parked",
                [RECORD_UNLOCK] = " is back",
                [RECORD_TAP_OUT] = " tapped out",
                [RECORD_IDLE_LOCK] = "'s session was idle and is parked",
                [RECORD_SIGN_OUT] = "'s session was ended",
        };
        add(t, "%s%s", who(r), what[r->event]);
        add_field(t, r, ", session ", RECORD_FIELD_FROM_SESSION, "");
        add_field(t, r, ", session ", RECORD_FIELD_TO_SESSION, "");
        add_field(t, r, ": ", RECORD_FIELD_REASON, "");
        add_code(t, r);
}

/* What became of somebody or of what she holds. */
static const char *const admin_words[RECORD_EVENT_MAX] = {
        [RECORD_PERSON_ADD] = "was added",
        [RECORD_BADGE_ENROL] = "got a badge",
        [RECORD_BADGE_END] = "'s badge was ended",
        [RECORD_KEY_ENROL] = "got a key",
        [RECORD_KEY_END] = "'s key was ended",
        [RECORD_PERSON_SUSPEND] = "was suspended",
        [RECORD_PERSON_RESUME] = "may sign in again",
        [RECORD_PERSON_EXPIRE] = "may sign in at other times",
        [RECORD_PERSON_OFFBOARD] = "was offboarded",
        [RECORD_BADGE_REPLACE] = "'s badge was replaced",
        [RECORD_BADGE_SUSPEND] = "'s badge was suspended",
        [RECORD_BADGE_RESUME] = "'s badge may be used again",
        [RECORD_KEY_REPLACE] = "'s key was replaced",
        [RECORD_KEY_SUSPEND] = "'s key was suspended",
        [RECORD_KEY_RESUME] = "'s key may be used again",
        [RECORD_LEASE] = "was lent",
        [RECORD_LEASE_END] = "'s lease has ended",
        [RECORD_HOME_WIPE] = "'s home was wiped",
        [RECORD_TICKET_ISSUE] = "got a ticket",
        [RECORD_TICKET_USE] = "used a ticket",
        [RECORD_TICKET_REVOKE] = "'s ticket was revoked",
        [RECORD_ELEVATE] = "has another role for a while",
        [RECORD_ELEVATE_END] = "has the own role alone again",
        [RECORD_BADGE_LEND] = "has a temporary badge",
        [RECORD_LOST_REPORT] = "'s badges or keys were reported lost",
        [RECORD_LOST_FOUND] = "'s badges or keys were found",
        [RECORD_RECOVERY_BEGIN] = "is to be enrolled anew",
        [RECORD_RECOVERY_APPROVE] = "'s recovery was approved",
        [RECORD_RECOVERY_DONE] = "was enrolled anew",
};

static void admin_message(struct text *t, const struct record *r) {
        const char *words = admin_words[r->event];
        bool failed = r->outcome != RECORD_SUCCESS;
        if (r->event == RECORD_HOME_WIPE && failed)
                add(t, "%s's home was not wiped", who(r));
        else if (r->event == RECORD_RECOVERY_DONE && failed)
                add(t, "%s was not enrolled anew", who(r));
        else if (r->event == RECORD_APPROVAL_REFUSED)
                add(t, "Something was not approved for %s", who(r));
        else if (r->event == RECORD_BADGE_REFUSED)
                add(t, "A badge was not enrolled for %s", who(r));
        else
                add(t, "%s%s%s", who(r), words[0] == '\'' ? "" : " ", words);
        add_field(t, r, " (", RECORD_FIELD_BADGE, ")");
        add_field(t, r, " (", RECORD_FIELD_KEY, ")");
        add_field(t, r, ", holder ", RECORD_FIELD_HOLDER, "");
        add_field(t, r, ": ", RECORD_FIELD_REASON, "");
        add_field(t, r, ", approved by ", RECORD_FIELD_APPROVER, "");
        add_field(t, r, ", by ", RECORD_FIELD_REQUESTOR, "");
}

static void policy_message(struct text *t, const struct record *r) {
        char hash[13] = "";
        const char *policy = get(r, RECORD_FIELD_POLICY);
        if (r->event == RECORD_POLICY_REFUSED) {
                add(t, "New rules were refused, the old ones stay in force");
                add_field(t, r, ": ", RECORD_FIELD_DETAIL, "");
                return;
        }
        if (policy)
                memcpy(hash, policy, strnlen(policy, 12));
        add(t, "New rules %s%sare in force", hash, *hash ? " " : "");
        add_field(t, r, ", by ", RECORD_FIELD_REQUESTOR, "");
        add_field(t, r, " (", RECORD_FIELD_DETAIL, ")");
}

static void bulk_message(struct text *t, const struct record *r) {
        add(t, "%s", r->event == RECORD_IMPORT ? "Imported" : "Exported");
        add_field(t, r, " ", RECORD_FIELD_DETAIL, "");
        add_field(t, r, ", by ", RECORD_FIELD_REQUESTOR, "");
}

/* What was looked at, and nothing was changed. */
static void look_message(struct text *t, const struct record *r) {
        if (r->event == RECORD_AUDIT_QUERY)
                add(t, "The records about %s were looked at", who(r));
        else
                add(t, "The review list was signed off");
        add_field(t, r, ", by ", RECORD_FIELD_REQUESTOR, "");
        add_field(t, r, ": ", RECORD_FIELD_DETAIL, "");
}

static void emergency_message(struct text *t, const struct record *r) {
        static const char *const what[RECORD_EVENT_MAX] = {
                [RECORD_BREAK_GLASS_START] = "EMERGENCY ACCESS for %s",
                [RECORD_BREAK_GLASS_STOP] = "Emergency access for %s is over",
                [RECORD_BREAK_GLASS_DRILL] = "The next emergency is a drill",
                [RECORD_REVIEW_OPEN] = "A review of emergency access for %s is owed",
                [RECORD_REVIEW_WORDS] = "%s explained an emergency",
                [RECORD_REVIEW_CLOSE] = "%s closed a review of emergency access",
        };
        const char *sentence = what[r->event], *name = strstr(sentence, "%s");
        add(t, "%.*s%s%s", name ? (int) (name - sentence) : (int) strlen(sentence), sentence,
            name ? who(r) : "", name ? name + 2 : "");
        add_field(t, r, ", said to be ", RECORD_FIELD_CLAIMED, "");
        add_field(t, r, ", witness ", RECORD_FIELD_WITNESS, "");
        add_field(t, r, ", item ", RECORD_FIELD_REVIEW, "");
        add_field(t, r, ": ", RECORD_FIELD_REASON, "");
        add_field(t, r, " (", RECORD_FIELD_DETAIL, ")");
}

static void own_message(struct text *t, const struct record *r) {
        static const char *const what[RECORD_EVENT_MAX] = {
                [RECORD_READER_ATTACH] = "Reader attached",
                [RECORD_READER_DETACH] = "Reader detached",
                [RECORD_READER_SLOWED] = "Too many unknown badges, taps are ignored for 30 s",
                [RECORD_WRITER_START] = "Audit records are being written",
                [RECORD_WRITER_STOP] = "Audit records are no longer written",
                [RECORD_ALERT] = "Alert",
                [RECORD_TICKET_REFUSED] = "The code of a ticket was refused",
                [RECORD_NEARBY_BADGE] = "A badge lies near the reader and is ignored",
                [RECORD_GUARD_ALERT] = "Guard of the screen",
                [RECORD_KEY_ATTACH] = "Key plugged in",
                [RECORD_KEY_DETACH] = "Key taken out",
                [RECORD_CHECK_FAIL] = "A check of the station fails",
                [RECORD_CHECK_PASS] = "A check of the station passes",
        };
        const char *s = what[r->event];
        add(t, "%s", s ? s : record_event_name(r->event));
        add_field(t, r, ": ", RECORD_FIELD_READER, "");
        add_field(t, r, ": ", RECORD_FIELD_POSTURE, "");
        add_field(t, r, ": ", RECORD_FIELD_REASON, "");
        add_field(t, r, ": ", RECORD_FIELD_DETAIL, "");
}

/* Those that are in neither table are wardtapd's own. */
static void (*const messages[RECORD_EVENT_MAX])(struct text *t, const struct record *r) = {
        [RECORD_SIGN_IN] = attempt_message,
        [RECORD_RESUME] = attempt_message,
        [RECORD_APPROVE] = attempt_message,
        [RECORD_DENIED] = attempt_message,
        [RECORD_UNKNOWN_BADGE] = attempt_message,
        [RECORD_CANCELLED] = attempt_message,
        [RECORD_UNAVAILABLE] = attempt_message,
        [RECORD_SESSION_OPEN] = session_message,
        [RECORD_SESSION_CLOSE] = session_message,
        [RECORD_HANDOFF] = handoff_message,
        [RECORD_LOCK] = seat_message,
        [RECORD_UNLOCK] = seat_message,
        [RECORD_TAP_OUT] = seat_message,
        [RECORD_IDLE_LOCK] = seat_message,
        [RECORD_SIGN_OUT] = seat_message,
        [RECORD_FALLBACK] = fallback_message,
        [RECORD_BADGE_REFUSED] = admin_message,
        [RECORD_IMPORT] = bulk_message,
        [RECORD_EXPORT] = bulk_message,
        [RECORD_BREAK_GLASS_START] = emergency_message,
        [RECORD_BREAK_GLASS_STOP] = emergency_message,
        [RECORD_BREAK_GLASS_DRILL] = emergency_message,
        [RECORD_REVIEW_OPEN] = emergency_message,
        [RECORD_REVIEW_WORDS] = emergency_message,
        [RECORD_REVIEW_CLOSE] = emergency_message,
        [RECORD_POLICY_APPLY] = policy_message,
        [RECORD_POLICY_REFUSED] = policy_message,
        [RECORD_REVIEW_ATTEST] = look_message,
        [RECORD_AUDIT_QUERY] = look_message,
        [RECORD_APPROVAL_REFUSED] = admin_message,
};

void message_of(const struct record *r, char ret[MESSAGE_SIZE]) {
        struct text t = {.p = ret};
        ret[0] = 0;
        (messages[r->event]      ? messages[r->event]
         : admin_words[r->event] ? admin_message
                                 : own_message)(&t, r);
}
