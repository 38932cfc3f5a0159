/* SPDX-License-Identifier: Apache-2.0 */
/* What libpam would read for a service: the lines of one type in their order, with what they include, and
 * without those that it passes over because their module is not installed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define PAM_FOLDER "/etc/pam.d"
#define PAM_STACK_MAX 128U
#define PAM_OURS "pam_wardtap.so"

struct pam_stack_line {
        char control[160];
        char module[96]; /* its name without a folder: "pam_unix.so" */
        char file[128];  /* the file in the folder that the line stands in: "common-auth" */
        char rest[256];  /* its options */
};
struct pam_stack {
        struct pam_stack_line lines[PAM_STACK_MAX];
        size_t n;
};

/* One line in its words, as libpam understands it. */
struct pam_words {
        char type[16]; /* "auth", ...; "@include" */
        struct pam_stack_line line;
        char path[256]; /* of its module, as it stands there */
        bool optional;  /* a "-" stands before it: it is passed over where its module is not installed */
};
/* Parses the line at text (up to a newline that is not escaped) and moves *text behind it. 1 for a line that
 * says something, 0 for one that is empty or a comment, -ENODATA at the end of the text, -EMSGSIZE when it
 * is too long. */
int pam_words_next(const char **text, struct pam_words *ret);

/* -ENOENT: no such service. -ELOOP: includes go round or too deep. -E2BIG: more lines than there is room
 * for. */
int pam_stack_load(const char *folder, const char *service, const char *type, struct pam_stack *ret);

/* Where a module stands first, at or after `from`; -1 when it does not. */
int pam_stack_find(const struct pam_stack *s, const char *module, size_t from);

/* What a stack does with a password. */
enum pam_password {
        PAM_PASSWORD_NEVER,
        PAM_PASSWORD_FALLBACK, /* asks while Wardtap cannot judge */
        PAM_PASSWORD_AFTER,    /* asks also after Wardtap has refused */
        PAM_PASSWORD_ALONE,    /* does not ask Wardtap */
};
enum pam_password pam_stack_password(const struct pam_stack *auth);

/* What people use at a station, beside what the rules name; ended by NULL. */
extern const char *const pam_station_services[];
bool pam_station_has(const char *service);

/* The module checks who somebody is; pam_deny, pam_permit and the many that only arrange things do not. */
bool pam_module_authenticates(const char *module);
/* It does so by a password. */
bool pam_module_takes_password(const char *module);
