/* SPDX-License-Identifier: Apache-2.0 */
/* One case of `wardtap policy test`: a question to the rules and the answer that the site expects.
 *
 *   case   = *(word "=" value) "=>" verdict [reason] *(word "=" value)
 *   value  = characters without space, or anything in double quotes
 *
 * Before the arrow: user, groups (by commas), service (must be there), at ("2026-11-20 09:00", local;
 * default a weekday at noon), station, tags (by commas; both default to the rules' own), evidence (badge,
 * badge-secret, key, verify, attested, by commas), model (AAGUID), session (yes: hers waits here), strong
 * (so long ago was the last full sign-in, by the same badge, as 2h), failing (checks, by commas), state
 * (active, suspended, ended), clock (trusted, untrusted). After it: role, exception, needed (factors), grace
 * (yes, no), aal (0 to 3). What is not written after the arrow is not looked at. */
#pragma once

#include "cli/groups.h"
#include "policy/decide.h"

#define CASE_LINE_MAX 1024U
#define CASE_WHY_SIZE 256U

struct policy_case {
        char user[65], service[65], station[65], role[65], exception[65];
        struct words groups, tags, failing; /* owned */
        bool has_tags, has_station;
        uint64_t at_usec; /* 0: the default */
        struct policy_evidence evidence;
        bool session, any_strong, untrusted;
        uint64_t strong_age_usec;
        enum person_state state;
        /* expected */
        enum policy_verdict verdict;
        enum reason reason; /* REASON_INVALID: any */
        bool has_role, has_exception, has_grace, grace;
        unsigned needed; /* factors; 0: any */
        int aal;         /* -1: any */
};

void policy_case_clear(struct policy_case *c);
/* Reads one line (without its end). 0 and *ret; 1: there is no case in it (empty, or a comment with #);
 * -EINVAL and one sentence in why; -ENOMEM. */
int policy_case_parse(const char *line, size_t n, struct policy_case *ret, char why[static CASE_WHY_SIZE]);
/* Asks the rules. The decision borrows from them. -ERANGE, -ENOMEM. */
int policy_case_decide(const struct policy_case *c, const struct rules *rules, struct policy_decision *ret);
/* True when the answer is the expected one; else why says what differs. */
bool policy_case_agrees(const struct policy_case *c, const struct policy_decision *d,
                        char why[static CASE_WHY_SIZE]);
