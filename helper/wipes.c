/* SPDX-License-Identifier: Apache-2.0 */
/* Each account has a job of its own: a large home holds up no other. */
#include "helper/wipes.h"

#include "common/bytes.h"
#include "common/wipe_unit.h"
#include "helper/log.h"
#include "helper/unit_job.h"

#include <errno.h>
#include <systemd/sd-daemon.h>

#define UNIT_SIZE 400U

struct wipe {
        uid_t uid;
        char user[65]; /* "": no account */
        struct unit_job job;
};

struct wipes {
        sd_bus *(*bus)(void *userdata);
        void *userdata;
        struct wipe wipes[WIPES_MAX];
};

static void say_failed(const char *user, const char *why) {
        log_line(SD_ERR,
                 "The home of the emergency account %s was not wiped (%s). Try: wardtap lease wipe %s", user,
                 why, user);
}

static void on_job(void *userdata, const char *result, const char *error) {
        struct wipe *w = userdata;
        if (!result || strcmp(result, "done") != 0)
                say_failed(w->user, result ? result : error);
        w->user[0] = 0;
}

static int start(struct wipes *all, struct wipe *w) {
        char unit[UNIT_SIZE];
        sd_bus *bus = all->bus(all->userdata);
        int r = bus ? wipe_unit_name(w->user, unit, sizeof(unit)) : -ENOTCONN;
        return r < 0 ? r : unit_job_begin(&w->job, bus, "StartUnit", unit, "replace", on_job, w);
}

static struct wipe *find_place(struct wipes *all) {
        for (size_t i = 0; i < WIPES_MAX; i++)
                if (!all->wipes[i].user[0])
                        return &all->wipes[i];
        return NULL;
}

void wipes_begin(struct wipes *all, uid_t uid, const char *user) {
        if (!*user || wipes_is_busy(all, uid))
                return;
        struct wipe *w = find_place(all);
        int r = w ? text_copy(w->user, sizeof(w->user), user) : -ENOSPC;
        if (r >= 0) {
                w->uid = uid;
                r = start(all, w);
        }
        if (r >= 0)
                return;
        say_failed(user, strerror(-r));
        if (w)
                w->user[0] = 0;
}

bool wipes_is_busy(const struct wipes *all, uid_t uid) {
        for (size_t i = 0; i < WIPES_MAX; i++)
                if (all->wipes[i].user[0] && all->wipes[i].uid == uid)
                        return true;
        return false;
}

void wipes_connected(struct wipes *all) {
        for (size_t i = 0; i < WIPES_MAX; i++) {
                unit_job_forget(&all->wipes[i].job);
                all->wipes[i].user[0] = 0;
        }
}

int wipes_new(sd_bus *(*bus)(void *userdata), void *userdata, struct wipes **ret) {
        struct wipes *w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->bus = bus;
        w->userdata = userdata;
        *ret = w;
        return 0;
}

struct wipes *wipes_free(struct wipes *w) {
        if (!w)
                return NULL;
        wipes_connected(w);
        free(w);
        return NULL;
}
