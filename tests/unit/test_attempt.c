/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine of an attempt, with everything around it played: what lets in, what does not, what is
 * recorded, and that no failure of anything lets anybody in. */
#include "tests/unit/attempt_fakes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stdio.h>

#include <cmocka.h>

static const char *field(enum record_field f) {
        return fake.record.fields[f] ? fake.record.fields[f] : "";
}

/* Where nobody was named, any refusal after a tap is followed by the next attempt. */
static void expect_said(enum wire_verdict verdict) {
        bool next = verdict != WIRE_ALLOW && fake.tapped && !fake.user && !fake.step_up && fake.version != 2;
        assert_int_equal(fake.got, next ? WIRE_AGAIN : verdict);
}

static void expect(enum wire_verdict verdict, enum record_event event, enum reason reason) {
        assert_true(fake.has_verdict);
        expect_said(verdict);
        assert_int_equal(fake.records, 1);
        assert_true(fake.record_before_verdict);
        assert_int_equal(fake.record.event, event);
        assert_string_equal(field(RECORD_FIELD_REASON), reason == REASON_NONE ? "" : reason_name(reason));
        assert_int_equal(fake.open_operations, 0);
}

static void script_good_pin(void) {
        fake_add(DEVICE_EVENT_PIN_WANTED, false);
        fake_add(DEVICE_EVENT_TOUCH_WANTED, true);
        fake_add(DEVICE_EVENT_ASSERTION, true);
}

static void badge_key_and_pin_let_in(void **state) {
        fake_reset();
        script_good_pin();
        fake_play();
        expect(WIRE_ALLOW, RECORD_SIGN_IN, REASON_NONE);
        assert_int_equal(fake.record.outcome, RECORD_SUCCESS);
        assert_string_equal(fake.got_user, FAKE_USER);
        assert_string_equal(fake.sent_pin, "123456");
        assert_string_equal(fake.before_prompt, "Nina Example, enter the PIN of your key to sign in");
        assert_string_equal(fake.prompt, "PIN: ");
        assert_string_equal(fake.last_info, "Nina Example, touch your key to sign in");
        assert_int_equal(fake.asked_verify, DEVICE_VERIFY_YES);
        assert_int_equal(fake.asked_allow, 2);
        assert_int_equal(fake.commits, 1);
        assert_int_equal(fake.committed.key, 32); /* chosen by the id that came back */
        assert_int_equal(fake.committed.counter, 9);
        assert_true(fake.committed.strong);
        assert_string_equal(field(RECORD_FIELD_FACTORS), "key+verify");
        assert_string_equal(field(RECORD_FIELD_AAL), "2");
        assert_string_equal(field(RECORD_FIELD_BADGE), "ABCDEFGH");
        assert_string_equal(field(RECORD_FIELD_USER), FAKE_USER);
        assert_string_equal(field(RECORD_FIELD_STORE_VERSION), "5");
        assert_int_equal(strlen(field(RECORD_FIELD_ATTEMPT)), 32);
        assert_int_equal(strlen(field(RECORD_FIELD_CODE)), 6);
        assert_true(strlen(field(RECORD_FIELD_TAP_TO_VERDICT_USEC)) > 0);
        assert_int_equal(fake.saved, 1);
}

static void wardtapd_learns_which_device_signed_before_the_record(void **state) {
        fake_reset();
        fake.record_losses = 1; /* and again after it was killed */
        script_good_pin();
        fake_play();
        expect(WIRE_ALLOW, RECORD_SIGN_IN, REASON_NONE);
        assert_string_equal(fake.key_used, FAKE_DEVICE);
        assert_int_equal(fake.keys_before_record, 2);

        fake_reset();
        fake.nameless_key = true;
        script_good_pin();
        fake_play();
        expect(WIRE_ALLOW, RECORD_SIGN_IN, REASON_NONE);
        assert_int_equal(fake.keys_used, 0);

        fake_reset();
        fake.fido_reason = REASON_KEY_FORGED;
        script_good_pin();
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_KEY_FORGED);
        assert_int_equal(fake.keys_used, 0);
}

static void grace_resumes_and_claims_no_factor(void **state) {
        fake_reset();
        fake.needed = FACTOR_BADGE;
        fake.grace = fake.own_session = true;
        fake_play();
        expect(WIRE_ALLOW, RECORD_RESUME, REASON_NONE);
        assert_string_equal(field(RECORD_FIELD_FACTORS), "none");
        assert_string_equal(field(RECORD_FIELD_GRACE), "60s");
        assert_int_equal(fake.commits, 0); /* and so no failure is forgiven for a badge alone */
        assert_int_equal(fake.operations, 0);
}

static void what_was_approved_stands_in_the_record(void **state) {
        fake_reset();
        script_good_pin();
        fake.elevated = true;
        fake_play();
        expect(WIRE_ALLOW, RECORD_SIGN_IN, REASON_NONE);
        assert_string_equal(field(RECORD_FIELD_APPROVER), "berta");
        assert_string_equal(field(RECORD_FIELD_UNTIL_USEC), "77");
        assert_string_equal(field(RECORD_FIELD_LOWERED), "");

        fake_reset();
        fake.needed = FACTOR_BADGE;
        fake.tapped_lent = true;
        fake_play();
        expect(WIRE_ALLOW, RECORD_SIGN_IN, REASON_NONE);
        assert_string_equal(field(RECORD_FIELD_APPROVER), "dora");
        assert_string_equal(field(RECORD_FIELD_LOWERED), "temporary-badge");
        assert_string_equal(field(RECORD_FIELD_FACTORS), "none");

        fake_reset();
        fake.needed = FACTOR_BADGE;
        fake.tapped_lent = fake.elevated = true;
        fake_play();
        assert_string_equal(field(RECORD_FIELD_APPROVER), "berta dora");

        fake_reset();
        fake.tapped_lent = fake.elevated = true; /* whoever is refused was let in by nobody */
        fake.fixed = true;
        fake.verdict = POLICY_DENY;
        fake.verdict_reason = REASON_BADGE_LEND_OVER;
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_BADGE_LEND_OVER);
        assert_string_equal(field(RECORD_FIELD_APPROVER), "");
}

static void the_decision_hears_of_a_temporary_badge_and_never_of_suspended_keys(void **state) {
        fake_reset();
        script_good_pin();
        fake.lent_badge = 4711;
        fake_play();
        assert_true(fake.asked_evidence.badge_aside);
        assert_false(fake.asked_evidence.badge_lent);

        fake_reset();
        script_good_pin();
        fake.tapped_lent = true;
        fake_play();
        assert_true(fake.asked_evidence.badge_lent);
        assert_false(fake.asked_evidence.badge_aside);

        fake_reset();
        script_good_pin();
        fake.keys_suspended = 5;
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_NO_KEY_ENROLLED);
        assert_int_equal(fake.operations, 0);
}

static void sudo_asks_the_key_of_its_user(void **state) {
        fake_reset();
        fake.user = FAKE_USER;
        fake.step_up = true;
        fake.needed = FACTOR_KEY;
        fake_add(DEVICE_EVENT_TOUCH_WANTED, false);
        fake_add(DEVICE_EVENT_ASSERTION, false);
        fake_play();
        expect(WIRE_ALLOW, RECORD_APPROVE, REASON_NONE);
        assert_string_equal(fake.got_user, "");
        assert_int_equal(fake.asked_verify, DEVICE_VERIFY_NO);
        assert_string_equal(fake.last_info, "Touch your key to approve lightdm as Nina Example");
}

/* A key that a step-up before has left waiting answers for that one. It was asked before this prompt, so it
 * approves nothing now. */
