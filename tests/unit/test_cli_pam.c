/* SPDX-License-Identifier: Apache-2.0 */
/* Our lines in a PAM service stand where they must, and taking them out leaves the file as it was. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cli/pam_block.h"
#include "cli/pam_stack.h"
#include "common/util.h"

/* Last: it has a fail() of its own. */
#include <cmocka.h>

#define OURS                                                                                                \
        "auth\t[success=done authinfo_unavail=ignore cred_unavail=ignore cred_err=ignore "                  \
        "default=die]\tpam_wardtap.so\n"

static const char lightdm[] = "#%PAM-1.0\n\n# Block login if they are globally disabled\n"
                              "auth      requisite pam_nologin.so\n\n@include common-auth\n"
                              "session required pam_limits.so\n@include common-session";

static void adding_and_removing_is_nothing(void **state) {
        static const char *const texts[] = {
                lightdm,
                "auth required pam_unix.so",
                "@include common-auth\n",
                "# about\n\n\n# this\n-auth optional x.so\n",
                "auth sufficient pam_rootok.so\nauth \\\n required pam_unix.so\n",
        };
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_(freep) char *with = NULL, *without = NULL;
                assert_int_equal(pam_block_add(texts[i], PAM_BLOCK_FALLBACK | PAM_BLOCK_NOLOGIN, &with), 0);
                assert_true(pam_block_is_there(with));
                assert_int_equal(pam_block_remove(with, &without), 0);
                assert_string_equal(without, texts[i]);
                assert_false(pam_block_is_there(without));
        }
}

static void the_line_comes_before_what_asks_for_a_name(void **state) {
        _cleanup_(freep) char *with = NULL;
        assert_int_equal(pam_block_add(lightdm, PAM_BLOCK_FALLBACK, &with), 0);
        const char *ours = strstr(with, OURS), *comment = strstr(with, "# Block login");
        assert_non_null(ours);
        assert_true(ours < comment); /* a comment stays with the line it explains */
        assert_true(strstr(with, "#%PAM-1.0") == with);
}

static void root_needs_no_tap_for_su(void **state) {
        _cleanup_(freep) char *with = NULL, *jump = NULL;
        assert_int_equal(pam_block_add("auth sufficient pam_rootok.so\nauth required pam_unix.so\n",
                                       PAM_BLOCK_FALLBACK, &with),
                         0);
        assert_true(strstr(with, "pam_rootok.so") < strstr(with, "pam_wardtap.so"));
        /* A jump counts lines: ours must not come between. */
        assert_int_equal(
                pam_block_add("auth [success=1 default=ignore] pam_rootok.so\nauth required pam_unix.so\n",
                              PAM_BLOCK_FALLBACK, &jump),
                0);
        assert_true(strstr(jump, "pam_rootok.so") > strstr(jump, "pam_wardtap.so"));
}

static void without_fallback_nothing_is_ignored(void **state) {
        _cleanup_(freep) char *with = NULL;
        assert_int_equal(pam_block_add(lightdm, 0, &with), 0);
        assert_null(strstr(with, "ignore"));
        assert_non_null(strstr(with, "auth\t[success=done default=die]\tpam_wardtap.so\n"));
}

static void what_cannot_be_done_is_refused(void **state) {
        char *out = NULL;
        _cleanup_(freep) char *with = NULL;
        assert_int_equal(pam_block_add("session required pam_limits.so\n", 0, &out), -ENODATA);
        assert_int_equal(pam_block_add("", 0, &out), -ENODATA);
        assert_int_equal(pam_block_add(lightdm, PAM_BLOCK_SESSION, &out),
                         -EINVAL); /* its last line has no end */
        assert_int_equal(pam_block_remove(lightdm, &out), -ENOENT);
        assert_int_equal(pam_block_add(lightdm, 0, &with), 0);
        char *end = strstr(with, "# END wardtap");
        end[2] = 'e';
        assert_int_equal(pam_block_remove(with, &out), -EBADMSG);
        assert_null(out);
}

static void put(const char *folder, const char *name, const char *text) {
        char path[256];
        (void) snprintf(path, sizeof(path), "%s/%s", folder, name);
        FILE *f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static void a_stack_is_read_as_libpam_reads_it(void **state) {
        struct pam_stack s;
        char folder[] = "/tmp/pam-XXXXXX", path[256], text[512];
        static const char *const files[] = {"a", "b", "c", "d", "round", "pam_y.so"};
        assert_non_null(mkdtemp(folder));
        put(folder, "a",
            "# x\n@include b\nAUTH required /lib/security/pam_unix.so nullok # why\n"
            "auth include c\nsession required pam_x.so\n-auth optional pam_not_here.so\n@include d\n");
        (void) snprintf(path, sizeof(path), "%s/pam_y.so", folder);
        (void) snprintf(text, sizeof(text), "-auth\t[success=1 \\\n default=ignore] %s\n", path);
        put(folder, "pam_y.so", "");
        put(folder, "d", text);
        put(folder, "b", "auth requisite pam_nologin.so\naccount required pam_z.so\n");
        put(folder, "c", "auth substack b\nsession optional pam_w.so\n");
        put(folder, "round", "@include round\n");
        assert_int_equal(pam_stack_load(folder, "a", "auth", &s), 0);
        assert_int_equal(s.n, 4);
        assert_string_equal(s.lines[0].module, "pam_nologin.so");
        assert_string_equal(s.lines[0].file, "b");
        assert_string_equal(s.lines[1].module, "pam_unix.so");
        assert_string_equal(s.lines[1].rest, "nullok ");
        assert_string_equal(s.lines[3].module, "pam_y.so");
        assert_string_equal(s.lines[3].control, "[success=1   default=ignore]");
        assert_int_equal(pam_stack_find(&s, "pam_nologin.so", 1), 2);
        assert_int_equal(pam_stack_find(&s, "pam_w.so", 0), -1);
        assert_int_equal(pam_stack_load(folder, "a", "session", &s), 0);
        assert_int_equal(s.n, 1); /* "auth include" brings no session lines */
        assert_int_equal(pam_stack_load(folder, "round", "auth", &s), -ELOOP);
        assert_int_equal(pam_stack_load(folder, "gone", "auth", &s), -ENOENT);
        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                (void) snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
                assert_int_equal(unlink(path), 0);
        }
        assert_int_equal(rmdir(folder), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(adding_and_removing_is_nothing),
                cmocka_unit_test(the_line_comes_before_what_asks_for_a_name),
                cmocka_unit_test(root_needs_no_tap_for_su),
                cmocka_unit_test(without_fallback_nothing_is_ignored),
                cmocka_unit_test(what_cannot_be_done_is_refused),
                cmocka_unit_test(a_stack_is_read_as_libpam_reads_it),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
