/* SPDX-License-Identifier: Apache-2.0 */
/* Who the person is to this system, what happened before, and what the rules say to it. */
#include "pam_module/auth/attempt.h"

#include "common/paths.h"
#include "common/socket.h"
#include "pam_module/auth/clock.h"
#include "pam_module/auth/relay.h"

#include <errno.h>

/* The checks that pass. What does not fit was not said, and so does not pass. */
static void take_passing(struct attempt *a, const char *names) {
        char *rest = a->passing_text, *name;
        memcpy(a->passing_text, names, sizeof(a->passing_text));
        a->passing = (struct words){.words = a->passing_list};
        while (a->passing.n < RULES_CHECKS_MAX && (name = strsep(&rest, " ")))
                if (*name)
                        a->passing_list[a->passing.n++] = name;
        a->passing_list[a->passing.n] = NULL;
}

/* Whether the person has a session here that an attempt opened: wardtapd knows. */
static int ask_session(struct attempt *a, enum broker_presence *ret) {
        const struct broker_message q = {.type = BROKER_ASK_SESSION, .ask_session.uid = a->account.uid};
        _cleanup_(broker_message_clear) struct broker_message m = {.type = BROKER_TYPE_INVALID};
        int r = broker_send(a->broker, &q);
        if (r >= 0)
                r = attempt_hear(a, BROKER_SESSION, now_monotonic_usec() + ATTEMPT_BROKER_USEC, &m);
        if (r >= 0)
                *ret = m.session.presence;
        if (r < 0)
                return r;
        a->closed_usec = m.session.closed_usec;
        a->ends_usec = m.session.emergency_usec;
        a->drill = m.session.drill;
        a->other_seat = m.session.other_seat;
        take_passing(a, m.session.passing);
        return 0;
}

static int find_account(struct attempt *a) {
        store_account_clear(&a->account);
        a->account = (struct store_account){0};
        a->have_account = false;
        int r = account_find(&a->account_child, a->state, a->person.user, a->module, &a->account,
                             &a->account_cached);
        if (r == -ENOENT)
                return 0; /* the decision says what that means */
        a->account_unsure = r == -ESRCH;
        a->have_account = r >= 0;
        return a->account_unsure ? 0 : r;
}

/* Before the store is asked: whoever is not root learns nothing about anybody else, not even who is
 * enrolled.
 */
int attempt_check_own(struct attempt *a) {
        _cleanup_(store_account_clear) struct store_account account = {0};
        bool cached;
        if (a->peer.uid == 0 || attempt_is_recheck(a))
                return 0;
        int r = account_find(&a->account_child, a->state, a->start.user, a->module, &account, &cached);
        if (r < 0)
                return r == -ENOENT || r == -ESRCH ? -EPERM : r;
        return account.uid == a->peer.uid ? 0 : -EPERM;
}

/* What is suspended is not offered to the device: nobody is asked to touch what would not count. */
int attempt_find_keys(struct attempt *a, int64_t person, bool *ret_suspended) {
        size_t n = 0, kept = 0;
        int r = store_person_keys(a->people, person, a->keys, &n);
        if (r < 0)
                return r;
        a->keys_reported = false;
        for (size_t i = 0; i < n; i++)
                if (a->keys[i].suspended_usec == 0) {
                        if (kept != i)
                                a->keys[kept] = a->keys[i];
                        kept++;
                } else if (store_is_reported(a->keys[i].suspend_reason)) {
                        a->keys_reported = true;
                }
        a->n_keys = kept;
        *ret_suspended = kept < n;
        return 0;
}

/* Whoever has an agency account is the person from here on: her name is what screens show. */
static int find_lease(struct attempt *a) {
        struct store_lease l;
        a->lease = (struct store_lease){0};
        if (a->person.kind != PERSON_AGENCY)
                return 0;
        int r = store_find_lease(a->people, a->person.id, &l);
        if (r < 0 || l.ended_usec != 0)
                return r == -ENOENT ? 0 : r;
        a->lease = l;
        memcpy(a->person.full_name, l.holder, sizeof(a->person.full_name));
        return 0;
}

int attempt_load_elevations(struct attempt *a) {
        size_t n = 0;
        int r = store_person_elevations(a->people, a->person.id, now_realtime_usec(), a->elevations, &n);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++)
                a->asked_elevations[i] = (struct policy_elevation){
                        a->elevations[i].role, a->elevations[i].approver, a->elevations[i].approval};
        a->policy_person.elevations = a->asked_elevations;
        a->policy_person.n_elevations = n;
        return 0;
}

static bool has_break_glass(const struct attempt *a) {
        return a->snapshot->rules && a->snapshot->rules->break_glass.present;
}

