/* SPDX-License-Identifier: Apache-2.0 */
/* A reset of a port is not a key that was taken out, and no device fills the journal. */
#include "helper/keys_state.h"

#include "common/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define SEC(n) ((uint64_t) (n) *1000000U)

struct world {
        struct keys_state s;
        unsigned came, went;
        uint64_t went_usec;
        char last[DEVICE_KEY_ID_SIZE];
        bool last_was_present;
};

static void on_changed(void *userdata, const struct device_key *key, bool plugged, bool present,
                       uint64_t when_usec) {
        struct world *w = userdata;
        memcpy(w->last, key->id, sizeof(w->last));
        w->last_was_present = present;
        w->came += plugged;
        w->went += !plugged;
        if (!plugged)
                w->went_usec = when_usec;
        assert_int_equal(keys_state_has(&w->s, key->id), plugged);
}

static struct device_key key(unsigned i) {
        struct device_key k = {.product = "Key"};
        (void) snprintf(k.id, sizeof(k.id), "%032x", i);
        return k;
}

static void attach(struct world *w, unsigned i, uint64_t now) {
        struct device_key k = key(i);
        keys_state_attach(&w->s, &k, false, now);
}

static void detach(struct world *w, unsigned i, uint64_t now) {
        keys_state_detach(&w->s, key(i).id, now);
}

static int setup(void **state) {
        static struct world w;
        w = (struct world){.s = {.changed = on_changed, .userdata = &w}};
        *state = &w;
        return 0;
}

static void a_key_is_gone_two_seconds_after_it_was_taken_out(void **state) {
        struct world *w = *state;
        attach(w, 1, SEC(10));
        assert_int_equal(w->came, 1);
        assert_true(keys_state_next(&w->s) == UINT64_MAX);
        detach(w, 1, SEC(20));
        assert_true(keys_state_next(&w->s) == SEC(22));
        keys_state_expire(&w->s, SEC(22) - 1);
        assert_int_equal(w->went, 0);
        assert_true(keys_state_has(&w->s, key(1).id));
        keys_state_expire(&w->s, SEC(22));
        assert_int_equal(w->went, 1);
        assert_true(w->went_usec == SEC(20)); /* when it happened, not when it was certain */
        assert_true(keys_state_next(&w->s) == UINT64_MAX);
}

static void a_reset_of_a_port_or_hub_is_nothing(void **state) {
        struct world *w = *state;
        for (unsigned i = 0; i < 4; i++)
                attach(w, i, 0);
        for (unsigned turn = 1; turn < 50; turn++) {
                for (unsigned i = 0; i < 4; i++)
                        detach(w, i, SEC(turn));
                keys_state_expire(&w->s, SEC(turn) + SEC(1) - 1);
                for (unsigned i = 0; i < 4; i++)
                        attach(w, i, SEC(turn) + SEC(1) - 1);
        }
        assert_int_equal(w->came, 4);
        assert_int_equal(w->went, 0);
}

static void another_key_in_its_place_does_not_hide_that_one_was_taken(void **state) {
        struct world *w = *state;
        attach(w, 1, 0);
        detach(w, 1, SEC(1));
        attach(w, 2, SEC(1) + 1);
        keys_state_expire(&w->s, SEC(3));
        assert_int_equal(w->went, 1);
        assert_string_equal(w->last, key(1).id);
        assert_true(keys_state_has(&w->s, key(2).id));
}

static void nothing_is_gone_while_nobody_watches(void **state) {
        struct world *w = *state;
        attach(w, 1, 0);
        attach(w, 2, 0);
        detach(w, 2, SEC(1));
        keys_state_lose(&w->s);
        keys_state_expire(&w->s, SEC(1000));
        assert_int_equal(w->went, 0);
        assert_true(keys_state_has(&w->s, key(1).id) && keys_state_has(&w->s, key(2).id));
        assert_true(keys_state_next(&w->s) == UINT64_MAX);

        attach(w, 1, SEC(1001)); /* listed anew: it was there all the time */
        keys_state_listed(&w->s, SEC(1001));
        assert_int_equal(w->came, 2);
        keys_state_expire(&w->s, SEC(1003));
        assert_int_equal(w->went, 1);
        assert_string_equal(w->last, key(2).id);
}

