/* SPDX-License-Identifier: Apache-2.0 */
/* Suspending and resuming badges and keys, limits of people, leases, and a store of the version before. */
#include "policy/store_internal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <cmocka.h>

#define NOW UINT64_C(1795166502000000)

static char folder[64], path[96];

static int make_folder(void **state) {
        (void) snprintf(folder, sizeof(folder), "/tmp/wardtap-life-XXXXXX");
        if (!mkdtemp(folder))
                return -1;
        (void) snprintf(path, sizeof(path), "%s/people.db", folder);
        return 0;
}

static int remove_folder(void **state) {
        (void) unlink(path);
        return rmdir(folder);
}

static struct store *writer(void) {
        struct store *s = NULL;
        assert_int_equal(store_open_people(path, true, (gid_t) -1, &s), 0);
        return s;
}

static struct store_person add_person(struct store *s, const char *user, enum person_kind kind) {
        struct store_person p = {.state = PERSON_ACTIVE, .kind = kind};
        (void) snprintf(p.user, sizeof(p.user), "%s", user);
        (void) snprintf(p.full_name, sizeof(p.full_name), "Person %s", user);
        assert_int_equal(store_add_person(s, &p, NOW), 0);
        return p;
}

static struct store_badge add_badge(struct store *s, int64_t person, const char *token, int n) {
        struct store_badge b = {.person = person, .number_len = 7, .kind = "number"};
        struct store_person holder;
        (void) snprintf(b.token, sizeof(b.token), "%s", token);
        (void) snprintf(b.key_id, sizeof(b.key_id), "00112233445566aa");
        memset(b.index, n, sizeof(b.index));
        assert_int_equal(store_add_badge(s, &b, NOW, &holder), 0);
        return b;
}

static struct store_key add_key(struct store *s, int64_t person, int n) {
        struct store_key k = {.person = person, .credential_id_len = 64, .public_key_len = 77};
        struct store_person holder;
        memset(k.credential_id, n, 64);
        memset(k.public_key, n, 77);
        (void) snprintf(k.rp_id, sizeof(k.rp_id), "wardtap.example.org");
        assert_int_equal(store_add_key(s, &k, NOW, &holder), 0);
        return k;
}

static uint64_t version_of(struct store *s) {
        uint64_t v = 0;
        assert_int_equal(store_version(s, &v), 0);
        return v;
}

static void a_badge_is_suspended_and_resumed(void **state) {
        _cleanup_(store_closep) struct store *s = writer();
        struct store_person p = add_person(s, "nurse1", PERSON_PERMANENT), holder;
        struct store_badge b = add_badge(s, p.id, "ABCD1234", 7), found;
        const char *const ids[] = {"00112233445566aa"};
        const uint8_t *const indexes[] = {b.index};
        uint64_t v = version_of(s);
        assert_int_equal(store_suspend_badge(s, "ABCD1234", NULL, NOW + 1, &found, &holder), -EALREADY);
        assert_int_equal(store_suspend_badge(s, "NOTHERE1", "lost", NOW + 1, &found, &holder), -ENOENT);
        assert_int_equal(store_suspend_badge(s, "ABCD1234", "", NOW + 1, &found, &holder), -EINVAL);
        assert_int_equal(store_suspend_badge(s, "ABCD1234", "a\nb", NOW + 1, &found, &holder), -EINVAL);
        assert_int_equal(version_of(s), v);
        assert_int_equal(store_suspend_badge(s, "ABCD1234", "lost", NOW + 1, &found, &holder), 0);
        assert_int_equal(found.suspended_usec, NOW + 1);
        assert_true(version_of(s) > v);
        assert_int_equal(store_find_badge(s, ids, indexes, 1, &found, &holder), 0);
        assert_int_equal(found.suspended_usec, NOW + 1);
        assert_string_equal(found.suspend_reason, "lost");
        assert_int_equal(found.ended_usec, 0);
        assert_int_equal(store_suspend_badge(s, "ABCD1234", "again", NOW + 2, &found, &holder), -EALREADY);
        assert_int_equal(store_suspend_badge(s, "ABCD1234", NULL, NOW + 3, &found, &holder), 0);
        assert_int_equal(store_find_badge(s, ids, indexes, 1, &found, &holder), 0);
        assert_int_equal(found.suspended_usec, 0);
        assert_string_equal(found.suspend_reason, "");
        assert_int_equal(store_end_badge(s, "ABCD1234", "gone", NOW + 4, &found, &holder), 0);
        assert_int_equal(store_suspend_badge(s, "ABCD1234", "x", NOW + 5, &found, &holder), -ENOENT);
}

