/* SPDX-License-Identifier: Apache-2.0 */
/* The result of authenticate, kept in the PAM handle with pam_set_data. */
#include "pam_module/kept.h"

#include "common/util.h"

#include <errno.h>
#include <stdio.h>
#include <sys/types.h>

#define ATTEMPT_VARIABLE "WARDTAP_ATTEMPT"

struct kept {
        pid_t pid; /* of the process that made it */
        struct judged judged;
};

struct kept_name {
        char s[sizeof("pam_wardtap/2147483647")];
};

static struct kept_name kept_name(void) {
        struct kept_name name;
        (void) snprintf(name.s, sizeof(name.s), "pam_wardtap/%d", (int) getpid());
        return name;
}

/* Called by libpam. It is memory only, so PAM_DATA_SILENT asks for nothing more; in a child it is the
 * parent's (after vfork the very same memory). */
static void kept_free(pam_handle_t *pamh, void *data, int status) {
        struct kept *k = data;
        if (!k || k->pid != getpid())
                return;
        explicit_bzero(k, sizeof(*k));
        free(k);
}

static struct kept *find(pam_handle_t *pamh) {
        const void *data = NULL;
        struct kept_name name = kept_name();
        if (pam_get_data(pamh, name.s, &data) != PAM_SUCCESS)
                return NULL;
        return (struct kept *) data; /* ours: only this file puts something under that name */
}

int kept_name_attempt(pam_handle_t *pamh, const struct judged *j) {
        char variable[sizeof(ATTEMPT_VARIABLE "=") + sizeof(j->attempt)];
        if (!j) {
                if (pam_getenv(pamh, ATTEMPT_VARIABLE))
                        (void) pam_putenv(pamh, ATTEMPT_VARIABLE);
                return 0;
        }
        (void) snprintf(variable, sizeof(variable), ATTEMPT_VARIABLE "=%s", j->attempt);
        return pam_putenv(pamh, variable) == PAM_SUCCESS ? 0 : -ENOMEM;
}

int kept_begin(pam_handle_t *pamh) {
        struct kept *old = find(pamh);
        if (old) /* whatever fails from here on, the earlier yes does not outlive this attempt */
                old->judged = (struct judged){.outcome = OUTCOME_DENY};
        (void) kept_name_attempt(pamh, NULL);
        if (old)
                return 0;
        struct kept *k = calloc(1, sizeof(*k));
        if (!k)
                return -ENOMEM;
        k->pid = getpid();
        struct kept_name name = kept_name();
        if (pam_set_data(pamh, name.s, k, kept_free) != PAM_SUCCESS) {
                free(k);
                return -ENOMEM;
        }
        return 0;
}

int kept_end(pam_handle_t *pamh, const struct judged *j) {
        struct kept *k = find(pamh);
        if (!k)
                return -ENOMEM;
        if (j->outcome == OUTCOME_ALLOW && kept_name_attempt(pamh, j) < 0)
                return -ENOMEM;
        k->judged = *j;
        return 0;
}

const struct judged *kept_get(pam_handle_t *pamh) {
        const struct kept *k = find(pamh);
        return k ? &k->judged : NULL;
}

static bool item_is(pam_handle_t *pamh, int type, const char *name) {
        const void *item = NULL;
        return pam_get_item(pamh, type, &item) == PAM_SUCCESS && item && strcmp(item, name) == 0;
}

bool kept_same_person(pam_handle_t *pamh, const struct judged *j) {
        return j->user[0] && (item_is(pamh, PAM_USER, j->user) || item_is(pamh, PAM_RUSER, j->user));
}
