/* SPDX-License-Identifier: Apache-2.0 */
/* What a failure of the device means to an attempt. */
#pragma once

#include <stdbool.h>

#include "devices/client.h"
#include "policy/reason.h"

/* Never REASON_NONE. */
enum reason key_reason(enum device_reason r);
/* The key that answered holds a credential of this person and refused what was typed or shown to it. */
bool key_reason_is_own_failure(enum device_reason r);
