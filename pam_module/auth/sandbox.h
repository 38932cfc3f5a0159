/* SPDX-License-Identifier: Apache-2.0 */
/* What an attempt may do once it begins to listen to anybody: read and write the few files and sockets it
 * needs, and nothing else. */
#pragma once

/* Whether this is a build with AddressSanitizer, which needs some system calls and files of its own. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* What every process of wardtap-authd gives up at once: new privileges, being read by others of its user
 * (/proc/PID/mem, ptrace), core dumps. */
int sandbox_harden(void);

/* Makes the filter of system calls for sandbox_enter(). Once, before the first attempt. */
int sandbox_prepare(void);

/* Files (Landlock, where the kernel has it): people.db and rules to read, state.db's folder to write. System
 * calls (seccomp): an allow-list; anything else ends the process. For the rest of its life. Negative errno,
 * also without sandbox_prepare(): then it must not go on. */
int sandbox_enter(void);
