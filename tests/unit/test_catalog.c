/* SPDX-License-Identifier: Apache-2.0 */
/* Every event of record.h has its text in the journal's catalog, every text its event, and a text names only
 * fields that records have. */
#include "common/record.h"

#include "common/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define CATALOG "packaging/wardtap.catalog"
#define SIZE_MAX_OF_CATALOG (256U * 1024U)

static char *text;

static int read_catalog(void **state) {
        FILE *f = fopen(SOURCE_ROOT "/" CATALOG, "re");
        if (!f)
                return -1;
        text = malloc(SIZE_MAX_OF_CATALOG);
        size_t n = text ? fread(text, 1, SIZE_MAX_OF_CATALOG - 1, f) : 0;
        (void) fclose(f);
        if (n == 0)
                return -1;
        text[n] = 0;
        return 0;
}

static int free_catalog(void **state) {
        free(text);
        return 0;
}

/* The text of an entry up to the next one. */
static char *entry_of(const char *id) {
        char head[40];
        (void) snprintf(head, sizeof(head), "\n-- %s\n", id);
        const char *at = strstr(text, head);
        if (!at)
                return NULL;
        at += strlen(head);
        const char *end = strstr(at, "\n-- ");
        return end ? strndup(at, (size_t) (end - at)) : strdup(at);
}

static void each_event_has_its_entry(void **state) {
        for (int e = 0; e < RECORD_EVENT_MAX; e++) {
                _cleanup_(freep) char *entry = entry_of(record_event_message_id((enum record_event) e));
                if (!entry)
                        fail_msg("no entry for %s", record_event_name((enum record_event) e));
                assert_true(strncmp(entry, "Subject: ", strlen("Subject: ")) == 0);
                const char *body = strstr(entry, "\n\n");
                assert_non_null(body);
                if (strlen(body) < 60)
                        fail_msg("the entry of %s says nothing", record_event_name((enum record_event) e));
        }
}

static void each_entry_has_its_event_once(void **state) {
        size_t n = 0;
        for (const char *at = text; (at = strstr(at, "\n-- ")); n++) {
                char id[33] = "";
                bool known = false;
                at += strlen("\n-- ");
                memcpy(id, at, strnlen(at, 32));
                for (int e = 0; e < RECORD_EVENT_MAX; e++)
                        known |= strcmp(id, record_event_message_id((enum record_event) e)) == 0;
                if (!known)
                        fail_msg("no event has %s", id);
                char head[40];
                (void) snprintf(head, sizeof(head), "\n-- %s\n", id);
                assert_null(strstr(at, head));
        }
        assert_int_equal(n, RECORD_EVENT_MAX);
}

