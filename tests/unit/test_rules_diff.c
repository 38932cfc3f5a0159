/* SPDX-License-Identifier: Apache-2.0 */
/* Two sets of rules: each key that differs is told, once, and whether people may do more by it or less. */
#include "policy/rules_diff.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "common/util.h"

#define HEAD "[Site]\nRelyingParty=a.org\n"
#define BASE HEAD "[Role n]\nGroups=n\n"

static char said[8192];

static int say(void *userdata, const struct rules_change *c) {
        size_t at = strlen(said);
        (void) snprintf(said + at, sizeof(said) - at, "%s%s %s %s: %s -> %s\n",
                        c->people > 0   ? "+"
                        : c->people < 0 ? "-"
                                        : "=",
                        c->section, c->name, c->key ? c->key : "*", c->before ? c->before : "(none)",
                        c->after ? c->after : "(none)");
        return 0;
}

static struct rules *parse(const char *text) {
        struct rules *r = NULL;
        struct rules_errors e;
        if (rules_parse_text("t", text, strlen(text), &r, &e) < 0)
                fail_msg("%s\n%s", e.errors[0].text, text);
        return r;
}

static const char *diff(const char *before, const char *after) {
        struct rules *b = parse(before), *a = parse(after);
        said[0] = 0;
        assert_int_equal(rules_diff(b, a, say, NULL), 0);
        rules_free(b);
        rules_free(a);
        return said;
}

static void equal_rules_do_not_differ(void **state) {
        assert_string_equal(diff(BASE, BASE), "");
}

/* Each line of keys before and after, in the section, and what is to be said; then the other way round. */
static void each_key_says_who_may_do_more(void **state) {
        static const struct {
                const char *before, *after, *forth, *back;
        } rows[] = {
                {BASE "SignIn=badge+key\n", BASE, "-Role n SignIn: badge+key -> badge+key+verify\n",
                 "+Role n SignIn: badge+key+verify -> badge+key\n"},
                {BASE "SignIn=badge+key\nGrace=0\n", BASE "SignIn=key+verify\n",
                 "=Role n SignIn: badge+key -> key+verify\n", "=Role n SignIn: key+verify -> badge+key\n"},
                {BASE "Grace=1h\n", BASE "Grace=2h\n", "+Role n Grace: 1h -> 2h\n",
                 "-Role n Grace: 2h -> 1h\n"},
                {BASE "Grace=0\n", BASE "Grace=2h\n", "+Role n Grace: 0 -> 2h\n",
                 "-Role n Grace: 2h -> 0\n"},
                {BASE "SessionCap=0\n", BASE "SessionCap=1h\n", "-Role n SessionCap: 0 -> 1h\n",
                 "+Role n SessionCap: 1h -> 0\n"},
                {BASE, HEAD "[Role n]\nGroups=n \"Domain Users\"\n",
                 "+Role n Groups: n -> n \"Domain Users\"\n", "-Role n Groups: n \"Domain Users\" -> n\n"},
                {BASE, HEAD "[Role n]\nGroups=m\n", "=Role n Groups: n -> m\n", "=Role n Groups: m -> n\n"},
                {BASE, BASE "Stations=bay1\n", "-Role n Stations:  -> bay1\n",
                 "+Role n Stations: bay1 -> \n"},
                {BASE "Hours=07:00-15:00\n", BASE "Hours=07:00-16:00\n",
                 "+Role n Hours: 07:00-15:00 -> 07:00-16:00\n",
                 "-Role n Hours: 07:00-16:00 -> 07:00-15:00\n"},
                {BASE "Hours=Mon 22:00-06:00\n", BASE "Hours=Mon 22:00-24:00, Tue 00:00-06:00\n",
                 "=Role n Hours: Mon 22:00-06:00 -> Mon 22:00-24:00, Tue 00:00-06:00\n",
                 "=Role n Hours: Mon 22:00-24:00, Tue 00:00-06:00 -> Mon 22:00-06:00\n"},
                {BASE, BASE "Approves=recover ticket\n", "+Role n Approves:  -> recover ticket\n",
                 "-Role n Approves: recover ticket -> \n"},
                {BASE, BASE "KeyAttested=yes\n", "-Role n KeyAttested: no -> yes\n",
                 "+Role n KeyAttested: yes -> no\n"},
                {BASE, BASE "KeyModels=cb69481e8ff7403993ec0a2729a154a8\n",
                 "-Role n KeyModels:  -> cb69481e8ff7403993ec0a2729a154a8\n",
                 "+Role n KeyModels: cb69481e8ff7403993ec0a2729a154a8 -> \n"},
                {BASE, HEAD "AuditRequired=yes\n[Role n]\nGroups=n\n", "-Site  AuditRequired: no -> yes\n",
                 "+Site  AuditRequired: yes -> no\n"},
                {BASE, HEAD "ThrottleDelays=1s 2s\n[Role n]\nGroups=n\n",
                 "=Site  ThrottleDelays: 5s 15s 1min -> 1s 2s\n",
                 "=Site  ThrottleDelays: 1s 2s -> 5s 15s 1min\n"},
                {BASE "[Place p]\nTags=or\n", BASE "[Place p]\nTags=or\nIdleLock=0\n",
                 "+Place p IdleLock: 5min -> 0\n", "-Place p IdleLock: 0 -> 5min\n"},
                {BASE "[Check c]\nUnit=c.service\nThen=record\n",
                 BASE "[Check c]\nUnit=c.service\nThen=no-grace\n", "-Check c Then: record -> no-grace\n",
                 "+Check c Then: no-grace -> record\n"},
                {BASE "[Service s]\nUse=sign-in\n", BASE "[Service s]\nUse=step-up\n",
                 "=Service s Use: sign-in -> step-up\n=Service s SignIn:  -> key+verify\n",
                 "=Service s Use: step-up -> sign-in\n=Service s SignIn: key+verify -> \n"},
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_string_equal(diff(rows[i].before, rows[i].after), rows[i].forth);
                assert_string_equal(diff(rows[i].after, rows[i].before), rows[i].back);
        }
}

