/* SPDX-License-Identifier: Apache-2.0 */
/* Emergency access: the second tap, what is asked then, the witness, and what is remembered of it. */
#include "pam_module/auth/attempt.h"

#include "common/socket.h"
#include "pam_module/auth/relay.h"
#include "pam_module/auth/screen.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#define WHY_TRIES 3U
#define NAME_LEAST 2U /* bytes */

/* --- the second tap */

bool attempt_is_offerable(const struct attempt *a) {
        switch (a->reason) {
        case REASON_DEVICES_GONE:
        case REASON_DEVICE_FAILED:
        case REASON_NO_KEY_ENROLLED:
        case REASON_KEY_SUSPENDED:
        case REASON_KEY_NOT_YOURS:
        case REASON_KEY_REFUSED:
        case REASON_KEY_BUSY:
        case REASON_KEY_UNUSABLE:
        case REASON_PIN_REPLUG:
        case REASON_PIN_BLOCKED:
        case REASON_PIN_NOT_SET:
        case REASON_PIN_CHANGE:
        case REASON_FINGER_BLOCKED:
                return a->offered;
        case REASON_CANCELLED:
                return false;
        default: /* the next tap asks for the key again, and offers it again; or for a code, and does not */
                return a->offered && a->ticket.asked;
        }
}

enum attempt_state attempt_or_offer(const struct attempt *a, enum attempt_state next) {
        return next == ATTEMPT_RECORD && attempt_is_offerable(a) ? ATTEMPT_OFFER : next;
}

int attempt_want_again(struct attempt *a) {
        const struct broker_message m = {.type = BROKER_WANT_AGAIN};
        a->offered_usec = now_monotonic_usec();
        return a->broker < 0 ? -ENOTCONN : broker_send(a->broker, &m);
}

int attempt_hear_again(struct attempt *a) {
        _cleanup_(broker_message_clear) struct broker_message m = {.type = BROKER_TYPE_INVALID};
        int r = broker_receive(a->broker, &m);
        if (r < 0)
                return r == -EAGAIN ? 0 : r;
        if (m.type != BROKER_AGAIN || m.again.seen_usec < a->offered_usec)
                return 0;
        a->tap.seen_usec = m.again.seen_usec;
        return 1;
}

static int show_offer(struct attempt *a) {
        char text[WIRE_TEXT_MAX + 1];
        const struct screen_end e = {.reason = a->reason,
                                     .known = true,
                                     .retries = a->retries,
                                     .wait_usec = a->decision.wait_usec,
                                     .code = ""};
        screen_refusal(&e, text, sizeof(text));
        screen_offer(text, sizeof(text), a->answer_owed);
        return attempt_show(a, WIRE_INFO, text);
}

/* How it ends unless she taps again is known already. */
enum attempt_state attempt_offer(struct attempt *a) {
        uint64_t deadline = now_monotonic_usec() + ATTEMPT_OFFER_USEC;
        int r = attempt_want_again(a);
        if (r < 0)
                return ATTEMPT_RECORD;
        if (show_offer(a) < 0)
                return attempt_end(a, REASON_CANCELLED);
        for (;;) {
                r = relay_wait(a->module, a->broker, deadline);
                if (r == -ECANCELED)
                        return attempt_end(a, REASON_CANCELLED);
                if (r < 0 || (r = attempt_hear_again(a)) < 0)
                        return ATTEMPT_RECORD;
                if (r > 0)
                        break;
        }
        a->evidence.emergency = EMERGENCY_ASKED;
        return ATTEMPT_EMERGENCY;
}

/* --- what is asked */

