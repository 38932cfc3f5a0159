/* SPDX-License-Identifier: Apache-2.0 */
/* wardtap-idle: tells wardtapd that somebody is at the seat, and nothing else. */
#include "common/paths.h"
#include "helper/idle/nodes.h"
#include "helper/idle/report.h"
#include "helper/log.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <systemd/sd-daemon.h>

struct parts {
        sd_event *event;
        struct report *report;
        struct devices *devices;
        struct nodes *nodes;
};

static void parts_clear(struct parts *p) {
        (void) nodes_free(p->nodes);
        (void) devices_free(p->devices);
        (void) report_free(p->report);
        sd_event_unref(p->event);
}

static int fail(const char *text, int error) {
        log_line(SD_ERR, "%s%s%s", text, error ? ": " : "", error ? strerror(-error) : "");
        return EXIT_FAILURE;
}

static void on_active(void *userdata) {
        struct parts *p = userdata;
        report_active(p->report);
}

static void on_watching(void *userdata, bool watching) {
        struct parts *p = userdata;
        report_watching(p->report, watching);
        (void) sd_notify(0, watching ? "STATUS=Watches the input devices of seat0"
                                     : "STATUS=There is no input device on seat0");
}

static const struct devices_events devices_events = {on_active, on_watching};

static int handle_signals(sd_event *event) {
        sigset_t set;
        if (sigemptyset(&set) < 0 || sigaddset(&set, SIGTERM) < 0 || sigaddset(&set, SIGINT) < 0 ||
            sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        int r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        return r < 0 ? r : sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
}

static int start(struct parts *p) {
        int r = sd_event_new(&p->event);
        if (r >= 0)
                r = handle_signals(p->event);
        if (r >= 0)
                r = report_new(p->event, PATH_INPUT_SOCKET, 0, &p->report);
        if (r >= 0)
                r = devices_new(p->event, &devices_events, p, &p->devices);
        return r;
}

int main(int argc, char **argv) {
        _cleanup_(parts_clear) struct parts p = {0};
        if (argc > 1)
                return fail("wardtap-idle takes no arguments; see wardtap-idle(8)", 0);
        if (prctl(PR_SET_DUMPABLE, 0) < 0)
                return fail("Cannot keep what is typed out of core files", -errno);
        int r = start(&p);
        if (r < 0)
                return fail("Cannot start the event loop", r);
        r = nodes_new(p.event, p.devices, &p.nodes);
        if (r < 0)
                return fail("Cannot learn of input devices from udev", r);
        if (devices_count(p.devices) == 0)
                on_watching(&p, false);
        (void) sd_notify(0, "READY=1");
        r = sd_event_loop(p.event);
        (void) sd_notify(0, "STOPPING=1");
        return r < 0 ? fail("The event loop failed", r) : EXIT_SUCCESS;
}