static void a_touch_that_was_asked_for_before_the_prompt_approves_nothing(void **state) {
        uint8_t before[32];
        for (unsigned round = 0; round < 2; round++) {
                if (round == 1)
                        memcpy(before, fake.asked_hash, sizeof(before));
                fake_reset();
                fake.user = FAKE_USER;
                fake.step_up = true;
                fake.needed = FACTOR_KEY | FACTOR_VERIFY;
                if (round == 1)
                        memcpy(fake.signed_hash, before, sizeof(before));
                script_good_pin();
                if (round == 0)
                        fake.hang_up_at = "Touch your key";
                fake_play();
                assert_int_equal(fake.operations, 1);
                assert_int_equal(fake.open_operations, 0); /* what it still does is cancelled */
        }
        assert_memory_not_equal(before, fake.asked_hash, sizeof(before));
        expect(WIRE_DENY, RECORD_DENIED, REASON_KEY_FORGED);
        assert_int_equal(fake.commits, 0);
}

static void a_sign_in_by_an_exception_names_it_and_who_answers_for_it(void **state) {
        fake_reset();
        fake.needed = FACTOR_BADGE;
        fake.excepted = true;
        fake_play();
        expect(WIRE_ALLOW, RECORD_SIGN_IN, REASON_NONE);
        assert_string_equal(field(RECORD_FIELD_EXCEPTION), "new-key");
        assert_string_equal(field(RECORD_FIELD_LOWERED), "exception");
        assert_string_equal(field(RECORD_FIELD_ISSUER), "jo.lead");
        assert_string_equal(field(RECORD_FIELD_UNTIL_USEC), "1798131900000000");

        fake_reset();
        fake.excepted = true;
        fake.commit_status = -EIO;
        script_good_pin();
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_STORE);
        assert_string_equal(field(RECORD_FIELD_EXCEPTION), ""); /* it let nobody in */

        fake_reset();
        script_good_pin();
        fake_play();
        assert_string_equal(field(RECORD_FIELD_LOWERED), "");
}

static void the_record_names_the_checks_that_fail(void **state) {
        fake_reset();
        script_good_pin();
        fake_play();
        assert_string_equal(fake.asked_passing, "disk|updates");
        assert_string_equal(field(RECORD_FIELD_POSTURE), "");

        fake_reset();
        fake.failing = 5;
        script_good_pin();
        fake_play();
        expect(WIRE_ALLOW, RECORD_SIGN_IN, REASON_NONE);
        assert_string_equal(field(RECORD_FIELD_POSTURE), "disk scanner");

        fake_reset();
        fake.failing = 2;
        fake.fixed = true;
        fake.verdict = POLICY_DENY;
        fake.verdict_reason = REASON_POSTURE;
        fake.user = FAKE_USER;
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_POSTURE);
        assert_string_equal(field(RECORD_FIELD_POSTURE), "updates");
}

static void silence_is_kept_at_a_sign_in_and_not_where_a_key_approves(void **state) {
        for (unsigned step_up = 0; step_up < 2; step_up++) {
                fake_reset();
                fake.silent = true;
                fake.step_up = step_up;
                fake.user = FAKE_USER;
                fake.needed = FACTOR_KEY;
                fake_add(DEVICE_EVENT_TOUCH_WANTED, false);
                fake_add_failure(DEVICE_REMOVED, -1, false);
                fake_play();
                assert_string_equal(fake.last_info,
                                    step_up ? "Touch your key to approve lightdm as Nina Example" : "");
                assert_int_equal(strlen(fake.last_error) > 0, step_up);
        }
}

/* --- emergencies */

static void expect_emergency(void) {
        expect(WIRE_ALLOW, RECORD_BREAK_GLASS_START, REASON_NONE);
        assert_string_equal(fake.got_user, FAKE_USER);
        assert_string_equal(field(RECORD_FIELD_LOWERED), "emergency");
        assert_string_equal(field(RECORD_FIELD_AAL), "0");
        assert_string_equal(field(RECORD_FIELD_FACTORS), "none");
        assert_int_equal(strlen(field(RECORD_FIELD_REVIEW)), 12);
        assert_int_equal(strncmp(field(RECORD_FIELD_REVIEW), field(RECORD_FIELD_ATTEMPT), 12), 0);
        assert_string_equal(field(RECORD_FIELD_UNTIL_USEC), "3602000000");
        assert_int_equal(fake.commits, 0); /* no failure is forgiven, and no sign-in is stored */
}

static void begin_emergency(void) {
        fake_reset();
        fake.break_glass = fake.taps_again = true;
        fake.pin = "2";
        fake_add(DEVICE_EVENT_KEY_WANTED, false);
}

static void a_second_tap_and_a_number_let_in_without_a_key(void **state) {
        begin_emergency();
        fake_play();
        expect_emergency();
        assert_string_equal(fake.prompt, "1-4: ");
        assert_string_equal(
                fake.before_prompt,
                "Emergency access, recorded and reviewed. Why? 1 arrest, 2 no key, 3 key broken, "
                "4 other. Type the number.");
        assert_non_null(strstr(field(RECORD_FIELD_DETAIL), "DICOM 110127"));
        assert_non_null(strstr(field(RECORD_FIELD_DETAIL), "reason: no key; by: own badge"));
        assert_int_equal(fake.emergencies, 1);
        assert_string_equal(fake.emergency.reason, "no key");
        assert_int_equal(fake.emergency.until_usec, 3602000000);
}

static void the_key_is_asked_for_first_with_the_way_out(void **state) {
        begin_emergency();
        fake.taps_again = false;
        fake.late = true;
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_KEY_MISSING);
        assert_string_equal(fake.last_info,
                            "Nina Example, plug in your key to sign in. Emergency? Tap your badge again.");
        assert_int_equal(fake.prompts, 0);
}

static void without_break_glass_nobody_is_told_of_it(void **state) {
        begin_emergency();
        fake.break_glass = false;
        fake.late = true;
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_KEY_MISSING);
        assert_string_equal(fake.last_info, "Nina Example, plug in your key to sign in");
}

static void what_is_no_choice_is_asked_for_again_and_then_denied(void **state) {
        static const char *const answers[] = {"5", "0", "12", "x", ""};
        for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                begin_emergency();
                fake.pin = answers[i][0] ? answers[i] : NULL;
                fake_play();
                expect(WIRE_DENY, RECORD_DENIED, REASON_NO_ANSWER);
                assert_int_equal(fake.prompts, 3);
                assert_int_equal(fake.emergencies, 0);
        }
}

static void neither_a_failing_record_nor_a_full_store_stops_it(void **state) {
        begin_emergency();
        fake.audit_required = true;
        fake.record_status = -ENOSPC;
        fake_play();
        expect_emergency();

        begin_emergency();
        fake.state_locked = true; /* offered at once: no key would help */
        fake_play();
        expect_emergency();
        assert_int_equal(fake.operations, 0);
        assert_int_equal(fake.emergencies, 0);
        assert_non_null(strstr(field(RECORD_FIELD_DETAIL), "earlier emergencies are not known"));
}

static void nobody_else_is_let_in_by_a_locked_store(void **state) {
        begin_emergency();
        fake.state_locked = true;
        fake.taps_again = false;
        fake.late = true;
        fake.needed = FACTOR_BADGE;
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_STORE);
        assert_string_equal(fake.got_user, "");
}

static void whoever_is_left_without_her_key_may_still_say_it_is_an_emergency(void **state) {
        begin_emergency();
        fake.no_keys = true;
        fake_play();
        expect_emergency();
        assert_non_null(strstr(fake.before_prompt, "Emergency access"));

        begin_emergency();
        fake.no_keys = true;
        fake.taps_again = false;
        fake.late = true;
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_NO_KEY_ENROLLED);
}

static void a_badge_that_was_ended_meanwhile_opens_nothing(void **state) {
        begin_emergency();
        fake.ended_meanwhile = true;
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_BADGE_ENDED);
        assert_int_equal(fake.prompts, 1);
        assert_int_equal(fake.emergencies, 0);
}

