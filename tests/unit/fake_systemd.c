/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/fake_systemd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <cmocka.h>

static int add_match(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, "");
}

static const sd_bus_vtable matches[] = {
        SD_BUS_VTABLE_START(0), SD_BUS_METHOD("AddMatch", "s", "", add_match, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END};

void fake_systemd_begin(struct fake_systemd *f, const sd_bus_vtable *systemd, const sd_bus_vtable *driver) {
        int fds[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        assert_true(sd_event_new(&f->event) >= 0);
        assert_true(sd_bus_new(&f->here) >= 0 && sd_bus_set_fd(f->here, fds[0], fds[0]) >= 0);
        assert_true(sd_bus_new(&f->there) >= 0 && sd_bus_set_fd(f->there, fds[1], fds[1]) >= 0);
        assert_true(sd_bus_set_server(f->there, 1, (sd_id128_t){0}) >= 0);
        assert_true(sd_bus_start(f->there) >= 0 && sd_bus_start(f->here) >= 0);
        assert_true(sd_bus_add_object_vtable(f->there, NULL, "/org/freedesktop/systemd1",
                                             "org.freedesktop.systemd1.Manager", systemd, NULL) >= 0);
        assert_true(sd_bus_add_object_vtable(f->there, NULL, "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                             driver ? driver : matches, NULL) >= 0);
        assert_true(sd_bus_attach_event(f->there, f->event, 0) >= 0 &&
                    sd_bus_attach_event(f->here, f->event, 0) >= 0);
}

void fake_systemd_end(struct fake_systemd *f) {
        sd_bus_close_unref(f->here);
        sd_bus_close_unref(f->there);
        sd_event_unref(f->event);
}

int fake_systemd_reply(struct fake_systemd *f, sd_bus_message *call, const char *job) {
        sd_bus_message *reply = NULL;
        assert_true(sd_bus_message_new_method_return(call, &reply) >= 0);
        assert_true(sd_bus_message_set_sender(reply, FAKE_SYSTEMD) >= 0);
        assert_true(sd_bus_message_append(reply, "o", job) >= 0);
        int r = sd_bus_send(f->there, reply, NULL);
        sd_bus_message_unref(reply);
        return r < 0 ? r : 1;
}

void fake_systemd_removed(struct fake_systemd *f, const char *sender, const char *job, const char *unit,
                          const char *result) {
        sd_bus_message *m = NULL;
        assert_true(sd_bus_message_new_signal(f->there, &m, "/org/freedesktop/systemd1",
                                              "org.freedesktop.systemd1.Manager", "JobRemoved") >= 0);
        assert_true(!sender || sd_bus_message_set_sender(m, sender) >= 0);
        assert_true(sd_bus_message_append(m, "uoss", 77, job, unit, result) >= 0);
        assert_true(sd_bus_send(f->there, m, NULL) >= 0);
        sd_bus_message_unref(m);
}

void fake_systemd_run(struct fake_systemd *f, uint64_t usec) {
        while (sd_event_run(f->event, usec) > 0)
                ;
}
