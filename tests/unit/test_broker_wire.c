/* SPDX-License-Identifier: Apache-2.0 */
/* Broker messages decode to what was encoded; another version, a cut or longer message is refused. */
#include "common/broker.h"
#include "common/socket.h"
#include "common/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static size_t encode(const struct broker_message *m, uint8_t *buf, size_t size) {
        struct writer w = {.p = buf, .size = size};
        size_t n = 0;
        broker_write(&w, m);
        assert_int_equal(writer_end(&w, &n), 0);
        return n;
}

static struct broker_message a_tap(void) {
        struct broker_message m = {
                .type = BROKER_TAP,
                .tap = {.id = 7,
                        .seen_usec = 1,
                        .reader = "Reader 00",
                        .kind = "mifare-classic-1k",
                        .token = "K7QF2M3A",
                        .n_indexes = 2,
                        .indexes = {{.key_id = "0011223344556677"}, {.key_id = "8899aabbccddeeff"}},
                        .number_len = 4,
                        .number = {4, 1, 2, 3}}};
        return m;
}

static void a_tap_survives_the_way_and_no_cut_of_it_does(void **state) {
        struct broker_message m = a_tap(), back;
        uint8_t buf[1024];
        size_t n = encode(&m, buf, sizeof(buf));
        assert_int_equal(broker_read((struct bytes){buf, n}, &back), 0);
        assert_memory_equal(&back.tap.indexes, &m.tap.indexes, sizeof(m.tap.indexes));
        assert_string_equal(back.tap.reader, "Reader 00");
        assert_int_equal(back.tap.number_len, 4);
        for (size_t cut = 0; cut < n; cut++)
                assert_int_equal(broker_read((struct bytes){buf, cut}, &back), -EBADMSG);
        assert_int_equal(broker_read((struct bytes){buf, n + 1}, &back), -EBADMSG);
}

static void what_is_known_of_an_emergency_survives_the_way(void **state) {
        struct broker_message m = {.type = BROKER_SESSION,
                                   .session = {.presence = BROKER_OPEN,
                                               .emergency_usec = 77,
                                               .drill = true,
                                               .other_seat = true}},
                              back;
        uint8_t buf[1024];
        size_t n = encode(&m, buf, sizeof(buf));
        assert_int_equal(broker_read((struct bytes){buf, n}, &back), 0);
        assert_int_equal(back.session.emergency_usec, 77);
        assert_true(back.session.drill && back.session.other_seat);
        for (size_t cut = 0; cut < n; cut++)
                assert_int_equal(broker_read((struct bytes){buf, cut}, &back), -EBADMSG);
        m = (struct broker_message){.type = BROKER_AGAIN, .again.seen_usec = 99};
        n = encode(&m, buf, sizeof(buf));
        assert_int_equal(broker_read((struct bytes){buf, n}, &back), 0);
        assert_int_equal(back.again.seen_usec, 99);
        assert_int_equal(broker_read((struct bytes){buf, n - 1}, &back), -EBADMSG);
        m = (struct broker_message){.type = BROKER_WANT_AGAIN};
        n = encode(&m, buf, sizeof(buf));
        assert_int_equal(n, 2);
        assert_int_equal(broker_read((struct bytes){buf, n}, &back), 0);
        assert_int_equal(back.type, BROKER_WANT_AGAIN);
}

static void a_tap_without_a_number_must_say_why(void **state) {
        struct broker_message m = a_tap(), back;
        uint8_t buf[1024];
        m.tap.n_indexes = 0;
        assert_int_equal(broker_read((struct bytes){buf, encode(&m, buf, sizeof(buf))}, &back), -EBADMSG);
        m.tap.problem = TAP_RANDOM;
        assert_int_equal(broker_read((struct bytes){buf, encode(&m, buf, sizeof(buf))}, &back), 0);
}

static void the_id_of_a_device_is_32_digits(void **state) {
        static const char *const bad[] = {"", "00ff00ff00ff00ff00ff00ff00ff00f",
                                          "00FF00ff00ff00ff00ff00ff00ff00ff",
                                          "../ff00ff00ff00ff00ff00ff00ff00f"};
        struct broker_message m = {.type = BROKER_KEY_USED,
                                   .key_used.device = "00ff00ff00ff00ff00ff00ff00ff00ff"},
                              back;
        uint8_t buf[64];
        size_t n = encode(&m, buf, sizeof(buf));
        assert_int_equal(broker_read((struct bytes){buf, n}, &back), 0);
        assert_string_equal(back.key_used.device, m.key_used.device);
        for (size_t cut = 0; cut < n; cut++)
                assert_int_equal(broker_read((struct bytes){buf, cut}, &back), -EBADMSG);
        assert_int_equal(broker_read((struct bytes){buf, n + 1}, &back), -EBADMSG);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                memset(&m.key_used, 0, sizeof(m.key_used));
                memcpy(m.key_used.device, bad[i], strlen(bad[i]));
                n = encode(&m, buf, sizeof(buf));
                assert_int_equal(broker_read((struct bytes){buf, n}, &back), -EBADMSG);
        }
}

