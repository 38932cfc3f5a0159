/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual key's own protocol, report by report and with a clock of the test's: CTAPHID framing, the wait
 * for a touch, and CBOR that is refused. What libfido2 sees of it is tested with libfido2. */
#include "common/bytes.h"
#include "common/util.h"
#include "tests/virtual/key.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <cmocka.h>

enum {
        PING = 0x01,
        MSG = 0x03,
        INIT = 0x06,
        WINK = 0x08,
        CBOR = 0x10,
        CANCEL = 0x11,
        KEEPALIVE = 0x3b,
        ERROR = 0x3f,
};

#define BROADCAST 0xffffffffU

DEFINE_CLEANUP(struct key, key_free)

/* A message put together again. */
struct message {
        uint32_t cid;
        uint8_t command;
        uint8_t p[7609];
        size_t n;
};

static int wanted;

static void touch_wanted(void *userdata) {
        wanted++;
}

static struct key *plug(struct key_config c) {
        struct key *k = NULL;
        wanted = 0;
        c.on_touch_wanted = touch_wanted;
        assert_int_equal(key_new(&c, 1000, &k), 0);
        return k;
}

static void first_report(uint8_t r[KEY_REPORT_SIZE], uint32_t cid, uint8_t command, size_t total,
                         const void *p, size_t n) {
        struct writer w = {.p = r, .size = KEY_REPORT_SIZE};
        memset(r, 0, KEY_REPORT_SIZE);
        writer_u32(&w, cid);
        writer_u8(&w, command | 0x80);
        writer_u16(&w, (uint16_t) total);
        writer_bytes(&w, p, n);
        assert_false(w.full);
}

static void next_report(uint8_t r[KEY_REPORT_SIZE], uint32_t cid, uint8_t sequence, const void *p,
                        size_t n) {
        struct writer w = {.p = r, .size = KEY_REPORT_SIZE};
        memset(r, 0, KEY_REPORT_SIZE);
        writer_u32(&w, cid);
        writer_u8(&w, sequence);
        writer_bytes(&w, p, n);
        assert_false(w.full);
}

static void send(struct key *k, uint64_t now, uint32_t cid, uint8_t command, const void *p, size_t n) {
        uint8_t r[KEY_REPORT_SIZE];
        size_t sent = n < 57 ? n : 57;
        first_report(r, cid, command, n, p, sent);
        key_feed(k, now, r);
        for (uint8_t sequence = 0; sent < n; sequence++) {
                size_t part = n - sent < 59 ? n - sent : 59;
                next_report(r, cid, sequence, (const uint8_t *) p + sent, part);
                key_feed(k, now, r);
                sent += part;
        }
}

static bool receive(struct key *k, struct message *m) {
        uint8_t r[KEY_REPORT_SIZE], type;
        uint16_t total;
        if (!key_take(k, r))
                return false;
        struct bytes b = {r, sizeof(r)};
        assert_int_equal(bytes_take_u32(&b, &m->cid), 0);
        assert_int_equal(bytes_take_u8(&b, &type), 0);
        assert_int_equal(bytes_take_u16(&b, &total), 0);
        assert_true(type & 0x80);
        m->command = type & 0x7f;
        m->n = total < b.n ? total : b.n;
        memcpy(m->p, b.p, m->n);
        for (uint8_t sequence = 0; m->n < total; sequence++) {
                assert_true(key_take(k, r));
                assert_memory_equal(r, (&(uint32_t){__builtin_bswap32(m->cid)}), 4);
                assert_int_equal(r[4], sequence);
                size_t part = total - m->n < 59U ? total - m->n : 59U;
                memcpy(m->p + m->n, r + 5, part);
                m->n += part;
        }
        return true;
}

/* The next message must be this one, of one byte. */
static void expect_byte(struct key *k, uint32_t cid, uint8_t command, uint8_t byte) {
        struct message m;
        assert_true(receive(k, &m));
        assert_int_equal(m.cid, cid);
        assert_int_equal(m.command, command);
        assert_int_equal(m.n, 1);
        assert_int_equal(m.p[0], byte);
}

static void expect_nothing(struct key *k) {
        uint8_t r[KEY_REPORT_SIZE];
        assert_false(key_take(k, r));
}

static uint32_t open_channel(struct key *k) {
        struct message m;
        send(k, 1000, BROADCAST, INIT, "12345678", 8);
        assert_true(receive(k, &m));
        assert_int_equal(m.cid, BROADCAST);
        assert_int_equal(m.command, INIT);
        assert_int_equal(m.n, 17);
        assert_memory_equal(m.p, "12345678", 8);
        assert_int_equal(m.p[16], 0x0d);
        struct bytes b = {m.p + 8, 4};
        uint32_t cid = 0;
        assert_int_equal(bytes_take_u32(&b, &cid), 0);
        assert_int_not_equal(cid, 0);
        assert_int_not_equal(cid, BROADCAST);
        return cid;
}

