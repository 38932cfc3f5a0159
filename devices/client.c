/* SPDX-License-Identifier: Apache-2.0 */
/* The asking side: one connection per operation, events read strictly. wardtap-device is not believed more
 * than a card: what does not belong to the operation, or comes too often, ends it. */
#include "devices/client.h"

#include "common/paths.h"
#include "common/socket.h"
#include "common/util.h"
#include "devices/wire.h"

#include <errno.h>

/* More than a wait for the key, one PIN and the touches of a choice among keys; a flood is no answer. */
#define EVENTS_MAX 12U

struct device_operation {
        int fd;
        enum device_op op;
        unsigned events;
        bool pin_wanted; /* asked for and not answered */
        bool pin_asked;
        bool over; /* its last event was handed out */
};

struct device_operation *device_operation_free(struct device_operation *op) {
        if (!op)
                return NULL;
        closep(&op->fd);
        free(op);
        return NULL;
}

/* Sends. That the other side has ended is no error yet: what it said last is still to be read. */
static int say(int fd, const void *p, size_t n) {
        int r = socket_send(fd, p, n);
        return r == -EPIPE || r == -ECONNRESET ? 0 : r;
}

static int send_request(int fd, const struct device_request *q) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t n;
        device_request_write(&w, q);
        int r = writer_end(&w, &n);
        return r < 0 ? r : say(fd, buf, n);
}

static int operation_start(const struct device_request *q, struct device_operation **ret) {
        if (!device_request_valid(q))
                return -EINVAL;
        _cleanup_(device_operation_freep) struct device_operation *op = calloc(1, sizeof(*op));
        if (!op)
                return -ENOMEM;
        op->fd = -1;
        op->op = q->op;
        int r;
        if ((r = socket_connect(PATH_DEVICE_SOCKET, 0, &op->fd)) < 0 || (r = send_request(op->fd, q)) < 0)
                return r;
        *ret = TAKE_PTR(op);
        return 0;
}

static int copy_ids(struct device_request *q, const struct device_blob *ids, size_t n) {
        if (n > DEVICE_ALLOW_MAX)
                return -EINVAL;
        for (size_t i = 0; i < n; i++) {
                if (ids[i].n == 0 || ids[i].n > DEVICE_CREDENTIAL_ID_MAX)
                        return -EINVAL;
                memcpy(q->ids[i].id, ids[i].p, ids[i].n);
                q->ids[i].n = ids[i].n;
        }
        q->n_ids = n;
        return 0;
}

int device_watch(struct device_operation **ret) {
        struct device_request q = {.op = DEVICE_OP_WATCH};
        return operation_start(&q, ret);
}

int device_watch_keys(struct device_operation **ret) {
        struct device_request q = {.op = DEVICE_OP_WATCH_KEYS};
        return operation_start(&q, ret);
}

int device_identify(const char *reader, unsigned deadline_ms, struct device_operation **ret) {
        struct device_request q = {.op = DEVICE_OP_IDENTIFY, .deadline_ms = deadline_ms};
        int r = text_copy(q.reader, sizeof(q.reader), reader);
        return r < 0 ? r : operation_start(&q, ret);
}

int device_key_info(unsigned deadline_ms, struct device_operation **ret) {
        struct device_request q = {.op = DEVICE_OP_KEY_INFO, .deadline_ms = deadline_ms};
        return operation_start(&q, ret);
}

int device_set_pin(unsigned deadline_ms, struct device_operation **ret) {
        struct device_request q = {.op = DEVICE_OP_SET_PIN, .deadline_ms = deadline_ms};
        return operation_start(&q, ret);
}

