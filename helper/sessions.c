/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions and the processes that opened them. */
#include "helper/sessions.h"

#include "common/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>

#define NAME_PREFIX "session-"
#define NAME_SIZE 64U

struct session {
        struct sessions *all;
        uid_t uid;
        char attempt[33];
        int pidfd;
        bool no_grace; /* a badge alone does not resume it any more */
        bool capped;   /* because of its age */
        sd_event_source *source;
};

struct sessions {
        sd_event *event;
        sessions_ended ended;
        void *userdata;
        struct session *list[SESSIONS_MAX];
        size_t n;
};

int sessions_new(sd_event *event, sessions_ended ended, void *userdata, struct sessions **ret) {
        struct sessions *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->event = sd_event_ref(event);
        s->ended = ended;
        s->userdata = userdata;
        *ret = s;
        return 0;
}

static struct session *session_free(struct session *e) {
        if (!e)
                return NULL;
        sd_event_source_disable_unref(e->source);
        closep(&e->pidfd);
        free(e);
        return NULL;
}
DEFINE_CLEANUP(struct session, session_free)

struct sessions *sessions_free(struct sessions *s) {
        if (!s)
                return NULL;
        for (size_t i = 0; i < s->n; i++)
                (void) session_free(s->list[i]);
        sd_event_unref(s->event);
        free(s);
        return NULL;
}

/* A pidfd says which process it is of ("Pid:" in its fdinfo; -1 once that has ended). */
static int check_pidfd(int fd) {
        char path[64], text[1024];
        (void) snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
        _cleanup_(closep) int info = open(path, O_RDONLY | O_CLOEXEC);
        if (info < 0)
                return -errno;
        ssize_t n = read(info, text, sizeof(text) - 1);
        if (n < 0)
                return -errno;
        text[n] = 0;
        const char *pid = strstr(text, "\nPid:\t");
        if (!pid)
                return -EBADF;
        pid += strlen("\nPid:\t");
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (*pid < '1' || *pid > '9' || poll(&p, 1, 0) != 0)
                return -ESRCH;
        return 0;
}

static size_t find(const struct sessions *s, uid_t uid, const char *attempt) {
        size_t i = 0;
        while (i < s->n && (s->list[i]->uid != uid || strcmp(s->list[i]->attempt, attempt) != 0))
                i++;
        return i;
}

static void name_of(const struct session *e, char ret[NAME_SIZE]) {
        (void) snprintf(ret, NAME_SIZE, NAME_PREFIX "%lu-%s", (unsigned long) e->uid, e->attempt);
}

