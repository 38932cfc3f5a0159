/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two sets of rules, key by key, and whether people may do more by it or less. */
#pragma once

#include "policy/rules.h"

enum rules_direction { RULES_LESS = -1, RULES_OTHERWISE = 0, RULES_MORE = 1 };

/* One difference; everything is borrowed. */
struct rules_change {
        const char *section, *name;  /* "Role", "nurse"; the name is "" for [Site] and [Station] */
        const char *key;             /* NULL: the whole section is new or gone */
        const char *before, *after;  /* the values as they are written; "" = the default that means nothing.
                                        For a whole section: before is NULL when it is new, after when gone,
                                        and the other says what it has */
        enum rules_direction people; /* may do more (are asked for less), less, or neither is certain */
};

/* Calls `each` for every difference, in the order of wardtap.conf(5), until it returns non-zero, which is
 * then returned. 0; -ENOMEM. */
int rules_diff(const struct rules *before, const struct rules *after,
               int (*each)(void *userdata, const struct rules_change *c), void *userdata);
