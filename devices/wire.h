/* SPDX-License-Identifier: Apache-2.0 */
/* The messages on PATH_DEVICE_SOCKET: SOCK_SEQPACKET, one connection = one operation, one message each:
 * version u8, type u8, fields. Strings and blobs have a 16-bit length.
 *
 *   client                          wardtap-device
 *   WATCH | IDENTIFY | ... deadline ->
 *                                   <- events of devices/client.h, in their order
 *   PIN                             ->              after PIN_WANTED
 *
 * A hang-up by the client cancels the operation. Both sides read strictly: a version, type, enum or length
 * out of range and bytes left over are errors. */
#pragma once

#include "common/bytes.h"
#include "devices/client.h"

#define DEVICE_WIRE_VERSION 2U
#define DEVICE_DEADLINE_MAX_MS 120000U
#define DEVICE_RP_NAME_MAX 128U
#define DEVICE_USER_ID_MAX 64U /* WebAuthn 5.4.3 */
#define DEVICE_USER_NAME_MAX 255U

enum device_op {
        DEVICE_OP_WATCH = 1,
        DEVICE_OP_IDENTIFY,
        DEVICE_OP_KEY_INFO,
        DEVICE_OP_MAKE_CREDENTIAL,
        DEVICE_OP_GET_ASSERTION,
        DEVICE_OP_SET_PIN,
        DEVICE_OP_WATCH_KEYS,
        DEVICE_OP_MAX,
        DEVICE_OP_INVALID = -1,
};

struct device_credential_id {
        uint8_t id[DEVICE_CREDENTIAL_ID_MAX];
        size_t n;
};

struct device_request {
        enum device_op op;
        uint32_t deadline_ms;
        char reader[DEVICE_READER_MAX + 1];   /* identify */
        enum device_verify verify;            /* make, assert */
        uint8_t client_data_hash[32];         /* make, assert */
        char rp_id[DEVICE_RP_ID_MAX + 1];     /* make, assert */
        char rp_name[DEVICE_RP_NAME_MAX + 1]; /* make, and what follows up to ids */
        uint8_t user_id[DEVICE_USER_ID_MAX];
        size_t user_id_len;
        char user_name[DEVICE_USER_NAME_MAX + 1];
        char user_display_name[DEVICE_USER_NAME_MAX + 1];
        bool set_pin_first;
        bool protect;                                      /* make, assert */
        struct device_credential_id ids[DEVICE_ALLOW_MAX]; /* make: excluded; assert: allowed */
        size_t n_ids;
};

/* True for those that go on until the caller hangs up. */
bool device_op_is_watch(enum device_op op);
/* True when every field is within its limits. */
bool device_request_valid(const struct device_request *q);
void device_request_write(struct writer *w, const struct device_request *q);
/* Decodes one whole request, which is then valid. -EPROTONOSUPPORT, -EBADMSG. */
int device_request_read(struct bytes b, struct device_request *ret);
/* Only what the parent needs of a request: which operation it is and how long it may take. */
int device_request_peek(struct bytes b, enum device_op *ret_op, uint32_t *ret_deadline_ms);

/* True for the id of a key: 32 lower-case hexadecimal digits. */
bool device_key_id_valid(const char *id);

/* A PIN: 4 characters at least, DEVICE_PIN_MAX bytes at most. */
bool device_pin_valid(const char *pin);
void device_pin_write(struct writer *w, const char *pin);
int device_pin_read(struct bytes b, char ret[DEVICE_PIN_MAX + 1]);

void device_event_write(struct writer *w, const struct device_event *e);
/* Decodes one whole event. *ret is changed only on success. -EPROTONOSUPPORT, -EBADMSG. */
int device_event_read(struct bytes b, struct device_event *ret);
/* True for events after which nothing follows. */
bool device_event_is_last(enum device_event_type type);
/* True when an operation may answer with such an event. */
bool device_event_belongs(enum device_op op, enum device_event_type type);
