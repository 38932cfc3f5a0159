/* SPDX-License-Identifier: Apache-2.0 */
/* Every section and key there is: man wardtap.conf in tables. */
#include "policy/rules_internal.h"

#include <errno.h>

static const char *const assurances[] = {"none", "aal2", "aal3", NULL};
static const char *const recoveries[] = {"root", "strict", NULL};
static const char *const fallbacks[] = {"record", "deny", NULL};
static const char *const other_seats[] = {"keep", "refuse", "end", NULL};
static const char *const engines[] = {"auto", "lightdm", "logind", NULL};
static const char *const locks[] = {"greeter", "session", NULL};
static const char *const grace_modes[] = {"fixed", "renewed", NULL};
static const char *const tap_outs[] = {"lock", "sign-out", "nothing", NULL};
static const char *const walk_aways[] = {"lock", "nothing", NULL};
static const char *const approvals[APPROVE_ACTION_MAX + 1] = {
        [APPROVE_ELEVATE] = "elevate",
        [APPROVE_TEMPORARY_BADGE] = "temporary-badge",
        [APPROVE_RECOVER] = "recover",
        [APPROVE_TICKET] = "ticket",
        [APPROVE_REVIEW_CLINICAL] = "review-clinical",
        [APPROVE_REVIEW_SECURITY] = "review-security",
};
static const char *const effects[] = {"record", "no-grace", "no-sign-in", NULL};
static const char *const break_glass_badges[] = {"any", "fresh", NULL};
static const char *const uses[] = {"sign-in", "step-up", NULL};

const char *tap_out_name(enum tap_out t) {
        return tap_outs[t];
}

const char *check_effect_name(enum check_effect e) {
        return effects[e];
}

const char *approve_action_name(enum approve_action a) {
        return approvals[a];
}

enum approve_action approve_action_from_name(const char *name) {
        for (int i = 0; i < APPROVE_ACTION_MAX; i++)
                if (strcmp(approvals[i], name) == 0)
                        return (enum approve_action) i;
        return APPROVE_ACTION_INVALID;
}

#define AT(type, member) .offset = offsetof(struct type, member)
#define DAYS(n) ((n) *USEC_PER_DAY)

static const struct rule_key site_keys[] = {
        {"RelyingParty", value_domain, AT(rules, relying_party)},
        {"Assurance", value_choice, AT(rules, assurance), .choices = assurances},
        {"AuditRequired", value_bool, AT(rules, audit_required)},
        {"ThrottleFree", value_count, AT(rules, throttle_free), .min = 0, .max = 20},
        {"ThrottleDelays", value_delays, .offset = 0, .min = USEC_PER_SEC, .max = USEC_PER_HOUR},
        {"ThrottleMax", value_time, AT(rules, throttle_max_usec), .min = USEC_PER_SEC, .max = USEC_PER_HOUR},
        {"Recheck", value_time, AT(rules, recheck_usec), .min = USEC_PER_MIN, .max = DAYS(1), .zero = true},
        {"Recovery", value_choice, AT(rules, recovery), .choices = recoveries},
        {"Tickets", value_bool, AT(rules, tickets)},
};

static const struct rule_key station_keys[] = {
        {"Name", value_name, AT(rules, station)},
        {"Tags", value_names, AT(rules, tags)},
        {"Fallback", value_choice, AT(rules, fallback), .choices = fallbacks},
        {"SessionKeys", value_bool, AT(rules, session_keys)},
        {"MaxSessions", value_count, AT(rules, max_sessions), .min = 0, .max = 64},
        {"SwitchEngine", value_choice, AT(rules, switch_engine), .choices = engines},
        {"Lock", value_choice, AT(rules, lock), .choices = locks},
        {"OtherSeats", value_choice, AT(rules, other_seats), .choices = other_seats},
};

static const struct rule_key role_keys[] = {
        {"Groups", value_groups, AT(rule_role, groups)},
        {"Stations", value_names, AT(rule_role, stations)},
        {"Hours", value_hours, AT(rule_role, hours)},
        {"SignIn", value_factors, AT(rule_role, sign_in)},
        {"Grace", value_time, AT(rule_role, grace_usec), .min = USEC_PER_MIN, .max = DAYS(7), .zero = true},
        {"GraceMode", value_choice, AT(rule_role, grace_mode), .choices = grace_modes},
        {"GraceCap", value_time, AT(rule_role, grace_cap_usec), .min = USEC_PER_MIN, .max = DAYS(7)},
        {"TapOut", value_choice, AT(rule_role, tap_out), .choices = tap_outs},
        {"WalkAway", value_choice, AT(rule_role, walk_away), .choices = walk_aways},
        {"SessionCap", value_time, AT(rule_role, session_cap_usec), .min = USEC_PER_MIN, .max = DAYS(30),
         .zero = true},
        {"KeyModels", value_models, AT(rule_role, key_models)},
        {"Approves", value_actions, AT(rule_role, approves), .choices = approvals},
        {"ElevateMax", value_time, AT(rule_role, elevate_max_usec), .min = USEC_PER_MIN,
         .max = RULES_ELEVATE_MAX},
        {"KeyAttested", value_bool, AT(rule_role, key_attested)},
        {"Tickets", value_bool, AT(rule_role, tickets)},
};

