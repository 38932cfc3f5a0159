/* SPDX-License-Identifier: Apache-2.0 */
/* A library that somebody wants loaded into another's program, by any of the loader's variables. Once it is,
 * there is a file "loaded" in $TMPDIR. */
#include "common/util.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

static void leave_trace(void) {
        char path[PATH_MAX];
        const char *folder = getenv("TMPDIR");
        (void) snprintf(path, sizeof(path), "%s/loaded", folder ? folder : "/tmp");
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

__attribute__((constructor)) static void on_load(void) {
        leave_trace();
}

/* The loader asks an auditing library (LD_AUDIT) which interface it speaks; 0 is none. */
__attribute__((visibility("default"))) unsigned la_version(unsigned version);
unsigned la_version(unsigned version) {
        (void) version;
        leave_trace();
        return 0;
}
