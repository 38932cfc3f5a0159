/* SPDX-License-Identifier: Apache-2.0 */
/* PC/SC in the words of devices. */
#pragma once

#include <winscard.h>

#include "devices/client.h"

/* The reader name that stands for "a reader came or went". */
#define PCSC_PNP_READER "\\\\?PnP?\\Notification"
#define PCSC_READERS_SIZE ((DEVICE_READERS_MAX + 1U) * (MAX_READERNAME + 1U))

enum device_reason pcsc_reason(LONG rv);
/* The number for logs. */
int32_t pcsc_detail(LONG rv);

/* Lists the readers as zero-terminated names one after the other, ended by an empty one. No reader is an
 * empty list and SCARD_S_SUCCESS. */
LONG pcsc_list(SCARDCONTEXT context, char ret[PCSC_READERS_SIZE]);
