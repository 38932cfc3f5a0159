/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of a session to end. */
#include "helper/limits.h"

#define GB (UINT64_C(1) << 30)
#define PER_SESSION (2 * GB)
#define FORGIVEN (GB / 4)
#define MOST 6U

unsigned limits_max(unsigned max_sessions, uint64_t memory_bytes) {
        if (max_sessions > 0)
                return max_sessions;
        if (memory_bytes >= MOST * PER_SESSION)
                return MOST;
        uint64_t fit = (memory_bytes + FORGIVEN) / PER_SESSION;
        return fit == 0 ? 1 : (unsigned) fit;
}

static bool is_longer(const struct limits_session *a, const struct limits_session *b) {
        return a->parked_usec < b->parked_usec;
}

/* Keeps the `want` that are parked longest of those seen, in order; the others fall off the end. */
static size_t insert(const struct limits_session *s, size_t *list, size_t n, size_t want, size_t i) {
        size_t at = n;
        while (at > 0 && is_longer(&s[i], &s[list[at - 1]]))
                at--;
        if (at == want)
                return n;
        size_t last = n < want ? n : want - 1;
        for (size_t j = last; j > at; j--)
                list[j] = list[j - 1];
        list[at] = i;
        return last + 1;
}

size_t limits_over(const struct limits_session *s, size_t n, unsigned max, size_t *ret) {
        size_t want = n > max ? n - max : 0, found = 0;
        for (size_t i = 0; want > 0 && i < n; i++)
                if (s[i].parked_usec != 0)
                        found = insert(s, ret, found, want, i);
        return found;
}

size_t limits_largest(const struct limits_session *s, size_t n) {
        size_t best = LIMITS_NONE;
        for (size_t i = 0; i < n; i++) {
                if (s[i].parked_usec == 0)
                        continue;
                if (best == LIMITS_NONE || s[i].memory_bytes > s[best].memory_bytes ||
                    (s[i].memory_bytes == s[best].memory_bytes && is_longer(&s[i], &s[best])))
                        best = i;
        }
        return best;
}

bool limits_is_short(uint64_t available_bytes, uint64_t total_bytes) {
        return available_bytes < total_bytes / 5;
}
