/* SPDX-License-Identifier: Apache-2.0 */
/* The table that turns outcomes into PAM codes and log lines. */
#include "pam_module/edge.h"

#include <security/pam_ext.h>
#include <syslog.h>

static const struct {
        int authenticate, setcred, session, level;
        const char *words;
} edges[OUTCOME_MAX] = {
        [OUTCOME_DENY] = {PAM_AUTH_ERR, PAM_CRED_ERR, PAM_SESSION_ERR, LOG_NOTICE, "denied"},
        [OUTCOME_ALLOW] = {PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, LOG_INFO, "allowed"},
        [OUTCOME_UNAVAIL] = {PAM_AUTHINFO_UNAVAIL, PAM_CRED_UNAVAIL, PAM_SESSION_ERR, LOG_NOTICE,
                             "unavailable"},
        [OUTCOME_NOT_OURS] = {PAM_AUTHINFO_UNAVAIL, PAM_CRED_UNAVAIL, PAM_SUCCESS, LOG_DEBUG, "left alone"},
        [OUTCOME_MAXTRIES] = {PAM_MAXTRIES, PAM_CRED_ERR, PAM_SESSION_ERR, LOG_NOTICE, "too many failures"},
        [OUTCOME_GAVE_UP] = {PAM_CONV_ERR, PAM_CRED_ERR, PAM_SESSION_ERR, LOG_INFO,
                             "the application gave up"},
        [OUTCOME_NO_MEMORY] = {PAM_BUF_ERR, PAM_BUF_ERR, PAM_BUF_ERR, LOG_CRIT, "out of memory"},
        [OUTCOME_OPTIONS] = {PAM_SERVICE_ERR, PAM_SERVICE_ERR, PAM_SERVICE_ERR, LOG_ERR,
                             "refused: the PAM line has an option, but there are none"},
        [OUTCOME_AGAIN] = {PAM_AUTH_ERR, PAM_CRED_ERR, PAM_SESSION_ERR, LOG_NOTICE,
                           "not let in here, waiting for the next"},
};

static enum outcome known(enum outcome o) {
        return (unsigned) o < OUTCOME_MAX ? o : OUTCOME_DENY;
}

int edge_authenticate(enum outcome o) {
        return edges[known(o)].authenticate;
}

int edge_setcred(enum outcome o) {
        return edges[known(o)].setcred;
}

int edge_session(enum outcome o, bool ours) {
        if (!ours && o == OUTCOME_UNAVAIL)
                return PAM_SUCCESS;
        return edges[known(o)].session;
}

void edge_log(pam_handle_t *pamh, const char *hook, const struct judged *j) {
        bool allowed = j->outcome == OUTCOME_ALLOW;
        pam_syslog(pamh, edges[known(j->outcome)].level, "%s: %s%s%s%s%s%s%s%s%s", hook,
                   edges[known(j->outcome)].words, allowed && j->user[0] ? " for " : "",
                   allowed ? j->user : "", j->why ? ": " : "", j->why ? j->why : "",
                   j->attempt[0] ? ", attempt " : "", j->attempt, j->code[0] ? ", code " : "", j->code);
}