/* The fields that each record of a kind has. For any other the journal would show its bare name. */
static const char *const always[RECORD_EVENT_MAX] = {
        [RECORD_SIGN_IN] = "USER ROLE FACTORS AAL SERVICE ATTEMPT CODE",
        [RECORD_RESUME] = "USER ROLE FACTORS AAL SERVICE ATTEMPT CODE",
        [RECORD_DENIED] = "REASON SERVICE ATTEMPT CODE",
        [RECORD_UNKNOWN_BADGE] = "REASON BADGE READER SERVICE ATTEMPT CODE",
        [RECORD_CANCELLED] = "REASON SERVICE ATTEMPT CODE",
        [RECORD_UNAVAILABLE] = "REASON SERVICE ATTEMPT CODE",
        [RECORD_SESSION_OPEN] = "UID ATTEMPT CODE",
        [RECORD_SESSION_CLOSE] = "UID ATTEMPT CODE",
        [RECORD_PERSON_ADD] = "REQUESTOR PERSON USER",
        [RECORD_BADGE_ENROL] = "REQUESTOR PERSON USER BADGE READER",
        [RECORD_BADGE_END] = "REQUESTOR PERSON USER BADGE DETAIL",
        [RECORD_BADGE_REFUSED] = "REQUESTOR PERSON USER BADGE READER REASON DETAIL",
        [RECORD_KEY_ENROL] = "REQUESTOR PERSON USER KEY POLICY",
        [RECORD_KEY_END] = "REQUESTOR PERSON USER KEY DETAIL",
        [RECORD_POLICY_APPLY] = "REQUESTOR POLICY DETAIL",
        [RECORD_POLICY_REFUSED] = "REQUESTOR REASON",
        [RECORD_READER_ATTACH] = "READER",
        [RECORD_READER_DETACH] = "READER",
        [RECORD_READER_SLOWED] = "READER",
        [RECORD_WRITER_START] = "EPOCH SEQ DETAIL",
        [RECORD_WRITER_STOP] = "EPOCH SEQ",
        [RECORD_ALERT] = "REASON DETAIL",
        [RECORD_APPROVE] = "USER ROLE FACTORS AAL SERVICE ATTEMPT CODE",
        [RECORD_FALLBACK] = "USER UID SERVICE",
        [RECORD_HANDOFF] = "USER UID FROM_USER FROM_SESSION TO_SESSION FACTORS AAL ATTEMPT CODE",
        [RECORD_LOCK] = "USER UID FROM_SESSION REASON REQUESTOR",
        [RECORD_UNLOCK] = "USER UID TO_SESSION ATTEMPT CODE",
        [RECORD_TAP_OUT] = "USER UID BADGE READER REASON SERVICE ATTEMPT CODE",
        [RECORD_IDLE_LOCK] = "USER UID FROM_SESSION REASON REQUESTOR",
        [RECORD_SIGN_OUT] = "USER UID FROM_SESSION REASON REQUESTOR",
        [RECORD_NEARBY_BADGE] = "READER BADGE",
        [RECORD_GUARD_ALERT] = "REASON DETAIL",
        [RECORD_KEY_ATTACH] = "DETAIL",
        [RECORD_KEY_DETACH] = "DETAIL",
        [RECORD_PERSON_SUSPEND] = "REQUESTOR PERSON USER DETAIL",
        [RECORD_PERSON_RESUME] = "REQUESTOR PERSON USER DETAIL",
        [RECORD_PERSON_EXPIRE] = "REQUESTOR PERSON USER DETAIL",
        [RECORD_PERSON_OFFBOARD] = "REQUESTOR PERSON USER DETAIL",
        [RECORD_BADGE_REPLACE] = "REQUESTOR PERSON USER BADGE READER DETAIL",
        [RECORD_BADGE_SUSPEND] = "REQUESTOR PERSON USER BADGE DETAIL",
        [RECORD_BADGE_RESUME] = "REQUESTOR PERSON USER BADGE DETAIL",
        [RECORD_KEY_REPLACE] = "REQUESTOR PERSON USER KEY POLICY DETAIL",
        [RECORD_KEY_SUSPEND] = "REQUESTOR PERSON USER KEY DETAIL",
        [RECORD_KEY_RESUME] = "REQUESTOR PERSON USER KEY DETAIL",
        [RECORD_LEASE] = "REQUESTOR PERSON USER ACCOUNT HOLDER IDENTIFIED UNTIL_USEC",
        [RECORD_LEASE_END] = "REQUESTOR PERSON USER ACCOUNT HOLDER DETAIL",
        [RECORD_HOME_WIPE] = "REQUESTOR PERSON USER ACCOUNT HOLDER DETAIL",
        [RECORD_IMPORT] = "REQUESTOR DETAIL",
        [RECORD_EXPORT] = "REQUESTOR DETAIL",
        [RECORD_REVIEW_ATTEST] = "REQUESTOR DETAIL",
        [RECORD_AUDIT_QUERY] = "REQUESTOR DETAIL",
        [RECORD_TICKET_ISSUE] = "REQUESTOR USER PERSON TICKET ISSUER IDENTIFIED UNTIL_USEC DETAIL",
        [RECORD_TICKET_USE] = "USER PERSON TICKET ISSUER ATTEMPT",
        [RECORD_TICKET_REFUSED] = "REASON ATTEMPT",
        [RECORD_TICKET_REVOKE] = "REQUESTOR USER PERSON TICKET ISSUER IDENTIFIED UNTIL_USEC DETAIL",
        [RECORD_ELEVATE] = "REQUESTOR PERSON USER ROLE APPROVER KEY FACTORS POLICY UNTIL_USEC DETAIL",
        [RECORD_ELEVATE_END] = "REQUESTOR PERSON USER DETAIL",
        [RECORD_BADGE_LEND] =
                "REQUESTOR PERSON USER BADGE READER APPROVER KEY FACTORS POLICY UNTIL_USEC DETAIL",
        [RECORD_LOST_REPORT] = "REQUESTOR PERSON USER REASON DETAIL",
        [RECORD_LOST_FOUND] = "PERSON USER REASON POLICY",
        [RECORD_RECOVERY_BEGIN] = "REQUESTOR PERSON USER REVIEW IDENTIFIED APPROVER DETAIL",
        [RECORD_RECOVERY_APPROVE] =
                "REQUESTOR PERSON USER REVIEW IDENTIFIED APPROVER KEY FACTORS POLICY ROLE",
        [RECORD_RECOVERY_DONE] = "REQUESTOR PERSON USER REVIEW IDENTIFIED APPROVER",
        [RECORD_APPROVAL_REFUSED] = "REQUESTOR PERSON USER APPROVER REASON POLICY DETAIL",
        [RECORD_BREAK_GLASS_START] = "USER UID UNTIL_USEC REVIEW DETAIL SERVICE ATTEMPT CODE",
        [RECORD_BREAK_GLASS_STOP] = "USER UID REVIEW REASON DETAIL ATTEMPT CODE",
        [RECORD_BREAK_GLASS_DRILL] = "REQUESTOR",
        [RECORD_REVIEW_OPEN] = "USER UID REVIEW DETAIL ATTEMPT CODE",
        [RECORD_REVIEW_WORDS] = "REQUESTOR USER REVIEW KEY REASON DETAIL",
        [RECORD_REVIEW_CLOSE] = "REQUESTOR USER REVIEW KEY REASON DETAIL APPROVER",
        [RECORD_CHECK_FAIL] = "POSTURE REASON DETAIL POLICY",
        [RECORD_CHECK_PASS] = "POSTURE DETAIL POLICY",
};

