/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets: the form of a code, the registrar's messages, and what the store keeps of a ticket. */
#include "common/registrar.h"
#include "common/socket.h"
#include "policy/ticket.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <cmocka.h>

#define NOW (UINT64_C(1795166502) * 1000000U)
#define HOUR (UINT64_C(3600) * 1000000U)

static char dir[64], people_path[96], key_path[96];

static int make_dir(void **state) {
        (void) snprintf(dir, sizeof(dir), "/tmp/test-ticket.XXXXXX");
        if (!mkdtemp(dir) || chmod(dir, 0750) < 0)
                return -1;
        (void) snprintf(people_path, sizeof(people_path), "%s/people.db", dir);
        (void) snprintf(key_path, sizeof(key_path), "%s/ticket-key", dir);
        return 0;
}

static int drop_dir(void **state) {
        char command[128];
        (void) snprintf(command, sizeof(command), "rm -rf -- '%s'", dir);
        return system(command) != 0;
}

/* --- codes */

static struct ticket_code a_code(uint8_t seed) {
        uint8_t random[TICKET_RANDOM_SIZE];
        struct ticket_code c;
        for (size_t i = 0; i < sizeof(random); i++)
                random[i] = (uint8_t) (seed * 37U + i * 101U);
        ticket_code_make(random, &c);
        return c;
}

static void a_code_is_read_as_people_write_it(void **state) {
        for (unsigned seed = 0; seed < 200; seed++) {
                struct ticket_code c = a_code((uint8_t) seed), back;
                char text[TICKET_CODE_CHARS + 3], typed[64];
                ticket_code_format(&c, text);
                assert_int_equal(strlen(text), 14);
                assert_int_equal(ticket_code_parse(text, &back), 0);
                assert_string_equal(back.text, c.text);
                (void) snprintf(typed, sizeof(typed), " %.4s %.4s-%.4s ", c.text, c.text + 4, c.text + 8);
                for (char *p = typed; *p; p++)
                        *p = *p == '0' ? 'o' : *p == '1' ? 'l' : *p >= 'A' ? (char) (*p | 0x20) : *p;
                assert_int_equal(ticket_code_parse(typed, &back), 0);
                assert_string_equal(back.text, c.text);
        }
}

static void a_mistyped_code_is_noticed(void **state) {
        static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        struct ticket_code back;
        for (unsigned seed = 0; seed < 50; seed++) {
                struct ticket_code c = a_code((uint8_t) seed);
                for (size_t i = 0; i < TICKET_CODE_CHARS; i++) {
                        struct ticket_code wrong = c;
                        for (const char *d = digits; *d; d++) {
                                wrong.text[i] = *d;
                                assert_int_equal(ticket_code_parse(wrong.text, &back),
                                                 *d == c.text[i] ? 0 : -EINVAL);
                        }
                        for (size_t j = i + 1; j < TICKET_CODE_CHARS - 1; j++) {
                                wrong = c;
                                wrong.text[i] = c.text[j];
                                wrong.text[j] = c.text[i];
                                assert_int_equal(ticket_code_parse(wrong.text, &back),
                                                 c.text[i] == c.text[j] ? 0 : -EINVAL);
                        }
                }
        }
        static const char *const no_codes[] = {
                "", "-", "K7QD", "000000000000000", "U00000000000", "Zoë", "000000000000\n"};
        for (size_t i = 0; i < ELEMENTSOF(no_codes); i++)
                assert_int_equal(ticket_code_parse(no_codes[i], &back), -EINVAL);
        assert_int_equal(ticket_code_parse("0000-0000-0000", &back), 0); /* its sum is right */
}

/* --- messages */

static void fill_enrol(struct registrar_message *m) {
        struct registrar_enrol *e = &m->enrol;
        *m = (struct registrar_message){.type = REGISTRAR_ENROL};
        memcpy(e->badge.token, "ABCDEFGH", 9);
        memcpy(e->badge.kind, "desfire", 8);
        e->badge.n_indexes = 2;
        memcpy(e->badge.indexes[0].key_id, "0011223344556677", 17);
        memcpy(e->badge.indexes[1].key_id, "8899aabbccddeeff", 17);
        memset(e->badge.indexes[1].index, 7, BADGE_INDEX_SIZE);
        memcpy(e->format, "packed", 7);
        e->authdata_len = sizeof(e->authdata);
        e->attstmt_len = sizeof(e->attstmt);
        e->credential_id_len = sizeof(e->credential_id);
        e->trial_authdata_len = sizeof(e->trial_authdata);
        e->signature_len = sizeof(e->signature);
}

