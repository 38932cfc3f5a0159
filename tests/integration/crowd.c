/* SPDX-License-Identifier: Apache-2.0 */
/* One user who wants all of wardtap-authd: as UID, opens HOLD connections that say nothing (or START, with
 * --start) and keeps them, then connects FAST times as quickly as it can. Prints what became of them, and
 * holds on until its standard input ends.
 *
 *   crowd [--start] UID HOLD FAST */
#include "common/bytes.h"
#include "common/paths.h"
#include "common/socket.h"
#include "common/util.h"
#include "common/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#define HOLD_MAX 1000U

static int held[HOLD_MAX];

static void say_start(int fd) {
        const struct wire_message m = {.version = WIRE_VERSION,
                                       .type = WIRE_START,
                                       .start = {.hook = WIRE_AUTHENTICATE, .service = "lightdm"}};
        (void) wire_send(fd, &m); /* turned away already, perhaps */
}

static uint64_t number(const char *text, uint64_t max) {
        uint64_t n;
        if (parse_u64(text, max, &n) < 0) {
                (void) fprintf(stderr, "crowd: not a number: %s\n", text);
                exit(2);
        }
        return n;
}

/* How many of them still have an open connection, once the others were told no. */
static unsigned count_open(unsigned n) {
        unsigned open = 0;
        for (unsigned i = 0; i < n; i++) {
                struct pollfd p = {.fd = held[i], .events = POLLRDHUP};
                (void) poll(&p, 1, 0);
                open += held[i] >= 0 && !(p.revents & (POLLHUP | POLLRDHUP | POLLERR));
        }
        return open;
}

int main(int argc, char **argv) {
        int start = argc == 5 && strcmp(argv[1], "--start") == 0;
        if (argc != 4 + start)
                return 2;
        uid_t uid = (uid_t) number(argv[1 + start], UINT32_MAX - 1);
        unsigned hold = (unsigned) number(argv[2 + start], HOLD_MAX), fast = 0, failed = 0;
        uint64_t n_fast = number(argv[3 + start], 100000);
        if (setresuid(uid, uid, uid) < 0)
                return 2;
        for (unsigned i = 0; i < hold; i++) {
                held[i] = -1;
                if (socket_connect(PATH_AUTH_SOCKET, 0, &held[i]) >= 0 && start)
                        say_start(held[i]);
        }
        for (uint64_t i = 0; i < n_fast; i++) {
                _cleanup_(closep) int fd = -1;
                if (socket_connect(PATH_AUTH_SOCKET, 0, &fd) < 0)
                        failed++;
                else
                        fast++;
        }
        (void) poll(NULL, 0, 300); /* for the last of them to be turned away */
        (void) printf("connected fast: %u, refused: %u, still held: %u\n", fast, failed, count_open(hold));
        (void) fflush(stdout);
        while (getchar() != EOF)
                ;
        (void) printf("at the end held: %u\n", count_open(hold));
        return 0;
}
