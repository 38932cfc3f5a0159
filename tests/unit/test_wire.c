/* SPDX-License-Identifier: Apache-2.0 */
/* Wire messages arrive as they were sent, in every version; anything else is refused. */
#include "common/wire.h"

#include "common/socket.h"
#include "common/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ATTEMPT "00112233445566778899aabbccddeeff"

static const struct wire_message examples[] = {
        {.type = WIRE_START,
         .start = {WIRE_AUTHENTICATE, true, true, "lightdm", "nurse1", ":0", "", "", "seat0", "c2", ""}},
        {.type = WIRE_START,
         .start = {WIRE_OPEN_SESSION, false, false, "login", "", "", "h", "r", "", "", ATTEMPT}},
        {.type = WIRE_ANSWER, .answer = "123456"},
        {.type = WIRE_NO_ANSWER},
        {.type = WIRE_USER, .user = "nurse1"},
        {.type = WIRE_INFO, .text = "Tap your badge"},
        {.type = WIRE_ERROR, .text = "J\303\266rg M\303\274ller, badge blocked. Code 7QF2M3"},
        {.type = WIRE_PROMPT, .prompt = {false, "PIN: "}},
        {.type = WIRE_PROMPT, .prompt = {true, "Name: "}},
        {.type = WIRE_VERDICT, .verdict = {WIRE_ALLOW, ATTEMPT, "7QF2M3"}},
        {.type = WIRE_VERDICT, .verdict = {WIRE_UNAVAIL, "", ""}},
};

static size_t encode(const struct wire_message *m, unsigned version, uint8_t *buf, size_t size) {
        struct wire_message out = *m;
        out.version = (uint8_t) version;
        struct writer w = {.p = buf, .size = size};
        size_t n = 0;
        wire_write(&w, &out);
        assert_int_equal(writer_end(&w, &n), 0);
        return n;
}

static int decode(const uint8_t *p, size_t n, struct wire_message *ret) {
        return wire_read((struct bytes){p, n}, ret);
}

static void every_message_survives_the_way_in_every_version(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(examples); i++)
                for (unsigned v = WIRE_VERSION_MIN; v <= WIRE_VERSION; v++) {
                        struct wire_message want = examples[i], back;
                        uint8_t buf[1024];
                        size_t n = encode(&examples[i], v, buf, sizeof(buf));
                        assert_int_equal(decode(buf, n, &back), 0);
                        want.version = (uint8_t) v;
                        if (v < 2 && want.type == WIRE_START)
                                want.start.session[0] = want.start.session[1] = 0;
                        if (v < 3 && want.type == WIRE_START)
                                want.start.again = false;
                        if (v < 2 && want.type == WIRE_VERDICT)
                                memset(want.verdict.code, 0, sizeof(want.verdict.code));
                        assert_memory_equal(&back, &want, sizeof(want));
                }
}

static void a_cut_or_longer_message_is_refused_and_leaves_the_output_alone(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(examples); i++)
                for (unsigned v = WIRE_VERSION_MIN; v <= WIRE_VERSION; v++) {
                        struct wire_message back, untouched;
                        uint8_t buf[1024] = {0};
                        size_t n = encode(&examples[i], v, buf, sizeof(buf) - 1);
                        memset(&back, 0xaa, sizeof(back));
                        untouched = back;
                        for (size_t cut = 0; cut < n; cut++)
                                assert_int_equal(decode(buf, cut, &back), -EBADMSG);
                        assert_int_equal(decode(buf, n + 1, &back), -EBADMSG);
                        assert_memory_equal(&back, &untouched, sizeof(back));
                }
}

static void other_versions_and_unknown_types_are_refused(void **state) {
        struct wire_message back;
        for (unsigned v = 0; v < 256; v++) {
                uint8_t buf[] = {(uint8_t) v, WIRE_NO_ANSWER};
                bool known = v >= WIRE_VERSION_MIN && v <= WIRE_VERSION;
                assert_int_equal(decode(buf, sizeof(buf), &back), known ? 0 : -EPROTONOSUPPORT);
        }
        for (unsigned type = 0; type < 256; type++) {
                uint8_t buf[] = {WIRE_VERSION, (uint8_t) type};
                assert_int_equal(decode(buf, sizeof(buf), &back), type == WIRE_NO_ANSWER ? 0 : -EBADMSG);
        }
}

