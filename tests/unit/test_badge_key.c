/* SPDX-License-Identifier: Apache-2.0 */
/* Badge numbers become indexes under the site's key, and keys are taken only in full. */
#include "helper/badge_key.h"
#include "common/crockford.h"

#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <cmocka.h>

static const uint8_t number[] = {0x04, 0xa1, 0xb2, 0xc3};

static int setup(void **state) {
        char *folder = strdup("/tmp/test_badge_key.XXXXXX");
        if (!folder || !mkdtemp(folder))
                return -1;
        *state = folder;
        return 0;
}

static void path_of(void **state, const char *file, char out[static 64]) {
        (void) snprintf(out, 64, "%s/%s", (const char *) *state, file);
}

static int teardown(void **state) {
        char path[64];
        path_of(state, "badge-key", path);
        (void) unlink(path);
        path_of(state, "badge-key-previous", path);
        (void) unlink(path);
        (void) rmdir(*state);
        free(*state);
        return 0;
}

static void put(void **state, const char *file, uint8_t byte, size_t n) {
        char path[64];
        uint8_t bytes[64];
        memset(bytes, byte, sizeof(bytes));
        path_of(state, file, path);
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, bytes, n), n);
}

/* Computed with: printf 'wardtap-badge-1\0\x04\x04\xa1\xb2\xc3' | openssl dgst -sha256 -mac HMAC -macopt
 * hexkey:$(printf '11%.0s' {1..32}); the key's id with sha256sum. */
static void the_index_is_the_one_that_is_documented(void **state) {
        struct badge_keys k;
        const char *file;
        struct tap t = {.n_indexes = 0};
        char hex[65];
        put(state, "badge-key", 0x11, 32);
        assert_int_equal(badge_keys_load(*state, &k, &file), 0);
        assert_int_equal(k.n, 1);
        assert_int_equal(badge_index(&k, number, sizeof(number), &t), 0);
        hex_encode(t.indexes[0].index, BADGE_INDEX_SIZE, hex);
        assert_string_equal(hex, "656d3f29c355862be124f6e0b3d8e05f12eef925e04ae0046f61cd0fa69825e9");
        assert_string_equal(t.indexes[0].key_id, "02d449a31fbb267c");
        assert_string_equal(t.token, "CNPKYAE3");
        badge_keys_clear(&k);
}

static void both_keys_make_an_index_each(void **state) {
        struct badge_keys k;
        const char *file;
        struct tap t = {.n_indexes = 0}, old = {.n_indexes = 0};
        put(state, "badge-key", 1, 32);
        assert_int_equal(badge_keys_load(*state, &k, &file), 0);
        assert_int_equal(badge_index(&k, number, sizeof(number), &old), 0);
        put(state, "badge-key", 2, 32);
        put(state, "badge-key-previous", 1, 32);
        assert_int_equal(badge_keys_load(*state, &k, &file), 0);
        assert_int_equal(badge_index(&k, number, sizeof(number), &t), 0);
        assert_int_equal(t.n_indexes, 2);
        assert_memory_equal(&t.indexes[1], &old.indexes[0], sizeof(old.indexes[0]));
        assert_memory_not_equal(&t.indexes[0], &old.indexes[0], sizeof(old.indexes[0]));
}

/* 01020304 and 0102030400 are two badges. */
static void length_is_part_of_the_number(void **state) {
        static const uint8_t a[5] = {1, 2, 3, 4, 0};
        struct badge_keys k = {.n = 1};
        struct tap four = {.n_indexes = 0}, five = {.n_indexes = 0};
        assert_int_equal(badge_index(&k, a, 4, &four), 0);
        assert_int_equal(badge_index(&k, a, 5, &five), 0);
        assert_memory_not_equal(four.indexes[0].index, five.indexes[0].index, BADGE_INDEX_SIZE);
}

static void other_lengths_are_no_number(void **state) {
        static const uint8_t a[BADGE_NUMBER_MAX + 1] = {0};
        struct badge_keys k = {.n = 1}, none = {.n = 0};
        struct tap t = {.n_indexes = 0};
        assert_int_equal(badge_index(&k, a, 3, &t), -EINVAL);
        assert_int_equal(badge_index(&k, a, sizeof(a), &t), -EINVAL);
        assert_int_equal(badge_index(&none, a, 4, &t), -EINVAL);
        assert_int_equal(t.n_indexes, 0);
}

static void a_key_is_exactly_32_bytes(void **state) {
        static const size_t sizes[] = {0, 1, 31, 33, 64};
        struct badge_keys k;
        const char *file = NULL;
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                put(state, "badge-key", 7, sizes[i]);
                assert_int_equal(badge_keys_load(*state, &k, &file), -EBADMSG);
                assert_string_equal(file, "badge-key");
        }
        put(state, "badge-key", 7, 32);
        put(state, "badge-key-previous", 8, 31);
        assert_int_equal(badge_keys_load(*state, &k, &file), -EBADMSG);
        assert_string_equal(file, "badge-key-previous");
}

static void without_a_key_there_is_no_start(void **state) {
        struct badge_keys k;
        const char *file = NULL;
        assert_int_equal(badge_keys_load(*state, &k, &file), -ENOENT);
        assert_int_equal(badge_keys_load(NULL, &k, &file), -ENOENT);
        assert_int_equal(badge_keys_load("relative", &k, &file), -ENOENT);
        put(state, "badge-key-previous", 8, 32);
        assert_int_equal(badge_keys_load(*state, &k, &file), -ENOENT);
        assert_string_equal(file, "badge-key");
}

static void the_same_key_twice_is_a_mistake(void **state) {
        struct badge_keys k;
        const char *file;
        put(state, "badge-key", 8, 32);
        put(state, "badge-key-previous", 8, 32);
        assert_int_equal(badge_keys_load(*state, &k, &file), -EEXIST);
}

static void a_fifo_does_not_hang_the_start(void **state) {
        struct badge_keys k;
        const char *file;
        char path[64];
        path_of(state, "badge-key", path);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(badge_keys_load(*state, &k, &file), -EBADMSG);
}

static void codes_are_crockfords_base32(void **state) {
        static const uint8_t zero[5], ones[5] = {0xff, 0xff, 0xff, 0xff, 0xff},
                                      count[5] = {0x00, 0x44, 0x32, 0x14, 0xc7};
        char text[9];
        crockford_encode(zero, 8, text);
        assert_string_equal(text, "00000000");
        crockford_encode(ones, 8, text);
        assert_string_equal(text, "ZZZZZZZZ");
        crockford_encode(count, 8, text); /* 0 1 2 3 4 5 6 7 */
        assert_string_equal(text, "01234567");
        crockford_encode(count, 6, text);
        assert_string_equal(text, "012345");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(the_index_is_the_one_that_is_documented),
                TEST(both_keys_make_an_index_each),
                TEST(length_is_part_of_the_number),
                TEST(other_lengths_are_no_number),
                TEST(a_key_is_exactly_32_bytes),
                TEST(without_a_key_there_is_no_start),
                TEST(the_same_key_twice_is_a_mistake),
                TEST(a_fifo_does_not_hang_the_start),
                TEST(codes_are_crockfords_base32),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
