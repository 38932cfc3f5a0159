/* SPDX-License-Identifier: Apache-2.0 */
/* logind's engine against a bus on which systemd is played: which unit is started for whom, that a session
 * comes to the screen only after that unit's own transaction was let in and ended well, and once. */
#include "helper/switch/instance.h"
#include "helper/switcher.h"
#include "tests/unit/fake_systemd.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ATTEMPT "00112233445566778899aabbccddeeff"
#define UNIT "wardtap-switch@2001-" ATTEMPT ".service"
#define JOB "/org/freedesktop/systemd1/job/77"
#define OWN SWITCH_SERVICE

static struct {
        struct fake_systemd bus;
        struct switcher *switcher;
        /* the world */
        enum switch_engine engine;
        const char *session; /* of uid 2001, behind the screen */
        const char *manager; /* PAM service of the display manager; NULL = there is none */
        bool refuse, silent; /* systemd does not start it, or does not answer */
        int activate_status;
        /* what happened */
        unsigned started, activated, dones;
        char unit[200], mode[20], shown[20];
        uint64_t client;
        int status;
} w;

static void say_removed_as(const char *sender, const char *job, const char *result) {
        fake_systemd_removed(&w.bus, sender, job, w.unit, result);
}

static void say_removed(const char *job, const char *result) {
        say_removed_as(FAKE_SYSTEMD, job, result);
}

static int start_unit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *unit, *mode;
        assert_true(sd_bus_message_read(m, "ss", &unit, &mode) >= 0);
        (void) snprintf(w.unit, sizeof(w.unit), "%s", unit);
        (void) snprintf(w.mode, sizeof(w.mode), "%s", mode);
        w.started++;
        if (w.silent)
                return 1;
        if (w.refuse)
                return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_ACCESS_DENIED, "may not");
        return fake_systemd_reply(&w.bus, m, JOB);
}

static int get_unit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, "o", "/org/freedesktop/systemd1/unit/lightdm_2eservice");
}

static int has_owner(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, "b", w.manager != NULL);
}

static int add_match(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, "");
}