static void another_version_is_not_spoken(void **state) {
        struct broker_message m = {.type = BROKER_WANT_TAP}, back;
        uint8_t buf[16];
        size_t n = encode(&m, buf, sizeof(buf));
        buf[0] = BROKER_VERSION + 1;
        assert_int_equal(broker_read((struct bytes){buf, n}, &back), -EPROTONOSUPPORT);
}

static void the_status_of_a_record_is_an_errno(void **state) {
        struct broker_message m = {.type = BROKER_RECORDED, .recorded = {.status = -ENOSPC, .seq = 9}}, back;
        uint8_t buf[16];
        size_t n = encode(&m, buf, sizeof(buf));
        assert_int_equal(broker_read((struct bytes){buf, n}, &back), 0);
        assert_int_equal(back.recorded.status, -ENOSPC);
        buf[2] = 0x80;
        assert_int_equal(broker_read((struct bytes){buf, n}, &back), -EBADMSG);
}

static void people_and_sessions_survive_the_way(void **state) {
        static const struct broker_message examples[] = {
                {.type = BROKER_SESSION_OPEN, .session_change = {2001, "", "anna", "c2", false}},
                {.type = BROKER_SESSION_OPEN, .session_change = {2001, "", "anna", "", true}},
                {.type = BROKER_SESSION_CLOSE,
                 .session_change = {2001, "00112233445566778899aabbccddeeff", "anna", "", false}},
                {.type = BROKER_SWITCH, .person = {2001, "anna", "lightdm.service"}},
                {.type = BROKER_ASK_GRANT, .person = {2001, "anna", "lightdm.service"}},
                {.type = BROKER_SWITCHED, .switched.status = -EOPNOTSUPP},
                {.type = BROKER_GRANT, .grant = {0, "00112233445566778899aabbccddeeff"}},
                {.type = BROKER_GRANT, .grant = {-ESTALE, ""}},
                {.type = BROKER_GONE},
                {.type = BROKER_SESSION, .session = {BROKER_OPEN, 0, "disk updates "}},
                {.type = BROKER_SESSION, .session = {BROKER_ABSENT, UINT64_C(1795127520000000), ""}},
        };
        for (size_t i = 0; i < ELEMENTSOF(examples); i++) {
                struct broker_message back;
                uint8_t buf[512];
                size_t n = encode(&examples[i], buf, sizeof(buf));
                assert_int_equal(broker_read((struct bytes){buf, n}, &back), 0);
                assert_memory_equal(&back, &examples[i], sizeof(back));
                for (size_t cut = 0; cut < n; cut++)
                        assert_int_equal(broker_read((struct bytes){buf, cut}, &back), -EBADMSG);
                assert_int_equal(broker_read((struct bytes){buf, n + 1}, &back), -EBADMSG);
        }
}

static void numbers_and_their_indexes_survive_the_way(void **state) {
        struct broker_message q = {.type = BROKER_ASK_INDEXES, .numbers.n = BROKER_NUMBERS_MAX},
                              a = {.type = BROKER_INDEXES,
                                   .indexes = {.n = BROKER_NUMBERS_MAX,
                                               .n_keys = 2,
                                               .key_ids = {"00112233445566aa", "00112233445566bb"}}},
                              back;
        static uint8_t buf[SOCKET_MESSAGE_MAX]; /* both must fit into one message */
        for (size_t i = 0; i < BROKER_NUMBERS_MAX; i++) {
                q.numbers.numbers[i].n = (uint8_t) (4 + i % 7);
                memset(q.numbers.numbers[i].bytes, (int) i, q.numbers.numbers[i].n);
                memset(a.indexes.index[i], (int) i, sizeof(a.indexes.index[i]));
        }
        const struct broker_message *const examples[] = {&q, &a};
        for (size_t i = 0; i < ELEMENTSOF(examples); i++) {
                size_t n = encode(examples[i], buf, sizeof(buf));
                assert_int_equal(broker_read((struct bytes){buf, n}, &back), 0);
                assert_memory_equal(&back, examples[i], sizeof(back));
                for (size_t cut = 0; cut < n; cut++)
                        assert_int_equal(broker_read((struct bytes){buf, cut}, &back), -EBADMSG);
        }
        q.numbers.n = 0;
        assert_int_equal(broker_read((struct bytes){buf, encode(&q, buf, sizeof(buf))}, &back), -EBADMSG);
        q.numbers.n = 1;
        q.numbers.numbers[0].n = 3;
        assert_int_equal(broker_read((struct bytes){buf, encode(&q, buf, sizeof(buf))}, &back), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_tap_survives_the_way_and_no_cut_of_it_does),
                cmocka_unit_test(what_is_known_of_an_emergency_survives_the_way),
                cmocka_unit_test(a_tap_without_a_number_must_say_why),
                cmocka_unit_test(the_id_of_a_device_is_32_digits),
                cmocka_unit_test(another_version_is_not_spoken),
                cmocka_unit_test(people_and_sessions_survive_the_way),
                cmocka_unit_test(numbers_and_their_indexes_survive_the_way),
                cmocka_unit_test(the_status_of_a_record_is_an_errno),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
