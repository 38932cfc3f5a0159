/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of LightDM, in its control group. */
#include "tests/virtual/station/station.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void unlink_worker(struct worker *w) {
        for (struct worker **at = &w->stage->workers; *at; at = &(*at)->next)
                if (*at == w) {
                        *at = w->next;
                        return;
                }
}

static int on_end(sd_event_source *source, const siginfo_t *info, void *userdata) {
        struct worker *w = userdata;
        unlink_worker(w);
        w->io = sd_event_source_disable_unref(w->io);
        lightdm_lost(w);
        sd_event_source_disable_unref(w->child);
        closep(&w->to);
        (void) fclose(w->from);
        free(w);
        return 0;
}

/* Its end is seen by on_end(); a line is whole, because the worker writes whole lines. */
static int on_line(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct worker *w = userdata;
        char line[1024];
        if (!fgets(line, sizeof(line), w->from)) {
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
                return 0;
        }
        line[strcspn(line, "\n")] = 0;
        lightdm_heard(w, line);
        return 0;
}

static void join(const char *cgroup) {
        char path[300];
        (void) snprintf(path, sizeof(path), "%s/system.slice/lightdm.service/cgroup.procs", cgroup);
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, "0", 1) != 1)
                _exit(101);
}

__attribute__((noreturn)) static void be_worker(const struct stage *s, int in, int out, const char *user,
                                                bool greeter) {
        sigset_t none;
        const char *argv[] = {
                s->worker_program, s->cgroup, "lightdm", greeter ? "greeter" : "switch", user, NULL};
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        join(s->cgroup);
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        if (dup2(in, 0) < 0 || dup2(out, 1) < 0)
                _exit(102);
        (void) execv(s->worker_program, (char *const *) argv);
        _exit(103);
}

/* One line at a time: unbuffered, so that epoll sees what is left. */
static void watch(struct worker *w, int from) {
        w->from = fdopen(from, "re");
        if (!w->from)
                die("no memory", -ENOMEM);
        (void) setvbuf(w->from, NULL, _IONBF, 0);
        int r = sd_event_add_io(w->stage->event, &w->io, from, EPOLLIN, on_line, w);
        if (r >= 0)
                r = sd_event_add_child(w->stage->event, &w->child, w->pid, WEXITED, on_end, w);
        if (r >= 0) /* after all it has said */
                r = sd_event_source_set_priority(w->child, SD_EVENT_PRIORITY_IDLE);
        if (r < 0)
                die("cannot watch a worker", r);
}

struct worker *worker_start(struct stage *s, const char *user, const char *greeter) {
        struct worker *w = calloc(1, sizeof(*w));
        int in[2], out[2];
        if (!w || pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
                die("cannot start a worker", -errno);
        w->stage = s;
        w->pid = fork();
        if (w->pid < 0)
                die("cannot fork", -errno);
        if (w->pid == 0)
                be_worker(s, in[0], out[1], user, greeter);
        (void) close(in[0]);
        (void) close(out[1]);
        w->to = in[1];
        (void) snprintf(w->greeter, sizeof(w->greeter), "%s", greeter ? greeter : "");
        watch(w, out[0]);
        w->next = s->workers;
        s->workers = w;
        return w;
}

void worker_tell(struct worker *w, const char *command) {
        if (dprintf(w->to, "%s\n", command) < 0)
                say("a worker hears nothing");
}

struct worker *worker_of_session(struct stage *s, const char *id) {
        for (struct worker *w = s->workers; w; w = w->next)
                if (strcmp(w->session, id) == 0)
                        return w;
        return NULL;
}

void worker_kill(struct worker *w) {
        (void) kill(w->pid, SIGKILL);
}
