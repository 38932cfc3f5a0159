/* SPDX-License-Identifier: Apache-2.0 */
/* Emergencies that are under way: they end by their time and by what people do, their records are kept until
 * they are on disk, and a restart forgets neither. */
#include "helper/emergency.h"

#include "common/socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stdio.h>
#include <cmocka.h>

#define PATH "emergency.test"
#define ATTEMPT "00112233445566778899aabbccddeeff"
#define REVIEW "001122334455"
#define CLIENT 7U
#define SUBMITTED_MAX 200U

static struct {
        unsigned ended, answered, submitted;
        char reason[32], user[65];
        enum record_event events[SUBMITTED_MAX];
        uint64_t tickets[SUBMITTED_MAX];
        int answer_status;
        bool fail; /* the recorder cannot write, and says so at once */
        struct emergencies *e;
} seen;

static void on_ended(void *userdata, const struct emergency_entry *x, const char *reason) {
        seen.ended++;
        (void) snprintf(seen.reason, sizeof(seen.reason), "%s", reason);
        (void) snprintf(seen.user, sizeof(seen.user), "%s", x->user);
}

static void on_submit(void *userdata, struct record *r, uint64_t client) {
        assert_true(seen.submitted < SUBMITTED_MAX);
        seen.events[seen.submitted] = r->event;
        seen.tickets[seen.submitted++] = client;
        if (seen.fail)
                assert_true(emergencies_recorded(seen.e, client, -ENOSPC, 0));
}

static void on_recorded(void *userdata, uint64_t client, int status, uint64_t seq) {
        assert_int_equal(client, CLIENT);
        seen.answered++;
        seen.answer_status = status;
}

static const struct emergency_events events = {
        .ended = on_ended, .submit = on_submit, .recorded = on_recorded};

static sd_event *loop;

static void open_it(void) {
        memset(&seen, 0, sizeof(seen));
        assert_int_equal(emergencies_new(loop, PATH, &events, NULL, &seen.e), 0);
}

static int set_up(void **state) {
        (void) unlink(PATH);
        assert_true(sd_event_new(&loop) >= 0);
        open_it();
        return 0;
}

static int tear_down(void **state) {
        seen.e = emergencies_free(seen.e);
        loop = sd_event_unref(loop);
        (void) unlink(PATH);
        return 0;
}

static void fill(struct record *r, const char *uid, uint64_t left_usec) {
        *r = (struct record){.event = RECORD_BREAK_GLASS_START, .outcome = RECORD_SUCCESS};
        assert_int_equal(record_set(r, RECORD_FIELD_UID, uid), 0);
        assert_int_equal(record_set(r, RECORD_FIELD_USER, "anna"), 0);
        assert_int_equal(record_set(r, RECORD_FIELD_ATTEMPT, ATTEMPT), 0);
        assert_int_equal(record_set(r, RECORD_FIELD_REVIEW, REVIEW), 0);
        assert_int_equal(record_set(r, RECORD_FIELD_DETAIL, "reason: arrest; by: own badge"), 0);
        assert_int_equal(record_set_u64(r, RECORD_FIELD_UNTIL_USEC, now_realtime_usec() + left_usec), 0);
}

static void begin(const char *uid, uint64_t left_usec) {
        _cleanup_(record_clear) struct record r;
        fill(&r, uid, left_usec);
        assert_int_equal(emergencies_begin(seen.e, &r, CLIENT), 0);
}

static void it_begins_with_its_record_and_its_review(void **state) {
        begin("1001", 3600000000);
        assert_int_equal(seen.submitted, 2);
        assert_int_equal(seen.events[0], RECORD_BREAK_GLASS_START);
        assert_int_equal(seen.events[1], RECORD_REVIEW_OPEN);
        assert_true(emergencies_until(seen.e, 1001) > now_realtime_usec() + 3590000000);
        assert_int_equal(emergencies_until(seen.e, 1002), 0);
        assert_true(emergencies_recorded(seen.e, seen.tickets[0], 0, 41));
        assert_int_equal(seen.answered, 1);
        assert_int_equal(seen.answer_status, 0);
        assert_true(emergencies_recorded(seen.e, seen.tickets[1], 0, 42));
        assert_int_equal(seen.answered, 1); /* the review item was ours */
        assert_false(emergencies_recorded(seen.e, CLIENT, 0, 43));
}

