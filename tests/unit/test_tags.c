/* SPDX-License-Identifier: Apache-2.0 */
/* Which tags a station has, and that everybody takes the same. */
#include "policy/tags.h"

#include "common/util.h"
#include "helper/station.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f) {
        return remove(path);
}

static void put(const char *folder, const char *name, const char *text, mode_t mode) {
        char path[128];
        (void) snprintf(path, sizeof(path), "%s/%s", folder, name);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        assert_int_equal(fchmod(fd, mode), 0);
        assert_int_equal(close(fd), 0);
}

static bool has(const struct tags *t, const char *word) {
        for (size_t i = 0; i < t->words.n; i++)
                if (strcmp(t->words.words[i], word) == 0)
                        return true;
        return false;
}

static void only_roots_files_give_tags(void **state) {
        static struct tags t;
        char *own[] = {(char *) "ward3", NULL}, folder[] = "/tmp/wardtap-tags-XXXXXX", path[128];
        char long_text[TAGS_BYTES + 2] = "";
        const struct words of_rules = {own, 1};
        if (geteuid() != 0) {
                (void) printf("needs root: files of root are what it is about\n");
                skip();
        }
        assert_non_null(mkdtemp(folder));
        put(folder, "place", "or  icu\n", 0644);
        put(folder, "loose", "open\n", 0666);
        memset(long_text, 'l', sizeof(long_text) - 1);
        memcpy(long_text, "begin ", 6);
        put(folder, "long", long_text, 0644);
        put(folder, "odd", "good ../bad b=c\n", 0644);
        put(folder, ".hidden", "hidden\n", 0644);
        (void) snprintf(path, sizeof(path), "%s/fifo", folder);
        assert_int_equal(mkfifo(path, 0644), 0);
        (void) snprintf(path, sizeof(path), "%s/link", folder);
        assert_int_equal(symlink("/etc/hostname", path), 0);
        put(folder, "theirs", "theirs\n", 0644);
        (void) snprintf(path, sizeof(path), "%s/theirs", folder);
        assert_int_equal(chown(path, 1000, 1000), 0);
        tags_collect(&of_rules, folder, &t);
        assert_int_equal(t.words.n, 4);
        assert_true(has(&t, "ward3") && has(&t, "or") && has(&t, "icu") && has(&t, "good"));
        assert_null(t.words.words[t.words.n]);
        assert_int_equal(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
        tags_collect(&of_rules, folder, &t);
        assert_int_equal(t.words.n, 1);
}

static void tags_have_an_end(void **state) {
        static struct tags t;
        static char *many[200];
        const struct words of_rules = {many, 200};
        for (size_t i = 0; i < ELEMENTSOF(many); i++)
                many[i] = (char *) "x";
        tags_collect(&of_rules, "/nonexistent", &t);
        assert_int_equal(t.words.n, TAGS_MAX);
        tags_collect(NULL, "/nonexistent", &t);
        assert_int_equal(t.words.n, 0);
        assert_null(t.words.words[0]);
}

/* What stands in a record: the rules' tags have no part in it here, since there are no rules. */
static void a_record_has_them_sorted_and_each_once(void **state) {
        char folder[] = "/tmp/wardtap-tags-XXXXXX", text[4 * 65 + 1] = "";
        if (geteuid() != 0) {
                (void) printf("needs root: files of root are what it is about\n");
                skip();
        }
        assert_non_null(mkdtemp(folder));
        const struct station_config c = {.snapshot = "/nonexistent", .tags_dir = folder};
        _cleanup_(station_freep) struct station *s = NULL;
        put(folder, "one", "or icu\r\nacute", 0644);
        put(folder, "two", "icu b=c ward3", 0644);
        assert_int_equal(station_new(&c, &s), 0);
        assert_string_equal(station_tags(s), "acute icu or ward3");
        assert_false(station_refresh(s));
        /* Four words of 64 characters do not fit into 256: what comes first stands. */
        for (size_t i = 0; i < 4; i++) {
                memset(text + 65 * i, 'a' + (int) i, 64);
                text[65 * i + 64] = ' ';
        }
        put(folder, "three", text, 0644);
        assert_true(station_refresh(s));
        assert_int_equal(strlen(station_tags(s)), 3 * 65 + strlen("acute"));
        assert_int_equal(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
        assert_true(station_refresh(s));
        assert_string_equal(station_tags(s), "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(only_roots_files_give_tags),
                cmocka_unit_test(tags_have_an_end),
                cmocka_unit_test(a_record_has_them_sorted_and_each_once),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
