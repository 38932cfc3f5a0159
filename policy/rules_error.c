/* SPDX-License-Identifier: Apache-2.0 */
/* The list of what is wrong with the rules. */
#include "policy/rules_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int rules_error_add(struct rules_errors *e, const char *file, unsigned line, const char *text) {
        if (e->n > RULES_ERRORS_MAX)
                return 0; /* it was said that there are more */
        if (e->n == RULES_ERRORS_MAX)
                text = "There are more errors: mend these first.";
        struct rules_error *errors = reallocarray(e->errors, e->n + 1, sizeof(*errors));
        if (!errors)
                return -ENOMEM;
        e->errors = errors;
        struct rules_error new = {.file = strdup(file), .line = line, .text = strdup(text)};
        if (!new.file || !new.text) {
                free(new.file);
                free(new.text);
                return -ENOMEM;
        }
        errors[e->n++] = new;
        return 0;
}

int rules_error_addf(struct rules_errors *e, const char *file, unsigned line, const char *format, ...) {
        _cleanup_(freep) char *text = NULL;
        va_list args;
        va_start(args, format);
        int n = vasprintf(&text, format, args);
        va_end(args);
        if (n < 0) {
                text = NULL;
                return -ENOMEM;
        }
        return rules_error_add(e, file, line, text);
}

void rules_errors_clear(struct rules_errors *e) {
        for (size_t i = 0; i < e->n; i++) {
                free(e->errors[i].file);
                free(e->errors[i].text);
        }
        free(e->errors);
        *e = (struct rules_errors){0};
}
