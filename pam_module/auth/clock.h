/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks that a decision is made by. */
#pragma once

#include "policy/decide.h"

/* The id of this boot, 32 hexadecimal digits. Needs /proc: read it before the sandbox. -EBADMSG when it is
 * none, or an error of reading. */
int clock_boot_id(char ret[33]);
/* Now. `trusted` when the kernel says the clock is synchronised and it is not before not_before_usec
 * (CLOCK_REALTIME), the last time we wrote down. -ERANGE when there is no local time. */
int clock_now(const char *boot_id, uint64_t not_before_usec, struct policy_clock *ret);