int device_make_credential(const struct device_make_request *m, unsigned deadline_ms,
                           struct device_operation **ret) {
        struct device_request q = {.op = DEVICE_OP_MAKE_CREDENTIAL,
                                   .deadline_ms = deadline_ms,
                                   .verify = m->verify,
                                   .set_pin_first = m->set_pin_first,
                                   .protect = m->protect};
        int r;
        if (m->user_id_len == 0 || m->user_id_len > sizeof(q.user_id))
                return -EINVAL;
        if ((r = text_copy(q.rp_id, sizeof(q.rp_id), m->rp_id)) < 0 ||
            (r = text_copy(q.rp_name, sizeof(q.rp_name), m->rp_name)) < 0 ||
            (r = text_copy(q.user_name, sizeof(q.user_name), m->user_name)) < 0 ||
            (r = text_copy(q.user_display_name, sizeof(q.user_display_name), m->user_display_name)) < 0 ||
            (r = copy_ids(&q, m->exclude, m->n_exclude)) < 0)
                return r;
        memcpy(q.client_data_hash, m->client_data_hash, sizeof(q.client_data_hash));
        memcpy(q.user_id, m->user_id, m->user_id_len);
        q.user_id_len = m->user_id_len;
        return operation_start(&q, ret);
}

int device_get_assertion(const struct device_assert_request *a, unsigned deadline_ms,
                         struct device_operation **ret) {
        struct device_request q = {.op = DEVICE_OP_GET_ASSERTION,
                                   .deadline_ms = deadline_ms,
                                   .verify = a->verify,
                                   .protect = a->protect};
        int r;
        if ((r = text_copy(q.rp_id, sizeof(q.rp_id), a->rp_id)) < 0 ||
            (r = copy_ids(&q, a->allow, a->n_allow)) < 0)
                return r;
        memcpy(q.client_data_hash, a->client_data_hash, sizeof(q.client_data_hash));
        return operation_start(&q, ret);
}

int device_fd(const struct device_operation *op) {
        return op->fd;
}

/* Whether this event may come now; counts it. */
static bool is_expected(struct device_operation *op, const struct device_event *e) {
        if (!device_event_belongs(op->op, e->type))
                return false;
        if (!device_op_is_watch(op->op) && ++op->events > EVENTS_MAX)
                return false;
        if (e->type != DEVICE_EVENT_PIN_WANTED)
                return true;
        if (op->pin_asked)
                return false; /* a PIN is never given twice */
        op->pin_asked = op->pin_wanted = true;
        return true;
}

static int fail(struct device_operation *op, enum device_reason reason, int detail,
                struct device_event *ret) {
        op->over = true;
        *ret = (struct device_event){
                .type = DEVICE_EVENT_FAILED, .reason = reason, .retries = -1, .detail = detail};
        return 1;
}

int device_next(struct device_operation *op, struct device_event *ret) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        size_t n;
        if (op->over)
                return -ENODATA;
        int r = socket_receive(op->fd, buf, sizeof(buf), &n);
        if (r == -EAGAIN)
                return 0;
        if (r < 0)
                return fail(op, r == -EMSGSIZE ? DEVICE_BAD_ANSWER : DEVICE_GONE, r, ret);
        struct device_event e;
        r = device_event_read((struct bytes){buf, n}, &e);
        if (r < 0)
                return fail(op, DEVICE_BAD_ANSWER, r, ret);
        if (!is_expected(op, &e))
                return fail(op, DEVICE_BAD_ANSWER, -EPROTO, ret);
        op->over = device_event_is_last(e.type);
        *ret = e;
        return 1;
}

int device_wait(struct device_operation *op, uint64_t deadline_usec, struct device_event *ret) {
        for (;;) {
                int r = device_next(op, ret);
                if (r != 0)
                        return r;
                r = socket_wait(op->fd, deadline_usec);
                if (r < 0)
                        return r;
        }
}

int device_send_pin(struct device_operation *op, const char *pin) {
        uint8_t buf[DEVICE_PIN_MAX + 8];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t n;
        if (!op->pin_wanted || !device_pin_valid(pin))
                return -EINVAL;
        device_pin_write(&w, pin);
        int r = writer_end(&w, &n);
        if (r >= 0)
                r = say(op->fd, buf, n);
        explicit_bzero(buf, sizeof(buf));
        if (r >= 0)
                op->pin_wanted = false;
        return r;
}