static void an_enum_out_of_range_is_refused(void **state) {
        uint8_t buf[1024];
        struct wire_message back;
        size_t n = encode(&examples[0], WIRE_VERSION, buf, sizeof(buf));
        for (unsigned hook = 0; hook < 256; hook++) {
                buf[2] = (uint8_t) hook;
                assert_int_equal(decode(buf, n, &back), hook >= 1 && hook < WIRE_HOOK_MAX ? 0 : -EBADMSG);
        }
        buf[2] = 1;
        buf[3] = 2; /* neither silent nor not */
        assert_int_equal(decode(buf, n, &back), -EBADMSG);
        buf[3] = 1;
        buf[4] = 2; /* neither again nor not */
        assert_int_equal(decode(buf, n, &back), -EBADMSG);
        n = encode(&examples[9], WIRE_VERSION, buf, sizeof(buf));
        for (unsigned verdict = WIRE_VERDICT_MAX; verdict < 256; verdict++) {
                buf[2] = (uint8_t) verdict;
                assert_int_equal(decode(buf, n, &back), -EBADMSG);
        }
}

static void again_is_said_only_to_who_knows_it(void **state) {
        static const struct wire_message m = {.type = WIRE_VERDICT,
                                              .verdict = {WIRE_AGAIN, ATTEMPT, "7QF2M3"}};
        uint8_t buf[1024];
        struct wire_message back;
        size_t n = encode(&m, 2, buf, sizeof(buf));
        assert_int_equal(decode(buf, n, &back), -EBADMSG);
        n = encode(&m, 3, buf, sizeof(buf));
        assert_int_equal(decode(buf, n, &back), 0);
        assert_int_equal(back.verdict.verdict, WIRE_AGAIN);
}

/* A message of one string. */
static int decode_string(enum wire_type type, const char *s, size_t n) {
        uint8_t buf[2048];
        struct wire_message back;
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t len = 0;
        writer_u8(&w, WIRE_VERSION);
        writer_u8(&w, (uint8_t) type);
        writer_blob(&w, s, n);
        assert_int_equal(writer_end(&w, &len), 0);
        return decode(buf, len, &back);
}

static void lengths_have_limits(void **state) {
        char s[1024];
        memset(s, 'a', sizeof(s));
        assert_int_equal(decode_string(WIRE_USER, s, 64), 0);
        assert_int_equal(decode_string(WIRE_USER, s, 65), -EBADMSG);
        assert_int_equal(decode_string(WIRE_ANSWER, s, WIRE_ANSWER_MAX), 0);
        assert_int_equal(decode_string(WIRE_ANSWER, s, WIRE_ANSWER_MAX + 1), -EBADMSG);
        assert_int_equal(decode_string(WIRE_INFO, s, WIRE_TEXT_MAX), 0);
        assert_int_equal(decode_string(WIRE_INFO, s, WIRE_TEXT_MAX + 1), -EBADMSG);
}

static void an_empty_answer_or_name_is_none(void **state) {
        assert_int_equal(decode_string(WIRE_ANSWER, "", 0), -EBADMSG);
        assert_int_equal(decode_string(WIRE_USER, "", 0), -EBADMSG);
        assert_int_equal(decode_string(WIRE_INFO, "", 0), 0);
}

static void text_that_could_rewrite_a_screen_is_refused(void **state) {
        static const enum wire_type types[] = {WIRE_USER, WIRE_INFO, WIRE_ERROR, WIRE_ANSWER};
        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                assert_int_equal(decode_string(types[i], "a\0b", 3), -EBADMSG);
                assert_int_equal(decode_string(types[i], "a\033[2J", 5), -EBADMSG);
                assert_int_equal(decode_string(types[i], "a\nb", 3), -EBADMSG);
                assert_int_equal(decode_string(types[i], "\377", 1), -EBADMSG);
                assert_int_equal(decode_string(types[i], "\342\200\256x", 4), -EBADMSG);
        }
}