static void it_ends_by_its_time(void **state) {
        begin("1001", 50000);
        while (seen.ended == 0)
                assert_true(sd_event_run(loop, UINT64_MAX) >= 0);
        assert_string_equal(seen.reason, "time");
        assert_string_equal(seen.user, "anna");
        assert_int_equal(seen.events[2], RECORD_BREAK_GLASS_STOP);
        assert_int_equal(emergencies_until(seen.e, 1001), 0);
}

static void it_ends_before_its_time(void **state) {
        begin("1001", 3600000000);
        emergencies_stop(seen.e, 1002, "signed-in");
        assert_int_equal(seen.ended, 0);
        emergencies_stop(seen.e, 1001, "signed-in");
        assert_int_equal(seen.ended, 1);
        assert_string_equal(seen.reason, "signed-in");
        emergencies_stop(seen.e, 1001, "signed-in");
        assert_int_equal(seen.ended, 1);
}

static void none_lasts_longer_than_rules_can_say(void **state) {
        begin("1001", UINT64_C(400) * 24 * 3600 * 1000000);
        assert_true(emergencies_until(seen.e, 1001) <= now_realtime_usec() + EMERGENCY_MOST_USEC);
}

static void what_says_too_little_begins_nothing(void **state) {
        static const enum record_field needed[] = {RECORD_FIELD_UID, RECORD_FIELD_USER, RECORD_FIELD_ATTEMPT,
                                                   RECORD_FIELD_REVIEW, RECORD_FIELD_UNTIL_USEC};
        for (size_t i = 0; i < ELEMENTSOF(needed); i++) {
                _cleanup_(record_clear) struct record r;
                fill(&r, "1001", 1000000);
                assert_int_equal(record_set(&r, needed[i], NULL), 0);
                assert_int_equal(emergencies_begin(seen.e, &r, CLIENT), -EBADMSG);
        }
        _cleanup_(record_clear) struct record r;
        fill(&r, "1001", 0); /* over already */
        assert_int_equal(emergencies_begin(seen.e, &r, CLIENT), -EBADMSG);
        assert_int_equal(seen.submitted, 0);
}

static void a_second_one_of_the_same_person_replaces_the_first(void **state) {
        begin("1001", 3600000000);
        begin("1001", 3600000000);
        assert_int_equal(seen.ended, 1);
        assert_string_equal(seen.reason, "replaced");
        assert_true(emergencies_until(seen.e, 1001) > 0);
}

static void a_full_disk_is_told_and_tried_again(void **state) {
        seen.fail = true;
        begin("1001", 3600000000);
        assert_int_equal(seen.answered, 1);
        assert_int_equal(seen.answer_status, -ENOSPC);
        assert_true(emergencies_until(seen.e, 1001) > 0); /* and the emergency goes on */
        unsigned before = seen.submitted;
        seen.fail = false;
        emergencies_start(seen.e); /* as after the pause */
        assert_int_equal(seen.submitted, before + 2);
        assert_int_equal(seen.answered, 1); /* nobody waits for it any more */
}

static void a_restart_forgets_nothing(void **state) {
        seen.fail = true;
        begin("1001", 3600000000);
        emergencies_announce_drill(seen.e);
        uint64_t until = emergencies_until(seen.e, 1001);
        seen.e = emergencies_free(seen.e);
        open_it();
        assert_in_range(emergencies_until(seen.e, 1001), until - 2000000, until + 2000000);
        assert_true(emergencies_is_drill(seen.e));
        emergencies_start(seen.e);
        assert_int_equal(seen.submitted, 2); /* both are still owed */
        assert_int_equal(seen.events[0], RECORD_BREAK_GLASS_START);
        assert_true(emergencies_recorded(seen.e, seen.tickets[0], 0, 1));
        assert_int_equal(seen.answered, 0);
}

