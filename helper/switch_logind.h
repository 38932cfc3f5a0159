/* SPDX-License-Identifier: Apache-2.0 */
/* The engine of switcher.h for a station without such a display manager (consoles): wardtapd has systemd run
 * a PAM transaction of Wardtap's own for the person (wardtap-switch@UID-ATTEMPT.service), and when that let
 * her in and the account rules allow her, has logind bring her open session to the screen. It resumes and
 * never begins a session. What is said of functions in switcher.h holds here for this engine alone. */
#pragma once

#include "helper/switcher.h"

struct switch_logind;

int switch_logind_new(const struct switcher_config *c, struct switch_logind **ret);
struct switch_logind *switch_logind_free(struct switch_logind *s);
DEFINE_CLEANUP(struct switch_logind, switch_logind_free)

/* Begins; an older wish ends. -EOPNOTSUPP also when she has no session to come to the screen. */
int switch_logind_begin(struct switch_logind *s, const struct switcher_wish *wish);
int switch_logind_take(struct switch_logind *s, uid_t uid, const char *user, const char *service,
                       const char *unit, char ret_attempt[static 33]);
bool switch_logind_is_busy(const struct switch_logind *s);
void switch_logind_client_gone(struct switch_logind *s, uint64_t client);
