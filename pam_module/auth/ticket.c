/* SPDX-License-Identifier: Apache-2.0 */
/* The code of a ticket at a greeter: asked for, shown to wardtap-registrar, used. */
#include "pam_module/auth/attempt.h"

#include "common/registrar.h"
#include "common/socket.h"
#include "pam_module/auth/relay.h"
#include "pam_module/auth/screen.h"
#include "policy/ticket.h"

#include <errno.h>

/* Only where somebody stands before a greeter or login prompt of this station, and none is named yet. What
 * runs in a login would collect codes. */
bool attempt_may_ask_code(const struct attempt *a) {
        const struct rules *rules = a->snapshot->rules;
        const struct rule_service *s = attempt_service(a);
        return rules && rules->tickets && s && s->use == USE_SIGN_IN && a->start.hook == WIRE_AUTHENTICATE &&
               !attempt_is_switch(a) && a->peer.uid == 0 && !a->in_session && !a->start.user[0] &&
               !a->start.rhost[0] && a->have_tap && !a->ticket.asked;
}

/* Who has no key needs another one; what was reported lost she may have found. */
bool attempt_is_for_code(const struct attempt *a) {
        if (a->decision.verdict != POLICY_DENY || !attempt_may_ask_code(a))
                return false;
        switch (a->decision.reason) {
        case REASON_NO_KEY_ENROLLED:
                return true;
        case REASON_KEY_SUSPENDED:
                return a->keys_reported;
        case REASON_BADGE_SUSPENDED:
                return a->evidence.badge_reported;
        default:
                return false;
        }
}

enum attempt_state attempt_end_or_code(struct attempt *a, enum reason reason) {
        if (!attempt_may_ask_code(a))
                return attempt_end(a, reason);
        a->ticket.instead = reason;
        return ATTEMPT_CODE;
}

/* Whoever has found a badge is not told whose it is. */
static void words(const struct attempt *a, char *buf, size_t size) {
        bool named = a->have_person && a->ticket.instead != REASON_BADGE_SUSPENDED;
        screen_code(a->ticket.instead, named ? a->person.full_name : "", buf, size);
        if (a->offered)
                screen_offer_later(buf, size);
}

enum attempt_state attempt_hear_answer(struct attempt *a, struct attempt_answer *ret) {
        uint64_t deadline = now_monotonic_usec() + ATTEMPT_PIN_USEC;
        for (;;) {
                _cleanup_(wire_message_erase) struct wire_message m = {.type = WIRE_TYPE_INVALID};
                int r = relay_poll(a->module, a->listens, deadline);
                if (r == -ETIMEDOUT) {
                        a->answer_owed = true; /* the prompt stands */
                        return attempt_end(a, REASON_NO_ANSWER);
                }
                if (r == RELAY_OTHER) {
                        if (!attempt_is_disturbed(a))
                                continue;
                        a->offered = false; /* the screen is somebody else's now */
                        return attempt_end(a, REASON_NO_ANSWER);
                }
                r = r < 0 ? r : wire_receive(a->module, &m);
                if (r == -EAGAIN)
                        continue;
                if (r < 0 || (m.type != WIRE_ANSWER && m.type != WIRE_NO_ANSWER))
                        return attempt_end(a, REASON_CANCELLED);
                if (m.type == WIRE_NO_ANSWER)
                        return attempt_end(a, REASON_NO_ANSWER);
                memcpy(ret->text, m.answer, sizeof(ret->text));
                return ATTEMPT_CODE;
        }
}

