/* SPDX-License-Identifier: Apache-2.0 */
/* A PAM module whose hooks are functions of the program that loaded it. */
#include <security/pam_modules.h>

typedef int hook(pam_handle_t *pamh, int flags, int argc, const char **argv);
extern hook *const trampoline_hooks[4];

#define EXPORT __attribute__((visibility("default")))

EXPORT int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv) {
        return trampoline_hooks[0](pamh, flags, argc, argv);
}

EXPORT int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv) {
        return trampoline_hooks[1](pamh, flags, argc, argv);
}

EXPORT int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv) {
        return trampoline_hooks[2](pamh, flags, argc, argv);
}

EXPORT int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv) {
        return trampoline_hooks[3](pamh, flags, argc, argv);
}