static void sections_come_and_go(void **state) {
        static const char service[] = BASE "[Service s]\nUse=sign-in\n",
                          check[] = BASE "[Check c]\nUnit=c.service\nThen=record\n";
        assert_string_equal(diff(BASE, service), "+Service s *: (none) -> Use=sign-in\n");
        assert_string_equal(diff(service, BASE), "-Service s *: Use=sign-in -> (none)\n");
        assert_string_equal(diff(BASE, check),
                            "-Check c *: (none) -> Unit=c.service; MaxAge=0; Then=record\n");
        assert_string_equal(diff(check, BASE),
                            "+Check c *: Unit=c.service; MaxAge=0; Then=record -> (none)\n");
}

static void the_order_of_roles_is_told(void **state) {
        static const char ab[] = HEAD "[Role a]\nGroups=x\n[Role b]\nGroups=y\n",
                          ba[] = HEAD "[Role b]\nGroups=y\n[Role a]\nGroups=x\n";
        assert_string_equal(diff(ab, ba), "=Role  order: a b -> b a\n");
}

static int stop(void *userdata, const struct rules_change *c) {
        return 7;
}

static void who_has_heard_enough_hears_no_more(void **state) {
        struct rules *b = parse(BASE), *a = parse(BASE "Grace=1h\nSessionCap=1h\n");
        assert_int_equal(rules_diff(b, a, stop, NULL), 7);
        rules_free(b);
        rules_free(a);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(equal_rules_do_not_differ),
                cmocka_unit_test(each_key_says_who_may_do_more),
                cmocka_unit_test(sections_come_and_go),
                cmocka_unit_test(the_order_of_roles_is_told),
                cmocka_unit_test(who_has_heard_enough_hears_no_more),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