static const sd_bus_vtable systemd[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("StartUnit", "ss", "o", start_unit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("GetUnit", "s", "o", get_unit, SD_BUS_VTABLE_UNPRIVILEGED), SD_BUS_VTABLE_END};
static const sd_bus_vtable driver[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("NameHasOwner", "s", "b", has_owner, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("AddMatch", "s", "", add_match, SD_BUS_VTABLE_UNPRIVILEGED), SD_BUS_VTABLE_END};

static sd_bus *the_bus(void *userdata) {
        return w.bus.here;
}

static enum switch_engine the_engine(void *userdata) {
        return w.engine;
}

static const char *session_of(void *userdata, uid_t uid) {
        return uid == 2001 ? w.session : NULL;
}

static int activate(void *userdata, const char *session) {
        w.activated++;
        (void) snprintf(w.shown, sizeof(w.shown), "%s", session);
        return w.activate_status;
}

static void on_done(void *userdata, const struct switcher_wish *wish, int status) {
        w.client = wish->client;
        w.status = status;
        w.dones++;
}

static int begin(void **state) {
        memset(&w, 0, sizeof(w));
        w.engine = SWITCH_AUTO;
        w.session = "c5";
        fake_systemd_begin(&w.bus, systemd, driver);
        const struct switcher_config c = {.event = w.bus.event,
                                          .bus = the_bus,
                                          .done = on_done,
                                          .engine = the_engine,
                                          .session_of = session_of,
                                          .activate = activate};
        assert_int_equal(switcher_new(&c, &w.switcher), 0);
        return 0;
}

static int end(void **state) {
        w.switcher = switcher_free(w.switcher);
        fake_systemd_end(&w.bus);
        return 0;
}

static int wish(uint64_t client, uid_t uid, const char *service, const char *unit) {
        struct switcher_wish wish = {.client = client, .uid = uid, .user = "anna", .attempt = ATTEMPT};
        (void) snprintf(wish.service, sizeof(wish.service), "%s", service);
        (void) snprintf(wish.unit, sizeof(wish.unit), "%s", unit);
        return switcher_begin(w.switcher, &wish);
}

/* Until nothing more happens. */
static void run(void) {
        fake_systemd_run(&w.bus, 200000);
}

static int take(uid_t uid, const char *user, const char *service, const char *unit) {
        char attempt[33] = "";
        int r = switcher_take(w.switcher, uid, user, service, unit, attempt);
        assert_string_equal(attempt, r == 0 ? ATTEMPT : "");
        return r;
}

static void a_session_is_shown_after_a_transaction_of_its_own(void **state) {
        assert_int_equal(wish(7, 2001, OWN, ""), 0);
        run();
        assert_int_equal(w.started, 1);
        assert_string_equal(w.unit, UNIT);
        assert_string_equal(w.mode, "fail");
        assert_int_equal(take(2002, "anna", OWN, UNIT), -ENOENT);
        assert_int_equal(take(2001, "ben", OWN, UNIT), -ENOENT);
        assert_int_equal(take(2001, "anna", "login", UNIT), -ENOENT);
        assert_int_equal(take(2001, "anna", OWN, "wardtap-switch@2001.service"), -ENOENT);
        assert_int_equal(take(2001, "anna", OWN, ""), -ENOENT);
        assert_int_equal(take(2001, "anna", OWN, UNIT), 0);
        assert_int_equal(take(2001, "anna", OWN, UNIT), -ENOENT); /* once */
        run();
        assert_true(w.dones == 0 && w.activated == 0 &&
                    switcher_is_busy(w.switcher)); /* the account rules */
        say_removed_as(":1.66", JOB, "done");      /* a program of somebody's session, to wardtapd alone */
        say_removed_as(NULL, JOB, "done");
        say_removed("/org/freedesktop/systemd1/job/78", "done");
        run();
        assert_int_equal(w.activated, 0); /* somebody else's job */
        say_removed(JOB, "done");
        run();
        assert_true(w.dones == 1 && w.client == 7 && w.status == 0 && w.activated == 1);
        assert_string_equal(w.shown, "c5");
        say_removed(JOB, "done");
        run();
        assert_true(w.dones == 1 && w.activated == 1 && !switcher_is_busy(w.switcher));
}

/* The badge was good, and the account is locked; or the unit ended without ever asking for its grant. */
static void who_is_refused_is_not_shown(void **state) {
        static const struct {
                bool granted;
                const char *result;
                int status;
        } ends[] = {{true, "failed", -EACCES}, {true, "timeout", -EIO}, {true, "canceled", -EIO},
                    {false, "failed", -EIO},   {false, "done", -EIO},   {false, "dependency", -EIO}};
        for (unsigned i = 0; i < ELEMENTSOF(ends); i++) {
                assert_int_equal(wish(7, 2001, OWN, ""), 0);
                run();
                if (ends[i].granted)
                        assert_int_equal(take(2001, "anna", OWN, UNIT), 0);
                say_removed(JOB, ends[i].result);
                run();
                assert_true(w.dones == i + 1 && w.status == ends[i].status && w.activated == 0);
                /* One that comes late must not wait for a tap, and only one does. */
                assert_int_equal(take(2001, "anna", OWN, UNIT), ends[i].granted ? -ENOENT : -ESTALE);
                assert_int_equal(take(2001, "anna", OWN, UNIT), -ENOENT);
        }
}

static void what_cannot_be_begun_is_a_prompts(void **state) {
        assert_int_equal(wish(7, 2002, OWN, ""), -EOPNOTSUPP); /* has no session */
        w.session = NULL;
        assert_int_equal(wish(7, 2001, OWN, ""), -EOPNOTSUPP);
        w.session = "c5";
        w.engine = SWITCH_LIGHTDM;
        assert_int_equal(wish(7, 2001, "login", "getty@tty2.service"),
                         0); /* it has yet to ask who is there */
        switcher_client_gone(w.switcher, 7);
        w.engine = SWITCH_LOGIND;
        w.dones = 0;
        sd_bus *bus = w.bus.here;
        w.bus.here = NULL;
        assert_int_equal(wish(7, 2001, OWN, ""), -EOPNOTSUPP);
        w.bus.here = bus;
        struct switcher_wish odd = {.client = 7, .uid = 2001, .user = "anna", .attempt = "../../etc"};
        assert_int_equal(switcher_begin(w.switcher, &odd), -EOPNOTSUPP);
        run();
        assert_true(w.started == 0 && w.dones == 0 && !switcher_is_busy(w.switcher));
}

static void a_session_that_ends_meanwhile_is_not_shown(void **state) {
        assert_int_equal(wish(7, 2001, OWN, ""), 0);
        run();
        assert_int_equal(take(2001, "anna", OWN, UNIT), 0);
        w.session = NULL;
        say_removed(JOB, "done");
        run();
        assert_true(w.dones == 1 && w.status == -ENOENT && w.activated == 0);
        w.session = "c6";
        w.activate_status = -ENOTCONN;
        assert_int_equal(wish(8, 2001, OWN, ""), 0);
        run();
        assert_int_equal(take(2001, "anna", OWN, UNIT), 0);
        say_removed(JOB, "done");
        run();
        assert_true(w.dones == 2 && w.client == 8 && w.status == -ENOTCONN);
}

static void systemd_that_refuses_or_hangs_shows_nobody(void **state) {
        w.refuse = true;
        assert_int_equal(wish(7, 2001, OWN, ""), 0);
        run();
        assert_true(w.dones == 1 && w.status == -EIO && w.activated == 0);
        w.silent = true;
        assert_int_equal(wish(8, 2001, OWN, ""), 0);
        while (w.dones == 1)
                assert_true(sd_event_run(w.bus.event, 2 * BROKER_GRANT_USEC) > 0);
        assert_true(w.client == 8 && w.status == -ETIMEDOUT);
        assert_int_equal(take(2001, "anna", OWN, UNIT), -ESTALE);
}

static void a_newer_wish_or_a_hang_up_voids_the_grant(void **state) {
        assert_int_equal(wish(7, 2001, OWN, ""), 0);
        run();
        assert_int_equal(wish(8, 2001, OWN, ""), 0);
        assert_true(w.dones == 1 && w.client == 7 && w.status == -ECANCELED);
        switcher_client_gone(w.switcher, 7);
        assert_true(switcher_is_busy(w.switcher));
        switcher_client_gone(w.switcher, 8);
        assert_true(w.dones == 2 && w.client == 8 && w.status == -ECANCELED);
        assert_int_equal(take(2001, "anna", OWN, UNIT), -ESTALE);
        say_removed(JOB, "done");
        run();
        assert_true(w.dones == 2 && w.activated == 0 && !switcher_is_busy(w.switcher));
}

/* At a prompt her own session comes back, instead of a second one. */
static void a_login_prompt_asks_in_the_name_of_its_own_unit(void **state) {
        assert_int_equal(wish(7, 2001, "login", "getty@tty2.service"), 0);
        run();
        assert_string_equal(w.unit, UNIT);
        assert_int_equal(take(2001, "anna", "login", "getty@tty2.service"), -ENOENT);
        assert_int_equal(take(2001, "anna", OWN, UNIT), 0);
}

static void the_engine_goes_by_the_rules_and_the_display_manager(void **state) {
        assert_true(switcher_is_of_terminals(w.switcher));
        assert_string_equal(switcher_service(w.switcher), OWN);
        w.manager = "lightdm";
        switcher_connected(w.switcher, w.bus.here);
        run();
        assert_false(switcher_is_of_terminals(w.switcher));
        assert_true(switcher_has_greeter(w.switcher));
        assert_string_equal(switcher_service(w.switcher), "lightdm");
        w.engine = SWITCH_LOGIND;
        assert_true(switcher_is_of_terminals(w.switcher) && switcher_has_greeter(w.switcher));
        assert_string_equal(switcher_service(w.switcher), OWN);
        w.manager = NULL;
        switcher_connected(w.switcher, w.bus.here);
        run();
        w.engine = SWITCH_LIGHTDM;
        assert_false(switcher_is_of_terminals(w.switcher));
        assert_string_equal(switcher_service(w.switcher), "");
        assert_int_equal(switcher_greeter(w.switcher), -EOPNOTSUPP);
        switcher_connected(w.switcher, NULL);
}

static void an_instance_is_a_uid_and_an_attempt(void **state) {
        static const char *const bad[] = {"",
                                          "-",
                                          "-1",
                                          "+1",
                                          " 1",
                                          "1 ",
                                          "01",
                                          "1x",
                                          "0x1",
                                          "4294967295",
                                          "4294967296",
                                          "99999999999",
                                          "1-",
                                          "1-0011",
                                          "1-" ATTEMPT "0",
                                          "1-" ATTEMPT "-1",
                                          "1-00112233445566778899AABBCCDDEEFF",
                                          "-" ATTEMPT,
                                          ATTEMPT,
                                          "1--0112233445566778899aabbccddeeff"};
        char unit[INSTANCE_UNIT_SIZE];
        uid_t uid = 5;
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(instance_parse(bad[i], &uid), -EINVAL);
        assert_int_equal(uid, 5);
        assert_true(instance_parse("0", &uid) == 0 && uid == 0);
        assert_true(instance_parse("4294967294", &uid) == 0 && uid == 4294967294U);
        assert_true(instance_parse("2001-" ATTEMPT, &uid) == 0 && uid == 2001);
        assert_int_equal(instance_unit(2001, ATTEMPT, unit), 0);
        assert_string_equal(unit, UNIT);
        assert_int_equal(instance_unit((uid_t) -1, ATTEMPT, unit), -EINVAL);
        assert_int_equal(instance_unit(2001, "", unit), -EINVAL);
        assert_int_equal(instance_unit(2001, "00112233445566778899aabbccddeef/", unit), -EINVAL);
        assert_int_equal(instance_unit(4294967294U, ATTEMPT, unit), 0);
        assert_true(strlen(unit) + 1 < INSTANCE_UNIT_SIZE);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void) {
        const struct CMUnitTest tests[] = {
                T(a_session_is_shown_after_a_transaction_of_its_own),
                T(who_is_refused_is_not_shown),
                T(what_cannot_be_begun_is_a_prompts),
                T(a_session_that_ends_meanwhile_is_not_shown),
                T(systemd_that_refuses_or_hangs_shows_nobody),
                T(a_newer_wish_or_a_hang_up_voids_the_grant),
                T(a_login_prompt_asks_in_the_name_of_its_own_unit),
                T(the_engine_goes_by_the_rules_and_the_display_manager),
                cmocka_unit_test(an_instance_is_a_uid_and_an_attempt),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