static void a_key_is_suspended_and_resumed(void **state) {
        _cleanup_(store_closep) struct store *s = writer();
        struct store_person p = add_person(s, "nurse2", PERSON_PERMANENT), holder;
        struct store_key k = add_key(s, p.id, 9), found, keys[STORE_KEYS_MAX];
        size_t n = 0;
        assert_int_equal(store_suspend_key(s, k.token, NULL, NOW + 1, &found, &holder), -EALREADY);
        assert_int_equal(store_suspend_key(s, k.token, "at home", NOW + 1, &found, &holder), 0);
        assert_int_equal(holder.id, p.id);
        assert_int_equal(store_person_keys(s, p.id, keys, &n), 0);
        assert_int_equal(n, 1); /* it has not ended */
        assert_int_equal(keys[0].suspended_usec, NOW + 1);
        assert_string_equal(keys[0].suspend_reason, "at home");
        assert_int_equal(store_suspend_key(s, k.token, "again", NOW + 2, &found, &holder), -EALREADY);
        assert_int_equal(store_suspend_key(s, k.token, NULL, NOW + 3, &found, &holder), 0);
        assert_int_equal(found.suspended_usec, 0);
}

static void limits_are_set_and_cleared(void **state) {
        _cleanup_(store_closep) struct store *s = writer();
        struct store_person p = add_person(s, "nurse3", PERSON_PERMANENT), got;
        assert_int_equal(store_set_person_limits(s, "nurse3", NOW, NOW, &got), -EINVAL);
        assert_int_equal(store_set_person_limits(s, "nobody", 1, 2, &got), -ENOENT);
        assert_int_equal(store_set_person_limits(s, "nurse3", NOW, NOW + 1, &got), 0);
        assert_int_equal(got.version, p.version + 1);
        assert_int_equal(store_find_person(s, "nurse3", &got), 0);
        assert_int_equal(got.not_before_usec, NOW);
        assert_int_equal(got.not_after_usec, NOW + 1);
        assert_int_equal(store_set_person_limits(s, "nurse3", 0, 0, &got), 0);
        assert_int_equal(got.not_after_usec, 0);
        assert_int_equal(store_set_person_state(s, "nurse3", PERSON_ENDED, NOW, &got), 0);
        assert_int_equal(store_set_person_limits(s, "nurse3", 0, 0, &got), -ENOENT);
}

static struct store_lease lease_for(int64_t person, const char *holder) {
        struct store_lease l = {.person = person, .until_usec = NOW + 1000};
        (void) snprintf(l.holder, sizeof(l.holder), "%s", holder);
        (void) snprintf(l.identified, sizeof(l.identified), "passport");
        return l;
}

static void one_holder_at_a_time_and_none_before_the_home_is_wiped(void **state) {
        _cleanup_(store_closep) struct store *s = writer();
        struct store_person p = add_person(s, "agency1", PERSON_AGENCY);
        struct store_lease a = lease_for(p.id, "Jane Doe"), b = lease_for(p.id, "John Roe"), got;
        a.added_boottime_usec = 77;
        memcpy(a.added_boot_id, "boot", 5);
        assert_int_equal(store_find_lease(s, p.id, &got), -ENOENT);
        assert_int_equal(store_end_lease(s, p.id, "over", NOW, &got), -ENOENT);
        assert_int_equal(store_add_lease(s, &a, NOW), 0);
        assert_int_equal(strlen(a.uuid), 36);
        assert_int_equal(store_add_lease(s, &b, NOW + 1), -EEXIST);
        assert_int_equal(store_set_wiped(s, a.id, NOW + 2), -EINVAL); /* somebody has it */
        assert_int_equal(store_end_lease(s, p.id, "over", NOW + 3, &got), 0);
        assert_int_equal(got.ended_usec, NOW + 3);
        assert_int_equal(got.added_boottime_usec, 77);
        assert_string_equal(got.added_boot_id, "boot");
        assert_string_equal(got.end_reason, "over");
        assert_int_equal(store_end_lease(s, p.id, "over", NOW + 4, &got), -ENOENT);
        assert_int_equal(store_add_lease(s, &b, NOW + 5), -EUCLEAN);
        assert_int_equal(store_set_wiped(s, a.id, NOW + 6), 0);
        assert_int_equal(store_set_wiped(s, a.id, NOW + 7), -EEXIST);
        assert_int_equal(store_add_lease(s, &b, NOW + 8), 0);
        assert_string_not_equal(a.uuid, b.uuid);
        assert_int_equal(store_find_lease(s, p.id, &got), 0);
        assert_string_equal(got.holder, "John Roe");
        assert_int_equal(got.wiped_usec, 0);
}