static void one_that_is_under_way_is_resumed_without_a_question(void **state) {
        begin_emergency();
        fake.in_emergency_usec = UINT64_MAX / 2;
        fake_play();
        expect(WIRE_ALLOW, RECORD_RESUME, REASON_NONE);
        assert_string_equal(field(RECORD_FIELD_LOWERED), "emergency");
        assert_string_equal(field(RECORD_FIELD_GRACE), "");
        assert_int_equal(fake.prompts, 0);
        assert_int_equal(fake.emergencies, 0);
}

static void a_prompt_for_the_pin_is_not_taken_for_the_reason(void **state) {
        begin_emergency();
        fake.n_script = 0;
        fake_add(DEVICE_EVENT_PIN_WANTED, false);
        fake.raw_answer = (struct bytes){0};
        fake_play();
        /* The first answer ("2") was to the PIN prompt; whichever came first, the key got no PIN of one
         * digit and nobody was let in by it alone. */
        assert_string_equal(fake.sent_pin, "");
        if (fake.got == WIRE_ALLOW)
                assert_int_equal(fake.prompts, 2);
}

static void no_failure_of_anything_makes_an_emergency_of_it(void **state) {
        for (unsigned n = 1;; n++) {
                begin_emergency();
                fake.fail_at = n;
                fake_play();
                if (!fake.failed)
                        break;
                if (fake.has_verdict && fake.got == WIRE_ALLOW)
                        assert_int_equal(fake.prompts, 1); /* a reason was given in any case */
                assert_int_equal(fake.open_operations, 0);
                assert_true(n < 200);
        }
}

static void every_failure_of_the_key_denies_with_its_reason(void **state) {
        for (int d = 0; d < DEVICE_REASON_MAX; d++) {
                fake_reset();
                fake_add(DEVICE_EVENT_TOUCH_WANTED, false);
                fake_add_failure((enum device_reason) d, 5, false);
                fake_play();
                assert_true(fake.has_verdict);
                expect_said(d == DEVICE_GONE ? WIRE_UNAVAIL : WIRE_DENY);
                assert_int_equal(fake.records, 1);
                assert_int_equal(fake.commits, 0);
                assert_int_equal(fake.open_operations, 0);
                assert_true(strlen(field(RECORD_FIELD_REASON)) > 0);
                bool own = d == DEVICE_PIN_WRONG || d == DEVICE_PIN_REPLUG || d == DEVICE_PIN_BLOCKED ||
                           d == DEVICE_UV_WRONG || d == DEVICE_UV_BLOCKED;
                assert_int_equal(fake.failures, own);
        }
}

static void a_wrong_pin_says_how_many_tries_are_left(void **state) {
        fake_reset();
        fake_add(DEVICE_EVENT_PIN_WANTED, false);
        fake_add_failure(DEVICE_PIN_WRONG, 5, true);
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_PIN_WRONG);
        assert_int_equal(strncmp(fake.last_error, "PIN wrong. 5 tries left. Code ", 30), 0);
        assert_int_equal(fake.failures, 1);
}

static void one_pin_per_attempt(void **state) {
        fake_reset();
        fake_add(DEVICE_EVENT_PIN_WANTED, false);
        fake_add(DEVICE_EVENT_PIN_WANTED, true);
        fake_add(DEVICE_EVENT_ASSERTION, true);
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_DEVICE_FAILED);
        assert_int_equal(fake.prompts, 1);
}

static void no_pin_is_asked_for_a_touch(void **state) {
        fake_reset();
        fake.needed = FACTOR_BADGE | FACTOR_KEY;
        script_good_pin();
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_DEVICE_FAILED);
        assert_int_equal(fake.prompts, 0);
}

static void a_short_pin_never_reaches_the_key(void **state) {
        fake_reset();
        fake.pin = "123";
        script_good_pin();
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_PIN_FORMAT);
        assert_string_equal(fake.sent_pin, "");
        assert_int_equal(fake.failures, 0);
}

static void no_answer_is_not_an_empty_pin(void **state) {
        fake_reset();
        fake.pin = NULL;
        script_good_pin();
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_NO_ANSWER);
        assert_string_equal(fake.sent_pin, "");
}

static void an_answer_by_somebody_elses_key_is_forged(void **state) {
        fake_reset();
        fake.foreign_credential = true;
        script_good_pin();
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_KEY_FORGED);
        assert_int_equal(fake.commits, 0);
        assert_int_equal(fake.failures, 0); /* anybody can forge: it must not lock the person out */
}

static void a_bad_signature_denies(void **state) {
        static const enum reason reasons[] = {REASON_KEY_FORGED, REASON_KEY_NO_PRESENCE};
        for (size_t i = 0; i < ELEMENTSOF(reasons); i++) {
                fake_reset();
                fake.fido_reason = reasons[i];
                script_good_pin();
                fake_play();
                expect(WIRE_DENY, RECORD_DENIED, reasons[i]);
                assert_int_equal(fake.commits, 0);
        }
}

static void verification_must_be_signed(void **state) {
        fake_reset();
        fake.uv = false;
        script_good_pin();
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_KEY_NO_VERIFICATION);
        assert_int_equal(fake.operations, 1);
}

static void a_counter_that_went_back_denies(void **state) {
        fake_reset();
        fake.commit_status = -EKEYREJECTED;
        script_good_pin();
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_KEY_COUNTER);
}

static void a_key_that_was_suspended_meanwhile_denies(void **state) {
        fake_reset();
        fake.suspended_meanwhile = true;
        script_good_pin();
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_KEY_SUSPENDED);
        assert_int_equal(fake.commits, 0);
}

static void without_the_counter_on_disk_nobody_gets_in(void **state) {
        fake_reset();
        fake.commit_status = -EBUSY;
        script_good_pin();
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_STORE);
}

static void a_record_that_is_not_on_disk_counts_where_the_rules_say(void **state) {
        for (int required = 0; required < 2; required++) {
                fake_reset();
                fake.record_status = -ENOSPC;
                fake.audit_required = required;
                script_good_pin();
                fake_play();
                expect_said(required ? WIRE_DENY : WIRE_ALLOW);
        }
}

static void without_wardtapd_there_is_no_sign_in(void **state) {
        fake_reset();
        fake.record_status = -ECONNRESET;
        script_good_pin();
        fake_play();
        assert_true(fake.has_verdict);
        expect_said(WIRE_UNAVAIL);
        fake_reset();
        fake.record_status = -ECONNRESET;
        fake.badge_unknown = true;
        fake_play();
        expect_said(WIRE_DENY); /* a refusal stays one */
}

static void an_unknown_badge_is_recorded_without_a_name(void **state) {
        fake_reset();
        fake.badge_unknown = true;
        fake_play();
        expect(WIRE_DENY, RECORD_UNKNOWN_BADGE, REASON_UNKNOWN_BADGE);
        assert_string_equal(field(RECORD_FIELD_USER), "");
        assert_string_equal(field(RECORD_FIELD_PERSON), "");
        assert_string_equal(field(RECORD_FIELD_BADGE), "TAPTOKEN");
        assert_string_equal(fake.got_user, "");
        assert_int_equal(fake.failures, 0);
}

static void anothers_badge_does_not_do_for_a_given_user(void **state) {
        fake_reset();
        fake.user = FAKE_USER;
        fake.badge_of_another = true;
        script_good_pin();
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_BADGE_OF_ANOTHER);
        assert_string_equal(field(RECORD_FIELD_USER), FAKE_USER);
        assert_int_equal(fake.operations, 0);
}

