/* SPDX-License-Identifier: Apache-2.0 */
/* A seccomp filter that is made once, by a parent, and put on by each of its children: making it takes
 * longer than what most of them do. */
#pragma once

#include <linux/filter.h>

/* Reads what seccomp_export_bpf() wrote to a file, from its start. *ret is the caller's for good. -EBADMSG
 * when it is no filter. */
int filter_read(int fd, struct sock_fprog *ret);

/* Puts it on, with no new privileges from now on. Negative errno, also when there is none: then the process
 * must not go on. */
int filter_enter(const struct sock_fprog *f);
