/* SPDX-License-Identifier: Apache-2.0 */
/* The names of reasons, as records and logs spell them. */
#include "devices/client.h"

#include "common/util.h"

static const char *const names[] = {
        [DEVICE_OK] = "ok",
        [DEVICE_GONE] = "device-service-gone",
        [DEVICE_BAD_ANSWER] = "bad-answer",
        [DEVICE_NO_PCSC] = "no-pcsc",
        [DEVICE_NO_READER] = "no-reader",
        [DEVICE_NO_CARD] = "no-card",
        [DEVICE_REMOVED] = "removed",
        [DEVICE_BUSY] = "busy",
        [DEVICE_RANDOM_NUMBER] = "random-number",
        [DEVICE_NO_NUMBER] = "no-number",
        [DEVICE_NO_KEY] = "no-key",
        [DEVICE_NOT_FIDO2] = "not-fido2",
        [DEVICE_NO_CREDENTIAL] = "no-credential",
        [DEVICE_EXCLUDED] = "excluded",
        [DEVICE_NOT_TOUCHED] = "not-touched",
        [DEVICE_REFUSED] = "refused",
        [DEVICE_CANCELLED] = "cancelled",
        [DEVICE_TIMED_OUT] = "timed-out",
        [DEVICE_PIN_WRONG] = "pin-wrong",
        [DEVICE_PIN_REPLUG] = "pin-replug",
        [DEVICE_PIN_BLOCKED] = "pin-blocked",
        [DEVICE_PIN_NOT_SET] = "pin-not-set",
        [DEVICE_PIN_POLICY] = "pin-policy",
        [DEVICE_PIN_ALREADY] = "pin-already-set",
        [DEVICE_UV_WRONG] = "fingerprint-wrong",
        [DEVICE_UV_BLOCKED] = "fingerprint-blocked",
        [DEVICE_KEY_FULL] = "key-full",
        [DEVICE_UNSUPPORTED] = "unsupported",
        [DEVICE_FAILED] = "failed",
};

const char *device_reason_name(enum device_reason reason) {
        if ((size_t) reason >= ELEMENTSOF(names) || !names[reason])
                return "unknown";
        return names[reason];
}
