/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody who took over one process of a user tries on another process of the same user: reads its
 * memory and traces it. Prints the errors it gets.
 *
 *   peek UID GID PID */
#include "common/bytes.h"
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/ptrace.h>

static uint64_t number(const char *text) {
        uint64_t n;
        if (parse_u64(text, UINT32_MAX - 1, &n) < 0)
                exit(2);
        return n;
}

int main(int argc, char **argv) {
        char path[64];
        if (argc != 4)
                return 2;
        gid_t gid = (gid_t) number(argv[2]);
        uid_t uid = (uid_t) number(argv[1]);
        pid_t pid = (pid_t) number(argv[3]);
        if (setgroups(1, &gid) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
                return 2;
        (void) snprintf(path, sizeof(path), "/proc/%d/mem", pid);
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        (void) printf("memory: %s\n", fd >= 0 ? "open" : strerror(errno));
        (void) snprintf(path, sizeof(path), "/proc/%d/fd/0", pid);
        _cleanup_(closep) int other = open(path, O_RDONLY | O_CLOEXEC);
        (void) printf("descriptors: %s\n", other >= 0 ? "open" : strerror(errno));
        long r = ptrace(PTRACE_ATTACH, pid, NULL, NULL);
        (void) printf("trace: %s\n", r == 0 ? "attached" : strerror(errno));
        return 0;
}