static void a_name_that_nobody_has_is_not_recorded(void **state) {
        fake_reset();
        fake.user = "hunter2";
        fake_play();
        expect_said(WIRE_UNAVAIL);
        assert_int_equal(fake.records, 0);
}

/* A list of names and a stopwatch must not tell a user who is enrolled. */
static void who_is_not_root_learns_nothing_about_others(void **state) {
        static const char *const names[] = {FAKE_USER, "hunter2"};
        char words[ELEMENTSOF(names)][WIRE_TEXT_MAX + 1];
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                fake_reset();
                fake.user = names[i];
                fake.caller = FAKE_UID + 1;
                fake_play();
                expect(WIRE_DENY, RECORD_DENIED, REASON_NOT_OWN);
                assert_string_equal(field(RECORD_FIELD_USER), "");
                assert_int_equal(fake.operations, 0);
                memcpy(words[i], fake.last_error, sizeof(words[i]));
                *strstr(words[i], "Code ") = 0;
        }
        assert_string_equal(words[0], words[1]);
}

static void each_problem_of_a_tap_has_its_reason(void **state) {
        static const enum reason reasons[] = {
                [TAP_RANDOM] = REASON_BADGE_RANDOM,
                [TAP_NO_NUMBER] = REASON_BADGE_NO_NUMBER,
                [TAP_TOO_QUICK] = REASON_BADGE_TOO_QUICK,
                [TAP_UNREADABLE] = REASON_BADGE_UNREADABLE,
        };
        for (int p = TAP_OK + 1; p < TAP_PROBLEM_MAX; p++) {
                fake_reset();
                fake.problem = (enum tap_problem) p;
                fake_play();
                expect(WIRE_DENY, RECORD_DENIED, reasons[p]);
        }
}

static void an_old_tap_is_nobodys(void **state) {
        fake_reset();
        fake.tap_age_usec = BROKER_TAP_FRESH_USEC + 1000000;
        script_good_pin();
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_TIMED_OUT);
}

static void without_a_reader_the_stack_goes_on_at_once(void **state) {
        fake_reset();
        fake.readers = 0;
        fake.tap = false;
        fake_play();
        expect_said(WIRE_UNAVAIL);
        assert_int_equal(fake.records, 0);
        fake_reset();
        fake.readers_leave = true;
        fake.tap = false;
        fake_play();
        expect_said(WIRE_UNAVAIL);
        assert_string_equal(fake.last_info, "Tap your badge");
}

static void a_restart_of_wardtapd_is_survived(void **state) {
        fake_reset();
        fake.broker_losses = 1;
        script_good_pin();
        fake_play();
        expect(WIRE_ALLOW, RECORD_SIGN_IN, REASON_NONE);
        assert_int_equal(fake.connects, 2);
        fake_reset();
        fake.broker_losses = 1;
        fake.readers_late = true; /* it has to find them again */
        script_good_pin();
        fake_play();
        expect(WIRE_ALLOW, RECORD_SIGN_IN, REASON_NONE);
        fake_reset();
        fake.broker_losses = 100; /* it never stays */
        script_good_pin();
        fake_play();
        expect_said(WIRE_UNAVAIL);
        assert_in_range(fake.connects, 2, 10);
}

static void a_hang_up_cancels_and_releases_everything(void **state) {
        static const char *const moments[] = {"touch your key", "Enter the PIN"};
        for (size_t i = 0; i < ELEMENTSOF(moments); i++) {
                fake_reset();
                fake.hang_up_at = moments[i];
                fake.hang_up_at_prompt = i == 1;
                fake_add(DEVICE_EVENT_PIN_WANTED, false);
                fake_add(DEVICE_EVENT_TOUCH_WANTED, true);
                fake_play();
                assert_false(fake.has_verdict);
                assert_int_equal(fake.records, 1);
                assert_int_equal(fake.record.event, RECORD_CANCELLED);
                assert_int_equal(fake.open_operations, 0);
                assert_int_equal(fake.commits, 0);
        }
        fake_reset();
        fake.tap = false;
        fake.hang_up_at = "Tap your badge";
        fake_play();
        assert_false(fake.has_verdict);
        assert_int_equal(fake.records, 0); /* nobody had begun anything */
}

static void speaking_out_of_turn_is_hanging_up(void **state) {
        fake_reset();
        fake.speak_out_of_turn = true;
        fake.tap = false;
        fake_play();
        assert_false(fake.has_verdict);
}

static void every_verdict_of_the_rules_ends_as_it_says(void **state) {
        static const struct {
                enum policy_verdict verdict;
                enum reason reason;
                enum wire_verdict wire;
        } rows[] = {
                {POLICY_DENY, REASON_NO_ROLE, WIRE_DENY},
                {POLICY_DENY, REASON_NONE, WIRE_DENY},
                {POLICY_UNAVAIL, REASON_REMOTE, WIRE_UNAVAIL},
                {POLICY_MAXTRIES, REASON_THROTTLED, WIRE_MAXTRIES},
                {POLICY_VERDICT_MAX, REASON_NONE, WIRE_DENY},
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                fake_reset();
                fake.user = FAKE_USER;
                fake.fixed = true;
                fake.verdict = rows[i].verdict;
                fake.verdict_reason = rows[i].reason;
                fake_play();
                assert_true(fake.has_verdict);
                expect_said(rows[i].wire);
                assert_int_equal(fake.commits, 0);
        }
}

static void rules_that_always_want_more_end(void **state) {
        static const enum policy_verdict wants[] = {POLICY_NEED_BADGE, POLICY_NEED_KEY, POLICY_NEED_VERIFY};
        for (size_t i = 0; i < ELEMENTSOF(wants); i++) {
                fake_reset();
                fake.fixed = true;
                fake.verdict = wants[i];
                script_good_pin();
                fake_play();
                assert_true(fake.has_verdict);
                expect_said(WIRE_DENY);
        }
}

static void an_allow_without_a_person_is_none(void **state) {
        fake_reset();
        fake.fixed = true;
        fake.verdict = POLICY_ALLOW;
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_INTERNAL);
}

static void a_key_that_never_stops_talking_is_broken(void **state) {
        fake_reset();
        for (unsigned i = 0; i < SCRIPT_MAX; i++)
                fake_add(i % 2 ? DEVICE_EVENT_KEY_WANTED : DEVICE_EVENT_TOUCH_WANTED, false);
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_DEVICE_FAILED);
}

static void what_does_not_belong_to_an_assertion_ends_it(void **state) {
        for (int type = 0; type <= DEVICE_EVENT_FAILED + 1; type++) {
                if (type == DEVICE_EVENT_KEY_WANTED || type == DEVICE_EVENT_PIN_WANTED ||
                    type == DEVICE_EVENT_TOUCH_WANTED || type == DEVICE_EVENT_ASSERTION ||
                    type == DEVICE_EVENT_FAILED)
                        continue;
                fake_reset();
                fake_add((enum device_event_type) type, false);
                fake_add(DEVICE_EVENT_ASSERTION, false);
                fake_play();
                expect(WIRE_DENY, RECORD_DENIED, REASON_DEVICE_FAILED);
        }
}

static void waiting_for_people_has_an_end(void **state) {
        static const struct {
                enum device_event_type last;
                enum reason reason;
        } rows[] = {
                {DEVICE_EVENT_KEY_WANTED, REASON_KEY_MISSING},
                {DEVICE_EVENT_TOUCH_WANTED, REASON_KEY_NOT_TOUCHED},
                {DEVICE_EVENT_PIN_WANTED, REASON_NO_ANSWER},
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                fake_reset();
                fake.late = true;
                fake_add(rows[i].last, false);
                fake_play();
                expect(WIRE_DENY, RECORD_DENIED, rows[i].reason);
        }
}

