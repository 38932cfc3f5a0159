/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the sandbox that is about files. */
#pragma once

/* From now on this process opens nothing but what is under the folders of the store, the rules and the tags.
 * 0 also where the kernel has no Landlock (then permissions alone decide). */
int sandbox_files(void);
