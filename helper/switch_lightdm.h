/* SPDX-License-Identifier: Apache-2.0 */
/* The engine of switcher.h for a display manager that has org.freedesktop.DisplayManager's
 * Seat.SwitchToUser, which LightDM has. It is called only for somebody who was let in already: one that
 * fails would leave a greeter behind that names a person. What is said of functions in switcher.h holds here
 * for this engine alone. */
#pragma once

#include "helper/switcher.h"

struct switch_lightdm;

int switch_lightdm_new(const struct switcher_config *c, struct switch_lightdm **ret);
struct switch_lightdm *switch_lightdm_free(struct switch_lightdm *s);
DEFINE_CLEANUP(struct switch_lightdm, switch_lightdm_free)

int switch_lightdm_begin(struct switch_lightdm *s, const struct switcher_wish *wish);
int switch_lightdm_take(struct switch_lightdm *s, uid_t uid, const char *user, const char *service,
                        const char *unit, char ret_attempt[static 33]);
int switch_lightdm_greeter(struct switch_lightdm *s);
void switch_lightdm_connected(struct switch_lightdm *s, sd_bus *bus);
/* The PAM service of the display manager, by the name of its unit ("lightdm"); "" for none. */
const char *switch_lightdm_service(const struct switch_lightdm *s);
bool switch_lightdm_is_busy(const struct switch_lightdm *s);
void switch_lightdm_client_gone(struct switch_lightdm *s, uint64_t client);