/* The answer to a prompt: 1, 0 for none, -ECANCELED when the module has gone, -ETIMEDOUT. */
static int hear_answer(struct attempt *a, char *buf, size_t size) {
        _cleanup_(wire_message_erase) struct wire_message m = {.type = WIRE_TYPE_INVALID};
        uint64_t deadline = now_monotonic_usec() + ATTEMPT_WHY_USEC;
        int r = -EAGAIN;
        while (r == -EAGAIN) {
                r = relay_poll(a->module, -1, deadline);
                if (r == RELAY_MODULE)
                        r = wire_receive(a->module, &m);
        }
        if (r == -ETIMEDOUT)
                return r;
        if (r < 0 || (m.type != WIRE_ANSWER && m.type != WIRE_NO_ANSWER))
                return -ECANCELED;
        return m.type == WIRE_ANSWER && buf && text_copy(buf, size, m.answer) >= 0;
}

/* The GTK greeter takes a first question whose answer may be seen for the one about the user's name, and
 * begins anew with what is typed: so the first is asked as a PIN is, and only what comes after it is seen.
 */
static int ask(struct attempt *a, const char *text, const char *prompt, char *buf, size_t size) {
        int r = attempt_show(a, WIRE_INFO, text);
        if (r >= 0)
                r = a->prompted ? relay_ask(a->module, a->version, prompt)
                                : relay_prompt(a->module, a->version, prompt);
        a->prompted = true;
        return r < 0 ? -ECANCELED : hear_answer(a, buf, size);
}

static int ask_why(struct attempt *a) {
        char text[WIRE_TEXT_MAX + 1], answer[8];
        const char *reasons[BREAK_GLASS_REASONS];
        for (unsigned i = 0; i < BREAK_GLASS_REASONS; i++)
                reasons[i] = break_glass_reason(a->snapshot->rules, i);
        screen_why(reasons, text, sizeof(text));
        for (unsigned i = 0; i < WHY_TRIES; i++) {
                int r = ask(a, text, "1-4: ", answer, sizeof(answer));
                if (r < 0)
                        return r;
                unsigned n = r > 0 && answer[0] && !answer[1] ? (unsigned) answer[0] - '1' : UINT32_MAX;
                if (n < BREAK_GLASS_REASONS)
                        return text_copy(a->why, sizeof(a->why), reasons[n]);
        }
        return -EINVAL;
}

static int ask_who(struct attempt *a) {
        char text[WIRE_TEXT_MAX + 1];
        screen_who(text, sizeof(text));
        for (unsigned i = 0; i < WHY_TRIES; i++) {
                int r = ask(a, text, "Your name: ", a->claimed, sizeof(a->claimed));
                if (r < 0)
                        return r;
                if (r > 0 && strlen(a->claimed) >= NAME_LEAST)
                        return 0;
        }
        return -EINVAL;
}

enum attempt_state attempt_emergency(struct attempt *a) {
        int r = a->answer_owed ? hear_answer(a, NULL, 0) : 0;
        a->answer_owed = false;
        if (r >= 0 && a->decision.verdict != POLICY_NEED_REASON)
                return ATTEMPT_DECIDE;
        if (r >= 0)
                r = ask_why(a);
        if (r >= 0 && a->person.kind == PERSON_EMERGENCY)
                r = ask_who(a);
        if (r < 0)
                return r == -EINVAL ? attempt_end(a, REASON_NO_ANSWER)
                                    : attempt_end_wait(a, r, REASON_NO_ANSWER);
        memcpy(a->review, a->id, STORE_REVIEW_LENGTH);
        a->review[STORE_REVIEW_LENGTH] = 0;
        a->evidence.emergency_reason = true;
        if (attempt_look_again(a) == -ENOENT) /* any other error stops no emergency: she was known */
                return attempt_end(a, REASON_UNKNOWN_BADGE);
        return ATTEMPT_DECIDE;
}

/* --- the witness */

static bool is_claimed(const struct attempt *a, const struct store_person *w) {
        return strcasecmp(a->claimed, w->full_name) == 0 || strcasecmp(a->claimed, w->user) == 0;
}

