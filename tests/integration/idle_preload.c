/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into wardtap-idle where the kernel has no input devices: a FIFO in /dev/input is the device of
 * its number. Those with an even number are keyboards, the others power buttons. */
#include <dlfcn.h>
#include <errno.h>
#include <linux/input.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define NODE "/dev/input/event"
#define WORD_BITS (8 * sizeof(unsigned long))
#define EXPORT __attribute__((visibility("default")))

/* -1 when it is none. */
static int number_of(int fd) {
        char link[32], path[64];
        (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, path, sizeof(path) - 1);
        if (n < 0)
                return -1;
        path[n] = '\0';
        return strncmp(path, NODE, sizeof(NODE) - 1) == 0 ? (int) strtol(path + sizeof(NODE) - 1, NULL, 10)
                                                          : -1;
}

EXPORT int fstat(int fd, struct stat *st) {
        int (*real)(int, struct stat *) = (int (*)(int, struct stat *)) dlsym(RTLD_NEXT, "fstat");
        int r = real(fd, st), n = number_of(fd);
        if (r == 0 && n >= 0 && S_ISFIFO(st->st_mode)) {
                st->st_mode = S_IFCHR | 0660;
                st->st_rdev = makedev(13, 64U + (unsigned) n);
        }
        return r;
}

EXPORT int ioctl(int fd, unsigned long request, ...) {
        int (*real)(int, unsigned long, void *) =
                (int (*)(int, unsigned long, void *)) dlsym(RTLD_NEXT, "ioctl");
        va_list ap;
        va_start(ap, request);
        unsigned long *p = va_arg(ap, void *);
        va_end(ap);
        int n = number_of(fd);
        if (n < 0)
                return real(fd, request, p);
        if (_IOC_TYPE(request) != 'E') {
                errno = ENOTTY;
                return -1;
        }
        if (_IOC_NR(request) == 0x20 + EV_KEY) {
                unsigned key = n % 2 == 0 ? KEY_A : KEY_POWER;
                memset(p, 0, _IOC_SIZE(request));
                p[key / WORD_BITS] |= 1UL << (key % WORD_BITS);
        }
        return 0;
}
