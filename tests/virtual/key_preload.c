/* SPDX-License-Identifier: Apache-2.0 */
/* libvirtual-key-preload.so: shows libfido2's callers the virtual keys of /run/virtual-keys, and nothing
 * else, as devices with the path "virtual:NAME". Everything above the report layer is libfido2's own. */
#include "common/util.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fido.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define EXPORT __attribute__((visibility("default")))
#define PREFIX "virtual:"
#define REPORT_SIZE 64
#define VENDOR 0x1209 /* pid.codes */
#define PRODUCT 0xf1d0

/* An open virtual key. All of them are in a list, so that fido_dev_set_sigmask() tells ours from others. */
struct handle {
        int fd;
        bool masked;
        sigset_t mask;
        struct handle *next;
};

static struct handle *handles;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char *directory(void) {
        const char *dir = secure_getenv("VIRTUAL_KEYS_DIR");
        return dir ? dir : "/run/virtual-keys";
}

static bool is_virtual(const char *path) {
        return path && strncmp(path, PREFIX, strlen(PREFIX)) == 0;
}

static bool is_handle(const void *p) {
        bool found = false;
        (void) pthread_mutex_lock(&lock);
        for (const struct handle *h = handles; h; h = h->next)
                found |= h == p;
        (void) pthread_mutex_unlock(&lock);
        return found;
}

static int connect_to(const char *name) {
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        int n = snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s", directory(), name);
        if (strchr(name, '/') || n < 0 || (size_t) n >= sizeof(sa.sun_path))
                return -1;
        _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *) &sa, sizeof(sa)) < 0)
                return -1;
        return TAKE_FD(fd);
}

static void *io_open(const char *path) {
        if (!is_virtual(path))
                return NULL;
        struct handle *h = calloc(1, sizeof(*h));
        if (!h)
                return NULL;
        h->fd = connect_to(path + strlen(PREFIX));
        if (h->fd < 0) {
                free(h);
                return NULL;
        }
        (void) pthread_mutex_lock(&lock);
        h->next = handles;
        handles = h;
        (void) pthread_mutex_unlock(&lock);
        return h;
}

static void io_close(void *p) {
        struct handle *h = p;
        (void) pthread_mutex_lock(&lock);
        for (struct handle **at = &handles; *at; at = &(*at)->next)
                if (*at == h) {
                        *at = h->next;
                        break;
                }
        (void) pthread_mutex_unlock(&lock);
        (void) close(h->fd);
        free(h);
}

/* As libfido2's hid_unix.c and hid_linux.c: a signal that the mask lets through makes it fail. */
static int io_read(void *p, unsigned char *buf, size_t len, int ms) {
        const struct handle *h = p;
        struct pollfd pfd = {h->fd, POLLIN, 0};
        struct timespec ts = {ms / 1000, (ms % 1000) * 1000000L};
        if (len != REPORT_SIZE || ppoll(&pfd, 1, ms < 0 ? NULL : &ts, h->masked ? &h->mask : NULL) < 1)
                return -1;
        ssize_t n = recv(h->fd, buf, len, 0);
        return n == REPORT_SIZE ? REPORT_SIZE : -1;
}

/* The first byte is the report's number, which the kernel takes away too. */
static int io_write(void *p, const unsigned char *buf, size_t len) {
        const struct handle *h = p;
        if (len != REPORT_SIZE + 1 || send(h->fd, buf + 1, REPORT_SIZE, MSG_NOSIGNAL) != REPORT_SIZE)
                return -1;
        return (int) len;
}

static const fido_dev_io_t io = {io_open, io_close, io_read, io_write};

/* Keys in the order of their names, so that a test knows which comes first. */
static int compare(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_key(const struct dirent *d) {
        return d->d_name[0] != '.' && d->d_type == DT_SOCK;
}

EXPORT int fido_dev_info_manifest(fido_dev_info_t *list, size_t max, size_t *ret_n) {
        struct dirent **found = NULL;
        size_t n = 0;
        int r = FIDO_OK, all = scandir(directory(), &found, is_key, compare);
        for (int i = 0; i < all; i++) {
                char path[sizeof(PREFIX) + sizeof(found[i]->d_name)];
                (void) snprintf(path, sizeof(path), PREFIX "%s", found[i]->d_name);
                if (r == FIDO_OK && n < max) {
                        r = fido_dev_info_set(list, n, path, "Wardtap tests", "Virtual key", &io, NULL);
                        n += r == FIDO_OK;
                }
                free(found[i]);
        }
        free(found);
        *ret_n = n;
        return r;
}

/* fido_dev_info_set() knows no numbers. */
EXPORT int16_t fido_dev_info_vendor(const fido_dev_info_t *info) {
        static int16_t (*real)(const fido_dev_info_t *);
        if (is_virtual(fido_dev_info_path(info)))
                return VENDOR;
        if (!real)
                real = (int16_t(*)(const fido_dev_info_t *)) dlsym(RTLD_NEXT, "fido_dev_info_vendor");
        return real ? real(info) : 0;
}

EXPORT int16_t fido_dev_info_product(const fido_dev_info_t *info) {
        static int16_t (*real)(const fido_dev_info_t *);
        if (is_virtual(fido_dev_info_path(info)))
                return (int16_t) PRODUCT;
        if (!real)
                real = (int16_t(*)(const fido_dev_info_t *)) dlsym(RTLD_NEXT, "fido_dev_info_product");
        return real ? real(info) : 0;
}

EXPORT int fido_dev_open(fido_dev_t *dev, const char *path) {
        static int (*real)(fido_dev_t *, const char *);
        if (!real)
                real = (int (*)(fido_dev_t *, const char *)) dlsym(RTLD_NEXT, "fido_dev_open");
        if (!real)
                return FIDO_ERR_INTERNAL;
        if (is_virtual(path)) {
                int r = fido_dev_set_io_functions(dev, &io);
                if (r != FIDO_OK)
                        return r;
        }
        return real(dev, path);
}

/* libfido2 keeps the path but, without transport functions, forgets that the io functions are not its own.
 */
EXPORT fido_dev_t *fido_dev_new_with_info(const fido_dev_info_t *info) {
        static fido_dev_t *(*real)(const fido_dev_info_t *);
        if (!real)
                real = (fido_dev_t * (*) (const fido_dev_info_t *) )
                        dlsym(RTLD_NEXT, "fido_dev_new_with_info");
        fido_dev_t *dev = real ? real(info) : NULL;
        if (dev && is_virtual(fido_dev_info_path(info)) && fido_dev_set_io_functions(dev, &io) != FIDO_OK)
                fido_dev_free(&dev);
        return dev;
}

EXPORT int fido_dev_set_sigmask(fido_dev_t *dev, const fido_sigset_t *mask) {
        static int (*real)(fido_dev_t *, const fido_sigset_t *);
        struct handle *h = fido_dev_io_handle(dev);
        if (h && mask && is_handle(h)) {
                h->mask = *mask;
                h->masked = true;
                return FIDO_OK;
        }
        if (!real)
                real = (int (*)(fido_dev_t *, const fido_sigset_t *)) dlsym(RTLD_NEXT,
                                                                            "fido_dev_set_sigmask");
        return real ? real(dev, mask) : FIDO_ERR_INTERNAL;
}
