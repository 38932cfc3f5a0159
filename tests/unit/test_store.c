/* SPDX-License-Identifier: Apache-2.0 */
/* The store keeps what it was told, refuses what must not be, and neither a second writer nor a killed one
 * nor a strange file makes it answer wrongly. */
#include "common/bytes.h"
#include "policy/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <cmocka.h>

#define NOW 1795000000000000ULL
#define NOBODY 65534U
static const char KEY_A[] = "00112233445566aa", KEY_B[] = "ffeeddccbbaa9988";

/* --- A scratch folder for each test */

struct world {
        char folder[64], people[96], state[96], link[96];
};

static void path_in(struct world *w, char *buf, const char *name) {
        (void) snprintf(buf, 96, "%s/%s", w->folder, name);
}

static int world_new(void **state) {
        struct world *w = calloc(1, sizeof(*w));
        if (!w)
                return -1;
        (void) snprintf(w->folder, sizeof(w->folder), "/tmp/test_store.XXXXXX");
        if (!mkdtemp(w->folder))
                return -1;
        path_in(w, w->people, "people.db");
        path_in(w, w->state, "state.db");
        path_in(w, w->link, "link.db");
        *state = w;
        return 0;
}

static int world_free(void **state) {
        static const char *const names[] = {"people.db",        "people.db-journal", "state.db",
                                            "state.db-journal", "link.db",           "people.db-wal",
                                            "people.db-shm"};
        struct world *w = *state;
        char path[96];
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                path_in(w, path, names[i]);
                (void) unlink(path);
                (void) rmdir(path);
        }
        (void) rmdir(w->folder);
        free(w);
        return 0;
}

static struct store *writer(struct world *w) {
        struct store *s = NULL;
        assert_int_equal(store_open_people(w->people, true, (gid_t) -1, &s), 0);
        return s;
}

static struct store *reader(struct world *w) {
        struct store *s = NULL;
        assert_int_equal(store_open_people(w->people, false, (gid_t) -1, &s), 0);
        return s;
}

static struct store *state_db(struct world *w) {
        struct store *s = NULL;
        assert_int_equal(store_open_state(w->state, false, &s), 0);
        return s;
}

static uint64_t version_of(struct store *s) {
        uint64_t v = 0;
        assert_int_equal(store_version(s, &v), 0);
        return v;
}

static struct store_person add_person(struct store *s, const char *user) {
        struct store_person p = {.state = PERSON_ACTIVE};
        (void) snprintf(p.user, sizeof(p.user), "%s", user);
        (void) snprintf(p.full_name, sizeof(p.full_name), "Person %s", user);
        assert_int_equal(store_add_person(s, &p, NOW), 0);
        return p;
}

static struct store_badge badge_for(int64_t person, const char *token, uint8_t n) {
        struct store_badge b = {.person = person, .number_len = 7, .kind = "number"};
        (void) snprintf(b.token, sizeof(b.token), "%s", token);
        (void) snprintf(b.key_id, sizeof(b.key_id), "%s", KEY_A);
        memset(b.index, n, sizeof(b.index));
        return b;
}

static int find_badge(struct store *s, uint8_t n, struct store_badge *b, struct store_person *p) {
        uint8_t index[STORE_INDEX_SIZE];
        const char *const ids[] = {KEY_B, KEY_A};
        const uint8_t *const indexes[] = {index, index};
        memset(index, n, sizeof(index));
        return store_find_badge(s, ids, indexes, 2, b, p);
}

static struct store_key key_for(int64_t person, uint8_t n) {
        struct store_key k = {.person = person, .credential_id_len = 64, .public_key_len = 77};
        memset(k.credential_id, n, 64);
        memset(k.public_key, n, 77);
        memset(k.aaguid, n, 16);
        (void) snprintf(k.rp_id, sizeof(k.rp_id), "wardtap.example.org");
        (void) snprintf(k.format, sizeof(k.format), "packed");
        (void) snprintf(k.label, sizeof(k.label), "blue");
        k.attstmt = k.authdata = (const uint8_t *) "attestation";
        k.attstmt_len = k.authdata_len = 11;
        return k;
}

static int raw_exec(const char *path, const char *sql) {
        sqlite3 *db = NULL;
        assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
                         SQLITE_OK);
        (void) sqlite3_extended_result_codes(db, 1);
        int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
        (void) sqlite3_close(db);
        return rc;
}

static size_t read_file(const char *path, uint8_t *buf, size_t size) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        ssize_t n = pread(fd, buf, size, 0);
        assert_true(n >= 0 && (size_t) n < size);
        return (size_t) n;
}

static void write_file(const char *path, const void *p, size_t n, mode_t mode) {
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, p, n), n);
        assert_int_equal(fchmod(fd, mode), 0);
}

static uint64_t clock_ms(void) {
        struct timespec t;
        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
        return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}

/* --- People */

static void a_person_is_found_by_user_and_by_id(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        struct store_person p = add_person(s, "nurse1"), found;
        assert_int_equal(store_find_person(s, "nurse1", &found), 0);
        assert_int_equal(found.id, p.id);
        assert_string_equal(found.uuid, p.uuid);
        assert_int_equal(strlen(found.uuid), 36);
        assert_int_equal(found.uuid[14], '4');
        assert_string_equal(found.full_name, "Person nurse1");
        assert_string_equal(found.source, "station");
        assert_int_equal(found.version, 1);
        assert_true(found.added_usec == NOW && found.ended_usec == 0);
        assert_int_equal(store_find_person_by_id(s, p.id, &found), 0);
        assert_string_equal(found.user, "nurse1");
        assert_int_equal(store_find_person(s, "nurse2", &found), -ENOENT);
        assert_int_equal(store_find_person(s, "NURSE1", &found), -ENOENT);
        assert_int_equal(store_find_person_by_id(s, p.id + 1, &found), -ENOENT);
}

static void a_user_is_one_person_at_a_time(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        struct store_person old = add_person(s, "nurse1"), again = old, found;
        assert_int_equal(store_add_person(s, &again, NOW), -EEXIST);
        assert_int_equal(store_set_person_state(s, "nurse1", PERSON_ENDED, NOW + 1, &found), 0);
        assert_true(found.ended_usec == NOW + 1 && found.version == 2);
        assert_int_equal(store_find_person(s, "nurse1", &found), 0);
        assert_int_equal(found.state, PERSON_ENDED);
        struct store_person young = add_person(s, "nurse1");
        assert_true(young.id > old.id);
        assert_string_not_equal(young.uuid, old.uuid);
        assert_int_equal(store_find_person(s, "nurse1", &found), 0);
        assert_int_equal(found.id, young.id);
        assert_int_equal(store_find_person_by_id(s, old.id, &found), 0);
        assert_int_equal(found.state, PERSON_ENDED);
        assert_int_equal(store_set_person_state(s, "nurse2", PERSON_ENDED, NOW, &found), -ENOENT);
        assert_int_equal(store_set_person_state(s, "nurse1", PERSON_STATE_MAX, NOW, &found), -EINVAL);
}

static void a_suspended_person_can_come_back(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        struct store_person p = add_person(s, "nurse1");
        assert_int_equal(store_set_person_state(s, "nurse1", PERSON_SUSPENDED, NOW, &p), 0);
        assert_int_equal(store_find_person(s, "nurse1", &p), 0);
        assert_int_equal(p.state, PERSON_SUSPENDED);
        assert_int_equal(store_set_person_state(s, "nurse1", PERSON_ACTIVE, NOW, &p), 0);
        assert_int_equal(p.version, 3);
}

static void unclean_or_missing_text_is_refused(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        struct store_person p = {.user = "a", .full_name = "A"}, bad;
        struct store_badge b = badge_for(1, "ABCD", 1);
        const uint64_t before = version_of(s);
        bad = p;
        bad.user[0] = 0;
        assert_int_equal(store_add_person(s, &bad, NOW), -EINVAL);
        bad = p;
        bad.full_name[0] = 0;
        assert_int_equal(store_add_person(s, &bad, NOW), -EINVAL);
        bad = p;
        bad.full_name[0] = '\n';
        assert_int_equal(store_add_person(s, &bad, NOW), -EINVAL);
        bad = p;
        bad.user[0] = (char) 0xff;
        assert_int_equal(store_add_person(s, &bad, NOW), -EINVAL);
        bad = p;
        bad.not_after_usec = UINT64_MAX;
        assert_int_equal(store_add_person(s, &bad, NOW), -EINVAL);
        assert_int_equal(store_add_person(s, &p, 0), -EINVAL);
        b.key_id[3] = 0;
        assert_int_equal(store_add_badge(s, &b, NOW, &bad), -EINVAL);
        b = badge_for(1, "", 1);
        assert_int_equal(store_add_badge(s, &b, NOW, &bad), -EINVAL);
        assert_true(version_of(s) == before);
}

/* --- Badges */

static void a_badge_leads_to_its_person_under_any_badge_key(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        struct store_person p = add_person(s, "nurse1"), found;
        struct store_badge b = badge_for(p.id, "ABCD1234", 7), held;
        assert_int_equal(store_add_badge(s, &b, NOW, &found), 0);
        assert_true(b.id > 0 && b.version == 1);
        _cleanup_(store_closep) struct store *r = reader(*state);
        assert_int_equal(find_badge(r, 7, &held, &found), 0);
        assert_int_equal(held.id, b.id);
        assert_int_equal(found.id, p.id);
        assert_string_equal(held.token, "ABCD1234");
        assert_string_equal(held.key_id, KEY_A);
        assert_memory_equal(held.index, b.index, sizeof(b.index));
        assert_int_equal(held.number_len, 7);
        assert_int_equal(find_badge(r, 8, &held, &found), -ENOENT);
        assert_int_equal(store_find_badge(r, NULL, NULL, 0, &held, &found), -ENOENT);
}

static void a_badge_has_one_holder(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        struct store_person a = add_person(s, "nurse1"), b = add_person(s, "nurse2"), holder = {0};
        struct store_badge first = badge_for(a.id, "ABCD1234", 7), second = badge_for(b.id, "ABCD1234", 7);
        assert_int_equal(store_add_badge(s, &first, NOW, &holder), 0);
        assert_int_equal(store_add_badge(s, &second, NOW, &holder), -EEXIST);
        assert_int_equal(holder.id, a.id);
        assert_int_equal(second.id, 0);
        (void) snprintf(second.key_id, sizeof(second.key_id), "%s", KEY_B); /* another index altogether */
        assert_int_equal(store_add_badge(s, &second, NOW, &holder), 0);
        second = badge_for(b.id + 1, "EFGH1234", 8);
        assert_int_equal(store_add_badge(s, &second, NOW, &holder), -ENOENT);
}

