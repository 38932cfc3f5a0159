/* SPDX-License-Identifier: Apache-2.0 */
/* Which devices are used by people's hands, and what of them counts: keys and buttons, the movement of a
 * pointer, touch. Not a lid, the power button, brightness keys of a screen, accelerometers, and not the axes
 * of a joystick, which drift. */
#pragma once

#include <linux/input.h>

/* The kernel counts bits in words of this size, whichever end of them comes first in memory. */
#define WORD_BITS (8 * sizeof(unsigned long))
#define BITS_LEN(max) ((max) / WORD_BITS + 1)

/* What a device says of itself (EVIOCGBIT, EVIOCGPROP). */
struct device_bits {
        unsigned long keys[BITS_LEN(KEY_MAX)], relative[BITS_LEN(REL_MAX)], absolute[BITS_LEN(ABS_MAX)];
        unsigned long properties[BITS_LEN(INPUT_PROP_MAX)];
};

/* 1 << EV_KEY, 1 << EV_REL and 1 << EV_ABS, as they count; 0 for none. */
unsigned counts_of(const struct device_bits *b);