static void a_ping_of_any_length_comes_back(void **state) {
        static const size_t sizes[] = {0, 1, 57, 58, 116, 117, 1024, 7609};
        _cleanup_(key_freep) struct key *k = plug((struct key_config){0});
        uint32_t cid = open_channel(k);
        uint8_t out[7609];
        struct message m;
        for (size_t i = 0; i < sizeof(out); i++)
                out[i] = (uint8_t) (i * 7);
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                send(k, 1000, cid, PING, out, sizes[i]);
                assert_true(receive(k, &m));
                assert_int_equal(m.command, PING);
                assert_int_equal(m.n, sizes[i]);
                assert_memory_equal(m.p, out, m.n);
                expect_nothing(k);
        }
}

static void frames_that_break_the_rules_are_answered_with_their_error(void **state) {
        _cleanup_(key_freep) struct key *k = plug((struct key_config){0});
        uint32_t cid = open_channel(k);
        uint8_t r[KEY_REPORT_SIZE];
        first_report(r, cid, PING, 7610, "", 0);
        key_feed(k, 1000, r);
        expect_byte(k, cid, ERROR, 0x03);
        send(k, 1000, cid ^ 1, PING, "x", 1);
        expect_byte(k, cid ^ 1, ERROR, 0x0b);
        send(k, 1000, BROADCAST, PING, "x", 1);
        expect_byte(k, BROADCAST, ERROR, 0x0b);
        send(k, 1000, cid, MSG, "\0\3\0\0\0\0\0", 7); /* U2F, which it has not */
        expect_byte(k, cid, ERROR, 0x01);
        send(k, 1000, cid, 0x44, "x", 1);
        expect_byte(k, cid, ERROR, 0x01);
        send(k, 1000, BROADCAST, INIT, "1234567", 7);
        expect_byte(k, BROADCAST, ERROR, 0x03);
        next_report(r, cid, 0, "x", 1); /* out of nowhere */
        key_feed(k, 1000, r);
        expect_nothing(k);
}

static void a_message_out_of_sequence_is_given_up(void **state) {
        _cleanup_(key_freep) struct key *k = plug((struct key_config){0});
        uint32_t cid = open_channel(k), other = open_channel(k);
        uint8_t r[KEY_REPORT_SIZE];
        struct message m;
        first_report(r, cid, PING, 200, "", 0);
        key_feed(k, 1000, r);
        send(k, 1000, other, PING, "x", 1);
        expect_byte(k, other, ERROR, 0x06);
        next_report(r, cid, 1, "x", 1);
        key_feed(k, 1000, r);
        expect_byte(k, cid, ERROR, 0x04);
        first_report(r, cid, PING, 200, "", 0);
        key_feed(k, 1000, r);
        key_feed(k, 1000, r); /* a second beginning */
        expect_byte(k, cid, ERROR, 0x04);
        first_report(r, cid, PING, 200, "", 0);
        key_feed(k, 1000, r);
        key_tick(k, key_deadline_ms(k) - 1);
        expect_nothing(k);
        key_tick(k, key_deadline_ms(k));
        expect_byte(k, cid, ERROR, 0x05);
        assert_int_equal(key_deadline_ms(k), UINT64_MAX);
        send(k, 9000, cid, PING, "still there", 11);
        assert_true(receive(k, &m));
        assert_int_equal(m.n, 11);
}

static void init_on_a_channel_ends_what_goes_on_there(void **state) {
        _cleanup_(key_freep) struct key *k = plug((struct key_config){.touch = KEY_TOUCH_NEVER});
        uint32_t cid = open_channel(k);
        struct message m;
        send(k, 1000, cid, CBOR, "\x0b", 1); /* selection */
        assert_int_equal(wanted, 1);
        send(k, 1000, cid, INIT, "12345678", 8);
        while (receive(k, &m) && m.command == KEEPALIVE)
                ;
        assert_int_equal(m.command, INIT);
        assert_memory_equal(m.p + 8, (&(uint32_t){__builtin_bswap32(cid)}), 4);
        key_tick(k, 60000);
        expect_nothing(k);
}

