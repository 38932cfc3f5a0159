/* SPDX-License-Identifier: Apache-2.0 */
/* The child that asks the name service (account.h). */
#pragma once

#include <sys/types.h>

#define ACCOUNT_MESSAGE_MAX 65536U

enum account_status { ACCOUNT_KNOWN, ACCOUNT_UNKNOWN, ACCOUNT_FAILED, ACCOUNT_UNSURE, ACCOUNT_STATUS_MAX };

/* Answers one question after the other on fd, closes every other descriptor, and ends with its parent. */
_Noreturn void account_child_run(int fd, pid_t parent);
