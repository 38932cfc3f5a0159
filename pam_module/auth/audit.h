/* SPDX-License-Identifier: Apache-2.0 */
/* The record of an attempt. */
#pragma once

#include "pam_module/auth/attempt.h"

/* A verdict is always recorded; that nothing came of it only when something had begun: a tap, or a person.
 */
bool audit_is_due(const struct attempt *a);
/* Everything that is known. Never a name that nobody has. *ret is set only on success; -ENOMEM. */
int audit_fill(const struct attempt *a, struct record *ret);
