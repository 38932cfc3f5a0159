/* SPDX-License-Identifier: Apache-2.0 */
/* The little of systemd that wardtapd asks for: which unit the display manager is, its own PAM transactions
 * (wardtap-switch@, wardtap-account@), which are run in a control group of that name, and units for hooks,
 * which are only said. */
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

#define IS_ACCOUNT(unit) (strncmp(unit, "wardtap-account@", 16) == 0)

/* Of the last wardtap-account@ that ended. */
static int32_t main_status;

struct job {
        struct stage *stage;
        unsigned id;
        char unit[200], path[64], cgroup[400];
};

static int on_unit_end(sd_event_source *source, const siginfo_t *info, void *userdata) {
        struct job *j = userdata;
        bool account = IS_ACCOUNT(j->unit);
        bool done = info->si_code == CLD_EXITED &&
                    (info->si_status == 0 || (account && info->si_status == 2)); /* SuccessExitStatus=2 */
        if (account)
                main_status = info->si_status;
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
        if (IS_ACCOUNT(j->unit))
                (void) execl(j->stage->switch_program, "wardtap-switch", "account", instance, (char *) NULL);
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

/* A home that is wiped at once, unless the test holds that up with a file. */
static int wipe(struct stage *s, sd_bus_message *m, const char *name) {
        static const char job[] = "/org/freedesktop/systemd1/job/2";
        int r = sd_bus_reply_method_return(m, "o", job);
        if (r < 0 || access("hold-wipes", F_OK) == 0)
                return r;
        return sd_bus_emit_signal(s->bus[SERVICE_SYSTEMD], "/org/freedesktop/systemd1",
                                  "org.freedesktop.systemd1.Manager", "JobRemoved", "uoss", 2U, job, name,
                                  "done");
}

static int start_unit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name, *mode;
        int r = sd_bus_message_read(m, "ss", &name, &mode);
        if (r < 0)
                return r;
        say_call(m, name);
        bool stop = sd_bus_message_is_method_call(m, NULL, "StopUnit");
        if (!stop && (strncmp(name, "wardtap-switch@", 15) == 0 || IS_ACCOUNT(name)) && strchr(name, '.'))
                return run_unit(userdata, m, name);
        if (strncmp(name, "wardtap-wipe@", 13) == 0)
                return wipe(userdata, m, name);
        return sd_bus_reply_method_return(m, "o", "/org/freedesktop/systemd1/job/1");
}

/* --- units of the site */

static struct site_unit {
        char name[128], state[32];
        uint64_t active, inactive; /* CLOCK_MONOTONIC of the last time */
} site_units[4];

static struct site_unit *find_site_unit(const char *path) {
        _cleanup_(freep) char *name = NULL;
        if (sd_bus_path_decode(path, UNITS, &name) > 0)
                for (size_t i = 0; i < ELEMENTSOF(site_units); i++)
                        if (strcmp(site_units[i].name, name) == 0)
                                return &site_units[i];
        return NULL;
}

static int get_state(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct site_unit *u = find_site_unit(path);
        return sd_bus_message_append(reply, "s", u ? u->state : "inactive");
}

static int get_time(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct site_unit *u = find_site_unit(path);
        return sd_bus_message_append(reply, "t",
                                     !u                   ? UINT64_C(0)
                                     : property[0] == 'A' ? u->active
                                                          : u->inactive);
}

static const sd_bus_vtable unit_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("ActiveState", "s", get_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("ActiveEnterTimestampMonotonic", "t", get_time, 0, 0),
        SD_BUS_PROPERTY("InactiveEnterTimestampMonotonic", "t", get_time, 0, 0),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable service_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("ExecMainStatus", "i", NULL, 0, 0),
        SD_BUS_VTABLE_END,
};

bool systemd_set_unit(struct stage *s, const char *unit, const char *state) {
        _cleanup_(freep) char *path = NULL;
        struct site_unit *u = NULL;
        struct timespec now;
        for (size_t i = 0; i < ELEMENTSOF(site_units); i++)
                if (strcmp(site_units[i].name, unit) == 0 || (!u && !site_units[i].name[0]))
                        u = &site_units[i];
        if (!u || strlen(unit) >= sizeof(u->name) || strlen(state) >= sizeof(u->state) ||
            sd_bus_path_encode(UNITS, unit, &path) < 0 || clock_gettime(CLOCK_MONOTONIC, &now) < 0)
                return false;
        (void) snprintf(u->name, sizeof(u->name), "%s", unit);
        (void) snprintf(u->state, sizeof(u->state), "%s", state);
        *(strcmp(state, "active") == 0 ? &u->active : &u->inactive) =
                (uint64_t) now.tv_sec * 1000000U + (uint64_t) now.tv_nsec / 1000U;
        return !s->bus[SERVICE_SYSTEMD] ||
               sd_bus_emit_properties_changed(s->bus[SERVICE_SYSTEMD], path, "org.freedesktop.systemd1.Unit",
                                              "ActiveState", NULL) >= 0;
}

static int subscribe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, "");
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("GetUnit", "s", "o", get_unit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Subscribe", "", "", subscribe, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("StartUnit", "ss", "o", start_unit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RestartUnit", "ss", "o", start_unit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("StopUnit", "ss", "o", start_unit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static int find_status(sd_bus *bus, const char *path, const char *interface, void *userdata, void **found,
                       sd_bus_error *error) {
        *found = &main_status;
        return 1;
}

static int find_any(sd_bus *bus, const char *path, const char *interface, void *userdata, void **found,
                    sd_bus_error *error) {
        *found = userdata;
        return 1; /* systemd has an object for every name, of a unit that is not there too */
}

int systemd_start(struct stage *s) {
        int r = sd_bus_add_fallback_vtable(s->bus[SERVICE_SYSTEMD], NULL, UNITS,
                                           "org.freedesktop.systemd1.Unit", unit_vtable, find_any, s);
        if (r >= 0)
                r = sd_bus_add_fallback_vtable(s->bus[SERVICE_SYSTEMD], NULL, UNITS,
                                               "org.freedesktop.systemd1.Service", service_vtable,
                                               find_status, NULL);
        if (r < 0)
                return r;
        return sd_bus_add_object_vtable(s->bus[SERVICE_SYSTEMD], NULL, "/org/freedesktop/systemd1",
                                        "org.freedesktop.systemd1.Manager", vtable, s);
}
