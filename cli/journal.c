/* SPDX-License-Identifier: Apache-2.0 */
/* Who may read the journal, and what it knows. */
#include "cli/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <systemd/sd-id128.h>

#include "common/util.h"

bool journal_may_read(void) {
        static const char *const folders[] = {"/var/log/journal", "/run/log/journal"};
        char path[128];
        sd_id128_t machine;
        if (geteuid() == 0 || sd_id128_get_machine(&machine) < 0)
                return true;
        for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
                (void) snprintf(path, sizeof(path), "%s/" SD_ID128_FORMAT_STR "/system.journal", folders[i],
                                SD_ID128_FORMAT_VAL(machine));
                if (access(path, R_OK) == 0)
                        return true;
        }
        return false;
}

bool journal_knows_units(void) {
        char name[16];
        _cleanup_(closep) int fd = open("/proc/1/comm", O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, name, sizeof(name));
        return n == 8 && memcmp(name, "systemd\n", 8) == 0;
}
