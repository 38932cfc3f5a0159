/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and events as bytes. */
#include "devices/wire.h"

#include "common/util.h"

#include <errno.h>

enum {
        WIRE_PIN = 32,
        WIRE_EVENT = 64, /* + enum device_event_type */
};

static bool ids_valid(const struct device_request *q, size_t least) {
        if (q->n_ids < least || q->n_ids > DEVICE_ALLOW_MAX)
                return false;
        for (size_t i = 0; i < q->n_ids; i++)
                if (q->ids[i].n == 0 || q->ids[i].n > DEVICE_CREDENTIAL_ID_MAX)
                        return false;
        return true;
}

static bool verify_valid(const struct device_request *q) {
        return q->verify == DEVICE_VERIFY_NO || q->verify == DEVICE_VERIFY_YES;
}

static bool text_valid(const char *s, size_t max) {
        return *s && text_is_clean(s, max);
}

bool device_op_is_watch(enum device_op op) {
        return op == DEVICE_OP_WATCH || op == DEVICE_OP_WATCH_KEYS;
}

bool device_key_id_valid(const char *id) {
        return strlen(id) == DEVICE_KEY_ID_SIZE - 1 &&
               strspn(id, "0123456789abcdef") == DEVICE_KEY_ID_SIZE - 1;
}

bool device_request_valid(const struct device_request *q) {
        if (device_op_is_watch(q->op))
                return q->deadline_ms == 0;
        if (q->deadline_ms == 0 || q->deadline_ms > DEVICE_DEADLINE_MAX_MS)
                return false;
        switch (q->op) {
        case DEVICE_OP_KEY_INFO:
        case DEVICE_OP_SET_PIN:
                return true;
        case DEVICE_OP_IDENTIFY:
                return text_valid(q->reader, DEVICE_READER_MAX);
        case DEVICE_OP_GET_ASSERTION:
                return text_valid(q->rp_id, DEVICE_RP_ID_MAX) && verify_valid(q) && ids_valid(q, 1);
        case DEVICE_OP_MAKE_CREDENTIAL:
                return text_valid(q->rp_id, DEVICE_RP_ID_MAX) && verify_valid(q) && ids_valid(q, 0) &&
                       text_is_clean(q->rp_name, DEVICE_RP_NAME_MAX) && q->user_id_len > 0 &&
                       q->user_id_len <= DEVICE_USER_ID_MAX &&
                       text_valid(q->user_name, DEVICE_USER_NAME_MAX) &&
                       text_is_clean(q->user_display_name, DEVICE_USER_NAME_MAX);
        case DEVICE_OP_WATCH:
        case DEVICE_OP_WATCH_KEYS:
        case DEVICE_OP_MAX:
        case DEVICE_OP_INVALID:
                break;
        }
        return false;
}

static void write_ids(struct writer *w, const struct device_request *q) {
        writer_u8(w, (uint8_t) q->n_ids);
        for (size_t i = 0; i < q->n_ids; i++)
                writer_blob(w, q->ids[i].id, q->ids[i].n);
}

static int read_ids(struct bytes *b, struct device_request *q) {
        uint8_t n;
        int r = bytes_take_u8(b, &n);
        if (r < 0)
                return r;
        if (n > DEVICE_ALLOW_MAX)
                return -EBADMSG;
        for (size_t i = 0; i < n; i++)
                if ((r = bytes_take_blob_copy(b, 1, sizeof(q->ids[i].id), q->ids[i].id, &q->ids[i].n)) < 0)
                        return r;
        q->n_ids = n;
        return 0;
}

static void write_ceremony(struct writer *w, const struct device_request *q) {
        writer_u8(w, q->verify == DEVICE_VERIFY_YES);
        writer_bytes(w, q->client_data_hash, sizeof(q->client_data_hash));
        writer_string(w, q->rp_id);
        write_ids(w, q);
}

static int read_ceremony(struct bytes *b, struct device_request *q) {
        bool verify;
        int r;
        if ((r = bytes_take_bool(b, &verify)) < 0 ||
            (r = bytes_take_copy(b, q->client_data_hash, sizeof(q->client_data_hash))) < 0 ||
            (r = bytes_take_string(b, q->rp_id, sizeof(q->rp_id))) < 0 || (r = read_ids(b, q)) < 0)
                return r;
        q->verify = verify ? DEVICE_VERIFY_YES : DEVICE_VERIFY_NO;
        return 0;
}