/* Without systemd these do nothing, and a restart forgets: people sign in fully once more. */
static void store(const struct session *e) {
        char name[NAME_SIZE], text[NAME_SIZE + 64];
        name_of(e, name);
        (void) snprintf(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
        (void) sd_pid_notify_with_fds(0, 0, text, &e->pidfd, 1);
}

static void unstore(const struct session *e) {
        char name[NAME_SIZE], text[NAME_SIZE + 64];
        name_of(e, name);
        (void) snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
        (void) sd_notify(0, text);
}

static void drop(struct sessions *s, size_t i) {
        unstore(s->list[i]);
        (void) session_free(s->list[i]);
        s->list[i] = s->list[--s->n];
}

static int on_exit_of_opener(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct session *e = userdata;
        struct sessions *s = e->all;
        uid_t uid = e->uid;
        char attempt[33];
        memcpy(attempt, e->attempt, sizeof(attempt));
        drop(s, find(s, uid, attempt));
        s->ended(s->userdata, uid, attempt);
        return 0;
}

static int add(struct sessions *s, uid_t uid, const char *attempt, int pidfd) {
        _cleanup_(closep) int fd = pidfd;
        if (strlen(attempt) > 32)
                return -EINVAL;
        if (find(s, uid, attempt) < s->n)
                return -EEXIST;
        if (s->n == SESSIONS_MAX)
                return -ENOSPC;
        _cleanup_(session_freep) struct session *e = calloc(1, sizeof(*e));
        if (!e)
                return -ENOMEM;
        e->all = s;
        e->uid = uid;
        memcpy(e->attempt, attempt, strlen(attempt));
        e->pidfd = TAKE_FD(fd);
        int r = sd_event_add_io(s->event, &e->source, e->pidfd, EPOLLIN, on_exit_of_opener, e);
        if (r < 0)
                return r;
        s->list[s->n++] = TAKE_PTR(e);
        return 0;
}

int sessions_open(struct sessions *s, uid_t uid, const char *attempt, int pidfd) {
        int r = pidfd < 0 ? -EBADF : check_pidfd(pidfd);
        if (r < 0) {
                closep(&pidfd);
                return r;
        }
        r = add(s, uid, attempt, pidfd);
        if (r == 0)
                store(s->list[s->n - 1]);
        return r;
}

int sessions_close(struct sessions *s, uid_t uid, const char *attempt) {
        size_t i = find(s, uid, attempt);
        if (i == s->n)
                return -ENOENT;
        drop(s, i);
        return 0;
}

bool sessions_has(const struct sessions *s, uid_t uid) {
        for (size_t i = 0; i < s->n; i++)
                if (s->list[i]->uid == uid && !s->list[i]->no_grace)
                        return true;
        return false;
}

bool sessions_is_open(const struct sessions *s, uid_t uid) {
        for (size_t i = 0; i < s->n; i++)
                if (s->list[i]->uid == uid)
                        return true;
        return false;
}

static void set_grace(struct sessions *s, uid_t uid, bool grace) {
        for (size_t i = 0; i < s->n; i++)
                if (s->list[i]->uid == uid) {
                        s->list[i]->no_grace = !grace;
                        s->list[i]->capped &= !grace;
                }
}

void sessions_end_grace(struct sessions *s, uid_t uid) {
        set_grace(s, uid, false);
}

void sessions_cap(struct sessions *s, uid_t uid) {
        sessions_end_grace(s, uid);
        for (size_t i = 0; i < s->n; i++)
                s->list[i]->capped |= s->list[i]->uid == uid;
}

bool sessions_is_capped(const struct sessions *s, uid_t uid) {
        for (size_t i = 0; i < s->n; i++)
                if (s->list[i]->uid == uid && s->list[i]->capped)
                        return true;
        return false;
}

void sessions_begin_grace(struct sessions *s, uid_t uid) {
        set_grace(s, uid, true);
}

unsigned sessions_count(const struct sessions *s) {
        return (unsigned) s->n;
}

bool sessions_is_name(const char *name) {
        return strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) == 0;
}

static int parse_name(const char *name, uid_t *ret_uid, const char **ret_attempt) {
        char number[11] = "";
        uint64_t uid;
        if (!sessions_is_name(name))
                return -EINVAL;
        name += strlen(NAME_PREFIX);
        size_t n = strcspn(name, "-");
        if (n == 0 || n >= sizeof(number) || name[n] != '-' || strlen(name + n + 1) > 32)
                return -EINVAL;
        memcpy(number, name, n);
        if (parse_u64(number, UINT32_MAX - 1, &uid) < 0)
                return -EINVAL;
        *ret_uid = (uid_t) uid;
        *ret_attempt = name + n + 1;
        return 0;
}

int sessions_restore(struct sessions *s, const char *name, int pidfd) {
        const char *attempt;
        uid_t uid;
        int r = parse_name(name, &uid, &attempt);
        if (r == 0)
                r = check_pidfd(pidfd);
        if (r == -ESRCH) {
                struct session gone = {.uid = uid};
                memcpy(gone.attempt, attempt, strlen(attempt));
                unstore(&gone);
                s->ended(s->userdata, uid, attempt);
        }
        if (r < 0) {
                closep(&pidfd);
                return r;
        }
        return add(s, uid, attempt, pidfd);
}
