/* SPDX-License-Identifier: Apache-2.0 */
/* The record for a program of the site: what is read must be written as the same bytes. */
#include "common/socket.h"
#include "common/util.h"
#include "helper/hook_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
        uint64_t seq;
        if (size > SOCKET_MESSAGE_MAX || hook_message_read((struct bytes){data, size}, &r, &seq) < 0)
                return 0;
        uint8_t out[SOCKET_MESSAGE_MAX];
        struct writer w = {.p = out, .size = sizeof(out)};
        size_t n = 0;
        hook_message_write(&w, &r, seq);
        if (writer_end(&w, &n) < 0 || n != size || memcmp(out, data, n) != 0)
                abort();
        return 0;
}
