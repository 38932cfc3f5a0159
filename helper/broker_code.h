/* SPDX-License-Identifier: Apache-2.0 */
/* The code that the screen shows for an attempt, in its records. */
#pragma once

#include "common/record.h"

/* Sets it, unless there is one; nothing for what is no attempt's id. -ENOMEM. */
int broker_set_code(struct record *r, const char *attempt);
