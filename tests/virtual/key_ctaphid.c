/* SPDX-License-Identifier: Apache-2.0 */
/* CTAPHID framing (CTAP 2.1, 11.2): channels, messages in 64-byte reports, and the commands that need no
 * CTAP2. */
#include "tests/virtual/key_core.h"

#define BROADCAST 0xffffffffU
#define RECEIVE_TIMEOUT_MS 3000U

enum {
        HID_PING = 0x01,
        HID_MSG = 0x03,
        HID_INIT = 0x06,
        HID_WINK = 0x08,
        HID_CBOR = 0x10,
        HID_CANCEL = 0x11,
        HID_KEEPALIVE = 0x3b,
        HID_ERROR = 0x3f,
        HID_FIRST = 0x80,
};

enum {
        CAPABILITY_WINK = 0x01,
        CAPABILITY_CBOR = 0x04,
        CAPABILITY_NMSG = 0x08, /* no U2F */
};

void key_note(struct key *k, const char *name, const char *sub) {
        char line[64];
        struct writer w = {.p = (uint8_t *) line, .size = sizeof(line) - 1};
        writer_bytes(&w, name, strlen(name));
        if (sub) {
                writer_u8(&w, ' ');
                writer_bytes(&w, sub, strlen(sub));
        }
        line[w.n] = '\0';
        if (k->config.on_command)
                k->config.on_command(k->config.userdata, line);
}

/* Reports that nobody takes are lost, as in a real device. */
static uint8_t *next_report(struct key_hid *h) {
        if (h->out_n == KEY_REPORTS_MAX)
                return NULL;
        uint8_t *p = h->out[(h->out_first + h->out_n++) % KEY_REPORTS_MAX];
        memset(p, 0, KEY_REPORT_SIZE);
        return p;
}

void hid_send(struct key *k, uint32_t cid, uint8_t command, const uint8_t *p, size_t n) {
        uint8_t sequence = 0;
        size_t sent = 0;
        if (k->config.fault == KEY_FAULT_SILENT_OPEN)
                return;
        do {
                uint8_t *report = next_report(&k->hid);
                if (!report)
                        return;
                struct writer w = {.p = report, .size = KEY_REPORT_SIZE};
                writer_u32(&w, cid);
                if (sent == 0) {
                        writer_u8(&w, command | HID_FIRST);
                        writer_u16(&w, (uint16_t) n);
                } else
                        writer_u8(&w, sequence++);
                size_t part = n - sent < w.size - w.n ? n - sent : w.size - w.n;
                writer_bytes(&w, p + sent, part);
                sent += part;
        } while (sent < n);
}

void hid_answer_cbor(struct key *k) {
        hid_send(k, k->hid.cid, HID_CBOR, k->op.answer, k->op.answer_n);
        k->op.busy = false;
        k->op.wait = KEY_WAIT_NONE;
}

void hid_keepalive(struct key *k, uint8_t status) {
        hid_send(k, k->hid.cid, HID_KEEPALIVE, &status, 1);
}

static void send_error(struct key *k, uint32_t cid, uint8_t status) {
        hid_send(k, cid, HID_ERROR, &status, 1);
}

static bool channel_known(const struct key_hid *h, uint32_t cid) {
        for (size_t i = 0; i < KEY_CHANNELS_MAX; i++)
                if (h->channels[i] == cid)
                        return true;
        return false;
}

static uint32_t channel_new(struct key_hid *h) {
        uint32_t cid;
        do
                crypto_random(&cid, sizeof(cid));
        while (cid == 0 || cid == BROADCAST || channel_known(h, cid));
        h->channels[h->next_channel++ % KEY_CHANNELS_MAX] = cid;
        return cid;
}

/* INIT on a channel of its own ends what goes on there (11.2.9.1.3). */
static void hid_init(struct key *k, uint32_t cid, struct bytes nonce) {
        struct key_hid *h = &k->hid;
        uint8_t out[17];
        struct writer w = {.p = out, .size = sizeof(out)};
        key_note(k, "INIT", NULL);
        if (nonce.n != 8) {
                send_error(k, cid, CTAP_INVALID_LENGTH);
                return;
        }
        if (cid != BROADCAST && cid == h->cid && k->config.fault != KEY_FAULT_STUCK_KEEPALIVE) {
                h->receiving = false;
                k->op.busy = false;
                k->op.wait = KEY_WAIT_NONE;
        }
        writer_bytes(&w, nonce.p, nonce.n);
        writer_u32(&w, cid == BROADCAST ? channel_new(h) : cid);
        writer_bytes(&w, (const uint8_t[]){2, 1, 0, 0}, 4); /* protocol version, device version */
        writer_u8(&w, k->config.fault == KEY_FAULT_U2F_ONLY
                              ? CAPABILITY_WINK
                              : CAPABILITY_WINK | CAPABILITY_CBOR | CAPABILITY_NMSG);
        hid_send(k, cid, HID_INIT, out, w.n);
}