static void a_key_of_before_is_told_from_one_that_was_plugged_in(void **state) {
        struct world *w = *state;
        struct device_key k = key(1);
        keys_state_attach(&w->s, &k, true, 0);
        assert_true(w->last_was_present);
        attach(w, 2, 0);
        assert_false(w->last_was_present);
}

static void what_is_said_twice_or_of_nobody_changes_nothing(void **state) {
        struct world *w = *state;
        detach(w, 1, 0);
        attach(w, 1, 0);
        attach(w, 1, 0);
        detach(w, 1, SEC(1));
        detach(w, 1, SEC(2)); /* the first counts */
        keys_state_expire(&w->s, SEC(3));
        assert_int_equal(w->came, 1);
        assert_int_equal(w->went, 1);
}

/* A device that comes back under ever other names, ten thousand times. */
static void a_crowd_has_bounds_and_takes_no_place_of_who_is_there(void **state) {
        struct world *w = *state;
        attach(w, 0, 0);
        for (unsigned i = 1; i < 10000; i++) {
                attach(w, i, i);
                detach(w, i, i);
                assert_true(w->s.n <= KEYS_STATE_MAX);
                assert_true(keys_state_has(&w->s, key(0).id));
        }
        keys_state_expire(&w->s, SEC(100));
        assert_int_equal(w->s.n, 1);
        assert_int_equal(w->came, 10000);
        assert_int_equal(w->went, 9999);
        for (unsigned i = 1; i < 100; i++) /* and all at once */
                attach(w, i, SEC(200));
        assert_int_equal(w->s.n, KEYS_STATE_MAX);
        assert_true(keys_state_has(&w->s, key(0).id));
}

static void people_are_recorded_and_a_flood_is_one_alert(void **state) {
        struct keys_flood f = {0};
        unsigned notes = 0, alerts = 0;
        for (unsigned i = 0; i < 8 * 60; i++) /* eight in, eight out, each minute of an hour */
                assert_int_equal(keys_flood_take(&f, SEC(i) * 60 / 16), KEYS_NOTE);
        for (uint64_t at = SEC(7200); at < SEC(10800); at += 50000) { /* 20 a second for an hour */
                enum keys_note n = keys_flood_take(&f, at);
                notes += n == KEYS_NOTE;
                alerts += n == KEYS_ALERT;
        }
        assert_int_equal(notes, KEYS_RECORDS_MAX);
        assert_int_equal(alerts, 1);
        assert_int_equal(keys_flood_take(&f, SEC(10800) + KEYS_RECORDS_USEC - 50001), KEYS_NO_NOTE);
        assert_int_equal(keys_flood_take(&f, SEC(10800) + 2 * (uint64_t) KEYS_RECORDS_USEC), KEYS_NOTE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(a_key_is_gone_two_seconds_after_it_was_taken_out, setup),
                cmocka_unit_test_setup(a_reset_of_a_port_or_hub_is_nothing, setup),
                cmocka_unit_test_setup(another_key_in_its_place_does_not_hide_that_one_was_taken, setup),
                cmocka_unit_test_setup(nothing_is_gone_while_nobody_watches, setup),
                cmocka_unit_test_setup(a_key_of_before_is_told_from_one_that_was_plugged_in, setup),
                cmocka_unit_test_setup(what_is_said_twice_or_of_nobody_changes_nothing, setup),
                cmocka_unit_test_setup(a_crowd_has_bounds_and_takes_no_place_of_who_is_there, setup),
                cmocka_unit_test(people_are_recorded_and_a_flood_is_one_alert),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
