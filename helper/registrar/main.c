/* SPDX-License-Identifier: Apache-2.0 */
/* wardtap-registrar: writes into people.db what a ticket allows, and nothing else. Started by its socket. */
#include "helper/log.h"
#include "helper/registrar/server.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

/* Whose attempts may ask. */
#define PEER_USER "wardtap"

static int fail(const char *text, int error) {
        log_line(SD_ERR, "%s%s%s", text, error ? ": " : "", error ? strerror(-error) : "");
        return EXIT_FAILURE;
}

static int handle_signals(sd_event *event) {
        sigset_t set;
        if (sigemptyset(&set) < 0 || sigaddset(&set, SIGTERM) < 0 || sigaddset(&set, SIGINT) < 0 ||
            sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        int r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        return r < 0 ? r : sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
}

static void unrefp(sd_event **event) {
        *event = sd_event_unref(*event);
}

int main(int argc, char **argv) {
        _cleanup_(unrefp) sd_event *event = NULL;
        _cleanup_(registrar_server_freep) struct registrar_server *server = NULL;
        if (argc > 1)
                return fail("wardtap-registrar takes no arguments; see wardtap-registrar(8)", 0);
        if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &(struct rlimit){0}) < 0)
                return fail("Cannot keep codes out of core files", -errno);
        if (sd_listen_fds(1) != 1)
                return fail("wardtap-registrar is started by wardtap-registrar.socket", 0);
        const struct passwd *peer = getpwnam(PEER_USER);
        if (!peer)
                return fail("There is no user '" PEER_USER "'; run systemd-sysusers", 0);
        (void) umask(077);
        int r = sd_event_new(&event);
        if (r >= 0)
                r = handle_signals(event);
        if (r >= 0)
                r = registrar_server_new(event, SD_LISTEN_FDS_START, peer->pw_uid, &server);
        if (r < 0)
                return fail("Cannot start", r);
        (void) sd_notify(0, "READY=1");
        r = sd_event_loop(event);
        (void) sd_notify(0, "STOPPING=1");
        return r < 0 ? fail("The event loop failed", r) : EXIT_SUCCESS;
}
