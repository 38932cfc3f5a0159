/* SPDX-License-Identifier: Apache-2.0 */
/* station_mock: see station.h.
 *
 *   station_mock WORKER CGROUP VT-FILE SWITCH
 *
 * Run by root: commands on standard input, answers on descriptor 3, events on standard output.
 *
 * WORKER is the program that talks to PAM; CGROUP the folder of the control group that stands for the root
 * of the hierarchy; VT-FILE what stands for /sys/class/tty/tty0/active ("-" for none); SWITCH is
 * wardtap-switch. */
#include "tests/virtual/station/station.h"

#include "common/socket.h"

#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>

static const char *const names[SERVICE_MAX] = {"org.freedesktop.login1", "org.freedesktop.DisplayManager",
                                               "org.freedesktop.systemd1"};

void say(const char *format, ...) {
        va_list ap;
        (void) printf("%" PRIu64 " ", now_monotonic_usec());
        va_start(ap, format);
        (void) vprintf(format, ap);
        va_end(ap);
        (void) putchar('\n');
        (void) fflush(stdout);
}

void die(const char *what, int error) {
        (void) fprintf(stderr, "station_mock: %s: %s\n", what, strerror(abs(error)));
        exit(1);
}

uid_t caller_of(sd_bus_message *m) {
        sd_bus_creds *creds = NULL;
        uid_t uid = (uid_t) -1;
        if (sd_bus_query_sender_creds(m, SD_BUS_CREDS_EUID, &creds) >= 0)
                (void) sd_bus_creds_get_euid(creds, &uid);
        sd_bus_creds_unref(creds);
        return uid;
}

void say_call(sd_bus_message *m, const char *arguments) {
        say("call %d %s %s", (int) caller_of(m), sd_bus_message_get_member(m), arguments);
}

int service_open(struct stage *s, enum service which) {
        static int (*const start[SERVICE_MAX])(struct stage *) = {logind_start, lightdm_start,
                                                                  systemd_start};
        sd_bus *bus = NULL;
        int r;
        if (s->bus[which])
                return -EALREADY;
        if ((r = sd_bus_new(&bus)) < 0 ||
            (r = sd_bus_set_address(bus, "unix:path=/run/dbus/system_bus_socket")) < 0 ||
            (r = sd_bus_set_bus_client(bus, 1)) < 0 || (r = sd_bus_start(bus)) < 0) {
                sd_bus_unref(bus);
                return r;
        }
        s->bus[which] = bus;
        if ((r = start[which](s)) < 0 || (r = sd_bus_attach_event(bus, s->event, 0)) < 0)
                return r;
        return sd_bus_request_name(bus, names[which], 0);
}

void service_close(struct stage *s, enum service which) {
        if (!s->bus[which])
                return;
        (void) sd_bus_detach_event(s->bus[which]);
        s->bus[which] = sd_bus_flush_close_unref(s->bus[which]);
}

/* Ended children are for the loop. */
static void block_signals(void) {
        sigset_t mask;
        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGCHLD);
        (void) sigprocmask(SIG_BLOCK, &mask, NULL);
        (void) signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv) {
        static struct stage s;
        const struct passwd *switcher = getpwnam("wardtapd");
        if (argc != 5)
                return 2;
        s.worker_program = argv[1];
        s.cgroup = argv[2];
        s.switch_program = argv[4];
        s.vt_file = strcmp(argv[3], "-") != 0 ? argv[3] : NULL;
        s.runtime = "/run/systemd";
        s.switcher = switcher ? switcher->pw_uid : 0;
        s.vt = 1;
        s.blocking = -1;
        block_signals();
        int r = sd_event_default(&s.event);
        for (enum service i = 0; r >= 0 && i < SERVICE_MAX; i++)
                r = service_open(&s, i);
        if (r < 0)
                die("cannot be on the system bus", r);
        files_write_seat(&s);
        seat_show(&s, 7);
        if ((r = control_start(&s)) < 0)
                die("cannot be told what to do", r);
        say("ready");
        r = sd_event_loop(s.event);
        lightdm_end(&s);
        return r < 0 ? 1 : 0;
}
