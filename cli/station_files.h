/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a station safe: files that the package brings and that take effect only where they are linked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define PATH_STATION_FILES "/usr/share/wardtap/station"
#define PATH_ENABLED "/var/lib/wardtap/enabled" /* root's: what enable has made and kept */

struct station_file {
        const char *name; /* in PATH_STATION_FILES */
        const char *link; /* where the system looks */
        const char *what; /* one phrase (msgid) */
        bool session_key; /* left out with [Station] SessionKeys=yes */
};
extern const struct station_file station_files[];
extern const size_t n_station_files;

/* 1 when it is linked to ours, 0 when nothing is there, -EEXIST when something else is; another negative
 * errno. */
int station_file_state(const struct station_file *f);

/* Links those that are missing; with session_keys, not those that would take keys from sessions. What stands
 * in the way is left and told with warn(). 0 or a negative errno, then what was linked by this call is gone
 * again. */
int station_link(bool session_keys);
/* Takes the links out, and the folders that station_link() had to make: 1 when there were some, 0 when not.
 */
int station_unlink(void);
/* Tells those who read the files, where systemd runs; what fails is told with warn(). */
void station_reload(void);