static int round_trip(const struct registrar_message *m, struct registrar_message *ret) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t n = 0;
        registrar_write(&w, m);
        assert_int_equal(writer_end(&w, &n), 0);
        for (size_t cut = 0; cut < n && cut < 200; cut++)
                assert_int_equal(registrar_read((struct bytes){buf, cut}, ret), -EBADMSG);
        assert_int_equal(registrar_read((struct bytes){buf, n - 1}, ret), -EBADMSG);
        return registrar_read((struct bytes){buf, n}, ret);
}

static void the_largest_enrolment_fits_in_a_message(void **state) {
        struct registrar_message *m = calloc(2, sizeof(*m));
        assert_non_null(m);
        fill_enrol(m);
        assert_int_equal(round_trip(m, m + 1), 0);
        assert_memory_equal(m, m + 1, sizeof(*m));
        m->enrol.badge.token[0] = 0; /* indexes without a badge */
        assert_int_equal(round_trip(m, m + 1), -EBADMSG);
        fill_enrol(m);
        m->enrol.signature_len = 0;
        assert_int_equal(round_trip(m, m + 1), -EBADMSG);
        fill_enrol(m);
        m->enrol.badge.kind[0] = '\n';
        assert_int_equal(round_trip(m, m + 1), -EBADMSG);
        fill_enrol(m);
        m->enrol.own = true; /* and a credential all the same */
        assert_int_equal(round_trip(m, m + 1), -EBADMSG);
        m->enrol.authdata_len = m->enrol.attstmt_len = 0;
        assert_int_equal(round_trip(m, m + 1), -EBADMSG);
        m->enrol.format[0] = 0;
        assert_int_equal(round_trip(m, m + 1), 0);
        m->enrol.own = false;
        assert_int_equal(round_trip(m, m + 1), -EBADMSG);
        fill_enrol(m);
        struct registrar_message use = {.type = REGISTRAR_USE, .use = m->enrol.badge};
        assert_int_equal(round_trip(&use, m + 1), 0);
        assert_memory_equal(&use.use, &m[1].use, sizeof(use.use));
        free(m);
}

static void a_ticket_says_all_or_nothing(void **state) {
        struct registrar_message m = {.type = REGISTRAR_TICKET}, back;
        m.ticket.status = REGISTRAR_WRONG;
        assert_int_equal(round_trip(&m, &back), 0);
        m.ticket.status = REGISTRAR_OK;
        assert_int_equal(round_trip(&m, &back), -EBADMSG);
        memcpy(m.ticket.user, "anna", 5);
        memcpy(m.ticket.name, "T7K2M9QD", 9);
        m.ticket.until_usec = NOW;
        assert_int_equal(round_trip(&m, &back), 0);
        assert_memory_equal(&m.ticket, &back.ticket, sizeof(m.ticket));
        m.ticket.status = REGISTRAR_STATUS_MAX;
        assert_int_equal(round_trip(&m, &back), -EBADMSG);
}

static void a_code_travels_in_one_form(void **state) {
        struct registrar_message m = {.type = REGISTRAR_CHECK}, back;
        memcpy(m.check.attempt, "00112233445566778899aabbccddeeff", 33);
        m.check.code = a_code(3);
        assert_int_equal(round_trip(&m, &back), 0);
        m.check.code.text[0] = m.check.code.text[0] == 'Z' ? 'Y' : 'Z';
        assert_int_equal(round_trip(&m, &back), -EBADMSG);
        m.check.code = a_code(3);
        m.check.attempt[0] = 'x';
        assert_int_equal(round_trip(&m, &back), -EBADMSG);
}

/* --- the store */

static struct ticket_key key;

