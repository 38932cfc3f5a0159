/* SPDX-License-Identifier: Apache-2.0 */
/* The little of systemd that wardtapd asks for: which unit the display manager is, its own PAM transaction
 * (wardtap-switch@), which is run in a control group of that name, and units for hooks, which are only said.
 */
#include "tests/virtual/station/station.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define UNITS "/org/freedesktop/systemd1/unit"

static int get_unit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(freep) char *path = NULL;
        const char *name;
        int r = sd_bus_message_read(m, "s", &name);
        if (r < 0)
                return r;
        if (strcmp(name, "display-manager.service") == 0) /* an alias */
                name = "lightdm.service";
        if (strcmp(name, "lightdm.service") != 0)
                return sd_bus_error_setf(error, "org.freedesktop.systemd1.NoSuchUnit", "Unit %s not loaded.",
                                         name);
        r = sd_bus_path_encode(UNITS, name, &path);
        return r < 0 ? r : sd_bus_reply_method_return(m, "o", path);
}

struct job {
        struct stage *stage;
        unsigned id;
        char unit[200], path[64], cgroup[400];
};

static int on_unit_end(sd_event_source *source, const siginfo_t *info, void *userdata) {
        struct job *j = userdata;
        bool done = info->si_code == CLD_EXITED && info->si_status == 0;
        say("unit %s ended with %d", j->unit, info->si_status);
        (void) rmdir(j->cgroup);
        if (j->stage->bus[SERVICE_SYSTEMD])
                (void) sd_bus_emit_signal(j->stage->bus[SERVICE_SYSTEMD], "/org/freedesktop/systemd1",
                                          "org.freedesktop.systemd1.Manager", "JobRemoved", "uoss", j->id,
                                          j->path, j->unit, done ? "done" : "failed");
        free(j);
        return 0;
}

__attribute__((noreturn)) static void be_unit(const struct job *j) {
        char path[420], instance[200];
        sigset_t none;
        const char *begin = strchr(j->unit, '@') + 1;
        (void) snprintf(instance, sizeof(instance), "%.*s", (int) (strrchr(j->unit, '.') - begin), begin);
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        (void) snprintf(path, sizeof(path), "%s/cgroup.procs", j->cgroup);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, "0", 1) != 1 || dup2(2, 1) < 0)
                _exit(101);
        (void) execl(j->stage->switch_program, "wardtap-switch", instance, (char *) NULL);
        _exit(103);
}

static int run_unit(struct stage *s, sd_bus_message *m, const char *name) {
        static unsigned last;
        struct job *j = calloc(1, sizeof(*j));
        if (!j || strlen(name) >= sizeof(j->unit))
                die("cannot run a unit", -ENOMEM);
        j->stage = s;
        j->id = ++last;
        (void) snprintf(j->unit, sizeof(j->unit), "%s", name);
        (void) snprintf(j->path, sizeof(j->path), "/org/freedesktop/systemd1/job/%u", 1000 + j->id);
        (void) snprintf(j->cgroup, sizeof(j->cgroup), "%s/system.slice/%s", s->cgroup, name);
        (void) mkdir(j->cgroup, 0755);
        pid_t pid = fork();
        if (pid < 0)
                die("cannot fork", -errno);
        if (pid == 0)
                be_unit(j);
        int r = sd_bus_reply_method_return(m, "o", j->path);
        return r < 0 ? r : sd_event_add_child(s->event, NULL, pid, WEXITED, on_unit_end, j);
}

static int start_unit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name, *mode;
        int r = sd_bus_message_read(m, "ss", &name, &mode);
        if (r < 0)
                return r;
        say_call(m, name);
        if (strncmp(name, "wardtap-switch@", 15) == 0 && strchr(name, '.'))
                return run_unit(userdata, m, name);
        return sd_bus_reply_method_return(m, "o", "/org/freedesktop/systemd1/job/1");
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("GetUnit", "s", "o", get_unit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("StartUnit", "ss", "o", start_unit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("StopUnit", "ss", "o", start_unit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int systemd_start(struct stage *s) {
        return sd_bus_add_object_vtable(s->bus[SERVICE_SYSTEMD], NULL, "/org/freedesktop/systemd1",
                                        "org.freedesktop.systemd1.Manager", vtable, s);
}
