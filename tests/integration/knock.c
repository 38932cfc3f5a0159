/* SPDX-License-Identifier: Apache-2.0 */
/* What any program may try on a socket: connects to it, as whoever runs it. Prints "open" or the error.
 *
 *   knock PATH
 *
 * Exit status: 0 when it is open, 1 when it is not, 2 for an error of this program itself. */
#include "common/util.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

static int knock(const struct sockaddr_un *address, int type) {
        _cleanup_(closep) int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        return connect(fd, (const struct sockaddr *) address, sizeof(*address)) < 0 ? -errno : 0;
}

int main(int argc, char **argv) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path))
                return 2;
        memcpy(address.sun_path, argv[1], strlen(argv[1]));
        int r = knock(&address, SOCK_STREAM);
        if (r == -EPROTOTYPE)
                r = knock(&address, SOCK_SEQPACKET);
        (void) printf("%s: %s\n", argv[1], r < 0 ? strerror(-r) : "open");
        return r < 0;
}
