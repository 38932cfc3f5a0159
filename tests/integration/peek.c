/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody who took over a process tries on another: reads its memory and traces it. Prints the errors
 * it gets. Root becomes that user first.
 *
 *   peek UID GID PID
 *
 * Exit status: 0 when any of it worked, 1 when all was refused, 2 for an error of this program itself. */
#include "common/bytes.h"
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

static uint64_t number(const char *text) {
        uint64_t n;
        if (parse_u64(text, UINT32_MAX - 1, &n) < 0)
                exit(2);
        return n;
}

static bool say(const char *what, bool worked) {
        (void) printf("%s: %s\n", what, worked ? "open" : strerror(errno));
        return worked;
}

static bool open_in_proc(const char *what, pid_t pid, const char *name) {
        char path[64];
        (void) snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        return say(what, fd >= 0);
}

/* Who may is asked before whether there is anything at that address. */
static bool read_directly(pid_t pid) {
        char byte;
        const struct iovec here = {&byte, 1}, there = {&byte, 1};
        bool may = process_vm_readv(pid, &here, 1, &there, 1, 0) >= 0 || errno == EFAULT;
        return say("reading", may);
}

int main(int argc, char **argv) {
        if (argc != 4)
                return 2;
        gid_t gid = (gid_t) number(argv[2]);
        uid_t uid = (uid_t) number(argv[1]);
        pid_t pid = (pid_t) number(argv[3]);
        if (getuid() == 0 &&
            (setgroups(1, &gid) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0))
                return 2;
        bool any = open_in_proc("memory", pid, "mem");
        any |= open_in_proc("descriptors", pid, "fd/0");
        any |= say("trace", ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0);
        any |= read_directly(pid);
        return !any;
}
