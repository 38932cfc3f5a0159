/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of memory. */
#include "helper/memory.h"

#include "common/bytes.h"
#include "common/socket.h"
#include "helper/limits.h"
#include "helper/log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>

struct memory {
        struct memory_config config;
        sd_event_source *source; /* owns the descriptor */
        uint64_t not_before_usec;
};

/* What fits; the files of the kernel that are read here are shorter, or say the first lines first. */
static int read_text(const char *path, char *buf, size_t size) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        ssize_t n = read(fd, buf, size - 1);
        if (n < 0)
                return -errno;
        buf[n] = 0;
        return 0;
}

int memory_read_info(const char *text, const char *name, uint64_t *ret) {
        char number[24];
        uint64_t kb;
        size_t n = strlen(name);
        const char *at = text;
        while (strncmp(at, name, n) != 0 || at[n] != ':') {
                at = strchr(at, '\n');
                if (!at)
                        return -ENOENT;
                at++;
        }
        at += n + 1;
        at += strspn(at, " ");
        n = strspn(at, "0123456789");
        if (n == 0 || n >= sizeof(number) || strncmp(at + n, " kB\n", 4) != 0)
                return -EBADMSG;
        memcpy(number, at, n);
        number[n] = 0;
        if (parse_u64(number, UINT64_MAX / 1024, &kb) < 0)
                return -EBADMSG;
        *ret = kb * 1024;
        return 0;
}

uint64_t memory_total(const struct memory *m) {
        char text[4096];
        uint64_t total;
        return read_text(m->config.info, text, sizeof(text)) < 0 ||
                               memory_read_info(text, "MemTotal", &total) < 0
                       ? 0
                       : total;
}

static uint64_t read_amount(const struct memory *m, uid_t uid, const char *group, const char *file) {
        char path[512], text[32];
        uint64_t v;
        int n = snprintf(path, sizeof(path), "%s/user.slice/user-%lu.slice/%s/%s", m->config.cgroup,
                         (unsigned long) uid, group, file);
        if (n < 0 || (size_t) n >= sizeof(path) || read_text(path, text, sizeof(text)) < 0)
                return 0;
        text[strcspn(text, "\n")] = 0;
        return parse_u64(text, UINT64_MAX / 4, &v) < 0 ? 0 : v;
}

static uint64_t used_by(const struct memory *m, uid_t uid, const char *group) {
        return read_amount(m, uid, group, "memory.current") +
               read_amount(m, uid, group, "memory.swap.current");
}

/* As logind makes them: letters and digits. */
static bool is_session_id(const char *id) {
        size_t n = strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
        return n > 0 && n <= 64 && id[n] == 0;
}

uint64_t memory_of_session(const struct memory *m, uid_t uid, const char *session, bool alone) {
        char group[96];
        if (!is_session_id(session))
                return 0;
        (void) snprintf(group, sizeof(group), "session-%s.scope", session);
        uint64_t sum = used_by(m, uid, group);
        if (!alone)
                return sum;
        (void) snprintf(group, sizeof(group), "user@%lu.service", (unsigned long) uid);
        return sum + used_by(m, uid, group);
}

/* Where /proc does not say, the pressure alone counts. */
static bool is_short(const struct memory *m) {
        char text[4096];
        uint64_t total, available;
        if (read_text(m->config.info, text, sizeof(text)) < 0 ||
            memory_read_info(text, "MemTotal", &total) < 0 ||
            memory_read_info(text, "MemAvailable", &available) < 0)
                return true;
        return limits_is_short(available, total);
}

static int on_pressure(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct memory *m = userdata;
        uint64_t now = now_monotonic_usec();
        if (events & (EPOLLERR | EPOLLHUP)) {
                log_line(SD_WARNING, "The kernel does not tell any more when memory runs short.");
                m->source = sd_event_source_disable_unref(m->source);
                return 0;
        }
        if (now >= m->not_before_usec && is_short(m) && m->config.pressed(m->config.userdata))
                m->not_before_usec = now_monotonic_usec() + MEMORY_PAUSE_USEC;
        return 0;
}

int memory_watch(struct memory *m, int fd) {
        _cleanup_(closep) int owned = fd;
        sd_event_source *source = NULL;
        int r = sd_event_add_io(m->config.event, &source, owned, EPOLLPRI, on_pressure, m);
        if (r < 0)
                return r;
        (void) sd_event_source_set_io_fd_own(source, 1);
        (void) TAKE_FD(owned);
        m->source = sd_event_source_disable_unref(m->source);
        m->source = source;
        return 0;
}

int memory_new(const struct memory_config *c, struct memory **ret) {
        struct memory *m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->config = *c;
        *ret = m;
        return 0;
}

struct memory *memory_free(struct memory *m) {
        if (!m)
                return NULL;
        sd_event_source_disable_unref(m->source);
        free(m);
        return NULL;
}
