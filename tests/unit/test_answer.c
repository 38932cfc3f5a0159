/* SPDX-License-Identifier: Apache-2.0 */
/* The listener reads the store once for a person, not at every sign-in, and never trusts what it remembers
 * of a store that has changed. */
#include "pam_module/auth/answer.h"
#include "policy/store.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

struct world {
        char folder[64], people[96], wal[96];
        struct answer answer;
};

static void add_person(struct world *w, const char *user) {
        struct store *s = NULL;
        struct store_person p = {.state = PERSON_ACTIVE, .full_name = "Somebody"};
        (void) snprintf(p.user, sizeof(p.user), "%s", user);
        assert_int_equal(store_open_people(w->people, true, (gid_t) -1, &s), 0);
        assert_int_equal(store_add_person(s, &p, 1795000000000000ULL), 0);
        s = store_close(s);
}

static int world_new(void **state) {
        struct world *w = calloc(1, sizeof(*w));
        if (!w)
                return -1;
        (void) snprintf(w->folder, sizeof(w->folder), "/tmp/test_answer.XXXXXX");
        if (!mkdtemp(w->folder))
                return -1;
        (void) snprintf(w->people, sizeof(w->people), "%s/people.db", w->folder);
        (void) snprintf(w->wal, sizeof(w->wal), "%s/people.db-wal", w->folder);
        add_person(w, "anna");
        *state = w;
        return 0;
}

static int world_free(void **state) {
        struct world *w = *state;
        (void) unlink(w->wal);
        (void) unlink(w->people);
        (void) rmdir(w->folder);
        free(w);
        return 0;
}

static int find(struct world *w, const char *user) {
        return answer_find_person(&w->answer, w->people, user);
}

/* From now on no reader takes it for a store, and the file is as it was: who opens it fails. */
static void spoil(struct world *w) {
        int fd = open(w->wal, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        assert_true(fd >= 0 && fchmod(fd, 0666) == 0 && close(fd) == 0);
}

static void a_person_is_read_once(void **state) {
        assert_int_equal(find(*state, "anna"), 0);
        spoil(*state);
        assert_int_equal(find(*state, "anna"), 0);
        assert_int_equal(find(*state, "ben"), -EBADMSG);
}

static void who_is_not_enrolled_is_not_remembered(void **state) {
        struct world *w = *state;
        assert_int_equal(find(w, "hunter2"), -ENOENT);
        assert_int_equal(w->answer.n_known, 0);
        spoil(w);
        assert_int_equal(find(w, "hunter2"), -EBADMSG);
}

static void a_store_that_changed_is_read_again(void **state) {
        assert_int_equal(find(*state, "anna"), 0);
        add_person(*state, "ben");
        spoil(*state);
        assert_int_equal(find(*state, "anna"), -EBADMSG);
}

static void a_store_that_went_is_missed(void **state) {
        struct world *w = *state;
        assert_int_equal(find(w, "anna"), 0);
        assert_int_equal(unlink(w->people), 0);
        assert_int_equal(find(w, "anna"), -ENOENT);
}

static void the_oldest_gives_way(void **state) {
        struct world *w = *state;
        char user[16];
        for (unsigned i = 0; i < ANSWER_KNOWN_MAX; i++) {
                (void) snprintf(user, sizeof(user), "p%u", i);
                add_person(w, user);
        }
        assert_int_equal(find(w, "anna"), 0);
        for (unsigned i = 0; i < ANSWER_KNOWN_MAX; i++) {
                (void) snprintf(user, sizeof(user), "p%u", i);
                assert_int_equal(find(w, user), 0);
        }
        spoil(w);
        assert_int_equal(find(w, "p15"), 0);
        assert_int_equal(find(w, "p0"), 0);
        assert_int_equal(find(w, "anna"), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_person_is_read_once, world_new, world_free),
                cmocka_unit_test_setup_teardown(who_is_not_enrolled_is_not_remembered, world_new,
                                                world_free),
                cmocka_unit_test_setup_teardown(a_store_that_changed_is_read_again, world_new, world_free),
                cmocka_unit_test_setup_teardown(a_store_that_went_is_missed, world_new, world_free),
                cmocka_unit_test_setup_teardown(the_oldest_gives_way, world_new, world_free),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
