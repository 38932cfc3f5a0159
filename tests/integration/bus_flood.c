/* SPDX-License-Identifier: Apache-2.0 */
/* Writes to a connection on the system bus COUNT times and wants no answers: "bus_flood call COUNT" asks
 * org.wardtap.Station1 for all its properties, "bus_flood signal COUNT NAME" sends NAME a signal. Says
 * "begun" once much of it has been sent, and "sent" when the bus has all of it. */
#include "common/util.h"

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define STATION "org.wardtap.Station1"
#define STATION_PATH "/org/wardtap/Station1"
#define AT_ONCE 500U

static int make_call(sd_bus *bus, const char *name, sd_bus_message **ret) {
        int r = sd_bus_message_new_method_call(bus, ret, name, STATION_PATH,
                                               "org.freedesktop.DBus.Properties", "GetAll");
        if (r >= 0)
                r = sd_bus_message_append(*ret, "s", STATION);
        return r < 0 ? r : sd_bus_message_set_expect_reply(*ret, 0);
}

static int make_signal(sd_bus *bus, const char *name, sd_bus_message **ret) {
        int r = sd_bus_message_new_signal(bus, ret, STATION_PATH, "org.freedesktop.DBus.Properties",
                                          "PropertiesChanged");
        return r < 0 ? r : sd_bus_message_set_destination(*ret, name);
}

static int send_one(sd_bus *bus, const char *name) {
        sd_bus_message *m = NULL;
        int r = name ? make_signal(bus, name, &m) : make_call(bus, STATION, &m);
        if (r >= 0)
                r = sd_bus_send(bus, m, NULL);
        sd_bus_message_unref(m);
        return r;
}

int main(int argc, char **argv) {
        sd_bus *bus = NULL;
        bool signals = argc == 4 && strcmp(argv[1], "signal") == 0;
        if (!signals && (argc != 3 || strcmp(argv[1], "call") != 0))
                errx(2, "usage: bus_flood call COUNT | signal COUNT NAME");
        unsigned long count = strtoul(argv[2], NULL, 10);
        int r = sd_bus_open_system(&bus);
        for (unsigned long i = 0; r >= 0 && i < count; i++) {
                r = send_one(bus, signals ? argv[3] : NULL);
                if (r >= 0 && i % AT_ONCE == 0)
                        r = sd_bus_flush(bus);
                if (i == 4 * AT_ONCE) {
                        (void) puts("begun");
                        (void) fflush(stdout);
                }
        }
        if (r < 0 || (r = sd_bus_flush(bus)) < 0)
                errx(1, "the bus: %s", strerror(-r));
        (void) puts("sent");
        sd_bus_flush_close_unref(bus);
        return 0;
}
