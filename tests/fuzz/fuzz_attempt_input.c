/* SPDX-License-Identifier: Apache-2.0 */
/* What an application may send: a START, and an answer to the prompt for the PIN. The first byte is the
 * length of the START. Whatever it is, nobody gets in whose PIN never went to the key. */
#include "tests/unit/attempt_fakes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct bytes b = {data, n}, start;
        uint8_t length;
        if (bytes_take_u8(&b, &length) < 0 || bytes_take(&b, length, &start) < 0 || b.n > 4096)
                return 0;
        fake_reset();
        fake.raw_start = start;
        fake.raw_answer = b;
        fake_add(DEVICE_EVENT_PIN_WANTED, false);
        fake_add(DEVICE_EVENT_TOUCH_WANTED, true);
        fake_add(DEVICE_EVENT_ASSERTION, true);
        if (b.n == 0)
                fake.pin = NULL;
        fake_play();
        /* What wardtapd asks lets nobody in, and the listener lets nobody else ask it. */
        bool signs_in = start.n < 3 || start.p[2] < WIRE_SEAT;
        if (fake.open_operations != 0 || (signs_in && fake.has_verdict && fake.got == WIRE_ALLOW &&
                                          (fake.prompts != 1 || strlen(fake.sent_pin) < 4)))
                abort();
        return 0;
}
