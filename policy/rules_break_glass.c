/* SPDX-License-Identifier: Apache-2.0 */
/* Emergency access as the rules have it: defaults, and the questions that need nothing but them. */
#include "common/bytes.h"
#include "policy/rules_internal.h"

/* What most people who need it would say; a site that writes Reasons= replaces them. */
static const char *const default_reasons[BREAK_GLASS_REASONS] = {"arrest", "no key", "key broken", "other"};

void break_glass_defaults(struct rule_break_glass *b) {
        *b = (struct rule_break_glass){
                .minutes = 60,
                .reviewers = REVIEWER_CLINICAL,
                .recent_strong_usec = USEC_PER_DAY,
                .uses = 2,
                .drill_every_usec = 90 * USEC_PER_DAY,
                .rotate_every_usec = 365 * USEC_PER_DAY,
        };
}

void break_glass_clear(struct rule_break_glass *b) {
        words_clear(&b->groups);
        words_clear(&b->tags);
        words_clear(&b->reasons);
        words_clear(&b->accounts);
}

bool break_glass_reason_is_valid(const char *s) {
        return *s && text_is_clean(s, BREAK_GLASS_REASON_MAX) && !strpbrk(s, "\",;:");
}

const char *reviewers_name(unsigned reviewers) {
        switch (reviewers) {
        case REVIEWER_CLINICAL:
                return "clinical";
        case REVIEWER_SECURITY:
                return "security";
        default:
                return reviewers == 0 ? "" : "clinical security";
        }
}

bool break_glass_is_at(const struct rules *r, const struct words *tags) {
        const struct rule_break_glass *b = &r->break_glass;
        if (!b->present || b->tags.n == 0)
                return b->present;
        for (size_t i = 0; tags && i < tags->n; i++)
                if (words_contain(&b->tags, tags->words[i]))
                        return true;
        return false;
}

const char *break_glass_reason(const struct rules *r, unsigned i) {
        if (i >= BREAK_GLASS_REASONS)
                return NULL;
        return r->break_glass.reasons.n == BREAK_GLASS_REASONS ? r->break_glass.reasons.words[i]
                                                               : default_reasons[i];
}
