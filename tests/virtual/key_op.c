/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a CTAP2 command: begun, perhaps waiting for a touch or kept back by a fault, and answered,
 * timed out or cancelled. Also what a dress does with a key: plug it in, give it time, touch it. */
#include "tests/virtual/key_core.h"

#include <errno.h>
#include <fcntl.h>

#define KEEPALIVE_MS 100U
#define TOUCH_TIMEOUT_MS 30000U

enum {
        KEEPALIVE_PROCESSING = 1,
        KEEPALIVE_UPNEEDED = 2,
};

enum {
        COMMAND_MAKE_CREDENTIAL = 0x01,
        COMMAND_GET_ASSERTION = 0x02,
        COMMAND_GET_INFO = 0x04,
        COMMAND_GET_NEXT_ASSERTION = 0x08,
};

static void wait_for(struct key *k, enum key_wait wait, uint64_t until_ms) {
        k->op.wait = wait;
        k->op.until_ms = until_ms;
        k->op.keepalive_ms = k->now_ms;
}

static void answer(struct key *k) {
        if (k->config.fault == KEY_FAULT_SLOW)
                wait_for(k, KEY_WAIT_SLOW, k->now_ms + k->config.slow_ms);
        else
                hid_answer_cbor(k);
}

void op_fail(struct key *k, enum ctap_status status) {
        k->op.answer[0] = (uint8_t) status;
        k->op.answer_n = 1;
        answer(k);
}

static bool is_spoilt(const struct key *k) {
        return k->op.command == COMMAND_MAKE_CREDENTIAL || k->op.command == COMMAND_GET_ASSERTION ||
               k->op.command == COMMAND_GET_NEXT_ASSERTION;
}

void op_done(struct key *k, const struct writer *body) {
        struct writer w = {.p = k->op.answer, .size = sizeof(k->op.answer)};
        writer_u8(&w, CTAP_OK);
        if (body)
                writer_bytes(&w, body->p, body->n);
        if (is_spoilt(k) && k->config.fault == KEY_FAULT_TRUNCATED_CBOR)
                w.n = 1 + w.n / 2;
        else if (is_spoilt(k) && k->config.fault == KEY_FAULT_EXTRA_CBOR)
                writer_bytes(&w, "\x18\x2a\x00", 3);
        else if (is_spoilt(k) && k->config.fault == KEY_FAULT_GARBAGE_CBOR)
                crypto_random(w.p + 1, w.n - 1);
        k->op.answer_n = w.n;
        if ((body && body->full) || w.full)
                op_fail(k, CTAP_OTHER);
        else
                answer(k);
}

void op_touch(struct key *k, uint8_t timeout_error, key_step *touched) {
        uint64_t patience = k->config.touch_timeout_ms ? k->config.touch_timeout_ms : TOUCH_TIMEOUT_MS;
        if (k->config.fault == KEY_FAULT_STUCK_KEEPALIVE) {
                wait_for(k, KEY_WAIT_STUCK, UINT64_MAX);
                return;
        }
        if (k->config.touch == KEY_TOUCH_NOW) {
                touched(k);
                return;
        }
        k->op.touched = touched;
        k->op.timeout_error = k->config.timeout_error ? k->config.timeout_error : timeout_error;
        k->op.touch_ms =
                k->config.touch == KEY_TOUCH_DELAY ? k->now_ms + k->config.touch_delay_ms : UINT64_MAX;
        wait_for(k, KEY_WAIT_TOUCH, k->now_ms + patience);
        if (k->config.on_touch_wanted)
                k->config.on_touch_wanted(k->config.userdata);
}

void op_cancel(struct key *k) {
        if (k->op.wait != KEY_WAIT_TOUCH && k->op.wait != KEY_WAIT_SLOW)
                return;
        k->op.answer[0] = CTAP_KEEPALIVE_CANCEL;
        k->op.answer_n = 1;
        hid_answer_cbor(k);
}

void op_begin(struct key *k, struct bytes request) {
        uint8_t command;
        struct key_op *op = &k->op;
        *op = (struct key_op){.busy = true};
        if (bytes_take_u8(&request, &command) < 0) {
                op_fail(k, CTAP_INVALID_LENGTH);
                return;
        }
        op->command = command;
        if (k->config.fault == KEY_FAULT_SILENT_INFO ||
            (k->config.fault == KEY_FAULT_SILENT && command != COMMAND_GET_INFO)) {
                key_note(k, "unanswered", NULL);
                op->busy = false;
                return;
        }
        ctap2_command(k, command, request);
}

void key_touch(struct key *k, uint64_t now_ms) {
        key_tick(k, now_ms);
        if (k->op.wait != KEY_WAIT_TOUCH)
                return;
        k->op.wait = KEY_WAIT_NONE;
        k->op.touched(k);
}

static void touch_tick(struct key *k) {
        struct key_op *op = &k->op;
        if (k->now_ms >= op->touch_ms && op->touch_ms <= op->until_ms) {
                op->wait = KEY_WAIT_NONE;
                op->touched(k);
        } else if (k->now_ms >= op->until_ms)
                op_fail(k, op->timeout_error);
}