static void message_complete(struct key *k) {
        struct key_hid *h = &k->hid;
        struct bytes message = {h->message, h->total};
        h->receiving = false;
        switch (h->command) {
        case HID_PING:
                key_note(k, "PING", NULL);
                hid_send(k, h->cid, HID_PING, message.p, message.n);
                return;
        case HID_WINK:
                key_note(k, "WINK", NULL);
                hid_send(k, h->cid, HID_WINK, NULL, 0);
                return;
        case HID_CBOR:
                if (k->config.fault != KEY_FAULT_U2F_ONLY) {
                        op_begin(k, message);
                        return;
                }
                break;
        case HID_MSG:
                key_note(k, "MSG", NULL);
                break;
        }
        send_error(k, h->cid, CTAP_INVALID_COMMAND);
}

static void message_part(struct key *k, struct bytes part) {
        struct key_hid *h = &k->hid;
        size_t n = part.n < h->total - h->got ? part.n : h->total - h->got;
        memcpy(h->message + h->got, part.p, n);
        h->got += n;
        h->receive_until_ms = k->now_ms + RECEIVE_TIMEOUT_MS;
        if (h->got == h->total)
                message_complete(k);
}

static void message_begin(struct key *k, uint32_t cid, uint8_t command, size_t total, struct bytes part) {
        struct key_hid *h = &k->hid;
        if (h->receiving && cid == h->cid) {
                h->receiving = false;
                send_error(k, cid, CTAP_INVALID_SEQ);
        } else if (h->receiving || k->op.busy)
                send_error(k, cid, CTAP_CHANNEL_BUSY);
        else if (total > KEY_MESSAGE_MAX)
                send_error(k, cid, CTAP_INVALID_LENGTH);
        else {
                h->cid = cid;
                h->command = command;
                h->total = total;
                h->got = 0;
                h->sequence = 0;
                h->receiving = true;
                message_part(k, part);
        }
}

static void feed_first(struct key *k, uint32_t cid, uint8_t command, struct bytes b) {
        uint16_t total;
        if (bytes_take_u16(&b, &total) < 0)
                return;
        if (command == HID_INIT && (cid == BROADCAST || channel_known(&k->hid, cid)))
                hid_init(k, cid, (struct bytes){b.p, total < b.n ? total : b.n});
        else if (cid == 0 || cid == BROADCAST || !channel_known(&k->hid, cid))
                send_error(k, cid, CTAP_INVALID_CHANNEL);
        else if (command == HID_CANCEL) {
                key_note(k, "CANCEL", NULL);
                if (k->op.busy && cid == k->hid.cid)
                        op_cancel(k);
        } else
                message_begin(k, cid, command, total, b);
}

static void feed_next(struct key *k, uint32_t cid, uint8_t sequence, struct bytes b) {
        struct key_hid *h = &k->hid;
        if (!h->receiving || cid != h->cid)
                return; /* out of nowhere: ignored (11.2.5.4) */
        if (sequence != h->sequence++) {
                h->receiving = false;
                send_error(k, cid, CTAP_INVALID_SEQ);
        } else
                message_part(k, b);
}

void key_feed(struct key *k, uint64_t now_ms, const uint8_t report[KEY_REPORT_SIZE]) {
        struct bytes b = {report, KEY_REPORT_SIZE};
        uint32_t cid;
        uint8_t type;
        key_tick(k, now_ms);
        if (bytes_take_u32(&b, &cid) < 0 || bytes_take_u8(&b, &type) < 0)
                return;
        if (type & HID_FIRST)
                feed_first(k, cid, type & (uint8_t) ~HID_FIRST, b);
        else
                feed_next(k, cid, type, b);
}

bool key_take(struct key *k, uint8_t ret[KEY_REPORT_SIZE]) {
        struct key_hid *h = &k->hid;
        if (h->out_n == 0)
                return false;
        memcpy(ret, h->out[h->out_first], KEY_REPORT_SIZE);
        h->out_first = (h->out_first + 1) % KEY_REPORTS_MAX;
        h->out_n--;
        return true;
}

void hid_tick(struct key *k) {
        struct key_hid *h = &k->hid;
        if (!h->receiving || k->now_ms < h->receive_until_ms)
                return;
        h->receiving = false;
        send_error(k, h->cid, CTAP_TIMEOUT);
}
