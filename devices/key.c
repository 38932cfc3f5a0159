/* SPDX-License-Identifier: Apache-2.0 */
/* The key operations: information, PIN, and the ladder from touch to fingerprint to PIN that making and
 * using a credential share. */
#include "devices/key.h"

#include "common/socket.h"
#include "common/util.h"

#include <errno.h>

enum {
        RUNGS_MAX = 3, /* touch, fingerprint, PIN */
        RETRIES_MS = 2000,
        MIN_PIN_DEFAULT = 4, /* CTAP 2.1, 6.5.1 */
};

static void drop_log(const char *line) {
}

static void erase_pin(char (*pin)[DEVICE_PIN_MAX + 1]) {
        explicit_bzero(*pin, sizeof(*pin));
}

static void add_retries(const struct operation *op, const struct key *k, struct outcome *o) {
        int n = -1, r = FIDO_ERR_INTERNAL;
        key_set_timeout(op, k, RETRIES_MS);
        if (o->reason == DEVICE_PIN_WRONG || o->reason == DEVICE_PIN_REPLUG)
                r = fido_dev_get_retry_count(k->dev, &n);
        else if (o->reason == DEVICE_UV_WRONG)
                r = fido_dev_get_uv_retry_count(k->dev, &n);
        if (r == FIDO_OK && n >= 0)
                o->retries = n;
}

static enum device_reason choose_verification(const struct key *k, enum key_how *ret) {
        if (fido_dev_has_uv(k->dev))
                *ret = KEY_FINGERPRINT;
        else if (fido_dev_has_pin(k->dev))
                *ret = KEY_PIN;
        else
                return DEVICE_PIN_NOT_SET;
        return DEVICE_OK;
}

/* The next rung after a try that failed: a key set to verify always, or a sensor that has given up. */
static bool climb(const struct key *k, int error, enum key_how *how) {
        if (*how == KEY_TOUCH && error == FIDO_ERR_PIN_REQUIRED)
                return choose_verification(k, how) == DEVICE_OK;
        if (*how == KEY_FINGERPRINT && (error == FIDO_ERR_UV_BLOCKED || error == FIDO_ERR_PIN_REQUIRED) &&
            fido_dev_has_pin(k->dev)) {
                *how = KEY_PIN;
                return true;
        }
        return false;
}

static void say_touch(const struct operation *op, struct key *k, enum key_how how) {
        struct device_event e = {
                .type = DEVICE_EVENT_TOUCH_WANTED, .verify = how == KEY_FINGERPRINT, .retries = -1};
        operation_emit(op, &e);
        k->touch_wanted_usec = now_monotonic_usec();
}

/* What a key says of a PIN or a finger is about the person only when it is her key. One try of a PIN on
 * somebody else's would cost that one's owner a try, and one wrong finger there is no failure of hers. */
static struct outcome check_holds(const struct operation *op, struct key *k) {
        if (op->request.op != DEVICE_OP_GET_ASSERTION || op->request.protect || k->holds)
                return outcome_ok();
        key_set_timeout(op, k, INT32_MAX);
        int r = key_look(op, k);
        return r == FIDO_OK ? outcome_ok() : key_failed(op, k, r);
}

static struct outcome ask_pin(const struct operation *op, struct key *k, char ret[DEVICE_PIN_MAX + 1]) {
        struct outcome o = check_holds(op, k);
        return o.reason == DEVICE_OK ? outcome_of(operation_ask_pin(op, ret), 0) : o;
}

/* How a ceremony failed, by its last try. A PIN was asked for on her own key only; a finger is felt before
 * the key looks for a credential (CTAP 2.1, 6.2.2), so that is found out afterwards. */
static struct outcome ceremony_failed(const struct operation *op, struct key *k, int error) {
        struct outcome o = key_failed(op, k, error);
        add_retries(op, k, &o);
        if (o.reason != DEVICE_UV_WRONG && o.reason != DEVICE_UV_BLOCKED)
                return o;
        struct outcome held = check_holds(op, k);
        return held.reason == DEVICE_OK ? o : held;
}

struct outcome key_ceremony(struct operation *op, struct key *k, key_try try, const char *pin,
                            struct device_event *ret) {
        _cleanup_(erase_pin) char asked[DEVICE_PIN_MAX + 1] = "";
        enum key_how how = pin ? KEY_PIN : KEY_TOUCH;
        struct outcome o = outcome_ok();
        int r = FIDO_ERR_INTERNAL;
        if (!pin && op->request.verify == DEVICE_VERIFY_YES)
                o.reason = choose_verification(k, &how);
        for (int rung = 0; o.reason == DEVICE_OK && rung < RUNGS_MAX; rung++) {
                if (how == KEY_PIN && !pin) {
                        o = ask_pin(op, k, asked);
                        if (o.reason != DEVICE_OK)
                                break;
                        pin = asked;
                }
                say_touch(op, k, how);
                key_set_timeout(op, k, INT32_MAX);
                r = try(op, k, how, how == KEY_PIN ? pin : NULL, ret);
                if (r == FIDO_OK)
                        return outcome_ok();
                if (!climb(k, r, &how))
                        break;
        }
        return o.reason == DEVICE_OK ? ceremony_failed(op, k, r) : o;
}

