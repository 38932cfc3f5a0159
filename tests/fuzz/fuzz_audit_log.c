/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery of a write-ahead file of arbitrary bytes: it ends within the file, and what it calls the end is
 * where a good frame can be written and read back. */
#include "common/util.h"
#include "helper/audit_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Gives the bytes a whole header, so that mutations reach the frames. */
static void with_header(const uint8_t *data, size_t size, uint8_t *out) {
        struct audit_header h = {.first = 1};
        if (audit_header_write(&h, out) < 0)
                abort();
        if (size > 0)
                memcpy(out + AUDIT_HEADER_SIZE, data, size);
}

static void check(struct bytes file) {
        struct audit_walk w;
        if (audit_walk(file, &w) < 0)
                return;
        if (w.end > file.n || w.torn > file.n - w.end || w.end < AUDIT_HEADER_SIZE ||
            w.last + 1 < w.header.first)
                abort();
        struct audit_walk again;
        if (audit_walk((struct bytes){file.p, w.end}, &again) < 0 || again.last != w.last ||
            again.torn != 0 || memcmp(again.hash, w.hash, sizeof(w.hash)) != 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size > 65536)
                return 0;
        uint8_t *out = malloc(AUDIT_HEADER_SIZE + size);
        if (!out)
                return 0;
        check((struct bytes){data, size});
        with_header(data, size, out);
        check((struct bytes){out, AUDIT_HEADER_SIZE + size});
        free(out);
        return 0;
}
