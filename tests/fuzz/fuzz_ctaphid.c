/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual key against any client: reports, whole messages, touches and time, as the input says. The
 * first byte is the configuration; then steps of one byte of kind and what the kind takes. */
#include "common/bytes.h"
#include "common/util.h"
#include "tests/virtual/key.h"

enum step {
        RAW,     /* 64 bytes: a report as it is */
        REPORT,  /* 60 bytes: one on our channel */
        MESSAGE, /* a length byte and as many bytes: a CBOR message, framed well */
        TOUCH,
        TIME, /* a byte: tenths of a second */
        STEP_MAX,
};

static struct key *plug(uint8_t how) {
        const struct key_config c = {
                .initial_pin = how & 1 ? "1234" : NULL,
                .uv_able = true,
                .uv_enrolled = how & 2,
                .finger_wrong = how & 4,
                .touch = how & 8 ? KEY_TOUCH_SIGNAL : KEY_TOUCH_NOW,
                .fault = (enum key_fault)((how >> 4) % KEY_FAULT_MAX),
                .slow_ms = 300,
        };
        struct key *k = NULL;
        if (key_new(&c, 0, &k) < 0)
                abort();
        return k;
}

/* Takes all it says; a channel it gives away becomes ours. */
static void drain(struct key *k, uint8_t cid[4]) {
        uint8_t r[KEY_REPORT_SIZE];
        while (key_take(k, r))
                if (r[4] == 0x86)
                        memcpy(cid, r + 15, 4);
}

static void feed_message(struct key *k, uint64_t now, const uint8_t cid[4], struct bytes b) {
        uint8_t r[KEY_REPORT_SIZE] = {0}, sequence = 0;
        struct writer w = {.p = r, .size = sizeof(r)};
        writer_bytes(&w, cid, 4);
        writer_u8(&w, 0x90);
        writer_u16(&w, (uint16_t) b.n);
        do {
                struct bytes part;
                (void) bytes_take(&b, b.n < w.size - w.n ? b.n : w.size - w.n, &part);
                writer_bytes(&w, part.p, part.n);
                key_feed(k, now, r);
                w.n = 4;
                writer_u8(&w, sequence++);
        } while (b.n > 0);
}

static bool step(struct key *k, uint64_t *now, uint8_t cid[4], struct bytes *b) {
        uint8_t kind, n, r[KEY_REPORT_SIZE];
        struct bytes part;
        if (bytes_take_u8(b, &kind) < 0)
                return false;
        switch (kind % STEP_MAX) {
        case RAW:
                if (bytes_take_copy(b, r, sizeof(r)) < 0)
                        return false;
                key_feed(k, *now, r);
                return true;
        case REPORT:
                memcpy(r, cid, 4);
                if (bytes_take_copy(b, r + 4, sizeof(r) - 4) < 0)
                        return false;
                key_feed(k, *now, r);
                return true;
        case MESSAGE:
                if (bytes_take_u8(b, &n) < 0)
                        return false;
                (void) bytes_take(b, n < b->n ? n : b->n, &part);
                feed_message(k, *now, cid, part);
                return true;
        case TOUCH:
                key_touch(k, *now);
                return true;
        default:
                if (bytes_take_u8(b, &n) < 0)
                        return false;
                *now += n * 100U;
                key_tick(k, *now);
                return true;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct bytes b = {data, size};
        uint8_t how, cid[4] = {0};
        uint8_t init[KEY_REPORT_SIZE] = {0xff, 0xff, 0xff, 0xff, 0x86, 0, 8};
        uint64_t now = 0;
        if (bytes_take_u8(&b, &how) < 0)
                return 0;
        struct key *k = plug(how);
        key_feed(k, now, init);
        drain(k, cid);
        while (step(k, &now, cid, &b)) {
                drain(k, cid);
                if (key_deadline_ms(k) < now)
                        abort(); /* a tick leaves nothing undone */
        }
        k = key_free(k);
        return 0;
}
