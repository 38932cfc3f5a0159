/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and events of wardtap-device decode to what was encoded, and nothing else decodes. */
#include "common/socket.h"
#include "common/util.h"
#include "devices/wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define KEY_ID "00112233445566778899aabbccddeeff"

static uint8_t buf[SOCKET_MESSAGE_MAX];

static size_t encode_request(const struct device_request *q) {
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t n = 0;
        device_request_write(&w, q);
        assert_int_equal(writer_end(&w, &n), 0);
        return n;
}

static size_t encode_event(const struct device_event *e) {
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t n = 0;
        device_event_write(&w, e);
        assert_int_equal(writer_end(&w, &n), 0);
        return n;
}

static struct device_request a_make_request(void) {
        struct device_request q = {.op = DEVICE_OP_MAKE_CREDENTIAL,
                                   .deadline_ms = 30000,
                                   .verify = DEVICE_VERIFY_YES,
                                   .client_data_hash = {1, 2, 3},
                                   .rp_id = "wardtap.example.org",
                                   .rp_name = "Ward",
                                   .user_id = {1},
                                   .user_id_len = 16,
                                   .user_name = "nurse1",
                                   .user_display_name = "Nurse Öne",
                                   .set_pin_first = true,
                                   .n_ids = DEVICE_ALLOW_MAX};
        for (size_t i = 0; i < q.n_ids; i++)
                q.ids[i].n = DEVICE_CREDENTIAL_ID_MAX;
        return q;
}

static void the_largest_request_survives_the_way_and_no_cut_of_it_does(void **state) {
        struct device_request q = a_make_request(), back;
        size_t n = encode_request(&q);
        assert_int_equal(device_request_read((struct bytes){buf, n}, &back), 0);
        assert_memory_equal(back.ids, q.ids, sizeof(q.ids));
        assert_string_equal(back.user_display_name, q.user_display_name);
        assert_true(back.set_pin_first && !back.protect);
        for (size_t cut = 0; cut < n; cut++)
                assert_int_equal(device_request_read((struct bytes){buf, cut}, &back), -EBADMSG);
        buf[n] = 0;
        assert_int_equal(device_request_read((struct bytes){buf, n + 1}, &back), -EBADMSG);
}

static void what_an_assertion_is_told_of_protection_survives_the_way(void **state) {
        struct device_request q = {.op = DEVICE_OP_GET_ASSERTION,
                                   .deadline_ms = 30000,
                                   .verify = DEVICE_VERIFY_YES,
                                   .rp_id = "x",
                                   .protect = true,
                                   .ids = {{.n = 16}},
                                   .n_ids = 1},
                              back;
        size_t n = encode_request(&q);
        assert_int_equal(device_request_read((struct bytes){buf, n}, &back), 0);
        assert_true(back.protect);
        assert_int_equal(device_request_read((struct bytes){buf, n - 1}, &back), -EBADMSG);
        q.protect = false;
        assert_int_equal(device_request_read((struct bytes){buf, encode_request(&q)}, &back), 0);
        assert_false(back.protect);
}

static void the_parent_reads_only_the_head(void **state) {
        struct device_request q = a_make_request();
        enum device_op op;
        uint32_t deadline_ms;
        size_t n = encode_request(&q);
        assert_int_equal(device_request_peek((struct bytes){buf, n}, &op, &deadline_ms), 0);
        assert_int_equal(op, DEVICE_OP_MAKE_CREDENTIAL);
        assert_int_equal(deadline_ms, 30000);
        for (size_t cut = 0; cut < 6; cut++)
                assert_int_equal(device_request_peek((struct bytes){buf, cut}, &op, &deadline_ms), -EBADMSG);
}

static void requests_out_of_their_limits_are_refused(void **state) {
        struct device_request back, good = a_make_request(), q;
        q = good;
        q.deadline_ms = DEVICE_DEADLINE_MAX_MS + 1;
        assert_int_equal(device_request_read((struct bytes){buf, encode_request(&q)}, &back), -EBADMSG);
        q = good;
        q.deadline_ms = 0; /* only the watch has none */
        assert_int_equal(device_request_read((struct bytes){buf, encode_request(&q)}, &back), -EBADMSG);
        q = good;
        q.user_id_len = 0;
        assert_int_equal(device_request_read((struct bytes){buf, encode_request(&q)}, &back), -EBADMSG);
        q = good;
        memcpy(q.rp_id, "a\nb", 4);
        assert_int_equal(device_request_read((struct bytes){buf, encode_request(&q)}, &back), -EBADMSG);
        q = (struct device_request){.op = DEVICE_OP_GET_ASSERTION, .deadline_ms = 1, .rp_id = "x"};
        assert_int_equal(device_request_read((struct bytes){buf, encode_request(&q)}, &back), -EBADMSG);
        q = (struct device_request){.op = DEVICE_OP_WATCH, .deadline_ms = 5};
        assert_int_equal(device_request_read((struct bytes){buf, encode_request(&q)}, &back), -EBADMSG);
}

