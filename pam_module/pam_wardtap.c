/* SPDX-License-Identifier: Apache-2.0 */
/* The PAM entry points of Wardtap (man pam_wardtap). Everything that judges is in wardtap-authd; nothing
 * here touches a device, a store, or any state of the application beyond its PAM handle. */
#include "pam_module/gate.h"
#include "pam_module/kept.h"
#include "pam_module/relay.h"
#include "pam_module/services.h"

#include "common/paths.h"
#include "common/socket.h"

#include <errno.h>
#include <poll.h>
#include <security/pam_ext.h>
#include <string.h>
#include <syslog.h>

#define FAIL_DELAY_USEC 2000000U
/* A session hook has nobody to wait for. */
#define SESSION_WAIT_USEC 10000000U
/* KDE's lock screen takes an authenticator that answers within 50 ms for a broken one, even on success. */
#define KDE_LEAST_USEC 60000U

#define EXPORT __attribute__((visibility("default")))

static void hold_for_kde(const struct wire_start *s, uint64_t begun_usec) {
        if (strcmp(s->service, "kde") != 0 && strncmp(s->service, "kde-", 4) != 0)
                return;
        for (uint64_t past; (past = now_monotonic_usec() - begun_usec) < KDE_LEAST_USEC;) {
                struct timespec rest = {.tv_nsec = (long) (KDE_LEAST_USEC - past) * 1000};
                if (ppoll(NULL, 0, &rest, NULL) < 0 && errno != EINTR)
                        return;
        }
}

static void authenticate(pam_handle_t *pamh, int flags, struct judged *j) {
        uint64_t begun = now_monotonic_usec();
        struct wire_start start;
        if (relay_prepare(pamh, WIRE_AUTHENTICATE, flags, &start) < 0) {
                *j = (struct judged){.outcome = OUTCOME_UNAVAIL, .why = "a PAM item is not fit to be asked"};
                return;
        }
        j->outcome = gate(&start, &j->why);
        if (j->outcome != OUTCOME_ALLOW)
                return;
        relay_run(pamh, &start, UINT64_MAX, j);
        if (j->outcome != OUTCOME_UNAVAIL)
                hold_for_kde(&start, begun);
}

EXPORT int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv) {
        struct judged j = {.outcome = OUTCOME_DENY};
        (void) pam_fail_delay(pamh, FAIL_DELAY_USEC);
        if (kept_begin(pamh) < 0)
                j.outcome = OUTCOME_NO_MEMORY;
        else if (argc > 0)
                j.outcome = OUTCOME_OPTIONS;
        else
                authenticate(pamh, flags, &j);
        if (kept_end(pamh, &j) < 0)
                j.outcome = OUTCOME_NO_MEMORY;
        if (j.outcome != OUTCOME_ALLOW &&
            j.named) /* a badge that was refused names nobody to what comes next */
                (void) pam_set_item(pamh, PAM_USER, NULL);
        edge_log(pamh, "authenticate", &j);
        return edge_authenticate(j.outcome);
}

/* There is no option, so a line that has one was meant for something else: it fails, and says so. */
static bool has_options(pam_handle_t *pamh, const char *hook, int argc) {
        if (argc > 0)
                edge_log(pamh, hook, &(struct judged){.outcome = OUTCOME_OPTIONS});
        return argc > 0;
}

/* A display manager or locker that gives somebody her open session back calls no session hook, but this one:
 * somebody whom Wardtap has not let in was let in by something else. */
static void tell_of_fallback(pam_handle_t *pamh, int flags) {
        struct judged j = {.outcome = OUTCOME_DENY};
        struct wire_start start;
        if (!((unsigned) flags & (PAM_REINITIALIZE_CRED | PAM_REFRESH_CRED)) ||
            relay_prepare(pamh, WIRE_RESUME_SESSION, flags, &start) < 0 ||
            gate(&start, &j.why) != OUTCOME_ALLOW)
                return;
        relay_run(pamh, &start, now_monotonic_usec() + SESSION_WAIT_USEC, &j);
        edge_log(pamh, "setcred after a fallback", &j);
}

/* Says again what authenticate said. There are no credentials to set. */
EXPORT int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv) {
        const struct judged *j = kept_get(pamh);
        if (has_options(pamh, "setcred", argc))
                return edge_setcred(OUTCOME_OPTIONS);
        if (!j)
                return edge_setcred(OUTCOME_DENY);
        if (j->outcome == OUTCOME_ALLOW && !kept_same_person(pamh, j)) {
                pam_syslog(pamh, LOG_ERR, "setcred: PAM_USER is not who was judged, attempt %s", j->attempt);
                return edge_setcred(OUTCOME_DENY);
        }
        if (j->outcome == OUTCOME_UNAVAIL || j->outcome == OUTCOME_DENY || j->outcome == OUTCOME_MAXTRIES)
                tell_of_fallback(pamh, flags);
        return edge_setcred(j->outcome);
}

/* Tells that a session begins or ends, and by which attempt. A service that the rules do not name is not
 * asked about, unless an attempt let this person in. */
static int session(pam_handle_t *pamh, int flags, enum wire_hook hook, const char *name) {
        struct judged j = {.outcome = OUTCOME_DENY};
        const struct judged *kept = kept_get(pamh);
        bool ours = kept && kept->outcome == OUTCOME_ALLOW;
        struct wire_start start;
        if (relay_prepare(pamh, hook, flags, &start) < 0)
                j.outcome = OUTCOME_UNAVAIL;
        else if (ours && !kept_same_person(pamh, kept))
                j.why = "PAM_USER is not who was judged";
        else
                j.outcome = ours ? OUTCOME_ALLOW : gate(&start, &j.why);
        if (j.outcome == OUTCOME_ALLOW) {
                if (ours)
                        memcpy(start.attempt, kept->attempt, sizeof(start.attempt));
                relay_run(pamh, &start, now_monotonic_usec() + SESSION_WAIT_USEC, &j);
        }
        if (j.outcome == OUTCOME_UNAVAIL && !ours &&
            services_name(PATH_SERVICES, SERVICES_FALLBACK_DENY) > 0)
                j.outcome = OUTCOME_DENY; /* nobody is there to say so */
        bool let_in = ours && j.outcome == OUTCOME_ALLOW;
        if (hook == WIRE_OPEN_SESSION && kept_name_attempt(pamh, let_in ? kept : NULL) < 0)
                j.outcome = OUTCOME_NO_MEMORY;
        edge_log(pamh, name, &j);
        return edge_session(j.outcome, ours);
}

EXPORT int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv) {
        if (has_options(pamh, "open_session", argc))
                return edge_session(OUTCOME_OPTIONS, false);
        return session(pamh, flags, WIRE_OPEN_SESSION, "open_session");
}

EXPORT int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv) {
        if (has_options(pamh, "close_session", argc))
                return edge_session(OUTCOME_OPTIONS, false);
        return session(pamh, flags, WIRE_CLOSE_SESSION, "close_session");
}
