/* SPDX-License-Identifier: Apache-2.0 */
/* FIDO2 keys as the kernel lists them: hidraw nodes and what sysfs says of them. No key is opened, so none
 * is asked anything, held or woken. */
#pragma once

#include "common/bytes.h"
#include "devices/client.h"

/* Where nodes and their descriptions are. */
struct key_folders {
        const char *dev; /* "/dev" */
        const char *sys; /* "/sys/class/hidraw" */
};
extern const struct key_folders key_folders;

struct key_nodes {
        struct device_key keys[DEVICE_KEYS_MAX]; /* no id twice */
        size_t n;
};

/* True when a HID report descriptor (HID 1.11, 6.2.2) has the usage page of the FIDO alliance (CTAP 2.1,
 * 11.2.8.2). One that is not well-formed is no key's. */
bool key_node_is_fido(struct bytes descriptor);
/* Identity and name from the kernel's text about a HID device (its uevent). The id is made of the model, the
 * port and the serial number, so that the same key in the same port has it again after every reset. -EBADMSG
 * when one of its four lines is not there exactly once, as where a device's name has a line end in it; -EIO
 * when libcrypto fails. */
int key_node_identify(struct bytes uevent, struct device_key *ret);

/* The keys that are plugged in and that udev has given to this process, at most DEVICE_KEYS_MAX. Those that *k
 * had before come first: a crowd of new ones does not push them out. A folder that is not there has none. */
void key_nodes_scan(const struct key_folders *f, struct key_nodes *k);
bool key_nodes_has(const struct key_nodes *k, const char *id);
/* The id of the key behind a path of libfido2 ("/dev/hidraw0"), or "" where it has none. */
void key_node_id_of(const struct key_folders *f, const char *path, char ret[DEVICE_KEY_ID_SIZE]);
/* True for the name of a node, as "hidraw0". */
bool key_node_is_name(const char *name);