static void while_it_waits_it_says_so_and_is_busy_for_others(void **state) {
        _cleanup_(key_freep) struct key *k = plug((struct key_config){.touch = KEY_TOUCH_NEVER});
        uint32_t cid = open_channel(k), other = open_channel(k);
        int keepalives = 0;
        struct message m;
        send(k, 1000, cid, CBOR, "\x0b", 1);
        for (uint64_t now = 1000; now < 31000; now = key_deadline_ms(k)) {
                key_tick(k, now);
                while (receive(k, &m)) {
                        assert_int_equal(m.cid, cid);
                        assert_int_equal(m.command, KEEPALIVE);
                        assert_int_equal(m.p[0], 2);
                        keepalives++;
                }
        }
        assert_int_equal(keepalives, 300);
        send(k, 30999, other, CBOR, "\x04", 1);
        expect_byte(k, other, ERROR, 0x06);
        send(k, 30999, cid, CBOR, "\x04", 1);
        expect_byte(k, cid, ERROR, 0x06);
        key_tick(k, 31000);
        expect_byte(k, cid, CBOR, 0x2f);
        expect_nothing(k);
}

static void a_touch_a_delay_and_a_cancel_end_the_wait(void **state) {
        _cleanup_(key_freep) struct key *k = plug((struct key_config){.touch = KEY_TOUCH_SIGNAL});
        uint32_t cid = open_channel(k);
        key_touch(k, 1000); /* nobody asked */
        send(k, 1000, cid, CBOR, "\x0b", 1);
        expect_nothing(k);
        key_touch(k, 1000);
        expect_byte(k, cid, KEEPALIVE, 2);
        expect_byte(k, cid, CBOR, 0x00);
        send(k, 1000, cid, CANCEL, NULL, 0); /* nothing to cancel */
        expect_nothing(k);
        send(k, 2000, cid, CBOR, "\x0b", 1);
        send(k, 2000, cid ^ 1, CANCEL, NULL, 0);
        expect_byte(k, cid, KEEPALIVE, 2);
        expect_byte(k, cid ^ 1, ERROR, 0x0b);
        send(k, 2000, cid, CANCEL, NULL, 0);
        expect_byte(k, cid, CBOR, 0x2d);
        expect_nothing(k);

        _cleanup_(key_freep) struct key *late =
                plug((struct key_config){.touch = KEY_TOUCH_DELAY, .touch_delay_ms = 50});
        cid = open_channel(late);
        send(late, 1000, cid, CBOR, "\x0b", 1);
        key_tick(late, 1049);
        expect_byte(late, cid, KEEPALIVE, 2);
        expect_nothing(late);
        key_tick(late, 1050);
        expect_byte(late, cid, CBOR, 0x00);
}

static void wink_and_unknown_commands_are_answered(void **state) {
        _cleanup_(key_freep) struct key *k = plug((struct key_config){0});
        uint32_t cid = open_channel(k);
        struct message m;
        send(k, 1000, cid, WINK, NULL, 0);
        assert_true(receive(k, &m));
        assert_int_equal(m.command, WINK);
        assert_int_equal(m.n, 0);
        send(k, 1000, cid, CBOR, "\x55", 1);
        expect_byte(k, cid, CBOR, 0x01);
        send(k, 1000, cid, CBOR, "", 0);
        expect_byte(k, cid, CBOR, 0x03);
}

/* Parameters of getAssertion (0x02), makeCredential (0x01) and clientPIN (0x06) that are none. */
static void parameters_that_are_not_strict_cbor_are_refused(void **state) {
        static const struct {
                const char *p;
                size_t n;
                uint8_t status;
        } table[] = {
                {"\x02", 1, 0x12},                                              /* nothing */
                {"\x02\xa0", 2, 0x14},                                          /* nothing in it */
                {"\x02\x80", 2, 0x11},                                          /* not a map */
                {"\x02\xa0\x00", 3, 0x03},                                      /* left over */
                {"\x02\xa1\x01", 3, 0x12},                                      /* cut off */
                {"\x02\xbf\xff", 3, 0x12},                                      /* indefinite */
                {"\x02\xbb\xff\xff\xff\xff\xff\xff\xff\xff", 10, 0x12},         /* a map of 2^64 */
                {"\x02\xa1\x01\x5b\x7f\xff\xff\xff\xff\xff\xff\xff", 12, 0x12}, /* a string of 2^63 */
                {"\x02\xa1\x01\x81\x81\x81\x81\x81\x00", 9, 0x12},              /* too deep */
                {"\x02\xa1\x01\xc0\x60", 5, 0x12},                              /* tagged */
                {"\x02\xa2\x01\x61\x00\x02\x40", 7, 0x14}, /* a zero byte in the relying party */
                {"\x01\xa1\x01\x40", 4, 0x03},             /* a hash of no bytes */
                {"\x06\xa0", 2, 0x14},                     /* no subcommand */
                {"\x06\xa1\x02\x18\x63", 5, 0x14},         /* an unknown one */
                {"\x06\xa2\x01\x03\x02\x02", 6, 0x02},     /* an unknown protocol */
                {"\x06\xa2\x01\x02\x02\x09", 6, 0x14},     /* a token for nothing */
        };
        _cleanup_(key_freep) struct key *k = plug((struct key_config){0});
        uint32_t cid = open_channel(k);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                send(k, 1000, cid, CBOR, table[i].p, table[i].n);
                expect_byte(k, cid, CBOR, table[i].status);
        }
}