static int read_history(struct attempt *a) {
        int r = a->state ? store_history(a->state, a->person.id, &a->history) : -EBUSY;
        if (r >= 0 && has_break_glass(a))
                r = store_count_emergencies(a->state, a->person.id, now_realtime_usec(),
                                            &a->history.emergencies);
        return r;
}

/* An emergency goes on without what happened before; nothing else does (attempt_decide()). */
static int take_history(struct attempt *a) {
        int r = read_history(a);
        if (r >= 0 || !has_break_glass(a) || attempt_is_recheck(a))
                return r;
        a->history = (struct policy_history){.unknown = true};
        a->state_failed = true;
        a->state = store_close(a->state); /* each call would wait for it again */
        return 0;
}

/* What the store says of the person: the past, the keys, and roles for a while. */
static int load_person(struct attempt *a) {
        bool keys_suspended = false;
        int r;
        if ((r = take_history(a)) < 0 || (r = attempt_find_keys(a, a->person.id, &keys_suspended)) < 0 ||
            (r = find_lease(a)) < 0)
                return r;
        a->policy_person = (struct policy_person){
                .id = a->person.id,
                .user = a->person.user,
                .state = a->person.state,
                .not_before_usec = a->person.not_before_usec,
                .not_after_usec = a->person.not_after_usec,
                .has_account = a->have_account,
                .uid = a->have_account ? a->account.uid : (uid_t) -1,
                .groups = {a->account.groups, a->account.n_groups},
                .groups_cached = a->account_cached,
                .has_keys = a->n_keys > 0,
                .keys_suspended = keys_suspended,
                .agency = a->person.kind == PERSON_AGENCY,
                .leased = a->lease.id != 0,
                .leased_from_usec = a->lease.added_usec,
                .leased_until_usec = a->lease.until_usec,
                .leased_from_boottime_usec = a->lease.added_boottime_usec,
                .emergency_account = a->person.kind == PERSON_EMERGENCY,
                .in_emergency = a->ends_usec > now_realtime_usec(),
        };
        memcpy(a->policy_person.leased_from_boot_id, a->lease.added_boot_id,
               sizeof(a->policy_person.leased_from_boot_id));
        return attempt_load_elevations(a);
}

enum attempt_state attempt_account(struct attempt *a) {
        enum broker_presence presence = BROKER_ABSENT;
        int r = find_account(a);
        if (r < 0)
                return r == -ECANCELED ? attempt_end(a, REASON_CANCELLED) : attempt_end(a, REASON_STORE);
        if ((r = attempt_ask_grant(a)) < 0)
                return attempt_end(a, r == -ESTALE      ? REASON_NOT_SHOWN
                                      : r == -ECANCELED ? REASON_CANCELLED
                                                        : REASON_TAPS_GONE);
        if (a->granted)
                return ATTEMPT_VERDICT;
        if (attempt_is_switch(a) && a->start.hook == WIRE_AUTHENTICATE)
                return attempt_end(a, REASON_NOT_SHOWN);
        if (a->have_account && (r = ask_session(a, &presence)) < 0)
                return attempt_end(a, r == -ECANCELED ? REASON_CANCELLED : REASON_TAPS_GONE);
        if (presence == BROKER_JUST_SHOWN && attempt_is_seat(a))
                return attempt_none(a);
        a->tapped_out = presence == BROKER_SHOWN && attempt_is_seat(a);
        if (load_person(a) < 0)
                return attempt_end(a, REASON_STORE);
        a->policy_person.own_session = presence != BROKER_ABSENT;
        a->policy_person.other_seat = a->other_seat;
        if (attempt_is_recheck(a) && a->policy_person.in_emergency)
                a->evidence.emergency = EMERGENCY_ASKED;
        return ATTEMPT_DECIDE;
}

static uint64_t last_written(const struct policy_history *h) {
        uint64_t strong = h->any_strong ? h->strong_usec : 0;
        return strong > h->last_failure_usec ? strong : h->last_failure_usec;
}

/* Whoever has her badge and is not let in by it as things are. */
static bool is_without(const struct attempt *a) {
        return a->have_badge && a->person.kind != PERSON_EMERGENCY &&
               a->evidence.emergency == EMERGENCY_NONE && !a->key &&
               (a->state_failed || a->decision.lowered || a->decision.verdict == POLICY_NEED_KEY ||
                a->decision.verdict == POLICY_NEED_VERIFY || a->decision.verdict == POLICY_MAXTRIES ||
                a->decision.verdict == POLICY_DENY);
}

/* The same question, had she asked for an emergency. */
static bool is_offered(const struct policy_question *question) {
        struct policy_question q = *question;
        struct policy_decision d;
        q.evidence.emergency = EMERGENCY_ASKED;
        policy_decide(&q, &d);
        return d.verdict == POLICY_NEED_REASON || d.verdict == POLICY_ALLOW;
}

