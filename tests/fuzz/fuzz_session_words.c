/* SPDX-License-Identifier: Apache-2.0 */
/* Text for the screen: whatever comes in, what goes out is clean, bounded, without doubled blanks, and the
 * same when it is cleaned again. */
#include "greeter/session_words.h"

#include "common/bytes.h"
#include "common/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char out[WORDS_TEXT_SIZE], again[WORDS_TEXT_SIZE];
        if (size < 1)
                return 0;
        size_t room = 1 + data[0] * 2U;
        _cleanup_(freep) char *text = strndup((const char *) data + 1, size - 1);
        if (!text)
                return 0;
        words_clean(text, out, room);
        size_t n = strlen(out);
        words_clean(out, again, sizeof(again));
        if (n >= room || !text_is_clean(out, room) || strstr(out, "  ") || strcmp(out, again) != 0)
                abort();
        return 0;
}
