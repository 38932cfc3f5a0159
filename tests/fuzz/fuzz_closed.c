/* SPDX-License-Identifier: Apache-2.0 */
/* The file of ended sessions: what is read must be written as the same bytes. */
#include "helper/closed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct closed_list list;
        if (closed_read((struct bytes){data, size}, &list) < 0)
                return 0;
        uint8_t out[CLOSED_BYTES_MAX];
        struct writer w = {.p = out, .size = sizeof(out)};
        size_t n = 0;
        closed_write(&w, &list);
        if (writer_end(&w, &n) < 0 || n != size || memcmp(out, data, n) != 0)
                abort();
        return 0;
}
