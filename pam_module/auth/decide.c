/* SPDX-License-Identifier: Apache-2.0 */
/* Who the person is to this system, what happened before, and what the rules say to it. */
#include "pam_module/auth/attempt.h"

#include "common/paths.h"
#include "common/socket.h"
#include "pam_module/auth/clock.h"
#include "pam_module/auth/relay.h"

#include <errno.h>

/* Whether the person has a session here that an attempt opened: wardtapd knows. Other messages that arrive
 * meanwhile (a reader came or went) are of no use any more. */
static int ask_session(struct attempt *a, bool *ret) {
        const struct broker_message q = {.type = BROKER_ASK_SESSION, .ask_session.uid = a->account.uid};
        uint64_t deadline = now_monotonic_usec() + ATTEMPT_BROKER_USEC;
        int r = broker_send(a->broker, &q);
        while (r >= 0 || r == -EAGAIN) {
                _cleanup_(broker_message_clear) struct broker_message m = {.type = BROKER_TYPE_INVALID};
                r = relay_wait(a->module, a->broker, deadline);
                if (r >= 0)
                        r = broker_receive(a->broker, &m);
                if (r >= 0 && m.type == BROKER_SESSION) {
                        *ret = m.session.open;
                        return 0;
                }
        }
        return r;
}

static int find_account(struct attempt *a) {
        store_account_clear(&a->account);
        a->account = (struct store_account){0};
        a->have_account = false;
        int r = account_find(&a->account_child, a->state, a->person.user, a->module, &a->account,
                             &a->account_cached);
        if (r == -ENOENT)
                return 0; /* the decision says what that means */
        a->have_account = r >= 0;
        return r;
}

/* Before the store is asked: whoever is not root learns nothing about anybody else, not even who is
 * enrolled.
 */
int attempt_check_own(struct attempt *a) {
        _cleanup_(store_account_clear) struct store_account account = {0};
        bool cached;
        if (a->peer.uid == 0)
                return 0;
        int r = account_find(&a->account_child, a->state, a->start.user, a->module, &account, &cached);
        if (r < 0)
                return r == -ENOENT ? -EPERM : r;
        return account.uid == a->peer.uid ? 0 : -EPERM;
}

enum attempt_state attempt_account(struct attempt *a) {
        bool own_session = false;
        int r = find_account(a);
        if (r < 0)
                return r == -ECANCELED ? attempt_end(a, REASON_CANCELLED) : attempt_end(a, REASON_STORE);
        if (a->have_account && (r = ask_session(a, &own_session)) < 0)
                return attempt_end(a, r == -ECANCELED ? REASON_CANCELLED : REASON_TAPS_GONE);
        size_t n_keys = 0;
        if (store_history(a->state, a->person.id, &a->history) < 0 ||
            store_person_keys(a->people, a->person.id, a->keys, &n_keys) < 0)
                return attempt_end(a, REASON_STORE);
        a->n_keys = n_keys;
        a->policy_person = (struct policy_person){
                .id = a->person.id,
                .state = a->person.state,
                .not_before_usec = a->person.not_before_usec,
                .not_after_usec = a->person.not_after_usec,
                .has_account = a->have_account,
                .uid = a->have_account ? a->account.uid : (uid_t) -1,
                .groups = {a->account.groups, a->account.n_groups},
                .groups_cached = a->account_cached,
                .has_keys = a->n_keys > 0,
                .own_session = own_session,
        };
        return ATTEMPT_DECIDE;
}

static uint64_t last_written(const struct policy_history *h) {
        uint64_t strong = h->any_strong ? h->strong_usec : 0;
        return strong > h->last_failure_usec ? strong : h->last_failure_usec;
}

static int ask_policy(struct attempt *a) {
        const struct rules *rules = a->snapshot->rules;
        int r = clock_now(a->boot_id, a->have_person ? last_written(&a->history) : 0, &a->clock);
        if (r < 0)
                return r;
        tags_collect(rules ? &rules->tags : NULL, PATH_TAGS_DIR, &a->tags);
        const struct policy_question q = {
                .rules = rules,
                .service = a->start.service,
                .tags = &a->tags.words,
                .remote = a->start.rhost[0] != 0,
                .caller_uid = a->peer.uid,
                .in_session = a->in_session,
                .user_given = a->start.user[0] != 0,
                .person = a->have_person ? &a->policy_person : NULL,
                .history = a->have_person ? &a->history : NULL,
                .evidence = a->evidence,
                .clock = a->clock,
        };
        policy_decide(&q, &a->decision);
        return 0;
}

/* The application learns the name once it is clear that this person may go on. */
static int send_user(struct attempt *a) {
        if (a->start.user[0] || a->user_sent || !a->have_person)
                return 0;
        a->user_sent = true;
        return relay_user(a->module, a->version, a->person.user) < 0 ? -ECANCELED : 0;
}

/* The same factor is never asked for twice. */
static enum attempt_state go_on(struct attempt *a) {
        switch (a->decision.verdict) {
        case POLICY_NEED_BADGE:
                return a->have_tap ? attempt_end(a, REASON_INTERNAL) : ATTEMPT_WAIT_TAP;
        case POLICY_NEED_KEY:
        case POLICY_NEED_VERIFY:
                if (!a->have_person)
                        return a->have_tap ? attempt_end(a, REASON_INTERNAL) : ATTEMPT_WAIT_TAP;
                return a->key ? attempt_end(a, REASON_KEY_NO_VERIFICATION) : ATTEMPT_KEY;
        case POLICY_ALLOW:
                return ATTEMPT_COMMIT;
        default:
                return attempt_end(a, REASON_INTERNAL);
        }
}

enum attempt_state attempt_decide(struct attempt *a) {
        if (ask_policy(a) < 0)
                return attempt_end(a, REASON_INTERNAL);
        const struct policy_decision *d = &a->decision;
        if (d->verdict == POLICY_DENY || d->verdict == POLICY_UNAVAIL || d->verdict == POLICY_MAXTRIES) {
                (void) attempt_end(a, d->reason);
                a->verdict = d->verdict == POLICY_UNAVAIL    ? WIRE_UNAVAIL
                             : d->verdict == POLICY_MAXTRIES ? WIRE_MAXTRIES
                                                             : WIRE_DENY;
                return ATTEMPT_RECORD;
        }
        if (send_user(a) < 0)
                return attempt_end(a, REASON_CANCELLED);
        return go_on(a);
}