static struct store *open_store(int64_t *ret_person) {
        struct store *s = NULL;
        struct store_person p = {.user = "anna", .full_name = "Anna Berg"};
        assert_int_equal(store_open_people(people_path, true, (gid_t) -1, &s), 0);
        assert_int_equal(store_add_person(s, &p, NOW), 0);
        assert_int_equal(ticket_key_load(key_path, true, &key), 0);
        *ret_person = p.id;
        return s;
}

static struct store_ticket add(struct store *s, int64_t person, const struct ticket_code *code) {
        struct store_ticket t = {.person = person,
                                 .use = TICKET_ANY,
                                 .issuer = "root",
                                 .identified = "staff card",
                                 .not_after_usec = NOW + HOUR,
                                 .added_boottime_usec = 77,
                                 .added_boot_id = "boot"};
        assert_int_equal(ticket_mac(&key, code, &t.mac), 0);
        assert_int_equal(store_add_ticket(s, &t, NOW), 0);
        return t;
}

static struct policy_clock at(uint64_t boottime, const char *boot) {
        struct policy_clock c = {.realtime_usec = NOW, .boottime_usec = boottime};
        (void) snprintf(c.boot_id, sizeof(c.boot_id), "%s", boot);
        return c;
}

static void a_ticket_is_used_once(void **state) {
        struct ticket_code code = a_code(1);
        struct store_ticket t, back;
        struct ticket_mac mac;
        int64_t person;
        struct store *s = open_store(&person);
        t = add(s, person, &code);
        assert_int_equal(strlen(t.name), TICKET_NAME_CHARS);
        assert_int_equal(ticket_mac(&key, &code, &mac), 0);
        assert_int_equal(store_find_ticket(s, &mac, &back), 0);
        assert_string_equal(back.name, t.name);
        assert_int_equal(store_use_ticket(s, t.id, true, NOW + 1), 0);
        assert_int_equal(store_use_ticket(s, t.id, true, NOW + 2), -EALREADY);
        assert_int_equal(store_find_ticket(s, &mac, &back), 0);
        assert_string_equal(back.end_reason, "used");
        struct store_person p;
        assert_int_equal(store_end_ticket(s, t.name, "lost", NOW, &back, &p), -ENOENT);
        code = a_code(2);
        t = add(s, person, &code);
        assert_int_equal(store_use_ticket(s, t.id, false, NOW + 1), 0);
        assert_int_equal(store_use_ticket(s, t.id, false, NOW + 2), -EALREADY);
        assert_int_equal(store_end_ticket(s, t.name, "lost", NOW + 3, &back, &p), 0);
        assert_string_equal(p.user, "anna");
        assert_int_equal(store_check(s), 0);
        s = store_close(s);
}

static void what_cannot_be_a_ticket_is_none(void **state) {
        struct store_ticket t = {
                .use = TICKET_ANY, .issuer = "root", .identified = "x", .not_after_usec = NOW + HOUR};
        struct store *s = open_store(&t.person);
        struct store_ticket bad = t;
        bad.not_after_usec = NOW;
        assert_int_equal(store_add_ticket(s, &bad, NOW), -EINVAL);
        bad.not_after_usec = NOW + TICKET_LIFE_MAX_USEC + 1;
        assert_int_equal(store_add_ticket(s, &bad, NOW), -EINVAL);
        bad = t;
        bad.identified[0] = 0;
        assert_int_equal(store_add_ticket(s, &bad, NOW), -EINVAL);
        bad = t;
        bad.person++;
        assert_int_equal(store_add_ticket(s, &bad, NOW), -ENOENT);
        struct store_person p;
        assert_int_equal(store_set_person_state(s, "anna", PERSON_ENDED, NOW, &p), 0);
        assert_int_equal(store_add_ticket(s, &t, NOW), -ENOENT);
        s = store_close(s);
}

static void the_store_holds_no_code(void **state) {
        struct ticket_code code = a_code(9);
        uint8_t *bytes = malloc(1 << 20);
        int64_t person;
        struct store *s = open_store(&person);
        (void) add(s, person, &code);
        s = store_close(s);
        assert_non_null(bytes);
        int fd = open(people_path, O_RDONLY | O_CLOEXEC);
        ssize_t n = read(fd, bytes, 1 << 20);
        (void) close(fd);
        assert_true(n > 0);
        assert_null(memmem(bytes, (size_t) n, code.text, TICKET_CODE_CHARS));
        assert_null(memmem(bytes, (size_t) n, code.text + 4, 8));
        assert_null(memmem(bytes, (size_t) n, key.bytes, sizeof(key.bytes)));
        free(bytes);
}

