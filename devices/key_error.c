/* SPDX-License-Identifier: Apache-2.0 */
/* libfido2's numbers in the words of devices. */
#include "common/socket.h"
#include "common/util.h"
#include "devices/key.h"

enum {
        LEFT_LITTLE_MS = 50, /* libfido2 rounds its time-outs */
        LIST_TRIES = 3,      /* a key just pulled out is listed a moment longer */
        LIST_PAUSE_MS = 50,
        TOUCH_GIVEN_UP_MS = 10000, /* a refusal after so long is a touch that did not come (CTAP 2.0 keys) */
};

/* CTAP 2.1, 8.2, and libfido2's own (negative). What is not here is DEVICE_FAILED. */
static const struct {
        int error;
        enum device_reason reason;
} reasons[] = {
        {FIDO_OK, DEVICE_OK},
        {FIDO_ERR_TIMEOUT, DEVICE_TIMED_OUT},
        {FIDO_ERR_CHANNEL_BUSY, DEVICE_BUSY},
        {FIDO_ERR_LOCK_REQUIRED, DEVICE_BUSY},
        {FIDO_ERR_PROCESSING, DEVICE_BUSY},
        {FIDO_ERR_USER_ACTION_PENDING, DEVICE_BUSY},
        {FIDO_ERR_OPERATION_PENDING, DEVICE_BUSY},
        {FIDO_ERR_CREDENTIAL_EXCLUDED, DEVICE_EXCLUDED},
        {FIDO_ERR_INVALID_CREDENTIAL, DEVICE_NO_CREDENTIAL},
        {FIDO_ERR_NO_CREDENTIALS, DEVICE_NO_CREDENTIAL},
        {FIDO_ERR_INVALID_COMMAND, DEVICE_UNSUPPORTED},
        {FIDO_ERR_UNSUPPORTED_EXTENSION, DEVICE_UNSUPPORTED},
        {FIDO_ERR_UNSUPPORTED_ALGORITHM, DEVICE_UNSUPPORTED},
        {FIDO_ERR_UNSUPPORTED_OPTION, DEVICE_UNSUPPORTED},
        {FIDO_ERR_INVALID_OPTION, DEVICE_UNSUPPORTED},
        {FIDO_ERR_REQUEST_TOO_LARGE, DEVICE_UNSUPPORTED},
        {FIDO_ERR_LIMIT_EXCEEDED, DEVICE_UNSUPPORTED},
        {FIDO_ERR_PIN_REQUIRED, DEVICE_UNSUPPORTED}, /* asked for although one was given */
        {FIDO_ERR_OPERATION_DENIED, DEVICE_REFUSED},
        {FIDO_ERR_NOT_ALLOWED, DEVICE_REFUSED},
        {FIDO_ERR_KEY_STORE_FULL, DEVICE_KEY_FULL},
        {FIDO_ERR_KEEPALIVE_CANCEL, DEVICE_CANCELLED},
        {FIDO_ERR_USER_ACTION_TIMEOUT, DEVICE_NOT_TOUCHED},
        {FIDO_ERR_ACTION_TIMEOUT, DEVICE_NOT_TOUCHED},
        {FIDO_ERR_UP_REQUIRED, DEVICE_NOT_TOUCHED},
        {FIDO_ERR_PIN_INVALID, DEVICE_PIN_WRONG},
        {FIDO_ERR_PIN_AUTH_BLOCKED, DEVICE_PIN_REPLUG},
        {FIDO_ERR_PIN_BLOCKED, DEVICE_PIN_BLOCKED},
        {FIDO_ERR_PIN_NOT_SET, DEVICE_PIN_NOT_SET},
        {FIDO_ERR_PIN_POLICY_VIOLATION, DEVICE_PIN_POLICY},
        {FIDO_ERR_UV_INVALID, DEVICE_UV_WRONG},
        {FIDO_ERR_UV_BLOCKED, DEVICE_UV_BLOCKED},
        {FIDO_ERR_TX, DEVICE_REMOVED},
        {FIDO_ERR_RX, DEVICE_TIMED_OUT},
        {FIDO_ERR_RX_NOT_CBOR, DEVICE_BAD_ANSWER},
        {FIDO_ERR_RX_INVALID_CBOR, DEVICE_BAD_ANSWER},
        {FIDO_ERR_INVALID_SIG, DEVICE_BAD_ANSWER},
};

enum device_reason key_error_reason(int error) {
        for (size_t i = 0; i < ELEMENTSOF(reasons); i++)
                if (reasons[i].error == error)
                        return reasons[i].reason;
        return DEVICE_FAILED;
}

static bool is_listed(const struct key *k) {
        struct key_list list;
        if (key_list(&list) < 0)
                return false;
        for (size_t i = 0; i < list.n; i++)
                if (strcmp(list.keys[i].path, k->entry.path) == 0)
                        return true;
        return false;
}

/* A hidraw node that is gone refuses to be opened, and so to be listed, before it wakes those who read from
 * it (ENODEV, POLLHUP); its number is not given away while we hold it. */
static bool is_pulled(const struct operation *op, const struct key *k) {
        for (int i = 0; i < LIST_TRIES; i++) {
                if (!is_listed(k))
                        return true;
                if (operation_pause(op, LIST_PAUSE_MS) != DEVICE_OK)
                        break;
        }
        return false;
}

/* FIDO_ERR_RX and FIDO_ERR_TX say only that the line is dead, and FIDO_ERR_INTERNAL is what libfido2 makes
 * of them where it agrees on keys for a PIN. A time-out reads like an unplugged key, but comes at its time.
 */
static bool is_of_line(int error) {
        return error == FIDO_ERR_RX || error == FIDO_ERR_TX || error == FIDO_ERR_INTERNAL;
}

static enum device_reason line_reason(const struct operation *op, const struct key *k, int error) {
        if (operation_left_ms(op) <= LEFT_LITTLE_MS)
                return DEVICE_TIMED_OUT;
        if (is_pulled(op, k))
                return DEVICE_REMOVED;
        if (operation_cancelled())
                return DEVICE_CANCELLED;
        return error == FIDO_ERR_RX ? DEVICE_BAD_ANSWER : DEVICE_FAILED;
}

struct outcome key_failed(const struct operation *op, const struct key *k, int error) {
        uint64_t touch_until = k->touch_wanted_usec + TOUCH_GIVEN_UP_MS * 1000U;
        enum device_reason reason = key_error_reason(error);
        if (operation_cancelled())
                reason = DEVICE_CANCELLED;
        else if (is_of_line(error))
                reason = line_reason(op, k, error);
        else if (error == FIDO_ERR_OPERATION_DENIED && k->touch_wanted_usec > 0 &&
                 now_monotonic_usec() >= touch_until)
                reason = DEVICE_NOT_TOUCHED;
        return outcome_of(reason, error);
}
