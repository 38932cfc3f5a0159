/* SPDX-License-Identifier: Apache-2.0 */
/* What a process that talks to a card or a key gives up before it does. */
#pragma once

#include <sys/types.h>

/* Makes the filter of system calls that every child puts on. Once, before the first; negative errno. */
int sandbox_prepare(void);

/* For a child of `parent` just forked: keeps *fd (which may get another number) and the standard streams,
 * ends with its parent, writes no core, and can no longer start programs, signal or look into other
 * processes, or open network sockets. Negative errno, also without sandbox_prepare(): then it must not go
 * on. */
int sandbox_enter(pid_t parent, int *fd);