static void wrong_codes_pause_the_station_and_end_the_ticket_they_were_meant_for(void **state) {
        struct ticket_code code = a_code(4), wrong = a_code(5), guess;
        struct ticket_mac mac;
        char name[TICKET_NAME_CHARS + 1];
        uint64_t pause = 1;
        int64_t person;
        struct store *s = open_store(&person);
        struct store_ticket t = add(s, person, &code), back;
        struct policy_clock c = at(1000 * 1000000U, "one");
        memcpy(wrong.text, code.text, 4); /* the macs are all that count here */
        guess = wrong;
        for (unsigned i = 0; i < TICKET_FAILURES_MAX; i++) {
                assert_int_equal(store_ticket_pause(s, &c, &pause), 0);
                assert_int_equal(pause, 0);
                guess.text[5] = (char) ('0' + i);
                assert_int_equal(ticket_mac(&key, &guess, &mac), 0);
                assert_int_equal(store_find_ticket(s, &mac, &back), -ENOENT);
                assert_int_equal(store_count_wrong_code(s, &mac, &c, name), 0);
                assert_string_equal(name, t.name);
        }
        assert_int_equal(store_find_ticket_by_id(s, t.id, &back), 0);
        assert_string_equal(back.end_reason, "guessed");
        assert_int_equal(store_ticket_pause(s, &c, &pause), 0);
        assert_true(pause == TICKET_GUARD_USEC);
        struct policy_clock later = at(c.boottime_usec + TICKET_GUARD_USEC - 1, "one");
        assert_int_equal(store_ticket_pause(s, &later, &pause), 0);
        assert_int_equal(pause, 1);
        struct policy_clock rebooted = at(60 * 1000000U, "two");
        assert_int_equal(store_ticket_pause(s, &rebooted, &pause), 0);
        assert_true(pause == TICKET_GUARD_USEC - 60 * 1000000U); /* a reboot gains nothing */
        later.boottime_usec++;
        assert_int_equal(store_ticket_pause(s, &later, &pause), 0);
        assert_int_equal(pause, 0);
        assert_int_equal(ticket_mac(&key, &wrong, &mac), 0);
        assert_int_equal(store_count_wrong_code(s, &mac, &later, name), 0);
        assert_string_equal(name, ""); /* it has ended */
        assert_int_equal(store_ticket_pause(s, &later, &pause), 0);
        assert_int_equal(pause, 0); /* the count began anew */
        s = store_close(s);
}

static void a_key_that_others_may_read_is_not_used(void **state) {
        struct ticket_key k, again;
        assert_int_equal(ticket_key_load(key_path, false, &k), -ENOENT);
        assert_int_equal(ticket_key_load(key_path, true, &k), 0);
        assert_int_equal(ticket_key_load(key_path, true, &again), 0);
        assert_memory_equal(&k, &again, sizeof(k));
        struct stat st;
        assert_int_equal(stat(key_path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(chmod(key_path, 0640), 0);
        assert_int_equal(ticket_key_load(key_path, true, &k), -EACCES);
        assert_int_equal(chmod(key_path, 0600) | truncate(key_path, 31), 0);
        assert_int_equal(ticket_key_load(key_path, true, &k), -EBADMSG);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, make_dir, drop_dir)
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_code_is_read_as_people_write_it),
                cmocka_unit_test(a_mistyped_code_is_noticed),
                cmocka_unit_test(the_largest_enrolment_fits_in_a_message),
                cmocka_unit_test(a_ticket_says_all_or_nothing),
                cmocka_unit_test(a_code_travels_in_one_form),
                T(a_ticket_is_used_once),
                T(what_cannot_be_a_ticket_is_none),
                T(the_store_holds_no_code),
                T(wrong_codes_pause_the_station_and_end_the_ticket_they_were_meant_for),
                T(a_key_that_others_may_read_is_not_used),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
