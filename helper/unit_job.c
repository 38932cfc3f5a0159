/* SPDX-License-Identifier: Apache-2.0 */
/* A call of systemd's manager, and its signal JobRemoved. */
#include "helper/unit_job.h"

#include "common/bytes.h"

#include <errno.h>
#include <stdbool.h>

void unit_job_forget(struct unit_job *j) {
        j->starting = sd_bus_slot_unref(j->starting);
        j->removed = sd_bus_slot_unref(j->removed);
        j->path[0] = j->systemd[0] = 0;
}

static void end(struct unit_job *j, const char *result, const char *error) {
        unit_job_forget(j);
        j->ended(j->userdata, result, error);
}

/* Anybody may send a signal to wardtapd alone. */
static bool is_of_systemd(const struct unit_job *j, sd_bus_message *m) {
        const char *sender = sd_bus_message_get_sender(m);
        return sender && j->systemd[0] && strcmp(sender, j->systemd) == 0;
}

static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct unit_job *j = userdata;
        const char *path, *result;
        if (is_of_systemd(j, m) && sd_bus_message_read(m, "uoss", NULL, &path, NULL, &result) >= 0 &&
            j->path[0] && strcmp(path, j->path) == 0)
                end(j, result, NULL);
        return 0;
}

static int on_started(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct unit_job *j = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(m);
        const char *path = "", *sender = sd_bus_message_get_sender(m);
        j->starting = sd_bus_slot_unref(j->starting);
        if (e)
                end(j, NULL, e->message ? e->message : e->name);
        else if (!sender || text_copy(j->systemd, sizeof(j->systemd), sender) < 0 ||
                 sd_bus_message_read(m, "o", &path) < 0 || text_copy(j->path, sizeof(j->path), path) < 0)
                end(j, NULL, "systemd's answer is not understood");
        return 0;
}

/* systemd tells the end of a job to whoever asked for it; the signal may follow at the answer's heels. */
int unit_job_begin(struct unit_job *j, sd_bus *bus, const char *method, const char *unit, const char *mode,
                   unit_job_ended ended, void *userdata) {
        unit_job_forget(j);
        j->ended = ended;
        j->userdata = userdata;
        int r = sd_bus_match_signal_async(bus, &j->removed, NULL, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                          "JobRemoved", on_removed, NULL, j);
        if (r >= 0)
                r = sd_bus_call_method_async(bus, &j->starting, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                             method, on_started, j, "ss", unit, mode);
        if (r < 0)
                unit_job_forget(j);
        return r < 0 ? r : 0;
}
