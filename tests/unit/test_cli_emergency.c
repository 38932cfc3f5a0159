/* SPDX-License-Identifier: Apache-2.0 */
/* What is owed of emergency access, by rules, a true store of people, and the emergencies there were: each
 * lack is named once, to the moment, and each has a sentence and something to do. */
#include "cli/emergency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

/* Last: it has a fail() of its own. */
#include <cmocka.h>

#define DAY (UINT64_C(24) * 3600 * 1000000)
#define NOW (UINT64_C(20000) * DAY)

static char folder[64], path[96];

static int make_folder(void **state) {
        (void) snprintf(folder, sizeof(folder), "/tmp/wardtap-due-XXXXXX");
        if (!mkdtemp(folder))
                return -1;
        (void) snprintf(path, sizeof(path), "%s/people.db", folder);
        return 0;
}

static int remove_folder(void **state) {
        (void) unlink(path);
        return rmdir(folder);
}

/* An account that every system has stands for an emergency account. */
#define ACCOUNT "daemon"

struct station {
        struct rules rules;
        char *accounts[2];
        struct emergency_items list;
        struct emergency_item items[4];
        struct store *people;
        char said[512]; /* "kind:since " each, in order */
};

static void begin(struct station *s) {
        *s = (struct station){.accounts = {(char *) ACCOUNT}};
        s->rules.break_glass = (struct rule_break_glass){.present = true,
                                                         .accounts = {s->accounts, 1},
                                                         .drill_every_usec = 90 * DAY,
                                                         .rotate_every_usec = 180 * DAY};
        s->list = (struct emergency_items){
                .items = s->items, .rules = &s->rules, .reviewers = REVIEWER_CLINICAL | REVIEWER_SECURITY};
        (void) unlink(path);
        assert_int_equal(store_open_people(path, true, (gid_t) -1, &s->people), 0);
}

static void end(struct station *s) {
        s->people = store_close(s->people);
}

static void add_emergency(struct station *s, const char *user, enum emergency how, uint64_t days_ago) {
        struct emergency_item *i = &s->items[s->list.n++];
        *i = (struct emergency_item){
                .emergency = {
                        .how = how, .from_usec = NOW - days_ago * DAY, .until_usec = NOW, .drill = true}};
        (void) snprintf(i->emergency.user, sizeof(i->emergency.user), "%s", user);
}

static int64_t add_person(struct station *s, enum person_kind kind) {
        struct store_person p = {.kind = kind, .user = ACCOUNT, .full_name = "Emergency 1"};
        assert_int_equal(store_add_person(s->people, &p, NOW - 300 * DAY), 0);
        return p.id;
}

static void add_kit(struct station *s, int64_t person, uint64_t key_days_ago) {
        struct store_badge b = {.person = person, .number_len = 7, .kind = "number", .token = "ABCD1234"};
        struct store_key k = {.person = person, .credential_id_len = 64, .public_key_len = 77};
        struct store_person holder;
        (void) snprintf(b.key_id, sizeof(b.key_id), "00112233445566aa");
        memset(k.credential_id, 7, 64);
        memset(k.public_key, 7, 77);
        (void) snprintf(k.rp_id, sizeof(k.rp_id), "wardtap.example.org");
        assert_int_equal(store_add_badge(s->people, &b, NOW - key_days_ago * DAY, &holder), 0);
        assert_int_equal(store_add_key(s->people, &k, NOW - key_days_ago * DAY, &holder), 0);
}

static void note(void *data, const struct emergency_due *d) {
        struct station *s = data;
        size_t n = strlen(s->said);
        (void) snprintf(s->said + n, sizeof(s->said) - n, "%d:%llu ", (int) d->what,
                        d->since_usec ? (unsigned long long) ((NOW - d->since_usec) / DAY) : 9999ULL);
        assert_true(!d->user || strcmp(d->user, ACCOUNT) == 0);
}

/* The kinds and, in days, since when; 9999: never. */
static void is_said(struct station *s, uint64_t now_usec, const char *format, ...) {
        char wanted[512];
        va_list ap;
        va_start(ap, format);
        (void) vsnprintf(wanted, sizeof(wanted), format, ap);
        va_end(ap);
        s->said[0] = 0;
        emergency_due(&s->list, s->people, now_usec, note, s);
        assert_string_equal(s->said, wanted);
}

static void without_rules_nothing_else_is_said(void **state) {
        struct station s;
        begin(&s);
        s.rules.break_glass.present = false;
        is_said(&s, NOW, "%d:9999 ", EMERGENCY_LACKS_RULES);
        s.list.rules = NULL;
        is_said(&s, NOW, "%d:9999 ", EMERGENCY_LACKS_RULES);
        end(&s);
        begin(&s);
        s.rules.break_glass.tags = (struct words){(char *[]){(char *) "no-such-tag"}, 1};
        is_said(&s, NOW, "%d:9999 ", EMERGENCY_NOT_HERE);
        end(&s);
}

static void an_account_must_be_one_and_be_nobodys(void **state) {
        struct station s;
        begin(&s);
        s.rules.break_glass.drill_every_usec = 0;
        is_said(&s, NOW, "%d:9999 ", EMERGENCY_NOT_ENROLLED);
        int64_t id = add_person(&s, PERSON_EMERGENCY);
        is_said(&s, NOW, "%d:9999 ", EMERGENCY_LACKS_KIT);
        add_kit(&s, id, 10);
        is_said(&s, NOW, "%s", "");
        end(&s);
        begin(&s);
        s.rules.break_glass.drill_every_usec = 0;
        add_person(&s, PERSON_PERMANENT);
        is_said(&s, NOW, "%d:9999 ", EMERGENCY_IS_PERSONAL);
        end(&s);
}

