/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of a station's state against a bus on which systemd is played: what passes, what is unknown,
 * what a signal changes, and that a systemd that hangs, refuses or goes leaves nothing passing. */
#include "helper/posture.h"

#include "common/socket.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <cmocka.h>

#define MINUTE UINT64_C(60000000)
#define DISK "/org/freedesktop/systemd1/unit/disk_2eservice"
#define SCAN "/org/freedesktop/systemd1/unit/scan_2eservice"

static struct {
        sd_event *event;
        sd_bus *here, *there;
        struct posture *posture;
        struct rules *rules;
        const char *disk, *scan; /* ActiveState */
        uint64_t scan_ended;     /* CLOCK_MONOTONIC */
        bool off, refuse, hang;
        unsigned asked, subscribed;
        sd_bus_message *kept;
        char told[512]; /* of each change: "+disk active " or "-disk failed " */
        unsigned n_told, n_last;
        bool elsewhere; /* nobody wants to know */
} w;

static bool on_told(void *userdata, const struct posture_change *c) {
        size_t n = strlen(w.told);
        if (w.elsewhere)
                return false;
        w.n_told++;
        w.n_last += c->last;
        (void) snprintf(w.told + n, sizeof(w.told) - n, "%c%s %s ", c->passes ? '+' : '-', c->name,
                        c->state);
        return true;
}

static int get_all(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        bool disk = strcmp(sd_bus_message_get_path(m), DISK) == 0;
        const char *interface;
        assert_true(sd_bus_message_read(m, "s", &interface) >= 0);
        assert_string_equal(interface, "org.freedesktop.systemd1.Unit");
        w.asked++;
        if (w.hang) {
                w.kept = sd_bus_message_unref(w.kept);
                w.kept = sd_bus_message_ref(m);
                return 1;
        }
        if (w.refuse)
                return sd_bus_reply_method_errorf(m, "org.freedesktop.DBus.Error.AccessDenied", "no");
        return sd_bus_reply_method_return(m, "a{sv}", 4, "Id", "s", "x", "ActiveState", "s",
                                          disk ? w.disk : w.scan, "ActiveEnterTimestampMonotonic", "t",
                                          UINT64_C(1), "InactiveEnterTimestampMonotonic", "t", w.scan_ended);
}

static int take_any(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Properties", "GetAll"))
                return get_all(m, userdata, error);
        if (sd_bus_message_is_method_call(m, "org.freedesktop.systemd1.Manager", "Subscribe"))
                w.subscribed++;
        return 0;
}

static sd_bus *the_bus(void *userdata) {
        return w.off ? NULL : w.here;
}

static void turn(void) {
        while (sd_event_run(w.event, 20000) > 0)
                ;
}

static const char *passing(void) {
        static char text[BROKER_PASSING_SIZE];
        posture_passing(w.posture, text);
        return text;
}

static void say_changed(const char *path) {
        sd_bus_message *m = NULL;
        assert_true(sd_bus_message_new_signal(w.there, &m, path, "org.freedesktop.DBus.Properties",
                                              "PropertiesChanged") >= 0);
        assert_true(sd_bus_message_set_sender(m, "org.freedesktop.systemd1") >= 0); /* as the bus does */
        assert_true(sd_bus_message_append(m, "sa{sv}as", "org.freedesktop.systemd1.Unit", 0, 0) >= 0);
        assert_true(sd_bus_send(w.there, m, NULL) >= 0);
        sd_bus_message_unref(m);
        turn();
}

static void load(const char *checks) {
        static const char base[] = "[Site]\nRelyingParty=a.org\n[Role n]\nGroups=n\n";
        char text[512];
        struct rules_errors e;
        (void) snprintf(text, sizeof(text), "%s%s", base, checks);
        w.rules = rules_free(w.rules);
        assert_int_equal(rules_parse_text("t", text, strlen(text), &w.rules, &e), 0);
        posture_follow(w.posture, w.rules);
        turn();
}

#define BOTH                                                                                                \
        "[Check disk]\nUnit=disk.service\nThen=no-sign-in\n"                                                \
        "[Check scan]\nUnit=scan.service\nMaxAge=1h\nThen=record\n"

