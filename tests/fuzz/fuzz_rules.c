/* SPDX-License-Identifier: Apache-2.0 */
/* Rules as text: what is accepted has a snapshot that reads back as the same rules, and every complaint is
 * a clean line of text. */
#include "common/bytes.h"
#include "common/util.h"
#include "policy/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct rules *r = NULL, *back = NULL;
        struct rules_errors errors;
        uint8_t *bytes = NULL;
        size_t n;
        int e = rules_parse_text("fuzz", (const char *) data, size, &r, &errors);
        if ((e == 0) != (r != NULL) || (e == 0) != (errors.n == 0))
                abort();
        for (size_t i = 0; i < errors.n; i++)
                if (!*errors.errors[i].text || !text_is_clean(errors.errors[i].text, 8192))
                        if (!strchr(errors.errors[i].text,
                                    '\t')) /* a tab in a quoted value is shown as it is */
                                abort();
        if (r) {
                if (rules_write(r, &bytes, &n) < 0 || rules_read(bytes, n, &back) < 0 ||
                    strcmp(r->hash, back->hash) != 0)
                        abort();
        }
        free(bytes);
        rules_free(back);
        rules_free(r);
        rules_errors_clear(&errors);
        return 0;
}
