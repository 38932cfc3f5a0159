/* SPDX-License-Identifier: Apache-2.0 */
/* An emergency account is nobody's until its home is wiped, and what goes wrong with that keeps it from
 * nobody. */
#include "helper/wipes.h"
#include "tests/unit/fake_systemd.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <systemd/sd-event.h>
#include <cmocka.h>

static struct {
        struct fake_systemd bus;
        struct wipes *wipes;
        bool off, refuse;
        unsigned started;
        char unit[200];
} w;

static int start_unit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *unit, *mode;
        char job[64];
        assert_true(sd_bus_message_read(m, "ss", &unit, &mode) >= 0);
        (void) snprintf(w.unit, sizeof(w.unit), "%s", unit);
        w.started++;
        if (w.refuse)
                return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_ACCESS_DENIED, "may not");
        (void) snprintf(job, sizeof(job), "/org/freedesktop/systemd1/job/%u", w.started);
        return fake_systemd_reply(&w.bus, m, job);
}

static const sd_bus_vtable systemd[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("StartUnit", "ss", "o", start_unit, SD_BUS_VTABLE_UNPRIVILEGED), SD_BUS_VTABLE_END};

static sd_bus *the_bus(void *userdata) {
        return w.off ? NULL : w.bus.here;
}

static void turn(void) {
        fake_systemd_run(&w.bus, 20000);
}

static void ends(unsigned job, const char *result) {
        char path[64];
        (void) snprintf(path, sizeof(path), "/org/freedesktop/systemd1/job/%u", job);
        fake_systemd_removed(&w.bus, FAKE_SYSTEMD, path, w.unit, result);
        turn();
}

static int begin(void **state) {
        memset(&w, 0, sizeof(w));
        fake_systemd_begin(&w.bus, systemd, NULL);
        return wipes_new(the_bus, NULL, &w.wipes);
}

static int end(void **state) {
        w.wipes = wipes_free(w.wipes);
        fake_systemd_end(&w.bus);
        return 0;
}

static void an_account_is_nobodys_until_it_is_wiped(void **state) {
        static const char *const results[] = {"done", "failed", "timeout"};
        for (unsigned i = 0; i < ELEMENTSOF(results); i++) {
                assert_false(wipes_is_busy(w.wipes, 2020));
                wipes_begin(w.wipes, 2020, "emergency-1");
                wipes_begin(w.wipes, 2020, "emergency-1"); /* once */
                assert_true(wipes_is_busy(w.wipes, 2020));
                assert_false(wipes_is_busy(w.wipes, 2021));
                turn();
                assert_int_equal(w.started, i + 1);
                assert_string_equal(w.unit, "wardtap-wipe@emergency\\x2d1.service");
                ends(i + 1, results[i]);
        }
        assert_false(wipes_is_busy(w.wipes, 2020));
}

static void each_account_has_its_own(void **state) {
        wipes_begin(w.wipes, 2020, "emergency1");
        wipes_begin(w.wipes, 2021, "emergency2");
        turn();
        ends(2, "done");
        assert_true(wipes_is_busy(w.wipes, 2020) && !wipes_is_busy(w.wipes, 2021));
}

static void without_a_bus_it_waits_for_the_next(void **state) {
        w.off = true;
        wipes_begin(w.wipes, 2020, "emergency1");
        wipes_connected(w.wipes);
        assert_true(wipes_is_busy(w.wipes, 2020));
        w.off = false;
        wipes_connected(w.wipes);
        turn();
        assert_int_equal(w.started, 1);
        wipes_connected(w.wipes); /* the bus was lost, and nobody will say how the first ended */
        assert_true(wipes_is_busy(w.wipes, 2020));
        turn();
        assert_int_equal(w.started, 2);
        ends(2, "done");
        assert_false(wipes_is_busy(w.wipes, 2020));
}

static void what_cannot_be_begun_keeps_the_account_from_nobody(void **state) {
        w.refuse = true;
        wipes_begin(w.wipes, 2020, "emergency1");
        turn();
        assert_false(wipes_is_busy(w.wipes, 2020));
        w.refuse = false;
        wipes_begin(w.wipes, 2020, "");
        assert_false(wipes_is_busy(w.wipes, 2020));
        for (uid_t uid = 1; uid <= WIPES_MAX + 1; uid++)
                wipes_begin(w.wipes, uid, "emergency1");
        assert_true(wipes_is_busy(w.wipes, WIPES_MAX) && !wipes_is_busy(w.wipes, WIPES_MAX + 1));
}

static void an_account_is_found_without_a_name_service(void **state) {
        char path[] = "/tmp/test_wipes.XXXXXX";
        static const char text[] = "root:x:0:0::/root:/bin/sh\nemergency1:x:2020:2020::/home/e:/bin/sh\n";
        uid_t uid = 1;
        int fd = mkstemp(path);
        assert_true(fd >= 0 && write(fd, text, sizeof(text) - 1) == sizeof(text) - 1 && close(fd) == 0);
        assert_int_equal(wipes_local_account(path, "emergency1", &uid), 0);
        assert_int_equal(uid, 2020);
        assert_int_equal(wipes_local_account(path, "emergency", &uid), -ENOENT);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(wipes_local_account(path, "emergency1", &uid), -ENOENT);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void) {
        const struct CMUnitTest tests[] = {
                T(an_account_is_nobodys_until_it_is_wiped),
                T(each_account_has_its_own),
                T(without_a_bus_it_waits_for_the_next),
                T(what_cannot_be_begun_keeps_the_account_from_nobody),
                T(an_account_is_found_without_a_name_service),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
