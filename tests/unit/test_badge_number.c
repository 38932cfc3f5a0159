/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds from ATRs, numbers in canonical order, and every wrong answer of a card. */
#include "common/util.h"
#include "devices/badge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const uint8_t classic[] = {0x3b, 0x8f, 0x80, 0x01, 0x80, 0x4f, 0x0c, 0xa0, 0x00, 0x00,
                                  0x03, 0x06, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x6a};

static const char *kind_of_card(uint8_t ss, uint16_t nn) {
        uint8_t atr[sizeof(classic)];
        memcpy(atr, classic, sizeof(atr));
        atr[12] = ss;
        atr[13] = (uint8_t) (nn >> 8);
        atr[14] = (uint8_t) nn;
        return badge_kind(atr, sizeof(atr))->name;
}

static void the_atr_tells_the_kind(void **state) {
        static const uint8_t desfire[] = {0x3b, 0x81, 0x80, 0x01, 0x80, 0x80};
        static const uint8_t smart[] = {0x3b, 0x84, 0x80, 0x01, 1, 2, 3, 4, 0};
        static const uint8_t contact[] = {0x3b, 0xf8, 0x13, 0x00, 0x00, 0x81};
        assert_string_equal(badge_kind(classic, sizeof(classic))->name, "mifare-classic-1k");
        assert_string_equal(kind_of_card(0x03, 0x0002), "mifare-classic-4k");
        assert_string_equal(kind_of_card(0x0b, 0x0014), "iso15693");
        assert_string_equal(kind_of_card(0x11, 0x003b), "felica");
        assert_string_equal(kind_of_card(0x03, 0x7777), "iso14443a-3");
        assert_string_equal(kind_of_card(0x77, 0x7777), "unknown");
        assert_string_equal(badge_kind(desfire, sizeof(desfire))->name, "desfire");
        assert_string_equal(badge_kind(smart, sizeof(smart))->name, "iso14443-4");
        assert_string_equal(badge_kind(contact, sizeof(contact))->name, "contact");
}

static void an_atr_cut_or_too_long_is_never_contactless(void **state) {
        uint8_t atr[sizeof(classic) + 1] = {0};
        memcpy(atr, classic, sizeof(classic));
        for (size_t n = 0; n <= sizeof(atr); n++)
                if (n != sizeof(classic))
                        assert_string_equal(badge_kind(atr, n)->name, "contact");
}

static enum device_reason number_of(const char *kind, const uint8_t *p, size_t n, struct device_badge *ret) {
        uint8_t atr[sizeof(classic)];
        memcpy(atr, classic, sizeof(atr));
        if (strcmp(kind, "iso15693") == 0)
                memcpy(atr + 12, (uint8_t[]){0x0b, 0x00, 0x14}, 3);
        else if (strcmp(kind, "ultralight") == 0)
                memcpy(atr + 12, (uint8_t[]){0x03, 0x00, 0x03}, 3);
        return badge_number(badge_kind(atr, sizeof(atr)), p, n, ret);
}

static void lengths_are_those_of_the_kind(void **state) {
        static const uint8_t p[64] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
        struct device_badge badge;
        for (size_t n = 0; n < sizeof(p); n++) {
                bool classic_may = n == 4 || n == 7 || n == 10;
                assert_int_equal(number_of("classic", p, n, &badge),
                                 classic_may ? DEVICE_OK : DEVICE_NO_NUMBER);
                assert_int_equal(number_of("ultralight", p, n, &badge),
                                 n == 7 ? DEVICE_OK : DEVICE_NO_NUMBER);
        }
}

static void numbers_that_name_nobody_are_refused(void **state) {
        struct device_badge badge;
        assert_int_equal(number_of("classic", (uint8_t[]){0x08, 1, 2, 3}, 4, &badge), DEVICE_RANDOM_NUMBER);
        assert_int_equal(number_of("classic", (uint8_t[]){0x88, 4, 2, 3}, 4, &badge), DEVICE_NO_NUMBER);
        assert_int_equal(number_of("classic", (uint8_t[]){0, 0, 0, 0}, 4, &badge), DEVICE_NO_NUMBER);
        assert_int_equal(number_of("classic", (uint8_t[]){255, 255, 255, 255}, 4, &badge), DEVICE_NO_NUMBER);
        /* only a number of four bytes is random by its first */
        assert_int_equal(number_of("classic", (uint8_t[]){0x08, 1, 2, 3, 4, 5, 6}, 7, &badge), DEVICE_OK);
}

static void both_readers_habits_give_one_iso15693_number(void **state) {
        static const uint8_t numbers[][8] = {{0xe0, 4, 1, 2, 3, 4, 5, 6}, {0xe0, 4, 1, 2, 3, 4, 5, 0xe0}};
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                struct device_badge straight, turned;
                uint8_t reversed[8];
                for (size_t j = 0; j < 8; j++)
                        reversed[j] = numbers[i][7 - j];
                assert_int_equal(number_of("iso15693", numbers[i], 8, &straight), DEVICE_OK);
                assert_int_equal(number_of("iso15693", reversed, 8, &turned), DEVICE_OK);
                assert_memory_equal(straight.number, turned.number, 8);
                assert_int_equal(straight.number[0], 0xe0);
        }
        struct device_badge badge;
        assert_int_equal(number_of("iso15693", (uint8_t[]){1, 4, 1, 2, 3, 4, 5, 6}, 8, &badge),
                         DEVICE_NO_NUMBER);
}

