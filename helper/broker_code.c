/* SPDX-License-Identifier: Apache-2.0 */
/* The short code of an attempt. */
#include "helper/broker_code.h"

#include "common/crockford.h"
#include "common/util.h"

/* The code that the screen shows: the first 6 characters of the attempt's id. */
int broker_set_code(struct record *r, const char *attempt) {
        uint8_t id[16];
        char code[7];
        size_t n;
        if (r->fields[RECORD_FIELD_CODE] || hex_decode(attempt, id, sizeof(id), &n) < 0 || n != sizeof(id))
                return 0;
        crockford_encode(id, 6, code);
        return record_set(r, RECORD_FIELD_CODE, code);
}
