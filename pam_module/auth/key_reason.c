/* SPDX-License-Identifier: Apache-2.0 */
/* From the devices' words to those of people and records. */
#include "pam_module/auth/key_reason.h"

#include "common/util.h"

static const enum reason reasons[] = {
        [DEVICE_OK] = REASON_DEVICE_FAILED, /* a failure that is none */
        [DEVICE_GONE] = REASON_DEVICES_GONE,
        [DEVICE_BAD_ANSWER] = REASON_DEVICE_FAILED,
        [DEVICE_NO_PCSC] = REASON_DEVICE_FAILED,
        [DEVICE_NO_READER] = REASON_DEVICE_FAILED,
        [DEVICE_NO_CARD] = REASON_KEY_MISSING,
        [DEVICE_REMOVED] = REASON_KEY_REMOVED,
        [DEVICE_BUSY] = REASON_KEY_BUSY,
        [DEVICE_RANDOM_NUMBER] = REASON_DEVICE_FAILED,
        [DEVICE_NO_NUMBER] = REASON_DEVICE_FAILED,
        [DEVICE_NO_KEY] = REASON_KEY_MISSING,
        [DEVICE_NOT_FIDO2] = REASON_KEY_UNUSABLE,
        [DEVICE_NO_CREDENTIAL] = REASON_KEY_NOT_YOURS,
        [DEVICE_EXCLUDED] = REASON_DEVICE_FAILED,
        [DEVICE_NOT_TOUCHED] = REASON_KEY_NOT_TOUCHED,
        [DEVICE_REFUSED] = REASON_KEY_REFUSED,
        [DEVICE_CANCELLED] = REASON_KEY_REFUSED, /* somebody cancelled, and it was not us */
        [DEVICE_TIMED_OUT] = REASON_TIMED_OUT,
        [DEVICE_PIN_WRONG] = REASON_PIN_WRONG,
        [DEVICE_PIN_REPLUG] = REASON_PIN_REPLUG,
        [DEVICE_PIN_BLOCKED] = REASON_PIN_BLOCKED,
        [DEVICE_PIN_NOT_SET] = REASON_PIN_NOT_SET,
        [DEVICE_PIN_POLICY] = REASON_PIN_CHANGE,
        [DEVICE_PIN_ALREADY] = REASON_DEVICE_FAILED,
        [DEVICE_UV_WRONG] = REASON_FINGER_WRONG,
        [DEVICE_UV_BLOCKED] = REASON_FINGER_BLOCKED,
        [DEVICE_KEY_FULL] = REASON_DEVICE_FAILED,
        [DEVICE_UNSUPPORTED] = REASON_KEY_UNUSABLE,
        [DEVICE_FAILED] = REASON_DEVICE_FAILED,
};
_Static_assert(ELEMENTSOF(reasons) == DEVICE_REASON_MAX, "each reason of devices has one here");

enum reason key_reason(enum device_reason r) {
        return (unsigned) r < ELEMENTSOF(reasons) ? reasons[r] : REASON_DEVICE_FAILED;
}

bool key_reason_is_own_failure(enum device_reason r) {
        switch (r) {
        case DEVICE_PIN_WRONG:
        case DEVICE_PIN_REPLUG:
        case DEVICE_PIN_BLOCKED:
        case DEVICE_UV_WRONG:
        case DEVICE_UV_BLOCKED:
                return true;
        default:
                return false;
        }
}
