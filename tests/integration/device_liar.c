/* SPDX-License-Identifier: Apache-2.0 */
/* device_liar: a wardtap-device that a card has taken over. Answers each request at PATH_DEVICE_SOCKET in
 * the way its argument says, once per connection. */
#include "common/paths.h"
#include "common/socket.h"
#include "common/util.h"
#include "devices/wire.h"

#include <poll.h>
#include <stdio.h>
#include <sys/un.h>

static void send_event(int fd, const struct device_event *e) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        device_event_write(&w, e);
        (void) socket_send(fd, buf, w.n); /* the client may be gone */
}

static void flood(int fd) {
        struct device_event e = {.type = DEVICE_EVENT_TOUCH_WANTED};
        for (int i = 0; i < 1000; i++)
                send_event(fd, &e);
}

/* As much as the kernel lets through at once, up to 2 MB. */
static void send_much(int fd) {
        static uint8_t much[2U << 20];
        int size = sizeof(much);
        memset(much, 0x41, sizeof(much));
        (void) setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
        if (socket_send(fd, much, sizeof(much)) < 0)
                (void) socket_send(fd, much, 128U << 10);
}

/* Waits for the client, at most 2 s, and takes in what it sent. */
static void hear(int fd) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        size_t n;
        if (socket_wait(fd, now_monotonic_usec() + 2000000) == 0)
                (void) socket_receive(fd, buf, sizeof(buf), &n); /* a hang-up is fine too */
}

static void ask_twice(int fd) {
        struct device_event pin = {.type = DEVICE_EVENT_PIN_WANTED};
        send_event(fd, &pin);
        hear(fd);
        send_event(fd, &pin);
        hear(fd);
}

static void answer(int fd, const char *how) {
        static const uint8_t garbage[] = {0x41, 0x41, 0x41, 0x41};
        struct device_event assertion = {
                .type = DEVICE_EVENT_ASSERTION,
                .assertion = {.credential_id_len = 1, .authdata_len = 1, .signature_len = 1}};
        if (strcmp(how, "garbage") == 0)
                (void) socket_send(fd, garbage, sizeof(garbage));
        else if (strcmp(how, "much") == 0)
                send_much(fd);
        else if (strcmp(how, "assertion") == 0)
                send_event(fd, &assertion);
        else if (strcmp(how, "flood") == 0)
                flood(fd);
        else if (strcmp(how, "pin-twice") == 0)
                ask_twice(fd);
        /* "nothing": hangs up */
}

int main(int argc, char **argv) {
        struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = PATH_DEVICE_SOCKET};
        int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        if (argc != 2 || listener < 0 || bind(listener, (struct sockaddr *) &sa, sizeof(sa)) < 0 ||
            listen(listener, 8) < 0)
                return EXIT_FAILURE;
        puts("listening");
        (void) fflush(stdout);
        for (;;) {
                _cleanup_(closep) int fd = -1;
                if (socket_accept(listener, NULL, &fd) < 0)
                        continue;
                hear(fd);
                answer(fd, argv[1]);
        }
}
