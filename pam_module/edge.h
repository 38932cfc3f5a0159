/* SPDX-License-Identifier: Apache-2.0 */
/* The edge of the module: what came of an attempt, and what PAM and the log are told. */
#pragma once

#include <security/pam_modules.h>
#include <stdbool.h>

/* How a hook ended. The first one is what an unset outcome means. */
enum outcome {
        OUTCOME_DENY = 0,  /* the attempt said no, or broke off after it had begun to judge somebody */
        OUTCOME_ALLOW,     /* the attempt said yes, about the user that PAM_USER names */
        OUTCOME_UNAVAIL,   /* Wardtap cannot judge now: nothing listens, nothing to judge with */
        OUTCOME_NOT_OURS,  /* a service or session that Wardtap leaves alone, or somebody far away asks */
        OUTCOME_MAXTRIES,  /* too many failures of this person */
        OUTCOME_GAVE_UP,   /* the application's conversation failed: it does not want this any more */
        OUTCOME_NO_MEMORY, /* out of memory */
        OUTCOME_OPTIONS,   /* the PAM line has an option; there are none */
        OUTCOME_AGAIN, /* this person was not let in, and the application waits for the next; for the log */
        OUTCOME_MAX,
};

/* What is known at the end of a hook. */
struct judged {
        enum outcome outcome;
        const char *why;  /* for the log: static text beside the outcome's own words, or NULL */
        bool named;       /* PAM_USER was empty and is our doing */
        char user[65];    /* who was judged; "" if nobody */
        char attempt[33]; /* the attempt that judged; "" if none */
        char code[9];     /* for the help desk; "" if none */
};

/* The one place where outcomes become PAM codes. Never PAM_IGNORE: it would turn into success in a stack
 * that ends with pam_permit. */
int edge_authenticate(enum outcome o);
int edge_setcred(enum outcome o);
/* ours: an attempt let this person in. Then nobody there to tell is an error, and signing in again shows
 * what the site allows without us. Where the site's own fallback let her in, or the attempt keeps no account
 * of such sessions, only a plain no fails: a station without Wardtap stays usable. */
int edge_session(enum outcome o, bool ours);

/* One line about how a hook ended. Names a user only when the attempt allowed: any other name may be a
 * password typed in the wrong field. */
void edge_log(pam_handle_t *pamh, const char *hook, const struct judged *j);
