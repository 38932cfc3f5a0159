/* SPDX-License-Identifier: Apache-2.0 */
/* What an attempt would read of the clocks. */
#pragma once

#include "policy/decide.h"

/* Both clocks, now, and whether they are to be trusted. An enum cli_exit, after a complaint. */
int clock_take(struct policy_clock *ret);
