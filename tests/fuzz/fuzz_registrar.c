/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the registrar: what decodes must encode to the same bytes. */
#include "common/registrar.h"

#include "common/socket.h"
#include "common/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(registrar_message_erase) struct registrar_message m = {.type = REGISTRAR_TYPE_INVALID};
        if (registrar_read((struct bytes){data, size}, &m) < 0)
                return 0;
        uint8_t out[SOCKET_MESSAGE_MAX];
        struct writer w = {.p = out, .size = sizeof(out)};
        size_t n = 0;
        registrar_write(&w, &m);
        if (writer_end(&w, &n) < 0 || n != size || memcmp(out, data, n) != 0)
                abort();
        return 0;
}
