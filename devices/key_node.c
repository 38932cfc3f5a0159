/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugged-in device says of itself reaches us through sysfs: read strictly, bounded, and named in
 * events only by a hash and a clean text. */
#include "devices/key_node.h"

#include "common/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>

enum {
        NAME_SIZE = 16,
        PATH_SIZE = 320,
        UEVENT_MAX = 2048,     /* UEVENT_BUFFER_SIZE of the kernel */
        DESCRIPTOR_MAX = 4096, /* HID_MAX_DESCRIPTOR_SIZE of the kernel */
        ENTRIES_MAX = 256,     /* nodes looked at in one scan */
        USAGE_PAGE_FIDO = 0xf1d0,
        ITEM_LONG = 0xfe,
        ITEM_USAGE_PAGE = 0x04, /* global, tag 0; the two low bits are its size */
};

const struct key_folders key_folders = {"/dev", "/sys/class/hidraw"};

/* --- the report descriptor */

/* The value of a short item, little-endian. */
static uint32_t item_value(struct bytes data) {
        uint32_t v = 0;
        for (size_t i = 0; i < data.n; i++)
                v |= (uint32_t) data.p[i] << (8 * i);
        return v;
}

/* Takes one item: 1 for a usage page (and *ret), 0 for any other, -EBADMSG. */
static int take_item(struct bytes *b, uint32_t *ret) {
        static const uint8_t sizes[] = {0, 1, 2, 4};
        struct bytes data;
        uint8_t head, n, tag;
        int r = bytes_take_u8(b, &head);
        if (r < 0)
                return r;
        if (head == ITEM_LONG) {
                if ((r = bytes_take_u8(b, &n)) < 0 || (r = bytes_take_u8(b, &tag)) < 0)
                        return r;
                return bytes_take(b, n, &data);
        }
        if ((r = bytes_take(b, sizes[head & 3U], &data)) < 0)
                return r;
        if ((head & ~3U) != ITEM_USAGE_PAGE)
                return 0;
        *ret = item_value(data);
        return 1;
}

bool key_node_is_fido(struct bytes descriptor) {
        bool found = false;
        while (descriptor.n > 0) {
                uint32_t page = 0;
                int r = take_item(&descriptor, &page);
                if (r < 0)
                        return false;
                found |= r == 1 && page == USAGE_PAGE_FIDO;
        }
        return found;
}

/* --- the kernel's text about it */

enum line { LINE_MODEL, LINE_NAME, LINE_PORT, LINE_SERIAL, LINES_N };

static const char *const heads[LINES_N] = {"HID_ID=", "HID_NAME=", "HID_PHYS=", "HID_UNIQ="};

static struct bytes take_line(struct bytes *b) {
        const uint8_t *end = memchr(b->p, '\n', b->n);
        size_t n = end ? (size_t) (end - b->p) : b->n, step = end ? n + 1 : n;
        struct bytes line = {b->p, n};
        *b = (struct bytes){b->p + step, b->n - step};
        return line;
}

static int take_lines(struct bytes b, struct bytes ret[LINES_N]) {
        struct bytes found[LINES_N] = {0};
        while (b.n > 0) {
                struct bytes line = take_line(&b);
                for (size_t i = 0; i < LINES_N; i++) {
                        size_t n = strlen(heads[i]);
                        if (line.n < n || memcmp(line.p, heads[i], n) != 0)
                                continue;
                        if (found[i].p)
                                return -EBADMSG;
                        found[i] = (struct bytes){line.p + n, line.n - n};
                }
        }
        for (size_t i = 0; i < LINES_N; i++)
                if (!found[i].p)
                        return -EBADMSG;
        memcpy(ret, found, sizeof(found));
        return 0;
}

static int hash_id(const struct bytes lines[LINES_N], char ret[DEVICE_KEY_ID_SIZE]) {
        static const enum line used[] = {LINE_MODEL, LINE_PORT, LINE_SERIAL};
        uint8_t buf[UEVENT_MAX + LINES_N], sum[EVP_MAX_MD_SIZE];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t n;
        for (size_t i = 0; i < ELEMENTSOF(used); i++) {
                writer_bytes(&w, lines[used[i]].p, lines[used[i]].n);
                writer_u8(&w, '\n'); /* which is in none of them */
        }
        if (writer_end(&w, &n) < 0 || EVP_Digest(buf, n, sum, NULL, EVP_sha256(), NULL) != 1)
                return -EIO;
        hex_encode(sum, (DEVICE_KEY_ID_SIZE - 1) / 2, ret);
        return 0;
}