static int decode_verdict(const char *attempt, const char *code) {
        uint8_t buf[128];
        struct wire_message back;
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t n = 0;
        writer_u8(&w, WIRE_VERSION);
        writer_u8(&w, WIRE_VERDICT);
        writer_u8(&w, WIRE_DENY);
        writer_string(&w, attempt);
        writer_string(&w, code);
        assert_int_equal(writer_end(&w, &n), 0);
        return decode(buf, n, &back);
}

static void an_attempt_has_32_digits_and_a_code_is_plain(void **state) {
        assert_int_equal(decode_verdict(ATTEMPT, "7QF2M3"), 0);
        assert_int_equal(decode_verdict("", ""), 0);
        assert_int_equal(decode_verdict("0011", ""), -EBADMSG);
        assert_int_equal(decode_verdict(ATTEMPT "0", ""), -EBADMSG);
        assert_int_equal(decode_verdict("00112233445566778899aabbccddeef=", ""), -EBADMSG);
        assert_int_equal(decode_verdict(ATTEMPT, "7qf2m3"), -EBADMSG);
        assert_int_equal(decode_verdict(ATTEMPT, "7QF2M3XXX"), -EBADMSG);
}

static void what_could_not_be_read_is_not_sent(void **state) {
        int fds[2];
        struct wire_message m = {.version = WIRE_VERSION, .type = WIRE_TYPE_INVALID}, back;
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(wire_send(fds[0], &m), -EMSGSIZE);
        m = (struct wire_message){.version = 0, .type = WIRE_NO_ANSWER};
        assert_int_equal(wire_send(fds[0], &m), -EPROTONOSUPPORT);
        m.version = WIRE_VERSION + 1;
        assert_int_equal(wire_send(fds[0], &m), -EPROTONOSUPPORT);
        assert_int_equal(wire_receive(fds[1], &back), -EAGAIN);
        m = (struct wire_message){.version = WIRE_VERSION, .type = WIRE_USER};
        memset(m.user, 'a', sizeof(m.user)); /* no terminator */
        assert_int_equal(wire_send(fds[0], &m), 0);
        assert_int_equal(wire_receive(fds[1], &back), -EBADMSG);
        (void) close(fds[0]);
        assert_int_equal(wire_receive(fds[1], &back), -ECONNRESET);
        (void) close(fds[1]);
}

static void an_oversized_message_is_refused(void **state) {
        int fds[2];
        static const uint8_t big[SOCKET_MESSAGE_MAX] = {WIRE_VERSION, WIRE_INFO};
        struct wire_message back;
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(socket_send(fds[0], big, sizeof(big)), 0);
        assert_int_equal(wire_receive(fds[1], &back), -EMSGSIZE);
        (void) close(fds[0]);
        (void) close(fds[1]);
}

static void an_erased_message_holds_nothing(void **state) {
        struct wire_message m = {.version = WIRE_VERSION, .type = WIRE_ANSWER, .answer = "123456"}, zero;
        memset(&zero, 0, sizeof(zero));
        wire_message_erase(&m);
        assert_memory_equal(&m, &zero, sizeof(m));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_message_survives_the_way_in_every_version),
                cmocka_unit_test(a_cut_or_longer_message_is_refused_and_leaves_the_output_alone),
                cmocka_unit_test(other_versions_and_unknown_types_are_refused),
                cmocka_unit_test(an_enum_out_of_range_is_refused),
                cmocka_unit_test(again_is_said_only_to_who_knows_it),
                cmocka_unit_test(lengths_have_limits),
                cmocka_unit_test(an_empty_answer_or_name_is_none),
                cmocka_unit_test(text_that_could_rewrite_a_screen_is_refused),
                cmocka_unit_test(an_attempt_has_32_digits_and_a_code_is_plain),
                cmocka_unit_test(what_could_not_be_read_is_not_sent),
                cmocka_unit_test(an_oversized_message_is_refused),
                cmocka_unit_test(an_erased_message_holds_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