static void write_assert(struct writer *w, const struct device_request *q) {
        write_ceremony(w, q);
        writer_u8(w, q->protect);
}

static int read_assert(struct bytes *b, struct device_request *q) {
        int r = read_ceremony(b, q);
        return r < 0 ? r : bytes_take_bool(b, &q->protect);
}

static void write_make(struct writer *w, const struct device_request *q) {
        write_ceremony(w, q);
        writer_string(w, q->rp_name);
        writer_blob(w, q->user_id, q->user_id_len);
        writer_string(w, q->user_name);
        writer_string(w, q->user_display_name);
        writer_u8(w, q->set_pin_first);
        writer_u8(w, q->protect);
}

static int read_make(struct bytes *b, struct device_request *q) {
        int r;
        if ((r = read_ceremony(b, q)) < 0 ||
            (r = bytes_take_string(b, q->rp_name, sizeof(q->rp_name))) < 0 ||
            (r = bytes_take_blob_copy(b, 1, sizeof(q->user_id), q->user_id, &q->user_id_len)) < 0 ||
            (r = bytes_take_string(b, q->user_name, sizeof(q->user_name))) < 0 ||
            (r = bytes_take_string(b, q->user_display_name, sizeof(q->user_display_name))) < 0 ||
            (r = bytes_take_bool(b, &q->set_pin_first)) < 0)
                return r;
        return bytes_take_bool(b, &q->protect);
}

void device_request_write(struct writer *w, const struct device_request *q) {
        writer_u8(w, DEVICE_WIRE_VERSION);
        writer_u8(w, (uint8_t) q->op);
        writer_u32(w, q->deadline_ms);
        if (q->op == DEVICE_OP_IDENTIFY)
                writer_string(w, q->reader);
        else if (q->op == DEVICE_OP_MAKE_CREDENTIAL)
                write_make(w, q);
        else if (q->op == DEVICE_OP_GET_ASSERTION)
                write_assert(w, q);
}

/* Version and type, the head of every message. */
static int take_head(struct bytes *b, uint8_t *ret_type) {
        uint8_t version;
        int r = bytes_take_u8(b, &version);
        if (r < 0)
                return r;
        if (version != DEVICE_WIRE_VERSION)
                return -EPROTONOSUPPORT;
        return bytes_take_u8(b, ret_type);
}

static int take_request_head(struct bytes *b, enum device_op *ret_op, uint32_t *ret_deadline_ms) {
        uint8_t type;
        uint32_t deadline_ms;
        int r;
        if ((r = take_head(b, &type)) < 0 || (r = bytes_take_u32(b, &deadline_ms)) < 0)
                return r;
        if (type < DEVICE_OP_WATCH || type >= DEVICE_OP_MAX || deadline_ms > DEVICE_DEADLINE_MAX_MS ||
            device_op_is_watch((enum device_op) type) != (deadline_ms == 0))
                return -EBADMSG;
        *ret_op = (enum device_op) type;
        *ret_deadline_ms = deadline_ms;
        return 0;
}

int device_request_peek(struct bytes b, enum device_op *ret_op, uint32_t *ret_deadline_ms) {
        return take_request_head(&b, ret_op, ret_deadline_ms);
}

int device_request_read(struct bytes b, struct device_request *ret) {
        struct device_request q = {.op = DEVICE_OP_INVALID};
        int r = take_request_head(&b, &q.op, &q.deadline_ms);
        if (r < 0)
                return r;
        if (q.op == DEVICE_OP_IDENTIFY)
                r = bytes_take_string(&b, q.reader, sizeof(q.reader));
        else if (q.op == DEVICE_OP_MAKE_CREDENTIAL)
                r = read_make(&b, &q);
        else if (q.op == DEVICE_OP_GET_ASSERTION)
                r = read_assert(&b, &q);
        if (r < 0 || (r = bytes_end(&b)) < 0)
                return r;
        if (!device_request_valid(&q))
                return -EBADMSG;
        *ret = q;
        return 0;
}

