/* SPDX-License-Identifier: Apache-2.0 */
/* The clock on the wall, for Hours=. */
#include "policy/decide.h"

#include <errno.h>
#include <time.h>

int policy_clock_set_local(struct policy_clock *c) {
        time_t t = (time_t) (c->realtime_usec / 1000000U);
        struct tm tm;
        tzset(); /* localtime_r() alone would never notice that the time zone was changed */
        if (!localtime_r(&t, &tm))
                return -ERANGE;
        c->weekday = (uint8_t) ((tm.tm_wday + 6) % 7);
        c->minute = (uint16_t) (tm.tm_hour * 60 + tm.tm_min);
        return 0;
}