static int ask_policy(struct attempt *a) {
        const struct rules *rules = a->snapshot->rules;
        int r = clock_now(a->boot_id, a->have_person ? last_written(&a->history) : 0, &a->clock);
        if (r < 0)
                return r;
        tags_collect(rules ? &rules->tags : NULL, PATH_TAGS_DIR, &a->tags);
        struct policy_question q = {
                .rules = rules,
                .service = a->start.service,
                .tags = &a->tags.words,
                .remote = a->start.rhost[0] != 0,
                .caller_uid = attempt_is_seat(a) || attempt_is_recheck(a)
                                      ? 0
                                      : a->peer.uid, /* wardtapd asks for whoever taps */
                .in_session = a->in_session && !attempt_is_seat(a) && !attempt_is_recheck(a),
                .user_given = a->start.user[0] != 0,
                .person = a->have_person ? &a->policy_person : NULL,
                .history = a->have_person ? &a->history : NULL,
                .passing = &a->passing,
                .witness = a->have_witness ? &a->policy_witness : NULL,
                .evidence = a->evidence,
                .clock = a->clock,
        };
        policy_decide(&q, &a->decision);
        a->offered = is_without(a) && is_offered(&q);
        return 0;
}

/* Nothing else lets in where it is not known what happened before. */
static void judge_state(struct attempt *a) {
        struct policy_decision *d = &a->decision;
        if (!a->state_failed || a->evidence.emergency != EMERGENCY_NONE ||
            a->person.kind == PERSON_EMERGENCY || d->verdict == POLICY_DENY || d->verdict == POLICY_UNAVAIL)
                return;
        d->verdict = POLICY_DENY;
        d->reason = REASON_STORE;
}

/* What wardtapd shows by itself is an open session: to begin one takes a prompt, which gets the tap. */
static bool is_to_begin(const struct attempt *a) {
        return attempt_is_switch(a) && !a->policy_person.own_session;
}

/* The same factor is never asked for twice, and none where nobody is asked. */
static enum attempt_state go_on(struct attempt *a) {
        if (a->tapped_out)
                return ATTEMPT_TAP_OUT;
        if (attempt_is_seat(a) && (a->decision.verdict != POLICY_ALLOW || is_to_begin(a)))
                return a->have_tap ? ATTEMPT_ELSEWHERE : attempt_end(a, REASON_INTERNAL);
        switch (a->decision.verdict) {
        case POLICY_NEED_BADGE:
                return a->have_tap ? attempt_end(a, REASON_INTERNAL) : ATTEMPT_WAIT_TAP;
        case POLICY_NEED_KEY:
        case POLICY_NEED_VERIFY:
                if (!a->have_person)
                        return a->have_tap ? attempt_end(a, REASON_INTERNAL) : ATTEMPT_WAIT_TAP;
                return a->key ? attempt_end(a, REASON_KEY_NO_VERIFICATION) : ATTEMPT_KEY;
        case POLICY_NEED_REASON:
                return a->evidence.emergency_reason ? attempt_end(a, REASON_INTERNAL) : ATTEMPT_EMERGENCY;
        case POLICY_ALLOW:
                if (a->decision.lowered)
                        return ATTEMPT_TICKET;
                /* that her work is lost must be read, and where it was lost nobody can read */
                return attempt_is_seat(a) && a->closed_usec != 0 ? ATTEMPT_ELSEWHERE : ATTEMPT_COMMIT;
        default:
                return attempt_end(a, REASON_INTERNAL);
        }
}

enum attempt_state attempt_decide(struct attempt *a) {
        if (ask_policy(a) < 0)
                return attempt_end(a, REASON_INTERNAL);
        if (attempt_is_recheck(a))
                return attempt_recheck(a);
        const struct policy_decision *d = &a->decision;
        judge_state(a);
        if (d->verdict == POLICY_ALLOW && d->emergency != EMERGENCY_NONE)
                a->until_usec =
                        d->resumes_emergency ? a->ends_usec : a->clock.realtime_usec + d->emergency_usec;
        if (a->tapped_out && (d->verdict == POLICY_MAXTRIES || d->verdict == POLICY_DENY))
                return ATTEMPT_TAP_OUT; /* whoever may not come in may still leave */
        if (attempt_is_for_code(a))
                return attempt_end_or_code(a, d->reason);
        if (d->verdict == POLICY_DENY || d->verdict == POLICY_UNAVAIL || d->verdict == POLICY_MAXTRIES) {
                (void) attempt_end(a, d->reason);
                a->verdict = d->verdict == POLICY_UNAVAIL    ? WIRE_UNAVAIL
                             : d->verdict == POLICY_MAXTRIES ? WIRE_MAXTRIES
                                                             : WIRE_DENY;
                if (a->offered)
                        return attempt_is_seat(a) ? ATTEMPT_ELSEWHERE : ATTEMPT_OFFER;
                return ATTEMPT_RECORD;
        }
        return go_on(a);
}