bool device_pin_valid(const char *pin) {
        size_t n = strnlen(pin, DEVICE_PIN_MAX + 1), characters = 0;
        for (size_t i = 0; i < n; i++)
                characters += ((unsigned char) pin[i] & 0xc0U) != 0x80U;
        return n <= DEVICE_PIN_MAX && characters >= 4;
}

void device_pin_write(struct writer *w, const char *pin) {
        writer_u8(w, DEVICE_WIRE_VERSION);
        writer_u8(w, WIRE_PIN);
        writer_string(w, pin);
}

int device_pin_read(struct bytes b, char ret[DEVICE_PIN_MAX + 1]) {
        char pin[DEVICE_PIN_MAX + 1] = "";
        uint8_t type;
        int r;
        if ((r = take_head(&b, &type)) == 0)
                r = type != WIRE_PIN ? -EBADMSG : bytes_take_string(&b, pin, sizeof(pin));
        if (r == 0)
                r = bytes_end(&b);
        if (r == 0 && !device_pin_valid(pin))
                r = -EBADMSG;
        if (r == 0)
                memcpy(ret, pin, sizeof(pin));
        explicit_bzero(pin, sizeof(pin));
        return r;
}

static void write_key(struct writer *w, const struct device_key *k) {
        writer_string(w, k->id);
        writer_string(w, k->product);
}

static void write_key_info(struct writer *w, const struct device_key_info *i) {
        writer_bytes(w, i->aaguid, sizeof(i->aaguid));
        writer_u8(w, i->pin_set);
        writer_u8(w, i->uv_set);
        writer_u8(w, i->pin_able);
        writer_u8(w, i->uv_able);
        writer_u8(w, i->pin_retries);
        writer_u8(w, i->min_pin_length);
        writer_string(w, i->product);
}

static int read_key_info(struct bytes *b, struct device_key_info *i) {
        int r;
        if ((r = bytes_take_copy(b, i->aaguid, sizeof(i->aaguid))) < 0 ||
            (r = bytes_take_bool(b, &i->pin_set)) < 0 || (r = bytes_take_bool(b, &i->uv_set)) < 0 ||
            (r = bytes_take_bool(b, &i->pin_able)) < 0 || (r = bytes_take_bool(b, &i->uv_able)) < 0 ||
            (r = bytes_take_u8(b, &i->pin_retries)) < 0 || (r = bytes_take_u8(b, &i->min_pin_length)) < 0 ||
            (r = bytes_take_string(b, i->product, sizeof(i->product))) < 0)
                return r;
        return text_is_clean(i->product, sizeof(i->product)) ? 0 : -EBADMSG;
}

static int read_badge(struct bytes *b, struct device_badge *badge) {
        int r;
        if ((r = bytes_take_string(b, badge->kind, sizeof(badge->kind))) < 0 ||
            (r = bytes_take_blob_copy(b, 4, sizeof(badge->number), badge->number, &badge->number_len)) < 0)
                return r;
        return text_valid(badge->kind, sizeof(badge->kind)) ? 0 : -EBADMSG;
}

static int read_credential(struct bytes *b, struct device_credential *c) {
        int r;
        if ((r = bytes_take_string(b, c->format, sizeof(c->format))) < 0 ||
            (r = bytes_take_blob_copy(b, 1, sizeof(c->authdata), c->authdata, &c->authdata_len)) < 0 ||
            (r = bytes_take_blob_copy(b, 1, sizeof(c->attstmt), c->attstmt, &c->attstmt_len)) < 0)
                return r;
        return text_valid(c->format, sizeof(c->format)) ? 0 : -EBADMSG;
}

static int read_key(struct bytes *b, struct device_key *k) {
        int r;
        if ((r = bytes_take_string(b, k->id, sizeof(k->id))) < 0 ||
            (r = bytes_take_string(b, k->product, sizeof(k->product))) < 0)
                return r;
        return device_key_id_valid(k->id) && text_is_clean(k->product, sizeof(k->product)) ? 0 : -EBADMSG;
}