static void a_kit_whose_badge_or_key_is_suspended_is_none(void **state) {
        struct station s;
        struct store_badge b;
        struct store_person p;
        begin(&s);
        s.rules.break_glass.drill_every_usec = 0;
        add_kit(&s, add_person(&s, PERSON_EMERGENCY), 10);
        assert_int_equal(store_suspend_badge(s.people, "ABCD1234", "seal broken", NOW, &b, &p), 0);
        is_said(&s, NOW, "%d:9999 ", EMERGENCY_LACKS_KIT);
        end(&s);
}

/* A colleague's emergency by her own badge says nothing of the kit in the drawer. */
static void each_kit_has_drills_of_its_own(void **state) {
        struct station s;
        begin(&s);
        add_kit(&s, add_person(&s, PERSON_EMERGENCY), 10);
        is_said(&s, NOW, "%d:9999 %d:9999 ", EMERGENCY_LACKS_DRILL, EMERGENCY_KIT_UNTRIED);
        add_emergency(&s, "anna", EMERGENCY_ASKED, 5);
        is_said(&s, NOW, "%d:9999 ", EMERGENCY_KIT_UNTRIED);
        add_emergency(&s, "emergency2", EMERGENCY_KIT, 4);
        add_emergency(&s, ACCOUNT, EMERGENCY_WITNESS, 3);
        is_said(&s, NOW, "%d:9999 ", EMERGENCY_KIT_UNTRIED);
        add_emergency(&s, ACCOUNT, EMERGENCY_KIT, 90);
        is_said(&s, NOW, "%d:90 ", EMERGENCY_KIT_UNTRIED);
        is_said(&s, NOW - 1, "%s", "");
        end(&s);
}

static void a_key_is_renewed_in_time(void **state) {
        struct station s;
        begin(&s);
        add_emergency(&s, ACCOUNT, EMERGENCY_KIT, 1);
        add_kit(&s, add_person(&s, PERSON_EMERGENCY), 180);
        is_said(&s, NOW - 1, "%s", "");
        is_said(&s, NOW, "%d:180 ", EMERGENCY_KIT_OLD);
        s.rules.break_glass.rotate_every_usec = 0;
        is_said(&s, NOW, "%s", "");
        end(&s);
}

static void reviews_are_owed_until_each_reviewer_has_closed_hers(void **state) {
        struct station s;
        begin(&s);
        s.rules.break_glass.accounts.n = 0;
        add_emergency(&s, "anna", EMERGENCY_ASKED, 1);
        struct emergency_item *i = &s.items[0];
        assert_int_equal(emergency_item_owed(&s.list, i), REVIEWER_CLINICAL | REVIEWER_SECURITY);
        i->open = true;
        is_said(&s, NOW, "%d:9999 ", EMERGENCY_LACKS_REVIEW);
        i->parts[i->n_parts++].part = REVIEW_CLINICAL;
        assert_int_equal(emergency_item_owed(&s.list, i), REVIEWER_SECURITY);
        i->parts[i->n_parts++].part = REVIEW_WORDS; /* her own words close nothing */
        assert_int_equal(emergency_item_owed(&s.list, i), REVIEWER_SECURITY);
        i->parts[i->n_parts++].part = REVIEW_SECURITY;
        assert_int_equal(emergency_item_owed(&s.list, i), 0);
        end(&s);
}

static void each_has_a_sentence_and_something_to_do(void **state) {
        char text[EMERGENCY_DUE_SIZE];
        for (int i = 0; i < EMERGENCY_LACK_MAX; i++) {
                struct emergency_due d = {.what = (enum emergency_lack) i,
                                          .user = "emergency1",
                                          .since_usec = NOW - 5 * DAY,
                                          .n = 7};
                for (unsigned never = 0; never < 2; never++) {
                        d.since_usec = never ? 0 : NOW - 5 * DAY;
                        emergency_due_text(&d, NOW, text);
                        assert_true(strlen(text) > 20 && text[strlen(text) - 1] == '.');
                        assert_null(strpbrk(text, "@#%"));
                        assert_true(strlen(emergency_due_fix(d.what)) > 10);
                }
        }
        const struct emergency_due kit = {
                .what = EMERGENCY_KIT_UNTRIED, .user = "emergency1", .since_usec = NOW - 5 * DAY};
        emergency_due_text(&kit, NOW, text);
        assert_string_equal(text, "The emergency kit emergency1 was last tried 5 days ago.");
        const struct emergency_due reviews = {.what = EMERGENCY_LACKS_REVIEW, .n = 7};
        emergency_due_text(&reviews, NOW, text);
        assert_string_equal(text, "Emergencies that nobody has reviewed to the end: 7.");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(without_rules_nothing_else_is_said),
                cmocka_unit_test(an_account_must_be_one_and_be_nobodys),
                cmocka_unit_test(a_kit_whose_badge_or_key_is_suspended_is_none),
                cmocka_unit_test(each_kit_has_drills_of_its_own),
                cmocka_unit_test(a_key_is_renewed_in_time),
                cmocka_unit_test(reviews_are_owed_until_each_reviewer_has_closed_hers),
                cmocka_unit_test(each_has_a_sentence_and_something_to_do),
        };
        return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
