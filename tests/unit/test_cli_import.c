/* SPDX-License-Identifier: Apache-2.0 */
/* Files of people: CSV by RFC 4180, JSON, and what is told of each mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/csv.h"
#include "cli/import.h"
#include "common/util.h"

/* Last: it has a fail() of its own. */
#include <cmocka.h>

#define NOW UINT64_C(1795166502000000)

static struct bytes bytes_of(const char *s) {
        return (struct bytes){(const uint8_t *) s, strlen(s)};
}

/* --- CSV */

/* All records, fields with '|' between, records with '/' behind, "!LINE" for a mistake. */
static void expect_csv(const char *csv, size_t n, const char *wanted) {
        static struct csv_record r;
        struct csv c;
        char got[512] = "";
        size_t used = 0;
        const char *problem = NULL;
        int e;
        csv_begin(&c, (struct bytes){(const uint8_t *) csv, n});
        while ((e = csv_next(&c, &r, &problem)) != 0) {
                if (e < 0) {
                        assert_non_null(problem);
                        used += (size_t) snprintf(got + used, sizeof(got) - used, "!%u/", r.line);
                        continue;
                }
                for (size_t i = 0; i < r.n; i++)
                        used += (size_t) snprintf(got + used, sizeof(got) - used, "%s%s", i ? "|" : "",
                                                  r.fields[i]);
                used += (size_t) snprintf(got + used, sizeof(got) - used, "/");
        }
        assert_string_equal(got, wanted);
}

static void csv_is_read_as_rfc_4180_says(void **state) {
        static const struct {
                const char *csv, *wanted;
        } cases[] = {
                {"", ""},
                {"a,b\n", "a|b/"},
                {"a,b", "a|b/"},
                {"a,b\r\nc,d\r\n", "a|b/c|d/"},
                {"\xef\xbb\xbf"
                 "a\n",
                 "a/"},
                {",\n", "|/"},
                {"\"a\"\"b\",\"c,d\"\n", "a\"b|c,d/"},
                {"\"a\nb\",c\nd,e\n", "a\nb|c/d|e/"},
                {"\"\",x", "|x/"},
                {"\n\r\n\na\n", "a/"},
                {"a\rb,c\n", "a\rb|c/"}, /* a lone CR is part of the field, and no name has it */
                {"a\"b,c\nd\n", "!1/d/"},
                {"\"a\"b\nd\n", "!1/d/"},
                {"a\n\"b\nc\n", "a/!2/c/"}, /* a quote that is missing does not take the rest */
                {"\"", "!1/"},
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                expect_csv(cases[i].csv, strlen(cases[i].csv), cases[i].wanted);
        expect_csv("a\0b\nc\n", 6, "!1/c/");
}

static void what_is_written_is_read_again(void **state) {
        static const char *const fields[] = {"plain", "a,b", "say \"hi\"", "two\nlines", "", " x "};
        static struct csv_record r;
        const char *problem;
        char *text = NULL;
        size_t n = 0;
        struct csv c;
        FILE *f = open_memstream(&text, &n);
        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                if (i > 0)
                        (void) fputc(',', f);
                csv_print(f, fields[i]);
        }
        (void) fclose(f);
        csv_begin(&c, (struct bytes){(const uint8_t *) text, n});
        assert_int_equal(csv_next(&c, &r, &problem), 1);
        assert_int_equal(r.n, ELEMENTSOF(fields));
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                assert_string_equal(r.fields[i], fields[i]);
        free(text);
}

static void too_much_in_a_line_is_a_mistake(void **state) {
        _cleanup_(freep) char *text = malloc(2 * CSV_RECORD_MAX);
        memset(text, ',', CSV_FIELDS_MAX);
        memcpy(text + CSV_FIELDS_MAX, "\nx", 3);
        expect_csv(text, CSV_FIELDS_MAX + 2, "!1/x/");
        memset(text, 'a', CSV_RECORD_MAX);
        memcpy(text + CSV_RECORD_MAX, "\nx", 3);
        expect_csv(text, CSV_RECORD_MAX + 2, "!1/x/");
}

/* --- People */

