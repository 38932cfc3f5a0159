/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of `wardtap policy test`, which anybody at the site may write: every line is read or refused with a
 * sentence, and what is read gets an answer. */
#include "cli/policy_case.h"

#include <errno.h>
#include <stdlib.h>

#include "common/util.h"

static const struct rules *the_rules(void) {
        static const char text[] =
                "[Site]\nRelyingParty=a.org\n[Role n]\nGroups=nurses\nHours=06:00-22:00\n"
                "[Service lightdm]\nUse=sign-in\n[Service sudo]\nUse=step-up\n"
                "[Exception x]\nOwner=o\nReason=r\nUntil=2026-12-10\nUsers=anna\nSignIn=badge\n"
                "[Check disk]\nUnit=d.service\nThen=no-grace\n";
        static struct rules *rules;
        struct rules_errors e;
        if (!rules && rules_parse_text("t", text, sizeof(text) - 1, &rules, &e) < 0)
                abort();
        return rules;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(policy_case_clear) struct policy_case c = {0};
        char why[CASE_WHY_SIZE] = "";
        struct policy_decision d;
        int r = policy_case_parse((const char *) data, size, &c, why);
        if (r == -EINVAL ? !why[0] : r != 0 && r != 1)
                abort();
        if (r == 0 && policy_case_decide(&c, the_rules(), &d) == 0 && !policy_case_agrees(&c, &d, why) &&
            !why[0])
                abort();
        return 0;
}
