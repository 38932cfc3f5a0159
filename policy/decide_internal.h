/* SPDX-License-Identifier: Apache-2.0 */
/* What decide.c (the order of judgement) and decide_emergency.c share. */
#pragma once

#include "policy/decide.h"

/* How old the last full sign-in is; false where that is not known, or cannot be by the clocks. */
bool decide_strong_age(const struct policy_question *q, uint64_t *ret);

/* The step between 7 and 8. True when it has answered, which it does for everything about emergencies. */
bool decide_emergency(const struct policy_question *q, struct policy_decision *d);
