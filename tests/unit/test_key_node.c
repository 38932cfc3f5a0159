/* SPDX-License-Identifier: Apache-2.0 */
/* Which plugged-in devices are keys, what they are called, and that none is told apart by what it can make
 * up. */
#include "common/util.h"
#include "devices/key_node.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <cmocka.h>

static const uint8_t key_report[] = {0x06, 0xd0, 0xf1, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x20, 0x15, 0x00, 0x26,
                                     0xff, 0x00, 0x75, 0x08, 0x95, 0x40, 0x81, 0x02, 0x09, 0x21, 0x15, 0x00,
                                     0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x40, 0x91, 0x02, 0xc0};
static const uint8_t mouse_report[] = {0x05, 0x01, 0x09, 0x02, 0xa1, 0x01,
                                       0x09, 0x01, 0xa1, 0x00, 0xc0, 0xc0};

static const char yubikey[] = "DRIVER=hid-generic\nHID_ID=0003:00001050:00000407\n"
                              "HID_NAME=Yubico YubiKey OTP+FIDO+CCID\nHID_PHYS=usb-0000:00:14.0-2/input1\n"
                              "HID_UNIQ=\nMODALIAS=hid:b0003g0001v00001050p00000407\n";

static bool is_fido(const uint8_t *p, size_t n) {
        return key_node_is_fido((struct bytes){p, n});
}

static int identify(const char *text, struct device_key *ret) {
        return key_node_identify((struct bytes){(const uint8_t *) text, strlen(text)}, ret);
}

static void a_key_is_known_by_its_usage_page(void **state) {
        uint8_t long_item[sizeof(key_report) + 5] = {0xfe, 2, 0x10, 0x06, 0xd0};
        static const uint8_t page_in_32_bits[] = {0x07, 0xd0, 0xf1, 0x00, 0x00};
        static const uint8_t page_is_data_of_a_long_item[] = {0xfe, 3, 0x10, 0x06, 0xd0, 0xf1};
        static const uint8_t after_a_keyboard[] = {0x05, 0x01, 0x09, 0x06, 0xa1,
                                                   0x01, 0xc0, 0x06, 0xd0, 0xf1};
        assert_true(is_fido(key_report, sizeof(key_report)));
        assert_false(is_fido(mouse_report, sizeof(mouse_report)));
        assert_false(is_fido(NULL, 0));
        assert_true(is_fido(page_in_32_bits, sizeof(page_in_32_bits)));
        assert_false(is_fido(page_is_data_of_a_long_item, sizeof(page_is_data_of_a_long_item)));
        assert_true(is_fido(after_a_keyboard, sizeof(after_a_keyboard)));
        memcpy(long_item + 5, key_report, sizeof(key_report));
        assert_true(is_fido(long_item, sizeof(long_item)));
}

static void a_report_that_breaks_off_is_no_keys(void **state) {
        static const size_t whole[] = {3, 5, 7, 9, 11, 14, 16, 18, 20, 22, 24, 27, 29, 31, 33};
        for (size_t n = 1, at = 0; n < sizeof(key_report); n++) {
                bool ends_an_item = at < ELEMENTSOF(whole) && whole[at] == n;
                at += ends_an_item;
                assert_int_equal(is_fido(key_report, n), ends_an_item);
        }
}

static void an_id_is_of_the_model_the_port_and_the_serial_number(void **state) {
        static const char *const others[] = {
                "HID_ID=0003:00001050:00000402\nHID_NAME=a\nHID_PHYS=usb-0000:00:14.0-2/input1\nHID_UNIQ=\n",
                "HID_ID=0003:00001050:00000407\nHID_NAME=a\nHID_PHYS=usb-0000:00:14.0-3/input1\nHID_UNIQ=\n",
                "HID_ID=0003:00001050:00000407\nHID_NAME=a\nHID_PHYS=usb-0000:00:14.0-2/"
                "input1\nHID_UNIQ=7\n",
        };
        struct device_key k, same, other;
        assert_int_equal(identify(yubikey, &k), 0);
        assert_int_equal(strspn(k.id, "0123456789abcdef"), 32);
        assert_int_equal(strlen(k.id), 32);
        assert_string_equal(k.product, "Yubico YubiKey OTP+FIDO+CCID");
        assert_int_equal(identify("HID_UNIQ=\nHID_PHYS=usb-0000:00:14.0-2/input1\nHID_NAME=b\n"
                                  "HID_ID=0003:00001050:00000407",
                                  &same),
                         0);
        assert_string_equal(same.id, k.id);
        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                assert_int_equal(identify(others[i], &other), 0);
                assert_string_not_equal(other.id, k.id);
        }
}

