/* SPDX-License-Identifier: Apache-2.0 */
/* Has systemd start a unit, and waits for the end of that job. */
#pragma once

#include "common/util.h"

#include <systemd/sd-bus.h>

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER SYSTEMD ".Manager"

#define UNIT_JOB_PATH_SIZE 128U
#define UNIT_JOB_SENDER_SIZE 256U

/* How it ended, in systemd's word: "done", "failed", "timeout", "canceled" and so on
 * (org.freedesktop.systemd1(5), JobRemoved). NULL: it never began, and why. Called once for each
 * unit_job_begin() that succeeded, unless it is forgotten before. The job is over by then, and may be begun
 * anew from within. */
typedef void (*unit_job_ended)(void *userdata, const char *result, const char *error);

/* One at a time; {0} is none. It must stay where it is while it is under way. */
struct unit_job {
        unit_job_ended ended;
        void *userdata;
        char path[UNIT_JOB_PATH_SIZE];      /* systemd's path of the job; "" until it has answered */
        char systemd[UNIT_JOB_SENDER_SIZE]; /* who has answered: the one whose word on that job counts */
        sd_bus_slot *starting, *removed;
};

/* Method of the manager ("StartUnit", "RestartUnit"), unit and mode: org.freedesktop.systemd1(5). What was
 * under way is forgotten. It has no time limit of its own. Errors of sd-bus: nothing was begun. */
int unit_job_begin(struct unit_job *j, sd_bus *bus, const char *method, const char *unit, const char *mode,
                   unit_job_ended ended, void *userdata);
/* Its end is nobody's business any more. systemd goes on with it. */
void unit_job_forget(struct unit_job *j);
