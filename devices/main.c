/* SPDX-License-Identifier: Apache-2.0 */
/* wardtap-device: the only program that touches cards and keys. Started by systemd with its listening
 * socket; one process per operation; answers what a device said and judges nothing. */
#include "devices/server.h"

#include "common/util.h"
#include "devices/sandbox.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

static int take_listener(void) {
        int n = sd_listen_fds(0);
        if (n != 1 || sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_SEQPACKET, 1, NULL, 0) <= 0)
                return -1;
        int flags = fcntl(SD_LISTEN_FDS_START, F_GETFL);
        if (flags < 0 || fcntl(SD_LISTEN_FDS_START, F_SETFL, flags | O_NONBLOCK) < 0)
                return -1;
        return SD_LISTEN_FDS_START;
}

int main(int argc, char **argv) {
        if (argc > 1) {
                fprintf(stderr, "wardtap-device takes no arguments; see wardtap-device(8)\n");
                return EXIT_FAILURE;
        }
        int listener = take_listener();
        if (listener < 0) {
                fprintf(stderr, "wardtap-device needs exactly one listening SOCK_SEQPACKET socket from "
                                "systemd; start wardtap-device.socket instead.\n");
                return EXIT_FAILURE;
        }
        if (sandbox_prepare() < 0) {
                fprintf(stderr,
                        "wardtap-device cannot make the filter of system calls that shuts in what speaks "
                        "to cards and keys; without it, it does not start.\n");
                return EXIT_FAILURE;
        }
        (void) sd_notify(0, "READY=1");
        (void) umask(0077);
        /* libpcsclite, libfido2 and OpenSSL obey variables of the environment: none of them sees any. */
        if (clearenv() != 0 || prctl(PR_SET_DUMPABLE, 0) < 0) {
                fprintf(stderr, "wardtap-device cannot shut itself off.\n");
                return EXIT_FAILURE;
        }
        int r = server_run(listener);
        fprintf(stderr, "wardtap-device stops: %s\n", strerror(-r));
        return EXIT_FAILURE;
}