static void cached_groups_are_named(void **state) {
        fake_reset();
        fake.cached = true;
        script_good_pin();
        fake_play();
        expect(WIRE_ALLOW, RECORD_SIGN_IN, REASON_NONE);
        assert_string_equal(field(RECORD_FIELD_GROUPS), "cached");
        assert_int_equal(fake.saved, 0);
}

static void without_keys_no_key_is_asked(void **state) {
        fake_reset();
        fake.no_keys = true;
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_NO_KEY_ENROLLED);
        assert_int_equal(fake.operations, 0);
}

static void a_refusal_is_final_for_a_name_a_step_up_and_an_older_module(void **state) {
        for (unsigned i = 0; i < 3; i++) {
                fake_reset();
                fake.user = i == 0 ? FAKE_USER : NULL;
                fake.step_up = i == 1;
                fake.version = i == 2 ? 2 : 0;
                fake.badge_of_another = i == 0;
                fake.badge_unknown = true;
                fake_play();
                assert_int_equal(fake.got, WIRE_DENY);
        }
}

static void the_last_words_stay_on_the_screen_for_a_while(void **state) {
        fake_reset();
        fake.again = true;
        fake.needed = FACTOR_BADGE;
        fake.grace = fake.own_session = true;
        fake_play();
        expect(WIRE_ALLOW, RECORD_RESUME, REASON_NONE);
        assert_string_equal(fake.last_info, ""); /* the tap came before */
        fake_reset();
        fake.again = fake.late = true;
        fake.tap = false;
        fake.hang_up_at = "Tap your badge";
        fake_play();
        assert_string_equal(fake.last_info, "Tap your badge");
        assert_int_equal(fake.waited_usec / 1000000U, ATTEMPT_WORDS_USEC / 1000000U - 1);
}

static void an_attempt_whose_greeter_has_ended_ends_too(void **state) {
        fake_reset();
        fake.greeter_ends = true;
        fake.tap = false;
        fake_play();
        assert_int_equal(fake.got, WIRE_DENY); /* and not AGAIN */
        assert_int_equal(fake.records, 0);
}

/* A touch: nothing is typed. */
static void script_touch(void) {
        fake_reset();
        fake.unit = "lightdm.service";
        fake.needed = FACTOR_BADGE | FACTOR_KEY;
        fake_add(DEVICE_EVENT_TOUCH_WANTED, false);
        fake_add(DEVICE_EVENT_ASSERTION, false);
}

static void a_session_that_comes_by_itself_leaves_the_greeter_waiting(void **state) {
        script_touch();
        fake_play();
        assert_int_equal(fake.switches, 1);
        assert_int_equal(fake.got, WIRE_AGAIN); /* never an ALLOW that anybody could click through */
        assert_string_equal(fake.got_user,
                            ""); /* nor a name, which LightDM would take for a session of hers */
        assert_int_equal(fake.record.event, RECORD_SIGN_IN);
        assert_int_equal(fake.commits, 1);
        assert_string_equal(fake.last_info, "Nina Example, your session is opening");
        assert_string_equal(fake.last_error, "");
        script_touch();
        fake.switch_status = -ETIMEDOUT;
        fake_play();
        assert_int_equal(fake.got, WIRE_AGAIN);
        assert_non_null(strstr(fake.last_error, "Your session did not open. Tap your badge again."));
        script_touch();
        fake.switch_status = 1;
        fake.late = true;
        fake_play();
        assert_int_equal(fake.got, WIRE_AGAIN);
        script_touch();
        fake.switch_status = 1;
        fake.hang_up_at = "your session is opening";
        fake_play();
        assert_false(fake.has_verdict);
}

#define CLOSED "Your session here was closed"

static void whose_session_was_closed_reads_it_before_another_opens(void **state) {
        fake_reset();
        script_good_pin();
        fake.closed_usec = 1795127520000000;
        fake_play();
        assert_int_equal(fake.got, WIRE_ALLOW);
        assert_non_null(strstr(fake.last_info, CLOSED));
        assert_true(fake.waited_usec > ATTEMPT_CLOSED_USEC - 500000 &&
                    fake.waited_usec <= ATTEMPT_CLOSED_USEC);
        script_touch();
        fake.closed_usec = 1795127520000000;
        fake.hang_up_at = CLOSED; /* she did not wait: nothing opens */
        fake_play();
        assert_false(fake.has_verdict);
        assert_int_equal(fake.switches, 0);
        /* Whoever is not let in, and a program in a session, learns nothing of it. */
        fake_reset();
        fake.closed_usec = 1795127520000000;
        fake.badge_unknown = true;
        fake_play();
        assert_null(strstr(fake.last_info, CLOSED));
        fake_reset();
        fake.closed_usec = 1795127520000000;
        fake.step_up = true;
        fake.user = FAKE_USER;
        script_good_pin();
        fake_play();
        assert_int_equal(fake.got, WIRE_ALLOW);
        assert_null(strstr(fake.last_info, CLOSED));
}

static void where_no_session_can_come_by_itself_the_application_opens_it(void **state) {
        for (unsigned i = 0; i < 6; i++) {
                script_touch();
                fake.switch_status = i == 0 ? -EOPNOTSUPP : 0;
                fake.unit = i == 1 ? NULL : "lightdm.service"; /* login on a terminal has none */
                if (i == 2) {
                        fake_reset();
                        fake.unit = "lightdm.service";
                        script_good_pin(); /* something was typed */
                }
                fake.user = i == 3 ? FAKE_USER : NULL;
                fake.step_up = i == 4;
                fake.version = i == 5 ? 2 : 0;
                if (i == 4)
                        fake.user = FAKE_USER;
                fake_play();
                assert_int_equal(fake.got, WIRE_ALLOW);
                assert_int_equal(fake.switches, i == 0);
        }
}

static void a_person_let_in_by_another_attempt_is_let_in_once_more(void **state) {
        fake_reset();
        fake.user = FAKE_USER;
        fake.unit = "lightdm.service";
        fake.grant_status = 0;
        fake.tap = false;
        fake_play();
        assert_int_equal(fake.got, WIRE_ALLOW);
        assert_string_equal(fake.verdict_attempt, FAKE_GRANTED);
        assert_int_equal(fake.records, 0); /* that attempt's stands */
        assert_int_equal(fake.commits, 0);
        assert_int_equal(fake.operations, 0);
}

static void one_that_comes_too_late_waits_for_nothing(void **state) {
        fake_reset();
        fake.user = FAKE_USER;
        fake.unit = "lightdm.service";
        fake.grant_status = -ESTALE;
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_NOT_SHOWN);
        assert_false(fake.tapped);
}

static void a_display_manager_that_shows_no_session_leaves_the_click_to_the_person(void **state) {
        script_touch();
        fake.switch_status = -ENOSYS;
        fake_play();
        assert_int_equal(fake.got, WIRE_ALLOW);
        assert_string_equal(fake.last_info, "Nina Example, click Log In");
}

static void rules_that_change_what_a_service_is_for_let_nobody_in_unrecorded(void **state) {
        fake_reset();
        fake.record_status = -EPERM;
        script_good_pin();
        fake_play();
        expect_said(WIRE_DENY);
}

static void a_wardtapd_that_is_killed_at_the_record_gets_it_when_it_is_back(void **state) {
        for (unsigned losses = 1; losses <= 2; losses++) {
                fake_reset();
                fake.record_losses = losses;
                script_good_pin();
                fake_play();
                assert_int_equal(fake.connects, 2);
                expect_said(losses == 1 ? WIRE_ALLOW : WIRE_UNAVAIL);
                assert_int_equal(fake.records, losses == 1);
        }
}

