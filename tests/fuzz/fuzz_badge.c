/* SPDX-License-Identifier: Apache-2.0 */
/* A card: its ATR and its answers to APDUs, each with its length before it; two bytes for answers. */
#include "common/bytes.h"
#include "common/util.h"
#include "devices/badge.h"

static enum device_reason play(void *context, const uint8_t *apdu, size_t n, uint8_t *ret, size_t size,
                               size_t *ret_n) {
        struct bytes answer;
        if (bytes_take_blob(context, 0, size, &answer) < 0)
                return DEVICE_REMOVED;
        if (answer.n > 0)
                memcpy(ret, answer.p, answer.n);
        *ret_n = answer.n;
        return DEVICE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct bytes b = {data, size}, atr;
        struct device_badge badge;
        int32_t detail;
        uint8_t n;
        if (bytes_take_u8(&b, &n) < 0 || bytes_take(&b, n % (DEVICE_ATR_MAX + 1), &atr) < 0)
                return 0;
        enum device_reason reason = badge_read(play, &b, atr.p, atr.n, &badge, &detail);
        if (reason == DEVICE_OK && (badge.number_len < 4 || badge.number_len > DEVICE_NUMBER_MAX ||
                                    badge.kind[0] == 0 || strlen(badge.kind) >= sizeof(badge.kind)))
                abort();
        if (reason >= DEVICE_REASON_MAX)
                abort();
        return 0;
}
