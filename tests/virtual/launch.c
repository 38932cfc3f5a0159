/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a daemon the way systemd's unit for it does, where there is no systemd: as its user and groups,
 * with its listening sockets, its credentials, a NOTIFY_SOCKET and a store for descriptors. The sockets
 * belong to the launcher, so they outlive the daemon, and --restart starts it again when it ends. Prints
 * "ready" at each READY=1.
 *
 *   launch [--user U] [--groups G,G] [--listen PATH:MODE:GROUP[:NAME]]... [--credential NAME=FILE]
 *          [--env K=V] [--state FOLDER:MODE] [--restart] -- PROGRAM [ARGUMENTS]
 */
#include "common/bytes.h"
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define STORE_MAX 300
#define LISTENERS_MAX 4
#define FIRST_FD 3

struct launch {
        const struct passwd *user;
        gid_t groups[16];
        size_t n_groups;
        char *env[16];
        size_t n_env;
        char *credentials[8];
        size_t n_credentials;
        char credentials_dir[64];
        struct {
                int fd;
                const char *name;
        } listeners[LISTENERS_MAX];
        int n_listeners;
        int notify;
        char notify_path[64];
        bool restart;
        int stored[STORE_MAX];
        char stored_name[STORE_MAX][128];
        size_t n_stored;
        char **argv;
};

__attribute__((noreturn)) static void die(const char *what, const char *detail) {
        (void) fprintf(stderr, "launch: %s %s: %s\n", what, detail, strerror(errno));
        exit(125);
}

static gid_t group_of(const char *name) {
        const struct group *g = getgrnam(name);
        if (!g)
                die("no group", name);
        return g->gr_gid;
}

/* Cuts the next part of *s at `end`; the last part ends with the string. */
static char *part(char **s, char end) {
        char *start = *s, *e = start ? strchr(start, end) : NULL;
        if (e)
                *e = 0;
        *s = e ? e + 1 : NULL;
        return start;
}

static mode_t mode_of(const char *octal) {
        mode_t m = 0;
        for (; *octal >= '0' && *octal <= '7'; octal++)
                m = m << 3 | (mode_t) (*octal - '0');
        return m;
}

static void listen_at(struct launch *l, char *spec) {
        char *path = part(&spec, ':'), *mode = part(&spec, ':'), *group = part(&spec, ':'),
             *name = part(&spec, ':');
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        if (!mode || !group || strlen(path) >= sizeof(sa.sun_path) || l->n_listeners == LISTENERS_MAX) {
                errno = EINVAL;
                die("cannot listen at", path);
        }
        memcpy(sa.sun_path, path, strlen(path) + 1);
        (void) unlink(path);
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *) &sa, sizeof(sa)) < 0 ||
            chown(path, 0, group_of(group)) < 0 || chmod(path, mode_of(mode)) < 0 || listen(fd, 4096) < 0)
                die("cannot listen at", path);
        l->listeners[l->n_listeners].fd = fd;
        l->listeners[l->n_listeners++].name = name ? name : "socket";
}

static void make_state(const struct launch *l, char *spec) {
        char *path = part(&spec, ':'), *mode = part(&spec, ':');
        if ((mkdir(path, 0700) < 0 && errno != EEXIST) || chmod(path, mode_of(mode)) < 0 ||
            (l->user && chown(path, l->user->pw_uid, l->user->pw_gid) < 0))
                die("cannot make", path);
}

static void copy_file(const char *from, int folder, const char *name, uid_t uid) {
        _cleanup_(closep) int in = open(from, O_RDONLY | O_CLOEXEC);
        _cleanup_(closep) int out = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0400);
        char buf[4096];
        ssize_t n = in < 0 ? -1 : read(in, buf, sizeof(buf));
        if (n < 0 || out < 0 || write(out, buf, (size_t) n) != n || fchown(out, uid, (gid_t) -1) < 0)
                die("cannot pass credential", from);
}

static void make_credentials(struct launch *l) {
        (void) snprintf(l->credentials_dir, sizeof(l->credentials_dir), "/run/credentials-%d",
                        (int) getpid());
        uid_t uid = l->user ? l->user->pw_uid : 0;
        if (mkdir(l->credentials_dir, 0700) < 0 || chown(l->credentials_dir, uid, (gid_t) -1) < 0)
                die("cannot make", l->credentials_dir);
        _cleanup_(closep) int folder = open(l->credentials_dir, O_DIRECTORY | O_CLOEXEC);
        for (size_t i = 0; i < l->n_credentials; i++) {
                char *rest = l->credentials[i], *name = part(&rest, '=');
                copy_file(rest, folder, name, uid);
        }
}

