/* SPDX-License-Identifier: Apache-2.0 */
/* wardtap-hook KIND: runs the site's program for the record that systemd passed as the credential "record":
 * /etc/wardtap/event.d/EVENT or alert.d/REASON, else "default" in that folder. The program gets the record
 * in its environment, and no argument: no text of a record is ever part of a command. */
#include "common/socket.h"
#include "helper/hook_message.h"
#include "helper/hooks.h"
#include "helper/hooks_spool.h"
#include "helper/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

static int load(struct record *ret, uint64_t *ret_seq) {
        uint8_t buf[SOCKET_MESSAGE_MAX + 1];
        char path[512];
        const char *folder = secure_getenv("CREDENTIALS_DIRECTORY");
        if (!folder || snprintf(path, sizeof(path), "%s/record", folder) >= (int) sizeof(path))
                return -ENXIO;
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        ssize_t n = read(fd, buf, sizeof(buf));
        return n < 0 ? -errno : hook_message_read((struct bytes){buf, (size_t) n}, ret, ret_seq);
}

static const char *name_of(const struct record *r, bool alert) {
        const char *reason = r->fields[RECORD_FIELD_REASON];
        return alert && reason && hooks_is_name(reason) ? reason : record_event_name(r->event);
}

/* Only what root alone can have put there. */
static int check(const char *path) {
        struct stat st;
        if (stat(path, &st) < 0)
                return -errno;
        return S_ISREG(st.st_mode) && st.st_uid == 0 && (st.st_mode & 022) == 0 ? 0 : -EPERM;
}

static int find(const char *kind, const char *name, char *ret, size_t size) {
        (void) snprintf(ret, size, HOOKS_SITE "/%s.d/%s", kind, name);
        int r = check(ret);
        if (r != -ENOENT)
                return r;
        (void) snprintf(ret, size, HOOKS_SITE "/%s.d/%s", kind, HOOKS_DEFAULT);
        return check(ret);
}

static int run(const char *kind) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_EVENT_INVALID};
        _cleanup_(hook_environment_freep) char **environment = NULL;
        char path[512] = "";
        uint64_t seq;
        int r = load(&record, &seq);
        if (r >= 0)
                r = find(kind, name_of(&record, strcmp(kind, "alert") == 0), path, sizeof(path));
        if (r >= 0)
                r = hook_environment(&record, seq, environ, &environment);
        if (r >= 0) {
                (void) execve(path, (char *[]){path, NULL}, environment);
                r = -errno;
        }
        if (r == -EPERM)
                log_line(SD_ERR,
                         "%s does not run: it must be a file that root owns and nobody else can write.",
                         path);
        else
                log_line(SD_ERR, "%s does not run: %s", *path ? path : "The site's program", strerror(-r));
        return r;
}

int main(int argc, char **argv) {
        if (argc != 2 || (strcmp(argv[1], "event") != 0 && strcmp(argv[1], "alert") != 0)) {
                log_line(SD_ERR, "wardtap-hook is started by systemd; see wardtapd(8)");
                return EXIT_FAILURE;
        }
        (void) run(argv[1]);
        return EXIT_FAILURE;
}
