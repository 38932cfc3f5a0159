/* SPDX-License-Identifier: Apache-2.0 */
/* station_worker: one conversation of LightDM with PAM, as its session child has it (LightDM 1.26):
 * authenticate, acct_mgmt, then either setcred(REINITIALIZE) for a session that is there already, or
 * setcred(ESTABLISH) and open_session, and it lives as long as the session.
 *
 *   station_worker CGROUP SERVICE greeter|switch [USER]
 *
 * Says on standard output: "say TEXT", "prompt TEXT", "auth CODE PROMPTED USER", "open CODE ATTEMPT",
 * "resumed". Hears on standard input: "answer TEXT", "resume", "open ID SEAT VT UID"; its end closes the
 * session. A switch has nobody to talk to: what is said is dropped, a prompt fails. */
#include "common/bytes.h"
#include "common/util.h"

#include <fcntl.h>
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

struct conversation {
        const char *cgroup;
        bool greeter, prompted;
        char *line;
        size_t size;
};

static const char *hear(struct conversation *c) {
        ssize_t n = getline(&c->line, &c->size, stdin);
        if (n <= 0)
                return NULL;
        if (c->line[n - 1] == '\n')
                c->line[n - 1] = 0;
        return c->line;
}

static int answer(struct conversation *c, const struct pam_message *m, struct pam_response *r) {
        const char *line;
        switch (m->msg_style) {
        case PAM_TEXT_INFO:
        case PAM_ERROR_MSG:
                if (c->greeter)
                        (void) printf("say %s\n", m->msg);
                return PAM_SUCCESS;
        default:
                if (!c->greeter)
                        return PAM_CONV_ERR;
                c->prompted = true;
                (void) printf("prompt %s\n", m->msg);
                line = hear(c);
                if (!line || strncmp(line, "answer ", 7) != 0)
                        return PAM_CONV_ERR;
                r->resp = strdup(line + 7);
                return r->resp ? PAM_SUCCESS : PAM_BUF_ERR;
        }
}

static int converse(int n, const struct pam_message **m, struct pam_response **ret, void *data) {
        struct pam_response *all = calloc((size_t) n, sizeof(*all));
        if (!all)
                return PAM_BUF_ERR;
        for (int i = 0; i < n; i++) {
                int r = answer(data, m[i], &all[i]);
                if (r != PAM_SUCCESS) {
                        for (int j = 0; j < i; j++)
                                free(all[j].resp);
                        free(all);
                        return r;
                }
        }
        *ret = all;
        return PAM_SUCCESS;
}

static void no_delay(int code, unsigned usec, void *data) {
        (void) code;
        (void) usec;
        (void) data;
}

/* As pam_systemd does: the process moves to the scope of the session, whose name stands in the environment.
 */
static void join_scope(const struct conversation *c, pam_handle_t *h, char *words) {
        char path[400], text[100];
        char *rest = words, *id = strsep(&rest, " "), *seat = strsep(&rest, " "), *vt = strsep(&rest, " ");
        (void) snprintf(path, sizeof(path), "%s/user.slice/user-%s.slice", c->cgroup, rest);
        (void) mkdir(path, 0755);
        (void) snprintf(path, sizeof(path), "%s/user.slice/user-%s.slice/session-%s.scope", c->cgroup, rest,
                        id);
        (void) mkdir(path, 0755);
        (void) strcat(path, "/cgroup.procs");
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, "0", 1) != 1)
                (void) fprintf(stderr, "cannot join %s\n", path);
        (void) snprintf(text, sizeof(text), "XDG_SESSION_ID=%s", id);
        (void) pam_putenv(h, text);
        (void) snprintf(text, sizeof(text), "XDG_SEAT=%s", seat);
        (void) pam_putenv(h, text);
        (void) snprintf(text, sizeof(text), "XDG_VTNR=%s", vt);
        (void) pam_putenv(h, text);
}

static int hold(struct conversation *c, pam_handle_t *h, char *words) {
        int r = pam_setcred(h, PAM_ESTABLISH_CRED);
        if (r == PAM_SUCCESS) {
                join_scope(c, h, words);
                r = pam_open_session(h, 0);
        }
        const char *attempt = pam_getenv(h, "WARDTAP_ATTEMPT");
        (void) printf("open %d %s\n", r, attempt ? attempt : "");
        if (r != PAM_SUCCESS)
                return r;
        while (hear(c))
                ;
        return pam_close_session(h, 0);
}

static int go_on(struct conversation *c, pam_handle_t *h) {
        const char *line = hear(c);
        if (!line)
                return PAM_ABORT;
        if (strncmp(line, "open ", 5) == 0)
                return hold(c, h, c->line + 5);
        int r = pam_setcred(h, PAM_REINITIALIZE_CRED);
        (void) printf("resumed %d\n", r);
        return r;
}

int main(int argc, char **argv) {
        struct conversation c = {0};
        const struct pam_conv conv = {converse, &c};
        pam_handle_t *h = NULL;
        const void *user = NULL;
        if (argc < 4 || argc > 5)
                return 2;
        c.cgroup = argv[1];
        c.greeter = strcmp(argv[3], "greeter") == 0;
        (void) setvbuf(stdout, NULL, _IOLBF, 0);
        if (pam_start(argv[2], argc == 5 ? argv[4] : NULL, &conv, &h) != PAM_SUCCESS)
                return 100;
        (void) pam_set_item(h, PAM_FAIL_DELAY, (const void *) no_delay);
        int r = pam_authenticate(h, 0);
        if (r == PAM_SUCCESS)
                r = pam_acct_mgmt(h, 0);
        (void) pam_get_item(h, PAM_USER, &user);
        (void) printf("auth %d %d %s\n", r, c.prompted, user ? (const char *) user : "");
        if (r == PAM_SUCCESS)
                r = go_on(&c, h);
        (void) pam_end(h, r);
        free(c.line);
        return r == PAM_SUCCESS ? 0 : 1;
}
