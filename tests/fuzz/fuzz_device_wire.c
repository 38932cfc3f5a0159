/* SPDX-License-Identifier: Apache-2.0 */
/* wardtap-device's messages, both ways: what decodes must encode to the same bytes. */
#include "common/socket.h"
#include "common/util.h"
#include "devices/wire.h"

static void must_be(const struct writer *w, const uint8_t *data, size_t size) {
        size_t n = 0;
        if (writer_end(w, &n) < 0 || n != size || memcmp(w->p, data, n) != 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static uint8_t out[SOCKET_MESSAGE_MAX];
        static struct device_request q;
        static struct device_event e;
        char pin[DEVICE_PIN_MAX + 1];
        if (size > SOCKET_MESSAGE_MAX)
                return 0;
        struct bytes b = {data, size};
        struct writer w = {.p = out, .size = sizeof(out)};
        if (device_request_read(b, &q) == 0) {
                enum device_op op;
                uint32_t deadline_ms;
                if (device_request_peek(b, &op, &deadline_ms) < 0 || op != q.op)
                        abort();
                device_request_write(&w, &q);
                must_be(&w, data, size);
        } else if (device_event_read(b, &e) == 0) {
                device_event_write(&w, &e);
                must_be(&w, data, size);
        } else if (device_pin_read(b, pin) == 0) {
                device_pin_write(&w, pin);
                must_be(&w, data, size);
        }
        return 0;
}
