/* SPDX-License-Identifier: Apache-2.0 */
/* Runs in a process of its own: getpwnam and getgrouplist, which may take as long as they like. */
#include "pam_module/auth/account_child.h"

#include "common/bytes.h"
#include "common/socket.h"
#include "common/util.h"
#include "pam_module/auth/account.h"

#include <errno.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>

/* The part of GECOS that is the name: up to the first comma. "" when it is not fit for a screen. */
static void take_full_name(const char *gecos, char *ret, size_t size) {
        size_t n = gecos ? strcspn(gecos, ",") : 0;
        ret[0] = 0;
        if (n == 0 || n >= size)
                return;
        memcpy(ret, gecos, n);
        ret[n] = 0;
        if (!text_is_clean(ret, size - 1))
                ret[0] = 0;
}

/* A list that is not whole could make another role the first that matches: all or nothing. */
static int write_groups(struct writer *w, const char *user, gid_t gid) {
        _cleanup_(freep) gid_t *gids = calloc(ACCOUNT_GROUPS_MAX, sizeof(gid_t));
        int n = (int) ACCOUNT_GROUPS_MAX;
        if (!gids)
                return -ENOMEM;
        if (getgrouplist(user, gid, gids, &n) < 0)
                return -E2BIG;
        size_t count_at = w->n;
        uint16_t named = 0;
        writer_u16(w, 0);
        for (int i = 0; i < n; i++) {
                errno = 0;
                const struct group *g = getgrgid(gids[i]);
                if (!g && errno != 0 && errno != ENOENT)
                        return -EIO;
                if (!g)
                        continue; /* a number that no group has */
                if (strlen(g->gr_name) > 255)
                        return -E2BIG;
                writer_string(w, g->gr_name);
                named++;
        }
        struct writer count = {.p = w->p + count_at, .size = 2};
        writer_u16(&count, named);
        return 0;
}

static int write_account(struct writer *w, const char *user) {
        char full_name[129];
        errno = 0;
        const struct passwd *p = getpwnam(user);
        if (!p)
                return errno == 0 ? -ENOENT : errno == ENOENT || errno == ESRCH ? -ESRCH : -EIO;
        take_full_name(p->pw_gecos, full_name, sizeof(full_name));
        writer_u8(w, ACCOUNT_KNOWN);
        writer_u32(w, p->pw_uid);
        writer_string(w, full_name);
        return write_groups(w, user, p->pw_gid);
}

static int answer(int fd, const char *user, uint8_t *buf) {
        struct writer w = {.p = buf, .size = ACCOUNT_MESSAGE_MAX};
        size_t n;
        int r = write_account(&w, user);
        if (r >= 0)
                r = writer_end(&w, &n);
        if (r < 0) {
                buf[0] = r == -ENOENT ? ACCOUNT_UNKNOWN : r == -ESRCH ? ACCOUNT_UNSURE : ACCOUNT_FAILED;
                n = 1;
        }
        return socket_send(fd, buf, n);
}

_Noreturn void account_child_run(int fd, pid_t parent) {
        static uint8_t buf[ACCOUNT_MESSAGE_MAX];
        if (fd > 3)
                (void) close_range(3, (unsigned) fd - 1, 0);
        (void) close_range((unsigned) fd + 1, ~0U, 0);
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(0);
        for (;;) {
                char user[65];
                size_t n;
                if (socket_wait(fd, UINT64_MAX) < 0 || socket_receive(fd, user, sizeof(user) - 1, &n) < 0)
                        _exit(0);
                user[n] = 0;
                if (answer(fd, user, buf) < 0)
                        _exit(0);
        }
}
