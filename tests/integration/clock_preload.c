/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into wardtap-authd where nothing keeps the machine's clock in step: something does, as long as
 * the file is not there that says otherwise. */
#include <sys/timex.h>
#include <unistd.h>

#define UNSYNCHRONISED "/run/wardtap/clock-is-lost"

__attribute__((visibility("default"))) int adjtimex(struct timex *t) {
        *t = (struct timex){.status = access(UNSYNCHRONISED, F_OK) == 0 ? STA_UNSYNC : 0};
        return TIME_OK;
}