void key_tick(struct key *k, uint64_t now_ms) {
        struct key_op *op = &k->op;
        if (now_ms > k->now_ms)
                k->now_ms = now_ms;
        hid_tick(k);
        if (op->wait == KEY_WAIT_TOUCH)
                touch_tick(k);
        if (op->wait == KEY_WAIT_SLOW && k->now_ms >= op->until_ms)
                hid_answer_cbor(k);
        if (op->wait != KEY_WAIT_NONE && k->now_ms >= op->keepalive_ms) {
                hid_keepalive(k, op->wait == KEY_WAIT_TOUCH ? KEEPALIVE_UPNEEDED : KEEPALIVE_PROCESSING);
                op->keepalive_ms = k->now_ms + KEEPALIVE_MS;
        }
}

uint64_t key_deadline_ms(const struct key *k) {
        const struct key_op *op = &k->op;
        uint64_t next = k->hid.receiving ? k->hid.receive_until_ms : UINT64_MAX;
        if (op->wait == KEY_WAIT_NONE)
                return next;
        if (op->until_ms < next)
                next = op->until_ms;
        if (op->keepalive_ms < next)
                next = op->keepalive_ms;
        if (op->wait == KEY_WAIT_TOUCH && op->touch_ms < next)
                next = op->touch_ms;
        return next;
}

void key_closed(struct key *k) {
        if (!k->config.release_on_close)
                return;
        k->hid.receiving = false;
        op_cancel(k);
        k->hid.out_n = 0;
}

static int read_file(const char *path, uint8_t *ret, size_t size, size_t *ret_n) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        ssize_t n = read(fd, ret, size);
        if (n <= 0 || (size_t) n == size)
                return n < 0 ? -errno : -EFBIG;
        *ret_n = (size_t) n;
        return 0;
}

/* The attestation key and its certificate are made at the factory, that is, at first start. */
static int attestation_ensure(struct key *k) {
        struct key_state *s = &k->state;
        if (k->config.attestation != KEY_ATTESTATION_BASIC || s->attestation_key.n > 0)
                return 0;
        if (k->config.attest_cert && k->config.attest_key) {
                int r = read_file(k->config.attest_cert, s->certificate, sizeof(s->certificate),
                                  &s->certificate_n);
                if (r == 0)
                        r = read_file(k->config.attest_key, s->attestation_key.der,
                                      sizeof(s->attestation_key.der), &s->attestation_key.n);
                return r < 0 ? r : state_save(s);
        }
        if (!crypto_generate(COSE_ALG_ES256, &s->attestation_key) ||
            !crypto_certificate(&s->attestation_key, key_aaguid, s->certificate, &s->certificate_n))
                return -EIO;
        return state_save(s);
}

static int state_open(struct key *k) {
        int r = state_load(k->config.state_path, &k->state);
        if (r != -ENOENT)
                return r;
        if (k->config.initial_pin) {
                r = state_set_pin(&k->state, k->config.initial_pin);
                if (r < 0)
                        return r;
        }
        return state_save(&k->state);
}

int key_new(const struct key_config *config, uint64_t now_ms, struct key **ret) {
        _cleanup_(freep) struct key *k = calloc(1, sizeof(*k));
        if (!k)
                return -ENOMEM;
        k->config = *config;
        k->now_ms = k->plugged_ms = now_ms;
        if (!config->protocol1 && !config->protocol2)
                k->config.protocol1 = k->config.protocol2 = true;
        int r = state_open(k);
        if (r == 0)
                r = attestation_ensure(k);
        if (r < 0) {
                state_clear(&k->state);
                return r;
        }
        *ret = TAKE_PTR(k);
        return 0;
}

struct key *key_free(struct key *k) {
        if (!k)
                return NULL;
        state_clear(&k->state);
        explicit_bzero(k, sizeof(*k));
        free(k);
        return NULL;
}

const char *key_fault_name(enum key_fault fault) {
        static const char *const names[] = {
#define X(id, name) [KEY_FAULT_##id] = name,
                KEY_FAULTS(X)
#undef X
        };
        return fault >= 0 && fault < KEY_FAULT_MAX ? names[fault] : NULL;
}

enum key_fault key_fault_from_text(const char *text, uint32_t *ret_slow_ms) {
        uint64_t ms;
        if (strncmp(text, "slow:", 5) == 0) {
                if (parse_u64(text + 5, 600000, &ms) < 0)
                        return KEY_FAULT_INVALID;
                *ret_slow_ms = (uint32_t) ms;
                return KEY_FAULT_SLOW;
        }
        for (int i = 0; i < KEY_FAULT_MAX; i++)
                if (i != KEY_FAULT_SLOW && strcmp(text, key_fault_name((enum key_fault) i)) == 0)
                        return (enum key_fault) i;
        return KEY_FAULT_INVALID;
}