static int begin(void **state) {
        int fds[2];
        memset(&w, 0, sizeof(w));
        w.disk = w.scan = "inactive";
        assert_true(sd_event_new(&w.event) >= 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        assert_true(sd_bus_new(&w.here) >= 0 && sd_bus_set_fd(w.here, fds[0], fds[0]) >= 0);
        assert_true(sd_bus_new(&w.there) >= 0 && sd_bus_set_fd(w.there, fds[1], fds[1]) >= 0);
        assert_true(sd_bus_set_server(w.there, 1, (sd_id128_t){0}) >= 0);
        assert_true(sd_bus_start(w.there) >= 0 && sd_bus_start(w.here) >= 0);
        assert_true(sd_bus_add_filter(w.there, NULL, take_any, NULL) >= 0);
        assert_true(sd_bus_attach_event(w.there, w.event, 0) >= 0 &&
                    sd_bus_attach_event(w.here, w.event, 0) >= 0);
        const struct posture_config c = {.event = w.event, .changed = on_told, .bus = the_bus};
        return posture_new(&c, &w.posture);
}

static int end(void **state) {
        w.posture = posture_free(w.posture);
        w.rules = rules_free(w.rules);
        sd_bus_message_unref(w.kept);
        (void) sd_bus_detach_event(w.here);
        (void) sd_bus_detach_event(w.there);
        sd_bus_close_unref(w.here);
        sd_bus_close_unref(w.there);
        sd_event_unref(w.event);
        return 0;
}

static void what_is_active_passes_and_a_signal_changes_it(void **state) {
        w.disk = "active";
        load(BOTH);
        assert_int_equal(w.subscribed, 1);
        assert_string_equal(passing(), "disk ");
        w.disk = "failed";
        say_changed(DISK);
        assert_string_equal(passing(), "");
        w.disk = "active";
        say_changed(SCAN); /* another one's */
        assert_string_equal(passing(), "");
        say_changed(DISK);
        assert_string_equal(passing(), "disk ");
}

static void a_oneshot_passes_for_as_long_as_the_rules_say(void **state) {
        w.scan_ended = now_monotonic_usec();
        load(BOTH);
        assert_string_equal(passing(), "scan ");
        w.scan = "activating"; /* a timer runs it again */
        say_changed(SCAN);
        assert_string_equal(passing(), "scan ");
        w.scan = "failed";
        say_changed(SCAN);
        assert_string_equal(passing(), "");
        w.scan = "inactive";
        w.scan_ended = 0; /* it never ran */
        say_changed(SCAN);
        assert_string_equal(passing(), "");
}

static void each_change_is_told_once(void **state) {
        w.disk = "active";
        load(BOTH);
        assert_string_equal(w.told, "+disk active -scan inactive ");
        say_changed(DISK); /* nothing changed */
        (void) passing();
        assert_int_equal(w.n_told, 2);
        w.disk = "failed";
        say_changed(DISK);
        (void) passing();
        w.disk = "active";
        say_changed(DISK);
        assert_string_equal(w.told, "+disk active -scan inactive -disk failed +disk active ");
        w.off = true; /* a bus that is lost */
        posture_resume(w.posture);
        (void) passing();
        assert_string_equal(w.told,
                            "+disk active -scan inactive -disk failed +disk active -disk not known ");
}

static void what_is_not_for_this_station_is_told_once_it_is(void **state) {
        w.elsewhere = true;
        w.disk = "active";
        load("[Check disk]\nUnit=disk.service\nThen=record\n");
        (void) passing();
        assert_int_equal(w.n_told, 0);
        w.elsewhere = false;
        (void) passing();
        (void) passing();
        assert_string_equal(w.told, "+disk active ");
}

static void one_that_comes_and_goes_fills_no_records(void **state) {
        w.disk = "active";
        load("[Check disk]\nUnit=disk.service\nThen=record\n");
        for (unsigned i = 0; i < 2 * POSTURE_TELL_MAX; i++) {
                w.disk = i % 2 ? "active" : "failed";
                say_changed(DISK);
        }
        assert_int_equal(w.n_told, POSTURE_TELL_MAX);
        assert_int_equal(w.n_last, 1); /* and the last says that it is */
}

static void what_systemd_does_not_say_does_not_pass(void **state) {
        w.disk = "active";
        w.hang = true;
        load(BOTH);
        assert_string_equal(passing(), "");
        posture_follow(w.posture, NULL); /* with questions on their way */
        w.hang = false;
        w.refuse = true;
        posture_follow(w.posture, w.rules);
        turn();
        assert_string_equal(passing(), "");
        w.refuse = false;
        say_changed(DISK);
        assert_string_equal(passing(), "disk ");
}

static void a_bus_that_was_lost_is_asked_anew(void **state) {
        w.disk = "active";
        load(BOTH);
        w.off = true;
        posture_resume(w.posture);
        assert_string_equal(passing(), "");
        w.off = false;
        posture_resume(w.posture);
        assert_string_equal(passing(), ""); /* until it has answered */
        turn();
        assert_string_equal(passing(), "disk ");
        assert_int_equal(w.subscribed, 2);
}

static void only_what_the_rules_name_is_followed(void **state) {
        w.disk = "active";
        load("");
        assert_int_equal(w.asked + w.subscribed, 0);
        load(BOTH);
        unsigned asked = w.asked;
        posture_follow(w.posture, w.rules); /* the same */
        turn();
        assert_int_equal(w.asked, asked);
        load("[Check disk]\nUnit=other.service\nThen=record\n"); /* the same name for another unit */
        w.disk = "failed";
        say_changed(DISK);
        assert_string_equal(passing(), "");
        posture_follow(w.posture, NULL);
        assert_string_equal(passing(), "");
}

static void a_change_while_it_is_asked_about_is_not_missed(void **state) {
        w.disk = "active";
        w.hang = true;
        load("[Check disk]\nUnit=disk.service\nThen=record\n");
        say_changed(DISK); /* the question is still open */
        unsigned asked = w.asked;
        w.hang = false;
        w.disk = "failed";
        assert_true(sd_bus_reply_method_return(w.kept, "a{sv}", 1, "ActiveState", "s", "active") >= 0);
        turn();
        assert_int_equal(w.asked, asked + 1);
        assert_string_equal(passing(), "");
}

static void the_pure_judgement(void **state) {
        static const struct {
                const char *state;
                uint64_t active, inactive, good, max_age;
                bool passes;
        } rows[] = {
                {"active", 1, 0, 0, 0, true},
                {"reloading", 1, 0, 0, 0, true},
                {"activating", 0, 0, 100 * MINUTE, 0, false},
                {"deactivating", 1, 0, 100 * MINUTE, 0, false},
                {"inactive", 0, 100 * MINUTE, 0, 0, false},
                {"failed", 0, 100 * MINUTE, 100 * MINUTE, 60 * MINUTE, false},
                {"maintenance", 0, 100 * MINUTE, 100 * MINUTE, 60 * MINUTE, false},
                {"", 100 * MINUTE, 100 * MINUTE, 100 * MINUTE, 60 * MINUTE, false},
                {"active", 40 * MINUTE, 0, 0, 60 * MINUTE, true},
                {"active", 40 * MINUTE - 1, 0, 0, 60 * MINUTE, false},
                {"active", 0, 100 * MINUTE, 0, 60 * MINUTE, false},
                {"inactive", 1, 40 * MINUTE, 0, 60 * MINUTE, true},
                {"inactive", 1, 40 * MINUTE - 1, 0, 60 * MINUTE, false},
                {"inactive", 1, 0, 100 * MINUTE, 60 * MINUTE, false},
                {"inactive", 1, 101 * MINUTE, 0, 60 * MINUTE, false}, /* in the future */
                {"activating", 1, 1, 40 * MINUTE, 60 * MINUTE, true},
                {"activating", 1, 1, 0, 60 * MINUTE, false},
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct posture_unit u = {.known = true,
                                         .active_usec = rows[i].active,
                                         .inactive_usec = rows[i].inactive,
                                         .good_usec = rows[i].good};
                (void) snprintf(u.state, sizeof(u.state), "%s", rows[i].state);
                if (posture_passes(&u, rows[i].max_age, 100 * MINUTE) != rows[i].passes)
                        fail_msg("row %zu (%s)", i, rows[i].state);
                u.known = false;
                assert_false(posture_passes(&u, rows[i].max_age, 100 * MINUTE));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
                T(what_is_active_passes_and_a_signal_changes_it),
                T(a_oneshot_passes_for_as_long_as_the_rules_say),
                T(each_change_is_told_once),
                T(what_is_not_for_this_station_is_told_once_it_is),
                T(one_that_comes_and_goes_fills_no_records),
                T(what_systemd_does_not_say_does_not_pass),
                T(a_bus_that_was_lost_is_asked_anew),
                T(only_what_the_rules_name_is_followed),
                T(a_change_while_it_is_asked_about_is_not_missed),
                cmocka_unit_test(the_pure_judgement),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
