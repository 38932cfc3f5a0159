/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the clocks. */
#include "cli/clock.h"

#include <systemd/sd-id128.h>

#include "cli/cli.h"
#include "common/socket.h"
#include "helper/station.h"

int clock_take(struct policy_clock *ret) {
        struct policy_clock c = {.realtime_usec = now_realtime_usec(), .boottime_usec = now_boottime_usec()};
        sd_id128_t boot;
        if (sd_id128_get_boot(&boot) >= 0)
                (void) sd_id128_to_string(boot, c.boot_id);
        c.trusted = station_clock_is_synchronised();
        if (policy_clock_set_local(&c) < 0)
                return fail(CLI_FAILED, _("The local time cannot be told."));
        *ret = c;
        return CLI_OK;
}
