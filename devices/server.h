/* SPDX-License-Identifier: Apache-2.0 */
/* The parent of all operations: accepts, forks one process for each, and ends it when its time is over or
 * its caller has hung up. */
#pragma once

#include "devices/wire.h"

/* Serves a listening, non-blocking SOCK_SEQPACKET socket. Returns only on an error that leaves no way to go
 * on, as negative errno. */
int server_run(int listener);
