/* SPDX-License-Identifier: Apache-2.0 */
/* Takes connections, reads nothing but START, answers what needs no attempt, and forks an attempt for the
 * rest. Nothing a client sends ends it, and nothing a client does takes root's places. */
#pragma once

#define LISTENER_START_USEC (2U * 1000U * 1000U) /* for START to arrive */
#define LISTENER_BATCH 32U                       /* connections accepted in one go */

/* Runs on a listening socket (stays the caller's). Returns a negative errno, and only when it cannot go
 * on. */
int listener_run(int fd);
