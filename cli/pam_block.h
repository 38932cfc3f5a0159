/* SPDX-License-Identifier: Apache-2.0 */
/* The lines that `wardtap enable` writes into a PAM service: between two marks, so that taking them out
 * leaves the file as it was, to the byte, whatever else was changed in it meanwhile. Text in, text out. */
#pragma once

#include <stdbool.h>

enum pam_block {
        PAM_BLOCK_FALLBACK = 1, /* what follows may let somebody in while Wardtap cannot judge */
        PAM_BLOCK_NOLOGIN =
                2, /* the stack asked pam_nologin, which success now passes over: asked as account */
        PAM_BLOCK_SESSION = 4, /* also the session line, at the end */
};

/* Puts the lines before the first line that asks for a name or a password. The text must have no such lines
 * yet. -ENODATA when it has no auth lines at all; -EINVAL when its last line does not end, and so nothing
 * can be put behind it. Caller frees *ret. */
int pam_block_add(const char *text, unsigned what, char **ret);

/* Takes every block out. 0 and *ret (caller frees), or -ENOENT when there is none, -EBADMSG when a mark
 * stands alone: somebody edited it, and what belongs to whom cannot be known. */
int pam_block_remove(const char *text, char **ret);
bool pam_block_is_there(const char *text);
