/* SPDX-License-Identifier: Apache-2.0 */
/* The name of an instance. */
#include "common/wipe_unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int wipe_unit_name(const char *user, char *buf, size_t size) {
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_";
        int n = snprintf(buf, size, "wardtap-wipe@");
        for (const char *c = user; *c; c++) {
                if (n < 0 || (size_t) n >= size)
                        return -EINVAL;
                bool is_plain = strchr(plain, *c) || (*c == '.' && c != user);
                n += is_plain ? snprintf(buf + n, size - (size_t) n, "%c", *c)
                              : snprintf(buf + n, size - (size_t) n, "\\x%02x", (unsigned char) *c);
        }
        if (n < 0 || (size_t) n >= size || !*user)
                return -EINVAL;
        n += snprintf(buf + n, size - (size_t) n, ".service");
        return (size_t) n >= size ? -EINVAL : 0;
}
