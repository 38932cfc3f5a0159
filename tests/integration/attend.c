/* SPDX-License-Identifier: Apache-2.0 */
/* What a session's own program hears of wardtapd: attends to a session, and says each notice that comes.
 *
 *   attend SESSION
 *
 * Prints "attends", then "notice KIND SECONDS TEXT" a line each, until it is ended. Exit status 1: it may
 * not. */
#include "common/util.h"

#include <stdio.h>
#include <systemd/sd-bus.h>

#define NAME "org.wardtap.Station1"
#define PATH "/org/wardtap/Station1"

static int on_notice(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *kind, *text;
        uint32_t seconds;
        if (sd_bus_message_read(m, "ssu", &kind, &text, &seconds) >= 0)
                (void) printf("notice %s %u %s\n", kind, (unsigned) seconds, text);
        return 0;
}

int main(int argc, char **argv) {
        sd_bus *bus = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        (void) setvbuf(stdout, NULL, _IOLBF, 0);
        int r = argc == 2 ? sd_bus_open_system(&bus) : -1;
        if (r >= 0)
                r = sd_bus_match_signal(bus, NULL, NAME, PATH, NAME, "Notice", on_notice, NULL);
        if (r >= 0)
                r = sd_bus_call_method(bus, NAME, PATH, NAME, "Attend", &error, NULL, "s", argv[1]);
        if (r >= 0)
                (void) printf("attends\n");
        else
                (void) printf("refused %s\n", error.message ? error.message : "");
        while (r >= 0 && (r = sd_bus_process(bus, NULL)) >= 0)
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        sd_bus_error_free(&error);
        sd_bus_unref(bus);
        return 1;
}
