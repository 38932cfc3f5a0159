/* SPDX-License-Identifier: Apache-2.0 */
/* Who may say what to wardtapd. */
#include "helper/broker_rights.h"

#include "common/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define ATTEMPT "00112233445566778899aabbccddeeff"
#define OTHER "ffeeddccbbaa99887766554433221100"

static struct broker_message hello(enum broker_purpose purpose, const char *attempt) {
        struct broker_message m = {.type = BROKER_HELLO, .hello.purpose = purpose};
        (void) snprintf(m.hello.attempt, sizeof(m.hello.attempt), "%s", attempt);
        return m;
}

static int may_hello(enum broker_purpose purpose, const char *attempt, uid_t uid) {
        const struct broker_message m = hello(purpose, attempt);
        return rights_hello(&m, uid);
}

static void enrolment_and_administration_need_root(void **state) {
        assert_int_equal(may_hello(BROKER_ENROL, "", 0), 0);
        assert_int_equal(may_hello(BROKER_ADMIN, "", 0), 0);
        assert_int_equal(may_hello(BROKER_ENROL, "", 901), -EPERM);
        assert_int_equal(may_hello(BROKER_ADMIN, "", 901), -EPERM);
        assert_int_equal(may_hello(BROKER_SIGN_IN, ATTEMPT, 901), 0);
        assert_int_equal(may_hello(BROKER_SESSION_HOOK, ATTEMPT, 901), 0);
}

static void an_attempt_says_its_id(void **state) {
        assert_int_equal(may_hello(BROKER_SIGN_IN, "", 901), -EBADMSG);
        assert_int_equal(may_hello(BROKER_STEP_UP, "", 901), -EBADMSG);
        assert_int_equal(may_hello(BROKER_STEP_UP, ATTEMPT, 901), 0);
        assert_int_equal(may_hello(BROKER_SEAT, "", 901), -EBADMSG);
        assert_int_equal(may_hello(BROKER_SEAT, ATTEMPT, 901), 0);
        assert_int_equal(may_hello(BROKER_SIGN_IN, "0011", 901), -EBADMSG);
        assert_int_equal(may_hello(BROKER_SIGN_IN, "0011223344556677889_aabbccddeeff", 901), -EBADMSG);
        assert_int_equal(may_hello(BROKER_ADMIN, ATTEMPT, 0), 0); /* the registrar, for that attempt */
        assert_int_equal(may_hello(BROKER_ADMIN, ATTEMPT, 901), -EPERM);
        assert_int_equal(may_hello(BROKER_ADMIN, "0011", 0), -EBADMSG);
        assert_int_equal(may_hello(BROKER_ENROL, ATTEMPT, 0), -EBADMSG);
        assert_int_equal(may_hello(BROKER_PURPOSE_MAX, "", 0), -EBADMSG);
}

static void a_hello_that_nobody_should_read_is_refused(void **state) {
        struct broker_message m = hello(BROKER_SIGN_IN, ATTEMPT);
        (void) snprintf(m.hello.service, sizeof(m.hello.service), "su\ndo");
        assert_int_equal(rights_hello(&m, 0), -EBADMSG);
}

static void each_purpose_has_its_messages(void **state) {
        static const struct {
                enum broker_type type;
                bool may[BROKER_PURPOSE_MAX]; /* sign-in, enrol, admin, session, step-up, seat */
        } table[] = {
                {BROKER_HELLO, {0, false, false, false, false}},
                {BROKER_WANT_TAP, {0, true, true, false, false, true, true}},
                {BROKER_ASK_SESSION, {0, true, false, false, false, true, true}},
                {BROKER_KEY_USED, {0, true, false, false, false, true, true}},
                {BROKER_ASK_INDEXES, {0, false, false, true}},
                {BROKER_INDEXES, {0, false}},
                {BROKER_RECORD, {0, true, true, true, false, true, true}},
                {BROKER_SESSION_OPEN, {0, false, false, false, true}},
                {BROKER_SESSION_CLOSE, {0, false, false, false, true}},
                {BROKER_SWITCH, {0, true, false, false, false, false, true}},
                {BROKER_ASK_GRANT, {0, true, false, false, false, false}},
                {BROKER_WANT_AGAIN, {0, true, false, false, false, false, false}},
                {BROKER_AGAIN, {0, false, false, false, false, false, false}},
                {BROKER_SWITCHED, {0, false, false, false, false, false}},
                {BROKER_GRANT, {0, false, false, false, false, false}},
                {BROKER_WAITING, {0, false, false, false, false}},
                {BROKER_TAP, {0, false, false, false, false}},
                {BROKER_SESSION, {0, false, false, false, false}},
                {BROKER_RECORDED, {0, false, false, false, false}},
        };
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                for (int p = BROKER_SIGN_IN; p < BROKER_PURPOSE_MAX; p++)
                        assert_int_equal(rights_message((enum broker_purpose) p, table[i].type),
                                         table[i].may[p]);
}