/* "HID_PHYS=x\nHID_UNIQ=" and "HID_PHYS=\nHID_UNIQ=x" are two keys. */
static void what_moves_from_one_line_to_the_next_is_another_key(void **state) {
        struct device_key a, b;
        assert_int_equal(identify("HID_ID=1\nHID_NAME=\nHID_PHYS=x\nHID_UNIQ=\n", &a), 0);
        assert_int_equal(identify("HID_ID=1\nHID_NAME=\nHID_PHYS=\nHID_UNIQ=x\n", &b), 0);
        assert_string_not_equal(a.id, b.id);
        assert_string_equal(a.product, "");
}

static void a_name_with_lines_in_it_does_not_make_it_another_key(void **state) {
        struct device_key k = {.id = "untouched"};
        assert_int_equal(identify("HID_ID=0003:0000dead:0000beef\nHID_NAME=x\n"
                                  "HID_PHYS=usb-0000:00:14.0-2/input1\nHID_UNIQ=\n"
                                  "HID_PHYS=usb-0000:00:14.0-9/input0\nHID_UNIQ=\n",
                                  &k),
                         -EBADMSG);
        assert_int_equal(identify("HID_ID=1\nHID_NAME=x\nHID_PHYS=y\n", &k), -EBADMSG);
        assert_int_equal(identify("", &k), -EBADMSG);
        char *much = calloc(1, 4096);
        memset(much, 'x', 4095);
        memcpy(much, yubikey, sizeof(yubikey) - 1);
        assert_int_equal(identify(much, &k), -EBADMSG);
        free(much);
        assert_string_equal(k.id, "untouched");
}

static void a_name_is_cut_to_what_a_screen_may_show(void **state) {
        char text[512];
        struct device_key k;
        for (size_t n = 60; n < 70; n++) { /* "é" across the end, at each of its bytes */
                (void) snprintf(
                        text, sizeof(text), "HID_ID=1\nHID_NAME=%.*sé%s\nHID_PHYS=\nHID_UNIQ=\n", (int) n,
                        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "yyyy");
                assert_int_equal(identify(text, &k), 0);
                assert_true(text_is_clean(k.product, 64));
                assert_in_range(strlen(k.product), 60, 64);
        }
        assert_int_equal(identify("HID_ID=1\nHID_NAME=Key\033[2J\nHID_PHYS=\nHID_UNIQ=\n", &k), 0);
        assert_string_equal(k.product, "Key");
}

/* --- folders */

static char dev[64], sys[64];
static const struct key_folders folders = {dev, sys};

static int make_folders(void **state) {
        static char root[] = "/tmp/wardtap-nodes-XXXXXX";
        memcpy(root + sizeof(root) - 7, "XXXXXX", 6);
        if (!mkdtemp(root))
                return -1;
        (void) snprintf(dev, sizeof(dev), "%s/dev", root);
        (void) snprintf(sys, sizeof(sys), "%s/sys", root);
        *state = root;
        return mkdir(dev, 0755) | mkdir(sys, 0755);
}

static int drop_folders(void **state) {
        char command[128];
        (void) snprintf(command, sizeof(command), "rm -rf -- '%s'", (char *) *state);
        return system(command) != 0;
}

static void put(const char *path, const void *p, size_t n) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, p, n), (ssize_t) n);
        (void) close(fd);
}

static void node(const char *name) {
        char path[128];
        (void) snprintf(path, sizeof(path), "%s/%s", dev, name);
        put(path, "", 0);
}

static void unplug(const char *name) {
        char path[128];
        (void) snprintf(path, sizeof(path), "%s/%s", dev, name);
        assert_int_equal(unlink(path), 0);
}

static void describe(const char *name, const void *report, size_t n, const char *port) {
        char path[160], text[256];
        (void) snprintf(path, sizeof(path), "%s/%s", sys, name);
        (void) mkdir(path, 0755);
        (void) snprintf(path, sizeof(path), "%s/%s/device", sys, name);
        (void) mkdir(path, 0755);
        (void) snprintf(path, sizeof(path), "%s/%s/device/report_descriptor", sys, name);
        put(path, report, n);
        (void) snprintf(path, sizeof(path), "%s/%s/device/uevent", sys, name);
        (void) snprintf(text, sizeof(text), "HID_ID=1\nHID_NAME=Key\nHID_PHYS=%s\nHID_UNIQ=\n", port);
        put(path, text, strlen(text));
}

