/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugged-in device says of itself: its report descriptor, and the kernel's text with its names. */
#include "common/util.h"
#include "devices/key_node.h"
#include "devices/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct bytes b = {data, size};
        struct device_key k, again;
        (void) key_node_is_fido(b);
        if (key_node_identify(b, &k) < 0)
                return 0;
        if (!device_key_id_valid(k.id) || !text_is_clean(k.product, sizeof(k.product) - 1))
                abort();
        if (key_node_identify(b, &again) < 0 || strcmp(k.id, again.id) != 0)
                abort();
        return 0;
}
