/* SPDX-License-Identifier: Apache-2.0 */
/* LightDM's engine against a bus on which a display manager and systemd are played: whom it asks for what,
 * and that a grant is good once, for one person, and only after the display manager was asked. */
#include "helper/switcher.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <cmocka.h>

#define ATTEMPT "00112233445566778899aabbccddeeff"

static struct {
        sd_event *event;
        sd_bus *here, *there; /* wardtapd's end, and that of the bus with everybody on it */
        struct switcher *switcher;
        /* the world */
        const char *unit; /* object path that display-manager.service has; NULL = there is none */
        unsigned seats;
        bool refuse, vanish;
        /* what happened */
        unsigned switched;
        char user[65];
        uint64_t client;
        int status;
        unsigned dones;
        int taken;
} w;

static int get_unit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name;
        assert_true(sd_bus_message_read(m, "s", &name) >= 0);
        assert_string_equal(name, "display-manager.service");
        if (!w.unit)
                return sd_bus_reply_method_errorf(m, "org.freedesktop.systemd1.NoSuchUnit", "not loaded");
        return sd_bus_reply_method_return(m, "o", w.unit);
}

static int switch_to_user(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *user, *session;
        assert_true(sd_bus_message_read(m, "ss", &user, &session) >= 0);
        assert_string_equal(session, "");
        (void) snprintf(w.user, sizeof(w.user), "%s", user);
        w.switched++;
        if (w.vanish) /* what the bus says when the display manager goes in the middle of it */
                return sd_bus_reply_method_errorf(m, "org.freedesktop.DBus.Error.NoReply", "gone");
        return w.refuse ? sd_bus_reply_method_errorf(m, "org.freedesktop.DBus.Error.Failed", "cannot switch")
                        : sd_bus_reply_method_return(m, "");
}

