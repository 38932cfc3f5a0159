/* SPDX-License-Identifier: Apache-2.0 */
/* An export of arbitrary bytes, checked as an auditor would: it ends, each record is counted at most once,
 * and each finding is a sentence that ends. */
#include "cli/audit_check.h"
#include "cli/audit_export.h"
#include "cli/audit_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_findings(const struct audit_check *c) {
        size_t n, n_epochs;
        const struct audit_finding *f = audit_check_findings(c, &n);
        const struct audit_epoch *epochs = audit_check_epochs(c, &n_epochs);
        if (n > AUDIT_FINDINGS_MAX || n_epochs > AUDIT_EPOCHS_MAX)
                abort();
        for (size_t i = 0; i < n; i++) {
                char text[AUDIT_SENTENCE_MAX];
                audit_say(&f[i], epochs, n_epochs, text);
                if (strlen(text) < 10 || text[strlen(text) - 1] != '.')
                        abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct audit_entry e;
        const struct audit_trust trust = {.exe = "/usr/libexec/wardtap/wardtapd",
                                          .unit = "wardtapd.service"};
        struct audit_known known = {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 3, 1, 5, size % 2, {0}};
        _cleanup_(audit_check_freep) struct audit_check *c = NULL;
        uint64_t n = 0;
        if (size == 0 || size > 65536 || audit_check_new(&trust, &c) < 0)
                return 0;
        FILE *f = fmemopen((void *) (uintptr_t) data, size, "r");
        if (!f)
                return 0;
        for (; audit_export_next(f, &e) == 1; n++)
                audit_check_add(c, &e);
        (void) fclose(f);
        audit_check_end(c, &known);
        struct audit_counts counts = audit_check_counts(c);
        if (counts.records + counts.twice + counts.gone > n || counts.late > counts.records)
                abort();
        check_findings(c);
        return 0;
}
