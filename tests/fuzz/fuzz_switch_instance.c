/* SPDX-License-Identifier: Apache-2.0 */
/* The instances of wardtap-switch@ and wardtap-account@: what is taken is the one way to write that uid, and
 * that attempt. */
#include "common/util.h"
#include "helper/switch/instance.h"

#include <stdint.h>
#include <stdio.h>

static void try_account(const char *text) {
        char unit[INSTANCE_UNIT_SIZE], wanted[120];
        uid_t uid;
        if (instance_parse_account(text, &uid) < 0)
                return;
        (void) snprintf(wanted, sizeof(wanted), "wardtap-account@%s.service", text);
        if (uid == 0 || instance_account_unit(uid, unit) < 0 || strcmp(unit, wanted) != 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char text[80], unit[INSTANCE_UNIT_SIZE], wanted[120];
        uid_t uid;
        if (size >= sizeof(text) || memchr(data, 0, size))
                return 0;
        memcpy(text, data, size);
        text[size] = 0;
        try_account(text);
        if (instance_parse(text, &uid) < 0)
                return 0;
        const char *attempt = strchr(text, '-');
        if (uid == (uid_t) -1)
                abort();
        if (!attempt) {
                (void) snprintf(wanted, sizeof(wanted), "%u", (unsigned) uid);
                if (strcmp(text, wanted) != 0)
                        abort();
                return 0;
        }
        (void) snprintf(wanted, sizeof(wanted), "wardtap-switch@%s.service", text);
        if (instance_unit(uid, attempt + 1, unit) < 0 || strcmp(unit, wanted) != 0)
                abort();
        return 0;
}
