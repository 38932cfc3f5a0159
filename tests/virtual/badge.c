/* SPDX-License-Identifier: Apache-2.0 */
/* badge: a card on the reader of vpcd (vsmartcard) for as long as it runs; ending it takes the card away.
 * Frames both ways are a 16-bit length and that many bytes; one byte from the reader is a command, more an
 * APDU. */
#include "common/bytes.h"
#include "common/socket.h"
#include "common/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

enum { CONTROL_OFF, CONTROL_ON, CONTROL_RESET, CONTROL_ATR = 4 };

enum fault {
        FAULT_NONE,
        FAULT_TORN,      /* the number's answer has no bytes at all, and the card is gone */
        FAULT_REMOVED,   /* gone instead of an answer */
        FAULT_EMPTY,     /* 9000 without a number */
        FAULT_ONE,       /* a number of one byte */
        FAULT_LONG,      /* of 300 bytes */
        FAULT_SHORT,     /* half a status word */
        FAULT_ENDLESS61, /* always more to fetch */
        FAULT_SILENT,    /* no answer, and not gone */
        FAULT_RESET,     /* out and back in, once, instead of the first answer */
        FAULT_CHANGING,  /* another number at the second read */
        FAULT_RANDOM,    /* 08xxxxxx, another at each power-on */
        FAULT_GARBAGE,   /* 6F00 */
        FAULT_LATE,      /* the answer comes, but late */
        FAULT_MAX,
};

static const char *const faults[] = {"none",     "torn",   "removed",   "empty",  "one",
                                     "long",     "short",  "endless61", "silent", "reset",
                                     "changing", "random", "garbage",   "late"};

struct badge {
        uint16_t port;
        enum fault fault;
        unsigned late_ms;
        uint8_t number[16];
        size_t number_len;
        uint8_t atr[33];
        size_t atr_len;
        uint64_t until_usec;
        int fd;
        unsigned reads; /* of the number */
        bool announced;
        bool was_reset;
};

static const struct {
        const char *name;
        uint8_t history[15]; /* of a storage card: SS NN NN only, the rest is the same for all */
        size_t n;
} types[] = {
        {"mifare-classic-1k", {0x03, 0x00, 0x01}, 3},
        {"mifare-classic-4k", {0x03, 0x00, 0x02}, 3},
        {"ultralight", {0x03, 0x00, 0x03}, 3},
        {"iso15693", {0x0b, 0x00, 0x14}, 3},
        {"felica", {0x11, 0x00, 0x3b}, 3},
        {"desfire", {0x80}, 1},
        {"fido2", {'F', 'I', 'D', 'O', '2'}, 5},
        {"contact", {0}, 0},
};

static void finish_atr(struct badge *b, const uint8_t *history, size_t n) {
        uint8_t head[] = {0x3b, (uint8_t) (0x80 | n), 0x80, 0x01}, tck = 0;
        memcpy(b->atr, head, sizeof(head));
        memcpy(b->atr + sizeof(head), history, n);
        b->atr_len = sizeof(head) + n;
        for (size_t i = 1; i < b->atr_len; i++)
                tck ^= b->atr[i];
        b->atr[b->atr_len++] = tck;
}

static int set_type(struct badge *b, const char *name) {
        static const uint8_t contact[] = {0x3b, 0xf8, 0x13, 0x00, 0x00, 0x81, 0x31, 0xfe, 0x15,
                                          0x59, 0x75, 0x62, 0x69, 0x6b, 0x65, 0x79, 0x34, 0xd4};
        uint8_t storage[15] = {0x80, 0x4f, 0x0c, 0xa0, 0x00, 0x00, 0x03, 0x06};
        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                if (strcmp(types[i].name, name) != 0)
                        continue;
                if (types[i].n == 0) {
                        memcpy(b->atr, contact, sizeof(contact));
                        b->atr_len = sizeof(contact);
                } else if (types[i].n == 3) {
                        memcpy(storage + 8, types[i].history, 3);
                        finish_atr(b, storage, sizeof(storage));
                } else {
                        finish_atr(b, types[i].history, types[i].n);
                }
                if (strcmp(name, "fido2") == 0 && b->fault == FAULT_NONE)
                        b->fault = FAULT_EMPTY;
                return 0;
        }
        return -EINVAL;
}

