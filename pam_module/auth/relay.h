/* SPDX-License-Identifier: Apache-2.0 */
/* The attempt's side of the conversation with the module: waiting with an eye on it, and what is said to
 * it. */
#pragma once

#include "common/wire.h"

enum relay_ready { RELAY_MODULE = 1, RELAY_OTHER, RELAY_SECOND };

/* Waits until the module said something or hung up (RELAY_MODULE), or `other` can be read (RELAY_OTHER; -1
 * for none), or deadline_usec (CLOCK_MONOTONIC, UINT64_MAX for none): -ETIMEDOUT. The module comes first. */
int relay_poll(int module, int other, uint64_t deadline_usec);

/* The same for two others: RELAY_SECOND when only the second can be read. */
int relay_poll_two(int module, int other, int second, uint64_t deadline_usec);

/* Waits until `other` can be read. -ECANCELED when the module hung up, or spoke out of turn, which counts
 * as the same; -ETIMEDOUT. */
int relay_wait(int module, int other, uint64_t deadline_usec);

/* INFO or ERROR, USER, PROMPT with echo or without, VERDICT, in the module's version. Negative errno when
 * the module is gone or does not read. */
int relay_say(int module, uint8_t version, enum wire_type type, const char *text);
int relay_user(int module, uint8_t version, const char *user);
int relay_prompt(int module, uint8_t version, const char *text);
int relay_ask(int module, uint8_t version, const char *text);
int relay_verdict(int module, uint8_t version, enum wire_verdict verdict, const char *attempt,
                  const char *code);