static void what_is_no_lease_is_refused(void **state) {
        _cleanup_(store_closep) struct store *s = writer();
        struct store_person own = add_person(s, "nurse4", PERSON_PERMANENT),
                            p = add_person(s, "agency2", PERSON_AGENCY), got;
        struct store_lease l = lease_for(own.id, "Jane Doe");
        assert_int_equal(store_add_lease(s, &l, NOW), -EOPNOTSUPP);
        l = lease_for(p.id + 1000, "Jane Doe");
        assert_int_equal(store_add_lease(s, &l, NOW), -ENOENT);
        l = lease_for(p.id, "");
        assert_int_equal(store_add_lease(s, &l, NOW), -EINVAL);
        l = lease_for(p.id, "Jane\tDoe");
        assert_int_equal(store_add_lease(s, &l, NOW), -EINVAL);
        l = lease_for(p.id, "Jane Doe");
        assert_int_equal(store_add_lease(s, &l, l.until_usec), -EINVAL);
        assert_int_equal(store_add_lease(s, &l, NOW), 0);
        assert_int_equal(store_set_person_state(s, "agency2", PERSON_ENDED, NOW + 1, &got), 0);
        assert_int_equal(store_find_lease(s, p.id, &l), 0);
        assert_int_equal(l.ended_usec, NOW + 1); /* it ends with the person */
}

static int count(const struct store_lease *l, void *data) {
        (*(unsigned *) data)++;
        return 0;
}

static void leases_are_kept(void **state) {
        _cleanup_(store_closep) struct store *s = writer();
        unsigned n = 0;
        assert_int_equal(store_each_lease(s, count, &n), 0);
        assert_int_equal(n, 3); /* of the two tests before */
        char *error = NULL;
        assert_int_not_equal(sqlite3_exec(s->db, "DELETE FROM lease", NULL, NULL, &error), SQLITE_OK);
        sqlite3_free(error);
        assert_int_not_equal(sqlite3_exec(s->db, "UPDATE wipe SET wiped_usec = 1", NULL, NULL, NULL),
                             SQLITE_OK);
        assert_int_not_equal(
                sqlite3_exec(s->db,
                             "UPDATE lease SET holder = 'x', version = version + 1 WHERE ended_usec = 0",
                             NULL, NULL, NULL),
                SQLITE_OK);
        assert_int_not_equal(sqlite3_exec(s->db,
                                          "UPDATE lease SET basis_boottime_usec = 1, version = version + 1"
                                          " WHERE ended_usec = 0",
                                          NULL, NULL, NULL),
                             SQLITE_OK);
}

/* As the version before has left it, with people and badges. */
static void a_store_of_the_version_before_is_brought_along(void **state) {
        char old[96];
        sqlite3 *db = NULL;
        struct store *s = NULL;
        struct store_person p;
        const struct store_schema before = {store_people_schema.application_id, store_people_schema.steps,
                                            1};
        (void) snprintf(old, sizeof(old), "%s/old.db", folder);
        assert_int_equal(sqlite3_open(old, &db), SQLITE_OK);
        assert_int_equal(chmod(old, 0640), 0);
        assert_int_equal(store_migrate(db, &before, true), 0);
        assert_int_equal(
                sqlite3_exec(
                        db,
                        "INSERT INTO person (uuid, user, full_name, state, not_before_usec,"
                        " not_after_usec, source, version, added_usec, ended_usec) VALUES"
                        " ('00000000-0000-4000-8000-000000000000', 'old', 'Old', 0, 0, 0, 'x', 1, 1, 0)",
                        NULL, NULL, NULL),
                SQLITE_OK);
        (void) sqlite3_close(db);
        assert_int_equal(store_open_people(old, false, (gid_t) -1, &s), -EPROTO); /* readers wait for it */
        assert_int_equal(store_open_people(old, true, (gid_t) -1, &s), 0);
        assert_int_equal(store_find_person(s, "old", &p), 0);
        assert_int_equal(p.kind, PERSON_PERMANENT);
        (void) add_badge(s, p.id, "OLDBADGE", 99);
        assert_int_equal(store_check(s), 0);
        (void) store_close(s);
        (void) unlink(old);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_badge_is_suspended_and_resumed),
                cmocka_unit_test(a_key_is_suspended_and_resumed),
                cmocka_unit_test(limits_are_set_and_cleared),
                cmocka_unit_test(one_holder_at_a_time_and_none_before_the_home_is_wiped),
                cmocka_unit_test(what_is_no_lease_is_refused),
                cmocka_unit_test(leases_are_kept),
                cmocka_unit_test(a_store_of_the_version_before_is_brought_along),
        };
        return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