static int set_fault(struct badge *b, const char *name) {
        uint64_t ms;
        if (strncmp(name, "late:", 5) == 0 && parse_u64(name + 5, 600000, &ms) == 0) {
                b->fault = FAULT_LATE;
                b->late_ms = (unsigned) ms;
                return 0;
        }
        for (size_t i = 0; i < FAULT_LATE; i++)
                if (strcmp(faults[i], name) == 0) {
                        b->fault = (enum fault) i;
                        return 0;
                }
        return -EINVAL;
}

static int badge_connect(struct badge *b) {
        struct sockaddr_in sa = {.sin_family = AF_INET,
                                 .sin_port = htons(b->port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int one = 1;
        closep(&b->fd);
        b->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (b->fd < 0 || connect(b->fd, (struct sockaddr *) &sa, sizeof(sa)) < 0)
                return -errno;
        (void) setsockopt(b->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* only faster */
        return 0;
}

/* Reads exactly n bytes. Ends the card when its time is over. */
static int read_all(struct badge *b, uint8_t *p, size_t n) {
        int one = 1;
        while (n > 0) {
                /* vpcd sends a frame's length and body apart: the body would wait 40 ms for a late ACK. */
                (void) setsockopt(b->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
                if (socket_wait(b->fd, b->until_usec) == -ETIMEDOUT)
                        exit(EXIT_SUCCESS);
                ssize_t got = recv(b->fd, p, n, 0);
                if (got <= 0)
                        return got < 0 ? -errno : -ECONNRESET;
                p += got;
                n -= (size_t) got;
        }
        return 0;
}

static int send_frame(const struct badge *b, const uint8_t *p, size_t n) {
        uint8_t frame[1024] = {(uint8_t) (n >> 8), (uint8_t) n};
        memcpy(frame + 2, p, n);
        return send(b->fd, frame, n + 2, MSG_NOSIGNAL) == (ssize_t) (n + 2) ? 0 : -EPIPE;
}

static int answer(const struct badge *b, const uint8_t *data, size_t n, uint16_t sw) {
        uint8_t out[600];
        memcpy(out, data, n);
        out[n] = (uint8_t) (sw >> 8);
        out[n + 1] = (uint8_t) sw;
        return send_frame(b, out, n + 2);
}

static void wait_ms(unsigned ms) {
        struct timespec ts = {ms / 1000, (long) (ms % 1000) * 1000000};
        (void) nanosleep(&ts, NULL);
}

static int answer_number(struct badge *b) {
        uint8_t number[300] = {0};
        size_t n = b->number_len;
        memcpy(number, b->number, n);
        b->reads++;
        switch (b->fault) {
        case FAULT_TORN:
                (void) send_frame(b, number, 0);
                exit(EXIT_SUCCESS);
        case FAULT_REMOVED:
                exit(EXIT_SUCCESS);
        case FAULT_SILENT:
                return 0;
        case FAULT_SHORT:
                return send_frame(b, number, 1);
        case FAULT_GARBAGE:
                return answer(b, number, 0, 0x6f00);
        case FAULT_RESET:
                if (!b->was_reset) {
                        b->was_reset = true;
                        return badge_connect(b);
                }
                break;
        case FAULT_LATE:
                wait_ms(b->late_ms);
                break;
        case FAULT_CHANGING:
                number[0] ^= (uint8_t) (b->reads / 2);
                break;
        case FAULT_EMPTY:
                n = 0;
                break;
        case FAULT_ONE:
                n = 1;
                break;
        case FAULT_LONG:
                n = sizeof(number);
                break;
        default:
                break;
        }
        return answer(b, number, n, 0x9000);
}

static int answer_apdu(struct badge *b, const uint8_t *apdu, size_t n) {
        static const uint8_t get_data[] = {0xff, 0xca, 0x00, 0x00}, more[16] = {0x04};
        if (b->fault == FAULT_ENDLESS61)
                return answer(b, more, sizeof(more), 0x6110);
        if (n >= sizeof(get_data) && memcmp(apdu, get_data, sizeof(get_data)) == 0)
                return answer_number(b);
        return answer(b, more, 0, 0x6d00);
}

static void power_on(struct badge *b) {
        if (b->fault != FAULT_RANDOM)
                return;
        b->number[0] = 0x08;
        b->number_len = 4;
        if (getrandom(b->number + 1, 3, 0) != 3)
                abort();
}

static int control(struct badge *b, uint8_t command) {
        if (command == CONTROL_ON || command == CONTROL_RESET)
                power_on(b);
        if (!b->announced && (command == CONTROL_ON || command == CONTROL_ATR)) {
                b->announced = true;
                puts("inserted");
                (void) fflush(stdout);
        }
        return command == CONTROL_ATR ? send_frame(b, b->atr, b->atr_len) : 0;
}

static int serve(struct badge *b) {
        static uint8_t frame[65536];
        uint8_t head[2];
        for (;;) {
                int r = read_all(b, head, sizeof(head));
                size_t n = (size_t) (head[0] << 8 | head[1]);
                if (r < 0 || (r = read_all(b, frame, n)) < 0)
                        return r;
                if (n > 0)
                        r = n == 1 ? control(b, frame[0]) : answer_apdu(b, frame, n);
                if (r < 0)
                        return r;
        }
}

static int usage(const char *name) {
        fprintf(stderr,
                "Usage: %s --number HEX [--port N] [--type TYPE] [--fault FAULT] [--for MS]\n"
                "Is a card on vpcd's reader while it runs.\n"
                "TYPE: mifare-classic-1k mifare-classic-4k ultralight desfire iso15693 felica contact "
                "fido2\n"
                "FAULT: torn removed empty one long short endless61 silent reset changing random garbage "
                "late:MS\n",
                name);
        return EXIT_FAILURE;
}

static int parse_options(struct badge *b, int argc, char **argv) {
        static const struct option options[] = {
                {"port", required_argument, NULL, 'p'}, {"number", required_argument, NULL, 'n'},
                {"type", required_argument, NULL, 't'}, {"fault", required_argument, NULL, 'f'},
                {"for", required_argument, NULL, 'm'},  {0}};
        const char *type = "mifare-classic-1k";
        uint64_t v;
        int c, r = 0;
        while (r >= 0 && (c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
                if (c == 'p') {
                        r = parse_u64(optarg, UINT16_MAX, &v);
                        b->port = (uint16_t) v;
                } else if (c == 'n') {
                        r = hex_decode(optarg, b->number, sizeof(b->number), &b->number_len);
                } else if (c == 't') {
                        type = optarg;
                } else if (c == 'f') {
                        r = set_fault(b, optarg);
                } else if (c == 'm') {
                        r = parse_u64(optarg, 3600000, &v);
                        b->until_usec = now_monotonic_usec() + v * 1000U;
                } else {
                        r = -EINVAL;
                }
        }
        if (r >= 0)
                r = set_type(b, type);
        return optind < argc ? -EINVAL : r;
}

int main(int argc, char **argv) {
        struct badge b = {.port = 35963, .until_usec = UINT64_MAX, .fd = -1};
        if (parse_options(&b, argc, argv) < 0)
                return usage(argv[0]);
        int r = badge_connect(&b);
        if (r < 0) {
                fprintf(stderr, "No vpcd on port %u: %s\n", b.port, strerror(-r));
                return EXIT_FAILURE;
        }
        (void) serve(&b); /* the reader went away */
        return EXIT_SUCCESS;
}
