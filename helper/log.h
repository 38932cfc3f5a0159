/* SPDX-License-Identifier: Apache-2.0 */
/* Lines for the administrator on stderr, with sd-daemon(3) levels. What they say is about wardtapd itself;
 * audit records go another way (recorder.h). */
#pragma once

/* Writes one line; the level is a prefix of sd-daemon.h (SD_WARNING and so on). Never waits: when stderr is
 * the journal's socket and the journal has stopped, the line is lost. errno is left as it was. */
void log_line(const char *level, const char *format, ...) __attribute__((format(printf, 2, 3)));
