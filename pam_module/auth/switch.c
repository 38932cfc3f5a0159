/* SPDX-License-Identifier: Apache-2.0 */
/* A session that comes without the application that asked: the attempt at the greeter has wardtapd call for
 * it, and the display manager's own transaction is let in by what that attempt left. */
#include "pam_module/auth/attempt.h"

#include "common/socket.h"
#include "pam_module/auth/relay.h"
#include "pam_module/auth/screen.h"

#include <errno.h>

int attempt_hear(struct attempt *a, enum broker_type type, uint64_t deadline_usec,
                 struct broker_message *ret) {
        for (;;) {
                _cleanup_(broker_message_clear) struct broker_message m = {.type = BROKER_TYPE_INVALID};
                int r = relay_wait(a->module, a->broker, deadline_usec);
                if (r >= 0)
                        r = broker_receive(a->broker, &m);
                if (r < 0 && r != -EAGAIN)
                        return r;
                if (r < 0 || m.type != type)
                        continue;
                *ret = m;
                m.type = BROKER_TYPE_INVALID;
                return 0;
        }
}

static int say(struct attempt *a, enum broker_type type) {
        struct broker_message m = {.type = type, .person.uid = a->account.uid};
        memcpy(m.person.user, a->person.user, sizeof(m.person.user));
        memcpy(m.person.unit, a->unit, sizeof(m.person.unit));
        return broker_send(a->broker, &m);
}

static bool is_sign_in(const struct attempt *a) {
        const struct rule_service *s = attempt_service(a);
        return s && s->use == USE_SIGN_IN;
}

/* A login prompt would begin a second session. */
static bool is_console_of_open(const struct attempt *a) {
        const char *tty = a->start.tty;
        if (strncmp(tty, "/dev/", 5) == 0)
                tty += 5;
        return strncmp(tty, "tty", 3) == 0 && a->policy_person.own_session;
}

/* Where a PIN was typed, greeters go on by themselves; elsewhere the stock ones wait for a click, with a
 * person let in already and anybody to make it. */
static bool may_switch(const struct attempt *a) {
        if (attempt_is_seat(a))
                return a->verdict == WIRE_ALLOW && !a->tapped_out;
        return a->verdict == WIRE_ALLOW && !a->granted && a->version >= 3 && !a->start.user[0] &&
               a->have_tap && (!a->prompted || is_console_of_open(a)) && a->unit[0] && is_sign_in(a);
}

static int show_name(struct attempt *a, void (*words)(const char *name, char *buf, size_t size)) {
        char text[WIRE_TEXT_MAX + 1];
        const char *name = a->person.full_name[0] ? a->person.full_name : a->account.full_name;
        words(name, text, sizeof(text));
        return attempt_show(a, WIRE_INFO, text);
}

/* Nothing else comes to the screen while she reads it. Only who was let in learns it. */
static int tell_closed(struct attempt *a) {
        char text[WIRE_TEXT_MAX + 1];
        if (a->closed_usec == 0 || a->verdict != WIRE_ALLOW || a->granted || a->start.silent ||
            !is_sign_in(a) || attempt_is_seat(a))
                return 0;
        screen_closed(a->closed_usec, now_realtime_usec(), text, sizeof(text));
        if (attempt_show(a, WIRE_INFO, text) < 0)
                return -ECANCELED;
        int r = relay_poll(a->module, -1, now_monotonic_usec() + ATTEMPT_CLOSED_USEC);
        return r == -ETIMEDOUT ? 0 : -ECANCELED;
}

/* What cannot be begun leaves everything to the greeter, as if it had not been tried. What was begun and
 * came to nothing must not: a greeter that has a person let in and no session would give her to whoever
 * clicks. */
enum attempt_state attempt_switch(struct attempt *a) {
        _cleanup_(broker_message_clear) struct broker_message m = {.type = BROKER_TYPE_INVALID};
        if (tell_closed(a) < 0)
                return ATTEMPT_END;
        if (!may_switch(a))
                return ATTEMPT_VERDICT;
        int r = show_name(a, screen_opening);
        if (r >= 0)
                r = say(a, BROKER_SWITCH);
        if (r >= 0)
                r = attempt_hear(a, BROKER_SWITCHED, now_monotonic_usec() + ATTEMPT_SWITCH_USEC, &m);
        if (r == -ECANCELED)
                return ATTEMPT_END; /* the greeter has gone: its screen is another's now */
        if (r >= 0 && attempt_is_seat(a) &&
            (m.switched.status == -EOPNOTSUPP || m.switched.status == -ENOSYS))
                return ATTEMPT_ELSEWHERE;
        if (r >= 0 && m.switched.status == -EOPNOTSUPP)
                return ATTEMPT_VERDICT;
        if (r >= 0 && m.switched.status == -ENOSYS)
                return show_name(a, screen_click) < 0 ? ATTEMPT_END : ATTEMPT_VERDICT;
        a->switched = r >= 0 && m.switched.status == 0;
        if (!a->switched)
                (void) attempt_end(a, REASON_NOT_SHOWN);
        return ATTEMPT_VERDICT;
}

/* Only root's own programs: what runs in somebody's login is no display manager. */
static bool may_be_granted(const struct attempt *a) {
        return a->start.user[0] && a->peer.uid == 0 && a->unit[0] && a->have_account && is_sign_in(a);
}

int attempt_ask_grant(struct attempt *a) {
        _cleanup_(broker_message_clear) struct broker_message m = {.type = BROKER_TYPE_INVALID};
        if (!may_be_granted(a))
                return 0;
        int r = say(a, BROKER_ASK_GRANT);
        if (r >= 0)
                r = attempt_hear(a, BROKER_GRANT, now_monotonic_usec() + ATTEMPT_BROKER_USEC, &m);
        if (r < 0 || m.grant.status == -ENOENT)
                return r;
        if (m.grant.status < 0)
                return m.grant.status;
        if ((r = code_from_id(m.grant.attempt, a->code)) < 0)
                return r;
        memcpy(a->id, m.grant.attempt, sizeof(a->id));
        a->granted = true;
        a->reason = REASON_NONE;
        a->verdict = WIRE_ALLOW;
        return 0;
}
