/* SPDX-License-Identifier: Apache-2.0 */
/* PAM's account rules about those who are signed in, against a bus on which systemd is played: one unit at a
 * time, what ends somebody's sessions, and that nothing else does. */
#include "helper/accounts.h"
#include "helper/switch/instance.h"
#include "tests/unit/fake_systemd.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <cmocka.h>

#define UNIT(uid) "wardtap-account@" #uid ".service"
#define JOB "/org/freedesktop/systemd1/job/77"
#define UNITS "/org/freedesktop/systemd1/unit/"

static struct {
        struct fake_systemd bus;
        struct accounts *accounts;
        /* the world */
        bool off, refuse, silent,
                hide; /* no bus; systemd does not start it, does not answer, tells no status */
        int32_t status;
        /* what happened */
        unsigned started, stopped, n_refused;
        char unit[200], stopped_unit[200], read[200];
        uid_t refused;
} w;

static void say_removed(const char *sender, const char *result) {
        fake_systemd_removed(&w.bus, sender, JOB, w.unit, result);
}

static int restart_unit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *unit, *mode;
        assert_true(sd_bus_message_read(m, "ss", &unit, &mode) >= 0);
        assert_string_equal(mode, "replace");
        (void) snprintf(w.unit, sizeof(w.unit), "%s", unit);
        w.started++;
        if (w.silent)
                return 1;
        if (w.refuse)
                return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_ACCESS_DENIED, "may not");
        return fake_systemd_reply(&w.bus, m, JOB);
}

static int stop_unit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *unit;
        assert_true(sd_bus_message_read(m, "s", &unit) >= 0);
        (void) snprintf(w.stopped_unit, sizeof(w.stopped_unit), "%s", unit);
        w.stopped++;
        return sd_bus_reply_method_return(m, "o", "/org/freedesktop/systemd1/job/78");
}

static int get_status(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *interface, *name;
        if (!sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Properties", "Get"))
                return 0;
        assert_true(sd_bus_message_read(m, "ss", &interface, &name) >= 0);
        assert_string_equal(interface, "org.freedesktop.systemd1.Service");
        assert_string_equal(name, "ExecMainStatus");
        (void) snprintf(w.read, sizeof(w.read), "%s", sd_bus_message_get_path(m));
        if (w.hide)
                return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_UNKNOWN_OBJECT, "gone");
        return sd_bus_reply_method_return(m, "v", "i", w.status);
}