/* Takes one item and checks that it is canonical (CTAP 2.1, section 8): shortest heads, keys in order. */
static void take_canonical(struct bytes *b) {
        uint8_t head, more[8];
        struct bytes skipped, last = {NULL, 0};
        uint64_t v = 0;
        assert_int_equal(bytes_take_u8(b, &head), 0);
        if ((head & 31) < 24)
                v = head & 31;
        else {
                size_t n = (size_t) 1 << ((head & 31) - 24);
                assert_in_range(head & 31, 24, 27);
                assert_int_equal(bytes_take_copy(b, more, n), 0);
                for (size_t i = 0; i < n; i++)
                        v = v << 8 | more[i];
                assert_true(n == 1 ? v >= 24 : v >> (n * 4) > 0);
        }
        if (head >> 5 == 2 || head >> 5 == 3)
                assert_int_equal(bytes_take(b, (size_t) v, &skipped), 0);
        for (uint64_t i = 0; head >> 5 == 4 && i < v; i++)
                take_canonical(b);
        for (uint64_t i = 0; head >> 5 == 5 && i < v; i++) {
                struct bytes key = *b;
                take_canonical(b);
                key.n -= b->n;
                if (last.n > 0 && last.p[0] >> 5 == key.p[0] >> 5)
                        assert_true(last.n < key.n || (last.n == key.n && memcmp(last.p, key.p, key.n) < 0));
                else if (last.n > 0)
                        assert_true(last.p[0] >> 5 < key.p[0] >> 5);
                last = key;
                take_canonical(b);
        }
}

static void expect_canonical(struct key *k, uint32_t cid, const char *request, size_t n) {
        struct message m;
        send(k, 1000, cid, CBOR, request, n);
        assert_true(receive(k, &m));
        assert_int_equal(m.command, CBOR);
        assert_int_equal(m.p[0], 0);
        struct bytes b = {m.p + 1, m.n - 1};
        take_canonical(&b);
        assert_int_equal(bytes_end(&b), 0);
}

static void what_it_answers_is_canonical_cbor(void **state) {
        static const char make[] = "\x01\xa6\x01\x58\x20"
                                   "0123456789abcdef0123456789abcdef"
                                   "\x02\xa1\x62id\x63"
                                   "a.b\x03\xa1\x62id\x41u\x04\x81\xa2\x63"
                                   "alg\x26\x64type\x6apublic-key\x06\xa1\x6b"
                                   "credProtect\x02\x07\xa1\x62rk\xf5",
                          other[] = "\x01\xa5\x01\x58\x20"
                                    "0123456789abcdef0123456789abcdef"
                                    "\x02\xa1\x62id\x63"
                                    "a.b\x03\xa1\x62id\x41v\x04\x81\xa2\x63"
                                    "alg\x27\x64type\x6apublic-key\x07\xa1\x62rk\xf5",
                          ask[] = "\x02\xa2\x01\x63"
                                  "a.b\x02\x58\x20"
                                  "0123456789abcdef0123456789abcdef";
        static const enum key_attestation kinds[] = {KEY_ATTESTATION_SELF, KEY_ATTESTATION_BASIC,
                                                     KEY_ATTESTATION_NONE};
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                _cleanup_(key_freep) struct key *k =
                        plug((struct key_config){.uv_able = true, .attestation = kinds[i]});
                uint32_t cid = open_channel(k);
                expect_canonical(k, cid, "\x04", 1);
                expect_canonical(k, cid, other, sizeof(other) - 1);
                expect_canonical(k, cid, other, sizeof(other) - 1); /* takes the place of the first */
                expect_canonical(k, cid, ask, sizeof(ask) - 1);
                expect_canonical(k, cid, make, sizeof(make) - 1);
                send(k, 1000, cid, CBOR, "\x08", 1); /* getNextAssertion of nothing */
                expect_byte(k, cid, CBOR, 0x30);
                expect_canonical(k, cid, "\x06\xa1\x02\x01", 4);
                expect_canonical(k, cid, "\x06\xa2\x01\x02\x02\x02", 6);
        }
}

