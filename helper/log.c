/* SPDX-License-Identifier: Apache-2.0 */
/* Lines on stderr that never block the loop. */
#include "helper/log.h"

#include "common/util.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

void log_line(const char *level, const char *format, ...) {
        int saved = errno;
        char line[512];
        va_list ap;

        int at =
                snprintf(line, sizeof(line), "%s", isatty(STDERR_FILENO) ? "" : level); /* for the journal */
        if (at < 0 || (size_t) at >= sizeof(line) - 1)
                return;
        va_start(ap, format);
        int n = vsnprintf(line + at, sizeof(line) - (size_t) at - 1, format, ap);
        va_end(ap);
        if (n < 0)
                return;
        size_t len = strlen(line);
        line[len++] = '\n';
        if (send(STDERR_FILENO, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == ENOTSOCK)
                if (write(STDERR_FILENO, line, len) < 0)
                        errno = saved; /* there is nowhere left to say it */
        errno = saved;
}
