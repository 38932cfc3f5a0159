/* SPDX-License-Identifier: Apache-2.0 */
/* What is believed of logind's properties. */
#include "helper/logind_read.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>

#include <cmocka.h>

static sd_bus *bus;

static int connect_bus(void **state) {
        int ends[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        assert_true(sd_bus_new(&bus) >= 0 && sd_bus_set_fd(bus, ends[0], ends[0]) >= 0 &&
                    sd_bus_start(bus) >= 0);
        *state = NULL;
        closep(&ends[1]);
        return 0;
}

static int close_bus(void **state) {
        bus = sd_bus_close_unref(bus);
        return 0;
}

static sd_bus_message *begin(void) {
        sd_bus_message *m = NULL;
        assert_true(sd_bus_message_new_signal(bus, &m, "/x", "x.y", "Z") >= 0);
        return m;
}

/* Ready to be read, as it comes from the bus. */
static void end(sd_bus_message *m) {
        assert_true(sd_bus_message_seal(m, 1, 0) >= 0);
        assert_true(sd_bus_message_rewind(m, 1) >= 0);
}

static int read_it(uint32_t uid, const char *seat, const char *class, struct logind_session *ret) {
        sd_bus_message *m = begin();
        assert_true(sd_bus_message_append(m, "a{sv}", 6, "Id", "s", "c1", "User", "(uo)", uid, "/u", "Seat",
                                          "(so)", seat, "/s", "Class", "s", class, "VTNr", "u", 7U,
                                          "Unheard", "as", 1, "of") >= 0);
        end(m);
        int r = logind_read_session(m, ret);
        sd_bus_message_unref(m);
        return r;
}

static void reads_a_session(void **state) {
        struct logind_session s;
        assert_int_equal(read_it(2001, "seat0", "user", &s), 0);
        assert_string_equal(s.id, "c1");
        assert_string_equal(s.seat, "seat0");
        assert_int_equal(s.uid, 2001);
        assert_int_equal(s.vt, 7);
        assert_true(s.person && !s.greeter);
}

static void a_greeter_is_a_system_user(void **state) {
        struct logind_session s;
        assert_int_equal(read_it(102, "seat0", "greeter", &s), 0);
        assert_true(s.greeter && !s.person);
        assert_int_equal(read_it(60578, "seat0", "greeter", &s), 0); /* made for the greeter alone */
        assert_true(s.greeter && !s.person);
        /* What a person says of her own session makes it nothing else than hers. */
        static const char *const lies[] = {"greeter", "background", "lock-screen", "", "no such"};
        for (size_t i = 0; i < ELEMENTSOF(lies); i++) {
                assert_int_equal(read_it(2001, "seat0", lies[i], &s), 0);
                assert_true(s.person && !s.greeter);
        }
        /* A job of cron's has no seat. */
        assert_int_equal(read_it(2001, "", "background", &s), 0);
        assert_true(!s.person && !s.greeter);
        assert_int_equal(read_it(0, "seat0", "user", &s), 0);
        assert_true(s.person);
}

static void half_a_session_is_none(void **state) {
        struct logind_session s;
        sd_bus_message *m = begin();
        assert_true(sd_bus_message_append(m, "a{sv}", 1, "Id", "s", "c1") >= 0);
        end(m);
        assert_int_equal(logind_read_session(m, &s), -EBADMSG);
        sd_bus_message_unref(m);
        m = begin();
        assert_true(sd_bus_message_append(m, "a{sv}", 2, "Id", "u", 1U, "User", "(uo)", 1U, "/u") >= 0);
        end(m);
        assert_int_equal(logind_read_session(m, &s), -EBADMSG);
        sd_bus_message_unref(m);
        m = begin();
        assert_true(sd_bus_message_append(m, "s", "c1") >= 0);
        end(m);
        assert_int_equal(logind_read_session(m, &s), -EBADMSG);
        sd_bus_message_unref(m);
}

/* An id that does not fit is left out whole, so it is no session. */
static void a_long_id_is_no_id(void **state) {
        char id[2 * LOGIND_ID_SIZE] = "";
        struct logind_session s;
        memset(id, 'a', sizeof(id) - 1);
        sd_bus_message *m = begin();
        assert_true(sd_bus_message_append(m, "a{sv}", 2, "Id", "s", id, "User", "(uo)", 1U, "/u") >= 0);
        end(m);
        assert_int_equal(logind_read_session(m, &s), -EBADMSG);
        sd_bus_message_unref(m);
}

static int active(const char *types, const char *name, const char *id, const char *gone,
                  char ret[static LOGIND_ID_SIZE]) {
        sd_bus_message *m = begin();
        assert_true(sd_bus_message_append(m, "s", "org.freedesktop.login1.Seat") >= 0);
        if (id)
                assert_true(sd_bus_message_append(m, "a{sv}", 2, "Other", "b", 1, name, types, id, "/s") >=
                            0);
        else
                assert_true(sd_bus_message_append(m, "a{sv}", 0) >= 0);
        assert_true(sd_bus_message_append(m, "as", gone ? 1 : 0, gone) >= 0);
        end(m);
        int r = logind_read_active(m, ret);
        sd_bus_message_unref(m);
        return r;
}

static void says_who_is_on_the_screen(void **state) {
        char id[LOGIND_ID_SIZE] = "before";
        assert_int_equal(active("(so)", "ActiveSession", "c2", NULL, id), 1);
        assert_string_equal(id, "c2");
        assert_int_equal(active("(so)", "ActiveSession", "", NULL, id), 1);
        assert_string_equal(id, "");
        assert_int_equal(active("(so)", "Sessions", "c3", NULL, id), 0);
        assert_int_equal(active("(so)", NULL, NULL, "ActiveSession", id), -EBADMSG); /* must be asked for */
        assert_int_equal(active("(so)", NULL, NULL, "IdleHint", id), 0);
}

static void knows_the_word_idle(void **state) {
        assert_true(logind_names_idle("idle"));
        assert_true(logind_names_idle("sleep:idle"));
        assert_true(logind_names_idle("idle:sleep"));
        assert_false(logind_names_idle(""));
        assert_false(logind_names_idle("idler:handle-lid-switch"));
        assert_false(logind_names_idle("handle-idle"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_a_session),           cmocka_unit_test(a_greeter_is_a_system_user),
                cmocka_unit_test(half_a_session_is_none),    cmocka_unit_test(a_long_id_is_no_id),
                cmocka_unit_test(says_who_is_on_the_screen), cmocka_unit_test(knows_the_word_idle),
        };
        return cmocka_run_group_tests(tests, connect_bus, close_bus);
}