static void only_roots_own_programs_ask_for_a_grant(void **state) {
        for (unsigned i = 0; i < 5; i++) {
                fake_reset();
                fake.grant_status = 0;
                fake.unit = i == 1 ? NULL : "lightdm.service";
                fake.caller = i == 2 ? FAKE_UID : 0;
                fake.user = i == 3 ? NULL : FAKE_USER;
                fake.step_up = i == 4;
                script_good_pin();
                fake_play();
                assert_int_equal(fake.grants_asked, i == 0);
        }
}

/* A terminal is a claim, and taps go to the one on the screen. */
static void only_roots_own_programs_are_believed_about_their_terminal(void **state) {
        static const struct {
                uid_t caller;
                bool in_session, step_up;
                const char *told;
        } rows[] = {{0, false, false, "tty2"},
                    {0, true, false, ""},
                    {FAKE_UID, false, false, ""},
                    {0, true, true, "tty2"}};
        for (unsigned i = 0; i < ELEMENTSOF(rows); i++) {
                fake_reset();
                fake.tty = "tty2";
                fake.user = FAKE_USER;
                fake.caller = rows[i].caller;
                fake.in_session = rows[i].in_session;
                fake.step_up = rows[i].step_up;
                script_good_pin();
                fake_play();
                assert_string_equal(fake.told_tty, rows[i].told);
        }
}

static void a_session_comes_to_the_screen_by_a_grant_alone(void **state) {
        for (unsigned i = 0; i < 4; i++) {
                fake_reset();
                fake.service = SWITCH_SERVICE;
                fake.user = i == 1 ? NULL : FAKE_USER;
                fake.unit = "wardtap-switch@1001-" FAKE_GRANTED ".service";
                fake.grant_status = i == 3 ? 0 : -ENOENT;
                fake.caller = i == 2 ? FAKE_UID : 0;
                script_good_pin();
                fake_play();
                if (i == 3)
                        assert_true(fake.got == WIRE_ALLOW && fake.records == 0);
                else
                        expect(WIRE_DENY, RECORD_DENIED, REASON_NOT_SHOWN);
                assert_false(fake.tapped);
        }
}

/* Where logind shows people, a badge that would begin a session is a prompt's, and still good there. */
static void a_tap_at_an_open_session_begins_none(void **state) {
        for (unsigned own = 0; own < 2; own++) {
                fake_reset();
                fake.seat = true;
                fake.service = SWITCH_SERVICE;
                fake.needed = FACTOR_BADGE;
                fake.unit = "";
                fake.own_session = own;
                fake_play();
                assert_int_equal(fake.got, own ? WIRE_ALLOW : WIRE_ELSEWHERE);
                assert_int_equal(fake.records, own);
                assert_int_equal(fake.switches, own);
                assert_true(own || fake.commits == 0);
        }
}

/* login would begin a second session. */
static void a_login_prompt_gives_an_open_session_back_also_after_a_pin(void **state) {
        for (unsigned i = 0; i < 4; i++) {
                fake_reset();
                fake.unit = "getty@tty2.service";
                fake.service = "login";
                fake.tty = i == 0 ? "tty2" : i == 1 ? "/dev/tty2" : i == 2 ? ":0" : "tty2";
                fake.own_session = i != 3;
                script_good_pin();
                fake_play();
                assert_int_equal(fake.switches, i < 2);
                assert_int_equal(fake.got, i < 2 ? WIRE_AGAIN : WIRE_ALLOW);
        }
}

/* The heart: whichever call fails, at whichever moment, nobody gets in. The verdict itself may be lost. */
static void no_failure_lets_anybody_in(void **state) {
        unsigned total = 0;
        for (unsigned given = 0; given < 2; given++) {
                for (unsigned n = 1;; n++) {
                        fake_reset();
                        fake.user = given ? FAKE_USER : NULL;
                        fake.fail_at = n;
                        script_good_pin();
                        fake_play();
                        if (!fake.failed)
                                break;
                        total++;
                        if (strncmp(fake.failed, "broker_", 7) == 0 && fake.connects == 2)
                                continue; /* wardtapd was lost before the tap, and came back */
                        if (fake.has_verdict && fake.got == WIRE_ALLOW)
                                fail_msg("call %u (%s) failed, and the verdict was ALLOW", n, fake.failed);
                        assert_int_equal(fake.open_operations, 0);
                }
                expect_said(WIRE_ALLOW); /* the last round, in which nothing failed */
        }
        assert_true(total > 40);
}

/* --- tickets */

#define CODE "0000-0000-0000" /* its last character is right */

/* An unknown badge, and somebody who has a code. */
static void new_badge(void) {
        fake_reset();
        fake.tickets = true;
        fake.badge_unknown = true;
        fake.code = CODE;
}

static void a_good_code_lets_in_lowered_and_stores_nothing(void **state) {
        new_badge();
        fake_play();
        expect(WIRE_ALLOW, RECORD_SIGN_IN, REASON_NONE);
        assert_string_equal(fake.before_prompt, "New badge? Enter your code");
        assert_string_equal(fake.got_user, FAKE_USER);
        assert_string_equal(field(RECORD_FIELD_LOWERED), "ticket");
        assert_string_equal(field(RECORD_FIELD_TICKET), "T7K2M9QD");
        assert_string_equal(field(RECORD_FIELD_ISSUER), "desk");
        assert_string_equal(field(RECORD_FIELD_UNTIL_USEC), "9000000");
        assert_string_equal(field(RECORD_FIELD_AAL), "0");
        assert_string_equal(field(RECORD_FIELD_FACTORS), "none");
        assert_int_equal(fake.commits, 0); /* no grace comes of it, and no failure is forgiven */
        assert_int_equal(fake.uses, 1);
        assert_string_equal(fake.check_user, "");
}

static void whoever_has_no_code_is_turned_away_as_before(void **state) {
        new_badge();
        fake.code = NULL;
        fake_play();
        expect(WIRE_DENY, RECORD_UNKNOWN_BADGE, REASON_UNKNOWN_BADGE);
        assert_int_equal(fake.checks, 0);
        new_badge();
        fake.code = "0000-0000-0001";
        fake_play();
        expect(WIRE_DENY, RECORD_UNKNOWN_BADGE, REASON_TICKET_MISTYPED);
        assert_int_equal(fake.checks, 0); /* and costs no try */
}

static void a_code_is_asked_for_nowhere_else(void **state) {
        for (unsigned i = 0; i < 6; i++) {
                new_badge();
                fake.tickets = i != 0;
                fake.user = i == 1 ? FAKE_USER : NULL;
                fake.in_session = i == 2;
                fake.caller = i == 3 ? FAKE_UID : 0;
                fake.seat = i == 4;
                fake.service = i == 5 ? SWITCH_SERVICE : NULL;
                fake_play();
                assert_int_equal(fake.codes_asked, 0);
                assert_int_equal(fake.checks, 0);
                assert_false(fake.has_verdict && fake.got == WIRE_ALLOW);
        }
}

static void every_no_of_the_registrar_is_one(void **state) {
        for (int s = REGISTRAR_OK + 1; s < REGISTRAR_STATUS_MAX; s++) {
                new_badge();
                fake.ticket_status = (enum registrar_status) s;
                fake_play();
                expect_said(WIRE_DENY);
                assert_int_equal(fake.record.event, RECORD_UNKNOWN_BADGE); /* counts against the reader */
                assert_string_not_equal(field(RECORD_FIELD_REASON), "internal");
                assert_int_equal(fake.uses, 0);
                new_badge();
                fake.use_status = (enum registrar_status) s; /* somebody else was quicker, for example */
                fake_play();
                expect_said(WIRE_DENY);
                assert_string_equal(field(RECORD_FIELD_LOWERED), "");
        }
}

