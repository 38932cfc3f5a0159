/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody types as a code: what is one has one form, which is read as itself. */
#include "common/ticket.h"

#include "common/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct ticket_code code, back;
        char text[TICKET_CODE_CHARS + 3];
        _cleanup_(freep) char *typed = strndup((const char *) data, size);
        if (!typed || ticket_code_parse(typed, &code) < 0)
                return 0;
        ticket_code_format(&code, text);
        if (ticket_code_parse(text, &back) < 0 || strcmp(code.text, back.text) != 0)
                abort();
        return 0;
}