static void another_version_is_not_spoken(void **state) {
        struct device_request q = {.op = DEVICE_OP_WATCH}, back;
        struct device_event e = {.type = DEVICE_EVENT_DONE}, got;
        size_t n = encode_request(&q);
        buf[0]++;
        assert_int_equal(device_request_read((struct bytes){buf, n}, &back), -EPROTONOSUPPORT);
        n = encode_event(&e);
        buf[0]++;
        assert_int_equal(device_event_read((struct bytes){buf, n}, &got), -EPROTONOSUPPORT);
}

static void every_event_survives_the_way_and_no_cut_of_it_does(void **state) {
        for (int type = DEVICE_EVENT_READER_ATTACHED; type <= DEVICE_EVENT_FAILED; type++) {
                struct device_event e = {.type = (enum device_event_type) type, .retries = -1}, back;
                if (type <= DEVICE_EVENT_CARD_REMOVED)
                        memcpy(e.reader, "Reader 00", 10);
                e.present = type == DEVICE_EVENT_READER_ATTACHED || type == DEVICE_EVENT_KEY_ATTACHED;
                if (type == DEVICE_EVENT_KEY_ATTACHED || type == DEVICE_EVENT_KEY_DETACHED)
                        e.key = (struct device_key){.id = KEY_ID, .product = "Clé de sécurité"};
                if (type == DEVICE_EVENT_BADGE)
                        e.badge = (struct device_badge){.kind = "desfire", .number_len = 7, .number = {4}};
                if (type == DEVICE_EVENT_CREDENTIAL)
                        e.credential = (struct device_credential){.format = "packed",
                                                                  .authdata_len = DEVICE_AUTHDATA_MAX,
                                                                  .attstmt_len = DEVICE_ATTSTMT_MAX};
                if (type == DEVICE_EVENT_ASSERTION)
                        e.assertion =
                                (struct device_assertion){.credential_id_len = DEVICE_CREDENTIAL_ID_MAX,
                                                          .authdata_len = 37,
                                                          .signature_len = 70,
                                                          .device = KEY_ID};
                if (type == DEVICE_EVENT_FAILED) {
                        e.reason = DEVICE_PIN_WRONG;
                        e.retries = 7;
                        e.detail = -2;
                }
                size_t n = encode_event(&e);
                assert_int_equal(device_event_read((struct bytes){buf, n}, &back), 0);
                assert_memory_equal(&back, &e, sizeof(e));
                for (size_t cut = 0; cut < n; cut++)
                        assert_int_equal(device_event_read((struct bytes){buf, cut}, &back), -EBADMSG);
                buf[n] = 0;
                assert_int_equal(device_event_read((struct bytes){buf, n + 1}, &back), -EBADMSG);
        }
}

static void the_id_of_a_key_is_32_digits_and_its_name_is_clean(void **state) {
        static const struct device_key bad[] = {
                {.id = ""},
                {.id = "00112233445566778899aabbccddeef"},
                {.id = "00112233445566778899AABBCCDDEEFF"},
                {.id = "00112233445566778899aabbccddee/f"},
                {.id = KEY_ID, .product = "a\nb"},
                {.id = KEY_ID,
                 .product = "a\xe2\x80\xae"
                            "b"}, /* right to left from here */
        };
        struct device_event e = {.type = DEVICE_EVENT_KEY_ATTACHED, .key.id = KEY_ID}, back;
        assert_int_equal(device_event_read((struct bytes){buf, encode_event(&e)}, &back), 0);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                e.key = bad[i];
                assert_int_equal(device_event_read((struct bytes){buf, encode_event(&e)}, &back), -EBADMSG);
        }
        e = (struct device_event){
                .type = DEVICE_EVENT_ASSERTION,
                .assertion = {.credential_id_len = 1, .authdata_len = 1, .signature_len = 1}};
        assert_int_equal(device_event_read((struct bytes){buf, encode_event(&e)}, &back), 0);
        memcpy(e.assertion.device, "hidraw0", 8);
        assert_int_equal(device_event_read((struct bytes){buf, encode_event(&e)}, &back), -EBADMSG);
}