/* Whoever has no code presses Enter, and is refused as if it had not been asked for. */
static enum attempt_state ask(struct attempt *a, struct ticket_code *ret) {
        _cleanup_(attempt_answer_erase) struct attempt_answer answer = {0};
        char text[WIRE_TEXT_MAX + 1];
        a->ticket.asked = a->prompted = true;
        words(a, text, sizeof(text));
        if (attempt_show(a, WIRE_INFO, text) < 0 || relay_prompt(a->module, a->version, "Code: ") < 0)
                return attempt_end(a, REASON_CANCELLED);
        attempt_listen(a);
        enum attempt_state next = attempt_hear_answer(a, &answer);
        closep(&a->listens);
        if (next != ATTEMPT_CODE)
                return a->reason == REASON_NO_ANSWER ? attempt_end(a, a->ticket.instead) : next;
        return ticket_code_parse(answer.text, ret) < 0 ? attempt_end(a, REASON_TICKET_MISTYPED)
                                                       : ATTEMPT_CODE;
}

/* That it could not is all that an attempt knows. */
static enum reason reason_of(enum registrar_status status) {
        return status == REGISTRAR_FAILED ? REASON_TICKET_GONE : ticket_reason(status);
}

/* Sends one message and waits for the answer to it. */
static int talk(struct attempt *a, const struct registrar_message *m, enum registrar_type wanted,
                struct registrar_message *ret) {
        uint64_t deadline = now_monotonic_usec() + ATTEMPT_REGISTRAR_USEC;
        int r = registrar_send(a->registrar, m);
        if (r < 0)
                return r;
        do {
                r = relay_wait(a->module, a->registrar, deadline);
                if (r >= 0)
                        r = registrar_receive(a->registrar, ret);
        } while (r == -EAGAIN);
        return r < 0 ? r : ret->type == wanted ? 0 : -EBADMSG;
}

static enum attempt_state gone(struct attempt *a, int error) {
        return attempt_end(a, error == -ECANCELED ? REASON_CANCELLED : REASON_TICKET_GONE);
}

enum attempt_state attempt_finish_ticket(struct attempt *a, const struct registrar_message *m) {
        _cleanup_(registrar_message_erase) struct registrar_message answer = {0};
        int r = talk(a, m, REGISTRAR_DONE, &answer);
        closep(&a->registrar);
        if (r < 0)
                return gone(a, r);
        return answer.done == REGISTRAR_OK ? ATTEMPT_DECIDE : attempt_end(a, reason_of(answer.done));
}

/* The person whom the ticket names, if the badge has named nobody. */
static enum attempt_state take_ticket(struct attempt *a, const struct registrar_ticket *t) {
        if (t->status != REGISTRAR_OK)
                return attempt_end(a, reason_of(t->status));
        a->ticket.shown = *t;
        a->ticket.good = true;
        a->evidence.ticket = true;
        a->evidence.ticket_used = t->used;
        a->evidence.ticket_until_usec = t->until_usec;
        if (a->have_person)
                return strcmp(a->person.user, t->user) == 0 ? ATTEMPT_DECIDE
                                                            : attempt_end(a, REASON_TICKET_OF_ANOTHER);
        int r = store_find_person(a->people, t->user, &a->person);
        if (r < 0)
                return attempt_end(a, r == -ENOENT ? REASON_PERSON_ENDED : REASON_STORE);
        a->have_person = true;
        return ATTEMPT_ACCOUNT;
}

static enum attempt_state ask_and_check(struct attempt *a) {
        _cleanup_(registrar_message_erase) struct registrar_message m = {.type = REGISTRAR_CHECK},
                                                                    answer = {0};
        enum attempt_state next = ask(a, &m.check.code);
        if (next != ATTEMPT_CODE)
                return next;
        memcpy(m.check.attempt, a->id, sizeof(m.check.attempt));
        if (a->have_person)
                memcpy(m.check.user, a->person.user, sizeof(m.check.user));
        int r = registrar_connect(&a->registrar);
        if (r >= 0)
                r = talk(a, &m, REGISTRAR_TICKET, &answer);
        return r < 0 ? gone(a, r) : take_ticket(a, &answer.ticket);
}

/* In an emergency she cannot wait for another code: a second tap may still begin one. */
enum attempt_state attempt_code(struct attempt *a) {
        return attempt_or_offer(a, ask_and_check(a));
}

