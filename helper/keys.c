/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that come and go, recorded. */
#include "helper/keys.h"

#include "common/socket.h"

#include <errno.h>
#include <time.h>

#define SLACK_USEC (50U * 1000U)

struct keys {
        struct keys_config config;
        struct keys_state state;
        struct keys_flood flood;
        sd_event_source *timer;
};

static void note(struct keys *k, const struct device_key *key, bool plugged) {
        switch (keys_flood_take(&k->flood, now_monotonic_usec())) {
        case KEYS_NOTE:
                recorder_note(k->config.recorder, plugged ? RECORD_KEY_ATTACH : RECORD_KEY_DETACH, NULL,
                              NULL, *key->product ? key->product : "a key without a name");
                break;
        case KEYS_ALERT:
                recorder_note(k->config.recorder, RECORD_ALERT, NULL, "keys-flood",
                              "Keys come and go too often; no more of it is recorded until a minute has "
                              "passed without.");
                break;
        case KEYS_NO_NOTE:
                break;
        }
}

static void on_changed(void *userdata, const struct device_key *key, bool plugged, bool present,
                       uint64_t when_usec) {
        struct keys *k = userdata;
        note(k, key, plugged);
        if (k->config.changed)
                k->config.changed(k->config.userdata, key, plugged, present, when_usec);
}

static void rearm(struct keys *k) {
        uint64_t next = keys_state_next(&k->state);
        (void) sd_event_source_set_time(k->timer, next);
        (void) sd_event_source_set_enabled(k->timer, next == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct keys *k = userdata;
        keys_state_expire(&k->state, now_monotonic_usec());
        rearm(k);
        return 0;
}

int keys_new(const struct keys_config *c, struct keys **ret) {
        _cleanup_(keys_freep) struct keys *k = calloc(1, sizeof(*k));
        if (!k)
                return -ENOMEM;
        k->config = *c;
        k->state.changed = on_changed;
        k->state.userdata = k;
        int r = sd_event_add_time(c->event, &k->timer, CLOCK_MONOTONIC, UINT64_MAX, SLACK_USEC, on_timer, k);
        if (r < 0)
                return r;
        rearm(k);
        *ret = TAKE_PTR(k);
        return 0;
}

struct keys *keys_free(struct keys *k) {
        if (!k)
                return NULL;
        sd_event_source_disable_unref(k->timer);
        free(k);
        return NULL;
}

void keys_event(struct keys *k, const struct device_key *key, bool attached, bool present) {
        uint64_t now = now_monotonic_usec();
        if (attached)
                keys_state_attach(&k->state, key, present, now);
        else
                keys_state_detach(&k->state, key->id, now);
        rearm(k);
}

void keys_known(struct keys *k, bool known) {
        if (known)
                keys_state_listed(&k->state, now_monotonic_usec());
        else
                keys_state_lose(&k->state);
        rearm(k);
}
