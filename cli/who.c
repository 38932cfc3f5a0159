/* SPDX-License-Identifier: Apache-2.0 */
/* One enrolled person at a time, so that a list of a whole hospital needs no more memory than one. */
#include "cli/who.h"

#include <errno.h>

#include "cli/when.h"
#include "common/bytes.h"
#include "common/socket.h"

void who_clear(struct who *w) {
        word_list_clear(&w->groups);
        *w = (struct who){0};
}

static int see_badge(const struct store_badge *b, void *data) {
        struct who *w = data;
        bool over = b->not_after_usec != 0 && b->not_after_usec <= now_realtime_usec();
        w->has_badge = w->has_badge || (b->ended_usec == 0 && b->suspended_usec == 0 && !over);
        return 0;
}

static int see_keys(struct admin *a, const char *relying_party, struct who *w) {
        _cleanup_(freep) struct store_key *keys = calloc(STORE_KEYS_MAX, sizeof(*keys));
        size_t n = 0;
        int r = keys ? store_person_keys(a->store, w->person.id, keys, &n) : -ENOMEM;
        for (size_t i = 0; r >= 0 && i < n; i++) {
                if (relying_party && strcmp(keys[i].rp_id, relying_party) != 0)
                        continue;
                w->keys_suspended = w->keys_suspended || keys[i].suspended_usec != 0;
                if (keys[i].suspended_usec != 0 || w->has_key)
                        continue;
                w->has_key = true;
                w->key_attested = keys[i].attested;
                hex_encode(keys[i].aaguid, sizeof(keys[i].aaguid), w->key_model);
        }
        return r < 0 ? r : 0;
}

static int see_lease(struct admin *a, struct who *w) {
        struct store_lease l;
        int r = w->person.kind == PERSON_AGENCY ? store_find_lease(a->store, w->person.id, &l) : -ENOENT;
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        w->leased = l.ended_usec == 0;
        w->leased_from_usec = l.added_usec;
        w->leased_until_usec = l.until_usec;
        return 0;
}

int who_load(struct admin *a, const struct store_person *p, const char *relying_party, struct who *ret) {
        struct passwd *pw = getpwnam(p->user);
        *ret = (struct who){.person = *p};
        int r = pw ? groups_of(pw, &ret->groups) : 0;
        if (r >= 0)
                r = store_each_badge(a->store, p->id, see_badge, ret);
        if (r >= 0)
                r = see_keys(a, relying_party, ret);
        if (r >= 0)
                r = see_lease(a, ret);
        if (r < 0) {
                who_clear(ret);
                return r;
        }
        ret->asked = (struct policy_person){.id = p->id,
                                            .user = ret->person.user,
                                            .state = p->state,
                                            .not_before_usec = p->not_before_usec,
                                            .not_after_usec = p->not_after_usec,
                                            .has_account = pw != NULL,
                                            .uid = pw ? pw->pw_uid : (uid_t) -1,
                                            .groups = ret->groups,
                                            .has_keys = ret->has_key,
                                            .keys_suspended = ret->keys_suspended,
                                            .agency = p->kind == PERSON_AGENCY,
                                            .leased = ret->leased,
                                            .leased_from_usec = ret->leased_from_usec,
                                            .leased_until_usec = ret->leased_until_usec,
                                            .emergency_account = p->kind == PERSON_EMERGENCY};
        return 0;
}

int who_clock(const char *at, struct policy_clock *ret) {
        uint64_t now = now_realtime_usec();
        struct policy_clock c = {.realtime_usec = now, .boot_id = "supposed", .trusted = true};
        if (at && when_parse(at, false, now, &c.realtime_usec) < 0)
                return fail(CLI_USAGE,
                            _("--at does not understand '%s'. Write a time as 07:30 or "
                              "'2026-11-20 07:30'."),
                            at);
        c.boottime_usec = c.realtime_usec;
        if (policy_clock_set_local(&c) < 0)
                return fail(CLI_FAILED, _("The local time cannot be told."));
        *ret = c;
        return CLI_OK;
}

void who_decide(const struct who *w, const struct rules *rules, const struct words *tags,
                const char *service, const struct policy_evidence *e, const struct policy_clock *c,
                struct policy_decision *ret) {
        static const struct policy_history none;
        char *names[RULES_CHECKS_MAX + 1] = {NULL};
        struct words passing = {.words = names};
        for (; passing.n < rules->n_checks && passing.n < RULES_CHECKS_MAX; passing.n++)
                names[passing.n] = rules->checks[passing.n].name;
        const struct policy_question q = {.rules = rules,
                                          .service = service,
                                          .tags = tags,
                                          .user_given = true,
                                          .person = &w->asked,
                                          .history = &none,
                                          .passing = &passing,
                                          .evidence = *e,
                                          .clock = *c};
        policy_decide(&q, ret);
}