static struct import *read_as(enum file_format format, const char *text) {
        struct import *im = import_new();
        assert_non_null(im);
        assert_int_equal(format == FORMAT_JSON ? import_read_json(im, bytes_of(text), NOW)
                                               : import_read_csv(im, bytes_of(text), NOW),
                         0);
        assert_int_equal(import_find_twins(im), 0);
        return im;
}

static void expect_problem(enum file_format format, const char *text, unsigned line, const char *words) {
        _cleanup_(import_freep) struct import *im = read_as(format, text);
        for (size_t i = 0; i < im->n_problems; i++)
                if (im->problems[i].line == line && strstr(im->problems[i].text, words))
                        return;
        fail_msg("no '%s' in line %u of %s (%zu, first: %s)", words, line, text, im->n_problems,
                 im->problems[0].text);
}

static void good_files_of_both_kinds_say_the_same(void **state) {
        static const char csv[] = "badge_numbers,full_name,user,kind,state,not_after\n"
                                  "04A1B2C3 04a1b2c3d4e5f6,\"Berg, Anna\",anna,,,2030-01-01T00:00:00Z\n"
                                  ",Agency,agency1,agency,suspended,\n";
        static const char json[] =
                "[{\"user\":\"anna\",\"full_name\":\"Berg, Anna\",\"not_after\":\"2030-01-01T00:00:00Z\","
                "\"badge_numbers\":[\"04A1B2C3\",\"04a1b2c3d4e5f6\"],\"badge_tokens\":[\"X\"],\"ended\":"
                "null},\n"
                " {\"user\":\"agency1\",\"full_name\":\"Agency\",\"kind\":\"agency\",\"state\":"
                "\"suspended\"}] ";
        for (int i = 0; i < 2; i++) {
                _cleanup_(import_freep) struct import *im =
                        read_as(i ? FORMAT_JSON : FORMAT_CSV, i ? json : csv);
                assert_int_equal(im->n_problems, 0);
                assert_int_equal(im->n_people, 2);
                assert_int_equal(im->n_badges, 2);
                assert_string_equal(im->people[0].user, "anna");
                assert_string_equal(im->people[0].full_name, "Berg, Anna");
                assert_int_equal(im->people[0].not_after_usec, UINT64_C(1893456000000000));
                assert_int_equal(im->badges[1].number.n, 7);
                assert_int_equal(im->badges[1].person, 0);
                assert_int_equal(im->people[1].kind, PERSON_AGENCY);
                assert_int_equal(im->people[1].state, PERSON_SUSPENDED);
        }
}

