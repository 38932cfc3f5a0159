/* SPDX-License-Identifier: Apache-2.0 */
/* key-uhid: the virtual key behind /dev/uhid, where the kernel makes it a hidraw node like any other key's.
 * Needs root and a kernel with uhid (the station VM). */
#include "common/util.h"
#include "tests/virtual/key_dress.h"
#include "tests/virtual/key_options.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/uhid.h>
#include <poll.h>
#include <stdio.h>

#define VENDOR 0x1209U /* pid.codes */
#define PRODUCT 0xf1d0U

/* CTAP 2.1, 11.2.8.1: usage page FIDO alliance, one 64-byte report each way. */
static const uint8_t descriptor[] = {
        0x06, 0xd0, 0xf1, 0x09, 0x01, 0xa1, 0x01, /* page, CTAPHID, collection */
        0x09, 0x20, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x40, 0x81, 0x02, /* input */
        0x09, 0x21, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x40, 0x91, 0x02, /* output */
        0xc0,
};

static int send_event(int fd, const struct uhid_event *e) {
        ssize_t n = write(fd, e, sizeof(*e));
        if (n < 0)
                return -errno;
        return (size_t) n == sizeof(*e) ? 0 : -EIO;
}

static int create(int fd, const char *name) {
        struct uhid_event e = {.type = UHID_CREATE2};
        (void) snprintf((char *) e.u.create2.name, sizeof(e.u.create2.name), "Wardtap tests Virtual key");
        (void) snprintf((char *) e.u.create2.uniq, sizeof(e.u.create2.uniq), "%s", name);
        e.u.create2.rd_size = sizeof(descriptor);
        e.u.create2.bus = BUS_USB;
        e.u.create2.vendor = VENDOR;
        e.u.create2.product = PRODUCT;
        memcpy(e.u.create2.rd_data, descriptor, sizeof(descriptor));
        return send_event(fd, &e);
}

/* hidraw passes the report's number on, which is 0 here. */
static void output(struct key *k, const struct uhid_output_req *o) {
        if (o->size == KEY_REPORT_SIZE + 1 && o->data[0] == 0)
                key_feed(k, dress_now_ms(), o->data + 1);
        else if (o->size == KEY_REPORT_SIZE)
                key_feed(k, dress_now_ms(), o->data);
}

static int from_kernel(int fd, struct key *k) {
        struct uhid_event e = {0}, reply = {0};
        if (read(fd, &e, sizeof(e)) < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        switch (e.type) {
        case UHID_OUTPUT:
                output(k, &e.u.output);
                return 0;
        case UHID_CLOSE:
                key_closed(k);
                return 0;
        case UHID_GET_REPORT:
                reply.type = UHID_GET_REPORT_REPLY;
                reply.u.get_report_reply.id = e.u.get_report.id;
                reply.u.get_report_reply.err = EIO;
                return send_event(fd, &reply);
        case UHID_SET_REPORT:
                reply.type = UHID_SET_REPORT_REPLY;
                reply.u.set_report_reply.id = e.u.set_report.id;
                reply.u.set_report_reply.err = EIO;
                return send_event(fd, &reply);
        }
        return 0;
}

static int to_kernel(int fd, struct key *k) {
        struct uhid_event e = {.type = UHID_INPUT2, .u.input2.size = KEY_REPORT_SIZE};
        int r = 0;
        while (r == 0 && key_take(k, e.u.input2.data))
                r = send_event(fd, &e);
        return r;
}

static int run(int fd, int signals, struct key *k) {
        int r = 0;
        while (r == 0) {
                struct pollfd p[] = {{signals, POLLIN, 0}, {fd, POLLIN, 0}};
                if (poll(p, ELEMENTSOF(p), dress_timeout(key_deadline_ms(k))) < 0 && errno != EINTR)
                        return -errno;
                if (p[0].revents && !dress_signalled(signals, k))
                        return 0;
                if (p[1].revents)
                        r = from_kernel(fd, k);
                key_tick(k, dress_now_ms());
                if (r == 0)
                        r = to_kernel(fd, k);
        }
        return r;
}

int main(int argc, char **argv) {
        struct key_options o;
        struct key *k = NULL;
        _cleanup_(closep) int signals = -1;
        if (key_options_parse(argc, argv, &o) < 0)
                return 2;
        o.config.on_touch_wanted = dress_touch_wanted;
        o.config.on_command = key_options_log;
        o.config.userdata = &o;
        _cleanup_(closep) int fd = open("/dev/uhid", O_RDWR | O_CLOEXEC | O_NONBLOCK);
        int r = fd < 0 ? -errno : dress_signals(&signals);
        if (r == 0)
                r = key_new(&o.config, dress_now_ms(), &k);
        if (r == 0)
                r = create(fd, o.name);
        if (r == 0) {
                dress_say("plugged");
                r = run(fd, signals, k); /* closing the node is UHID_DESTROY */
        }
        if (r < 0)
                (void) fprintf(stderr, "Cannot be a key on /dev/uhid with the state %s: %s\n",
                               o.config.state_path, strerror(-r));
        k = key_free(k);
        return r < 0 ? 1 : 0;
}