/* Nothing where it is not fit for a screen. */
static void copy_product(struct bytes name, char ret[DEVICE_PRODUCT_SIZE]) {
        char text[DEVICE_PRODUCT_SIZE] = "";
        size_t n = name.n < sizeof(text) - 1 ? name.n : sizeof(text) - 1;
        if (n > 0)
                memcpy(text, name.p, n);
        for (size_t at = 0, step; at < n; at += step)
                if ((step = text_take_clean(text + at)) == 0) {
                        text[at] = 0; /* cut within a character, or not clean from here on */
                        break;
                }
        memcpy(ret, text, sizeof(text));
}

int key_node_identify(struct bytes uevent, struct device_key *ret) {
        struct bytes lines[LINES_N];
        struct device_key k = {.id = ""};
        int r;
        if (uevent.n > UEVENT_MAX)
                return -EBADMSG;
        if ((r = take_lines(uevent, lines)) < 0 || (r = hash_id(lines, k.id)) < 0)
                return r;
        copy_product(lines[LINE_NAME], k.product);
        *ret = k;
        return 0;
}

/* --- the folders */

bool key_node_is_name(const char *name) {
        uint64_t n;
        return strncmp(name, "hidraw", 6) == 0 && strnlen(name, NAME_SIZE) < NAME_SIZE &&
               parse_u64(name + 6, UINT32_MAX, &n) >= 0;
}

static int read_file(const struct key_folders *f, const char *name, const char *what, uint8_t *buf,
                     size_t size, struct bytes *ret) {
        char path[PATH_SIZE];
        if (snprintf(path, sizeof(path), "%s/%s/device/%s", f->sys, name, what) >= (int) sizeof(path))
                return -ENAMETOOLONG;
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        ssize_t n = read(fd, buf, size); /* sysfs gives all of it at once */
        if (n < 0)
                return -errno;
        *ret = (struct bytes){buf, (size_t) n};
        return 0;
}

static int identify(const struct key_folders *f, const char *name, struct device_key *ret) {
        uint8_t buf[DESCRIPTOR_MAX];
        struct bytes b;
        int r = read_file(f, name, "report_descriptor", buf, sizeof(buf), &b);
        if (r < 0)
                return r;
        if (!key_node_is_fido(b))
                return -ENODEV;
        r = read_file(f, name, "uevent", buf, UEVENT_MAX, &b);
        return r < 0 ? r : key_node_identify(b, ret);
}

/* The node is there, and udev has handed it over. */
static bool is_ours(const struct key_folders *f, const char *name) {
        char path[PATH_SIZE];
        return snprintf(path, sizeof(path), "%s/%s", f->dev, name) < (int) sizeof(path) &&
               access(path, R_OK | W_OK) == 0;
}

bool key_nodes_has(const struct key_nodes *k, const char *id) {
        for (size_t i = 0; i < k->n; i++)
                if (strcmp(k->keys[i].id, id) == 0)
                        return true;
        return false;
}

static void add(struct key_nodes *k, const struct device_key *key) {
        if (k->n < DEVICE_KEYS_MAX && !key_nodes_has(k, key->id))
                k->keys[k->n++] = *key;
}

void key_nodes_scan(const struct key_folders *f, struct key_nodes *k) {
        struct key_nodes known = {.n = 0}, new = {.n = 0};
        struct device_key key;
        struct dirent *d;
        DIR *dir = opendir(f->sys);
        for (unsigned i = 0; dir && i < ENTRIES_MAX && (d = readdir(dir)); i++)
                if (key_node_is_name(d->d_name) && is_ours(f, d->d_name) &&
                    identify(f, d->d_name, &key) >= 0)
                        add(key_nodes_has(k, key.id) ? &known : &new, &key);
        if (dir)
                (void) closedir(dir);
        for (size_t i = 0; i < new.n; i++)
                add(&known, &new.keys[i]);
        *k = known;
}

void key_node_id_of(const struct key_folders *f, const char *path, char ret[DEVICE_KEY_ID_SIZE]) {
        const char *name = strrchr(path, '/');
        struct device_key key = {.id = ""};
        if (!name || !key_node_is_name(name + 1) || identify(f, name + 1, &key) < 0)
                key.id[0] = 0;
        memcpy(ret, key.id, DEVICE_KEY_ID_SIZE);
}