void attempt_fill_badge(const struct attempt *a, struct registrar_badge *b) {
        if (a->have_badge && !a->evidence.badge_suspended)
                return;
        memcpy(b->token, a->tap.token, sizeof(b->token));
        memcpy(b->kind, a->tap.kind, sizeof(b->kind));
        b->n_indexes = a->tap.n_indexes;
        memcpy(b->indexes, a->tap.indexes, sizeof(b->indexes));
}

/* To enrol is what a new badge, or a person without a key, is here for; who has left hers at home, or
 * forgotten the PIN, is not. */
static bool is_to_enrol(const struct attempt *a) {
        const struct registrar_ticket *t = &a->ticket.shown;
        if (!t->may_enrol || a->ticket.no_key)
                return false;
        return !t->may_sign_in || !a->have_badge || a->n_keys == 0;
}

enum attempt_state attempt_ticket_allows(struct attempt *a) {
        struct registrar_message m = {.type = REGISTRAR_USE};
        if (!a->ticket.good || a->registrar < 0)
                return attempt_end(a, REASON_INTERNAL);
        if (is_to_enrol(a))
                return ATTEMPT_ENROL;
        if (!a->ticket.shown.may_sign_in)
                return attempt_end(a, REASON_TICKET_NOT_HERE);
        if (a->have_badge)
                attempt_fill_badge(a, &m.use);
        enum attempt_state next = attempt_finish_ticket(a, &m);
        a->ticket.lowered = next == ATTEMPT_DECIDE;
        return a->ticket.lowered ? ATTEMPT_COMMIT : attempt_or_offer(a, next);
}

/* --- Somebody else at the reader, while a prompt keeps the greeter */

void attempt_listen(struct attempt *a) {
        struct broker_hello hello = {.purpose = BROKER_SIGN_IN};
        const struct broker_message want = {.type = BROKER_WANT_TAP};
        memcpy(hello.attempt, a->id, sizeof(hello.attempt));
        memcpy(hello.service, a->start.service, sizeof(hello.service));
        memcpy(hello.seat, a->start.seat, sizeof(hello.seat));
        memcpy(hello.tty, a->start.tty, sizeof(hello.tty));
        if (a->listens >= 0 || broker_connect(&hello, &a->listens) < 0)
                return; /* then the next person waits until this prompt is over */
        if (broker_send(a->listens, &want) < 0)
                closep(&a->listens);
}

/* The same badge once more is nobody else: what it asked for is used up by asking again. */
static int wait_on(struct attempt *a) {
        const struct broker_message want = {.type = BROKER_WANT_TAP};
        return broker_send(a->listens, &want);
}

enum attempt_heard attempt_hear_tap(struct attempt *a) {
        _cleanup_(broker_message_clear) struct broker_message m = {.type = BROKER_TYPE_INVALID};
        int r = broker_receive(a->listens, &m);
        if (r == -EAGAIN)
                return ATTEMPT_HEARD_NOTHING;
        if (r < 0) {
                closep(&a->listens); /* wardtapd was restarted */
                return ATTEMPT_HEARD_NOTHING;
        }
        if (m.type != BROKER_TAP)
                return m.type == BROKER_GONE ? ATTEMPT_HEARD_OTHER : ATTEMPT_HEARD_NOTHING;
        bool same = m.tap.token[0] && strcmp(m.tap.token, a->tap.token) == 0;
        if (same && wait_on(a) < 0)
                closep(&a->listens);
        if (!same)
                closep(&a->listens); /* which gives that tap back, to whoever waits next */
        return same ? ATTEMPT_HEARD_SAME : ATTEMPT_HEARD_OTHER;
}

bool attempt_is_disturbed(struct attempt *a) {
        return attempt_hear_tap(a) == ATTEMPT_HEARD_OTHER;
}
