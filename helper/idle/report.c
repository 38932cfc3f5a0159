/* SPDX-License-Identifier: Apache-2.0 */
/* Two bytes, when somebody is there to hear them. */
#include "helper/idle/report.h"

#include "common/socket.h"
#include "helper/input.h"

#include <errno.h>

#define PAUSE_LEAST_USEC (1000U * 1000U)
#define PAUSE_MOST_USEC (30U * 1000U * 1000U)

struct report {
        sd_event *event;
        const char *path;
        uid_t listener_uid;
        int fd; /* -1: not connected */
        sd_event_source *io;
        bool watching;
        uint64_t pause_usec, not_before_usec; /* of the next try */
};

static void hang_up(struct report *r) {
        r->io = sd_event_source_disable_unref(r->io);
        closep(&r->fd);
}

static int on_end(sd_event_source *source, int fd, uint32_t events, void *userdata);

static int try_connect(struct report *r) {
        uint64_t now = now_monotonic_usec();
        if (now < r->not_before_usec)
                return -EAGAIN;
        r->pause_usec = r->pause_usec == 0 ? PAUSE_LEAST_USEC : r->pause_usec * 2;
        if (r->pause_usec > PAUSE_MOST_USEC)
                r->pause_usec = PAUSE_MOST_USEC;
        r->not_before_usec = now + r->pause_usec;
        int e = socket_connect(r->path, r->listener_uid, &r->fd);
        if (e >= 0)
                e = sd_event_add_io(r->event, &r->io, r->fd, EPOLLIN, on_end, r);
        if (e < 0)
                hang_up(r);
        return e;
}

/* wardtapd never says anything: whatever is seen is the end. */
static int on_end(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct report *r = userdata;
        hang_up(r);
        if (r->watching)
                (void) try_connect(r);
        return 0;
}

void report_watching(struct report *r, bool watching) {
        r->watching = watching;
        if (!watching)
                hang_up(r);
        else if (r->fd < 0)
                (void) try_connect(r);
}

/* A message that was taken ends the growing of pauses. A full queue (wardtapd hangs) is left alone. */
void report_active(struct report *r) {
        static const uint8_t message[INPUT_MESSAGE_LEN] = {INPUT_VERSION, INPUT_ACTIVE};
        int e = -ENOTCONN;
        if (r->fd >= 0)
                e = socket_send(r->fd, message, sizeof(message));
        if (e < 0 && e != -EAGAIN) {
                hang_up(r);
                e = try_connect(r);
                if (e >= 0)
                        e = socket_send(r->fd, message, sizeof(message));
        } else if (e >= 0) {
                r->pause_usec = 0;
        }
}

int report_new(sd_event *event, const char *path, uid_t listener_uid, struct report **ret) {
        struct report *r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;
        r->event = sd_event_ref(event);
        r->path = path;
        r->listener_uid = listener_uid;
        r->fd = -1;
        *ret = r;
        return 0;
}

struct report *report_free(struct report *r) {
        if (!r)
                return NULL;
        hang_up(r);
        sd_event_unref(r->event);
        free(r);
        return NULL;
}
