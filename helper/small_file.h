/* SPDX-License-Identifier: Apache-2.0 */
/* Small files of wardtapd's own in /run, which keep over its restart what systemd does not. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SMALL_FILE_MAX (1024U * 1024U)

/* Replaces the file by rename: a crash leaves the old one or the new one. Errors of the system calls. */
int small_file_write(const char *path, const uint8_t *p, size_t n);
/* The whole file; the caller frees *ret. -ENOENT when there is none; -EPERM when it is not ours alone;
 * -EFBIG; -EBADMSG for one that is empty or changes meanwhile. */
int small_file_read(const char *path, uint8_t **ret, size_t *ret_n);