static void each_mistake_is_told_with_its_line(void **state) {
#define HEAD "user,full_name,badge_numbers,kind,state\n"
        static const struct {
                const char *text;
                unsigned line;
                const char *words;
        } cases[] = {
                {"", 1, "The file is empty"},
                {"user\n", 1, "user and full_name must be there"},
                {"user,full_name,user\n", 1, "stands twice"},
                {"user,full_name,secret\n", 1, "is no title"},
                {HEAD "anna,Anna\n", 2, "has 2 fields, and the first one has 5"},
                {HEAD ",Anna,,,\n", 2, "The user is missing"},
                {HEAD "an na,Anna,,,\n", 2, "is no name that an account can have"},
                {HEAD "../etc,Anna,,,\n", 2, "is no name that an account can have"},
                {HEAD "anna,,,,\n", 2, "full name of anna is missing"},
                {HEAD "anna,An\033na,,,\n", 2, "not fit for a screen"},
                {HEAD "anna,\xe2\x80\xae"
                      "anna,,,\n",
                 2, "not fit for a screen"},
                {HEAD "anna,Anna,04A1,,\n", 2, "4 to 10 bytes in hexadecimal"},
                {HEAD "anna,Anna,04A1B2C3D4E5F601020304,,\n", 2, "4 to 10 bytes in hexadecimal"},
                {HEAD "anna,Anna,04A1B2CG,,\n", 2, "4 to 10 bytes in hexadecimal"},
                {HEAD "anna,Anna,08A1B2C3,,\n", 2, "begins with 08"},
                {HEAD "anna,Anna,,boss,\n", 2, "'permanent' or 'agency', not 'boss'"},
                {HEAD "anna,Anna,,,ended\n", 2, "Leave the line out"},
                {HEAD "anna,Anna,,,idle\n", 2, "'active' or 'suspended', not 'idle'"},
                {HEAD "anna,Anna,,,\nben,Ben,,,\nanna,Anna,,,\n", 4, "anna stands in line 2 too"},
                {HEAD "anna,Anna,04A1B2C3,,\nben,Ben,04a1b2c3,,\n", 3, "is also that of anna in line 2"},
                {HEAD "anna,Anna,04A1B2C3 04A1B2C3,,\n", 2, "stands twice with anna"},
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                expect_problem(FORMAT_CSV, cases[i].text, cases[i].line, cases[i].words);
}

static void each_mistake_of_json_is_told(void **state) {
        static const struct {
                const char *text;
                unsigned line;
                const char *words;
        } cases[] = {
                {"", 1, "must begin with ["},
                {"{}", 1, "must begin with ["},
                {"[]", 1, "nobody in the file"},
                {"[\n1]", 2, "A person is an object"},
                {"[null]", 1, "no JSON"},
                {"[\n{\"user\":\"a\",\"full_name\":\"A\"}", 2, "After a person comes a comma"},
                {"[{\"user\":\"a\",\"full_name\":\"A\"}] x", 1, "Something follows"},
                {"[{\"user\":\"a\",\"full_name\":\"A\"},]", 1, "no JSON"},
                {"[{\"user\":\"a\",\"full_name\":\"A\",\"pin\":1}]", 1, "'pin' is nothing"},
                {"[{\"user\":1,\"full_name\":\"A\"}]", 1, "'user' is no text"},
                {"[{\"user\":\"a\\u0000b\",\"full_name\":\"A\"}]", 1, "'user' is no text"},
                {"[{\"user\":\"a\",\"full_name\":\"A\\u0007\"}]", 1, "not fit for a screen"},
                {"[{\"user\":\"a\",\"full_name\":\"A\",\"badge_numbers\":\"04\"}]", 1, "is no array"},
                {"[{\"user\":\"a\",\"full_name\":\"A\",\"badge_numbers\":[\"\"]}]", 1, "is no number"},
                {"[{\"user\":\"a\",\"full_name\":\"A\",\"badge_numbers\":[[[[[]]]]]}]", 1, "no JSON"},
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                expect_problem(FORMAT_JSON, cases[i].text, cases[i].line, cases[i].words);
}

static void no_sentence_repeats_a_number(void **state) {
        _cleanup_(import_freep) struct import *im = read_as(
                FORMAT_CSV, HEAD "a,A,04A1B2C3,,\nb,B,04A1B2C3,,\nc,C,08A1B2C3,,\nd,D,04A1B2C3zz,,\n");
        assert_int_equal(im->n_problems, 3);
        for (size_t i = 0; i < im->n_problems; i++)
                assert_null(strstr(im->problems[i].text, "A1B2C3"));
}

static void only_the_first_mistakes_are_kept_and_all_are_counted(void **state) {
        _cleanup_(freep) char *text = malloc(64 * 1000);
        size_t n = (size_t) sprintf(text, HEAD);
        for (unsigned i = 0; i < 1000; i++)
                n += (size_t) sprintf(text + n, "x y,A,,,\n");
        _cleanup_(import_freep) struct import *im = read_as(FORMAT_CSV, text);
        assert_int_equal(im->n_problems, 1000);
        assert_int_equal(im->problems[IMPORT_PROBLEMS_MAX - 1].line, IMPORT_PROBLEMS_MAX + 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(csv_is_read_as_rfc_4180_says),
                cmocka_unit_test(what_is_written_is_read_again),
                cmocka_unit_test(too_much_in_a_line_is_a_mistake),
                cmocka_unit_test(good_files_of_both_kinds_say_the_same),
                cmocka_unit_test(each_mistake_is_told_with_its_line),
                cmocka_unit_test(each_mistake_of_json_is_told),
                cmocka_unit_test(no_sentence_repeats_a_number),
                cmocka_unit_test(only_the_first_mistakes_are_kept_and_all_are_counted),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
