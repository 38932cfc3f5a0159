/* SPDX-License-Identifier: Apache-2.0 */
/* Follows the terminal on the screen. */
#include "helper/console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

struct console {
        void (*changed)(void *userdata);
        void *userdata;
        int fd;
        sd_event_source *io;
};

/* Only what is read is not told again. */
static int take(int fd) {
        char text[16];
        return pread(fd, text, sizeof(text), 0) < 0 ? -errno : 0;
}

static int on_change(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct console *c = userdata;
        if (take(fd) < 0) {
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
                return 0;
        }
        c->changed(c->userdata);
        return 0;
}

int console_new(sd_event *event, void (*changed)(void *userdata), void *userdata, struct console **ret) {
        _cleanup_(console_freep) struct console *c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        *c = (struct console){.changed = changed, .userdata = userdata, .fd = -1};
        c->fd = open(CONSOLE_ACTIVE, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (c->fd < 0)
                return -errno;
        int r = take(c->fd);
        if (r >= 0)
                r = sd_event_add_io(event, &c->io, c->fd, EPOLLPRI, on_change, c);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

bool console_shows(unsigned vt) {
        char text[16], wanted[16];
        _cleanup_(closep) int fd = open(CONSOLE_ACTIVE, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
        if (n <= 0)
                return false;
        text[n] = 0;
        text[strcspn(text, "\n")] = 0;
        (void) snprintf(wanted, sizeof(wanted), "tty%u", vt);
        return strcmp(text, wanted) == 0;
}

struct console *console_free(struct console *c) {
        if (!c)
                return NULL;
        sd_event_source_disable_unref(c->io);
        closep(&c->fd);
        free(c);
        return NULL;
}
