/* SPDX-License-Identifier: Apache-2.0 */
/* From udev's word about a device to its open node. */
#include "helper/idle/nodes.h"

#include "helper/idle/counts.h"
#include "helper/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/major.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-device.h>

#define UDEV_DATA "/run/udev/data"
#define SEAT "seat0"
#define MINOR_DIGITS 7U

struct nodes {
        sd_event *event;
        struct devices *devices;
        sd_event_source *source;
        bool full; /* was said */
};

int nodes_minor_of(const char *name) {
        static const char prefix[] = "c13:";
        int minor = 0;
        if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
                return -EINVAL;
        name += sizeof(prefix) - 1;
        size_t n = strlen(name);
        if (n == 0 || n > MINOR_DIGITS || strspn(name, "0123456789") != n)
                return -EINVAL;
        for (; *name; name++)
                minor = minor * 10 + (*name - '0');
        return minor;
}

/* Bits that a device does not tell are not set. */
static int read_bits(int fd, struct device_bits *ret) {
        unsigned long types[BITS_LEN(EV_MAX)] = {0};
        *ret = (struct device_bits){0};
        if (ioctl(fd, EVIOCGBIT(0, sizeof(types)), types) < 0)
                return -errno;
        (void) ioctl(fd, EVIOCGBIT(EV_KEY, sizeof(ret->keys)), ret->keys);
        (void) ioctl(fd, EVIOCGBIT(EV_REL, sizeof(ret->relative)), ret->relative);
        (void) ioctl(fd, EVIOCGBIT(EV_ABS, sizeof(ret->absolute)), ret->absolute);
        (void) ioctl(fd, EVIOCGPROP(sizeof(ret->properties)), ret->properties);
        return 0;
}

/* The kernel keeps all other kinds of events to itself (scan codes, switches, lamps), and nobody is woken by
 * them. Where it cannot, they are read and do not count. */
static void ask_only_for(int fd, unsigned types) {
        unsigned long wanted[BITS_LEN(EV_MAX)] = {types};
        const struct input_mask mask = {
                .type = EV_SYN, .codes_size = sizeof(wanted), .codes_ptr = (uintptr_t) wanted};
        (void) ioctl(fd, EVIOCSMASK, &mask);
}

/* Opens what stands at this path, which must be this device. */
static int open_node(const char *path, dev_t number) {
        struct stat st;
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        return S_ISCHR(st.st_mode) && st.st_rdev == number ? TAKE_FD(fd) : -ENODEV;
}

static bool is_of_seat(sd_device *dev) {
        const char *seat;
        return sd_device_get_property_value(dev, "ID_SEAT", &seat) < 0 || seat[0] == '\0' ||
               strcmp(seat, SEAT) == 0;
}

/* Its number is an event node's, and udev is done with it. */
static bool is_ready(sd_device *dev, dev_t *ret_number, const char **ret_path) {
        const char *name;
        return sd_device_get_sysname(dev, &name) >= 0 && strncmp(name, "event", 5) == 0 &&
               sd_device_get_is_initialized(dev) > 0 && sd_device_get_devnum(dev, ret_number) >= 0 &&
               sd_device_get_devname(dev, ret_path) >= 0;
}

static void add(struct nodes *n, const char *path, dev_t number) {
        struct device_bits bits;
        _cleanup_(closep) int fd = open_node(path, number);
        if (fd < 0) {
                if (fd == -EACCES || fd == -EPERM)
                        log_line(SD_WARNING, "%s may not be read: %s", path, strerror(-fd));
                return;
        }
        unsigned types = read_bits(fd, &bits) < 0 ? 0 : counts_of(&bits);
        if (types == 0)
                return;
        ask_only_for(fd, types);
        int r = devices_add(n->devices, minor(number), TAKE_FD(fd), types);
        if (r == -ENOSPC && !n->full)
                log_line(SD_WARNING, "More than %u input devices: those that come now are not watched.",
                         DEVICES_MAX);
        n->full = r == -ENOSPC;
}

/* Watches it, or no longer, as udev says. */
static void consider(struct nodes *n, sd_device *dev) {
        const char *path;
        dev_t number;
        if (!is_ready(dev, &number, &path))
                return;
        bool ours = is_of_seat(dev), known = devices_has(n->devices, minor(number));
        if (ours && !known)
                add(n, path, number);
        else if (!ours && known)
                devices_remove(n->devices, minor(number));
}

static int consider_all(struct nodes *n) {
        sd_device_enumerator *e = NULL;
        int r = sd_device_enumerator_new(&e);
        if (r >= 0)
                r = sd_device_enumerator_add_match_subsystem(e, "input", 1);
        if (r >= 0)
                r = sd_device_enumerator_add_match_sysname(e, "event*");
        if (r >= 0)
                for (sd_device *dev = sd_device_enumerator_get_device_first(e); dev;
                     dev = sd_device_enumerator_get_device_next(e))
                        consider(n, dev);
        sd_device_enumerator_unref(e);
        return r;
}

static int on_udev(sd_event_source *source, const struct inotify_event *e, void *userdata) {
        struct nodes *n = userdata;
        sd_device *dev = NULL;
        if (e->mask & IN_Q_OVERFLOW) { /* what was missed may have been an end and a beginning */
                devices_remove_all(n->devices);
                (void) consider_all(n);
                return 0;
        }
        int number = e->len > 0 ? nodes_minor_of(e->name) : -EINVAL;
        if (number < 0)
                return 0;
        if (e->mask & IN_DELETE)
                devices_remove(n->devices, (unsigned) number);
        else if (sd_device_new_from_devnum(&dev, 'c', makedev(INPUT_MAJOR, (unsigned) number)) >= 0)
                consider(n, dev);
        sd_device_unref(dev);
        return 0;
}

int nodes_new(sd_event *event, struct devices *devices, struct nodes **ret) {
        _cleanup_(nodes_freep) struct nodes *n = calloc(1, sizeof(*n));
        if (!n)
                return -ENOMEM;
        n->event = sd_event_ref(event);
        n->devices = devices;
        int r = sd_event_add_inotify(event, &n->source, UDEV_DATA, IN_MOVED_TO | IN_DELETE | IN_ONLYDIR,
                                     on_udev, n);
        if (r >= 0) /* after that, so that none is missed; what is seen twice is added once */
                r = consider_all(n);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(n);
        return 0;
}

struct nodes *nodes_free(struct nodes *n) {
        if (!n)
                return NULL;
        sd_event_source_disable_unref(n->source);
        sd_event_unref(n->event);
        free(n);
        return NULL;
}
