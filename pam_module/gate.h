/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an attempt is asked at all, known without asking anybody. */
#pragma once

#include "pam_module/edge.h"
#include "common/wire.h"

/* OUTCOME_ALLOW: ask. OUTCOME_NOT_OURS for a service that the rules do not name, and for somebody far away;
 * OUTCOME_UNAVAIL when the list of services cannot be believed; OUTCOME_NO_MEMORY. *ret_why: static text. */
enum outcome gate(const struct wire_start *s, const char **ret_why);