static struct outcome set_pin(const struct operation *op, const struct key *k,
                              char pin[DEVICE_PIN_MAX + 1]) {
        if (fido_dev_has_pin(k->dev))
                return outcome_of(DEVICE_PIN_ALREADY, 0);
        if (!fido_dev_supports_pin(k->dev))
                return outcome_of(DEVICE_UNSUPPORTED, 0);
        enum device_reason reason = operation_ask_pin(op, pin);
        if (reason != DEVICE_OK)
                return outcome_of(reason, 0);
        key_set_timeout(op, k, INT32_MAX);
        int r = fido_dev_set_pin(k->dev, pin, NULL);
        return r == FIDO_OK ? outcome_ok() : key_failed(op, k, r);
}

static struct outcome run_set_pin(struct operation *op, struct key *k, struct device_event *ret) {
        _cleanup_(erase_pin) char pin[DEVICE_PIN_MAX + 1] = "";
        struct outcome o = set_pin(op, k, pin);
        ret->type = DEVICE_EVENT_DONE;
        return o;
}

static struct outcome run_make(struct operation *op, struct key *k, struct device_event *ret) {
        _cleanup_(erase_pin) char pin[DEVICE_PIN_MAX + 1] = "";
        if (op->request.set_pin_first) {
                struct outcome o = set_pin(op, k, pin);
                if (o.reason != DEVICE_OK)
                        return o;
        }
        return key_ceremony(op, k, key_try_credential, op->request.set_pin_first ? pin : NULL, ret);
}

static int fill_info(const struct key *k, const fido_cbor_info_t *info, struct device_key_info *ret) {
        int retries = -1, r = FIDO_OK;
        uint64_t least = fido_cbor_info_minpinlen(info);
        if (fido_cbor_info_aaguid_len(info) == sizeof(ret->aaguid))
                memcpy(ret->aaguid, fido_cbor_info_aaguid_ptr(info), sizeof(ret->aaguid));
        ret->pin_set = fido_dev_has_pin(k->dev);
        ret->uv_set = fido_dev_has_uv(k->dev);
        ret->pin_able = fido_dev_supports_pin(k->dev);
        ret->uv_able = fido_dev_supports_uv(k->dev);
        ret->min_pin_length =
                least < MIN_PIN_DEFAULT || least > DEVICE_PIN_MAX ? MIN_PIN_DEFAULT : (uint8_t) least;
        ret->pin_retries = UINT8_MAX;
        if (ret->pin_set)
                r = fido_dev_get_retry_count(k->dev, &retries);
        if (retries >= 0 && retries < UINT8_MAX)
                ret->pin_retries = (uint8_t) retries;
        memcpy(ret->product, k->entry.product, sizeof(ret->product));
        return r;
}

static struct outcome run_info(struct operation *op, struct key *k, struct device_event *ret) {
        fido_cbor_info_t *info = fido_cbor_info_new();
        if (!info)
                return outcome_of(DEVICE_FAILED, -ENOMEM);
        key_set_timeout(op, k, INT32_MAX);
        int r = fido_dev_get_cbor_info(k->dev, info);
        if (r == FIDO_OK) {
                ret->type = DEVICE_EVENT_KEY_INFO;
                r = fill_info(k, info, &ret->key_info);
        }
        fido_cbor_info_free(&info);
        return r == FIDO_OK ? outcome_ok() : key_failed(op, k, r);
}

static struct outcome run(struct operation *op, struct key *k, struct device_event *ret) {
        switch (op->request.op) {
        case DEVICE_OP_KEY_INFO:
                return run_info(op, k, ret);
        case DEVICE_OP_SET_PIN:
                return run_set_pin(op, k, ret);
        case DEVICE_OP_MAKE_CREDENTIAL:
                return run_make(op, k, ret);
        case DEVICE_OP_GET_ASSERTION:
                return key_ceremony(op, k, key_try_assertion, NULL, ret);
        default:
                return outcome_of(DEVICE_UNSUPPORTED, 0);
        }
}

void key_run(struct operation *op) {
        struct device_event e = {.type = DEVICE_EVENT_TYPE_INVALID, .retries = -1};
        struct key k = {.dev = NULL};
        operation_hold_signals();
        fido_init(FIDO_DISABLE_U2F_FALLBACK); /* a key that claims to be too old for FIDO2 is not asked again
                                               */
        fido_set_log_handler(drop_log);
        struct outcome o = key_find(op, &k);
        if (o.reason == DEVICE_OK)
                o = run(op, &k, &e);
        key_close(&k, o.reason != DEVICE_OK); /* first: the key must not blink on while the caller reads */
        if (o.reason == DEVICE_OK)
                operation_emit(op, &e);
        else
                operation_fail(op, o);
}