static void no_key_no_pin_and_no_ticket_of_somebody_else(void **state) {
        fake_reset();
        fake.tickets = true;
        fake.code = CODE;
        fake.tap_again = true;
        fake_add(DEVICE_EVENT_KEY_WANTED, false);
        fake_play();
        expect(WIRE_ALLOW, RECORD_SIGN_IN, REASON_NONE);
        assert_string_equal(fake.before_prompt, "Nina Example, no key? Enter your code");
        assert_string_equal(fake.check_user, FAKE_USER);
        fake_reset();
        fake.tickets = true;
        fake.code = CODE;
        fake.pin = NULL;
        fake_add(DEVICE_EVENT_PIN_WANTED, false);
        fake_play();
        expect(WIRE_ALLOW, RECORD_SIGN_IN, REASON_NONE);
        assert_string_equal(fake.before_prompt, "Nina Example, no PIN? Enter your code");
        fake_reset();
        fake.tickets = true;
        fake.code = CODE;
        fake.pin = NULL;
        fake.ticket_user = "nurse2"; /* a registrar that does not look is not believed either */
        fake_add(DEVICE_EVENT_PIN_WANTED, false);
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_TICKET_OF_ANOTHER);
        assert_int_equal(fake.uses, 0);
}

static void another_persons_tap_ends_the_question_and_not_the_wait_for_a_key(void **state) {
        new_badge();
        fake.tap_of_another = true;
        fake.nobody_types = true; /* it would take a minute to give up */
        fake_play();
        expect(WIRE_DENY, RECORD_UNKNOWN_BADGE, REASON_UNKNOWN_BADGE);
        fake_reset();
        fake.tickets = fake.tap_of_another = true;
        fake_add(DEVICE_EVENT_KEY_WANTED, false);
        script_good_pin();
        fake_play();
        expect(WIRE_ALLOW, RECORD_SIGN_IN, REASON_NONE);
        assert_string_equal(field(RECORD_FIELD_LOWERED), "");
}

static void whatever_fails_with_a_ticket_nobody_gets_in_unrecorded(void **state) {
        unsigned total = 0;
        for (unsigned n = 1;; n++) {
                new_badge();
                fake.audit_required = true;
                fake.fail_at = n;
                fake_play();
                if (!fake.failed)
                        break;
                total++;
                if (fake.has_verdict && fake.got == WIRE_ALLOW && (fake.uses != 1 || fake.records == 0))
                        fail_msg("call %u (%s) failed, and the verdict was ALLOW", n, fake.failed);
        }
        assert_true(total > 15);
}

/* --- what was reported lost */

/* Her own badge, which a colleague reported, and somebody who has a code. */
static void reported_badge(void) {
        fake_reset();
        fake.tickets = fake.badge_suspended = true;
        fake.suspended = "reported: not in the locker";
        fake.code = CODE;
}

static void a_ticket_lifts_the_report_of_the_badge_in_hand(void **state) {
        reported_badge();
        fake_play();
        expect(WIRE_ALLOW, RECORD_SIGN_IN, REASON_NONE);
        assert_string_equal(fake.before_prompt, "Badge found again? Enter your code"); /* not whose it is */
        assert_string_equal(fake.check_user, FAKE_USER);
        assert_string_equal(field(RECORD_FIELD_LOWERED), "ticket");
        assert_int_equal(fake.uses, 1);
        assert_string_equal(fake.used_badge.token, "TAPTOKEN");
        assert_int_equal(fake.used_badge.n_indexes, 1);
        assert_int_equal(fake.commits, 0);
        fake_reset(); /* a badge that is in use is not named */
        fake.tickets = fake.tap_again = true;
        fake.code = CODE;
        fake_add(DEVICE_EVENT_KEY_WANTED, false);
        fake_play();
        expect(WIRE_ALLOW, RECORD_SIGN_IN, REASON_NONE);
        assert_int_equal(fake.used_badge.n_indexes, 0);
}

static void without_a_good_code_a_reported_badge_stays_suspended(void **state) {
        reported_badge();
        fake.code = NULL;
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_BADGE_SUSPENDED);
        reported_badge();
        fake.ticket_user = "nurse2";
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_TICKET_OF_ANOTHER);
        reported_badge();
        fake.use_status = REGISTRAR_BADGE_SUSPENDED; /* reported after the ticket was issued */
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_BADGE_SUSPENDED);
        assert_string_equal(field(RECORD_FIELD_TICKET), "");
        reported_badge();
        fake.suspended = "left the ward"; /* that is not for a code to lift */
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_BADGE_SUSPENDED);
        assert_int_equal(fake.codes_asked, 0);
}

static void who_has_only_reported_keys_may_show_a_code(void **state) {
        for (unsigned i = 0; i < 2; i++) {
                fake_reset();
                fake.tickets = fake.says_no_key = true;
                fake.code = CODE;
                fake.keys_suspended = 1;
                fake.suspended = i == 0 ? "reported: gone" : "stolen";
                fake_play();
                assert_int_equal(fake.codes_asked, i == 0);
                assert_int_equal(fake.got, i == 0 ? WIRE_ALLOW : WIRE_AGAIN);
        }
}

/* --- emergencies and tickets */

/* Badge in hand, no key enrolled, both codes and emergencies allowed: the code is asked for first. */
static void code_or_emergency(void) {
        fake_reset();
        fake.tickets = fake.says_no_key = fake.no_keys = fake.break_glass = fake.taps_again = true;
        fake.pin = "2";
        fake.code = CODE;
}

static void an_emergency_stays_possible_where_a_ticket_was_refused(void **state) {
        for (int s = REGISTRAR_OK + 1; s < REGISTRAR_STATUS_MAX; s++) {
                code_or_emergency();
                fake.ticket_status = (enum registrar_status) s;
                fake_play();
                expect_emergency();
                assert_int_equal(fake.codes_asked, 1);
                assert_string_equal(field(RECORD_FIELD_TICKET), "");
                code_or_emergency();
                fake.use_status = (enum registrar_status) s;
                fake_play();
                expect_emergency();
                assert_string_equal(field(RECORD_FIELD_TICKET), "");
        }
        code_or_emergency();
        fake.code = NULL; /* Enter */
        fake_play();
        expect_emergency();
        code_or_emergency();
        fake.code = "0000-0000-0001";
        fake_play();
        expect_emergency();
        code_or_emergency();
        fake.code = NULL;
        fake.taps_again = false;
        fake.late = true;
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_NO_KEY_ENROLLED);
        assert_string_equal(fake.before_prompt,
                            "Nina Example, no key? Enter your code. Emergency? Press Enter.");
}

static void a_code_that_nobody_typed_is_not_taken_for_the_reason(void **state) {
        code_or_emergency();
        fake.late = true; /* the question for the code still stands when the emergency is offered */
        fake_play();
        expect(WIRE_DENY, RECORD_DENIED, REASON_NO_ANSWER);
        assert_int_equal(fake.prompts, 1);
        assert_non_null(strstr(fake.last_info, "Emergency? Tap your badge again, then press Enter."));
        assert_int_equal(fake.emergencies, 0);
}

static void a_tap_of_before_the_offer_is_no_emergency(void **state) {
        code_or_emergency(); /* during the question for the code */
        fake.taps_before = fake.nothing_comes = true;
        fake.ticket_status = REGISTRAR_WRONG;
        fake_play();
        assert_int_equal(fake.emergencies, 0);
        assert_int_equal(fake.record.event, RECORD_DENIED);
        assert_string_equal(field(RECORD_FIELD_REASON), "ticket-wrong");
        begin_emergency(); /* and while the key is awaited */
        fake.taps_before = true;
        fake.pin = "123456";
        script_good_pin();
        fake_play();
        expect(WIRE_ALLOW, RECORD_SIGN_IN, REASON_NONE);
        assert_int_equal(fake.emergencies, 0);
}