static void open_notify(struct launch *l) {
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        (void) snprintf(l->notify_path, sizeof(l->notify_path), "/run/notify-%d", (int) getpid());
        memcpy(sa.sun_path, l->notify_path, sizeof(l->notify_path));
        l->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (l->notify < 0 || bind(l->notify, (struct sockaddr *) &sa, sizeof(sa)) < 0 ||
            chmod(l->notify_path, 0666) < 0)
                die("cannot bind", l->notify_path);
}

/* In the child: descriptors 3, 4, ... in the order of LISTEN_FDNAMES. */
static void pass_descriptors(const struct launch *l) {
        char names[STORE_MAX * 130] = "", number[16];
        int n = 0, source[STORE_MAX + LISTENERS_MAX];
        for (int i = 0; i < l->n_listeners; i++) {
                source[n++] = l->listeners[i].fd;
                if (*names)
                        (void) strcat(names, ":");
                (void) strcat(names, l->listeners[i].name);
        }
        for (size_t i = 0; i < l->n_stored; i++) {
                source[n++] = l->stored[i];
                if (*names)
                        (void) strcat(names, ":");
                (void) strcat(names, l->stored_name[i]);
        }
        for (int i = 0; i < n; i++) /* out of the way first */
                source[i] = fcntl(source[i], F_DUPFD_CLOEXEC, FIRST_FD + n);
        for (int i = 0; i < n; i++)
                if (dup2(source[i], FIRST_FD + i) < 0)
                        die("cannot pass", "descriptor");
        if (n == 0)
                return;
        (void) snprintf(number, sizeof(number), "%d", (int) getpid());
        (void) setenv("LISTEN_PID", number, 1);
        (void) snprintf(number, sizeof(number), "%d", n);
        (void) setenv("LISTEN_FDS", number, 1);
        (void) setenv("LISTEN_FDNAMES", names, 1);
}

static void become_user(const struct launch *l) {
        if (!l->user)
                return;
        if (setgroups(l->n_groups, l->groups) < 0 || setgid(l->user->pw_gid) < 0 ||
            setuid(l->user->pw_uid) < 0)
                die("cannot become", l->user->pw_name);
}

__attribute__((noreturn)) static void run_child(const struct launch *l) {
        sigset_t none;
        const char *keep[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"};
        char *kept[ELEMENTSOF(keep)];
        for (size_t i = 0; i < ELEMENTSOF(keep); i++)
                kept[i] = getenv(keep[i]);
        (void) clearenv();
        for (size_t i = 0; i < ELEMENTSOF(keep); i++)
                if (kept[i])
                        (void) setenv(keep[i], kept[i], 1);
        (void) setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
        (void) setenv("NOTIFY_SOCKET", l->notify_path, 1);
        if (l->n_credentials > 0)
                (void) setenv("CREDENTIALS_DIRECTORY", l->credentials_dir, 1);
        pass_descriptors(l);
        become_user(l);
        for (size_t i = 0; i < l->n_env; i++)
                (void) putenv(l->env[i]);
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) setsid(); /* as under systemd: a daemon that a test stops must not hang up on the test's other
                            processes */
        (void) execv(l->argv[0], l->argv);
        die("cannot start", l->argv[0]);
}

