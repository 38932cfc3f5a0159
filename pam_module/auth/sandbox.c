/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox: which system calls an attempt has left. The files it may open are in sandbox_files.c. */
#include "pam_module/auth/sandbox.h"

#include "common/filter.h"
#include "common/util.h"
#include "pam_module/auth/sandbox_files.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

int sandbox_harden(void) {
        const struct rlimit none = {0};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
            setrlimit(RLIMIT_CORE, &none) < 0)
                return -errno;
        return 0;
}

static struct sock_fprog allows; /* the filter of all that is allowed below */

/* With any arguments. */
static const int calls[] = {
        /* sockets that are open, or become so below */
        SCMP_SYS(poll),
        SCMP_SYS(ppoll),
        SCMP_SYS(recvmsg),
        SCMP_SYS(recvfrom),
        SCMP_SYS(sendmsg),
        SCMP_SYS(sendto),
        SCMP_SYS(connect),
        SCMP_SYS(getsockopt),
        SCMP_SYS(shutdown),
        SCMP_SYS(close),
        /* the databases, and a snapshot or tags that were replaced */
        SCMP_SYS(openat),
        SCMP_SYS(read),
        SCMP_SYS(pread64),
        SCMP_SYS(write),
        SCMP_SYS(pwrite64),
        SCMP_SYS(writev),
        SCMP_SYS(lseek),
        SCMP_SYS(fstat),
        SCMP_SYS(newfstatat),
        SCMP_SYS(stat),
        SCMP_SYS(lstat),
        SCMP_SYS(statx),
        SCMP_SYS(access),
        SCMP_SYS(faccessat),
        SCMP_SYS(faccessat2),
        SCMP_SYS(readlink),
        SCMP_SYS(readlinkat),
        SCMP_SYS(getcwd),
        SCMP_SYS(getdents64),
        SCMP_SYS(fcntl),
        SCMP_SYS(fsync),
        SCMP_SYS(fdatasync),
        SCMP_SYS(ftruncate),
        SCMP_SYS(fallocate),
        SCMP_SYS(fchmod),
        SCMP_SYS(unlink),
        SCMP_SYS(unlinkat),
        /* memory */
        SCMP_SYS(brk),
        SCMP_SYS(munmap),
        SCMP_SYS(mremap),
        SCMP_SYS(madvise),
        /* time and chance */
        SCMP_SYS(clock_gettime),
        SCMP_SYS(clock_nanosleep),
        SCMP_SYS(nanosleep),
        SCMP_SYS(gettimeofday),
        SCMP_SYS(time),
        SCMP_SYS(getrandom),
        /* itself, and its host's name where the rules give the station none */
        SCMP_SYS(uname),
        SCMP_SYS(getpid),
        SCMP_SYS(gettid),
        SCMP_SYS(getuid),
        SCMP_SYS(geteuid),
        SCMP_SYS(futex),
        SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(rt_sigreturn),
        SCMP_SYS(restart_syscall),
        SCMP_SYS(exit),
        SCMP_SYS(exit_group),
        /* the end of its name service child: only through a pidfd, and it holds no other */
        SCMP_SYS(pidfd_send_signal),
        SCMP_SYS(waitid),
#if SANITIZED
        SCMP_SYS(sigaltstack),
        SCMP_SYS(rt_sigaction),
        SCMP_SYS(sched_getaffinity),
        SCMP_SYS(sched_yield),
        SCMP_SYS(prlimit64),
        SCMP_SYS(getrlimit),
        SCMP_SYS(mincore),
        SCMP_SYS(open),
        SCMP_SYS(tgkill),
        SCMP_SYS(getppid),
        SCMP_SYS(msync),
        SCMP_SYS(pipe),
        SCMP_SYS(pipe2),
#endif
};

static int allow_calls(scmp_filter_ctx c) {
        for (size_t i = 0; i < ELEMENTSOF(calls); i++) {
                int r = seccomp_rule_add(c, SCMP_ACT_ALLOW, calls[i], 0);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* With these arguments only: no memory that can be run, no socket but a local one, no clock that is set. */
static int allow_some(scmp_filter_ctx c) {
        int r;
        if ((r = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0))) < 0 ||
            (r = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0))) < 0 ||
            (r = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                                  SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0))) < 0 ||
            (r = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(adjtimex), 0)) < 0)
                return r;
        return seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(clock_adjtime), 1,
                                SCMP_A0(SCMP_CMP_EQ, CLOCK_REALTIME, 0));
}

static void releasep(scmp_filter_ctx *c) {
        if (*c)
                seccomp_release(*c);
}

int sandbox_prepare(void) {
        int r;
        _cleanup_(closep) int fd = memfd_create("filter", MFD_CLOEXEC);
        _cleanup_(releasep) scmp_filter_ctx c = seccomp_init(SCMP_ACT_KILL_PROCESS);
        if (fd < 0 || !c)
                return -ENOMEM;
        if ((r = allow_calls(c)) < 0 || (r = allow_some(c)) < 0 || (r = seccomp_export_bpf(c, fd)) < 0)
                return r;
        return filter_read(fd, &allows);
}

int sandbox_enter(void) {
        int r = sandbox_files();
        return r < 0 ? r : filter_enter(&allows);
}
