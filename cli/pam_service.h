/* SPDX-License-Identifier: Apache-2.0 */
/* One file in /etc/pam.d with and without our lines. */
#pragma once

#include <stdbool.h>

/* A name that is a file of /etc/pam.d and no path. */
bool pam_service_name_is_good(const char *name);

/* Puts our lines (PAM_BLOCK_*) into a service, in the place of those that are there. A copy of what was
 * there before is kept in PATH_ENABLED. 0; -ENOENT: no such service; -EPERM: the file is not root's alone;
 * -EBADMSG: its marks were edited; -ENODATA: it authenticates nobody; -EINVAL: see pam_block_add(). */
int pam_service_enable(const char *service, unsigned what);
/* Takes them out. 1 when there were some, 0 when not, or as above. */
int pam_service_disable(const char *service);
/* 1, 0, or a negative errno. */
int pam_service_is_enabled(const char *service);

/* Calls f for every service with our lines, in the order of their names; stops at its first non-zero answer,
 * which it returns. */
int pam_service_each(int (*f)(const char *service, void *data), void *data);
