/* SPDX-License-Identifier: Apache-2.0 */
/* Wire messages: what decodes must encode to the same bytes. */
#include "common/wire.h"

#include "common/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(wire_message_erase) struct wire_message m = {.type = WIRE_TYPE_INVALID};
        if (wire_read((struct bytes){data, size}, &m) < 0)
                return 0;
        uint8_t out[1024];
        struct writer w = {.p = out, .size = sizeof(out)};
        size_t n = 0;
        wire_write(&w, &m);
        if (writer_end(&w, &n) < 0 || n != size || memcmp(out, data, n) != 0)
                abort();
        return 0;
}