static const sd_bus_vtable systemd[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("RestartUnit", "ss", "o", restart_unit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("StopUnit", "ss", "o", stop_unit, SD_BUS_VTABLE_UNPRIVILEGED), SD_BUS_VTABLE_END};

static sd_bus *the_bus(void *userdata) {
        return w.off ? NULL : w.bus.here;
}

static void on_refused(void *userdata, uid_t uid) {
        w.refused = uid;
        w.n_refused++;
}

static int begin(void **state) {
        memset(&w, 0, sizeof(w));
        fake_systemd_begin(&w.bus, systemd, NULL);
        assert_true(sd_bus_add_filter(w.bus.there, NULL, get_status, NULL) >= 0);
        const struct accounts_config c = {.event = w.bus.event, .bus = the_bus, .refused = on_refused};
        return accounts_new(&c, &w.accounts);
}

static int end(void **state) {
        w.accounts = accounts_free(w.accounts);
        fake_systemd_end(&w.bus);
        return 0;
}

/* Until nothing more happens. */
static void run(void) {
        fake_systemd_run(&w.bus, 20000);
}

/* The unit that was started last ends. */
static void ends(const char *result, int32_t status) {
        w.status = status;
        say_removed(":1.1", result);
        run();
}

static void a_refusal_of_pam_is_told(void **state) {
        accounts_ask(w.accounts, 2001);
        run();
        assert_int_equal(w.started, 1);
        assert_string_equal(w.unit, UNIT(2001));
        say_removed(":1.66", "done"); /* a program of somebody's session, to wardtapd alone */
        w.status = ACCOUNTS_REFUSED;
        run();
        assert_true(w.n_refused == 0 && !w.read[0]);
        ends("done", ACCOUNTS_REFUSED);
        assert_true(w.n_refused == 1 && w.refused == 2001);
        assert_string_equal(w.read, UNITS "wardtap_2daccount_402001_2eservice");
        assert_int_equal(w.stopped, 1);
        assert_string_equal(w.stopped_unit, UNIT(2001));
        ends("done", ACCOUNTS_REFUSED);
        assert_int_equal(w.n_refused, 1);
}

static void whoever_is_allowed_stays(void **state) {
        accounts_ask(w.accounts, 2001);
        run();
        ends("done", 0);
        assert_true(w.n_refused == 0 && w.stopped == 1);
        accounts_ask(w.accounts, 2001);
        run();
        assert_int_equal(w.started, 2);
}

/* A unit that broke, and each number that is no answer: also that of a program which cannot be run (203). */
static void what_is_not_said_ends_nobody(void **state) {
        static const struct {
                const char *result;
                int32_t status;
                bool hide;
        } odd[] = {{"failed", 2, false},     {"timeout", 2, false}, {"canceled", 2, false},
                   {"dependency", 2, false}, {"skipped", 2, false}, {"done", 5, false},
                   {"done", 203, false},     {"done", -1, false},   {"done", 2, true},
                   {"", 2, false},           {"done\n", 2, false}};
        for (unsigned i = 0; i < ELEMENTSOF(odd); i++) {
                w.hide = odd[i].hide;
                accounts_ask(w.accounts, 2001);
                run();
                assert_int_equal(w.started, i + 1);
                ends(odd[i].result, odd[i].status);
                assert_int_equal(w.n_refused, 0);
        }
}

static void a_systemd_that_refuses_or_a_bus_that_is_gone_ends_nobody(void **state) {
        w.refuse = true;
        accounts_ask(w.accounts, 2001);
        accounts_ask(w.accounts, 2002);
        run();
        assert_true(w.started == 2 && w.n_refused == 0);
        w.off = true;
        accounts_ask(w.accounts, 2001);
        run();
        assert_true(w.started == 2 && w.n_refused == 0);
        w.off = w.refuse = false;
        accounts_ask(w.accounts, 2001);
        run();
        ends("done", ACCOUNTS_REFUSED);
        assert_true(w.started == 3 && w.n_refused == 1); /* and what was lost blocks nothing */
}

/* The bus goes between the end of the unit and the question for its status. */
static void a_bus_that_is_lost_midway_ends_nobody(void **state) {
        accounts_ask(w.accounts, 2001);
        run();
        w.off = true;
        ends("done", ACCOUNTS_REFUSED);
        assert_int_equal(w.n_refused, 0);
        w.off = false;
        accounts_ask(w.accounts, 2002);
        run();
        assert_string_equal(w.unit, UNIT(2002));
}

static void a_unit_that_hangs_is_given_up_for_the_next(void **state) {
        w.silent = true;
        accounts_ask(w.accounts, 2001);
        accounts_ask(w.accounts, 2002);
        run();
        assert_true(w.started == 1 && w.stopped == 0);
        w.silent = false;
        while (w.started == 1)
                assert_true(sd_event_run(w.bus.event, 2 * ACCOUNTS_USEC) > 0);
        assert_string_equal(w.stopped_unit, UNIT(2001));
        run();
        assert_string_equal(w.unit, UNIT(2002));
        ends("done", ACCOUNTS_REFUSED);
        assert_true(w.n_refused == 1 && w.refused == 2002);
}

static void people_are_asked_about_one_after_the_other_and_keep_their_place(void **state) {
        for (unsigned k = 0; k < 3; k++)
                for (uid_t uid = 2001; uid <= 2003; uid++)
                        accounts_ask(w.accounts, uid);
        run();
        assert_int_equal(w.started, 1);
        assert_string_equal(w.unit, UNIT(2001));
        ends("done", 0);
        assert_string_equal(w.unit, UNIT(2002));
        accounts_ask(w.accounts, 2003); /* asked for again and again, they still have their turn */
        ends("done", 0);
        assert_string_equal(w.unit, UNIT(2003));
        ends("done", 0);
        assert_string_equal(w.unit, UNIT(2001)); /* it was asked for once more while it was under way */
        ends("done", 0);
        assert_int_equal(w.started, 4);
}

static void nothing_is_asked_about_root_or_nobody_or_too_many(void **state) {
        accounts_ask(w.accounts, 0);
        accounts_ask(w.accounts, (uid_t) -1);
        run();
        assert_int_equal(w.started, 0);
        for (uid_t uid = 1; uid <= ACCOUNTS_MAX + 10; uid++)
                accounts_ask(w.accounts, uid);
        w.refuse = true;
        run();
        assert_int_equal(w.started, ACCOUNTS_MAX);
}

static void an_instance_is_a_uid_and_not_roots(void **state) {
        static const char *const bad[] = {"",
                                          "0",
                                          "00",
                                          "-1",
                                          "+1",
                                          " 1",
                                          "1 ",
                                          "01",
                                          "1x",
                                          "4294967295",
                                          "4294967296",
                                          "2001-",
                                          "2001-00112233445566778899aabbccddeeff",
                                          "1\n",
                                          "99999999999",
                                          "account"};
        char unit[INSTANCE_UNIT_SIZE];
        uid_t uid = 5;
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(instance_parse_account(bad[i], &uid), -EINVAL);
        assert_int_equal(uid, 5);
        assert_true(instance_parse_account("4294967294", &uid) == 0 && uid == 4294967294U);
        assert_int_equal(instance_account_unit(0, unit), -EINVAL);
        assert_int_equal(instance_account_unit((uid_t) -1, unit), -EINVAL);
        assert_int_equal(instance_account_unit(2001, unit), 0);
        assert_string_equal(unit, UNIT(2001));
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void) {
        const struct CMUnitTest tests[] = {
                T(a_refusal_of_pam_is_told),
                T(whoever_is_allowed_stays),
                T(what_is_not_said_ends_nobody),
                T(a_systemd_that_refuses_or_a_bus_that_is_gone_ends_nobody),
                T(a_bus_that_is_lost_midway_ends_nobody),
                T(a_unit_that_hangs_is_given_up_for_the_next),
                T(people_are_asked_about_one_after_the_other_and_keep_their_place),
                T(nothing_is_asked_about_root_or_nobody_or_too_many),
                cmocka_unit_test(an_instance_is_a_uid_and_not_roots),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
