/* SPDX-License-Identifier: Apache-2.0 */
/* wardtapd's side of the conversation with an attempt at an open session. */
#include "helper/judge.h"

#include "common/socket.h"

#include <errno.h>
#include <sys/epoll.h>

struct judge {
        sd_event *event;
        const char *socket;
        struct judge_events events;
        void *userdata;
        int fd; /* -1: none is under way */
        sd_event_source *io, *timer;
};

static void hang_up(struct judge *j) {
        j->io = sd_event_source_disable_unref(j->io);
        closep(&j->fd);
        if (j->timer)
                (void) sd_event_source_set_enabled(j->timer, SD_EVENT_OFF);
}

static void end(struct judge *j, int error, enum wire_verdict verdict) {
        hang_up(j);
        j->events.done(j->userdata, error, verdict);
}

static int on_message(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct judge *j = userdata;
        _cleanup_(wire_message_erase) struct wire_message m = {.type = WIRE_TYPE_INVALID};
        int r = wire_receive(j->fd, &m);
        if (r == -EAGAIN)
                return 0;
        if (r < 0)
                end(j, r, WIRE_DENY);
        else if (m.type == WIRE_INFO || m.type == WIRE_ERROR)
                j->events.words(j->userdata, m.type, m.text);
        else if (m.type == WIRE_VERDICT)
                end(j, 0, m.verdict.verdict);
        else
                end(j, -EBADMSG, WIRE_DENY); /* there is nobody to answer a prompt */
        return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        struct judge *j = userdata;
        if (j->fd >= 0)
                end(j, -ETIMEDOUT, WIRE_DENY);
        return 0;
}

static int arm(struct judge *j) {
        if (!j->timer)
                return sd_event_add_time_relative(j->event, &j->timer, CLOCK_MONOTONIC, JUDGE_USEC, 0,
                                                  on_time, j);
        int r = sd_event_source_set_time_relative(j->timer, JUDGE_USEC);
        return r < 0 ? r : sd_event_source_set_enabled(j->timer, SD_EVENT_ONESHOT);
}

int judge_begin(struct judge *j, enum wire_hook hook, const char *service, const char *seat,
                const char *user) {
        struct wire_message m = {.version = WIRE_VERSION, .type = WIRE_START, .start = {.hook = hook}};
        if (j->fd >= 0)
                return -EBUSY;
        if (text_copy(m.start.service, sizeof(m.start.service), service) < 0 ||
            text_copy(m.start.seat, sizeof(m.start.seat), seat) < 0 ||
            text_copy(m.start.user, sizeof(m.start.user), user) < 0 || !*service)
                return -EINVAL;
        int r = socket_connect(j->socket, 0, &j->fd);
        if (r >= 0)
                r = wire_send(j->fd, &m);
        if (r >= 0)
                r = sd_event_add_io(j->event, &j->io, j->fd, EPOLLIN, on_message, j);
        if (r >= 0)
                r = arm(j);
        if (r < 0)
                hang_up(j);
        return r;
}

bool judge_is_busy(const struct judge *j) {
        return j->fd >= 0;
}

int judge_new(sd_event *event, const char *socket, const struct judge_events *events, void *userdata,
              struct judge **ret) {
        struct judge *j = calloc(1, sizeof(*j));
        if (!j)
                return -ENOMEM;
        *j = (struct judge){.event = sd_event_ref(event),
                            .socket = socket,
                            .events = *events,
                            .userdata = userdata,
                            .fd = -1};
        *ret = j;
        return 0;
}

struct judge *judge_free(struct judge *j) {
        if (!j)
                return NULL;
        hang_up(j);
        sd_event_source_disable_unref(j->timer);
        sd_event_unref(j->event);
        free(j);
        return NULL;
}
