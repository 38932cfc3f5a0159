/* SPDX-License-Identifier: Apache-2.0 */
/* wardtap-authd: judges attempts. Started by its socket unit. */
#include "common/util.h"
#include "pam_module/auth/listener.h"
#include "pam_module/auth/sandbox.h"
#include "policy/fido.h"

#include <stdio.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <time.h>

static int fail(const char *why, int error) {
        (void) fprintf(stderr, "wardtap-authd: %s%s%s\n", why, error < 0 ? ": " : "",
                       error < 0 ? strerror(-error) : "");
        return EXIT_FAILURE;
}

/* What libraries read from files at first use is read now, once for all attempts, which may not. */
static int warm_up(void) {
        const uint8_t challenge[FIDO_CHALLENGE_SIZE] = {0};
        uint8_t hash[32];
        tzset();
        return fido_client_data_hash("webauthn.get", challenge, "localhost", hash);
}

int main(int argc, char **argv) {
        if (argc > 1)
                return fail("It takes no arguments; see wardtap-authd(8)", 0);
        int r = sd_listen_fds(true);
        if (r != 1 || sd_is_socket(SD_LISTEN_FDS_START, AF_UNIX, SOCK_SEQPACKET, 1) <= 0)
                return fail("It needs exactly one listening socket, which its socket unit gives it. "
                            "Start wardtap-auth.socket instead.",
                            0);
        if ((r = sandbox_harden()) < 0)
                return fail("It cannot protect itself", r);
        if ((r = sandbox_prepare()) < 0)
                return fail("It cannot make the filter of system calls that shuts attempts in", r);
        if ((r = warm_up()) < 0)
                return fail("libcrypto does not work", r);
        (void) sd_notify(true, "READY=1");
        r = listener_run(SD_LISTEN_FDS_START);
        return fail("It cannot go on", r);
}