static int get_seats(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        int r = sd_bus_message_open_container(reply, 'a', "o");
        for (unsigned i = 0; r >= 0 && i < w.seats; i++)
                r = sd_bus_message_append(reply, "o",
                                          i == 0 ? "/org/freedesktop/DisplayManager/Seat0"
                                                 : "/org/freedesktop/DisplayManager/Seat1");
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static const sd_bus_vtable manager[] = {SD_BUS_VTABLE_START(0),
                                        SD_BUS_PROPERTY("Seats", "ao", get_seats, 0, 0), SD_BUS_VTABLE_END};
static const sd_bus_vtable seat[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("SwitchToUser", "ss", "", switch_to_user, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END};
static const sd_bus_vtable systemd[] = {
        SD_BUS_VTABLE_START(0), SD_BUS_METHOD("GetUnit", "s", "o", get_unit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END};

static sd_bus *the_bus(void *userdata) {
        return w.here;
}

static enum switch_engine the_engine(void *userdata) {
        return SWITCH_LIGHTDM;
}

static void on_done(void *userdata, const struct switcher_wish *wish, int status) {
        w.client = wish->client;
        w.status = status;
        w.dones++;
}

static int begin(void **state) {
        int fds[2];
        memset(&w, 0, sizeof(w));
        w.unit = "/org/freedesktop/systemd1/unit/lightdm_2eservice";
        w.seats = 1;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        assert_true(sd_event_new(&w.event) >= 0);
        assert_true(sd_bus_new(&w.here) >= 0 && sd_bus_set_fd(w.here, fds[0], fds[0]) >= 0);
        assert_true(sd_bus_new(&w.there) >= 0 && sd_bus_set_fd(w.there, fds[1], fds[1]) >= 0);
        assert_true(sd_bus_set_server(w.there, 1, (sd_id128_t){0}) >= 0);
        assert_true(sd_bus_start(w.there) >= 0 && sd_bus_start(w.here) >= 0);
        assert_true(sd_bus_add_object_vtable(w.there, NULL, "/org/freedesktop/DisplayManager",
                                             "org.freedesktop.DisplayManager", manager, NULL) >= 0);
        assert_true(sd_bus_add_object_vtable(w.there, NULL, "/org/freedesktop/DisplayManager/Seat0",
                                             "org.freedesktop.DisplayManager.Seat", seat, NULL) >= 0);
        assert_true(sd_bus_add_object_vtable(w.there, NULL, "/org/freedesktop/systemd1",
                                             "org.freedesktop.systemd1.Manager", systemd, NULL) >= 0);
        assert_true(sd_bus_attach_event(w.there, w.event, 0) >= 0 &&
                    sd_bus_attach_event(w.here, w.event, 0) >= 0);
        const struct switcher_config c = {
                .event = w.event, .bus = the_bus, .done = on_done, .engine = the_engine};
        assert_int_equal(switcher_new(&c, &w.switcher), 0);
        return 0;
}

static int end(void **state) {
        w.switcher = switcher_free(w.switcher);
        sd_bus_close_unref(w.here);
        sd_bus_close_unref(w.there);
        sd_event_unref(w.event);
        return 0;
}

static void wish(uint64_t client, const char *user) {
        struct switcher_wish wish = {.client = client,
                                     .uid = 2001,
                                     .service = "lightdm",
                                     .attempt = ATTEMPT,
                                     .unit = "lightdm.service"};
        (void) snprintf(wish.user, sizeof(wish.user), "%s", user);
        assert_int_equal(switcher_begin(w.switcher, &wish), 0);
}

/* Until nothing more happens. */
static void run(void) {
        while (sd_event_run(w.event, 200000) > 0)
                ;
}

static bool take(uid_t uid, const char *user, const char *service, const char *unit) {
        char attempt[33] = "";
        w.taken = switcher_take(w.switcher, uid, user, service, unit, attempt);
        assert_string_equal(attempt, w.taken == 0 ? ATTEMPT : "");
        return w.taken == 0;
}

static void the_display_manager_is_asked_and_its_transaction_is_let_in_once(void **state) {
        wish(7, "anna");
        assert_false(take(2001, "anna", "lightdm", "lightdm.service")); /* nobody was asked yet */
        run();
        assert_int_equal(w.switched, 1);
        assert_string_equal(w.user, "anna");
        assert_int_equal(w.dones, 0);
        assert_false(take(2002, "anna", "lightdm", "lightdm.service"));
        assert_false(take(2001, "ben", "lightdm", "lightdm.service"));
        assert_false(take(2001, "anna", "su", "lightdm.service"));
        assert_false(take(2001, "anna", "lightdm", "user@2001.service"));
        assert_true(take(2001, "anna", "lightdm", "lightdm.service"));
        assert_true(w.dones == 1 && w.client == 7 && w.status == 0);
        assert_false(take(2001, "anna", "lightdm", "lightdm.service"));
        run();
        assert_int_equal(w.dones, 1);
}

/* A tap at an open session: wardtapd asks, and it is the display manager whose transaction is let in. */
static void a_wish_of_wardtapd_itself_is_for_the_display_manager_alone(void **state) {
        struct switcher_wish own = {
                .client = 7, .uid = 2001, .user = "anna", .service = "lightdm", .attempt = ATTEMPT};
        assert_int_equal(switcher_begin(w.switcher, &own), 0);
        run();
        assert_int_equal(w.switched, 1);
        assert_false(take(2001, "anna", "lightdm", "user@2001.service"));
        assert_false(take(2001, "anna", "lightdm", ""));
        assert_true(take(2001, "anna", "lightdm", "lightdm.service"));
}

static void what_cannot_be_begun_is_said(void **state) {
        for (unsigned i = 0; i < 5; i++) {
                w.unit = i == 0   ? NULL
                         : i == 1 ? "/org/freedesktop/systemd1/unit/gdm_2eservice"
                                  : "/org/freedesktop/systemd1/unit/lightdm_2eservice";
                w.seats = i == 2 ? 0 : i == 3 ? 2 : 1;
                w.refuse = i == 4;
                w.dones = 0;
                wish(7, "anna");
                run();
                assert_int_equal(w.switched, i == 4);
                assert_true(w.dones == 1 && w.client == 7);
                assert_int_equal(w.status, i >= 2 ? -ENOSYS : -EOPNOTSUPP);
                assert_false(take(2001, "anna", "lightdm", "lightdm.service"));
        }
        sd_bus *bus = w.here;
        w.here = NULL;
        assert_int_equal(
                switcher_begin(w.switcher, &(struct switcher_wish){.client = 7, .unit = "lightdm.service"}),
                -EOPNOTSUPP);
        w.here = bus;
}

static void a_newer_wish_ends_the_one_before(void **state) {
        wish(7, "anna");
        run();
        wish(8, "ben");
        assert_true(w.dones == 1 && w.client == 7 && w.status == -ECANCELED);
        assert_false(take(2001, "anna", "lightdm", "lightdm.service"));
        assert_int_equal(w.taken, -ESTALE); /* hers comes too late, and must not wait */
        assert_false(take(2001, "anna", "lightdm", "lightdm.service"));
        assert_int_equal(w.taken, -ENOENT);
        run();
        assert_true(take(2001, "ben", "lightdm", "lightdm.service"));
        assert_true(w.dones == 2 && w.client == 8 && w.status == 0);
}

static void who_hangs_up_leaves_no_grant(void **state) {
        wish(7, "anna");
        run();
        switcher_client_gone(w.switcher, 8);
        assert_true(switcher_is_busy(w.switcher));
        switcher_client_gone(w.switcher, 7);
        assert_false(switcher_is_busy(w.switcher));
        assert_true(w.dones == 1 && w.status == -ECANCELED); /* for the record: she was let in, and is not */
        assert_false(take(2001, "anna", "lightdm", "lightdm.service"));
        wish(7, "anna");
        switcher_client_gone(w.switcher, 7); /* in the middle of the calls */
        run();
        assert_int_equal(w.switched, 1);
        assert_true(w.dones == 2 && w.status == -EOPNOTSUPP);
}

static void a_grant_that_nobody_uses_ends(void **state) {
        wish(7, "anna");
        while (w.dones == 0)
                assert_true(sd_event_run(w.event, 2 * BROKER_GRANT_USEC) > 0);
        assert_true(w.client == 7 && w.status == -ETIMEDOUT);
        assert_false(take(2001, "anna", "lightdm", "lightdm.service"));
}

/* systemd does not answer (it reloads): nothing was begun, so a login prompt must not refuse its person. */
static void what_was_never_begun_is_no_refusal(void **state) {
        wish(7, "anna");
        sd_bus_detach_event(w.there);
        while (w.dones == 0)
                assert_true(sd_event_run(w.event, 2 * BROKER_GRANT_USEC) > 0);
        assert_int_equal(w.switched, 0);
        assert_int_equal(w.status, -EOPNOTSUPP);
}

static void an_application_of_another_unit_ends_nobodys_wish(void **state) {
        struct switcher_wish login = {.client = 8,
                                      .uid = 2002,
                                      .user = "ben",
                                      .service = "login",
                                      .attempt = ATTEMPT,
                                      .unit = "getty@tty2.service"};
        wish(7, "anna");
        run();
        assert_int_equal(switcher_begin(w.switcher, &login), -EOPNOTSUPP);
        assert_int_equal(w.dones, 0);
        assert_true(take(2001, "anna", "lightdm", "lightdm.service"));
}

/* It may have begun, so the greeter must not get the person. */
static void a_display_manager_that_vanishes_has_perhaps_begun(void **state) {
        w.vanish = true;
        wish(7, "anna");
        run();
        assert_true(w.dones == 1 && w.status == -EIO);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void) {
        const struct CMUnitTest tests[] = {
                T(the_display_manager_is_asked_and_its_transaction_is_let_in_once),
                T(what_cannot_be_begun_is_said),
                T(a_newer_wish_ends_the_one_before),
                T(who_hangs_up_leaves_no_grant),
                T(what_was_never_begun_is_no_refusal),
                T(a_wish_of_wardtapd_itself_is_for_the_display_manager_alone),
                T(an_application_of_another_unit_ends_nobodys_wish),
                T(a_display_manager_that_vanishes_has_perhaps_begun),
                T(a_grant_that_nobody_uses_ends),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