static bool is_word(const char *words, const char *name, size_t n) {
        for (const char *at = words; at && (at = strstr(at, name)); at += n)
                if ((at == words || at[-1] == ' ') && (at[n] == ' ' || !at[n]))
                        return true;
        return false;
}

static void a_text_names_only_fields_that_are_always_there(void **state) {
        for (int e = 0; e < RECORD_EVENT_MAX; e++) {
                _cleanup_(freep) char *entry = entry_of(record_event_message_id((enum record_event) e));
                assert_non_null(entry);
                for (char *at = entry, *end; (at = strchr(at, '@')); at = end + 1) {
                        end = strchr(++at, '@');
                        assert_non_null(end);
                        *end = 0;
                        if (strncmp(at, "WARDTAP_", 8) != 0 ||
                            (strcmp(at + 8, "STATION") != 0 && !is_word(always[e], at + 8, strlen(at + 8))))
                                fail_msg("a record of %s may have no %s",
                                         record_event_name((enum record_event) e), at);
                }
        }
}

static void lines_fit_a_screen(void **state) {
        for (const char *at = text, *end; (end = strchr(at, '\n')); at = end + 1)
                if (end - at > 110)
                        fail_msg("too long: %.*s", (int) (end - at), at);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_event_has_its_entry),
                cmocka_unit_test(each_entry_has_its_event_once),
                cmocka_unit_test(a_text_names_only_fields_that_are_always_there),
                cmocka_unit_test(lines_fit_a_screen),
        };
        return cmocka_run_group_tests(tests, read_catalog, free_catalog);
}