/* From here on it is the witness's key that is asked for. */
enum attempt_state attempt_take_witness(struct attempt *a, const struct store_person *witness) {
        bool cached, suspended;
        store_account_clear(&a->witness_account);
        a->witness_account = (struct store_account){0};
        int r = account_find(&a->account_child, a->state, witness->user, a->module, &a->witness_account,
                             &cached);
        if (r == -ECANCELED)
                return attempt_end(a, REASON_CANCELLED);
        if (attempt_find_keys(a, witness->id, &suspended) < 0)
                return attempt_end(a, REASON_STORE);
        a->witness = *witness;
        a->witness_badge = a->badge;
        a->have_witness = true;
        a->policy_witness = (struct policy_person){
                .id = witness->id,
                .state = witness->state,
                .not_before_usec = witness->not_before_usec,
                .not_after_usec = witness->not_after_usec,
                .has_account = r >= 0,
                .uid = r >= 0 ? a->witness_account.uid : (uid_t) -1,
                .groups = {a->witness_account.groups, a->witness_account.n_groups},
                .has_keys = a->n_keys > 0,
                .agency = witness->kind == PERSON_AGENCY,
                .emergency_account = witness->kind == PERSON_EMERGENCY,
        };
        a->evidence.emergency = EMERGENCY_WITNESS;
        a->evidence.witness_is_claimed = is_claimed(a, witness);
        if (a->badge.ended_usec != 0)
                return attempt_end(a, REASON_BADGE_ENDED);
        if (a->badge.suspended_usec != 0)
                return attempt_end(a, REASON_BADGE_SUSPENDED);
        return ATTEMPT_DECIDE;
}

/* --- what is remembered */

void attempt_store_emergency(struct attempt *a) {
        struct store_emergency e = {.person = a->person.id,
                                    .witness = a->have_witness ? a->witness.id : 0,
                                    .how = a->decision.emergency,
                                    .from_usec = a->clock.realtime_usec,
                                    .until_usec = a->until_usec,
                                    .drill = a->drill};
        if (a->decision.resumes_emergency || !a->state)
                return;
        memcpy(e.attempt, a->id, sizeof(e.attempt));
        memcpy(e.review, a->review, sizeof(e.review));
        memcpy(e.user, a->person.user, sizeof(e.user));
        memcpy(e.claimed, a->claimed, sizeof(e.claimed));
        memcpy(e.reason, a->why, sizeof(e.reason));
        (void) store_add_emergency(a->state, &e); /* its record says the same */
}

/* DICOM PS3.16, context group 403 (Security Alert Type Codes). */
#define DICOM_STARTED "DICOM 110127 Emergency Override Started"

static int fill_detail(const struct attempt *a, struct record *r) {
        static const char *const hows[EMERGENCY_MAX] = {
                [EMERGENCY_ASKED] = "own badge", [EMERGENCY_KIT] = "kit", [EMERGENCY_WITNESS] = "witness"};
        char text[256];
        (void) snprintf(text, sizeof(text), "%s; reason: %s; by: %s%s%s", DICOM_STARTED, a->why,
                        hows[a->decision.emergency], a->drill ? "; drill" : "",
                        a->history.unknown ? "; earlier emergencies are not known" : "");
        return record_set(r, RECORD_FIELD_DETAIL, text);
}

int attempt_fill_emergency(const struct attempt *a, struct record *r) {
        int e;
        if (a->decision.emergency == EMERGENCY_NONE || a->verdict != WIRE_ALLOW)
                return 0;
        if ((e = record_set(r, RECORD_FIELD_LOWERED, "emergency")) < 0 ||
            (e = record_set_u64(r, RECORD_FIELD_UNTIL_USEC, a->until_usec)) < 0)
                return e;
        if (a->claimed[0] && (e = record_set(r, RECORD_FIELD_CLAIMED, a->claimed)) < 0)
                return e;
        if (a->decision.resumes_emergency)
                return 0;
        if ((e = record_set(r, RECORD_FIELD_REVIEW, a->review)) < 0 ||
            (a->have_witness && (e = record_set(r, RECORD_FIELD_WITNESS, a->witness.user)) < 0))
                return e;
        return fill_detail(a, r);
}
