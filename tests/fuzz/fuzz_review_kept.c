/* SPDX-License-Identifier: Apache-2.0 */
/* A file of arbitrary bytes among the review lists that were signed off: what is read of it fits a screen.
 */
#include "cli/review.h"
#include "common/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct review_kept k;
        if (review_read_kept((const char *) data, size, &k) < 0)
                return 0;
        if (!text_is_clean(k.requestor, sizeof(k.requestor) - 1) ||
            !text_is_clean(k.statement, sizeof(k.statement) - 1) ||
            !text_is_clean(k.hash, sizeof(k.hash) - 1) || (k.intact && strlen(k.hash) != 64))
                abort();
        return 0;
}
