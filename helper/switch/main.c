/* SPDX-License-Identifier: Apache-2.0 */
/* wardtap-switch UID[-ATTEMPT]: one PAM transaction for a person who is to come to the screen, so that the
 * account rules hold at a tap as they do at a sign-in. Run by wardtap-switch@.service alone.
 * wardtap-switch account UID: PAM's account phase alone, for a person who is signed in. Run by
 * wardtap-account@.service alone. Both show nothing and change nothing; the exit status says what came of it
 * (man wardtapd). */
#include "common/broker.h"
#include "common/util.h"
#include "helper/switch/instance.h"

#include <errno.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdio.h>

enum status {
        ALLOWED = 0,
        NOT_LET_IN = 1,
        ACCOUNT_REFUSED = 2,
        NO_CREDENTIALS = 3,
        NOBODY = 4,
        NOT_SAID = 5, /* account: neither allowed nor refused */
        MISUSED = 64
};

/* Nobody is there to be asked: whoever asks is refused. Words are of no use to anybody either. */
static int no_answer(int n, const struct pam_message **messages, struct pam_response **ret, void *data) {
        for (int i = 0; i < n; i++)
                if (messages[i]->msg_style != PAM_TEXT_INFO && messages[i]->msg_style != PAM_ERROR_MSG)
                        return PAM_CONV_ERR;
        if (n <= 0 || n > PAM_MAX_NUM_MSG || !(*ret = calloc((size_t) n, sizeof(**ret))))
                return PAM_CONV_ERR;
        return PAM_SUCCESS;
}

static enum status say(pam_handle_t *pamh, const char *what, int result, enum status status) {
        (void) fprintf(stderr, "%s: %s\n", what, pam_strerror(pamh, result));
        return status;
}

static bool is_still(pam_handle_t *pamh, const char *user) {
        const void *item = NULL;
        return pam_get_item(pamh, PAM_USER, &item) == PAM_SUCCESS && item && strcmp(item, user) == 0;
}

static enum status ask(pam_handle_t *pamh, const char *user, int *ret_last) {
        int r = *ret_last = pam_authenticate(pamh, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
        if (r != PAM_SUCCESS || !is_still(pamh, user))
                return say(pamh, "Not let in", r, NOT_LET_IN);
        r = *ret_last = pam_acct_mgmt(pamh, PAM_SILENT);
        if (r != PAM_SUCCESS || !is_still(pamh, user))
                return say(pamh, "Refused by the account rules", r, ACCOUNT_REFUSED);
        r = *ret_last = pam_setcred(pamh, PAM_REINITIALIZE_CRED | PAM_SILENT);
        if (r != PAM_SUCCESS)
                return say(pamh, "No credentials", r, NO_CREDENTIALS);
        return ALLOWED;
}

/* Only an account that has expired, or a rule that forbids this person, refuses. Whose password is old need
 * not leave: she came by her badge, and there is nobody to type another. Anything else may be a directory
 * that is down, or a stack that is broken (PAM_AUTH_ERR is what pam_deny says at the end of one), and that
 * must not end everybody's work. */
static enum status ask_account(pam_handle_t *pamh, const char *user, int *ret_last) {
        int r = *ret_last = pam_acct_mgmt(pamh, PAM_SILENT);
        if (r == PAM_ACCT_EXPIRED || r == PAM_PERM_DENIED)
                return say(pamh, "Refused by the account rules", r, ACCOUNT_REFUSED);
        if ((r != PAM_SUCCESS && r != PAM_NEW_AUTHTOK_REQD) || !is_still(pamh, user))
                return say(pamh, "The account rules do not say", r, NOT_SAID);
        return ALLOWED;
}

static enum status run(const char *user, bool account) {
        const struct pam_conv conversation = {.conv = no_answer};
        pam_handle_t *pamh = NULL;
        int r = pam_start(SWITCH_SERVICE, user, &conversation, &pamh);
        if (r != PAM_SUCCESS)
                return say(NULL, "PAM does not begin", r, account ? NOT_SAID : NOT_LET_IN);
        enum status s = account ? ask_account(pamh, user, &r) : ask(pamh, user, &r);
        (void) pam_end(pamh, r);
        return s;
}

int main(int argc, char *argv[]) {
        uid_t uid;
        bool account = argc == 3 && strcmp(argv[1], "account") == 0;
        if (account ? instance_parse_account(argv[2], &uid) < 0
                    : argc != 2 || instance_parse(argv[1], &uid) < 0) {
                (void) fprintf(stderr, "wardtapd starts this for a person: UID-ATTEMPT, or account UID\n");
                return MISUSED;
        }
        const struct passwd *pw = getpwuid(uid);
        if (!pw) {
                (void) fprintf(stderr, "There is no user %u.\n", (unsigned) uid);
                return NOBODY;
        }
        _cleanup_(freep) char *user = strdup(pw->pw_name);
        if (!user)
                return account ? NOT_SAID : NOT_LET_IN;
        return (int) run(user, account);
}
