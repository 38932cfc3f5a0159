/* SPDX-License-Identifier: Apache-2.0 */
/* Our lines in the text of a PAM service. */
#include "cli/pam_block.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "cli/pam_stack.h"
#include "common/util.h"

#define MARK_BEGIN                                                                                          \
        "# BEGIN wardtap: \"wardtap enable\" wrote this, \"wardtap disable\" takes it out. See "            \
        "wardtap(1).\n"
#define MARK_END "# END wardtap\n"

/* Asks nothing, and may well stand before our line: su by root must go on without a tap. pam_nologin asks
 * for a name. */
static bool asks_nothing(const struct pam_stack_line *line) {
        static const char *const quiet[] = {"pam_rootok.so", "pam_faildelay.so", "pam_env.so"};
        const char *value = strchr(line->control, '=');
        for (; value; value = strchr(value + 1, '='))
                if (value[1] >= '0' && value[1] <= '9') /* a jump, which would then land elsewhere */
                        return false;
        for (size_t i = 0; i < ELEMENTSOF(quiet); i++)
                if (strcmp(line->module, quiet[i]) == 0)
                        return true;
        return false;
}

/* The place of the first line that may ask. Comments right before it stay with it. */
static const char *find_place(const char *text) {
        const char *line = text, *after_words = text;
        struct pam_words w;
        for (const char *p = text;; line = p) {
                int r = pam_words_next(&p, &w);
                if (r < 0)
                        return NULL;
                if (r == 0)
                        continue;
                if (strcmp(w.type, "@include") == 0 ||
                    (strcasecmp(w.type, "auth") == 0 && !asks_nothing(&w.line)))
                        break;
                after_words = p;
        }
        /* Before the paragraph of comments that explains the line, but behind an empty line. */
        const char *place = line;
        while (place > after_words && place[-1] == '\n') {
                const char *before = place - 1;
                while (before > after_words && before[-1] != '\n')
                        before--;
                if (*before != '#' || before == text) /* the first comment of a file is about all of it */
                        break;
                place = before;
        }
        return place;
}

static void write_auth(FILE *f, unsigned what) {
        (void) fputs(MARK_BEGIN, f);
        (void) fprintf(f, "auth\t[success=done %sdefault=die]\t%s\n",
                       what & PAM_BLOCK_FALLBACK
                               ? "authinfo_unavail=ignore cred_unavail=ignore cred_err=ignore "
                               : "",
                       PAM_OURS);
        if (what & PAM_BLOCK_NOLOGIN)
                (void) fputs("account\trequisite\tpam_nologin.so\n", f);
        (void) fputs(MARK_END, f);
}

int pam_block_add(const char *text, unsigned what, char **ret) {
        _cleanup_(freep) char *out = NULL;
        size_t n = 0;
        const char *place = find_place(text);
        if (!place)
                return -ENODATA;
        if ((what & PAM_BLOCK_SESSION) && text[strlen(text) - 1] != '\n')
                return -EINVAL;
        FILE *f = open_memstream(&out, &n);
        if (!f)
                return -ENOMEM;
        (void) fwrite(text, 1, (size_t) (place - text), f);
        write_auth(f, what);
        (void) fputs(place, f);
        if (what & PAM_BLOCK_SESSION)
                (void) fprintf(f, "%ssession\trequired\t%s\n%s", MARK_BEGIN, PAM_OURS, MARK_END);
        bool failed = ferror(f) != 0;
        if (fclose(f) != 0 || failed)
                return -ENOMEM;
        *ret = TAKE_PTR(out);
        return 0;
}

bool pam_block_is_there(const char *text) {
        return strstr(text, MARK_BEGIN) || strstr(text, MARK_END);
}

int pam_block_remove(const char *text, char **ret) {
        _cleanup_(freep) char *out = strdup(text);
        char *begin, *end;
        if (!out)
                return -ENOMEM;
        if (!pam_block_is_there(out))
                return -ENOENT;
        while ((begin = strstr(out, MARK_BEGIN))) {
                char *inside = begin + strlen(MARK_BEGIN), *next = strstr(inside, MARK_BEGIN);
                if (!(end = strstr(inside, MARK_END)) || (next && next < end))
                        return -EBADMSG;
                end += strlen(MARK_END);
                memmove(begin, end, strlen(end) + 1);
        }
        if (strstr(out, MARK_END))
                return -EBADMSG;
        *ret = TAKE_PTR(out);
        return 0;
}
