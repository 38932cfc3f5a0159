/* SPDX-License-Identifier: Apache-2.0 */
/* When people are judged again, as wardtapd kept it over its restart: what is read is written as it was, and
 * stays in its order whatever comes. */
#include "helper/ends.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct ends e = {0};
        uint8_t buf[ENDS_SIZE_MAX];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t n = 0;
        if (ends_read((struct bytes){data, size}, &e) < 0)
                return 0;
        ends_write(&e, &w);
        if (writer_end(&w, &n) < 0 || n != size || memcmp(buf, data, n) != 0)
                abort();
        uint64_t middle = e.n > 0 ? e.at_usec[e.n / 2] : 1;
        (void) ends_add(&e, 5000000, 1, middle / 2);
        (void) ends_pass(&e, middle);
        for (size_t i = 0; i < e.n; i++)
                if (e.at_usec[i] <= (i > 0 ? e.at_usec[i - 1] : middle) && e.at_usec[i] <= middle)
                        abort();
        return 0;
}
