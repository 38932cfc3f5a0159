/* SPDX-License-Identifier: Apache-2.0 */
/* Records hold clean text of bounded length, and their bytes decode to themselves and nothing else. */
#include "common/record.h"
#include "common/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void what_is_not_fit_to_read_is_replaced(void **state) {
        _cleanup_(record_clear) struct record r = {0};
        assert_int_equal(record_set(&r, RECORD_FIELD_USER, "a\nWARDTAP_EVENT=b\xff"), 0);
        assert_string_equal(r.fields[RECORD_FIELD_USER], "a?WARDTAP_EVENT=b?");
}

static void a_long_value_is_cut_at_a_characters_end(void **state) {
        _cleanup_(record_clear) struct record r = {0};
        assert_int_equal(record_set(&r, RECORD_FIELD_CODE, "1234567ä"),
                         0); /* 8 bytes fit, the ä would need two */
        assert_string_equal(r.fields[RECORD_FIELD_CODE], "1234567");
}

static void bytes_decode_to_the_same_record(void **state) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_DENIED, .outcome = RECORD_FAILURE},
                                              back = {0};
        uint8_t buf[1024];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t n;
        assert_int_equal(record_set(&r, RECORD_FIELD_REASON, "pin-wrong"), 0);
        assert_int_equal(record_set_u64(&r, RECORD_FIELD_PREV, UINT64_MAX), 0);
        record_write(&w, &r);
        assert_int_equal(writer_end(&w, &n), 0);
        assert_int_equal(record_read((struct bytes){buf, n}, &back), 0);
        assert_int_equal(back.event, RECORD_DENIED);
        assert_int_equal(back.outcome, RECORD_FAILURE);
        assert_string_equal(back.fields[RECORD_FIELD_REASON], "pin-wrong");
        assert_string_equal(back.fields[RECORD_FIELD_PREV], "18446744073709551615");
        for (size_t cut = 0; cut < n;
             cut++) { /* every shorter prefix is refused, or a record with fewer fields */
                _cleanup_(record_clear) struct record part = {0};
                if (record_read((struct bytes){buf, cut}, &part) == 0)
                        assert_null(part.fields[RECORD_FIELD_PREV]);
        }
}

static void fields_out_of_order_twice_unknown_or_unclean_are_refused(void **state) {
        static const uint8_t twice[] = {0, 0, 1, 0, 1, 'a', 1, 0, 1, 'a'};
        static const uint8_t order[] = {0, 0, 2, 0, 1, 'a', 1, 0, 1, 'a'};
        static const uint8_t field[] = {0, 0, 200, 0, 1, 'a'};
        static const uint8_t event[] = {200, 0};
        static const uint8_t outcome[] = {0, 3};
        static const uint8_t unclean[] = {0, 0, 1, 0, 1, '\n'};
        static const uint8_t zero[] = {0, 0, 1, 0, 2, 'a', 0};
        const struct bytes bad[] = {{twice, sizeof(twice)},     {order, sizeof(order)},
                                    {field, sizeof(field)},     {event, sizeof(event)},
                                    {outcome, sizeof(outcome)}, {unclean, sizeof(unclean)},
                                    {zero, sizeof(zero)}};
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                struct record r;
                assert_int_equal(record_read(bad[i], &r), -EBADMSG);
        }
}

static void every_event_has_a_name_and_an_id_of_its_own(void **state) {
        for (int i = 0; i < RECORD_EVENT_MAX; i++) {
                assert_int_equal(record_event_from_name(record_event_name((enum record_event) i)), i);
                assert_int_equal(strlen(record_event_message_id((enum record_event) i)), 32);
                for (int j = 0; j < i; j++)
                        assert_string_not_equal(record_event_message_id((enum record_event) i),
                                                record_event_message_id((enum record_event) j));
        }
        assert_int_equal(record_event_from_name("nothing"), RECORD_EVENT_INVALID);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_not_fit_to_read_is_replaced),
                cmocka_unit_test(a_long_value_is_cut_at_a_characters_end),
                cmocka_unit_test(bytes_decode_to_the_same_record),
                cmocka_unit_test(fields_out_of_order_twice_unknown_or_unclean_are_refused),
                cmocka_unit_test(every_event_has_a_name_and_an_id_of_its_own),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