static void an_ended_badge_is_found_as_ended_until_somebody_has_it_again(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        struct store_person a = add_person(s, "nurse1"), b = add_person(s, "nurse2"), p;
        struct store_badge badge = badge_for(a.id, "ABCD1234", 7), found;
        assert_int_equal(store_add_badge(s, &badge, NOW, &p), 0);
        assert_int_equal(store_end_badge(s, "ABCD1234", "lost", NOW + 5, &found, &p), 0);
        assert_int_equal(p.id, a.id);
        assert_int_equal(store_end_badge(s, "ABCD1234", "lost", NOW + 6, &found, &p), -ENOENT);
        assert_int_equal(find_badge(s, 7, &found, &p), 0);
        assert_true(found.ended_usec == NOW + 5 && found.version == 2);
        assert_string_equal(found.end_reason, "lost");
        /* the later of two that ended */
        badge = badge_for(b.id, "ABCD1234", 7);
        assert_int_equal(store_add_badge(s, &badge, NOW + 10, &p), 0);
        assert_int_equal(find_badge(s, 7, &found, &p), 0);
        assert_true(p.id == b.id && found.ended_usec == 0);
        assert_int_equal(store_end_badge(s, "ABCD1234", "found", NOW + 11, &found, &p), 0);
        assert_int_equal(find_badge(s, 7, &found, &p), 0);
        assert_true(p.id == b.id && found.ended_usec == NOW + 11);
        /* the one in use, though another ended later */
        badge = badge_for(a.id, "ABCD1234", 7);
        assert_int_equal(store_add_badge(s, &badge, NOW + 1, &p), 0);
        assert_int_equal(find_badge(s, 7, &found, &p), 0);
        assert_true(p.id == a.id && found.ended_usec == 0);
}

static void of_badges_that_ended_under_two_badge_keys_the_last_is_found(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        struct store_person a = add_person(s, "nurse1"), p;
        for (unsigned i = 0; i < 4; i++) { /* both orders of keys and ends */
                struct store_badge one = badge_for(a.id, "AAAA", (uint8_t) (i + 1)), two = one, found;
                (void) snprintf(two.key_id, sizeof(two.key_id), "%s", KEY_B);
                (void) snprintf(two.token, sizeof(two.token), "BBBB");
                assert_int_equal(store_add_badge(s, &one, NOW, &p), 0);
                assert_int_equal(store_add_badge(s, &two, NOW, &p), 0);
                assert_int_equal(store_end_badge(s, "AAAA", "lost", NOW + 10 + i % 2, &found, &p), 0);
                assert_int_equal(store_end_badge(s, "BBBB", "lost", NOW + 11 - i % 2, &found, &p), 0);
                assert_int_equal(find_badge(s, (uint8_t) (i + 1), &found, &p), 0);
                assert_int_equal(found.id, i % 2 == 0 ? two.id : one.id);
        }
}

static void a_token_that_two_badges_have_ends_neither(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        struct store_person a = add_person(s, "nurse1"), p;
        struct store_badge one = badge_for(a.id, "ABCD1234", 1), two = badge_for(a.id, "ABCD1234", 2), b;
        assert_int_equal(store_add_badge(s, &one, NOW, &p), 0);
        assert_int_equal(store_add_badge(s, &two, NOW, &p), 0);
        assert_int_equal(store_end_badge(s, "ABCD1234", "lost", NOW, &b, &p), -ENOTUNIQ);
        assert_int_equal(find_badge(s, 1, &b, &p), 0);
        assert_true(b.ended_usec == 0);
        assert_int_equal(store_end_badge(s, "ABCD1234", "lo\nst", NOW, &b, &p), -EINVAL);
}

/* --- Keys */

static void keys_are_listed_oldest_first_and_whole(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        struct store_person a = add_person(s, "nurse1"), p;
        struct store_key *keys = calloc(STORE_KEYS_MAX, sizeof(*keys));
        size_t n = 9;
        assert_non_null(keys);
        assert_int_equal(store_person_keys(s, a.id, keys, &n), 0);
        assert_int_equal(n, 0);
        for (uint8_t i = 1; i <= 2; i++) {
                struct store_key k = key_for(a.id, i);
                k.credential_id_len = i == 1 ? STORE_CREDENTIAL_MAX : 1;
                k.attested = i == 2;
                assert_int_equal(store_add_key(s, &k, NOW + i, &p), 0);
                assert_true(k.id > 0);
        }
        assert_int_equal(store_person_keys(s, a.id, keys, &n), 0);
        assert_int_equal(n, 2);
        assert_int_equal(keys[0].credential_id_len, STORE_CREDENTIAL_MAX);
        assert_int_equal(keys[1].credential_id_len, 1);
        assert_int_equal(keys[1].credential_id[0], 2);
        assert_int_equal(keys[0].public_key_len, 77);
        assert_int_equal(keys[0].public_key[76], 1);
        assert_true(!keys[0].attested && keys[1].attested);
        assert_string_equal(keys[1].token, "dbc1b4c900ffe48d"); /* SHA-256 of the byte 2 */
        assert_string_equal(keys[1].format, "packed");
        assert_string_equal(keys[1].rp_id, "wardtap.example.org");
        free(keys);
}

static void a_credential_has_one_holder_and_a_person_eight_keys(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        struct store_person a = add_person(s, "nurse1"), b = add_person(s, "nurse2"), p = {0};
        struct store_key k;
        for (uint8_t i = 1; i <= STORE_KEYS_MAX; i++) {
                k = key_for(a.id, i);
                assert_int_equal(store_add_key(s, &k, NOW, &p), 0);
        }
        struct store_key ninth = key_for(a.id, 100), taken = key_for(b.id, 3), ended;
        assert_int_equal(store_add_key(s, &ninth, NOW, &p), -E2BIG);
        assert_int_equal(store_add_key(s, &taken, NOW, &p), -EEXIST);
        assert_int_equal(p.id, a.id);
        assert_int_equal(store_end_key(s, k.token, "replaced", NOW + 1, &ended, &p), 0);
        assert_true(ended.id == k.id && ended.ended_usec == NOW + 1 && p.id == a.id);
        assert_int_equal(store_end_key(s, k.token, "replaced", NOW + 1, &ended, &p), -ENOENT);
        assert_int_equal(store_add_key(s, &ninth, NOW, &p), 0);
        taken = key_for(b.id, STORE_KEYS_MAX); /* nobody's again */
        assert_int_equal(store_add_key(s, &taken, NOW, &p), 0);
        struct store_key bad = key_for(b.id, 200);
        bad.credential_id_len = 0;
        assert_int_equal(store_add_key(s, &bad, NOW, &p), -EINVAL);
        bad.credential_id_len = STORE_CREDENTIAL_MAX + 1;
        assert_int_equal(store_add_key(s, &bad, NOW, &p), -EINVAL);
        bad = key_for(12345, 200);
        assert_int_equal(store_add_key(s, &bad, NOW, &p), -ENOENT);
}

