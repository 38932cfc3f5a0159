/* SPDX-License-Identifier: Apache-2.0 */
/* wardtapd: takes its socket, its keys and what was kept over a restart from systemd, and runs the loop. */
#include "helper/daemon.h"
#include "helper/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <systemd/sd-daemon.h>

#define LISTENER_NAME "broker"

static int fail(const char *text, int error) {
        log_line(SD_ERR, "%s%s%s", text, error ? ": " : "", error ? strerror(-error) : "");
        return EXIT_FAILURE;
}

/* What systemd passed: the listener, and pidfds of sessions. */
struct passed {
        char **names; /* owned, as its strings */
        int n;
        int listener; /* -1 for none */
};

static void passed_clear(struct passed *p) {
        for (int i = 0; i < p->n; i++)
                free(p->names[i]);
        free(p->names);
}

static bool is_listener(int fd) {
        return sd_is_socket(fd, AF_UNIX, SOCK_SEQPACKET, 1) > 0;
}

/* With one listener its name does not matter; with several, it is the one named "broker". */
static int take_passed(struct passed *ret) {
        int found = -1, n_found = 0, named = -1, n_named = 0;
        ret->n = sd_listen_fds_with_names(1, &ret->names);
        if (ret->n < 0) {
                int r = ret->n;
                ret->n = 0;
                return r;
        }
        for (int i = 0; i < ret->n; i++) {
                int fd = SD_LISTEN_FDS_START + i;
                if (!is_listener(fd))
                        continue;
                found = fd;
                n_found++;
                if (strcmp(ret->names[i], LISTENER_NAME) == 0) {
                        named = fd;
                        n_named++;
                }
        }
        if (n_found != 1 && n_named != 1)
                return -ENOENT;
        ret->listener = n_found == 1 ? found : named;
        int flags = fcntl(ret->listener, F_GETFL);
        return flags < 0 || fcntl(ret->listener, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

static void restore(struct daemon *d, const struct passed *p) {
        for (int i = 0; i < p->n; i++) {
                int fd = SD_LISTEN_FDS_START + i;
                if (fd == p->listener)
                        continue;
                if (sessions_is_name(p->names[i]))
                        daemon_restore(d, p->names[i], fd);
                else
                        (void) close(fd);
        }
}

/* SIGTERM and SIGINT end the loop; a full disk is an error of write, not a signal. */
static int handle_signals(sd_event *event) {
        sigset_t set;
        if (sigemptyset(&set) < 0 || sigaddset(&set, SIGTERM) < 0 || sigaddset(&set, SIGINT) < 0 ||
            sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
                return -errno;
        int r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        return r < 0 ? r : sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
}

static int load_keys(struct badge_keys *ret) {
        const char *file = NULL;
        int r = badge_keys_load(secure_getenv("CREDENTIALS_DIRECTORY"), ret, &file);
        if (r == -ENOENT)
                log_line(SD_ERR,
                         "wardtapd needs the site's badge key as the systemd credential \"%s\" "
                         "(LoadCredential=), 32 bytes.",
                         file);
        else if (r == -EBADMSG)
                log_line(SD_ERR, "The credential \"%s\" must be exactly 32 bytes.", file);
        else if (r == -EEXIST)
                log_line(SD_ERR,
                         "The credentials \"badge-key\" and \"badge-key-previous\" are the same key.");
        else if (r < 0)
                log_line(SD_ERR, "Cannot read the credential \"%s\": %s", file, strerror(-r));
        return r;
}

static int run(sd_event *event, struct passed *passed, const struct badge_keys *keys) {
        struct daemon_config config = {
                .event = event, .listener = passed->listener, .keys = keys, .audit = audit_config_default};
        _cleanup_(daemon_freep) struct daemon *d = NULL;
        int r = daemon_new(&config, &d);
        if (r < 0)
                return fail("Cannot write audit records to /var/lib/wardtap/audit", r);
        restore(d, passed);
        daemon_say_status(d);
        (void) sd_notify(0, "READY=1");
        r = sd_event_loop(event);
        (void) sd_notify(0, "STOPPING=1");
        return r < 0 ? fail("The event loop failed", r) : EXIT_SUCCESS;
}

int main(int argc, char **argv) {
        _cleanup_(badge_keys_clear) struct badge_keys keys = {0};
        _cleanup_(passed_clear) struct passed passed = {.listener = -1};
        sd_event *event = NULL;
        if (argc > 1)
                return fail("wardtapd takes no arguments; see wardtapd(8)", 0);
        if (take_passed(&passed) < 0)
                return fail(
                        "wardtapd is started by systemd with exactly one listening SOCK_SEQPACKET socket "
                        "(wardtap-broker.socket); it was not",
                        0);
        if (prctl(PR_SET_DUMPABLE, 0) < 0)
                return fail("Cannot keep the badge key out of core files", -errno);
        if (load_keys(&keys) < 0)
                return EXIT_FAILURE;
        int r = sd_event_new(&event);
        if (r >= 0)
                r = handle_signals(event);
        if (r >= 0)
                r = sd_event_set_watchdog(event, 1);
        int status = r < 0 ? fail("Cannot start the event loop", r) : run(event, &passed, &keys);
        sd_event_unref(event);
        return status;
}
