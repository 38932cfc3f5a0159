/* SPDX-License-Identifier: Apache-2.0 */
/* Starting other programs. */
#include "cli/program.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "common/util.h"

static int spawn(const char *const *argv, pid_t *ret) {
        /* noninteractive: a question of debconf's would be one too many. */
        char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", quiet[] = "DEBIAN_FRONTEND=noninteractive",
             locale[] = "LC_ALL=C.UTF-8";
        char *const environment[] = {path, quiet, locale, NULL};
        posix_spawn_file_actions_t actions;
        int r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;
        for (int fd = 0; fd < 3 && r == 0; fd++)
                r = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
        if (r == 0)
                r = posix_spawn(ret, argv[0], &actions, NULL, (char *const *) (uintptr_t) argv, environment);
        (void) posix_spawn_file_actions_destroy(&actions);
        return -r;
}

int program_run(const char *const *argv) {
        pid_t pid;
        int status, r = spawn(argv, &pid);
        if (r < 0)
                return r;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPROTO;
}

bool system_is_booted(void) {
        return access("/run/systemd/private", F_OK) == 0;
}
