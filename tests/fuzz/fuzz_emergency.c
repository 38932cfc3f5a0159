/* SPDX-License-Identifier: Apache-2.0 */
/* The file of emergencies: what is read must be written as the same bytes. */
#include "helper/emergency.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static uint8_t out[1U << 20];
        _cleanup_(emergency_list_clear) struct emergency_list list = {0};
        if (size > sizeof(out) || emergency_list_read((struct bytes){data, size}, &list) < 0)
                return 0;
        struct writer w = {.p = out, .size = sizeof(out)};
        size_t n = 0;
        emergency_list_write(&w, &list);
        if (writer_end(&w, &n) < 0 || n != size || memcmp(out, data, n) != 0)
                abort();
        return 0;
}
