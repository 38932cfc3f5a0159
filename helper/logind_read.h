/* SPDX-License-Identifier: Apache-2.0 */
/* What messages of logind say. */
#pragma once

#include "helper/logind.h"

#define LOGIND_PATH_SIZE 192U

/* The reply to GetAll of a session's interface. -EBADMSG when it has no id or owner, or one that does not
 * fit. */
int logind_read_session(sd_bus_message *m, struct logind_session *ret);
/* PropertiesChanged of a seat: 1 with the id of the session that is on its screen now ("" for none), 0 when
 * that has not changed, -EBADMSG when it says only that it has, or nonsense. */
int logind_read_active(sd_bus_message *m, char ret[static LOGIND_ID_SIZE]);
/* Whether "idle" is among these words, which colons separate. */
bool logind_names_idle(const char *what);
