/* SPDX-License-Identifier: Apache-2.0 */
/* The instances of wardtap-switch@.service: whom one is about, and for which attempt; and those of
 * wardtap-account@.service, which are about a person alone. */
#pragma once

#include <sys/types.h>

/* Of the whole name of the unit, with its ending and the zero. */
#define INSTANCE_UNIT_SIZE 80U

/* "UID", or "UID-ATTEMPT" with 32 lower-case hexadecimal digits: decimal, no sign, no zero before it, and
 * not the largest, which means nobody. -EINVAL for anything else. */
int instance_parse(const char *text, uid_t *ret);
/* The unit wardtapd starts. -EINVAL for an attempt that is no such id. */
int instance_unit(uid_t uid, const char *attempt, char ret[static INSTANCE_UNIT_SIZE]);

/* The same for wardtap-account@.service: "UID", and never root. -EINVAL for anything else. */
int instance_parse_account(const char *text, uid_t *ret);
int instance_account_unit(uid_t uid, char ret[static INSTANCE_UNIT_SIZE]);
