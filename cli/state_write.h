/* SPDX-License-Identifier: Apache-2.0 */
/* What an approval leaves in state.db: the counter of the key, and failures. That file and its folder are of
 * user wardtap, who could put anything in their place: root writes nothing there. A process that has become
 * that user does, and nothing else. */
#pragma once

#include "policy/store.h"

#define STATE_USER "wardtap"

/* As store_commit_sign_in() and store_add_failure(), with their errors; -ENOENT where the user or the folder
 * is missing, -ECHILD when the process was killed. */
int state_commit_sign_in(const struct store_sign_in *in);
int state_add_failure(int64_t person, const struct policy_clock *clock);
