/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the stage's logind share: the sessions (logind.c) and their objects (logind_bus.c).
 */
#pragma once

#include "tests/virtual/station/station.h"

#define LOGIND "org.freedesktop.login1"
#define MANAGER_PATH "/org/freedesktop/login1"
#define SEAT0 MANAGER_PATH "/seat/seat0"

/* The object's path; the caller frees it. */
void session_path(const struct session *e, char **ret);
