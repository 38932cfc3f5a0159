/* SPDX-License-Identifier: Apache-2.0 */
/* The module's hooks, driven by whatever an attempt may say. First byte: the application (below); then
 * messages, each with a 16-bit length. Success must have been said, and must be about PAM_USER. libpam is
 * played here. */
#include "pam_module/relay.h"
#include "pam_module/services.h"
#include "common/wire.h"

#include "common/socket.h"
#include "common/util.h"

#include <errno.h>
#include <poll.h>
#include <security/pam_ext.h>
#include <stdio.h>

enum { USER_GIVEN = 1, SILENT = 2, NO_CONV = 4, CONV_FAILS = 8, CONV_EMPTY = 16, CONV_LONG = 32 };

struct pam_handle {
        unsigned how;
        char *user;
        void *data;
        void (*cleanup)(pam_handle_t *, void *, int);
        char attempt[64]; /* WARDTAP_ATTEMPT=... */
        struct pam_conv conv;
};

static struct bytes said; /* the messages of this input */
static int peer = -1;

/* ---- libpam ---- */

static int no_conversation(int n, const struct pam_message **m, struct pam_response **r, void *data) {
        return PAM_CONV_ERR;
}

int pam_get_item(const pam_handle_t *h, int type, const void **ret) {
        *ret = type == PAM_SERVICE                       ? "lightdm"
               : type == PAM_USER                        ? h->user
               : type == PAM_CONV && !(h->how & NO_CONV) ? (const void *) &h->conv
                                                         : NULL;
        return PAM_SUCCESS;
}

int pam_set_item(pam_handle_t *h, int type, const void *item) {
        if (type != PAM_USER)
                abort();
        char *copy = item ? strdup(item) : NULL;
        free(h->user);
        h->user = copy;
        return PAM_SUCCESS;
}

int pam_set_data(pam_handle_t *h, const char *name, void *data,
                 void (*cleanup)(pam_handle_t *, void *, int)) {
        if (h->data)
                h->cleanup(h, h->data, PAM_DATA_REPLACE);
        h->data = data;
        h->cleanup = cleanup;
        return PAM_SUCCESS;
}

int pam_get_data(const pam_handle_t *h, const char *name, const void **ret) {
        *ret = h->data;
        return h->data ? PAM_SUCCESS : PAM_NO_MODULE_DATA;
}

const char *pam_getenv(pam_handle_t *h, const char *name) {
        size_t n = strlen(name);
        return strncmp(h->attempt, name, n) == 0 && h->attempt[n] == '=' ? h->attempt + n + 1 : NULL;
}

int pam_putenv(pam_handle_t *h, const char *s) {
        (void) snprintf(h->attempt, sizeof(h->attempt), "%s", strchr(s, '=') ? s : "");
        return PAM_SUCCESS;
}

int pam_fail_delay(pam_handle_t *h, unsigned usec) {
        return PAM_SUCCESS;
}

void pam_syslog(const pam_handle_t *h, int priority, const char *format, ...) {
}

int pam_prompt(pam_handle_t *h, int style, char **response, const char *format, ...) {
        static const char much[WIRE_ANSWER_MAX + 2] = {[0 ... WIRE_ANSWER_MAX] = 'a'};
        if (h->how & CONV_FAILS)
                return PAM_CONV_ERR;
        if (style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON)
                *response = strdup(h->how & CONV_LONG ? much : h->how & CONV_EMPTY ? "" : "123456");
        return PAM_SUCCESS;
}

/* ---- the station ---- */

int __wrap_services_name(const char *path, const char *service);
int __wrap_services_name(const char *path, const char *service) {
        return 1;
}

static bool take_said(struct bytes *rest, struct bytes *ret) {
        return rest->n > 0 && bytes_take_blob(rest, 0, SOCKET_MESSAGE_MAX, ret) == 0;
}

/* No pause between two attempts. */
int __real_ppoll(struct pollfd *p, nfds_t n, const struct timespec *ts, const sigset_t *mask);
int __wrap_ppoll(struct pollfd *p, nfds_t n, const struct timespec *ts, const sigset_t *mask);
int __wrap_ppoll(struct pollfd *p, nfds_t n, const struct timespec *ts, const sigset_t *mask) {
        return n == 0 ? 0 : __real_ppoll(p, n, ts, mask);
}

/* Everything the attempt will ever say is in the socket before the module reads. The next two say the same.
 */
static unsigned connects;
int __wrap_socket_connect(const char *path, uid_t uid, int *ret_fd);
int __wrap_socket_connect(const char *path, uid_t uid, int *ret_fd) {
        int fds[2];
        if (++connects > 3)
                return -ECONNREFUSED;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
                abort();
        struct bytes rest = said, m;
        while (take_said(&rest, &m))
                (void) socket_send(fds[0], m.p, m.n);
        (void) shutdown(fds[0], SHUT_WR);
        closep(&peer);
        peer = fds[0];
        *ret_fd = fds[1];
        return 0;
}

static bool was_said(enum wire_verdict verdict) {
        struct bytes rest = said, part;
        while (take_said(&rest, &part)) {
                struct wire_message m;
                if (wire_read(part, &m) == 0 && m.type == WIRE_VERDICT && m.verdict.verdict == verdict)
                        return true;
        }
        return false;
}

static void must(bool ok) {
        if (!ok)
                abort();
}

static void check(pam_handle_t *h, int code, const char *user_before) {
        must(code == PAM_SUCCESS || code == PAM_AUTH_ERR || code == PAM_AUTHINFO_UNAVAIL ||
             code == PAM_MAXTRIES || code == PAM_CONV_ERR);
        if (code != PAM_SUCCESS) {
                must(!h->attempt[0] && pam_sm_setcred(h, 0, 0, NULL) != PAM_SUCCESS);
                must(user_before ? h->user && strcmp(h->user, user_before) == 0 : !h->user);
                return;
        }
        must(was_said(WIRE_ALLOW) && h->user && h->user[0]);
        must(!user_before || strcmp(h->user, user_before) == 0);
        must(strlen(h->attempt) == strlen("WARDTAP_ATTEMPT=") + 32);
        must(pam_sm_setcred(h, 0, 0, NULL) == PAM_SUCCESS);
        connects = 0;
        int opened = pam_sm_open_session(h, 0, 0, NULL);
        must(opened == PAM_SESSION_ERR || (opened == PAM_SUCCESS && was_said(WIRE_ALLOW)));
        must(pam_set_item(h, PAM_USER, "another") == PAM_SUCCESS);
        must(pam_sm_setcred(h, 0, 0, NULL) == PAM_CRED_ERR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size < 1 || size > 65536)
                return 0;
        pam_handle_t h = {.how = data[0], .conv = {no_conversation, NULL}};
        const char *user = h.how & USER_GIVEN ? "nurse1" : NULL;
        said = (struct bytes){data + 1, size - 1};
        connects = 0;
        (void) pam_set_item(&h, PAM_USER, user);
        check(&h, pam_sm_authenticate(&h, h.how & SILENT ? PAM_SILENT : 0, 0, NULL), user);
        (void) pam_set_data(&h, "", NULL, NULL);
        free(h.user);
        closep(&peer);
        return 0;
}