static int read_assertion(struct bytes *b, struct device_assertion *a) {
        int r;
        if ((r = bytes_take_blob_copy(b, 1, sizeof(a->credential_id), a->credential_id,
                                      &a->credential_id_len)) < 0 ||
            (r = bytes_take_blob_copy(b, 1, sizeof(a->authdata), a->authdata, &a->authdata_len)) < 0 ||
            (r = bytes_take_blob_copy(b, 1, sizeof(a->signature), a->signature, &a->signature_len)) < 0 ||
            (r = bytes_take_string(b, a->device, sizeof(a->device))) < 0)
                return r;
        return !*a->device || device_key_id_valid(a->device) ? 0 : -EBADMSG;
}

static int read_failed(struct bytes *b, struct device_event *e) {
        uint8_t reason, retries;
        uint32_t detail;
        int r;
        if ((r = bytes_take_u8(b, &reason)) < 0 || (r = bytes_take_u8(b, &retries)) < 0 ||
            (r = bytes_take_u32(b, &detail)) < 0)
                return r;
        if (reason == DEVICE_OK || reason >= DEVICE_REASON_MAX)
                return -EBADMSG;
        e->reason = (enum device_reason) reason;
        e->retries = retries == UINT8_MAX ? -1 : retries;
        e->detail = (int32_t) detail;
        return 0;
}

void device_event_write(struct writer *w, const struct device_event *e) {
        writer_u8(w, DEVICE_WIRE_VERSION);
        writer_u8(w, (uint8_t) (WIRE_EVENT + (int) e->type));
        switch (e->type) {
        case DEVICE_EVENT_CARD_INSERTED:
                writer_string(w, e->reader);
                writer_blob(w, e->atr, e->atr_len);
                writer_u64(w, e->seen_usec);
                break;
        case DEVICE_EVENT_READER_ATTACHED:
                writer_string(w, e->reader);
                writer_u8(w, e->present);
                break;
        case DEVICE_EVENT_READER_DETACHED:
        case DEVICE_EVENT_CARD_REMOVED:
                writer_string(w, e->reader);
                break;
        case DEVICE_EVENT_KEY_ATTACHED:
                write_key(w, &e->key);
                writer_u8(w, e->present);
                break;
        case DEVICE_EVENT_KEY_DETACHED:
                write_key(w, &e->key);
                break;
        case DEVICE_EVENT_TOUCH_WANTED:
                writer_u8(w, e->verify);
                break;
        case DEVICE_EVENT_BADGE:
                writer_string(w, e->badge.kind);
                writer_blob(w, e->badge.number, e->badge.number_len);
                break;
        case DEVICE_EVENT_KEY_INFO:
                write_key_info(w, &e->key_info);
                break;
        case DEVICE_EVENT_CREDENTIAL:
                writer_string(w, e->credential.format);
                writer_blob(w, e->credential.authdata, e->credential.authdata_len);
                writer_blob(w, e->credential.attstmt, e->credential.attstmt_len);
                break;
        case DEVICE_EVENT_ASSERTION:
                writer_blob(w, e->assertion.credential_id, e->assertion.credential_id_len);
                writer_blob(w, e->assertion.authdata, e->assertion.authdata_len);
                writer_blob(w, e->assertion.signature, e->assertion.signature_len);
                writer_string(w, e->assertion.device);
                break;
        case DEVICE_EVENT_FAILED:
                writer_u8(w, (uint8_t) e->reason);
                writer_u8(w, e->retries < 0 || e->retries >= UINT8_MAX ? UINT8_MAX : (uint8_t) e->retries);
                writer_u32(w, (uint32_t) e->detail);
                break;
        case DEVICE_EVENT_PCSC_LOST:
        case DEVICE_EVENT_PCSC_READY:
        case DEVICE_EVENT_KEYS_LISTED:
        case DEVICE_EVENT_KEY_WANTED:
        case DEVICE_EVENT_PIN_WANTED:
        case DEVICE_EVENT_DONE:
        case DEVICE_EVENT_TYPE_INVALID:
                break;
        }
}

static int read_reader(struct bytes *b, struct device_event *e) {
        int r = bytes_take_string(b, e->reader, sizeof(e->reader));
        return r < 0 ? r : text_valid(e->reader, DEVICE_READER_MAX) ? 0 : -EBADMSG;
}

