/* SPDX-License-Identifier: Apache-2.0 */
/* Emptying the home of an account, whatever its last holder has left in it, and filling it anew. All of it
 * goes by descriptors: no symbolic link is followed, and no other file system entered. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Opens the folder `path` as the home of uid. -EINVAL: not absolute, or a folder at the top ("/home").
 * -EPERM: not this user's. -ENOTDIR, -ELOOP (a symbolic link), -ENOENT and others as open(2). */
int home_open(const char *path, uid_t uid, int *ret_fd);

/* Removes all that is in the folder, and not the folder. Needs two descriptors however deep it is. -EXDEV: a
 * file system is mounted in there (what lies in it is not touched). -ETIMEDOUT after deadline_usec
 * (CLOCK_MONOTONIC). Another negative errno for what cannot be removed. */
int home_empty(int home, uint64_t deadline_usec);

/* Copies the files, folders and symbolic links in `skeleton` to the empty folder, owned by uid and gid;
 * whatever else lies there is passed over. The folder itself gets mode 0700 and loses its access control
 * lists. -ELOOP: more than 8 folders deep. */
int home_fill(const char *skeleton, int home, uid_t uid, gid_t gid);

/* Kills every process of the user, until there is none. -ETIMEDOUT: one stays. -EINVAL for root. */
int home_end_processes(uid_t uid, uint64_t deadline_usec);
