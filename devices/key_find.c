/* SPDX-License-Identifier: Apache-2.0 */
/* Which key is meant: the only one, the one that holds an allowed credential, or the one its owner touches.
 */
#include "common/socket.h"
#include "common/util.h"
#include "devices/key.h"

enum {
        LIST_PAUSE_MS = 200,
        SETTLE_MS = 2000, /* udev gives a new node its owner a moment after it is there */
        STALE_MS = 32000, /* a key still waits for the touch that a killed process asked for: 30 s
                             (CTAP 2.1, 6.2) */
        LOOK_MS = 2000,   /* for one of several keys to say whether it holds a credential */
        TOUCH_SLICE_MS = 20,
};

/* Waits until a key is there. */
static struct outcome wait_key(const struct operation *op, struct key_list *ret) {
        bool said = false;
        for (;;) {
                if (key_list(ret) == 0 && ret->n > 0)
                        return outcome_ok();
                if (!said)
                        operation_emit_type(op, DEVICE_EVENT_KEY_WANTED);
                said = true;
                enum device_reason reason = operation_pause(op, LIST_PAUSE_MS);
                if (reason != DEVICE_OK)
                        return outcome_of(reason == DEVICE_TIMED_OUT ? DEVICE_NO_KEY : reason, 0);
        }
}

/* Whether it may still come to be opened: a node that udev has not handed over, or a key that says on every
 * other channel that it is busy, which libfido2 reports as an answer it cannot read. */
static bool may_come(struct outcome o, uint64_t waited_usec) {
        if (o.reason == DEVICE_FAILED && o.detail == FIDO_ERR_INTERNAL)
                return waited_usec < SETTLE_MS * 1000U;
        return o.reason == DEVICE_BAD_ANSWER && o.detail == FIDO_ERR_RX && waited_usec < STALE_MS * 1000U;
}

/* Opens one key. Another program that holds it is waited for until the deadline. */
static struct outcome open_one(const struct operation *op, const struct key_entry *entry, struct key *ret) {
        uint64_t begun = now_monotonic_usec();
        for (;;) {
                struct outcome o = key_open(op, entry, ret);
                if (o.reason != DEVICE_BUSY && !may_come(o, now_monotonic_usec() - begun))
                        return o;
                enum device_reason reason = operation_pause(op, LIST_PAUSE_MS);
                if (reason == DEVICE_CANCELLED)
                        return outcome_of(reason, 0);
                if (reason != DEVICE_OK)
                        return o;
        }
}

struct several {
        struct key keys[KEYS_MAX];
        size_t n;
};

/* Hands out one key and closes the others. */
static struct outcome take_key(struct several *s, size_t at, struct key *ret) {
        *ret = s->keys[at];
        s->keys[at].dev = NULL;
        return outcome_ok();
}

static void close_all(struct several *s, bool cancel) {
        for (size_t i = 0; i < s->n; i++)
                key_close(&s->keys[i], cancel);
}

static struct outcome choose_by_credential(const struct operation *op, struct several *s, struct key *ret) {
        struct outcome o = outcome_of(DEVICE_NO_CREDENTIAL, 0);
        for (size_t i = 0; i < s->n; i++) {
                key_set_timeout(op, &s->keys[i], LOOK_MS);
                int r = key_look(op, &s->keys[i]);
                if (r == FIDO_OK)
                        return take_key(s, i, ret);
                struct outcome failed = key_failed(op, &s->keys[i], r);
                if (failed.reason == DEVICE_REMOVED || failed.reason == DEVICE_CANCELLED)
                        o = failed;
        }
        return o;
}

/* FIDO_OK says nothing yet, unless *ret. libfido2 says so of a dead line too, but at once. */
static int look_for_touch(const struct key *k, bool *ret) {
        uint64_t since = now_monotonic_usec();
        int touched = 0, r = fido_dev_get_touch_status(k->dev, &touched, TOUCH_SLICE_MS);
        *ret = r == FIDO_OK && touched;
        if (r == FIDO_OK && !touched && now_monotonic_usec() - since < TOUCH_SLICE_MS * 1000U / 2)
                return FIDO_ERR_RX;
        return r;
}

/* This one is out of the choice. Why, should it have been the last. */
static struct outcome drop_key(const struct operation *op, struct key *k, int error) {
        struct outcome o = key_failed(op, k, error);
        key_close(k, true);
        return o;
}

static struct outcome choose_by_touch(const struct operation *op, struct several *s, struct key *ret) {
        struct outcome last = outcome_of(DEVICE_REMOVED, 0);
        for (size_t i = 0; i < s->n; i++) {
                key_set_timeout(op, &s->keys[i], INT32_MAX);
                int r = fido_dev_get_touch_begin(s->keys[i].dev);
                if (r != FIDO_OK)
                        last = drop_key(op, &s->keys[i], r);
        }
        operation_emit_type(op, DEVICE_EVENT_TOUCH_WANTED);
        while (operation_left_ms(op) > 0) {
                size_t alive = 0;
                for (size_t i = 0; i < s->n; i++) {
                        bool touched = false;
                        if (operation_cancelled())
                                return outcome_of(DEVICE_CANCELLED, 0);
                        if (!s->keys[i].dev)
                                continue;
                        int r = look_for_touch(&s->keys[i], &touched);
                        if (touched)
                                return take_key(s, i, ret);
                        if (r != FIDO_OK)
                                last = drop_key(op, &s->keys[i], r);
                        else
                                alive++;
                }
                if (alive == 0)
                        return last;
        }
        return outcome_of(DEVICE_NOT_TOUCHED, 0);
}

/* Credentials protected by verification show only with it, so a request for them goes by touch when no other
 * sign helps. */
static struct outcome choose(const struct operation *op, struct several *s, struct key *ret) {
        struct outcome o = outcome_of(DEVICE_NO_CREDENTIAL, 0);
        bool assertion = op->request.op == DEVICE_OP_GET_ASSERTION;
        if (s->n == 1)
                return take_key(s, 0, ret);
        if (assertion)
                o = choose_by_credential(op, s, ret);
        if (!assertion || (o.reason == DEVICE_NO_CREDENTIAL && op->request.protect &&
                           op->request.verify == DEVICE_VERIFY_YES))
                o = choose_by_touch(op, s, ret);
        return o;
}

struct outcome key_find(struct operation *op, struct key *ret) {
        struct key_list list;
        struct several s = {.n = 0};
        struct outcome o = wait_key(op, &list);
        if (o.reason != DEVICE_OK)
                return o;
        if (list.n == 1)
                return open_one(op, &list.keys[0], ret);
        for (size_t i = 0; i < list.n; i++) {
                struct outcome opened = key_open(op, &list.keys[i], &s.keys[s.n]);
                if (opened.reason == DEVICE_OK)
                        s.n++;
                else
                        o = opened;
        }
        if (s.n > 0)
                o = choose(op, &s, ret);
        close_all(&s, true);
        return o;
}
