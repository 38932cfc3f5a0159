/* SPDX-License-Identifier: Apache-2.0 */
/* Each account has a job of its own: a large home holds up no other. */
#include "helper/wipes.h"

#include "common/bytes.h"
#include "common/wipe_unit.h"
#include "helper/log.h"
#include "helper/unit_job.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
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

/* Without a bus it waits for the next one, and nobody gets the account. */
static void begin(struct wipes *all, struct wipe *w) {
        int r = start(all, w);
        if (r >= 0 || r == -ENOTCONN)
                return;
        say_failed(w->user, strerror(-r));
        w->user[0] = 0;
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
        if (r < 0) {
                say_failed(user, strerror(-r));
                return;
        }
        w->uid = uid;
        begin(all, w);
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
                if (all->wipes[i].user[0])
                        begin(all, &all->wipes[i]);
        }
}

int wipes_local_account(const char *passwd, const char *user, uid_t *ret) {
        FILE *f = fopen(passwd, "re");
        struct passwd entry, *found = NULL;
        char buf[4096];
        if (!f)
                return -errno;
        while (fgetpwent_r(f, &entry, buf, sizeof(buf), &found) == 0 && strcmp(entry.pw_name, user) != 0)
                found = NULL;
        (void) fclose(f);
        if (!found)
                return -ENOENT;
        *ret = found->pw_uid;
        return 0;
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
        for (size_t i = 0; i < WIPES_MAX; i++)
                unit_job_forget(&w->wipes[i].job);
        free(w);
        return NULL;
}