static void store(struct launch *l, const char *text, int fd) {
        const char *name = strstr(text, "FDNAME=");
        if (strstr(text, "FDSTOREREMOVE=1")) {
                for (size_t i = 0; name && i < l->n_stored; i++)
                        if (strncmp(l->stored_name[i], name + 7, strlen(l->stored_name[i])) == 0) {
                                (void) close(l->stored[i]);
                                l->n_stored--;
                                l->stored[i] = l->stored[l->n_stored];
                                memmove(l->stored_name[i], l->stored_name[l->n_stored],
                                        sizeof(l->stored_name[i]));
                                i--;
                        }
                return;
        }
        if (fd < 0 || !strstr(text, "FDSTORE=1") || l->n_stored == STORE_MAX)
                return;
        size_t n = name ? strcspn(name + 7, "\n") : 0;
        (void) snprintf(l->stored_name[l->n_stored], sizeof(l->stored_name[0]), "%.*s", (int) (name ? n : 6),
                        name ? name + 7 : "stored");
        l->stored[l->n_stored++] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static void on_notify(struct launch *l) {
        char text[4096];
        union {
                struct cmsghdr header;
                char buf[CMSG_SPACE(sizeof(int) * 4)];
        } control;
        struct iovec iov = {text, sizeof(text) - 1};
        struct msghdr mh = {.msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof(control)};
        ssize_t n = recvmsg(l->notify, &mh, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        if (n < 0)
                return;
        text[n] = 0;
        int fd = -1;
        struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
        if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
                memcpy(&fd, CMSG_DATA(c), sizeof(int));
        store(l, text, fd);
        if (fd >= 0)
                (void) close(fd);
        const char *ready = strstr(text, "READY=1");
        if (ready && (ready == text || ready[-1] == '\n')) {
                (void) puts("ready");
                (void) fflush(stdout);
        }
}

/* Runs the program once. Its exit status (128 + signal when it was killed); *ret_asked: we were asked to
 * stop it. */
static int run_once(struct launch *l, int signals, bool *ret_asked) {
        pid_t pid = fork();
        if (pid < 0)
                die("cannot", "fork");
        if (pid == 0)
                run_child(l);
        _cleanup_(closep) int pidfd = pidfd_open(pid, 0);
        for (;;) {
                struct pollfd p[] = {{l->notify, POLLIN, 0}, {signals, POLLIN, 0}, {pidfd, POLLIN, 0}};
                if (poll(p, ELEMENTSOF(p), -1) < 0)
                        continue;
                if (p[0].revents)
                        on_notify(l);
                if (p[1].revents) {
                        struct signalfd_siginfo info;
                        if (read(signals, &info, sizeof(info)) > 0 && info.ssi_signo == SIGTERM)
                                *ret_asked = true;
                        (void) kill(pid, SIGTERM);
                }
                if (p[2].revents && !p[0].revents)
                        break;
        }
        int status = 0;
        (void) waitpid(pid, &status, 0);
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int supervise(struct launch *l) {
        sigset_t mask;
        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGTERM);
        (void) sigaddset(&mask, SIGHUP); /* stop the program, and start it again where --restart says so */
        (void) sigprocmask(SIG_BLOCK, &mask, NULL);
        int signals = signalfd(-1, &mask, SFD_CLOEXEC), status;
        bool asked = false;
        do {
                status = run_once(l, signals, &asked);
                if (!asked)
                        (void) fprintf(stderr, "launch: %s ended with status %d\n", l->argv[0], status);
        } while (l->restart && !asked && status != 125);
        return status;
}

static void add_groups(struct launch *l, char *names) {
        while (names && l->n_groups < ELEMENTSOF(l->groups))
                l->groups[l->n_groups++] = group_of(part(&names, ','));
}

static void parse(struct launch *l, int argc, char **argv) {
        static const struct option options[] = {{"user", 1, NULL, 'u'},       {"groups", 1, NULL, 'g'},
                                                {"listen", 1, NULL, 'l'},     {"state", 1, NULL, 's'},
                                                {"credential", 1, NULL, 'c'}, {"env", 1, NULL, 'e'},
                                                {"restart", 0, NULL, 'r'},    {0}};
        int c;
        while ((c = getopt_long(argc, argv, "+", options, NULL)) >= 0)
                if (c == 'u' && !(l->user = getpwnam(optarg)))
                        die("no user", optarg);
                else if (c == 'g')
                        add_groups(l, optarg);
                else if (c == 'l')
                        listen_at(l, optarg);
                else if (c == 's')
                        make_state(l, optarg);
                else if (c == 'c' && l->n_credentials < ELEMENTSOF(l->credentials))
                        l->credentials[l->n_credentials++] = optarg;
                else if (c == 'e' && l->n_env < ELEMENTSOF(l->env))
                        l->env[l->n_env++] = optarg;
                else if (c == 'r')
                        l->restart = true;
                else if (c == '?')
                        exit(125);
        l->argv = argv + optind;
        if (!l->argv[0])
                die("no program", "given");
}

int main(int argc, char **argv) {
        static struct launch l = {.notify = -1};
        (void) umask(022);
        parse(&l, argc, argv);
        if (l.n_credentials > 0)
                make_credentials(&l);
        open_notify(&l);
        return supervise(&l);
}
