/* SPDX-License-Identifier: Apache-2.0 */
/* Small files of the system's: read whole, replaced whole. */
#pragma once

#include <stddef.h>
#include <sys/stat.h>

#define FILE_SMALL_MAX (256U * 1024U)

/* Reads a regular file of at most FILE_SMALL_MAX bytes; *ret is terminated (caller frees). ret_stat and
 * ret_n may be NULL. -ENOENT, -EACCES, -EFBIG, -EINVAL when it is not a regular file or has a zero byte in
 * it. */
int file_read(const char *path, char **ret, size_t *ret_n, struct stat *ret_stat);

/* Replaces path by n bytes through a temporary file beside it (its name begins with a dot) and rename, on
 * the disk when it returns. Owner and mode are those of `like`. */
int file_replace(const char *path, const char *text, size_t n, const struct stat *like);
