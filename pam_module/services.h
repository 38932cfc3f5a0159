/* SPDX-License-Identifier: Apache-2.0 */
/* Which PAM services the rules name: the world-readable part of the snapshot. */
#pragma once

/* Largest services file that is read, in bytes. */
#define SERVICES_FILE_MAX 65536U

/* Whether the file names the service: one service a line, its name the first word; lines that begin with #
 * are comments. 1 or 0; -ENOENT when there is no file; -EPERM when it is not a regular file of root's that
 * nobody else can write (also for a symbolic link); -EFBIG; -ENOMEM; another negative errno when it cannot
 * be read. Never blocks on what lies there. */
int services_name(const char *path, const char *service);
