/* SPDX-License-Identifier: Apache-2.0 */
/* A card that takes over its process gains that process: no other one, no program, no network. The unit file
 * adds what holds for all of wardtap-device. */
#include "devices/sandbox.h"

#include "common/filter.h"
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum {
        FD_KEPT = 3,
        FDS_MAX = 64, /* a key, pcscd, and what libudev opens on its way */
        FAMILIES = 64,
};

static struct sock_fprog forbids; /* the filter of all that is forbidden below */

/* What no card or key needs. */
static const int forbidden[] = {
        SCMP_SYS(execve),
        SCMP_SYS(execveat),
        SCMP_SYS(fork),
        SCMP_SYS(vfork),
        SCMP_SYS(clone),
        SCMP_SYS(clone3),
        SCMP_SYS(kill),
        SCMP_SYS(tkill),
        SCMP_SYS(rt_sigqueueinfo),
        SCMP_SYS(rt_tgsigqueueinfo),
        SCMP_SYS(process_madvise),
        SCMP_SYS(process_mrelease),
        SCMP_SYS(kcmp),
        SCMP_SYS(pidfd_open),
        SCMP_SYS(pidfd_getfd),
        SCMP_SYS(pidfd_send_signal),
        SCMP_SYS(ptrace),
        SCMP_SYS(process_vm_readv),
        SCMP_SYS(process_vm_writev),
        SCMP_SYS(bpf),
        SCMP_SYS(perf_event_open),
        SCMP_SYS(userfaultfd),
        SCMP_SYS(keyctl),
        SCMP_SYS(add_key),
        SCMP_SYS(request_key),
        SCMP_SYS(mount),
        SCMP_SYS(umount2),
        SCMP_SYS(pivot_root),
        SCMP_SYS(unshare),
        SCMP_SYS(setns),
        SCMP_SYS(chroot),
        SCMP_SYS(io_uring_setup),
        SCMP_SYS(memfd_create),
        SCMP_SYS(listen),
        SCMP_SYS(unlink),
        SCMP_SYS(unlinkat),
        SCMP_SYS(rename),
        SCMP_SYS(renameat),
        SCMP_SYS(renameat2),
        SCMP_SYS(mkdir),
        SCMP_SYS(mkdirat),
        SCMP_SYS(chmod),
        SCMP_SYS(fchmod),
        SCMP_SYS(fchmodat),
        SCMP_SYS(symlinkat),
        SCMP_SYS(linkat),
};

/* pcscd is on a UNIX socket; libfido2's kernel NFC back-end looks for readers over netlink. */
static int forbid_sockets(scmp_filter_ctx filter) {
        int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
                                 SCMP_A0(SCMP_CMP_GE, FAMILIES, 0));
        for (unsigned family = 0; r >= 0 && family < FAMILIES; family++)
                if (family != AF_UNIX && family != AF_NETLINK)
                        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
                                             SCMP_A0(SCMP_CMP_EQ, family, 0));
        return r;
}

/* What it may do to itself (a limit it looks up) and not to its parent or to others of its uid. */
static int forbid_others(scmp_filter_ctx filter) {
        int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 1,
                                 SCMP_A0(SCMP_CMP_NE, 0, 0));
        for (unsigned i = 0; r >= 0 && i < 2; i++) /* signals sent by a descriptor */
                r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(fcntl), 1,
                                     SCMP_A1(SCMP_CMP_EQ, i == 0 ? F_SETOWN : F_SETOWN_EX, 0));
        return r;
}

static void releasep(scmp_filter_ctx *filter) {
        if (*filter)
                seccomp_release(*filter);
}

int sandbox_prepare(void) {
        _cleanup_(closep) int fd = memfd_create("filter", MFD_CLOEXEC);
        _cleanup_(releasep) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        if (fd < 0 || !filter)
                return -ENOMEM;
        int r = forbid_sockets(filter);
        if (r >= 0)
                r = forbid_others(filter);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(forbidden); i++)
                r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), forbidden[i], 0);
        if (r >= 0)
                r = seccomp_export_bpf(filter, fd);
        return r < 0 ? r : filter_read(fd, &forbids);
}

/* It may signal itself (abort) and nobody else. Its number is known only to itself, so this is a filter of
 * its own; the other one sees to the architecture. */
static int forbid_tgkill(void) {
        const uint32_t low_half =
                (uint32_t) offsetof(struct seccomp_data, args[0]) +
                (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? (uint32_t) sizeof(uint32_t) : 0U);
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low_half),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t) getpid(), 1, 0),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        return filter_enter(&(struct sock_fprog){.len = ELEMENTSOF(code), .filter = code});
}

static int set_limit(__rlimit_resource_t resource, rlim_t value) {
        const struct rlimit limit = {value, value};
        return setrlimit(resource, &limit) < 0 ? -errno : 0;
}

static int keep_fd(int *fd) {
        if (*fd != FD_KEPT && dup3(*fd, FD_KEPT, O_CLOEXEC) < 0)
                return -errno;
        *fd = FD_KEPT;
        return close_range(FD_KEPT + 1, ~0U, 0) < 0 ? -errno : 0;
}

int sandbox_enter(pid_t parent, int *fd) {
        int r;
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
                return -errno;
        if (getppid() != parent)
                return -ESRCH; /* it ended before the line above */
        if ((r = keep_fd(fd)) < 0 || (r = set_limit(RLIMIT_CORE, 0)) < 0 ||
            (r = set_limit(RLIMIT_NOFILE, FDS_MAX)) < 0)
                return r;
        r = forbid_tgkill();
        return r < 0 ? r : filter_enter(&forbids);
}
