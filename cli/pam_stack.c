/* SPDX-License-Identifier: Apache-2.0 */
/* Reading PAM stacks (pam.conf(5)). */
#include "cli/pam_stack.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "cli/file.h"
#include "common/util.h"

#define INCLUDES_MAX 8U
#define LINE_MAX_BYTES 1024U

/* Joins escaped newlines, cuts the comment off. */
static int take_line(const char **text, char *ret, size_t size) {
        const char *p = *text;
        size_t n = 0;
        bool comment = false;
        if (!*p)
                return -ENODATA;
        for (; *p && *p != '\n'; p++) {
                char c = *p;
                if (c == '\\' && p[1] == '\n') {
                        c = ' ';
                        p++;
                }
                comment = comment || c == '#';
                if (comment)
                        continue;
                if (n + 1 >= size)
                        return -EMSGSIZE;
                ret[n++] = c;
        }
        ret[n] = 0;
        *text = *p ? p + 1 : p;
        return 0;
}

/* A word, or everything between brackets; empty at the end. */
static int take_word(char **p, char *ret, size_t size) {
        *p += strspn(*p, " \t\r");
        size_t n = **p == '[' ? strcspn(*p, "]") + 1 : strcspn(*p, " \t\r");
        if (n > strlen(*p))
                n = strlen(*p);
        if (n >= size)
                return -EMSGSIZE;
        memcpy(ret, *p, n);
        ret[n] = 0;
        *p += n;
        return 0;
}

int pam_words_next(const char **text, struct pam_words *ret) {
        struct pam_words w = {0};
        char buf[LINE_MAX_BYTES], *p = buf;
        int r = take_line(text, buf, sizeof(buf));
        if (r < 0)
                return r;
        if ((r = take_word(&p, w.type, sizeof(w.type))) < 0)
                return r;
        if (!w.type[0])
                return 0;
        w.optional = w.type[0] == '-';
        if (w.optional)
                memmove(w.type, w.type + 1, strlen(w.type));
        if (strcmp(w.type, "@include") != 0 &&
            (r = take_word(&p, w.line.control, sizeof(w.line.control))) < 0)
                return r;
        if ((r = take_word(&p, w.path, sizeof(w.path))) < 0)
                return r;
        const char *slash = strrchr(w.path, '/');
        (void) snprintf(w.line.module, sizeof(w.line.module), "%.90s", slash ? slash + 1 : w.path);
        p += strspn(p, " \t\r");
        (void) snprintf(w.line.rest, sizeof(w.line.rest), "%.250s", p);
        *ret = w;
        return 1;
}

static bool is_include(const struct pam_words *w, const char *type) {
        return strcmp(w->type, "@include") == 0 ||
               (strcasecmp(w->type, type) == 0 &&
                (strcmp(w->line.control, "include") == 0 || strcmp(w->line.control, "substack") == 0));
}

/* Debian's stacks name keyrings and the like with a "-", installed or not. */
static bool is_installed(const char *module) {
        char path[PATH_MAX];
        (void) snprintf(path, sizeof(path), "%s%s", module[0] == '/' ? "" : PAM_MODULE_FOLDER "/", module);
        return access(path, F_OK) == 0;
}

static int load(const char *folder, const char *file, const char *type, unsigned depth,
                struct pam_stack *s) {
        _cleanup_(freep) char *text = NULL;
        char path[512];
        struct pam_words w;
        if (depth > INCLUDES_MAX)
                return -ELOOP;
        (void) snprintf(path, sizeof(path), "%.250s/%.120s", folder, file);
        int r = file_read(path, &text, NULL, NULL);
        if (r < 0)
                return r;
        for (const char *p = text; (r = pam_words_next(&p, &w)) >= 0;) {
                if (r == 0)
                        continue;
                if (is_include(&w, type)) {
                        if ((r = load(folder, w.line.module, type, depth + 1, s)) < 0)
                                return r;
                        continue;
                }
                if (strcasecmp(w.type, type) != 0 || (w.optional && !is_installed(w.path)))
                        continue;
                if (s->n == PAM_STACK_MAX)
                        return -E2BIG;
                (void) snprintf(w.line.file, sizeof(w.line.file), "%.120s", file);
                s->lines[s->n++] = w.line;
        }
        return r == -ENODATA ? 0 : r;
}

int pam_stack_load(const char *folder, const char *service, const char *type, struct pam_stack *ret) {
        ret->n = 0;
        return load(folder, service, type, 0, ret);
}

int pam_stack_find(const struct pam_stack *s, const char *module, size_t from) {
        for (size_t i = from; i < s->n; i++)
                if (strcmp(s->lines[i].module, module) == 0)
                        return (int) i;
        return -1;
}

static bool listed(const char *module, const char *const *list) {
        for (; *list; list++)
                if (strcmp(module, *list) == 0)
                        return true;
        return false;
}

bool pam_module_takes_password(const char *module) {
        static const char *const list[] = {"pam_unix.so",
                                           "pam_sss.so",
                                           "pam_ldap.so",
                                           "pam_krb5.so",
                                           "pam_winbind.so",
                                           "pam_ccreds.so",
                                           "pam_userdb.so",
                                           "pam_pwdfile.so",
                                           "pam_radius.so",
                                           "pam_radius_auth.so",
                                           "pam_himmelblau.so",
                                           "pam_aad.so",
                                           NULL};
        return listed(module, list);
}

bool pam_module_authenticates(const char *module) {
        static const char *const list[] = {"pam_u2f.so",
                                           "pam_pkcs11.so",
                                           "pam_p11.so",
                                           "pam_oath.so",
                                           "pam_google_authenticator.so",
                                           "pam_duo.so",
                                           "pam_fprintd.so",
                                           "pam_yubico.so",
                                           NULL};
        return pam_module_takes_password(module) || listed(module, list);
}

const char *const pam_station_services[] = {
        "login",    "lightdm",      "gdm-password",      "sddm",   "xdm",      "sudo", "su",
        "polkit-1", "xscreensaver", "xfce4-screensaver", "i3lock", "swaylock", "kde",  NULL};

bool pam_station_has(const char *service) {
        return listed(service, pam_station_services);
}

enum pam_password pam_stack_password(const struct pam_stack *auth) {
        int ours = pam_stack_find(auth, PAM_OURS, 0);
        bool takes = false;
        for (size_t i = 0; i < auth->n; i++)
                takes = takes || ((int) i != ours && pam_module_takes_password(auth->lines[i].module));
        if (!takes)
                return PAM_PASSWORD_NEVER;
        if (ours < 0)
                return PAM_PASSWORD_ALONE;
        const char *control = auth->lines[ours].control;
        if (!strstr(control, "default=die"))
                return PAM_PASSWORD_AFTER;
        return strstr(control, "authinfo_unavail=ignore") ? PAM_PASSWORD_FALLBACK : PAM_PASSWORD_NEVER;
}
