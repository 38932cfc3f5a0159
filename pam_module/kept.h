/* SPDX-License-Identifier: Apache-2.0 */
/* What authenticate leaves for the hooks after it, in the PAM handle, under a name with this process's id: a
 * forked child has a copy of the handle, but did not authenticate. */
#pragma once

#include "pam_module/edge.h"

/* Forgets an earlier attempt of this handle, and its id in the PAM environment, and makes room for the next
 * one, which counts as denied until kept_end(). -ENOMEM. */
int kept_begin(pam_handle_t *pamh);
/* Keeps how it ended; after OUTCOME_ALLOW also WARDTAP_ATTEMPT in the PAM environment. -ENOMEM; then what is
 * kept says denied. */
int kept_end(pam_handle_t *pamh, const struct judged *j);
/* What is kept, borrowed from the handle; NULL when authenticate was not called here. */
const struct judged *kept_get(pam_handle_t *pamh);

/* A session begins: what was judged is the attempt that it carries in its environment, so that the records
 * of applications can be joined with ours; NULL, none let this person in, and a variable of that name that
 * something else has put there (pam_env) goes. -ENOMEM. */
int kept_name_attempt(pam_handle_t *pamh, const struct judged *j);

/* True while PAM_USER still names who was judged, or PAM_RUSER does: sudo and doas have the person judged
 * who asks, and then name the account that she becomes. */
bool kept_same_person(pam_handle_t *pamh, const struct judged *j);