static void an_empty_auth_parameter_asks_for_a_touch_only(void **state) {
        static const char request[] = "\x02\xa4\x01\x61r\x02\x58\x20"
                                      "0123456789abcdef0123456789abcdef\x06\x40\x07\x02";
        _cleanup_(key_freep) struct key *k = plug((struct key_config){0});
        _cleanup_(key_freep) struct key *pin = plug((struct key_config){.initial_pin = "1234"});
        uint32_t cid = open_channel(k);
        send(k, 1000, cid, CBOR, request, sizeof(request) - 1);
        expect_byte(k, cid, CBOR, 0x35);
        cid = open_channel(pin);
        send(pin, 1000, cid, CBOR, request, sizeof(request) - 1);
        expect_byte(pin, cid, CBOR, 0x31);
}

static void reset_comes_too_late_ten_seconds_after_plugging(void **state) {
        _cleanup_(key_freep) struct key *k = plug((struct key_config){0});
        uint32_t cid = open_channel(k);
        send(k, 11000, cid, CBOR, "\x07", 1);
        expect_byte(k, cid, CBOR, 0x00);
        send(k, 11001, cid, CBOR, "\x07", 1);
        expect_byte(k, cid, CBOR, 0x30);
}

static void write_file(const char *path, const char *text) {
        FILE *f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static void a_state_file_that_is_not_one_is_refused_and_left_alone(void **state) {
        static const char *const texts[] = {
                "",
                "something else\n",
                "virtual key 1\ncounter -1\n",
                "virtual key 1\ntries 9 3\n",
                "virtual key 1\nsurprise 1\n",
                "virtual key 1\ncredential 00 00 7 1 0 - 00\n",
        };
        char path[] = "/tmp/virtual-key-state-XXXXXX", got[64];
        int fd = mkostemp(path, O_CLOEXEC);
        assert_true(fd >= 0);
        (void) close(fd);
        const struct key_config c = {.state_path = path};
        struct key *k = NULL;
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                write_file(path, texts[i]);
                assert_int_equal(key_new(&c, 0, &k), -EBADMSG);
                assert_null(k);
                FILE *f = fopen(path, "re");
                assert_non_null(f);
                got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
                (void) fclose(f);
                assert_string_equal(got, texts[i]);
        }
        (void) unlink(path);
        assert_int_equal(key_new(&(struct key_config){.state_path = path, .initial_pin = "123"}, 0, &k),
                         -EINVAL);
        assert_int_equal(access(path, F_OK), -1);
        assert_int_equal(key_new(&c, 0, &k), 0);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        k = key_free(k);
        (void) unlink(path);
}

static void every_fault_has_a_name(void **state) {
        uint32_t ms = 0;
        for (int i = 0; i < KEY_FAULT_MAX; i++)
                if (i != KEY_FAULT_SLOW)
                        assert_int_equal(key_fault_from_text(key_fault_name((enum key_fault) i), &ms), i);
        assert_int_equal(ms, 0);
        assert_int_equal(key_fault_from_text("slow:250", &ms), KEY_FAULT_SLOW);
        assert_int_equal(ms, 250);
        assert_int_equal(key_fault_from_text("slow", &ms), KEY_FAULT_INVALID);
        assert_int_equal(key_fault_from_text("slow:", &ms), KEY_FAULT_INVALID);
        assert_int_equal(key_fault_from_text("fast", &ms), KEY_FAULT_INVALID);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_ping_of_any_length_comes_back),
                cmocka_unit_test(frames_that_break_the_rules_are_answered_with_their_error),
                cmocka_unit_test(a_message_out_of_sequence_is_given_up),
                cmocka_unit_test(init_on_a_channel_ends_what_goes_on_there),
                cmocka_unit_test(while_it_waits_it_says_so_and_is_busy_for_others),
                cmocka_unit_test(a_touch_a_delay_and_a_cancel_end_the_wait),
                cmocka_unit_test(wink_and_unknown_commands_are_answered),
                cmocka_unit_test(parameters_that_are_not_strict_cbor_are_refused),
                cmocka_unit_test(what_it_answers_is_canonical_cbor),
                cmocka_unit_test(an_empty_auth_parameter_asks_for_a_touch_only),
                cmocka_unit_test(reset_comes_too_late_ten_seconds_after_plugging),
                cmocka_unit_test(a_state_file_that_is_not_one_is_refused_and_left_alone),
                cmocka_unit_test(every_fault_has_a_name),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