/* The recorder answers nothing, so that what is owed fills its list: by the last one nothing more can be. */
static void one_beside_a_full_list_is_kept_too(void **state) {
        char uid[16];
        for (unsigned i = 0; i <= EMERGENCY_OWED_MAX; i++) {
                (void) snprintf(uid, sizeof(uid), "%u", 1001 + i);
                begin(uid, 3600000000);
        }
        seen.e = emergencies_free(seen.e);
        open_it();
        assert_true(emergencies_until(seen.e, 1001 + EMERGENCY_OWED_MAX) > 0);
}

static void one_that_has_run_out_meanwhile_ends_once_sessions_are_known(void **state) {
        begin("1001", 1000);
        seen.e = emergencies_free(seen.e);
        open_it();
        assert_int_equal(seen.ended, 0);
        emergencies_start(seen.e);
        while (seen.ended == 0)
                assert_true(sd_event_run(loop, UINT64_MAX) >= 0);
        assert_string_equal(seen.reason, "time");
}

static void a_drill_is_announced_for_one(void **state) {
        _cleanup_(record_clear) struct record r;
        assert_false(emergencies_is_drill(seen.e));
        emergencies_announce_drill(seen.e);
        assert_true(emergencies_is_drill(seen.e));
        fill(&r, "1001", 3600000000);
        assert_int_equal(record_set(&r, RECORD_FIELD_DETAIL, "reason: arrest; by: own badge; drill"), 0);
        assert_int_equal(emergencies_begin(seen.e, &r, CLIENT), 0);
        assert_false(emergencies_is_drill(seen.e));
}

static void each_byte_of_the_file_counts(void **state) {
        uint8_t buf[8192];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        _cleanup_(
                emergency_list_clear) struct emergency_list l = {.n = 1, .drill_boot_usec = 5, .n_owed = 1},
                                                            back = {0};
        l.entries[0] = (struct emergency_entry){.uid = 1001,
                                                .user = "emergency1",
                                                .attempt = ATTEMPT,
                                                .review = REVIEW,
                                                .claimed = "Grace Hopper",
                                                .until_boot_usec = 9,
                                                .drill = true};
        fill(&l.owed[0], "1001", 10);
        emergency_list_write(&w, &l);
        size_t n = 0;
        assert_int_equal(writer_end(&w, &n), 0);
        for (size_t i = 0; i < n; i++) {
                struct emergency_list other = {0};
                int r = emergency_list_read((struct bytes){buf, i}, &other);
                if (r == 0) /* the owed record is the last part, and may be missing as a whole */
                        assert_int_equal(other.n_owed, 0);
                emergency_list_clear(&other);
        }
        assert_int_equal(emergency_list_read((struct bytes){buf, n}, &back), 0);
        assert_int_equal(back.n, 1);
        assert_string_equal(back.entries[0].claimed, "Grace Hopper");
        assert_int_equal(back.entries[0].until_boot_usec, 9);
        assert_true(back.entries[0].drill);
        assert_int_equal(back.n_owed, 1);
        assert_string_equal(back.owed[0].fields[RECORD_FIELD_USER], "anna");
        buf[0] ^= 1;
        struct emergency_list none = {0};
        assert_int_equal(emergency_list_read((struct bytes){buf, n}, &none), -EBADMSG);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void) {
        const struct CMUnitTest tests[] = {
                T(it_begins_with_its_record_and_its_review),
                T(it_ends_by_its_time),
                T(it_ends_before_its_time),
                T(none_lasts_longer_than_rules_can_say),
                T(what_says_too_little_begins_nothing),
                T(a_second_one_of_the_same_person_replaces_the_first),
                T(a_full_disk_is_told_and_tried_again),
                T(a_restart_forgets_nothing),
                T(one_beside_a_full_list_is_kept_too),
                T(one_that_has_run_out_meanwhile_ends_once_sessions_are_known),
                T(a_drill_is_announced_for_one),
                cmocka_unit_test(each_byte_of_the_file_counts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
