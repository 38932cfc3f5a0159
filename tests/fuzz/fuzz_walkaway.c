/* SPDX-License-Identifier: Apache-2.0 */
/* What wardtapd kept of badges and keys over its restart: what is read is written as it was, and then lives
 * with readers and keys that come and go. */
#include "helper/walkaway.h"

static void on_left(void *userdata, const char *session, const char *reason) {
        if (strlen(session) >= WALKAWAY_SESSION_SIZE)
                abort();
        walkaway_gone(*(struct walkaway **) userdata, session);
}

static const struct walkaway_events events = {.left = on_left};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct walkaway *w = NULL;
        _cleanup_(freep) uint8_t *out = NULL;
        size_t n = 0;
        if (walkaway_new(NULL, &events, &w, &w) < 0)
                abort();
        if (walkaway_read(w, (struct bytes){data, size}) == 0) {
                if (walkaway_write(w, &out, &n) < 0 || n != size || memcmp(out, data, n) != 0)
                        abort();
                walkaway_shown(w, "c2", 1);
                walkaway_card(w, "A", false, 1);
                walkaway_keys_listed(w, 1);
                walkaway_expire(w, WALKAWAY_READ_USEC * 2U);
                if (walkaway_next(w) != UINT64_MAX)
                        abort();
        }
        w = walkaway_free(w);
        return 0;
}