/* A card that answers from a script; the last answer again and again. */
struct script {
        struct {
                enum device_reason reason;
                uint8_t data[64];
                size_t n;
        } answers[4];
        size_t n, asked;
        uint8_t last_apdu[5];
};

static enum device_reason play(void *context, const uint8_t *apdu, size_t n, uint8_t *ret, size_t size,
                               size_t *ret_n) {
        struct script *s = context;
        size_t at = s->asked < s->n ? s->asked : s->n - 1;
        s->asked++;
        assert_int_equal(n, 5);
        memcpy(s->last_apdu, apdu, 5);
        if (s->answers[at].n > 0)
                memcpy(ret, s->answers[at].data, s->answers[at].n);
        *ret_n = s->answers[at].n;
        return s->answers[at].reason;
}

static enum device_reason read_with(struct script *s, struct device_badge *badge, int32_t *detail) {
        return badge_read(play, s, classic, sizeof(classic), badge, detail);
}

static void the_number_is_read_twice(void **state) {
        struct script s = {.answers = {{DEVICE_OK, {4, 1, 2, 3, 0x90, 0}, 6}}, .n = 1};
        struct device_badge badge;
        int32_t detail;
        assert_int_equal(read_with(&s, &badge, &detail), DEVICE_OK);
        assert_int_equal(s.asked, 2);
        assert_int_equal(badge.number_len, 4);
        s = (struct script){
                .answers = {{DEVICE_OK, {4, 1, 2, 3, 0x90, 0}, 6}, {DEVICE_OK, {4, 1, 2, 4, 0x90, 0}, 6}},
                .n = 2};
        assert_int_equal(read_with(&s, &badge, &detail), DEVICE_BAD_ANSWER);
}

static void answers_too_short_for_a_status_are_failures(void **state) {
        struct script nothing = {.answers = {{DEVICE_OK, {0}, 0}}, .n = 1};
        struct script half = {.answers = {{DEVICE_OK, {0x90}, 1}}, .n = 1};
        struct script gone = {.answers = {{DEVICE_REMOVED, {0}, 0}}, .n = 1};
        struct device_badge badge;
        int32_t detail;
        assert_int_equal(read_with(&nothing, &badge, &detail), DEVICE_REMOVED);
        assert_int_equal(read_with(&half, &badge, &detail), DEVICE_BAD_ANSWER);
        assert_int_equal(read_with(&gone, &badge, &detail), DEVICE_REMOVED);
}

static void a_chain_is_followed_but_not_for_ever(void **state) {
        struct script chain = {.answers = {{DEVICE_OK, {4, 1, 0x61, 2}, 4},
                                           {DEVICE_OK, {2, 3, 0x90, 0}, 4},
                                           {DEVICE_OK, {4, 1, 2, 3, 0x90, 0}, 6}},
                               .n = 3};
        struct script endless = {.answers = {{DEVICE_OK, {4, 0x61, 1}, 3}}, .n = 1};
        struct device_badge badge;
        int32_t detail;
        assert_int_equal(read_with(&chain, &badge, &detail), DEVICE_OK);
        assert_memory_equal(badge.number, ((uint8_t[]){4, 1, 2, 3}), 4);
        assert_int_equal(read_with(&endless, &badge, &detail), DEVICE_NO_NUMBER);
        assert_memory_equal(endless.last_apdu, ((uint8_t[]){0, 0xc0, 0, 0, 1}), 5);
        assert_in_range(endless.asked, 2, 5);
        assert_int_equal(detail, 0x6101);
}

static void a_refusal_keeps_its_status_word(void **state) {
        struct script refused = {.answers = {{DEVICE_OK, {0x6a, 0x81}, 2}}, .n = 1};
        struct device_badge badge;
        int32_t detail;
        assert_int_equal(read_with(&refused, &badge, &detail), DEVICE_NO_NUMBER);
        assert_int_equal(detail, 0x6a81);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_atr_tells_the_kind),
                cmocka_unit_test(an_atr_cut_or_too_long_is_never_contactless),
                cmocka_unit_test(lengths_are_those_of_the_kind),
                cmocka_unit_test(numbers_that_name_nobody_are_refused),
                cmocka_unit_test(both_readers_habits_give_one_iso15693_number),
                cmocka_unit_test(the_number_is_read_twice),
                cmocka_unit_test(answers_too_short_for_a_status_are_failures),
                cmocka_unit_test(a_chain_is_followed_but_not_for_ever),
                cmocka_unit_test(a_refusal_keeps_its_status_word),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
