/* SPDX-License-Identifier: Apache-2.0 */
/* Other programs that `wardtap` starts: by absolute path, without a shell, with an environment of their own.
 */
#pragma once

#include <stdbool.h>

/* Runs argv[0] to its end, without input or output. 0 when it ended with 0; -ENOENT when there is no such
 * program, -EPROTO when it ended otherwise, another negative errno when it could not be started. */
int program_run(const char *const *argv);

/* systemd manages this system and answers root: false in a chroot, a container without it, or a test. */
bool system_is_booted(void);
