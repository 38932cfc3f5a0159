/* SPDX-License-Identifier: Apache-2.0 */
/* FIDO2 keys through libfido2: finding one, and what all key operations share. */
#pragma once

#include <fido.h>

#include "devices/operation.h"

#define KEYS_MAX 8U
#define KEY_PATH_MAX 255U

struct key_entry {
        char path[KEY_PATH_MAX + 1];
        char product[DEVICE_PRODUCT_SIZE]; /* "" where the key says nothing fit to show */
};

struct key_list {
        struct key_entry keys[KEYS_MAX];
        size_t n;
};

struct key {
        fido_dev_t *dev; /* open, or NULL */
        struct key_entry entry;
        char device[DEVICE_KEY_ID_SIZE]; /* id of the node; "" where it has none */
        uint64_t touch_wanted_usec;      /* CLOCK_MONOTONIC, 0 before */
        bool holds;                      /* it has said that it holds an allowed credential */
};

/* How a key is to know that its owner is there. */
enum key_how {
        KEY_TOUCH,
        KEY_FINGERPRINT, /* built-in verification */
        KEY_PIN,
};

/* Every FIDO_ERR_* in the words of devices, as far as the number alone tells. */
enum device_reason key_error_reason(int error);
/* The same, knowing the situation: a hang-up, a key pulled out, the deadline, a touch that did not come. */
struct outcome key_failed(const struct operation *op, const struct key *k, int error);

/* The keys plugged in now, KEYS_MAX at most. -ENOMEM; -EIO when libfido2 cannot list them. */
int key_list(struct key_list *ret);
/* Opens, with the deadline set before. DEVICE_BUSY when another program holds it, DEVICE_NOT_FIDO2. */
struct outcome key_open(const struct operation *op, const struct key_entry *entry, struct key *ret);
/* Gives libfido2 what is left of the time, at most max_ms. */
void key_set_timeout(const struct operation *op, const struct key *k, int max_ms);
/* Closes. cancel: whatever it still waits for ends at once. */
void key_close(struct key *k, bool cancel);

/* Waits for a key, opens it, and where there are several finds the one that is meant: it holds an allowed
 * credential, or its owner touches it. */
struct outcome key_find(struct operation *op, struct key *ret);

/* One try of a ceremony. pin is NULL unless how is KEY_PIN. Returns FIDO_OK or FIDO_ERR_*. */
typedef int (*key_try)(struct operation *op, struct key *k, enum key_how how, const char *pin,
                       struct device_event *ret);
/* Runs a ceremony with the verification that the request wants and the key can do, asking for the PIN once
 * at most, and only for a key that holds an allowed credential. pin: one just set (the request's
 * set_pin_first), or NULL. */
struct outcome key_ceremony(struct operation *op, struct key *k, key_try try, const char *pin,
                            struct device_event *ret);

int key_try_assertion(struct operation *op, struct key *k, enum key_how how, const char *pin,
                      struct device_event *ret);
int key_try_credential(struct operation *op, struct key *k, enum key_how how, const char *pin,
                       struct device_event *ret);
/* Asks the key whether it holds one of the allowed credentials, without touch or PIN (CTAP 2.1, 6.2.1, "up"
 * false): FIDO_OK, or FIDO_ERR_NO_CREDENTIALS, also for those protected by verification (credProtect 3),
 * which do not show; or another FIDO_ERR_*. */
int key_look(const struct operation *op, struct key *k);

/* What a CBOR byte string holds (RFC 8949, 3.1), with nothing after it. -EBADMSG. */
int key_unwrap(struct bytes cbor, struct bytes *ret);

/* Copies what libfido2 points to. FIDO_ERR_RX_INVALID_CBOR when it is empty or longer than size. */
int key_copy_out(const uint8_t *p, size_t n, uint8_t *ret, size_t size, size_t *ret_n);
