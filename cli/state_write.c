/* SPDX-License-Identifier: Apache-2.0 */
/* One write to state.db, by a process that has become its owner. */
#include "cli/state_write.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/paths.h"

/* One of the two. */
struct state_change {
        const struct store_sign_in *sign_in;
        int64_t failed;
        const struct policy_clock *clock;
};

static int become(const struct passwd *pw) {
        if (pw->pw_uid == 0)
                return -EPERM;
        if (setgroups(0, NULL) < 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
            setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
                return -errno;
        (void) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

static int change(const struct passwd *pw, const struct state_change *c) {
        _cleanup_(store_closep) struct store *s = NULL;
        int r = become(pw);
        if (r == 0)
                r = store_open_state(PATH_STATE_DB, false, &s);
        if (r < 0)
                return r;
        return c->sign_in ? store_commit_sign_in(s, c->sign_in) : store_add_failure(s, c->failed, c->clock);
}

static int run(const struct state_change *c) {
        const struct passwd *pw = getpwnam(STATE_USER);
        int status;
        if (!pw)
                return -ENOENT;
        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                _exit(-change(pw, c)); /* an errno fits into a byte */
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

int state_commit_sign_in(const struct store_sign_in *in) {
        const struct state_change c = {.sign_in = in};
        return run(&c);
}

int state_add_failure(int64_t person, const struct policy_clock *clock) {
        const struct state_change c = {.failed = person, .clock = clock};
        return run(&c);
}
