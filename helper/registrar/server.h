/* SPDX-License-Identifier: Apache-2.0 */
/* The connections of wardtap-registrar: a few at a time, of the user wardtap alone, each with an end. */
#pragma once

#include "common/util.h"

#include <sys/types.h>
#include <systemd/sd-event.h>

/* A person at each of a station's prompts, and some that were left behind. */
#define REGISTRAR_CONNECTIONS_MAX 16U
/* Without a connection for so long it exits; the socket starts it again. */
#define REGISTRAR_IDLE_USEC (30ULL * 1000 * 1000)

struct registrar_server;

/* Takes the listener, also on an error. `peer` is the only user it listens to. */
int registrar_server_new(sd_event *event, int listener, uid_t peer, struct registrar_server **ret);
struct registrar_server *registrar_server_free(struct registrar_server *s);
DEFINE_CLEANUP(struct registrar_server, registrar_server_free)
