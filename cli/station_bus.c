/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the properties of org.wardtap.Station1. */
#include "cli/station_bus.h"

#include <systemd/sd-bus.h>

#include "cli/output.h"
#include "common/util.h"
#include "helper/bus.h"

#define BUS_TIMEOUT_USEC (3U * 1000U * 1000U)

static struct json_object *read_strings(sd_bus_message *m) {
        struct json_object *array = json_new_array();
        const char *text;
        if (sd_bus_message_enter_container(m, 'a', "s") < 0)
                return array;
        while (sd_bus_message_read_basic(m, 's', &text) > 0)
                json_append(array, json_object_new_string(text));
        (void) sd_bus_message_exit_container(m);
        return array;
}

/* One value of a type that a status has; anything else is passed over. */
static int read_value(sd_bus_message *m, const char *type, struct json_object **ret) {
        union {
                const char *s;
                uint32_t u;
                uint64_t t;
                int b;
        } v;
        int r;
        if (strcmp(type, "as") == 0) {
                *ret = read_strings(m);
                return 0;
        }
        if (type[1] != 0 || !strchr("sutb", type[0])) {
                *ret = NULL;
                return sd_bus_message_skip(m, type);
        }
        if ((r = sd_bus_message_read_basic(m, type[0], &v)) < 0)
                return r;
        *ret = type[0] == 's'   ? json_object_new_string(v.s)
               : type[0] == 'u' ? json_object_new_uint64(v.u)
               : type[0] == 't' ? json_object_new_uint64(v.t)
                                : json_object_new_boolean(v.b);
        return 0;
}

static int read_properties(sd_bus_message *m, struct json_object *o) {
        const char *name, *type;
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                struct json_object *value = NULL;
                if ((r = sd_bus_message_read_basic(m, 's', &name)) < 0 ||
                    (r = sd_bus_message_peek_type(m, NULL, &type)) < 0 ||
                    (r = sd_bus_message_enter_container(m, 'v', type)) < 0 ||
                    (r = read_value(m, type, &value)) < 0)
                        return r;
                json_set(o, name, value);
                if ((r = sd_bus_message_exit_container(m)) < 0 || (r = sd_bus_message_exit_container(m)) < 0)
                        return r;
        }
        return r;
}

static int ask(struct json_object *o) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        int r;
        if ((r = sd_bus_open_system(&bus)) < 0 ||
            (r = sd_bus_message_new_method_call(bus, &call, BUS_NAME, BUS_PATH,
                                                "org.freedesktop.DBus.Properties", "GetAll")) < 0 ||
            (r = sd_bus_message_append(call, "s", BUS_NAME)) < 0 ||
            (r = sd_bus_message_set_auto_start(call, 0)) < 0 ||
            (r = sd_bus_call(bus, call, BUS_TIMEOUT_USEC, NULL, &reply)) < 0)
                return r;
        return read_properties(reply, o);
}

int station_ask(struct json_object **ret) {
        _cleanup_(json_putp) struct json_object *o = json_new();
        int r = ask(o);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(o);
        return 0;
}

static int read_session(sd_bus_message *m, struct json_object *array) {
        const char *id, *user, *attempt;
        uint32_t uid;
        uint64_t since;
        int shown, r = sd_bus_message_read(m, "(susbts)", &id, &uid, &user, &shown, &since, &attempt);
        if (r <= 0)
                return r;
        struct json_object *o = json_new();
        json_set_string(o, "session", id);
        json_set_string(o, "user", user);
        json_set(o, "uid", json_object_new_uint64(uid));
        json_set_bool(o, "shown", shown);
        json_set(o, "since_usec", json_object_new_uint64(since));
        json_set_string(o, "attempt", attempt);
        json_append(array, o);
        return 1;
}

int station_ask_sessions(struct json_object **ret) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        _cleanup_(json_putp) struct json_object *array = json_new_array();
        int r;
        if ((r = sd_bus_open_system(&bus)) < 0 ||
            (r = sd_bus_message_new_method_call(bus, &call, BUS_NAME, BUS_PATH, BUS_NAME, "ListSessions")) <
                    0 ||
            (r = sd_bus_message_set_auto_start(call, 0)) < 0 ||
            (r = sd_bus_call(bus, call, BUS_TIMEOUT_USEC, NULL, &reply)) < 0 ||
            (r = sd_bus_message_enter_container(reply, 'a', "(susbts)")) < 0)
                return r;
        while ((r = read_session(reply, array)) > 0)
                ;
        if (r < 0)
                return r;
        *ret = TAKE_PTR(array);
        return 0;
}
