/* SPDX-License-Identifier: Apache-2.0 */
/* Names of instances. */
#include "helper/switch/instance.h"

#include "common/bytes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ATTEMPT_DIGITS 32U

static bool is_attempt(const char *s) {
        return strlen(s) == ATTEMPT_DIGITS && strspn(s, "0123456789abcdef") == ATTEMPT_DIGITS;
}

/* The first n characters. */
static int parse_uid(const char *text, size_t n, uid_t *ret) {
        char digits[11];
        uint64_t uid;
        if (n == 0 || n >= sizeof(digits) || strspn(text, "0123456789") != n || (n > 1 && text[0] == '0'))
                return -EINVAL;
        memcpy(digits, text, n);
        digits[n] = 0;
        if (parse_u64(digits, UINT32_MAX - 1, &uid) < 0)
                return -EINVAL;
        *ret = (uid_t) uid;
        return 0;
}

int instance_parse(const char *text, uid_t *ret) {
        size_t n = strcspn(text, "-");
        return text[n] && !is_attempt(text + n + 1) ? -EINVAL : parse_uid(text, n, ret);
}

int instance_parse_account(const char *text, uid_t *ret) {
        return strcmp(text, "0") == 0 ? -EINVAL : parse_uid(text, strlen(text), ret);
}

int instance_unit(uid_t uid, const char *attempt, char ret[static INSTANCE_UNIT_SIZE]) {
        if (uid == (uid_t) -1 || !is_attempt(attempt))
                return -EINVAL;
        (void) snprintf(ret, INSTANCE_UNIT_SIZE, "wardtap-switch@%u-%s.service", (unsigned) uid, attempt);
        return 0;
}

int instance_account_unit(uid_t uid, char ret[static INSTANCE_UNIT_SIZE]) {
        if (uid == 0 || uid == (uid_t) -1)
                return -EINVAL;
        (void) snprintf(ret, INSTANCE_UNIT_SIZE, "wardtap-account@%u.service", (unsigned) uid);
        return 0;
}
