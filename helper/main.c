/* SPDX-License-Identifier: Apache-2.0 */
/* wardtapd: takes its socket, its keys and what was kept over a restart from systemd, and runs the loop. */
#include "helper/daemon.h"
#include "helper/log.h"
#include "helper/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>

#define LISTENER_NAME "broker"
#define INPUT_NAME "input"

static int fail(const char *text, int error) {
        log_line(SD_ERR, "%s%s%s", text, error ? ": " : "", error ? strerror(-error) : "");
        return EXIT_FAILURE;
}

/* What systemd passed: the listeners, and pidfds of sessions. */
struct passed {
        char **names; /* owned, as its strings */
        int n;
        int listener; /* -1 for none */
        int input;    /* where wardtap-idle is heard; -1 for none */
};

static void passed_clear(struct passed *p) {
        for (int i = 0; i < p->n; i++)
                free(p->names[i]);
        free(p->names);
}

static bool is_listener(int fd) {
        return sd_is_socket(fd, AF_UNIX, SOCK_SEQPACKET, 1) > 0;
}

static int set_nonblocking(int fd) {
        int flags = fcntl(fd, F_GETFL);
        return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

/* Puts the one listener of this name into *ret; -1 for none. -ENOTUNIQ when there are more. */
static int find_named(const struct passed *p, const char *name, int *ret) {
        int found = -1;
        for (int i = 0; i < p->n; i++) {
                int fd = SD_LISTEN_FDS_START + i;
                if (!is_listener(fd) || strcmp(p->names[i], name) != 0)
                        continue;
                if (found >= 0)
                        return -ENOTUNIQ;
                found = fd;
        }
        *ret = found;
        return found < 0 ? 0 : set_nonblocking(found);
}

/* Where none is named "broker" it is the only one that is not "input", whatever its name. */
static int find_broker(const struct passed *p, int *ret) {
        int r = find_named(p, LISTENER_NAME, ret);
        if (r < 0 || *ret >= 0)
                return r;
        for (int i = 0; i < p->n; i++) {
                int fd = SD_LISTEN_FDS_START + i;
                if (!is_listener(fd) || fd == p->input)
                        continue;
                if (*ret >= 0)
                        return -ENOTUNIQ;
                *ret = fd;
        }
        return *ret < 0 ? -ENOENT : set_nonblocking(*ret);
}

static int take_passed(struct passed *ret) {
        ret->n = sd_listen_fds_with_names(1, &ret->names);
        if (ret->n < 0) {
                int r = ret->n;
                ret->n = 0;
                return r;
        }
        int r = find_named(ret, INPUT_NAME, &ret->input);
        return r < 0 ? r : find_broker(ret, &ret->listener);
}

static void restore(struct daemon *d, const struct passed *p) {
        for (int i = 0; i < p->n; i++) {
                int fd = SD_LISTEN_FDS_START + i;
                if (fd == p->listener || fd == p->input)
                        continue;
                if (sessions_is_name(p->names[i]) || strcmp(p->names[i], MEMORY_FD_NAME) == 0)
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
        struct daemon_config config = {.event = event,
                                       .listener = passed->listener,
                                       .input_listener = passed->input,
                                       .keys = keys,
                                       .audit = audit_config_default};
        sd_id128_t boot;
        if (sd_id128_get_boot(&boot) >= 0)
                memcpy(config.audit.boot, boot.bytes, sizeof(config.audit.boot));
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
        _cleanup_(passed_clear) struct passed passed = {.listener = -1, .input = -1};
        sd_event *event = NULL;
        if (argc > 1)
                return fail("wardtapd takes no arguments; see wardtapd(8)", 0);
        if (take_passed(&passed) < 0)
                return fail("wardtapd is started by systemd with exactly one listening SOCK_SEQPACKET "
                            "socket for "
                            "attempts (wardtap-broker.socket), and at most one for wardtap-idle; it was not",
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
