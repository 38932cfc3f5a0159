/* SPDX-License-Identifier: Apache-2.0 */
/* Judged by what a device can say: its name is its maker's. */
#include "helper/idle/counts.h"

#include "common/util.h"

#include <stdbool.h>

static bool has(const unsigned long *bits, unsigned n) {
        return (bits[n / WORD_BITS] >> (n % WORD_BITS)) & 1;
}

static bool has_any(const unsigned long *bits, unsigned from, unsigned to) {
        for (unsigned n = from; n <= to; n++)
                if (has(bits, n))
                        return true;
        return false;
}

/* What keyboards, keypads and scanners type, what headsets and foot pedals of dictation have, and all
 * buttons. */
static bool has_keys(const struct device_bits *b) {
        static const struct {
                unsigned from, to;
        } ranges[] = {
                {KEY_ESC, KEY_KPDOT},        {KEY_PLAYPAUSE, KEY_REWIND}, {KEY_PLAYCD, KEY_PAUSECD},
                {KEY_PLAY, KEY_FASTFORWARD}, {BTN_MISC, BTN_GEAR_UP},
        };
        for (size_t i = 0; i < ELEMENTSOF(ranges); i++)
                if (has_any(b->keys, ranges[i].from, ranges[i].to))
                        return true;
        return false;
}

static bool moves(const struct device_bits *b) {
        return (has(b->relative, REL_X) && has(b->relative, REL_Y)) || has(b->relative, REL_WHEEL) ||
               has(b->relative, REL_HWHEEL) || has(b->relative, REL_DIAL);
}

/* A screen, a pad, a tablet. What virtual machines call a tablet has the buttons of a mouse. */
static bool is_touched(const struct device_bits *b) {
        bool place = has(b->absolute, ABS_X) || has(b->absolute, ABS_MT_POSITION_X);
        return place && (has(b->keys, BTN_TOUCH) || has(b->keys, BTN_TOOL_PEN) || has(b->keys, BTN_LEFT) ||
                         has(b->properties, INPUT_PROP_DIRECT) || has(b->properties, INPUT_PROP_POINTER));
}

unsigned counts_of(const struct device_bits *b) {
        if (has(b->properties, INPUT_PROP_ACCELEROMETER))
                return 0;
        return (has_keys(b) ? 1U << EV_KEY : 0) | (moves(b) ? 1U << EV_REL : 0) |
               (is_touched(b) ? 1U << EV_ABS : 0);
}