static void a_watch_has_no_deadline_and_the_others_have_one(void **state) {
        for (int op = DEVICE_OP_WATCH; op < DEVICE_OP_MAX; op++) {
                bool watch = op == DEVICE_OP_WATCH || op == DEVICE_OP_WATCH_KEYS;
                const uint8_t without[] = {DEVICE_WIRE_VERSION, (uint8_t) op, 0, 0, 0, 0},
                              with[] = {DEVICE_WIRE_VERSION, (uint8_t) op, 0, 0, 0, 1};
                enum device_op got;
                uint32_t ms;
                int r = device_request_peek((struct bytes){without, sizeof(without)}, &got, &ms);
                assert_int_equal(r, watch ? 0 : -EBADMSG);
                r = device_request_peek((struct bytes){with, sizeof(with)}, &got, &ms);
                assert_int_equal(r, watch ? -EBADMSG : 0);
        }
}

static void an_operation_answers_only_in_its_own_kind(void **state) {
        assert_true(device_event_belongs(DEVICE_OP_IDENTIFY, DEVICE_EVENT_BADGE));
        assert_false(device_event_belongs(DEVICE_OP_IDENTIFY, DEVICE_EVENT_ASSERTION));
        assert_false(device_event_belongs(DEVICE_OP_IDENTIFY, DEVICE_EVENT_PIN_WANTED));
        assert_false(device_event_belongs(DEVICE_OP_WATCH, DEVICE_EVENT_BADGE));
        assert_false(device_event_belongs(DEVICE_OP_WATCH, DEVICE_EVENT_KEY_ATTACHED));
        assert_false(device_event_belongs(DEVICE_OP_WATCH_KEYS, DEVICE_EVENT_CARD_INSERTED));
        assert_false(device_event_belongs(DEVICE_OP_GET_ASSERTION, DEVICE_EVENT_KEY_DETACHED));
        assert_true(device_event_belongs(DEVICE_OP_WATCH_KEYS, DEVICE_EVENT_KEYS_LISTED));
        assert_false(device_event_belongs(DEVICE_OP_GET_ASSERTION, DEVICE_EVENT_CREDENTIAL));
        assert_true(device_event_belongs(DEVICE_OP_GET_ASSERTION, DEVICE_EVENT_PIN_WANTED));
}

static void pins_are_four_characters_to_63_bytes(void **state) {
        char longest[DEVICE_PIN_MAX + 2], back[DEVICE_PIN_MAX + 1];
        memset(longest, 'x', sizeof(longest));
        longest[DEVICE_PIN_MAX + 1] = 0;
        assert_false(device_pin_valid(longest));
        longest[DEVICE_PIN_MAX] = 0;
        assert_true(device_pin_valid(longest));
        assert_false(device_pin_valid("123"));
        assert_false(device_pin_valid("äöü"));
        assert_true(device_pin_valid("äöüß"));
        struct writer w = {.p = buf, .size = sizeof(buf)};
        device_pin_write(&w, longest);
        assert_int_equal(device_pin_read((struct bytes){buf, w.n}, back), 0);
        assert_string_equal(back, longest);
        assert_int_equal(device_pin_read((struct bytes){buf, w.n - 1}, back), -EBADMSG);
}

static void every_reason_has_its_own_name(void **state) {
        for (int i = 0; i < DEVICE_REASON_MAX; i++) {
                assert_string_not_equal(device_reason_name((enum device_reason) i), "unknown");
                for (int j = 0; j < i; j++)
                        assert_string_not_equal(device_reason_name((enum device_reason) i),
                                                device_reason_name((enum device_reason) j));
        }
        assert_string_equal(device_reason_name(DEVICE_REASON_MAX), "unknown");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_largest_request_survives_the_way_and_no_cut_of_it_does),
                cmocka_unit_test(what_an_assertion_is_told_of_protection_survives_the_way),
                cmocka_unit_test(the_parent_reads_only_the_head),
                cmocka_unit_test(requests_out_of_their_limits_are_refused),
                cmocka_unit_test(another_version_is_not_spoken),
                cmocka_unit_test(every_event_survives_the_way_and_no_cut_of_it_does),
                cmocka_unit_test(the_id_of_a_key_is_32_digits_and_its_name_is_clean),
                cmocka_unit_test(a_watch_has_no_deadline_and_the_others_have_one),
                cmocka_unit_test(an_operation_answers_only_in_its_own_kind),
                cmocka_unit_test(pins_are_four_characters_to_63_bytes),
                cmocka_unit_test(every_reason_has_its_own_name),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
