/* SPDX-License-Identifier: Apache-2.0 */
/* Watches which keys are plugged in: waits for the nodes in /dev, without polling, and opens none of them. A
 * process apart from the watch over readers, which pcscd can keep waiting. */
#include "common/util.h"
#include "devices/key_node.h"
#include "devices/operation.h"

#include <errno.h>
#include <limits.h>
#include <sys/inotify.h>

enum {
        SETTLE_MS = 50, /* after a change, before the next look: udev makes several in a row, and a device
                           that comes and goes without end is looked at 20 times a second */
};

static void emit(const struct operation *op, enum device_event_type type, const struct device_key *key,
                 bool present) {
        struct device_event e = {.type = type, .present = present, .retries = -1, .key = *key};
        operation_emit(op, &e);
}

static void look(const struct operation *op, struct key_nodes *k, bool first) {
        struct key_nodes before = *k;
        key_nodes_scan(&key_folders, k);
        for (size_t i = 0; i < before.n; i++)
                if (!key_nodes_has(k, before.keys[i].id))
                        emit(op, DEVICE_EVENT_KEY_DETACHED, &before.keys[i], false);
        for (size_t i = 0; i < k->n; i++)
                if (!key_nodes_has(&before, k->keys[i].id))
                        emit(op, DEVICE_EVENT_KEY_ATTACHED, &k->keys[i], first);
}

/* Takes what has been noticed by now: whether any of it was about a node of a HID device. */
static bool take_notices(int fd) {
        union {
                struct inotify_event event;
                char buf[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
        } u;
        bool found = false;
        ssize_t n;
        while ((n = read(fd, u.buf, sizeof(u.buf))) > 0)
                for (size_t at = 0; at + sizeof(u.event) <= (size_t) n;) {
                        struct inotify_event e;
                        memcpy(&e, u.buf + at, sizeof(e));
                        found |= e.mask & IN_Q_OVERFLOW ||
                                 (e.len > 0 && key_node_is_name(u.buf + at + sizeof(e)));
                        at += sizeof(e) + e.len;
                }
        return found;
}

/* IN_ATTRIB: udev gives a node away after it was made. */
static int start(void) {
        _cleanup_(closep) int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (fd < 0 || inotify_add_watch(fd, key_folders.dev,
                                        IN_CREATE | IN_DELETE | IN_ATTRIB | IN_MOVE | IN_ONLYDIR) < 0)
                return -errno;
        return TAKE_FD(fd);
}

void key_watch_run(struct operation *op) {
        struct key_nodes k = {.n = 0};
        _cleanup_(closep) int fd = start();
        if (fd < 0) {
                operation_fail(op, outcome_of(DEVICE_FAILED, fd));
                return;
        }
        look(op, &k, true);
        operation_emit_type(op, DEVICE_EVENT_KEYS_LISTED);
        while (operation_wait(op, fd) == DEVICE_OK) {
                if (!take_notices(fd))
                        continue;
                look(op, &k, false);
                if (operation_pause(op, SETTLE_MS) != DEVICE_OK)
                        return;
        }
}
