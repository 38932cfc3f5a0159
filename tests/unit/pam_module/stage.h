/* SPDX-License-Identifier: Apache-2.0 */
/* A stage for the module: a private /run and /var/lib, PAM stacks, an attempt that follows a script, and an
 * application whose conversation can misbehave. */
#pragma once

#include "common/wire.h"

#include <security/pam_appl.h>
#include <security/pam_modules.h>

#define STAGE_ATTEMPT "00112233445566778899aabbccddeeff"
#define STAGE_STACKS "/run/stacks"

/* Private mounts. Exits with 77 and a reason where that is not allowed. */
void stage_set(void);
/* Writes /var/lib/wardtap/rules/services, root's and 0644; NULL removes it. */
void stage_services(const char *text);
/* Writes a PAM service file; %s in it is the module's path. */
void stage_stack(const char *service, const char *format);

/* What an attempt does with one connection, in a process of its own. */
typedef void script(int fd, const struct wire_start *start);
/* Listens as that uid, and answers nobody: an alarm ends a test that waits for an answer. */
void attempt_listen(uid_t uid);
/* Listens as root and plays the script for so many connections. */
void attempt_begin(script *s, unsigned connections);
/* Waits for the attempt's end; fails the test when the script was not followed. */
void attempt_end(void);
/* Plays the script for every connection until attempt_stop(); a connection without START is no mistake. */
void attempt_serve(script *s);
void attempt_stop(void);
/* Nobody has connected since attempt_listen(); stops listening. */
void attempt_was_not_asked(void);

/* For scripts: ends the attempt as failed, with a word, unless ok. */
void expect(bool ok, const char *what);
void say_user(int fd, const char *name);
void say_text(int fd, enum wire_type type, const char *text);
void say_prompt(int fd, const char *text);
void say_verdict(int fd, enum wire_verdict verdict);
void say_bytes(int fd, const void *p, size_t n);
/* Waits for a message and returns its type; -1 on a hang-up. The message itself goes to *ret if not NULL. */
int hear_type(int fd, struct wire_message *ret);

enum manner { ANSWERS, FAILS, FAILS_WITH_ANSWER, NO_RESPONSE, NO_TEXT };
struct app {
        pam_handle_t *h;
        enum manner manner;
        const char *answer;
        void (*during)(struct app *a); /* called in each conversation */
        unsigned n_shown, n_asked;
        int last_style;
        char last_text[WIRE_TEXT_MAX + 1];
        unsigned delay_usec; /* the last PAM_FAIL_DELAY */
        struct pam_conv conv;
};
/* An application begins. conv false: it has no conversation function. */
void app_start(struct app *a, const char *service, const char *user, bool conv);
/* pam_authenticate; on failure the delay must have been asked for. Never PAM_IGNORE. */
int app_authenticate(struct app *a, int flags);
void app_end(struct app *a);
const char *app_user(struct app *a);

/* Everything logged through libpam since the last log_clear(). */
const char *log_text(void);
void log_clear(void);