static enum record_outcome natural(enum record_event e) {
        return e == RECORD_DENIED || e == RECORD_UNKNOWN_BADGE || e == RECORD_BADGE_REFUSED ||
                               e == RECORD_TICKET_REFUSED || e == RECORD_APPROVAL_REFUSED ||
                               e == RECORD_POLICY_REFUSED
                       ? RECORD_FAILURE
                       : RECORD_SUCCESS;
}

static int may_record(enum broker_purpose p, enum record_event e, int field) {
        _cleanup_(record_clear) struct record r = {.event = e, .outcome = natural(e)};
        if (field >= 0)
                assert_int_equal(record_set(&r, (enum record_field) field, "1"), 0);
        bool attempt = p == BROKER_SIGN_IN || p == BROKER_STEP_UP || p == BROKER_SEAT;
        return rights_record(p, attempt ? ATTEMPT : "", &r);
}

static void each_event_has_its_sender(void **state) {
        static const bool of_attempt[RECORD_EVENT_MAX] = {
                [RECORD_SIGN_IN] = true,       [RECORD_RESUME] = true,    [RECORD_DENIED] = true,
                [RECORD_UNKNOWN_BADGE] = true, [RECORD_CANCELLED] = true, [RECORD_UNAVAILABLE] = true};
        static const bool of_admin[RECORD_EVENT_MAX] = {[RECORD_PERSON_ADD] = true,
                                                        [RECORD_BADGE_ENROL] = true,
                                                        [RECORD_BADGE_END] = true,
                                                        [RECORD_BADGE_REFUSED] = true,
                                                        [RECORD_KEY_ENROL] = true,
                                                        [RECORD_KEY_END] = true,
                                                        [RECORD_POLICY_APPLY] = true,
                                                        [RECORD_POLICY_REFUSED] = true,
                                                        [RECORD_PERSON_SUSPEND] = true,
                                                        [RECORD_PERSON_RESUME] = true,
                                                        [RECORD_PERSON_EXPIRE] = true,
                                                        [RECORD_PERSON_OFFBOARD] = true,
                                                        [RECORD_BADGE_REPLACE] = true,
                                                        [RECORD_BADGE_SUSPEND] = true,
                                                        [RECORD_BADGE_RESUME] = true,
                                                        [RECORD_KEY_REPLACE] = true,
                                                        [RECORD_KEY_SUSPEND] = true,
                                                        [RECORD_KEY_RESUME] = true,
                                                        [RECORD_LEASE] = true,
                                                        [RECORD_LEASE_END] = true,
                                                        [RECORD_HOME_WIPE] = true,
                                                        [RECORD_IMPORT] = true,
                                                        [RECORD_EXPORT] = true,
                                                        [RECORD_REVIEW_ATTEST] = true,
                                                        [RECORD_AUDIT_QUERY] = true,
                                                        [RECORD_TICKET_ISSUE] = true,
                                                        [RECORD_TICKET_USE] = true,
                                                        [RECORD_TICKET_REFUSED] = true,
                                                        [RECORD_TICKET_REVOKE] = true,
                                                        [RECORD_ELEVATE] = true,
                                                        [RECORD_ELEVATE_END] = true,
                                                        [RECORD_BADGE_LEND] = true,
                                                        [RECORD_LOST_REPORT] = true,
                                                        [RECORD_LOST_FOUND] = true,
                                                        [RECORD_RECOVERY_BEGIN] = true,
                                                        [RECORD_RECOVERY_APPROVE] = true,
                                                        [RECORD_RECOVERY_DONE] = true,
                                                        [RECORD_APPROVAL_REFUSED] = true,
                                                        [RECORD_BREAK_GLASS_DRILL] = true,
                                                        [RECORD_REVIEW_WORDS] = true,
                                                        [RECORD_REVIEW_CLOSE] = true};
        for (int e = 0; e < RECORD_EVENT_MAX; e++) {
                assert_int_equal(may_record(BROKER_SIGN_IN, (enum record_event) e, -1),
                                 of_attempt[e] || e == RECORD_BREAK_GLASS_START ? 0 : -EPERM);
                bool lets_in = e == RECORD_SIGN_IN || e == RECORD_RESUME;
                assert_int_equal(may_record(BROKER_STEP_UP, (enum record_event) e, -1),
                                 (of_attempt[e] && !lets_in) || e == RECORD_APPROVE ? 0 : -EPERM);
                assert_int_equal(may_record(BROKER_SEAT, (enum record_event) e, -1),
                                 of_attempt[e] || e == RECORD_TAP_OUT ? 0 : -EPERM);
                assert_int_equal(may_record(BROKER_ADMIN, (enum record_event) e, -1),
                                 of_admin[e] ? 0 : -EPERM);
                assert_int_equal(may_record(BROKER_ENROL, (enum record_event) e, -1),
                                 of_admin[e] ? 0 : -EPERM);
                assert_int_equal(may_record(BROKER_SESSION_HOOK, (enum record_event) e, -1), -EPERM);
        }
}

