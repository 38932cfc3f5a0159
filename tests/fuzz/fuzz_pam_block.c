/* SPDX-License-Identifier: Apache-2.0 */
/* PAM services as text: whatever stands in one, our lines come out again and leave it as it was. */
#include "cli/pam_block.h"
#include "cli/pam_stack.h"
#include "common/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct pam_words w;
        if (size < 1)
                return 0;
        _cleanup_(freep) char *text = strndup((const char *) data + 1, size - 1), *with = NULL,
                              *without = NULL;
        if (!text)
                return 0;
        for (const char *p = text; pam_words_next(&p, &w) >= 0;)
                if (p > text + size)
                        abort();
        if (pam_block_is_there(text)) {
                (void) pam_block_remove(text, &without);
                return 0;
        }
        if (pam_block_add(text, data[0] & 7, &with) < 0)
                return 0;
        if (pam_block_remove(with, &without) < 0 || strcmp(text, without) != 0)
                abort();
        return 0;
}
