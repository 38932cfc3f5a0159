/* SPDX-License-Identifier: Apache-2.0 */
/* Lists, opens and closes keys. */
#include "common/util.h"
#include "devices/key.h"
#include "devices/key_node.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

static void copy_entry(struct key_entry *ret, const char *path, const char *product) {
        *ret = (struct key_entry){0};
        memcpy(ret->path, path, strlen(path));
        if (product && text_is_clean(product, DEVICE_PRODUCT_SIZE - 1))
                memcpy(ret->product, product, strlen(product));
}

int key_list(struct key_list *ret) {
        struct key_list list = {.n = 0};
        size_t n = 0;
        fido_dev_info_t *infos = fido_dev_info_new(KEYS_MAX);
        if (!infos)
                return -ENOMEM;
        int r = fido_dev_info_manifest(infos, KEYS_MAX, &n) == FIDO_OK ? 0 : -EIO;
        for (size_t i = 0; r == 0 && i < n && i < KEYS_MAX; i++) {
                const fido_dev_info_t *info = fido_dev_info_ptr(infos, i);
                const char *path = fido_dev_info_path(info);
                if (path && strnlen(path, KEY_PATH_MAX + 1) <= KEY_PATH_MAX)
                        copy_entry(&list.keys[list.n++], path, fido_dev_info_product_string(info));
        }
        fido_dev_info_free(&infos, KEYS_MAX);
        if (r == 0)
                *ret = list;
        return r;
}

/* libfido2 waits up to 21 s for a key that another program has locked, and cannot be told not to. */
static bool is_held(const char *path) {
        _cleanup_(closep) int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

void key_set_timeout(const struct operation *op, const struct key *k, int max_ms) {
        int left = operation_left_ms(op);
        (void) fido_dev_set_timeout(k->dev,
                                    left < max_ms ? left : max_ms); /* fails for negative ones only */
}

void key_close(struct key *k, bool cancel) {
        if (!k->dev)
                return;
        if (cancel)
                (void) fido_dev_cancel(k->dev); /* it may be gone */
        (void) fido_dev_close(k->dev);
        fido_dev_free(&k->dev);
}

/* An error of fido_dev_open(): past the line, it can only be that getInfo was not answered as FIDO2 wants.
 */
static struct outcome open_failed(const struct operation *op, const struct key *k, int error) {
        if (error == FIDO_ERR_RX || error == FIDO_ERR_TX || error == FIDO_ERR_INTERNAL)
                return key_failed(op, k, error);
        return outcome_of(DEVICE_NOT_FIDO2, error);
}

struct outcome key_open(const struct operation *op, const struct key_entry *entry, struct key *ret) {
        struct key k = {.entry = *entry};
        key_node_id_of(&key_folders, entry->path, k.device);
        if (is_held(entry->path))
                return outcome_of(DEVICE_BUSY, 0);
        k.dev = fido_dev_new();
        if (!k.dev)
                return outcome_of(DEVICE_FAILED, -ENOMEM);
        key_set_timeout(op, &k, INT32_MAX);
        int r = fido_dev_open(k.dev, entry->path);
        if (r != FIDO_OK) {
                fido_dev_free(&k.dev);
                return open_failed(op, &k, r);
        }
        if (!fido_dev_is_fido2(k.dev)) {
                key_close(&k, false);
                return outcome_of(DEVICE_NOT_FIDO2, 0);
        }
        r = fido_dev_set_sigmask(k.dev, operation_wait_mask());
        if (r != FIDO_OK) { /* then a hang-up could not end a wait for touch */
                key_close(&k, false);
                return outcome_of(DEVICE_FAILED, r);
        }
        *ret = k;
        return outcome_ok();
}