static const struct rule_key place_keys[] = {
        {"Tags", value_names, AT(rule_place, tags)},
        {"IdleLock", value_time, AT(rule_place, idle_lock_usec), .min = 30 * USEC_PER_SEC, .max = DAYS(1),
         .zero = true},
        {"IdleCountdown", value_time, AT(rule_place, idle_countdown_usec), .min = 5 * USEC_PER_SEC,
         .max = 10 * USEC_PER_MIN, .zero = true},
        {"ParkedSignOut", value_time, AT(rule_place, parked_sign_out_usec), .min = USEC_PER_MIN,
         .max = DAYS(7), .zero = true},
        {"SessionCap", value_time, AT(rule_place, session_cap_usec), .min = USEC_PER_MIN, .max = DAYS(30),
         .zero = true},
        {"Inhibitors", value_bool, AT(rule_place, inhibitors)},
};

static const struct rule_key service_keys[] = {
        {"Use", value_choice, AT(rule_service, use), .choices = uses},
        {"SignIn", value_factors, AT(rule_service, sign_in)},
};

static const struct rule_key exception_keys[] = {
        {"Owner", value_name, AT(rule_exception, owner)},
        {"Reason", value_text, AT(rule_exception, reason)},
        {"Until", value_until, AT(rule_exception, until_usec)},
        {"Groups", value_groups, AT(rule_exception, groups)},
        {"Users", value_names, AT(rule_exception, users)},
        {"Stations", value_names, AT(rule_exception, stations)},
        {"Services", value_names, AT(rule_exception, services)},
        {"SignIn", value_factors, AT(rule_exception, sign_in)},
};

static const struct rule_key check_keys[] = {
        {"Unit", value_unit, AT(rule_check, unit)},
        {"MaxAge", value_time, AT(rule_check, max_age_usec), .min = USEC_PER_MIN, .max = DAYS(30),
         .zero = true},
        {"Then", value_choice, AT(rule_check, then), .choices = effects},
        {"Tags", value_names, AT(rule_check, tags)},
};

/* The offsets count from the whole struct rules. */
#define BG(member) .offset = offsetof(struct rules, break_glass.member)

static const struct rule_key break_glass_keys[] = {
        {"Minutes", value_count, BG(minutes), .min = 5, .max = 720},
        {"Groups", value_groups, BG(groups)},
        {"Tags", value_names, BG(tags)},
        {"Reasons", value_reasons, BG(reasons)},
        {"Reviewers", value_reviewers, BG(reviewers)},
        {"Accounts", value_names, BG(accounts)},
        {"Badge", value_choice, BG(badge), .choices = break_glass_badges},
        {"RecentStrong", value_time, BG(recent_strong_usec), .min = USEC_PER_HOUR, .max = DAYS(30)},
        {"Uses", value_count, BG(uses), .min = 1, .max = 20},
        {"DrillEvery", value_time, BG(drill_every_usec), .min = DAYS(1), .max = DAYS(366), .zero = true},
        {"RotateEvery", value_time, BG(rotate_every_usec), .min = DAYS(1), .max = DAYS(366), .zero = true},
};

static const struct section_type types[SECTION_MAX] = {
        [SECTION_SITE] = {"Site", false, site_keys, ELEMENTSOF(site_keys)},
        [SECTION_STATION] = {"Station", false, station_keys, ELEMENTSOF(station_keys)},
        [SECTION_ROLE] = {"Role", true, role_keys, ELEMENTSOF(role_keys)},
        [SECTION_PLACE] = {"Place", true, place_keys, ELEMENTSOF(place_keys)},
        [SECTION_SERVICE] = {"Service", true, service_keys, ELEMENTSOF(service_keys)},
        [SECTION_EXCEPTION] = {"Exception", true, exception_keys, ELEMENTSOF(exception_keys)},
        [SECTION_CHECK] = {"Check", true, check_keys, ELEMENTSOF(check_keys)},
        [SECTION_BREAK_GLASS] = {"BreakGlass", false, break_glass_keys, ELEMENTSOF(break_glass_keys)},
};

const struct section_type *section_type(enum section_kind kind) {
        return &types[kind];
}

enum section_kind section_kind_from_name(const char *name) {
        for (unsigned i = 0; i < SECTION_MAX; i++)
                if (strcmp(types[i].name, name) == 0)
                        return (enum section_kind) i;
        return SECTION_MAX;
}

int section_find_key(const struct section_type *type, const char *name, size_t *ret_index) {
        for (size_t i = 0; i < type->n_keys; i++)
                if (strcmp(type->keys[i].name, name) == 0) {
                        *ret_index = i;
                        return 0;
                }
        return -ENOENT;
}

void *section_object(const struct section *s, struct rules *r) {
        switch (s->kind) {
        case SECTION_ROLE:
                return &r->roles[s->index];
        case SECTION_PLACE:
                return &r->places[s->index];
        case SECTION_SERVICE:
                return &r->services[s->index];
        case SECTION_EXCEPTION:
                return &r->exceptions[s->index];
        case SECTION_CHECK:
                return &r->checks[s->index];
        case SECTION_SITE:
        case SECTION_STATION:
        case SECTION_BREAK_GLASS:
        case SECTION_MAX:
                break;
        }
        return r;
}

bool section_has(const struct section *s, const char *key) {
        size_t i;
        return section_find_key(&types[s->kind], key, &i) == 0 && s->lines[i] != 0;
}

unsigned section_line(const struct section *s, const char *key) {
        size_t i;
        return section_find_key(&types[s->kind], key, &i) == 0 && s->lines[i] != 0 ? s->lines[i] : s->line;
}
