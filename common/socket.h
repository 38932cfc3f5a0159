/* SPDX-License-Identifier: Apache-2.0 */
/* Local sockets of type SOCK_SEQPACKET, on which every conversation between our processes runs: one send is
 * one message, so nothing needs framing, and a hang-up is seen at once. */
#pragma once

#include "common/bytes.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Largest message on any of our sockets, in bytes. A larger one is an error for the receiver. */
#define SOCKET_MESSAGE_MAX 16384U

/* Connects to a listener at an absolute path. The listener must have been made by listener_uid
 * (SO_PEERCRED): a socket that somebody else put there is refused. The descriptor is close-on-exec and
 * non-blocking. Errors: -ENOENT, -ECONNREFUSED (nobody listens), -EACCES, -EPERM (the listener is somebody
 * else's), -EAGAIN (the listener's queue is full), -ENAMETOOLONG. */
int socket_connect(const char *path, uid_t listener_uid, int *ret_fd);

/* Accepts one connection, close-on-exec and non-blocking, with its peer's credentials (ret_peer may be
 * NULL). -EAGAIN when none waits. */
int socket_accept(int listener, struct ucred *ret_peer, int *ret_fd);

/* The peer's credentials as the kernel saw them at connect() or socketpair(). */
int socket_peer(int fd, struct ucred *ret);

/* Sends one message. Never raises SIGPIPE. -EAGAIN when the peer's queue is full, -EPIPE or -ECONNRESET when
 * it is gone. */
int socket_send(int fd, const void *p, size_t n);

/* Sends what was written as one message, and wipes the writer's buffer in any case. Errors of writer_end()
 * and socket_send(). */
int socket_send_written(int fd, struct writer *w);

/* Receives one message into p (of size bytes). 0 and *ret_n > 0; -EAGAIN when there is none; -ECONNRESET
 * when the peer hung up (an empty message counts as that); -EMSGSIZE when it was larger than p (it is lost).
 * Descriptors that come along are closed unseen. */
int socket_receive(int fd, void *p, size_t size, size_t *ret_n);

/* Waits until fd can be read or has hung up. deadline_usec is in CLOCK_MONOTONIC, UINT64_MAX for none.
 * 0, or -ETIMEDOUT. Interrupted waits go on. */
int socket_wait(int fd, uint64_t deadline_usec);

/* CLOCK_MONOTONIC now, in microseconds. */
uint64_t now_monotonic_usec(void);
/* CLOCK_BOOTTIME now (goes on during suspend), in microseconds. */
uint64_t now_boottime_usec(void);
/* CLOCK_REALTIME now, in microseconds since 1970. */
uint64_t now_realtime_usec(void);
