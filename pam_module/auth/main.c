/* SPDX-License-Identifier: Apache-2.0 */
/* wardtap-authd: judges attempts. Started by its socket unit. */
#include "common/util.h"
#include "pam_module/auth/listener.h"
#include "pam_module/auth/sandbox.h"
#include "policy/fido.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <time.h>

static int fail(const char *why, int error) {
        (void) fprintf(stderr, "wardtap-authd: %s%s%s\n", why, error < 0 ? ": " : "",
                       error < 0 ? strerror(-error) : "");
        return EXIT_FAILURE;
}

/* A P-256 key that nobody holds (the base point, so its private half is 1), authenticator data for
 * "localhost" with presence, and a signature of nothing. */
static const uint8_t forged_key[] = {
        0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c,
        0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb,
        0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x22, 0x58, 0x20, 0x4f, 0xe3, 0x42,
        0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33,
        0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};
static const uint8_t forged_data[] = {0x49, 0x96, 0x0d, 0xe5, 0x88, 0x0e, 0x8c, 0x68, 0x74, 0x34,
                                      0x17, 0x0f, 0x64, 0x76, 0x60, 0x5b, 0x8f, 0xe4, 0xae, 0xb9,
                                      0xa2, 0x86, 0x32, 0xc7, 0x99, 0x5c, 0xf3, 0xba, 0x83, 0x1d,
                                      0x97, 0x63, 0x01, 0x00, 0x00, 0x00, 0x01};
static const uint8_t forged_signature[] = {0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01};

/* What libraries read from files or make ready at first use is done now, once for all attempts, which may
 * not or need not: the first signature takes libcrypto twice as long. */
static int warm_up(void) {
        const uint8_t challenge[FIDO_CHALLENGE_SIZE] = {0};
        uint8_t hash[32];
        struct fido_assertion a;
        tzset();
        int r = fido_client_data_hash("webauthn.get", challenge, "localhost", hash);
        if (r < 0)
                return r;
        enum reason reason =
                fido_check_assertion("localhost", hash, forged_key, sizeof(forged_key), forged_data,
                                     sizeof(forged_data), forged_signature, sizeof(forged_signature), &a);
        return reason == REASON_KEY_FORGED ? 0 : -EBADMSG;
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
