/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock: SQLite has to open its journals by name, so openat cannot be forbidden; what it reaches can. */
#include "pam_module/auth/sandbox_files.h"

#include "common/paths.h"
#include "common/util.h"
#include "pam_module/auth/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE)

/* Every right of the first version of Landlock: what no rule gives is refused. */
#define HANDLED                                                                                             \
        (READ | WRITE | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                        \
         LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK |        \
         LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

static const struct {
        const char *path;
        uint64_t access;
} folders[] = {
        {PATH_STATE "/people", READ},
        {PATH_RULES, READ},
        {PATH_STATE "/state", READ | WRITE},
        {PATH_RUN, READ},
        {"/etc/ssl", READ},
        {"/etc/localtime", LANDLOCK_ACCESS_FS_READ_FILE},
        {"/usr/share/zoneinfo", READ},
        {"/dev/urandom", LANDLOCK_ACCESS_FS_READ_FILE},
#if SANITIZED
        {"/", READ}, /* its reports name what they find in /proc */
#endif
};

/* A folder that is not there needs no rule. */
static int allow(int ruleset, const char *path, uint64_t access) {
        _cleanup_(closep) int fd = open(path, O_PATH | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT || errno == EACCES ? 0 : -errno;
        struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
        if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
                return -errno;
        return 0;
}

int sandbox_files(void) {
        const struct landlock_ruleset_attr attr = {.handled_access_fs = HANDLED};
        _cleanup_(closep) int ruleset = (int) syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
        if (ruleset < 0)
                return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
        for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
                int r = allow(ruleset, folders[i].path, folders[i].access);
                if (r < 0)
                        return r;
        }
        return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? -errno : 0;
}