static void a_good_code_is_no_emergency_however_often_she_taps(void **state) {
        code_or_emergency();
        fake_play();
        expect(WIRE_ALLOW, RECORD_SIGN_IN, REASON_NONE);
        assert_string_equal(field(RECORD_FIELD_LOWERED), "ticket");
        assert_int_equal(fake.emergencies, 0);
        assert_int_equal(fake.prompts, 1);
}

static void a_second_tap_alone_begins_nothing_while_a_pin_is_typed(void **state) {
        begin_emergency();
        fake.n_script = 0;
        fake_add(DEVICE_EVENT_PIN_WANTED, false);
        fake.pin = "123456"; /* to the key's prompt, and, not noticing, to the question why as well */
        fake_play();
        assert_int_not_equal(fake.record.event, RECORD_BREAK_GLASS_START);
        assert_int_equal(fake.emergencies, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_ticket_lifts_the_report_of_the_badge_in_hand),
                cmocka_unit_test(without_a_good_code_a_reported_badge_stays_suspended),
                cmocka_unit_test(who_has_only_reported_keys_may_show_a_code),
                cmocka_unit_test(an_emergency_stays_possible_where_a_ticket_was_refused),
                cmocka_unit_test(a_code_that_nobody_typed_is_not_taken_for_the_reason),
                cmocka_unit_test(a_tap_of_before_the_offer_is_no_emergency),
                cmocka_unit_test(a_good_code_is_no_emergency_however_often_she_taps),
                cmocka_unit_test(a_second_tap_alone_begins_nothing_while_a_pin_is_typed),
                cmocka_unit_test(badge_key_and_pin_let_in),
                cmocka_unit_test(a_good_code_lets_in_lowered_and_stores_nothing),
                cmocka_unit_test(whoever_has_no_code_is_turned_away_as_before),
                cmocka_unit_test(a_code_is_asked_for_nowhere_else),
                cmocka_unit_test(every_no_of_the_registrar_is_one),
                cmocka_unit_test(no_key_no_pin_and_no_ticket_of_somebody_else),
                cmocka_unit_test(another_persons_tap_ends_the_question_and_not_the_wait_for_a_key),
                cmocka_unit_test(whatever_fails_with_a_ticket_nobody_gets_in_unrecorded),
                cmocka_unit_test(wardtapd_learns_which_device_signed_before_the_record),
                cmocka_unit_test(grace_resumes_and_claims_no_factor),
                cmocka_unit_test(what_was_approved_stands_in_the_record),
                cmocka_unit_test(the_decision_hears_of_a_temporary_badge_and_never_of_suspended_keys),
                cmocka_unit_test(sudo_asks_the_key_of_its_user),
                cmocka_unit_test(a_touch_that_was_asked_for_before_the_prompt_approves_nothing),
                cmocka_unit_test(a_sign_in_by_an_exception_names_it_and_who_answers_for_it),
                cmocka_unit_test(the_record_names_the_checks_that_fail),
                cmocka_unit_test(silence_is_kept_at_a_sign_in_and_not_where_a_key_approves),
                cmocka_unit_test(a_second_tap_and_a_number_let_in_without_a_key),
                cmocka_unit_test(the_key_is_asked_for_first_with_the_way_out),
                cmocka_unit_test(without_break_glass_nobody_is_told_of_it),
                cmocka_unit_test(what_is_no_choice_is_asked_for_again_and_then_denied),
                cmocka_unit_test(neither_a_failing_record_nor_a_full_store_stops_it),
                cmocka_unit_test(nobody_else_is_let_in_by_a_locked_store),
                cmocka_unit_test(whoever_is_left_without_her_key_may_still_say_it_is_an_emergency),
                cmocka_unit_test(a_badge_that_was_ended_meanwhile_opens_nothing),
                cmocka_unit_test(one_that_is_under_way_is_resumed_without_a_question),
                cmocka_unit_test(a_prompt_for_the_pin_is_not_taken_for_the_reason),
                cmocka_unit_test(no_failure_of_anything_makes_an_emergency_of_it),
                cmocka_unit_test(every_failure_of_the_key_denies_with_its_reason),
                cmocka_unit_test(a_wrong_pin_says_how_many_tries_are_left),
                cmocka_unit_test(one_pin_per_attempt),
                cmocka_unit_test(no_pin_is_asked_for_a_touch),
                cmocka_unit_test(a_short_pin_never_reaches_the_key),
                cmocka_unit_test(no_answer_is_not_an_empty_pin),
                cmocka_unit_test(an_answer_by_somebody_elses_key_is_forged),
                cmocka_unit_test(a_bad_signature_denies),
                cmocka_unit_test(verification_must_be_signed),
                cmocka_unit_test(a_counter_that_went_back_denies),
                cmocka_unit_test(a_key_that_was_suspended_meanwhile_denies),
                cmocka_unit_test(without_the_counter_on_disk_nobody_gets_in),
                cmocka_unit_test(a_record_that_is_not_on_disk_counts_where_the_rules_say),
                cmocka_unit_test(without_wardtapd_there_is_no_sign_in),
                cmocka_unit_test(an_unknown_badge_is_recorded_without_a_name),
                cmocka_unit_test(anothers_badge_does_not_do_for_a_given_user),
                cmocka_unit_test(a_name_that_nobody_has_is_not_recorded),
                cmocka_unit_test(who_is_not_root_learns_nothing_about_others),
                cmocka_unit_test(each_problem_of_a_tap_has_its_reason),
                cmocka_unit_test(an_old_tap_is_nobodys),
                cmocka_unit_test(without_a_reader_the_stack_goes_on_at_once),
                cmocka_unit_test(a_restart_of_wardtapd_is_survived),
                cmocka_unit_test(a_hang_up_cancels_and_releases_everything),
                cmocka_unit_test(speaking_out_of_turn_is_hanging_up),
                cmocka_unit_test(every_verdict_of_the_rules_ends_as_it_says),
                cmocka_unit_test(rules_that_always_want_more_end),
                cmocka_unit_test(an_allow_without_a_person_is_none),
                cmocka_unit_test(a_key_that_never_stops_talking_is_broken),
                cmocka_unit_test(what_does_not_belong_to_an_assertion_ends_it),
                cmocka_unit_test(waiting_for_people_has_an_end),
                cmocka_unit_test(cached_groups_are_named),
                cmocka_unit_test(without_keys_no_key_is_asked),
                cmocka_unit_test(an_attempt_whose_greeter_has_ended_ends_too),
                cmocka_unit_test(a_session_that_comes_by_itself_leaves_the_greeter_waiting),
                cmocka_unit_test(whose_session_was_closed_reads_it_before_another_opens),
                cmocka_unit_test(where_no_session_can_come_by_itself_the_application_opens_it),
                cmocka_unit_test(a_person_let_in_by_another_attempt_is_let_in_once_more),
                cmocka_unit_test(one_that_comes_too_late_waits_for_nothing),
                cmocka_unit_test(a_display_manager_that_shows_no_session_leaves_the_click_to_the_person),
                cmocka_unit_test(rules_that_change_what_a_service_is_for_let_nobody_in_unrecorded),
                cmocka_unit_test(a_wardtapd_that_is_killed_at_the_record_gets_it_when_it_is_back),
                cmocka_unit_test(only_roots_own_programs_ask_for_a_grant),
                cmocka_unit_test(only_roots_own_programs_are_believed_about_their_terminal),
                cmocka_unit_test(a_session_comes_to_the_screen_by_a_grant_alone),
                cmocka_unit_test(a_tap_at_an_open_session_begins_none),
                cmocka_unit_test(a_login_prompt_gives_an_open_session_back_also_after_a_pin),
                cmocka_unit_test(a_refusal_is_final_for_a_name_a_step_up_and_an_older_module),
                cmocka_unit_test(the_last_words_stay_on_the_screen_for_a_while),
                cmocka_unit_test(no_failure_lets_anybody_in),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