static int read_event_body(struct bytes *b, struct device_event *e) {
        int r;
        switch (e->type) {
        case DEVICE_EVENT_CARD_INSERTED:
                if ((r = read_reader(b, e)) < 0 ||
                    (r = bytes_take_blob_copy(b, 0, sizeof(e->atr), e->atr, &e->atr_len)) < 0)
                        return r;
                return bytes_take_u64(b, &e->seen_usec);
        case DEVICE_EVENT_READER_ATTACHED:
                r = read_reader(b, e);
                return r < 0 ? r : bytes_take_bool(b, &e->present);
        case DEVICE_EVENT_READER_DETACHED:
        case DEVICE_EVENT_CARD_REMOVED:
                return read_reader(b, e);
        case DEVICE_EVENT_KEY_ATTACHED:
                r = read_key(b, &e->key);
                return r < 0 ? r : bytes_take_bool(b, &e->present);
        case DEVICE_EVENT_KEY_DETACHED:
                return read_key(b, &e->key);
        case DEVICE_EVENT_TOUCH_WANTED:
                return bytes_take_bool(b, &e->verify);
        case DEVICE_EVENT_BADGE:
                return read_badge(b, &e->badge);
        case DEVICE_EVENT_KEY_INFO:
                return read_key_info(b, &e->key_info);
        case DEVICE_EVENT_CREDENTIAL:
                return read_credential(b, &e->credential);
        case DEVICE_EVENT_ASSERTION:
                return read_assertion(b, &e->assertion);
        case DEVICE_EVENT_FAILED:
                return read_failed(b, e);
        case DEVICE_EVENT_PCSC_LOST:
        case DEVICE_EVENT_PCSC_READY:
        case DEVICE_EVENT_KEYS_LISTED:
        case DEVICE_EVENT_KEY_WANTED:
        case DEVICE_EVENT_PIN_WANTED:
        case DEVICE_EVENT_DONE:
                return 0;
        case DEVICE_EVENT_TYPE_INVALID:
                break;
        }
        return -EBADMSG;
}

int device_event_read(struct bytes b, struct device_event *ret) {
        struct device_event e = {.type = DEVICE_EVENT_TYPE_INVALID, .retries = -1};
        uint8_t type;
        int r = take_head(&b, &type);
        if (r < 0)
                return r;
        if (type <= WIRE_EVENT || type > WIRE_EVENT + DEVICE_EVENT_FAILED)
                return -EBADMSG;
        e.type = (enum device_event_type)(type - WIRE_EVENT);
        if ((r = read_event_body(&b, &e)) < 0 || (r = bytes_end(&b)) < 0)
                return r;
        *ret = e;
        return 0;
}

bool device_event_is_last(enum device_event_type type) {
        return type >= DEVICE_EVENT_BADGE;
}

bool device_event_belongs(enum device_op op, enum device_event_type type) {
        if (type == DEVICE_EVENT_FAILED)
                return true;
        if (op == DEVICE_OP_WATCH)
                return type >= DEVICE_EVENT_READER_ATTACHED && type <= DEVICE_EVENT_PCSC_READY;
        if (op == DEVICE_OP_WATCH_KEYS)
                return type >= DEVICE_EVENT_KEY_ATTACHED && type <= DEVICE_EVENT_KEYS_LISTED;
        if (op == DEVICE_OP_IDENTIFY)
                return type == DEVICE_EVENT_BADGE;
        if (type >= DEVICE_EVENT_KEY_WANTED && type <= DEVICE_EVENT_TOUCH_WANTED)
                return true;
        switch (op) {
        case DEVICE_OP_KEY_INFO:
                return type == DEVICE_EVENT_KEY_INFO;
        case DEVICE_OP_MAKE_CREDENTIAL:
                return type == DEVICE_EVENT_CREDENTIAL;
        case DEVICE_OP_GET_ASSERTION:
                return type == DEVICE_EVENT_ASSERTION;
        case DEVICE_OP_SET_PIN:
                return type == DEVICE_EVENT_DONE;
        default:
                return false;
        }
}