static void plug(const char *name, const char *port) {
        describe(name, key_report, sizeof(key_report), port);
        node(name);
}

static void only_keys_with_a_node_are_there(void **state) {
        struct key_nodes k = {.n = 0};
        char id[DEVICE_KEY_ID_SIZE], path[128];
        key_nodes_scan(&folders, &k);
        assert_int_equal(k.n, 0);
        plug("hidraw0", "a");
        describe("hidraw1", mouse_report, sizeof(mouse_report), "b");
        node("hidraw1");
        describe("hidraw2", key_report, sizeof(key_report), "c"); /* its node is not there yet */
        plug("hidrawing", "d");
        key_nodes_scan(&folders, &k);
        assert_int_equal(k.n, 1);
        (void) snprintf(path, sizeof(path), "%s/hidraw0", dev);
        key_node_id_of(&folders, path, id);
        assert_string_equal(id, k.keys[0].id);
        node("hidraw2");
        key_nodes_scan(&folders, &k);
        assert_int_equal(k.n, 2);
        assert_string_equal(k.keys[0].id, id); /* the one known before comes first */
        unplug("hidraw0");
        key_nodes_scan(&folders, &k);
        assert_int_equal(k.n, 1);
        assert_false(key_nodes_has(&k, id));
}

static void a_key_that_comes_back_under_another_number_is_the_same(void **state) {
        struct key_nodes before = {.n = 0}, after = {.n = 0};
        plug("hidraw3", "port");
        key_nodes_scan(&folders, &before);
        unplug("hidraw3");
        plug("hidraw7", "port");
        key_nodes_scan(&folders, &after);
        assert_int_equal(after.n, 1);
        assert_string_equal(after.keys[0].id, before.keys[0].id);
}

static void a_crowd_pushes_no_key_out(void **state) {
        struct key_nodes k = {.n = 0};
        char name[32], port[32], id[DEVICE_KEY_ID_SIZE];
        plug("hidraw99", "hers");
        key_nodes_scan(&folders, &k);
        memcpy(id, k.keys[0].id, sizeof(id));
        for (int i = 0; i < 40; i++) {
                (void) snprintf(name, sizeof(name), "hidraw%d", i);
                (void) snprintf(port, sizeof(port), "port %d", i);
                plug(name, port);
                key_nodes_scan(&folders, &k);
                assert_true(key_nodes_has(&k, id));
        }
        assert_int_equal(k.n, DEVICE_KEYS_MAX);
}

static void what_has_no_node_has_no_id(void **state) {
        static const char *const paths[] = {"",
                                            "hidraw0",
                                            "/",
                                            "/dev/ttyUSB0",
                                            "/dev/hidraw",
                                            "/dev/hidraw-1",
                                            "/dev/hidraw99999999999999999999",
                                            "/dev/hidraw4"};
        char id[DEVICE_KEY_ID_SIZE];
        plug("hidraw0", "a");
        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                memset(id, 'x', sizeof(id));
                key_node_id_of(&folders, paths[i], id);
                assert_string_equal(id, "");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_key_is_known_by_its_usage_page),
                cmocka_unit_test(a_report_that_breaks_off_is_no_keys),
                cmocka_unit_test(an_id_is_of_the_model_the_port_and_the_serial_number),
                cmocka_unit_test(what_moves_from_one_line_to_the_next_is_another_key),
                cmocka_unit_test(a_name_with_lines_in_it_does_not_make_it_another_key),
                cmocka_unit_test(a_name_is_cut_to_what_a_screen_may_show),
                cmocka_unit_test_setup_teardown(only_keys_with_a_node_are_there, make_folders, drop_folders),
                cmocka_unit_test_setup_teardown(a_key_that_comes_back_under_another_number_is_the_same,
                                                make_folders, drop_folders),
                cmocka_unit_test_setup_teardown(a_crowd_pushes_no_key_out, make_folders, drop_folders),
                cmocka_unit_test_setup_teardown(what_has_no_node_has_no_id, make_folders, drop_folders),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
