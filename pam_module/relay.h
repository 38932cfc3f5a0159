/* SPDX-License-Identifier: Apache-2.0 */
/* The relay between one PAM handle and one attempt: what the attempt is told, what it may show and ask, and
 * what its verdict is worth. */
#pragma once

#include "pam_module/edge.h"
#include "common/wire.h"

/* Reads what an attempt is told from the handle. -EMSGSIZE or -EBADMSG when an item is too long or is not
 * clean text: no account or terminal of ours looks like that. -EIO when libpam refuses. */
int relay_prepare(pam_handle_t *pamh, enum wire_hook hook, int flags, struct wire_start *ret);

/* Asks an attempt, until its verdict or deadline_usec (CLOCK_MONOTONIC, UINT64_MAX for none: a greeter waits
 * all night for a tap). PAM_USER is set only where it was empty; then ret->named says so, and whoever does
 * not let this person in after all empties it again. OUTCOME_ALLOW is given only for a verdict that says so;
 * in authenticate also only when PAM_USER names who was judged.
 *
 * A connection that is refused, breaks off or speaks nonsense is OUTCOME_UNAVAIL as long as nobody is being
 * judged, so that the stack goes on to what the site allows next; from the first name or question on it is
 * OUTCOME_DENY, so that breaking off is never better than a no.
 *
 * Where PAM_USER was empty, an attempt that let nobody in, or broke off, is followed by the next one, in the
 * same call: a greeter waits for whoever comes, and one person's refusal does not end that. */
void relay_run(pam_handle_t *pamh, const struct wire_start *start, uint64_t deadline_usec,
               struct judged *ret);
