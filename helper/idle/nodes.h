/* SPDX-License-Identifier: Apache-2.0 */
/* The input devices of the seat: those that are there, and those that come.
 *
 * What udev knows of a device is in /run/udev/data, written after its node has its owner and mode. So that
 * folder is watched, and not /dev/input: when a device's file appears there, it can be opened, and says on
 * which seat it is (ID_SEAT; none means seat0, as for logind). A file that is written anew (a device is
 * attached to another seat) is looked at again.
 */
#pragma once

#include "common/util.h"
#include "helper/idle/devices.h"

struct nodes;

/* Adds all that are there to `devices` (borrowed), by their device numbers' minor part. -ENOENT where udev
 * is not running. */
int nodes_new(sd_event *event, struct devices *devices, struct nodes **ret);
struct nodes *nodes_free(struct nodes *n);
DEFINE_CLEANUP(struct nodes, nodes_free)

/* "c13:64", a file name in /run/udev/data: 64, of the input devices' major number 13. -EINVAL for any other.
 */
int nodes_minor_of(const char *name);
