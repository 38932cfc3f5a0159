/* SPDX-License-Identifier: Apache-2.0 */
/* The unit that wipes the home of an account which nobody has any more. */
#pragma once

#include <stddef.h>

/* wardtap-wipe@USER.service, with the user escaped as systemd.unit(5) says. -EINVAL: it does not fit. */
int wipe_unit_name(const char *user, char *buf, size_t size);
