/* SPDX-License-Identifier: Apache-2.0 */
/* Which greeter has waited, and its end. */
#include "helper/greeter.h"

#include "common/bytes.h"
#include "helper/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-login.h>

#define SEAT "seat0"

struct greeter {
        struct greeter_config config;
        sd_event_source *timer;
        char waited[TAPS_GREETER_SIZE]; /* logind's id of the greeter that has waited; "": none since it was
                                         * ended
                                         */
};

static unsigned vt_on_screen(void) {
        char text[16];
        uint64_t n;
        _cleanup_(closep) int fd = open("/sys/class/tty/tty0/active", O_RDONLY | O_CLOEXEC);
        ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
        if (got <= 3)
                return 0;
        text[got] = 0;
        text[strcspn(text, "\n")] = 0;
        return strncmp(text, "tty", 3) == 0 && parse_u64(text + 3, 63, &n) >= 0 ? (unsigned) n : 0;
}

static void greeter_on_screen(char *buf, size_t size) {
        _cleanup_(freep) char *session = NULL, *class = NULL;
        buf[0] = 0;
        if (sd_seat_get_active(SEAT, &session, NULL) >= 0 && sd_session_get_class(session, &class) >= 0 &&
            strcmp(class, "greeter") == 0 && strlen(session) < size)
                (void) snprintf(buf, size, "%s", session);
}

void greeter_look(struct taps_screen *ret) {
        *ret = (struct taps_screen){.vt = vt_on_screen()};
        greeter_on_screen(ret->greeter, sizeof(ret->greeter));
}

bool greeter_is_gone(const char *session) {
        _cleanup_(freep) char *class = NULL;
        int r = sd_session_get_class(session, &class);
        return r == -ENXIO || r == -ENODATA;
}

/* A login prompt, or a greeter that is not on the screen, leaves what is known as it is. */
void greeter_waits(struct greeter *g) {
        char session[TAPS_GREETER_SIZE];
        greeter_on_screen(session, sizeof(session));
        if (session[0])
                memcpy(g->waited, session, sizeof(session));
}

static int on_ended(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(m);
        if (e)
                log_line(SD_WARNING, "The greeter waits for no tap and could not be ended: %s",
                         e->message ? e->message : e->name);
        return 0;
}

/* Each greeter is ended once: one that does not wait for taps at all is left alone. */
static void end_greeter(struct greeter *g) {
        char session[TAPS_GREETER_SIZE];
        sd_bus *bus = g->config.bus(g->config.userdata);
        greeter_on_screen(session, sizeof(session));
        if (!bus || !session[0] || strcmp(session, g->waited) != 0)
                return;
        g->waited[0] = 0;
        log_line(SD_NOTICE,
                 "A badge was tapped, and the greeter waits for none any more: it is started anew.");
        (void) sd_bus_call_method_async(bus, NULL, "org.freedesktop.login1", "/org/freedesktop/login1",
                                        "org.freedesktop.login1.Manager", "TerminateSession", on_ended, NULL,
                                        "s", session);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        struct greeter *g = userdata;
        if (g->config.is_unheard(g->config.userdata))
                end_greeter(g);
        return 0;
}

void greeter_tap_unheard(struct greeter *g) {
        if (!g->waited[0])
                return;
        if (!g->timer) {
                (void) sd_event_add_time_relative(g->config.event, &g->timer, CLOCK_MONOTONIC,
                                                  GREETER_PATIENCE_USEC, 0, on_time, g);
                return;
        }
        (void) sd_event_source_set_time_relative(g->timer, GREETER_PATIENCE_USEC);
        (void) sd_event_source_set_enabled(g->timer, SD_EVENT_ONESHOT);
}

int greeter_new(const struct greeter_config *c, struct greeter **ret) {
        struct greeter *g = calloc(1, sizeof(*g));
        if (!g)
                return -ENOMEM;
        g->config = *c;
        *ret = g;
        return 0;
}

struct greeter *greeter_free(struct greeter *g) {
        if (!g)
                return NULL;
        sd_event_source_disable_unref(g->timer);
        free(g);
        return NULL;
}
