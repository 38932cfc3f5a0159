/* SPDX-License-Identifier: Apache-2.0 */
/* A short sorted list of times. */
#include "helper/ends.h"

#include <errno.h>
#include <string.h>

#define VERSION 1U
/* The two clocks are not read at one moment: judged a little too early, it would not be over yet. */
#define SLACK_USEC 1000000U

bool ends_add(struct ends *e, uint64_t until_usec, uint64_t now_realtime_usec, uint64_t now_boottime_usec) {
        if (until_usec <= now_realtime_usec || until_usec - now_realtime_usec > ENDS_LONGEST_USEC)
                return false;
        uint64_t at = now_boottime_usec + (until_usec - now_realtime_usec) + SLACK_USEC;
        size_t i = e->n;
        while (i > 0 && e->at_usec[i - 1] > at)
                i--;
        if (i == ENDS_MAX || (i > 0 && e->at_usec[i - 1] == at))
                return false;
        size_t behind = (e->n < ENDS_MAX ? e->n : ENDS_MAX - 1U) - i;
        memmove(&e->at_usec[i + 1], &e->at_usec[i], behind * sizeof(e->at_usec[0]));
        e->at_usec[i] = at;
        e->n = i + 1 + behind;
        return true;
}

bool ends_pass(struct ends *e, uint64_t now_boottime_usec) {
        size_t over = 0;
        while (over < e->n && e->at_usec[over] <= now_boottime_usec)
                over++;
        memmove(&e->at_usec[0], &e->at_usec[over], (e->n - over) * sizeof(e->at_usec[0]));
        e->n -= over;
        return over > 0;
}

uint64_t ends_next(const struct ends *e, uint64_t now_boottime_usec) {
        if (e->n == 0)
                return UINT64_MAX;
        return e->at_usec[0] > now_boottime_usec ? e->at_usec[0] - now_boottime_usec : 0;
}

void ends_write(const struct ends *e, struct writer *w) {
        writer_u8(w, VERSION);
        writer_u8(w, (uint8_t) e->n);
        for (size_t i = 0; i < e->n; i++)
                writer_u64(w, e->at_usec[i]);
}

int ends_read(struct bytes b, struct ends *ret) {
        struct ends e = {0};
        uint8_t version, n;
        int r;
        if ((r = bytes_take_u8(&b, &version)) < 0 || (r = bytes_take_u8(&b, &n)) < 0)
                return r;
        if (version != VERSION || n > ENDS_MAX)
                return -EBADMSG;
        for (; e.n < n; e.n++) {
                if ((r = bytes_take_u64(&b, &e.at_usec[e.n])) < 0)
                        return r;
                if (e.n > 0 && e.at_usec[e.n] <= e.at_usec[e.n - 1])
                        return -EBADMSG;
        }
        if ((r = bytes_end(&b)) < 0)
                return r;
        *ret = e;
        return 0;
}
