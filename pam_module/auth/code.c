/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of attempts and the codes made from them. */
#include "pam_module/auth/code.h"

#include "common/bytes.h"
#include "common/crockford.h"

#include <errno.h>
#include <sys/random.h>

int code_new_id(char ret_id[2 * ATTEMPT_ID_SIZE + 1]) {
        uint8_t id[ATTEMPT_ID_SIZE];
        ssize_t n = getrandom(id, sizeof(id), 0);
        if (n < 0)
                return -errno;
        if ((size_t) n != sizeof(id))
                return -EIO;
        hex_encode(id, sizeof(id), ret_id);
        return 0;
}

int code_from_id(const char *id, char ret_code[ATTEMPT_CODE_SIZE + 1]) {
        uint8_t b[ATTEMPT_ID_SIZE];
        size_t n;
        if (hex_decode(id, b, sizeof(b), &n) < 0 || n != sizeof(b))
                return -EINVAL;
        crockford_encode(b, ATTEMPT_CODE_SIZE, ret_code);
        return 0;
}