static void nobody_sets_the_writers_fields(void **state) {
        for (int f = RECORD_FIELD_STATION; f <= RECORD_FIELD_PREV; f++) {
                assert_true(record_field_is_of_writer((enum record_field) f));
                assert_int_equal(may_record(BROKER_SIGN_IN, RECORD_DENIED, f), -EPERM);
                assert_int_equal(may_record(BROKER_ADMIN, RECORD_KEY_END, f), -EPERM);
        }
        assert_int_equal(may_record(BROKER_SIGN_IN, RECORD_DENIED, RECORD_FIELD_REASON), 0);
        assert_int_equal(may_record(BROKER_SIGN_IN, RECORD_DENIED, RECORD_FIELD_TO_SESSION), -EPERM);
        assert_int_equal(may_record(BROKER_ADMIN, RECORD_KEY_END, RECORD_FIELD_DETAIL), 0);
        assert_int_equal(may_record(BROKER_ADMIN, RECORD_KEY_END, RECORD_FIELD_AAL), -EPERM);
}

static void a_record_is_of_its_own_attempt(void **state) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_SIGN_IN};
        assert_int_equal(record_set(&r, RECORD_FIELD_ATTEMPT, ATTEMPT), 0);
        assert_int_equal(rights_record(BROKER_SIGN_IN, ATTEMPT, &r), 0);
        assert_int_equal(rights_record(BROKER_SIGN_IN, OTHER, &r), -EPERM);
        r.event = RECORD_PERSON_ADD;
        assert_int_equal(rights_record(BROKER_ADMIN, "", &r), -EPERM);
}

static void an_outcome_does_not_contradict_its_event(void **state) {
        static const struct record bad[] = {
                {.event = RECORD_SIGN_IN, .outcome = RECORD_FAILURE},
                {.event = RECORD_RESUME, .outcome = RECORD_FAILURE},
                {.event = RECORD_APPROVE, .outcome = RECORD_FAILURE},
                {.event = RECORD_DENIED, .outcome = RECORD_SUCCESS},
                {.event = RECORD_UNKNOWN_BADGE, .outcome = RECORD_SUCCESS},
        };
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(
                        rights_record(bad[i].event == RECORD_APPROVE ? BROKER_STEP_UP : BROKER_SIGN_IN,
                                      ATTEMPT, &bad[i]),
                        -EPERM);
}

static void a_cancelled_attempt_gives_its_tap_back(void **state) {
        assert_false(rights_is_verdict(RECORD_CANCELLED));
        assert_true(rights_is_verdict(RECORD_SIGN_IN));
        assert_true(rights_is_verdict(RECORD_RESUME));
        assert_true(rights_is_verdict(RECORD_APPROVE));
        assert_true(rights_is_verdict(RECORD_DENIED));
        assert_true(rights_is_verdict(RECORD_UNKNOWN_BADGE));
        assert_true(rights_is_verdict(RECORD_UNAVAILABLE));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(enrolment_and_administration_need_root),
                cmocka_unit_test(an_attempt_says_its_id),
                cmocka_unit_test(a_hello_that_nobody_should_read_is_refused),
                cmocka_unit_test(each_purpose_has_its_messages),
                cmocka_unit_test(each_event_has_its_sender),
                cmocka_unit_test(nobody_sets_the_writers_fields),
                cmocka_unit_test(a_record_is_of_its_own_attempt),
                cmocka_unit_test(an_outcome_does_not_contradict_its_event),
                cmocka_unit_test(a_cancelled_attempt_gives_its_tap_back),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