static void the_attestation_stays_with_the_key(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        struct store_person a = add_person(s, "nurse1"), p;
        struct store_key k = key_for(a.id, 1);
        sqlite3_stmt *st = NULL;
        assert_int_equal(store_add_key(s, &k, NOW, &p), 0);
        assert_int_equal(sqlite3_prepare_v2(s->db, "SELECT key, statement, authdata FROM key_attestation",
                                            -1, &st, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        assert_int_equal(sqlite3_column_int64(st, 0), k.id);
        assert_int_equal(sqlite3_column_bytes(st, 1), 11);
        assert_memory_equal(sqlite3_column_blob(st, 2), "attestation", 11);
        (void) sqlite3_finalize(st);
}

static void whoever_ends_loses_badges_and_keys(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        struct store_person a = add_person(s, "nurse1"), b = add_person(s, "nurse2"), p;
        struct store_badge badge = badge_for(a.id, "ABCD1234", 7), found;
        struct store_key k = key_for(a.id, 1), keys[STORE_KEYS_MAX];
        size_t n;
        assert_int_equal(store_add_badge(s, &badge, NOW, &p), 0);
        assert_int_equal(store_add_key(s, &k, NOW, &p), 0);
        assert_int_equal(store_set_person_state(s, "nurse1", PERSON_ENDED, NOW + 1, &p), 0);
        assert_int_equal(find_badge(s, 7, &found, &p), 0);
        assert_true(found.ended_usec == NOW + 1 && p.state == PERSON_ENDED);
        assert_string_equal(found.end_reason, "person ended");
        assert_int_equal(store_person_keys(s, a.id, keys, &n), 0);
        assert_int_equal(n, 0);
        badge = badge_for(a.id, "EFGH1234", 8);
        assert_int_equal(store_add_badge(s, &badge, NOW, &p), -ENOENT);
        badge = badge_for(b.id, "ABCD1234", 7); /* the badge itself goes on, with somebody else */
        assert_int_equal(store_add_badge(s, &badge, NOW, &p), 0);
}

/* --- The past stays */

static void rows_are_ended_and_never_deleted_or_brought_back(void **state) {
        struct world *w = *state;
        static const char *const forbidden[] = {
                "DELETE FROM person",
                "DELETE FROM badge",
                "DELETE FROM key",
                "DELETE FROM key_attestation",
                "DELETE FROM store",
                "UPDATE store SET version = 1",
                "UPDATE badge SET ended_usec = 0, end_reason = '', version = version + 1",
                "UPDATE key SET label = 'red'",
                "UPDATE key SET public_key = x'00', version = version + 1",
                "UPDATE key SET person = person + 1, version = version + 1",
                "UPDATE person SET uuid = '012345678901234567890123456789012345', version = version + 1",
                "UPDATE person SET id = id + 1, version = version + 1",
                "UPDATE key_attestation SET statement = x''",
        };
        struct store_person p;
        struct store_badge found;
        _cleanup_(store_closep) struct store *s = writer(w);
        struct store_person a = add_person(s, "nurse1");
        struct store_badge b = badge_for(a.id, "ABCD1234", 7);
        struct store_key k = key_for(a.id, 1);
        assert_int_equal(store_add_badge(s, &b, NOW, &p), 0);
        assert_int_equal(store_add_key(s, &k, NOW, &p), 0);
        assert_int_equal(store_end_badge(s, "ABCD1234", "lost", NOW, &found, &p), 0);
        for (size_t i = 0; i < ELEMENTSOF(forbidden); i++)
                if (raw_exec(w->people, forbidden[i]) != SQLITE_CONSTRAINT_TRIGGER)
                        fail_msg("allowed: %s", forbidden[i]);
        assert_int_equal(raw_exec(w->people, "UPDATE key SET label = 'red', version = version + 1"),
                         SQLITE_OK);
}

static void every_change_grows_the_version_and_a_refusal_does_not(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        uint64_t v = version_of(s);
        struct store_person a = add_person(s, "nurse1"), p, again = a;
        assert_true(version_of(s) > v);
        v = version_of(s);
        struct store_badge b = badge_for(a.id, "ABCD1234", 7), twin = b;
        assert_int_equal(store_add_badge(s, &b, NOW, &p), 0);
        assert_true(version_of(s) > v);
        v = version_of(s);
        assert_int_equal(store_add_badge(s, &twin, NOW, &p), -EEXIST);
        assert_int_equal(store_add_person(s, &again, NOW), -EEXIST);
        assert_true(version_of(s) == v);
        assert_int_equal(store_end_badge(s, "ABCD1234", "lost", NOW, &b, &p), 0);
        assert_true(version_of(s) > v);
        _cleanup_(store_closep) struct store *r = reader(*state);
        assert_true(version_of(r) == version_of(s));
}

static void ids_are_not_used_again_even_in_a_store_made_anew(void **state) {
        struct world *w = *state;
        struct store_person first, second;
        {
                _cleanup_(store_closep) struct store *s = writer(w);
                first = add_person(s, "nurse1");
        }
        assert_int_equal(unlink(w->people), 0);
        {
                _cleanup_(store_closep) struct store *s = writer(w);
                second = add_person(s, "nurse1");
        }
        assert_true(first.id > 0 && second.id > 0 && first.id < 1LL << 53 && second.id < 1LL << 53);
        assert_true(first.id != second.id);
}

/* --- Transactions and walking */

static void one_failure_inside_a_transaction_undoes_itself_alone(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        struct store_person p, a, again;
        assert_int_equal(store_commit(s), -EINVAL);
        assert_int_equal(store_rollback(s), -EINVAL);
        assert_int_equal(store_begin(s), 0);
        assert_int_equal(store_begin(s), -EINVAL);
        a = again = add_person(s, "nurse1");
        assert_int_equal(store_add_person(s, &again, NOW), -EEXIST);
        struct store_badge b = badge_for(a.id, "ABCD1234", 7);
        assert_int_equal(store_add_badge(s, &b, NOW, &p), 0);
        {
                _cleanup_(store_closep) struct store *r = reader(*state);
                assert_int_equal(store_find_person(r, "nurse1", &p), -ENOENT);
        }
        assert_int_equal(store_commit(s), 0);
        _cleanup_(store_closep) struct store *r = reader(*state);
        assert_int_equal(find_badge(r, 7, &b, &p), 0);
        assert_int_equal(store_begin(s), 0);
        (void) add_person(s, "nurse2");
        assert_int_equal(store_rollback(s), 0);
        assert_int_equal(store_find_person(s, "nurse2", &p), -ENOENT);
}

static void after_a_lost_transaction_nothing_goes_on_as_if_it_were_there(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        struct store_person p = {.user = "nurse2", .full_name = "N"};
        assert_int_equal(store_begin(s), 0);
        (void) add_person(s, "nurse1");
        assert_int_equal(sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK); /* as a full disk */
        assert_int_equal(store_add_person(s, &p, NOW), -ECANCELED);
        assert_int_equal(store_commit(s), -ECANCELED);
        assert_int_equal(store_find_person(s, "nurse2", &p), -ENOENT);
        (void) add_person(s, "nurse2"); /* alone again */
}

static void a_full_disk_is_told_and_leaves_what_was(void **state) {
        struct world *w = *state;
        _cleanup_(store_closep) struct store *s = writer(w);
        struct store_person p = {.user = "x", .full_name = "X"};
        int r = 0;
        (void) add_person(s, "nurse1");
        assert_int_equal(sqlite3_exec(s->db, "PRAGMA max_page_count = 1", NULL, NULL, NULL), SQLITE_OK);
        for (unsigned i = 0; i < 2000 && r == 0; i++) {
                (void) snprintf(p.user, sizeof(p.user), "nurse-%u", i + 10);
                r = store_add_person(s, &p, NOW);
        }
        assert_int_equal(r, -ENOSPC);
        assert_int_equal(store_find_person(s, p.user, &p), -ENOENT);
        assert_int_equal(store_find_person(s, "nurse1", &p), 0);
        assert_int_equal(store_check(s), 0);
}

/* What a walk has seen, one after the other. */
struct walk {
        struct store *s;
        char seen[64];
        int stop_after;
};

static void see(struct walk *w, const char *s) {
        size_t at = strlen(w->seen);
        (void) snprintf(w->seen + at, sizeof(w->seen) - at, "%s", s);
}

static int see_person(const struct store_person *p, void *data) {
        struct walk *w = data;
        see(w, p->user);
        return --w->stop_after == 0 ? 42 : 0;
}

static int suspend_person(const struct store_person *p, void *data) {
        struct walk *w = data;
        struct store_person ignored;
        return store_set_person_state(w->s, p->user, PERSON_SUSPENDED, NOW, &ignored);
}

static int see_badge(const struct store_badge *b, void *data) {
        struct walk *w = data;
        see(w, b->token);
        return 0;
}

static int see_key(const struct store_key *k, void *data) {
        struct walk *w = data;
        see(w, k->label);
        return 0;
}

static void walking_sees_each_row_once_and_the_ended_too(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        struct store_person a = add_person(s, "a"), b = add_person(s, "b"), p;
        struct store_badge one = badge_for(a.id, "1", 1), two = badge_for(b.id, "2", 2),
                           three = badge_for(a.id, "3", 3);
        struct store_key k = key_for(b.id, 1);
        struct walk w = {.s = s};
        assert_int_equal(store_add_badge(s, &one, NOW, &p), 0);
        assert_int_equal(store_add_badge(s, &two, NOW, &p), 0);
        assert_int_equal(store_add_badge(s, &three, NOW, &p), 0);
        assert_int_equal(store_add_key(s, &k, NOW, &p), 0);
        assert_int_equal(store_end_badge(s, "1", "lost", NOW, &one, &p), 0);
        (void) add_person(s, "c");
        assert_int_equal(store_each_person(s, see_person, &w), 0);
        assert_string_equal(w.seen, "abc");
        w = (struct walk){.s = s, .stop_after = 2};
        assert_int_equal(store_each_person(s, see_person, &w), 42);
        assert_string_equal(w.seen, "ab");
        w = (struct walk){.s = s};
        assert_int_equal(store_each_badge(s, 0, see_badge, &w), 0);
        assert_string_equal(w.seen, "123");
        w = (struct walk){.s = s};
        assert_int_equal(store_each_badge(s, a.id, see_badge, &w), 0);
        assert_string_equal(w.seen, "13");
        w = (struct walk){.s = s};
        assert_int_equal(store_each_key(s, 0, see_key, &w), 0);
        assert_int_equal(store_each_key(s, b.id, see_key, &w), 0);
        assert_int_equal(store_each_key(s, a.id, see_key, &w), 0);
        assert_string_equal(w.seen, "blueblue");
        assert_int_equal(store_each_person(s, suspend_person, &w), 0);
        assert_int_equal(store_find_person(s, "c", &p), 0);
        assert_int_equal(p.state, PERSON_SUSPENDED);
}

/* --- What is opened */

static void a_store_is_made_with_the_right_mode_and_read_only_once_it_is_there(void **state) {
        struct world *w = *state;
        struct store *s = NULL;
        struct stat st;
        const mode_t mask = umask(0);
        assert_int_equal(store_open_people(w->people, false, (gid_t) -1, &s), -ENOENT);
        assert_int_equal(store_open_state(w->state, true, &s), -ENOENT);
        assert_int_equal(store_open_people(w->people, true, getgid(), &s), 0);
        s = store_close(s);
        assert_int_equal(store_open_state(w->state, false, &s), 0);
        s = store_close(s);
        (void) umask(mask);
        assert_int_equal(stat(w->people, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        assert_int_equal(st.st_gid, getgid());
        assert_int_equal(stat(w->state, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(store_open_people("people.db", true, (gid_t) -1, &s), -EINVAL);
        assert_int_equal(store_open_people("/nowhere/at/all/people.db", true, (gid_t) -1, &s), -ENOENT);
        assert_null(s);
}

static void an_empty_file_is_no_store_to_read_and_becomes_one_to_write(void **state) {
        struct world *w = *state;
        struct store *s = NULL;
        struct stat st;
        write_file(w->people, "", 0, 0600); /* its maker was killed */
        assert_int_equal(store_open_people(w->people, false, (gid_t) -1, &s), -ENOENT);
        s = writer(w);
        s = store_close(s);
        assert_int_equal(stat(w->people, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
}

static int open_both(const char *path, int expect_read, int expect_write) {
        struct store *s = NULL;
        int r = store_open_people(path, false, (gid_t) -1, &s);
        s = store_close(s);
        int q = store_open_people(path, true, (gid_t) -1, &s);
        s = store_close(s);
        if (r != expect_read || q != expect_write)
                print_error("%s: %d, %d\n", path, r, q);
        return r == expect_read && q == expect_write;
}

static void what_is_no_store_is_refused_and_left_alone(void **state) {
        struct world *w = *state;
        uint8_t before[1 << 16], after[1 << 16];
        static const char garbage[5000] = "This is not a database, it is a text.";
        struct store *s = NULL;
        write_file(w->people, garbage, sizeof(garbage), 0640);
        assert_true(open_both(w->people, -EBADMSG, -EBADMSG));
        size_t n = read_file(w->people, after, sizeof(after));
        assert_int_equal(n, sizeof(garbage));
        assert_memory_equal(after, garbage, n);
        assert_int_equal(unlink(w->people), 0);
        /* another program's database */
        assert_int_equal(raw_exec(w->people, "CREATE TABLE a (b)"), SQLITE_OK);
        assert_int_equal(chmod(w->people, 0640), 0);
        n = read_file(w->people, before, sizeof(before));
        assert_true(open_both(w->people, -EBADMSG, -EBADMSG));
        assert_int_equal(read_file(w->people, after, sizeof(after)), n);
        assert_memory_equal(before, after, n);
        assert_int_equal(unlink(w->people), 0);
        /* our own other one */
        s = state_db(w);
        s = store_close(s);
        assert_true(open_both(w->state, -EBADMSG, -EBADMSG));
        s = writer(w);
        s = store_close(s);
        assert_int_equal(chmod(w->people, 0600), 0);
        assert_int_equal(store_open_state(w->people, false, &s), -EBADMSG);
}

static void links_pipes_and_folders_are_refused(void **state) {
        struct world *w = *state;
        struct store *s = writer(w);
        s = store_close(s);
        assert_int_equal(symlink(w->people, w->link), 0);
        assert_true(open_both(w->link, -EBADMSG, -EBADMSG));
        assert_int_equal(unlink(w->link), 0);
        assert_int_equal(symlink("/nowhere/at/all", w->link), 0);
        assert_true(open_both(w->link, -EBADMSG, -EBADMSG));
        assert_int_equal(unlink(w->link), 0);
        assert_int_equal(mkfifo(w->link, 0640), 0);
        assert_true(open_both(w->link, -EBADMSG, -EBADMSG));
        assert_int_equal(unlink(w->link), 0);
        assert_int_equal(mkdir(w->link, 0750), 0);
        assert_true(open_both(w->link, -EBADMSG, -EBADMSG));
        assert_int_equal(rmdir(w->link), 0);
        assert_int_equal(link(w->people, w->link), 0);
        assert_true(open_both(w->people, -EACCES, -EACCES));
        assert_int_equal(unlink(w->link), 0);
        assert_true(open_both(w->people, 0, 0));
}

static void what_lies_beside_a_database_must_be_a_journal_of_its_own(void **state) {
        struct world *w = *state;
        struct store *s = state_db(w);
        char journal[128], wal[128];
        s = store_close(s);
        (void) snprintf(journal, sizeof(journal), "%s-journal", w->state);
        (void) snprintf(wal, sizeof(wal), "%s-wal", w->state);
        (void) unlink(journal);
        assert_int_equal(mkfifo(journal, 0600), 0); /* whoever opens it would wait for ever */
        assert_int_equal(store_open_state(w->state, true, &s), -EACCES);
        assert_int_equal(unlink(journal), 0);
        assert_int_equal(symlink("/etc/passwd", journal), 0);
        assert_int_equal(store_open_state(w->state, true, &s), -EACCES);
        assert_int_equal(unlink(journal), 0);
        write_file(w->link, "", 0, 0600);
        assert_int_equal(link(w->link, journal), 0);
        assert_int_equal(store_open_state(w->state, true, &s), -EACCES);
        assert_int_equal(store_open_state(w->state, false, &s), -EACCES);
        assert_int_equal(unlink(journal), 0);
        if (geteuid() == 0) { /* somebody else's */
                write_file(journal, "", 0, 0600);
                assert_int_equal(chown(journal, NOBODY, (gid_t) -1), 0);
                assert_int_equal(store_open_state(w->state, true, &s), -EACCES);
                assert_int_equal(unlink(journal), 0);
        }
        write_file(wal, "x", 1, 0600);
        assert_int_equal(store_open_state(w->state, true, &s), -EBADMSG);
        assert_int_equal(unlink(wal), 0);
        assert_int_equal(store_open_state(w->state, true, &s), 0);
        s = store_close(s);
}

static void files_and_folders_that_others_can_change_are_refused(void **state) {
        static const mode_t bad_files[] = {0660, 0644, 0642, 0740, 04640};
        struct world *w = *state;
        struct store *s = writer(w);
        s = store_close(s);
        for (size_t i = 0; i < ELEMENTSOF(bad_files); i++) {
                assert_int_equal(chmod(w->people, bad_files[i]), 0);
                assert_true(open_both(w->people, -EACCES, -EACCES));
        }
        assert_int_equal(chmod(w->people, 0640), 0);
        assert_int_equal(chmod(w->folder, 0770), 0);
        assert_true(open_both(w->people, -EACCES, -EACCES));
        assert_int_equal(chmod(w->folder, 01777), 0);
        assert_true(open_both(w->people, -EACCES, -EACCES));
        assert_int_equal(chmod(w->folder, 0755), 0);
        assert_true(open_both(w->people, 0, 0));
        if (geteuid() != 0)
                return; /* to give a file away needs root */
        assert_int_equal(chown(w->people, NOBODY, (gid_t) -1), 0);
        assert_true(open_both(w->people, -EACCES, -EACCES));
        assert_int_equal(chown(w->people, 0, (gid_t) -1), 0);
        assert_int_equal(chown(w->folder, NOBODY, (gid_t) -1), 0);
        assert_true(open_both(w->people, -EACCES, -EACCES));
        assert_int_equal(chown(w->folder, 0, (gid_t) -1), 0);
}

static void a_store_of_a_newer_version_is_refused_and_untouched(void **state) {
        struct world *w = *state;
        uint8_t before[1 << 18], after[1 << 18];
        struct store *s = writer(w);
        char sql[64];
        s = store_close(s);
        (void) snprintf(sql, sizeof(sql), "PRAGMA user_version = %zu", store_people_schema.n_steps + 1);
        assert_int_equal(raw_exec(w->people, sql), SQLITE_OK);
        size_t n = read_file(w->people, before, sizeof(before));
        assert_true(open_both(w->people, -EPROTO, -EPROTO));
        assert_int_equal(read_file(w->people, after, sizeof(after)), n);
        assert_memory_equal(before, after, n);
        s = state_db(w);
        s = store_close(s);
        (void) snprintf(sql, sizeof(sql), "PRAGMA user_version = %zu", store_state_schema.n_steps + 1);
        assert_int_equal(raw_exec(w->state, sql), SQLITE_OK);
        assert_int_equal(store_open_state(w->state, false, &s), -EPROTO);
        assert_int_equal(store_open_state(w->state, true, &s), -EPROTO);
}

static void values_that_we_never_write_are_told_as_damage(void **state) {
        struct world *w = *state;
        struct store_person p = {0};
        _cleanup_(store_closep) struct store *s = writer(w);
        (void) add_person(s, "nurse1");
        assert_int_equal(store_check(s), 0);
        assert_int_equal(raw_exec(w->people, "UPDATE person SET full_name = printf('%0200d', 1),"
                                             " version = version + 1"),
                         SQLITE_OK);
        assert_int_equal(store_find_person(s, "nurse1", &p), -EBADMSG);
        assert_int_equal(raw_exec(w->people, "UPDATE person SET full_name = 'a' || char(0) || 'b',"
                                             " version = version + 1"),
                         SQLITE_OK);
        assert_int_equal(store_find_person(s, "nurse1", &p), -EBADMSG);
        assert_int_equal(p.id, 0);
        assert_int_equal(raw_exec(w->people,
                                  "PRAGMA foreign_keys = OFF; INSERT INTO badge (id, person, token, kind,"
                                  " number_len, key_id, number_index, source, version, added_usec,"
                                  " ended_usec, end_reason) VALUES (1, 99,"
                                  " 'T', 'number', 4, '0123456789abcdef', zeroblob(32), 'x', 1, 1,"
                                  " 0, '')"),
                         SQLITE_OK);
        assert_int_equal(store_check(s), -EBADMSG);
}

static void a_damaged_page_is_told_as_damage(void **state) {
        struct world *w = *state;
        struct store_person p;
        struct store *s = writer(w);
        assert_int_equal(store_begin(s), 0);
        for (unsigned i = 0; i < 500; i++) {
                char user[16];
                (void) snprintf(user, sizeof(user), "nurse%u", i);
                (void) add_person(s, user);
        }
        assert_int_equal(store_commit(s), 0);
        s = store_close(s);
        _cleanup_(closep) int fd = open(w->people, O_WRONLY | O_CLOEXEC);
        struct stat st;
        uint8_t junk[4096];
        memset(junk, 0xa5, sizeof(junk));
        assert_true(fd >= 0 && fstat(fd, &st) == 0);
        for (off_t at = 25 * 4096; at < st.st_size; at += 4096) /* all but the schema */
                assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
        s = reader(w);
        assert_int_equal(store_check(s), -EBADMSG);
        assert_int_equal(store_find_person(s, "nurse250", &p), -EBADMSG);
        s = store_close(s);
}

/* --- Two at once */

/* Says one byte to the parent, then waits until the parent lets go of the other pipe. */
struct child {
        pid_t pid;
        int said, held;
};

static struct child child_start(void (*f)(struct world *w), struct world *w) {
        int said[2], held[2];
        char c;
        assert_int_equal(pipe2(said, O_CLOEXEC), 0);
        assert_int_equal(pipe2(held, O_CLOEXEC), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void) close(held[1]);
                f(w);
                if (write(said[1], "x", 1) == 1)
                        (void) !read(held[0], &c, 1);
                _exit(0);
        }
        (void) close(said[1]);
        (void) close(held[0]);
        assert_int_equal(read(said[0], &c, 1), 1);
        return (struct child){pid, said[0], held[1]};
}

static void child_kill(struct child *c) {
        int status;
        assert_int_equal(kill(c->pid, SIGKILL), 0);
        assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
        (void) close(c->said);
        (void) close(c->held);
}

static void child_must(bool ok) {
        if (!ok)
                _exit(1); /* the parent reads nothing and fails */
}

static void hold_people(struct world *w) {
        struct store *s = NULL;
        struct store_person p = {.user = "held", .full_name = "Held"};
        child_must(store_open_people(w->people, true, (gid_t) -1, &s) == 0);
        child_must(store_begin(s) == 0 && store_add_person(s, &p, NOW) == 0);
}

static void hold_state(struct world *w) {
        struct store *s = NULL;
        struct policy_clock clock = {.realtime_usec = NOW};
        child_must(store_open_state(w->state, false, &s) == 0);
        child_must(store_begin(s) == 0 && store_add_failure(s, 1, &clock) == 0);
}

/* Half of its pages are in the file already when it is killed. */
static void spill(struct store *s, const char *fill) {
        child_must(sqlite3_exec(s->db, "PRAGMA cache_spill = ON; PRAGMA cache_size = 10", NULL, NULL,
                                NULL) == SQLITE_OK);
        child_must(sqlite3_exec(s->db, fill, NULL, NULL, NULL) == SQLITE_OK);
}

static void spill_people(struct world *w) {
        struct store *s = NULL;
        child_must(store_open_people(w->people, true, (gid_t) -1, &s) == 0);
        spill(s, "BEGIN IMMEDIATE; UPDATE person SET full_name = printf('%0100d', id),"
                 " version = version + 1;");
}

static void spill_state(struct world *w) {
        struct store *s = NULL;
        child_must(store_open_state(w->state, false, &s) == 0);
        spill(s, "BEGIN IMMEDIATE; UPDATE history SET failures = failures + 1;");
}

static void a_reader_goes_on_while_a_writer_works_and_a_second_writer_is_told(void **state) {
        struct world *w = *state;
        struct store_person p = {.user = "nurse2", .full_name = "N"};
        _cleanup_(store_closep) struct store *s = writer(w);
        (void) add_person(s, "nurse1");
        struct child c = child_start(hold_people, w);
        uint64_t start = clock_ms();
        {
                _cleanup_(store_closep) struct store *r = reader(w);
                assert_int_equal(store_find_person(r, "nurse1", &p), 0);
                assert_int_equal(store_find_person(r, "held", &p), -ENOENT);
        }
        assert_true(clock_ms() - start < 1000);
        start = clock_ms();
        p = (struct store_person){.user = "nurse2", .full_name = "N"};
        assert_int_equal(store_add_person(s, &p, NOW), -EBUSY);
        assert_true(clock_ms() - start >= 1500 && clock_ms() - start < 4000);
        assert_int_equal(store_begin(s), -EBUSY);
        child_kill(&c);
        assert_int_equal(store_add_person(s, &p, NOW), 0);
}

static void fill_people(struct world *w) {
        _cleanup_(store_closep) struct store *s = writer(w);
        assert_int_equal(store_begin(s), 0);
        for (unsigned i = 1; i <= 3000; i++) {
                char user[16];
                (void) snprintf(user, sizeof(user), "nurse%u", i);
                (void) add_person(s, user);
        }
        assert_int_equal(store_commit(s), 0);
}

/* More than the page cache holds: it stays in memory all the same. */
static void import_people(struct world *w) {
        struct store *s = NULL;
        child_must(store_open_people(w->people, true, (gid_t) -1, &s) == 0 && store_begin(s) == 0);
        child_must(sqlite3_exec(s->db, "PRAGMA cache_size = 10", NULL, NULL, NULL) == SQLITE_OK);
        child_must(sqlite3_exec(s->db,
                                "UPDATE person SET full_name = printf('%0100d', id),"
                                " version = version + 1",
                                NULL, NULL, NULL) == SQLITE_OK);
}

static void readers_go_on_during_a_large_import_and_its_death(void **state) {
        struct world *w = *state;
        struct store_person p;
        fill_people(w);
        struct child c = child_start(import_people, w);
        uint64_t start = clock_ms();
        {
                _cleanup_(store_closep) struct store *r = reader(w);
                assert_int_equal(store_find_person(r, "nurse1", &p), 0);
                assert_string_equal(p.full_name, "Person nurse1");
        }
        assert_true(clock_ms() - start < 1000);
        child_kill(&c);
        _cleanup_(store_closep) struct store *r = reader(w);
        assert_int_equal(store_find_person(r, "nurse3000", &p), 0);
}

static void an_attempt_waits_for_another_and_is_told_in_time(void **state) {
        struct world *w = *state;
        struct policy_history h;
        struct store_sign_in in = {
                .person = 1, .key = 1, .counter = 5, .strong = true, .clock = {.realtime_usec = NOW}};
        _cleanup_(store_closep) struct store *s = state_db(w);
        assert_int_equal(store_add_failure(s, 1, &in.clock), 0);
        struct child c = child_start(hold_state, w);
        assert_int_equal(store_history(s, 1, &h), 0);
        assert_int_equal(h.failures, 1);
        uint64_t start = clock_ms();
        assert_int_equal(store_commit_sign_in(s, &in), -EBUSY);
        assert_true(clock_ms() - start >= 1500 && clock_ms() - start < 4000);
        assert_int_equal(store_add_failure(s, 1, &in.clock), -EBUSY);
        child_kill(&c);
        assert_int_equal(store_commit_sign_in(s, &in), 0);
}

static void a_commit_that_readers_hold_up_can_be_tried_again(void **state) {
        struct world *w = *state;
        sqlite3_stmt *st = NULL;
        _cleanup_(store_closep) struct store *s = writer(w), *r = NULL;
        (void) add_person(s, "nurse1");
        r = reader(w);
        assert_int_equal(sqlite3_prepare_v2(r->db, "SELECT id FROM person", -1, &st, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW); /* holds the shared lock */
        assert_int_equal(store_begin(s), 0);
        struct store_person p = add_person(s, "nurse2");
        assert_int_equal(store_commit(s), -EBUSY);
        assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
        assert_int_equal(store_commit(s), 0);
        assert_int_equal(store_find_person(r, "nurse2", &p), 0);
}

/* --- A writer is killed */

/* As an attempt: no right to write file or folder. Gives what the open and one lookup said. */
static int read_as_nobody(struct world *w) {
        struct stat st;
        assert_int_equal(stat(w->people, &st), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                struct store *s = NULL;
                struct store_person p;
                if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
                                       setresuid(NOBODY, NOBODY, NOBODY) < 0))
                        _exit(255);
                int r = store_open_people(w->people, false, (gid_t) -1, &s);
                if (r == 0)
                        r = store_find_person(s, "nurse1", &p);
                s = store_close(s);
                _exit(-r);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return -WEXITSTATUS(status);
}

/* The modes of a station: folder root:wardtap 0750, file root:wardtap 0640. */
static void as_on_a_station(struct world *w) {
        if (geteuid() != 0)
                return;
        assert_int_equal(chown(w->folder, 0, NOBODY), 0);
        assert_int_equal(chmod(w->folder, 0750), 0);
        assert_int_equal(chown(w->people, 0, NOBODY), 0);
}

/* Nothing of it has reached the file: there is nothing to undo. */
static void a_writer_killed_before_its_commit_harms_nobody(void **state) {
        struct world *w = *state;
        struct store_person p;
        fill_people(w);
        as_on_a_station(w);
        struct child c = child_start(hold_people, w);
        child_kill(&c);
        assert_int_equal(read_as_nobody(w), 0);
        _cleanup_(store_closep) struct store *s = writer(w);
        assert_int_equal(store_find_person(s, "held", &p), -ENOENT);
        assert_int_equal(store_check(s), 0);
}

/* Half of it is in the file, as in the middle of a commit. */
static void a_half_written_transaction_is_told_to_readers_and_undone_by_a_writer(void **state) {
        struct world *w = *state;
        struct store_person p;
        struct store *s = NULL;
        fill_people(w);
        as_on_a_station(w);
        struct child c = child_start(spill_people, w);
        child_kill(&c);
        uint64_t start = clock_ms();
        assert_int_equal(read_as_nobody(w), -EBUSY);
        assert_int_equal(read_as_nobody(w), -EBUSY);                                   /* and it stays so */
        assert_int_equal(store_open_people(w->people, false, (gid_t) -1, &s), -EBUSY); /* for root too */
        assert_true(clock_ms() - start < 1500);                                        /* at once */
        s = writer(w);
        assert_int_equal(store_check(s), 0);
        assert_int_equal(store_find_person(s, "nurse1", &p), 0);
        assert_string_equal(p.full_name, "Person nurse1");
        assert_int_equal(store_find_person(s, "nurse3000", &p), 0);
        assert_string_equal(p.full_name, "Person nurse3000");
        s = store_close(s);
        assert_int_equal(read_as_nobody(w), 0);
}

static void a_reader_that_was_open_is_told_too(void **state) {
        struct world *w = *state;
        struct store_person p;
        fill_people(w);
        _cleanup_(store_closep) struct store *r = reader(w);
        assert_int_equal(store_find_person(r, "nurse1", &p), 0);
        struct child c = child_start(spill_people, w);
        child_kill(&c);
        assert_int_equal(store_find_person(r, "nurse1", &p), -EBUSY);
        struct store *s = writer(w);
        s = store_close(s);
        assert_int_equal(store_find_person(r, "nurse1", &p), 0);
}

static void the_next_attempt_undoes_what_a_killed_one_left(void **state) {
        struct world *w = *state;
        struct policy_history h;
        struct policy_clock clock = {.realtime_usec = NOW};
        struct store *s = state_db(w);
        assert_int_equal(store_begin(s), 0);
        for (int64_t i = 1; i <= 3000; i++)
                assert_int_equal(store_add_failure(s, i, &clock), 0);
        assert_int_equal(store_commit(s), 0);
        s = store_close(s);
        struct child c = child_start(spill_state, w);
        child_kill(&c);
        assert_int_equal(store_open_state(w->state, true, &s), -EBUSY);
        s = state_db(w);
        assert_int_equal(store_check(s), 0);
        assert_int_equal(store_history(s, 1, &h), 0);
        assert_int_equal(h.failures, 1);
        assert_int_equal(store_history(s, 3000, &h), 0);
        assert_int_equal(h.failures, 1);
        s = store_close(s);
        assert_int_equal(store_open_state(w->state, true, &s), 0);
        s = store_close(s);
}

static void a_reader_cannot_write(void **state) {
        struct world *w = *state;
        struct store *s = writer(w);
        struct store_person a = add_person(s, "nurse1"), p = {.user = "x", .full_name = "X"};
        s = store_close(s);
        s = reader(w);
        assert_int_equal(store_add_person(s, &p, NOW), -EACCES);
        assert_int_equal(store_set_person_state(s, "nurse1", PERSON_ENDED, NOW, &a), -EACCES);
        s = store_close(s);
        s = state_db(w);
        s = store_close(s);
        assert_int_equal(store_open_state(w->state, true, &s), 0);
        assert_int_equal(store_add_failure(s, 1, &(struct policy_clock){.realtime_usec = NOW}), -EACCES);
        s = store_close(s);
}

static void nobody_else_can_open_for_writing(void **state) {
        struct world *w = *state;
        struct store *s = writer(w);
        s = store_close(s);
        if (geteuid() != 0)
                skip();
        as_on_a_station(w);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
                    setresuid(NOBODY, NOBODY, NOBODY) < 0)
                        _exit(255);
                _exit(-store_open_people(w->people, true, (gid_t) -1, &s));
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), EACCES);
}

/* --- What attempts remember */

static struct store_sign_in sign_in(int64_t person, int64_t key, uint32_t counter) {
        return (struct store_sign_in){
                .person = person,
                .strong = true,
                .badge = 77,
                .key = key,
                .counter = counter,
                .aal = 2,
                .clock = {.realtime_usec = NOW, .boottime_usec = 1000, .boot_id = "boot"}};
}

/* --- emergencies */

static struct store_emergency emergency_of(int64_t person, unsigned n, uint64_t from_usec) {
        struct store_emergency e = {.person = person,
                                    .user = "anna",
                                    .how = EMERGENCY_ASKED,
                                    .reason = "no key",
                                    .from_usec = from_usec,
                                    .until_usec = from_usec + 1};
        (void) snprintf(e.attempt, sizeof(e.attempt), "%032x", n);
        (void) snprintf(e.review, sizeof(e.review), "%012x", n);
        return e;
}

static int see_emergency(const struct store_emergency *e, void *data) {
        char *seen = data;
        (void) snprintf(seen + strlen(seen), 80, "%s%s ", e->user, e->drill ? "!" : "");
        return 0;
}

static void emergencies_are_listed_newest_first_and_counted(void **state) {
        _cleanup_(store_closep) struct store *s = state_db(*state);
        char seen[256] = "";
        unsigned n = 9;
        struct store_emergency e = emergency_of(1, 1, NOW - 100);
        assert_int_equal(store_add_emergency(s, &e), 0);
        e = emergency_of(1, 2, NOW);
        e.drill = true;
        assert_int_equal(store_add_emergency(s, &e), 0);
        e = emergency_of(2, 3, NOW + 100);
        e.how = EMERGENCY_WITNESS;
        e.witness = 1;
        (void) snprintf(e.user, sizeof(e.user), "emergency1");
        (void) snprintf(e.claimed, sizeof(e.claimed), "Grace Hopper");
        assert_int_equal(store_add_emergency(s, &e), 0);
        assert_int_equal(store_each_emergency(s, see_emergency, seen), 0);
        assert_string_equal(seen, "emergency1 anna! anna ");
        assert_int_equal(store_count_emergencies(s, 1, NOW, &n), 0);
        assert_int_equal(n, 1); /* the drill does not count */
        assert_int_equal(store_count_emergencies(s, 1, NOW - 200, &n), 0);
        assert_int_equal(n, 0); /* the clock was set back: what comes later has not been */
        assert_int_equal(store_count_emergencies(s, 1, NOW - 50 + 24 * 3600 * 1000000ULL, &n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(store_count_emergencies(s, 2, NOW + 1000, &n), 0);
        assert_int_equal(n, 0); /* nor does one of an account, which has no badge alone */
        assert_int_equal(store_add_emergency(s, &e), -EEXIST);
}

static void half_an_emergency_is_refused(void **state) {
        _cleanup_(store_closep) struct store *s = state_db(*state);
        struct store_emergency e;
        for (unsigned i = 0; i < 7; i++) {
                e = emergency_of(1, 1, NOW);
                switch (i) {
                case 0:
                        e.person = 0;
                        break;
                case 1:
                        e.attempt[31] = 0;
                        break;
                case 2:
                        e.review[0] = 'x';
                        break;
                case 3:
                        e.user[0] = 0;
                        break;
                case 4:
                        e.reason[0] = 0;
                        break;
                case 5:
                        e.until_usec = e.from_usec;
                        break;
                default:
                        e.how = EMERGENCY_NONE;
                }
                assert_int_equal(store_add_emergency(s, &e), -EINVAL);
        }
}

static void each_part_of_a_review_is_said_once_and_by_another_person(void **state) {
        struct world *w = *state;
        _cleanup_(store_closep) struct store *s = writer(w);
        struct store_person anna = add_person(s, "anna"), ben = add_person(s, "ben"),
                            dora = add_person(s, "dora");
        struct store_review v = {.review = "001122334455",
                                 .part = REVIEW_WORDS,
                                 .words = "A reason.",
                                 .closed_usec = NOW},
                            parts[REVIEW_PART_MAX];
        size_t n = 9;
        assert_int_equal(store_reviews(s, v.review, parts, &n), 0);
        assert_int_equal(n, 0);
        v.person = anna.id;
        assert_int_equal(store_add_review(s, &v), 0);
        assert_int_equal(store_add_review(s, &v), -EEXIST);
        v.part = REVIEW_CLINICAL;
        assert_int_equal(store_add_review(s, &v), -EKEYREJECTED);
        v.person = ben.id;
        assert_int_equal(store_add_review(s, &v), 0);
        v.part = REVIEW_SECURITY;
        assert_int_equal(store_add_review(s, &v), -EKEYREJECTED);
        v.person = dora.id;
        assert_int_equal(store_add_review(s, &v), 0);
        assert_int_equal(store_reviews(s, v.review, parts, &n), 0);
        assert_int_equal(n, 3);
        assert_string_equal(parts[1].user, "ben");
        assert_string_equal(parts[0].words, "A reason.");
        v.words[0] = 0;
        (void) snprintf(v.review, sizeof(v.review), "001122334456");
        assert_int_equal(store_add_review(s, &v), -EINVAL);
        assert_int_equal(sqlite3_exec(s->db, "DELETE FROM review_close", NULL, NULL, NULL),
                         SQLITE_CONSTRAINT_TRIGGER);
        assert_int_equal(sqlite3_exec(s->db, "UPDATE review_close SET words = 'x'", NULL, NULL, NULL),
                         SQLITE_CONSTRAINT_TRIGGER);
}

static void an_account_for_emergencies_is_known_as_one(void **state) {
        struct world *w = *state;
        _cleanup_(store_closep) struct store *s = writer(w);
        struct store_person p = {.state = PERSON_ACTIVE,
                                 .kind = PERSON_EMERGENCY,
                                 .user = "emergency1",
                                 .full_name = "Emergency 1"},
                            found;
        assert_int_equal(store_add_person(s, &p, NOW), 0);
        assert_int_equal(store_find_person(s, "emergency1", &found), 0);
        assert_int_equal(found.kind, PERSON_EMERGENCY);
        (void) add_person(s, "anna");
        assert_int_equal(store_find_person(s, "anna", &found), 0);
        assert_int_equal(found.kind, PERSON_PERMANENT);
        p.kind = PERSON_KIND_MAX;
        (void) snprintf(p.user, sizeof(p.user), "other");
        assert_int_equal(store_add_person(s, &p, NOW), -EINVAL);
}

static void somebody_new_has_no_history(void **state) {
        _cleanup_(store_closep) struct store *s = state_db(*state);
        static const struct policy_history none;
        struct policy_history h;
        uint32_t counter = 9;
        memset(&h, 0xff, sizeof(h));
        assert_int_equal(store_history(s, 1, &h), 0);
        assert_false(h.any_strong);
        assert_true(h.strong_usec == none.strong_usec && h.failures == 0 && h.strong_boot_id[0] == 0);
        assert_int_equal(store_counter(s, 1, &counter), 0);
        assert_int_equal(counter, 0);
}

static void a_full_sign_in_is_remembered(void **state) {
        struct world *w = *state;
        struct policy_history h;
        uint32_t counter;
        struct store *s = state_db(w);
        struct store_sign_in in = sign_in(1, 5, 10);
        assert_int_equal(store_commit_sign_in(s, &in), 0);
        s = store_close(s);
        s = state_db(w);
        assert_int_equal(store_history(s, 1, &h), 0);
        assert_true(h.any_strong && h.strong_usec == NOW && h.strong_boottime_usec == 1000);
        assert_true(h.grace_from_usec == NOW && h.grace_from_boottime_usec == 1000);
        assert_string_equal(h.strong_boot_id, "boot");
        assert_int_equal(h.strong_badge_id, 77);
        assert_int_equal(h.strong_aal, in.aal);
        assert_int_equal(store_counter(s, 5, &counter), 0);
        assert_int_equal(counter, 10);
        assert_int_equal(store_history(s, 2, &h), 0);
        assert_false(h.any_strong);
        s = store_close(s);
}

static void a_renewal_moves_grace_and_not_the_sign_in(void **state) {
        _cleanup_(store_closep) struct store *s = state_db(*state);
        struct policy_history h;
        struct store_sign_in in = sign_in(1, 5, 10), renew = sign_in(1, 0, 0), other = sign_in(2, 0, 0);
        renew.strong = other.strong = false;
        renew.grace_renew = other.grace_renew = true;
        renew.clock.realtime_usec = NOW + 50;
        renew.clock.boottime_usec = 1050;
        assert_int_equal(store_commit_sign_in(s, &in), 0);
        assert_int_equal(store_commit_sign_in(s, &renew), 0);
        assert_int_equal(store_history(s, 1, &h), 0);
        assert_true(h.strong_usec == NOW && h.grace_from_usec == NOW + 50);
        assert_true(h.grace_from_boottime_usec == 1050);
        assert_int_equal(store_commit_sign_in(s, &other), 0); /* makes no sign-in out of nothing */
        assert_int_equal(store_add_failure(s, 2, &in.clock), 0);
        assert_int_equal(store_commit_sign_in(s, &other), 0);
        assert_int_equal(store_history(s, 2, &h), 0);
        assert_true(!h.any_strong && h.grace_from_usec == 0 && h.failures == 1);
}

static void a_counter_must_grow_unless_the_key_has_none(void **state) {
        static const struct {
                uint32_t stored, shown;
                int r;
        } cases[] = {{0, 0, 0},
                     {0, 1, 0},
                     {1, 1, -EKEYREJECTED},
                     {5, 4, -EKEYREJECTED},
                     {5, 0, -EKEYREJECTED},
                     {5, 6, 0},
                     {5, UINT32_MAX, 0},
                     {UINT32_MAX, UINT32_MAX, -EKEYREJECTED},
                     {UINT32_MAX, 1, -EKEYREJECTED}};
        _cleanup_(store_closep) struct store *s = state_db(*state);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int64_t key = (int64_t) i + 1;
                struct store_sign_in in = sign_in(key, key, cases[i].stored);
                struct policy_history h;
                uint32_t counter;
                assert_int_equal(store_commit_sign_in(s, &in), 0);
                assert_int_equal(store_add_failure(s, key, &in.clock), 0);
                in.counter = cases[i].shown;
                in.clock.realtime_usec = NOW + 9;
                assert_int_equal(store_commit_sign_in(s, &in), cases[i].r);
                assert_int_equal(store_counter(s, key, &counter), 0);
                assert_int_equal(store_history(s, key, &h), 0);
                assert_true(counter == (cases[i].r == 0 ? cases[i].shown : cases[i].stored));
                assert_true(h.strong_usec == (cases[i].r == 0 ? NOW + 9 : NOW));
                assert_true(h.failures == (cases[i].r == 0 ? 0 : 1));
        }
}

static void of_many_attempts_with_the_same_answer_one_passes(void **state) {
        struct world *w = *state;
        struct store *s = state_db(w);
        pid_t pids[8];
        unsigned passed = 0;
        s = store_close(s);
        for (size_t i = 0; i < ELEMENTSOF(pids); i++) {
                pids[i] = fork();
                assert_true(pids[i] >= 0);
                if (pids[i] > 0)
                        continue;
                struct store_sign_in in = sign_in(1, 5, 10);
                if (store_open_state(w->state, false, &s) < 0)
                        _exit(2);
                int r = store_commit_sign_in(s, &in);
                _exit(r == 0 ? 0 : r == -EKEYREJECTED ? 1 : 2);
        }
        for (size_t i = 0; i < ELEMENTSOF(pids); i++) {
                int status;
                assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
                assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
                passed += WEXITSTATUS(status) == 0;
        }
        assert_int_equal(passed, 1);
}

static void only_a_key_clears_failures(void **state) {
        _cleanup_(store_closep) struct store *s = state_db(*state);
        struct policy_history h;
        struct store_sign_in badge = sign_in(1, 0, 0), key = sign_in(1, 5, 1);
        struct policy_clock later = {.realtime_usec = NOW + 7, .boottime_usec = 8, .boot_id = "b2"};
        for (unsigned i = 1; i <= 3; i++) {
                assert_int_equal(store_add_failure(s, 1, &later), 0);
                assert_int_equal(store_history(s, 1, &h), 0);
                assert_int_equal(h.failures, i);
        }
        assert_true(h.last_failure_usec == NOW + 7 && h.last_failure_boottime_usec == 8);
        assert_string_equal(h.last_failure_boot_id, "b2");
        assert_false(h.any_strong);
        assert_int_equal(store_commit_sign_in(s, &badge), 0);
        assert_int_equal(store_history(s, 1, &h), 0);
        assert_true(h.failures == 3 && h.any_strong);
        assert_int_equal(store_commit_sign_in(s, &key), 0);
        assert_int_equal(store_history(s, 1, &h), 0);
        assert_int_equal(h.failures, 0);
}

static uint64_t badge_used(struct store *s, int64_t badge) {
        uint64_t used = 1;
        assert_int_equal(store_badge_used(s, badge, &used), 0);
        return used;
}

static long changes_of(struct store *s) {
        return sqlite3_total_changes(s->db);
}

static void the_use_of_a_badge_is_written_once_a_day(void **state) {
        const uint64_t hour = 3600ULL * 1000000;
        _cleanup_(store_closep) struct store *s = state_db(*state);
        struct store_sign_in in = sign_in(1, 5, 10);
        uint64_t used;
        assert_int_equal(badge_used(s, 77), 0);
        assert_int_equal(store_commit_sign_in(s, &in), 0);
        assert_true(badge_used(s, 77) == NOW); /* in the sign-in's own transaction */
        assert_int_equal(store_key_used(s, 5, &used), 0);
        assert_true(used == NOW);
        assert_int_equal(store_key_used(s, 6, &used), 0);
        assert_true(used == 0);
        long changes = changes_of(s);
        assert_int_equal(store_note_badge(s, 77, NOW + 14 * hour), 0); /* a whole shift of re-entries */
        assert_int_equal(changes_of(s), changes);
        assert_int_equal(store_note_badge(s, 77, NOW + 24 * hour), 0);
        assert_true(badge_used(s, 77) == NOW + 24 * hour);
        assert_int_equal(store_note_badge(s, 78, NOW), 0); /* a role that wants the badge alone */
        assert_true(badge_used(s, 78) == NOW);
        assert_int_equal(store_note_badge(s, 78, NOW - 1), 0); /* the clock was wrong */
        assert_true(badge_used(s, 78) == NOW - 1);
        assert_int_equal(store_note_badge(s, 0, NOW), -EINVAL);
        assert_int_equal(store_note_badge(s, 78, 0), -EINVAL);
}

static void a_badge_under_fixed_grace_writes_nothing(void **state) {
        struct world *w = *state;
        struct store *s = state_db(w);
        struct store_sign_in in = sign_in(1, 0, 0);
        in.strong = false;
        s = store_close(s);
        assert_int_equal(store_open_state(w->state, true, &s), 0); /* could not write at all */
        assert_int_equal(store_commit_sign_in(s, &in), 0);
        s = store_close(s);
}

static void a_sign_in_of_nobody_or_at_no_time_is_refused(void **state) {
        _cleanup_(store_closep) struct store *s = state_db(*state);
        struct store_sign_in in = sign_in(0, 5, 1);
        assert_int_equal(store_commit_sign_in(s, &in), -EINVAL);
        in = sign_in(1, -5, 1);
        assert_int_equal(store_commit_sign_in(s, &in), -EINVAL);
        in = sign_in(1, 5, 1);
        in.clock.realtime_usec = 0;
        assert_int_equal(store_commit_sign_in(s, &in), -EINVAL);
        in.clock.realtime_usec = UINT64_MAX;
        assert_int_equal(store_commit_sign_in(s, &in), -EINVAL);
        in = sign_in(1, 5, 1);
        memset(in.clock.boot_id, 'x', sizeof(in.clock.boot_id));
        assert_int_equal(store_commit_sign_in(s, &in), -EINVAL);
        assert_int_equal(store_add_failure(s, 0, &in.clock), -EINVAL);
        assert_int_equal(store_add_failure(s, 1, &in.clock), -EINVAL);
        uint32_t counter = 9;
        assert_int_equal(store_counter(s, 5, &counter), 0);
        assert_int_equal(counter, 0); /* nothing of all that stayed */
}

static void counters_and_history_are_never_deleted_or_set_back(void **state) {
        static const char *const forbidden[] = {"DELETE FROM counter", "DELETE FROM history",
                                                "UPDATE counter SET counter = 3"};
        struct world *w = *state;
        _cleanup_(store_closep) struct store *s = state_db(w);
        struct store_sign_in in = sign_in(1, 5, 10);
        assert_int_equal(store_commit_sign_in(s, &in), 0);
        for (size_t i = 0; i < ELEMENTSOF(forbidden); i++)
                assert_int_equal(raw_exec(w->state, forbidden[i]), SQLITE_CONSTRAINT_TRIGGER);
}

static void the_last_known_account_comes_back_whole(void **state) {
        _cleanup_(store_closep) struct store *s = state_db(*state);
        char *groups[] = {(char *) "nurses", (char *) "domain users", (char *) "äb", NULL};
        struct store_account a = {
                .uid = 1234, .full_name = "Änne Åberg", .groups = groups, .n_groups = 3, .at_usec = NOW};
        struct store_account back = {0};
        assert_int_equal(store_load_account(s, "nurse1", &back), -ENOENT);
        assert_int_equal(store_save_account(s, "nurse1", &a), 0);
        assert_int_equal(store_load_account(s, "nurse1", &back), 0);
        assert_int_equal(back.uid, 1234);
        assert_string_equal(back.full_name, "Änne Åberg");
        assert_int_equal(back.n_groups, 3);
        assert_string_equal(back.groups[1], "domain users");
        assert_null(back.groups[3]);
        assert_true(back.at_usec == NOW);
        store_account_clear(&back);
        assert_null(back.groups);
        /* fewer groups count at once; mere age after an hour */
        a.n_groups = 0;
        a.groups = NULL;
        a.at_usec = NOW + 1;
        assert_int_equal(store_save_account(s, "nurse1", &a), 0);
        assert_int_equal(store_load_account(s, "nurse1", &back), 0);
        assert_true(back.n_groups == 0 && back.at_usec == NOW + 1 && !back.groups[0]);
        store_account_clear(&back);
        a.at_usec = NOW + 2;
        assert_int_equal(store_save_account(s, "nurse1", &a), 0);
        assert_int_equal(store_load_account(s, "nurse1", &back), 0);
        assert_true(back.at_usec == NOW + 1);
        store_account_clear(&back);
        a.at_usec = NOW + 4000 * 1000000ULL;
        assert_int_equal(store_save_account(s, "nurse1", &a), 0);
        assert_int_equal(store_load_account(s, "nurse1", &back), 0);
        assert_true(back.at_usec == a.at_usec);
        store_account_clear(&back);
        assert_int_equal(store_save_account(s, "", &a), -EINVAL);
        assert_int_equal(store_save_account(s, "a\nb", &a), -EINVAL);
}

static void an_account_with_too_many_groups_is_refused(void **state) {
        _cleanup_(store_closep) struct store *s = state_db(*state);
        enum { MANY = 65537 };
        char **groups = calloc(MANY, sizeof(*groups));
        static char name[] = "a-group-with-a-long-name";
        assert_non_null(groups);
        for (size_t i = 0; i < MANY; i++)
                groups[i] = name;
        struct store_account a = {.uid = 1, .groups = groups, .n_groups = MANY, .at_usec = NOW};
        assert_int_equal(store_save_account(s, "nurse1", &a), -E2BIG);
        a.n_groups = 40000; /* too many bytes */
        assert_int_equal(store_save_account(s, "nurse1", &a), -E2BIG);
        a.n_groups = 10000;
        assert_int_equal(store_save_account(s, "nurse1", &a), 0);
        free(groups);
}

/* --- Migration */

static const char *const steps[] = {
        "CREATE TABLE a (x INTEGER NOT NULL) STRICT; INSERT INTO a VALUES (1);",
        "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 7;",
        "CREATE TABLE b (z); INSERT INTO b SELECT y FROM a;",
};
static const char *const broken_steps[] = {
        "CREATE TABLE a (x INTEGER NOT NULL) STRICT; INSERT INTO a VALUES (1);",
        "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 7;",
        "CREATE TABLE b (z); INSERT INTO nowhere VALUES (1);",
};

static int number(sqlite3 *db, const char *sql) {
        sqlite3_stmt *st = NULL;
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        int v = sqlite3_column_int(st, 0);
        (void) sqlite3_finalize(st);
        return v;
}

static void a_database_goes_through_every_step_it_has_not_seen(void **state) {
        const struct store_schema one = {77, steps, 1}, two = {77, steps, 2}, three = {77, steps, 3},
                                  other = {78, steps, 3};
        sqlite3 *db = NULL;
        assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
        assert_int_equal(store_migrate(db, &one, false), -ENOENT);
        assert_int_equal(store_migrate(db, &one, true), 0);
        assert_int_equal(store_migrate(db, &one, true), 0);
        assert_int_equal(number(db, "SELECT count(*) FROM a"), 1); /* ran once */
        assert_int_equal(store_migrate(db, &three, false), -EPROTO);
        assert_int_equal(store_migrate(db, &three, true), 0);
        assert_int_equal(number(db, "SELECT z FROM b"), 7);
        assert_int_equal(number(db, "PRAGMA user_version"), 3);
        assert_int_equal(number(db, "PRAGMA application_id"), 77);
        assert_int_equal(store_migrate(db, &two, true), -EPROTO);
        assert_int_equal(store_migrate(db, &other, true), -EBADMSG);
        assert_int_equal(store_migrate(db, &three, false), 0);
        (void) sqlite3_close(db);
}

/* What an older version knew of badges goes into the new table. */
static void the_last_use_is_known_from_before(void **state) {
        const struct store_schema before = {store_state_schema.application_id, store_state_schema.steps, 1};
        sqlite3 *db = NULL;
        assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
        assert_int_equal(store_migrate(db, &before, true), 0);
        assert_int_equal(sqlite3_exec(db,
                                      "INSERT INTO history (person, strong_usec, strong_badge) VALUES"
                                      " (1, 500, 77), (2, 900, 77), (3, 600, 0), (4, 700, 78)",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(store_migrate(db, &store_state_schema, true), 0);
        assert_int_equal(number(db, "SELECT count(*) FROM badge_use"), 2);
        assert_int_equal(number(db, "SELECT used_usec FROM badge_use WHERE badge = 77"), 900);
        assert_int_equal(number(db, "SELECT used_usec FROM badge_use WHERE badge = 78"), 700);
        assert_int_not_equal(sqlite3_exec(db, "DELETE FROM badge_use", NULL, NULL, NULL), SQLITE_OK);
        (void) sqlite3_close(db);
}

static void a_step_that_fails_leaves_the_version_before_all_of_them(void **state) {
        const struct store_schema one = {77, steps, 1}, broken = {77, broken_steps, 3},
                                  three = {77, steps, 3};
        sqlite3 *db = NULL;
        assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
        assert_int_equal(store_migrate(db, &one, true), 0);
        assert_true(store_migrate(db, &broken, true) < 0);
        assert_int_equal(number(db, "PRAGMA user_version"), 1);
        assert_int_equal(number(db, "SELECT count(*) FROM pragma_table_info('a')"), 1);
        assert_int_equal(number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'b'"), 0);
        assert_int_not_equal(sqlite3_get_autocommit(db), 0);
        assert_int_equal(store_migrate(db, &three, true), 0);
        (void) sqlite3_close(db);
}

static void many_who_make_the_store_at_once_make_one(void **state) {
        struct world *w = *state;
        pid_t pids[6];
        for (size_t i = 0; i < ELEMENTSOF(pids); i++) {
                pids[i] = fork();
                assert_true(pids[i] >= 0);
                if (pids[i] > 0)
                        continue;
                struct store *s = NULL;
                struct store_person p = {.full_name = "N"};
                (void) snprintf(p.user, sizeof(p.user), "nurse%zu", i);
                int r = store_open_people(w->people, true, (gid_t) -1, &s);
                if (r == 0)
                        r = store_add_person(s, &p, NOW);
                _exit(-r);
        }
        for (size_t i = 0; i < ELEMENTSOF(pids); i++) {
                int status;
                assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
                assert_true(WIFEXITED(status));
                assert_int_equal(WEXITSTATUS(status), 0);
        }
        _cleanup_(store_closep) struct store *r = reader(w);
        struct walk walk = {.s = r};
        assert_int_equal(store_each_person(r, see_person, &walk), 0);
        assert_int_equal(strlen(walk.seen), ELEMENTSOF(pids) * strlen("nurse0"));
}

/* --- what was approved, and what was reported lost */

static struct store_badge lent_for(int64_t person, const char *token, uint8_t n, uint64_t until_usec) {
        struct store_badge b = badge_for(person, token, n);
        b.not_after_usec = until_usec;
        b.approval =
                (struct policy_approval){.from_usec = NOW, .from_boottime_usec = 5, .from_boot_id = "this"};
        (void) snprintf(b.approver, sizeof(b.approver), "dora");
        (void) snprintf(b.lend_reason, sizeof(b.lend_reason), "forgot it");
        return b;
}

static void a_lent_badge_is_found_until_its_time_and_then_free(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        struct store_person a = add_person(s, "nurse1"), b = add_person(s, "nurse2"), holder;
        struct store_badge lent = lent_for(a.id, "LENT", 7, NOW + 100), got;
        assert_int_equal(store_lent_badge(s, a.id, NOW, &got), -ENOENT);
        assert_int_equal(store_add_badge(s, &lent, NOW, &holder), 0);
        assert_int_equal(store_lent_badge(s, a.id, NOW + 99, &got), 0);
        assert_int_equal(got.id, lent.id);
        assert_string_equal(got.approver, "dora");
        assert_string_equal(got.approval.from_boot_id, "this");
        assert_true(got.approval.from_usec == NOW && got.approval.from_boottime_usec == 5 &&
                    got.approval.until_usec == NOW + 100);
        assert_int_equal(store_lent_badge(s, b.id, NOW, &got), -ENOENT);
        assert_int_equal(store_lent_badge(s, a.id, NOW + 100, &got), -ENOENT);
        struct store_badge again = lent_for(b.id, "LENT", 7, NOW + 500);
        assert_int_equal(store_add_badge(s, &again, NOW + 99, &holder), -EEXIST);
        assert_int_equal(holder.id, a.id);
        assert_int_equal(store_add_badge(s, &again, NOW + 100, &holder), 0);
        assert_int_equal(find_badge(s, 7, &got, &holder), 0);
        assert_int_equal(holder.id, b.id);
}

static void a_lent_badge_has_all_that_it_stands_on(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        struct store_person a = add_person(s, "nurse1"), holder;
        struct store_badge b = lent_for(a.id, "LENT", 7, NOW + 100);
        b.approver[0] = 0;
        assert_int_equal(store_add_badge(s, &b, NOW, &holder), -EINVAL);
        b = lent_for(a.id, "LENT", 7, NOW); /* it would end as it begins */
        assert_int_equal(store_add_badge(s, &b, NOW, &holder), -EINVAL);
        b = lent_for(a.id, "LENT", 7, 0);
        assert_int_equal(store_add_badge(s, &b, NOW, &holder), -EINVAL);
        b = lent_for(a.id, "LENT", 7, NOW + 100);
        assert_int_equal(store_add_badge(s, &b, NOW, &holder), 0);
        struct world *w = *state;
        assert_int_not_equal(raw_exec(w->people, "UPDATE badge SET not_after_usec = 1, version = 9"),
                             SQLITE_OK);
        assert_int_not_equal(raw_exec(w->people, "UPDATE badge SET approver = 'x', version = 9"), SQLITE_OK);
}

static struct store_elevation elevation_for(int64_t person, const char *role, uint64_t until_usec) {
        struct store_elevation e = {.person = person,
                                    .approval = {.from_usec = NOW,
                                                 .from_boottime_usec = 5,
                                                 .from_boot_id = "this",
                                                 .until_usec = until_usec}};
        (void) snprintf(e.role, sizeof(e.role), "%s", role);
        (void) snprintf(e.approver, sizeof(e.approver), "dora");
        (void) snprintf(e.reason, sizeof(e.reason), "short of hands");
        return e;
}

static void roles_for_a_while_are_found_newest_first_until_they_end(void **state) {
        struct world *w = *state;
        _cleanup_(store_closep) struct store *s = writer(w);
        struct store_person a = add_person(s, "nurse1"), b = add_person(s, "nurse2");
        struct store_elevation one = elevation_for(a.id, "lead", NOW + 100),
                               two = elevation_for(a.id, "night", NOW + 200), got[STORE_ELEVATIONS_MAX];
        size_t n = 9;
        unsigned ended = 9;
        assert_int_equal(store_person_elevations(s, a.id, NOW, got, &n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(store_add_elevation(s, &one), 0);
        assert_int_equal(store_add_elevation(s, &two), 0);
        assert_int_equal(store_person_elevations(s, a.id, NOW, got, &n), 0);
        assert_int_equal(n, 2);
        assert_string_equal(got[0].role, "night");
        assert_string_equal(got[1].approver, "dora");
        assert_true(got[1].approval.from_usec == NOW && got[1].approval.until_usec == NOW + 100);
        assert_int_equal(store_person_elevations(s, a.id, NOW + 100, got, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(store_end_elevations(s, b.id, "early", NOW + 1, &ended), 0);
        assert_int_equal(ended, 0);
        assert_int_equal(store_end_elevations(s, a.id, "early", NOW + 150, &ended), 0);
        assert_int_equal(ended, 1); /* the other one was over */
        assert_int_equal(store_person_elevations(s, a.id, NOW + 150, got, &n), 0);
        assert_int_equal(n, 0);
        assert_int_not_equal(raw_exec(w->people, "DELETE FROM elevation"), SQLITE_OK);
        assert_int_not_equal(raw_exec(w->people, "UPDATE elevation SET until_usec = 1, version = 9"),
                             SQLITE_OK);
}

static void a_role_for_a_while_is_whole_or_refused(void **state) {
        _cleanup_(store_closep) struct store *s = writer(*state);
        struct store_person a = add_person(s, "nurse1");
        struct store_elevation e = elevation_for(a.id, "lead", NOW);
        assert_int_equal(store_add_elevation(s, &e), -EINVAL);
        e = elevation_for(a.id, "", NOW + 1);
        assert_int_equal(store_add_elevation(s, &e), -EINVAL);
        e = elevation_for(a.id + 1, "lead", NOW + 1);
        assert_int_equal(store_add_elevation(s, &e), -ENOENT);
        for (unsigned i = 0; i < STORE_ELEVATIONS_MAX; i++) {
                e = elevation_for(a.id, "lead", NOW + 1 + i);
                assert_int_equal(store_add_elevation(s, &e), 0);
        }
        assert_int_equal(store_add_elevation(s, &e), -E2BIG);
}

static void what_is_reported_lost_is_suspended_and_lifted_and_nothing_else(void **state) {
        struct world *w = *state;
        _cleanup_(store_closep) struct store *s = writer(w);
        struct store_person a = add_person(s, "nurse1"), b = add_person(s, "nurse2"), holder;
        struct store_badge one = badge_for(a.id, "ONE", 1), two = badge_for(a.id, "TWO", 2),
                           others = badge_for(b.id, "THREE", 3), got;
        struct store_key key = key_for(a.id, 1), keys[STORE_KEYS_MAX];
        size_t n_keys = 0;
        unsigned n = 9;
        assert_int_equal(store_add_badge(s, &one, NOW, &holder), 0);
        assert_int_equal(store_add_badge(s, &two, NOW, &holder), 0);
        assert_int_equal(store_add_badge(s, &others, NOW, &holder), 0);
        assert_int_equal(store_add_key(s, &key, NOW, &holder), 0);
        assert_int_equal(raw_exec(w->people,
                                  "UPDATE badge SET suspended_usec = 5, suspend_reason = 'by hand',"
                                  " version = version + 1 WHERE token = 'TWO'"),
                         SQLITE_OK);
        assert_int_equal(store_report_badges(s, a.id, "", NOW, &n), -EINVAL);
        assert_int_equal(store_report_badges(s, a.id, "on the bus", NOW, &n), 0);
        assert_int_equal(n, 1); /* the one that was suspended by hand stays as it is */
        assert_int_equal(find_badge(s, 1, &got, &holder), 0);
        assert_true(got.suspended_usec == NOW && got.ended_usec == 0);
        assert_string_equal(got.suspend_reason, "reported: on the bus");
        assert_int_equal(find_badge(s, 3, &got, &holder), 0);
        assert_true(got.suspended_usec == 0);
        assert_int_equal(store_report_keys(s, a.id, "with it", NOW, &n), 0);
        assert_int_equal(store_person_keys(s, a.id, keys, &n_keys), 0);
        assert_true(n_keys == 1 && keys[0].suspended_usec == NOW);
        assert_int_equal(store_lift_badges(s, a.id, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(find_badge(s, 1, &got, &holder), 0);
        assert_true(got.suspended_usec == 0 && !got.suspend_reason[0]);
        assert_int_equal(find_badge(s, 2, &got, &holder), 0);
        assert_true(got.suspended_usec == 5);
        assert_int_equal(store_lift_keys(s, a.id, &n), 0);
        assert_int_equal(store_person_keys(s, a.id, keys, &n_keys), 0);
        assert_true(keys[0].suspended_usec == 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_new, world_free)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(a_person_is_found_by_user_and_by_id),
                T(a_user_is_one_person_at_a_time),
                T(a_suspended_person_can_come_back),
                T(unclean_or_missing_text_is_refused),
                T(a_badge_leads_to_its_person_under_any_badge_key),
                T(a_badge_has_one_holder),
                T(an_ended_badge_is_found_as_ended_until_somebody_has_it_again),
                T(of_badges_that_ended_under_two_badge_keys_the_last_is_found),
                T(a_token_that_two_badges_have_ends_neither),
                T(keys_are_listed_oldest_first_and_whole),
                T(a_credential_has_one_holder_and_a_person_eight_keys),
                T(the_attestation_stays_with_the_key),
                T(whoever_ends_loses_badges_and_keys),
                T(rows_are_ended_and_never_deleted_or_brought_back),
                T(every_change_grows_the_version_and_a_refusal_does_not),
                T(ids_are_not_used_again_even_in_a_store_made_anew),
                T(one_failure_inside_a_transaction_undoes_itself_alone),
                T(after_a_lost_transaction_nothing_goes_on_as_if_it_were_there),
                T(a_full_disk_is_told_and_leaves_what_was),
                T(walking_sees_each_row_once_and_the_ended_too),
                T(a_store_is_made_with_the_right_mode_and_read_only_once_it_is_there),
                T(an_empty_file_is_no_store_to_read_and_becomes_one_to_write),
                T(what_is_no_store_is_refused_and_left_alone),
                T(links_pipes_and_folders_are_refused),
                T(what_lies_beside_a_database_must_be_a_journal_of_its_own),
                T(files_and_folders_that_others_can_change_are_refused),
                T(a_store_of_a_newer_version_is_refused_and_untouched),
                T(values_that_we_never_write_are_told_as_damage),
                T(a_damaged_page_is_told_as_damage),
                T(a_reader_goes_on_while_a_writer_works_and_a_second_writer_is_told),
                T(readers_go_on_during_a_large_import_and_its_death),
                T(an_attempt_waits_for_another_and_is_told_in_time),
                T(a_commit_that_readers_hold_up_can_be_tried_again),
                T(a_writer_killed_before_its_commit_harms_nobody),
                T(a_half_written_transaction_is_told_to_readers_and_undone_by_a_writer),
                T(a_reader_that_was_open_is_told_too),
                T(the_next_attempt_undoes_what_a_killed_one_left),
                T(a_reader_cannot_write),
                T(nobody_else_can_open_for_writing),
                T(a_lent_badge_is_found_until_its_time_and_then_free),
                T(a_lent_badge_has_all_that_it_stands_on),
                T(roles_for_a_while_are_found_newest_first_until_they_end),
                T(a_role_for_a_while_is_whole_or_refused),
                T(what_is_reported_lost_is_suspended_and_lifted_and_nothing_else),
                T(emergencies_are_listed_newest_first_and_counted),
                T(half_an_emergency_is_refused),
                T(each_part_of_a_review_is_said_once_and_by_another_person),
                T(an_account_for_emergencies_is_known_as_one),
                T(somebody_new_has_no_history),
                T(a_full_sign_in_is_remembered),
                T(a_renewal_moves_grace_and_not_the_sign_in),
                T(a_counter_must_grow_unless_the_key_has_none),
                T(of_many_attempts_with_the_same_answer_one_passes),
                T(only_a_key_clears_failures),
                T(the_use_of_a_badge_is_written_once_a_day),
                T(the_last_use_is_known_from_before),
                T(a_badge_under_fixed_grace_writes_nothing),
                T(a_sign_in_of_nobody_or_at_no_time_is_refused),
                T(counters_and_history_are_never_deleted_or_set_back),
                T(the_last_known_account_comes_back_whole),
                T(an_account_with_too_many_groups_is_refused),
                T(a_database_goes_through_every_step_it_has_not_seen),
                T(a_step_that_fails_leaves_the_version_before_all_of_them),
                T(many_who_make_the_store_at_once_make_one),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
