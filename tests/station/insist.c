/* SPDX-License-Identifier: Apache-2.0 */
/* insist N DESTINATION PATH INTERFACE METHOD [STRING...]: calls the method so often, and succeeds when it
 * was refused each time: "refused N, the last time: NAME". */
#include "common/bytes.h"
#include "common/util.h"

#include <stdio.h>
#include <systemd/sd-bus.h>

/* Negative where the call failed, which is what is wanted. */
static int call(sd_bus *bus, char **to, char **strings, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = sd_bus_message_new_method_call(bus, &m, to[0], to[1], to[2], to[3]);
        for (; r >= 0 && *strings; strings++)
                r = sd_bus_message_append(m, "s", *strings);
        if (r < 0) {
                (void) sd_bus_error_set_errno(error, r);
                return 0; /* never asked */
        }
        return sd_bus_call(bus, m, 0, error, NULL);
}

int main(int argc, char **argv) {
        _cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
        uint64_t n;
        char name[128] = "";
        if (argc < 6 || parse_u64(argv[1], 1000000, &n) < 0 || sd_bus_open_system(&bus) < 0)
                return 64;
        for (uint64_t i = 0; i < n; i++) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
                if (call(bus, argv + 2, argv + 6, &error) >= 0) {
                        (void) printf("not refused at try %llu\n", (unsigned long long) i + 1);
                        return 1;
                }
                (void) snprintf(name, sizeof(name), "%s", error.name);
        }
        (void) printf("refused %llu, the last time: %s\n", (unsigned long long) n, name);
        return 0;
}
